//! `check`: our numbers against recorded ones and against another implementation.

mod table;

use std::path::{Path, PathBuf};

use super::output::print;
use super::{Failure, ModelArgs};
use crate::model::{Model, ModelError, ModelRef};
use crate::parity::oracle::{Oracle, OracleReport};
use crate::parity::{Fixture, ParityError, SiteReport, compare};

#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// A folder of values recorded from PyTorch (default: the model folder's own `expected`, else
    /// tests/fixtures/minilm)
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,
}

/// Where the repository keeps the recorded values of the default model.
const FIXTURES: &str = "tests/fixtures/minilm";

/// What the oracle is asked about: nothing, a plain text, other scripts, and one that is cut off.
const TEXTS: [&str; 4] = [
    "",
    "The cat sat unhappily",
    "I ❤️ naïve café 東京 — 1234!",
    "A feline rested on the rug, ",
];

/// Enough repetitions of the last text to reach every model's limit, up to 512 tokens.
const REPEAT: usize = 80;

pub fn run(args: &CheckArgs, model: &ModelArgs) -> Result<(), Failure> {
    let model = model.load()?;
    let recorded = recorded(args.fixtures.as_deref(), &model)?;
    if let Some(rows) = &recorded {
        print(&table::sites(rows))?;
    }
    let asked = oracle(&model)?;
    match &asked {
        Ok(reports) => print(&table::oracle(reports))?,
        Err(why) => print(&format!("{why}\n"))?,
    }
    let sites = recorded
        .iter()
        .flatten()
        .filter(|row| !row.passes())
        .count();
    let texts = asked
        .iter()
        .flatten()
        .filter(|report| !report.passes())
        .count();
    if sites + texts > 0 {
        return Err(Failure::Failed(format!(
            "{}: {sites} sites differ from the recorded values, and {texts} texts from candle-transformers",
            model.id
        )));
    }
    match (recorded, asked) {
        (None, Err(_)) => Err(Failure::Failed(format!(
            "{}: there was nothing to check it against",
            model.id
        ))),
        _ => print("PASS\n"),
    }
}

/// The comparison with recorded values; `None`, and a line that says why, where there are none for
/// this model.
fn recorded(asked: Option<&Path>, model: &Model) -> Result<Option<Vec<SiteReport>>, Failure> {
    let Some(dir) = asked.map(Path::to_owned).or_else(|| find(model)) else {
        print("no recorded values found for this model (--fixtures DIR names some)\n")?;
        return Ok(None);
    };
    match compare(model, &dir) {
        Ok(rows) => {
            print(&format!("recorded values: {}\n", dir.display()))?;
            Ok(Some(rows))
        }
        Err(error @ ParityError::OtherModel { .. }) => {
            print(&format!("{error}; not compared\n"))?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn find(model: &Model) -> Option<PathBuf> {
    let own = match &model.source {
        ModelRef::Folder(folder) => Some(folder.clone()),
        _ => None,
    };
    let mut places = own.into_iter().chain([PathBuf::from(FIXTURES)]);
    places.find(|place| Fixture::is_at(place))
}

/// The comparison with candle-transformers, or why there is none.
#[allow(clippy::type_complexity)]
fn oracle(model: &Model) -> Result<Result<Vec<OracleReport>, String>, Failure> {
    let oracle = match Oracle::load(model) {
        Ok(oracle) => oracle,
        Err(why) => return Ok(Err(why.to_string())),
    };
    let mut reports = Vec::new();
    for (i, text) in TEXTS.into_iter().enumerate() {
        let text = match i + 1 == TEXTS.len() {
            true => text.repeat(REPEAT),
            false => text.to_owned(),
        };
        match oracle.compare(model, &text) {
            Ok(report) => reports.push(report),
            // Some tokenizers make nothing of an empty text.
            Err(ModelError::NoTokens) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Ok(reports))
}
