//! What the panel shows, computed away from the window.

use std::sync::Arc;

use crate::analysis::pooling::{self, Misfit};
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::pairs::token_pairs;
use crate::analysis::similarity::shares::{Share, shares};
use crate::analysis::similarity::words::Words;
use crate::app::state::TextId;
use crate::model::{HeadOptions, Model};
use crate::tokens::Tokens;
use crate::trace::{PoolingMode, Trace};
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
}

/// The cosine over pairs, once by tokens and once by words.
pub struct Pairs {
    pub tokens: Grid,
    pub words: Grid,
    pub words_a: Words,
    pub words_b: Words,
    pub shares: Vec<Share>,
}

/// A matrix with what painting it needs.
pub struct Grid {
    pub matrix: PairMatrix,
    /// [rows, columns] for the screen.
    pub cells: Vec<f32>,
    pub rows: Axis,
    pub columns: Axis,
    pub key: u64,
}

/// One side of a matrix.
pub struct Axis {
    pub labels: Vec<String>,
    /// True for special tokens and for what is no token.
    pub secondary: Vec<bool>,
    /// What each row (or column) contributes.
    pub sums: Vec<f64>,
}

impl Score {
    pub fn new(key: ScoreKey, model: &Model) -> Self {
        let (a, b) = (key.a.0.clone(), key.b.0.clone());
        let options = |pooling| HeadOptions {
            pooling,
            ..model.options()
        };
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
        Self {
            cos: score(key.pooling),
            own: score(None),
            poolings: PoolingMode::ALL.into_iter().map(one).collect(),
            pairs: pairs(model, &a, &b, options(key.pooling)),
            key,
        }
    }
}

fn pairs(model: &Model, a: &Trace, b: &Trace, options: HeadOptions) -> Result<Pairs, Arc<str>> {
    let matrix = token_pairs(&model.head, a, b, options).map_err(|e| Arc::from(e.to_string()))?;
    let (words_a, words_b) = (Words::new(&a.tokens), Words::new(&b.tokens));
    let by_words = matrix.by_words(&words_a, &words_b);
    let special = |words: &Words, tokens: &Tokens| -> Vec<bool> {
        let groups = 0..words.labels.len();
        groups
            .map(|group| tokens.special[words.tokens(group).start])
            .collect()
    };
    Ok(Pairs {
        shares: shares(&matrix, &a.tokens, &b.tokens),
        words: Grid::new(
            by_words,
            &special(&words_a, &a.tokens),
            &special(&words_b, &b.tokens),
        ),
        tokens: Grid::new(matrix, &a.tokens.special, &b.tokens.special),
        words_a,
        words_b,
    })
}

impl Grid {
    fn new(matrix: PairMatrix, special_rows: &[bool], special_columns: &[bool]) -> Self {
        Self {
            cells: matrix.values.iter().map(|&value| value as f32).collect(),
            rows: Axis::new(&matrix.rows, special_rows, matrix.row_sums()),
            columns: Axis::new(&matrix.columns, special_columns, matrix.column_sums()),
            matrix,
            key: fresh_key(),
        }
    }
}

impl Axis {
    fn new(names: &[String], special: &[bool], sums: Vec<f64>) -> Self {
        let secondary = |index: usize| special.get(index).copied().unwrap_or(true);
        Self {
            labels: names.iter().map(|name| piece_label(name)).collect(),
            secondary: (0..names.len()).map(secondary).collect(),
            sums,
        }
    }
}
