//! Folders that lie: one clear error that names the file and the field or tensor, in every family.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use embedscope::model::ModelRef;
use embedscope::model::source::SourceOptions;
use serde_json::Value;

use crate::{json, models, variants};

/// A copy of a checkpoint to spoil.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(path: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(path, folder.path());
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn error(&self) -> String {
        let reference = ModelRef::Folder(self.0.path().into());
        let loaded = models::load(&reference, &SourceOptions::from_env());
        loaded.err().unwrap_or_default()
    }

    fn config(&self, change: impl FnOnce(&mut Value)) {
        let mut config = json(&self.path("config.json"));
        change(&mut config);
        std::fs::write(self.path("config.json"), config.to_string()).unwrap();
    }

    /// The first weight file with a matrix of layer 0.
    fn tensors(&self, change: impl FnOnce(&mut HashMap<String, Tensor>)) {
        let files = std::fs::read_dir(self.0.path()).unwrap();
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "safetensors"));
        files.sort();
        let load = |file: &PathBuf| candle_core::safetensors::load(file, &Device::Cpu).unwrap();
        let found = files
            .iter()
            .find(|file| matrix(&load(file)).is_some())
            .unwrap();
        let mut tensors = load(found);
        change(&mut tensors);
        candle_core::safetensors::save(&tensors, found).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        if path.is_dir() {
            std::fs::create_dir(to.join(&name)).unwrap();
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// The checkpoints with layers, whose config.json gives the sizes.
fn honest() -> Vec<(String, PathBuf)> {
    let mut found = variants();
    found.retain(|(name, path)| {
        let layered = !name.starts_with("static") && !name.starts_with("model2vec");
        layered && path.join("config.json").is_file()
    });
    found
}

/// A name of a weight matrix of layer 0 that is sure to be read.
fn matrix(tensors: &HashMap<String, Tensor>) -> Option<String> {
    let read = |name: &&String| {
        let layer = name.contains(".0.") || name.contains("layers.0");
        let norm = name.to_lowercase().contains("norm");
        layer
            && !norm
            && !name.contains("lora")
            && (name.ends_with("weight") || name.ends_with("original"))
    };
    let mut names: Vec<&String> = tensors.keys().filter(read).collect();
    names.sort();
    names.first().map(|name| (*name).clone())
}

#[test]
fn a_missing_or_broken_tensor_is_named_in_every_family() {
    for (family, path) in honest() {
        let broken = Copy::of(&path);
        let mut gone = String::new();
        broken.tensors(|tensors| {
            gone = matrix(tensors).unwrap();
            tensors.remove(&gone);
        });
        let error = broken.error();
        let short = gone.split("layer").last().unwrap();
        assert!(error.contains("safetensors"), "{family}: {error}");
        assert!(
            error.contains("missing"),
            "{family} without {gone}: {error}"
        );
        assert!(
            error.contains(&short[..4.min(short.len())]),
            "{family} without {gone}: {error}"
        );

        let broken = Copy::of(&path);
        broken.tensors(|tensors| {
            let tensor = &tensors[&gone];
            let nan = Tensor::full(f32::NAN, tensor.dims(), &Device::Cpu).unwrap();
            let nan = nan.to_dtype(tensor.dtype()).unwrap();
            tensors.insert(gone.clone(), nan);
        });
        let error = broken.error();
        assert!(
            error.contains("NaN"),
            "{family} with NaN in {gone}: {error}"
        );

        let broken = Copy::of(&path);
        broken.tensors(|tensors| {
            let whole = Tensor::zeros(tensors[&gone].dims(), DType::U8, &Device::Cpu).unwrap();
            tensors.insert(gone.clone(), whole);
        });
        let error = broken.error();
        assert!(
            error.contains("must be floats"),
            "{family} with bytes in {gone}: {error}"
        );
    }
}

#[test]
fn sizes_that_are_not_those_of_the_weights_are_refused_in_every_family() {
    for (family, path) in honest() {
        for (field, wrong) in [
            ("vocab_size", 7),
            ("num_hidden_layers", 9),
            ("hidden_size", 20),
        ] {
            if field == "num_hidden_layers" && family.starts_with("albert") {
                // As many layers as anybody likes share its blocks.
                continue;
            }
            let broken = Copy::of(&path);
            let mut known = true;
            broken.config(|config| {
                // The same size under the family's own name.
                let own = match field {
                    "num_hidden_layers" => {
                        ["num_hidden_layers", "n_layers", "n_layer", "num_layers"]
                    }
                    "hidden_size" => ["hidden_size", "dim", "n_embd", "d_model"],
                    _ => ["vocab_size"; 4],
                };
                let field = own.iter().find(|field| config.get(**field).is_some());
                match field {
                    Some(field) => config[*field] = wrong.into(),
                    None => known = false,
                }
            });
            assert!(known, "{family} has no {field}");
            let error = broken.error();
            assert!(
                !error.is_empty(),
                "{family} with {field} {wrong} was loaded"
            );
            let named = ["safetensors", "config.json"]
                .iter()
                .any(|file| error.contains(file));
            assert!(named, "{family} with {field} {wrong}: {error}");
        }
    }
}

#[test]
fn nothing_that_a_config_says_makes_the_program_panic() {
    let values: [Value; 4] = [0.into(), 3.into(), 1e30.into(), "x".into()];
    let mut seen = Vec::new();
    for (family, path) in honest() {
        // One checkpoint of each spelling is enough.
        let fields = |config: &Value| {
            let named = |name| config.get(name).map(ToString::to_string);
            (named("model_type"), named("n_embd"), named("auto_map"))
        };
        let spelling = fields(&json(&path.join("config.json")));
        if seen.contains(&spelling) {
            continue;
        }
        seen.push(spelling);
        let config = json(&path.join("config.json"));
        for field in config.as_object().unwrap().keys() {
            for value in &values {
                let broken = Copy::of(&path);
                broken.config(|config| config[field.as_str()] = value.clone());
                // Loaded or refused, with words; what matters is that it comes back at all.
                let error = broken.error();
                let lines = error.lines().count();
                assert!(lines <= 1, "{family} with {field} {value}: {error}");
            }
        }
    }
}

#[test]
fn code_of_a_models_own_and_classifiers_are_refused_by_name() {
    let (_, path) = variants()
        .into_iter()
        .find(|(name, _)| name == "roberta")
        .unwrap();
    let broken = Copy::of(&path);
    let modules = std::fs::read_to_string(broken.path("modules.json")).unwrap();
    let start = modules.find("sentence_transformers").unwrap();
    let end = start + modules[start..].find('"').unwrap();
    let own = format!(
        "{}custom_st.Transformer{}",
        &modules[..start],
        &modules[end..]
    );
    std::fs::write(broken.path("modules.json"), own).unwrap();
    let error = broken.error();
    assert!(error.contains("custom_st.Transformer"), "{error}");
    assert!(error.contains("modules.json"), "{error}");

    let broken = Copy::of(&path);
    std::fs::remove_file(broken.path("modules.json")).unwrap();
    broken.config(|config| {
        config["architectures"] = Value::Array(vec!["RobertaForSequenceClassification".into()]);
    });
    let error = broken.error();
    assert!(
        error.contains("RobertaForSequenceClassification"),
        "{error}"
    );
    assert!(error.contains("cross-encoder"), "{error}");
}
