//! The same on all-MiniLM-L6-v2, where it is at hand: in the folder that EMBEDSCOPE_MINILM names, or
//! in the hub cache. EMBEDSCOPE_REQUIRE_MODEL=1 makes its absence a failure.

use embedscope::cancel::Cancel;
use embedscope::model::ModelRef;
use embedscope::model::source::{SourceOptions, resolve};

use crate::run::{fixture, run};

/// A folder with the model.
fn minilm() -> Option<String> {
    let options = SourceOptions {
        offline: true,
        ..SourceOptions::from_env()
    };
    let reference = match std::env::var_os("EMBEDSCOPE_MINILM") {
        Some(folder) => ModelRef::Folder(folder.into()),
        None => ModelRef::minilm(),
    };
    match resolve(&reference, &options, &|_| {}, &Cancel::new()) {
        Ok(files) => Some(files.folder().unwrap().display().to_string()),
        Err(error) if std::env::var_os("EMBEDSCOPE_REQUIRE_MODEL").is_none() => {
            eprintln!(
                "\n*** NOT TESTED: the real model is missing ({error}); run scripts/get-minilm\n"
            );
            None
        }
        Err(error) => panic!("the real model is missing ({error}); run scripts/get-minilm"),
    }
}

#[test]
fn the_known_answers() {
    let Some(model) = minilm() else { return };
    let texts = [
        "The cat sat on the mat",
        "A feline rested on the rug",
        "Python is a programming language",
        "The cat bit the dog",
        "The dog bit the cat",
    ];
    let mut given = vec!["embed", "--model", &model, "--out", "-"];
    for text in texts {
        given.extend(["--text", text]);
    }
    let lines = run(&given).ok();
    let vectors: Vec<Vec<f64>> = lines
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let row = value["embedding"].as_array().unwrap().iter();
            row.map(|x| x.as_f64().unwrap()).collect()
        })
        .collect();
    let cos = |a: usize, b: usize| -> f64 {
        vectors[a].iter().zip(&vectors[b]).map(|(a, b)| a * b).sum()
    };
    for (a, b, known) in [(0, 1, 0.5643), (0, 2, 0.0309), (3, 4, 0.9907)] {
        assert!(
            (cos(a, b) - known).abs() < 5e-5,
            "{} {}: {}",
            texts[a],
            texts[b],
            cos(a, b)
        );
    }
}

#[test]
fn every_site_agrees_with_pytorch() {
    let Some(model) = minilm() else { return };
    let table = run(&["check", "--model", &model, "--fixtures", &fixture("minilm")]).ok();
    assert!(table.ends_with("PASS\n"), "{table}");
    assert!(
        table.contains("layer.5.pattern") && table.contains("sentence (in batches)"),
        "{table}"
    );
}
