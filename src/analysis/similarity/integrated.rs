//! Integrated Jacobians: the cosine as pairs of what each token's embedding changes on the way from a
//! text that says nothing.

use std::time::Instant;

use candle_core::{Device, Tensor};

use super::head_along::{Along, in_f64};
use super::reruns::{ROWS, held};
use super::{Method, PairMatrix, changed};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, dot, norm, quotient, to_f64};
use crate::model::pass::Pass;
use crate::model::{Head, HeadOptions, Model, ModelError, Part};
use crate::tokens::Tokens;
use crate::trace::hook::{Chain, Recorder, StopWhen};
use crate::trace::{EmbedSite, Site, Trace};

/// The name of the part that the reference text brings.
pub const REFERENCE: &str = "reference";

/// How far the sum of an integrated decomposition may be from what it explains.
pub const INTEGRATED: f64 = 1e-3;

/// Steps of the first try and of the last.
const FEWEST: usize = 8;
pub const MOST: usize = 256;

/// A cosine spread over pairs of tokens by integrated Jacobians.
#[derive(Clone, Debug, PartialEq)]
pub struct Integrated {
    /// u_i·v_j/(|e_a||e_b|), [T_a + 1, T_b + 1]; the last row and column are the reference texts.
    pub matrix: PairMatrix,
    /// N, the steps that were needed.
    pub steps: usize,
    /// |e_r + Σu_i − e|/|e| for a and for b: what the steps leave of each vector.
    pub off: [f64; 2],
}

impl Integrated {
    /// What so many steps leave of the vectors, where that is more than it should be: the largest number of
    /// steps was not enough.
    pub fn left(&self) -> Option<f64> {
        let off = self.off[0].max(self.off[1]);
        (off > INTEGRATED).then_some(off)
    }
}

