//! The cosine of two texts as a sum over dimensions.

use super::{Line, Step, Sum, Term, Unexplained};
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, norm, quotient, to_f64};
use crate::model::{HeadOptions, Model};
use crate::trace::{Site, Trace};

/// Dimensions that are listed one by one.
const DIMENSIONS: usize = 8;

/// Σ a·b/(|a||b|) with its largest dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct CosineAccount {
    pub lines: Vec<Line>,
    pub result: f64,
    /// The cosine of the two vectors as the Score panel has it.
    pub recorded: f64,
}

impl CosineAccount {
    pub fn residual(&self) -> f64 {
        self.result - self.recorded
    }

    /// Without ways on to single dimensions, and not named after A and B: for texts or a pooling that are
    /// not the chosen ones.
    #[must_use]
    pub fn alone(mut self) -> Self {
        for line in &mut self.lines {
            if let Line::Sum(sum) = line {
                sum.name = "= cos(a, b)".to_owned();
                sum.terms.iter_mut().for_each(|term| term.ask = None);
            }
        }
        self
    }

    /// Whether the dimensions add up to the cosine.
    pub fn holds(&self) -> bool {
        self.residual().abs() <= super::TOLERANCE
    }
}

/// The cosine of two texts under some options; `dimension` is always listed.
///
/// # Errors
/// When the head cannot take these texts' vectors.
pub fn cosine_account(
    model: &Model,
    (a, b): (&Trace, &Trace),
    options: HeadOptions,
    dimension: Option<usize>,
) -> Result<CosineAccount, Unexplained> {
    let vector = |trace: &Trace| {
        let vector = sentence(&model.head, trace, options);
        let vector = vector.map_err(|error| Unexplained::Head(error.to_string()))?;
        Ok::<_, Unexplained>(to_f64(&vector))
    };
    let (a, b) = (vector(a)?, vector(b)?);
    let lengths = [norm(&a), norm(&b)];
    let product = lengths[0] * lengths[1];
    // Each dimension's share, so that the lines add up to the cosine itself.
    let shares: Vec<f64> = a
        .iter()
        .zip(&b)
        .map(|(a, b)| quotient(a * b, product))
        .collect();
    let focused = dimension.filter(|&k| k < shares.len());
    let term = |k: usize| {
        let here = if Some(k) == focused {
            " (in focus)"
        } else {
            ""
        };
        let term = Term::new(format!("a[{k}]·b[{k}]/(|a||b|){here}"), shares[k]);
        term.asking(Site::Sentence, &[k])
    };
    let sum = Sum::largest_and("= cos(A, B)", &shares, DIMENSIONS, focused, term);
    let mut lines = vec![
        Line::Step(Step::new(
            "|a|",
            lengths[0],
            "the length of the first text's sentence vector",
        )),
        Line::Step(Step::new(
            "|b|",
            lengths[1],
            "the length of the second text's sentence vector",
        )),
    ];
    if let Some(k) = focused {
        lines.push(Line::Step(Step::new(
            format!("a[{k}]"),
            a[k],
            "the first text at the dimension in focus",
        )));
        lines.push(Line::Step(Step::new(
            format!("b[{k}]"),
            b[k],
            "the second text at the dimension in focus",
        )));
    }
    let result = sum.total;
    lines.push(Line::Sum(sum));
    Ok(CosineAccount {
        lines,
        result,
        recorded: cosine(&a, &b),
    })
}
