//! The score by dimensions of the two sentence vectors.

use egui::{RichText, Ui};

use super::matrix::{figure_ui, sums_ui};
use crate::analysis::pooling::sentence;
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::Totals;
use crate::analysis::similarity::dims::Dims;
use crate::analysis::vectors::{norm, to_f64};
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::{Focus, TextId};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::Trace;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::widgets::{Cell, Column, SPACE, Scale, Table, number};

/// Rows of the table at first.
const ROWS: usize = 24;
/// At this end of the scale, ±1 is a colour of medium strength.
const BAR: f32 = 1.8;

/// The first [`NARROW`] of them are left where there is no room for all.
const COLUMNS: [Column; 5] = [
    Column {
        title: "dimension",
        width: 88.,
        grow: 0.3,
        right: false,
    },
    Column {
        title: "adds to cos",
        width: 120.,
        grow: 1.,
        right: true,
    },
    Column {
        title: "Σ so far",
        width: 68.,
        grow: 0.,
        right: true,
    },
    Column {
        title: "a_k",
        width: 68.,
        grow: 0.,
        right: true,
    },
    Column {
        title: "b_k",
        width: 68.,
        grow: 0.,
        right: true,
    },
];
const NARROW: usize = 3;
/// All columns stand side by side from this width on, in points.
const ROOMY: f32 = 430.;

/// c_k of every dimension, largest magnitude first.
pub struct Dimensions {
    pub matrix: PairMatrix,
    /// Dimensions by |c_k|.
    order: Vec<usize>,
    rogue: Vec<usize>,
    /// The vectors at length 1.
    a: Vec<f64>,
    b: Vec<f64>,
    /// The cosine without the largest so many.
    without: Vec<(usize, f64)>,
}

impl Dimensions {
    /// # Errors
    /// When the head does not take this pooling.
    pub fn new(
        model: &Model,
        a: &Trace,
        b: &Trace,
        options: HeadOptions,
    ) -> Result<Self, ModelError> {
        let vector = |trace| Ok::<_, ModelError>(to_f64(&sentence(&model.head, trace, options)?));
        let (a, b) = (vector(a)?, vector(b)?);
        let dims = Dims::new(&a, &b);
        let unit = |vector: Vec<f64>| -> Vec<f64> {
            let length = norm(&vector).max(f64::MIN_POSITIVE);
            vector.into_iter().map(|x| x / length).collect()
        };
        Ok(Self {
            order: dims.top(dims.parts.len()),
            rogue: dims.rogue(),
            without: [1, 3, 10].map(|k| (k, dims.without_top(k))).to_vec(),
            matrix: dims.matrix(0.),
            a: unit(a),
            b: unit(b),
        })
    }

    /// Both vectors at length 1, and what each dimension adds, [E] each in their own order.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let parts = &self.matrix.values;
        let all = [("adds", parts), ("a", &self.a), ("b", &self.b)];
        let array = |(name, values): (&str, &Vec<f64>)| {
            let numbers = Numbers::Double(values.clone());
            NamedArray::new(
                format!("score.dimensions.{name}"),
                vec![values.len()],
                numbers,
            )
        };
        all.into_iter().map(array).collect()
    }

    pub fn tsv(&self) -> String {
        let line = |&k: &usize| {
            let (a, b, part) = (self.a[k], self.b[k], self.matrix.values[k]);
            format!("{k}\t{a}\t{b}\t{part}\n")
        };
        let lines: String = self.order.iter().map(line).collect();
        format!("dimension\ta\tb\tadds\n{lines}")
    }

    pub fn dimensions_ui(
        &self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        text: TextId,
        all: &mut bool,
    ) {
        self.summary_ui(ui, cx);
        let rows = match *all {
            true => self.order.len(),
            false => self.order.len().min(ROWS),
        };
        let order = &self.order[..rows];
        let place = |focus: Focus| order.iter().position(|&k| Some(k) == focus.dimension);
        let table = Table {
            name: "Dimensions by what they add",
            columns: match ui.available_width() < ROOMY {
                true => &COLUMNS[..NARROW],
                false => &COLUMNS,
            },
            rows,
            focus: place(cx.focus),
            locked: place(cx.locked),
        };
        let mut sum = 0.;
        let so_far: Vec<f64> = order
            .iter()
            .map(|&k| {
                sum += self.matrix.values[k];
                sum
            })
            .collect();
        let theme = cx.theme;
        let largest = self.matrix.largest().max(f64::MIN_POSITIVE);
        let response = table.ui(ui, |row, column| {
            let k = order[row];
            let part = self.matrix.values[k];
            match column {
                0 if self.rogue.contains(&k) => Cell::Warning(format!("{k} rogue")),
                0 => Cell::Text(k.to_string()),
                1 => Cell::Bar {
                    figure: four(part),
                    share: (part.abs() / largest) as f32,
                    color: Scale::signed(BAR).color(theme, part.signum() as f32),
                },
                2 => Cell::Figure(four(so_far[row])),
                3 => Cell::Figure(number(self.a[k])),
                _ => Cell::Figure(number(self.b[k])),
            }
        });
        let focus = |row: usize| Focus {
            dimension: order.get(row).copied(),
            ..Focus::text(text)
        };
        cx.point(response.hovered.map(focus), response.clicked.map(focus));
        ui.add_space(SPACE);
        if self.order.len() > ROWS {
            let rest = match *all {
                true => format!("only the {ROWS} largest"),
                false => format!("all {} dimensions", self.order.len()),
            };
            if ui.button(rest).clicked() {
                *all = !*all;
            }
        }
    }

    /// Sum and residual, the rogue ones, and the score without the largest.
    fn summary_ui(&self, ui: &mut Ui, cx: &ViewContext<'_>) {
        sums_ui(ui, cx, &Totals::of(&self.matrix));
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().interact_size.y = 0.;
            for (count, cos) in &self.without {
                let name = match count {
                    1 => "cos without the largest".to_owned(),
                    _ => format!("without the largest {count}"),
                };
                figure_ui(ui, cx, (&name, &four(*cos)), cx.theme.foreground());
            }
        });
        let text = match self.rogue.as_slice() {
            [] => return,
            [k] => format!(
                "Dimension {k} carries {:.0}% of the score by itself.",
                100. * self.matrix.values[*k] / self.matrix.explains
            ),
            many => format!(
                "{} dimensions carry more than a fifth of the score each.",
                many.len()
            ),
        };
        ui.label(RichText::new(text.replace('-', "−")).color(cx.theme.warning()));
    }
}
