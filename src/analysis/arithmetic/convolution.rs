//! The convolution beside a block: what it reads, its activation, and what it adds.

use super::read::{Reader, product_row, products};
use super::{LISTED, Step, Sum, Term, Unexplained, Work};
use super::{norm, stream};
use crate::analysis::neurons::activate;
use crate::model::weights::ConvolutionWeights;
use crate::trace::{LayerSite, Site};

fn weights<'a>(reader: &Reader<'a>, l: usize) -> Result<&'a ConvolutionWeights, Unexplained> {
    let weights = reader.weights(l)?.convolution.as_ref();
    weights.ok_or(Unexplained::NotHeld(Site::Layer(l, LayerSite::ConvPre)))
}

/// Σ over the neighbours of x·W + b.
pub(super) fn read(reader: &Reader<'_>, l: usize, t: usize, d: usize) -> Result<Work, Unexplained> {
    let weights = weights(reader, l)?;
    let (row, bias) = product_row(&weights.taps, d)?; // [kernel·D]
    let from = Site::Layer(l, LayerSite::ResidIn);
    let (tokens, reach) = (reader.trace.tokens.len(), weights.kernel / 2);
    let hidden = &reader.trace.tokens.left_out;
    let mut work = Work::default();
    let mut terms = Vec::with_capacity(weights.kernel);
    for (tap, row) in row.chunks_exact(row.len() / weights.kernel).enumerate() {
        let near = (t + tap).checked_sub(reach).filter(|&near| near < tokens);
        let Some(near) = near.filter(|&near| near == t || !hidden.contains(&near)) else {
            continue;
        };
        let x = reader.row(from, &[near])?; // [D]
        let each = products(&x, row);
        let term = |i: usize| {
            let term = Term::product(format!("resid_in[{i}] × W[{i}]"), x[i], row[i]);
            term.asking(from, &[near, i])
        };
        let name = format!("Σ of {}", reader.token(near));
        let sum = Sum::largest(&name, &each, LISTED, term);
        terms.push(Term::new(name, sum.total));
        work.sum(sum);
    }
    work.sum(Sum::whole("Σ over the neighbours", terms).with(Term::new("bias", bias)));
    Ok(work)
}

/// activation(conv_pre).
pub(super) fn activated(
    reader: &Reader<'_>,
    l: usize,
    t: usize,
    d: usize,
) -> Result<Work, Unexplained> {
    let activation = weights(reader, l)?.activation;
    let site = Site::Layer(l, LayerSite::ConvPre);
    let pre = reader.at(site, &[t, d])?;
    let mut work = Work::default();
    work.step(Step::new("conv_pre", pre, "before the activation").asking(site, &[t, d]));
    let name = format!("{}(conv_pre)", activation.title());
    work.comes_to(Step::new(name, activate(activation, pre), "the activation"));
    Ok(work)
}

/// `resid_out`: what leaves the block, with a convolution where there is one beside it.
pub(super) fn left(reader: &Reader<'_>, l: usize, t: usize, d: usize) -> Result<Work, Unexplained> {
    let Some(weights) = &reader.weights(l)?.convolution else {
        return stream::joined(reader, (l, LayerSite::ResidOut), t, d);
    };
    let sites = [LayerSite::ResidFfn, LayerSite::ConvOut];
    let mut terms = Vec::with_capacity(sites.len());
    let mut sum = vec![0.; reader.model.spec().hidden];
    for inside in sites {
        let site = Site::Layer(l, inside);
        let row = reader.row(site, &[t])?; // [D]
        let value = row.get(d).copied().unwrap_or(f64::NAN);
        terms.push(Term::new(inside.name(), value).asking(site, &[t, d]));
        sum.iter_mut().zip(&row).for_each(|(sum, x)| *sum += x);
    }
    let mut work = Work::default();
    work.sum(Sum::whole("x, the stream with the convolution", terms));
    norm::steps(&mut work, &weights.norm, &sum, d)?;
    Ok(work)
}
