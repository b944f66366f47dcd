//! Attention and feed-forward analyses against what forward passes recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
mod models;

use embedscope::analysis::attention::{
    Atlas, Cell, Map, Who, leaders, parts, seen, seen_column, summaries,
};
use embedscope::analysis::neurons::{LayerFiring, activate, top_tokens};
use embedscope::cancel::Cancel;
use embedscope::model::{Detail, Model, ModelError, Prompt};
use embedscope::trace::{LayerSite, Trace};

fn trace(model: &Model, text: &str) -> Trace {
    model
        .trace(text, &Prompt::Own, Detail::Full, &Cancel::new())
        .unwrap()
}

const TEXTS: [&str; 3] = [
    "",
    "The cat sat unhappily",
    "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats!",
];

/// Every cell of every head follows from q and k.
fn arithmetic_holds(model: &Model) {
    let spec = model.spec();
    for text in TEXTS {
        let trace = trace(model, text);
        let tokens = trace.tokens.len();
        let cells = (0..tokens).flat_map(|i| (0..tokens).map(move |j| (i, j)));
        for (query, key) in cells {
            for layer in 0..spec.layers() {
                for head in 0..spec.heads {
                    let cell = Cell::new(&trace, layer, head, query, key, spec.scale).unwrap();
                    let at = (layer, head, query, key);
                    let score = cell.recorded_score.abs().max(1.0);
                    assert!(
                        cell.score_residual().abs() < 2e-5 * f64::from(score),
                        "{at:?}: {cell:?}"
                    );
                    assert!(cell.weight_residual().abs() < 1e-5, "{at:?}: {cell:?}");
                    assert_eq!((cell.q.len(), cell.position), (spec.head_size, None));
                }
            }
        }
        let outside = Cell::new(&trace, 0, 0, 0, tokens, spec.scale);
        assert_eq!(outside, None, "there is no such key");
    }
}

#[test]
fn a_cell_of_the_tiny_model_follows_from_q_and_k() {
    arithmetic_holds(&models::tiny("plain"));
}

#[test]
fn a_cell_of_the_real_model_follows_from_q_and_k() {
    if let Some(model) = models::minilm() {
        arithmetic_holds(&model);
    }
}

#[test]
fn a_wrong_factor_shows_in_the_residual() {
    let model = models::tiny("plain");
    let trace = trace(&model, TEXTS[1]);
    let cell = Cell::new(&trace, 1, 2, 3, 4, 2.0 * model.spec().scale).unwrap();
    assert!(cell.score_residual().abs() > 1e-3, "{cell:?}");
}

