//! What excites the neuron most, over many unrelated texts.

use std::sync::Arc;
use std::time::Duration;

use egui::{RichText, Ui};

use super::{Scene, ViewContext, title_ui};
use crate::analysis::background::Background;
use crate::analysis::job::Job;
use crate::analysis::neurons::{Excited, Exciters};
use crate::engine::Derived;
use crate::tokens::Tokens;
use crate::views::progress::Progress;
use crate::views::standing::progress_ui;
use crate::views::subject::note_ui;
use crate::widgets::theme::{SPACE, number};

/// Tokens that are kept of each neuron.
const SHOWN: usize = 10;
/// So many of the background's texts are enough to see what a neuron is about.
const TEXTS: usize = 400;
/// Tokens of context on either side.
const AROUND: usize = 5;

/// (model, layer, texts)
type Key = (Arc<str>, usize, Background);
type Found = Result<Exciters, String>;

pub(super) struct Unrelated {
    found: Derived<Key, Found>,
    /// What a person has asked for.
    asked: Option<Key>,
    /// Texts that are done, and all.
    progress: Progress,
}

impl Default for Unrelated {
    fn default() -> Self {
        Self {
            found: Derived::apart(),
            asked: None,
            progress: Progress::default(),
        }
    }
}

impl Unrelated {
    pub fn exciters_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene) {
        let neuron = scene.neuron;
        let title = format!("What excites neuron {neuron} in unrelated texts");
        title_ui(ui, cx, &title, scene.strongest_neuron);
        let background = cx.engine.background();
        let key: Key = (cx.model.hash.clone(), scene.layer, background);
        let count = key.2.texts().len().min(TEXTS);
        if self.asked.as_ref() != Some(&key) {
            self.found.stop();
            ui.horizontal_wrapped(|ui| {
                if ui.button("Search unrelated texts").clicked() {
                    self.asked = Some(key);
                }
                note_ui(
                    ui,
                    format!("Runs {count} texts up to this layer, once for all of its neurons."),
                );
            });
            return;
        }
        let (model, made, progress) = (cx.model.clone(), key.clone(), self.progress.clone());
        let shown = self.found.get(cx.engine, &key, move |cancel| {
            let mut report = progress.report();
            let texts = &made.2.texts()[..count];
            let mut job = Job::new(cancel, &mut report);
            Exciters::new(&model, texts, made.1, SHOWN, &mut job).map_err(|e| e.to_string())
        });
        match shown.filter(|shown| shown.current).map(|shown| shown.value) {
            Some(found) => match &*found {
                Ok(found) => found_ui(ui, cx, found, neuron),
                Err(problem) => {
                    ui.colored_label(cx.theme.error(), format!("Not searched: {problem}"));
                }
            },
            None => {
                let (done, all) = self.progress.read();
                if progress_ui(ui, (done, all), format!("{done} of {all} texts")) {
                    self.found.stop();
                    self.asked = None;
                }
                ui.ctx().request_repaint_after(Duration::from_millis(100));
            }
        }
    }
}

fn found_ui(ui: &mut Ui, cx: &ViewContext<'_>, found: &Exciters, neuron: usize) {
    egui::Grid::new("exciters")
        .num_columns(2)
        .spacing([SPACE, 2.])
        .show(ui, |ui| {
            for excited in found.of(neuron) {
                let Some(tokens) = found.texts.get(excited.text) else {
                    continue;
                };
                let act = RichText::new(number(excited.act.into()))
                    .monospace()
                    .small();
                ui.label(act)
                    .on_hover_text("ffn_act of the neuron at this token");
                let [before, own, after] = context(tokens, excited);
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 0.;
                    note_ui(ui, before);
                    let own = RichText::new(own).small().color(cx.theme.accent()).strong();
                    ui.label(own).on_hover_text(&*tokens.text);
                    note_ui(ui, after);
                });
                ui.end_row();
            }
        });
    let texts = found.texts.len();
    note_ui(
        ui,
        format!(
            "The strongest of all tokens of {texts} texts by |ffn_act|, with what stands around them."
        ),
    );
}

/// What stands before the token, the token, and what stands after it.
fn context(tokens: &Tokens, excited: &Excited) -> [String; 3] {
    let (t, count) = (excited.token, tokens.len());
    if tokens.special.get(t).copied().unwrap_or(true) {
        let label = tokens.labels.get(t).cloned().unwrap_or_default();
        return [String::new(), label, format!(" of “{}”", tokens.text)];
    }
    let plain = |t: &usize| !tokens.special[*t];
    let from = (t.saturating_sub(AROUND)..t).find(plain).unwrap_or(t);
    let to = (t..count.min(t + AROUND + 1)).rfind(plain).unwrap_or(t);
    let slice = |from: usize, to: usize| tokens.text.get(from..to).unwrap_or("").to_owned();
    let (start, end) = tokens.offsets[t];
    let mut before = slice(tokens.offsets[from].0, start);
    let mut after = slice(end, tokens.offsets[to].1);
    if from > 0 && before.trim().len() > 1 && tokens.offsets[from].0 > 0 {
        before.insert(0, '…');
    }
    if tokens.offsets[to].1 < tokens.text.len() {
        after.push('…');
    }
    [before, slice(start, end), after]
}
