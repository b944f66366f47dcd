//! From cells of the matrix to tokens of the two texts, and back.

use serde::{Deserialize, Serialize};

use super::derive::{Grid, Pairs};
use crate::analysis::similarity::one_pair::Cell;
use crate::analysis::similarity::words::Words;
use crate::app::state::{Focus, TextId};

/// What rows and columns stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    #[default]
    Tokens,
    Words,
}

/// One of the two matrices, and how its axes relate to tokens.
#[derive(Clone, Copy)]
pub struct Mapping<'a> {
    pub by: By,
    pub grid: &'a Grid,
    pairs: &'a Pairs,
    /// A and B.
    texts: (TextId, TextId),
}

impl<'a> Mapping<'a> {
    pub fn new(by: By, texts: (TextId, TextId), pairs: &'a Pairs) -> Self {
        let grid = match by {
            By::Tokens => &pairs.tokens,
            By::Words => &pairs.words,
        };
        Self {
            by,
            grid,
            pairs,
            texts,
        }
    }

    /// The (first) token behind an index; none for what is no token.
    fn token(&self, index: usize, words: &Words) -> Option<usize> {
        match self.by {
            By::Tokens => (index < words.of.len()).then_some(index),
            By::Words => (index < words.labels.len()).then(|| words.tokens(index).start),
        }
    }

    /// The index of a token.
    fn index(&self, token: usize, words: &Words) -> Option<usize> {
        let word = words.of.get(token).copied()?;
        match self.by {
            By::Tokens => Some(token),
            By::Words => Some(word),
        }
    }

    /// What a cell, a row or a column points at: a token of A and one of B, or one of them.
    pub fn focus(&self, row: Option<usize>, column: Option<usize>) -> Focus {
        let a = row.and_then(|row| self.token(row, &self.pairs.words_a));
        let b = column.and_then(|column| self.token(column, &self.pairs.words_b));
        let (text, token, across) = match row {
            Some(_) => (self.texts.0, a, b.map(|b| (self.texts.1, b))),
            None => (self.texts.1, b, None),
        };
        Focus {
            text: Some(text),
            token,
            across,
            ..Focus::default()
        }
    }

    /// The tokens of A and of B behind a focus on a pair, and what the two are called; none for a focus
    /// on anything else.
    pub fn cell(&self, focus: Focus) -> Option<(Cell, (&'a str, &'a str))> {
        let (row, column) = self.marks(focus);
        let (row, column) = (row?, column?);
        let range = |index: usize, words: &Words| match self.by {
            By::Tokens => index..index + 1,
            By::Words => words.tokens(index),
        };
        let cell = (
            range(row, &self.pairs.words_a),
            range(column, &self.pairs.words_b),
        );
        let (rows, columns) = (&self.grid.rows.labels, &self.grid.columns.labels);
        Some((cell, (rows.get(row)?, columns.get(column)?)))
    }

    /// The cosine that the map adds up to, where it does.
    pub fn score(&self) -> Option<f64> {
        self.grid.adds_up().then_some(self.grid.matrix.explains)
    }

    /// The row and the column that a focus points at.
    pub fn marks(&self, focus: Focus) -> (Option<usize>, Option<usize>) {
        let row = |token: Option<usize>| self.index(token?, &self.pairs.words_a);
        let column = |token: Option<usize>| self.index(token?, &self.pairs.words_b);
        if focus.text == Some(self.texts.0) {
            let partner = focus.across.filter(|(text, _)| *text == self.texts.1);
            (row(focus.token), column(partner.map(|(_, token)| token)))
        } else if focus.text == Some(self.texts.1) {
            (None, column(focus.token))
        } else {
            (None, None)
        }
    }
}
