//! What `why --json` prints. Keys are only ever added.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::Explained;
use super::contrast::{Difference, differences};
use crate::analysis::diagnosis::{Diagnosis, Finding};
use crate::analysis::similarity::PairMatrix;
use crate::model::Model;
use crate::tokens::Tokens;
use crate::trace::{PoolingMode, Trace};

#[derive(Serialize)]
pub struct Document<'a> {
    model: ModelName<'a>,
    /// The modes' names, joined by `+` where the model concatenates several.
    pooling: String,
    /// True where `pooling` is the model's own.
    own: bool,
    cos: f64,
    /// Under each single pooling; null where the model's head does not take it.
    poolings: Poolings<'a>,
    a: Text<'a>,
    b: Text<'a>,
    methods: BTreeMap<&'static str, Matrix<'a>>,
    findings: &'a [Finding],
    /// The ids of findings that were not looked for, as `--intervene` changed the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_looked_for: Vec<&'static str>,
    /// Percent of unrelated pairs below `cos`, where the model is calibrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    percentile: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against<'a>>,
}

#[derive(Serialize)]
struct ModelName<'a> {
    id: &'a str,
    hash: &'a str,
}

/// A text as the model saw it.
#[derive(Serialize)]
struct Text<'a> {
    /// The prompt, where there is one, and the given text behind it.
    text: &'a str,
    pieces: &'a [String],
    /// Bytes into `text`.
    offsets: &'a [(usize, usize)],
    special: &'a [bool],
    dropped: usize,
    /// What `--intervene` changed in this text's pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interventions: Vec<String>,
}

#[derive(Serialize)]
struct Matrix<'a> {
    matrix: Vec<&'a [f64]>,
    rows: &'a [String],
    columns: &'a [String],
    sum: f64,
    explains: f64,
    residual: f64,
    seconds: f64,
    /// Keys of one method alone.
    #[serde(flatten)]
    extra: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

/// The first text beside a third one.
#[derive(Serialize)]
struct Against<'a> {
    cos: f64,
    /// The document's `cos` less this one.
    difference: f64,
    poolings: Poolings<'a>,
    c: Text<'a>,
    methods: BTreeMap<&'static str, Matrix<'a>>,
    /// The difference by those of the methods that can be taken against each other.
    contrast: BTreeMap<&'static str, Difference>,
}

/// An object, in the order of the modes.
struct Poolings<'a>(&'a [(PoolingMode, Option<f64>)]);

impl Serialize for Poolings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(mode, cos)| (mode.name(), cos)))
    }
}

pub fn document<'a>(
    model: &'a Model,
    first: &'a Explained,
    second: Option<&'a Explained>,
    diagnosis: &'a Diagnosis,
) -> Document<'a> {
    Document {
        model: ModelName {
            id: &model.id,
            hash: &model.hash,
        },
        pooling: names(&first.pooling, "+"),
        own: first.own,
        cos: first.cos,
        poolings: Poolings(&first.poolings),
        a: text(&first.a),
        b: text(&first.b),
        methods: methods(first),
        findings: &diagnosis.findings,
        not_looked_for: diagnosis.left_out(),
        percentile: diagnosis.percentile,
        against: second.map(|second| Against {
            cos: second.cos,
            difference: first.cos - second.cos,
            poolings: Poolings(&second.poolings),
            c: text(&second.b),
            methods: methods(second),
            contrast: differences(first, second)
                .into_iter()
                .map(|(method, difference)| (method.name(), difference))
                .collect(),
        }),
    }
}

/// The modes' names in one line.
pub fn names(modes: &[PoolingMode], between: &str) -> String {
    let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
    names.join(between)
}

fn methods(explained: &Explained) -> BTreeMap<&'static str, Matrix<'_>> {
    let methods = explained.methods.iter();
    let methods = methods.map(|(method, answer)| {
        let matrix = Matrix {
            extra: Some(&answer.extra),
            ..matrix(&answer.matrix)
        };
        (method.name(), matrix)
    });
    methods.collect()
}

fn matrix(pairs: &PairMatrix) -> Matrix<'_> {
    Matrix {
        extra: None,
        matrix: (0..pairs.rows.len()).map(|row| pairs.row(row)).collect(),
        rows: &pairs.rows,
        columns: &pairs.columns,
        sum: pairs.sum(),
        explains: pairs.explains,
        residual: pairs.residual(),
        seconds: pairs.seconds,
    }
}

fn text(trace: &Trace) -> Text<'_> {
    let tokens: &Tokens = &trace.tokens;
    let changes = trace.interventions.changes.list.iter();
    Text {
        text: &tokens.text,
        pieces: &tokens.pieces,
        offsets: &tokens.offsets,
        special: &tokens.special,
        dropped: tokens.dropped,
        interventions: changes.map(ToString::to_string).collect(),
    }
}
