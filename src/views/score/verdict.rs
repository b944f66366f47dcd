//! What the score comes from, in one sentence.

use std::collections::HashMap;

use egui::{Link, RichText, Ui};

use super::derive::{Grid, Pairs, Score};
use super::mapping::{By, Mapping};
use crate::analysis::similarity::shares::PairClass;
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::subject::note_ui;
use crate::widgets::SPACE_SMALL;

/// Below this |cos| shares of it are large numbers that say little.
const SMALL: f64 = 0.05;

/// Two pairs with less than this share of the score do not carry it.
const CARRIES: f64 = 0.2;

/// What the map of token pairs says in short.
#[derive(Default)]
pub struct Verdict {
    /// The pairs of words that do most for the score, largest first: row and column of the first of
    /// each, and what all pairs of these two words add.
    carried: Vec<(usize, usize, f64)>,
    /// What pairs with a special token add.
    special: f64,
    order: Option<Order>,
}

/// Two texts of the same tokens.
enum Order {
    Same,
    /// In another order: what is missing to 1.
    Moved(f64),
}

impl Verdict {
    pub fn new(cos: Option<f64>, pairs: Option<&Pairs>, a: &Tokens, b: &Tokens) -> Self {
        let special = |pairs: &Pairs| {
            let shares = pairs.shares.iter();
            shares
                .filter(|share| share.class == PairClass::Special)
                .map(|share| share.sum)
                .sum()
        };
        Self {
            carried: pairs.map(|pairs| top(&pairs.words)).unwrap_or_default(),
            special: pairs.map_or(0., special),
            order: cos.and_then(|cos| order(cos, a, b)),
        }
    }
}

/// The two pairs of words that do most in the score's own direction, special tokens aside. A word
/// that comes more than once, in capitals or not, counts with all its places.
fn top(grid: &Grid) -> Vec<(usize, usize, f64)> {
    let matrix = &grid.matrix;
    let sign = matrix.explains.signum();
    let mut sums: HashMap<(String, String), (usize, usize, f64)> = HashMap::new();
    for (row, a) in grid.rows.labels.iter().enumerate() {
        for (column, b) in grid.columns.labels.iter().enumerate() {
            if !grid.rows.secondary[row] && !grid.columns.secondary[column] {
                let sum = sums
                    .entry((a.to_lowercase(), b.to_lowercase()))
                    .or_insert((row, column, 0.));
                sum.2 += matrix.at(row, column);
            }
        }
    }
    let mut cells: Vec<(usize, usize, f64)> = sums.into_values().collect();
    cells.retain(|cell| cell.2 * sign > 0.);
    // A map has no order of its own; equal sums stand as they do in the text.
    cells.sort_by(|x, y| {
        let size = (y.2 * sign).total_cmp(&(x.2 * sign));
        size.then((x.0, x.1).cmp(&(y.0, y.1)))
    });
    cells.truncate(2);
    cells
}

fn order(cos: f64, a: &Tokens, b: &Tokens) -> Option<Order> {
    if a.ids == b.ids {
        return Some(Order::Same);
    }
    let sorted = |tokens: &Tokens| {
        let mut ids = tokens.ids.to_vec();
        ids.sort_unstable();
        ids
    };
    (sorted(a) == sorted(b)).then_some(Order::Moved(1. - cos))
}

/// The sentence, with its pairs to point at.
pub fn verdict_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, score: &Score, same: bool) {
    let (verdict, Ok(pairs)) = (&score.verdict, &score.pairs) else {
        return;
    };
    let cos = pairs.words.matrix.explains;
    let part = |value: f64| match cos.abs() < SMALL {
        true => four(value),
        false => format!("{:.0}%", 100. * value / cos).replace('-', "−"),
    };
    let mapping = Mapping::new(By::Words, score.key.texts, pairs);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_SMALL;
        let sum: f64 = verdict.carried.iter().map(|cell| cell.2).sum();
        ui.label(match verdict.carried.is_empty() {
            true => "no pair of words carries it;",
            false if sum.abs() < CARRIES * cos.abs() => "spread over many pairs, most from",
            false => "carried by",
        });
        for (nth, &(row, column, value)) in verdict.carried.iter().enumerate() {
            let (a, b) = (
                &pairs.words.rows.labels[row],
                &pairs.words.columns.labels[column],
            );
            let end = if nth + 1 < verdict.carried.len() { "," } else { ";" };
            let text = RichText::new(format!("{a} ↔ {b}")).color(cx.theme.strong());
            let link = ui.add(Link::new(text));
            let focus = mapping.focus(Some(row), Some(column));
            let clicked = link.clicked().then_some(focus);
            cx.point(link.hovered().then_some(focus), clicked);
            ui.label(format!("{}{end}", part(value)));
        }
        let about = "What the map of token pairs adds up to over pairs with a token of the template, \
            like [CLS] or [SEP], on either side";
        let special = format!("special tokens carry {}", part(verdict.special));
        ui.label(special).on_hover_text(about);
    });
    match verdict.order {
        Some(Order::Moved(missing)) => {
            let taken = match missing < 5e-5 {
                true => "takes less than 0.0001".to_owned(),
                false => format!("takes {}", four(missing)),
            };
            let text = format!(
                "Both texts have the same tokens in another order: word order {taken} off a cosine of 1."
            );
            note_ui(ui, text);
        }
        Some(Order::Same) if !same => {
            note_ui(ui, "Both texts give the model the very same tokens.");
        }
        _ => {}
    }
}
