//! The Pooling panel: differences, t-SNE, the lasso, and weights of one's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "support/window.rs"]
mod window_support;

use egui::{Modifiers, PointerButton, Pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::analysis::token_weights::{Idf, TokenWeights, WeightScheme, pooled, shares};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::Focus;
use embedscope::cancel::Cancel;
use embedscope::model::{Detail, ModelRef, Prompt};
use embedscope::trace::{PoolingMode, Site};
use models::fixtures;
use window_support::{send, settle};

fn open(texts: &[&str]) -> Harness<'static, App> {
    let model = ModelRef::Folder(fixtures().join("tiny/plain"));
    let mut harness = window_support::open(model, [1440., 1600.]);
    harness.state_mut().send(Command::ShowWorkspace(2));
    send(
        &mut harness,
        Command::SetTexts(texts.iter().map(|&t| t.to_owned()).collect()),
    );
    harness
}

const TEXTS: [&str; 6] = [
    "the cat",
    "the dog",
    "a cat sat",
    "on the mat",
    "dog",
    "the",
];

#[test]
fn texts_come_and_go_while_it_is_in_front() {
    let mut harness = open(&["the cat"]);
    for text in TEXTS {
        // Not settled in between: what is on view is of the list before.
        harness.state_mut().send(Command::AddText(text.to_owned()));
        harness.step();
        harness.step();
    }
    settle(&mut harness);
    for _ in 0..5 {
        let first = harness.state().state().texts[0].id;
        harness.state_mut().send(Command::RemoveText(first));
        harness.step();
        harness.step();
    }
    settle(&mut harness);
    harness.get_by_label("Cosines of all texts under your weights pooling");
}

#[test]
fn maps_show_differences_and_planes_show_neighbours() {
    let mut harness = open(&TEXTS);
    harness.get_by_label("Cosines of all texts under max pooling");
    harness
        .get_by_label("difference from the model's own")
        .click();
    settle(&mut harness);
    harness.get_by_label("Differences of all cosines under max pooling");
    harness.get_by_label("t-SNE").click();
    settle(&mut harness);
    assert!(
        harness
            .query_all_by_label_contains("large distances mean nothing")
            .count()
            > 0
    );
    send(
        &mut harness,
        Command::SetTexts(vec!["the cat".into(), "dog".into()]),
    );
    assert!(harness.query_all_by_label_contains("needs 5 texts").count() > 0);
}

#[test]
fn a_loop_around_all_points_selects_them_and_undo_knows_nothing_of_it() {
    let mut harness = open(&TEXTS);
    let name = "The texts under mean pooling, in two dimensions";
    let node = harness.get_by_label(name);
    let bounds = node.accesskit_node().raw_bounds().unwrap();
    let inset = 2.;
    let (left, right) = (bounds.x0 as f32 + inset, bounds.x1 as f32 - inset);
    let (top, bottom) = (bounds.y0 as f32 + inset, bounds.y1 as f32 - inset);
    let corners = [
        [left, top],
        [right, top],
        [right, bottom],
        [left, bottom],
        [left, top + 8.],
    ];
    let corners: Vec<Pos2> = corners.iter().map(|[x, y]| egui::pos2(*x, *y)).collect();
    let press = |harness: &mut Harness<'_, App>, pos: Pos2, pressed: bool| {
        harness.event(egui::Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
        harness.step();
    };
    harness.hover_at(corners[0]);
    harness.step();
    press(&mut harness, corners[0], true);
    // Few frames, none of which ends at a corner: what lies between is part of the loop.
    let sides = corners.windows(2);
    let path: Vec<Pos2> = sides
        .flat_map(|side| (1..=8).map(|i| side[0].lerp(side[1], i as f32 / 8.)))
        .collect();
    for frame in [
        &path[..4],
        &path[4..12],
        &path[12..20],
        &path[20..28],
        &path[28..],
    ] {
        let moved = frame.iter().map(|at| egui::Event::PointerMoved(*at));
        harness.input_mut().events.extend(moved);
        harness.step();
    }
    press(&mut harness, corners[4], false);
    settle(&mut harness);
    let ids: Vec<_> = harness.state().state().texts.iter().map(|t| t.id).collect();
    assert_eq!(harness.state().state().selected, ids);
    harness.get_by_label("6 selected");
    send(&mut harness, Command::Select(ids[1..3].to_vec()));
    harness.get_by_label("only these").click();
    settle(&mut harness);
    harness.get_by_label("As A and B").click();
    settle(&mut harness);
    let state = harness.state().state();
    assert_eq!((state.a, state.b), (Some(ids[1]), Some(ids[2])));
    send(&mut harness, Command::Undo);
    let state = harness.state().state();
    assert_eq!((state.a, state.b), (Some(ids[0]), Some(ids[1])));
    assert_eq!(state.selected, ids[1..3], "a selection is a way of looking");
}

