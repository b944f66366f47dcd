//! `train`: from pairs and from a teacher, stopped and gone on with, and refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::run::{command, fixture, run};

const PAIRS: &str = "the cat sat\ta dog sat\none two\tthe mat\nhello world\tsat on it\n";

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.name(name)
    }
}

fn tiny() -> String {
    fixture("tiny/plain")
}

/// A sentence vector, as the program prints it.
fn vector(folder: &str, place: &Place) -> Vec<f64> {
    let out = place.name("vectors.jsonl");
    run(&[
        "embed",
        "--model",
        folder,
        "--text",
        "the cat sat",
        "--out",
        &out,
    ])
    .ok();
    let line: serde_json::Value =
        serde_json::from_str(fs::read_to_string(&out).unwrap().lines().next().unwrap()).unwrap();
    let values = line["vector"].as_array().or(line["embedding"].as_array());
    let values = values.unwrap_or_else(|| panic!("{line}"));
    values.iter().map(|x| x.as_f64().unwrap()).collect()
}

fn losses(folder: &Path) -> Vec<f64> {
    let log = fs::read_to_string(folder.join("training/log.csv")).unwrap();
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some("step,loss,pairs,distance,gradient,rate"));
    let loss = |line: &str| line.split(',').nth(1).unwrap().parse().unwrap();
    lines.map(loss).collect()
}

#[test]
fn pairs_are_learned_into_a_folder_that_loads() {
    let place = Place::new();
    let (pairs, out) = (place.file("pairs.tsv", PAIRS), place.name("out"));
    let arguments = [
        "train",
        "--model",
        &tiny(),
        "--pairs",
        &pairs,
        "--out",
        &out,
        "--steps",
        "40",
        "--learning-rate",
        "1e-3",
        "--keep",
        "0,5",
    ];
    assert_eq!(run(&arguments).ok().trim(), out);
    let losses = losses(Path::new(&out));
    assert_eq!(losses.len(), 40);
    assert!(losses[39] < 0.8 * losses[0], "{losses:?}");
    assert_ne!(vector(&out, &place), vector(&tiny(), &place));
    for kept in ["start", "step-5"] {
        assert!(
            Path::new(&out)
                .join(format!("checkpoints/{kept}.safetensors"))
                .is_file()
        );
    }
    assert!(!Path::new(&out).join("training/state.safetensors").exists());
}

#[test]
fn a_new_model_learns_from_a_teacher_and_agrees_with_the_oracle() {
    let place = Place::new();
    let words = [
        "cat", "dog", "mat", "sun", "tree", "house", "river", "stone",
    ];
    let line = |i: usize| {
        let word = |k: usize| words[(i * 7 + k * 3 + i / 8) % words.len()];
        format!("the {} and a {} near the {}\n", word(0), word(1), word(2))
    };
    let corpus = place.file("texts.txt", &(0..64).map(line).collect::<String>());
    let shape = [
        "--layers",
        "2",
        "--hidden",
        "16",
        "--heads",
        "2",
        "--ffn",
        "32",
        "--vocabulary",
        "120",
        "--tokens",
        "12",
        "--steps",
        "30",
        "--batch",
        "8",
        "--learning-rate",
        "3e-3",
        "--contrast",
        "0.1",
    ];
    let teacher = tiny();
    let train = |out: &str, more: &[&str]| {
        let start = [
            "train",
            "--corpus",
            &corpus,
            "--teacher",
            &teacher,
            "--out",
            out,
        ];
        run(&[&start, &shape[..], more].concat())
    };
    let out = place.name("new");
    train(&out, &["--half"]).ok();
    let losses = losses(Path::new(&out));
    assert!(losses[29] < losses[0], "{losses:?}");
    run(&["check", "--model", &out]).ok();
    assert_eq!(vector(&out, &place).len(), 16);

    // Vectors that were made before give the same model; too few of them are refused.
    let npy = place.name("targets.npy");
    run(&[
        "embed", "--model", &teacher, "--input", &corpus, "--out", &npy,
    ])
    .ok();
    let again = place.name("again");
    train(&again, &["--half", "--targets", &npy]).ok();
    assert_eq!(vector(&again, &place), vector(&out, &place));
    run(&["embed", "--model", &teacher, "--text", "one", "--out", &npy]).ok();
    let error = train(&place.name("third"), &["--targets", &npy]).error();
    assert!(
        error.contains("targets.npy: holds 1 vectors, but --corpus has 64"),
        "{error}"
    );
}

