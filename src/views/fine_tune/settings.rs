//! What a run is to do, and what is done with its outcome.

use egui::{Button, DragValue, Label, ProgressBar, RichText, Slider, Ui};

use crate::app::command::{Command, LabCommand};
use crate::app::fine_tune::{FineTune, Rate};
use crate::engine::{LabRun, LabStage};
use crate::views::ViewContext;
use crate::widgets::{SPACE, bar_ui, counted, number};

/// In points.
const SLIDER: f32 = 100.;

/// Settings of the next run and its button; progress while one is under way.
pub fn settings_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, run: Option<&LabRun>) {
    let running = run.is_some_and(LabRun::is_running);
    ui.horizontal_wrapped(|ui| {
        match run.filter(|run| run.is_running()) {
            Some(run) => progress_ui(ui, cx, run),
            None => start_ui(ui, cx),
        }
        if !running {
            fields_ui(ui, cx);
        }
    });
    if !running {
        // A slider with its figure and its name does not wrap, so it has a line of its own.
        ui.horizontal(|ui| rate_ui(ui, cx));
    }
    file_ui(ui, cx, running);
}

fn start_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let order = cx.state.order();
    let button = ui.add_enabled(order.is_ok(), Button::new("Start"));
    let button = match &order {
        Ok(_) => button.on_hover_text("Trains a copy of the model in use, in the background"),
        Err(why) => button.on_disabled_hover_text(*why),
    };
    if button.clicked() {
        cx.send(Command::Lab(LabCommand::Start));
    }
}

fn progress_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, run: &LabRun) {
    if ui.button("Stop").clicked() {
        cx.send(Command::Lab(LabCommand::Stop));
    }
    let (done, steps) = (run.reports.len(), run.plan.settings.steps);
    let text = format!("step {done} of {steps}");
    let bar = ProgressBar::new(done as f32 / steps.max(1) as f32).text(text);
    bar_ui(ui, bar.desired_width(140.));
}

fn fields_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let mut settings = cx.state.fine_tune.clone();
    let steps = ui.label("Steps");
    let range = 1..=FineTune::MOST_STEPS;
    ui.add(DragValue::new(&mut settings.steps).range(range))
        .labelled_by(steps.id);
    let held_out = ui.label("Held-out pairs");
    ui.add(DragValue::new(&mut settings.held_out).range(0..=1000))
    .on_hover_text(
        "Pairs from the end of the list (of the file, where there is one) that are not learned, \
             only looked at",
    )
    .labelled_by(held_out.id);
    if settings != cx.state.fine_tune {
        cx.send(Command::SetFineTune(settings));
    }
}

fn rate_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let mut settings = cx.state.fine_tune.clone();
    let mut rate = settings.rate.value();
    ui.spacing_mut().slider_width = SLIDER;
    let slider = Slider::new(&mut rate, Rate::MIN..=Rate::MAX)
        .logarithmic(true)
        .custom_formatter(|rate, _| format!("{rate:.1e}"))
        .text("Learning rate");
    let about = "How far a step goes. Too small and nothing moves; too large and the model forgets \
                 everything else";
    if ui.add(slider).on_hover_text(about).changed() {
        settings.rate = Rate::new(rate);
        cx.send(Command::SetFineTune(settings));
    }
}

/// The file that more pairs come from.
fn file_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, running: bool) {
    if running {
        return;
    }
    ui.horizontal_wrapped(|ui| match cx.state.fine_tune.file.clone() {
        None => {
            let button = ui.button("Pairs from a file…");
            let about = "Two columns with a tab between them, one pair a line (.tsv, .tsv.gz)";
            if button.on_hover_text(about).clicked() {
                cx.send(Command::AskPairsFile);
            }
        }
        Some(file) => {
            let name = file.file_name().unwrap_or(file.as_os_str());
            let text = format!("and the pairs of {}", name.to_string_lossy());
            ui.label(text).on_hover_text(file.display().to_string());
            if ui.small_button("Without the file").clicked() {
                cx.send(Command::SetPairsFile(None));
            }
        }
    });
}

/// Which weights are in use, and what else can be done with the tuned ones.
pub fn after_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, run: &LabRun) {
    let Some(tuned) = &run.tuned else { return };
    let in_use = cx.model.hash == tuned.hash;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE;
        let seconds = run.elapsed.as_secs_f64();
        let done = run.reports.len();
        let stopped = match run.stage {
            LabStage::Stopped => "Stopped after",
            _ => "Done:",
        };
        let text = format!(
            "{stopped} {} in {} s.",
            counted(done, "step"),
            number(seconds)
        );
        ui.add(Label::new(RichText::new(text).color(cx.theme.secondary())).extend());
        let about = "Every panel then shows what the tuned model does";
        if ui
            .selectable_label(in_use, "Use the tuned weights")
            .on_hover_text(about)
            .clicked()
        {
            cx.send(Command::Lab(LabCommand::UseTuned(true)));
        }
        let original = cx.model.hash == run.original.hash;
        let about = "Takes the tuning back; the model as it was loaded";
        if ui
            .selectable_label(original, "Use the original weights")
            .on_hover_text(about)
            .clicked()
        {
            cx.send(Command::Lab(LabCommand::UseTuned(false)));
        }
        if ui.button("Save as a model…").clicked() {
            cx.send(Command::AskTunedFolder);
        }
    });
}
