//! Layers: the score after each of them, and what each changes.

use std::time::Instant;

use super::{EXACT, PairMatrix};
use crate::analysis::pooling::{missing, modes, score};
use crate::analysis::residual::{layer_cosines, layer_pools};
use crate::analysis::vectors::cosine;
use crate::model::{Head, HeadOptions, ModelError};
use crate::trace::{EmbedSite, PoolingMode, Site, Trace};

/// cos(a, b) after pooling `embed.out` and each layer's output; the last one's behind the final norm,
/// where there is one. Where a WeightedLayerPooling mixes layers, that norm and the mix count as part
/// of the head.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    /// `embed`, `L1`, …: [1 + L]
    pub names: Vec<String>,
    /// Under the poolings in use, concatenated where there are several: [1 + L].
    pub cosines: Vec<f64>,
    /// Under each single pooling: [1 + L] each.
    pub poolings: Vec<(PoolingMode, Vec<f64>)>,
    /// After everything behind the pool: the score.
    pub cos: f64,
    pub seconds: f64,
}

impl Layers {
    /// # Errors
    /// When a trace lacks a layer's output, or a module does not take this pooling's vector.
    pub fn new(
        head: &Head,
        a: &Trace,
        b: &Trace,
        options: HeadOptions,
    ) -> Result<Self, ModelError> {
        let started = Instant::now();
        let (taken_a, taken_b) = (head.pooled_tokens(&a.tokens), head.pooled_tokens(&b.tokens));
        let lacks = || missing(Site::Embed(EmbedSite::Out));
        let own = modes(head, options.pooling);
        let of_a = layer_pools(a, &taken_a, &own).ok_or_else(lacks)?;
        let of_b = layer_pools(b, &taken_b, &own).ok_or_else(lacks)?;
        let cosines = of_a.iter().zip(&of_b).map(|(a, b)| cosine(a, b));
        let under = |mode| (mode, layer_cosines((a, &taken_a), (b, &taken_b), mode));
        let layers = (1..of_a.len()).map(|l| format!("L{l}"));
        Ok(Self {
            names: std::iter::once("embed".to_owned()).chain(layers).collect(),
            cosines: cosines.collect(),
            poolings: PoolingMode::ALL.map(under).to_vec(),
            cos: score(head, a, b, options)?,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The cosines less what unrelated texts have there (see [`random_pair_means`]): [1 + L].
    pub fn above(&self, background: &[f64]) -> Vec<f64> {
        let pairs = self.cosines.iter().zip(background);
        pairs.map(|(cos, mean)| cos - mean).collect()
    }

    /// What each layer changes: the cosine after `embed`, then cos_l − cos_{l−1}, and last what a mix of
    /// layers and the modules behind the pool change (`head`). One column; the steps telescope to the score.
    /// [2 + L, 1]
    pub fn steps(&self) -> PairMatrix {
        let mut before = 0.;
        let after = self.cosines.iter().chain([&self.cos]);
        let step = |&cos: &f64| {
            let step = cos - before;
            before = cos;
            step
        };
        let head = std::iter::once("head".to_owned());
        PairMatrix {
            values: after.map(step).collect(),
            rows: self.names.iter().cloned().chain(head).collect(),
            columns: vec!["change".to_owned()],
            explains: self.cos,
            tolerance: EXACT,
            seconds: self.seconds,
        }
    }
}

/// The mean cosine of all pairs of unrelated texts after each layer, [1 + L]; none where a trace lacks
/// a layer, empty for fewer than two texts. Deep layers are often high for every pair (Ethayarajh
/// 2019), so a layer's cosine says little without it.
pub fn random_pair_means(
    head: &Head,
    texts: &[&Trace],
    pooling: Option<PoolingMode>,
) -> Option<Vec<f64>> {
    let modes = modes(head, pooling);
    let pools = texts
        .iter()
        .map(|text| layer_pools(text, &head.pooled_tokens(&text.tokens), &modes));
    let pools: Vec<Vec<Vec<f64>>> = pools.collect::<Option<_>>()?;
    let pairs = (pools.len() * pools.len().saturating_sub(1) / 2) as f64;
    let layers = pools.first().map_or(0, Vec::len);
    let mean = |l: usize| {
        let rest = |i: usize| pools[i + 1..].iter();
        let of =
            |(i, a): (usize, &Vec<Vec<f64>>)| rest(i).map(|b| cosine(&a[l], &b[l])).sum::<f64>();
        pools.iter().enumerate().map(of).sum::<f64>() / pairs
    };
    Some(match pools.len() {
        0 | 1 => Vec::new(),
        _ => (0..layers).map(mean).collect(),
    })
}
