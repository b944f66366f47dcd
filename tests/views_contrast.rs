//! The Score panel's verdict, its contrast with a third text, and a pair taken apart, on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::analysis::background;
use embedscope::analysis::pooling::{score, sentence};
use embedscope::analysis::similarity::one_pair::OnePair;
use embedscope::analysis::vectors::{cosine, dot, norm, to_f64};
use embedscope::app::command::{self, Command};
use embedscope::app::state::{Focus, ScoreMethod};
use embedscope::cancel::Cancel;
use embedscope::model::{Model, Prompt};
use embedscope::views;
use embedscope::widgets::number;

#[path = "support/panel.rs"]
mod panel_support;

use panel_support::{Bench, builder, fits, show, tiny, tiny_long};

const THREE: [&str; 3] = ["The cat sat", "The dog bit the cat", "1234 cats!"];

fn bench(method: ScoreMethod, texts: &[&str]) -> Bench {
    let mut bench = Bench::new(views::find("score").unwrap(), tiny(), texts);
    bench.state.score_method = method;
    bench
}

fn open(method: ScoreMethod, texts: &[&str]) -> Harness<'static, Bench> {
    let mut harness = show(builder(1000., 2400., true), bench(method, texts));
    settle(&mut harness);
    harness
}

fn settle(harness: &mut Harness<'_, Bench>) {
    for _ in 0..3 {
        panel_support::settle(harness);
    }
}

fn four(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}

fn vectors(model: &Model, texts: &[&str]) -> Vec<Vec<f64>> {
    let tokens: Vec<_> = texts
        .iter()
        .map(|text| model.tokens(text, &Prompt::Own).unwrap())
        .collect();
    let cancel = Cancel::new();
    let found = model.embed(&tokens, model.options(), 64, &cancel, &mut |_| ());
    found.unwrap().iter().map(|v| to_f64(v)).collect()
}

#[test]
fn the_verdict_stands_on_the_models_own_scale() {
    let (a, b) = ("The cat sat", "The dog bit the cat");
    let mut harness = open(ScoreMethod::Pairs, &[a, b]);
    assert!(
        harness
            .query_by_label_contains("of unrelated pairs")
            .is_none()
    );
    harness.get_by_label_contains("How high is");
    harness.get_by_label("Calibrate").click();
    settle(&mut harness);
    assert!(harness.query_by_label("Calibrate").is_none());

    let model = harness.state().model.clone();
    let own = vectors(&model, &[a, b]);
    let cos = cosine(&own[0], &own[1]);
    let unrelated = background::Background::own();
    let texts: Vec<&str> = unrelated.texts().iter().map(String::as_str).collect();
    let all = vectors(&model, &texts);
    let (mut below, mut pairs) = (0, 0);
    for (i, a) in all.iter().enumerate() {
        for b in &all[i + 1..] {
            pairs += 1;
            below += usize::from(cosine(a, b) < cos);
        }
    }
    let truth = 100. * below as f64 / pairs as f64;
    let said = harness.get_by_label_contains("of unrelated pairs");
    let said = said.accesskit_node();
    let said = said.label().or_else(|| said.value()).unwrap();
    let figure = said
        .split(['%', ' '])
        .find_map(|word| word.parse::<f64>().ok());
    // The panel looks at 50,000 of these pairs.
    assert!((figure.unwrap() - truth).abs() < 1.5, "{said}: {truth}");

    let mut mean = vec![0.; own[0].len()];
    for vector in &all {
        mean.iter_mut()
            .zip(vector)
            .for_each(|(m, x)| *m += x / all.len() as f64);
    }
    let common = dot(&mean, &mean) / (norm(&own[0]) * norm(&own[1])) / cos;
    harness.get_by_label(&format!("{:.0}% of it any pair would get;", 100. * common));
}

