//! What a report says in words: the score, how it stands, and what is unusual.

use crate::analysis::diagnosis::{Case, Finding, diagnose};
use crate::analysis::pooling::{modes, score, scores};
use crate::app::App;
use crate::app::state::{Side, TextId};
use crate::cancel::Cancel;
use crate::engine::{CalibrationKey, CalibrationStore};
use crate::model::Model;
use crate::trace::PoolingMode;
use crate::views::TextView;

/// One text of the list.
pub struct Text {
    /// A, B or its number.
    pub name: String,
    pub text: String,
    /// Tokens of it, and those that were cut off.
    pub tokens: usize,
    pub dropped: usize,
    /// Why there are none.
    pub error: Option<String>,
}

/// The figures of one report.
pub struct Facts {
    pub texts: Vec<Text>,
    /// In use, as it is written on a command line.
    pub pooling: String,
    /// True where that is the model's own.
    pub own: bool,
    /// Of A and B; none where one of them has no vector.
    pub cos: Option<f64>,
    pub poolings: Vec<(PoolingMode, Option<f64>)>,
    /// Where the cosine stands among unrelated pairs; none without a calibration.
    pub standing: Option<String>,
    pub findings: Vec<Finding>,
}

impl Facts {
    /// # Errors
    /// Where a look at the pair fails.
    pub fn of(model: &Model, app: &App, cancel: &Cancel) -> Result<Self, String> {
        let state = app.state();
        let used = modes(&model.head, state.pooling);
        let names: Vec<&str> = used.iter().map(|mode| mode.name()).collect();
        let mut facts = Self {
            texts: app.shown().iter().map(|text| named(app, text)).collect(),
            pooling: names.join(" + "),
            own: used == model.head.pooling(),
            cos: None,
            poolings: Vec::new(),
            standing: None,
            findings: Vec::new(),
        };
        let trace = |side| {
            let id = state.id_of(side)?;
            let text = app.shown().iter().find(|text| text.id == id)?;
            text.trace.clone()
        };
        let (Some(a), Some(b)) = (trace(Side::A), trace(Side::B)) else {
            return Ok(facts);
        };
        let options = model.options_with(state.pooling, state.truncate_dim);
        let told = |error: crate::model::ModelError| error.to_string();
        facts.cos = Some(score(&model.head, &a, &b, options).map_err(told)?);
        facts.poolings = scores(&model.head, &a, &b, options).map_err(told)?;
        let key = CalibrationKey::new(model, state.pooling, &state.prompt).map_err(told)?;
        let key = key.cut_to(state.truncate_dim, model);
        let calibration = CalibrationStore::from_env().load(&key);
        let diagnosis = diagnose(Case {
            model,
            a: &a,
            b: &b,
            options,
            calibration: calibration.as_ref(),
            cancel,
        });
        let diagnosis = diagnosis.map_err(told)?;
        facts.standing = diagnosis.standing();
        facts.findings = diagnosis.findings;
        Ok(facts)
    }
}

fn named(app: &App, text: &TextView) -> Text {
    let is = |id: Option<TextId>| id == Some(text.id);
    let tokens = text.trace.as_ref().map(|trace| &trace.tokens);
    Text {
        name: match (is(app.state().a), is(app.state().b)) {
            (true, true) => "A and B".to_owned(),
            (true, false) => "A".to_owned(),
            (false, true) => "B".to_owned(),
            _ => (text.index + 1).to_string(),
        },
        text: text.text.to_string(),
        tokens: tokens.map_or(0, |tokens| tokens.len()),
        dropped: tokens.map_or(0, |tokens| tokens.dropped),
        error: text.error.as_ref().map(|error| error.to_string()),
    }
}
