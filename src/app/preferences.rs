//! What a person prefers for all work: neither undone nor part of a session.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::state::ThemeChoice;
use crate::engine::TRACE_BUDGET;

/// Persisted with the state, and left alone by undo and by sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub theme: ThemeChoice,
    /// MiB of traces that are kept.
    pub budget: usize,
    /// Size of everything, in percent.
    pub scale: u16,
    /// Whether what opens, closes and fades takes its time.
    pub animations: bool,
    /// Session files that were saved or opened, newest first.
    pub recent: Vec<PathBuf>,
    /// Whether the tour was offered already.
    pub tour_seen: bool,
    /// Whether the list of texts is beside the panels.
    pub texts: bool,
    /// The same of the inspector; none for where there is room.
    pub inspector: Option<bool>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            budget: TRACE_BUDGET >> 20,
            scale: 100,
            animations: true,
            recent: Vec::new(),
            tour_seen: false,
            texts: true,
            inspector: None,
        }
    }
}

impl Preferences {
    pub const SCALES: std::ops::RangeInclusive<u16> = 75..=250;
    /// How many recent sessions are remembered.
    pub const MOST_RECENT: usize = 10;

    /// The nearest scale that is offered.
    pub fn set_scale(&mut self, percent: u16) {
        self.scale = percent.clamp(*Self::SCALES.start(), *Self::SCALES.end());
    }

    /// Puts a session file in front of the recent ones.
    pub fn remember(&mut self, file: &Path) {
        self.forget(file);
        self.recent.insert(0, file.to_owned());
        self.recent.truncate(Self::MOST_RECENT);
    }

    pub fn forget(&mut self, file: &Path) {
        self.recent.retain(|known| known != file);
    }
}

/// The smallest window, in points: a screen of 1440 × 900 at 200 % shows 720 × 450.
pub const SMALLEST: [f32; 2] = [640., 400.];

/// How the window's size of everything stands: it also changes by egui's own shortcuts.
#[derive(Default)]
pub struct Look {
    /// Percent, as last seen.
    seen: Option<u16>,
    /// Percent that was asked for and is not there yet.
    asked: Option<u16>,
    animations: Option<bool>,
}

impl Look {
    /// Makes the window look as preferred. A scale chosen with the keyboard becomes the preference.
    pub fn follow(&mut self, ctx: &egui::Context, preferences: &mut Preferences) {
        ctx.set_theme(match preferences.theme {
            ThemeChoice::System => egui::ThemePreference::System,
            ThemeChoice::Light => egui::ThemePreference::Light,
            ThemeChoice::Dark => egui::ThemePreference::Dark,
        });
        self.follow_scale(ctx, preferences);
        if self.animations != Some(preferences.animations) {
            self.animations = Some(preferences.animations);
            crate::widgets::style::animate(ctx, preferences.animations);
        }
    }

    fn follow_scale(&mut self, ctx: &egui::Context, preferences: &mut Preferences) {
        let now = (ctx.zoom_factor() * 100.).round() as u16;
        if self.seen.is_some_and(|seen| seen != now) && self.asked.take() != Some(now) {
            preferences.set_scale(now);
        }
        if self.seen.is_some_and(|seen| seen != now) {
            // The system keeps it in pixels.
            ctx.send_viewport_cmd(egui::ViewportCommand::MinInnerSize(SMALLEST.into()));
        }
        self.seen = Some(now);
        preferences.set_scale(preferences.scale);
        let wanted = preferences.scale;
        if wanted != now && self.asked != Some(wanted) {
            self.asked = Some(wanted);
            ctx.set_zoom_factor(f32::from(wanted) / 100.);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_files_are_few_and_each_is_there_once() {
        let mut preferences = Preferences::default();
        for i in 0..20 {
            preferences.remember(Path::new(&format!("/{}", i % 15)));
        }
        assert_eq!(preferences.recent.len(), Preferences::MOST_RECENT);
        assert_eq!(preferences.recent[0], Path::new("/4"));
        preferences.remember(Path::new("/2"));
        let twos = preferences.recent.iter().filter(|p| p.ends_with("2"));
        assert_eq!(twos.count(), 1);
        assert_eq!(preferences.recent[0], Path::new("/2"));
    }

    /// Frames with egui's own handling of the zoom, as the window has it.
    fn frame(ctx: &egui::Context, look: &mut Look, preferences: &mut Preferences) {
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            look.follow(ui.ctx(), preferences)
        });
        // Nothing is drawn here.
        output.textures_delta.clear();
    }

    #[test]
    fn the_scale_follows_the_preference_and_the_preference_the_keyboard() {
        let ctx = egui::Context::default();
        let (mut look, mut preferences) = (Look::default(), Preferences::default());
        preferences.scale = 150;
        for _ in 0..3 {
            frame(&ctx, &mut look, &mut preferences);
        }
        assert_eq!((ctx.zoom_factor(), preferences.scale), (1.5, 150));
        egui::gui_zoom::zoom_in(&ctx);
        for _ in 0..3 {
            frame(&ctx, &mut look, &mut preferences);
        }
        assert_eq!(preferences.scale, 160);
        // What egui would let through is held within what can be read.
        ctx.set_zoom_factor(0.3);
        for _ in 0..4 {
            frame(&ctx, &mut look, &mut preferences);
        }
        assert_eq!((ctx.zoom_factor(), preferences.scale), (0.75, 75));
    }
}
