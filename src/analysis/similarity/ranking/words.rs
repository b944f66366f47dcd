//! The words of a text that can be taken out, and the text without some of them.

use std::ops::Range;

use crate::analysis::similarity::words::Words;
use crate::model::{Model, ModelError};
use crate::tokens::{Prompted, Tokens};

/// The n words of a text that can be taken out: those of the prompt and the template stay.
pub struct Removable<'a> {
    pub tokens: &'a Tokens,
    /// The tokens of each word, [n].
    words: Vec<Range<usize>>,
}

impl<'a> Removable<'a> {
    pub fn new(tokens: &'a Tokens) -> Self {
        let groups = Words::new(tokens);
        let own = |word: &Range<usize>| {
            let mut tokens_of = word.clone();
            tokens_of.all(|t| !tokens.special[t] && tokens.offsets[t].0 >= tokens.prompt_bytes)
        };
        let words = (0..groups.labels.len()).map(|group| groups.tokens(group));
        Self {
            words: words.filter(own).collect(),
            tokens,
        }
    }

    /// n
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Scores of tokens, [T] or longer, added up within words: [n].
    pub fn sums(&self, scores: &[f64]) -> Vec<f64> {
        let sum = |word: &Range<usize>| scores[word.clone()].iter().sum();
        self.words.iter().map(sum).collect()
    }

    /// Which words are there after 0, 1, … n of them have gone, the highest score first, and then
    /// after 0, 1, … n have come in the same order: 2(n + 1) sets of [n].
    pub fn sets(&self, scores: &[f64]) -> Vec<Vec<bool>> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
        let set = |moved: &[usize], there: bool| {
            let mut set = vec![!there; order.len()];
            moved.iter().for_each(|&word| set[word] = there);
            set
        };
        let gone = (0..=order.len()).map(|k| set(&order[..k], false));
        let come = (0..=order.len()).map(|k| set(&order[..k], true));
        gone.chain(come).collect()
    }

    fn gone(&self, set: &[bool]) -> impl Iterator<Item = &Range<usize>> {
        let words = self.words.iter().zip(set);
        words.filter(|(_, there)| !**there).map(|(word, _)| word)
    }

    /// The tokens without the words that are not there, ascending.
    pub fn kept(&self, set: &[bool]) -> Vec<usize> {
        let mut kept = vec![true; self.tokens.len()];
        for word in self.gone(set) {
            kept[word.clone()].fill(false);
        }
        (0..kept.len()).filter(|&t| kept[t]).collect()
    }

    /// The text without the bytes of the words that are not there, tokenized again.
    ///
    /// # Errors
    /// When the tokenizer fails on what is left.
    pub fn left(&self, model: &Model, set: &[bool]) -> Result<Tokens, ModelError> {
        let (prompt, mut text) = self.tokens.text.split_at(self.tokens.prompt_bytes);
        let mut left = String::with_capacity(text.len());
        let mut from = prompt.len();
        for word in self.gone(set) {
            let start = self.tokens.offsets[word.start].0;
            let end = self.tokens.offsets[word.end - 1].1;
            // Some tokenizers give a letter in several bytes to several tokens.
            let (Some(before), Some(after)) = (
                self.tokens.text.get(from..start.max(from)),
                self.tokens.text.get(end.max(from)..),
            ) else {
                continue;
            };
            left.push_str(before);
            (from, text) = (end.max(from), after);
        }
        left.push_str(text);
        let text = &left;
        Ok(model.tokenizer.tokens(Prompted { prompt, text })?)
    }
}
