//! The middle: panels in tiles, each in the same frame.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{Ui, WidgetText};
use egui_tiles::{Behavior, SimplificationOptions, TabState, TileId, Tiles, UiResponse};

use crate::app::areas::{Area, Areas};
use crate::app::command::Command;
use crate::app::state::{Focus, Side, State};
use crate::engine::Engine;
use crate::model::Model;
use crate::views::{self, TextView, View, ViewContext};
use crate::widgets::theme::{SPACE, Theme};

/// Paints the panels of a layout.
pub struct Panels<'a> {
    pub state: &'a State,
    pub engine: &'a Engine,
    pub model: &'a Arc<Model>,
    pub texts: &'a [TextView],
    pub focus: Focus,
    pub hovered: &'a mut Focus,
    pub commands: &'a mut Vec<Command>,
    pub views: &'a mut HashMap<&'static str, Box<dyn View>>,
    pub areas: &'a mut Areas,
    /// The panel that was shown last, where the keyboard goes first.
    pub last: Option<&'static str>,
}

impl Panels<'_> {
    /// One panel with its frame: what it shows, whose text, and its menu.
    pub fn panel_ui(&mut self, ui: &mut Ui, id: &str) {
        let (Some(panel), Some(view)) = (views::find(id), self.views.get_mut(id)) else {
            return;
        };
        let _span = tracing::trace_span!("panel", of = panel.id).entered();
        self.areas.note_panel(panel.id, ui.max_rect());
        if self.last.is_none_or(|last| last == panel.id) {
            self.areas.enter(ui, Area::Panel);
        }
        let theme = Theme::of(ui);
        let reference = self.engine.reference();
        let mut cx = ViewContext::new(
            self.state,
            self.engine,
            self.model,
            self.texts,
            self.focus,
            theme,
            (self.hovered, self.commands),
        )
        .with_reference(reference.as_ref());
        let frame = egui::Frame::new().inner_margin(SPACE);
        frame.show(ui, |ui| {
            ui.horizontal(|ui| {
                if panel.one_text {
                    sides_ui(ui, &mut cx);
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let button = ui.menu_button("?", |ui| {
                        ui.set_width(340.);
                        ui.strong(panel.title);
                        ui.label(panel.about);
                    });
                    let name = format!("What am I looking at in {}?", panel.title);
                    button
                        .response
                        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                    let copy = ui
                        .small_button("Copy")
                        .on_hover_text("Copy the figures as tab-separated values");
                    // Writing the figures out takes longer than a frame has, so only when asked.
                    if copy.clicked()
                        && let Some(tsv) = view.tsv(&cx)
                    {
                        cx.send(Command::Copy(tsv));
                    }
                });
            });
            match cx.texts.is_empty() {
                true => {
                    ui.weak("Add a text on the left to see it here.");
                }
                false => view.ui(ui, &mut cx),
            }
        });
    }
}

/// Which of the two texts the panels of one text show.
fn sides_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    for side in [Side::A, Side::B] {
        let color = match side {
            Side::A => cx.theme.a(),
            Side::B => cx.theme.b(),
        };
        let on = cx.state.side == side;
        let mut text = egui::RichText::new(side.name()).strong();
        if on {
            text = text.color(cx.theme.on(color));
        }
        let mut button = egui::Button::new(text).selected(on);
        if on {
            button = button.fill(color);
        }
        let response = ui.add(button);
        let name = format!("Show text {}", side.name());
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, &name));
        if response.on_hover_text(name).clicked() {
            cx.send(Command::View(side));
        }
    }
    if let Some(viewed) = cx.viewed() {
        ui.add(egui::Label::new(egui::RichText::new(&*viewed.text).weak()).truncate());
    }
}

impl Behavior<String> for Panels<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, pane: &mut String) -> UiResponse {
        ui.push_id(&*pane, |ui| self.panel_ui(ui, pane));
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &String) -> WidgetText {
        views::find(pane)
            .map_or(pane.as_str(), |panel| panel.title)
            .into()
    }

    fn is_tab_closable(&self, tiles: &Tiles<String>, _: TileId) -> bool {
        // The last panel stays, so that there is always somewhere to come back to.
        tiles.tiles().filter(|tile| tile.is_pane()).count() > 1
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..SimplificationOptions::default()
        }
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        1.
    }

    fn tab_outline_stroke(
        &self,
        _: &egui::Visuals,
        _: &Tiles<String>,
        _: TileId,
        _: &TabState,
    ) -> egui::Stroke {
        egui::Stroke::NONE
    }
}
