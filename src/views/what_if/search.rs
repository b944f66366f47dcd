//! The fewest edits that carry the score across a threshold.

use std::sync::Arc;

use egui::{Button, DragValue, ScrollArea, Ui};

use super::rows::{full, signed};
use super::work::{RunKey, Work};
use super::{Bench, edits_of};
use crate::analysis::edits::rerun::{parts, search_edits};
use crate::analysis::edits::search::{Goal, Limits, Outcome, Tried};
use crate::analysis::edits::{Draft, Edit, apply, searchable};
use crate::analysis::job::Job;
use crate::model::Model;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::recorded::Memo;
use crate::views::subject::{note_ui, section_ui};
use crate::widgets::counted;

/// The height of an answer, in points: two lines, the button, and how sure it is.
const ROOM: f32 = 84.;

#[derive(Clone, PartialEq)]
struct SearchKey {
    of: RunKey,
    threshold: f64,
}

/// What a search came to.
struct Answer {
    goal: Goal,
    outcome: Outcome,
    score: f64,
}

type Found = Result<Answer, Arc<str>>;

#[derive(Default)]
pub struct Search {
    work: Work<SearchKey, Found>,
    combined: Memo<Arc<[Edit]>, Arc<[Edit]>>,
    /// As a person has set it.
    threshold: Option<f64>,
}

impl Search {
    pub fn stop(&mut self) {
        self.work.stop();
    }

    /// Returns the draft that is to be used, where a person says so.
    pub fn search_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        bench: &Bench<'_>,
        of: &RunKey,
    ) -> Option<Draft> {
        let score = bench.key.score(cx.model).ok()?;
        section_ui(
            ui,
            "Fewest edits",
            "that carry the score across a threshold",
        );
        let threshold = self.threshold.unwrap_or_else(|| suggested(cx, score));
        let edits = self
            .combined
            .get(of.edits.clone(), || searchable(&of.edits).into());
        let key = SearchKey {
            of: RunKey {
                of: of.of.clone(),
                edits: edits.clone(),
            },
            threshold,
        };
        self.ask_ui(ui, bench, &key, score);
        let make = look(cx.model, &key);
        let shown = self.work.get(cx.engine, &key, make);
        // An answer comes to its own room: the table below it stays where it is.
        let area = ScrollArea::vertical()
            .id_salt("answer")
            .auto_shrink(false)
            .min_scrolled_height(ROOM)
            .max_height(ROOM);
        let answer = area.show(ui, |ui| match shown {
            Some(shown) if shown.current && bench.current => match &*shown.value {
                Ok(answer) => answer_ui(ui, bench, &key.of, answer),
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                    None
                }
            },
            _ => {
                let (edits, runs) = (edits_of(key.of.edits.len()), Limits::default().runs);
                note_ui(ui, format!("Sets of {edits}, in at most {runs} runs."));
                None
            }
        });
        answer.inner
    }

    fn ask_ui(&mut self, ui: &mut Ui, bench: &Bench<'_>, key: &SearchKey, score: f64) {
        ui.horizontal_wrapped(|ui| {
            let below = key.threshold <= score;
            let label = ui.label(if below { "Below" } else { "Above" });
            let mut threshold = key.threshold;
            let field = DragValue::new(&mut threshold)
                .range(-1.0..=1.0)
                .speed(0.002)
                .fixed_decimals(3);
            let response = ui.add(field).labelled_by(label.id);
            ui.ctx()
                .accesskit_node_builder(response.id, |node| node.set_label("Threshold"));
            if response
                .on_hover_text("The cosine to get across; drag or type")
                .changed()
            {
                self.threshold = Some(threshold);
            }
            if self.work.is_running(key) {
                self.work.progress_ui(ui, "runs");
                return;
            }
            let count = key.of.edits.len();
            let ready = bench.current && count > 0;
            if ui.add_enabled(ready, Button::new("Search")).clicked() {
                self.work.ask(key);
            }
        });
    }
}

