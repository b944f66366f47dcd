//! The window by the keyboard alone: it is never lost, everything it stops at has a name, and it does what
//! the pointer does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/window.rs"]
mod window_support;

use egui::accesskit::{Action, Role};
use egui::{Key, Modifiers, Rect};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::Focus;
use embedscope::model::intervention::{Intervention, Interventions, Scope};
use embedscope::trace::PoolingMode;
use embedscope::views::PANELS;
use window_support::{open_tiny, send, settle};

/// A window in which a key was the last thing that was used.
fn open() -> Harness<'static, App> {
    let mut harness = open_tiny();
    press(&mut harness, Key::Tab);
    harness
}

fn press(harness: &mut Harness<'_, App>, key: Key) {
    hold(harness, Modifiers::NONE, key);
}

fn hold(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    for _ in 0..6 {
        harness.step();
    }
    settle(harness);
}

/// Gives the keyboard to what is called so.
fn go_to(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).focus();
    harness.step();
    harness.step();
    assert_eq!(focused(harness).as_deref(), Some(label));
}

/// The label of what has the keyboard.
fn focused(harness: &Harness<'_, App>) -> Option<String> {
    let mut nodes = harness.root().children_recursive();
    let node = nodes.find(|node| node.accesskit_node().is_focused())?;
    node.accesskit_node().label()
}

fn value(harness: &Harness<'_, App>, label: &str) -> Option<String> {
    harness.get_by_label(label).accesskit_node().value()
}

fn locked(harness: &Harness<'_, App>) -> Focus {
    harness.state().state().locked
}

fn show(harness: &mut Harness<'_, App>, panel: &'static str) {
    send(harness, Command::ShowPanel(panel));
}

#[test]
fn what_stands_next_has_the_keyboard_once_what_had_it_is_gone() {
    let mut harness = open();
    let texts = harness.state().state().texts.len();
    go_to(&mut harness, "More for text 2");
    for key in [Key::Enter, Key::ArrowUp, Key::Enter] {
        press(&mut harness, key);
    }
    assert_eq!(harness.state().state().texts.len(), texts - 1, "Remove");
    assert_eq!(focused(&harness).as_deref(), Some("More for text 2"));

    go_to(&mut harness, "Close Tokens");
    press(&mut harness, Key::Enter);
    assert_eq!(focused(&harness).as_deref(), Some("Close Embedding"));

    let off = |layer| Intervention::NoAttention { layer };
    let both = Interventions::default();
    let both = both.with(off(0), Scope::All).with(off(1), Scope::All);
    send(&mut harness, Command::SetInterventions(both));
    go_to(&mut harness, "Remove L1 · attention off (all texts)");
    press(&mut harness, Key::Enter);
    let next = focused(&harness).expect("something has it");
    assert_eq!(next, "Remove L2 · attention off (all texts)");

    // The strip goes with the last of them.
    press(&mut harness, Key::Enter);
    assert!(harness.state().state().interventions.is_empty());
    assert!(focused(&harness).is_some());
}

#[test]
fn a_menu_gives_the_keyboard_back_to_its_button() {
    let mut harness = open();
    for leave in [Key::Escape, Key::Enter] {
        go_to(&mut harness, "Samples");
        for key in [Key::Enter, Key::ArrowDown, Key::ArrowDown, leave] {
            press(&mut harness, key);
        }
        assert_eq!(focused(&harness).as_deref(), Some("Samples"), "{leave:?}");
    }
}

#[test]
fn a_menu_opens_at_what_is_chosen() {
    let mut harness = open();
    send(&mut harness, Command::SetPooling(Some(PoolingMode::Max)));
    // Measured before it opens for the first time only.
    for _ in 0..2 {
        go_to(&mut harness, "Pooling: max");
        press(&mut harness, Key::Enter);
        assert_eq!(focused(&harness).as_deref(), Some("max"));
        press(&mut harness, Key::Escape);
    }
    assert_eq!(focused(&harness).as_deref(), Some("Pooling: max"));
}

#[test]
fn escape_ends_one_thing_at_a_time_and_tab_goes_on_from_there() {
    let mut harness = open();
    show(&mut harness, "score");
    let map = "Token pairs of A and B";
    go_to(&mut harness, map);
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::ArrowRight);
    assert!(!locked(&harness).is_empty());
    hold(&mut harness, Modifiers::SHIFT, Key::F10);
    assert_eq!(focused(&harness).as_deref(), Some("Unlock"));
    press(&mut harness, Key::Escape);
    assert_eq!(focused(&harness).as_deref(), Some(map), "the menu first");
    assert!(!locked(&harness).is_empty());
    press(&mut harness, Key::Escape);
    assert_eq!(focused(&harness).as_deref(), Some(map), "then what is held");
    assert!(locked(&harness).is_empty());
    press(&mut harness, Key::Escape);
    assert_eq!(focused(&harness), None, "then the keyboard");
    press(&mut harness, Key::Tab);
    let next = focused(&harness).expect("something has it");
    assert_ne!(next, "File", "not from the beginning");
    hold(&mut harness, Modifiers::SHIFT, Key::Tab);
    assert_eq!(focused(&harness).as_deref(), Some(map));
}

