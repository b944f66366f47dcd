//! What the score comes from, in a few sentences.

use std::collections::HashMap;

use egui::{Link, RichText, Ui};

use super::derive::{Grid, Pairs, Score, ScoreKey};
use super::mapping::{By, Mapping};
use super::told::Told;
use crate::analysis::similarity::order::{SameTokens, same_tokens};
use crate::analysis::similarity::shares::{PairClass, is_content};
use crate::analysis::similarity::words::Words;
use crate::tokens::Tokens;
use crate::trace::Trace;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::subject::{note_ui, sentence_ui};

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
    /// Two texts of the same tokens.
    same: Option<SameTokens>,
}

impl Verdict {
    pub fn new(pairs: Option<&Pairs>, a: &Trace, b: &Trace) -> Self {
        let special = |pairs: &Pairs| {
            let shares = pairs.shares.iter();
            shares
                .filter(|share| share.class == PairClass::Special)
                .map(|share| share.sum)
                .sum()
        };
        Self {
            carried: pairs
                .map(|pairs| top(pairs, &a.tokens, &b.tokens))
                .unwrap_or_default(),
            special: pairs.map_or(0., special),
            same: same_tokens(a, b),
        }
    }
}

/// The two pairs of words that do most in the score's own direction: of words that carry content; of
/// any words where there are none. A word that comes more than once, in capitals or not, counts with
/// all its places.
fn top(pairs: &Pairs, a: &Tokens, b: &Tokens) -> Vec<(usize, usize, f64)> {
    let content = |words: &Words, tokens: &Tokens| -> Vec<bool> {
        let groups = 0..words.labels.len();
        groups
            .map(|group| words.tokens(group).any(|t| is_content(tokens, t)))
            .collect()
    };
    let (of_a, of_b) = (content(&pairs.words_a, a), content(&pairs.words_b, b));
    let grid = &pairs.words;
    let found = largest(grid, |row, column| {
        of_a.get(row) == Some(&true) && of_b.get(column) == Some(&true)
    });
    match found.is_empty() {
        true => largest(grid, |row, column| {
            !grid.rows.secondary[row] && !grid.columns.secondary[column]
        }),
        false => found,
    }
}

fn largest(grid: &Grid, taken: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize, f64)> {
    let matrix = &grid.matrix;
    let sign = matrix.explains.signum();
    let mut sums: HashMap<(String, String), (usize, usize, f64)> = HashMap::new();
    for (row, a) in grid.rows.labels.iter().enumerate() {
        for (column, b) in grid.columns.labels.iter().enumerate() {
            if taken(row, column) {
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

/// A part of the score: its share, or itself where the score is near 0.
pub fn part(value: f64, cos: f64) -> String {
    let percent = 100. * value / cos;
    let share = match percent.abs() {
        _ if cos.abs() < SMALL => return four(value),
        // In long texts every pair is that small, and 0 would say that it does nothing.
        0.05..1. => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    };
    share.replace('-', "−")
}

/// `text` as a sentence begins.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// The sentences on `score`, with their pairs to point at; `key` is that of the newest texts.
pub fn verdict_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (key, score): (&ScoreKey, &Score),
    same: bool,
    told: &mut Told,
) {
    told.scale_ui(ui, cx, score);
    let Ok(pairs) = &score.pairs else { return };
    sentence_ui(ui, |ui| {
        let begun = told.standing_ui(ui, cx, score);
        carried_ui(ui, cx, score, (pairs, begun));
        told.order_ui(ui, cx, (key, score));
    });
    if let Some(same_tokens) = &score.verdict.same {
        match same_tokens.moved {
            true => {
                note_ui(ui, swapped(score, same_tokens));
            }
            false if !same => {
                note_ui(ui, "Both texts give the model the very same tokens.");
            }
            false => {}
        }
    }
}

/// Its words begin the sentence, unless that is `begun`.
fn carried_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    score: &Score,
    (pairs, begun): (&Pairs, bool),
) {
    let verdict = &score.verdict;
    let cos = pairs.words.matrix.explains;
    let mapping = Mapping::new(By::Words, score.key.texts, pairs);
    let sum: f64 = verdict.carried.iter().map(|cell| cell.2).sum();
    let begin = match verdict.carried.is_empty() {
        true => "no pair of words carries it;",
        false if sum.abs() < CARRIES * cos.abs() => "spread over many pairs, most from",
        false => "carried by",
    };
    let begin = match begun {
        true => begin.to_owned(),
        false => capital(begin),
    };
    ui.label(begin).on_hover_text(
        "The largest pairs of words in the exact map of token pairs; words that carry content come before \
         stop words, punctuation and special tokens. A word's vector already holds what attention brought \
         in from the others.",
    );
    for (nth, &(row, column, value)) in verdict.carried.iter().enumerate() {
        let (a, b) = (
            &pairs.words.rows.labels[row],
            &pairs.words.columns.labels[column],
        );
        let end = if nth + 1 < verdict.carried.len() {
            ","
        } else {
            ";"
        };
        let text = RichText::new(format!("{a} ↔ {b}")).color(cx.theme.strong());
        let link = ui.add(Link::new(text));
        let focus = mapping.focus(Some(row), Some(column));
        let clicked = link.clicked().then_some(focus);
        cx.point(link.hovered().then_some(focus), clicked);
        ui.label(format!("{}{end}", part(value, cos)));
    }
    let about = "What the map of token pairs adds up to over pairs with a token of the template, \
        like [CLS] or [SEP], on either side";
    let special = format!("special tokens carry {};", part(verdict.special, cos));
    ui.label(special).on_hover_text(about);
}

/// What is to be said of the same tokens in another order.
fn swapped(score: &Score, same: &SameTokens) -> String {
    let mut text = "Both texts have the same tokens in another order.".to_owned();
    let (Some(cos), Ok(pairs)) = (score.cos, &score.pairs) else {
        return text;
    };
    let (lowest, token) = same.lowest;
    let word = pairs.tokens.rows.labels.get(token);
    let word = word.map_or("?", String::as_str);
    text.push_str(&format!(
        " Token by token their contextual vectors have a mean cosine of {} (lowest: {word}, {});",
        four(same.mean),
        four(lowest),
    ));
    // What the four digits do not show is rounding, and no share of it says anything.
    text.push_str(&match cos - same.mean >= 1e-4 {
        true => format!(
            " pooled they have {}. Who did what is in the tokens; pooling takes {:.0}% of that difference out.",
            four(cos),
            100. * (cos - same.mean) / (1. - same.mean)
        ),
        false => format!(" pooled they have {}.", four(cos)),
    });
    text
}
