//! Sub-words put together to words.

use super::PairMatrix;
use crate::tokens::Tokens;

/// The rows of a pair matrix, grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One for each group.
    pub labels: Vec<String>,
    /// The group of each token, [T], not decreasing.
    pub of: Vec<usize>,
}

impl Words {
    /// Neighbouring tokens of one word make a group, labelled with the text that they stand for; a
    /// special token is a group of its own.
    pub fn new(tokens: &Tokens) -> Self {
        let mut labels = Vec::new();
        let mut of = Vec::with_capacity(tokens.len());
        for t in 0..tokens.len() {
            let goes_on =
                t > 0 && tokens.words[t].is_some() && tokens.words[t] == tokens.words[t - 1];
            if !goes_on {
                labels.push(label(tokens, t));
            }
            of.push(labels.len() - 1);
        }
        Self { labels, of }
    }

    /// The tokens of one group.
    pub fn tokens(&self, group: usize) -> std::ops::Range<usize> {
        self.of.partition_point(|&g| g < group)..self.of.partition_point(|&g| g <= group)
    }

    /// The group of a row of a matrix: rows behind the tokens follow behind the words.
    fn group(&self, row: usize) -> usize {
        let extra = || self.labels.len() + row - self.of.len();
        self.of.get(row).copied().unwrap_or_else(extra)
    }

    fn names(&self, rows: &[String]) -> Vec<String> {
        let extra = rows.iter().skip(self.of.len());
        self.labels.iter().chain(extra).cloned().collect()
    }
}

/// The text of the word that begins at token `first`.
fn label(tokens: &Tokens, first: usize) -> String {
    let text = surface(tokens, word_of(tokens, first)).trim();
    match text.is_empty() || tokens.special[first] {
        true => tokens.pieces[first].clone(),
        false => text.to_owned(),
    }
}

/// The neighbouring tokens that share a token's word; the token alone where it has none.
pub fn word_of(tokens: &Tokens, token: usize) -> std::ops::Range<usize> {
    let word = tokens.words[token];
    if word.is_none() {
        return token..token + 1;
    }
    let other = |&t: &usize| tokens.words[t] != word;
    let before = (0..token).rev().find(other).map_or(0, |t| t + 1);
    let behind = (token..tokens.len()).find(other).unwrap_or(tokens.len());
    before..behind
}

/// The text that a run of tokens stands for.
pub fn surface(tokens: &Tokens, run: std::ops::Range<usize>) -> &str {
    let start = run.clone().map(|t| tokens.offsets[t].0).min().unwrap_or(0);
    let end = run.map(|t| tokens.offsets[t].1).max().unwrap_or(0);
    tokens.text.get(start..end.max(start)).unwrap_or("")
}

impl PairMatrix {
    /// Cells of one pair of words added up (never averaged, so the sum stays the cosine).
    pub fn by_words(&self, a: &Words, b: &Words) -> Self {
        let (rows, columns) = (a.names(&self.rows), b.names(&self.columns));
        let mut values = vec![0.; rows.len() * columns.len()];
        for row in 0..self.rows.len() {
            for (column, value) in self.row(row).iter().enumerate() {
                values[a.group(row) * columns.len() + b.group(column)] += value;
            }
        }
        Self {
            values,
            rows,
            columns,
            ..*self
        }
    }
}
