//! Edited texts through the bundled model, and the What-if panel by what a screen reader says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, OnceLock};

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::analysis::edits::rerun::{Subject, offer, rerun, search_edits};
use embedscope::analysis::edits::search::{Goal, Limits};
use embedscope::analysis::edits::{Draft, Edit, Kind, apply, propose};
use embedscope::analysis::job::Job;
use embedscope::analysis::vectors::{cosine, to_f64};
use embedscope::app::command::Command;
use embedscope::app::state::Side;
use embedscope::cancel::Cancel;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, HeadOptions, Model, ModelError, ModelRef, Part, Prompt};
use embedscope::trace::Trace;
use embedscope::trace::hook::NoHook;
use embedscope::views;

#[path = "support/panel.rs"]
mod panel_support;

use panel_support::{Bench, builder, fits, models, tiny, tiny_long};

const A: &str = "Book a cheap hotel near the station for 3 nights.";
const B: &str = "Reserve an inexpensive room close to the station for three nights";

/// The model inside the program: no download.
fn bundled() -> Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    let load = || Arc::new(models::load(&ModelRef::default(), &SourceOptions::default()).unwrap());
    MODEL.get_or_init(load).clone()
}

fn trace(model: &Model, text: &str, prompt: &Prompt) -> Trace {
    let cancel = Cancel::new();
    model.trace(text, prompt, Detail::Outline, &cancel).unwrap()
}

