//! Panels with no window: painted, frame after frame, until nothing changes any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Ui, Vec2};

use super::offscreen::{Offscreen, Picture};
use super::{Content, Export};
use crate::app::App;
use crate::app::state::{State, ThemeChoice};
use crate::cancel::Cancel;
use crate::model::Model;

/// How long a panel may take until nothing changes any more: a long text through a large model takes
/// minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// The whole program without a window around it.
pub struct Headless {
    app: App,
    off: Offscreen,
    /// As on a screen: panels with their controls, at the size that they are given.
    screen: bool,
}

impl Headless {
    pub fn new(model: Arc<Model>, state: State) -> Self {
        let off = Offscreen::new(state.preferences.theme == ThemeChoice::Dark);
        let app = App::headless(off.ctx(), state, model);
        Self {
            app,
            off,
            screen: false,
        }
    }

    /// With so many pixels to a point, for what is made of pixels.
    pub fn scaled(self, scale: f32) -> Self {
        Self {
            off: self.off.scaled(scale),
            ..self
        }
    }

    /// Panels as a window shows them, with a pixel for each point.
    pub fn on_screen(self) -> Self {
        Self {
            off: self.off.scaled(1.),
            screen: true,
            ..self
        }
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// Light or dark from now on.
    pub fn set_theme(&mut self, theme: ThemeChoice) {
        self.app.state.preferences.theme = theme;
    }

    /// Paints a panel (or `window`) until all that it derives is there.
    ///
    /// # Errors
    /// Where that takes ten minutes, or the flag goes up.
    pub fn settle(&mut self, panel: &str, size: Vec2, cancel: &Cancel) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        let mut quiet = 0;
        // What one answer shows may call for another.
        while quiet < 4 {
            if cancel.is_cancelled() {
                return Err("cancelled".to_owned());
            }
            if Instant::now() > end {
                return Err("the panel did not settle within ten minutes".to_owned());
            }
            let (app, screen) = (&mut self.app, self.screen);
            self.off.pass(size, |ui| frame_ui(app, ui, panel, screen));
            quiet = match self.app.engine.busy() {
                true => {
                    std::thread::sleep(Duration::from_millis(3));
                    0
                }
                false => quiet + 1,
            };
        }
        Ok(())
    }

    /// The panel as it is, as high as it needs to be; the window, and what is on a screen, at its size.
    pub fn picture(&mut self, panel: &str, size: Vec2) -> Picture {
        let (app, screen) = (&mut self.app, self.screen);
        if screen || panel == "window" {
            let shapes = self.off.pass(size, |ui| frame_ui(app, ui, panel, screen));
            return self.off.picture(size, shapes);
        }
        self.off.whole(size, |ui| frame_ui(app, ui, panel, screen))
    }

    /// # Errors
    /// A sentence where the panel has no figures of this kind.
    pub fn figures(&mut self, export: Export) -> Result<Content, String> {
        self.app.figures(export)
    }
}

fn frame_ui(app: &mut App, ui: &mut Ui, panel: &str, screen: bool) {
    app.update(ui.ctx());
    match panel {
        "window" => app.window_ui(ui),
        panel if screen => app.single_ui(ui, panel),
        panel => app.picture_ui(ui, panel),
    }
}
