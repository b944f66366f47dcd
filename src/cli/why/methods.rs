//! The methods by which `why` explains a score: a line each.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::causal;

use crate::analysis::calibration::Calibration;
use crate::analysis::pooling::{pooled, sentence};
use crate::analysis::similarity::common::CommonShare;
use crate::analysis::similarity::components::components;
use crate::analysis::similarity::dims::Dims;
use crate::analysis::similarity::input::input_pairs;
use crate::analysis::similarity::layers::Layers;
use crate::analysis::similarity::pairs::token_pairs;
use crate::analysis::similarity::{Method, PairMatrix};
use crate::analysis::vectors::to_f64;
use crate::cancel::Cancel;
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::Trace;

/// What a method found.
pub struct Answer {
    pub matrix: PairMatrix,
    /// Keys of this method alone.
    pub extra: Map<String, Value>,
    /// For a person: a table in front of the matrix, and what is to be said of this run.
    pub table: String,
    pub remark: String,
    /// What the cosine loses without each token of a and of b, by a method that says so.
    pub without: Option<[Vec<f64>; 2]>,
}

impl From<PairMatrix> for Answer {
    fn from(matrix: PairMatrix) -> Self {
        Self {
            matrix,
            extra: Map::new(),
            table: String::new(),
            remark: String::new(),
            without: None,
        }
    }
}

/// A pair of recorded texts and the recipe under which it is explained.
pub struct Subject<'a> {
    pub model: &'a Model,
    pub a: &'a Trace,
    pub b: &'a Trace,
    pub options: HeadOptions,
    /// What the model gives to unrelated texts, where it was measured.
    pub calibration: Option<&'a Calibration>,
}

pub fn answer(method: Method, subject: &Subject<'_>) -> Result<Answer, ModelError> {
    let &Subject {
        model,
        a,
        b,
        options,
        ..
    } = subject;
    let cancel = Cancel::new();
    match method {
        Method::Pairs => Ok(token_pairs(&model.head, a, b, options)?.into()),
        Method::Dims => dims(subject),
        Method::Common => common(subject),
        Method::Input => input(subject, &cancel),
        Method::Components => Ok(components(model, a, b, options, &cancel)?.into()),
        Method::Layers => layers(subject),
        Method::LeaveOneOut => causal::leave_one_out_of(subject, &cancel),
        Method::Shapley => causal::shapley_of(subject, &cancel),
        Method::Ablation => causal::ablation_of(subject, &cancel),
        Method::Patching => causal::patching_of(subject, &cancel),
        Method::Integrated => causal::integrated_of(subject, &cancel),
    }
}

/// The note below a method's table.
pub fn note(method: Method) -> &'static str {
    match method {
        Method::Pairs => {
            "Pairs are of contextual tokens: each already holds what attention brought in from the others.\n\
             Long vectors count for more, so the cosine is not the average of the tokens' cosines.\n"
        }
        Method::Dims => "Dimensions of the sentence vector, counted from 0.\n",
        Method::Common => {
            "With μ the mean vector of unrelated texts, a = μ + own and b = μ + own: common × common is what any\n\
             two texts get, own × own what is particular to these two.\n"
        }
        Method::Input => {
            "Pairs are of input tokens, before attention mixed them. Attention patterns, norms and activation\n\
             slopes are held as recorded: this is what tokens supplied, not how they steered attention.\n"
        }
        Method::Components => {
            "The direct effect of what wrote into the residual stream: what a head does by way of later\n\
             heads and feed-forwards counts as theirs.\n"
        }
        Method::Layers => {
            "What each layer changes in the cosine of the pooled vectors; the steps add up to the score.\n"
        }
        Method::LeaveOneOut => {
            "Above: cosine less the cosine without the token (out of the pool; masked from attention and pool;\n\
             deleted from the text). Below: what two masked tokens do together that neither does alone.\n\
             It adds up to nothing in particular.\n"
        }
        Method::Shapley => {
            "Shapley values of tokens: what each brings on average, whatever else is there. The last row and\n\
             column are the special tokens alone.\n"
        }
        Method::Ablation => {
            "Cosine less the cosine with the part's output set to zero in both texts. It adds up to nothing in\n\
             particular.\n"
        }
        Method::Patching => {
            "What the cosine gains when, after a layer, one token's state of A is replaced by that of the token\n\
             at the same place in B. It adds up to nothing in particular.\n"
        }
        Method::Integrated => {
            "Integrated from a text of padding to this one; the last row and column are that text.\n"
        }
    }
}

