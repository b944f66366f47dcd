//! The background in the program stands for texts in general: unrelated pairs of it score like
//! unrelated pairs of a large corpus of many kinds of text.
//!
//! The corpus is no part of the repository. tests/fixtures/corpus_quantiles.json holds what was measured
//! on it; `EMBEDSCOPE_CORPUS=FOLDER cargo test --test quantiles -- --nocapture` measures it again on a folder of
//! `.txt.gz` files with one sentence a line, compares, and prints the file anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use embedscope::analysis::background::{Background, MOST};
use embedscope::analysis::calibration::Calibration;
use embedscope::cancel::Cancel;
use embedscope::engine::{CalibrationKey, calibrate};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Model, ModelRef, Prompt};
use embedscope::training::data::read_texts;
use embedscope::training::rng::Rng;
use serde_json::{Value, json};

#[path = "support/models.rs"]
#[allow(dead_code, reason = "each test file uses its own part of this")]
mod models;

const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// How far the background's may be from the corpus's.
const NEAR: f64 = 0.03;

fn measured(model: &Model, background: Background) -> Calibration {
    let key = CalibrationKey::new(model, None, &Prompt::Own).unwrap();
    calibrate(model, &key.on(background), &Cancel::new(), &mut |_, _| ()).unwrap()
}

fn quantiles(scale: &Calibration) -> Vec<f64> {
    QUANTILES.iter().map(|&q| scale.quantile(q)).collect()
}

/// As many texts of each file as of any other, so that no kind outweighs the rest.
fn sample(folder: &Path) -> Background {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "gz"));
    files.sort();
    assert!(!files.is_empty(), "{} has no .gz file", folder.display());
    let mut rng = Rng::new(1);
    let each = MOST.div_ceil(files.len());
    let texts = files.iter().flat_map(|path| {
        let texts = read_texts(path).unwrap();
        let order = rng.permutation(texts.len()).into_iter().take(each);
        order.map(|i| texts[i].clone()).collect::<Vec<_>>()
    });
    let texts: Vec<String> = texts.collect();
    Background::parse("a sample", &texts.join("\n")).unwrap()
}

#[test]
fn unrelated_pairs_of_the_background_score_like_those_of_a_large_corpus() {
    let model = models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap();
    let recorded = models::fixtures().join("corpus_quantiles.json");
    let corpus: Vec<f64> = match std::env::var_os("EMBEDSCOPE_CORPUS") {
        Some(folder) => {
            let scale = measured(&model, sample(Path::new(&folder)));
            let found = quantiles(&scale);
            let document = json!({"model": "bundled", "q": QUANTILES, "cosines": found});
            println!("{document}");
            found
        }
        None => {
            let text = std::fs::read_to_string(recorded).unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(document["q"], json!(QUANTILES));
            serde_json::from_value(document["cosines"].clone()).unwrap()
        }
    };
    let own = quantiles(&measured(&model, Background::own()));
    println!("background {own:.3?}\ncorpus     {corpus:.3?}");
    for ((q, own), corpus) in QUANTILES.iter().zip(&own).zip(&corpus) {
        assert!((own - corpus).abs() <= NEAR, "{q}: {own} against {corpus}");
    }
}
