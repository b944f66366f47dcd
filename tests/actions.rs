//! Palette, shortcuts, the walk and the tour, driven through the accessibility tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "support/window.rs"]
mod window_support;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::App;
use embedscope::app::actions::{Menu, table};
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, ScoreMethod, Side};
use embedscope::app::tour::{CARDS, TEXTS, TourCommand};
use embedscope::app::walk::{Stage, Walk, WalkCommand};
use embedscope::model::ModelRef;
use embedscope::model::intervention::{Intervention, Interventions, Scope};
use embedscope::trace::PoolingMode;
use models::fixtures;
use window_support::{open_with, send, settle};

/// Seconds that a frame takes in the eyes of the window.
const FRAME: f64 = 0.05;

fn open() -> Harness<'static, App> {
    open_on("plain")
}

fn open_on(model: &str) -> Harness<'static, App> {
    let builder = Harness::builder()
        .with_size([1440., 900.])
        .with_step_dt(FRAME as f32);
    let model = ModelRef::Folder(fixtures().join("tiny").join(model));
    open_with(builder, model)
}

fn press(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    settle(harness);
}

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).click();
    settle(harness);
}

fn stages(harness: &Harness<'_, App>) -> Vec<Stage> {
    Stage::all(&harness.state().engine().model().unwrap())
}

fn type_into_palette(harness: &mut Harness<'_, App>, text: &str) {
    harness.get_by_label("Find a command").type_text(text);
    settle(harness);
}

/// The lines of the palette from the top, with whether each is the chosen one.
fn first_line(harness: &Harness<'_, App>) -> String {
    let chosen = harness.root().children_recursive().filter_map(|node| {
        let node = node.accesskit_node();
        let on = node.toggled() == Some(egui::accesskit::Toggled::True);
        let bounds = node.raw_bounds()?;
        // The lines of the palette are wide, and nothing else that can be chosen is.
        (on && bounds.x1 - bounds.x0 > 500.).then(|| node.label())?
    });
    let chosen: Vec<String> = chosen.collect();
    assert_eq!(chosen.len(), 1, "{chosen:?}");
    chosen[0].clone()
}

fn stage_selected(harness: &Harness<'_, App>, label: &str) -> bool {
    let node = harness.get_by_label(label);
    node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
}

#[test]
fn the_palette_finds_by_a_few_letters_and_does_what_was_chosen() {
    let mut harness = open();
    for (modifiers, key) in [
        (Modifiers::COMMAND, Key::K),
        (Modifiers::COMMAND | Modifiers::SHIFT, Key::P),
    ] {
        press(&mut harness, modifiers, key);
        assert!(harness.get_by_label("Find a command").is_focused());
        press(&mut harness, Modifiers::NONE, Key::Escape);
        assert!(harness.query_by_label("Find a command").is_none());
    }
    press(&mut harness, Modifiers::COMMAND, Key::K);
    assert_eq!(
        first_line(&harness),
        table()[0].title,
        "all of it, from the start"
    );
    type_into_palette(&mut harness, "feedf");
    assert_eq!(first_line(&harness), "Show Feed-forward");
    assert!(harness.query_by_label("Quit").is_none(), "it does not fit");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert_eq!(harness.state().stage(), Some(Stage::FeedForward(0)));
    assert!(harness.query_by_label("Find a command").is_none());

    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_into_palette(&mut harness, "zzzz");
    harness.get_by_label("Nothing has a name like that.");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    harness.get_by_label("Find a command");
}

/// Whether these words are painted.
fn painted(shape: &egui::Shape, words: &str) -> bool {
    match shape {
        egui::Shape::Text(text) => text.galley.text() == words,
        egui::Shape::Vec(shapes) => shapes.iter().any(|shape| painted(shape, words)),
        _ => false,
    }
}