fn run<R>(of: impl FnOnce(&mut Job<'_>) -> Result<R, ModelError>) -> R {
    let (cancel, mut quiet) = (Cancel::new(), |_, _| {});
    of(&mut Job::new(&cancel, &mut quiet)).unwrap()
}

/// Encodes one text alone, without its hidden bytes.
fn alone(model: &Model, draft: &Draft, prompt: &Prompt) -> Vec<f64> {
    let prompt = draft.prompt.as_ref().unwrap_or(prompt);
    let tokens = model.tokens(&draft.text(), prompt).unwrap();
    let hidden = draft.hidden();
    let kept: Vec<usize> = (0..tokens.len())
        .filter(|&t| {
            let (start, end) = tokens.offsets[t];
            let from = |byte: usize| byte + tokens.prompt_bytes;
            let inside = |r: &std::ops::Range<usize>| from(r.start) < end && start < from(r.end);
            tokens.special[t] || !hidden.iter().any(inside)
        })
        .collect();
    let part = Part::of(&tokens, &kept).unwrap();
    let out = model.encoder.forward_parts(&[part], &mut NoHook).unwrap();
    let vector = model.head.sentence_of(part, &out, model.options()).unwrap();
    to_f64(&vector.to_vec1::<f32>().unwrap())
}

fn check(model: &Model, texts: [&str; 2], prompt: &Prompt, kinds: &[Kind]) -> usize {
    let [a, b] = texts.map(|text| trace(model, text, prompt));
    let subject = Subject {
        model,
        text: &a,
        other: &b,
        options: model.options(),
    };
    let edits = propose(texts[0], &offer(model, &a.tokens), kinds);
    let drafts: Vec<Draft> = edits
        .iter()
        .map(|e| apply(texts[0], &[e]).unwrap())
        .collect();
    let found = run(|job| rerun(subject, &drafts, job));
    assert_eq!(found.len(), edits.len());
    let unchanged = apply(texts[0], &[]).unwrap();
    let plain = run(|job| rerun(subject, std::slice::from_ref(&unchanged), job));
    let score = subject.score().unwrap();
    assert!((plain[0].cos - score).abs() < 1e-5 && plain[0].same);
    for ((edit, draft), found) in edits.iter().zip(&drafts).zip(&found) {
        let other = Draft {
            prompt: draft.prompt.clone(),
            ..apply(texts[1], &[]).unwrap()
        };
        let true_cos = cosine(&alone(model, draft, prompt), &alone(model, &other, prompt));
        let off = (found.cos - true_cos).abs();
        assert!(off < 1e-5, "{edit:?}: {} is off by {off}", found.cos);
        if found.same {
            assert!((found.cos - score).abs() < 1e-5, "{edit:?}");
        }
    }
    edits.len()
}

#[test]
fn each_edit_scores_as_its_text_does_alone() {
    let model = bundled();
    assert_eq!(model.tokenizer.mask().as_deref(), Some("[MASK]"));
    let kinds = Kind::PROPOSED;
    let texts = [
        [A, B],
        ["", B],
        ["cat", ""],
        ["👍🏽 ok", "猫が好き。"],
        ["مرحبا، يا عالم", B],
        ["  two   spaces  ", "query: it"],
    ];
    for texts in texts {
        check(&model, texts, &Prompt::Own, &kinds);
    }
    assert!(check(&model, [A, B], &Prompt::Own, &kinds) > 40);
    // Longer than the model reads: most of it is cut off.
    let long: Vec<String> = (0..500).map(|i| format!("word{i}")).collect();
    let long = long.join(" ");
    check(&model, [&long, B], &Prompt::Own, &[Kind::Case]);
    // A prompt that was typed by a person stays in front of the edited text.
    check(&model, [A, B], &Prompt::Text("query: ".into()), &kinds);
}

#[test]
fn a_models_prompts_are_tried_on_both_texts() {
    for name in ["prompt_excluded", "relu_dense", "saved_v6"] {
        let model = models::tiny(name);
        let prompts: Vec<Prompt> = [Prompt::None, Prompt::Own]
            .into_iter()
            .chain(model.prompts.named.keys().cloned().map(Prompt::Named))
            .collect();
        for prompt in &prompts {
            check(&model, ["the cat sat", "a dog"], prompt, &Kind::PROPOSED);
        }
        let count = check(&model, ["the cat", "a dog"], &Prompt::None, &[Kind::Prompt]);
        assert!(count > 0 || name == "saved_v6", "{name} has prompts");
    }
}

#[test]
fn what_the_search_finds_crosses_and_nothing_smaller_does() {
    let model = bundled();
    let [a, b] = [A, B].map(|text| trace(&model, text, &Prompt::Own));
    let subject = Subject {
        model: &model,
        text: &a,
        other: &b,
        options: HeadOptions::default(),
    };
    let edits = propose(A, &offer(&model, &a.tokens), &Kind::PROPOSED);
    let drafts: Vec<Draft> = edits.iter().map(|e| apply(A, &[e]).unwrap()).collect();
    let singles: Vec<f64> = run(|job| rerun(subject, &drafts, job))
        .iter()
        .map(|run| run.cos)
        .collect();
    let score = subject.score().unwrap();
    let least = singles.iter().copied().fold(f64::INFINITY, f64::min);
    let search = |goal, limits| run(|job| search_edits(subject, &edits, goal, limits, job));
    let limits = Limits::default();

    let one = search(Goal::Below(0.5 * (score + least)), limits);
    let found = one.found.unwrap();
    assert_eq!(found.edits.len(), 1);
    assert!(found.score < 0.5 * (score + least) && one.singles);
    assert!((found.score - singles[found.edits[0]]).abs() < 1e-5);

    // A little beyond the best single edit.
    let goal = Goal::Below(least - 0.01);
    let two = search(goal, limits);
    let found = two.found.expect("two edits go further than one");
    assert_eq!(found.edits.len(), 2);
    assert!(two.singles && singles.iter().all(|&cos| !goal.is_met(cos)));
    let set: Vec<&Edit> = found.edits.iter().map(|&e| &edits[e]).collect();
    let draft = apply(A, &set).unwrap();
    let other = apply(B, &[]).unwrap();
    let [x, y] = [&draft, &other].map(|draft| alone(&model, draft, &Prompt::Own));
    let other = match &draft.prompt {
        Some(_) => panic!("the bundled model has no prompts"),
        None => y,
    };
    let again = cosine(&x, &other);
    assert!((again - found.score).abs() < 1e-5 && goal.is_met(again));

    let none = search(
        Goal::Above(0.99999),
        Limits {
            runs: 150,
            ..limits
        },
    );
    assert!(none.found.is_none() && none.runs <= 150);
    assert!(none.nearest.unwrap().score >= singles.iter().copied().fold(f64::MIN, f64::max) - 1e-5);
}

#[test]
fn a_run_that_is_stopped_stops() {
    let model = bundled();
    let [a, b] = [A, B].map(|text| trace(&model, text, &Prompt::Own));
    let (cancel, mut quiet) = (Cancel::new(), |_, _| {});
    cancel.cancel();
    let subject = Subject {
        model: &model,
        text: &a,
        other: &b,
        options: model.options(),
    };
    let drafts = vec![apply(A, &[]).unwrap(); 3];
    let ended = rerun(subject, &drafts, &mut Job::new(&cancel, &mut quiet));
    assert!(matches!(ended, Err(ModelError::Stopped)));
}

fn open(model: Arc<Model>, texts: &[&str], width: f32, dark: bool) -> Harness<'static, Bench> {
    let bench = Bench::new(views::find("what_if").unwrap(), model, texts);
    let mut harness = panel_support::show(builder(width, 2000., dark), bench);
    settle(&mut harness);
    harness
}

fn settle(harness: &mut Harness<'_, Bench>) {
    for _ in 0..3 {
        panel_support::settle(harness);
    }
}

/// As the window does it: the panel's wish on the text, then a new trace of it.
fn retrace(harness: &mut Harness<'_, Bench>) {
    harness.state_mut().trace();
    settle(harness);
}

fn text(harness: &Harness<'_, Bench>, index: usize) -> String {
    harness.state().state.texts[index].text.clone()
}

