//! The Attention and Feed-forward panels on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/panel.rs"]
mod panel_support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::command::Command;
use embedscope::app::state::Focus;
use embedscope::trace::LayerSite;
use embedscope::views::{Panel, View, ViewContext, find};
use embedscope::widgets::number;
use panel_support::{Bench, builder, settle, show, tiny, tiny_long};

const CAT: &str = "The cat sat unhappily";
/// More tokens than the tiny model reads.
const LONG: &str = "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats!";

fn attention() -> &'static Panel {
    find("attention").unwrap()
}

fn feed_forward() -> &'static Panel {
    find("feed_forward").unwrap()
}

fn bench(panel: &Panel, texts: &[&str]) -> Harness<'static, Bench> {
    show(
        builder(1000.0, 1400.0, true),
        Bench::new(panel, tiny(), texts),
    )
}

#[test]
fn both_panels_paint_every_length_in_both_looks_at_every_width() {
    let model = tiny();
    for panel in [attention(), feed_forward()] {
        for texts in [&["", CAT][..], &[CAT][..], &[LONG, CAT][..]] {
            for dark in [true, false] {
                for width in [320.0, 1000.0] {
                    let bench = Bench::new(panel, model.clone(), texts);
                    let harness = show(builder(width, 1400.0, dark), bench);
                    let images = harness.get_all_by_role(Role::Image).count();
                    assert!(images >= 2, "{} at {width} with {texts:?}", panel.id);
                }
            }
        }
    }
}

#[test]
fn what_there_is_to_say_without_a_trace_is_said() {
    for panel in [attention(), feed_forward()] {
        let coming = Bench::new(panel, tiny(), &[CAT]).untraced();
        let coming = show(builder(320.0, 600.0, true), coming);
        coming.get_by_label_contains("Encoding the text");

        let failed = Bench::new(panel, tiny(), &[CAT]).failed("no such token");
        let failed = show(builder(320.0, 600.0, true), failed);
        failed.get_by_label_contains("no such token");

        let stale = Bench::new(panel, tiny(), &[CAT]).stale();
        let stale = show(builder(320.0, 600.0, true), stale);
        assert!(stale.get_all_by_role(Role::Image).count() >= 2);
    }
}

#[test]
fn a_click_on_a_thumbnail_and_the_arrow_keys_choose_a_head() {
    let mut harness = bench(attention(), &[CAT]);
    let grid = harness
        .get_by_label("Every head: 2 layers by 4 heads")
        .rect();
    // The last head of the last layer ends at the grid's lower right corner.
    harness.hover_at(grid.right_bottom() - egui::vec2(8.0, 8.0));
    harness.step();
    harness
        .get_by_label("Every head: 2 layers by 4 heads")
        .click();
    settle(&mut harness);
    let state = &harness.state().state;
    let before = (state.layer, state.head);
    harness.key_press(egui::Key::ArrowLeft);
    settle(&mut harness);
    let state = &harness.state().state;
    assert_eq!(
        (state.layer, state.head),
        (before.0, before.1.saturating_sub(1)),
        "from {before:?}"
    );
    let commands = &harness.state().commands;
    assert!(commands.iter().any(|c| matches!(c, Command::SelectHead(_))));
}

#[test]
fn a_locked_cell_shows_its_arithmetic_with_its_residual() {
    let mut harness = bench(attention(), &[CAT]);
    let text = harness.state().texts[0].id;
    harness.state_mut().state.locked = Focus {
        other: Some(2),
        ..Focus::token(text, 3)
    };
    (
        harness.state_mut().state.layer,
        harness.state_mut().state.head,
    ) = (1, 2);
    settle(&mut harness);
    harness.get_by_label_contains("layer.1.scores[2, 3, 2] recorded");
    harness.get_by_label_contains("layer.1.pattern[2, 3, 2] recorded");
    harness.get_by_label_contains("× 1/√8");
    harness.get_by_label_contains("Σ − 1 =");
}

