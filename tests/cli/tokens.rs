use crate::run::{fixture, run};

#[test]
fn offsets_point_into_the_text_that_is_printed_with_them() {
    let model = fixture("tiny/plain");
    let text = "The cat sat unhappily";
    let tokens = run(&["tokens", "--model", &model, "--text", text, "--json"]).json();
    let pieces: Vec<&str> = tokens["pieces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap())
        .collect();
    assert_eq!(
        pieces,
        [
            "[CLS]", "the", "cat", "sat", "un", "##ha", "##pp", "##ily", "[SEP]"
        ]
    );
    assert_eq!(tokens["limit"], 12);
    assert_eq!(tokens["dropped"], 0);
    let whole = tokens["text"].as_str().unwrap();
    for (t, piece) in pieces.iter().enumerate() {
        let end = |side: usize| tokens["offsets"][t][side].as_u64().unwrap() as usize;
        let special = tokens["special"][t].as_bool().unwrap();
        let spelled = whole[end(0)..end(1)].to_lowercase();
        match special {
            true => assert_eq!(spelled, ""),
            false => assert_eq!(spelled, piece.trim_start_matches("##")),
        }
    }
    assert_eq!(tokens["ids"].as_array().unwrap().len(), pieces.len());
}

#[test]
fn what_is_cut_off_is_said_in_both_places() {
    let model = fixture("tiny/plain");
    let text = "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats!";
    let done = run(&["tokens", "--model", &model, "--text", text]);
    assert!(done.stderr.starts_with("warning: "), "{done:?}");
    assert!(done.stderr.contains("14 tokens"), "{done:?}");
    assert!(
        done.stdout.contains("12 of at most 12 tokens, 14 cut off"),
        "{done:?}"
    );
}

#[test]
fn prompts_stand_in_front_unless_they_are_turned_off() {
    let model = fixture("tiny/relu_dense");
    let text = |more: &[&str]| {
        let given = ["tokens", "--json", "--model", &model, "--text", "dogs"];
        let tokens = run(&[&given, more].concat()).json();
        tokens["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(text(&[]), "query: dogs", "the model's default prompt");
    assert_eq!(text(&["--prompt", ""]), "dogs");
    assert_eq!(text(&["--prompt", "- "]), "- dogs");
    let missing = [
        "tokens",
        "--model",
        &model,
        "--text",
        "a",
        "--prompt-name",
        "nope",
    ];
    let error = run(&missing).error();
    assert!(
        error.contains("`nope`") && error.contains("query"),
        "{error}"
    );
    let both = run(&[&missing[..], &["--prompt", "x"]].concat());
    both.usage();
}

#[test]
fn another_device_falls_back_with_one_warning() {
    let model = fixture("tiny/plain");
    let args = ["tokens", "--model", &model, "--text", "a", "--json"];
    let plain = run(&args).ok();
    for (name, built) in [
        ("cuda", cfg!(feature = "cuda")),
        ("metal", cfg!(feature = "metal")),
    ] {
        let done = run(&[&args[..], &["--device", name]].concat());
        // On a machine that has one it is used.
        if built && done.stderr.is_empty() {
            continue;
        }
        assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
        let says = format!("warning: device `{name}`: ");
        assert!(done.stderr.starts_with(&says), "{done:?}");
        assert!(done.stderr.ends_with("; going on with cpu\n"), "{done:?}");
        assert_eq!(done.ok(), plain);
    }
}