/// How many dimensions the document names.
const TOP: usize = 10;

fn dims(subject: &Subject<'_>) -> Result<Answer, ModelError> {
    let started = Instant::now();
    let (head, options) = (&subject.model.head, subject.options);
    let final_vector = |trace| Ok::<_, ModelError>(to_f64(&sentence(head, trace, options)?));
    let dims = Dims::new(&final_vector(subject.a)?, &final_vector(subject.b)?);
    let pool = |trace| Ok::<_, ModelError>(to_f64(&pooled(head, trace, options.pooling)?));
    let before = Dims::new(&pool(subject.a)?, &pool(subject.b)?);
    let mut extra = about(&dims);
    let mut of_pooled = about(&before);
    of_pooled.insert("cos".to_owned(), json!(before.cos));
    extra.insert("pooled".to_owned(), of_pooled.into());
    Ok(Answer {
        extra,
        ..dims.matrix(started.elapsed().as_secs_f64()).into()
    })
}

/// The largest contributors, the rogue ones, and the cosine without the largest.
fn about(dims: &Dims) -> Map<String, Value> {
    let top = dims.top(TOP);
    let named = top
        .iter()
        .map(|&k| json!({"dim": k, "value": dims.parts[k]}));
    let without = [1, 3, TOP].map(|count| (count.to_string(), dims.without_top(count)));
    keys([
        ("top", named.collect()),
        ("rogue", json!(dims.rogue())),
        ("without_top", json!(BTreeMap::from(without))),
    ])
}

pub(super) fn keys<const N: usize>(keys: [(&str, Value); N]) -> Map<String, Value> {
    keys.map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect()
}

/// # Errors
/// When the model was not measured on unrelated texts.
fn common(subject: &Subject<'_>) -> Result<Answer, ModelError> {
    let started = Instant::now();
    let (head, options) = (&subject.model.head, subject.options);
    let Some(scale) = subject.calibration else {
        return Err(ModelError::Input {
            what: "the common share".to_owned(),
            problem: "needs the model measured on unrelated texts; add --calibrate".to_owned(),
        });
    };
    let vector = |trace| Ok::<_, ModelError>(to_f64(&sentence(head, trace, options)?));
    let share = CommonShare::new(&vector(subject.a)?, &vector(subject.b)?, &scale.mean);
    let matrix = PairMatrix {
        seconds: started.elapsed().as_secs_f64(),
        ..share.matrix()
    };
    Ok(Answer {
        remark: format!("without the common part the cosine is {:.4}", share.centred),
        extra: keys([
            ("centred", json!(share.centred)),
            ("floor", json!(scale.floor())),
        ]),
        ..matrix.into()
    })
}

fn input(subject: &Subject<'_>, cancel: &Cancel) -> Result<Answer, ModelError> {
    let (a, b) = (subject.a, subject.b);
    let found = input_pairs(subject.model, a, b, subject.options, cancel)?;
    let [drift_a, drift_b] = found.drift;
    let drift = json!({"a": drift_a, "b": drift_b});
    Ok(Answer {
        extra: keys([("drift", drift)]),
        ..found.matrix.into()
    })
}

fn layers(subject: &Subject<'_>) -> Result<Answer, ModelError> {
    let head = &subject.model.head;
    let layers = Layers::new(head, subject.a, subject.b, subject.options)?;
    let poolings = layers.poolings.iter();
    let poolings: BTreeMap<_, _> = poolings.map(|(mode, x)| (mode.name(), x)).collect();
    let extra = keys([
        ("layers", json!(layers.names)),
        ("cosines", json!(layers.cosines)),
        ("poolings", json!(poolings)),
    ]);
    Ok(Answer {
        extra,
        ..layers.steps().into()
    })
}
