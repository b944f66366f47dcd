//! What follows the encoder: pooling, Dense and Normalize, in the order of modules.json.

use candle_core::{DType, Device, Tensor};

use super::ModelError;
use super::ops::Ops;
use super::part::Part;
use super::pass::Pass;
use super::weights::{Linear, Norm};
use crate::tokens::Tokens;
use crate::trace::site::{PoolingMode, Site};

/// The function after a Dense module's product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenseActivation {
    Identity,
    Tanh,
    Relu,
    Gelu,
    Sigmoid,
}

impl DenseActivation {
    /// Element by element.
    pub fn apply(self, y: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Identity => Ok(y.clone()),
            Self::Tanh => y.tanh(),
            Self::Relu => y.relu(),
            Self::Gelu => y.gelu_erf(),
            Self::Sigmoid => candle_nn::ops::sigmoid(y),
        }
    }
}

/// One step from token vectors to the sentence vector.
#[derive(Clone, Debug)]
pub enum Module {
    /// Token vectors to one vector; several modes are concatenated in their order.
    Pooling {
        modes: Vec<PoolingMode>,
        include_prompt: bool,
    },
    Dense(Dense),
    /// Layer norm of the whole vector.
    LayerNorm(Norm),
    /// To length 1 (L2).
    Normalize,
}

/// activation(x·Wᵀ + b), with the input added where the model says so.
#[derive(Clone, Debug)]
pub struct Dense {
    pub linear: Linear,
    pub activation: DenseActivation,
    pub residual: Residual,
}

/// What a Dense module adds to its result.
#[derive(Clone, Debug)]
pub enum Residual {
    None,
    /// Its input as it is.
    Input,
    /// Its input through a product of its own, where the sizes differ.
    Projected(Tensor), // [out, in]
}

/// The modules behind an encoder.
#[derive(Clone, Debug)]
pub struct Head {
    pub modules: Vec<Module>,
}

/// How a person departs from the model's own recipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeadOptions {
    /// Instead of the model's own pooling.
    pub pooling: Option<PoolingMode>,
    /// Leave out every Normalize.
    pub raw: bool,
    /// Keep only the first so many dimensions, after everything else.
    pub truncate_dim: Option<usize>,
}

/// What keeps a vector of zeros from dividing by zero; PyTorch's `F.normalize` uses the same.
pub const SMALLEST_NORM: f64 = 1e-12;

impl Head {
    /// Mean pooling and nothing else: what sentence-transformers does with a folder that has no
    /// modules.json.
    pub fn mean() -> Self {
        let modules = vec![Module::Pooling {
            modes: vec![PoolingMode::Mean],
            include_prompt: true,
        }];
        Self { modules }
    }

    /// The same with another pooling of its own.
    pub fn set_pooling(&mut self, mode: PoolingMode) {
        for module in &mut self.modules {
            if let Module::Pooling { modes, .. } = module {
                *modes = vec![mode];
            }
        }
    }

    /// The model's own pooling.
    pub fn pooling(&self) -> &[PoolingMode] {
        let modes = self.modules.iter().find_map(|module| match module {
            Module::Pooling { modes, .. } => Some(modes.as_slice()),
            _ => None,
        });
        modes.unwrap_or(&[PoolingMode::Mean])
    }

    /// False where the prompt's tokens are left out of the pool.
    pub fn include_prompt(&self) -> bool {
        !self.modules.iter().any(|m| {
            matches!(
                m,
                Module::Pooling {
                    include_prompt: false,
                    ..
                }
            )
        })
    }

    /// True where the sentence vector has length 1.
    pub fn normalizes(&self) -> bool {
        self.modules.iter().any(|m| matches!(m, Module::Normalize))
    }

    /// E for an encoder of `hidden` dimensions.
    pub fn size(&self, hidden: usize) -> usize {
        let start = hidden * self.pooling().len();
        let step = |size, module: &Module| match module {
            Module::Dense(dense) => dense.linear.bias.dims()[0],
            _ => size,
        };
        self.modules.iter().fold(start, step)
    }

