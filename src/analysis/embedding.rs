//! The embeddings: how long each summand is, what a token's vector is close to, and whether the
//! summands account for what enters the first layer.

use std::cmp::Ordering;

use super::position::dot;
use crate::cancel::Cancel;
use crate::model::tables::NormTable;
use crate::trace::{EmbedSite, Site, Trace, Values};

/// The Euclidean length of each row of a [T, D] value.
pub fn row_norms(values: &Values<'_>) -> Vec<f64> {
    let rows = 0..values.size(0);
    rows.map(|t| {
        let row = values.row(&[t]);
        dot(&row, &row).sqrt()
    })
    .collect()
}

/// factor·token + position + type of a trace, [T, E] row by row, E the width of the tables; summands
/// that the model lacks count as zero. None where the trace holds no token embeddings.
pub fn sum(trace: &Trace, factor: f64) -> Option<Vec<f32>> {
    let token = trace.values(Site::Embed(EmbedSite::Token))?;
    let mut sum: Vec<f64> = token
        .flat()
        .iter()
        .map(|&x| factor * f64::from(x))
        .collect();
    for site in [EmbedSite::Position, EmbedSite::Type] {
        if let Some(part) = trace.values(Site::Embed(site)) {
            for (sum, x) in sum.iter_mut().zip(part.flat().iter()) {
                *sum += f64::from(*x);
            }
        }
    }
    Some(sum.into_iter().map(|x| x as f32).collect())
}

/// One row of a vocabulary and its cosine with the vector in question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    pub row: usize,
    pub cosine: f64,
}

/// The rows of a table closest to a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// By falling cosine.
    pub rows: Vec<Neighbour>,
    /// The median cosine over the whole table: what a row that has nothing to do with the vector
    /// would get. None where no row can be compared: with zeros, or with what is no number.
    pub median: Option<f64>,
}

/// What is to be said where no row can be compared.
pub const NO_ROW: &str =
    "No row can be compared: the vector is all zeros, or holds what is no number.";

/// The `count` rows of a [V, D] table with the largest cosine to `vector`, which may be a row
/// itself. Rows of zeros are left out. Gives up, with none, when the flag goes up.
pub fn nearest(
    table: &Values<'_>,
    vector: &[f32],
    count: usize,
    cancel: &Cancel,
) -> Option<Nearest> {
    let length = dot(vector, vector).sqrt();
    let mut all = Vec::with_capacity(table.size(0));
    for row in 0..table.size(0) {
        if row % 1024 == 0 && cancel.is_cancelled() {
            return None;
        }
        let other = table.row(&[row]);
        let cosine = dot(&other, vector) / (length * dot(&other, &other).sqrt());
        if cosine.is_finite() {
            all.push(Neighbour { row, cosine });
        }
    }
    let falling = |a: &Neighbour, b: &Neighbour| {
        let order = b.cosine.partial_cmp(&a.cosine).unwrap_or(Ordering::Equal);
        order.then(a.row.cmp(&b.row))
    };
    let middle = all.len() / 2;
    if all.is_empty() {
        return Some(Nearest {
            rows: all,
            median: None,
        });
    }
    let median = all.select_nth_unstable_by(middle, falling).1.cosine;
    if count < all.len() {
        all.select_nth_unstable_by(count, falling);
        all.truncate(count);
    }
    all.sort_by(falling);
    Some(Nearest {
        rows: all,
        median: Some(median),
    })
}

/// How far the summands, normed, are from what entered the first layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// The largest |norm(sum) − embed.out|, or |sum − embed.out| without a norm.
    pub largest: f64,
    /// Where it is: token and dimension.
    pub at: (usize, usize),
    /// The largest |embed.out|, to judge it by.
    pub scale: f64,
}

impl Residual {
    /// Exact up to rounding in f32.
    pub fn is_exact(&self) -> bool {
        self.largest <= 1e-5 * self.scale.max(1.)
    }
}

/// Norms factor·token + position + type in f64, where there is a layer norm, and compares with
/// `embed.out`, both [T, D]. None also where a product from E to D stands between them.
pub fn residual(trace: &Trace, norm: Option<&NormTable<'_>>, factor: f64) -> Option<Residual> {
    let out = trace.values(Site::Embed(EmbedSite::Out))?;
    let sites = [EmbedSite::Token, EmbedSite::Position, EmbedSite::Type];
    let parts: Vec<Values<'_>> = sites
        .iter()
        .filter_map(|&site| trace.values(Site::Embed(site)))
        .collect();
    let rows = norm.map(|norm| (norm.weight.row(&[]), norm.bias.row(&[]), norm.eps));
    let width = trace.values(Site::Embed(EmbedSite::Token))?.size(1);
    if width != out.size(1) {
        return None;
    }
    let mut found = Residual {
        largest: 0.,
        at: (0, 0),
        scale: 0.,
    };
    for t in 0..out.size(0) {
        let mut x = vec![0f64; out.size(1)];
        for (index, part) in parts.iter().enumerate() {
            // The token comes first.
            let factor = if index == 0 { factor } else { 1. };
            for (x, part) in x.iter_mut().zip(part.row(&[t]).iter()) {
                *x += factor * f64::from(*part);
            }
        }
        if let Some((.., eps)) = &rows {
            normalize(&mut x, *eps);
        }
        for (k, &y) in out.row(&[t]).iter().enumerate() {
            let expected = match &rows {
                Some((weight, bias, _)) => {
                    x[k] * f64::from(*weight.get(k)?) + f64::from(*bias.get(k)?)
                }
                None => x[k],
            };
            let off = (expected - f64::from(y)).abs();
            // NaN is never within a bound, so it counts as the largest.
            if off > found.largest || off.is_nan() {
                (found.largest, found.at) = (off, (t, k));
            }
            found.scale = found.scale.max(f64::from(y).abs());
        }
    }
    Some(found)
}

/// x ← (x − mean x)/√(var x + ε).
fn normalize(x: &mut [f64], eps: f64) {
    let size = x.len() as f64;
    let mean = x.iter().sum::<f64>() / size;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / size;
    let scale = 1. / (variance + eps).sqrt();
    x.iter_mut().for_each(|x| *x = (*x - mean) * scale);
}

/// The magnitude that `share` of the values do not exceed: a few outlying dimensions of an encoder
/// are ten times the rest (Timkey & van Schijndel 2021), and a colour scale up to the largest would
/// show them and nothing else. NaN is left out; 0 where nothing is left.
pub fn magnitude_quantile(values: impl IntoIterator<Item = f32>, share: f64) -> f32 {
    let sizes = values.into_iter().map(f32::abs).filter(|x| !x.is_nan());
    let mut sizes: Vec<f32> = sizes.collect();
    if sizes.is_empty() {
        return 0.;
    }
    let last = sizes.len() - 1;
    let rank = ((sizes.len() as f64 * share).ceil() as usize).saturating_sub(1);
    *sizes
        .select_nth_unstable_by(rank.min(last), f32::total_cmp)
        .1
}

/// The `count` dimensions of largest magnitude, largest first.
pub fn largest(vector: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> = vector.iter().copied().enumerate().collect();
    all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    all.truncate(count);
    all
}

#[cfg(test)]
mod tests;