/// Halfway to what unrelated texts reach, where that was measured; else a step down.
fn suggested(cx: &ViewContext<'_>, score: f64) -> f64 {
    const HIGH: f64 = 0.95;
    const STEP: f64 = 0.1;
    let known = cx
        .calibration_key()
        .and_then(|key| cx.engine.calibration(&key));
    let threshold = match known.map(|known| known.quantile(HIGH)) {
        Some(high) if high.is_finite() => 0.5 * (score + high),
        _ => score - STEP,
    };
    // As many decimals as can be seen.
    (threshold * 1000.).round().clamp(-1000., 1000.) / 1000.
}

fn look(
    model: &Arc<Model>,
    key: &SearchKey,
) -> impl FnOnce(&mut Job<'_>) -> Found + Send + 'static + use<> {
    let (model, key) = (model.clone(), key.clone());
    move |job| {
        let subject = key.of.of.subject(&model);
        let mut search = || {
            let score = subject.score()?;
            let goal = Goal::across(score, key.threshold);
            let limits = Limits::default();
            let outcome = search_edits(subject, &key.of.edits, goal, limits, job)?;
            Ok(Answer {
                goal,
                outcome,
                score,
            })
        };
        search().map_err(|error: crate::model::ModelError| error.to_string().into())
    }
}

/// The words for a search's end, and the button that uses what was found.
fn answer_ui(ui: &mut Ui, bench: &Bench<'_>, key: &RunKey, answer: &Answer) -> Option<Draft> {
    let text = parts(&bench.edited.trace.tokens).1;
    let Answer { goal, outcome, .. } = answer;
    let (sentence, tried) = match (&outcome.found, &outcome.nearest) {
        (Some(found), _) => (found_text(text, key, found, *goal), found),
        (None, Some(nearest)) => (none_text(text, key, nearest, answer), nearest),
        (None, None) => {
            ui.label("There is nothing to try.");
            return None;
        }
    };
    let edits: Vec<&Edit> = tried.edits.iter().map(|&edit| &key.edits[edit]).collect();
    let draft = apply(text, &edits).ok()?;
    ui.label(sentence).on_hover_text(full(&draft));
    let mut used = false;
    ui.horizontal_wrapped(|ui| {
        if outcome.found.is_some() {
            let usable = draft.hidden().is_empty();
            let button = ui.add_enabled(usable, Button::new("Use these edits"));
            used = button.on_hover_text(full(&draft)).clicked();
        }
        note_ui(ui, proof(outcome));
    });
    used.then_some(draft)
}

fn names(text: &str, key: &RunKey, tried: &Tried) -> String {
    let titles = tried.edits.iter().map(|&edit| key.edits[edit].title(text));
    titles.collect::<Vec<_>>().join(", ")
}

fn found_text(text: &str, key: &RunKey, found: &Tried, goal: Goal) -> String {
    let sign = match goal {
        Goal::Below(_) => '<',
        Goal::Above(_) => '>',
    };
    format!(
        "{}: {} → {} {sign} {:.3}",
        edits_of(found.edits.len()),
        names(text, key, found),
        four(found.score),
        goal.threshold()
    )
}

fn none_text(text: &str, key: &RunKey, nearest: &Tried, answer: &Answer) -> String {
    format!(
        "None found within {}. Nearest: {} → {} ({})",
        counted(answer.outcome.runs, "run"),
        names(text, key, nearest),
        four(nearest.score),
        signed(nearest.score - answer.score)
    )
}

/// How sure it is that there are no fewer.
fn proof(outcome: &Outcome) -> String {
    let runs = counted(outcome.runs, "run");
    let size = outcome.found.as_ref().map_or(0, |found| found.edits.len());
    match (size, outcome.singles) {
        (1, true) => format!(
            "{runs}: every single edit was tried; of those that do it, this changes the fewest letters"
        ),
        (2, true) => format!("{runs}: no single edit does it, all were tried"),
        (3.., true) => {
            format!("{runs}: no single edit does it; a smaller set may have been missed")
        }
        (0, true) if outcome.spent => format!("the budget of {runs} is spent"),
        (0, true) => "every single edit was tried, and the most promising sets".to_owned(),
        _ => format!("not every single edit could be tried within {runs}"),
    }
}
