//! Text fields, and who undoes what is typed into them.

use egui::{Context, EventFilter, Id, Key, Response, Ui};

/// Marks a field whose text is part of the state: the window's own undo takes its typing back.
pub fn mark(ui: &Ui, field: Id) {
    ui.data_mut(|data| data.insert_temp(field, InState));
}

/// Whether a text field has the keyboard that keeps a draft of its own, and undoes that by itself.
pub fn has_own_undo(ctx: &Context) -> bool {
    let focused = ctx.memory(|memory| memory.focused());
    let marked = |id| ctx.data(|data| data.get_temp::<InState>(id).is_some());
    ctx.text_edit_focused() && !focused.is_some_and(marked)
}

/// What a field takes for itself that is left by [`leave_by_escape`]: the arrows, and Escape. Otherwise the
/// keyboard is gone before the frame begins, and with it what was typed since the last one.
pub fn keeps_escape() -> EventFilter {
    EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        tab: false,
        escape: true,
    }
}

/// Lets go of the keyboard on Escape, behind everything that was typed before it.
pub fn leave_by_escape(ui: &Ui, field: &Response) {
    if field.has_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
        field.surrender_focus();
    }
}

#[derive(Clone, Copy)]
struct InState;
