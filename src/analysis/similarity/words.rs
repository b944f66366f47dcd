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
    /// The tokens' own names, [T].
    pieces: Vec<String>,
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
        Self {
            labels,
            of,
            pieces: tokens.pieces.clone(),
        }
    }

    /// The tokens of one group.
    pub fn tokens(&self, group: usize) -> std::ops::Range<usize> {
        self.of.partition_point(|&g| g < group)..self.of.partition_point(|&g| g <= group)
    }

    /// Where each row of a matrix goes, and the new rows' names. Rows behind the tokens (a bias, a
    /// reference) follow behind the words, each for itself; an axis that is not over these tokens
    /// (dimensions, layers, another text) stays as it is.
    fn regrouped(&self, rows: &[String]) -> (Vec<usize>, Vec<String>) {
        if !rows.starts_with(&self.pieces) {
            return ((0..rows.len()).collect(), rows.to_vec());
        }
        let extra = &rows[self.of.len()..];
        let behind = self.labels.len()..self.labels.len() + extra.len();
        let groups = self.of.iter().copied().chain(behind).collect();
        (groups, self.labels.iter().chain(extra).cloned().collect())
    }
}

/// The text of the word that begins at token `first`.
fn label(tokens: &Tokens, first: usize) -> String {
    let text = surface(tokens, word_of(tokens, first)).trim();
    match text.is_empty() || tokens.special[first] {
        true => tokens
            .labels
            .get(first)
            .unwrap_or(&tokens.pieces[first])
            .clone(),
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
        let (row_groups, rows) = a.regrouped(&self.rows);
        let (column_groups, columns) = b.regrouped(&self.columns);
        let mut values = vec![0.; rows.len() * columns.len()];
        for (row, group) in row_groups.into_iter().enumerate() {
            for (column, value) in self.row(row).iter().enumerate() {
                values[group * columns.len() + column_groups[column]] += value;
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