#[test]
fn the_hint_goes_with_the_first_letter() {
    let mut harness = open();
    press(&mut harness, Modifiers::COMMAND, Key::K);
    let hint = |harness: &Harness<'_, App>| {
        let shapes = &harness.output().shapes;
        let hint = "What would you like to do?";
        shapes.iter().any(|shape| painted(&shape.shape, hint))
    };
    assert!(hint(&harness));
    let letter = egui::Event::Text("f".to_owned());
    harness.input_mut().events.push(letter);
    harness.step();
    assert!(harness.query_by_label("Quit").is_none(), "filtered");
    assert!(!hint(&harness));
}

#[test]
fn letters_and_enter_of_one_slow_frame_choose_what_the_letters_found() {
    let mut harness = open();
    press(&mut harness, Modifiers::COMMAND, Key::K);
    let enter = egui::Event::Key {
        key: Key::Enter,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    let events = [egui::Event::Text("feedf".to_owned()), enter];
    harness.input_mut().events.extend(events);
    settle(&mut harness);
    assert_eq!(harness.state().stage(), Some(Stage::FeedForward(0)));
    assert!(harness.query_by_label("Find a command").is_none());
}

#[test]
fn the_palette_offers_whatever_there_is() {
    let mut harness = open();
    let choose = |harness: &mut Harness<'_, App>, letters: &str, line: &str| {
        press(harness, Modifiers::COMMAND, Key::K);
        type_into_palette(harness, letters);
        assert_eq!(first_line(harness), line, "{letters}");
        press(harness, Modifiers::NONE, Key::Enter);
    };
    choose(&mut harness, "layer 2", "Go to layer 2");
    assert_eq!(harness.state().stage(), Some(Stage::Attention(1)));
    choose(&mut harness, "l1 head 3", "L1 head 3");
    let state = harness.state().state();
    assert_eq!((state.layer, state.head), (0, 2));
    choose(&mut harness, "pooling max", "Pooling: max");
    assert_eq!(harness.state().state().pooling, Some(PoolingMode::Max));
    choose(&mut harness, "leave one out", "Score › Leave one out");
    assert_eq!(
        harness.state().state().score_method,
        ScoreMethod::LeaveOneOut
    );
    assert_eq!(harness.state().stage(), Some(Stage::Score));
    choose(&mut harness, "exp score svg", "Export Score as SVG…");
    harness.get_by_label("Export a panel");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    choose(&mut harness, "samp negation", "Sample texts: Negation");
    assert_eq!(harness.state().state().texts.len(), 4);
    let third = harness.state().state().texts[2].clone();
    choose(
        &mut harness,
        "children can b",
        "Make “Children can take this medicine without…” B",
    );
    assert_eq!(harness.state().state().id_of(Side::B), Some(third.id));
    choose(
        &mut harness,
        "compare pooling",
        "Workspace: Compare pooling",
    );
    harness.get_by_label("What am I looking at in Pooling?");
    // What is chosen already is there, but does nothing.
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_into_palette(&mut harness, "pooling max");
    press(&mut harness, Modifiers::NONE, Key::Enter);
    harness.get_by_label("Find a command");
    press(&mut harness, Modifiers::NONE, Key::Escape);
    press(&mut harness, Modifiers::NONE, Key::Escape);
    // Changes inside the encoder, where they need no number, and the way back.
    send(&mut harness, Command::SelectLayer(1));
    send(&mut harness, Command::SelectHead(2));
    let all = |harness: &Harness<'_, App>| -> Vec<String> {
        let all = &harness.state().state().interventions.0;
        all.iter().map(|one| one.what.title()).collect()
    };
    for (letters, line) in [
        ("off posit", "Switch off positions"),
        ("off atten", "Switch off L2 · attention"),
        ("off feed", "Switch off L2 · feed-forward"),
        ("off head", "Switch off L2 · head 3"),
    ] {
        choose(&mut harness, letters, line);
    }
    let made = [
        "positions off",
        "L2 · attention off",
        "L2 · feed-forward off",
        "L2 · head 3 off",
    ];
    assert_eq!(all(&harness), made);
    choose(
        &mut harness,
        "back feed",
        "Take back: L2 · feed-forward off (all texts)",
    );
    assert_eq!(all(&harness), [made[0], made[1], made[3]]);
    choose(&mut harness, "every change", "Remove every change");
    assert!(all(&harness).is_empty());
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_into_palette(&mut harness, "open minilm");
    assert_eq!(first_line(&harness), "Open all-MiniLM-L6-v2");
}

