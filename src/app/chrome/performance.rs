//! The overlay that shows where time and memory go.

use std::time::Duration;

use egui::{Grid, RichText, ScrollArea, Ui, Window};

use crate::app::command::Command;
use crate::engine::Engine;
use crate::perf::{self, Stage};
use crate::widgets::entry_ui;
use crate::widgets::theme::{SPACE, Theme};

/// Choices of how much memory traces may take, in MiB.
pub const BUDGETS: [usize; 5] = [256, 512, 1024, 2048, 4096];

/// A floating list of stages; `open` is false once a person closes it.
pub fn performance_ui(
    ctx: &egui::Context,
    engine: &Engine,
    budget: usize,
    commands: &mut Vec<Command>,
) {
    perf::watch(true);
    let mut open = true;
    Window::new("Performance")
        .open(&mut open)
        .collapsible(false)
        .default_width(380.)
        .default_pos(ctx.content_rect().right_top() + egui::vec2(-420., 120.))
        .show(ctx, |ui| {
            memory_ui(ui, engine, budget, commands);
            ui.add_space(SPACE);
            stages_ui(ui, &perf::stages());
        });
    if !open {
        commands.push(Command::ShowPerformance(false));
    }
}

fn memory_ui(ui: &mut Ui, engine: &Engine, budget: usize, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        let held = engine.bytes() as f64 / f64::from(1 << 20);
        ui.label(format!("Traces hold {held:.0} of"));
        let mut chosen = budget;
        egui::ComboBox::from_id_salt("trace budget")
            .selected_text(format!("{chosen} MiB"))
            .show_ui(ui, |ui| {
                for choice in BUDGETS {
                    entry_ui(ui, &mut chosen, choice, format!("{choice} MiB"));
                }
            })
            .response
            .on_hover_text(
                "What is inside of layers gives way first: it is made again when it is looked at",
            );
        if chosen != budget {
            commands.push(Command::SetBudget(chosen));
        }
    });
}

fn stages_ui(ui: &mut Ui, stages: &[Stage]) {
    let theme = Theme::of(ui);
    ScrollArea::vertical().max_height(360.).show(ui, |ui| {
        Grid::new("stages")
            .striped(true)
            .num_columns(5)
            .show(ui, |ui| {
                for title in ["stage", "last", "median", "99%", "of"] {
                    ui.label(RichText::new(title).small().color(theme.secondary()));
                }
                ui.end_row();
                for stage in stages {
                    ui.label(&stage.name);
                    for time in [stage.last, stage.median, stage.slow] {
                        ui.label(RichText::new(milliseconds(time)).monospace());
                    }
                    ui.label(RichText::new(stage.count.to_string()).monospace());
                    ui.end_row();
                }
            });
    });
    let note = "Milliseconds of the last 256 times. Nothing is drawn while nothing changes, so a still window adds none.";
    ui.label(RichText::new(note).small().color(theme.secondary()));
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
