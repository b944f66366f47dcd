//! Recorded values and weights as f64.

use candle_core::Tensor;

use super::{LISTED, Sum, Term, Unexplained, Work};
use crate::model::Model;
use crate::model::spec::BlockSpec;
use crate::model::weights::{LayerWeights, Linear, Norms};
use crate::trace::{LayerSite, Site, Trace, Values};

/// A trace and the model that made it.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub model: &'a Model,
    pub trace: &'a Trace,
}

impl<'a> Reader<'a> {
    pub fn values(&self, site: Site) -> Result<Values<'a>, Unexplained> {
        self.trace.values(site).ok_or(Unexplained::NotHeld(site))
    }

    /// One number; `index` names every axis.
    pub fn at(&self, site: Site, index: &[usize]) -> Result<f64, Unexplained> {
        let value = self.values(site)?.at(index);
        value.map(f64::from).ok_or_else(|| Unexplained::Outside {
            site,
            index: index.to_vec(),
        })
    }

    /// The vector along the last axis.
    pub fn row(&self, site: Site, index: &[usize]) -> Result<Vec<f64>, Unexplained> {
        let values = self.values(site)?;
        let row = values.row(index);
        Ok(row.iter().map(|&x| f64::from(x)).collect())
    }

    pub fn weights(&self, l: usize) -> Result<&'a LayerWeights, Unexplained> {
        let layer = self.model.encoder.weights.layers.get(l);
        layer.ok_or_else(|| outside(l))
    }

    pub fn block(&self, l: usize) -> Result<BlockSpec, Unexplained> {
        let block = self.model.spec().blocks.get(l);
        block.copied().ok_or_else(|| outside(l))
    }

    /// What a block reads of the residual stream at `site`, [D], and what to call it.
    pub fn read(
        &self,
        norms: &Norms,
        site: Site,
        t: usize,
    ) -> Result<(Vec<f64>, &'static str), Unexplained> {
        let x = self.row(site, &[t])?;
        let mid = matches!(site, Site::Layer(_, LayerSite::ResidMid));
        Ok(match &norms.before {
            None => (x, if mid { "resid_mid" } else { "resid_in" }),
            Some(norm) => {
                let name = if mid {
                    "norm(resid_mid)"
                } else {
                    "norm(resid_in)"
                };
                (super::norm::applied(norm, &x)?, name)
            }
        })
    }

    /// Σ x·W + b at output `row` of a product that reads token `t` of the residual stream at `from`.
    pub fn projection(
        &self,
        norms: &Norms,
        (from, t): (Site, usize),
        (linear, row, biased): (&Linear, usize, bool),
    ) -> Result<Work, Unexplained> {
        let (x, name) = self.read(norms, from, t)?;
        let (weight, bias) = product_row(linear, row)?;
        let term = |i: usize| {
            let term = Term::product(format!("{name}[{i}] × W[{i}]"), x[i], weight[i]);
            term.asking(from, &[t, i])
        };
        let mut work = Work::default();
        let sum = Sum::largest(format!("Σ {name}·W"), &products(&x, &weight), LISTED, term);
        work.sum(match biased {
            true => sum.with(Term::new("bias", bias)),
            false => sum,
        });
        Ok(work)
    }

    /// A token with its place: `5 cat`.
    pub fn token(&self, t: usize) -> String {
        let label = self.trace.tokens.labels.get(t);
        format!("{t} {}", label.map_or("?", String::as_str))
    }
}

fn outside(l: usize) -> Unexplained {
    Unexplained::Outside {
        site: Site::Layer(l, LayerSite::ResidIn),
        index: Vec::new(),
    }
}

/// A weight as values to read.
pub(super) fn table(tensor: &Tensor) -> Result<Values<'_>, Unexplained> {
    Values::new(tensor).ok_or(Unexplained::Elsewhere)
}

/// Row `row` of a product's weight [out, in], and its bias there.
pub(super) fn product_row(linear: &Linear, row: usize) -> Result<(Vec<f64>, f64), Unexplained> {
    let weight = table(&linear.weight)?;
    let weight = weight.row(&[row]).iter().map(|&w| f64::from(w)).collect();
    let bias = table(&linear.bias)?.at(&[row]).unwrap_or(0.);
    Ok((weight, bias.into()))
}

/// x ∘ w.
pub(super) fn products(x: &[f64], w: &[f64]) -> Vec<f64> {
    x.iter().zip(w).map(|(x, w)| x * w).collect()
}
