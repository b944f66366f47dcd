//! Every panel of the pipeline on a checkpoint of every family, and the numbers that panels show
//! against those that the forward pass recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/panel.rs"]
mod panel_support;

use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::analysis::attention::{Cell, Map, Who, seen};
use embedscope::analysis::neurons::Taken;
use embedscope::analysis::position::{Bias, ByTurn, Scheme, Terms, residual, turn_residual};
use embedscope::app::state::Focus;
use embedscope::cancel::Cancel;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use embedscope::trace::{LayerSite, Trace};
use embedscope::views::{PANELS as PANELS_OF_ALL, find};
use panel_support::{Bench, builder, models, settle, show};

const CAT: &str = "The cat sat unhappily";
const LONG: &str = "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats!";
const PANELS: [&str; 6] = [
    "position",
    "attention",
    "feed_forward",
    "residual",
    "embedding",
    "pooling",
];

fn load(name: &str) -> Arc<Model> {
    let folder = models::fixtures().join("families").join(name);
    let model = models::load(&ModelRef::Folder(folder), &SourceOptions::from_env());
    Arc::new(model.unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// The checkpoints that are models, by name.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(models::fixtures().join("families")).unwrap();
    let names = entries
        .map(|entry| entry.unwrap())
        .filter(|e| e.path().is_dir());
    let mut names: Vec<String> = names
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 39, "checkpoints are missing: {names:?}");
    names
}

fn trace(model: &Model, text: &str) -> Trace {
    let trace = model.trace(text, &Prompt::None, Detail::Full, &Cancel::new());
    trace.unwrap()
}

fn says(harness: &Harness<'_, Bench>, text: &str) -> bool {
    harness.query_all_by_label_contains(text).next().is_some()
}

