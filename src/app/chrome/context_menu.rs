//! What can be done with the thing under the pointer, by a right click or the menu key. A shortcut:
//! everything in it is elsewhere, too.

use egui::containers::menu::menu_style;
use egui::{
    Align, Button, Context, Id, Key, LayerId, Layout, Modifiers, Order, Popup, PopupAnchor,
    PopupKind, Pos2, Rect, Ui,
};

use super::context_entries::{Group, Here, groups};
use crate::app::areas::{Area, Areas, seen};
use crate::app::command::Command;
use crate::app::state::{Focus, TextId};
use crate::views::hovered_head;

/// The menu while it is open, and where texts are.
#[derive(Default)]
pub struct ContextMenu {
    open: Option<Open>,
    /// The rows of the list in this frame, for the menu key.
    pub rows: Vec<(TextId, Rect)>,
}

struct Open {
    groups: Vec<Group>,
    at: Pos2,
    /// What has the keyboard back when the menu closes.
    before: Option<Id>,
    /// The first entry has yet to get the keyboard.
    fresh: bool,
}

impl ContextMenu {
    /// Opens where somebody asks for it in this frame, and paints what is open. `hovered` is what the
    /// pointer is on.
    pub fn context_ui(
        &mut self,
        ctx: &Context,
        areas: &Areas,
        hovered: Focus,
        here: &Here<'_>,
    ) -> Vec<Command> {
        if let Some(open) = self.asked(ctx, areas, hovered, here) {
            self.open = Some(open);
            Popup::open_id(ctx, menu_id());
        }
        self.rows.clear();
        let Some(open) = self.open.as_mut() else {
            return Vec::new();
        };
        let (id, mut chosen) = (menu_id(), Vec::new());
        let anchor = PopupAnchor::Position(open.at);
        Popup::new(id, ctx.clone(), anchor, LayerId::background())
            .kind(PopupKind::Menu)
            .layout(Layout::top_down_justified(Align::Min))
            .style(menu_style)
            .accessible_name("What can be done here")
            .open_memory(None)
            .show(|ui| chosen = open.menu_ui(ui));
        if !Popup::is_id_open(ctx, id) || !chosen.is_empty() {
            // A row may have gone with what was chosen; then nothing takes the keyboard.
            if let Some(before) = open.before {
                ctx.memory_mut(|memory| memory.request_focus(before));
            }
            self.open = None;
            Popup::close_id(ctx, id);
            ctx.request_repaint();
        }
        chosen
    }

    fn asked(&self, ctx: &Context, areas: &Areas, hovered: Focus, here: &Here<'_>) -> Option<Open> {
        let (at, focus, head, before) = match by_pointer(ctx) {
            Some(at) => (at, hovered, hovered_head(ctx), None),
            None if menu_key(ctx) => {
                let before = ctx.memory(|memory| memory.focused())?;
                let rect = seen(&ctx.read_response(before)?);
                let focus = match areas.holding(ctx)? {
                    Area::Texts => Focus::text(self.row_at(rect)?),
                    Area::Panel => here.state.locked,
                    _ => return None,
                };
                (rect.left_bottom(), focus, hovered_head(ctx), Some(before))
            }
            None => return None,
        };
        let groups = groups(focus, head, here);
        (!groups.is_empty()).then_some(Open {
            groups,
            at,
            before,
            fresh: before.is_some(),
        })
    }

    /// The text of the row that a widget is in.
    fn row_at(&self, widget: Rect) -> Option<TextId> {
        let at = widget.center();
        let row = self.rows.iter().find(|(_, rect)| rect.contains(at));
        row.map(|(id, _)| *id)
    }
}

/// Where the pointer asked for a menu: on the window itself, not on what lies over it.
fn by_pointer(ctx: &Context) -> Option<Pos2> {
    let at = ctx.input(|input| {
        let pointer = &input.pointer;
        pointer
            .secondary_clicked()
            .then(|| pointer.interact_pos())
            .flatten()
    })?;
    let layer = ctx.layer_id_at(at);
    layer
        .is_none_or(|layer| layer.order == Order::Background)
        .then_some(at)
}

/// Known to the others as an open menu, so that keys are left to it.
fn menu_id() -> Id {
    Id::unique("context menu")
}

fn menu_key(ctx: &Context) -> bool {
    !Popup::is_any_open(ctx)
        && ctx.input_mut(|input| {
            input.consume_key(Modifiers::NONE, Key::Menu)
                || input.consume_key(Modifiers::SHIFT, Key::F10)
        })
}

impl Open {
    fn menu_ui(&mut self, ui: &mut Ui) -> Vec<Command> {
        let mut chosen = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            ui.weak(&group.title);
            for entry in &group.entries {
                let enabled = !entry.commands.is_empty();
                let response = ui.add_enabled(enabled, Button::new(&entry.text));
                let response = response
                    .on_hover_text(&entry.about)
                    .on_disabled_hover_text(&entry.about);
                if enabled && self.fresh {
                    response.request_focus();
                    self.fresh = false;
                }
                if response.clicked() {
                    chosen.clone_from(&entry.commands);
                }
            }
        }
        chosen
    }
}
