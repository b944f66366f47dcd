//! Both sentences, coloured by what their tokens contribute.

use egui::Ui;

use super::derive::Axis;
use super::mapping::Mapping;
use crate::app::state::Side;
use crate::views::ViewContext;
use crate::views::compare::{beside_side_ui, four};
use crate::views::scroll::{STRIP, in_picture, within_ui};
use crate::widgets::{Piece, Scale, legend_ui, number, token_strip_ui};

/// A's and B's pieces with the marginals of the matrix behind them, on one scale.
pub fn strips_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, mapping: Mapping<'_>) {
    let grid = mapping.grid;
    let scale = Scale::signed(grid.rows.largest().max(grid.columns.largest()) as f32);
    let (row, column) = mapping.marks(cx.focus);
    let locked = mapping.marks(cx.locked);
    let cos = grid.adds_up().then_some(grid.matrix.explains);
    for (side, axis, marks) in [
        (Side::A, &grid.rows, (row, locked.0)),
        (Side::B, &grid.columns, (column, locked.1)),
    ] {
        let (hovered, clicked) = strip_ui(ui, cx, side, axis, scale, cos, marks);
        let focus = |index: usize| match side {
            Side::A => mapping.focus(Some(index), None),
            Side::B => mapping.focus(None, Some(index)),
        };
        cx.point(hovered.map(focus), clicked.map(focus));
    }
    let legend = match cos {
        Some(_) => "added by a token",
        None => "lost without a token",
    };
    legend_ui(ui, &scale, legend);
}

/// Returns what is hovered and what was clicked.
fn strip_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    side: Side,
    axis: &Axis,
    scale: Scale,
    cos: Option<f64>,
    (focus, locked): (Option<usize>, Option<usize>),
) -> (Option<usize>, Option<usize>) {
    let piece = |index: usize| {
        let (label, sum) = (&axis.labels[index], axis.sums[index]);
        Piece {
            label,
            secondary: axis.secondary[index],
            fill: (!sum.is_nan()).then(|| scale.color(cx.theme, sum as f32)),
            note: Some(match cos {
                None if sum.is_nan() => format!("{label} cannot be taken away"),
                Some(cos) => format!("{label} adds {} of {}", number(sum), four(cos)),
                None => format!("without {label} the cosine is {} lower", number(sum)),
            }),
        }
    };
    let pieces: Vec<Piece<'_>> = (0..axis.labels.len()).map(piece).collect();
    let name = format!("What the tokens of {} add to the cosine", side.name());
    beside_side_ui(ui, side, |ui| {
        let strip = |ui: &mut Ui| token_strip_ui(ui, &name, &pieces, focus, locked);
        // The map of the pairs stays near. In a picture nothing can be scrolled.
        let response = match in_picture(ui) {
            true => strip(ui),
            false => within_ui(ui, &name, STRIP, strip),
        };
        (response.hovered, response.clicked)
    })
}
