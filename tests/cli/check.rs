use std::path::Path;

use crate::run::{Copy, fixture, run};

#[test]
fn every_tiny_model_agrees_with_what_was_recorded() {
    let mut seen = 0;
    for entry in std::fs::read_dir(fixture("tiny")).unwrap() {
        let folder = entry.unwrap().path().display().to_string();
        let table = run(&["check", "--model", &folder]).ok();
        assert!(table.contains("recorded values"), "{table}");
        assert!(
            table.ends_with("PASS\n") && !table.contains("FAIL"),
            "{table}"
        );
        let silu = folder.ends_with("prompt_excluded");
        assert_eq!(table.contains("cannot run this model"), silu, "{table}");
        seen += 1;
    }
    assert!(seen >= 7);
}

#[test]
fn one_changed_weight_shows_from_its_own_layer_on() {
    let model = Copy::of("tiny/plain");
    model.tensor(
        "encoder.layer.1.attention.self.value.weight",
        |_, values| {
            values[3] += 0.01;
        },
    );
    let done = run(&["check", "--model", model.folder()]);
    let failing = |site: &str| {
        let mut lines = done.stdout.lines();
        let row = lines.find(|line| line.split_whitespace().next() == Some(site));
        row.expect(site).ends_with("FAIL")
    };
    assert!(!failing("layer.1.q") && !failing("layer.0.v") && !failing("layer.1.pattern"));
    assert!(failing("layer.1.v") && failing("layer.1.head_out") && failing("sentence"));
    assert!(!done.stdout.contains("PASS"), "{done:?}");
    let error = done.error();
    assert!(error.contains("sites differ"), "{error}");
}

#[test]
fn values_of_another_model_are_not_compared() {
    let (model, other) = (fixture("tiny/plain"), fixture("tiny/concat"));
    let said = run(&["check", "--model", &model, "--fixtures", &other]).ok();
    assert!(
        said.contains("another model") && said.contains("32") && said.contains("24"),
        "{said}"
    );
    assert!(
        said.contains("candle-transformers on the same weights"),
        "{said}"
    );
    let real = fixture("minilm");
    let said = run(&["check", "--model", &model, "--fixtures", &real]).ok();
    assert!(
        said.contains("another model") && said.contains("sha256"),
        "{said}"
    );
    let nothing = run(&["check", "--model", &model, "--fixtures", "/nonexistent"]).error();
    assert!(nothing.contains("/nonexistent"), "{nothing}");
}

#[test]
fn any_family_is_held_against_its_own_other_paths() {
    for family in [
        "families/deberta_v2_conv",
        "families/jina_v2_qk",
        "families/t5",
    ] {
        let model = Copy::of(family);
        std::fs::remove_dir_all(Path::new(model.folder()).join("expected")).unwrap();
        let table = run(&["check", "--model", model.folder()]).ok();
        assert!(table.contains("is not asked about family"), "{table}");
        assert!(table.contains("the path with gradients"), "{table}");
        assert!(table.contains("one by one"), "{table}");
        assert!(
            table.contains("nothing independent") && !table.contains("FAIL"),
            "{table}"
        );
        let rows = table.lines().filter(|line| line.ends_with("ok")).count();
        assert_eq!(rows, 8, "{table}");
    }
}