#[test]
fn a_small_window_gives_the_keyboard_back() {
    let mut harness = open();
    go_to(&mut harness, "Stage Score");
    for command in [Command::ShowPreferences(true), Command::ShowLog(true)] {
        let told = format!("{command:?}");
        send(&mut harness, command);
        press(&mut harness, Key::Escape);
        let now = focused(&harness);
        assert_eq!(now.as_deref(), Some("Stage Score"), "{told}");
    }
}

#[test]
fn the_keyboard_goes_into_a_panel_that_a_key_asks_for() {
    let mut harness = open();
    let into = |harness: &Harness<'_, App>, panel: &str| {
        let id = harness.ctx.memory(|memory| memory.focused());
        let at = id.and_then(|id| harness.ctx.read_response(id));
        let at = at.expect("something has it").rect;
        let header = harness.get_by_label(&format!("Copy {panel}")).rect();
        let off = at.center() - header.center();
        assert!(off.y.abs() < 60. && off.x.abs() < 500., "{panel}: {at}");
    };
    go_to(&mut harness, "Text 1");
    hold(&mut harness, Modifiers::COMMAND, Key::K);
    harness.event(egui::Event::Text("show pooling".to_owned()));
    settle(&mut harness);
    press(&mut harness, Key::Enter);
    into(&harness, "Pooling");
    go_to(&mut harness, "View");
    press(&mut harness, Key::Enter);
    go_to(&mut harness, "Panels");
    press(&mut harness, Key::Enter);
    let entries = harness.get_all_by_label_contains("Residual stream");
    let in_menu = |node: &egui_kittest::Node<'_>| node.rect().top() > 130.;
    entries.into_iter().find(in_menu).expect("an entry").focus();
    harness.step();
    press(&mut harness, Key::Enter);
    into(&harness, "Residual stream");
    assert!(!egui::Popup::is_any_open(&harness.ctx), "no menu stays");
    // Nobody had it: the arrow keys go on walking.
    press(&mut harness, Key::Escape);
    assert_eq!(focused(&harness), None);
    hold(&mut harness, Modifiers::COMMAND, Key::K);
    harness.event(egui::Event::Text("show tokens".to_owned()));
    settle(&mut harness);
    press(&mut harness, Key::Enter);
    assert_eq!(focused(&harness), None);
}

#[test]
fn enter_goes_through_the_tour() {
    let mut harness = open();
    go_to(&mut harness, "Take the two-minute tour");
    press(&mut harness, Key::Enter);
    for card in 0..8 {
        assert_eq!(focused(&harness).as_deref(), Some("Next"));
        if card == 1 {
            // What it asks for.
            let before = harness.state().stage();
            press(&mut harness, Key::ArrowRight);
            assert_ne!(harness.state().stage(), before);
            assert_eq!(focused(&harness).as_deref(), Some("Next"));
        }
        press(&mut harness, Key::Enter);
    }
    assert_eq!(focused(&harness).as_deref(), Some("Finish"));
    press(&mut harness, Key::Enter);
    assert!(harness.query_by_label("Finish").is_none());
    assert!(focused(&harness).is_some());
}

#[test]
fn escape_lets_go_of_what_is_held_and_only_then_ends_the_tour() {
    let mut harness = open();
    go_to(&mut harness, "Take the two-minute tour");
    for _ in 0..3 {
        press(&mut harness, Key::Enter);
    }
    harness.get_by_label("3 of 9");
    go_to(&mut harness, "Pieces of A");
    press(&mut harness, Key::ArrowRight);
    assert!(locked(&harness).token.is_some());
    press(&mut harness, Key::Escape);
    assert!(locked(&harness).is_empty());
    harness.get_by_label("3 of 9");
    press(&mut harness, Key::Escape);
    assert!(harness.query_by_label("3 of 9").is_none());
}

#[test]
fn arrow_keys_move_the_edge_that_has_the_keyboard() {
    let mut harness = open();
    let edges = [
        "Edge between texts and panels",
        "Edge between panels and inspector",
        "Edge between Tokens and Score",
    ];
    let at = |harness: &Harness<'_, App>, edge| harness.get_by_label(edge).rect().center().x;
    for edge in edges {
        go_to(&mut harness, edge);
        let before = at(&harness, edge);
        press(&mut harness, Key::ArrowRight);
        press(&mut harness, Key::ArrowRight);
        let moved = at(&harness, edge) - before;
        assert!((40. ..56.).contains(&moved), "{edge}: {moved}");
        press(&mut harness, Key::ArrowLeft);
        press(&mut harness, Key::ArrowLeft);
        assert!((at(&harness, edge) - before).abs() < 1.5, "{edge}");
        assert_eq!(focused(&harness).as_deref(), Some(edge));
    }
    // Who walks from control to control is not caught by one.
    go_to(&mut harness, "More for text 3");
    for _ in 0..4 {
        press(&mut harness, Key::ArrowRight);
    }
    let right = harness
        .get_by_label("Edge between texts and panels")
        .rect()
        .right();
    let id = harness
        .ctx
        .memory(|memory| memory.focused())
        .expect("something has it");
    let reached = harness
        .ctx
        .read_response(id)
        .expect("it is painted")
        .rect
        .left();
    assert!(reached > right, "{:?}", focused(&harness));
    // Upright ones only hear their own arrows, and those of a grid move as well.
    send(&mut harness, Command::ShowEveryPanel);
    for (edge, key) in [
        ("Edge between columns 1 and 2", Key::ArrowRight),
        ("Edge between rows 1 and 2", Key::ArrowDown),
    ] {
        let place = |harness: &Harness<'_, App>| harness.get_by_label(edge).rect().center();
        go_to(&mut harness, edge);
        let before = place(&harness);
        press(&mut harness, key);
        let moved = (place(&harness) - before).length();
        assert!((20. ..28.).contains(&moved), "{edge}: {moved}");
    }
}

