//! A less B in the panels of one text, on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/panel.rs"]
mod panel_support;
#[path = "support/window.rs"]
mod window_support;

use egui::accesskit::{Role, Toggled};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::analysis::attention::{Map, Who};
use embedscope::analysis::difference::{Pairing, atlas, rows, window};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, Side};
use embedscope::cancel::Cancel;
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use embedscope::trace::{EmbedSite, LayerSite, Site, Trace};
use embedscope::views::{PANELS, find};
use panel_support::models::fixtures;
use panel_support::{Bench, builder, fits, settle, show, tiny, tiny_long};
use window_support::{open_tiny, send};

const CAT: &str = "The cat bit the dog";
const DOG: &str = "The dog sat on the cat";
/// No token of it stands in the others.
const OTHER: &str = "unhappily";
const EDITED: &str = "The mat sat on the dog";
const BUTTON: &str = "Show the difference of A and B";
const SHOWING: [&str; 5] = [
    "embedding",
    "position",
    "attention",
    "feed_forward",
    "residual",
];

fn traced(model: &Model, text: &str) -> Trace {
    let cancel = Cancel::new();
    model
        .trace(text, &Prompt::Own, Detail::Full, &cancel)
        .unwrap()
}

fn paired(a: &Trace, b: &Trace) -> Pairing {
    Pairing::new(&a.tokens, &b.tokens, &Cancel::new()).unwrap()
}

#[test]
fn maps_and_rows_are_a_less_b_at_paired_tokens() {
    let model = tiny();
    let (a, b) = (traced(&model, CAT), traced(&model, DOG));
    let pairing = paired(&a, &b);
    let count = pairing.len();
    assert!(count > 3 && count < a.tokens.len(), "{pairing:?}");
    let all = [0..count, 0..count];
    let cancel = Cancel::new();
    for map in [Map::Pattern, Map::Scores, Map::Content] {
        for (layer, head) in [(0, 0), (1, 3)] {
            let who = Who::head(layer, head);
            let found = window([&a, &b], (&who, map), &pairing, all.clone(), 99, &cancel).unwrap();
            assert_eq!(found.cells, [count, count]);
            let of = |trace: &Trace, q, k| {
                let values = trace.layer(layer, map.site()).unwrap();
                values.at(&[head, q, k]).unwrap()
            };
            for (at, value) in found.values.iter().enumerate() {
                let ([qa, qb], [ka, kb]) = (pairing.pairs[at / count], pairing.pairs[at % count]);
                assert_eq!(*value, of(&a, qa, ka) - of(&b, qb, kb), "{map:?} {at}");
            }
            assert!(found.values.iter().any(|v| v.abs() > 1e-4));
        }
    }
    let site = Site::Layer(1, LayerSite::FfnAct);
    let (first, second) = (a.values(site).unwrap(), b.values(site).unwrap());
    let found = rows(&first, &second, &pairing).unwrap();
    let width = first.size(1);
    assert_eq!(found.len(), count * width);
    for (at, value) in found.iter().enumerate() {
        let [i, j] = pairing.pairs[at / width];
        let (x, y) = (first.at(&[i, at % width]), second.at(&[j, at % width]));
        assert_eq!(*value, x.unwrap() - y.unwrap());
    }
    // Embeddings of equal pieces differ by their places alone.
    let site = Site::Embed(EmbedSite::Token);
    let values = [a.values(site).unwrap(), b.values(site).unwrap()];
    let found = rows(&values[0], &values[1], &pairing).unwrap();
    for (row, [i, j]) in found.chunks_exact(values[0].size(1)).zip(&pairing.pairs) {
        let equal = a.tokens.ids[*i] == b.tokens.ids[*j];
        assert_eq!(row.iter().all(|&x| x == 0.0), equal);
    }
}

