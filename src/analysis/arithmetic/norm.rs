//! A norm, step by step.

use super::read::table;
use super::{Step, Unexplained, Work};
use crate::model::spec::NormKind;
use crate::model::weights::Norm;

/// Mean and variance over the vector; of RMS, 0 and the mean square.
fn moments(kind: NormKind, x: &[f64]) -> (f64, f64) {
    let count = x.len().max(1) as f64;
    let mean = match kind {
        NormKind::Layer => x.iter().sum::<f64>() / count,
        NormKind::Rms => 0.,
    };
    let squares = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, squares / count)
}

/// The whole normed vector.
pub(super) fn applied(norm: &Norm, x: &[f64]) -> Result<Vec<f64>, Unexplained> {
    let (mean, variance) = moments(norm.kind, x);
    let scale = (variance + norm.eps).sqrt().recip();
    let (weight, bias) = (table(&norm.weight)?, table(&norm.bias)?);
    let (weight, bias) = (weight.flat(), bias.flat());
    let affine = weight.iter().zip(bias.iter());
    let each = x
        .iter()
        .zip(affine)
        .map(|(x, (&weight, &bias))| (x - mean) * scale * f64::from(weight) + f64::from(bias));
    Ok(each.collect())
}

/// Adds the norm of dimension `d` of x to the lines.
pub(super) fn steps(work: &mut Work, norm: &Norm, x: &[f64], d: usize) -> Result<(), Unexplained> {
    let (mean, variance) = moments(norm.kind, x);
    let layer = norm.kind == NormKind::Layer;
    let size = x.len();
    let deviation = (variance + norm.eps).sqrt();
    if layer {
        work.step(Step::new(
            "mean",
            mean,
            format!("of the token's {size} dimensions"),
        ));
        work.step(Step::new(
            "variance",
            variance,
            format!("of the token's {size} dimensions"),
        ));
    } else {
        let note = format!("of the token's {size} dimensions (RMS norm takes off no mean)");
        work.step(Step::new("mean square", variance, note));
    }
    work.step(Step::new(
        "ε",
        norm.eps,
        "keeps a constant vector from dividing by nothing",
    ));
    let (name, note) = match layer {
        true => ("(x − mean)/√(variance + ε)", "deviations from the mean"),
        false => ("x/√(mean square + ε)", "in units of the root mean square"),
    };
    let unit = (x.get(d).copied().unwrap_or(f64::NAN) - mean) / deviation;
    work.comes_to(Step::new(name, unit, note));
    let at = |values: &candle_core::Tensor| -> Result<f64, Unexplained> {
        Ok(table(values)?.at(&[d]).unwrap_or(f32::NAN).into())
    };
    let (gamma, beta) = (at(&norm.weight)?, at(&norm.bias)?);
    work.step(Step::new(
        format!("× γ[{d}]"),
        gamma,
        "the norm's learned factor",
    ));
    // Zero also stands for a norm without one.
    if beta != 0. {
        work.step(Step::new(
            format!("+ β[{d}]"),
            beta,
            "the norm's learned constant",
        ));
    }
    work.comes_to(Step::new(
        "= normed",
        unit * gamma + beta,
        "what the norm hands on",
    ));
    Ok(())
}
