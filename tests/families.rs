//! Every family of encoders against the reference: tiny random checkpoints as each family writes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "families/adapters.rs"]
mod adapters;
#[path = "families/exact.rs"]
mod exact;
#[path = "families/lies.rs"]
mod lies;
#[path = "families/mixed.rs"]
mod mixed;
#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "families/padded.rs"]
mod padded;
#[path = "families/reexpressed.rs"]
mod reexpressed;

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use embedscope::cancel::Cancel;
use embedscope::model::families::FAMILIES;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelError, ModelRef, Prompt};
use embedscope::trace::Trace;
use embedscope::trace::site::Site;
use models::fixtures;
use serde_json::Value;

/// The checkpoints that are there, by name.
fn variants() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(fixtures().join("families")).unwrap();
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("expected").is_dir())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    found.sort();
    assert!(found.len() > 25, "the checkpoints of families are missing");
    found
}

/// The model in a checkpoint's folder, for the task that its reference was made for.
fn reference(path: &Path) -> ModelRef {
    let cases = json(&path.join("expected/cases.json"));
    ModelRef::Folder(path.into()).for_task(cases["cases"][0]["task"].as_str())
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn prompt(case: &Value) -> Prompt {
    match (&case["prompt"], &case["prompt_name"]) {
        (Value::String(text), _) => Prompt::Text(text.clone()),
        (_, Value::String(name)) => Prompt::Named(name.clone()),
        _ => Prompt::Own,
    }
}

/// Every checkpoint that is a model, loaded.
fn loaded() -> Vec<(String, Model)> {
    let found = variants().into_iter();
    let load = |path: PathBuf| models::load(&reference(&path), &SourceOptions::from_env());
    found
        .map(|(name, path)| (name, load(path).unwrap()))
        .collect()
}

#[test]
fn every_registered_name_is_tested_by_a_checkpoint() {
    // These have checkpoints of their own elsewhere, or are another's under a second name.
    const ELSEWHERE: [&str; 4] = ["static", "jina_bert", "bert", "mt5"];
    let of = |(_, path): (String, PathBuf)| {
        let config = path.join("config.json");
        config
            .is_file()
            .then(|| json(&config)["model_type"].clone())
    };
    let tested: Vec<Value> = variants().into_iter().filter_map(of).collect();
    let named = |name: &str| tested.iter().any(|t| t == name) || ELSEWHERE.contains(&name);
    let names = FAMILIES.iter().flat_map(|family| family.model_types);
    let untested: Vec<_> = names.filter(|name| !named(name)).collect();
    assert!(untested.is_empty(), "no checkpoint for {untested:?}");
}

/// Largest difference relative to the largest expected magnitude; equal infinities differ by nothing.
fn difference(ours: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(ours.len(), expected.len());
    let pairs = ours.iter().zip(expected).filter(|(x, y)| x != y);
    let largest = pairs
        .map(|(x, y)| f64::from((x - y).abs()))
        .fold(
            0.,
            |most: f64, x| if x.is_nan() { f64::NAN } else { most.max(x) },
        );
    let finite = expected.iter().filter(|x| x.is_finite());
    let scale = finite.map(|x| f64::from(x.abs())).fold(0., f64::max);
    largest / scale.max(f64::MIN_POSITIVE)
}

/// What is wrong with one text, site by site.
fn problems(trace: &Trace, expected: &std::collections::HashMap<String, Tensor>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut sites: Vec<(Site, &Tensor)> = expected
        .iter()
        .map(|(name, tensor)| (name.parse().expect(name), tensor))
        .collect();
    sites.sort_by_key(|(site, _)| *site);
    for (site, tensor) in sites {
        if site == Site::TokenIds {
            let ids: Vec<i64> = tensor.to_vec1().unwrap();
            let ours: Vec<i64> = trace.tokens.ids.iter().map(|&id| id.into()).collect();
            if ours != ids {
                wrong.push(format!("ids {ours:?} instead of {ids:?}"));
            }
            continue;
        }
        let Some(values) = trace.values(site) else {
            wrong.push(format!("{site} is missing"));
            continue;
        };
        if values.shape() != tensor.dims() {
            let (ours, theirs) = (values.shape(), tensor.dims());
            wrong.push(format!("{site} has shape {ours:?}, not {theirs:?}"));
            continue;
        }
        let flat: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        let off = difference(&values.flat(), &flat);
        if off.is_nan() || off > 2e-5 {
            wrong.push(format!("{site} is off by {off:.1e}"));
        }
    }
    wrong
}

#[test]
fn every_family_agrees_with_the_reference_at_every_site() {
    let mut wrong = Vec::new();
    for (name, path) in variants() {
        let model = match models::load(&reference(&path), &SourceOptions::from_env()) {
            Ok(model) => model,
            Err(e) => {
                wrong.push(format!("{name}: {e}"));
                continue;
            }
        };
        let expected = path.join("expected");
        for case in json(&expected.join("cases.json"))["cases"]
            .as_array()
            .unwrap()
        {
            let (file, text) = (
                case["file"].as_str().unwrap(),
                case["text"].as_str().unwrap(),
            );
            let path = expected.join(file);
            let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
            let trace = match model.trace(text, &prompt(case), Detail::Full, &Cancel::new()) {
                Ok(trace) => trace,
                // A static model may be left with nothing; the reference then says zeros.
                Err(ModelError::NoTokens) if case["tokens"] == 0 => continue,
                Err(e) => {
                    wrong.push(format!("{name}/{file}: {e}"));
                    continue;
                }
            };
            if case["dropped"] != trace.tokens.dropped {
                let (ours, theirs) = (trace.tokens.dropped, &case["dropped"]);
                wrong.push(format!(
                    "{name}/{file}: {ours} tokens are cut, not {theirs}"
                ));
            }
            for problem in problems(&trace, &tensors).into_iter().take(3) {
                wrong.push(format!("{name}/{file}: {problem}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} problems",
        wrong.join("\n"),
        wrong.len()
    );
}

#[test]
fn a_reference_may_hold_fewer_sites_than_are_traced() {
    let (_, path) = variants()
        .into_iter()
        .find(|(name, _)| name == "qwen3")
        .unwrap();
    let model = models::load(&ModelRef::Folder(path.clone()), &SourceOptions::from_env()).unwrap();
    let reports = embedscope::parity::compare(&model, &path.join("expected")).unwrap();
    assert!(reports.len() > 10);
    let failed: Vec<_> = reports.iter().filter(|report| !report.passes()).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
