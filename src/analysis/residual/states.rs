//! How long each token's state is between the layers, and where it points.

use rayon::prelude::*;

use crate::analysis::pooling::modes;
use crate::analysis::vectors::{cosines, norm, to_f64};
use crate::cancel::Cancel;
use crate::model::Head;
use crate::model::head::pool_weights;
use crate::tokens::Tokens;
use crate::trace::{EmbedSite, LayerSite, PoolingMode, Site, Trace, Values};

/// `embed.out` and then each layer's `resid_out`: [1 + L].
pub fn state_sites(layers: usize) -> impl Iterator<Item = Site> {
    let outs = (0..layers).map(|l| Site::Layer(l, LayerSite::ResidOut));
    std::iter::once(Site::Embed(EmbedSite::Out)).chain(outs)
}

/// How the token vectors of one text become one: a sum with these weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Pooled {
    /// [T]
    pub weights: Vec<f64>,
    pub mode: PoolingMode,
}

impl Pooled {
    /// The first pooling in use. The mean where that takes the largest values, of which the parts of a
    /// sum do not add up, or where no token takes part.
    pub fn new(head: &Head, pooling: Option<PoolingMode>, tokens: &Tokens) -> Self {
        let mut taken = head.pooled_tokens(tokens);
        if !taken.contains(&true) {
            taken = vec![true; tokens.len()];
        }
        let first = modes(head, pooling).first().copied().unwrap_or_default();
        let own = pool_weights(&taken, first).map(|weights| (weights, first));
        let mean = || {
            let weights = pool_weights(&taken, PoolingMode::Mean);
            (weights.unwrap_or_default(), PoolingMode::Mean)
        };
        let (weights, mode) = own.unwrap_or_else(mean);
        Self { weights, mode }
    }

    /// The pooled vector [D] of [T, D].
    pub(super) fn of(&self, values: &Values<'_>) -> Vec<f64> {
        let mut sum = vec![0.; values.size(1)];
        for (t, &weight) in self.weights.iter().enumerate().filter(|(_, w)| **w != 0.) {
            for (sum, &x) in sum.iter_mut().zip(values.row(&[t]).iter()) {
                *sum += weight * f64::from(x);
            }
        }
        sum
    }
}

/// The states of one text between the layers, S = 1 + L of them, for each token and, in row T, for the
/// pooled text.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    /// T
    pub tokens: usize,
    /// S
    pub count: usize,
    /// |x|, [T + 1, S].
    pub norms: Vec<f64>,
    /// cos with the state before, [T + 1, S]; NaN for the first.
    pub before: Vec<f64>,
    /// cos with the last state, [T + 1, S].
    pub last: Vec<f64>,
    /// cos of each state with each, [T + 1, S, S]; in row T the mean over the tokens.
    pub between: Vec<f32>,
}

/// One row of each.
struct Row {
    norms: Vec<f64>,
    cosines: Vec<f64>,
}

impl Row {
    /// From the states [S] of [D].
    fn new(states: &[Vec<f64>]) -> Self {
        Self {
            norms: states.iter().map(|x| norm(x)).collect(),
            cosines: cosines(states),
        }
    }
}

impl States {
    /// None where the trace lacks a layer's output, or once `cancel` is up.
    pub fn new(trace: &Trace, pooled: &Pooled, cancel: &Cancel) -> Option<Self> {
        // Sites are read a token at a time by several threads, so each opens its own view of them.
        let sites: Vec<Site> = state_sites(trace.layers).collect();
        let read = |token: usize| {
            let state = |&site: &Site| Some(to_f64(&trace.values(site)?.row(&[token])));
            let states: Option<Vec<Vec<f64>>> = sites.iter().map(state).collect();
            (!cancel.is_cancelled()).then_some(Row::new(&states?))
        };
        let tokens = trace.tokens.len();
        let mut rows: Vec<Row> = (0..tokens)
            .into_par_iter()
            .map(read)
            .collect::<Option<_>>()?;
        let of_text = |&site: &Site| Some(pooled.of(&trace.values(site)?));
        let of_text: Option<Vec<Vec<f64>>> = sites.iter().map(of_text).collect();
        rows.push(Row::new(&of_text?));
        Some(Self::gather(tokens, sites.len(), &rows))
    }

    fn gather(tokens: usize, count: usize, rows: &[Row]) -> Self {
        let at = |row: &Row, from: usize, to: usize| row.cosines[from * count + to];
        let each = |of: &dyn Fn(&Row, usize) -> f64| {
            let row = |row| (0..count).map(move |s| of(row, s));
            rows.iter().flat_map(row).collect()
        };
        let mut mean = vec![0.; count * count];
        for row in &rows[..tokens] {
            for (mean, cos) in mean.iter_mut().zip(&row.cosines) {
                *mean += cos / tokens as f64;
            }
        }
        let of_tokens = rows[..tokens].iter().flat_map(|row| &row.cosines);
        Self {
            tokens,
            count,
            norms: each(&|row, s| row.norms[s]),
            before: each(&|row, s| match s.checked_sub(1) {
                Some(before) => at(row, before, s),
                None => f64::NAN,
            }),
            last: each(&|row, s| at(row, s, count - 1)),
            between: of_tokens.chain(&mean).map(|&cos| cos as f32).collect(),
        }
    }

    /// cos of each state with each, [S, S]: of one token, else the mean over all of them.
    pub fn between(&self, token: Option<usize>) -> &[f32] {
        let size = self.count * self.count;
        let row = token.unwrap_or(self.tokens).min(self.tokens);
        &self.between[row * size..(row + 1) * size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_gathered_in_the_order_of_the_states() {
        let token = |turned: f64| {
            let states = [vec![3., 4.], vec![-4. * turned, 3. * turned], vec![6., 8.]];
            Row::new(&states)
        };
        let rows = [token(1.), token(0.), token(2.)];
        let states = States::gather(2, 3, &rows);
        assert_eq!(states.norms, [5., 5., 10., 5., 0., 10., 5., 10., 10.]);
        assert!(states.before[0].is_nan() && states.before[3].is_nan());
        assert_eq!(states.before[1], 0., "at a right angle");
        let near = |cos: f64| (cos - 1.).abs() < 1e-15;
        assert!(near(states.last[0]) && near(states.last[2]));
        assert_eq!(states.last[4], 0., "without a length there is no direction");
        let mean = states.between(None);
        assert_eq!(mean.len(), 9);
        assert_eq!(mean[4], 0.5, "one of two tokens has a length there");
        assert_eq!(states.between(Some(1))[4], 0.);
    }
}
