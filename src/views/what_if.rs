//! The What-if panel: what the score would be if one of the texts said something else.

mod diff;
mod free;
mod kinds;
mod rows;
mod search;
mod work;

use std::sync::Arc;

use egui::{Button, RichText, Ui};

use super::compare::{Pair, Traced, four, pair_ui, same_text};
use super::recorded::Memo;
use super::scroll::beside_bar_ui;
use super::subject::{SameTrace, note_ui, section_ui, side_color};
use super::{Panel, View, ViewContext};
use crate::analysis::edits::rerun::{offer, parts};
use crate::analysis::edits::{Draft, Edit, Kind, propose};
use crate::app::command::Command;
use crate::app::state::{Side, TextId};
use crate::model::Prompt;
use crate::widgets::scrolled_ui;
use work::{Key, RunKey, Work};

pub static PANEL: Panel = Panel {
    id: "what_if",
    title: "What if",
    about: "What would the score be if one of the texts said something else? Each row is a real run of \
        the model on the edited text: a word deleted, hidden from attention and pool, or masked; two \
        words swapped; the sentence negated; another number, case or prompt; or your own words. Δcos is \
        the new cosine less the score. “Use” puts the edited text in place of the text. The search \
        looks for the fewest edits that carry the score across a threshold: it tries every single \
        edit first, then sets of them.",
    one_text: false,
    make: || Box::<WhatIfView>::default(),
};

/// Up to so many tokens, edits times length, the edits run by themselves.
const CHEAP: usize = 4_000;

#[derive(Default)]
struct WhatIfView {
    /// Every edit of a text.
    proposed: Memo<SameTrace, Arc<[Edit]>>,
    /// Those of the kinds that are on.
    chosen: Memo<(SameTrace, Vec<Kind>), Arc<[Edit]>>,
    rows: Work<RunKey, work::Rows>,
    free: free::Free,
    search: search::Search,
    origin: Option<Origin>,
    /// What was painted last, for the clipboard.
    sheet: Option<String>,
}

/// What the session said before an edit was used.
struct Origin {
    id: TextId,
    text: String,
    prompt: Prompt,
}

/// The text under edit, for one frame.
struct Bench<'a> {
    side: Side,
    edited: &'a Traced,
    key: Key,
    /// False while a newer trace is on its way: then nothing may be run or used.
    current: bool,
}

impl Bench<'_> {
    /// Without its prompt.
    fn text(&self) -> &str {
        parts(&self.edited.trace.tokens).1
    }
}

impl View for WhatIfView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let pair = pair_ui(ui, cx);
        let Some(pair) = pair else {
            self.forget();
            return;
        };
        let bench = bench(cx, &pair);
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            if pair.same() {
                note_ui(ui, same_text(cx));
                self.forget();
                return;
            }
            // In one row, so that nothing below moves when there is something to go back to.
            ui.horizontal_wrapped(|ui| {
                side_ui(ui, cx, &bench);
                self.origin_ui(ui, cx, &bench);
            });
            self.bench_ui(ui, cx, &bench);
        });
    }

    fn tsv(&self, _: &ViewContext<'_>) -> Option<String> {
        self.sheet.clone()
    }
}

impl WhatIfView {
    /// Nothing is shown, so nothing needs to be run.
    fn forget(&mut self) {
        self.sheet = None;
        self.rows.stop();
        self.free.stop();
        self.search.stop();
    }

    fn bench_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, bench: &Bench<'_>) {
        let edits = self.edits_ui(ui, cx, bench);
        let key = RunKey {
            of: bench.key.clone(),
            edits,
        };
        let cheap = key.edits.len() * bench.edited.trace.tokens.len() <= CHEAP;
        if cheap && bench.current && !self.rows.stopped(&key) {
            self.rows.ask(&key);
        }
        self.run_ui(ui, &key, bench);
        self.free.free_ui(ui, cx, bench);
        let mut used = self.search.search_ui(ui, cx, bench, &key);

