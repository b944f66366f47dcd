//! The small windows over the others, and how the keyboard gets into them and closes them.

use egui::{Context, FocusDirection, Id, Key, LayerId, Modifiers, Order, Popup, Ui};

use super::App;
use super::command::Command;

/// A small window that stays open beside the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floating {
    Log,
    Preferences,
    Models,
}

impl Floating {
    const ALL: [Self; 3] = [Self::Log, Self::Preferences, Self::Models];

    pub fn id(self) -> Id {
        Id::unique(("floating", self as usize))
    }

    /// Below the menus, in the middle.
    pub fn place(ctx: &Context, width: f32) -> egui::Pos2 {
        const BELOW: f32 = 130.;
        let window = ctx.content_rect();
        let x = (window.center().x - 0.5 * width).max(window.left());
        egui::pos2(x, window.top() + BELOW.min(0.2 * window.height()))
    }

    /// At the beginning of what is in it: whoever opened it goes on in it by the keyboard.
    pub fn enter_ui(self, ui: &Ui) {
        let layer = LayerId::new(Order::Middle, self.id());
        let (opened, before) = (self.id().with("opened"), self.id().with("beginning"));
        if !ui.memory(|memory| memory.areas().visible_last_frame(&layer)) {
            ui.data_mut(|data| data.insert_temp(opened, ()));
        }
        // While it is measured nothing in it takes the keyboard.
        if ui.is_sizing_pass() || ui.data_mut(|data| data.remove_temp::<()>(opened)).is_none() {
            return;
        }
        ui.memory_mut(|memory| {
            memory.request_focus(before);
            memory.move_focus(FocusDirection::Next);
            memory.interested_in_focus(before, layer);
        });
    }

    fn hide(self) -> Command {
        match self {
            Self::Log => Command::ShowLog(false),
            Self::Preferences => Command::ShowPreferences(false),
            Self::Models => Command::ShowModels(false),
        }
    }
}

impl App {
    /// Escape closes the one in front where it has the keyboard, or nothing is held that Escape lets go of.
    pub(super) fn escape_floating(&mut self, ctx: &Context) {
        let front = ctx.memory(|memory| memory.areas().top_layer_id(Order::Middle));
        // As of the frame before: by now Escape has taken the keyboard from whatever had it.
        let focused = ctx.memory(|memory| memory.focused());
        let at = focused.and_then(|id| ctx.read_response(id));
        let holds = at.is_some_and(|response| Some(response.layer_id) == front);
        let held = std::mem::replace(&mut self.windows.in_front, holds);
        let shown = |window: &Floating| match window {
            Floating::Log => self.windows.log,
            Floating::Preferences => self.windows.preferences,
            Floating::Models => self.manager.open,
        };
        let mut open = Floating::ALL.into_iter().filter(shown);
        let closes = open.find(|window| front.is_some_and(|layer| layer.id == window.id()));
        if let Some(window) = closes
            && (held || self.state.locked.is_empty())
            && !Popup::is_any_open(ctx)
            && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
        {
            self.commands.push(window.hide());
            self.areas.note_release();
        }
    }
}
