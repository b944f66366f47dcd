use std::path::Path;

use tempfile::TempDir;

use crate::run::{command, finish, fixture, furthest, run, tensors};

#[test]
fn a_trace_holds_exactly_the_sites_of_the_reference() {
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let out = dir.path().join("t.safetensors");
    let text = "The cat sat unhappily";
    let done = run(&[
        "trace",
        "--model",
        &model,
        "--text",
        text,
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(done.ok(), "");
    let ours = tensors(&out);
    let theirs = tensors(Path::new(&fixture("tiny/plain/expected/short.safetensors")));
    let names = |of: &std::collections::BTreeMap<String, _>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for (name, (shape, values)) in &theirs {
        assert_eq!(&ours[name].0, shape, "{name}");
        let largest = values.iter().fold(1e-6f32, |most, x| x.abs().max(most));
        let delta = furthest(&ours[name].1, values);
        assert!(delta <= 1e-4 * largest, "{name} differs by {delta}");
    }
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 1, "nothing but the file is left");
}

#[test]
fn sites_are_chosen_by_pattern_and_a_typing_error_is_named() {
    let (model, dir) = (fixture("tiny/plain"), TempDir::new().unwrap());
    let out = dir.path().join("t.safetensors");
    let long = "cat ".repeat(30);
    let given = [
        "trace",
        "--model",
        &model,
        "--text",
        &long,
        "--out",
        out.to_str().unwrap(),
    ];
    let done = run(&[&given[..], &["--sites", "layer.*.pattern, sentence"]].concat());
    assert!(
        done.stderr.contains("cut off"),
        "truncation is never silent: {done:?}"
    );
    done.ok();
    let names: Vec<String> = tensors(&out).into_keys().collect();
    assert_eq!(names, ["layer.0.pattern", "layer.1.pattern", "sentence"]);
    std::fs::remove_file(&out).unwrap();
    for wrong in ["layer.7.pattern", "sentence,patern", ","] {
        let usage = run(&[&given[..], &["--sites", wrong]].concat()).usage();
        assert!(usage.contains("--sites"), "{usage}");
        assert!(!out.exists());
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let model = fixture("tiny/plain");
    let given = ["trace", "--model", &model, "--text", "a", "--out"];
    let error = run(&[&given[..], &["/nonexistent/t.safetensors"]].concat()).error();
    assert!(error.contains("/nonexistent"), "{error}");
    let dir = TempDir::new().unwrap();
    let error = finish(
        command(&[&given[..], &[dir.path().to_str().unwrap()]].concat()),
        b"",
    )
    .error();
    assert!(error.contains("folder"), "{error}");
}
