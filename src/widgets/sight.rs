//! Areas that scroll to what a key has brought the keyboard to.

use egui::scroll_area::ScrollAreaOutput;
use egui::{Context, Id, Key, ScrollArea, Ui, vec2};

use super::theme::{SPACE, SPACE_SMALL};

/// What `add` paints scrolls. Where a key goes on to something out of sight, that comes into sight: the
/// toolkit leaves the keyboard where nobody sees it.
pub fn scrolled_ui<R>(
    ui: &mut Ui,
    area: ScrollArea,
    add: impl FnOnce(&mut Ui) -> R,
) -> ScrollAreaOutput<R> {
    area.show(ui, |ui| {
        let shown = add(ui);
        follow_keyboard(ui);
        shown
    })
}

/// Behind everything that an area scrolls.
fn follow_keyboard(ui: &Ui) {
    let ctx = ui.ctx();
    let focused = ctx.memory(|memory| memory.focused());
    let came = focused.filter(|id| keyboard_came(ctx, *id).is_some());
    let Some(response) = came.and_then(|id| ctx.read_response(id)) else {
        return;
    };
    let within = response.layer_id == ui.layer_id() && ui.min_rect().intersects(response.rect);
    let pointed =
        |input: &egui::InputState| input.pointer.any_down() || input.pointer.any_released();
    if !within || ui.input(pointed) {
        return;
    }
    let view = ui.clip_rect();
    let mut rect = response.rect.expand2(vec2(SPACE_SMALL, SPACE));
    // Of what is larger than the view, the beginning.
    rect.max = rect.max.min(rect.min + view.size());
    if !view.contains_rect(rect) {
        ui.scroll_to_rect(rect, None);
    }
}

/// What had the keyboard at the end of a frame, and whether an arrow key was pressed in it.
#[derive(Clone, Copy)]
struct Had {
    id: Option<Id>,
    arrow: bool,
}

const HAD: &str = "had the keyboard";

/// At the end of a frame, before the keyboard may be sent elsewhere. An arrow key moves it between frames,
/// which the toolkit does not call gaining it.
pub fn note_keyboard(ctx: &Context) {
    let arrows = [
        Key::ArrowUp,
        Key::ArrowDown,
        Key::ArrowLeft,
        Key::ArrowRight,
    ];
    let arrow = ctx.input(|input| arrows.iter().any(|key| input.key_pressed(*key)));
    let id = ctx.memory(|memory| memory.focused());
    ctx.data_mut(|data| data.insert_temp(Id::unique(HAD), Had { id, arrow }));
}

/// Whether the keyboard has come to this in the frame, and if so, whether an arrow key brought it.
pub fn keyboard_came(ctx: &Context, id: Id) -> Option<bool> {
    let now = ctx.memory(|memory| memory.has_focus(id));
    let had: Had = ctx.data(|data| data.get_temp(Id::unique(HAD)))?;
    (now && had.id != Some(id)).then_some(had.arrow)
}