    /// Which tokens take part in pooling, [T].
    pub fn pooled_tokens(&self, tokens: &Tokens) -> Vec<bool> {
        let skipped = if self.include_prompt() {
            0
        } else {
            tokens.prompt_tokens
        };
        let taken = |t: usize| t >= skipped && !tokens.left_out.contains(&t);
        (0..tokens.len()).map(taken).collect()
    }

    /// The sentence vector [E] of one text from its final token vectors [T, D]. Visits every
    /// `pooled.{mode}` that the hook wants, and `sentence`.
    pub fn sentence(
        &self,
        tokens: &Tokens,
        text: usize,
        out: &Tensor,
        options: HeadOptions,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let taken = self.pooled_tokens(tokens);
        for mode in PoolingMode::ALL {
            let site = Site::Pooled(mode);
            if pass.wants(site) {
                pass.visit(site, text, pool(out, &taken, mode)?)?;
            }
        }
        let own = options.pooling.map(|mode| vec![mode]);
        let modes = own.unwrap_or_else(|| self.pooling().to_vec());
        let mut pooled = Vec::with_capacity(modes.len());
        for mode in modes {
            pooled.push(pool(out, &taken, mode)?);
        }
        let vector = self.after_pooling(Tensor::cat(&pooled, 0)?, options)?;
        pass.visit(Site::Sentence, text, vector)
    }

    /// The sentence vector [E] of a part of a text from its final token vectors [K, D]. A token that
    /// was left out weighs nothing; the others keep the rule of their place in the whole text. Where
    /// nothing is left to pool, the pooled vector is zeros.
    pub fn sentence_of(
        &self,
        part: Part<'_>,
        out: &Tensor,
        options: HeadOptions,
    ) -> Result<Tensor, ModelError> {
        let all = self.pooled_tokens(part.tokens);
        let mut taken = vec![false; all.len()];
        part.places().for_each(|place| taken[place] = all[place]);
        let own = options.pooling.map(|mode| vec![mode]);
        let modes = own.unwrap_or_else(|| self.pooling().to_vec());
        let mut pooled = Vec::with_capacity(modes.len());
        for mode in modes {
            let weights = pool_weights(&taken, mode);
            let of_part = |weights: Vec<f64>| part.places().map(|p| weights[p]).collect();
            let here: Vec<bool> = part.places().map(|place| taken[place]).collect();
            pooled.push(match here.contains(&true) {
                true => pool_by(out, &here, weights.map(of_part))?,
                false => Tensor::zeros(out.dim(1)?, out.dtype(), out.device())?,
            });
        }
        self.after_pooling(Tensor::cat(&pooled, 0)?, options)
    }

    /// The same head without a Normalize at its end, which changes a vector's length and so no
    /// cosine. What comes before, a Normalize in the middle included, stays.
    pub fn without_last_normalize(&self) -> Self {
        let last = |module: &Module| !matches!(module, Module::Normalize);
        let end = self.modules.iter().rposition(last).map_or(0, |i| i + 1);
        Self {
            modules: self.modules[..end].to_vec(),
        }
    }

    /// Dense, Normalize and truncation on a pooled vector, [P] to [E].
    pub fn after_pooling(
        &self,
        pooled: Tensor,
        options: HeadOptions,
    ) -> Result<Tensor, ModelError> {
        let mut x = pooled;
        for module in &self.modules {
            x = match module {
                Module::Pooling { .. } => x,
                Module::Dense(module) => dense(&x, module)?,
                Module::LayerNorm(norm) => {
                    let row = Ops::Graph.add_norm(&x.unsqueeze(0)?, None, norm)?;
                    row.squeeze(0)?
                }
                Module::Normalize if options.raw => x,
                Module::Normalize => normalize(&x)?,
            };
        }
        match options.truncate_dim {
            Some(size) if size < x.dim(0)? => Ok(x.narrow(0, 0, size)?),
            _ => Ok(x),
        }
    }
}

