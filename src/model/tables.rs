//! The lookup tables and the norm of the embeddings, as values to look at.

use super::Model;
use super::spec::{DistanceBias, Positions};
use crate::trace::Values;

/// A layer norm behind the embeddings: y = g ⊙ (x − mean x)/√(var x + ε) + b (Ba et al. 2016).
pub struct NormTable<'a> {
    pub weight: Values<'a>, // [D]
    pub bias: Values<'a>,   // [D]
    pub eps: f64,
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

    /// The segments' vectors, [types, D]; none also where the model has no types.
    pub fn type_table(&self) -> Option<Values<'_>> {
        Values::new(self.encoder.weights.types.as_ref()?)
    }

    /// The norm between the sum of the embeddings and layer 0.
    pub fn embed_norm(&self) -> Option<NormTable<'_>> {
        let norm = self.encoder.weights.embed_norm.as_ref()?;
        Some(NormTable {
            weight: Values::new(&norm.weight)?,
            bias: Values::new(&norm.bias)?,
            eps: norm.eps,
        })
    }
}
