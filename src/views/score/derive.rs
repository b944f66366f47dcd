//! What the panel shows, computed away from the window.

use std::sync::Arc;

use super::verdict::Verdict;
use crate::analysis::pooling::{self, Misfit};
use crate::analysis::similarity::leave_one_out::LeaveOneOut;
use crate::analysis::similarity::pairs::token_pairs;
use crate::analysis::similarity::shares::{Share, shares};
use crate::analysis::similarity::words::Words;
use crate::analysis::similarity::{PairMatrix, Totals};
use crate::analysis::vectors::to_f64;
use crate::app::state::TextId;
use crate::model::Model;
use crate::tokens::Tokens;
use crate::trace::{PoolingMode, Trace};
use crate::views::compare::{shorten_to, three};
use crate::views::subject::{SameTrace, fresh_key};
use crate::widgets::piece_label;

/// What a score is of.
#[derive(Clone, PartialEq)]
pub struct ScoreKey {
    /// The model's hash.
    pub model: Arc<str>,
    pub a: SameTrace,
    pub b: SameTrace,
    pub texts: (TextId, TextId),
    pub pooling: Option<PoolingMode>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    pub truncate: Option<usize>,
}

/// The cosine of two texts and its parts.
pub struct Score {
    pub key: ScoreKey,
    /// Under the chosen pooling; none where the model's head does not take it.
    pub cos: Option<f64>,
    /// Under the model's own recipe.
    pub own: Option<f64>,
    /// Under each single pooling.
    pub poolings: Vec<(PoolingMode, Result<f64, Arc<str>>)>,
    pub pairs: Result<Pairs, Arc<str>>,
    /// The sentence vectors of A and B, [E] each; none where there is no score.
    pub vectors: Option<(Vec<f64>, Vec<f64>)>,
    pub verdict: Verdict,
}

/// A map of token pairs, once by tokens and once by words.
pub struct Pairs {
    pub tokens: Grid,
    pub words: Grid,
    pub words_a: Words,
    pub words_b: Words,
    /// Empty where the map adds up to nothing.
    pub shares: Vec<Share>,
    /// What is to be said of this run of the method.
    pub remark: Option<String>,
}

/// A matrix with what painting it needs.
pub struct Grid {
    pub matrix: PairMatrix,
    /// [rows, columns] for the screen.
    pub cells: Vec<f32>,
    pub rows: Axis,
    pub columns: Axis,
    /// The largest magnitude of a pair of tokens: what is no token may outweigh them all.
    pub largest: f64,
    pub totals: Totals,
    pub key: u64,
}

/// One side of a matrix.
pub struct Axis {
    pub labels: Vec<String>,
    /// The same, each with its sum.
    pub marked: Vec<String>,
    /// True for special tokens and for what is no token.
    pub secondary: Vec<bool>,
    /// What each row (or column) contributes.
    pub sums: Vec<f64>,
    /// How many come before what is no token.
    named: usize,
}

impl Score {
    pub fn new(key: ScoreKey, model: &Model) -> Self {
        let (a, b) = (key.a.0.clone(), key.b.0.clone());
        let options = |pooling| model.options_with(pooling, key.truncate);
        let score = |pooling| pooling::score(&model.head, &a, &b, options(pooling)).ok();
        let hidden = model.spec().hidden;
        let one = |mode| {
            let cos = match pooling::misfit(&model.head, hidden, Some(mode)) {
                Some(Misfit { gives, takes }) => Err(format!(
                    "{} gives {gives} dimensions, but the model's next module takes {takes}",
                    mode.title()
                )),
                None => pooling::score(&model.head, &a, &b, options(Some(mode)))
                    .map_err(|error| error.to_string()),
            };
            (mode, cos.map_err(Arc::from))
        };
        let cos = score(key.pooling);
        let vector = |trace: &Trace| {
            let vector = pooling::sentence(&model.head, trace, options(key.pooling)).ok()?;
            Some(to_f64(&vector))
        };
        let matrix = token_pairs(&model.head, &a, &b, options(key.pooling));
        let pairs = matrix
            .map(|matrix| Pairs::new(matrix, &a.tokens, &b.tokens))
            .map_err(|error| Arc::from(error.to_string()));
        Self {
            verdict: Verdict::new(pairs.as_ref().ok(), &a, &b),
            vectors: vector(&a).zip(vector(&b)),
            cos,
            own: score(None),
            poolings: PoolingMode::ALL.into_iter().map(one).collect(),
            pairs,
            key,
        }
    }
}

impl Pairs {
    /// A matrix over the tokens of two texts (and parts behind them that are no token).
    pub fn new(matrix: PairMatrix, a: &Tokens, b: &Tokens) -> Self {
        let (words_a, words_b) = (Words::new(a), Words::new(b));
        let by_words = matrix.by_words(&words_a, &words_b);
        let shares = match matrix.explains.is_finite() {
            true => shares(&matrix, a, b),
            false => Vec::new(),
        };
        let (special_a, special_b) = (specials(&words_a, a), specials(&words_b, b));
        Self {
            shares,
            words: Grid::new(by_words, &special_a, &special_b),
            tokens: {
                let names = [readable(&matrix.rows, a), readable(&matrix.columns, b)];
                Grid::named(matrix, names, &a.special, &b.special)
            },
            words_a,
            words_b,
            remark: None,
        }
    }

