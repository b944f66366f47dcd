//! The chosen tab: starts what it needs, says how far that is, and paints what is there.

use std::collections::HashMap;
use std::sync::Arc;

use egui::Ui;

use super::ablation::From;
use super::contrast::ContrastState;
use super::derive::{Grid, Pairs, Score, ScoreKey};
use super::detail::Detail;
use super::layers::LayersState;
use super::mapping::By;
use super::matrix::MatrixState;
use super::tabs::{TABS, Tab};
use super::tasks::{Answer, Found, MANY, Runs, Task};
use super::ways::{Ways, ways_ui};
use super::{ablation, components, tokens};
use crate::analysis::pooling::modes;
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::leave_one_out::Removal;
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::ScoreMethod;
use crate::engine;
use crate::model::Model;
use crate::trace::PoolingMode;
use crate::views::ViewContext;
use crate::views::subject::note_ui;
use crate::widgets::{HeatmapTexture, SPACE};

/// How often progress is painted.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(100);

/// What was painted last, for the clipboard.
enum Sheet {
    Score(Arc<Score>, By),
    Found(Arc<Found>, By, From),
}

/// The lower half of the panel.
#[derive(Default)]
pub struct Method {
    runs: Runs,
    matrix: MatrixState,
    detail: Detail,
    texture: HeatmapTexture,
    all_dimensions: bool,
    layers: LayersState,
    /// The pooling that the score was last painted under.
    layers_pooling: Vec<PoolingMode>,
    /// B held against a third text.
    pub contrast: ContrastState,
    sheet: Option<Sheet>,
}

impl Method {
    /// Nothing is shown.
    pub fn forget(&mut self) {
        self.sheet = None;
        self.runs.keep_only(&[]);
        self.contrast.rest();
    }

    /// Why methods cannot be used for this score, as far as that is known without running them.
    pub fn refusals(
        &mut self,
        model: &Model,
        key: &ScoreKey,
        score: &Score,
    ) -> HashMap<ScoreMethod, Arc<str>> {
        let mut found = HashMap::new();
        for tab in &TABS {
            let known = tab.refusal(model, [&key.a.0, &key.b.0]);
            let met = match tab.task(Ways::default()) {
                None if tab.method == ScoreMethod::Pairs => score.pairs.as_ref().err().cloned(),
                None => None,
                Some(task) => self.runs.peek(task, key).and_then(|shown| {
                    let met = shown.value.as_ref().as_ref().err().cloned();
                    met.filter(|_| shown.current)
                }),
            };
            if let Some(why) = known.or(met) {
                found.insert(tab.method, why);
            }
        }
        found
    }

