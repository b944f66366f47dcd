//! A sentence vector as an exact sum of one part for each token.

use candle_core::{D, DType, Device, Tensor};

use crate::analysis::pooling::{self, missing, modes};
use crate::model::head::{Dense, DenseActivation, Module, Residual, SMALLEST_NORM, pool_weights};
use crate::model::weights::Norm;
use crate::model::{Head, HeadOptions, ModelError};
use crate::trace::{PoolingMode, Site, Trace};

/// Σ over tokens of `tokens`, plus `bias`, is the sentence vector. Everything in f64.
///
/// Each module behind the pool is linear once the numbers that it computes from the whole vector
/// are held as they came out for this text: a Dense module's activation is the secant slope
/// act(z)/z, a LayerNorm's or Normalize's divisor a constant. So parts go through one by one, and
/// what a module adds whatever comes in (its bias) is a part of its own.
pub struct Components {
    pub tokens: Tensor, // [T, E]
    pub bias: Tensor,   // [E]
    /// False where no module adds anything of its own: `bias` is zeros and need not be shown.
    pub has_bias: bool,
}

impl Components {
    /// The parts of a text's sentence vector under `options`.
    ///
    /// # Errors
    /// When the trace lacks the final token vectors, or a module does not take this pooling's.
    pub fn new(head: &Head, trace: &Trace, options: HeadOptions) -> Result<Self, ModelError> {
        let out = trace
            .tensor(Site::FinalOut)
            .ok_or_else(|| missing(Site::FinalOut))?;
        let out = in_f64(out)?; // [T, D]
        let taken = head.pooled_tokens(&trace.tokens);
        let parts: Vec<Tensor> = modes(head, options.pooling)
            .into_iter()
            .map(|mode| pooled_parts(head, trace, &out, &taken, mode))
            .collect::<Result<_, _>>()?;
        let tokens = Tensor::cat(&parts, 1)?; // [T, modes·D]
        let mut components = Self {
            bias: Tensor::zeros(tokens.dim(1)?, DType::F64, &Device::Cpu)?,
            tokens,
            has_bias: false,
        };
        for module in &head.modules {
            components = match module {
                Module::Pooling { .. } => components,
                Module::Dense(dense) => components.dense(dense)?,
                Module::LayerNorm(norm) => components.layer_norm(norm)?,
                Module::Normalize if options.raw => components,
                Module::Normalize => components.normalize()?,
            };
        }
        match options.truncate_dim {
            Some(size) if size < components.bias.dim(0)? => components.narrow(size),
            _ => Ok(components),
        }
    }

    /// Every part, [T (+ 1), E]: tokens, then the bias where there is one.
    pub fn parts(&self) -> Result<Tensor, ModelError> {
        match self.has_bias {
            true => Ok(Tensor::cat(&[&self.tokens, &self.bias.unsqueeze(0)?], 0)?),
            false => Ok(self.tokens.clone()),
        }
    }

    /// The sum of all parts, [E].
    pub fn total(&self) -> Result<Tensor, ModelError> {
        Ok((self.tokens.sum(0)? + &self.bias)?)
    }

    fn dense(self, dense: &Dense) -> Result<Self, ModelError> {
        let weight = in_f64(&dense.linear.weight)?.t()?; // [in, out]
        let tokens = self.tokens.matmul(&weight)?;
        let through = self.bias.unsqueeze(0)?.matmul(&weight)?.squeeze(0)?;
        let bias = (through + in_f64(&dense.linear.bias)?)?;
        let total = (tokens.sum(0)? + &bias)?;
        let (slope, offset) = secant(dense.activation, &total)?;
        let mut tokens = tokens.broadcast_mul(&slope)?;
        let mut bias = ((bias * slope)? + offset)?;
        let direct = match &dense.residual {
            Residual::None => None,
            Residual::Input => Some((self.tokens, self.bias)),
            Residual::Projected(weight) => {
                let weight = in_f64(weight)?.t()?;
                let bias = self.bias.unsqueeze(0)?.matmul(&weight)?.squeeze(0)?;
                Some((self.tokens.matmul(&weight)?, bias))
            }
        };
        if let Some((more_tokens, more_bias)) = direct {
            tokens = (tokens + more_tokens)?;
            bias = (bias + more_bias)?;
        }
        Self::made(tokens, bias)
    }