#[test]
fn arrows_choose_in_the_palette_and_the_keyboard_goes_back_to_where_it_was() {
    let mut harness = open();
    harness.get_by_label("Text 2").focus();
    settle(&mut harness);
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_into_palette(&mut harness, "theme");
    let first = first_line(&harness);
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    let second = first_line(&harness);
    assert_ne!(first, second);
    press(&mut harness, Modifiers::NONE, Key::ArrowUp);
    assert_eq!(first_line(&harness), first);
    press(&mut harness, Modifiers::NONE, Key::ArrowUp);
    let last = first_line(&harness);
    assert!(
        last != first && last != second,
        "from the first to the last"
    );
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.get_by_label("Text 2").is_focused());
    let state = harness.state().state();
    assert_eq!(
        state.texts[1].text, "The dog bit the cat",
        "nothing was typed into it"
    );
    // A click on a line does it too.
    press(&mut harness, Modifiers::COMMAND, Key::K);
    type_into_palette(&mut harness, "show scor");
    click(&mut harness, "Show Score");
    assert_eq!(harness.state().stage(), Some(Stage::Score));
    assert!(harness.get_by_label("Text 2").is_focused());
}

#[test]
fn a_long_list_scrolls_with_the_choice() {
    let mut harness = open();
    press(&mut harness, Modifiers::COMMAND, Key::K);
    for _ in 0..30 {
        harness.key_press(Key::ArrowDown);
        harness.step();
    }
    settle(&mut harness);
    let line = first_line(&harness);
    let node = harness.get_by_label(&line);
    assert!(node.rect().bottom() < 500., "{line} is in sight");
}

#[test]
fn menus_and_the_list_of_shortcuts_are_the_table() {
    let mut harness = open();
    for menu in Menu::ALL {
        click(&mut harness, menu.title());
        for action in table().iter().filter(|action| action.menu == menu) {
            let is_there = |harness: &Harness<'_, App>| {
                let mut found = harness.query_all_by_label_contains(&action.item);
                found.any(|node| (0. ..=900.).contains(&node.rect().bottom()))
            };
            if let Some(submenu) = action.submenu().filter(|_| !is_there(&harness)) {
                click(&mut harness, submenu);
            }
            assert!(is_there(&harness), "{} in {menu:?}", action.item);
        }
        press(&mut harness, Modifiers::NONE, Key::Escape);
    }
    for (modifiers, key) in [(Modifiers::NONE, Key::F1), (Modifiers::COMMAND, Key::Slash)] {
        press(&mut harness, modifiers, key);
        harness
            .get_all_by_label("Keyboard shortcuts")
            .next()
            .unwrap();
        for action in table().iter().filter(|action| !action.shortcuts.is_empty()) {
            harness.get_all_by_label(&action.title).next().unwrap();
        }
        press(&mut harness, Modifiers::NONE, Key::Escape);
        assert!(harness.query_by_label("Keyboard shortcuts").is_none());
    }
}

#[test]
fn arrows_walk_through_every_stage_and_back_without_a_step_of_undo() {
    let mut harness = open();
    let stages = stages(&harness);
    assert_eq!(stages.len(), 3 + 2 * 2 + 2, "this model does not normalise");
    press(&mut harness, Modifiers::NONE, Key::Home);
    for (i, stage) in stages.iter().enumerate() {
        assert_eq!(harness.state().stage(), Some(*stage));
        let place = format!("{} of {}", i + 1, stages.len());
        harness.get_by_label(&place);
        let label = match stage {
            Stage::Pooling => "Stage Pool".to_owned(),
            other => format!("Stage {}", other.title()),
        };
        assert!(stage_selected(&harness, &label), "{label}");
        if let Some(layer) = stage.layer() {
            assert_eq!(harness.state().state().layer, layer);
        }
        press(&mut harness, Modifiers::NONE, Key::ArrowRight);
    }
    assert_eq!(harness.state().stage(), Some(Stage::Score), "it ends there");
    for stage in stages.iter().rev() {
        assert_eq!(harness.state().stage(), Some(*stage));
        press(&mut harness, Modifiers::ALT, Key::ArrowLeft);
    }
    press(&mut harness, Modifiers::NONE, Key::End);
    assert_eq!(harness.state().stage(), Some(Stage::Score));
    let before = harness.state().state().clone();
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    assert_eq!(
        *harness.state().state(),
        before,
        "there is nothing to take back"
    );
    click(&mut harness, "Close the walk");
    assert!(harness.query_by_label("Close the walk").is_none());
}