#[test]
fn pointing_at_a_cell_focuses_its_query_and_its_key() {
    let mut harness = bench(attention(), &[CAT]);
    let text = harness.state().texts[0].id;
    let map = harness
        .get_by_role_and_label(Role::Image, "L1 · head 1")
        .rect();
    // Captions and labels stand above and on the left: the last cell is at the lower right.
    let mut seen = Vec::new();
    for step in 1..12 {
        harness.hover_at(map.left_bottom() + egui::vec2(14.0 * step as f32 + 60.0, -12.0));
        harness.step();
        harness.step();
        let hovered = harness.state().hovered;
        if let (Some(query), Some(key)) = (hovered.token, hovered.other) {
            assert_eq!(
                (hovered.text, query),
                (Some(text), 8),
                "the last row is [SEP]"
            );
            seen.push(key);
        }
    }
    assert!(seen.len() > 3 && seen.is_sorted(), "{seen:?}");
    harness.get_by_label_contains("Where [SEP] [8] → ");
}

#[test]
fn the_finder_marks_heads_of_one_kind_and_lets_go() {
    let mut harness = bench(attention(), &[CAT]);
    let total: usize = [
        "previous",
        "next",
        "self",
        "separator/sink",
        "broad",
        "mixed",
    ]
    .into_iter()
    .map(|kind| {
        let chips = harness.get_all_by_role(Role::Button);
        let labels = chips.filter_map(|chip| chip.accesskit_node().label());
        let count = |label: String| {
            label
                .strip_prefix(&format!("{kind} "))?
                .parse::<usize>()
                .ok()
        };
        labels.filter_map(count).sum::<usize>()
    })
    .sum();
    assert_eq!(total, 2 * 4, "every head has exactly one kind");
    harness.get_by_label_contains("separator/sink").click();
    settle(&mut harness);
    harness.get_by_label_contains("separator/sink").click();
    settle(&mut harness);
}

#[test]
fn scores_and_the_mean_over_heads_are_shown_on_demand() {
    let mut harness = bench(attention(), &[CAT]);
    harness.get_by_label("Mean over heads").click();
    settle(&mut harness);
    harness.get_by_role_and_label(Role::Image, "L1 · mean of 4 heads");
    harness.get_by_label("Scores").click();
    settle(&mut harness);
    harness.get_by_label_contains("layer.0.scores");
    let tsv = harness.state().tsv().unwrap();
    assert_eq!(tsv.lines().count(), 1 + 2 * 4);
}

#[test]
fn a_mean_names_the_heads_that_put_most_into_it() {
    let mut harness = bench(attention(), &[CAT]);
    harness.get_by_label("Mean over layers").click();
    settle(&mut harness);
    harness.get_by_role_and_label(Role::Image, "All layers · mean of 8 heads");
    harness.get_by_label_contains("the layer.head with the largest weight");
    let text = harness.state().texts[0].id;
    harness.state_mut().state.locked = Focus {
        other: Some(2),
        ..Focus::token(text, 3)
    };
    settle(&mut harness);
    let trace = harness.state().texts[0].trace.clone().unwrap();
    let value = |layer, head| {
        let map = trace.layer(layer, LayerSite::Pattern).unwrap();
        map.at(&[head, 3, 2]).unwrap()
    };
    let all: Vec<_> = (0..2).flat_map(|l| (0..4).map(move |h| (l, h))).collect();
    let most = all.iter().copied();
    let (layer, head) = most
        .max_by(|a, b| value(a.0, a.1).total_cmp(&value(b.0, b.1)))
        .unwrap();
    let first = format!("head L{} · head {}, value", layer + 1, head + 1);
    harness.get_by_label_contains(&first).click();
    settle(&mut harness);
    let mean: f64 = all.iter().map(|h| f64::from(value(h.0, h.1)) / 8.0).sum();
    harness.get_by_label_contains(&format!("Together {}", number(mean)));
    let state = &harness.state().state;
    assert_eq!(
        (state.layer, state.head),
        (layer, head),
        "the first line is the largest"
    );
}