/// Everything that the accessibility tree has a name for.
fn labels(harness: &Harness<'_, Bench>) -> String {
    let nodes = harness.query_all_by_label_contains("");
    let labels = nodes.filter_map(|node| {
        let node = node.accesskit_node();
        node.label().or(node.value())
    });
    labels.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_panel_stands_on_every_family() {
    for name in names() {
        let model = load(&name);
        let layers = model.spec().layers();
        for id in PANELS {
            let texts: &[&str] = if id == "attention" {
                &[LONG, CAT]
            } else {
                &[CAT, LONG]
            };
            let bench = Bench::new(find(id).unwrap(), model.clone(), texts);
            let mut harness = show(builder(1000.0, 1600.0, id != "position"), bench);
            let text = harness.state().texts[0].id;
            let first = labels(&harness);
            assert!(!first.contains("NaN"), "{name} {id}:\n{first}");
            // The last layer, the last head, a cell of the first row: hidden where tokens look back.
            let state = harness.state_mut();
            (state.state.layer, state.state.head) =
                (layers.max(1) - 1, state.model.spec().heads - 1);
            state.state.locked = Focus {
                other: Some(3),
                ..Focus::token(text, 0)
            };
            settle(&mut harness);
            let held = labels(&harness);
            assert!(!held.contains("NaN"), "{name} {id}:\n{held}");
        }
    }
}

/// The panels of scores, texts and models, which have tests of their own on the tiny model.
#[test]
fn every_other_panel_stands_on_every_family() {
    for name in names() {
        let model = load(&name);
        for panel in PANELS_OF_ALL
            .iter()
            .filter(|panel| !PANELS.contains(&panel.id))
        {
            let bench = Bench::new(panel, model.clone(), &[CAT, LONG]);
            show(builder(900.0, 1200.0, true), bench);
        }
    }
}

#[test]
fn every_panel_stands_at_320_points() {
    for name in [
        "modernbert",
        "mpnet",
        "jina_v2",
        "deberta_v2",
        "qwen3",
        "nomic_moe",
        "static",
    ] {
        let model = load(name);
        for id in PANELS {
            let bench = Bench::new(find(id).unwrap(), model.clone(), &[CAT, ""]);
            show(builder(320.0, 900.0, false), bench);
        }
    }
}

#[test]
fn the_position_panel_shows_what_the_model_has() {
    for name in names() {
        let model = load(&name);
        let schemes = Scheme::all(model.spec());
        let bench = Bench::new(find("position").unwrap(), model, &[CAT, LONG]);
        let harness = show(builder(1000.0, 2400.0, true), bench);
        for &scheme in &schemes {
            let label = match scheme {
                Scheme::Learned => "Position table, learned",
                Scheme::Rotary => "Angles, positions by frequencies",
                Scheme::Buckets => "Bucket bias, head 1 against distance",
                Scheme::Alibi => "ALiBi slopes, head 1 against distance",
                Scheme::Disentangled => "Row of the relative table against distance",
            };
            assert!(says(&harness, label), "{name} does not show {label}");
            assert!(
                schemes == [scheme] && scheme == Scheme::Learned || says(&harness, scheme.title())
            );
        }
        if schemes.is_empty() {
            assert!(says(&harness, "knows no positions"), "{name}");
        } else {
            assert!(says(&harness, "esidual max"), "{name} shows no residual");
            assert!(
                harness.state().tsv().is_some(),
                "{name} has nothing to copy"
            );
        }
    }
}

#[test]
fn several_schemes_stand_one_below_the_other() {
    let model = load("mpnet");
    assert_eq!(
        Scheme::all(model.spec()),
        [Scheme::Learned, Scheme::Buckets]
    );
    assert_eq!(Scheme::all(load("static").spec()), []);
    assert_eq!(Scheme::all(load("t5").spec()), [Scheme::Buckets]);
    assert_eq!(
        Scheme::all(load("deberta_v2").spec())[..],
        [Scheme::Disentangled]
    );
}

#[test]
fn a_typed_padding_token_takes_the_row_of_its_own() {
    let model = load("roberta");
    let table = model.position_table().unwrap();
    for (text, rows) in [
        ("cat<pad> dog", vec![2, 3, 1, 4, 5]),
        ("cat dog", vec![2, 3, 4, 5]),
    ] {
        let trace = trace(&model, text);
        assert_eq!(model.position_rows(&trace.tokens), rows, "{text}");
        assert_eq!(residual(&trace, &table, &rows), Some(0.), "{text}");
    }
    let counted: Vec<usize> = (2..7).collect();
    let trace = trace(&model, "cat<pad> dog");
    assert!(residual(&trace, &table, &counted).unwrap() > 1e-3);
}

#[test]
fn what_the_position_panel_computes_is_what_was_recorded() {
    let mut seen_schemes = Vec::new();
    for name in names() {
        let model = load(&name);
        let trace = trace(&model, LONG);
        let (heads, tokens) = (model.spec().heads, trace.tokens.len());
        let schemes = Scheme::all(model.spec());
        for layer in 0..model.spec().layers() {
            if model.spec().blocks[layer].rotary.is_some() {
                let off = turn_residual(&model, &trace, layer).unwrap();
                assert!(off < 2e-5, "{name}: turned q, k are off by {off:.1e}");
            }
            for head in 0..heads {
                for (query, key) in [(0, 0), (1, tokens - 1), (tokens - 1, 0)] {
                    let at = (layer, head);
                    let turned = ByTurn::new(&model, &trace, at, (query, key), 3);
                    let Some(turned) = turned else { continue };
                    let off = turned.residual().abs() / turned.recorded.abs().max(1.0);
                    assert!(off < 2e-5, "{name}: q·k is off by {off:.1e}");
                    let column = turned.distance + turned.farthest as isize;
                    let on_curve = f64::from(turned.values[column as usize]);
                    assert!((on_curve - turned.here).abs() < 1e-6);
                }
                if schemes.contains(&Scheme::Disentangled) {
                    let terms = Terms::new(&model, &trace, layer, head, &Cancel::new()).unwrap();
                    let off = terms.residual;
                    assert!(off < 2e-5, "{name}: c2p + p2c is off by {off:.1e}");
                }
            }
            if model.spec().distance.is_some() {
                let bias = Bias::new(&model, tokens - 1).unwrap();
                assert_eq!(bias.residual(&trace, layer), Some(0.0), "{name}");
            }
        }
        seen_schemes.extend(schemes);
    }
    for scheme in [
        Scheme::Learned,
        Scheme::Rotary,
        Scheme::Buckets,
        Scheme::Alibi,
        Scheme::Disentangled,
    ] {
        assert!(
            seen_schemes.contains(&scheme),
            "no checkpoint has {scheme:?}"
        );
    }
}

#[test]
fn content_position_and_mask_add_up_to_the_score() {
    for name in names() {
        let model = load(&name);
        let (trace, scale) = (trace(&model, LONG), model.spec().scale);
        let tokens = trace.tokens.len();
        for layer in 0..model.spec().layers() {
            let mask = model.spec().blocks[layer].mask;
            for head in 0..model.spec().heads {
                for cell in 0..tokens * tokens {
                    let (query, key) = (cell / tokens, cell % tokens);
                    let cell = Cell::new(&trace, layer, head, query, key, scale).unwrap();
                    assert_eq!(cell.hidden, !mask.allows(query, key), "{name}");
                    let off = cell
                        .score_residual()
                        .abs()
                        .max(cell.weight_residual().abs());
                    assert!(off < 1e-4, "{name} {query} → {key}: off by {off:.1e}");
                    let content = trace.layer(layer, LayerSite::ScoreContent).unwrap();
                    let content = f64::from(content.at(&[head, query, key]).unwrap());
                    assert!((cell.content - content).abs() < 1e-4, "{name}");
                    let sum = cell.content + cell.position.unwrap_or(0.0);
                    assert!(cell.hidden || (sum - cell.score).abs() < 1e-12, "{name}");
                }
            }
        }
    }
}

#[test]
fn hidden_cells_are_no_values_of_a_map() {
    let model = load("qwen3");
    let trace = trace(&model, CAT);
    let tokens = trace.tokens.len();
    for map in [Map::Pattern, Map::Scores, Map::Content] {
        let values = seen(&trace, &Who::head(0, 0), map, &Cancel::new()).unwrap();
        for (cell, value) in values.iter().enumerate() {
            let later = cell % tokens > cell / tokens;
            assert_eq!(*value == f32::NEG_INFINITY, later, "{map:?}");
        }
    }
    assert!(
        seen(&trace, &Who::head(0, 0), Map::Position, &Cancel::new()).is_none(),
        "distances add nothing here"
    );
}

#[test]
fn the_attention_panel_names_masks_shared_keys_and_factors() {
    let says_of = |name: &str, layer: usize, cell: (usize, usize), expected: &[&str]| {
        let bench = Bench::new(find("attention").unwrap(), load(name), &[LONG, CAT]);
        let mut harness = show(builder(1400.0, 2000.0, true), bench);
        let text = harness.state().texts[0].id;
        harness.state_mut().state.layer = layer;
        harness.state_mut().state.locked = Focus {
            other: Some(cell.1),
            ..Focus::token(text, cell.0)
        };
        settle(&mut harness);
        for text in expected {
            assert!(
                says(&harness, text),
                "{name} does not say `{text}`:\n{}",
                labels(&harness)
            );
        }
    };
    let shared = "4 heads share 2 of keys and values; keys 1: heads 1–2";
    says_of(
        "qwen3",
        0,
        (1, 3),
        &["causal", shared, "hidden: causal, the key comes later"],
    );
    let far = "hidden: outside the window of ±4";
    says_of("modernbert", 1, (0, 9), &["window of ±4", far, "× 1/√8"]);
    says_of(
        "modernbert",
        0,
        (0, 9),
        &["every token sees every token", "q_rot"],
    );
    says_of("t5", 1, (0, 2), &["× 1", "does not scale", "+ position"]);
    says_of("deberta_v2", 1, (0, 2), &["× 1/√(3·8)", "+ position"]);
    says_of("gemma3_text", 0, (2, 3), &["× 1/√20"]);
    says_of("albert", 0, (0, 1), &["layers 1–3 use the same weights"]);
    says_of(
        "albert_groups",
        2,
        (0, 1),
        &["layers 3–4 use the same weights"],
    );
    says_of("jina_v2", 0, (0, 2), &["ALiBi"]);
}

#[test]
fn the_feed_forward_panel_names_gates_and_experts() {
    let bench = Bench::new(find("feed_forward").unwrap(), load("qwen3"), &[CAT, LONG]);
    let mut harness = show(builder(1000.0, 2000.0, true), bench);
    assert!(says(&harness, "gated: ffn_act = SiLU(ffn_gate) × ffn_pre"));
    assert!(says(&harness, " × up "));
    harness.get_by_label("Gate").click();
    settle(&mut harness);
    assert!(says(&harness, "layer.0.ffn_gate"));

    let model = load("nomic_moe");
    let layer = model
        .spec()
        .blocks
        .iter()
        .position(|block| block.experts.is_some());
    let layer = layer.unwrap();
    let bench = Bench::new(find("feed_forward").unwrap(), model.clone(), &[CAT, LONG]);
    let mut harness = show(builder(1000.0, 2000.0, true), bench);
    harness.state_mut().state.layer = layer;
    settle(&mut harness);
    assert!(says(
        &harness,
        "4 experts side by side, of which each token takes 2"
    ));
    assert!(says(&harness, "Weight of each expert at each token"));

    let trace = trace(&model, LONG);
    let activation = model.spec().activation;
    let taken = Taken::new(&trace, layer, 4, activation, &Cancel::new()).unwrap();
    assert!(taken.residual < 1e-5, "off by {:.1e}", taken.residual);
    for row in taken.weights.chunks_exact(4) {
        assert_eq!(row.iter().filter(|w| **w > 0.0).count(), 2, "{row:?}");
        assert!(
            row.iter().sum::<f32>() <= 1.0 + 1e-5,
            "a softmax's share: {row:?}"
        );
    }
}
