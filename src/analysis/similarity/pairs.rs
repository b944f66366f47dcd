//! Token pairs: the cosine as a sum over pairs of contextual tokens, exact for every pooling.

use std::time::Instant;

use super::components::Components;
use super::{EXACT, PairMatrix};
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, norm, quotient, to_f64};
use crate::model::{Head, HeadOptions, ModelError};
use crate::trace::Trace;

/// The name of the part that belongs to no token: what Dense and LayerNorm add by themselves.
pub const BIAS: &str = "bias";

/// C_ij = ⟨u_i, v_j⟩/(|e_a||e_b|), where u_i is token i's part of e_a (see [`Components`]); ΣC is
/// the cosine. For mean pooling u_i = x_i/T, so C_ij is ⟨x_i, y_j⟩/(T_a·T_b·|e_a||e_b|): lengths
/// count, and the cosine is not the average of the tokens' cosines. The tokens are contextual: x_i
/// already holds what attention brought to it from the others.
///
/// `explains` is the cosine of the f32 sentence vectors, so the residual also tells whether the
/// head and this decomposition agree.
///
/// # Errors
/// When a module behind the pool does not take this pooling's vector.
pub fn token_pairs(
    head: &Head,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
) -> Result<PairMatrix, ModelError> {
    let started = Instant::now();
    let e_a = to_f64(&sentence(head, a, options)?);
    let e_b = to_f64(&sentence(head, b, options)?);
    let parts_a = Components::new(head, a, options)?;
    let parts_b = Components::new(head, b, options)?;
    let products = parts_a.parts()?.matmul(&parts_b.parts()?.t()?)?;
    let products: Vec<f64> = products.flatten_all()?.to_vec1()?; // [rows, columns]
    let lengths = norm(&e_a) * norm(&e_b);
    Ok(PairMatrix {
        values: products
            .into_iter()
            .map(|product| quotient(product, lengths))
            .collect(),
        rows: names(a, &parts_a),
        columns: names(b, &parts_b),
        explains: cosine(&e_a, &e_b),
        tolerance: EXACT,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn names(trace: &Trace, components: &Components) -> Vec<String> {
    let bias = components.has_bias.then(|| BIAS.to_owned());
    trace.tokens.pieces.iter().cloned().chain(bias).collect()
}
