//! A switch for a part of the encoder, beside where that part is shown.

use egui::{Button, Context, Id, Response, Role, Ui, WidgetInfo};

use super::ViewContext;
use crate::app::command::Command;
use crate::app::state::Side;
use crate::model::intervention::{Intervention, Scope};

/// The scope of a change in one of the two texts alone.
pub fn scope_of(side: Side) -> Scope {
    match side {
        Side::A => Scope::A,
        Side::B => Scope::B,
    }
}

/// Switches a part off, or on again where it is off; true when it was pressed. `name` is what the part is
/// called.
pub fn switch_off_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    name: &str,
    what: Intervention,
    scope: Scope,
) -> bool {
    let all = &cx.state.interventions;
    let there = all.find(&what);
    // Nothing is off in the second model: changes are made to the first alone.
    let can = !cx.is_reference;
    let off = can && there.is_some_and(|index| all.0[index].on);
    let label = match off {
        true => format!("Switch {name} on again"),
        false => format!("Switch {name} off"),
    };
    let response = ui.add_enabled(can, Button::new(&label).selected(off));
    response.widget_info(|| WidgetInfo::selected(Role::Button, can, off, &label));
    let about = "Runs the model without it: every panel and the score follow";
    let response = response.on_disabled_hover_text("Changes are made to the first model alone");
    let pressed = response.on_hover_text(about).clicked();
    if pressed {
        let next = match there.filter(|_| off) {
            Some(index) => all.without(index),
            None => all.with(what, scope),
        };
        cx.send(Command::SetInterventions(next));
    }
    pressed
}

/// Notes that the pointer or the keyboard is on a head, for the menu of what can be done there.
pub fn hover_head(response: &Response, layer: usize, head: usize) {
    let frame = response.ctx.cumulative_frame_nr();
    let data =
        |data: &mut egui::util::IdTypeMap| data.insert_temp(Id::unique(HEAD), (frame, layer, head));
    response.ctx.data_mut(data);
}

/// The head (layer, head) that the pointer or the keyboard is on in this frame.
pub(crate) fn hovered_head(ctx: &Context) -> Option<(usize, usize)> {
    let (frame, layer, head): (u64, usize, usize) =
        ctx.data(|data| data.get_temp(Id::unique(HEAD)))?;
    (frame == ctx.cumulative_frame_nr()).then_some((layer, head))
}

const HEAD: &str = "hovered head";
