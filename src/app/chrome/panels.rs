//! The middle: panels in tiles, each in the same frame.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{Id, Ui, WidgetText};
use egui_tiles::{
    Behavior, EditAction, SimplificationOptions, TabState, Tile, TileId, Tiles, UiResponse,
};

use super::columns::{Column, Slot, columns, columns_ui};
use super::header::{header_ui, title_ui};
use crate::app::areas::{Area, Areas};
use crate::app::command::Command;
use crate::app::export::{NamedArray, table};
use crate::app::state::{Beside, Focus, Side, State};
use crate::engine::Engine;
use crate::model::Model;
use crate::views::beside::{Models, TextPartners, across, alike};
use crate::views::scroll::picture_ui;
use crate::views::{self, Panel, TextView, View, ViewContext};
use crate::widgets::keyboard_came;
use crate::widgets::theme::{SPACE, SPACE_SMALL, Theme};

/// What each column of each panel remembers.
pub type Views = HashMap<(&'static str, Slot), Box<dyn View>>;

/// Paints the panels of a layout.
pub struct Panels<'a> {
    pub state: &'a State,
    pub engine: &'a Engine,
    pub model: &'a Arc<Model>,
    pub texts: &'a [TextView],
    /// The texts as the reference model sees them.
    pub second: &'a [TextView],
    /// As the window keeps it: in places of either model's passes.
    pub focus: Focus,
    pub hovered: &'a mut Focus,
    pub commands: &'a mut Vec<Command>,
    pub views: &'a mut Views,
    pub partners: &'a mut TextPartners,
    pub painted: &'a mut HashMap<&'static str, egui::Vec2>,
    pub areas: &'a mut Areas,
    /// The panel that was shown last, where the keyboard goes first.
    pub last: Option<&'static str>,
    /// The panel whose tab is to be scrolled into sight.
    pub asked: Option<String>,
    /// Whether a tab that was dragged has come to another place in this frame.
    pub dropped: bool,
}

