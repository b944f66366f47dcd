//! The Pooling and Score panels on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, HarnessBuilder};
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, Side};
use embedscope::trace::PoolingMode;
use embedscope::views;

#[path = "support/panel.rs"]
mod panel_support;

use panel_support::{Bench, builder, fits, models, show, tiny, tiny_long};

const TWELVE: [&str; 12] = [
    "The cat sat",
    "The dog bit the cat",
    "unhappily",
    "the mat",
    "1234 cats!",
    "The cat bit the dog",
    "dogs",
    "cats",
    "The dog sat on the mat",
    "a mat, a cat",
    "7",
    "The cat sat unhappily",
];

fn bench(panel: &str, texts: &[&str]) -> Bench {
    Bench::new(views::find(panel).unwrap(), tiny(), texts)
}

fn plain(width: f32, dark: bool) -> HarnessBuilder<Bench> {
    builder(width, 900., dark)
}

fn open(panel: &str, texts: &[&str]) -> Harness<'static, Bench> {
    show(plain(1000., true), bench(panel, texts))
}

fn sent(harness: &Harness<'_, Bench>, wanted: &Command) -> bool {
    harness.state().commands.contains(wanted)
}

/// Until what a command changed is derived anew.
fn settle(harness: &mut Harness<'_, Bench>) {
    panel_support::settle(harness);
    panel_support::settle(harness);
}

#[test]
fn both_panels_paint_any_number_of_texts_at_any_width_in_both_looks() {
    let lists: [&[&str]; 5] = [
        &["The cat sat"],
        &["The cat sat", "dogs"],
        &["", "The cat sat"],
        &["The cat sat", "The cat sat"],
        &TWELVE,
    ];
    for texts in lists {
        for panel in ["score", "pooling"] {
            for width in [320., 1000.] {
                for dark in [true, false] {
                    let harness = show(plain(width, dark), bench(panel, texts));
                    let wanted = match panel {
                        "score" => "Token pairs of A and B",
                        _ => "Cosines of all texts under mean pooling",
                    };
                    harness.get_by_label(wanted);
                    fits(&harness, width, panel);
                }
            }
        }
    }
}

#[test]
fn five_hundred_tokens_on_both_sides_still_fit() {
    let model = tiny_long(512);
    let (a, b) = (
        "the cat sat on a mat ".repeat(120),
        "dogs bit cats, unhappily ".repeat(120),
    );
    for panel in ["score", "pooling"] {
        let panel = views::find(panel).unwrap();
        for width in [320., 1000.] {
            let bench = Bench::new(panel, model.clone(), &[&a, &b]);
            assert!(bench.texts.iter().all(|text| {
                text.trace
                    .as_ref()
                    .is_some_and(|trace| trace.tokens.len() == 512)
            }));
            fits(&show(plain(width, false), bench), width, panel.id);
        }
    }
}

#[test]
fn the_score_adds_up_and_names_the_models_own_pooling() {
    let harness = open("score", &["The cat sat", "The dog bit the cat"]);
    let tsv = harness.state().tsv().unwrap();
    let rows = tsv.lines().skip(1).map(|line| line.split('\t').skip(1));
    let sum: f64 = rows
        .flatten()
        .map(|cell| cell.parse::<f64>().unwrap())
        .sum();
    harness.get_by_label(&format!("{sum:.4}").replace('-', "−"));
    harness.get_by_label_contains("residual");
    harness.get_by_label("mean pooling, the model's own");
}

#[test]
fn a_click_on_a_pooling_uses_it_and_a_click_on_the_models_own_goes_back() {
    for panel in ["score", "pooling"] {
        let mut harness = open(panel, &["The cat sat", "dogs"]);
        let click = |harness: &mut Harness<'static, Bench>, score: &str, pooling: &str| {
            let label = if panel == "score" { score } else { pooling };
            let found = harness.get_all_by_label_contains(label).next().unwrap();
            found.click();
            settle(harness);
        };
        click(&mut harness, "CLS pooling", "Use CLS pooling");
        assert!(
            sent(&harness, &Command::SetPooling(Some(PoolingMode::Cls))),
            "{panel}"
        );
        assert_eq!(harness.state().state.pooling, Some(PoolingMode::Cls));
        if panel == "score" {
            harness.get_by_label("CLS pooling, not the model's own");
        }
        click(
            &mut harness,
            "the model's own",
            "Use mean pooling, the model's own",
        );
        if panel == "pooling" {
            assert_eq!(
                harness.state().state.pooling,
                None,
                "mean is the model's own"
            );
        }
    }
}