#[test]
fn both_stages_of_a_layer_are_a_click_away() {
    let mut harness = open();
    click(&mut harness, "Stage Layer 2, feed-forward");
    assert_eq!(harness.state().stage(), Some(Stage::FeedForward(1)));
    click(&mut harness, "Stage Layer 1, attention");
    assert_eq!(harness.state().stage(), Some(Stage::Attention(0)));
    click(&mut harness, "Stage Pool");
    assert_eq!(harness.state().stage(), Some(Stage::Pooling));
    assert!(stage_selected(&harness, "Stage Pool") && !stage_selected(&harness, "Stage Score"));
    // What is shown otherwise is where one is, too.
    send(&mut harness, Command::ShowPanel("feed_forward"));
    assert_eq!(harness.state().stage(), Some(Stage::FeedForward(0)));
    send(&mut harness, Command::ShowPanel("diagnosis"));
    assert_eq!(harness.state().stage(), None);
}

#[test]
fn in_a_narrow_window_nothing_below_the_walk_jumps_and_its_stage_is_in_sight() {
    let builder = Harness::builder()
        .with_size([640., 450.])
        .with_step_dt(FRAME as f32);
    let model = ModelRef::Folder(fixtures().join("tiny").join("plain"));
    let mut harness = open_with(builder, model);
    let mut tops = Vec::new();
    for _ in stages(&harness) {
        send(&mut harness, Command::Walk(WalkCommand::Forward));
        settle(&mut harness);
        tops.push(harness.get_by_label("Text 1").rect().top());
    }
    assert!(tops.iter().all(|top| *top == tops[0]), "{tops:?}");

    // Also from a panel that shows no stage.
    send(&mut harness, Command::Walk(WalkCommand::First));
    settle(&mut harness);
    for panel in ["residual", "score"] {
        send(&mut harness, Command::ShowPanel(panel));
        settle(&mut harness);
    }
    let score = harness.get_by_label("Stage Score").rect();
    assert!(score.right() <= 640., "{score:?}");
}

#[test]
fn a_tab_that_is_dropped_as_one_column_too_many_is_in_sight() {
    let mut harness = open();
    let tabs = harness.get_all_by_label("Embedding");
    let tab = tabs.map(|tab| tab.rect()).find(|rect| rect.top() > 80.);
    let tab = tab.unwrap().left_center() + egui::vec2(20., 0.);
    let scores = harness.get_all_by_label("Score").map(|tab| tab.rect());
    let score = scores.into_iter().find(|rect| rect.top() > 80.).unwrap();
    let before = harness.state().layout().arrangement();
    harness.hover_at(tab);
    harness.step();
    harness.drag_at(tab);
    harness.step();
    // A person is slow: the tab comes to the front before it leaves.
    for part in 1..=20 {
        harness.hover_at(tab + egui::vec2(part as f32, 0.));
        harness.step();
    }
    // Onto the right half of the last column, nearer to that than to the right half of what is in front in it.
    let to = egui::pos2(score.left() + 320., 360.);
    for part in 1..=8 {
        harness.hover_at(tab + (to - tab) * (part as f32 / 8.));
        harness.step();
    }
    harness.drop_at(to);
    settle(&mut harness);
    let after = harness.state().layout().arrangement();
    assert!(after.contains("tabs(score, "), "{after}");
    assert_ne!(after, before, "it has a column of its own");
    assert_eq!(harness.state().stage(), Some(Stage::Embedding));
    let mut tabs = harness.get_all_by_label("Embedding");
    assert!(tabs.any(|tab| tab.rect().top() > 80.), "it is in sight");
}

