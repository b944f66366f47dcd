//! Saving and opening in the window.

use std::path::{Path, PathBuf};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::layout::Layout;
use embedscope::app::session::Session;
use embedscope::app::state::{Focus, State, ThemeChoice};
use embedscope::trace::PoolingMode;

use super::{drop_file, open, send, settle, texts, tiny};

/// Everything that a session replays, as it can be compared.
fn seen(harness: &Harness<'_, App>) -> (State, Layout) {
    let app = harness.state();
    (app.state().clone(), app.layout().clone())
}

fn assert_same(found: &(State, Layout), expected: &(State, Layout)) {
    // Names are never used twice, so the next one stays ahead; preferences stay the person's.
    let state = found.0.clone().preferred_as(&expected.0);
    let expected_state = expected.0.clone().preferred_as(&state);
    assert_eq!(state, expected_state);
    assert!(found.1.tree == expected.1.tree, "the layout differs");
    assert_eq!(found.1.workspace, expected.1.workspace);
}

/// Work that differs from the start in texts, model, recipe, place and layout.
fn work(harness: &mut Harness<'_, App>) {
    send(harness, Command::OpenModel(tiny("relu_dense")));
    send(harness, Command::SetReference(Some(tiny("plain"))));
    let lines = ["the cat", "the dog", "a mat"].map(str::to_owned);
    send(harness, Command::SetTexts(lines.to_vec()));
    let ids: Vec<_> = harness.state().state().texts.iter().map(|t| t.id).collect();
    send(harness, Command::Against(Some(ids[2])));
    send(harness, Command::Pair(ids[0], ids[2]));
    send(harness, Command::SetPooling(Some(PoolingMode::Max)));
    send(harness, Command::SetTruncateDim(Some(8)));
    send(harness, Command::ShowWorkspace(1));
    send(harness, Command::ShowPanel("embedding"));
    send(harness, Command::SelectLayer(1));
    send(harness, Command::Lock(Focus::token(ids[0], 1)));
}

fn saved(harness: &mut Harness<'_, App>, folder: &Path) -> PathBuf {
    let path = folder.join("work.embedscope.json");
    send(harness, Command::SaveSessionAs(path.clone()));
    harness.get_by_label_contains("Saved the session as");
    assert!(path.is_file());
    path
}

#[test]
fn a_session_opens_to_the_same_work_and_one_undo_brings_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = open();
    work(&mut harness);
    let path = saved(&mut harness, folder.path());
    let first = seen(&harness);
    let hashes = |harness: &Harness<'_, App>| {
        let engine = harness.state().engine();
        (
            engine.model().unwrap().hash.clone(),
            engine.reference().unwrap().hash.clone(),
        )
    };
    let models = hashes(&harness);

    // A window of somebody else, with other work and other preferences.
    let mut harness = open();
    send(&mut harness, Command::SetTheme(ThemeChoice::Dark));
    send(&mut harness, Command::AddText("mine".to_owned()));
    send(&mut harness, Command::ShowWorkspace(2));
    let before = seen(&harness);
    let mine = harness.state().engine().model().unwrap().hash.clone();
    send(&mut harness, Command::OpenSession(path.clone()));
    assert_same(&seen(&harness), &first);
    assert_eq!(hashes(&harness), models, "both models are the session's");
    let state = harness.state().state();
    assert_eq!(state.preferences.theme, ThemeChoice::Dark);
    assert_eq!(state.preferences.recent, std::slice::from_ref(&path));
    assert!(harness.state().shown().iter().all(|text| text.current));
    assert!(harness.query_by_label_contains("is not the one").is_none());

    send(&mut harness, Command::Undo);
    assert_same(&seen(&harness), &before);
    assert_eq!(harness.state().engine().model().unwrap().hash, mine);
    assert_eq!(
        harness.state().title(),
        "embedscope",
        "this work was in no file"
    );
    send(&mut harness, Command::Redo);
    assert_same(&seen(&harness), &first);
    assert_eq!(harness.state().title(), "work.embedscope.json — embedscope");
}

