//! An encoder's values: tensors read from safetensors, checked, and laid out for the forward pass.

mod checkpoint;
mod file;
mod load;
mod named;
mod relative;

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Tensor, TensorId};

use super::ModelError;
use super::mix::LayerMix;
use super::ops::{Panels, with_slice};
use super::spec::{Activation, NormKind};

pub use checkpoint::Checkpoint;
pub use relative::{Distances, Relative};

/// y = x·Wᵀ + b.
#[derive(Clone, Debug)]
pub struct Linear {
    pub weight: Tensor, // [out, in]
    /// Zeros where the model has none.
    pub bias: Tensor, // [out]
    /// The same weight in the order in which a product reads it, where that was made.
    pub packed: Option<Arc<Panels>>,
}

/// y = g ⊙ (x − mean x)/√(var x + ε) + b (Ba et al. 2016), or g ⊙ x/√(mean x² + ε) + b (Zhang and
/// Sennrich 2019).
#[derive(Clone, Debug)]
pub struct Norm {
    pub weight: Tensor, // [D]
    /// Zeros where the model has none.
    pub bias: Tensor, // [D]
    pub eps: f64,
    pub kind: NormKind,
}

/// The norms around attention or around a feed-forward block f, each of which may be missing:
/// x ← after(x + w) with w = written(f(before(x))), and where there is a norm of the sum,
/// x ← after(x + joined(x + w)).
#[derive(Clone, Debug, Default)]
pub struct Norms {
    pub before: Option<Norm>,
    pub written: Option<Norm>,
    /// Of the sum, which is then added to x once more.
    pub joined: Option<Norm>,
    pub after: Option<Norm>,
}

/// The products of a feed-forward block: down(f(up(x))), or down(f(gate(x)) ⊙ up(x)).
#[derive(Clone, Debug)]
pub struct Ffn {
    pub up: Linear,           // [F, D]
    pub gate: Option<Linear>, // [F, D]
    pub down: Linear,         // [D, F]
    /// Which experts a token takes; their neurons stand side by side.
    pub router: Option<Linear>, // [experts, D]
}

/// See [`super::spec::Convolution`].
#[derive(Clone, Debug)]
pub struct ConvolutionWeights {
    /// Of the neighbours' vectors one behind the other.
    pub taps: Linear, // [D, kernel·D]
    pub kernel: usize,
    pub activation: Activation,
    /// Behind the sum.
    pub norm: Norm, // [D]
}

#[derive(Clone, Debug)]
pub struct LayerWeights {
    /// Query, key and value in one product.
    pub qkv: Linear, // [(H + 2·K)·d, D]
    /// Of each head, or of all heads together.
    pub q_norm: Option<Norm>, // [d] or [H·d]
    pub k_norm: Option<Norm>, // [d] or [K·d]
    pub relative: Option<Relative>,
    pub output: Linear, // [D, H·d]
    pub attn_norms: Norms,
    pub ffn: Ffn,
    pub ffn_norms: Norms,
    pub convolution: Option<ConvolutionWeights>,
}

/// The values of one encoder. E is the width of its tables.
#[derive(Clone, Debug)]
pub struct Weights {
    pub token: Tensor,            // [V, E]
    pub position: Option<Tensor>, // [P, E]
    pub types: Option<Tensor>,    // [types, E]
    pub embed_norm: Option<Norm>, // [E]
    /// From the tables' width to the encoder's.
    pub project: Option<Linear>, // [D, E]
    /// A number for each bucket of distances and head.
    pub distance: Option<Tensor>, // [buckets, H]
    /// What the layers' [`Relative`] come from.
    pub distances: Option<Distances>,
    pub layers: Vec<LayerWeights>,
    pub final_norm: Option<Norm>, // [D]
    /// Where `final.out` is a mix of several layers' states.
    pub mix: Option<LayerMix>,
}

/// What [`Weights::map`] does to each tensor, which it names.
pub type Map<'a> = dyn FnMut(&str, &Tensor) -> Result<Tensor, ModelError> + 'a;

fn maybe<T>(
    x: Option<&T>,
    f: impl FnOnce(&T) -> Result<T, ModelError>,
) -> Result<Option<T>, ModelError> {
    x.map(f).transpose()
}

/// Weights are packed for the processor while they take no more than this many bytes once more; the
/// products of larger models take longer than bringing them into order.
const MOST_PACKED: usize = 256 << 20;

impl Weights {
    /// Packs the layers' weights on the processor, where that pays.
    pub fn pack(&mut self) {
        // Layers that share a block share its weights, and then what is packed of them.
        let mut made: HashMap<TensorId, Arc<Panels>> = HashMap::new();
        let products = self.layers.iter_mut().flat_map(LayerWeights::products);
        let products: Vec<&mut Linear> = products.collect();
        let each: HashMap<TensorId, usize> = products
            .iter()
            .map(|layer| (layer.weight.id(), layer.weight.elem_count()))
            .collect();
        let bytes = each.values().sum::<usize>() * size_of::<f32>();
        if !self.token.device().is_cpu() || bytes > MOST_PACKED {
            return;
        }
        for layer in products {
            let id = layer.weight.id();
            layer.packed = made.get(&id).cloned().or_else(|| layer.panels());
            made.extend(layer.packed.clone().map(|panels| (id, panels)));
        }
    }

