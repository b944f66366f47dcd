//! The Diagnosis panel by what a screen reader says of it.

use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use embedscope::app::command::Command;
use embedscope::trace::PoolingMode;
use embedscope::views;

use super::models::tiny;
use super::panel_support::{self, Bench, builder, settle};

fn open(model: &str, texts: &[&str], width: f32, dark: bool) -> Harness<'static, Bench> {
    let panel = views::find("diagnosis").unwrap();
    let bench = Bench::new(panel, Arc::new(tiny(model)), texts);
    panel_support::show(builder(width, 700., dark), bench)
}

#[test]
fn cards_are_read_out_with_their_severity_and_lead_to_their_panel() {
    for (width, dark) in [(320., true), (1000., false)] {
        let texts = ["the cat bit the dog", "the dog bit the cat"];
        let mut harness = open("plain", &texts, width, dark);
        harness.get_by_label_contains("in another order");
        assert!(harness.query_all_by_label("warning").count() >= 1);
        let link = harness.query_all_by_label("Show in Score").next().unwrap();
        link.click();
        harness.step();
        let commands = &harness.state().commands;
        assert!(
            commands.contains(&Command::ShowPanel("score")),
            "{commands:?}"
        );
        let tsv = harness.state().tsv().unwrap();
        assert!(tsv.contains("same_order\twarning\t"), "{tsv}");
    }
}

#[test]
fn the_numbers_of_a_card_name_the_texts_by_their_capitals() {
    let long = "the cat sat on the mat the cat sat on the mat";
    let harness = open("plain", &[long, long], 600., true);
    harness.get_by_label_contains("A\u{a0}dropped\u{a0}");
    harness.get_by_label_contains("B\u{a0}dropped\u{a0}");
}

#[test]
fn a_pair_with_nothing_unusual_says_so() {
    // One word against itself, normalised, with room to spare.
    let harness = open("vocab_only", &["the cat sat", "the cat sat"], 600., true);
    let tsv = harness.state().tsv().unwrap();
    // The weights decide whether special tokens or one dimension weigh a lot here.
    match tsv.lines().count() {
        1 => drop(harness.get_by_label("Nothing unusual was found")),
        _ => assert!(
            harness
                .query_by_label("Nothing unusual was found")
                .is_none()
        ),
    }
}

#[test]
fn calibrating_puts_the_percentile_on_top() {
    let mut harness = open("plain", &["the cat", "a dog"], 600., true);
    assert!(harness.query_by_label_contains(": higher than ").is_none());
    let height = |label: &str| harness.get_by_label(label).rect().height();
    assert_eq!(height("Texts of your own…"), height("Calibrate"));
    harness.get_by_label("Calibrate").click();
    harness.step();
    settle(&mut harness);
    settle(&mut harness);
    harness.get_by_label_contains(": higher than ");
    assert!(harness.query_by_label("Calibrate").is_none());
}

#[test]
fn another_pooling_is_named_and_texts_that_are_missing_as_well() {
    let mut harness = open("plain", &["the cat", "a dog"], 600., true);
    assert!(
        harness
            .query_by_label_contains("not the model's own")
            .is_none()
    );
    harness.state_mut().state.pooling = Some(PoolingMode::Max);
    settle(&mut harness);
    settle(&mut harness);
    harness.get_by_label_contains("not the model's own");
    let alone = open("plain", &["the cat"], 600., true);
    alone.get_by_label_contains("A and B are the same text");
    // A head that does not take the pooling is a sentence, not a fault.
    let mut harness = open("saved_v6", &["the cat", "a dog"], 600., true);
    harness.state_mut().state.pooling = Some(PoolingMode::Max);
    settle(&mut harness);
    settle(&mut harness);
    harness.get_by_label_contains("choose the model's own pooling");
}

#[test]
fn a_vector_that_has_no_direction_is_named_in_words() {
    let panel = views::find("diagnosis").unwrap();
    let open = |factor: f64| {
        let model = tiny("plain");
        let weights = &model.encoder.weights;
        let weights = weights.map(&mut |_, tensor| Ok((tensor * factor)?));
        let model = model.with_weights(weights.unwrap(), model.head.clone(), "planted".into());
        let bench = Bench::new(panel, Arc::new(model), &["the cat", "a dog"]);
        panel_support::show(builder(600., 700., true), bench)
    };
    open(0.).get_by_label_contains("The vectors of A and B are all zeros");
    open(1e30).get_by_label_contains("holds what is no number");
}
