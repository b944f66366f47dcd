//! What each pooling makes of the same token vectors.

use candle_core::{Device, Tensor};

use super::vectors::{cosine, to_f64};
use crate::model::head::Module;
use crate::model::{Head, HeadOptions, ModelError};
use crate::trace::{PoolingMode, Site, Trace, Values};

/// Why the modules behind the pool cannot take the vector that a pooling gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Dimensions that arrive.
    pub gives: usize,
    /// Dimensions that the module was trained for.
    pub takes: usize,
}

/// The poolings whose vectors are concatenated: the person's choice, else the model's own.
pub fn modes(head: &Head, pooling: Option<PoolingMode>) -> Vec<PoolingMode> {
    pooling.map_or_else(|| head.pooling().to_vec(), |mode| vec![mode])
}

/// The choice that stands for this mode: none where it is the model's own pooling already.
pub fn choice(head: &Head, mode: PoolingMode) -> Option<PoolingMode> {
    (head.pooling() != [mode]).then_some(mode)
}

/// The poolings with their names joined: `cls + max + mean`.
pub fn title(modes: &[PoolingMode]) -> String {
    let titles: Vec<_> = modes.iter().map(|mode| mode.title()).collect();
    titles.join(" + ")
}

/// None where the modules behind the pool take what this pooling gives for `hidden` dimensions.
pub fn misfit(head: &Head, hidden: usize, pooling: Option<PoolingMode>) -> Option<Misfit> {
    let mut gives = hidden * modes(head, pooling).len();
    for module in &head.modules {
        let (takes, next) = match module {
            Module::Pooling { .. } | Module::Normalize => continue,
            Module::Dense(dense) => {
                let size = dense.linear.weight.dims(); // [out, in]
                (size[1], size[0])
            }
            Module::LayerNorm(norm) => (norm.weight.dims()[0], gives),
        };
        if takes != gives {
            return Some(Misfit { gives, takes });
        }
        gives = next;
    }
    None
}

/// The vector that the pool hands on, [D] for each of its modes, concatenated.
///
/// # Errors
/// When the trace does not hold the pooled vectors.
pub fn pooled(
    head: &Head,
    trace: &Trace,
    pooling: Option<PoolingMode>,
) -> Result<Vec<f32>, ModelError> {
    Ok(pooled_tensor(head, trace, pooling)?.to_vec1()?)
}

fn pooled_tensor(
    head: &Head,
    trace: &Trace,
    pooling: Option<PoolingMode>,
) -> Result<Tensor, ModelError> {
    let modes = modes(head, pooling).into_iter();
    let parts: Vec<&Tensor> = modes
        .map(|mode| {
            let site = Site::Pooled(mode);
            trace.tensor(site).ok_or_else(|| missing(site))
        })
        .collect::<Result<_, _>>()?;
    Ok(Tensor::cat(&parts, 0)?)
}

/// A recorded value.
///
/// # Errors
/// When the trace does not hold it.
pub(super) fn values(trace: &Trace, site: Site) -> Result<Values<'_>, ModelError> {
    trace.values(site).ok_or_else(|| missing(site))
}

/// A trace that was recorded without a site which an analysis needs.
pub(super) fn missing(site: Site) -> ModelError {
    ModelError::Input {
        what: "trace".to_owned(),
        problem: format!("does not hold `{site}`; record the text again"),
    }
}

/// The sentence vector [E] under `options.pooling`: the pooled vector through every module behind
/// the pool, in f32 as the model computes it.
///
/// # Errors
/// When a module does not take this pooling's vector (see [`misfit`]), or what comes out is no number.
pub fn sentence(head: &Head, trace: &Trace, options: HeadOptions) -> Result<Vec<f32>, ModelError> {
    let pooled = pooled_tensor(head, trace, options.pooling)?;
    let hidden = trace.final_out().map_or(0, |out| out.size(1));
    if let Some(Misfit { gives, takes }) = misfit(head, hidden, options.pooling) {
        return Err(ModelError::Input {
            what: format!("pooling {}", title(&modes(head, options.pooling))),
            problem: format!(
                "gives {gives} dimensions, but the model's next module takes {takes}; choose the model's own pooling"
            ),
        });
    }
    let pooled = pooled.to_device(&device(head))?;
    let vector: Vec<f32> = head.after_pooling(pooled, options)?.to_vec1()?;
    match vector.iter().all(|x| x.is_finite()) {
        true => Ok(vector),
        false => Err(ModelError::Input {
            what: "the text's vector".to_owned(),
            problem:
                "holds what is no number: values inside the model grow beyond what 32 bits hold"
                    .to_owned(),
        }),
    }
}

/// Where the head's weights are; the CPU where it has none.
pub(super) fn device(head: &Head) -> Device {
    let weights = head.modules.iter().find_map(|module| match module {
        Module::Dense(dense) => Some(&dense.linear.weight),
        Module::LayerNorm(norm) => Some(&norm.weight),
        Module::Pooling { .. } | Module::Normalize => None,
    });
    weights.map_or(Device::Cpu, |weights| weights.device().clone())
}

/// The cosine of two texts' sentence vectors under `options.pooling`.
///
/// # Errors
/// As [`sentence`].
pub fn score(head: &Head, a: &Trace, b: &Trace, options: HeadOptions) -> Result<f64, ModelError> {
    let a = to_f64(&sentence(head, a, options)?);
    let b = to_f64(&sentence(head, b, options)?);
    Ok(cosine(&a, &b))
}

/// [`score`] under every single pooling, in the order of [`PoolingMode::ALL`]; none where the
/// modules behind the pool do not take it.
pub fn scores(
    head: &Head,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
) -> Result<Vec<(PoolingMode, Option<f64>)>, ModelError> {
    let hidden = a.final_out().map_or(0, |out| out.size(1));
    let one = |mode| {
        if misfit(head, hidden, Some(mode)).is_some() {
            return Ok((mode, None));
        }
        let options = HeadOptions {
            pooling: Some(mode),
            ..options
        };
        Ok((mode, Some(score(head, a, b, options)?)))
    };
    PoolingMode::ALL.into_iter().map(one).collect()
}

/// Which token max pooling took each dimension from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winners {
    /// [D], the first token that has the dimension's largest value among those that are pooled.
    pub token: Vec<usize>,
    /// [T], how many dimensions each token won. Sums to D.
    pub counts: Vec<usize>,
}

/// The winners of one text under max pooling; none where the trace has no final token vectors.
pub fn winners(head: &Head, trace: &Trace) -> Option<Winners> {
    let out = trace.final_out()?; // [T, D]
    let taken = head.pooled_tokens(&trace.tokens);
    let mut best = vec![f32::NEG_INFINITY; out.size(1)];
    let mut token = vec![taken.iter().position(|&taken| taken)?; best.len()];
    for t in (0..out.size(0)).filter(|&t| taken[t]) {
        for (k, &value) in out.row(&[t]).iter().enumerate() {
            if value > best[k] {
                (best[k], token[k]) = (value, t);
            }
        }
    }
    let mut counts = vec![0; taken.len()];
    token.iter().for_each(|&t| counts[t] += 1);
    Some(Winners { token, counts })
}
