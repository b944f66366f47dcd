//! `embedscope faithfulness`, and `why` on a background of one's own.

use serde_json::Value;

use crate::run::{command, finish, fixture, run};

#[test]
fn methods_are_held_against_each_other_in_a_table_and_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pairs.tsv");
    std::fs::write(
        &file,
        "the cat sat\tthe dog sat\n\na mat\tthe cat bit\nthe\tthe\n",
    )
    .unwrap();
    let (file, model) = (file.to_str().unwrap(), fixture("tiny/plain"));
    let arguments = ["faithfulness", "--model", &model, "--pairs", file];
    for removal in ["mask", "delete"] {
        let more = ["--json", "--removal", removal, "--limit", "2"];
        let document = run(&[&arguments[..], &more].concat()).json();
        assert_eq!(document["pairs"], 2);
        assert_eq!(document["removal"], removal);
        let methods = document["methods"].as_object().unwrap();
        assert_eq!(methods.len(), 8);
        let agreement = methods["loo"]["loo_correlation"]["mean"].as_f64().unwrap();
        assert!((agreement - 1.).abs() < 1e-9, "{agreement}");
        assert_eq!(methods["matching"]["won_against_matching"], 1.);
        for (name, method) in methods {
            assert!(method["deletion"]["mean"].is_number(), "{name}: {method}");
        }
    }
    let table = run(&[&arguments[..], &["--method", "pairs,random"]].concat()).ok();
    assert!(table.starts_with("3 pairs, "), "{table}");
    for word in [
        "\npairs ",
        "\nrandom ",
        "masked from attention",
        "is no explanation",
    ] {
        assert!(table.contains(word), "{word}: {table}");
    }
    assert!(!table.contains("\nshapley"), "{table}");
    run(&[&arguments[..], &["--method", "guess"]].concat()).usage();
    run(&[&arguments[..], &["--limit", "0"]].concat()).usage();
    let gone = [
        "faithfulness",
        "--model",
        &model,
        "--pairs",
        "/nonexistent.tsv",
    ];
    assert!(run(&gone).error().contains("/nonexistent.tsv"));
}

#[test]
fn a_background_of_ones_own_is_measured_kept_by_content_and_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, content: &[u8]| {
        std::fs::write(path(name), content).unwrap();
        path(name)
    };
    let model = fixture("tiny/plain");
    let why = |file: &str, more: &[&str]| {
        let texts = ["why", "--model", &model, "the cat sat", "a dog", "--json"];
        let arguments = [&texts[..], &["--background", file], more].concat();
        let mut command = command(&arguments);
        command.env("XDG_CACHE_HOME", folder.path());
        finish(command, b"")
    };
    let words = [
        "the cat",
        "a dog",
        "sat on",
        "the mat",
        "bit a",
        "unhappily",
    ];
    let lines = |end: &str| -> String {
        let line = |i: usize| format!("{} {} {i}{end}\n", words[i % 6], words[(i / 6) % 6]);
        (0..60).map(line).collect()
    };
    let good = write("good.txt", lines("").as_bytes());
    let percentile = |file: &str| {
        let document = why(file, &["--method", "common"]).json();
        let common = &document["methods"]["common"];
        assert!(common["residual"].as_f64().unwrap().abs() <= 1e-5);
        assert!(common["centred"].is_number());
        document["percentile"].as_f64().unwrap()
    };
    let first = percentile(&good);
    let kept = || {
        std::fs::read_dir(folder.path().join("embedscope/calibration"))
            .unwrap()
            .count()
    };
    assert_eq!(kept(), 1);
    // The same texts under another name are the same background; others are not.
    assert_eq!(percentile(&write("copy.txt", lines("").as_bytes())), first);
    assert_eq!(kept(), 1);
    percentile(&write("other.txt", lines(" mat").as_bytes()));
    assert_eq!(kept(), 2);
    let large = std::fs::File::create(path("large.txt")).unwrap();
    large.set_len(100_000_001).unwrap();
    for (file, problem) in [
        (write("empty.txt", b""), "is empty"),
        (write("few.txt", b"one\ntwo\n"), "2 different lines"),
        (
            write("binary.txt", b"\xff\xfe\x00"),
            "is not UTF-8 text (byte 1)",
        ),
        (write("nul.txt", b"a\0b"), "is no text"),
        (path("large.txt"), "is larger than 100 MB"),
        (path("gone.txt"), "cannot be read"),
        (folder.path().to_str().unwrap().to_owned(), "is no file"),
    ] {
        let error = why(&file, &[]).error();
        assert!(error.contains(&file) && error.contains(problem), "{error}");
    }
    assert_eq!(kept(), 2);
}

#[test]
fn patching_has_a_row_for_each_layer_and_both_directions() {
    let model = fixture("tiny/plain");
    let texts = [
        "why",
        "--model",
        &model,
        "the cat sat",
        "a dog",
        "--method",
        "patching",
    ];
    let document = run(&[&texts[..], &["--json"]].concat()).json();
    let found = &document["methods"]["patching"];
    let rows = found["matrix"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "two layers");
    assert_eq!(found["rows"][1], "L2");
    assert_eq!(found["columns"], document["a"]["pieces"]);
    let (a, b) = (
        rows[0].as_array().unwrap(),
        found["b"][0].as_array().unwrap(),
    );
    // [CLS] the cat sat [SEP] against [CLS] a dog [SEP]: the fifth has no counterpart.
    assert_eq!((a.len(), b.len()), (5, 4));
    assert!(a[4].is_null() && a[..4].iter().all(Value::is_number));
    assert!(b.iter().all(Value::is_number));
    assert_eq!(found["explains"], Value::Null);
    assert!(run(&texts).ok().contains("patching"));
}
