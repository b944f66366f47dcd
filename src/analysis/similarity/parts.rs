//! A sentence vector as an exact sum of named parts.

use candle_core::{D, DType, Device, Tensor};

use super::pool::FrozenPool;
use super::{EXACT, PairMatrix};
use crate::analysis::pooling::missing;
use crate::analysis::vectors::{cosine, norm, quotient, to_f64};
use crate::model::head::{Dense, DenseActivation, Module, Residual, SMALLEST_NORM};
use crate::model::weights::Norm;
use crate::model::{Head, HeadOptions, ModelError};
use crate::trace::{Site, Trace};

/// The name of the part that belongs to no token: what modules add whatever comes in.
pub const BIAS: &str = "bias";

/// Σ over `parts`, plus `bias`, is the sentence vector. Everything in f64.
///
/// Each module behind the pool is linear once the numbers that it computes from the whole vector
/// are held as they came out for this text: a Dense module's activation is the secant slope
/// act(z)/z, a LayerNorm's or Normalize's divisor a constant. So parts go through one by one, and
/// what a module adds whatever comes in (its bias) is a part of its own.
pub struct Parts {
    /// One for each of `parts`.
    pub names: Vec<String>,
    pub parts: Tensor, // [n, E]
    pub bias: Tensor,  // [E]
    /// What to call the bias.
    pub bias_name: &'static str,
    /// False where nothing adds anything of its own: `bias` is zeros and need not be shown.
    pub has_bias: bool,
}

impl Parts {
    /// A text's sentence vector under `options` by its contextual tokens.
    ///
    /// # Errors
    /// When the trace lacks the final token vectors, or a module does not take this pooling's.
    pub fn of_tokens(head: &Head, trace: &Trace, options: HeadOptions) -> Result<Self, ModelError> {
        let out = trace.final_out().ok_or_else(|| missing(Site::FinalOut))?; // [T, D]
        let pool = FrozenPool::new(head, trace, options.pooling)?;
        let size = pool.size();
        let pooled = Self {
            names: trace.tokens.pieces.clone(),
            parts: matrix(pool.by_token(&out.flat()), size)?,
            bias: Tensor::zeros(size, DType::F64, &Device::Cpu)?,
            bias_name: BIAS,
            has_bias: false,
        };
        pooled.through(head, options)
    }

