//! The diagnosis cards: each against cases where it must speak and matched ones where it must not.
//! What is asked is mechanical, so that it holds whatever the weights are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use embedscope::analysis::calibration::{Calibration, Extent};
use embedscope::analysis::diagnosis::{Case, Diagnosis, Severity, cards, diagnose};
use embedscope::cancel::Cancel;
use embedscope::model::intervention::{Changes, Intervention};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, HeadOptions, Model, ModelError, ModelRef, Prompt};
use embedscope::trace::PoolingMode;

#[path = "diagnosis/cases.rs"]
mod cases;
#[path = "diagnosis/more.rs"]
mod more;
#[path = "diagnosis/panel.rs"]
mod panel;
#[path = "support/panel.rs"]
mod panel_support;

use panel_support::models;

/// A pair of texts, and how they are compared.
#[derive(Clone)]
pub struct Pair {
    model: &'static str,
    a: String,
    b: String,
    prompt: Prompt,
    pooling: Option<PoolingMode>,
    raw: bool,
    truncate_dim: Option<usize>,
    /// The cosine of all background pairs, about.
    floor: Option<f64>,
}

/// Two texts through the bundled model, as it was made to be used.
pub fn pair(a: &str, b: &str) -> Pair {
    Pair {
        model: "bundled",
        a: a.to_owned(),
        b: b.to_owned(),
        prompt: Prompt::Own,
        pooling: None,
        raw: false,
        truncate_dim: None,
        floor: None,
    }
}

impl Pair {
    fn of(self, model: &'static str) -> Self {
        Self { model, ..self }
    }

    fn prompt(self, prompt: Prompt) -> Self {
        Self { prompt, ..self }
    }

    fn pooling(self, mode: PoolingMode) -> Self {
        Self {
            pooling: Some(mode),
            ..self
        }
    }

    fn raw(self) -> Self {
        Self { raw: true, ..self }
    }

    fn truncate(self, dims: usize) -> Self {
        Self {
            truncate_dim: Some(dims),
            ..self
        }
    }

    fn floor(self, floor: f64) -> Self {
        Self {
            floor: Some(floor),
            ..self
        }
    }
}