    /// The same weights with `f` applied to every tensor; once where layers share one.
    pub fn map(&self, f: &mut Map<'_>) -> Result<Self, ModelError> {
        let mut made: HashMap<TensorId, Tensor> = HashMap::new();
        let f = &mut |name: &str, tensor: &Tensor| {
            if let Some(made) = made.get(&tensor.id()) {
                return Ok(made.clone());
            }
            let new = f(name, tensor)?;
            made.insert(tensor.id(), new.clone());
            Ok(new)
        };
        let layers = self.layers.iter().enumerate();
        Ok(Self {
            token: f("token", &self.token)?,
            position: maybe(self.position.as_ref(), |x| f("position", x))?,
            types: maybe(self.types.as_ref(), |x| f("types", x))?,
            embed_norm: maybe(self.embed_norm.as_ref(), |x| x.map("embed_norm", f))?,
            project: maybe(self.project.as_ref(), |x| x.map("project", f))?,
            distance: maybe(self.distance.as_ref(), |x| f("distance", x))?,
            distances: maybe(self.distances.as_ref(), |x| x.map(f))?,
            layers: layers
                .map(|(l, layer)| layer.map(&format!("layer.{l}"), f))
                .collect::<Result<_, _>>()?,
            final_norm: maybe(self.final_norm.as_ref(), |x| x.map("final_norm", f))?,
            mix: maybe(self.mix.as_ref(), |mix| {
                Ok(LayerMix {
                    first: mix.first,
                    weights: f("layer_weights", &mix.weights)?,
                })
            })?,
        })
    }
}

impl LayerWeights {
    fn products(&mut self) -> impl Iterator<Item = &mut Linear> {
        let ffn = [&mut self.ffn.up, &mut self.ffn.down];
        let attention = [&mut self.qkv, &mut self.output];
        let taps = self.convolution.as_mut().map(|weights| &mut weights.taps);
        let ffn = ffn.into_iter().chain(&mut self.ffn.gate);
        attention.into_iter().chain(ffn).chain(taps)
    }

    fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        let relative = maybe(self.relative.as_ref(), |x| x.map(at, f))?;
        Ok(Self {
            qkv: self.qkv.map(&format!("{at}.qkv"), f)?,
            q_norm: maybe(self.q_norm.as_ref(), |x| x.map(&format!("{at}.q_norm"), f))?,
            k_norm: maybe(self.k_norm.as_ref(), |x| x.map(&format!("{at}.k_norm"), f))?,
            relative,
            output: self.output.map(&format!("{at}.output"), f)?,
            attn_norms: self.attn_norms.map(&format!("{at}.attn_norm"), f)?,
            ffn: self.ffn.map(at, f)?,
            ffn_norms: self.ffn_norms.map(&format!("{at}.ffn_norm"), f)?,
            convolution: maybe(self.convolution.as_ref(), |weights| {
                Ok(ConvolutionWeights {
                    taps: weights.taps.map(&format!("{at}.conv"), f)?,
                    norm: weights.norm.map(&format!("{at}.conv_norm"), f)?,
                    ..weights.clone()
                })
            })?,
        })
    }
}

impl Ffn {
    fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            up: self.up.map(&format!("{at}.up"), f)?,
            gate: maybe(self.gate.as_ref(), |x| x.map(&format!("{at}.gate"), f))?,
            down: self.down.map(&format!("{at}.down"), f)?,
            router: maybe(self.router.as_ref(), |x| x.map(&format!("{at}.router"), f))?,
        })
    }
}

impl Norms {
    /// Post-norm: behind the residual sum.
    pub fn after(norm: Norm) -> Self {
        Self {
            after: Some(norm),
            ..Self::default()
        }
    }

    fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            before: maybe(self.before.as_ref(), |x| x.map(&format!("{at}.before"), f))?,
            written: maybe(self.written.as_ref(), |x| {
                x.map(&format!("{at}.written"), f)
            })?,
            joined: maybe(self.joined.as_ref(), |x| x.map(&format!("{at}.joined"), f))?,
            after: maybe(self.after.as_ref(), |x| x.map(&format!("{at}.after"), f))?,
        })
    }
}

impl Linear {
    pub fn new(weight: Tensor, bias: Tensor) -> Self {
        let packed = None;
        Self {
            weight,
            bias,
            packed,
        }
    }

    /// None for weights that are not f32.
    fn panels(&self) -> Option<Arc<Panels>> {
        let outputs = self.bias.dim(0).ok()?;
        let panels = with_slice(&self.weight, |weight| Panels::new(weight, outputs));
        panels.ok().map(Arc::new)
    }

    /// The same layer with `f` applied to weight and bias, named behind `at`.
    pub fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        let weight = f(&format!("{at}.weight"), &self.weight)?;
        Ok(Self::new(weight, f(&format!("{at}.bias"), &self.bias)?))
    }

    /// The rows `from..from + count` of the result alone.
    pub fn rows(&self, from: usize, count: usize) -> candle_core::Result<Self> {
        let weight = self.weight.narrow(0, from, count)?;
        Ok(Self::new(weight, self.bias.narrow(0, from, count)?))
    }

    /// Several layers of one input as one.
    pub fn stacked(parts: &[Self]) -> candle_core::Result<Self> {
        let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
        let biases: Vec<&Tensor> = parts.iter().map(|part| &part.bias).collect();
        let bias = Tensor::cat(&biases, 0)?;
        Ok(Self::new(Tensor::cat(&weights, 0)?, bias))
    }
}

impl Norm {
    /// The same norm with `f` applied to weight and bias, named behind `at`.
    pub fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            weight: f(&format!("{at}.weight"), &self.weight)?,
            bias: f(&format!("{at}.bias"), &self.bias)?,
            ..self.clone()
        })
    }
}