        let free = self.free.rows(cx, bench);
        let shown = self.rows.get(cx.engine, &key, work::run(cx.model, &key));
        let title = format!("Edits of {}", bench.side.name());
        section_ui(
            ui,
            &title,
            "each a run of the model; Δcos is the new cosine less the score",
        );
        if let Some(problem) = self.rows.problem() {
            ui.colored_label(cx.theme.warning(), &*problem);
        }
        // Rows of another text are there only until the new ones come.
        let stale = shown.as_ref().is_some_and(|shown| !shown.current) || !bench.current;
        let coming = self.rows.asked(&key) || !bench.current;
        let of = shown.filter(|shown| shown.current || coming);
        let found: Vec<&Vec<work::Row>> = of
            .iter()
            .filter_map(|shown| shown.value.as_ref().as_ref().ok())
            .chain(free.iter().filter_map(|rows| rows.as_ref().as_ref().ok()))
            .collect();
        self.sheet = (!stale).then(|| rows::tsv(&found));
        used = rows::rows_ui(ui, cx, &found, !stale).or(used);
        if let Some(draft) = used.filter(|_| bench.current) {
            self.use_draft(cx, bench, &draft);
        }
    }

    /// Every edit that the text offers, and those that are to be run.
    fn edits_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, bench: &Bench<'_>) -> Arc<[Edit]> {
        let trace = bench.key.text.clone();
        let all = self.proposed.get(trace.clone(), || {
            let offer = offer(cx.model, &bench.edited.trace.tokens);
            propose(bench.text(), &offer, &Kind::PROPOSED).into()
        });
        let kinds = kinds::kinds_ui(ui, all);
        let chosen = self.chosen.get((trace, kinds.clone()), || {
            let on = |edit: &&Edit| kinds.contains(&edit.kind());
            all.iter().filter(on).cloned().collect()
        });
        chosen.clone()
    }

    /// Starts the runs, or says how far they are.
    fn run_ui(&mut self, ui: &mut Ui, key: &RunKey, bench: &Bench<'_>) {
        let count = key.edits.len();
        ui.horizontal_wrapped(|ui| {
            // As high with a button as without.
            ui.set_min_height(ui.spacing().interact_size.y);
            if self.rows.is_running(key) {
                self.rows.progress_ui(ui, "edits run");
                return;
            }
            if self.rows.is_ready(key) {
                note_ui(ui, format!("{} run", edits_of(count)));
                return;
            }
            let button = Button::new(format!("Run {}", edits_of(count)));
            let ready = bench.current && count > 0;
            if ui.add_enabled(ready, button).clicked() {
                self.rows.ask(key);
            }
            if count == 0 {
                note_ui(ui, "No edit of these kinds applies to this text.");
            }
        });
    }

    fn use_draft(&mut self, cx: &mut ViewContext<'_>, bench: &Bench<'_>, draft: &Draft) {
        let (id, text) = (bench.edited.id, bench.text().to_owned());
        if self.origin.as_ref().is_none_or(|origin| origin.id != id) {
            let prompt = cx.state.prompt.clone();
            self.origin = Some(Origin { id, text, prompt });
        }
        cx.send(Command::EditText(id, draft.text()));
        if let Some(prompt) = &draft.prompt {
            cx.send(Command::SetPrompt(prompt.clone()));
        }
    }

    /// The way back from edits that were used.
    fn origin_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, bench: &Bench<'_>) {
        let Some(origin) = self.origin.take_if(|origin| origin.id == bench.edited.id) else {
            return;
        };
        let same = origin.text == bench.text() && origin.prompt == cx.state.prompt;
        let mut back = false;
        if !same || !bench.current {
            back = back_ui(ui, &origin.text);
        }
        if back {
            cx.send(Command::EditText(origin.id, origin.text));
            if origin.prompt != cx.state.prompt {
                cx.send(Command::SetPrompt(origin.prompt));
            }
            return;
        }
        // Once the text is what it was, there is nothing to go back to.
        if !(same && bench.current) {
            self.origin = Some(origin);
        }
    }
}

fn bench<'a>(cx: &ViewContext<'_>, pair: &'a Pair) -> Bench<'a> {
    let side = cx.side;
    let (edited, other) = match side {
        Side::A => (&pair.a, &pair.b),
        Side::B => (&pair.b, &pair.a),
    };
    Bench {
        side,
        edited,
        current: pair.current(),
        key: Key {
            model: cx.model.hash.clone(),
            text: SameTrace(edited.trace.clone()),
            other: SameTrace(other.trace.clone()),
            pooling: cx.state.pooling,
            truncate: cx.state.truncate_dim,
        },
    }
}

/// Which of the two texts is edited, and the score so far.
fn side_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, bench: &Bench<'_>) {
    ui.label("Edit");
    for side in [Side::A, Side::B] {
        let name = RichText::new(side.name()).strong();
        let (color, on) = (side_color(cx.theme, side), side == bench.side);
        let button = match on {
            true => Button::new(name.color(cx.theme.on(color))).fill(color),
            false => Button::selectable(false, name.color(color)),
        };
        let button = ui.add(button);
        let title = format!("Edit text {}", side.name());
        button.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, &title));
        if button.on_hover_text(title).clicked() {
            cx.send(Command::View(side));
        }
    }
    match bench.key.score(cx.model) {
        Ok(score) => ui.label(RichText::new(format!("score {}", four(score))).monospace()),
        Err(problem) => ui.colored_label(cx.theme.warning(), &*problem),
    };
}

/// The button that leads back to `original`; short where the row has little room left.
fn back_ui(ui: &mut Ui, original: &str) -> bool {
    /// Room for the whole name.
    const WHOLE: f32 = 160.;
    let name = "Back to the original";
    let room = ui.available_size_before_wrap().x;
    let text = if room < WHOLE { "Back" } else { name };
    let button = ui.button(text);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let original = super::compare::shorten_to(original, 300);
    button.on_hover_text(format!("“{original}”")).clicked()
}

/// `1 edit`, `2 edits`.
fn edits_of(count: usize) -> String {
    format!("{count} edit{}", if count == 1 { "" } else { "s" })
}
