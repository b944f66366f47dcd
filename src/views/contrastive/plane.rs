//! The batch in the plane of its largest variance, with what the loss pulls on.

use egui::{Label, RichText, Ui, vec2};

use super::derive::{Pairs, Seen};
use crate::analysis::geometry::PairSpace;
use crate::app::state::Focus;
use crate::views::ViewContext;
use crate::views::compare::color_of;
use crate::views::subject::note_ui;
use crate::widgets::{SPACE, ScatterMarks, ScatterPoint, marked_scatter_ui, number};

/// The plane's height at most, in points.
const HEIGHT: f32 = 420.;

pub fn plane_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, pairs: &Pairs, seen: &Seen) {
    let Ok(space) = &pairs.space else { return };
    let points = points(cx, pairs, space);
    let arrow = |pull: &[f64; 2]| pull.map(|x| (x * seen.factor) as f32);
    let arrows: Vec<[f32; 2]> = seen.pulls.iter().map(arrow).collect();
    let links: Vec<(usize, usize)> = (0..pairs.len()).map(|i| (i, pairs.len() + i)).collect();
    let marks = ScatterMarks {
        links: &links,
        arrows: &arrows,
    };
    let focus = pairs.texts.iter().position(|&id| Some(id) == cx.focus.text);
    let width = ui.available_width();
    let size = vec2(width, (0.85 * width).min(HEIGHT));
    let name = "The batch in two dimensions, with the pull of the loss";
    let response = marked_scatter_ui(ui, name, &points, marks, size, focus);
    let focus = |index: usize| pairs.texts.get(index).map(|&id| Focus::text(id));
    cx.point(
        response.hovered.and_then(focus),
        response.clicked.and_then(focus),
    );
    let [x, y] = space
        .plane
        .shares
        .map(|share| format!("{:.0}%", 100. * share));
    note_ui(
        ui,
        format!("→ {x} of the variance, ↑ {y}; thin lines join partners"),
    );
    let arrows = match seen.factor > 0. {
        true => format!(
            "arrows: −∂loss/∂vector × {}, the same factor for all",
            number(seen.factor)
        ),
        false => "no arrows: nothing in this plane is pulled on".to_owned(),
    };
    note_ui(ui, arrows).on_hover_text(
        "The way of steepest descent of each text's unit vector, as far as this plane shows it. The \
         factor makes the longest arrow a fifth of the plane, so their lengths can be compared with \
         one another, but not between temperatures.",
    );
    figures_ui(ui, cx, space);
}

/// Two figures that do not depend on the temperature.
fn figures_ui(ui: &mut Ui, cx: &ViewContext<'_>, space: &PairSpace) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2. * SPACE;
        for (name, value, about) in [
            (
                "Alignment",
                space.alignment,
                "Mean ‖u − v‖² of the pairs' unit vectors (Wang & Isola 2020)",
            ),
            (
                "Uniformity",
                space.uniformity,
                "ln of the mean of exp(−2‖u − v‖²) over all pairs of the batch's unit vectors (Wang \
                 & Isola 2020)",
            ),
        ] {
            let text = format!("{name} {}", number(value));
            let text = RichText::new(text).monospace().color(cx.theme.foreground());
            ui.add(Label::new(text).extend()).on_hover_text(about);
        }
    });
    note_ui(
        ui,
        "Alignment: how far apart partners are; 0 is the same place. Uniformity: how evenly all \
         texts are spread; lower is more evenly. A good model is low in both.",
    );
}

fn points(cx: &ViewContext<'_>, pairs: &Pairs, space: &PairSpace) -> Vec<ScatterPoint> {
    let texts = pairs.texts.iter().zip(&space.plane.points);
    texts
        .zip(pairs.names(cx))
        .map(|((&id, point), label)| ScatterPoint {
            x: point[0] as f32,
            y: point[1] as f32,
            label,
            color: cx
                .text(id)
                .map_or(cx.theme.secondary(), |text| color_of(cx, cx.theme, text)),
            radius: 4.,
        })
        .collect()
}
