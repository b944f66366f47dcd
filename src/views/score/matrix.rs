//! The matrix of all pairs, and what it adds up to.

use egui::{RichText, Ui, vec2};

use super::derive::Grid;
use super::mapping::{By, Mapping};
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui, number};

/// Cells are no larger than this, and numbers fit into cells of this size.
const CELL: f32 = 44.;
/// The map's height at most, in points.
const HEIGHT: f32 = 520.;

/// Textures of the matrix by tokens and by words.
#[derive(Default)]
pub struct MatrixState {
    textures: [HeatmapTexture; 2],
}

impl MatrixState {
    pub fn matrix_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, mapping: Mapping<'_>) {
        let grid = mapping.grid;
        let (row, column) = mapping.marks(cx.focus);
        let locked = mapping.marks(cx.state.locked);
        let scale = Scale::signed(grid.matrix.largest() as f32);
        let width = ui.available_width();
        let (rows, columns) = (grid.rows.labels.len(), grid.columns.labels.len());
        let map = Heatmap::new(
            "Token pairs of A and B",
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
        .max_cell(CELL)
        .fit(vec2(width, HEIGHT.min(width.max(240.))))
        .focus_row(row)
        .focus_column(column)
        .locked(locked.0.zip(locked.1))
        .dimmed(!grid.matrix.holds())
        .show_values(true);
        let response = map.ui(ui, &mut self.textures[usize::from(mapping.by == By::Words)]);
        let hovered = match (response.hovered_row, response.hovered_column) {
            (None, None) => None,
            (row, column) => Some(mapping.focus(row, column)),
        };
        let cell = |(row, column)| mapping.focus(Some(row), Some(column));
        cx.point(hovered, response.clicked.map(cell));
        legend_ui(ui, &scale, "added by a pair");
        ui.scope(|ui| sum_ui(ui, cx, grid));
    }
}

/// Σ, the cosine, and what lies between them.
fn sum_ui(ui: &mut Ui, cx: &ViewContext<'_>, grid: &Grid) {
    let matrix = &grid.matrix;
    let color = match matrix.holds() {
        true => cx.theme.foreground(),
        false => cx.theme.warning(),
    };
    let figures = [
        ("Σ", four(matrix.sum()), "all cells added up"),
        ("cos", four(matrix.explains), "what they should add up to"),
        (
            "residual",
            number(matrix.residual()),
            "what they miss of the cosine: Σ − cos",
        ),
        (
            "cancellation κ",
            number(matrix.cancellation()),
            "Σ|C|/|ΣC|: 1 where all pairs pull the same way, large where they cancel each other",
        ),
    ];
    // Lines of text, not rows of buttons.
    ui.spacing_mut().interact_size.y = 0.;
    ui.horizontal_wrapped(|ui| {
        for (name, figure, about) in figures {
            let mut job = egui::text::LayoutJob::default();
            let small = egui::TextStyle::Small.resolve(ui.style());
            let format = |font_id, color| egui::TextFormat {
                font_id,
                color,
                ..Default::default()
            };
            let figures = egui::FontId::monospace(small.size + 1.);
            job.append(name, 0., format(small, cx.theme.secondary()));
            job.append(&figure, 6., format(figures, color));
            ui.add(egui::Label::new(job).extend()).on_hover_text(about);
        }
    });
    if !matrix.holds() {
        let message = format!(
            "The pairs miss the cosine by more than {}, so they do not explain it. Please report this.",
            number(matrix.tolerance)
        );
        ui.label(RichText::new(message).color(cx.theme.warning()));
    }
}
