//! The encoder with everything that depends on the text held as it was recorded: what is left is a
//! linear map plus constants, so the state of every token is a sum of parts that pass one by one.
//!
//! Held are each attention pattern, each norm's σ, each activation's secant slope f(z)/z, and in gated
//! blocks the gate f(z) itself. The family of ALTI, DecompX (Modarressi et al. 2023) and LRP under
//! detach rules (Ali et al. 2022).

mod embedding;
mod norm;
mod stack;

use candle_core::{Device, Tensor};

pub use embedding::FrozenEmbedding;
pub use norm::{FrozenNorm, FrozenNorms};
pub use stack::Stack;

use crate::analysis::pooling::{missing, values};
use crate::model::ops::Ops;
use crate::model::weights::{ConvolutionWeights, Ffn, Linear};
use crate::model::{Encoder, ModelError};
use crate::trace::{LayerSite, Site, Trace};

/// One text's encoder. T tokens, D hidden, H heads, F neurons.
pub struct FrozenEncoder {
    pub tokens: usize,
    pub hidden: usize,
    pub embedding: FrozenEmbedding,
    pub blocks: Vec<FrozenBlock>,
    pub final_norm: Option<FrozenNorm>,
    /// The share of each state in a mix of layers, [L + 1]; empty where nothing is mixed.
    pub mix: Vec<f64>,
}

/// A product and its constant, on the CPU.
pub struct FrozenLinear {
    pub weight: Tensor, // [out, in]
    pub bias: Vec<f32>, // [out]
}

impl FrozenLinear {
    fn new(linear: &Linear) -> Result<Self, ModelError> {
        Ok(Self {
            weight: linear.weight.to_device(&Device::Cpu)?.contiguous()?,
            bias: linear.bias.to_device(&Device::Cpu)?.to_vec1()?,
        })
    }
}

/// Attention and the feed-forward block, each in its norms (see [`crate::model::weights::Norms`]).
pub struct FrozenBlock {
    pub pattern: Tensor,      // [H, T, T]
    pub kv_heads: usize,      // K
    pub value: FrozenLinear,  // [K·d, D]
    pub output: FrozenLinear, // [D, H·d]
    pub attn_norms: FrozenNorms,
    pub up: FrozenLinear, // [F, D]
    /// f(z)/z of each neuron, or f(gate): [T, F].
    pub slope: Vec<f32>,
    pub down: FrozenLinear, // [D, F]
    pub ffn_norms: FrozenNorms,
    pub convolution: Option<FrozenConvolution>,
}

/// norm(y + slope ⊙ conv(x)) of what enters a block and what leaves it.
pub struct FrozenConvolution {
    pub taps: FrozenLinear, // [D, kernel·D]
    pub kernel: usize,
    /// f(z)/z: [T, D].
    pub slope: Vec<f32>,
    pub norm: FrozenNorm,
}

impl FrozenConvolution {
    fn new(weights: &ConvolutionWeights, trace: &Trace, l: usize) -> Result<Self, ModelError> {
        let at = |site| values(trace, Site::Layer(l, site));
        let (pre, out) = (at(LayerSite::ConvPre)?, at(LayerSite::ConvOut)?);
        let (out, y) = (out.flat(), at(LayerSite::ResidFfn)?);
        let y = y.flat();
        let sums = y.iter().zip(out.iter());
        let sum: Vec<f64> = sums.map(|(&y, &c)| f64::from(y) + f64::from(c)).collect();
        Ok(Self {
            taps: FrozenLinear::new(&weights.taps)?,
            kernel: weights.kernel,
            slope: secants(&pre.flat(), &out),
            norm: FrozenNorm::new(&weights.norm, &sum, weights.norm.weight.dim(0)?)?,
        })
    }
}

