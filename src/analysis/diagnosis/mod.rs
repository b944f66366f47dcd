//! Diagnosis: what about two texts, or about how they are encoded, explains a surprising score. A
//! card speaks only on evidence, states its number, and where it can prices itself by running the
//! model again without what it names.

mod form;
mod negation;
mod numbers;
mod overlap;
mod quantities;
mod recipe;
mod scale;
mod tokens;
pub(super) mod words;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::calibration::Calibration;
use super::pooling::sentence;
use super::vectors::{cosine, to_f64};
use crate::cancel::Cancel;
use crate::model::{HeadOptions, Model, ModelError, Prompt};
use crate::tokens::{Tokens, start_of};
use crate::trace::Trace;
use words::Word;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The score is not what it seems to be.
    Problem,
    /// The score may be misread.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub id: &'static str,
    pub severity: Severity,
    /// A sentence with its number.
    pub text: String,
    /// Numbers and words that the sentence rests on. `delta_cos` is always the score less that of
    /// the run which it is compared with.
    pub evidence: BTreeMap<&'static str, Value>,
}

impl Finding {
    fn new(id: &'static str, severity: Severity, text: String) -> Self {
        Self {
            id,
            severity,
            text,
            evidence: BTreeMap::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name, value.into());
        self
    }
}

/// Two recorded texts and the recipe under which they are compared.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub model: &'a Model,
    pub a: &'a Trace,
    pub b: &'a Trace,
    pub options: HeadOptions,
    /// What the model gives to unrelated texts under this recipe, where it was measured.
    pub calibration: Option<&'a Calibration>,
    pub cancel: &'a Cancel,
}

/// Everything that was found, the most important first.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    pub cos: f64,
    /// Percent of unrelated pairs below the cosine; none without a calibration.
    pub percentile: Option<f64>,
    pub findings: Vec<Finding>,
    /// True where a run was changed: what prices itself by running the model as it is was not looked for.
    pub changed: bool,
}

impl Diagnosis {
    /// The ids of what was not looked for, as the run was changed.
    pub fn left_out(&self) -> Vec<&'static str> {
        let out = CARDS.iter().filter(|card| self.changed && card.priced);
        out.map(|card| card.id).collect()
    }

    /// Where the cosine stands among unrelated pairs; none without a calibration.
    pub fn standing(&self) -> Option<String> {
        self.percentile.and_then(standing)
    }
}

/// A percentile in words; none for what is no number.
pub fn standing(percentile: f64) -> Option<String> {
    Some(match percentile {
        _ if !percentile.is_finite() => return None,
        100.0.. => "higher than every unrelated pair that was measured".to_owned(),
        // Not all of them, whatever rounding says.
        99.0.. => {
            let percentile = percentile.min(99.9);
            format!("higher than {percentile:.1}% of unrelated pairs")
        }
        _ => format!("higher than {percentile:.0}% of unrelated pairs"),
    })
}

struct Card {
    id: &'static str,
    look: fn(&Facts<'_>) -> Found,
    /// It runs the model as it is on other texts, which prices nothing of a changed run.
    priced: bool,
}

type Found = Result<Option<Finding>, ModelError>;

const fn card(id: &'static str, look: fn(&Facts<'_>) -> Found) -> Card {
    Card {
        id,
        look,
        priced: false,
    }
}

const fn priced(id: &'static str, look: fn(&Facts<'_>) -> Found) -> Card {
    Card {
        priced: true,
        ..card(id, look)
    }
}

/// Every card, in the order of importance.
static CARDS: &[Card] = &[
    card("truncated", tokens::truncated),
    card("pooling_mismatch", recipe::pooling_mismatch),
    card("not_normalized", recipe::not_normalized),
    priced("prompt_missing", recipe::prompt_missing),
    card("unknown_tokens", tokens::unknown_tokens),
    priced("pad_tokens", tokens::pad_tokens),
    card("equal_ids", tokens::equal_ids),
    priced("case_whitespace", form::case_whitespace),
    card("special_tokens", scale::special_tokens),
    card("high_floor", scale::high_floor),
    card("rogue_dimension", scale::rogue_dimension),
    card("same_order", overlap::same_order),
    priced("negation", negation::negation),
    priced("numbers", numbers::numbers),
    priced("shared_prefix", overlap::shared_prefix),
    priced("lexical_overlap", overlap::lexical_overlap),
    card("length_mismatch", tokens::length_mismatch),
    card("script", form::script),
];

/// What [`Diagnosis::left_out`] means, for a person.
pub const LEFT_OUT: &str = "While the model is changed, what takes another run of it is not looked for: \
    negations, numbers, words in common, prompts and spelling.";

/// The ids of all cards.
pub fn cards() -> impl Iterator<Item = &'static str> {
    CARDS.iter().map(|card| card.id)
}