#[test]
fn a_mean_is_of_the_heads_that_the_finder_picks_out() {
    let mut harness = bench(attention(), &[CAT]);
    harness.get_by_label("Mean over layers").click();
    settle(&mut harness);
    let chips = harness.get_all_by_role(Role::Button);
    let kinds = [
        "previous",
        "next",
        "self",
        "separator/sink",
        "broad",
        "mixed",
    ];
    let labels: Vec<String> = chips
        .filter_map(|chip| chip.accesskit_node().label())
        .filter(|label| {
            kinds
                .iter()
                .any(|kind| label.starts_with(&format!("{kind} ")))
        })
        .collect();
    assert_eq!(labels.len(), kinds.len(), "{labels:?}");
    for label in labels {
        let (kind, count) = label.rsplit_once(' ').unwrap();
        harness.get_by_label(&label).click();
        // What was clicked is known in the next frame, and then the map is made.
        settle(&mut harness);
        settle(&mut harness);
        match count {
            "0" => {
                harness.get_by_label_contains(&format!("is of the kind “{kind}”"));
                let links = harness.query_by_label("Who reads whom");
                assert!(links.is_none(), "nothing is without its reason");
            }
            "1" => {
                _ = harness.get_by_role_and_label(
                    Role::Image,
                    &format!("All layers · mean of 1 {kind} head"),
                )
            }
            _ => {
                _ = harness.get_by_role_and_label(
                    Role::Image,
                    &format!("All layers · mean of {count} {kind} heads"),
                )
            }
        }
        harness.get_by_label(&label).click();
        settle(&mut harness);
    }
}

#[test]
fn a_neuron_that_is_pointed_at_is_followed_over_all_texts() {
    let mut harness = bench(feed_forward(), &[CAT, "The dog bit the cat"]);
    let text = harness.state().texts[0].id;
    harness.state_mut().state.locked = Focus {
        neuron: Some(5),
        ..Focus::token(text, 2)
    };
    settle(&mut harness);
    harness.get_by_label("Tokens of neuron 5");
    harness.get_by_label_contains("Of all 2 texts");
    harness.get_by_label_contains("GELU(");
    harness.get_by_label("Layer 2").click();
    settle(&mut harness);
    assert_eq!(harness.state().state.layer, 1);
    harness.get_by_label("Before activation").click();
    settle(&mut harness);
    harness.get_by_role_and_label(Role::Image, "layer.1.ffn_pre");
    let tsv = harness.state().tsv().unwrap();
    assert_eq!(tsv.lines().count(), 1 + 9, "{tsv}");
    assert!(
        tsv.lines().skip(1).all(|line| line.starts_with("2\t")),
        "{tsv}"
    );
}

/// A panel whose last frame's time is known.
struct Timed(Box<dyn View>, Arc<Mutex<Duration>>);

impl View for Timed {
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut ViewContext<'_>) {
        let start = Instant::now();
        self.0.ui(ui, cx);
        *self.1.lock().unwrap() = start.elapsed();
    }
}

/// The panel's own share of a frame.
#[test]
fn a_frame_with_512_tokens_costs_little() {
    let text = CAT.repeat(200);
    for panel in [attention(), feed_forward()] {
        let mut bench = Bench::new(panel, tiny_long(512), &[&text]);
        let clock = Arc::new(Mutex::new(Duration::ZERO));
        bench.view = Box::new(Timed(bench.view, clock.clone()));
        let mut harness = show(builder(1000.0, 1000.0, true), bench);
        let text = harness.state().texts[0].id;
        let mut spent = Duration::MAX;
        for step in 0..40 {
            harness.state_mut().state.locked = Focus {
                other: Some(step * 7),
                neuron: Some(step),
                ..Focus::token(text, step * 11)
            };
            harness.step();
            spent = spent.min(*clock.lock().unwrap());
        }
        eprintln!("{}: {spent:?} a frame", panel.id);
        // Far above what it takes, because other work may share this machine.
        assert!(spent < Duration::from_millis(20), "{}: {spent:?}", panel.id);
    }
}
