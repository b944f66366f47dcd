//! A pooling of a person's own: how much each token weighs in the mean.

use std::collections::{BTreeMap, HashMap, HashSet};

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::pooling::values;
use crate::cancel::Cancel;
use crate::model::{Head, HeadOptions, ModelError};
use crate::tokens::{Prompted, TextTokenizer, Tokens};
use crate::trace::{Site, Trace};

/// What a token weighs before a person says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum WeightScheme {
    /// The same as every other: the mean.
    #[default]
    Equal,
    /// The rarer its piece among unrelated texts, the more.
    Idf,
}

/// Weights of tokens by their pieces, so that they hold for every text and every edit of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenWeights {
    pub scheme: WeightScheme,
    /// Instead of the scheme's weight: that of a piece, in hundredths.
    pub own: BTreeMap<String, u32>,
}

impl TokenWeights {
    /// The most that one piece weighs, in hundredths.
    pub const MOST: u32 = 1000;

    /// The weight of one token, not yet divided by the sum.
    pub fn of(&self, tokens: &Tokens, token: usize, idf: Option<&Idf>) -> f64 {
        if let Some(&own) = self.own.get(&tokens.pieces[token]) {
            return f64::from(own.min(Self::MOST)) / 100.;
        }
        match (self.scheme, idf) {
            (WeightScheme::Idf, Some(idf)) => idf.weight(tokens.ids[token]),
            _ => 1.,
        }
    }
}

/// In how many of some texts each piece of a vocabulary occurs.
#[derive(Clone, Debug, Default)]
pub struct Idf {
    texts: u32,
    /// By id.
    found: HashMap<u32, u32>,
}

impl Idf {
    /// Counts over `texts`. Ends early, with what it has, once `cancel` is up. A text that the
    /// tokenizer refuses counts for nothing.
    pub fn of<'a>(
        tokenizer: &TextTokenizer,
        texts: impl IntoIterator<Item = &'a str>,
        cancel: &Cancel,
    ) -> Self {
        let mut idf = Self::default();
        for text in texts {
            if cancel.is_cancelled() {
                break;
            }
            let Ok(tokens) = tokenizer.tokens(Prompted { prompt: "", text }) else {
                continue;
            };
            idf.texts += 1;
            let different: HashSet<u32> = tokens.ids.iter().copied().collect();
            for id in different {
                *idf.found.entry(id).or_default() += 1;
            }
        }
        idf
    }

    /// ln((1 + n)/(1 + df)) + 1 for a piece in df of n texts, the smoothed inverse document frequency
    /// of scikit-learn's `TfidfTransformer`: 1 for what is in every text.
    pub fn weight(&self, id: u32) -> f64 {
        let found = self.found.get(&id).copied().unwrap_or(0);
        ((1. + f64::from(self.texts)) / (1. + f64::from(found))).ln() + 1.
    }
}

/// Each token's share of the pool, [T]: 0 for tokens that the model leaves out. The shares sum to 1,
/// and are all 0 where every token weighs nothing.
pub fn shares(head: &Head, tokens: &Tokens, weights: &TokenWeights, idf: Option<&Idf>) -> Vec<f64> {
    let taken = head.pooled_tokens(tokens);
    let of = |t: usize| match taken[t] {
        true => weights.of(tokens, t, idf),
        false => 0.,
    };
    let raw: Vec<f64> = (0..tokens.len()).map(of).collect();
    let sum: f64 = raw.iter().sum();
    match sum > 0. {
        true => raw.into_iter().map(|weight| weight / sum).collect(),
        false => raw,
    }
}

/// Σ_t share_t · final.out_t, [D]; summed in f64.
///
/// # Errors
/// When the trace does not hold the final token vectors.
pub fn pooled(trace: &Trace, shares: &[f64]) -> Result<Vec<f32>, ModelError> {
    let out = values(trace, Site::FinalOut)?; // [T, D]
    let mut sum = vec![0.; out.size(1)];
    for (t, &share) in shares.iter().enumerate().filter(|(_, share)| **share != 0.) {
        for (sum, &x) in sum.iter_mut().zip(out.row(&[t]).iter()) {
            *sum += share * f64::from(x);
        }
    }
    Ok(sum.into_iter().map(|x| x as f32).collect())
}

/// What the modules behind the pool make of such a vector, [D] to [E].
///
/// # Errors
/// When a module does not take a vector of D dimensions.
pub fn sentence(head: &Head, pooled: &[f32], options: HeadOptions) -> Result<Vec<f32>, ModelError> {
    let vector = Tensor::from_slice(pooled, pooled.len(), &super::pooling::device(head))?;
    Ok(head.after_pooling(vector, options)?.to_vec1()?)
}