/// Looks at a pair through every card. The model is run again for those that price themselves.
///
/// # Errors
/// When the head does not take this pooling, or the model fails on a text; and
/// [`ModelError::Stopped`] once the flag is up.
pub fn diagnose(case: Case<'_>) -> Result<Diagnosis, ModelError> {
    let facts = Facts::new(case)?;
    let changed = [case.a, case.b]
        .iter()
        .any(|trace| !trace.interventions.is_empty());
    let mut findings = Vec::new();
    for card in CARDS {
        if changed && card.priced {
            continue;
        }
        if case.cancel.is_cancelled() {
            return Err(ModelError::Stopped);
        }
        let found = (card.look)(&facts)?;
        debug_assert!(found.as_ref().is_none_or(|found| found.id == card.id));
        findings.extend(found);
    }
    findings.sort_by_key(|finding| finding.severity);
    Ok(Diagnosis {
        cos: facts.cos,
        percentile: case.calibration.map(|scale| scale.percentile(facts.cos)),
        findings,
        changed,
    })
}

/// What the cards look at.
struct Facts<'a> {
    case: Case<'a>,
    cos: f64,
    a: Side<'a>,
    b: Side<'a>,
}

/// One of the two texts.
struct Side<'a> {
    name: &'static str,
    tokens: &'a Tokens,
    /// What stands in front of the person's text.
    prompt: &'a str,
    /// The person's text, as far as the model reads it.
    text: &'a str,
    words: Vec<Word<'a>>,
    /// The sentence vector, [E].
    vector: Vec<f64>,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, trace: &'a Trace, case: &Case<'a>) -> Result<Self, ModelError> {
        let tokens = &*trace.tokens;
        let whole: &str = &tokens.text;
        let read = whole.get(..tokens.cut().start).unwrap_or(whole);
        let split = read.split_at_checked(tokens.prompt_bytes);
        let (prompt, text) = split.unwrap_or(("", read));
        Ok(Self {
            name,
            tokens,
            prompt,
            text,
            words: words::words(text),
            vector: to_f64(&sentence(&case.model.head, trace, case.options)?),
        })
    }

    /// Ids of the tokens that the template did not add.
    fn ids(&self) -> Vec<u32> {
        let tokens = self.tokens;
        let own = (0..tokens.len()).filter(|&t| !tokens.special[t]);
        own.map(|t| tokens.ids[t]).collect()
    }

    fn folds(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.fold.as_str()).collect()
    }
}

impl<'a> Facts<'a> {
    fn new(case: Case<'a>) -> Result<Self, ModelError> {
        let (a, b) = (
            Side::new("A", case.a, &case)?,
            Side::new("B", case.b, &case)?,
        );
        Ok(Self {
            cos: cosine(&a.vector, &b.vector),
            case,
            a,
            b,
        })
    }

    fn sides(&self) -> [&Side<'a>; 2] {
        [&self.a, &self.b]
    }

    /// True where there is nothing to compare: both texts are the same.
    fn same_text(&self) -> bool {
        let [a, b] = self
            .sides()
            .map(|side| side.tokens.text.get(side.tokens.prompt_bytes..));
        a == b
    }

    /// The cosine of two other texts under the same recipe and prompts.
    fn cos_of(&self, a: &str, b: &str) -> Result<f64, ModelError> {
        self.cos_behind([self.a.prompt, self.b.prompt], a, b)
    }

    /// The cosine of two texts behind other prompts.
    fn cos_behind(&self, prompts: [&str; 2], a: &str, b: &str) -> Result<f64, ModelError> {
        let model = self.case.model;
        let tokens = |text, prompt: &str| model.tokens(text, &Prompt::Text(prompt.to_owned()));
        let texts = [tokens(a, prompts[0])?, tokens(b, prompts[1])?];
        let (options, cancel) = (self.case.options, self.case.cancel);
        let vectors = model.embed(&texts, options, 2, cancel, &mut |_| ())?;
        Ok(cosine(&to_f64(&vectors[0]), &to_f64(&vectors[1])))
    }

    /// The ids of another text behind a side's prompt.
    fn ids_of(&self, side: &Side<'_>, text: &str) -> Result<Vec<u32>, ModelError> {
        let prompt = Prompt::Text(side.prompt.to_owned());
        Ok(self.case.model.tokens(text, &prompt)?.ids)
    }
}

/// The start of a text, for a sentence.
fn short(text: &str) -> String {
    /// Letters that are shown.
    const LETTERS: usize = 40;
    start_of(text.trim(), LETTERS)
}

/// A change of the cosine, with its sign.
fn change(delta: f64) -> String {
    // What rounds to nothing has no sign.
    match delta.abs() < 0.0005 {
        true => "0.000".to_owned(),
        false => format!("{delta:+.3}").replace('-', "−"),
    }
}

/// A cosine for a sentence.
fn three(value: f64) -> String {
    format!("{value:.3}").replace('-', "−")
}

/// `1 word`, `2 words`.
fn count(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}
