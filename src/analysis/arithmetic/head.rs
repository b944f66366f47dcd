//! The pool, and the modules behind it.

use super::norm;
use super::read::{Reader, product_row, products, table};
use super::{LISTED, Line, Step, Sum, Term, Unexplained, Work};
use crate::analysis::pooling;
use crate::model::HeadOptions;
use crate::model::head::{Dense, DenseActivation, Module, Residual, SMALLEST_NORM, pool_weights};
use crate::model::spec::Activation;
use crate::trace::{PoolingMode, Site};

/// One dimension of a pooled vector.
pub(super) fn pooled(
    reader: &Reader<'_>,
    mode: PoolingMode,
    d: usize,
) -> Result<Work, Unexplained> {
    let site = Site::FinalOut;
    let out = reader.values(site)?; // [T, D]
    let tokens = 0..out.size(0);
    let column: Vec<f64> = tokens
        .map(|t| out.at(&[t, d]).map_or(f64::NAN, f64::from))
        .collect();
    let taken = reader.model.head.pooled_tokens(&reader.trace.tokens);
    let left_out = taken.iter().filter(|taken| !**taken).count();
    let mut work = Work::default();
    if left_out > 0 {
        work.note(format!(
            "the prompt's {left_out} tokens are left out of the pool"
        ));
    }
    let name = mode.title();
    match pool_weights(&taken, mode) {
        Some(weights) => {
            let term = |t: usize| {
                let term = Term::product(reader.token(t), weights[t], column[t]);
                term.asking(site, &[t, d])
            };
            // Of a single token there is nothing else to say.
            let listed = match mode {
                PoolingMode::Cls | PoolingMode::LastToken => 1,
                _ => LISTED,
            };
            let each = products(&weights, &column);
            work.sum(Sum::largest(
                format!("{name}: Σ weight × final.out"),
                &each,
                listed,
                term,
            ));
        }
        None => winner(reader, &mut work, &taken, &column, d),
    }
    Ok(work)
}

/// The token with the largest value, and those that came close.
fn winner(reader: &Reader<'_>, work: &mut Work, taken: &[bool], column: &[f64], d: usize) {
    let mut order: Vec<usize> = (0..column.len()).filter(|&t| taken[t]).collect();
    order.sort_by(|&i, &j| column[j].total_cmp(&column[i]).then(i.cmp(&j)));
    work.note("max: the largest of the tokens wins the dimension, the others give nothing");
    for (place, &t) in order.iter().take(LISTED).enumerate().rev() {
        let note = if place == 0 { "the winner" } else { "smaller" };
        let name = match place {
            0 => format!("max: {}", reader.token(t)),
            _ => reader.token(t),
        };
        work.comes_to(Step::new(name, column[t], note).asking(Site::FinalOut, &[t, d]));
    }
}

/// One dimension of the sentence vector, through every module.
pub(super) fn sentence(
    reader: &Reader<'_>,
    options: HeadOptions,
    e: usize,
) -> Result<Work, Unexplained> {
    let head = &reader.model.head;
    let modes = pooling::modes(head, options.pooling);
    let mut x = Vec::new(); // [modes·D]
    for &mode in &modes {
        x.extend(reader.row(Site::Pooled(mode), &[])?);
    }
    let mut work = Work::default();
    let size = x.len() / modes.len().max(1);
    let behind = |module: &&Module| !matches!(module, Module::Pooling { .. });
    let mixes = head
        .modules
        .iter()
        .any(|module| matches!(module, Module::Dense(_)));
    if !mixes && e < x.len() {
        let (mode, d) = (modes[e / size.max(1)], e % size.max(1));
        let own = pooled(reader, mode, d)?;
        work.result = own.result;
        work.lines.extend(own.lines);
        // The modules go on with what the pool recorded.
        let site = Site::Pooled(mode);
        work.comes_to(Step::new(format!("x = {site}[{d}]"), x[e], "pooled").asking(site, &[d]));
    } else {
        let name = pooling::title(&modes);
        work.note(format!(
            "x is the pooled vector ({name}), {} dimensions",
            x.len()
        ));
    }
    for module in head.modules.iter().filter(behind) {
        x = match module {
            Module::Normalize if options.raw => x,
            Module::Pooling { .. } => x,
            Module::Normalize => normalized(&mut work, x, e),
            Module::LayerNorm(norm) => {
                norm::steps(&mut work, norm, &x, e)?;
                norm::applied(norm, &x)?
            }
            Module::Dense(dense) => {
                work.lines.extend(dense_lines(dense, &x, e)?);
                let rows = 0..table(&dense.linear.bias)?.size(0);
                let all = rows.map(|row| dense_value(dense, &x, row));
                all.collect::<Result<Vec<f64>, Unexplained>>()?
            }
        };
        work.result = x.get(e).copied().unwrap_or(f64::NAN);
    }
    if let Some(kept) = options.truncate_dim.filter(|&kept| kept < x.len()) {
        work.note(format!(
            "of {} dimensions the first {kept} are kept",
            x.len()
        ));
    }
    Ok(work)
}

