//! The Score panel: the cosine of A and B, and where it comes from.

mod ablation;
mod components;
mod contrast;
mod derive;
mod detail;
mod dimensions;
mod headline;
mod layers;
mod mapping;
mod matrix;
mod method;
mod shares;
mod strips;
mod tabs;
mod tasks;
mod tokens;
mod told;
mod verdict;
mod ways;

use egui::Ui;

use super::compare::{Pair, pair_ui};
use super::scroll::beside_bar_ui;
use super::subject::{SameTrace, note_ui};
use super::{Panel, View, ViewContext};
use crate::app::export::NamedArray;
use crate::engine::{Derived, Shown};
use crate::widgets::{SPACE, scrolled_ui};
use derive::{Score, ScoreKey};
use method::Method;
pub(crate) use tabs::TABS;
use told::Told;

pub static PANEL: Panel = Panel {
    id: "score",
    title: "Score",
    about: "Why do A and B score as they do? Above, the cosine of their sentence vectors and what carries it; \
        below, one method after the other that takes it apart. Token pairs, input tokens, Shapley, \
        integrated gradients, components and dimensions are sums: their parts add up to the cosine, and \
        what they miss is printed as the residual. Leave one out and ablation run the model again without \
        a part, and are what the others are held against. Token pairs are contextual: by the last layer \
        each vector already holds what attention brought in from the other tokens.",
    one_text: false,
    make: || Box::<ScoreView>::default(),
};

#[derive(Default)]
struct ScoreView {
    score: Derived<ScoreKey, Score>,
    told: Told,
    method: Method,
}

impl View for ScoreView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let Some(pair) = pair_ui(ui, cx) else {
            self.method.forget();
            self.told.forget();
            return;
        };
        let key = key(cx, &pair);
        let Some(Shown { value, current }) = self.derive(cx, &key) else {
            note_ui(ui, "The score is being computed…");
            return;
        };
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            if !(current && pair.current()) {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            headline::headline_ui(ui, cx, &pair, &value);
            headline::changed_ui(ui, &value);
            verdict::verdict_ui(ui, cx, (&key, &value), pair.same(), &mut self.told);
            headline::poolings_ui(ui, cx, &value);
            self.method.contrast.against_ui(ui, cx, &key);
            ui.add_space(SPACE);
            ui.separator();
            let (model, method) = (cx.model.clone(), &mut self.method);
            let refusals = method.refusals(&model, &key, &value);
            let refuses = |tab: &tabs::Tab| refusals.get(&tab.method).cloned();
            let tab = tabs::tabs_ui(ui, cx, refuses);
            self.method.method_ui(ui, cx, tab, &key, &value);
        });
    }

    fn tsv(&self, _: &ViewContext<'_>) -> Option<String> {
        self.method.tsv()
    }

    fn arrays(&self, _: &ViewContext<'_>) -> Vec<NamedArray> {
        self.method.arrays()
    }
}

fn key(cx: &ViewContext<'_>, pair: &Pair) -> ScoreKey {
    ScoreKey {
        model: cx.model.hash.clone(),
        a: SameTrace(pair.a.trace.clone()),
        b: SameTrace(pair.b.trace.clone()),
        texts: (pair.a.id, pair.b.id),
        pooling: cx.state.pooling,
        truncate: cx.state.truncate_dim,
    }
}

impl ScoreView {
    fn derive(&mut self, cx: &ViewContext<'_>, key: &ScoreKey) -> Option<Shown<Score>> {
        let (made, model) = (key.clone(), cx.model.clone());
        self.score
            .get(cx.engine, key, move |_| Score::new(made, &model))
    }
}