/// The models that were loaded.
#[derive(Default)]
struct Models(BTreeMap<&'static str, Model>);

impl Models {
    fn get(&mut self, name: &'static str) -> &Model {
        self.0.entry(name).or_insert_with(|| match name {
            "bundled" => models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap(),
            name => models::tiny(name),
        })
    }

    fn diagnose(&mut self, pair: &Pair) -> Diagnosis {
        let model = self.get(pair.model);
        let cancel = Cancel::new();
        let trace = |text: &str| {
            let trace = model.trace(text, &pair.prompt, Detail::Outline, &cancel);
            trace.unwrap()
        };
        let own = model.options();
        let calibration = pair.floor.map(background);
        let found = diagnose(Case {
            model,
            a: &trace(&pair.a),
            b: &trace(&pair.b),
            options: HeadOptions {
                pooling: pair.pooling,
                raw: pair.raw,
                truncate_dim: pair.truncate_dim.or(own.truncate_dim),
            },
            calibration: calibration.as_ref(),
            cancel: &cancel,
        });
        found.unwrap()
    }
}

/// A background whose pairs have this cosine: a part of each vector is common, the rest its own.
fn background(floor: f64) -> Calibration {
    const TEXTS: usize = 24;
    let vector = |i: usize| {
        let mut vector = vec![0.; TEXTS + 1];
        (vector[0], vector[i + 1]) = (floor.sqrt(), (1. - floor).sqrt());
        vector
    };
    let vectors: Vec<_> = (0..TEXTS).map(vector).collect();
    Calibration::new(&vectors, Extent::default())
}

fn has(diagnosis: &Diagnosis, id: &str) -> bool {
    diagnosis.findings.iter().any(|finding| finding.id == id)
}

/// What precision and recall of a card must not fall below, in its cases and those against it.
fn floor(id: &str) -> f64 {
    match more::MECHANICAL.contains(&id) {
        true => 1.,
        false => 0.9,
    }
}

#[test]
fn every_card_speaks_where_it_must_and_only_there() {
    let mut models = Models::default();
    let (mut wrong, mut low) = (Vec::new(), Vec::new());
    println!(
        "{:<18} {:>9} {:>9}  for / against",
        "card", "precision", "recall"
    );
    let all = more::all();
    let named: Vec<&str> = all.iter().map(|case| case.0).collect();
    assert_eq!(named, cards().collect::<Vec<_>>(), "every card has cases");
    for (id, positive, negative) in all {
        let (count, against) = (positive.len(), negative.len());
        assert!(count >= 20 && against >= 20, "{id}: {count} and {against}");
        let mut fires = |pair: &Pair, expected: bool| {
            let diagnosis = models.diagnose(pair);
            let fires = has(&diagnosis, id);
            if fires != expected {
                let what = if fires { "speaks" } else { "is silent" };
                wrong.push(format!("{id} {what}: “{}” “{}”", pair.a, pair.b));
            }
            fires
        };
        let hits = positive.iter().filter(|pair| fires(pair, true)).count() as f64;
        let alarms = negative.iter().filter(|pair| fires(pair, false)).count() as f64;
        let (precision, recall) = (hits / (hits + alarms), hits / count as f64);
        println!("{id:<18} {precision:>9.2} {recall:>9.2}  {count} / {against}");
        if !(precision >= floor(id) && recall >= floor(id)) {
            low.push(id);
        }
    }
    println!("{}", wrong.join("\n"));
    assert!(low.is_empty(), "{low:?}");
}

#[test]
fn findings_have_a_sentence_and_numbers_and_the_worst_come_first() {
    let mut models = Models::default();
    for (id, positive, _) in cases::all() {
        let diagnosis = models.diagnose(&positive[0]);
        let severities: Vec<Severity> = diagnosis.findings.iter().map(|f| f.severity).collect();
        assert!(severities.is_sorted(), "{severities:?}");
        assert!(
            diagnosis
                .percentile
                .is_none_or(|p| (0. ..=100.).contains(&p))
        );
        for finding in &diagnosis.findings {
            assert!(finding.text.ends_with('.'), "{}", finding.text);
            assert!(
                finding.text.contains(char::is_numeric),
                "{id}: {}",
                finding.text
            );
            assert!(!finding.evidence.is_empty());
            let json = serde_json::to_value(finding).unwrap();
            assert_eq!(json["severity"], finding.severity.name());
        }
    }
}

#[test]
fn prices_are_differences_of_real_cosines() {
    let mut models = Models::default();
    let find = |diagnosis: &Diagnosis, id: &str, name: &str| {
        let finding = diagnosis.findings.iter().find(|f| f.id == id).unwrap();
        finding.evidence[name].as_f64().unwrap()
    };
    let (a, b) = ("the pump is not running", "the pump is running");
    let found = models.diagnose(&pair(a, b));
    assert!((find(&found, "negation", "without_cos") - 1.).abs() < 1e-6);
    assert!((find(&found, "negation", "delta_cos") - (found.cos - 1.)).abs() < 1e-6);

    let (a, b) = ("The train leaves at 8", "The train leaves at 9");
    let found = models.diagnose(&pair(a, b));
    assert!((find(&found, "numbers", "alike_cos") - 1.).abs() < 1e-6);

    let found = models.diagnose(&pair("The cat sat", "the cat sat").of("vocab_only"));
    assert!((find(&found, "case_whitespace", "cos") - 1.).abs() < 1e-6);

    let bare = pair("the cat", "a dog")
        .of("relu_dense")
        .prompt(Prompt::None);
    let (found, own) = (
        models.diagnose(&bare),
        models.diagnose(&bare.clone().prompt(Prompt::Own)),
    );
    assert!((find(&found, "prompt_missing", "cos") - own.cos).abs() < 1e-6);
    let delta = find(&found, "prompt_missing", "delta_cos");
    assert!((delta - (found.cos - own.cos)).abs() < 1e-6);

    let other = pair("the cat", "a dog").pooling(PoolingMode::Max);
    let own = models.diagnose(&pair("the cat", "a dog")).cos;
    let found = models.diagnose(&other);
    assert!((find(&found, "pooling_mismatch", "own_cos") - own).abs() < 1e-6);
}

#[test]
fn a_score_that_stays_without_the_common_words_is_not_said_to_rest_on_them() {
    let mut models = Models::default();
    let mut said = [0, 0];
    let cases = more::all();
    let (_, positive, _) = cases.iter().find(|c| c.0 == "lexical_overlap").unwrap();
    // Without its words of content this pair is still nearly the same.
    let (a, b) = (
        "of the house and the keeper it was in a book",
        "and of the house and the keeper it was in a book",
    );
    for pair in positive.iter().chain([&pair(a, b)]) {
        let found = models.diagnose(pair);
        let Some(card) = found.findings.iter().find(|f| f.id == "lexical_overlap") else {
            continue;
        };
        let falls = card.evidence["delta_cos"].as_f64().unwrap() >= 0.05;
        assert_eq!(card.text.contains("may rest"), falls, "{}", card.text);
        said[usize::from(falls)] += 1;
    }
    assert!(said.iter().all(|&count| count > 0), "{said:?}");
}

#[test]
fn every_negation_is_named_and_what_stands_behind_the_limit_is_no_word_in_common() {
    let mut models = Models::default();
    let (a, b) = (
        "The old bridge was never repaired, nothing was done",
        "The old bridge was repaired, all was done",
    );
    let found = models.diagnose(&pair(a, b));
    let negation = found.findings.iter().find(|f| f.id == "negation").unwrap();
    assert!(
        negation.text.contains("“never”, “nothing”"),
        "{}",
        negation.text
    );

    // The tiny model reads ten tokens of a text.
    let behind = |start: &str| format!("{start} cat dog mat");
    let (a, b) = (
        "the the the the the the the the bit",
        "on on on on on on on on sat",
    );
    let found = models.diagnose(&pair(&behind(a), &behind(b)).of("plain"));
    assert!(has(&found, "truncated") && !has(&found, "lexical_overlap"));
}

#[test]
fn a_changed_run_is_not_priced_by_the_model_as_it_is() {
    let mut models = Models::default();
    let (model, cancel) = (models.get("bundled"), Cancel::new());
    let changes = Changes {
        list: vec![Intervention::NoPositions],
        other: None,
    };
    let trace = |text| {
        let of = (text, &Prompt::Own);
        let trace = model.trace_changed(of, &changes, 1 << 30, &|_| None, &cancel);
        trace.unwrap()
    };
    let found = diagnose(Case {
        model,
        a: &trace("the pump is not running"),
        b: &trace("the pump is running"),
        options: model.options(),
        calibration: None,
        cancel: &cancel,
    });
    let found = found.unwrap();
    assert!(found.changed && !has(&found, "negation"));
}

#[test]
fn odd_texts_are_diagnosed_without_trouble() {
    let mut models = Models::default();
    let texts = [
        "", " ", "not", "7", "…", "the", "not not", "a\u{301}", "日", "7 8", "don't",
    ];
    for model in [
        "bundled",
        "plain",
        "vocab_only",
        "prompt_excluded",
        "concat",
        "saved_v6",
    ] {
        for a in texts {
            for b in texts {
                let found = models.diagnose(&pair(a, b).of(model).floor(0.5));
                assert!(found.cos.is_finite(), "{model} “{a}” “{b}”");
            }
        }
    }
}

#[test]
fn a_raised_flag_stops_it() {
    let model = models::tiny("plain");
    let cancel = Cancel::new();
    let trace = |text| model.trace(text, &Prompt::Own, Detail::Outline, &Cancel::new());
    let (a, b) = (trace("the cat").unwrap(), trace("the dog").unwrap());
    cancel.cancel();
    let stopped = diagnose(Case {
        model: &model,
        a: &a,
        b: &b,
        options: model.options(),
        calibration: None,
        cancel: &cancel,
    });
    assert!(matches!(stopped, Err(ModelError::Stopped)));
}
