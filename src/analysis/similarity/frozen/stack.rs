//! Several parts of one text's states on their way through the frozen encoder.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::{FrozenBlock, FrozenConvolution, FrozenEncoder, FrozenLinear, FrozenNorm, FrozenNorms};
use crate::model::ModelError;
use crate::model::convolution::{neighbours, side_by_side};
use crate::model::ops::Rows;

/// C parts of the states of T tokens, [C, T, D] in f32. Every product is one over all C·T rows.
pub struct Stack<'a> {
    encoder: &'a FrozenEncoder,
    parts: usize,
    values: Vec<f32>,
    /// What the states so far bring to a mix of layers, as `values`; empty where nothing is mixed.
    mixed: Vec<f64>,
    /// Which part takes the constants that the network adds by itself.
    bias: Option<usize>,
}

impl<'a> Stack<'a> {
    /// The parts of `embed.out` that tokens `from..to` bring, each at its own position; where `to`
    /// is past the last token, the last part is that of the biases.
    ///
    /// # Errors
    /// When a product fails.
    pub fn of_tokens(
        encoder: &'a FrozenEncoder,
        parts: std::ops::Range<usize>,
    ) -> Result<Self, ModelError> {
        let (tokens, hidden) = (encoder.tokens, encoder.hidden);
        let ready = encoder.embedding.apply(encoder.embedding.sum.clone())?; // [T, D]
        let mut stack = Self {
            encoder,
            parts: parts.len(),
            values: vec![0.; parts.len() * tokens * hidden],
            mixed: Vec::new(),
            bias: (parts.end > tokens).then(|| tokens - parts.start),
        };
        for (part, token) in parts.clone().filter(|&t| t < tokens).enumerate() {
            let from = &ready[token * hidden..(token + 1) * hidden];
            let start = (part * tokens + token) * hidden;
            let to = stack.values[start..start + hidden].iter_mut();
            to.zip(from).for_each(|(to, &x)| *to = x as f32);
        }
        if let Some(part) = stack.bias {
            let constant = single(&encoder.embedding.constant(tokens)?);
            let start = part * tokens * hidden;
            stack.values[start..start + constant.len()].copy_from_slice(&constant);
        }
        if !encoder.mix.is_empty() {
            stack.mixed = vec![0.; stack.values.len()];
        }
        // With no layer at all, the first state is the last, which is mixed in behind the final norm.
        if !encoder.blocks.is_empty() {
            stack.mix_in(0);
        }
        Ok(stack)
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
        let entered = block.convolution.as_ref().map(|_| x.clone());
        let values = self.linear(self.before(&x, &block.attn_norms), &block.value)?; // [C·T, K·d]
        let mixed = self.mix(values, block)?;
        let written = self.linear(mixed, &block.output)?;
        let x = self.join(x, written, &block.attn_norms);

        let mut act = self.linear(self.before(&x, &block.ffn_norms), &block.up)?; // [C·T, F]
        let by_part = act.par_chunks_mut(block.slope.len().max(1));
        by_part.for_each(|act| {
            let cells = act.iter_mut().zip(&block.slope);
            cells.for_each(|(x, slope)| *x *= slope);
        });
        let written = self.linear(act, &block.down)?;
        let out = self.join(x, written, &block.ffn_norms);
        self.values = match (&block.convolution, entered) {
            (Some(convolution), Some(x)) => self.convolved(x, out, convolution)?,
            _ => out,
        };
        if l + 1 < self.encoder.blocks.len() {
            self.mix_in(l + 1);
        }
        Ok(())
    }

    /// Through the norm behind the last block and the mix of layers, where there are such.
    pub fn finish(&mut self) {
        if let Some(norm) = &self.encoder.final_norm {
            let values = std::mem::take(&mut self.values);
            self.values = self.norm(values, norm);
        }
        if !self.encoder.mix.is_empty() {
            self.mix_in(self.encoder.blocks.len());
            self.values = single(&self.mixed);
        }
    }

    fn mix_in(&mut self, state: usize) {
        let part = self.values.iter().map(|&x| f64::from(x));
        self.encoder.mix_in(&mut self.mixed, state, part);
    }

