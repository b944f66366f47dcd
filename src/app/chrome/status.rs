//! The line at the bottom, and the card for a model that does not load.

use egui::{Align, Layout, ProgressBar, RichText, Ui};

use crate::app::command::Command;
use crate::app::export::report::Run;
use crate::engine::{Engine, LoadState};
use crate::model::ModelRef;
use crate::model::source::Progress;
use crate::views::TextView;
use crate::widgets::bar_ui;
use crate::widgets::theme::{SPACE, Theme};

/// Where models run.
pub fn device_name(engine: &Engine) -> &'static str {
    match engine.device().is_cpu() {
        true => "CPU",
        false => "GPU",
    }
}

/// What runs, how much is held, and the way to the log.
pub fn status_ui(
    ui: &mut Ui,
    engine: &Engine,
    shown: &[TextView],
    (latency, report): (Option<std::time::Duration>, Option<&Run>),
    unread: usize,
    commands: &mut Vec<Command>,
) {
    ui.horizontal(|ui| {
        match engine.load_state() {
            LoadState::Running { reference, progress } => {
                loading_ui(ui, &reference, progress.as_ref(), commands);
            }
            _ => {
                ui.weak(match engine.calibrating() {
                    Some((done, all)) => format!("calibrating: {done} of {all} background texts"),
                    None if engine.busy() => computing(shown),
                    None => "ready".to_owned(),
                });
            }
        }
        if let Some(run) = report {
            ui.separator();
            report_ui(ui, run, commands);
        }
        ui.separator();
        messages_ui(ui, unread, commands);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let megabytes = engine.bytes() as f64 / 1e6;
            ui.weak(format!("{megabytes:.0} MB of traces"));
            if let Some(latency) = latency {
                ui.separator();
                let text = format!("{:.1} ms", latency.as_secs_f64() * 1e3);
                ui.weak(text).on_hover_text("Tokenization, forward pass and pooling of the shown text, with every site recorded");
            }
            ui.separator();
            ui.weak(device_name(engine));
        });
    });
}

/// From so many texts on, how many of them are done is worth saying.
const MANY: usize = 10;

fn computing(shown: &[TextView]) -> String {
    let done = |text: &&TextView| text.current || text.error.is_some();
    let (done, all) = (shown.iter().filter(done).count(), shown.len());
    match all - done >= MANY {
        true => format!("computing: {done} of {all} texts"),
        false => "computing…".to_owned(),
    }
}

/// A report under way, with its progress and a way out.
fn report_ui(ui: &mut Ui, run: &Run, commands: &mut Vec<Command>) {
    let (done, all) = run.progress();
    let share = done as f32 / all.max(1) as f32;
    let text = format!("Report: {done} of {all} pictures");
    bar_ui(ui, ProgressBar::new(share).desired_width(200.).text(text));
    let button = ui.small_button("Cancel");
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Cancel the report"));
    if button.clicked() {
        commands.push(Command::CancelReport);
    }
    ui.ctx()
        .request_repaint_after(std::time::Duration::from_millis(100));
}

/// A load under way, with its progress and a way out.
pub fn loading_ui(
    ui: &mut Ui,
    reference: &ModelRef,
    progress: Option<&Progress>,
    commands: &mut Vec<Command>,
) {
    ui.label(format!("Loading {reference}"));
    if let Some(progress) = progress {
        let megabytes = progress.bytes as f64 / 1e6;
        let text = match progress.total {
            Some(total) => format!(
                "{}: {megabytes:.1} of {:.1} MB",
                progress.file,
                total as f64 / 1e6
            ),
            None => format!("{}: {megabytes:.1} MB", progress.file),
        };
        let share = progress.total.filter(|&total| total > 0);
        let share = share.map_or(0., |total| progress.bytes as f32 / total as f32);
        bar_ui(ui, ProgressBar::new(share).desired_width(260.).text(text));
    }
    if ui.small_button("Cancel").clicked() {
        commands.push(Command::CancelLoad);
    }
}

/// The way to the log, and how much of it is new. New notices themselves are beside the inspector.
fn messages_ui(ui: &mut Ui, unread: usize, commands: &mut Vec<Command>) {
    let text = match unread {
        0 => "Messages".to_owned(),
        count => format!("Messages ({count})"),
    };
    let button = ui.button(text).on_hover_text("Opens the log");
    if button.clicked() {
        commands.push(Command::ShowLog(true));
    }
}

/// Why a model did not load and what can be done; the last good one stays in use behind it.
pub fn failed_ui(
    ui: &mut Ui,
    reference: &ModelRef,
    error: &str,
    in_use: Option<&str>,
    commands: &mut Vec<Command>,
) {
    let theme = Theme::of(ui);
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(
            RichText::new(format!("{reference} cannot be used"))
                .strong()
                .color(theme.error()),
        );
        ui.label(error);
        if let Some(id) = in_use {
            ui.weak(format!("{id} stays in use."));
        }
        ui.add_space(SPACE / 2.);
        ui.horizontal_wrapped(|ui| {
            if ui.button("Try again").clicked() {
                commands.push(Command::OpenModel(reference.clone()));
            }
            if ui.button("Open another model…").clicked() {
                commands.push(Command::AskModelFolder);
            }
            if ui.button("Copy message").clicked() {
                commands.push(Command::Copy(format!("{reference}: {error}")));
            }
            if ui.button("Dismiss").clicked() {
                commands.push(Command::DismissError);
            }
        });
    });
}