impl Panels<'_> {
    /// A panel's first column with its surroundings of now; none where there is no such panel.
    pub fn with<R>(
        &mut self,
        id: &str,
        theme: Theme,
        act: impl FnOnce(&'static Panel, &mut dyn View, &mut ViewContext<'_>) -> R,
    ) -> Option<R> {
        let panel = views::find(id)?;
        let first = columns(panel, self.state)[0];
        self.with_column(panel, first, theme, |view, cx| act(panel, view, cx))
    }

    /// One column of a panel; none where its model is not there.
    pub fn with_column<R>(
        &mut self,
        panel: &'static Panel,
        column: Column,
        theme: Theme,
        act: impl FnOnce(&mut dyn View, &mut ViewContext<'_>) -> R,
    ) -> Option<R> {
        let reference = self.engine.reference();
        let (model, texts) = match column.reference {
            true => (reference.as_ref()?, self.second),
            false => (self.model, self.texts),
        };
        let focus = self.seen_in(column, self.focus, reference.as_ref());
        let locked = self.seen_in(column, self.state.locked, reference.as_ref());
        let view = self.views.entry((panel.id, column.slot));
        let view = view.or_insert_with(panel.make);
        let spoken = (&mut *self.hovered, &mut *self.commands);
        let plain = ViewContext::new(self.state, self.engine, model, texts, focus, theme, spoken);
        let mut cx = ViewContext {
            side: column.side,
            beside: column.beside,
            locked,
            is_reference: column.reference,
            reference: reference.as_ref().filter(|_| !column.reference),
            ..plain
        };
        Some(act(&mut **view, &mut cx))
    }

    /// A focus of the window in places of what a column shows.
    fn seen_in(&mut self, column: Column, focus: Focus, reference: Option<&Arc<Model>>) -> Focus {
        let models = Models {
            texts: self.texts,
            alike: reference.is_some_and(|reference| alike(self.model, reference)),
        };
        let seen = models.seen_by(focus, column.reference);
        if column.beside != Some(Beside::Texts) || seen.text.is_none() {
            return seen;
        }
        let of = |side| {
            let id = self.state.id_of(side)?;
            self.texts.iter().find(|text| text.id == id)
        };
        let (Some(a), Some(b)) = (of(Side::A), of(Side::B)) else {
            return seen;
        };
        let pairing = self.partners.of(self.engine, [a, b]);
        let place = usize::from(column.side == Side::B);
        across(seen, [a.id, b.id], place, pairing.as_deref())
    }

    /// A panel's figures as tab-separated lines: those of each column under a line that names it.
    pub fn tsv(&mut self, id: &str) -> Option<String> {
        let panel = views::find(id)?;
        let columns = columns(panel, self.state);
        let several = columns.len() > 1;
        let mut tables = Vec::new();
        for &column in &columns {
            let made = self.with_column(panel, column, Theme::DARK, |view, cx| {
                let title = several.then(|| column.title(cx));
                (view.tsv(cx), title)
            });
            let Some((Some(tsv), title)) = made else {
                continue;
            };
            tables.extend(
                title.map(|(name, text)| format!("{}\t{}", table::cell(&name), table::cell(&text))),
            );
            tables.push(tsv);
        }
        (!tables.is_empty()).then(|| tables.join("\n"))
    }

    /// A panel's arrays; where there are two columns, under the name of theirs.
    pub fn arrays(&mut self, id: &str) -> Vec<NamedArray> {
        let Some(panel) = views::find(id) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for &column in &columns(panel, self.state) {
            let found = self.with_column(panel, column, Theme::DARK, |view, cx| view.arrays(cx));
            let named = |array: NamedArray| match column.prefix() {
                Some(prefix) => NamedArray {
                    name: format!("{prefix}/{}", array.name),
                    ..array
                },
                None => array,
            };
            all.extend(found.into_iter().flatten().map(named));
        }
        all
    }

    /// One panel with its frame: what it shows, whose text, and its menus.
    pub fn panel_ui(&mut self, ui: &mut Ui, id: &str) {
        let size = ui.available_size();
        let Some(panel) = views::find(id) else { return };
        self.areas.note_panel(panel.id, ui.max_rect());
        if self.last.is_none_or(|last| last == panel.id) {
            self.areas.enter(ui, Area::Panel);
        }
        self.painted.insert(panel.id, size);
        let _span = tracing::trace_span!("panel", of = panel.id).entered();
        let frame = egui::Frame::new().inner_margin(SPACE);
        frame.show(ui, |ui| {
            header_ui(ui, panel, self);
            ui.add_space(SPACE_SMALL);
            match self.texts.is_empty() {
                true => {
                    ui.weak("Add a text on the left to see it here.");
                }
                false => self.body_ui(ui, panel, false),
            }
        });
    }

    /// One panel as it is exported: under its title, without controls around it.
    pub fn picture_ui(&mut self, ui: &mut Ui, id: &str) {
        let Some(panel) = views::find(id) else { return };
        let frame = egui::Frame::new().inner_margin(2. * SPACE);
        frame.show(ui, |ui| {
            self.with(id, Theme::of(ui), |panel, _, cx| title_ui(ui, cx, panel));
            picture_ui(ui, |ui| self.body_ui(ui, panel, true));
        });
    }

    /// What is below the header; a picture has columns however narrow it is.
    fn body_ui(&mut self, ui: &mut Ui, panel: &'static Panel, picture: bool) {
        match columns(panel, self.state)[..] {
            [only] => {
                self.with_column(panel, only, Theme::of(ui), |view, cx| view.ui(ui, cx));
            }
            ref several => columns_ui(ui, self, panel, several, picture),
        }
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

    fn on_tab_button(
        &mut self,
        tiles: &mut Tiles<String>,
        tile: TileId,
        button: egui::Response,
    ) -> egui::Response {
        if matches!(tiles.get(tile), Some(Tile::Pane(panel)) if self.asked.as_ref() == Some(panel))
        {
            button.scroll_to_me(None);
        }
        let name = format!("Close {}", self.tab_title_for_tile(tiles, tile).text());
        let cross = name_cross(&button, name);
        let came = |id| keyboard_came(&button.ctx, id).is_some();
        if came(button.id) || cross.is_some_and(came) {
            button.scroll_to_me(None);
        }
        button
    }

    /// A group of tabs is dragged by the ground behind them, which is nothing to stop at for keys.
    fn is_tile_draggable(&self, tiles: &Tiles<String>, tile: TileId) -> bool {
        !self.areas.keys_alone() || matches!(tiles.get(tile), Some(Tile::Pane(_)))
    }

    fn on_edit(&mut self, action: EditAction) {
        self.dropped |= action == EditAction::TileDropped;
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

/// The cross on a tab, which is called what it closes.
fn name_cross(tab: &egui::Response, name: String) -> Option<Id> {
    let cross = tab.ctx.viewport(|viewport| {
        let widgets = viewport.this_pass.widgets.get_layer(tab.layer_id);
        let last = widgets.last()?;
        (last.id != tab.id && tab.rect.contains_rect(last.rect)).then_some(last.id)
    })?;
    tab.ctx
        .accesskit_node_builder(cross, |node| node.set_label(name));
    Some(cross)
}
