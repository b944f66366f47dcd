//! Session files, what comes in by paste and by table, the log and the preferences.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

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
use std::time::{Duration, Instant};

use candle_core::Device;
use egui_kittest::Harness;
use embedscope::app::command::Command;
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;

const PATIENCE: Duration = Duration::from_secs(60);

fn tiny(name: &str) -> ModelRef {
    ModelRef::Folder(models::fixtures().join("tiny").join(name))
}

fn open() -> Harness<'static, App> {
    let options = WindowOptions {
        model: Some(tiny("plain")),
        device: Device::Cpu,
    };
    let mut harness = Harness::builder()
        .with_size([1280., 800.])
        .build_eframe(|cc| App::new(&cc.egui_ctx, None, options));
    settle(&mut harness);
    harness
}

/// Steps until everything is computed and stays so.
fn settle(harness: &mut Harness<'_, App>) {
    let end = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 4 {
        assert!(Instant::now() < end, "the window did not settle");
        harness.step();
        match harness.state().engine().busy() {
            true => {
                quiet = 0;
                std::thread::sleep(Duration::from_millis(2));
            }
            false => quiet += 1,
        }
    }
}

fn send(harness: &mut Harness<'_, App>, command: Command) {
    harness.state_mut().send(command);
    settle(harness);
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
    let file = std::sync::Arc::new(Dropped(path.to_owned()));
    harness.input_mut().dropped_files.push(file);
    settle(harness);
}