#[test]
fn the_mean_over_heads_and_all_heads_agree_with_one_head_each() {
    let model = tiny();
    let (a, b) = (traced(&model, CAT), traced(&model, DOG));
    let (pairing, cancel) = (paired(&a, &b), Cancel::new());
    let count = pairing.len();
    let one = |who: Who| {
        let all = [0..count, 0..count];
        let of = (&who, Map::Pattern);
        let found = window([&a, &b], of, &pairing, all, count, &cancel);
        found.unwrap().values
    };
    let mean = one(Who::layer(1, 4));
    let heads: Vec<Vec<f32>> = (0..4).map(|head| one(Who::head(1, head))).collect();
    for (at, value) in mean.iter().enumerate() {
        let sum: f32 = heads.iter().map(|head| head[at]).sum();
        assert!((value - sum / 4.0).abs() < 1e-6);
    }
    let how = (count, false);
    let all = atlas(&model, [&a, &b], Map::Pattern, &pairing, how, &cancel);
    let all = all.unwrap().unwrap();
    assert_eq!((all.side, all.layers, all.heads), (count, 2, 4));
    for (head, values) in heads.iter().enumerate() {
        for (row, line) in values.chunks_exact(count).enumerate() {
            let start = (count + row) * 4 * count + head * count;
            assert_eq!(all.values[start..start + count], *line, "head {head}");
        }
    }
    let stopped = Cancel::new();
    stopped.cancel();
    assert!(atlas(&model, [&a, &b], Map::Pattern, &pairing, how, &stopped).is_err());
}

#[test]
fn long_texts_are_read_in_runs_and_pooled() {
    let model = tiny_long(300);
    let first = "the cat sat on the mat ".repeat(24);
    let second = first.replacen("cat", "dog", 1) + " dog";
    let (a, b) = (traced(&model, &first), traced(&model, &second));
    let pairing = paired(&a, &b);
    assert_eq!(pairing.len(), a.tokens.len(), "all but what was added");
    let all = [0..pairing.len(), 0..pairing.len()];
    let cancel = Cancel::new();
    let who = Who::head(0, 0);
    let who = (&who, Map::Pattern);
    let found = window([&a, &b], who, &pairing, all, 16, &cancel).unwrap();
    assert_eq!(found.cells, [16, 16]);
    let part = [10..12, 20..22];
    let near = window([&a, &b], who, &pairing, part, 16, &cancel).unwrap();
    let at = |trace: &Trace, side: usize| {
        let values = trace.layer(0, LayerSite::Pattern).unwrap();
        let of = |p: usize| pairing.pairs[p][side];
        values.at(&[0, of(11), of(20)]).unwrap()
    };
    assert_eq!(near.values[2], at(&a, 0) - at(&b, 1));
}

#[test]
fn the_same_text_gives_zeros_everywhere() {
    for id in SHOWING {
        let mut bench = Bench::new(find(id).unwrap(), tiny(), &[CAT, CAT]);
        bench.state.difference = true;
        let harness = show(builder(1000.0, 1400.0, true), bench);
        harness.get_by_label_contains("7 of 7 tokens of A have a partner in B.");
        let table = harness.state().tsv().unwrap();
        let figures = table
            .lines()
            .skip(1)
            .flat_map(|line| line.split('\t').skip(1));
        let figures: Vec<f32> = figures.filter_map(|cell| cell.parse().ok()).collect();
        if id == "position" {
            // Places and their difference, of which the last is told.
            let rows = figures.chunks(3).filter(|row| row.len() == 3);
            assert!(rows.clone().count() == 7, "{table}");
            assert!(rows.clone().all(|row| row[0] == row[1] && row[2] == 0.0));
            harness.get_by_label_contains("Every pair stands at the same place");
            harness.get_by_label_contains("there is nothing to subtract");
            continue;
        }
        // 7 pairs by 3 states, by 4 lengths or by more.
        let least = if id == "residual" { 7 * 3 } else { 7 * 4 };
        assert!(figures.len() >= least, "{id}: {table}");
        assert!(figures.iter().all(|&x| x == 0.0), "{id}");
    }
}

