//! Any recorded number with the arithmetic that made it: the sums, norms and functions between it and
//! the values one step before, with this model's weights, in f64.

mod attention;
mod convolution;
mod cosine;
mod embed;
mod ffn;
mod head;
mod norm;
mod read;
mod scores;
mod stream;
mod sum;

use thiserror::Error;

pub use cosine::{CosineAccount, cosine_account};
pub use ffn::writes;
pub use sum::{Ask, LISTED, Rest, Sum, Term};

use crate::model::{HeadOptions, Model};
use crate::trace::{EmbedSite, LayerSite, Site, Trace};
use read::Reader;

/// How far a result may be off what was recorded, relative to [`Account::scale`].
pub const TOLERANCE: f64 = 1e-4;

/// One recorded number taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub site: Site,
    /// One for each axis of the site.
    pub index: Vec<usize>,
    /// In the order in which they are carried out; the last of them gives `result`.
    pub lines: Vec<Line>,
    /// The arithmetic in f64.
    pub result: f64,
    /// What the forward pass recorded in f32.
    pub recorded: f64,
    /// The largest magnitude beside it in its row, or among what was added up: what a difference is
    /// to be judged by.
    pub scale: f64,
}

/// One line of an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Sum(Sum),
    Step(Step),
    Strip(Strip),
    /// A remark on what follows.
    Note(String),
}

/// One number on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub name: String,
    pub value: f64,
    /// Why it is there.
    pub note: String,
    /// The recorded number that it is.
    pub ask: Option<Ask>,
}

/// A vector that takes part as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    pub name: String,
    pub values: Vec<f32>,
    /// The place in question.
    pub at: Option<usize>,
}

/// Why a number is not taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unexplained {
    #[error("`{0}` is not at hand: a layer's inside is kept for A and B at the chosen layer alone")]
    NotHeld(Site),
    #[error("the weights are on another device; start with --device cpu to see the arithmetic")]
    Elsewhere,
    #[error("`{site}` has no place {index:?}")]
    Outside { site: Site, index: Vec<usize> },
    #[error("`{0}` comes from the tokenizer, not from arithmetic")]
    Ids(Site),
    #[error("{0}")]
    Head(String),
}

impl Account {
    /// The result less what was recorded; 0 where both are the same infinity.
    pub fn residual(&self) -> f64 {
        match self.result == self.recorded {
            true => 0.,
            false => self.result - self.recorded,
        }
    }

    /// Whether the arithmetic explains what was recorded, up to rounding.
    pub fn holds(&self) -> bool {
        self.residual().abs() <= TOLERANCE * self.scale
    }

    /// Every sum in it.
    pub fn sums(&self) -> impl Iterator<Item = &Sum> {
        self.lines.iter().filter_map(|line| match line {
            Line::Sum(sum) => Some(sum),
            _ => None,
        })
    }
}

impl Step {
    pub(super) fn new(name: impl Into<String>, value: f64, note: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value,
            note: note.into(),
            ask: None,
        }
    }

    pub(super) fn asking(self, site: Site, index: &[usize]) -> Self {
        Self {
            ask: Some(Ask::new(site, index)),
            ..self
        }
    }
}

/// Lines under way, and the number that they have come to.
#[derive(Default)]
pub(super) struct Work {
    pub lines: Vec<Line>,
    pub result: f64,
}

impl Work {
    pub fn sum(&mut self, sum: Sum) {
        self.result = sum.total;
        self.lines.push(Line::Sum(sum));
    }

    /// A line whose number the next ones use.
    pub fn step(&mut self, step: Step) {
        self.lines.push(Line::Step(step));
    }

    /// A line that is the result so far.
    pub fn comes_to(&mut self, step: Step) {
        self.result = step.value;
        self.step(step);
    }

    pub fn strip(&mut self, name: &str, values: &[f64], at: Option<usize>) {
        self.lines.push(Line::Strip(Strip {
            name: name.to_owned(),
            values: values.iter().map(|&x| x as f32).collect(),
            at,
        }));
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Note(text.into()));
    }
}