#[test]
fn the_title_tells_the_file_and_whether_the_work_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = open();
    assert_eq!(harness.state().title(), "embedscope");
    // With no file yet, saving asks for one.
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    settle(&mut harness);
    harness.get_by_label("Save the session");
    harness.get_by_label("Cancel").click();
    settle(&mut harness);
    let path = saved(&mut harness, folder.path());
    let clean = "work.embedscope.json — embedscope";
    let edited = "● work.embedscope.json (edited) — embedscope";
    assert_eq!(harness.state().title(), clean);
    send(&mut harness, Command::SelectLayer(1));
    send(&mut harness, Command::SetTheme(ThemeChoice::Dark));
    assert_eq!(
        harness.state().title(),
        clean,
        "looking and preferring are no edits"
    );
    send(&mut harness, Command::ShowPanel("attention"));
    assert_eq!(harness.state().title(), clean, "so is another tab");
    // Where the panels stand is in the file.
    send(&mut harness, Command::ShowWorkspace(1));
    assert_eq!(harness.state().title(), edited);
    send(&mut harness, Command::ShowWorkspace(0));
    assert_eq!(harness.state().title(), clean);
    send(&mut harness, Command::AddText("new".to_owned()));
    assert_eq!(harness.state().title(), edited);
    send(&mut harness, Command::Undo);
    assert_eq!(harness.state().title(), clean);
    send(&mut harness, Command::Redo);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    settle(&mut harness);
    assert_eq!(harness.state().title(), clean);
    let read = Session::read(&path).unwrap().state;
    assert_eq!(read.texts.last().unwrap().text, "new");
}

#[test]
fn another_model_than_the_sessions_is_told_and_stays_on_screen() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = open();
    work(&mut harness);
    let path = saved(&mut harness, folder.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let hash = harness.state().engine().model().unwrap().hash.clone();
    std::fs::write(&path, text.replace(&*hash, "0123456789abcdef")).unwrap();
    let mut harness = open();
    send(&mut harness, Command::OpenSession(path.clone()));
    let told = "work.embedscope.json: the model";
    harness.get_by_label_contains(told);
    harness.get_by_label_contains("then it was 0123456789abcdef");
    assert_eq!(
        texts(&harness),
        ["the cat", "the dog", "a mat"],
        "it opens all the same"
    );
    // Dismissed, it is still in the log.
    while let Some(newest) = harness.query_by_label("Dismiss message 1") {
        newest.click();
        settle(&mut harness);
    }
    assert!(harness.query_by_label_contains(told).is_none());
    send(&mut harness, Command::ShowLog(true));
    harness.get_by_label_contains(told);
}

#[test]
fn a_damaged_session_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.embedscope.json");
    let mut harness = open();
    let whole = saved(&mut harness, folder.path());
    let text = std::fs::read_to_string(whole).unwrap();
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    let before = seen(&harness);
    send(&mut harness, Command::OpenSession(path.clone()));
    harness.get_by_label_contains("half.embedscope.json: ends in the middle, at line");
    assert_same(&seen(&harness), &before);
    assert_eq!(harness.state().state().session, before.0.session);
    send(
        &mut harness,
        Command::OpenSession(folder.path().join("gone.embedscope.json")),
    );
    harness.get_by_label_contains("gone.embedscope.json: cannot be read: there is no such file");
    assert_same(&seen(&harness), &before);
}

#[test]
fn a_dropped_session_opens_and_other_files_still_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = open();
    work(&mut harness);
    let path = saved(&mut harness, folder.path());
    let first = seen(&harness);
    let mut harness = open();
    drop_file(&mut harness, &path);
    assert_same(&seen(&harness), &first);
    let list = folder.path().join("list.txt");
    std::fs::write(&list, "one\ntwo\n").unwrap();
    drop_file(&mut harness, &list);
    assert_eq!(texts(&harness), ["one", "two"]);
    let big = folder.path().join("big.embedscope.json");
    std::fs::File::create(&big)
        .unwrap()
        .set_len(150_000_000)
        .unwrap();
    drop_file(&mut harness, &big);
    harness.get_by_label_contains("is 150 MB, and session files are 100 MB at most");
    drop_file(&mut harness, &folder.path().join("gone.txt"));
    harness.get_by_label_contains("gone.txt: cannot be read");
    assert_eq!(texts(&harness), ["one", "two"]);
}

#[test]
fn the_command_line_opens_a_session_in_the_window_alone() {
    let run = |args: &[&str]| {
        let program = env!("CARGO_BIN_EXE_embedscope");
        let output = std::process::Command::new(program)
            .args(args)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), error)
    };
    let (code, error) = run(&["--session", "x.embedscope.json", "models"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--session opens in the window"), "{error}");
    let (code, error) = run(&["--session", "x.embedscope.json", "--model", "bundled"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("cannot be used with"), "{error}");
}