fn normalized(work: &mut Work, x: Vec<f64>, e: usize) -> Vec<f64> {
    let length = x
        .iter()
        .map(|x| x * x)
        .sum::<f64>()
        .sqrt()
        .max(SMALLEST_NORM);
    work.step(Step::new(
        "|x|",
        length,
        format!("the length over its {} dimensions", x.len()),
    ));
    let unit: Vec<f64> = x.into_iter().map(|x| x / length).collect();
    let value = unit.get(e).copied().unwrap_or(f64::NAN);
    work.comes_to(Step::new("= x/|x|", value, "to length 1"));
    unit
}

/// activation(Σ x·W + b), and what is added to it.
fn dense_parts(dense: &Dense, x: &[f64], row: usize) -> Result<(Sum, f64, f64), Unexplained> {
    let (weight, bias) = product_row(&dense.linear, row)?;
    let term = |i: usize| Term::product(format!("x[{i}] × W[{i}]"), x[i], weight[i]);
    let sum = Sum::largest("Dense: Σ x·W", &products(x, &weight), LISTED, term);
    let sum = sum.with(Term::new("bias", bias));
    let value = activated(dense.activation, sum.total);
    let added = match &dense.residual {
        Residual::None => 0.,
        Residual::Input => x.get(row).copied().unwrap_or(f64::NAN),
        Residual::Projected(weight) => {
            let weight = table(weight)?;
            let row = weight.row(&[row]);
            row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()
        }
    };
    Ok((sum, value, added))
}

fn dense_value(dense: &Dense, x: &[f64], row: usize) -> Result<f64, Unexplained> {
    let (_, value, added) = dense_parts(dense, x, row)?;
    Ok(value + added)
}

fn dense_lines(dense: &Dense, x: &[f64], row: usize) -> Result<Vec<Line>, Unexplained> {
    let (sum, value, added) = dense_parts(dense, x, row)?;
    let mut work = Work::default();
    work.sum(sum);
    if dense.activation != DenseActivation::Identity {
        let name = format!("{}(Σ)", title(dense.activation));
        work.comes_to(Step::new(name, value, "the module's function"));
    }
    if !matches!(dense.residual, Residual::None) {
        work.step(Step::new("+ input", added, "the module adds its input"));
        work.comes_to(Step::new("= dense", value + added, "the sum"));
    }
    Ok(work.lines)
}

fn title(activation: DenseActivation) -> &'static str {
    match activation {
        DenseActivation::Identity => "identity",
        DenseActivation::Tanh => "tanh",
        DenseActivation::Relu => "ReLU",
        DenseActivation::Gelu => "GELU",
        DenseActivation::Sigmoid => "sigmoid",
    }
}

fn activated(activation: DenseActivation, x: f64) -> f64 {
    use crate::analysis::neurons::activate;
    match activation {
        DenseActivation::Identity => x,
        DenseActivation::Tanh => x.tanh(),
        DenseActivation::Relu => x.max(0.),
        DenseActivation::Gelu => activate(Activation::Gelu, x),
        DenseActivation::Sigmoid => 1. / (1. + (-x).exp()),
    }
}
