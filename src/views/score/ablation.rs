//! What the score loses without each head and each feed-forward.

use egui::{Ui, vec2};
use serde::{Deserialize, Serialize};

use super::components::select;
use super::derive::Grid;
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::ablation::Ablation;
use crate::analysis::similarity::components::Writer;
use crate::views::ViewContext;
use crate::views::intervene::hover_head;
use crate::views::recorded::{keep_ui, kept_ui, switch_ui};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui, number};

/// Numbers fit into cells of this size.
const CELL: f32 = 44.;
/// The map's height at most, in points.
const HEIGHT: f32 = 520.;

/// Where no cell reaches this they would all read as 0.
const READABLE: f64 = 0.005;

/// Which text a part is taken out of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum From {
    #[default]
    Both,
    A,
    B,
}

/// The maps with the part taken out of both texts, of A, of B: each [L, H + 1].
pub fn grids(found: &Ablation) -> [Grid; 3] {
    [&found.both, &found.a, &found.b].map(|values| {
        let matrix = PairMatrix {
            values: values.clone(),
            rows: found.rows(),
            columns: found.columns(),
            explains: f64::NAN,
            tolerance: f64::NAN,
            seconds: found.seconds,
        };
        let (rows, columns) = (vec![false; found.layers], vec![false; found.heads + 1]);
        Grid::new(matrix, &rows, &columns)
    })
}

/// The map that was chosen; returns which.
pub fn ablation_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (found, grids): (&Ablation, &[Grid; 3]),
    texture: &mut HeatmapTexture,
) -> From {
    let mut from = kept_ui(ui, From::default());
    ui.horizontal_wrapped(|ui| {
        let choices = [
            (From::Both, "out of both", "Without the part in both texts"),
            (From::A, "out of A", "Without the part in A alone"),
            (From::B, "out of B", "Without the part in B alone"),
        ];
        switch_ui(ui, &mut from, &choices);
    });
    keep_ui(ui, from);
    let grid = &grids[from as usize];
    let scale = Scale::signed(grid.totals.largest as f32);
    let width = ui.available_width();
    let map = Heatmap::new(
        "Ablation of heads and feed-forwards",
        grid.key,
        found.layers,
        found.heads + 1,
        &grid.cells,
        scale,
    )
    .row_labels(&grid.rows.labels)
    .column_labels(&grid.columns.labels)
    .row_axis("layer")
    .max_cell(CELL)
    .fit(vec2(width, HEIGHT.min(width)))
    .locked(Some((cx.layer(), cx.head())))
    .show_values(grid.totals.largest >= READABLE);
    let response = map.ui(ui, texture);
    let hovered = response.hovered.filter(|(_, part)| *part < found.heads);
    if let Some((layer, head)) = hovered {
        hover_head(&response.response, layer, head);
    }
    if let Some((layer, part)) = response.clicked {
        let writer = match part < found.heads {
            true => Writer::Head { layer, head: part },
            false => Writer::Ffn { layer },
        };
        select(cx, Some(writer));
    }
    legend_ui(ui, &scale, "lost without it");
    if let Some(&(row, column)) = grid.matrix.top(1).first() {
        let text = format!(
            "Most is changed by {} {}: {} of {}.",
            grid.matrix.rows[row],
            grid.matrix.columns[column],
            number(grid.matrix.at(row, column)),
            number(found.cos)
        );
        ui.label(text);
    }
    from
}