    /// What two tokens do together, with what the cosine loses without each of them beside its
    /// name. It adds up to nothing in particular.
    pub fn of_removals(found: LeaveOneOut, a: &Tokens, b: &Tokens) -> Self {
        let matrix = PairMatrix {
            values: found.interaction,
            rows: a.pieces.clone(),
            columns: b.pieces.clone(),
            explains: f64::NAN,
            tolerance: f64::NAN,
            seconds: found.seconds,
        };
        let mut pairs = Self::new(matrix, a, b);
        for (words, changes, by_token, by_word) in [
            (
                &pairs.words_a,
                found.a,
                &mut pairs.tokens.rows,
                &mut pairs.words.rows,
            ),
            (
                &pairs.words_b,
                found.b,
                &mut pairs.tokens.columns,
                &mut pairs.words.columns,
            ),
        ] {
            let groups = 0..words.labels.len();
            let sum = |group| changes[words.tokens(group)].iter().sum();
            by_word.set_sums(groups.map(sum).collect());
            by_token.set_sums(changes);
        }
        pairs.tokens.hide_fixed();
        pairs.words.hide_fixed();
        pairs
    }
}

/// The names of an axis with the tokens' own made readable.
fn readable(names: &[String], tokens: &Tokens) -> Vec<String> {
    match names.strip_prefix(tokens.pieces.as_slice()) {
        Some(rest) => [&tokens.labels[..], rest].concat(),
        None => names.to_vec(),
    }
}

/// Which groups are special tokens.
fn specials(words: &Words, tokens: &Tokens) -> Vec<bool> {
    let groups = 0..words.labels.len();
    groups
        .map(|group| tokens.special[words.tokens(group).start])
        .collect()
}

impl Grid {
    /// What cannot be taken away ([CLS] is no letters to delete) is hatched as what is not there, not
    /// loud as a fault is.
    fn hide_fixed(&mut self) {
        let columns = &self.columns;
        let fixed = self.rows.sums.iter().flat_map(|row| {
            let columns = columns.sums.iter();
            columns.map(|column| row.is_nan() || column.is_nan())
        });
        for (cell, _) in self.cells.iter_mut().zip(fixed).filter(|(_, fixed)| *fixed) {
            *cell = f32::NEG_INFINITY;
        }
    }

    /// False for a map that explains no number.
    pub fn adds_up(&self) -> bool {
        self.matrix.explains.is_finite()
    }

    pub fn new(matrix: PairMatrix, special_rows: &[bool], special_columns: &[bool]) -> Self {
        let names = [matrix.rows.clone(), matrix.columns.clone()];
        Self::named(matrix, names, special_rows, special_columns)
    }

    /// `names` are those of the rows and of the columns, as they are to be read.
    fn named(
        matrix: PairMatrix,
        names: [Vec<String>; 2],
        special_rows: &[bool],
        special_columns: &[bool],
    ) -> Self {
        Self {
            cells: matrix.values.iter().map(|&value| value as f32).collect(),
            rows: Axis::new(&names[0], special_rows, matrix.row_sums()),
            columns: Axis::new(&names[1], special_columns, matrix.column_sums()),
            largest: largest_of(&matrix, special_rows.len(), special_columns.len()),
            totals: Totals::of(&matrix),
            matrix,
            key: fresh_key(),
        }
    }
}

/// Over the first rows and columns; over all where those are all 0.
fn largest_of(matrix: &PairMatrix, rows: usize, columns: usize) -> f64 {
    let cells = (0..rows).flat_map(|row| matrix.row(row).iter().take(columns));
    match cells.fold(0_f64, |most, cell| most.max(cell.abs())) {
        0. => matrix.largest(),
        largest => largest,
    }
}

impl Axis {
    /// The largest magnitude of a token's sum.
    pub fn largest(&self) -> f64 {
        let tokens = self.sums.iter().take(self.named);
        tokens.fold(0., |most, sum| most.max(sum.abs()))
    }

    fn new(names: &[String], special: &[bool], sums: Vec<f64>) -> Self {
        let secondary = |index: usize| special.get(index).copied().unwrap_or(true);
        let mut axis = Self {
            labels: names.iter().map(|name| piece_label(name)).collect(),
            marked: Vec::new(),
            secondary: (0..names.len()).map(secondary).collect(),
            sums: Vec::new(),
            named: special.len(),
        };
        axis.set_sums(sums);
        axis
    }

    fn set_sums(&mut self, sums: Vec<f64>) {
        /// Letters of a name that leave room for its sum.
        const LETTERS: usize = 11;
        let marked = self.labels.iter().zip(&sums);
        self.marked = marked
            .map(|(label, &sum)| format!("{}  {}", shorten_to(label, LETTERS), three(sum)))
            .collect();
        self.sums = sums;
    }
}
