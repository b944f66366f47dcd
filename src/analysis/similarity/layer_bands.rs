//! What unrelated texts have after each layer: the scale for the score's way through the layers.

use rayon::prelude::*;

use crate::analysis::calibration::{Extent, pairs};
use crate::analysis::pooling::misfit;
use crate::analysis::residual::layer_pools;
use crate::model::Head;
use crate::trace::{PoolingMode, Trace};

/// The share of unrelated pairs below a band, and above it.
pub const TAIL: f64 = 0.05;

/// Pairs that are looked at: all where there are no more, else a seeded sample of so many.
const PAIRS: usize = 20_000;

/// Cosines of pairs of unrelated texts at one place.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Band {
    pub mean: f64,
    /// The quantile [`TAIL`].
    pub low: f64,
    /// The quantile 1 − [`TAIL`].
    pub high: f64,
}

/// A [`Band`] at each place and under each pooling.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LayerBands {
    /// How many texts were encoded.
    pub texts: usize,
    /// How many of their pairs were looked at.
    pub pairs: usize,
    /// By the pooling's name: after the embedding and after each layer, [1 + L].
    poolings: Vec<(String, Vec<Band>)>,
}

/// The poolings that can be looked at layer by layer: the model's own first, then each single one
/// that the modules behind the pool take.
pub fn poolings(head: &Head, hidden: usize) -> Vec<Vec<PoolingMode>> {
    let own = head.pooling().to_vec();
    let single = PoolingMode::ALL
        .into_iter()
        .filter(|&mode| own != [mode] && misfit(head, hidden, Some(mode)).is_none());
    let single: Vec<Vec<PoolingMode>> = single.map(|mode| vec![mode]).collect();
    std::iter::once(own).chain(single).collect()
}

/// What a pooling is filed under. The mean over √T is the mean's direction, so it has its cosines.
fn name(modes: &[PoolingMode]) -> String {
    let name = |mode: &PoolingMode| match (mode, modes.len()) {
        (PoolingMode::MeanSqrtLenTokens, 1) => PoolingMode::Mean.name(),
        (mode, _) => mode.name(),
    };
    modes.iter().map(name).collect::<Vec<_>>().join("+")
}

impl LayerBands {
    /// Of a pooling, [1 + L]; none where it was not measured.
    pub fn of(&self, modes: &[PoolingMode]) -> Option<&[Band]> {
        let name = name(modes);
        let found = self.poolings.iter().find(|(other, _)| *other == name);
        found.map(|(_, bands)| bands.as_slice())
    }

    /// False where it cannot have been made by [`Background::bands`] for L layers: read from a damaged
    /// file.
    pub fn is_whole(&self, layers: usize) -> bool {
        let sound = |band: &Band| band.low <= band.high && band.mean.is_finite();
        let whole =
            |(_, bands): &(String, Vec<Band>)| bands.len() == layers + 1 && bands.iter().all(sound);
        self.texts > 1 && !self.poolings.is_empty() && self.poolings.iter().all(whole)
    }
}

/// The pooled layers of unrelated texts as they come in.
pub struct Background<'a> {
    head: &'a Head,
    /// Poolings with their names.
    kinds: Vec<(String, Vec<PoolingMode>)>,
    /// One for each kind and place, of [n·D] at length 1.
    vectors: Vec<Vec<Vec<f32>>>,
    texts: usize,
}

impl<'a> Background<'a> {
    /// For texts of a model with `layers` layers of `hidden` dimensions.
    pub fn new(head: &'a Head, layers: usize, hidden: usize) -> Self {
        let mut kinds: Vec<(String, Vec<PoolingMode>)> = Vec::new();
        for modes in poolings(head, hidden) {
            let name = name(&modes);
            if kinds.iter().all(|(other, _)| *other != name) {
                kinds.push((name, modes));
            }
        }
        Self {
            vectors: vec![vec![Vec::new(); layers + 1]; kinds.len()],
            head,
            kinds,
            texts: 0,
        }
    }

    /// Bytes that `texts` texts take.
    pub fn bytes(&self, texts: usize, hidden: usize) -> usize {
        let vectors = self.kinds.iter().zip(&self.vectors);
        let floats = vectors.map(|((_, modes), places)| modes.len() * places.len());
        4 * texts * hidden * floats.sum::<usize>()
    }

    /// Takes in one text. One whose layers were not recorded is left out.
    pub fn add(&mut self, trace: &Trace) {
        let taken = self.head.pooled_tokens(&trace.tokens);
        let pools: Option<Vec<_>> = self
            .kinds
            .iter()
            .map(|(_, modes)| layer_pools(trace, &taken, modes))
            .collect();
        let Some(pools) = pools else { return };
        for (places, pools) in self.vectors.iter_mut().zip(pools) {
            for (place, pool) in places.iter_mut().zip(pools) {
                let length = crate::analysis::vectors::norm(&pool);
                let unit = pool
                    .iter()
                    .map(|x| crate::analysis::vectors::quotient(*x, length) as f32);
                place.extend(unit);
            }
        }
        self.texts += 1;
    }

    /// What there is by now; none for fewer than two texts.
    pub fn bands(&self) -> Option<LayerBands> {
        let extent = Extent {
            pairs: PAIRS,
            ..Extent::default()
        };
        let pairs = pairs(self.texts, extent);
        if pairs.is_empty() {
            return None;
        }
        let band = |vectors: &Vec<f32>| band(vectors, self.texts, &pairs);
        let of = |(places, (name, _)): (&Vec<Vec<f32>>, &(String, _))| {
            (name.clone(), places.par_iter().map(band).collect())
        };
        Some(LayerBands {
            texts: self.texts,
            pairs: pairs.len(),
            poolings: self.vectors.iter().zip(&self.kinds).map(of).collect(),
        })
    }
}

/// Of `texts` vectors of length 1, one behind the other.
fn band(vectors: &[f32], texts: usize, pairs: &[(usize, usize)]) -> Band {
    let size = vectors.len() / texts;
    let vector = |i: usize| &vectors[i * size..(i + 1) * size];
    let cosine = |&(i, j): &(usize, usize)| {
        let cells = vector(i).iter().zip(vector(j));
        cells
            .map(|(&x, &y)| f64::from(x) * f64::from(y))
            .sum::<f64>()
    };
    let mut cosines: Vec<f64> = pairs.iter().map(cosine).collect();
    cosines.sort_by(f64::total_cmp);
    let at = |share: f64| cosines[(share * (cosines.len() - 1) as f64).round() as usize];
    Band {
        mean: cosines.iter().sum::<f64>() / cosines.len() as f64,
        low: at(TAIL),
        high: at(1. - TAIL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_the_mean_and_the_quantiles_of_all_pairs() {
        // At angles of 0°, 60° and 90°.
        let half = 3_f32.sqrt() / 2.;
        let vectors = [1., 0., 0.5, half, 0., 1.];
        let all = [(0, 1), (0, 2), (1, 2)];
        let found = band(&vectors, 3, &all);
        let cosines = [0., 0.5, f64::from(half)];
        assert!((found.mean - cosines.iter().sum::<f64>() / 3.).abs() < 1e-7);
        assert!((found.low, found.high) == (0., cosines[2]));
    }

    #[test]
    fn the_models_own_pooling_comes_first_and_once() {
        let found = poolings(&Head::mean(), 8);
        assert_eq!(found[0], [PoolingMode::Mean]);
        assert_eq!(found.len(), PoolingMode::ALL.len());
        assert_eq!(name(&[PoolingMode::MeanSqrtLenTokens]), "mean");
    }
}
