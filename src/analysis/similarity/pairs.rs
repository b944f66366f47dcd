//! Token pairs: the cosine as a sum over pairs of contextual tokens, exact for every pooling.

use std::time::Instant;

use super::PairMatrix;
pub use super::parts::BIAS;
use super::parts::Parts;
use crate::analysis::pooling::sentence;
use crate::model::{Head, HeadOptions, ModelError};
use crate::trace::Trace;

/// Pairs of tokens that a map holds: 128 MiB of them.
const MOST_CELLS: usize = 1 << 24;

/// C_ij = ⟨u_i, v_j⟩/(|e_a||e_b|), where u_i is token i's part of e_a (see [`Parts`]); ΣC is
/// the cosine. For mean pooling u_i = x_i/T, so C_ij is ⟨x_i, y_j⟩/(T_a·T_b·|e_a||e_b|): lengths
/// count, and the cosine is not the average of the tokens' cosines. The tokens are contextual: x_i
/// already holds what attention brought to it from the others.
///
/// `explains` is the cosine of the f32 sentence vectors, so the residual also tells whether the
/// head and this decomposition agree.
///
/// # Errors
/// When a module behind the pool does not take this pooling's vector, or the map would be too large to
/// look at.
pub fn token_pairs(
    head: &Head,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
) -> Result<PairMatrix, ModelError> {
    let started = Instant::now();
    let (rows, columns) = (a.tokens.len(), b.tokens.len());
    if rows * columns > MOST_CELLS {
        return Err(ModelError::Input {
            what: format!("a map of {rows} by {columns} pairs of tokens"),
            problem: "is too large to hold; shorten the texts, or look at dimensions and layers"
                .to_owned(),
        });
    }
    let (e_a, e_b) = (sentence(head, a, options)?, sentence(head, b, options)?);
    let parts_a = Parts::of_tokens(head, a, options)?;
    let parts_b = Parts::of_tokens(head, b, options)?;
    Ok(PairMatrix {
        seconds: started.elapsed().as_secs_f64(),
        ..parts_a.pairs(&parts_b, &e_a, &e_b)?
    })
}
