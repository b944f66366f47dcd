//! What is dragged over the window, and what letting go of it does.

use egui::{Align2, Area, Context, Id, LayerId, Order, RichText, Stroke, StrokeKind, vec2};

use crate::app::drops::Hovering;
use crate::app::files::names;
use crate::widgets::dialog_frame;
use crate::widgets::theme::Theme;

/// Edge around the window, in points.
const EDGE: f32 = 2.;

/// A frame around the window and a card in its middle, while something is dragged over it.
pub fn hovering_ui(ctx: &Context, hovering: &Hovering) {
    if hovering.paths.is_empty() {
        return;
    }
    let id = Id::unique("hovered files");
    let area = Area::new(id)
        .order(Order::Tooltip)
        .anchor(Align2::CENTER_CENTER, vec2(0., 0.))
        .interactable(false);
    area.show(ctx, |ui| {
        let theme = Theme::of(ui);
        dialog_frame(ctx).show(ui, |ui| {
            ui.set_max_width(420.);
            ui.label(RichText::new(names(&hovering.paths)).heading());
            match &hovering.told {
                Some(Ok(what)) => ui.label(what),
                Some(Err(why)) => ui.colored_label(theme.error(), why),
                None => ui.weak("…"),
            };
        });
        let edge = ctx.layer_painter(LayerId::new(Order::Tooltip, id.with("edge")));
        let stroke = Stroke::new(EDGE, theme.accent());
        edge.rect_stroke(ctx.content_rect(), 0., stroke, StrokeKind::Inside);
    });
}
