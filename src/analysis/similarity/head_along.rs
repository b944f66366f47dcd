//! Forward mode through the head: a sentence vector and how it changes along directions. In f64.

use candle_core::{D, DType, Device, Tensor};

use crate::analysis::pooling::modes;
use crate::model::head::{Dense, DenseActivation, Module, Residual, SMALLEST_NORM, pool_weights};
use crate::model::weights::Norm;
use crate::model::{Head, HeadOptions, ModelError};
use crate::tokens::Tokens;
use crate::trace::PoolingMode;

/// A vector and its tangents, one along each of k directions.
pub struct Along {
    pub value: Tensor,    // [E]
    pub tangents: Tensor, // [k, E]
}

impl Along {
    /// The head's result from the final token vectors of one text, [1 + k, T, D] in f64 on the CPU:
    /// the value, then its tangents. Max pooling has the derivative of the tokens that win.
    ///
    /// # Errors
    /// When a module does not take this pooling's vector.
    pub fn sentence(
        head: &Head,
        tokens: &Tokens,
        out: &Tensor,
        options: HeadOptions,
    ) -> Result<Self, ModelError> {
        let taken = head.pooled_tokens(tokens);
        let mut pooled = Vec::new();
        for mode in modes(head, options.pooling) {
            let weights = weights(out, &taken, mode)?;
            pooled.push(out.broadcast_mul(&weights.unsqueeze(0)?)?.sum(1)?); // [1 + k, D]
        }
        let pooled = Tensor::cat(&pooled, 1)?;
        let mut x = Self {
            value: pooled.get(0)?,
            tangents: pooled.narrow(0, 1, pooled.dim(0)? - 1)?.contiguous()?,
        };
        for module in &head.modules {
            x = match module {
                Module::Pooling { .. } => x,
                Module::Dense(module) => x.dense(module)?,
                Module::LayerNorm(norm) => x.layer_norm(norm)?,
                Module::Normalize if options.raw => x,
                Module::Normalize => x.normalize()?,
            };
        }
        match options.truncate_dim {
            Some(size) if size < x.value.dim(0)? => Ok(Self {
                value: x.value.narrow(0, 0, size)?,
                tangents: x.tangents.narrow(1, 0, size)?.contiguous()?,
            }),
            _ => Ok(x),
        }
    }

    /// act(z) + residual with z = W·x + b, and act′(z) ⊙ W·ẋ + the residual's own.
    fn dense(&self, module: &Dense) -> Result<Self, ModelError> {
        let weight = in_f64(&module.linear.weight)?.t()?; // [in, out]
        let product = |x: &Tensor, weight: &Tensor| x.unsqueeze(0)?.matmul(weight)?.squeeze(0);
        let z = (product(&self.value, &weight)? + in_f64(&module.linear.bias)?)?;
        let value = module.activation.apply(&z)?;
        let slope = slope(module.activation, &z)?;
        let tangents = self.tangents.matmul(&weight)?.broadcast_mul(&slope)?;
        let (more, more_tangents) = match &module.residual {
            Residual::None => return Ok(Self { value, tangents }),
            Residual::Input => (self.value.clone(), self.tangents.clone()),
            Residual::Projected(weight) => {
                let weight = in_f64(weight)?.t()?;
                (
                    product(&self.value, &weight)?,
                    self.tangents.matmul(&weight)?,
                )
            }
        };
        Ok(Self {
            value: (value + more)?,
            tangents: (tangents + more_tangents)?,
        })
    }

    /// With x̂ the normed vector: w ⊙ (ẋ − mean ẋ − x̂·mean(ẋ ⊙ x̂))/σ.
    fn layer_norm(&self, norm: &Norm) -> Result<Self, ModelError> {
        let centred = |x: &Tensor| x.broadcast_sub(&x.mean_keepdim(D::Minus1)?);
        let value = centred(&self.value)?;
        let variance = value.sqr()?.mean_all()?.to_scalar::<f64>()?;
        let sigma = (variance + norm.eps).sqrt();
        let (weight, normed) = (in_f64(&norm.weight)?, (value / sigma)?);
        let along = self.tangents.broadcast_mul(&normed)?;
        let along = along.mean_keepdim(D::Minus1)?.broadcast_mul(&normed)?; // [k, E]
        let tangents = ((centred(&self.tangents)? - along)? / sigma)?;
        Ok(Self {
            value: ((normed * &weight)? + in_f64(&norm.bias)?)?,
            tangents: tangents.broadcast_mul(&weight)?,
        })
    }

    /// x/|x|, and (ẋ − x̂·(x̂·ẋ))/|x|.
    fn normalize(&self) -> Result<Self, ModelError> {
        let length = self.value.sqr()?.sum_all()?.to_scalar::<f64>()?.sqrt();
        let length = length.max(SMALLEST_NORM);
        let value = (&self.value / length)?;
        let along = self.tangents.broadcast_mul(&value)?;
        let along = along.sum_keepdim(D::Minus1)?.broadcast_mul(&value)?;
        Ok(Self {
            tangents: ((&self.tangents - along)? / length)?,
            value,
        })
    }
}

/// What each token weighs in one pooled vector: [T, 1], or under max [T, D] with a 1 for the winner
/// of each dimension.
fn weights(out: &Tensor, taken: &[bool], mode: PoolingMode) -> Result<Tensor, ModelError> {
    let (_, tokens, size) = out.dims3()?;
    if let Some(weights) = pool_weights(taken, mode) {
        return Ok(Tensor::from_vec(weights, (tokens, 1), &Device::Cpu)?);
    }
    let values: Vec<Vec<f64>> = out.get(0)?.to_vec2()?;
    let mut won = vec![0.; tokens * size];
    for k in 0..size {
        let mut best: Option<usize> = None;
        for t in (0..tokens).filter(|&t| taken[t]) {
            if best.is_none_or(|best| values[t][k] > values[best][k]) {
                best = Some(t);
            }
        }
        best.into_iter().for_each(|t| won[t * size + k] = 1.);
    }
    Ok(Tensor::from_vec(won, (tokens, size), &Device::Cpu)?)
}

/// act′(z), by central differences, which in f64 are good to ten digits.
fn slope(activation: DenseActivation, z: &Tensor) -> candle_core::Result<Tensor> {
    const STEP: f64 = 1e-5;
    let at = |step: f64| activation.apply(&(z + step)?);
    (at(STEP)? - at(-STEP)?)? / (2. * STEP)
}

pub(super) fn in_f64(tensor: &Tensor) -> candle_core::Result<Tensor> {
    tensor
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F64)?
        .contiguous()
}
