//! The middle: panels in tiles, each in the same frame.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{Ui, WidgetText};
use egui_tiles::{Behavior, SimplificationOptions, TabState, TileId, Tiles, UiResponse};

use super::export::export_ui;
use crate::app::areas::{Area, Areas};
use crate::app::command::Command;
use crate::app::export::table;
use crate::app::state::{Focus, Side, State};
use crate::engine::Engine;
use crate::model::Model;
use crate::views::difference;
use crate::views::{self, Panel, TextView, View, ViewContext};
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
    pub painted: &'a mut HashMap<&'static str, egui::Vec2>,
    pub areas: &'a mut Areas,
    /// The panel that was shown last, where the keyboard goes first.
    pub last: Option<&'static str>,
}

impl Panels<'_> {
    /// A panel with its surroundings of now; none where there is no such panel.
    pub fn with<R>(
        &mut self,
        id: &str,
        theme: Theme,
        act: impl FnOnce(&'static Panel, &mut dyn View, &mut ViewContext<'_>) -> R,
    ) -> Option<R> {
        let panel = views::find(id)?;
        let view = self.views.get_mut(id)?;
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
        Some(act(panel, &mut **view, &mut cx))
    }

    /// One panel with its frame: what it shows, whose text, and its menus.
    pub fn panel_ui(&mut self, ui: &mut Ui, id: &str) {
        let size = ui.available_size();
        if let Some(panel) = views::find(id) {
            self.areas.note_panel(panel.id, ui.max_rect());
            if self.last.is_none_or(|last| last == panel.id) {
                self.areas.enter(ui, Area::Panel);
            }
            self.painted.insert(panel.id, size);
        }
        self.with(id, Theme::of(ui), |panel, view, cx| {
            let _span = tracing::trace_span!("panel", of = panel.id).entered();
            let frame = egui::Frame::new().inner_margin(SPACE);
            frame.show(ui, |ui| {
                ui.horizontal(|ui| {
                    if panel.one_text {
                        sides_ui(ui, cx, panel);
                    }
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        buttons_ui(ui, panel, view, cx);
                        let both = difference::is_shown(panel, cx.state.difference);
                        let left = egui::Layout::left_to_right(egui::Align::Center);
                        // The text's start takes what room is left.
                        if both {
                            ui.with_layout(left, |ui| difference::texts_ui(ui, cx));
                        } else if let Some(viewed) = cx.viewed().filter(|_| panel.one_text) {
                            let text = egui::RichText::new(&*viewed.text).weak();
                            ui.with_layout(left, |ui| {
                                ui.add(egui::Label::new(text).truncate());
                            });
                        }
                    });
                });
                match cx.texts.is_empty() {
                    true => {
                        ui.weak("Add a text on the left to see it here.");
                    }
                    false => view.ui(ui, cx),
                }
            });
        });
    }

    /// One panel as it is exported: under its title, without controls around it.
    pub fn picture_ui(&mut self, ui: &mut Ui, id: &str) {
        self.with(id, Theme::of(ui), |panel, view, cx| {
            let frame = egui::Frame::new().inner_margin(2. * SPACE);
            frame.show(ui, |ui| {
                ui.horizontal(|ui| {
                    let title = egui::RichText::new(panel.title);
                    ui.label(title.text_style(egui::TextStyle::Heading));
                    if difference::is_shown(panel, cx.state.difference) {
                        difference::texts_ui(ui, cx);
                    } else if let Some(viewed) = cx.viewed().filter(|_| panel.one_text) {
                        let side = cx.state.side;
                        let color = match side {
                            Side::A => cx.theme.a(),
                            Side::B => cx.theme.b(),
                        };
                        ui.label(egui::RichText::new(side.name()).strong().color(color));
                        let text = egui::RichText::new(&*viewed.text).weak();
                        ui.add(egui::Label::new(text).truncate());
                    }
                });
                view.ui(ui, cx);
            });
        });
    }
}

/// On the right of a panel's header, from the right: what it is, its figures, its files.
fn buttons_ui(ui: &mut Ui, panel: &'static Panel, view: &dyn View, cx: &mut ViewContext<'_>) {
    let button = ui.menu_button("?", |ui| {
        ui.set_width(340.);
        ui.strong(panel.title);
        ui.label(panel.about);
    });
    let name = format!("What am I looking at in {}?", panel.title);
    button
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    export_ui(ui, panel, view, cx);
    let copy = ui
        .small_button("Copy")
        .on_hover_text("Copy the figures as tab-separated values");
    // Writing the figures out takes longer than a frame has, so only when asked.
    if copy.clicked()
        && let Some(tsv) = view.tsv(cx)
    {
        cx.send(Command::Copy(table::tsv(&tsv)));
    }
}

/// Which of the two texts the panels of one text show, or what one has more of than the other.
fn sides_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, panel: &Panel) {
    let both = difference::is_shown(panel, cx.state.difference);
    for side in [Side::A, Side::B] {
        let color = match side {
            Side::A => cx.theme.a(),
            Side::B => cx.theme.b(),
        };
        let on = cx.state.side == side && !both;
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
    difference::button_ui(ui, cx, panel);
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