#[test]
fn the_arrow_keys_walk_over_points_and_enter_selects_them() {
    let mut harness = open();
    show(&mut harness, "pooling");
    let plane = "The texts under mean pooling, in two dimensions";
    go_to(&mut harness, plane);
    press(&mut harness, Key::ArrowRight);
    let first = locked(&harness).text.expect("a text is held");
    assert!(value(&harness, plane).is_some(), "and told");
    press(&mut harness, Key::Enter);
    assert_eq!(harness.state().state().selected, [first]);
    let mut reached = vec![first];
    for key in [
        Key::ArrowRight,
        Key::ArrowDown,
        Key::ArrowLeft,
        Key::ArrowUp,
    ] {
        for _ in 0..3 {
            press(&mut harness, key);
            reached.extend(locked(&harness).text);
        }
    }
    reached.sort();
    reached.dedup();
    assert!(reached.len() >= 3, "{reached:?}");
    assert_eq!(focused(&harness).as_deref(), Some(plane));
}

#[test]
fn the_menu_key_asks_for_the_head_that_the_keyboard_is_on() {
    let mut harness = open();
    show(&mut harness, "attention");
    go_to(&mut harness, "Every head: 2 layers by 4 heads");
    press(&mut harness, Key::ArrowRight);
    hold(&mut harness, Modifiers::SHIFT, Key::F10);
    press(&mut harness, Key::ArrowDown);
    press(&mut harness, Key::Enter);
    let what = Intervention::NoHead { layer: 0, head: 1 };
    let expected = Interventions::default().with(what, Scope::All);
    assert_eq!(harness.state().state().interventions, expected);
}

#[test]
fn what_a_key_goes_on_to_comes_into_sight() {
    const STOPS: usize = 40;
    let mut harness = open();
    for panel in ["attention", "pooling"] {
        show(&mut harness, panel);
        harness.state_mut().send(Command::NextArea(true));
        settle(&mut harness);
        let title = PANELS
            .iter()
            .find(|one| one.id == panel)
            .expect(panel)
            .title;
        go_to(&mut harness, &format!("Copy {title}"));
        let mut last = None;
        for _ in 0..STOPS {
            press(&mut harness, Key::Tab);
            let id = harness.ctx.memory(|memory| memory.focused());
            let at = id.and_then(|id| harness.ctx.read_response(id));
            let at = at.expect("something has it");
            let (seen, whole) = (at.interact_rect.size(), at.rect.size());
            let name = focused(&harness);
            assert!(
                seen.y >= whole.y.min(100.) - 1. && seen.x >= whole.x.min(100.) - 1.,
                "{panel}: of {name:?} at {} there is {seen} to see",
                at.rect
            );
            last = name;
        }
        assert!(last.is_some());
    }
}

/// Words that say nothing where they are heard alone.
const EMPTY: [&str; 4] = ["Close", "Copy", "none", "?"];

#[test]
fn whatever_the_keyboard_stops_at_says_what_it_is() {
    let mut harness = open();
    let window = Rect::from_min_size(egui::Pos2::ZERO, harness.ctx.content_rect().size());
    let mut wrong = Vec::new();
    for panel in PANELS {
        show(&mut harness, panel.id);
        for node in harness.root().children_recursive() {
            let node = node.accesskit_node();
            let stops = node.data().supports_action(Action::Focus);
            let Some(bounds) = node.raw_bounds().filter(|_| stops && !node.is_disabled()) else {
                continue;
            };
            let corner = |x: f64, y: f64| egui::pos2(x as f32, y as f32);
            let rect =
                Rect::from_min_max(corner(bounds.x0, bounds.y0), corner(bounds.x1, bounds.y1));
            if !window.intersects(rect) {
                continue;
            }
            let name = node.label().or(node.value()).unwrap_or_default();
            let told = EMPTY.contains(&name.as_str()) || name.contains('⏷') || name.is_empty();
            if told || node.role() == Role::Unknown {
                wrong.push(format!("{}: {:?} {name:?} {rect}", panel.id, node.role()));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
