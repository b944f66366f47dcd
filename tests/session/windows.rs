//! The log and the preferences.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::ThemeChoice;

use super::{open, send, settle};

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).click();
    settle(harness);
}

#[test]
fn a_message_has_its_room_at_once() {
    let mut harness = open();
    for told in 1..=3 {
        let problem = "what went wrong takes more than one line where the inspector is narrow";
        harness.state_mut().warn(format!("{told}: {problem}"));
        harness.step();
        // Nothing moves from here on, so what is cut off would stay so.
        let status = harness.get_by_label(&format!("Messages ({told})")).rect();
        let link = harness.get_by_label("Open the log").rect();
        assert!(link.bottom() < status.top(), "{told}: {link:?} {status:?}");
        let oldest = harness.get_by_label_contains("1: what went wrong").rect();
        assert!(oldest.bottom() < link.top(), "{told}: {oldest:?} {link:?}");
    }
}

#[test]
fn errors_stay_until_they_are_dismissed_and_the_log_keeps_them() {
    let mut harness = open();
    for name in ["first", "second", "third", "fourth"] {
        let path = format!("/no/such/{name}.txt");
        send(&mut harness, Command::OpenTextFile(path.into()));
    }
    harness.get_by_label("Messages (4)");
    assert!(
        harness.query_by_label_contains("first.txt").is_none(),
        "three at once"
    );
    let newest = harness.get_by_label_contains("fourth.txt").rect();
    assert!(newest.left() > 900. && newest.bottom() < 790., "{newest:?}");
    click(&mut harness, "Dismiss message 1");
    assert!(harness.query_by_label_contains("fourth.txt").is_none());
    harness.get_by_label_contains("first.txt");
    harness.get_by_label("Messages (3)");

    click(&mut harness, "Open the log");
    harness.get_by_label("Messages");
    assert!(
        harness.query_by_label("Dismiss message 1").is_none(),
        "what was read is off the screen"
    );
    for name in ["first", "second", "third", "fourth"] {
        harness.get_by_label_contains(&format!("{name}.txt"));
    }
    harness.get_by_label("Copy message 2").click();
    harness.step();
    harness.step();
    let copied = copied(&harness).unwrap();
    assert!(
        copied.contains(" Error: /no/such/second.txt") && copied.contains(" UTC"),
        "{copied}"
    );
    assert!(!copied.contains("third"));
    harness.get_by_label("Copy all").click();
    harness.step();
    harness.step();
    let all = self::copied(&harness).unwrap();
    assert_eq!(all.lines().count(), 4, "{all}");
    click(&mut harness, "Clear");
    harness.get_by_label_contains("Nothing has happened");
}

/// What the last frames put on the clipboard.
fn copied(harness: &Harness<'_, App>) -> Option<String> {
    let commands = &harness.output().platform_output.commands;
    commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn a_model_that_fails_is_in_the_log_too() {
    let mut harness = open();
    send(
        &mut harness,
        Command::OpenModel("/no/such/model".parse().unwrap()),
    );
    harness.get_by_label("Dismiss").click();
    settle(&mut harness);
    harness.get_by_label("Messages (1)").click();
    settle(&mut harness);
    harness.get_by_label_contains("/no/such/model cannot be used: ");
}

#[test]
fn preferences_are_chosen_kept_and_left_alone_by_undo() {
    let mut harness = open();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Comma);
    settle(&mut harness);
    harness.get_by_label("Device");
    click(&mut harness, "Dark theme");
    click(&mut harness, "Interface scale: 100 %");
    click(&mut harness, "125 %");
    click(&mut harness, "Memory for traces: 1024 MiB");
    click(&mut harness, "512 MiB");
    click(&mut harness, "Animations");
    let preferences = harness.state().state().preferences.clone();
    assert_eq!(preferences.theme, ThemeChoice::Dark);
    assert_eq!((preferences.scale, preferences.budget), (125, 512));
    assert_eq!(harness.ctx.zoom_factor(), 1.25);
    assert_eq!(harness.state().engine().budget(), 512 << 20);
    assert!(!preferences.animations);
    for theme in [egui::Theme::Dark, egui::Theme::Light] {
        assert_eq!(harness.ctx.style_of(theme).animation_time, 0.);
    }
    send(&mut harness, Command::AddText("x".to_owned()));
    send(&mut harness, Command::Undo);
    send(&mut harness, Command::Undo);
    assert_eq!(harness.state().state().preferences, preferences);
    // The keyboard's zoom becomes the preference.
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num0);
    settle(&mut harness);
    assert_eq!(harness.state().state().preferences.scale, 100);
    click(&mut harness, "Animations");
    assert!(harness.ctx.style_of(egui::Theme::Dark).animation_time > 0.);
}
