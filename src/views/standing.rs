//! How high a cosine is for the model: measured once on unrelated texts.

use egui::{ProgressBar, Ui};

use super::ViewContext;
use super::subject::note_ui;
use crate::app::command::Command;
use crate::engine::{CalibrationKey, CalibrationState};
use crate::widgets::bar_ui;
use crate::widgets::theme::SPACE_SMALL;

/// In points.
const BAR: f32 = 260.;

/// What is missing until the scale of `cos` is there: a button that measures it, or how far that is.
pub fn calibrate_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    cos: &str,
    (key, state): (CalibrationKey, CalibrationState),
) {
    if let CalibrationState::Running(done, all) = state {
        let text = format!("{done} of {all} texts");
        if progress_ui(ui, (done, all), text) {
            cx.send(Command::StopCalibrating);
        }
        return;
    }
    if let CalibrationState::Failed(problem) = &state {
        ui.colored_label(cx.theme.error(), format!("Not calibrated: {problem}"));
    }
    ui.horizontal_wrapped(|ui| {
        let wanted = matches!(
            state,
            CalibrationState::Missing | CalibrationState::Failed(_)
        );
        let button = ui.add_enabled(wanted, egui::Button::new("Calibrate"));
        if button.clicked() {
            cx.send(Command::Calibrate(key));
        }
        let what =
            format!("How high is {cos} for this model? Measures it once on unrelated texts.");
        note_ui(ui, what);
    });
    // In a narrow panel the note goes on below the button, where it would run into what follows.
    ui.add_space(SPACE_SMALL);
}

/// A bar with a button to give up; true when that was clicked.
pub fn progress_ui(ui: &mut Ui, (done, all): (usize, usize), text: String) -> bool {
    let row = ui.horizontal_wrapped(|ui| {
        let share = done as f32 / all.max(1) as f32;
        // The button should stay beside it in a narrow panel.
        let width = BAR.min(ui.available_width() - 72.).max(80.);
        let bar = ProgressBar::new(share).desired_width(width);
        bar_ui(ui, bar.text(text));
        ui.button("Cancel").clicked()
    });
    row.inner
}
