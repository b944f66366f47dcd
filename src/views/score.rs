//! The Score panel: the cosine of A and B, and which pairs of tokens it comes from.

mod derive;
mod headline;
mod mapping;
mod matrix;
mod shares;
mod strips;

use egui::{Align, Layout, Ui};

use super::compare::{Pair, pair_ui};
use super::recorded::{keep_ui, kept_ui, switch_ui};
use super::subject::{SameTrace, note_ui};
use super::{Panel, View, ViewContext};
use crate::engine::{Derived, Shown};
use crate::widgets::SPACE;
use derive::{Pairs, Score, ScoreKey};
use mapping::{By, Mapping};
use matrix::MatrixState;

pub static PANEL: Panel = Panel {
    id: "score",
    title: "Score",
    about: "The cosine of A's and B's sentence vectors, and where it comes from. Each cell of the \
        matrix is what one token of A and one token of B contribute together: the dot product of \
        their final vectors, weighted as the pool weighs them and divided by the lengths of the two \
        sentence vectors. All cells add up to the cosine; what they miss is printed as the residual. \
        The tokens are contextual: by the last layer each vector already holds what attention \
        brought in from the other tokens, so a cell does not say what a word would do by itself. \
        The cosine is not the average of the tokens' cosines, because long vectors count for more.",
    one_text: false,
    make: || Box::<ScoreView>::default(),
};

#[derive(Default)]
struct ScoreView {
    score: Derived<ScoreKey, Score>,
    matrix: MatrixState,
    /// What was painted last, for the clipboard.
    shown: Option<std::sync::Arc<Score>>,
}

impl View for ScoreView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let Some(pair) = pair_ui(ui, cx) else {
            self.shown = None;
            return;
        };
        let Some(Shown { value, current }) = self.derive(cx, &pair) else {
            note_ui(ui, "The score is being computed…");
            return;
        };
        let current = current && pair.current();
        self.shown = Some(value.clone());
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        area.show(ui, |ui| {
            // The scroll bar floats over the right edge.
            ui.set_max_width(ui.available_width() - SPACE);
            if !current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            headline::headline_ui(ui, cx, &pair, &value);
            headline::poolings_ui(ui, cx, &value);
            ui.add_space(SPACE);
            match &value.pairs {
                Ok(pairs) => self.pairs_ui(ui, cx, &value, pairs),
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                }
            }
        });
    }

    fn tsv(&self, _: &ViewContext<'_>) -> Option<String> {
        let score = self.shown.as_ref()?;
        let matrix = &score.pairs.as_ref().ok()?.tokens.matrix;
        let mut out = format!("\t{}\n", matrix.columns.join("\t"));
        for (row, name) in matrix.rows.iter().enumerate() {
            let cells = matrix.row(row).iter().map(f64::to_string);
            out.push_str(&format!(
                "{name}\t{}\n",
                cells.collect::<Vec<_>>().join("\t")
            ));
        }
        Some(out)
    }
}

/// The shares stand beside the matrix from this width on, in points.
const BESIDE: f32 = 760.;

impl ScoreView {
    fn pairs_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, score: &Score, pairs: &Pairs) {
        let mut by = kept_ui(ui, By::default());
        ui.horizontal(|ui| {
            let choices = [
                (
                    By::Tokens,
                    "sub-words",
                    "Pairs of the pieces that the model reads",
                ),
                (By::Words, "words", "The pieces of each word added up"),
            ];
            switch_ui(ui, &mut by, &choices);
        });
        keep_ui(ui, by);
        let mapping = Mapping::new(by, score, pairs);
        strips::strips_ui(ui, cx, mapping);
        ui.add_space(SPACE);
        if ui.available_width() < BESIDE {
            self.matrix.matrix_ui(ui, cx, mapping);
            ui.add_space(SPACE);
            shares::shares_ui(ui, cx, pairs);
            return;
        }
        ui.columns(2, |columns| {
            // Columns stretch what is in them; paragraphs should end where their words do.
            let left = Layout::top_down(Align::Min);
            columns[0].with_layout(left, |ui| self.matrix.matrix_ui(ui, cx, mapping));
            columns[1].with_layout(left, |ui| shares::shares_ui(ui, cx, pairs));
        });
    }

    fn derive(&mut self, cx: &ViewContext<'_>, pair: &Pair) -> Option<Shown<Score>> {
        let key = ScoreKey {
            model: cx.model.hash.clone(),
            a: SameTrace(pair.a.trace.clone()),
            b: SameTrace(pair.b.trace.clone()),
            texts: (pair.a.id, pair.b.id),
            pooling: cx.state.pooling,
        };
        let (made, model) = (key.clone(), cx.model.clone());
        self.score
            .get(cx.engine, &key, move |_| Score::new(made, &model))
    }
}