#[test]
fn a_tab_that_is_dropped_below_another_splits_their_group() {
    let mut harness = open();
    let tab = |harness: &Harness<'_, App>, name: &str| {
        let mut tabs = harness.get_all_by_label(name).map(|tab| tab.rect());
        tabs.find(|rect| rect.top() > 80.).unwrap()
    };
    let score = tab(&harness, "Score");
    let from = tab(&harness, "Position").left_center() + egui::vec2(20., 0.);
    harness.hover_at(from);
    harness.step();
    harness.drag_at(from);
    harness.step();
    for part in 1..=20 {
        harness.hover_at(from + egui::vec2(part as f32, 0.));
        harness.step();
    }
    // Onto the lower part of what is in front there.
    let to = egui::pos2(score.left() + 160., 620.);
    for part in 1..=8 {
        harness.hover_at(from + (to - from) * (part as f32 / 8.));
        harness.step();
    }
    harness.drop_at(to);
    settle(&mut harness);
    let after = harness.state().layout().arrangement();
    let group = "tabs(score, diagnosis, pooling, models)";
    assert!(
        after.contains(&format!("Vertical({group} 0.500, position 0.500)")),
        "{after}"
    );
    assert!(harness.query_by_label("Vertical").is_none());
    assert!(harness.state().layout().is_visible("score"));
    assert_eq!(harness.state().stage(), Some(Stage::Position));
}

#[test]
fn typing_does_not_walk() {
    let mut harness = open();
    press(&mut harness, Modifiers::NONE, Key::Home);
    harness.get_by_label("Text 1").focus();
    settle(&mut harness);
    for key in [
        Key::ArrowRight,
        Key::ArrowLeft,
        Key::Home,
        Key::End,
        Key::Space,
    ] {
        press(&mut harness, Modifiers::NONE, key);
        assert_eq!(harness.state().stage(), Some(Stage::Tokens), "{key:?}");
    }
    harness.get_by_label("Text 1").type_text(" again");
    settle(&mut harness);
    assert_eq!(
        harness.state().state().texts[0].text,
        "The cat bit the dog again"
    );
    harness.get_by_label("Play the walk");
    // With Alt it does, and the field keeps the keyboard.
    press(&mut harness, Modifiers::ALT, Key::ArrowRight);
    assert_eq!(harness.state().stage(), Some(Stage::Embedding));
    assert!(harness.get_by_label("Text 1").is_focused());
}

#[test]
fn the_walk_plays_at_its_pace_and_stops_at_the_end_and_for_the_person() {
    let mut harness = open();
    let stages = stages(&harness);
    harness.state_mut().send(Command::Walk(WalkCommand::First));
    harness.step();
    harness.key_press(Key::Space);
    let (mut seen, mut frames) = (vec![Stage::Tokens], 0);
    while seen.len() < stages.len() {
        harness.step();
        frames += 1;
        assert!(frames < 4000, "{seen:?}");
        let here = harness.state().stage().unwrap();
        if seen.last() != Some(&here) {
            seen.push(here);
        }
    }
    assert_eq!(seen, stages);
    let took = f64::from(frames) * FRAME;
    let expected = (stages.len() - 1) as f64 * Walk::PACE;
    assert!(
        (took - expected).abs() < 2.,
        "{took} s instead of {expected} s"
    );
    settle(&mut harness);
    harness.get_by_label("Play the walk");

    // From the end it begins anew; who does something else stops it.
    harness.get_by_label("Play the walk").click();
    harness.run_steps(3);
    assert_eq!(harness.state().stage(), Some(Stage::Tokens));
    harness.get_by_label("Pause the walk");
    harness.get_by_label("Swap A and B").click();
    harness.run_steps(4);
    harness.get_by_label("Play the walk");
    harness.run_steps((2. * Walk::PACE / FRAME) as usize);
    assert_eq!(harness.state().stage(), Some(Stage::Tokens));
}