    pub fn method_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        tab: &Tab,
        key: &ScoreKey,
        score: &Arc<Score>,
    ) {
        self.sheet = None;
        if tab.method == ScoreMethod::Contrast {
            self.runs.keep_only(&[]);
            self.contrast.contrast_ui(ui, cx, key);
            ui.add_space(SPACE);
            note_ui(ui, tab.note);
            return;
        }
        self.contrast.rest();
        let task = tab.task(ways_ui(ui, tab));
        let masked = Task::LeaveOneOut(Removal::Mask);
        let mut wanted: Vec<Task> = task.into_iter().collect();
        if tab.explains_tokens() {
            wanted.push(masked);
        }
        self.runs.keep_only(&wanted);
        // First what the tab is for: jobs run one after the other.
        let Some(task) = task else {
            match &score.pairs {
                Ok(pairs) => {
                    let removals = self.removals(cx, key);
                    let by = tokens::by_ui(ui);
                    self.pairs_ui(ui, cx, (tab, key), by, (pairs, removals));
                    self.sheet = Some(Sheet::Score(score.clone(), by));
                }
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                }
            }
            return;
        };
        let by = match tab.explains_tokens() || tab.method == ScoreMethod::LeaveOneOut {
            true => tokens::by_ui(ui),
            false => By::default(),
        };
        let Some((shown, runs)) = self.found_ui(ui, cx, tab, task, key) else {
            return;
        };
        let removals = match tab.explains_tokens() {
            true => self.removals(cx, key).filter(|_| shown.current),
            false => None,
        };
        ui.scope(|ui| {
            if !shown.current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            let from = self.answer_ui(ui, cx, (tab, key), by, (&shown.value, removals));
            // Nothing in a file would say that its figures are those of earlier texts.
            let sheet = Sheet::Found(shown.value.clone(), by, from);
            self.sheet = shown.current.then_some(sheet);
        });
        // Below an old answer, which stays where it is.
        if runs {
            self.progress_ui(ui, tab, task, key);
        }
    }

    /// What there is of a task, and whether a newer one is being computed. A line on what is still to come
    /// where there is nothing.
    fn found_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        tab: &Tab,
        task: Task,
        key: &ScoreKey,
    ) -> Option<(engine::Shown<Found>, bool)> {
        let (a, b) = (&key.a.0, &key.b.0);
        let longest = a.tokens.len().max(b.tokens.len());
        let long = task.waits_from().is_some_and(|most| longest > most);
        let stopped = self.runs.stopped(task, key);
        if stopped || long && !self.runs.asked(task, key) {
            let shown = self.runs.peek(task, key);
            if !shown.as_ref().is_some_and(|shown| shown.current) {
                self.ask_ui(ui, tab, task, (key, stopped));
            }
            return Some((shown?, false));
        }
        let shown = self.runs.get(cx.engine, task, key, cx.model);
        // In the place of the button that has started it, in sight above an old answer.
        let asked = self.runs.asked(task, key);
        let current = shown.as_ref().is_some_and(|shown| shown.current);
        if shown.is_none() || asked && !current {
            self.progress_ui(ui, tab, task, key);
        }
        Some((shown?, !asked && !current))
    }

    /// How far a task is, and a way out of one that takes long.
    fn progress_ui(&mut self, ui: &mut Ui, tab: &Tab, task: Task, key: &ScoreKey) {
        let progress = match self.runs.progress(task) {
            (_, 0) => String::new(),
            (done, total) => format!(" {done} of {total}"),
        };
        ui.horizontal_wrapped(|ui| {
            note_ui(ui, format!("Computing “{}”…{progress}", tab.title));
            if task.is_slow() && ui.button("Cancel").clicked() {
                self.runs.stop(task, key);
            }
        });
        ui.ctx().request_repaint_after(GLANCE);
    }

    fn ask_ui(&mut self, ui: &mut Ui, tab: &Tab, task: Task, (key, stopped): (&ScoreKey, bool)) {
        let (a, b) = (key.a.0.tokens.len(), key.b.0.tokens.len());
        ui.horizontal_wrapped(|ui| {
            if ui.button(format!("Compute {}", tab.title)).clicked() {
                self.runs.ask(task, key);
            }
            let why = match stopped {
                true => "It was cancelled.".to_owned(),
                false => {
                    format!("Texts of {a} and {b} tokens may take a while, so this waits for you.")
                }
            };
            note_ui(ui, why);
        });
    }

    /// Leave-one-out, where it is cheap or there already.
    fn removals(&mut self, cx: &ViewContext<'_>, key: &ScoreKey) -> Option<Arc<Found>> {
        let masked = Task::LeaveOneOut(Removal::Mask);
        let (a, b) = (&key.a.0, &key.b.0);
        let cheap = a.tokens.len().max(b.tokens.len()) <= MANY;
        let shown = match cheap {
            true => self.runs.get(cx.engine, masked, key, cx.model),
            false => self.runs.peek(masked, key),
        };
        shown.filter(|shown| shown.current).map(|shown| shown.value)
    }

    fn pairs_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (tab, key): (&Tab, &ScoreKey),
        by: By,
        (pairs, removals): (&Pairs, Option<Arc<Found>>),
    ) {
        let ids = (cx.state.a, cx.state.b);
        let (Some(a), Some(b)) = ids else { return };
        let shown = tokens::Shown {
            tab,
            pairs,
            key,
            texts: (a, b),
            removals: removals.as_deref().and_then(|found| match found {
                Ok(Answer::Pairs(pairs)) => Some(&**pairs),
                _ => None,
            }),
        };
        tokens::tokens_ui(ui, cx, (&mut self.matrix, &mut self.detail), by, &shown);
    }

    fn answer_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (tab, key): (&Tab, &ScoreKey),
        by: By,
        (found, removals): (&Found, Option<Arc<Found>>),
    ) -> From {
        let mut from = From::default();
        match found {
            Err(problem) => {
                ui.colored_label(cx.theme.warning(), &**problem);
                return from;
            }
            Ok(Answer::Pairs(pairs)) => {
                self.pairs_ui(ui, cx, (tab, key), by, (pairs, removals));
                return from;
            }
            Ok(Answer::Components(grid, writers)) => {
                components::components_ui(ui, cx, (grid, writers), &mut self.texture);
            }
            Ok(Answer::Dimensions(dimensions)) => {
                if let Some(text) = cx.state.a {
                    dimensions.dimensions_ui(ui, cx, text, &mut self.all_dimensions);
                }
            }
            Ok(Answer::Layers(series)) => {
                self.layers_pooling = modes(&cx.model.head, cx.state.pooling);
                self.layers.layers_ui(ui, cx, series);
            }
            Ok(Answer::Ablation(found, grids)) => {
                from = ablation::ablation_ui(ui, cx, (found, grids), &mut self.texture);
            }
        }
        ui.add_space(SPACE);
        note_ui(ui, tab.note);
        from
    }

    /// The shown tab in numbers: the map of A's parts by B's, or what takes its place.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let map = |name: &str, grid: &Grid| matrix_array(name, &grid.matrix);
        let pairs = |name: &str, pairs: &Pairs, by: &By| match by {
            By::Tokens => map(name, &pairs.tokens),
            By::Words => map(&format!("{name}.words"), &pairs.words),
        };
        match &self.sheet {
            None => Vec::new(),
            Some(Sheet::Score(score, by)) => match &score.pairs {
                Ok(of) => vec![pairs("score.pairs", of, by)],
                Err(_) => Vec::new(),
            },
            Some(Sheet::Found(found, by, from)) => match found.as_ref() {
                Err(_) => Vec::new(),
                Ok(Answer::Pairs(of)) => vec![pairs("score.map", of, by)],
                Ok(Answer::Components(grid, _)) => vec![map("score.components", grid)],
                Ok(Answer::Dimensions(dimensions)) => dimensions.arrays(),
                Ok(Answer::Layers(series)) => self.layers.arrays(series, &self.layers_pooling),
                Ok(Answer::Ablation(_, grids)) => {
                    vec![map("score.ablation", &grids[*from as usize])]
                }
            },
        }
    }

    /// The shown tab as a table.
    pub fn tsv(&self) -> Option<String> {
        let pairs = |pairs: &Pairs, by: &By| match by {
            By::Tokens => pairs_tsv(&pairs.tokens),
            By::Words => pairs_tsv(&pairs.words),
        };
        let Some(sheet) = &self.sheet else {
            return self.contrast.tsv();
        };
        match sheet {
            Sheet::Score(score, by) => Some(pairs(score.pairs.as_ref().ok()?, by)),
            Sheet::Found(found, by, from) => Some(match found.as_ref().as_ref().ok()? {
                Answer::Pairs(of) => pairs(of, by),
                Answer::Components(grid, _) => tsv(&grid.matrix),
                Answer::Dimensions(dimensions) => dimensions.tsv(),
                Answer::Layers(series) => self.layers.tsv(series, &self.layers_pooling)?,
                Answer::Ablation(_, grids) => tsv(&grids[*from as usize].matrix),
            }),
        }
    }
}

