//! Models that cannot be used: one line that names the file and the field.

use std::fs;

use crate::run::{Copy, command, finish, fixture, run};

fn load(folder: &str) -> String {
    run(&["tokens", "--model", folder, "--text", "a"]).error()
}

#[track_caller]
fn names(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn what_is_no_folder_of_a_model() {
    names(
        &load("/nonexistent/model"),
        &["/nonexistent/model", "no such folder"],
    );
    let file = fixture("tiny/plain/config.json");
    names(&load(&file), &["config.json", "not a folder"]);
    names(&load(&fixture("minilm")), &["minilm", "no config.json"]);
    names(&load("bundled@middle"), &["`middle`", "bundled@start"]);
}

#[test]
fn configurations_that_cannot_be_read() {
    let model = Copy::of("tiny/plain");
    fs::write(
        model.path("config.json"),
        "{\"model_type\": \"bert\",\n oops}",
    )
    .unwrap();
    names(&load(model.folder()), &["config.json", "line 2"]);

    let model = Copy::of("tiny/plain");
    model.json("config.json", |c| c["model_type"] = "gpt9".into());
    names(&load(model.folder()), &["config.json", "gpt9", "bert"]);

    let model = Copy::of("tiny/plain");
    model.json("config.json", |c| c["num_attention_heads"] = 5.into());
    names(
        &load(model.folder()),
        &["config.json", "num_attention_heads", "5", "32"],
    );

    let model = Copy::of("tiny/plain");
    model.json("config.json", |c| c["hidden_size"] = "wide".into());
    names(
        &load(model.folder()),
        &["config.json", "hidden_size", "wide"],
    );

    let model = Copy::of("tiny/plain");
    model.json("modules.json", |m| {
        m[1]["path"] = "../plain/1_Pooling".into()
    });
    names(
        &load(model.folder()),
        &["modules.json", "../plain/1_Pooling"],
    );

    let model = Copy::of("tiny/plain");
    fs::write(model.path("tokenizer.json"), "{}").unwrap();
    names(&load(model.folder()), &["tokenizer.json"]);
}

#[test]
fn weights_that_cannot_be_used() {
    let model = Copy::of("tiny/plain");
    let bytes = fs::read(model.path("model.safetensors")).unwrap();
    fs::write(model.path("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    names(&load(model.folder()), &["model.safetensors", "safetensors"]);

    let model = Copy::of("tiny/plain");
    fs::rename(
        model.path("model.safetensors"),
        model.path("pytorch_model.bin"),
    )
    .unwrap();
    names(
        &load(model.folder()),
        &["pytorch_model.bin", "pickle", "safetensors"],
    );

    const QUERY: &str = "encoder.layer.1.attention.self.query.weight";
    let model = Copy::of("tiny/plain");
    model.tensor(QUERY, |shape, values| {
        values.truncate(31 * 32);
        shape[0] = 31;
    });
    names(
        &load(model.folder()),
        &["model.safetensors", QUERY, "[31, 32]", "[32, 32]"],
    );

    let model = Copy::of("tiny/plain");
    model.tensor(QUERY, |_, values| values[7] = f32::NAN);
    names(&load(model.folder()), &["model.safetensors", QUERY, "NaN"]);

    let model = Copy::of("tiny/plain");
    model.json("config.json", |c| c["num_hidden_layers"] = 3.into());
    names(
        &load(model.folder()),
        &["model.safetensors", "encoder.layer.2.", "missing"],
    );
}

#[test]
fn a_hub_that_is_not_there() {
    let home = tempfile::TempDir::new().unwrap();
    let given = ["tokens", "--model", "org/name", "--text", "a"];
    let mut unreachable = command(&given);
    unreachable
        .env("HF_HOME", home.path())
        .env_remove("HF_HUB_OFFLINE");
    unreachable.env("HF_ENDPOINT", "http://127.0.0.1:9");
    names(
        &finish(unreachable, b"").error(),
        &["127.0.0.1:9", "org/name"],
    );

    let mut offline = command(&given);
    offline.env("HF_HOME", home.path());
    names(
        &finish(offline, b"").error(),
        &["HF_HUB_OFFLINE", "org/name"],
    );

    names(&load("no such/id at all"), &["no such/id at all"]);
}
