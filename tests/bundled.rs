//! The model inside the program. Nothing here depends on the values of its weights.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::path::{Path, PathBuf};
use std::process::Command;

use embedscope::cancel::Cancel;
use embedscope::model::source::{Progress, SourceOptions, StoredFile, resolve};
use embedscope::model::{Detail, Model, ModelFiles, ModelRef, Prompt};
use models::load;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/embedscope-mini")
}

/// Neither a hub nor a cache.
fn nowhere() -> SourceOptions {
    SourceOptions {
        offline: true,
        cache: Some("/nonexistent".into()),
        endpoint: Some("http://127.0.0.1:9".into()),
        ..SourceOptions::default()
    }
}

fn files(name: &str) -> ModelFiles {
    let heard = |p: Progress| panic!("nothing is downloaded, not even {}", p.file);
    resolve(&name.parse().unwrap(), &nowhere(), &heard, &Cancel::new()).unwrap()
}

fn bundled(name: &str) -> Model {
    load(&name.parse().unwrap(), &nowhere()).unwrap()
}

fn sentence(model: &Model) -> Vec<f32> {
    let text = "The cat sat on the mat, naïve as ever.";
    let trace = model.trace(text, &Prompt::Own, Detail::Outline, &Cancel::new());
    let trace = trace.unwrap();
    let values = trace.values(embedscope::trace::Site::Sentence).unwrap();
    values.flat().to_vec()
}

#[test]
fn it_is_the_folder_bit_for_bit() {
    let (ours, theirs) = (bundled("bundled"), folder());
    let theirs = load(&ModelRef::Folder(theirs), &nowhere()).unwrap();
    assert_eq!(ours.hash, theirs.hash);
    let (a, b) = (sentence(&ours), sentence(&theirs));
    assert_eq!(a.len(), ours.sentence_size());
    assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(ours.warnings.is_empty());
}

#[test]
fn every_file_of_the_folder_is_in_the_program() {
    let files = files("bundled");
    assert_eq!((files.folder(), files.revision()), (None, None));
    let mut folders = vec![folder()];
    let mut seen = 0;
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder()).unwrap().to_str().unwrap();
            if name == "checkpoints" || name == "README.md" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            assert_eq!(
                *files.read(name).unwrap(),
                *std::fs::read(&path).unwrap(),
                "{name}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 8);
    for outside in ["../embedscope-mini/config.json", "/etc/passwd", "nowhere"] {
        assert!(files.read(outside).is_err(), "{outside}");
    }
}

#[test]
fn it_keeps_to_its_size() {
    let weights = std::fs::metadata(folder().join("model.safetensors")).unwrap();
    assert!(weights.len() <= 10_000_000);
    let model = bundled("bundled");
    let spec = model.spec();
    assert_eq!((spec.layers(), spec.heads, spec.hidden), (4, 6, 192));
    assert_eq!(model.tokenizer.limit(), 256);
}

#[test]
fn the_checkpoint_is_the_same_model_with_other_weights() {
    let (trained, start) = (bundled("bundled"), bundled("bundled@start"));
    assert_eq!(start.source.to_string(), "bundled@start");
    assert_eq!(start.config, trained.config);
    assert_ne!(start.hash, trained.hash);
    assert_ne!(sentence(&start), sentence(&trained));
    let [file @ StoredFile::Int8 { bytes, .. }] = &start.weight_files[..] else {
        panic!("{:?}", start.weight_files.len());
    };
    // What is read is f32 under the same names, about four times as long.
    let read = file.read().unwrap();
    let read = safetensors::SafeTensors::deserialize(&read).unwrap();
    let kept = safetensors::SafeTensors::deserialize(bytes).unwrap();
    assert_eq!(2 * read.len(), kept.len());
    for (name, tensor) in read.iter() {
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32);
        assert_eq!(tensor.shape(), kept.tensor(name).unwrap().shape());
    }
}

#[test]
fn a_checkpoint_that_is_not_there_is_named() {
    let reference = ModelRef::Bundled {
        checkpoint: Some("middle".into()),
    };
    let error = load(&reference, &nowhere()).err().unwrap();
    assert!(
        error.contains("`middle`") && error.contains("bundled@start"),
        "{error}"
    );
}

/// The program with an empty home and no way to a hub.
fn alone(arguments: &[&str]) -> String {
    let home = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedscope"));
    command.env_clear().env("HOME", home.path());
    command.env("HF_HUB_OFFLINE", "1").args(arguments);
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    let left = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(
        (said.as_str(), left),
        ("", 0),
        "nothing is written, nothing amiss"
    );
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_program_needs_nothing_else() {
    let tokens = alone(&["tokens", "--json", "--text", "a cat"]);
    let tokens: serde_json::Value = serde_json::from_str(&tokens).unwrap();
    assert_eq!(tokens["limit"], 256);
    for model in ["bundled", "bundled@start"] {
        let table = alone(&["check", "--model", model]);
        assert!(table.contains("candle-transformers on the same weights"));
        assert!(table.ends_with("PASS\n"), "{table}");
    }
    let table = alone(&["models"]);
    assert!(table.contains("bundled@start") && table.contains("embedscope-mini"));
}
