//! The lookup tables and the norm of the embeddings, as values to look at.

use super::encoder::position_rows;
use super::ops::ByDistance;
use super::spec::{DistanceBias, Positions, QkNorm};
use super::weights::Norm;
use super::{Model, Part};
use crate::tokens::Tokens;
use crate::trace::Values;

/// A norm: y = g ⊙ (x − mean x)/√(var x + ε) + b (Ba et al. 2016), or without the mean for RMS.
pub struct NormTable<'a> {
    pub weight: Values<'a>, // [D]
    pub bias: Values<'a>,   // [D]
    pub eps: f64,
}

impl<'a> NormTable<'a> {
    fn of(norm: &'a Norm) -> Option<Self> {
        Some(Self {
            weight: Values::new(&norm.weight)?,
            bias: Values::new(&norm.bias)?,
            eps: norm.eps,
        })
    }
}

/// None while the weights are on another device than the CPU.
impl Model {
    /// The vocabulary's vectors, [V, D].
    pub fn token_table(&self) -> Option<Values<'_>> {
        Values::new(&self.encoder.weights.token)
    }

    /// The learned positions, [P, D]; none where the model adds nothing for a place.
    pub fn position_table(&self) -> Option<Values<'_>> {
        Values::new(self.encoder.weights.position.as_ref()?)
    }

    /// In a word, how places enter where nothing is added to the embeddings for them.
    pub fn position_scheme(&self) -> Option<&'static str> {
        let spec = self.spec();
        let turned = spec.blocks.iter().any(|block| block.rotary.is_some());
        match (spec.positions, spec.distance) {
            (Positions::Learned { .. }, _) => None,
            (Positions::None, Some(DistanceBias::Alibi)) => Some("ALiBi"),
            (Positions::None, Some(DistanceBias::Buckets { .. })) => Some("distances"),
            (Positions::None, None) if spec.disentangled.is_some() => Some("distances"),
            (Positions::None, None) if turned => Some("RoPE"),
            (Positions::None, None) => Some("none"),
        }
    }

    /// The row of [`Self::position_table`] that the first token of a text takes.
    pub fn first_position(&self) -> usize {
        match self.spec().positions {
            Positions::Learned { first, .. } => first,
            Positions::None => 0,
        }
    }

    /// The row of [`Self::position_table`] that each token of a text takes, [T]; empty where there is no
    /// table.
    pub fn position_rows(&self, tokens: &Tokens) -> Vec<usize> {
        match self.spec().positions {
            Positions::Learned { first, padding, .. } => {
                let rows = position_rows(Part::whole(tokens), first, padding);
                rows.into_iter().map(|row| row as usize).collect()
            }
            Positions::None => Vec::new(),
        }
    }

    /// The segments' vectors, [types, D]; none also where the model has no types.
    pub fn type_table(&self) -> Option<Values<'_>> {
        Values::new(self.encoder.weights.types.as_ref()?)
    }

    /// The norm between the sum of the embeddings and layer 0.
    pub fn embed_norm(&self) -> Option<NormTable<'_>> {
        NormTable::of(self.encoder.weights.embed_norm.as_ref()?)
    }

    /// The norms of a layer's queries and of its keys, each over a head's [d]; none also where they are
    /// of all heads together.
    pub fn head_norms(&self, layer: usize) -> [Option<NormTable<'_>>; 2] {
        let layer = self.encoder.weights.layers.get(layer);
        let Some(layer) = layer.filter(|_| self.spec().qk_norm == QkNorm::Head) else {
            return [None, None];
        };
        [&layer.q_norm, &layer.k_norm].map(|norm| NormTable::of(norm.as_ref()?))
    }

    /// What distances up to `farthest` add to the scores, the same in every layer: [H, 2·farthest + 1].
    /// None where the model has no such bias.
    pub fn distance_bias(&self, farthest: usize) -> Option<ByDistance> {
        let (spec, table) = (self.spec(), self.encoder.weights.distance.as_ref());
        let bias = spec.distance?.by_distance(table, spec.heads, farthest);
        bias.ok()
    }

    /// The rows for distances as a layer's heads see them, each [H, 2·buckets, d]: those that queries
    /// meet (content to position), and those that keys meet (position to content).
    pub fn relative_rows(&self, layer: usize) -> [Option<Values<'_>>; 2] {
        let layer = self.encoder.weights.layers.get(layer);
        let Some(relative) = layer.and_then(|layer| layer.relative.as_ref()) else {
            return [None, None];
        };
        [&relative.keys, &relative.queries].map(|rows| Values::new(rows.as_ref()?))
    }
}
