//! The Fine-tuning panel: steps of training on one's own pairs, watched as they happen.

mod curve;
mod paste;
mod plane;
mod settings;
mod table;

use std::sync::Arc;

use egui::{Align, Layout, RichText, Ui};

use super::compare::missing_ui;
use super::scroll::beside_bar_ui;
use super::{Panel, View, ViewContext};
use crate::engine::{LabRun, LabStage};
use crate::training::Check;
use crate::widgets::{SPACE_SMALL, counted, number, scrolled_ui};
use paste::Paste;
use plane::Plane;

pub static PANEL: Panel = Panel {
    id: "fine_tune",
    title: "Fine-tuning",
    about: "Training as it happens. Start takes some steps of contrastive training (InfoNCE with \
        AdamW) on a copy of the model, with the pairs of the Contrastive training panel and its \
        temperature: the pairs' vectors are drawn together and pushed away from all others. The curve \
        is the loss, the plane shows where each text was before (grey) and where it is now, and the \
        table what became of each pair's cosine. Pairs that are held out are not learned, only looked \
        at: when their loss rises while that of the learned pairs falls, the model learns by heart. \
        The model that you loaded never changes; use the tuned weights in every panel, go back to the \
        original ones, or save them as a folder.",
    one_text: false,
    make: || Box::<FineTuneView>::default(),
};

/// Curve and plane stand side by side where there is this much room, in points.
const BESIDE: f32 = 560.;

#[derive(Default)]
struct FineTuneView {
    paste: Paste,
    plane: Plane,
    /// What was painted last, for the clipboard.
    shown: Option<Arc<LabRun>>,
}

impl View for FineTuneView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let run = cx.engine.lab();
        self.shown = run.clone();
        settings::settings_ui(ui, cx, run.as_deref());
        ui.add_space(SPACE_SMALL);
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            missing_ui(ui, cx);
            match &run {
                Some(run) => self.run_ui(ui, cx, run),
                None => before_ui(ui, cx),
            }
            self.paste.paste_ui(ui, cx);
        });
    }

    fn tsv(&self, _: &ViewContext<'_>) -> Option<String> {
        table::tsv(self.shown.as_deref()?)
    }
}

impl FineTuneView {
    fn run_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, run: &LabRun) {
        if let LabStage::Failed(error) = &run.stage {
            ui.label(RichText::new(&**error).color(cx.theme.error()));
        }
        let (Some(first), Some(last)) = (run.checks.first(), run.checks.last()) else {
            if run.is_running() {
                ui.label("Looking at the pairs before the first step …");
            }
            return;
        };
        settings::after_ui(ui, cx, run);
        summary_ui(ui, cx, run, first, last);
        let plane = &mut self.plane;
        if ui.available_width() < BESIDE {
            curve::curve_ui(ui, cx, run);
            plane.plane_ui(ui, cx, run, first, last);
        } else {
            ui.columns(2, |uis| {
                // Columns stretch the lines of a text to their width unless told otherwise.
                let left = Layout::top_down(Align::LEFT);
                uis[0].with_layout(left, |ui| curve::curve_ui(ui, cx, run));
                uis[1].with_layout(left, |ui| plane.plane_ui(ui, cx, run, first, last));
            });
        }
        table::table_ui(ui, cx, run, first, last);
    }
}

/// What there is to do before the first run.
fn before_ui(ui: &mut Ui, cx: &ViewContext<'_>) {
    if let Err(why) = cx.state.order() {
        ui.label(why);
        return;
    }
    let (learned, held_out) = cx.state.split_pairs();
    let pairs = |count: usize| match count {
        1 => "1 pair".to_owned(),
        count => format!("{count} pairs"),
    };
    let file = match &cx.state.fine_tune.file {
        Some(_) => ", and those of the file",
        None => "",
    };
    ui.label(format!(
        "{} of the list to learn{file}; {} held out to see whether the model learns by heart. Start to \
         watch them move; the loaded model stays as it is.",
        pairs(learned),
        pairs(held_out)
    ));
}

/// Mean cosine of some pairs before and now.
fn means(first: &Check, last: &Check, pairs: std::ops::Range<usize>) -> Option<(f64, f64)> {
    let mean = |check: &Check| {
        let cosines = check.cosines.get(pairs.clone())?;
        (!cosines.is_empty()).then(|| cosines.iter().sum::<f64>() / cosines.len() as f64)
    };
    Some((mean(first)?, mean(last)?))
}

/// What became of the pairs, in words.
fn summary_ui(ui: &mut Ui, cx: &ViewContext<'_>, run: &LabRun, first: &Check, last: &Check) {
    let learned = run.plan.watched_learned();
    let all = last.cosines.len();
    let part = |name: &str, means: Option<(f64, f64)>| {
        means.map(|(before, now)| format!("{name} {} → {}", number(before), number(now)))
    };
    let parts = [
        part("learned pairs", means(first, last, 0..learned)),
        part("held-out pairs", means(first, last, learned..all)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    ui.label(RichText::new(format!("Mean cosine: {}", parts.join(", "))).strong());
    if let Some(step) = by_heart(run) {
        let text = format!(
            "The loss of the held-out pairs was lowest after {} and has risen since: from \
             there on the model learned these pairs by heart.",
            counted(step, "step")
        );
        ui.label(RichText::new(text).color(cx.theme.warning()));
    }
    ui.add_space(SPACE_SMALL);
}

/// How far a loss must rise above its lowest to count: less is the noise of a step.
const RISE: f64 = 0.05;

/// After how many steps the held-out loss was lowest, where it has clearly risen since.
fn by_heart(run: &LabRun) -> Option<usize> {
    let held_out = |check: &Arc<Check>| Some((check.step, check.held_out?));
    let losses: Vec<(usize, f64)> = run.checks.iter().filter_map(held_out).collect();
    let lowest = losses.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let last = losses.last()?;
    (last.1 > lowest.1 * (1. + RISE) && last.1 > lowest.1 + 0.01).then_some(lowest.0)
}