    /// The parts of a sentence vector from those of its pooled vector: `pooled` [n, P] under
    /// `names`, and `bias` [P], which is shown even where it is zeros.
    ///
    /// # Errors
    /// When a module does not take this pooling's vector.
    pub fn of_pooled(
        head: &Head,
        options: HeadOptions,
        (names, pooled): (Vec<String>, Vec<f64>),
        (bias_name, bias): (&'static str, Vec<f64>),
    ) -> Result<Self, ModelError> {
        let pooled = Self {
            names,
            parts: matrix(pooled, bias.len())?,
            bias: Tensor::new(bias, &Device::Cpu)?,
            bias_name,
            has_bias: true,
        };
        pooled.through(head, options)
    }

    /// Every module behind the pool, and the cut.
    fn through(self, head: &Head, options: HeadOptions) -> Result<Self, ModelError> {
        let mut parts = self;
        for module in &head.modules {
            parts = match module {
                Module::Pooling { .. } => parts,
                Module::Dense(dense) => parts.dense(dense)?,
                Module::LayerNorm(norm) => parts.layer_norm(norm)?,
                Module::Normalize if options.raw => parts,
                Module::Normalize => parts.normalize()?,
            };
        }
        match options.truncate_dim {
            Some(size) if size < parts.bias.dim(0)? => parts.narrow(size),
            _ => Ok(parts),
        }
    }

    /// Every part, [n (+ 1), E]: the bias is last, where there is one.
    pub fn all(&self) -> Result<Tensor, ModelError> {
        match self.has_bias {
            true => Ok(Tensor::cat(&[&self.parts, &self.bias.unsqueeze(0)?], 0)?),
            false => Ok(self.parts.clone()),
        }
    }

    /// The names of [`Self::all`].
    pub fn all_names(&self) -> Vec<String> {
        let bias = self.has_bias.then(|| self.bias_name.to_owned());
        self.names.iter().cloned().chain(bias).collect()
    }

    /// The sum of all parts, [E].
    pub fn total(&self) -> Result<Tensor, ModelError> {
        Ok((self.parts.sum(0)? + &self.bias)?)
    }

    /// C_ij = ⟨u_i, v_j⟩/(|e_a||e_b|) over the parts u of e_a and v of e_b; ΣC is the cosine.
    ///
    /// The lengths and `explains` are those of the f32 sentence vectors that the model computes, so
    /// the residual tells whether the parts are really theirs. `seconds` is left 0.
    pub fn pairs(&self, other: &Self, e_a: &[f32], e_b: &[f32]) -> Result<PairMatrix, ModelError> {
        let (e_a, e_b) = (to_f64(e_a), to_f64(e_b));
        let products = self.all()?.matmul(&other.all()?.t()?)?; // [rows, columns]
        let products: Vec<f64> = products.flatten_all()?.to_vec1()?;
        let lengths = norm(&e_a) * norm(&e_b);
        let values = products.into_iter();
        Ok(PairMatrix {
            values: values.map(|product| quotient(product, lengths)).collect(),
            rows: self.all_names(),
            columns: other.all_names(),
            explains: cosine(&e_a, &e_b),
            tolerance: EXACT,
            seconds: 0.,
        })
    }

    fn dense(self, dense: &Dense) -> Result<Self, ModelError> {
        let weight = in_f64(&dense.linear.weight)?.t()?; // [in, out]
        let parts = self.parts.matmul(&weight)?;
        let through = self.bias.unsqueeze(0)?.matmul(&weight)?.squeeze(0)?;
        let bias = (through + in_f64(&dense.linear.bias)?)?;
        let total = (parts.sum(0)? + &bias)?;
        let (slope, offset) = secant(dense.activation, &total)?;
        let mut parts = parts.broadcast_mul(&slope)?;
        let mut bias = ((bias * slope)? + offset)?;
        let direct = match &dense.residual {
            Residual::None => None,
            Residual::Input => Some((self.parts.clone(), self.bias.clone())),
            Residual::Projected(weight) => {
                let weight = in_f64(weight)?.t()?;
                let bias = self.bias.unsqueeze(0)?.matmul(&weight)?.squeeze(0)?;
                Some((self.parts.matmul(&weight)?, bias))
            }
        };
        if let Some((more_parts, more_bias)) = direct {
            parts = (parts + more_parts)?;
            bias = (bias + more_bias)?;
        }
        self.made(parts, bias)
    }

    /// g⊙(c − mean c)/σ for each part c, with the whole vector's σ; β goes to the bias.
    fn layer_norm(self, norm: &Norm) -> Result<Self, ModelError> {
        let centred = |x: &Tensor| x.broadcast_sub(&x.mean_keepdim(D::Minus1)?);
        let variance = centred(&self.total()?)?
            .sqr()?
            .mean_all()?
            .to_scalar::<f64>()?;
        let scale = (in_f64(&norm.weight)? / (variance + norm.eps).sqrt())?;
        let parts = centred(&self.parts)?.broadcast_mul(&scale)?;
        let bias = ((centred(&self.bias)? * scale)? + in_f64(&norm.bias)?)?;
        self.made(parts, bias)
    }

    fn normalize(self) -> Result<Self, ModelError> {
        let length = self.total()?.sqr()?.sum_all()?.to_scalar::<f64>()?.sqrt();
        let scale = 1. / length.max(SMALLEST_NORM);
        let (parts, bias) = ((&self.parts * scale)?, (&self.bias * scale)?);
        self.made(parts, bias)
    }

    /// The first `size` dimensions.
    fn narrow(self, size: usize) -> Result<Self, ModelError> {
        let parts = self.parts.narrow(1, 0, size)?.contiguous()?;
        let bias = self.bias.narrow(0, 0, size)?;
        Ok(Self {
            parts,
            bias,
            ..self
        })
    }

    fn made(self, parts: Tensor, bias: Tensor) -> Result<Self, ModelError> {
        let has_bias = self.has_bias || bias.abs()?.max_all()?.to_scalar::<f64>()? > 0.;
        Ok(Self {
            parts,
            bias,
            has_bias,
            ..self
        })
    }
}

/// Rows of `columns` values as a tensor, [n, columns].
fn matrix(values: Vec<f64>, columns: usize) -> Result<Tensor, ModelError> {
    let rows = values.len() / columns.max(1);
    Ok(Tensor::from_vec(values, (rows, columns), &Device::Cpu)?)
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
