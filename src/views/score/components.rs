//! The score by what wrote into the residual stream.

use egui::{Ui, vec2};

use super::derive::Grid;
use super::matrix::sums_ui;
use crate::analysis::similarity::components::Writer;
use crate::app::command::Command;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::subject::{beyond_note, bulk_scale, largest_of, note_ui};
use crate::widgets::{Cell, Column, Heatmap, HeatmapTexture, SPACE, Scale, Table, legend_ui};

/// The map's height at most, in points.
const HEIGHT: f32 = 560.;
/// Writers that are named.
const NAMED: usize = 12;
/// At this end of the scale, ±1 is a colour of medium strength.
const BAR: f32 = 1.8;

const COLUMNS: [Column; 3] = [
    Column {
        title: "writer",
        width: 88.,
        grow: 0.2,
        right: false,
    },
    Column {
        title: "adds in A",
        width: 112.,
        grow: 0.6,
        right: true,
    },
    Column {
        title: "adds in B",
        width: 112.,
        grow: 0.6,
        right: true,
    },
];

/// The map of writers by writers, and the largest of them.
pub fn components_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (grid, writers): (&Grid, &[Writer]),
    texture: &mut HeatmapTexture,
) {
    // The embedding's own pair often outweighs all others together.
    let scale = bulk_scale(&grid.cells);
    let width = ui.available_width();
    let chosen = Writer::Head {
        layer: cx.layer(),
        head: cx.head(),
    };
    let chosen = writers.iter().position(|writer| *writer == chosen);
    let (rows, columns) = (grid.rows.labels.len(), grid.columns.labels.len());
    let map = Heatmap::new(
        "Components of A and B",
        grid.key,
        rows,
        columns,
        &grid.cells,
        scale,
    )
    .row_labels(&grid.rows.labels)
    .column_labels(&grid.columns.labels)
    .secondary_rows(&grid.rows.secondary)
    .secondary_columns(&grid.columns.secondary)
    .row_axis("A")
    .column_axis("B")
    .fit(vec2(width, HEIGHT.min(width)))
    .focus_row(chosen)
    .dimmed(!grid.totals.holds());
    let response = map.ui(ui, texture);
    if let Some((row, _)) = response.clicked {
        select(cx, writers.get(row).copied());
    }
    legend_ui(ui, &scale, "added by a pair");
    if let Some(note) = beyond_note(&scale, largest_of(&grid.cells)) {
        note_ui(ui, note);
    }
    sums_ui(ui, cx, &grid.totals);
    ui.add_space(SPACE);
    largest_ui(ui, cx, grid, writers, chosen);
}

/// The writers whose rows and columns add most.
fn largest_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    grid: &Grid,
    writers: &[Writer],
    chosen: Option<usize>,
) {
    let sums = |index: usize| (grid.rows.sums[index], grid.columns.sums[index]);
    let size = |index: usize| sums(index).0.abs() + sums(index).1.abs();
    let mut order: Vec<usize> = (0..grid.rows.sums.len().min(grid.columns.sums.len())).collect();
    order.sort_by(|&i, &j| size(j).total_cmp(&size(i)));
    order.truncate(NAMED);
    let largest = order.iter().fold(f64::MIN_POSITIVE, |most, &i| {
        most.max(sums(i).0.abs()).max(sums(i).1.abs())
    });
    let table = Table {
        name: "Writers by what they add",
        columns: &COLUMNS,
        rows: order.len(),
        focus: None,
        locked: order.iter().position(|&index| Some(index) == chosen),
    };
    let theme = cx.theme;
    let bar = |sum: f64| Cell::Bar {
        figure: four(sum),
        share: (sum.abs() / largest) as f32,
        color: Scale::signed(BAR).color(theme, sum.signum() as f32),
    };
    let response = table.ui(ui, |row, column| match column {
        0 => Cell::Text(grid.rows.labels[order[row]].clone()),
        1 => bar(sums(order[row]).0),
        _ => bar(sums(order[row]).1),
    });
    if let Some(row) = response.clicked {
        let writer = order.get(row).and_then(|&index| writers.get(index));
        select(cx, writer.copied());
    }
}

/// Shows a writer's layer, and its head where it is one, in the other panels.
pub fn select(cx: &mut ViewContext<'_>, writer: Option<Writer>) {
    match writer {
        Some(Writer::Head { layer, head }) => {
            cx.send(Command::SelectLayer(layer));
            cx.send(Command::SelectHead(head));
        }
        Some(Writer::Ffn { layer } | Writer::Convolution { layer }) => {
            cx.send(Command::SelectLayer(layer))
        }
        Some(Writer::Embedding) | None => {}
    }
}
