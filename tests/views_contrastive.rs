//! The Contrastive training panel on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::analysis::contrastive::InfoNce;
use embedscope::analysis::pooling::sentence;
use embedscope::analysis::vectors::to_f64;
use embedscope::app::command::Command;
use embedscope::app::samples::CONTRASTIVE_PAIRS;
use embedscope::app::state::Focus;
use embedscope::trace::PoolingMode;
use embedscope::views;

#[path = "support/panel.rs"]
mod panel_support;

use panel_support::{Bench, builder, models, show, tiny};

const SIX: [&str; 6] = [
    "The cat sat",
    "The dog bit the cat",
    "unhappily",
    "the mat",
    "1234 cats!",
    "dogs",
];

fn bench(texts: &[&str]) -> Bench {
    Bench::new(views::find("contrastive").unwrap(), tiny(), texts)
}

fn open(texts: &[&str]) -> Harness<'static, Bench> {
    show(builder(1000., 900., true), bench(texts))
}

/// Until what a command changed is derived anew.
fn settle(harness: &mut Harness<'_, Bench>) {
    panel_support::settle(harness);
    panel_support::settle(harness);
}

fn click(harness: &mut Harness<'_, Bench>, label: &str) {
    harness.get_by_label(label).click();
    settle(harness);
}

/// The loss that the panel puts on the clipboard.
fn loss(harness: &Harness<'_, Bench>) -> f64 {
    let tsv = harness.state().tsv().unwrap();
    let line = tsv.lines().find(|line| line.starts_with("loss\t")).unwrap();
    line.split('\t').nth(1).unwrap().parse().unwrap()
}

/// What is written on the panel.
fn said(harness: &Harness<'_, Bench>) -> String {
    let labels = harness.root().children_recursive();
    let mut labels = labels.filter_map(|node| node.accesskit_node().value());
    let figure = |label: &String| {
        let rest = label.strip_prefix("Loss ");
        rest.is_some_and(|rest| rest.parse::<f64>().is_ok())
    };
    labels.find(figure).expect("a loss")
}

#[test]
fn the_loss_is_that_of_the_sentences_vectors() {
    let mut harness = open(&SIX);
    for symmetric in [false, true] {
        let bench = harness.state();
        let vector = |index: usize| {
            let trace = bench.texts[index].trace.as_ref().unwrap();
            let model = &bench.model;
            to_f64(&sentence(&model.head, trace, model.options()).unwrap())
        };
        let anchors: Vec<_> = [0, 2, 4].map(vector).into();
        let positives: Vec<_> = [1, 3, 5].map(vector).into();
        let expected = InfoNce {
            temperature: 0.05,
            symmetric,
        }
        .contrast(&anchors, &positives);
        assert!((loss(&harness) - expected.loss).abs() < 1e-12);
        click(&mut harness, "Both directions");
    }
}

#[test]
fn the_temperature_changes_the_loss_at_once() {
    let mut harness = open(&SIX);
    let (before, shown) = (loss(&harness), said(&harness));
    let slider = harness.get_by_role_and_label(Role::Slider, "Temperature");
    slider.focus();
    harness.step();
    harness.key_press(egui::Key::ArrowRight);
    // One frame for the key, one for the command: nothing is waited for.
    harness.step();
    harness.step();
    assert!(harness.state().state.temperature.value() > 0.05);
    assert_ne!(loss(&harness), before);
    assert_ne!(said(&harness), shown);
}

#[test]
fn pairs_are_marked_and_removed_and_the_neighbours_come_back() {
    let mut harness = open(&SIX);
    click(&mut harness, "Keep these pairs");
    assert_eq!(harness.state().state.pairs.len(), 3);
    click(&mut harness, "Remove pair 3");
    assert_eq!(harness.state().state.pairs.len(), 2);
    harness.get_by_label_contains("2 texts have no partner");
    let third = harness.state().state.texts[2].id;
    harness.state_mut().state.b = Some(third);
    settle(&mut harness);
    click(&mut harness, "Pair A with B");
    let first = harness.state().state.texts[0].id;
    assert_eq!(harness.state().state.pairs, [(first, third)]);
    harness.get_by_label_contains("One pair alone");
    click(&mut harness, "Remove all");
    assert_eq!(harness.state().state.batch().pairs.len(), 3);
    said(&harness);
}

