//! Leave-one-out: what the cosine loses with each token, and what two tokens do together.

use std::time::Instant;

use super::reruns::{all_but, encode, held};
use super::{Method, changed};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Part};
use crate::tokens::{Prompted, Tokens};
use crate::trace::{Site, Trace};

/// How a token is taken away. The three differ, and the difference tells where a token works: by its
/// own vector in the pool, by what the others read from it, or by the text that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Removal {
    /// Out of the pool alone: the other tokens keep what they read from it. Nothing runs again.
    Pool,
    /// Out of attention and of the pool; the others keep their positions.
    Mask,
    /// Its bytes out of the text, which is tokenized again: its neighbours move up and may become
    /// other pieces, and a text that was cut shows more of its end. A token that the template added,
    /// or that covers no bytes, cannot be deleted: NaN.
    Delete,
}

impl Removal {
    pub const ALL: [Self; 3] = [Self::Pool, Self::Mask, Self::Delete];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Mask => "mask",
            Self::Delete => "delete",
        }
    }
}

/// The cosine without each token of two texts.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaveOneOut {
    pub removal: Removal,
    /// f(a, b).
    pub cos: f64,
    /// Δ_i = f(a, b) − f(a∖i, b) for each token of a, [T_a]: above 0 where the token makes the texts
    /// more similar.
    pub a: Vec<f64>,
    /// Δ_j = f(a, b) − f(a, b∖j), [T_b].
    pub b: Vec<f64>,
    /// f(a, b) − f(a∖i, b) − f(a, b∖j) + f(a∖i, b∖j), [T_a, T_b] row-major: what i and j do for the
    /// cosine together that neither does alone. No decomposition: it adds up to nothing in particular.
    pub interaction: Vec<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// Takes away each token of both texts in turn: T_a + T_b encodings at most, packed, give every pair,
/// since f(a∖i, b∖j) needs no vectors of its own. Where nothing is left to pool the pooled vector is
/// zeros, and the cosine of zeros is 0. One step of `job` is one encoding.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when a trace does not hold
/// `final.out`; when the head does not take this pooling.
pub fn leave_one_out(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    removal: Removal,
    job: &mut Job<'_>,
) -> Result<LeaveOneOut, ModelError> {
    let started = Instant::now();
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let e_b = to_f64(&sentence(&model.head, b, options)?);
    job.expect(a.tokens.len() + b.tokens.len());
    let without_a = without_each(model, a, options, removal, job)?;
    let without_b = without_each(model, b, options, removal, job)?;
    let cos = cosine(&e_a, &e_b);
    let f = |a: &Option<Vec<f64>>, b: &Option<Vec<f64>>| match (a, b) {
        (Some(a), Some(b)) => cosine(a, b),
        _ => f64::NAN,
    };
    let (e_a, e_b) = (Some(e_a), Some(e_b));
    let delta_a: Vec<f64> = without_a.iter().map(|a| cos - f(a, &e_b)).collect();
    let delta_b: Vec<f64> = without_b.iter().map(|b| cos - f(&e_a, b)).collect();
    let mut interaction = Vec::with_capacity(delta_a.len() * delta_b.len());
    for (a, delta_a) in without_a.iter().zip(&delta_a) {
        let row = without_b.iter().zip(&delta_b);
        interaction.extend(row.map(|(b, delta_b)| delta_a + delta_b - cos + f(a, b)));
    }
    Ok(LeaveOneOut {
        removal,
        cos,
        a: delta_a,
        b: delta_b,
        interaction,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The sentence vector [E] of a text without each of its tokens, [T]; none where a token cannot be
/// taken away like this.
pub fn without_each(
    model: &Model,
    trace: &Trace,
    options: HeadOptions,
    removal: Removal,
    job: &mut Job<'_>,
) -> Result<Vec<Option<Vec<f64>>>, ModelError> {
    if removal != Removal::Pool {
        changed::check(Method::LeaveOneOut, [trace, trace])?;
    }
    let tokens = &*trace.tokens;
    let count = tokens.len();
    let kept: Vec<Vec<usize>> = (0..count).map(|left| all_but(count, left)).collect();
    match removal {
        Removal::Pool => {
            let out = held(trace, Site::FinalOut)?.to_device(model.encoder.device())?;
            let one = |kept: &Vec<usize>| {
                let rows: Vec<u32> = kept.iter().map(|&t| t as u32).collect();
                let index = candle_core::Tensor::from_vec(rows, kept.len(), out.device())?;
                let rows = out.index_select(&index, 0)?;
                let part = Part::of(tokens, kept)?;
                let vector: Vec<f32> = model.head.sentence_of(part, &rows, options)?.to_vec1()?;
                Ok(Some(to_f64(&vector)))
            };
            let vectors = kept.iter().map(one).collect();
            job.did(count);
            vectors
        }
        Removal::Mask => {
            let parts = kept.iter().map(|kept| Part::of(tokens, kept));
            let parts: Vec<Part<'_>> = parts.collect::<Result<_, _>>()?;
            let vectors = encode(model, &model.head, &parts, options, job)?;
            Ok(vectors.into_iter().map(Some).collect())
        }
        Removal::Delete => {
            let texts = (0..count).map(|token| deleted(model, tokens, token));
            let texts: Vec<Option<Tokens>> = texts.collect::<Result<_, _>>()?;
            let parts: Vec<Part<'_>> = texts.iter().flatten().map(Part::whole).collect();
            job.did(count - parts.len());
            let mut vectors = encode(model, &model.head, &parts, options, job)?.into_iter();
            let place = |text: &Option<Tokens>| text.as_ref().and_then(|_| vectors.next());
            Ok(texts.iter().map(place).collect())
        }
    }
}

/// The text tokenized again without one token's bytes; none where there are none.
fn deleted(model: &Model, tokens: &Tokens, token: usize) -> Result<Option<Tokens>, ModelError> {
    let (start, end) = tokens.offsets[token];
    let (text, prompt) = (&*tokens.text, tokens.prompt_bytes);
    let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) else {
        return Ok(None);
    };
    if tokens.special[token] || start >= end {
        return Ok(None);
    }
    // A token may lie across the end of the prompt; what is left of each side stays on its side.
    let left = start.min(prompt) + prompt.saturating_sub(end);
    let rest = format!("{before}{after}");
    let (prompt, text) = rest.split_at_checked(left).unwrap_or(("", &rest));
    Ok(Some(model.tokenizer.tokens(Prompted { prompt, text })?))
}