/// u_i = ∫₀¹ J(α)·(x − r)_i dα for every token i, where x is the text's `embed.out` (what enters layer
/// 0), r that of a reference text with the same special tokens and the tokenizer's padding token in
/// every other place, at the same positions, and J(α) = ∂e/∂x at r + α(x − r), with e the sentence
/// vector before a Normalize at the end. By the fundamental theorem e_r + Σu_i = e, and the dot
/// product is bilinear, so the pairs with the reference's row and column add up to the cosine but for
/// the midpoint rule's error (Moeller, Nikolaev & Padó 2023, 2024).
///
/// Where Moeller et al. take one backward pass for each of the E dimensions, this takes one tangent
/// for each token that differs from the reference: J(α)·(x − r)_i is the derivative of e along the
/// one direction (x − r)_i, and T directions go through the encoder's forward mode as T texts do. It is
/// exact, unlike differences of forward passes in f32, and half their work. The (T_a·D)×(T_b·D) matrix
/// is never made.
///
/// The number of steps is found first, doubling from 8 until the cosine's residual and what is left
/// of either vector are at most 1e-3, with the single tangent Σ(x − r)_i that the sums need; 256 at
/// most. One step of `job` is one step of the path of one text in one direction.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when a trace does not hold
/// `embed.out` and `final.out`; when the head does not take this pooling.
pub fn integrated(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Integrated, ModelError> {
    changed::check(Method::Integrated, [a, b])?;
    let started = Instant::now();
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let e_b = to_f64(&sentence(&model.head, b, options)?);
    let explains = cosine(&e_a, &e_b);
    let sides = [
        Side::new(model, a, options, job)?,
        Side::new(model, b, options, job)?,
    ];
    let lengths = norm(&sides[0].full) * norm(&sides[1].full);
    let (steps, off) = steps(&sides, explains, lengths, job)?;
    let [parts_a, parts_b] = [sides[0].parts(steps, job)?, sides[1].parts(steps, job)?];
    let mut values = Vec::with_capacity(parts_a.len() * parts_b.len());
    for u in &parts_a {
        values.extend(parts_b.iter().map(|v| quotient(dot(u, v), lengths)));
    }
    Ok(Integrated {
        steps,
        off,
        matrix: PairMatrix {
            values,
            rows: names(&a.tokens),
            columns: names(&b.tokens),
            explains,
            tolerance: INTEGRATED,
            seconds: started.elapsed().as_secs_f64(),
        },
    })
}

fn names(tokens: &Tokens) -> Vec<String> {
    let reference = std::iter::once(REFERENCE.to_owned());
    tokens.pieces.iter().cloned().chain(reference).collect()
}

/// The fewest steps whose sum comes near enough to the cosine, and what they leave of both vectors.
fn steps(
    sides: &[Side<'_>; 2],
    explains: f64,
    lengths: f64,
    job: &mut Job<'_>,
) -> Result<(usize, [f64; 2]), ModelError> {
    let mut steps = FEWEST;
    // All that is to come, as far as that is known: how far it is must not follow how far it has come.
    let moving = sides[0].moving.len() + sides[1].moving.len();
    job.expect(steps * moving);
    loop {
        let whole = [sides[0].whole(steps, job)?, sides[1].whole(steps, job)?];
        let off = [0, 1].map(|i| {
            let difference = whole[i].iter().zip(&sides[i].full).map(|(x, y)| x - y);
            quotient(norm(&difference.collect::<Vec<_>>()), norm(&sides[i].full))
        });
        let residual = quotient(dot(&whole[0], &whole[1]), lengths) - explains;
        // Both vectors too, since errors across the other text's vector do not show in the cosine;
        // and half, so that rounding in the parts cannot tip the sum over.
        let near = residual.abs() <= INTEGRATED / 2. && off.iter().all(|&off| off <= INTEGRATED);
        if near || steps >= MOST {
            return Ok((steps, off));
        }
        job.expect(steps * moving);
        steps *= 2;
    }
}

/// The text that says nothing: the tokenizer's padding token, or its unknown one, in the place of
/// every token that the template did not add. Positions and segments stay.
///
/// # Errors
/// When the tokenizer has neither.
pub fn reference(model: &Model, tokens: &Tokens) -> Result<Tokens, ModelError> {
    let blank = model.tokenizer.blank().ok_or_else(|| ModelError::Input {
        what: "the reference text".to_owned(),
        problem: "needs a padding or an unknown token, and the tokenizer has neither".to_owned(),
    })?;
    let mut tokens = tokens.clone();
    for t in (0..tokens.len()).filter(|&t| !tokens.special[t]) {
        tokens.ids[t] = blank;
    }
    Ok(tokens)
}

/// One text and its way from the reference.
struct Side<'a> {
    model: &'a Model,
    head: Head,
    options: HeadOptions,
    tokens: &'a Tokens,
    /// r, [T, D].
    start: Tensor,
    /// x − r, [T, D].
    way: Tensor,
    /// Tokens whose embedding differs from the reference's.
    moving: Vec<usize>,
    /// e_r and e, [E], before a Normalize at the end.
    blank: Vec<f64>,
    full: Vec<f64>,
}

impl<'a> Side<'a> {
    fn new(
        model: &'a Model,
        trace: &'a Trace,
        options: HeadOptions,
        job: &Job<'_>,
    ) -> Result<Self, ModelError> {
        job.check()?;
        let (site, tokens) = (Site::Embed(EmbedSite::Out), &*trace.tokens);
        let head = model.head.without_last_normalize();
        let blank = reference(model, tokens)?;
        let mut recorder = Recorder::new(|seen| seen == site);
        let mut stop = StopWhen(job.cancel);
        let mut hook = Chain(vec![&mut stop, &mut recorder]);
        let out = model.encoder.forward(&[&blank], &mut hook)?;
        let start = recorder.take(0).pop().map(|(_, value)| value);
        let start = start.ok_or_else(|| crate::analysis::pooling::missing(site))?;
        let start = start.to_device(&Device::Cpu)?;
        let way = (held(trace, site)? - &start)?;
        let moved: Vec<Vec<f32>> = way.to_vec2()?;
        let moving = (0..tokens.len()).filter(|&t| moved[t].iter().any(|&x| x != 0.));
        let vector = |tokens: &Tokens, out: &Tensor| -> Result<Vec<f64>, ModelError> {
            let out = out.to_device(model.encoder.device())?;
            let vector = head.sentence_of(Part::whole(tokens), &out, options)?;
            Ok(to_f64(&vector.to_vec1::<f32>()?))
        };
        Ok(Self {
            moving: moving.collect(),
            blank: vector(&blank, &out)?,
            full: vector(tokens, held(trace, Site::FinalOut)?)?,
            model,
            head,
            options,
            tokens,
            start,
            way,
        })
    }

    /// e_r + Σu_i by so many steps, [E].
    fn whole(&self, steps: usize, job: &mut Job<'_>) -> Result<Vec<f64>, ModelError> {
        let mut whole = self.blank.clone();
        job.expect(steps);
        for along in self.integrate(std::slice::from_ref(&self.way), steps, job)? {
            whole.iter_mut().zip(along).for_each(|(sum, x)| *sum += x);
        }
        Ok(whole)
    }

    /// u_i of every token, then e_r: [T + 1] of [E]. These steps are expected already.
    fn parts(&self, steps: usize, job: &mut Job<'_>) -> Result<Vec<Vec<f64>>, ModelError> {
        let directions = self.moving.iter().map(|&t| self.only(t));
        let directions: Vec<Tensor> = directions.collect::<Result<_, _>>()?;
        let mut parts = vec![vec![0.; self.blank.len()]; self.tokens.len()];
        // As many tangents at once as make one batch beside their value.
        let at_once = (2 * ROWS / self.tokens.len()).saturating_sub(1).max(1);
        for (tokens, directions) in self.moving.chunks(at_once).zip(directions.chunks(at_once)) {
            let along = self.integrate(directions, steps, job)?;
            for (&token, along) in tokens.iter().zip(along) {
                parts[token] = along;
            }
        }
        parts.push(self.blank.clone());
        Ok(parts)
    }

    /// (x − r)_i: the way with every other token at rest, [T, D].
    fn only(&self, token: usize) -> Result<Tensor, ModelError> {
        let rows = self.way.dim(0)?;
        let mask = (0..rows).map(|t| if t == token { 1f32 } else { 0. });
        let mask = Tensor::from_vec(mask.collect::<Vec<_>>(), (rows, 1), &Device::Cpu)?;
        Ok(self.way.broadcast_mul(&mask)?)
    }

    /// 1/N·Σ_s J(α_s)·d for every direction d, with α_s = (s + ½)/N: [k] of [E].
    fn integrate(
        &self,
        directions: &[Tensor],
        steps: usize,
        job: &mut Job<'_>,
    ) -> Result<Vec<Vec<f64>>, ModelError> {
        let mut sums = vec![vec![0.; self.full.len()]; directions.len()];
        if directions.is_empty() {
            return Ok(sums);
        }
        let places: Vec<f64> = (0..steps)
            .map(|s| (s as f64 + 0.5) / steps as f64)
            .collect();
        let rows = (1 + directions.len()) * self.tokens.len();
        for places in places.chunks((ROWS / rows).max(1)) {
            job.check()?;
            for along in self.along(directions, places, job)? {
                let tangents: Vec<Vec<f64>> = along.tangents.to_vec2()?;
                for (sum, tangent) in sums.iter_mut().zip(tangents) {
                    let pairs = sum.iter_mut().zip(tangent);
                    pairs.for_each(|(sum, x)| *sum += x / steps as f64);
                }
            }
            job.did(places.len() * directions.len());
        }
        Ok(sums)
    }

    /// e and its derivatives along the directions at r + α(x − r), for several α in one batch.
    fn along(
        &self,
        directions: &[Tensor],
        places: &[f64],
        job: &Job<'_>,
    ) -> Result<Vec<Along>, ModelError> {
        let (tokens, blocks) = (self.tokens.len(), 1 + directions.len());
        let mut rows = Vec::with_capacity(places.len() * blocks);
        for &place in places {
            rows.push((&self.start + (&self.way * place)?)?);
        }
        for direction in directions {
            rows.extend(places.iter().map(|_| direction.clone()));
        }
        let values = places.len() * tokens;
        let encoder = self.model.encoder.tangents(values)?;
        let mut stop = StopWhen(job.cancel);
        let mut pass = Pass::new(&mut stop, rows.iter().map(|_| tokens));
        let out = encoder.layers_from(0, Tensor::cat(&rows, 0)?, &mut pass)?;
        let out = in_f64(&out)?.reshape((blocks, values, ()))?;
        let one = |i: usize| {
            let text = out.narrow(1, i * tokens, tokens)?.contiguous()?; // [1 + k, T, D]
            Along::sentence(&self.head, self.tokens, &text, self.options)
        };
        (0..places.len()).map(one).collect()
    }
}