#[test]
fn a_batch_outlives_a_text_that_goes() {
    let mut harness = open(&SIX);
    click(&mut harness, "Keep these pairs");
    let bench = harness.state_mut();
    bench.state.remove(bench.state.texts[1].id);
    bench.trace();
    settle(&mut harness);
    assert_eq!(harness.state().state.pairs.len(), 2);
    harness.get_by_label("Text A has no partner and is left out.");
    said(&harness);
}

#[test]
fn a_text_too_many_is_said_to_be_left_out() {
    let harness = open(&SIX[..5]);
    harness.get_by_label("Text 5 has no partner and is left out.");
    assert!(harness.query_by_label("Remove pair 1").is_none());
}

#[test]
fn too_few_texts_offer_the_sample() {
    for texts in [&SIX[..1], &SIX[..3]] {
        let mut harness = open(texts);
        harness.get_by_label_contains("needs two at least");
        assert!(harness.state().tsv().is_none());
        click(&mut harness, "Load the sample pairs");
        harness.state_mut().trace();
        settle(&mut harness);
        assert_eq!(CONTRASTIVE_PAIRS.texts.len(), 12);
        assert_eq!(harness.state().state.batch().pairs.len(), 6);
        said(&harness);
    }
}

#[test]
fn the_matrices_are_switched_and_a_pair_is_pointed_at_everywhere() {
    let mut harness = open(&SIX);
    for matrix in ["softmax", "gradient"] {
        click(&mut harness, matrix);
        harness.get_by_label("Anchors by positives");
    }
    assert!(harness.query_by_label("softmax of columns").is_none());
    click(&mut harness, "Both directions");
    click(&mut harness, "softmax of columns");
    click(&mut harness, "Both directions");
    harness.get_by_label_contains("The hardest row, ");
    harness.get_by_label_contains("unhappily  –").hover();
    harness.step();
    harness.step();
    let third = harness.state().state.texts[2].id;
    assert_eq!(harness.state().hovered, Focus::text(third));
    harness.step();
    harness.get_by_label_contains("Row 3, “unhappily”, gives its own pair");
    harness.get_by_label_contains("unhappily  –").click();
    settle(&mut harness);
    let wanted = Command::Lock(Focus::text(third));
    assert!(harness.state().commands.contains(&wanted));
}

#[test]
fn any_number_of_pairs_at_any_width_in_both_looks() {
    let many: Vec<String> = (0..130).map(|i| format!("cat {i} sat")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let same = ["The cat sat"; 4];
    for texts in [&SIX[..2], &SIX, &same, &many] {
        for width in [320., 1000.] {
            for dark in [true, false] {
                let harness = show(builder(width, 900., dark), bench(texts));
                for node in harness.root().children_recursive() {
                    let node = node.accesskit_node();
                    if let Some(bounds) = node.raw_bounds() {
                        let (right, label) = (bounds.x1, node.label());
                        assert!(
                            right <= f64::from(width) + 0.5,
                            "{} texts at {width}: {label:?} ends at {right}",
                            texts.len()
                        );
                    }
                }
            }
        }
    }
    open(&many).get_by_label("The batch is the first 64 of 65 pairs.");
}

#[test]
fn waiting_failing_and_misfits_are_said_in_words() {
    let waiting = show(builder(320., 900., true), bench(&SIX).untraced());
    waiting.get_by_label("6 texts are being encoded…");
    let failed = show(builder(320., 900., true), bench(&SIX).failed("no tokens"));
    failed
        .get_all_by_label_contains("cannot be encoded: no tokens")
        .next()
        .unwrap();
    let stale = show(builder(1000., 900., false), bench(&SIX).stale());
    assert!(stale.state().tsv().is_some());

    let model = Arc::new(models::tiny("saved_v6"));
    let panel = views::find("contrastive").unwrap();
    let mut harness = show(builder(1000., 900., true), Bench::new(panel, model, &SIX));
    said(&harness);
    harness.state_mut().state.pooling = Some(PoolingMode::Cls);
    settle(&mut harness);
    harness.get_by_label_contains("choose the model's own pooling");
}
