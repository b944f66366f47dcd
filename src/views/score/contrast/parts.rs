//! The difference by dimensions, by heads and feed-forwards, and layer by layer.

use egui::Ui;

use super::derive::{Inside, Outline};
use super::{colors, sums_ui};
use crate::analysis::similarity::contrast::Contrast;
use crate::app::command::Command;
use crate::app::state::Focus;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::score::components::select;
use crate::views::subject::section_ui;
use crate::widgets::{Cell, Column, Table};

/// Rows of a table.
const FEW: usize = 10;

const COLUMNS: [Column; 2] = [
    Column {
        title: "part",
        width: 92.,
        grow: 0.4,
        right: false,
    },
    Column {
        title: "adds to A·B − A·C",
        width: 176.,
        grow: 1.,
        right: true,
    },
];

const LAYERS: [Column; 4] = [
    Column {
        title: "after",
        width: 52.,
        grow: 0.1,
        right: false,
    },
    Column {
        title: "A·B",
        width: 62.,
        grow: 0.,
        right: true,
    },
    Column {
        title: "A·C",
        width: 62.,
        grow: 0.,
        right: true,
    },
    Column {
        title: "A·B − A·C",
        width: 130.,
        grow: 1.,
        right: true,
    },
];

/// A bar towards B or C.
fn bar(cx: &ViewContext<'_>, value: f64, largest: f64) -> Cell {
    let (b, c) = colors(cx);
    Cell::Signed {
        figure: four(value),
        share: (value / largest.max(f64::MIN_POSITIVE)) as f32,
        color: if value >= 0. { b } else { c },
    }
}

/// The parts of A that add most; returns which was hovered and which clicked.
fn top_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    name: &str,
    contrast: &Contrast,
    chosen: Option<usize>,
) -> (Option<usize>, Option<usize>) {
    let order = contrast.a.top(FEW, |_| true);
    let largest = order.first().map_or(0., |&i| contrast.a.values[i].abs());
    let table = Table {
        name,
        columns: &COLUMNS,
        rows: order.len(),
        focus: None,
        locked: order.iter().position(|&i| Some(i) == chosen),
    };
    let response = table.ui(ui, |row, column| match column {
        0 => Cell::Text(contrast.a.names[order[row]].clone()),
        _ => bar(cx, contrast.a.values[order[row]], largest),
    });
    let part = |row: usize| order.get(row).copied();
    (
        response.hovered.and_then(part),
        response.clicked.and_then(part),
    )
}

pub fn dimensions_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, outline: &Outline) {
    section_ui(
        ui,
        "Dimensions",
        "of the sentence vectors: a_k·b_k/(|a||b|) − a_k·c_k/(|a||c|)",
    );
    let contrast = &outline.dimensions;
    let name = "Dimensions by what they add to the difference";
    let (hovered, clicked) = top_ui(ui, cx, name, contrast, cx.locked.dimension);
    let text = outline.key.score.texts.0;
    let focus = |k: usize| Focus {
        dimension: Some(k),
        ..Focus::text(text)
    };
    cx.point(hovered.map(focus), clicked.map(focus));
    sums_ui(ui, cx, contrast);
}

pub fn components_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, inside: &Inside) {
    let name = "Heads and feed-forwards by what they add to the difference";
    let (_, clicked) = top_ui(ui, cx, name, &inside.components, None);
    if let Some(part) = clicked {
        select(cx, inside.writers.get(part).copied());
    }
    sums_ui(ui, cx, &inside.components);
}

pub fn layers_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, outline: &Outline) {
    section_ui(
        ui,
        "Layer by layer",
        "both cosines if the model ended there, and what lies between them",
    );
    let layers = &outline.layers;
    let difference = layers.difference();
    let largest = difference.iter().fold(0_f64, |most, x| most.max(x.abs()));
    let table = Table {
        name: "Difference after each layer",
        columns: &LAYERS,
        rows: layers.names.len(),
        focus: None,
        locked: Some(cx.layer() + 1),
    };
    let response = table.ui(ui, |row, column| match column {
        0 => Cell::Text(layers.names[row].clone()),
        1 => Cell::Figure(four(layers.ab[row])),
        2 => Cell::Figure(four(layers.ac[row])),
        _ => bar(cx, difference[row], largest),
    });
    let layer = response.clicked.and_then(|row| row.checked_sub(1));
    // The last row is the score.
    if let Some(layer) = layer.filter(|&layer| layer + 2 < layers.names.len()) {
        cx.send(Command::SelectLayer(layer));
    }
}
