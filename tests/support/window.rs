//! The whole window on a model, with no screen. Use it as `#[path = "support/window.rs"] mod window_support;`.
#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::time::{Duration, Instant};

use candle_core::Device;
use egui_kittest::{Harness, HarnessBuilder};
use embedscope::app::command::Command;
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;

/// Nothing that a test waits for takes this long; a test that would hang ends.
const PATIENCE: Duration = Duration::from_secs(120);

/// A window of this size in points, when everything of its first texts is there.
pub fn open(model: ModelRef, size: [f32; 2]) -> Harness<'static, App> {
    open_with(Harness::builder().with_size(size), model)
}

/// The tiny model of most tests, on a screen of common size.
pub fn open_tiny() -> Harness<'static, App> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny/plain");
    open(ModelRef::Folder(folder.into()), [1280., 800.])
}

/// The same as `builder` would have it.
pub fn open_with(builder: HarnessBuilder<App>, model: ModelRef) -> Harness<'static, App> {
    let options = WindowOptions {
        model: Some(model),
        device: Device::Cpu,
    };
    let mut harness = builder.build_eframe(|cc| App::new(&cc.egui_ctx, None, options));
    settle(&mut harness);
    harness
}

/// Steps until everything is computed, or has failed, and stays so.
pub fn settle(harness: &mut Harness<'_, App>) {
    let end = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 4 {
        assert!(
            Instant::now() < end,
            "the window did not settle in {PATIENCE:?}"
        );
        harness.step();
        let app = harness.state();
        let mut shown = app.shown().iter();
        let there = shown.all(|text| text.current || text.error.is_some());
        match there && !app.engine().busy() {
            true => quiet += 1,
            false => {
                quiet = 0;
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// What a menu or a key would do, until all that follows from it is there.
pub fn send(harness: &mut Harness<'_, App>, command: Command) {
    harness.state_mut().send(command);
    settle(harness);
}