#[test]
fn word_order_is_what_the_model_run_again_says() {
    let (a, b) = ("The cat bit the dog", "The dog bit the cat");
    let harness = open(ScoreMethod::Pairs, &[a, b]);
    let own = vectors(&harness.state().model, &[a, b]);
    let change = cosine(&own[0], &own[1]) - 1.;
    harness.get_by_label(&format!("word order contributes {}.", four(change)));
    harness.get_by_label_contains("Token by token their contextual vectors have a mean cosine");
    let harness = open(ScoreMethod::Pairs, &["cats", "dogs"]);
    harness.get_by_label("B has no word order to change.");
}

#[test]
fn a_third_text_is_chosen_and_the_verdict_says_which_is_closer() {
    let mut harness = open(ScoreMethod::Pairs, &THREE);
    assert!(harness.query_by_label_contains("A is closer to").is_none());
    harness.get_by_label("Against: none").click();
    settle(&mut harness);
    harness.get_by_label_contains("3  1234 cats!").click();
    settle(&mut harness);
    let third = harness.state().state.texts[2].id;
    assert!(
        harness
            .state()
            .commands
            .contains(&Command::Against(Some(third)))
    );
    let own = vectors(&harness.state().model, &THREE);
    let difference = cosine(&own[0], &own[1]) - cosine(&own[0], &own[2]);
    let (nearer, other) = if difference >= 0. {
        ("B", "C")
    } else {
        ("C", "B")
    };
    let said = format!(
        "A is closer to {nearer} than to {other} by {}",
        four(difference.abs())
    );
    harness.get_by_label(&said);
    harness.get_by_label("Show why").click();
    settle(&mut harness);
    assert_eq!(harness.state().state.score_method, ScoreMethod::Contrast);
    for table in [
        "Words of A by what they add to the difference",
        "Words of B by what they add to the difference",
        "Words of C by what they add to the difference",
        "Dimensions by what they add to the difference",
        "Heads and feed-forwards by what they add to the difference",
        "Difference after each layer",
    ] {
        harness.get_by_label(table);
    }
    harness.get_by_label_contains("agrees with the bars'");
    let tsv = harness.state().tsv().unwrap();
    let sum = |letter: &str| -> f64 {
        let lines = tsv.lines().filter(|line| line.starts_with(letter));
        lines
            .map(|line| line.rsplit('\t').next().unwrap().parse::<f64>().unwrap())
            .sum()
    };
    assert!((sum("A:") - difference).abs() < 1e-5, "{tsv}");
    assert!((sum("B:") + sum("C:") - difference).abs() < 1e-5, "{tsv}");
}

#[test]
fn a_text_can_be_typed_as_the_third() {
    let mut harness = open(ScoreMethod::Contrast, &THREE[..2]);
    harness.get_by_label_contains("Choose a third text");
    harness.get_by_label("Against: none").click();
    settle(&mut harness);
    harness.get_by_label("Type another text…").click();
    settle(&mut harness);
    harness.get_by_label("Text C").focus();
    harness.get_by_label("Text C").type_text("dogs");
    settle(&mut harness);
    harness.get_by_label("Use as C").click();
    settle(&mut harness);
    harness.state_mut().trace();
    settle(&mut harness);
    assert_eq!(harness.state().state.texts[2].text, "dogs");
    harness.get_by_label_contains("A is closer to");
    harness.get_by_label("Words of C by what they add to the difference");
}

#[test]
fn the_contrast_fits_any_width_and_waits_for_a_person_where_texts_are_long() {
    for (width, dark) in [(320., true), (520., false), (1000., true)] {
        let mut bench = bench(ScoreMethod::Contrast, &THREE);
        bench.state.against = Some(bench.state.texts[2].id);
        let mut harness = show(builder(width, 2400., dark), bench);
        settle(&mut harness);
        harness.get_by_label("Difference after each layer");
        fits(&harness, width, "the panel");
    }
    let long = "the cat sat on a mat ".repeat(20);
    let panel = views::find("score").unwrap();
    let mut bench = Bench::new(panel, tiny_long(512), &[&long, "the dog", "dogs"]);
    bench.state.score_method = ScoreMethod::Contrast;
    bench.state.against = Some(bench.state.texts[2].id);
    let mut harness = show(builder(320., 2400., true), bench);
    settle(&mut harness);
    harness.get_by_label("Compute leave-one-out").click();
    settle(&mut harness);
    harness.get_by_label_contains("agrees with the bars'");
    fits(&harness, 320., "the panel");
}

