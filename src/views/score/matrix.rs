//! The matrix of all pairs, and what it adds up to.

use egui::{RichText, Ui, vec2};

use super::derive::Grid;
use super::mapping::{By, Mapping};
use crate::analysis::similarity::{EXACT, Totals};
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::subject::note_ui;
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
    /// Each label carries what its row or column adds.
    pub fn matrix_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        name: &str,
        mapping: Mapping<'_>,
    ) {
        let grid = mapping.grid;
        let (row, column) = mapping.marks(cx.focus);
        let locked = mapping.marks(cx.locked);
        let scale = Scale::signed(grid.largest as f32);
        let width = ui.available_width();
        let (rows, columns) = (grid.rows.labels.len(), grid.columns.labels.len());
        let map = Heatmap::new(name, grid.key, rows, columns, &grid.cells, scale)
            .row_labels(&grid.rows.marked)
            .column_labels(&grid.columns.marked)
            .secondary_rows(&grid.rows.secondary)
            .secondary_columns(&grid.columns.secondary)
            .row_axis("A")
            .column_axis("B")
            .max_cell(CELL)
            .fit(vec2(width, HEIGHT.min(width.max(240.))))
            .focus_row(row)
            .focus_column(column)
            .locked(locked.0.zip(locked.1))
            .dimmed(grid.adds_up() && !grid.totals.holds())
            .show_values(true)
            .tooltip(false);
        let response = map.ui(ui, &mut self.textures[usize::from(mapping.by == By::Words)]);
        let hovered = match (response.hovered_row, response.hovered_column) {
            (None, None) => None,
            (row, column) => Some(mapping.focus(row, column)),
        };
        let cell = |(row, column)| mapping.focus(Some(row), Some(column));
        cx.point(hovered, response.clicked.map(cell));
        if let Some(cell) = response.hovered {
            let text = cell_text(grid, cell);
            response.response.on_hover_text_at_pointer(text);
        }
        match grid.adds_up() {
            true => {
                legend_ui(ui, &scale, "added by a pair");
                let largest = grid.totals.largest;
                if largest > 1.01 * grid.largest {
                    let largest = number(largest);
                    note_ui(
                        ui,
                        format!(
                            "colours end where pairs of tokens do; the largest cell is {largest}"
                        ),
                    );
                }
                sums_ui(ui, cx, &grid.totals);
            }
            false => legend_ui(ui, &scale, "by both together"),
        }
    }
}

/// Both tokens, their cell, and how much of the score it is.
fn cell_text(grid: &Grid, (row, column): (usize, usize)) -> String {
    let (a, b) = (&grid.rows.labels[row], &grid.columns.labels[column]);
    let value = grid.matrix.at(row, column);
    let sums = [(a, grid.rows.sums[row]), (b, grid.columns.sums[column])];
    let fixed = sums.iter().find(|(_, alone)| alone.is_nan());
    if let Some((token, _)) = fixed.filter(|_| !grid.adds_up()) {
        return format!("A {a} · B {b}\n{token} cannot be taken away");
    }
    let mut text = format!("A {a} · B {b}\n{}", number(value));
    if grid.adds_up() {
        let share = 100. * value / grid.matrix.explains;
        text.push_str(&format!(" of {}", four(grid.matrix.explains)));
        if share.is_finite() {
            text.push_str(&format!(": {share:.1}%").replace('-', "−"));
        }
    }
    let (of_a, of_b) = (grid.rows.sums[row], grid.columns.sums[column]);
    text.push_str(&format!(
        "\nA {a} Σ {}\nB {b} Σ {}",
        number(of_a),
        number(of_b)
    ));
    if !grid.adds_up() {
        text = text.replace('Σ', "alone");
    }
    text
}

/// Σ, the cosine, and what lies between them.
pub fn sums_ui(ui: &mut Ui, cx: &ViewContext<'_>, totals: &Totals) {
    let color = match totals.holds() {
        true => cx.theme.foreground(),
        false => cx.theme.warning(),
    };
    let figures = [
        ("Σ", four(totals.sum), "all parts added up"),
        ("cos", four(totals.explains), "what they should add up to"),
        (
            "residual",
            number(totals.residual()),
            "what they miss of the cosine: Σ − cos",
        ),
        (
            "cancellation κ",
            totals
                .cancellation
                .map_or_else(|| "none".to_owned(), number),
            "Σ|C|/|ΣC|: 1 where all parts pull the same way, large where they cancel each other",
        ),
    ];
    ui.scope(|ui| {
        // Lines of text, not rows of buttons.
        ui.spacing_mut().interact_size.y = 0.;
        ui.horizontal_wrapped(|ui| {
            for (name, figure, about) in figures {
                figure_ui(ui, cx, (name, &figure), color).on_hover_text(about);
            }
        });
    });
    if !totals.holds() {
        let rest = match totals.tolerance > EXACT {
            true => "More steps would be needed.",
            false => "Please report this.",
        };
        let message = format!(
            "The parts miss the cosine by more than {}, so they do not explain it. {rest}",
            number(totals.tolerance)
        );
        ui.label(RichText::new(message).color(cx.theme.warning()));
    }
}

/// A name and its figure.
pub fn figure_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    (name, figure): (&str, &str),
    color: egui::Color32,
) -> egui::Response {
    let mut job = egui::text::LayoutJob::default();
    let small = egui::TextStyle::Small.resolve(ui.style());
    let format = |font_id, color| egui::TextFormat {
        font_id,
        color,
        ..Default::default()
    };
    let figures = egui::FontId::monospace(small.size + 1.);
    job.append(name, 0., format(small, cx.theme.secondary()));
    job.append(figure, 6., format(figures, color));
    ui.add(egui::Label::new(job).extend())
}