#[test]
fn texts_without_a_common_token_are_told_so() {
    for id in SHOWING {
        let mut bench = Bench::new(find(id).unwrap(), tiny(), &[CAT, OTHER]);
        bench.state.difference = true;
        let harness = show(builder(320.0, 600.0, true), bench);
        harness.get_by_label_contains("has a partner in B, so there is nothing to subtract");
        assert_eq!(harness.state().tsv(), None, "{id}");
        fits(&harness, 320.0, id);
    }
}

/// Goes to the last cell of a map that ends somewhere before its lower right corner.
fn point_at_last(harness: &mut Harness<'static, Bench>, map: egui::Rect) -> Focus {
    for up in 0..12 {
        for left in 0..220 {
            let by = egui::vec2(2.0 + 3.0 * left as f32, 3.0 + 8.0 * up as f32);
            harness.hover_at(map.right_bottom() - by);
            harness.step();
            harness.step();
            let hovered = harness.state().hovered;
            let column = hovered.other.or(hovered.neuron).or(hovered.dimension);
            if hovered.token.is_some() && column.is_some() {
                return hovered;
            }
        }
    }
    panic!("no cell was found in {map}");
}

#[test]
fn a_cell_locks_as_token_with_bs_across_from_it() {
    for (id, name) in [
        ("attention", "L2 · head 3, A − B"),
        ("feed_forward", "layer.1.ffn_act, A − B"),
        ("embedding", "embed.out, A − B, pairs × dimensions"),
    ] {
        let mut bench = Bench::new(find(id).unwrap(), tiny(), &[CAT, DOG]);
        (bench.state.layer, bench.state.head, bench.state.difference) = (1, 2, true);
        let [a, b] = [0, 1].map(|text: usize| bench.texts[text].clone());
        let mut harness = show(builder(1000.0, 900.0, true), bench);
        let rect = harness.get_by_role_and_label(Role::Image, name).rect();
        assert!(rect.width() > 100.0, "{id}: {rect}");
        let act = a.trace.as_ref().unwrap().layer(1, LayerSite::FfnAct);
        let neurons = act.unwrap().size(1);
        let pairing = paired(a.trace.as_ref().unwrap(), b.trace.as_ref().unwrap());
        let [last_a, last_b] = *pairing.pairs.last().unwrap();
        let hovered = point_at_last(&mut harness, rect);
        (0..8).for_each(|_| harness.step());
        let told = harness.query_all_by_label_contains("\nA − B ");
        assert_eq!(told.count(), 1, "{id}: A, B and A − B are told");
        assert_eq!(hovered.text, Some(a.id), "{id}");
        assert_eq!(hovered.token, Some(last_a), "{id}");
        assert_eq!(hovered.across, Some((b.id, last_b)), "{id}");
        harness.get_by_role_and_label(Role::Image, name).click();
        settle(&mut harness);
        match id {
            "attention" => assert_eq!(hovered.other, Some(last_a)),
            "feed_forward" => assert_eq!(hovered.neuron, Some(neurons - 1)),
            _ => assert_eq!(hovered.dimension, Some(31)),
        }
        // This click goes to the middle.
        let locked = harness.state().state.locked;
        let (token, across) = (locked.token.unwrap(), locked.across.unwrap());
        assert_eq!((locked.text, across.0), (Some(a.id), b.id), "{id}");
        assert!(
            pairing.pairs.contains(&[token, across.1]),
            "{id}: {locked:?}"
        );
        let column = locked.other.or(locked.neuron).or(locked.dimension);
        assert!(column.is_some(), "{id}: {locked:?}");
    }
}

#[test]
fn every_panel_fits_at_every_width_and_says_what_it_waits_for() {
    for id in SHOWING {
        for (width, dark) in [(320.0, true), (760.0, false), (1200.0, true)] {
            let mut bench = Bench::new(find(id).unwrap(), tiny(), &[CAT, DOG]);
            bench.state.difference = true;
            let harness = show(builder(width, 900.0, dark), bench);
            harness.get_by_label_contains("have a partner in B");
            fits(&harness, width, id);
        }
        let mut bench = Bench::new(find(id).unwrap(), tiny(), &[CAT, DOG]).untraced();
        bench.state.difference = true;
        let harness = show(builder(320.0, 600.0, true), bench);
        harness.get_by_label_contains("Text B is being encoded");
    }
}