/// As [`tsv`]; where the marginals are not the sums of the cells they come along.
fn pairs_tsv(grid: &Grid) -> String {
    if grid.adds_up() {
        return tsv(&grid.matrix);
    }
    let mut lines = tsv(&grid.matrix)
        .lines()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let alone = std::iter::once("alone".to_owned());
    let sums = alone.chain(grid.rows.sums.iter().map(f64::to_string));
    for (line, sum) in lines.iter_mut().zip(sums) {
        line.push_str(&format!("\t{sum}"));
    }
    let sums = grid.columns.sums.iter().map(f64::to_string);
    lines.push(format!("alone\t{}", sums.collect::<Vec<_>>().join("\t")));
    lines.join("\n") + "\n"
}

fn matrix_array(name: &str, matrix: &PairMatrix) -> NamedArray {
    let shape = vec![matrix.rows.len(), matrix.columns.len()];
    NamedArray::new(name, shape, Numbers::Double(matrix.values.clone()))
        .named(matrix.rows.clone(), matrix.columns.clone())
}

fn tsv(matrix: &PairMatrix) -> String {
    let mut out = format!("A ↓ B →\t{}\n", matrix.columns.join("\t"));
    for (row, name) in matrix.rows.iter().enumerate() {
        let cells = matrix.row(row).iter().map(f64::to_string);
        out.push_str(&format!(
            "{name}\t{}\n",
            cells.collect::<Vec<_>>().join("\t")
        ));
    }
    out
}
