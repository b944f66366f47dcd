//! Whether our numbers are those of the reference: every site against PyTorch's recorded values
//! ([`compare`]), the encoder against candle-transformers' own ([`oracle`]), and against its own other
//! paths ([`paths`]).

mod fixture;
pub mod oracle;
pub mod paths;
mod read;
mod report;

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use thiserror::Error;

pub use fixture::Fixture;
pub use report::{SENTENCE_COSINE, SENTENCE_DELTA, SITE_TOLERANCE, SiteReport};

use crate::cancel::Cancel;
use crate::model::{Detail, Model, ModelError, Prompt};
use crate::tokens::Tokens;
use crate::trace::{Site, Trace, Values};
use fixture::{Case, Expected};
use report::{Difference, Reports};

/// Why a comparison could not be made. A comparison that comes out badly is no error.
#[derive(Debug, Error)]
pub enum ParityError {
    #[error("{file}: {problem}")]
    Fixture { file: String, problem: String },
    #[error("{dir} was made for another model: {why}")]
    OtherModel { dir: String, why: String },
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ParityError {
    fn fixture(file: &Path, problem: impl ToString) -> Self {
        Self::Fixture {
            file: file.display().to_string(),
            problem: problem.to_string(),
        }
    }
}

/// How many texts of `embeddings.json` run at once: enough that lengths mix.
const BATCH: usize = 8;

/// Runs the model on every text of a fixture folder (tests/reference/README.md has its formats) and
/// reports, site by site in the order of the forward pass, the worst difference over the texts.
///
/// # Errors
/// When the folder cannot be read, was made for another model, or the model fails on a text.
pub fn compare(model: &Model, dir: &Path) -> Result<Vec<SiteReport>, ParityError> {
    let fixture = Fixture::open(dir)?;
    fixture.made_for(model)?;
    let mut reports = Reports::default();
    for case in fixture.cases() {
        compare_case(model, &case?, &mut reports)?;
    }
    if let Some((texts, wanted)) = fixture.embeddings()? {
        compare_batched(model, &texts, &wanted, &mut reports)?;
    }
    Ok(reports.into_rows())
}

fn compare_case(model: &Model, case: &Case, reports: &mut Reports) -> Result<(), ParityError> {
    let trace = model.trace(&case.text, &case.prompt, Detail::Full, &Cancel::new())?;
    reports.text(&case.text);
    if trace.tokens.dropped != case.dropped {
        let (ours, theirs) = (trace.tokens.dropped, case.dropped);
        let problem = format!("{ours} tokens were cut off, the reference cuts {theirs}");
        reports.problem(Site::TokenIds, problem);
    }
    for (site, expected) in &case.sites {
        match site {
            Site::TokenIds => compare_ids(&trace.tokens, expected, reports),
            site => compare_site(&trace, *site, expected, reports),
        }
    }
    Ok(())
}

fn compare_ids(tokens: &Tokens, expected: &Expected, reports: &mut Reports) {
    let ours: Vec<f64> = tokens.ids.iter().map(|&id| id.into()).collect();
    reports.add(Site::TokenIds, Difference::exact());
    if ours != expected.values {
        let theirs = &expected.values;
        let problem = format!("ids are {ours:?}, the reference's {theirs:?}");
        reports.problem(Site::TokenIds, problem);
    }
}

fn compare_site(trace: &Trace, site: Site, expected: &Expected, reports: &mut Reports) {
    let Some(values) = trace.values(site) else {
        return reports.problem(site, "is missing from our trace".to_owned());
    };
    if values.shape() != expected.shape {
        let (ours, theirs) = (values.shape(), &expected.shape);
        let problem = format!("has shape {ours:?}, the reference {theirs:?}");
        return reports.problem(site, problem);
    }
    let flat: Vec<f64> = values.flat().iter().map(|&x| x.into()).collect();
    let mut difference = expected.difference(&flat);
    if site == Site::Sentence {
        difference = difference.with_cosine(&flat, &expected.values);
    }
    reports.add(site, difference);
}

/// The sentence vectors of many texts run in batches, against those that sentence-transformers made.
fn compare_batched(
    model: &Model,
    texts: &[String],
    wanted: &[Vec<f64>],
    reports: &mut Reports,
) -> Result<(), ParityError> {
    let tokens = texts.iter().map(|text| model.tokens(text, &Prompt::Own));
    let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
    let options = model.options();
    let ours = model.embed(&tokens, options, BATCH, &Cancel::new(), &mut |_| {})?;
    for ((text, ours), theirs) in texts.iter().zip(&ours).zip(wanted) {
        let ours: Vec<f64> = ours.iter().map(|&x| x.into()).collect();
        reports.text(text);
        match ours.len() == theirs.len() {
            true => reports.add_batched(Difference::of(&ours, theirs).with_cosine(&ours, theirs)),
            false => {
                let (has, wants) = (ours.len(), theirs.len());
                let problem = format!("has {has} dimensions, the reference {wants}");
                reports.problem(Site::Sentence, problem);
            }
        }
    }
    Ok(())
}

/// How far `ours` is from `theirs`, both of one shape.
///
/// # Errors
/// When either is not f32 on the CPU.
fn difference(ours: &Tensor, theirs: &Tensor) -> Result<Difference, ModelError> {
    let read = |tensor: &Tensor| -> Result<Vec<f64>, ModelError> {
        let values = Values::new(tensor).ok_or_else(|| ModelError::Input {
            what: "comparison".to_owned(),
            problem: "needs f32 values on the CPU".to_owned(),
        })?;
        Ok(values.flat().iter().map(|&x| x.into()).collect())
    };
    let (ours, theirs) = (read(ours)?, read(theirs)?);
    Ok(Difference::of(&ours, &theirs).with_cosine(&ours, &theirs))
}

/// Shared, because a report outlives the case it came from.
type Text = Arc<str>;