impl FrozenEncoder {
    /// # Errors
    /// When the trace does not hold the layers' inside; it must be one of this very encoder.
    pub fn new(encoder: &Encoder, trace: &Trace) -> Result<Self, ModelError> {
        let weights = &encoder.weights;
        let hidden = encoder.spec.hidden;
        let blocks = (0..weights.layers.len()).map(|l| FrozenBlock::new(encoder, trace, l));
        let last = match weights.layers.len() {
            0 => Site::Embed(crate::trace::EmbedSite::Out),
            layers => Site::Layer(layers - 1, LayerSite::ResidOut),
        };
        let final_norm = weights.final_norm.as_ref().map(|norm| {
            let before = wide(&values(trace, last)?.flat());
            FrozenNorm::new(norm, &before, hidden)
        });
        Ok(Self {
            tokens: trace.tokens.len(),
            hidden,
            embedding: FrozenEmbedding::new(encoder, trace)?,
            blocks: blocks.collect::<Result<_, _>>()?,
            final_norm: final_norm.transpose()?,
            mix: match &weights.mix {
                Some(mix) => mix.share_of_each()?,
                None => Vec::new(),
            },
        })
    }

    /// Adds what a part of state `state` brings to a mix of layers.
    pub fn mix_in(&self, mixed: &mut [f64], state: usize, part: impl Iterator<Item = f64>) {
        if let Some(share) = self.mix.get(state).filter(|share| **share != 0.) {
            let cells = mixed.iter_mut().zip(part);
            cells.for_each(|(sum, x)| *sum += share * x);
        }
    }
}

impl FrozenBlock {
    fn new(encoder: &Encoder, trace: &Trace, l: usize) -> Result<Self, ModelError> {
        let (weights, spec) = (&encoder.weights.layers[l], &encoder.spec);
        let at = |site| values(trace, Site::Layer(l, site));
        let pattern = Site::Layer(l, LayerSite::Pattern);
        let pattern = trace.tensor(pattern).ok_or_else(|| missing(pattern))?;
        let (d, size) = (spec.hidden, spec.head_size);
        let first = (spec.heads + spec.kv_heads) * size;
        let attention = [LayerSite::ResidIn, LayerSite::AttnOut].map(at);
        let ffn = [LayerSite::ResidMid, LayerSite::FfnOut].map(at);
        let ([resid_in, attn_out], [mid, ffn_out]) = (attention, ffn);
        Ok(Self {
            pattern: pattern.contiguous()?,
            kv_heads: spec.kv_heads,
            value: FrozenLinear::new(&weights.qkv.rows(first, spec.kv_heads * size)?)?,
            output: FrozenLinear::new(&weights.output)?,
            attn_norms: FrozenNorms::new(
                &weights.attn_norms,
                &wide(&resid_in?.flat()),
                &wide(&attn_out?.flat()),
                d,
            )?,
            up: FrozenLinear::new(&weights.ffn.up)?,
            slope: slope(encoder, &weights.ffn, trace, l)?,
            down: FrozenLinear::new(&weights.ffn.down)?,
            ffn_norms: FrozenNorms::new(
                &weights.ffn_norms,
                &wide(&mid?.flat()),
                &wide(&ffn_out?.flat()),
                d,
            )?,
            convolution: weights
                .convolution
                .as_ref()
                .map(|weights| FrozenConvolution::new(weights, trace, l))
                .transpose()?,
        })
    }
}

/// What the up-product's result is multiplied by, [T, F].
fn slope(encoder: &Encoder, ffn: &Ffn, trace: &Trace, l: usize) -> Result<Vec<f32>, ModelError> {
    let at = |site| values(trace, Site::Layer(l, site));
    if ffn.gate.is_none() {
        let (pre, act) = (at(LayerSite::FfnPre)?, at(LayerSite::FfnAct)?);
        return Ok(secants(&pre.flat(), &act.flat()));
    }
    let gate = at(LayerSite::FfnGate)?;
    let shape = (gate.size(0), gate.size(1));
    let gate = Tensor::from_vec(gate.flat().into_owned(), shape, &Device::Cpu)?;
    let open = Ops::fastest(&Device::Cpu).activate(&gate, encoder.spec.activation)?;
    Ok(open.flatten_all()?.to_vec1()?)
}

/// f(z)/z of every neuron. At z = 0 its limit f′(0), which for GELU (both kinds) and SiLU is ½; for
/// ReLU, which has no derivative there, ½ as well; tanh's would be 1. Any slope times 0 is 0.
fn secants(pre: &[f32], act: &[f32]) -> Vec<f32> {
    const AT_ZERO: f32 = 0.5;
    let slope = |(&z, &f): (&f32, &f32)| match z.abs() < 1e-20 {
        true => AT_ZERO,
        false => (f64::from(f) / f64::from(z)) as f32,
    };
    pre.iter().zip(act).map(slope).collect()
}

/// In f64.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}
