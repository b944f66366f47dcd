//! Saving by the dialog's field, which asks before it replaces anything.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::export::{Export, Format};

use super::{open, send, settle, texts};

/// Steps until `there`: the disk answers when it does.
fn wait(harness: &mut Harness<'_, App>, there: impl Fn(&Harness<'_, App>) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !there(harness) {
        assert!(Instant::now() < end, "it did not come");
        harness.step();
        std::thread::sleep(Duration::from_millis(2));
    }
    settle(harness);
}

fn asks(harness: &Harness<'_, App>) -> bool {
    harness.query_by_label_contains("Replace it?").is_some()
}

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).click();
    settle(harness);
}

/// Types a path in place of the one that is there, and saves by Enter.
fn save_as(harness: &mut Harness<'_, App>, path: &Path) {
    let field = harness.get_by_label("Path");
    field.focus();
    settle(harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.step();
    let path = path.display().to_string();
    harness.get_by_label("Path").type_text(&path);
    settle(harness);
    harness.key_press(Key::Enter);
    settle(harness);
}

#[test]
fn a_session_is_not_replaced_without_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.embedscope.json");
    let mut harness = open();
    send(&mut harness, Command::SaveSessionAs(path.clone()));
    wait(&mut harness, |_| path.exists());
    let first = std::fs::read_to_string(&path).unwrap();
    send(&mut harness, Command::AddText("one more".to_owned()));

    send(&mut harness, Command::AskSessionFile);
    click(&mut harness, "Save");
    wait(&mut harness, asks);
    harness.get_by_label("mine.embedscope.json is there already. Replace it?");
    assert!(harness.get_by_label("Keep it").is_focused());
    click(&mut harness, "Keep it");
    assert!(!asks(&harness));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);

    click(&mut harness, "Save");
    wait(&mut harness, asks);
    // Another path, and the question is no longer one.
    let other = folder.path().join("other");
    click(&mut harness, "Keep it");
    save_as(&mut harness, &other);
    let other = other.with_extension("embedscope.json");
    wait(&mut harness, |_| other.exists());
    assert!(harness.query_by_label("Save the session").is_none());

    send(&mut harness, Command::AskSessionFile);
    // Without its ending it is the same file.
    save_as(&mut harness, &folder.path().join("mine.embedscope.json"));
    wait(&mut harness, asks);
    click(&mut harness, "Replace");
    let changed = |_: &Harness<'_, App>| {
        let now = std::fs::read_to_string(&path).unwrap_or_default();
        now.contains("one more")
    };
    wait(&mut harness, changed);
    assert!(!asks(&harness));

    // The palette opens it again.
    let count = texts(&harness).len();
    send(&mut harness, Command::AddText("not saved".to_owned()));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    settle(&mut harness);
    harness
        .get_by_label("Find a command")
        .type_text("recent mine");
    settle(&mut harness);
    harness.get_by_label("Open recent session mine.embedscope.json");
    harness.key_press(Key::Enter);
    wait(&mut harness, |harness| texts(harness).len() == count);
}

#[test]
fn every_file_that_is_saved_is_asked_for_before_it_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = open();
    let table = Export {
        panel: "tokens",
        format: Format::Csv,
        part: 0,
    };
    for (command, typed, name) in [
        (Command::AskTraceFile, "t.safetensors", "t.safetensors"),
        (Command::AskPictureFile, "p.png", "p.png"),
        (Command::AskReportFile, "r.html", "r.html"),
        (Command::AskSessionFile, "s", "s.embedscope.json"),
        (Command::AskExport(table), "x", "x.csv"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, "mine").unwrap();
        send(&mut harness, command);
        save_as(&mut harness, &folder.path().join(typed));
        wait(&mut harness, asks);
        harness.get_by_label(&format!("{name} is there already. Replace it?"));
        harness.key_press(Key::Escape);
        wait(&mut harness, |harness| !asks(harness));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine", "{name}");
    }
}
