//! The program's own ways of doing the same maths, held against each other on any family: no
//! independent opinion, but other code.

use super::oracle::{OracleReport, compared};
use crate::model::{Encoder, Model, ModelError};
use crate::trace::hook::NoHook;

/// An encoder's other way through the same weights.
pub struct OtherPath {
    pub name: &'static str,
    encoder: Encoder,
}

impl OtherPath {
    /// Every way but the one that the model takes: candle's own operations one by one, and fused kernels
    /// with gradients.
    ///
    /// # Errors
    /// When the weights cannot be brought to the CPU.
    pub fn all(model: &Model) -> Result<[Self; 2], ModelError> {
        Ok([
            Self {
                name: "candle's operations, one by one",
                encoder: model.encoder.unfused()?,
            },
            Self {
                name: "the path with gradients",
                encoder: model.encoder.differentiable(),
            },
        ])
    }

    /// Runs one text, with the model's own prompt, both ways.
    ///
    /// # Errors
    /// When either fails on it.
    pub fn compare(&self, model: &Model, text: &str) -> Result<OracleReport, ModelError> {
        compared(model, text, |tokens| {
            self.encoder.forward(&[tokens], &mut NoHook)
        })
    }
}