#[test]
fn swapping_b_and_c_turns_the_bars_round() {
    let words = |texts: &[&str]| {
        let mut bench = bench(ScoreMethod::Contrast, texts);
        bench.state.against = Some(bench.state.texts[2].id);
        let mut harness = show(builder(1000., 2400., true), bench);
        settle(&mut harness);
        let tsv = harness.state().tsv().unwrap();
        let of_a = tsv.lines().filter(|line| line.starts_with("A:"));
        of_a.map(|line| line.rsplit('\t').next().unwrap().parse::<f64>().unwrap())
            .collect::<Vec<_>>()
    };
    let there = words(&THREE);
    let back = words(&[THREE[0], THREE[2], THREE[1]]);
    assert!(there.iter().zip(&back).all(|(x, y)| (x + y).abs() < 1e-9));
}

#[test]
fn an_old_contrast_is_dimmed_and_never_the_new_ones() {
    let mut bench = bench(ScoreMethod::Contrast, &THREE);
    bench.state.against = Some(bench.state.texts[2].id);
    let mut harness = show(builder(1000., 2400., true), bench);
    settle(&mut harness);
    let before = harness.state().tsv();
    let third = harness.state().state.texts[2].id;
    let state = harness.state_mut();
    command::apply(&mut state.state, Command::EditText(third, "mat".to_owned()));
    state.trace();
    settle(&mut harness);
    assert_ne!(harness.state().tsv(), before);
    command::apply(&mut harness.state_mut().state, Command::RemoveText(third));
    harness.state_mut().trace();
    settle(&mut harness);
    assert_eq!(harness.state().tsv(), None);
    harness.get_by_label_contains("Choose a third text");
}

#[test]
fn a_pair_opens_into_dimensions_heads_and_layers_and_closes() {
    let mut harness = open(ScoreMethod::Pairs, &["The cat sat", "The dog bit the cat"]);
    assert!(
        harness
            .query_by_label("Dimensions behind the pair")
            .is_none()
    );
    let ids = (
        harness.state().state.a.unwrap(),
        harness.state().state.b.unwrap(),
    );
    let focus = Focus {
        across: Some((ids.1, 5)),
        ..Focus::token(ids.0, 2)
    };
    command::apply(&mut harness.state_mut().state, Command::Lock(focus));
    settle(&mut harness);
    harness.get_by_label("cat ↔ cat");
    let bench = harness.state();
    let trace = |i: usize| bench.texts[i].trace.clone().unwrap();
    let (a, b, options) = (trace(0), trace(1), bench.model.options());
    let cell = (2..3, 5..6);
    let cancel = Cancel::new();
    let pair = OnePair::new(&bench.model, (&a, &b), options, &cell, &cancel).unwrap();
    let cos = score(&bench.model.head, &a, &b, options).unwrap();
    let own = to_f64(&sentence(&bench.model.head, &a, options).unwrap());
    assert!(norm(&own) > 0.);
    let said = format!(
        "the two add {} to the cosine of {}",
        number(pair.value()),
        four(cos)
    );
    harness.get_by_label_contains(&said);
    let (_, top) = pair.dimensions.top(1)[0];
    harness
        .get_by_label_contains(&format!("dimension {top},"))
        .click();
    settle(&mut harness);
    assert_eq!(harness.state().state.locked.dimension, Some(top));
    harness.get_by_label("Heads and feed-forwards behind the pair");
    harness.get_by_label("Cosine of the two after each layer");
    harness.get_by_label("Close pair").click();
    settle(&mut harness);
    assert!(
        harness
            .query_by_label("Dimensions behind the pair")
            .is_none()
    );
    assert!(harness.state().state.locked.is_empty());
}

