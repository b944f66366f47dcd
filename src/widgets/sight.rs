//! Areas that scroll to what a key has brought the keyboard to.

use egui::scroll_area::ScrollAreaOutput;
use egui::{ScrollArea, Ui, vec2};

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
    let Some(response) = focused.and_then(|id| ctx.read_response(id)) else {
        return;
    };
    let within = response.layer_id == ui.layer_id() && ui.min_rect().intersects(response.rect);
    let pointed =
        |input: &egui::InputState| input.pointer.any_down() || input.pointer.any_released();
    if !response.gained_focus() || !within || ui.input(pointed) {
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