#[test]
fn the_button_is_a_way_of_looking_that_undo_leaves_alone() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowPanel("attention"));
    let first = harness.state().state().texts[0].id;
    send(&mut harness, Command::EditText(first, EDITED.into()));
    let pressed = |harness: &Harness<'_, App>, label: &str| {
        let mut found = harness.get_all_by_label(label);
        found.any(|node| node.accesskit_node().toggled() == Some(Toggled::True))
    };
    assert!(!pressed(&harness, BUTTON) && pressed(&harness, "Show text A"));
    harness.get_all_by_label(BUTTON).next().unwrap().click();
    window_support::settle(&mut harness);
    assert!(harness.state().state().difference);
    assert!(pressed(&harness, BUTTON) && !pressed(&harness, "Show text A"));
    assert!(
        harness
            .query_all_by_label_contains("a partner in B")
            .next()
            .is_some()
    );
    send(&mut harness, Command::Undo);
    let state = harness.state().state();
    assert_ne!(state.texts[0].text, EDITED, "undo took the edit back");
    assert!(state.difference, "and not the look");
    send(&mut harness, Command::View(Side::B));
    let state = harness.state().state();
    assert!(!state.difference && state.side == Side::B);
    // It survives the file, and files from before it can be read.
    send(&mut harness, Command::ShowDifference(true));
    let text = serde_json::to_string(harness.state().state()).unwrap();
    let read = |text: &str| serde_json::from_str::<embedscope::app::state::State>(text).unwrap();
    assert!(read(&text).difference);
    assert!(!read(&text.replace("\"difference\":true,", "")).difference);
}

#[test]
fn panels_without_a_difference_show_their_text_and_disable_the_button() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowEveryPanel);
    for id in PANELS.iter().filter(|panel| panel.one_text).map(|p| p.id) {
        send(&mut harness, Command::ShowPanel(id));
    }
    send(&mut harness, Command::ShowPanel("position"));
    send(&mut harness, Command::ShowDifference(true));
    let shown = harness.get_all_by_label(BUTTON);
    let disabled = shown.filter(|node| node.accesskit_node().is_disabled());
    assert!(disabled.count() >= 1, "Position has no difference");
    let shown = harness.get_all_by_label(BUTTON);
    let enabled = shown.filter(|node| !node.accesskit_node().is_disabled());
    assert!(enabled.count() >= 1);
    assert!(harness.query_all_by_label("Show text A").count() >= 2);
}

#[test]
fn every_scheme_of_positions_says_what_differs_between_shifted_texts() {
    let families = [
        ("distilbert", "Learned table"),
        ("modernbert", "Distances"),
        ("mpnet", "Added to the score"),
        ("jina_v2", "Added to the score"),
        ("deberta_v2", "Distances"),
        ("static", "averages its tokens' vectors"),
    ];
    for (name, said) in families {
        let folder = fixtures().join("families").join(name);
        let options = embedscope::model::source::SourceOptions::from_env();
        let model = panel_support::models::load(&ModelRef::Folder(folder), &options).unwrap();
        let texts = ["the cat sat on the mat", "the big cat sat on the mat"];
        let mut bench = Bench::new(find("position").unwrap(), model.into(), &texts);
        bench.state.difference = true;
        for width in [320.0, 900.0] {
            let harness = show(builder(width, 1600.0, true), bench);
            let found = harness.query_all_by_label_contains(said).next();
            assert!(found.is_some(), "{name} does not say {said}");
            fits(&harness, width, name);
            bench = harness.into_state();
        }
        let table = bench.tsv();
        assert_eq!(table.is_none(), name == "static", "{name}");
        let mut lines = table.iter().flat_map(|table| table.lines().skip(1));
        let moved = lines.any(|line| !line.ends_with("\t0"));
        assert_eq!(
            moved,
            name != "static",
            "{name}: a word in front moves the rest"
        );
    }
}
