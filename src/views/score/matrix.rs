//! Both sentences coloured by what their tokens contribute, and the matrix of all pairs.

use egui::{RichText, Ui, vec2};

use super::derive::{Axis, Grid, Pairs, Score};
use crate::analysis::similarity::words::Words;
use crate::app::state::{Focus, TextId};
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::switch::switch_ui;
use crate::widgets::{
    Heatmap, HeatmapTexture, Piece, SPACE_SMALL, Scale, legend_ui, number, token_strip_ui,
};

/// Cells are no larger than this, and numbers fit into cells of this size.
const CELL: f32 = 44.;
/// The map's height at most, in points.
const HEIGHT: f32 = 520.;

/// Textures of the matrix by tokens and by words.
#[derive(Default)]
pub struct MatrixState {
    textures: [HeatmapTexture; 2],
}

/// How the axes of the painted grid relate to tokens.
struct Mapping<'a> {
    words: Option<(&'a Words, &'a Words)>,
    texts: (TextId, TextId),
}

impl Mapping<'_> {
    fn first_token(words: Option<&Words>, index: usize) -> Option<usize> {
        match words {
            None => Some(index),
            Some(words) => (index < words.labels.len()).then(|| words.tokens(index).start),
        }
    }

    /// The focus that a cell stands for: a token of A and one of B.
    fn cell(&self, row: Option<usize>, column: Option<usize>) -> Focus {
        let token = |index: Option<usize>, words: Option<&Words>| {
            index.and_then(|index| Self::first_token(words, index))
        };
        let (a, b) = (self.words.map(|w| w.0), self.words.map(|w| w.1));
        match row {
            Some(_) => Focus {
                text: Some(self.texts.0),
                token: token(row, a),
                other: token(column, b),
                ..Focus::default()
            },
            None => Focus {
                text: Some(self.texts.1),
                token: token(column, b),
                ..Focus::default()
            },
        }
    }

    /// The row and the column that a focus points at.
    fn marks(&self, focus: Focus, grid: &Grid) -> (Option<usize>, Option<usize>) {
        let place = |token: Option<usize>, words: Option<&Words>, axis: &Axis| {
            let token = token?;
            let index = match words {
                Some(words) => *words.of.get(token)?,
                None => token,
            };
            (index < axis.labels.len()).then_some(index)
        };
        let (a, b) = (self.words.map(|w| w.0), self.words.map(|w| w.1));
        let row = |token| place(token, a, &grid.rows);
        let column = |token| place(token, b, &grid.columns);
        if focus.text == Some(self.texts.0) {
            (row(focus.token), column(focus.other))
        } else if focus.text == Some(self.texts.1) {
            (None, column(focus.token))
        } else {
            (None, None)
        }
    }
}

impl MatrixState {
    pub fn matrix_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        score: &Score,
        pairs: &Pairs,
    ) {
        let by_words = switch_ui(ui, "Pairs of", ["sub-words", "words"]) == 1;
        let grid = if by_words {
            &pairs.words
        } else {
            &pairs.tokens
        };
        let mapping = Mapping {
            words: by_words.then_some((&pairs.words_a, &pairs.words_b)),
            texts: score.key.texts,
        };
        let (row, column) = mapping.marks(cx.focus, grid);
        let locked = mapping.marks(cx.state.locked, grid);

        let largest = |axis: &Axis| axis.sums.iter().fold(0_f64, |m, v| m.max(v.abs()));
        let scale = Scale::signed(largest(&grid.rows).max(largest(&grid.columns)) as f32);
        let strip = |ui: &mut Ui, cx: &mut ViewContext<'_>, side: Strip<'_>| {
            let (hovered, clicked) = side.strip_ui(ui, cx, scale, grid.matrix.explains);
            let focus = |index: usize| match side.is_a {
                true => mapping.cell(Some(index), None),
                false => mapping.cell(None, Some(index)),
            };
            cx.point(hovered.map(focus), clicked.map(focus));
        };
        let a = Strip {
            is_a: true,
            axis: &grid.rows,
            focus: row,
            locked: locked.0,
        };
        let b = Strip {
            is_a: false,
            axis: &grid.columns,
            focus: column,
            locked: locked.1,
        };
        strip(ui, cx, a);
        strip(ui, cx, b);
        legend_ui(ui, &scale, "share of a token");
        ui.add_space(SPACE_SMALL);

        let holds = grid.matrix.holds();
        let cells = Scale::signed(grid.matrix.largest() as f32);
        let width = ui.available_width();
        let map = Heatmap::new(
            "Token pairs of A and B",
            grid.key,
            grid.rows.labels.len(),
            grid.columns.labels.len(),
            &grid.cells,
            cells,
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
        .dimmed(!holds)
        .show_values(true);
        let response = map.ui(ui, &mut self.textures[usize::from(by_words)]);
        let focus = |(row, column)| mapping.cell(Some(row), Some(column));
        let label = match (response.hovered_row, response.hovered_column) {
            (None, None) => None,
            (row, column) => Some(mapping.cell(row, column)),
        };
        cx.point(
            response.hovered.map(focus).or(label),
            response.clicked.map(focus),
        );
        legend_ui(ui, &cells, "share of a pair");
        sum_ui(ui, cx, grid);
    }
}

/// One sentence, coloured by what its tokens contribute.
struct Strip<'a> {
    is_a: bool,
    axis: &'a Axis,
    focus: Option<usize>,
    locked: Option<usize>,
}

impl Strip<'_> {
    fn strip_ui(
        &self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        scale: Scale,
        cos: f64,
    ) -> (Option<usize>, Option<usize>) {
        let (name, color) = match self.is_a {
            true => ("A", cx.theme.a()),
            false => ("B", cx.theme.b()),
        };
        let piece = |index: usize| {
            let sum = self.axis.sums[index];
            Piece {
                label: &self.axis.labels[index],
                secondary: self.axis.secondary[index],
                fill: Some(scale.color(cx.theme, sum as f32)),
                note: Some(format!(
                    "{} contributes {} of {}",
                    self.axis.labels[index],
                    number(sum),
                    four(cos)
                )),
            }
        };
        let pieces: Vec<Piece<'_>> = (0..self.axis.labels.len()).map(piece).collect();
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            ui.label(RichText::new(name).strong().color(color));
            let name = format!("What the tokens of {name} contribute");
            // Wrapped pieces need a column of their own beside the letter.
            ui.vertical(|ui| {
                let response = token_strip_ui(ui, &name, &pieces, self.focus, self.locked);
                (response.hovered, response.clicked)
            })
            .inner
        })
        .inner
    }
}

/// Σ, the cosine, and what lies between them.
fn sum_ui(ui: &mut Ui, cx: &ViewContext<'_>, grid: &Grid) {
    let matrix = &grid.matrix;
    let figures = format!(
        "Σ {}   cos {}   residual {}   κ {}",
        four(matrix.sum()),
        four(matrix.explains),
        number(matrix.residual()),
        number(matrix.cancellation()),
    );
    let color = if matrix.holds() {
        cx.theme.foreground()
    } else {
        cx.theme.warning()
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(figures).monospace().small().color(color)).on_hover_text(
            "Σ: all cells added up. residual: what they miss of the cosine. \
             κ = Σ|C|/|ΣC|: 1 where all pairs pull the same way, large where they cancel each other.",
        );
    });
    if !matrix.holds() {
        let message = format!(
            "The pairs miss the cosine by more than {}, so they do not explain it. Please report this.",
            number(matrix.tolerance)
        );
        ui.colored_label(cx.theme.warning(), message);
    }
}