/// Takes one number of a trace of this model apart; `sentence` under the model's own recipe.
///
/// # Errors
/// Says why there is nothing to take apart: see [`Unexplained`].
pub fn account(
    model: &Model,
    trace: &Trace,
    site: Site,
    index: &[usize],
) -> Result<Account, Unexplained> {
    if site == Site::Sentence {
        return sentence_account(model, trace, model.options(), index);
    }
    let reader = Reader { model, trace };
    let recorded = reader.at(site, index)?;
    let work = match site {
        Site::TokenIds => return Err(Unexplained::Ids(site)),
        Site::Embed(EmbedSite::Out) => embed::out(&reader, index[0], index[1])?,
        Site::Embed(table) => embed::row(&reader, table, index[0], index[1])?,
        Site::Layer(layer, inside) => inside_work(&reader, layer, inside, index)?,
        Site::FinalOut => stream::last(&reader, index[0], index[1])?,
        Site::Pooled(mode) => head::pooled(&reader, mode, index[0])?,
        Site::Sentence => head::sentence(&reader, model.options(), index[0])?,
    };
    let row = reader.row(site, &index[..index.len() - 1])?;
    Ok(finish(site, index, work, recorded, &row))
}

fn inside_work(
    reader: &Reader<'_>,
    l: usize,
    site: LayerSite,
    index: &[usize],
) -> Result<Work, Unexplained> {
    use LayerSite as S;
    // Checked against the shape already.
    let [i, j, k] = [0, 1, 2].map(|axis| index.get(axis).copied().unwrap_or(0));
    match site {
        S::ResidIn => stream::entered(reader, l, i, j),
        S::Q | S::K | S::V => attention::projected(reader, (l, site), i, j, k),
        S::QRot | S::KRot => attention::turned(reader, (l, site), i, j, k),
        S::ScoreContent => scores::content(reader, l, (i, j, k)),
        S::ScorePosition => scores::position(reader, l, (i, j, k)),
        S::Scores => scores::score(reader, l, (i, j, k)),
        S::Pattern => scores::weight(reader, l, (i, j, k)),
        S::HeadOut => attention::mixed(reader, l, (i, j, k)),
        S::AttnOut => attention::written(reader, l, i, j),
        S::ResidMid | S::ResidFfn => stream::joined(reader, (l, site), i, j),
        S::ConvPre => convolution::read(reader, l, i, j),
        S::ConvOut => convolution::activated(reader, l, i, j),
        S::ResidOut => convolution::left(reader, l, i, j),
        S::FfnPre | S::FfnGate => ffn::read(reader, (l, site), i, j),
        S::FfnAct => ffn::activated(reader, l, i, j),
        S::FfnOut => ffn::written(reader, l, i, j),
    }
}

/// [`account`] of one dimension of the sentence vector under some options.
///
/// # Errors
/// As [`account`].
pub fn sentence_account(
    model: &Model,
    trace: &Trace,
    options: HeadOptions,
    index: &[usize],
) -> Result<Account, Unexplained> {
    let site = Site::Sentence;
    let whole = super::pooling::sentence(&model.head, trace, options)
        .map_err(|error| Unexplained::Head(error.to_string()))?;
    let row = super::vectors::to_f64(&whole);
    let outside = || Unexplained::Outside {
        site,
        index: index.to_vec(),
    };
    let [e] = index else { return Err(outside()) };
    let recorded = *row.get(*e).ok_or_else(outside)?;
    let work = head::sentence(&Reader { model, trace }, options, *e)?;
    Ok(finish(site, index, work, recorded, &row))
}

fn finish(site: Site, index: &[usize], work: Work, recorded: f64, row: &[f64]) -> Account {
    let added = work.lines.iter().flat_map(|line| match line {
        Line::Sum(sum) => sum.terms.as_slice(),
        _ => &[],
    });
    let added = added.map(|term| term.value);
    let all = row.iter().copied().chain(added);
    let finite = all.filter(|x| x.is_finite());
    Account {
        site,
        index: index.to_vec(),
        scale: finite.fold(0., |most: f64, x| most.max(x.abs())),
        lines: work.lines,
        result: work.result,
        recorded,
    }
}