#[test]
fn what_is_told_has_the_figures_of_the_texts() {
    let mut harness = open();
    let trace =
        |harness: &Harness<'_, App>, i: usize| harness.state().shown()[i].trace.clone().unwrap();
    press(&mut harness, Modifiers::NONE, Key::Home);
    let [a, b] = [trace(&harness, 0), trace(&harness, 1)];
    let sentence = format!(
        "A is cut into {} pieces, 2 of them special; B into {} pieces, 2 of them special.",
        a.tokens.len(),
        b.tokens.len()
    );
    harness.get_by_label(&sentence);
    for stage in stages(&harness) {
        send(&mut harness, Command::Walk(WalkCommand::Go(stage)));
        let contains = match stage {
            Stage::Tokens => continue,
            Stage::Embedding => "from a table of 86 rows".to_owned(),
            Stage::Position => "times as long as the piece's own".to_owned(),
            Stage::Attention(layer) => {
                format!("Layer {}, attention: the strongest look", layer + 1)
            }
            Stage::FeedForward(layer) => format!("Layer {}, feed-forward: in A ", layer + 1),
            Stage::Pooling => format!(
                "A's {} vectors are averaged into one of 32 numbers",
                a.tokens.len()
            ),
            Stage::Normalise => "both become 1 long".to_owned(),
            Stage::Score => "The cosine of both vectors is ".to_owned(),
        };
        harness.get_by_label_contains(&contains);
    }
    // The score that is told is the score that the spine shows.
    let sentences = [&a, &b].map(|trace| {
        let site = embedscope::trace::Site::Sentence;
        trace.values(site).unwrap().flat().into_owned()
    });
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    let [a, b] = &sentences;
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    harness.get_by_label_contains(&format!("The cosine of both vectors is {cosine:.4}"));

    // Another text, other figures.
    let id = harness.state().state().texts[0].id;
    send(&mut harness, Command::EditText(id, "cat".to_owned()));
    send(&mut harness, Command::Walk(WalkCommand::First));
    harness.get_by_label_contains("A is cut into 3 pieces, 2 of them special");
}