#[test]
fn a_weight_of_ones_own_moves_the_score_and_is_undone() {
    let mut harness = open(&["the cat", "the dog"]);
    let id = harness.state().state().texts[0].id;
    send(&mut harness, Command::Lock(Focus::token(id, 1)));
    let sliders = harness.query_all_by_label_contains("weight of “the”");
    assert!(
        sliders.count() > 0,
        "the locked token's weight can be changed"
    );
    let weights = TokenWeights {
        own: [("the".to_owned(), 0)].into(),
        ..TokenWeights::default()
    };
    send(&mut harness, Command::SetTokenWeights(weights.clone()));
    assert_eq!(harness.state().state().token_weights, weights);
    send(&mut harness, Command::Undo);
    assert_eq!(
        harness.state().state().token_weights,
        TokenWeights::default()
    );
}

#[test]
fn a_weight_that_is_looked_at_is_not_set_by_hand() {
    let mut harness = open(&["the cat", "the dog"]);
    let id = harness.state().state().texts[0].id;
    send(&mut harness, Command::Lock(Focus::token(id, 2)));
    let rare = TokenWeights {
        scheme: WeightScheme::Idf,
        ..TokenWeights::default()
    };
    send(&mut harness, Command::SetTokenWeights(rare.clone()));
    for _ in 0..200 {
        harness.step();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let sliders = harness.query_all_by_label_contains("weight of “cat”");
    assert!(sliders.count() > 0);
    assert_eq!(harness.state().state().token_weights, rare);
}

#[test]
fn equal_weights_are_the_mean_and_a_piece_that_weighs_nothing_is_left_out() {
    let model = models::tiny("plain");
    let trace = model.trace("the cat sat", &Prompt::Own, Detail::Full, &Cancel::new());
    let trace = trace.unwrap();
    let tokens = &trace.tokens;
    let equal = shares(&model.head, tokens, &TokenWeights::default(), None);
    let mean = trace.values(Site::Pooled(PoolingMode::Mean)).unwrap();
    let ours = pooled(&trace, &equal).unwrap();
    for (ours, mean) in ours.iter().zip(mean.flat().iter()) {
        assert!((ours - mean).abs() < 1e-6);
    }
    // All the weight on one token is that token's vector.
    let mut own = TokenWeights::default();
    let kept = tokens
        .pieces
        .iter()
        .position(|piece| piece == "cat")
        .unwrap();
    for piece in tokens.pieces.iter().filter(|piece| *piece != "cat") {
        own.own.insert(piece.clone(), 0);
    }
    let alone = pooled(&trace, &shares(&model.head, tokens, &own, None)).unwrap();
    let out = trace.final_out().unwrap();
    for (ours, own) in alone.iter().zip(out.row(&[kept]).iter()) {
        assert!((ours - own).abs() < 1e-6);
    }
    // Nothing left weighs nothing, and is no division by zero.
    own.own.insert("cat".to_owned(), 0);
    let none = shares(&model.head, tokens, &own, None);
    assert!(none.iter().all(|share| *share == 0.));
}

#[test]
fn rare_pieces_weigh_more_by_the_smoothed_formula() {
    let model = models::tiny("plain");
    let texts = ["the cat", "the dog", "the mat"];
    let idf = Idf::of(&model.tokenizer, texts, &Cancel::new());
    let trace = model.trace("the cat", &Prompt::Own, Detail::Outline, &Cancel::new());
    let tokens = trace.unwrap().tokens;
    let id = |piece: &str| {
        let at = tokens.pieces.iter().position(|p| p == piece).unwrap();
        tokens.ids[at]
    };
    assert!((idf.weight(id("the")) - 1.).abs() < 1e-12, "in every text");
    assert!(
        (idf.weight(id("cat")) - (2_f64.ln() + 1.)).abs() < 1e-12,
        "in one of three"
    );
    let weights = TokenWeights {
        scheme: WeightScheme::Idf,
        ..TokenWeights::default()
    };
    let shares = shares(&model.head, &tokens, &weights, Some(&idf));
    assert!((shares.iter().sum::<f64>() - 1.).abs() < 1e-12);
}