/// How much each token weighs in the pool, [T]; `None` for max, which weighs each dimension apart.
pub fn pool_weights(taken: &[bool], mode: PoolingMode) -> Option<Vec<f64>> {
    let mask = taken.iter().map(|&taken| f64::from(u8::from(taken)));
    let count = taken.iter().filter(|&&taken| taken).count() as f64;
    let only = |index: Option<usize>| {
        let one = |t| f64::from(u8::from(Some(t) == index));
        (0..taken.len()).map(one).collect()
    };
    Some(match mode {
        PoolingMode::Max => return None,
        PoolingMode::Cls => only(taken.iter().position(|&t| t)),
        PoolingMode::LastToken => only(taken.iter().rposition(|&t| t)),
        PoolingMode::Mean => mask.map(|m| m / count).collect(),
        PoolingMode::MeanSqrtLenTokens => mask.map(|m| m / count.sqrt()).collect(),
        PoolingMode::WeightedMean => {
            // A token keeps the weight of its place in the whole text, prompt included.
            let weights: Vec<f64> = mask.enumerate().map(|(i, m)| m * (i + 1) as f64).collect();
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(|w| w / sum).collect()
        }
    })
}

/// One vector [D] from token vectors [T, D].
///
/// # Errors
/// When no token is left to pool, because the prompt fills the whole text.
fn pool(out: &Tensor, taken: &[bool], mode: PoolingMode) -> Result<Tensor, ModelError> {
    if !taken.contains(&true) {
        return Err(ModelError::Input {
            what: "pooling".to_owned(),
            problem: "no token is left to pool: the model leaves the prompt out, or every token is hidden; give a text or a shorter prompt, or hide fewer tokens".to_owned(),
        });
    }
    pool_by(out, taken, pool_weights(taken, mode))
}

/// Σ_t weights_t·out_t, or without weights the largest of what is taken in each dimension. [T, D]
/// to [D].
fn pool_by(out: &Tensor, taken: &[bool], weights: Option<Vec<f64>>) -> Result<Tensor, ModelError> {
    match weights {
        Some(weights) => {
            let weights: Vec<f32> = weights.into_iter().map(|w| w as f32).collect();
            let row = Tensor::from_vec(weights, (1, taken.len()), out.device())?;
            Ok(row.matmul(&out.contiguous()?)?.squeeze(0)?)
        }
        None => {
            let rows: Vec<u32> = (0..taken.len() as u32)
                .filter(|&t| taken[t as usize])
                .collect();
            let count = rows.len();
            let rows = Tensor::from_vec(rows, count, out.device())?;
            Ok(out.index_select(&rows, 0)?.max(0)?)
        }
    }
}

fn dense(x: &Tensor, module: &Dense) -> Result<Tensor, ModelError> {
    let (size, takes) = (x.dim(0)?, module.linear.weight.dim(1)?);
    if size != takes {
        return Err(ModelError::Input {
            what: "pooling".to_owned(),
            problem: format!("gives {size} dimensions, but the model's Dense module takes {takes}"),
        });
    }
    let row = x.unsqueeze(0)?;
    let y = Ops::Graph.linear(&row, &module.linear)?;
    let y = module.activation.apply(&y)?;
    let y = match &module.residual {
        Residual::None => y,
        Residual::Input => (y + row)?,
        Residual::Projected(weight) => (y + row.matmul(&weight.t()?)?)?,
    };
    Ok(y.squeeze(0)?)
}

/// x/max(|x|, 1e-12).
fn normalize(x: &Tensor) -> Result<Tensor, ModelError> {
    // Kept on the device and in the graph, so that gradients flow through the norm.
    let norm = x.sqr()?.sum_all()?.sqrt()?;
    let smallest = Tensor::new(SMALLEST_NORM, &Device::Cpu)?.to_dtype(DType::F32)?;
    let norm = norm.maximum(&smallest.to_device(x.device())?)?;
    Ok(x.broadcast_div(&norm)?)
}