#[test]
fn a_pair_is_reached_with_the_keys_and_words_add_their_pieces() {
    let texts = ["The cat sat unhappily", "unhappily"];
    let mut harness = open(ScoreMethod::Pairs, &texts);
    harness.get_by_label("Token pairs of A and B").focus();
    settle(&mut harness);
    harness.key_press(egui::Key::ArrowDown);
    settle(&mut harness);
    harness.get_by_label("Close pair");
    harness.get_by_label("words").click();
    let ids = (
        harness.state().state.a.unwrap(),
        harness.state().state.b.unwrap(),
    );
    let focus = Focus {
        across: Some((ids.1, 1)),
        ..Focus::token(ids.0, 4)
    };
    command::apply(&mut harness.state_mut().state, Command::Lock(focus));
    settle(&mut harness);
    let bench = harness.state();
    let trace = |i: usize| bench.texts[i].trace.clone().unwrap();
    let (a, b) = (trace(0), trace(1));
    let cell = (4..a.tokens.len() - 1, 1..b.tokens.len() - 1);
    let (options, cancel) = (bench.model.options(), Cancel::new());
    let pair = OnePair::new(&bench.model, (&a, &b), options, &cell, &cancel).unwrap();
    harness.get_by_label_contains(&format!("the two add {}", number(pair.value())));
}

#[test]
fn layers_stand_beside_unrelated_texts_under_each_pooling() {
    let mut harness = open(ScoreMethod::Layers, &["The cat sat", "The dog bit the cat"]);
    assert!(harness.query_by_label_contains("Shaded").is_none());
    harness.get_by_label("Measure unrelated texts").click();
    settle(&mut harness);
    let count = background::Background::own().texts().len();
    harness.get_by_label_contains(&format!("pairs of {count} unrelated texts lie under mean"));
    let before = harness.state().tsv().unwrap();
    harness.get_by_label("CLS").click();
    settle(&mut harness);
    harness.get_by_label_contains("lie under CLS pooling");
    assert_ne!(harness.state().tsv().unwrap(), before);
    assert_eq!(
        harness.state().state.pooling,
        None,
        "the score stays as it is"
    );
    harness.get_by_label_contains("unrelated 1.000");
}

#[test]
fn input_tokens_of_long_texts_wait_for_a_person() {
    let long = "the cat sat on a mat ".repeat(12);
    let panel = views::find("score").unwrap();
    let mut bench = Bench::new(panel, tiny_long(512), &[&long, "the dog"]);
    bench.state.score_method = ScoreMethod::Input;
    let mut harness = show(builder(1000., 1600., true), bench);
    settle(&mut harness);
    assert!(harness.query_by_label("Input tokens of A and B").is_none());
    harness.get_by_label("Compute Input tokens").click();
    settle(&mut harness);
    harness.get_by_label("Input tokens of A and B");
}

#[test]
fn texts_that_nothing_changes_are_not_ranked() {
    let harness = open(ScoreMethod::Pairs, &["The cat sat", "The cat sat"]);
    let quiet = harness.query_by_label_contains("too little to rank");
    let ranked = harness.query_by_label_contains("Agreement with leave-one-out");
    assert!(quiet.is_some() != ranked.is_some());
}

#[test]
fn of_many_texts_a_few_are_offered_and_the_list_has_the_rest() {
    let many: Vec<String> = (0..20).map(|i| format!("the cat {i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut harness = open(ScoreMethod::Contrast, &many);
    settle(&mut harness);
    harness.get_by_label("14  the cat 13");
    assert!(harness.query_by_label("15  the cat 14").is_none());
    harness.get_by_label_contains("above has 6 more");
}
