//! Session files, what comes in by paste and by table, the log and the preferences.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "support/window.rs"]
mod window_support;

#[path = "session/format.rs"]
mod format;
#[path = "session/imports.rs"]
mod imports;
#[path = "session/replay.rs"]
mod replay;
#[path = "session/saving.rs"]
mod saving;
#[path = "session/windows.rs"]
mod windows;

use std::path::Path;

use egui_kittest::Harness;
use embedscope::app::App;
use embedscope::model::ModelRef;
use window_support::{send, settle};

fn tiny(name: &str) -> ModelRef {
    ModelRef::Folder(models::fixtures().join("tiny").join(name))
}

fn open() -> Harness<'static, App> {
    window_support::open(tiny("plain"), [1280., 800.])
}

fn texts(harness: &Harness<'_, App>) -> Vec<String> {
    let texts = harness.state().state().texts.iter();
    texts.map(|text| text.text.clone()).collect()
}

#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

fn drop_file(harness: &mut Harness<'_, App>, path: &Path) {
    drop_files(harness, &[path]);
}

/// In one go, as a desktop does it.
fn drop_files(harness: &mut Harness<'_, App>, paths: &[&Path]) {
    for path in paths {
        let file = std::sync::Arc::new(Dropped((*path).to_owned()));
        harness.input_mut().dropped_files.push(file);
    }
    settle(harness);
}

/// Drags files over the window; with none, out of it again.
fn hover(harness: &mut Harness<'_, App>, paths: &[&Path]) {
    let file = |path: &&Path| egui::HoveredFile {
        path: Some((*path).to_owned()),
        ..egui::HoveredFile::default()
    };
    harness.input_mut().hovered_files = paths.iter().map(file).collect();
    settle(harness);
}
