//! The sentence vector cut to its first dimensions, from the Pooling panel into the score.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/panel.rs"]
mod panel_support;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use embedscope::analysis::pooling::{score, sentence};
use embedscope::analysis::similarity::truncation::curve;
use embedscope::analysis::vectors::to_f64;
use embedscope::app::command::Command;
use embedscope::model::HeadOptions;
use embedscope::views;
use panel_support::{Bench, builder, settle, show, tiny};

const TEXTS: [&str; 3] = ["the cat sat on the mat", "a dog bit the cat", "the mat"];

fn shown(id: &str) -> Harness<'static, Bench> {
    let bench = Bench::new(views::find(id).unwrap(), tiny(), &TEXTS);
    show(builder(700., 1200., true), bench)
}

fn says(harness: &Harness<'_, Bench>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// The cosine of A and B by the head itself.
fn cos(bench: &Bench, truncate_dim: Option<usize>) -> f64 {
    let options = HeadOptions {
        truncate_dim,
        ..bench.model.options()
    };
    let [a, b] = [0, 1].map(|i| bench.texts[i].trace.clone().unwrap());
    score(&bench.model.head, &a, &b, options).unwrap()
}

#[test]
fn the_curve_is_the_score_of_every_cut() {
    let bench = Bench::new(views::find("pooling").unwrap(), tiny(), &TEXTS);
    let options = bench.model.options();
    let [a, b] = [0, 1].map(|i| {
        let trace = bench.texts[i].trace.clone().unwrap();
        to_f64(&sentence(&bench.model.head, &trace, options).unwrap())
    });
    let curve = curve(&a, &b);
    assert_eq!(curve.len(), bench.model.sentence_size());
    for (kept, &found) in (1..).zip(&curve) {
        assert!((found - cos(&bench, Some(kept))).abs() < 1e-9, "{kept}");
    }
    assert!((curve.last().unwrap() - cos(&bench, None)).abs() < 1e-12);
}

#[test]
fn a_cut_is_chosen_in_the_panel_and_kept() {
    let mut harness = shown("pooling");
    let sliders = harness.query_all_by_role(egui::accesskit::Role::Slider);
    assert_eq!(sliders.count(), 1);
    harness.get_by_label("Cosine over the dimensions kept");
    let size = harness.state().model.sentence_size();
    assert_eq!(size, 32);
    assert!(says(&harness, "of the first 32 dimensions is"));
    assert!(says(&harness, "thin: 2 other pairs"));
    harness.get_by_label("Keep 8 dimensions").click();
    harness.run_steps(3);
    settle(&mut harness);
    let command = Command::SetTruncateDim(Some(8));
    assert!(harness.state().commands.contains(&command));
    assert_eq!(harness.state().state.truncate_dim, Some(8));
    let here = format!("{:.4}", cos(harness.state(), Some(8))).replace('-', "−");
    assert!(says(
        &harness,
        &format!("of the first 8 dimensions is {here}")
    ));
    harness.get_by_label("Keep 32 (own) dimensions").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.truncate_dim, None);
}

#[test]
fn the_score_follows_the_cut() {
    let mut harness = shown("score");
    harness.state_mut().state.truncate_dim = Some(8);
    settle(&mut harness);
    let here = format!("{:.4}", cos(harness.state(), Some(8))).replace('-', "−");
    let whole = format!("{:.4}", cos(harness.state(), None)).replace('-', "−");
    assert_ne!(here, whole);
    assert!(says(&harness, &here), "{here} is nowhere");
}

#[test]
fn the_diagnosis_follows_the_cut() {
    let mut harness = shown("diagnosis");
    let said = |harness: &Harness<'_, Bench>, kept| {
        says(
            harness,
            &format!("{:.4}", cos(harness.state(), kept)).replace('-', "−"),
        )
    };
    assert!(said(&harness, None));
    harness.state_mut().state.truncate_dim = Some(8);
    settle(&mut harness);
    assert!(said(&harness, Some(8)) && !said(&harness, None));
}

#[test]
fn it_says_how_many_of_the_pairs_are_drawn() {
    let texts: Vec<String> = (0..13).map(|n| format!("the cat sat {n} times")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (count, said) in [
        (12, "the first 59 of 65 other pairs"),
        (11, "thin: 54 other pairs"),
    ] {
        let bench = Bench::new(views::find("pooling").unwrap(), tiny(), &texts[..count]);
        let harness = show(builder(700., 1200., true), bench);
        assert!(says(&harness, said), "{said}");
    }
}
