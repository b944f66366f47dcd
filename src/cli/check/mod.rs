//! `check`: our numbers against recorded ones, against another implementation, and against our own
//! other ways of making them.

mod table;

use std::path::{Path, PathBuf};

use super::output::print;
use super::{Failure, ModelArgs};
use crate::model::{Model, ModelError, ModelRef};
use crate::parity::oracle::{Oracle, OracleReport};
use crate::parity::paths::OtherPath;
use crate::parity::{Fixture, ParityError, SiteReport, compare};

#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// A folder of values recorded from PyTorch (default: the model folder's own `expected`, else
    /// tests/fixtures/minilm)
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,
}

/// Where the repository keeps the recorded values of all-MiniLM-L6-v2.
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
    let asked = match Oracle::load(&model) {
        Ok(oracle) => Some(ask(|text| oracle.compare(&model, text))?),
        Err(why) => {
            print(&format!("{why}\n"))?;
            None
        }
    };
    if let Some(reports) = &asked {
        print(&table::other("candle-transformers", reports))?;
    }
    let mut own = Vec::new();
    for path in OtherPath::all(&model)? {
        let reports = ask(|text| path.compare(&model, text))?;
        print(&table::other(path.name, &reports))?;
        own.extend(reports);
    }
    let id = &model.id;
    let sites = recorded
        .iter()
        .flatten()
        .filter(|row| !row.passes())
        .count();
    let failing = |texts: &[OracleReport]| texts.iter().filter(|text| !text.passes()).count();
    let (texts, own) = (failing(asked.as_deref().unwrap_or_default()), failing(&own));
    if sites + texts + own > 0 {
        return Err(Failure::Failed(format!(
            "{id}: {sites} sites differ from the recorded values, {texts} texts from candle-transformers, and {own} from this program's other paths"
        )));
    }
    match recorded.is_none() && asked.is_none() {
        false => print("PASS\n"),
        true => print(
            "PASS between this program's own paths; there was nothing independent to check it against\n",
        ),
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
    let own = match model.source.base() {
        ModelRef::Folder(folder) => Some(folder.clone()),
        _ => None,
    };
    let mut places = own.into_iter().chain([PathBuf::from(FIXTURES)]);
    places.find(|place| Fixture::is_at(place))
}

/// The comparison with another way, text by text.
fn ask(
    compare: impl Fn(&str) -> Result<OracleReport, ModelError>,
) -> Result<Vec<OracleReport>, Failure> {
    let mut reports = Vec::new();
    for (i, text) in TEXTS.into_iter().enumerate() {
        let text = match i + 1 == TEXTS.len() {
            true => text.repeat(REPEAT),
            false => text.to_owned(),
        };
        match compare(&text) {
            Ok(report) => reports.push(report),
            // Some tokenizers make nothing of an empty text.
            Err(ModelError::NoTokens) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(reports)
}
