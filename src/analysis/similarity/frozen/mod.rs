//! The encoder with everything that depends on the text held as it was recorded: what is left is a
//! linear map plus constants, so the state of every token is a sum of parts that pass one by one.
//!
//! Held are each attention pattern, each norm's σ and each activation's secant slope f(z)/z. The
//! family of ALTI, DecompX (Modarressi et al. 2023) and LRP under detach rules (Ali et al. 2022).

mod norm;
mod stack;

use candle_core::{Device, Tensor};

pub use norm::FrozenNorm;
pub use stack::Stack;

use crate::analysis::pooling::missing;
use crate::model::{Encoder, ModelError};
use crate::trace::{EmbedSite, LayerSite, Site, Trace, Values};

/// One text's encoder. T tokens, D hidden, H heads, F neurons.
pub struct FrozenEncoder {
    pub tokens: usize,
    pub hidden: usize,
    /// Token + position + type, before the embedding norm: [T, D].
    pub embedding: Vec<f64>,
    pub embed_norm: FrozenNorm,
    pub blocks: Vec<FrozenBlock>,
}

/// x ← norm(x + attention(x)); x ← norm(x + ffn(x)), on weights that lie on the CPU.
pub struct FrozenBlock {
    pub pattern: Tensor,      // [H, T, T]
    pub value: Tensor,        // [D, D], out × in
    pub value_bias: Vec<f32>, // [D]
    pub output: Tensor,       // [D, D]
    pub output_bias: Vec<f32>,
    pub attn_norm: FrozenNorm,
    pub up: Tensor, // [F, D]
    pub up_bias: Vec<f32>,
    /// f(z)/z of each neuron: [T, F].
    pub slope: Vec<f32>,
    pub down: Tensor, // [D, F]
    pub down_bias: Vec<f32>,
    pub ffn_norm: FrozenNorm,
}

impl FrozenEncoder {
    /// # Errors
    /// When the trace does not hold the layers' inside; it must be one of this very encoder.
    pub fn new(encoder: &Encoder, trace: &Trace) -> Result<Self, ModelError> {
        let weights = &encoder.weights;
        let sum = embedding(trace, weights.types.is_some())?;
        let hidden = encoder.spec.hidden;
        let blocks = (0..weights.layers.len()).map(|l| FrozenBlock::new(encoder, trace, l));
        Ok(Self {
            tokens: trace.tokens.len(),
            hidden,
            embed_norm: FrozenNorm::new(&weights.embed_norm, &sum, hidden)?,
            embedding: sum,
            blocks: blocks.collect::<Result<_, _>>()?,
        })
    }

    /// Every norm in the order in which a state passes them: that of the embedding, then two in each
    /// block. [1 + 2·L]
    pub fn norms(&self) -> Vec<&FrozenNorm> {
        let blocks = self.blocks.iter();
        let inside = blocks.flat_map(|block| [&block.attn_norm, &block.ffn_norm]);
        std::iter::once(&self.embed_norm).chain(inside).collect()
    }
}

impl FrozenBlock {
    fn new(encoder: &Encoder, trace: &Trace, l: usize) -> Result<Self, ModelError> {
        let weights = &encoder.weights.layers[l];
        let d = encoder.spec.hidden;
        let at = |site| values(trace, Site::Layer(l, site));
        let summed = |x, y| Ok::<_, ModelError>(added(&at(x)?.flat(), &at(y)?.flat()));
        let pattern = Site::Layer(l, LayerSite::Pattern);
        let pattern = trace.tensor(pattern).ok_or_else(|| missing(pattern))?;
        let before_attn_norm = summed(LayerSite::AttnOut, LayerSite::ResidIn)?;
        let before_ffn_norm = summed(LayerSite::FfnOut, LayerSite::ResidMid)?;
        let (pre, act) = (at(LayerSite::FfnPre)?, at(LayerSite::FfnAct)?);
        Ok(Self {
            pattern: pattern.contiguous()?,
            value: on_cpu(&weights.qkv.weight.narrow(0, 2 * d, d)?)?,
            value_bias: on_cpu(&weights.qkv.bias.narrow(0, 2 * d, d)?)?.to_vec1()?,
            output: on_cpu(&weights.output.weight)?,
            output_bias: on_cpu(&weights.output.bias)?.to_vec1()?,
            attn_norm: FrozenNorm::new(&weights.attn_norm, &before_attn_norm, d)?,
            up: on_cpu(&weights.up.weight)?,
            up_bias: on_cpu(&weights.up.bias)?.to_vec1()?,
            slope: slopes(&pre.flat(), &act.flat()),
            down: on_cpu(&weights.down.weight)?,
            down_bias: on_cpu(&weights.down.bias)?.to_vec1()?,
            ffn_norm: FrozenNorm::new(&weights.ffn_norm, &before_ffn_norm, d)?,
        })
    }
}

/// f(z)/z of every neuron. At z = 0 its limit f′(0), which for GELU (both kinds) and SiLU is ½; for
/// ReLU, which has no derivative there, ½ as well. Any slope times 0 is 0.
fn slopes(pre: &[f32], act: &[f32]) -> Vec<f32> {
    const AT_ZERO: f32 = 0.5;
    let slope = |(&z, &f): (&f32, &f32)| match z.abs() < 1e-20 {
        true => AT_ZERO,
        false => (f64::from(f) / f64::from(z)) as f32,
    };
    pre.iter().zip(act).map(slope).collect()
}

/// What the embedding norm takes, [T, D].
fn embedding(trace: &Trace, has_types: bool) -> Result<Vec<f64>, ModelError> {
    let at = |site| values(trace, Site::Embed(site));
    let sum = added(
        &at(EmbedSite::Token)?.flat(),
        &at(EmbedSite::Position)?.flat(),
    );
    if !has_types {
        return Ok(sum);
    }
    let types = at(EmbedSite::Type)?;
    let types = types.flat();
    Ok(sum
        .iter()
        .zip(types.iter())
        .map(|(x, &y)| x + f64::from(y))
        .collect())
}

fn added(x: &[f32], y: &[f32]) -> Vec<f64> {
    let pairs = x.iter().zip(y);
    pairs.map(|(&x, &y)| f64::from(x) + f64::from(y)).collect()
}

/// A recorded value.
///
/// # Errors
/// When the trace does not hold it.
pub fn values(trace: &Trace, site: Site) -> Result<Values<'_>, ModelError> {
    trace.values(site).ok_or_else(|| missing(site))
}

fn on_cpu(tensor: &Tensor) -> candle_core::Result<Tensor> {
    tensor.to_device(&Device::Cpu)
}
