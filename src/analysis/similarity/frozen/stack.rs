//! Several parts of one text's states on their way through the frozen encoder.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::{FrozenBlock, FrozenEncoder};
use crate::model::ModelError;

/// C parts of the states of T tokens, [C, T, D] in f32. Every product is one over all C·T rows.
pub struct Stack<'a> {
    encoder: &'a FrozenEncoder,
    parts: usize,
    values: Vec<f32>,
    /// Which part takes the constants that the network adds by itself.
    bias: Option<usize>,
}

impl<'a> Stack<'a> {
    /// The parts of `embed.out` that tokens `from..to` bring, each at its own position; where `to`
    /// is past the last token, the last part is that of the biases.
    pub fn of_tokens(encoder: &'a FrozenEncoder, parts: std::ops::Range<usize>) -> Self {
        let (tokens, hidden) = (encoder.tokens, encoder.hidden);
        let mut normed = encoder.embedding.clone(); // [T, D]
        encoder.embed_norm.apply(&mut normed);
        let mut stack = Self {
            encoder,
            parts: parts.len(),
            values: vec![0.; parts.len() * tokens * hidden],
            bias: (parts.end > tokens).then(|| tokens - parts.start),
        };
        for (part, token) in parts.clone().filter(|&t| t < tokens).enumerate() {
            let from = &normed[token * hidden..(token + 1) * hidden];
            let start = (part * tokens + token) * hidden;
            let to = stack.values[start..start + hidden].iter_mut();
            to.zip(from).for_each(|(to, &x)| *to = x as f32);
        }
        let beta: Vec<f32> = encoder.embed_norm.bias.iter().map(|&x| x as f32).collect();
        let values = std::mem::take(&mut stack.values);
        stack.values = stack.with_bias(values, &beta);
        stack
    }

    /// Part `c`, [T, D].
    pub fn part(&self, c: usize) -> &[f32] {
        let size = self.encoder.tokens * self.encoder.hidden;
        &self.values[c * size..(c + 1) * size]
    }

    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Adds every part to `sum`, [T, D].
    pub fn add_to(&self, sum: &mut [f64]) {
        for c in 0..self.parts {
            let cells = sum.iter_mut().zip(self.part(c));
            cells.for_each(|(sum, &x)| *sum += f64::from(x));
        }
    }

    /// Through block `l`.
    ///
    /// # Errors
    /// When a product fails.
    pub fn through(&mut self, l: usize) -> Result<(), ModelError> {
        let block = &self.encoder.blocks[l];
        let x = std::mem::take(&mut self.values);
        let values = self.product(x.clone(), &block.value)?; // [C·T, D]
        let values = self.with_bias(values, &block.value_bias);
        let mixed = self.mix(values, block)?;
        let written = self.product(mixed, &block.output)?;
        let written = self.with_bias(written, &block.output_bias);
        let x = self.norm(x, &written, &block.attn_norm);

        let pre = self.product(x.clone(), &block.up)?; // [C·T, F]
        let mut act = self.with_bias(pre, &block.up_bias);
        let by_part = act.par_chunks_mut(block.slope.len().max(1));
        by_part.for_each(|act| {
            let cells = act.iter_mut().zip(&block.slope);
            cells.for_each(|(x, slope)| *x *= slope);
        });
        let written = self.product(act, &block.down)?;
        let written = self.with_bias(written, &block.down_bias);
        self.values = self.norm(x, &written, &block.ffn_norm);
        Ok(())
    }

    /// x·Wᵀ, [C·T, in] to [C·T, out]; `weight` is [out, in].
    fn product(&self, x: Vec<f32>, weight: &Tensor) -> Result<Vec<f32>, ModelError> {
        let rows = self.parts * self.encoder.tokens;
        let x = Tensor::from_vec(x, (rows, weight.dim(1)?), &Device::Cpu)?;
        Ok(x.matmul(&weight.t()?)?.flatten_all()?.to_vec1()?)
    }

    /// Adds a constant [n] to every row [n] of the part that takes the biases.
    fn with_bias(&self, mut x: Vec<f32>, constant: &[f32]) -> Vec<f32> {
        if let Some(part) = self.bias {
            let size = self.encoder.tokens * constant.len();
            let rows = x[part * size..(part + 1) * size].chunks_exact_mut(constant.len());
            for row in rows {
                row.iter_mut().zip(constant).for_each(|(x, b)| *x += b);
            }
        }
        x
    }

    /// pattern_h · v_h for every part and head, [C·T, H·d] to the same: one product a head over the
    /// columns of all parts.
    fn mix(&self, values: Vec<f32>, block: &FrozenBlock) -> Result<Vec<f32>, ModelError> {
        let (parts, tokens) = (self.parts, self.encoder.tokens);
        let heads = block.pattern.dim(0)?;
        let size = self.encoder.hidden / heads;
        let values = Tensor::from_vec(values, (parts, tokens, heads, size), &Device::Cpu)?;
        let by_head = values.permute((2, 1, 0, 3))?.contiguous()?; // [H, T, C, d]
        let by_head = by_head.reshape((heads, tokens, parts * size))?;
        let mixed = block.pattern.matmul(&by_head)?; // [H, T, C·d]
        let mixed = mixed.reshape((heads, tokens, parts, size))?;
        let mixed = mixed.permute((2, 1, 0, 3))?.contiguous()?; // [C, T, H, d]
        Ok(mixed.flatten_all()?.to_vec1()?)
    }

    /// norm(x + written) of each part, and β for the biases.
    fn norm(&self, mut x: Vec<f32>, written: &[f32], norm: &super::FrozenNorm) -> Vec<f32> {
        let size = (self.encoder.tokens * self.encoder.hidden).max(1);
        x.par_chunks_mut(size)
            .zip(written.par_chunks(size))
            .for_each(|(part, written)| norm.apply_to_sum(part, written));
        let beta: Vec<f32> = norm.bias.iter().map(|&x| x as f32).collect();
        self.with_bias(x, &beta)
    }
}