#[test]
fn summaries_thumbnails_and_the_mean_agree_with_the_pattern() {
    let model = models::tiny("plain");
    let (layers, heads) = (model.spec().layers(), model.spec().heads);
    let trace = trace(&model, TEXTS[2]);
    let tokens = trace.tokens.len();
    let all = summaries(&model, &trace, &Cancel::new()).unwrap();
    assert_eq!(all.len(), layers * heads);
    let atlas = |relative| {
        let made = Atlas::new(&model, &trace, Map::Pattern, 5, relative, &Cancel::new());
        made.unwrap().unwrap()
    };
    let (relative, absolute) = (atlas(true), atlas(false));
    assert!(
        relative.side == 5 && relative.largest >= 1.0,
        "the few beyond the reach"
    );
    let twice: Vec<f32> = relative.reaches.iter().map(|reach| 2.0 * reach).collect();
    assert_eq!((twice.len(), absolute.reaches.len()), (layers * heads, 0));
    let halved = relative.within(&twice);
    let pairs = halved.iter().zip(&relative.values);
    assert!(pairs.into_iter().all(|(half, whole)| *half == 0.5 * whole));
    // Of the reach of one head, only that head's tile changes: absolute weights within 1.
    let mut one = relative.reaches.to_vec();
    one[heads + 2] = 1.0;
    let changed = relative.within(&one);
    for (cell, value) in changed.iter().enumerate() {
        let (row, column) = (cell / (heads * 5), cell % (heads * 5));
        match (row / 5, column / 5) == (1, 2) {
            true => assert!((value - absolute.values[cell]).abs() < 1e-6),
            false => assert_eq!(*value, relative.values[cell]),
        }
    }
    for (index, summary) in all.iter().enumerate() {
        let (layer, head) = (index / heads, index % heads);
        assert!(summary.deviation < 1e-6 && summary.entropy_share.unwrap() <= 1.0 + 1e-6);
        let tile = |atlas: &Atlas| {
            let rows = layer * 5..(layer + 1) * 5;
            let cells =
                rows.flat_map(|row| (head * 5..(head + 1) * 5).map(move |c| row * heads * 5 + c));
            cells.map(|cell| atlas.values[cell]).fold(0.0, f32::max)
        };
        assert_eq!(
            tile(&absolute),
            summary.largest,
            "the largest weight survives the pool"
        );
        assert!(tile(&relative) >= 1.0 - 1e-6);
    }
    let mean = seen(&trace, &Who::layer(1, heads), Map::Pattern, &Cancel::new()).unwrap();
    for row in mean.chunks(tokens) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    // Whatever is averaged: the parts add up to it, and the largest of them leads.
    let everything = Who::mean((0..layers).flat_map(|l| (0..heads).map(move |h| (l, h))));
    assert_eq!(everything.heads().len(), layers * heads);
    let cancel = Cancel::new();
    for map in [Map::Pattern, Map::Scores] {
        let mean = seen(&trace, &everything, map, &cancel).unwrap();
        for key in [0, tokens - 1] {
            let column: Vec<f32> = (0..tokens).map(|q| mean[q * tokens + key]).collect();
            let found = seen_column(&trace, &everything, map, key).unwrap();
            assert_eq!(found, column);
        }
        let all = [0..tokens, 0..tokens];
        let led = leaders(&trace, &everything, map, all, &cancel).unwrap();
        for (cell, (mean, leader)) in mean.iter().zip(&led).enumerate() {
            let (query, key) = (cell / tokens, cell % tokens);
            let parts = parts(&trace, &everything, map, query, key).unwrap();
            let sum: f64 = parts.iter().map(|part| part.share).sum();
            assert!((sum - f64::from(*mean)).abs() < 1e-6);
            let one = |layer: usize, head: usize| {
                let values = trace.layer(layer, map.site()).unwrap();
                values.at(&[head, query, key]).unwrap()
            };
            assert!(parts.iter().all(|p| p.value == Some(one(p.layer, p.head))));
            let most = parts
                .iter()
                .map(|p| one(p.layer, p.head).abs())
                .fold(0.0, f32::max);
            let (layer, head) = leader.unwrap();
            assert_eq!(one(layer, head).abs(), most);
            assert_eq!((parts[0].layer, parts[0].head), (layer, head));
        }
    }
    let stopped = Cancel::new();
    stopped.cancel();
    let found = summaries(&model, &trace, &stopped);
    assert!(matches!(found, Err(ModelError::Stopped)));
    let found = Atlas::new(&model, &trace, Map::Scores, 5, true, &stopped);
    assert!(matches!(found, Err(ModelError::Stopped)));
}

#[test]
fn an_outline_has_no_inside_and_its_heads_come_back_by_running_layers_again() {
    let model = models::tiny("plain");
    let outline = model.trace(TEXTS[1], &Prompt::Own, Detail::Outline, &Cancel::new());
    let outline = outline.unwrap();
    let again = summaries(&model, &outline, &Cancel::new()).unwrap();
    let full = trace(&model, TEXTS[1]);
    let kept = summaries(&model, &full, &Cancel::new()).unwrap();
    for (again, kept) in again.iter().zip(&kept) {
        assert_eq!(again.kind, kept.kind);
        assert!(
            (again.entropy - kept.entropy).abs() < 1e-6,
            "{again:?} {kept:?}"
        );
    }
    assert_eq!(Cell::new(&outline, 0, 0, 0, 0, 1.0), None);
    assert_eq!(LayerFiring::new(&outline, 0, &Cancel::new()), None);
}

#[test]
fn neurons_are_those_recorded_and_follow_from_their_activation() {
    let model = models::tiny("plain");
    let traces: Vec<Trace> = TEXTS.iter().map(|text| trace(&model, text)).collect();
    for trace in &traces {
        for layer in 0..model.spec().layers() {
            let firing = LayerFiring::new(trace, layer, &Cancel::new()).unwrap();
            let strongest = firing.strongest.unwrap();
            let act = trace.layer(layer, LayerSite::FfnAct).unwrap();
            let largest = act.flat().iter().fold(0.0_f32, |most, v| most.max(v.abs()));
            assert_eq!(strongest.act.abs(), largest);
            let ours = activate(model.spec().activation, strongest.pre.into());
            assert!((ours - f64::from(strongest.act)).abs() < 3e-6);
            let top = top_tokens(&traces, layer, strongest.neuron, 3);
            assert!(
                top[0].1.act.abs() >= largest,
                "another text may drive it more"
            );
            assert_eq!(firing.written.len(), trace.tokens.len());
        }
    }
}