#[test]
fn a_token_of_the_score_is_pointed_at_everywhere() {
    let mut harness = open("score", &["The cat sat", "dogs"]);
    let (a, b) = (
        harness.state().state.a.unwrap(),
        harness.state().state.b.unwrap(),
    );
    let cat = harness.get_all_by_label("cat").next().unwrap();
    cat.click();
    settle(&mut harness);
    assert!(sent(&harness, &Command::Lock(Focus::token(a, 2))));
    let strip = |node: &egui_kittest::Node<'_>| {
        node.accesskit_node().role() == egui::accesskit::Role::ListItem
    };
    let dogs = harness.get_all_by_label_contains("dog").find(strip);
    dogs.unwrap().click();
    settle(&mut harness);
    assert!(sent(&harness, &Command::Lock(Focus::token(b, 1))));
}

#[test]
fn words_put_their_pieces_together() {
    let mut harness = open("score", &["The cat sat unhappily", "dogs"]);
    assert_eq!(harness.query_all_by_label("unhappily").count(), 0);
    harness.get_by_label("words").click();
    settle(&mut harness);
    harness.get_by_label("unhappily").click();
    settle(&mut harness);
    let a = harness.state().state.a.unwrap();
    assert!(
        sent(&harness, &Command::Lock(Focus::token(a, 4))),
        "the word's first piece"
    );
}

#[test]
fn one_text_alone_says_what_to_do() {
    let harness = open("score", &["The cat sat"]);
    harness.get_by_label_contains("same text");
    harness.get_by_label("1.0000");
}

#[test]
fn waiting_and_failing_are_said_in_words() {
    let waiting = show(
        plain(320., true),
        bench("score", &["The cat", "dogs"]).untraced(),
    );
    waiting.get_by_label("Text A is being encoded…");
    let failed = show(
        plain(320., true),
        bench("score", &["The cat", "dogs"]).failed("no tokens"),
    );
    failed.get_by_label("Text B cannot be encoded: no tokens");
    let waiting = show(
        plain(320., true),
        bench("pooling", &["The cat", "dogs"]).untraced(),
    );
    waiting.get_by_label("2 texts are being encoded…");
    let failed = show(
        plain(320., true),
        bench("pooling", &["The cat"]).failed("no tokens"),
    );
    failed.get_by_label_contains("left out, as it cannot be encoded: no tokens");
    for panel in ["score", "pooling"] {
        let stale = bench(panel, &["The cat", "dogs"]).stale();
        assert!(
            show(plain(1000., false), stale).state().tsv().is_some(),
            "{panel}"
        );
    }
}

#[test]
fn a_pooling_that_the_head_does_not_take_is_no_number() {
    let model = Arc::new(models::tiny("saved_v6"));
    let panel = |id| views::find(id).unwrap();
    let texts = ["The cat sat", "dogs"];
    let mut harness = show(
        plain(1000., true),
        Bench::new(panel("score"), model.clone(), &texts),
    );
    harness.get_by_label_contains("last token + mean pooling, the model's own");
    harness.get_by_label("CLS pooling –");
    harness.state_mut().state.pooling = Some(PoolingMode::Cls);
    settle(&mut harness);
    // The panel says so, and so does the name of each tab that cannot answer.
    let told = harness.query_all_by_label_contains("choose the model's own pooling");
    assert!(told.count() > 0);

    let harness = show(
        plain(1000., true),
        Bench::new(panel("pooling"), model, &texts),
    );
    harness.get_by_label("Cosines of all texts under last token + mean pooling");
    assert!(
        harness
            .query_all_by_label_contains("takes 32 dimensions, not 16")
            .count()
            > 0
    );
}

#[test]
fn max_pooling_counts_what_each_token_won() {
    let harness = open("pooling", &["The cat sat", "dogs"]);
    harness.get_by_label("Dimensions won by each token of A");
    let pieces = harness.root().children_recursive().filter_map(|node| {
        let node = node.accesskit_node();
        (node.role() == egui::accesskit::Role::ListItem).then(|| node.label())?
    });
    let won = |label: String| label.rsplit_once(' ')?.1.parse::<usize>().ok();
    let sum: usize = pieces.filter_map(won).sum();
    let size = harness.state().model.spec().hidden;
    assert_eq!(
        sum,
        2 * size,
        "every dimension of A and of B has one winner"
    );
}

#[test]
fn the_rest_of_the_poolings_come_when_asked_for() {
    let mut harness = open("pooling", &["The cat sat", "dogs"]);
    let rest = "Cosines of all texts under last token pooling";
    assert!(harness.query_by_label(rest).is_none());
    harness.get_by_label("all").click();
    settle(&mut harness);
    harness.get_by_label(rest);
}

#[test]
fn a_text_hovered_in_one_panel_is_known_to_the_others() {
    let mut harness = open("pooling", &["The cat sat", "dogs", "cats"]);
    let third = harness.state().state.texts[2].id;
    harness.get_by_label_contains("cats").hover();
    harness.step();
    harness.step();
    assert_eq!(harness.state().hovered, Focus::text(third));
    assert_eq!(harness.state().state.side, Side::A);
}
