//! What a distance adds to a score without looking at the content: buckets (Raffel et al. 2020) and
//! slopes (Press et al. 2022).

use crate::model::Model;
use crate::model::distance::bucket;
use crate::model::spec::DistanceBias;
use crate::trace::{LayerSite, Trace};

/// A number for each head and each distance key − query from −N to N.
#[derive(Clone, Debug, PartialEq)]
pub struct Bias {
    /// N
    pub farthest: usize,
    /// H
    pub heads: usize,
    /// [H, 2N + 1]
    pub values: Vec<f32>,
    /// The bucket of each distance, [2N + 1]; none where every distance has a number of its own.
    pub buckets: Option<Vec<usize>>,
}

impl Bias {
    /// None where the model has no such bias.
    pub fn new(model: &Model, farthest: usize) -> Option<Self> {
        let table = model.distance_bias(farthest)?;
        let reach = farthest as isize;
        let buckets = match model.spec().distance? {
            DistanceBias::Alibi => None,
            DistanceBias::Buckets { buckets, farthest } => {
                let of = |distance| bucket(distance, buckets, farthest);
                Some((-reach..=reach).map(of).collect())
            }
        };
        Some(Self {
            farthest,
            heads: model.spec().heads,
            values: table.table.to_vec(),
            buckets,
        })
    }

    /// One head's, [2N + 1].
    pub fn head(&self, head: usize) -> &[f32] {
        let width = 2 * self.farthest + 1;
        self.values
            .get(head * width..(head + 1) * width)
            .unwrap_or_default()
    }

    /// The number of a head at key − query; none beyond N.
    pub fn at(&self, head: usize, distance: isize) -> Option<f32> {
        let column = distance + self.farthest as isize;
        self.head(head).get(usize::try_from(column).ok()?).copied()
    }

    /// Columns at which another bucket begins.
    pub fn borders(&self) -> Vec<usize> {
        let buckets = self.buckets.as_deref().unwrap_or_default();
        let pairs = buckets.windows(2).enumerate();
        pairs
            .filter(|(_, pair)| pair[0] != pair[1])
            .map(|(i, _)| i + 1)
            .collect()
    }

    /// The largest |Δ| between this and the recorded `score_position` of a layer, over the pairs that
    /// are no farther apart than N. None where the trace does not hold it.
    pub fn residual(&self, trace: &Trace, layer: usize) -> Option<f64> {
        let recorded = trace.layer(layer, LayerSite::ScorePosition)?; // [H, T, T]
        let mut most = 0f64;
        for head in 0..recorded.size(0) {
            for query in 0..recorded.size(1) {
                for (key, &value) in recorded.row(&[head, query]).iter().enumerate() {
                    let Some(ours) = self.at(head, key as isize - query as isize) else {
                        continue;
                    };
                    let off = (f64::from(ours) - f64::from(value)).abs();
                    most = if off.is_nan() { off } else { most.max(off) };
                }
            }
        }
        Some(most)
    }
}
