//! The inspector: what is held is worked out, line by line, and can be followed from number to number.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "support/window.rs"]
mod window_support;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::Focus;
use embedscope::model::ModelRef;
use embedscope::trace::{EmbedSite, LayerSite, Site};
use models::fixtures;
use window_support::settle;

const WRONG: &str = "do not rely on it";

fn open(of: &str, name: &str) -> Harness<'static, App> {
    let model = ModelRef::Folder(fixtures().join(of).join(name));
    window_support::open(model, [1440., 2400.])
}

fn lock(harness: &mut Harness<'_, App>, focus: Focus) {
    let text = harness.state().state().texts[0].id;
    let text = Some(text);
    harness
        .state_mut()
        .send(Command::Lock(Focus { text, ..focus }));
    settle(harness);
}

fn labels(harness: &Harness<'_, App>) -> Vec<String> {
    let nodes = harness.root().children_recursive();
    nodes
        .filter_map(|node| {
            let node = node.accesskit_node();
            node.label().or_else(|| node.value())
        })
        .collect()
}

fn has(all: &[String], part: &str) -> bool {
    all.iter().any(|label| label.contains(part))
}

fn at(token: usize) -> Focus {
    Focus {
        token: Some(token),
        ..Focus::default()
    }
}

#[test]
fn a_held_dimension_is_worked_out_from_its_summands() {
    let mut harness = open("tiny", "plain");
    lock(
        &mut harness,
        Focus {
            dimension: Some(5),
            site: Some(Site::Embed(EmbedSite::Out)),
            ..at(2)
        },
    );
    let all = labels(&harness);
    for part in [
        "embed.out[2, 5] = ",
        "position",
        "variance",
        "× γ[5]",
        "+ β[5]",
        "= normed",
    ] {
        assert!(has(&all, part), "{part} in {all:?}");
    }
    assert!(
        has(&all, "layer.0.resid_out[2, 5]"),
        "the others are there to open"
    );
    assert!(!has(&all, WRONG));
}

#[test]
fn numbers_are_followed_there_and_back() {
    let mut harness = open("tiny", "plain");
    let focus = Focus {
        dimension: Some(5),
        site: Some(Site::Layer(0, LayerSite::AttnOut)),
        ..at(2)
    };
    lock(&mut harness, focus);
    let held = harness.state().state().locked;
    assert!(
        harness.query_by_label("Back").is_none(),
        "nowhere to go back to"
    );
    harness.get_by_label_contains("head 2").click();
    settle(&mut harness);
    let state = harness.state().state();
    let site = Site::Layer(0, LayerSite::HeadOut);
    assert_eq!(
        (state.locked.site, state.locked.token, state.head),
        (Some(site), Some(2), 1)
    );
    let all = labels(&harness);
    assert!(has(&all, "layer.0.head_out[1, 2, "), "{all:?}");
    assert!(!has(&all, WRONG));
    harness.get_by_label("Back").click();
    settle(&mut harness);
    assert_eq!(harness.state().state().locked, held);
    assert_eq!(harness.state().state().head, 0);
    assert!(harness.query_by_label("Back").is_none());
}

#[test]
fn every_kind_of_number_is_worked_out_in_every_kind_of_model() {
    let models = [
        "albert",
        "deberta_v2",
        "gemma3_text",
        "mixed",
        "modernbert",
        "nomic_moe",
        "qwen3",
        "t5",
        "t5_gated",
        "static",
    ];
    for name in models {
        let mut harness = open("families", name);
        let layers = harness.state().engine().model().unwrap().spec().layers();
        let cell = Focus {
            other: Some(1),
            ..at(1)
        };
        let neuron = Focus {
            neuron: Some(3),
            ..at(1)
        };
        let dimension = Focus {
            dimension: Some(3),
            ..at(1)
        };
        let sentence = Focus {
            dimension: Some(3),
            ..Focus::default()
        };
        let cases = [
            (cell, "pattern[", true),
            (neuron, "ffn_act[1, 3]", true),
            (dimension, "embed.out[1, 3]", false),
            (sentence, "sentence[3]", false),
        ];
        for (focus, part, inside) in cases {
            lock(&mut harness, focus);
            let all = labels(&harness);
            assert_eq!(
                has(&all, part),
                layers > 0 || !inside,
                "{name}: {part} in {all:?}"
            );
            assert!(!has(&all, WRONG), "{name}: {part} does not add up");
        }
        assert!(has(&labels(&harness), "= cos(A, B)"), "{name}");
    }
}

#[test]
fn a_held_token_has_its_nearest_rows_of_the_vocabulary() {
    // A static model's states are the rows themselves.
    let mut harness = open("families", "static");
    lock(&mut harness, at(1));
    let trace = harness.state().shown()[0].trace.clone().unwrap();
    let all = labels(&harness);
    let title = all.iter().position(|l| l == "Nearest vocabulary rows");
    let mut rows: Vec<&str> = all[title.unwrap()..].iter().map(|l| &**l).collect();
    // A label is there with its lines.
    rows.dedup();
    let itself = [trace.tokens.labels[1].as_str(), "1.000"];
    let found = rows.windows(2).position(|pair| pair == itself);
    assert!(found.is_some_and(|place| place < 5), "{rows:?}");
}

#[test]
fn what_is_said_of_a_special_token_wraps_in_the_inspector() {
    let mut harness = open("tiny", "plain");
    lock(&mut harness, at(0));
    let kind = harness.get_all_by_label("special, added by the template");
    for kind in kind {
        assert!(kind.rect().right() <= 1440., "{:?}", kind.rect());
    }
}
