//! Menus, lists and small windows by the keyboard alone, and in a window that is low.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/window.rs"]
mod window_support;

use egui::{Key, Modifiers, Rect};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::Focus;
use embedscope::model::ModelRef;
use window_support::{open, open_tiny, send, settle};

fn press(harness: &mut Harness<'_, App>, keys: &[Key]) {
    for key in keys {
        harness.key_press(*key);
        settle(harness);
    }
}

fn press_with_ctrl(harness: &mut Harness<'_, App>, key: Key) {
    harness.key_press_modifiers(Modifiers::COMMAND, key);
    settle(harness);
}

/// Where what has the keyboard is.
fn focused(harness: &Harness<'_, App>) -> Option<Rect> {
    let id = harness.ctx.memory(|memory| memory.focused())?;
    Some(harness.ctx.read_response(id)?.rect)
}

/// Whether what is named so has the keyboard.
fn holds(harness: &Harness<'_, App>, label: &str) -> bool {
    let at = harness.get_by_label(label).rect();
    focused(harness).is_some_and(|rect| at.contains(rect.center()))
}

/// A window of the least size that is kept usable.
fn open_low() -> Harness<'static, App> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny/plain");
    open(ModelRef::Folder(folder.into()), [700., 420.])
}

#[test]
fn an_entry_that_a_key_chooses_closes_its_menu() {
    let mut harness = open_tiny();
    press(&mut harness, &[Key::F6, Key::Enter, Key::ArrowDown]);
    assert!(harness.query_by_label("Save report…").is_some());
    press(&mut harness, &[Key::Enter]);
    assert!(harness.query_by_label("Open a model").is_some());
    assert!(harness.query_by_label("Save report…").is_none());
}

#[test]
fn a_menu_that_a_key_opens_does_not_give_way_to_a_pointer_that_rests() {
    let mut harness = open_tiny();
    let edit = harness.get_by_label("Edit").rect().center();
    harness.hover_at(edit);
    settle(&mut harness);
    press(&mut harness, &[Key::F6, Key::Enter]);
    assert!(harness.query_by_label("Save report…").is_some());
    for step in 1..4 {
        harness.hover_at(edit + egui::vec2(step as f32, 0.));
        harness.step();
    }
    settle(&mut harness);
    assert!(harness.query_by_label("Save report…").is_none());
    assert!(
        harness.query_by_label_contains("Undo").is_some(),
        "it moved"
    );
}

#[test]
fn preferences_have_the_keyboard_when_they_open_and_escape_closes_them() {
    let mut harness = open_tiny();
    press_with_ctrl(&mut harness, Key::Comma);
    assert!(holds(&harness, "As the desktop"));
    press(&mut harness, &[Key::ArrowDown, Key::Enter]);
    assert!(harness.query_by_label("250 %").is_some(), "every choice");
    // From what is chosen: 100, 90.
    press(&mut harness, &[Key::ArrowUp, Key::Enter]);
    assert!(harness.query_by_label("250 %").is_none(), "the list closes");
    assert!(holds(&harness, "Interface scale: 90 %"), "and is held");
    let held = Focus::token(harness.state().state().a.unwrap(), 1);
    send(&mut harness, Command::Lock(held));
    press(&mut harness, &[Key::Escape]);
    assert!(harness.query_by_label("As the desktop").is_none());
    assert_eq!(harness.state().state().locked, held, "one at a time");
}

#[test]
fn a_menu_that_is_longer_than_the_window_scrolls_to_its_last_entry() {
    let mut harness = open_low();
    harness.get_by_label("View").click();
    settle(&mut harness);
    press(&mut harness, &[Key::ArrowUp]);
    for _ in 0..20 {
        // It takes a moment to scroll.
        harness.step();
    }
    let at = focused(&harness).expect("an entry");
    assert!(at.bottom() <= 420., "in sight: {at:?}");
    let first = harness.get_by_label_contains("Walk the pipeline").rect();
    assert!(first.top() < 0., "scrolled away: {first:?}");
}

#[test]
fn shortcuts_fit_into_a_narrow_window() {
    let mut harness = open_low();
    press(&mut harness, &[Key::F1]);
    let close = focused(&harness).expect("the button that closes them");
    for at in [harness.get_by_label("Ctrl+O").rect(), close] {
        assert!(at.left() >= 0. && at.bottom() <= 420., "{at:?}");
    }
}