    /// g⊙(c − mean c)/σ for each part c, with the whole vector's σ; β goes to the bias.
    fn layer_norm(self, norm: &Norm) -> Result<Self, ModelError> {
        let centred = |x: &Tensor| x.broadcast_sub(&x.mean_keepdim(D::Minus1)?);
        let variance = centred(&self.total()?)?
            .sqr()?
            .mean_all()?
            .to_scalar::<f64>()?;
        let scale = (in_f64(&norm.weight)? / (variance + norm.eps).sqrt())?;
        let tokens = centred(&self.tokens)?.broadcast_mul(&scale)?;
        let bias = ((centred(&self.bias)? * scale)? + in_f64(&norm.bias)?)?;
        Self::made(tokens, bias)
    }

    fn normalize(self) -> Result<Self, ModelError> {
        let length = self.total()?.sqr()?.sum_all()?.to_scalar::<f64>()?.sqrt();
        let scale = 1. / length.max(SMALLEST_NORM);
        Ok(Self {
            tokens: (self.tokens * scale)?,
            bias: (self.bias * scale)?,
            has_bias: self.has_bias,
        })
    }

    /// The first `size` dimensions.
    fn narrow(self, size: usize) -> Result<Self, ModelError> {
        Ok(Self {
            tokens: self.tokens.narrow(1, 0, size)?.contiguous()?,
            bias: self.bias.narrow(0, 0, size)?,
            has_bias: self.has_bias,
        })
    }

    fn made(tokens: Tensor, bias: Tensor) -> Result<Self, ModelError> {
        let has_bias = bias.abs()?.max_all()?.to_scalar::<f64>()? > 0.;
        Ok(Self {
            tokens,
            bias,
            has_bias,
        })
    }
}

/// What each token gives to one pooled vector, [T, D]: w_i·x_i, or under max the dimensions that
/// the token won.
fn pooled_parts(
    head: &Head,
    trace: &Trace,
    out: &Tensor,
    taken: &[bool],
    mode: PoolingMode,
) -> Result<Tensor, ModelError> {
    let (tokens, size) = out.dims2()?;
    let weights = match pool_weights(taken, mode) {
        Some(weights) => Tensor::from_vec(weights, (tokens, 1), &Device::Cpu)?,
        None => {
            let winners = pooling::winners(head, trace).ok_or_else(|| missing(Site::FinalOut))?;
            let mut won = vec![0f64; tokens * size];
            for (k, &token) in winners.token.iter().enumerate() {
                won[token * size + k] = 1.;
            }
            Tensor::from_vec(won, (tokens, size), &Device::Cpu)?
        }
    };
    Ok(out.broadcast_mul(&weights)?)
}

/// act(z) = offset + slope·z at this z, both [E]: offset is act(0), and the slope is the secant
/// from there, or the derivative where z is 0 (for ReLU, which has none there, a half).
fn secant(activation: DenseActivation, z: &Tensor) -> Result<(Tensor, Tensor), ModelError> {
    let at_zero = match activation {
        DenseActivation::Identity | DenseActivation::Tanh => 1.,
        DenseActivation::Relu | DenseActivation::Gelu => 0.5,
        DenseActivation::Sigmoid => 0.25,
    };
    let offset = activation.apply(&z.zeros_like()?)?;
    let rise = (activation.apply(z)? - &offset)?.to_vec1::<f64>()?;
    let slope = |(rise, z): (f64, f64)| match z.abs() < 1e-12 {
        true => at_zero,
        false => rise / z,
    };
    let slopes: Vec<f64> = rise
        .into_iter()
        .zip(z.to_vec1::<f64>()?)
        .map(slope)
        .collect();
    Ok((Tensor::from_vec(slopes, z.dims(), &Device::Cpu)?, offset))
}

fn in_f64(tensor: &Tensor) -> candle_core::Result<Tensor> {
    tensor
        .to_device(&Device::Cpu)?
        .to_dtype(DType::F64)?
        .contiguous()
}