    /// What attention or a feed-forward block reads.
    fn before(&self, x: &[f32], norms: &FrozenNorms) -> Vec<f32> {
        match &norms.before {
            Some(norm) => self.norm(x.to_vec(), norm),
            None => x.to_vec(),
        }
    }

    /// See [`crate::model::weights::Norms`].
    fn join(&self, mut x: Vec<f32>, written: Vec<f32>, norms: &FrozenNorms) -> Vec<f32> {
        let written = match &norms.written {
            Some(norm) => self.norm(written, norm),
            None => written,
        };
        let written = match &norms.joined {
            Some(norm) => {
                let sum = x.par_iter().zip(&written).map(|(x, w)| x + w);
                self.norm(sum.collect(), norm)
            }
            None => written,
        };
        let cells = x.par_iter_mut().zip(&written);
        cells.for_each(|(x, w)| *x += w);
        match &norms.after {
            Some(norm) => self.norm(x, norm),
            None => x,
        }
    }

    /// norm(y + slope ⊙ conv(x)) of each part: x, y [C·T, D] to the same.
    fn convolved(
        &self,
        x: Vec<f32>,
        mut y: Vec<f32>,
        convolution: &FrozenConvolution,
    ) -> Result<Vec<f32>, ModelError> {
        let (tokens, kernel) = (self.encoder.tokens, convolution.kernel);
        let rows = Rows::whole((0..self.parts).map(|_| tokens));
        let read = neighbours(&rows, kernel, |_, _| true);
        let shape = (self.parts * tokens, self.encoder.hidden);
        let x = Tensor::from_vec(x, shape, &Device::Cpu)?;
        let read = side_by_side(&x, &read, kernel)?.flatten_all()?.to_vec1()?;
        let pre = self.linear(read, &convolution.taps)?; // [C·T, D]
        let by_part = y
            .par_chunks_mut(convolution.slope.len().max(1))
            .zip(pre.par_chunks(convolution.slope.len().max(1)));
        by_part.for_each(|(y, pre)| {
            let cells = y.iter_mut().zip(pre).zip(&convolution.slope);
            cells.for_each(|((y, z), slope)| *y += z * slope);
        });
        Ok(self.norm(y, &convolution.norm))
    }

    /// x·Wᵀ, and the constant for the biases: [C·T, in] to [C·T, out].
    fn linear(&self, x: Vec<f32>, linear: &FrozenLinear) -> Result<Vec<f32>, ModelError> {
        let out = self.product(x, &linear.weight)?;
        Ok(self.with_bias(out, &linear.bias))
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

    /// pattern_h · v_h for every part and head, [C·T, K·d] to [C·T, H·d]: one product for each head
    /// of values over the columns of all parts.
    fn mix(&self, values: Vec<f32>, block: &FrozenBlock) -> Result<Vec<f32>, ModelError> {
        let (parts, tokens) = (self.parts, self.encoder.tokens);
        let (heads, shared) = (block.pattern.dim(0)?, block.kv_heads);
        let size = block.value.bias.len() / shared;
        let values = Tensor::from_vec(values, (parts, tokens, shared, size), &Device::Cpu)?;
        let by_head = values.permute((2, 1, 0, 3))?.contiguous()?; // [K, T, C, d]
        let by_head = by_head.reshape((shared, tokens, parts * size))?;
        let pattern = block
            .pattern
            .reshape((shared, heads / shared * tokens, tokens))?;
        let mixed = pattern.matmul(&by_head)?; // [K, H/K·T, C·d]
        let mixed = mixed.reshape((heads, tokens, parts, size))?;
        let mixed = mixed.permute((2, 1, 0, 3))?.contiguous()?; // [C, T, H, d]
        Ok(mixed.flatten_all()?.to_vec1()?)
    }

    /// norm(x) of each part, and β for the biases.
    fn norm(&self, mut x: Vec<f32>, norm: &FrozenNorm) -> Vec<f32> {
        let size = (self.encoder.tokens * self.encoder.hidden).max(1);
        x.par_chunks_mut(size)
            .for_each(|part| norm.apply_single(part));
        self.with_bias(x, &single(&norm.bias))
    }
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&x| x as f32).collect()
}
