//! What is told of the stage that the walk is at, below the spine.

use egui::{Align, Button, Layout, RichText, Ui, Vec2, vec2};

use super::spine::SpineInput;
use crate::app::command::Command;
use crate::app::told::{Subject, told};
use crate::app::walk::{Stage, WalkCommand};
use crate::engine::Derived;
use crate::widgets::theme::{SPACE_SMALL, Theme};

/// Room for the longest sentence, whatever is told: nothing below the strip jumps. Two lines, and more of
/// them in a narrow window.
pub fn height(width: f32) -> f32 {
    const LINE: f32 = 16.;
    let lines = match width {
        width if width < 620. => 4.,
        width if width < 860. => 3.,
        _ => 2.,
    };
    lines * LINE + 6.
}
/// Wide enough for the widest sign: what stands beside “play” stays where it is when it becomes “pause”.
const BUTTON: Vec2 = vec2(30., 24.);

/// The sentence of the stage.
#[derive(Default)]
pub struct Telling {
    sentence: Derived<Subject, (Stage, String)>,
}

impl Telling {
    /// Paints the strip.
    pub fn strip_ui(&mut self, ui: &mut Ui, input: &mut SpineInput<'_>) {
        let stages = Stage::all(input.model);
        let stage = input.walk.stage(input.state.layer, &stages);
        let at = stage.and_then(|stage| stages.iter().position(|s| *s == stage));
        let width = ui.available_width();
        let size = vec2(width, height(width));
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_height(size.y);
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            let last = stages.len() - 1;
            self.buttons_ui(ui, input, at != Some(0), at != Some(last));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if button_ui(ui, "✕", "Close the walk", true) {
                    input.commands.push(Command::Walk(WalkCommand::Close));
                }
                ui.weak(at.map_or(String::new(), |at| {
                    format!("{} of {}", at + 1, stages.len())
                }));
                ui.add_space(SPACE_SMALL);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    self.sentence_ui(ui, input, stage);
                });
            });
        });
    }

    fn buttons_ui(&self, ui: &mut Ui, input: &mut SpineInput<'_>, back: bool, on: bool) {
        let playing = input.walk.is_playing();
        let (sign, name) = match playing {
            true => ("⏸", "Pause"),
            false => ("▶", "Play"),
        };
        for (sign, name, enabled, command) in [
            ("‹", "Previous stage", back, WalkCommand::Back),
            (sign, name, true, WalkCommand::Toggle),
            ("›", "Next stage", on, WalkCommand::Forward),
        ] {
            if button_ui(ui, sign, name, enabled) {
                input.commands.push(Command::Walk(command));
            }
        }
        ui.add_space(SPACE_SMALL);
    }

    fn sentence_ui(&mut self, ui: &mut Ui, input: &SpineInput<'_>, stage: Option<Stage>) {
        let Some(stage) = stage else {
            ui.weak("The panel in front shows no single stage.");
            return;
        };
        let traces = input
            .a
            .and_then(|a| a.trace.clone())
            .zip(input.b.and_then(|b| b.trace.clone()));
        let Some((a, b)) = traces else {
            ui.label(RichText::new(stage.title()).strong());
            return;
        };
        let (state, model) = (input.state, input.model.clone());
        let subject = Subject {
            stage,
            a,
            b,
            mode: state.pooling.unwrap_or(model.head.pooling()[0]),
            options: model.options_with(state.pooling, state.truncate_dim),
        };
        let job = subject.clone();
        let shown = self.sentence.get(input.engine, &subject, move |_| {
            (job.stage, told(&model, &job))
        });
        // Until the sentence of this stage is made, the one of the stage before stays under its own name.
        let (told, current) =
            shown.map_or((None, true), |shown| (Some(shown.value), shown.current));
        let named = told.as_deref().map_or(stage, |told| told.0);
        if !current {
            ui.multiply_opacity(Theme::of(ui).stale_alpha());
        }
        // A sentence names its stage only for layers.
        if named.layer().is_none() {
            ui.label(RichText::new(named.title()).strong());
        }
        if let Some(told) = told {
            ui.add(egui::Label::new(told.1.as_str()).wrap());
        }
    }
}

fn button_ui(ui: &mut Ui, sign: &str, name: &str, enabled: bool) -> bool {
    let response = ui.add_enabled(enabled, Button::new(sign).min_size(BUTTON));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    response.on_hover_text(name).clicked()
}
