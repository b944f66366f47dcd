//! Adapters for tasks: each is a model of its own, and what does not fit is said by name.

use std::path::{Path, PathBuf};

use embedscope::cancel::Cancel;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use embedscope::trace::Site;
use serde_json::{Value, json};

use crate::models::{self, fixtures};

fn folder(name: &str) -> PathBuf {
    fixtures().join("families").join(name)
}

fn load(path: &Path, task: Option<&str>) -> Result<Model, String> {
    let reference = ModelRef::Folder(path.into()).for_task(task);
    models::load(&reference, &SourceOptions::from_env())
}

fn sentence(model: &Model, prompt: &Prompt) -> Vec<f32> {
    let traced = model.trace("dogs on the mat", prompt, Detail::Outline, &Cancel::new());
    let values = traced.unwrap();
    values.values(Site::Sentence).unwrap().flat().into_owned()
}

#[test]
fn every_task_is_a_model_of_its_own_with_its_prompt() {
    let path = folder("jina_v3_query");
    let base = load(&path, None).unwrap();
    assert_eq!(base.tasks.len(), 5);
    assert_eq!(base.source.task(), None);
    // As Python's prompt_name without a task: the words, and the weights as they are.
    assert_eq!(base.prompt(&Prompt::Own).unwrap(), "");
    assert_eq!(
        base.prompt(&Prompt::Named("retrieval.query".into()))
            .unwrap(),
        "dogs: "
    );
    let mut seen = vec![(base.hash.clone(), sentence(&base, &Prompt::None))];
    for task in &base.tasks {
        let model = load(&path, Some(task)).unwrap();
        assert_eq!(model.source.task(), Some(task.as_str()));
        assert!(model.id.ends_with(&format!("#{task}")), "{}", model.id);
        let words = match task.as_str() {
            "retrieval.query" => "dogs: ",
            "retrieval.passage" => "the mat: ",
            _ => "",
        };
        assert_eq!(model.prompt(&Prompt::Own).unwrap(), words, "{task}");
        let bare = sentence(&model, &Prompt::None);
        assert_eq!(
            bare == sentence(&model, &Prompt::Own),
            words.is_empty(),
            "{task}"
        );
        let new = seen
            .iter()
            .all(|(hash, other)| *hash != model.hash && *other != bare);
        assert!(new, "{task} is like another");
        seen.push((model.hash.clone(), bare));
        // Its name as people type it leads to it again.
        let name: ModelRef = model.id.parse().unwrap();
        assert_eq!(name, model.source);
    }
}

#[test]
fn adapters_in_folders_are_tasks_and_what_they_cannot_be_is_named() {
    let path = folder("jina_v3_peft");
    let base = load(&path, None).unwrap();
    assert_eq!(base.tasks, ["passage", "query"]);
    let mut seen = vec![(base.hash.clone(), sentence(&base, &Prompt::None))];
    for task in &base.tasks {
        let model = load(&path, Some(task)).unwrap();
        let bare = sentence(&model, &Prompt::None);
        let new = seen
            .iter()
            .all(|(hash, other)| *hash != model.hash && *other != bare);
        assert!(new, "{task} is like another");
        seen.push((model.hash.clone(), bare));
    }
    let error = load(&path, Some("neither")).err().unwrap();
    assert!(error.contains("passage, query"), "{error}");

    let dir = tempfile::tempdir().unwrap();
    copy(&path, dir.path());
    let config = dir.path().join("query/adapter_config.json");
    let plain = std::fs::read_to_string(&config).unwrap();
    let with = |from: &str, to: &str| {
        assert!(plain.contains(from), "{from}");
        std::fs::write(&config, plain.replace(from, to)).unwrap();
        load(dir.path(), Some("query")).err().unwrap()
    };
    let error = with("\"use_dora\": false", "\"use_dora\": true");
    assert!(
        error.contains("use_dora") && error.contains("merge_and_unload"),
        "{error}"
    );
    let error = with("\"r\": 2", "\"r\": 3");
    assert!(
        error.contains("lora_") && error.contains("shape"),
        "{error}"
    );
    // The other adapter is as it was.
    assert!(load(dir.path(), Some("passage")).is_ok());
    std::fs::write(&config, &plain).unwrap();
    let weights = dir.path().join("query/adapter_model.safetensors");
    let mut tensors = candle_core::safetensors::load(&weights, &candle_core::Device::Cpu).unwrap();
    let pair = |part: &str| format!("base_model.model.layers.0.mlp.fc1.lora_{part}.weight");
    let elsewhere = |part: &str| format!("base_model.model.layers.7.mlp.fc1.lora_{part}.weight");
    for part in ["A", "B"] {
        let moved = tensors.remove(&pair(part)).unwrap();
        tensors.insert(elsewhere(part), moved);
    }
    candle_core::safetensors::save(&tensors, &weights).unwrap();
    let error = load(dir.path(), Some("query")).err().unwrap();
    assert!(error.contains("layers.7.mlp.fc1.lora_A"), "{error}");
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        match path.is_dir() {
            true => {
                std::fs::create_dir(to.join(&name)).unwrap();
                copy(&path, &to.join(name));
            }
            false => {
                std::fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
}

#[test]
fn a_task_that_is_not_there_is_refused_with_those_that_are() {
    let error = load(&folder("jina_v3_query"), Some("query")).err().unwrap();
    assert!(
        error.contains("task `query`") && error.contains("text-matching"),
        "{error}"
    );
    for name in ["jina_v3", "roberta", "static"] {
        let error = load(&folder(name), Some("query")).err().unwrap();
        assert!(error.contains("no adapters"), "{name}: {error}");
    }
}

/// A copy of the folder with config.json changed.
fn changed(change: impl Fn(&mut Value)) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in [
        "config.json",
        "modules.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
    ] {
        let (from, target) = (folder("jina_v3_query").join(name), to.path().join(name));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(from, target).unwrap();
    }
    let mut config = crate::json(&to.path().join("config.json"));
    change(&mut config);
    std::fs::write(to.path().join("config.json"), config.to_string()).unwrap();
    to
}

#[test]
fn adapters_that_do_not_fit_are_named() {
    let cases = [
        ("lora_rank", json!(3), "lora_A"),
        ("lora_rank", json!(0), "lora_rank"),
        ("lora_alpha", json!("big"), "lora_alpha"),
        (
            "lora_adaptations",
            json!("retrieval.query"),
            "lora_adaptations",
        ),
        ("lora_adaptations", json!(["retrieval.query"]), "lora_A"),
        ("task_instructions", json!(["dogs"]), "task_instructions"),
        (
            "task_instructions",
            json!({"retrieval.query": 1}),
            "task_instructions",
        ),
        // Then the first module is code that nobody knows.
        ("lora_adaptations", Value::Null, "custom_st.Transformer"),
    ];
    for (field, value, said) in cases {
        let broken = changed(|config| config[field] = value.clone());
        let task = Some("retrieval.query").filter(|_| !value.is_null());
        let error = load(broken.path(), task).err().unwrap();
        assert!(error.contains(said), "{field} {value}: {error}");
    }
    let silent = changed(|config| config["task_instructions"] = Value::Null);
    let model = load(silent.path(), Some("retrieval.query")).unwrap();
    assert_eq!(
        model.prompt(&Prompt::Own).unwrap(),
        "dogs: ",
        "the folder's own prompt"
    );
}