#[test]
fn rows_are_run_used_and_taken_back() {
    for (width, dark) in [(300., true), (900., false)] {
        let mut harness = open(
            tiny(),
            &["the cat bit the dog", "the dog bit the cat"],
            width,
            dark,
        );
        let row = "swap “cat” and “dog”, cos 1.0000";
        harness.get_by_label_contains(row);
        let table = |harness: &Harness<'_, Bench>| {
            harness
                .get_by_label("Edits by what they change")
                .rect()
                .top()
        };
        let before = table(&harness);
        harness.get_by_label("Use: swap “cat” and “dog”").click();
        harness.step();
        assert_eq!(text(&harness, 0), "the dog bit the cat");
        retrace(&mut harness);
        assert_eq!(table(&harness), before, "the table stays where it is");
        assert!(
            harness.query_by_label_contains(row).is_none(),
            "it is of another text"
        );
        harness.get_by_label_contains("swap “dog” and “cat”, cos");
        harness.get_by_label("Back to the original").click();
        harness.step();
        assert_eq!(text(&harness, 0), "the cat bit the dog");
        retrace(&mut harness);
        harness.get_by_label_contains(row);
        assert!(harness.query_by_label("Back to the original").is_none());
        fits(&harness, width, "the bench");
    }
}

#[test]
fn the_other_text_is_edited_and_kinds_are_switched_off() {
    let mut harness = open(tiny(), &["the cat", "a dog sat"], 600., true);
    assert!(harness.query_by_label_contains("delete “dog”").is_none());
    harness.get_by_label("Edit text B").click();
    settle(&mut harness);
    assert_eq!(harness.state().state.side, Side::B);
    harness.get_by_label_contains("delete “dog”, cos");
    harness.get_by_label("Delete").click();
    settle(&mut harness);
    assert!(
        harness
            .query_by_label_contains("delete “dog”, cos")
            .is_none()
    );
    harness.get_by_label_contains("upper case, cos");
    let tsv = harness.state().tsv().unwrap();
    assert!(
        !tsv.contains("\tdelete\t") && tsv.contains("\tcase\tA DOG SAT\t"),
        "{tsv}"
    );
    // What is hidden cannot be typed.
    let hidden = harness.get_by_label("Use: hide “dog”");
    assert!(hidden.accesskit_node().is_disabled());
}

#[test]
fn own_words_are_run_and_stay_only_with_their_text() {
    let mut harness = open(tiny(), &["the cat sat", "a dog"], 600., true);
    let field = harness.get_by_label("What if it said");
    field.focus();
    field.type_text(" unhappily");
    harness.step();
    harness.get_by_label("Run").click();
    settle(&mut harness);
    let own = harness.get_by_label_contains("own words, cos").rect();
    let rows = harness
        .get_all_by_label_contains(", cos ")
        .map(|row| row.rect());
    assert!(
        rows.map(|row| row.top()).fold(f32::MAX, f32::min) >= own.top(),
        "what somebody waits for comes first"
    );
    Arc::make_mut(&mut harness.state_mut().state.texts[0]).text = "the dog".to_owned();
    retrace(&mut harness);
    assert!(harness.query_by_label_contains("own words, cos").is_none());
}

#[test]
fn stale_rows_cannot_be_used() {
    let mut harness = open(tiny(), &["the cat sat", "a dog"], 600., true);
    harness.state_mut().texts[0].current = false;
    harness.step();
    let button = harness.get_by_label("Use: delete “cat”");
    assert!(button.accesskit_node().is_disabled());
    assert_eq!(harness.state().tsv(), None);
    let before = harness.state().commands.len();
    button.click();
    harness.step();
    assert_eq!(harness.state().commands.len(), before);
}

#[test]
fn many_edits_of_a_long_text_wait_to_be_asked_for() {
    let long = "the cat sat ".repeat(40);
    let mut harness = open(tiny_long(160), &[&long, "a dog"], 600., true);
    assert!(
        harness
            .query_by_label_contains("delete “cat”, cos")
            .is_none()
    );
    harness.get_by_label("Nothing was run yet.");
    harness.get_by_label("Run 442 edits").click();
    settle(&mut harness);
    assert!(
        harness
            .query_all_by_label_contains("delete “cat”, cos")
            .count()
            > 0
    );
    // Rows of the old text go with it, and nothing runs again unasked.
    let longer = format!("{long} the dog");
    Arc::make_mut(&mut harness.state_mut().state.texts[0]).text = longer;
    retrace(&mut harness);
    assert!(
        harness
            .query_by_label_contains("delete “cat”, cos")
            .is_none()
    );
}

#[test]
fn the_search_says_what_it_found_and_how_sure_it_is() {
    let mut harness = open(tiny(), &["the cat sat", "the cat sat"], 600., true);
    harness.get_by_label("Search").click();
    settle(&mut harness);
    harness.get_by_label_contains("every single edit was tried");
    let says = |label: &str| harness.query_by_label_contains(label).is_some();
    assert!(says("1 edit: ") || says("edits: ") || says("None found within"));
}

#[test]
fn one_text_alone_says_what_to_do() {
    let harness = open(tiny(), &["the cat"], 300., false);
    // There is no other one that could be made B.
    harness.get_by_label("A and B are the same text. Add another one on the left to compare.");
    let commands: &Vec<Command> = &harness.state().commands;
    assert!(commands.is_empty());
}