#[test]
fn a_run_that_is_killed_leaves_a_model_and_goes_on_to_the_same_one() {
    let place = Place::new();
    let (pairs, model) = (place.file("pairs.tsv", PAIRS), tiny());
    let arguments = |out: &str, more: &[&str]| -> Vec<String> {
        let fixed = [
            "train",
            "--model",
            &model,
            "--pairs",
            &pairs,
            "--out",
            out,
            "--steps",
            "300",
            "--checkpoint-every",
            "20",
            "--learning-rate",
            "1e-3",
        ];
        fixed.iter().chain(more).map(|&a| a.to_owned()).collect()
    };
    let run_with = |out: &str, more: &[&str]| {
        let arguments = arguments(out, more);
        run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let whole = place.name("whole");
    run_with(&whole, &[]).ok();

    let killed = place.name("killed");
    let given = arguments(&killed, &[]);
    let mut child = command(&given.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = place.path("killed/training/state.safetensors");
    let end = Instant::now() + Duration::from_secs(60);
    while !state.is_file() {
        assert!(Instant::now() < end, "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if state.is_file() {
        vector(&killed, &place);
        let error = run_with(&killed, &[]).error();
        assert!(
            error.contains("is not empty; name a new folder, or give --resume"),
            "{error}"
        );
        let error = run_with(&killed, &["--resume", "--seed", "9"]).error();
        assert!(error.contains("made with another `seed`"), "{error}");
        run_with(&killed, &["--resume"]).ok();
    }
    assert_eq!(losses(Path::new(&killed)), losses(Path::new(&whole)));
    let weights = |folder: &str| fs::read(Path::new(folder).join("model.safetensors")).unwrap();
    assert!(
        weights(&killed) == weights(&whole),
        "the same weights as without a stop"
    );
}

#[test]
fn texts_that_are_cut_are_told() {
    let place = Place::new();
    let long = "the cat sat ".repeat(40);
    let pairs = place.file("pairs.tsv", &format!("{long}\tone\nthe mat\ttwo\n"));
    let out = place.name("out");
    let arguments = [
        "train",
        "--model",
        &tiny(),
        "--pairs",
        &pairs,
        "--out",
        &out,
    ];
    let done = run(&[&arguments[..], &["--steps", "3"]].concat());
    let expected = "warning: 3 times a text was longer than the 12 tokens that the model reads";
    assert!(done.stderr.starts_with(expected), "{done:?}");
    done.ok();
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let place = Place::new();
    let out = place.name("out");
    let train =
        |more: &[&str]| run(&[&["train", "--model", &tiny(), "--out", &out], more].concat());
    let broken = place.file("broken.tsv", "a\tb\nno tab here\n");
    let error = train(&["--pairs", &broken]).error();
    assert!(error.contains("broken.tsv: line 2 has no tab"), "{error}");
    let error = train(&["--pairs", &place.name("none.tsv")]).error();
    assert!(error.contains("none.tsv: cannot be read"), "{error}");
    assert!(train(&[]).usage().contains("give --pairs"));
    let texts = place.file("texts.txt", "one\n");
    assert!(train(&["--corpus", &texts]).usage().contains("--teacher"));
    let pairs = place.file("pairs.tsv", PAIRS);
    for (option, value) in [
        ("--batch", "1"),
        ("--temperature", "0"),
        ("--learning-rate", "0"),
    ] {
        assert!(
            train(&["--pairs", &pairs, option, value])
                .usage()
                .contains(option)
        );
    }
    assert!(!Path::new(&out).exists(), "nothing was begun");
}
