//! Text fields, and who undoes what is typed into them.

use egui::{Context, Id, Ui};

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

#[derive(Clone, Copy)]
struct InState;
