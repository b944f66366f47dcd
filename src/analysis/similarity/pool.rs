//! The pool of one text as the linear map that it is once the text is known.

use crate::analysis::pooling::{self, missing, modes};
use crate::model::head::pool_weights;
use crate::model::{Head, ModelError};
use crate::trace::{PoolingMode, Site, Trace};

/// Pooling with its weights held, and under max its winners: linear in the token vectors, so that
/// it takes parts of them one by one. T tokens of D dimensions to P = modes·D.
pub struct FrozenPool {
    modes: Vec<Weights>,
    tokens: usize,
    hidden: usize,
}

enum Weights {
    /// [T], one for each token.
    Tokens(Vec<f64>),
    /// [D], the token that each dimension is taken from.
    Winners(Vec<usize>),
}

impl FrozenPool {
    /// # Errors
    /// When the trace does not hold the final token vectors.
    pub fn new(
        head: &Head,
        trace: &Trace,
        pooling: Option<PoolingMode>,
    ) -> Result<Self, ModelError> {
        let lacks = || missing(Site::FinalOut);
        let hidden = trace.final_out().ok_or_else(lacks)?.size(1);
        let taken = head.pooled_tokens(&trace.tokens);
        let weights = |mode| {
            Ok(match pool_weights(&taken, mode) {
                Some(weights) => Weights::Tokens(weights),
                None => Weights::Winners(pooling::winners(head, trace).ok_or_else(lacks)?.token),
            })
        };
        let modes = modes(head, pooling).into_iter().map(weights);
        Ok(Self {
            modes: modes.collect::<Result<_, ModelError>>()?,
            tokens: taken.len(),
            hidden,
        })
    }

    /// P
    pub fn size(&self) -> usize {
        self.modes.len() * self.hidden
    }

    /// Σ_t w_t·x_t, or x_{winner(k), k} under max: x [T, D] to [P], in f64.
    pub fn apply<X: Copy + Into<f64>>(&self, x: &[X]) -> Vec<f64> {
        let mut out = vec![0.; self.size()];
        for t in 0..self.tokens {
            self.add(x, t, &mut out);
        }
        out
    }

    /// What each token gives to [`Self::apply`]: x [T, D] to [T, P].
    pub fn by_token<X: Copy + Into<f64>>(&self, x: &[X]) -> Vec<f64> {
        let mut out = vec![0.; self.tokens * self.size()];
        for (t, out) in out.chunks_exact_mut(self.size().max(1)).enumerate() {
            self.add(x, t, out);
        }
        out
    }

    fn add<X: Copy + Into<f64>>(&self, x: &[X], t: usize, out: &mut [f64]) {
        let row = &x[t * self.hidden..(t + 1) * self.hidden];
        for (weights, out) in self.modes.iter().zip(out.chunks_exact_mut(self.hidden)) {
            match weights {
                Weights::Tokens(weights) if weights[t] == 0. => {}
                Weights::Tokens(weights) => {
                    let sums = out.iter_mut().zip(row);
                    sums.for_each(|(sum, &x)| *sum += weights[t] * x.into());
                }
                Weights::Winners(winners) => {
                    let cells = out.iter_mut().zip(row).zip(winners);
                    cells
                        .filter(|(_, winner)| **winner == t)
                        .for_each(|((sum, &x), _)| *sum += x.into());
                }
            }
        }
    }
}
