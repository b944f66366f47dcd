use crate::run::{fixture, run};

fn whatif(model: &str, more: &[&str]) -> crate::run::Outcome {
    let model = fixture(&format!("tiny/{model}"));
    let start = [
        "whatif",
        "--model",
        &model,
        "the cat bit the dog",
        "the dog bit the cat",
    ];
    run(&[&start[..], more].concat())
}

#[test]
fn edits_are_listed_with_their_cosines() {
    let table = whatif("plain", &[]).ok();
    assert!(table.contains("swap “cat” and “dog”"), "{table}");
    let found = whatif(
        "plain",
        &["--json", "--kinds", "swap,delete", "--edit", "b"],
    )
    .json();
    assert_eq!(found["edited"], "b");
    let cos = found["cos"].as_f64().unwrap();
    let edits = found["edits"].as_array().unwrap();
    assert!(edits.len() > 5);
    for edit in edits {
        let off = edit["cos"].as_f64().unwrap() - cos - edit["change"].as_f64().unwrap();
        assert!(off.abs() < 1e-12);
        assert!(["swap", "delete"].contains(&edit["kind"].as_str().unwrap()));
    }
    let swapped = edits.iter().find(|e| e["text"] == "the cat bit the dog");
    assert!((swapped.unwrap()["cos"].as_f64().unwrap() - 1.).abs() < 1e-5);
    let said = whatif("plain", &["--json", "--kinds", "number", "--say", "a dog"]).json();
    assert_eq!(said["edits"][0]["text"], "a dog");
}

#[test]
fn a_search_crosses_its_threshold_or_says_that_it_did_not() {
    let found = whatif("plain", &["--json", "--above", "0.99999"]).json();
    let search = &found["search"];
    assert_eq!(search["every_single_edit_tried"], true);
    assert!(
        search["found"]["cos"].as_f64().unwrap() > 0.99999,
        "{search}"
    );
    let none = whatif("plain", &["--json", "--below", "-1", "--runs", "40"]).json();
    assert!(none["search"]["found"].is_null());
    assert!(none["search"]["runs"].as_u64().unwrap() <= 40);
    let text = whatif("plain", &["--below", "-1", "--runs", "40"]).ok();
    assert!(text.contains("none found below -1 within"), "{text}");
}

#[test]
fn nonsense_is_refused_in_one_line() {
    let kinds = whatif("plain", &["--kinds", "delete,rhyme"]).usage();
    assert!(kinds.contains("no kind of edit `rhyme`"), "{kinds}");
    whatif("plain", &["--above", "0.5", "--below", "0.4"]).usage();
    whatif("plain", &["--above", "NaN"]).usage();
    let there = whatif("plain", &["--below", "1.5"]).error();
    assert!(there.contains("already below 1.5"), "{there}");
}
