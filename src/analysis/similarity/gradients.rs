//! The plain gradient of the cosine by what enters the encoder.

use candle_core::{Device, Tensor, Var};

use super::changed;
use super::reruns::held;
use crate::analysis::vectors::dot;
use crate::model::pass::Pass;
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::hook::NoHook;
use crate::trace::{EmbedSite, Site, Trace};

/// ∂cos/∂x of both texts, x being `embed.out`.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    pub cos: f64,
    /// [T_a] of [D].
    pub a: Vec<Vec<f64>>,
    /// [T_b] of [D].
    pub b: Vec<Vec<f64>>,
    /// Gradient × input of each token, ∂cos/∂x_i·x_i, [T_a]. It is the first-order change of the cosine
    /// when x_i grows in proportion, not a decomposition.
    pub by_input_a: Vec<f64>,
    /// [T_b].
    pub by_input_b: Vec<f64>,
}

/// One forward and one backward pass through the encoder's differentiable path and the head.
///
/// # Errors
/// When a trace does not hold `embed.out`, when the head does not take this pooling, or when the
/// gradient did not arrive, which an operation without a backward pass would cause silently.
pub fn gradients(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
) -> Result<Gradients, ModelError> {
    changed::untouched("the gradient", [a, b])?;
    let (x, e_a) = vector(model, a, options)?;
    let (y, e_b) = vector(model, b, options)?;
    let length = |e: &Tensor| e.sqr()?.sum_all()?.sqrt();
    let lengths = (length(&e_a)? * length(&e_b)?)?;
    let cos = ((e_a * e_b)?.sum_all()? / lengths)?;
    let store = cos.backward()?;
    let of = |var: &Var| -> Result<Vec<Vec<f64>>, ModelError> {
        let gradient = store
            .get(var.as_tensor())
            .ok_or_else(|| ModelError::Input {
                what: "the gradient".to_owned(),
                problem: "was dropped on the way: an operation has no backward pass".to_owned(),
            })?;
        rows(gradient)
    };
    let (a, b) = (of(&x)?, of(&y)?);
    let by_input = |gradient: &[Vec<f64>], input: &Var| -> Result<Vec<f64>, ModelError> {
        let pairs = gradient.iter().zip(rows(input.as_tensor())?);
        Ok(pairs.map(|(g, x)| dot(g, &x)).collect())
    };
    Ok(Gradients {
        cos: f64::from(cos.to_scalar::<f32>()?),
        by_input_a: by_input(&a, &x)?,
        by_input_b: by_input(&b, &y)?,
        a,
        b,
    })
}

/// `embed.out` as a variable, and the sentence vector [E] that follows from it.
fn vector(model: &Model, trace: &Trace, options: HeadOptions) -> Result<(Var, Tensor), ModelError> {
    let encoder = model.encoder.differentiable();
    let start = held(trace, Site::Embed(EmbedSite::Out))?.to_device(encoder.device())?;
    let var = Var::from_tensor(&start.contiguous()?)?;
    let (mut hook, tokens) = (NoHook, &*trace.tokens);
    let mut pass = Pass::new(&mut hook, [tokens.len()]);
    let out = encoder.layers_from(0, var.as_tensor().clone(), &mut pass)?;
    let vector = model.head.sentence(tokens, 0, &out, options, &mut pass)?;
    Ok((var, vector))
}

fn rows(tensor: &Tensor) -> Result<Vec<Vec<f64>>, ModelError> {
    let rows: Vec<Vec<f32>> = tensor.to_device(&Device::Cpu)?.to_vec2()?;
    let in_f64 = |row: Vec<f32>| row.into_iter().map(f64::from).collect();
    Ok(rows.into_iter().map(in_f64).collect())
}