#[test]
fn normalising_is_a_stage_of_its_own_where_the_model_does_it() {
    let mut harness = open_on("saved_v6");
    assert!(stages(&harness).contains(&Stage::Normalise));
    send(&mut harness, Command::Walk(WalkCommand::Last));
    press(&mut harness, Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(harness.state().stage(), Some(Stage::Normalise));
    harness.get_by_label_contains("both become 1 long");
    assert!(stage_selected(&harness, "Stage Normalise") && !stage_selected(&harness, "Stage Pool"));
    press(&mut harness, Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(harness.state().stage(), Some(Stage::Pooling));
    click(&mut harness, "Stage Normalise");
    assert_eq!(harness.state().stage(), Some(Stage::Normalise));
}

#[test]
fn the_attention_that_is_told_is_the_largest_weight_between_two_pieces() {
    let mut harness = open();
    send(&mut harness, Command::Walk(WalkCommand::First));
    send(
        &mut harness,
        Command::Walk(WalkCommand::Go(Stage::Attention(1))),
    );
    let trace = harness.state().shown()[0].trace.clone().unwrap();
    let pattern = trace
        .layer(1, embedscope::trace::LayerSite::Pattern)
        .unwrap();
    let inner = 1..trace.tokens.len() - 1;
    let mut best = (0, 0, 0, 0_f32);
    for head in 0..pattern.size(0) {
        for q in inner.clone() {
            for k in inner.clone().filter(|&k| k != q) {
                let weight = pattern.at(&[head, q, k]).unwrap();
                if weight > best.3 {
                    best = (head, q, k, weight);
                }
            }
        }
    }
    let labels = &trace.tokens.labels;
    let expected = format!(
        "is head {}'s, from “{}” to “{}” with a weight of ",
        best.0 + 1,
        labels[best.1],
        labels[best.2]
    );
    harness.get_by_label_contains(&expected);
}

#[test]
fn the_first_run_offers_the_tour_once_and_quietly() {
    let mut harness = open();
    harness.get_by_label("Take the two-minute tour");
    click(&mut harness, "Not now");
    assert!(harness.query_by_label("Take the two-minute tour").is_none());
    assert!(harness.state().state().preferences.tour_seen);
    // It stays in the menu.
    click(&mut harness, "Help");
    click(&mut harness, "Tour");
    harness.get_by_label("1 of 9");
}

#[test]
fn the_tour_goes_through_and_sees_what_was_done() {
    let mut harness = open();
    let own: Vec<String> = texts(&harness);
    click(&mut harness, "Take the two-minute tour");
    assert_eq!(texts(&harness), TEXTS);
    let id = |harness: &Harness<'_, App>, i: usize| harness.state().state().texts[i].id;
    for (index, card) in CARDS.iter().enumerate() {
        // The strip below the spine may say the same of the stages.
        let place = format!("{} of {}", index + 1, CARDS.len());
        harness.get_all_by_label(&place).next().unwrap();
        harness.get_by_label(card.task);
        assert!(
            harness.query_by_label("✓ Done").is_none(),
            "{} is not done yet",
            card.title
        );
        let first = id(&harness, 0);
        match index {
            0 => click(&mut harness, "Swap A and B"),
            1 => press(&mut harness, Modifiers::NONE, Key::ArrowRight),
            2 => send(&mut harness, Command::Lock(Focus::token(first, 1))),
            3 => send(&mut harness, Command::View(Side::B)),
            4 => switch_positions_off(&mut harness),
            5 => send(&mut harness, Command::SelectHead(2)),
            6 => send(&mut harness, Command::SelectLayer(1)),
            7 => send(&mut harness, Command::SetPooling(Some(PoolingMode::Cls))),
            _ => send(&mut harness, Command::ScoreMethod(ScoreMethod::Layers)),
        }
        harness.get_by_label("✓ Done");
        if index == 4 {
            harness.get_by_label_contains("Now switch them on again.");
            click(&mut harness, "Take it back");
            assert!(harness.state().state().interventions.is_empty());
            // Back and forth again, it stays done.
            click(&mut harness, "Back");
            click(&mut harness, "Next");
            harness.get_by_label("✓ Done");
        }
        let last = index + 1 == CARDS.len();
        click(&mut harness, if last { "Finish" } else { "Next" });
    }
    assert_ne!(texts(&harness), own);
    click(&mut harness, "Bring mine back");
    assert_eq!(texts(&harness), own);
    assert_eq!(harness.state().state().pooling, None);
    assert!(harness.query_by_label("Take the two-minute tour").is_none());
}

/// With the card's button, which makes both sentences one.
fn switch_positions_off(harness: &mut Harness<'_, App>) {
    click(harness, "Do it for me");
    let changes = &harness.state().state().interventions;
    assert_eq!(
        changes.find(&Intervention::NoPositions),
        Some(0),
        "{changes:?}"
    );
    let score = harness.get_by_label_contains(" → 1.0000 with 1 change");
    let before = score.accesskit_node().value().unwrap();
    assert!(!before.starts_with("1.0000"), "{before}");
}

#[test]
fn what_the_tour_changes_in_the_encoder_ends_with_it() {
    let mut harness = open();
    let own = Interventions::default().with(Intervention::NoHead { layer: 0, head: 1 }, Scope::All);
    send(&mut harness, Command::SetInterventions(own.clone()));
    for end in [TourCommand::End, TourCommand::Next] {
        send(&mut harness, Command::Tour(TourCommand::Start));
        let changes = |harness: &Harness<'_, App>| harness.state().state().interventions.clone();
        assert!(changes(&harness).is_empty(), "the model as it is");
        for _ in 0..4 {
            click(&mut harness, "Next");
        }
        switch_positions_off(&mut harness);
        for _ in 0..if end == TourCommand::Next { 4 } else { 0 } {
            click(&mut harness, "Next");
        }
        send(&mut harness, Command::Tour(end));
        assert_eq!(changes(&harness), own, "{end:?}");
        // It is a step like any other.
        press(&mut harness, Modifiers::COMMAND, Key::Z);
        assert_ne!(changes(&harness), own);
        press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        click(&mut harness, "Keep the sample");
        assert_eq!(changes(&harness), own);
    }
}

#[test]
fn no_card_covers_what_it_speaks_of() {
    let mut harness = open();
    send(&mut harness, Command::Tour(TourCommand::Start));
    for (index, card) in CARDS.iter().enumerate() {
        let shown = harness.get_by_label(card.task).rect();
        let button = harness.get_by_label("Back").rect();
        let whole = shown.union(button);
        for label in [
            "Text 1",
            "Text 4",
            "Swap A and B",
            "Stage Tokens",
            "Stage Score",
        ] {
            let rect = harness.get_by_label(label).rect();
            assert!(
                !whole.intersects(rect),
                "{}: {whole:?} covers {label} at {rect:?}",
                card.title
            );
        }
        if index + 1 < CARDS.len() {
            click(&mut harness, "Next");
        }
    }
}

fn texts(harness: &Harness<'_, App>) -> Vec<String> {
    let texts = &harness.state().state().texts;
    texts.iter().map(|text| text.text.clone()).collect()
}

#[test]
fn escape_ends_the_tour_and_its_start_is_one_step_of_undo() {
    let mut harness = open();
    let own = texts(&harness);
    send(&mut harness, Command::Tour(TourCommand::Start));
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("1 of 9").is_none());
    assert_eq!(texts(&harness), TEXTS);
    click(&mut harness, "Keep the sample");
    assert!(harness.query_by_label("Bring mine back").is_none());
    press(&mut harness, Modifiers::COMMAND, Key::Z);
    assert_eq!(texts(&harness), own);
    press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(texts(&harness), TEXTS);
}

#[test]
fn f6_takes_the_keyboard_round_the_window() {
    let mut harness = open();
    let parts = |harness: &mut Harness<'_, App>, modifiers, count: usize| -> Vec<egui::Rect> {
        (0..count)
            .map(|_| {
                press(harness, modifiers, Key::F6);
                let ctx = &harness.ctx;
                let id = ctx
                    .memory(|memory| memory.focused())
                    .expect("something has it");
                ctx.read_response(id).expect("it is painted").rect
            })
            .collect()
    };
    let forward = parts(&mut harness, Modifiers::NONE, 8);
    let at = |label: &str| harness.get_by_label(label).rect();
    assert_eq!(forward[0], at("File"));
    assert_eq!(forward[1], at("Play the walk"));
    // The inspector has nothing that takes the keyboard while nothing is held, nor has the status.
    let round = forward.iter().skip(2).position(|rect| *rect == at("File"));
    let round = round.expect("it comes round") + 2;
    assert!((4..=6).contains(&round), "{forward:?}");
    assert!(forward[2].right() < 320., "the texts: {:?}", forward[2]);
    assert!(
        forward[3].left() > 300. && forward[3].top() > 90.,
        "a panel: {:?}",
        forward[3]
    );
    let first = at("File");
    while parts(&mut harness, Modifiers::NONE, 1) != [first] {}
    // The place is not lost with the keyboard.
    press(&mut harness, Modifiers::NONE, Key::Escape);
    let back = parts(&mut harness, Modifiers::SHIFT, round);
    let mut expected: Vec<_> = forward[..round].to_vec();
    expected.reverse();
    assert_eq!(back, expected, "the same parts the other way round");
}

#[test]
fn ctrl_and_page_keys_go_from_tab_to_tab() {
    let mut harness = open();
    let first = harness.state().stage();
    assert_eq!(first, Some(Stage::Tokens));
    press(&mut harness, Modifiers::COMMAND, Key::PageDown);
    assert_eq!(harness.state().stage(), Some(Stage::Embedding));
    press(&mut harness, Modifiers::COMMAND, Key::PageUp);
    press(&mut harness, Modifiers::COMMAND, Key::PageUp);
    // Round to the last, which is of no stage.
    harness.get_by_label("What am I looking at in Residual stream?");
    assert_eq!(harness.state().stage(), None);
    press(&mut harness, Modifiers::COMMAND, Key::PageUp);
    assert_eq!(harness.state().stage(), Some(Stage::FeedForward(0)));
}
