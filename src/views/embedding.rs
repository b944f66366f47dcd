//! Embedding: token + position + type = sum, and what the norm makes of it.

mod difference;
mod lengths;
mod maps;
mod nearest;
mod stages;
mod vectors;

use std::sync::Arc;

use egui::{ScrollArea, Ui};

use super::scroll::beside_bar_ui;
use super::subject::{SameTrace, note_ui, section_ui, subject_ui};
use super::{Panel, View, ViewContext};
use crate::app::export::NamedArray;
use crate::engine::Derived;
use crate::trace::{EmbedSite, Site};
use crate::widgets::scrolled_ui;
use lengths::lengths_ui;
use maps::Maps;
use nearest::NearestRows;
use stages::Stages;
use vectors::Vectors;

pub static PANEL: Panel = Panel {
    id: "embedding",
    title: "Embedding",
    about: "Each token becomes a vector: the row of the vocabulary's table that its id names. A \
        second vector says where it stands in the text and, in some models, a third which of two \
        texts it is in. They are added, and the sum is normed (shifted and scaled to mean 0 and \
        variance 1, then by learned factors). The result is all that the first layer gets to \
        see. The lengths tell which summand weighs most; the nearest rows of the vocabulary, \
        what the model took for similar before any context came in. A − B shows what the words of \
        A have more of than their partners in B.",
    one_text: true,
    make: || Box::<EmbeddingView>::default(),
};

#[derive(Default)]
struct EmbeddingView {
    stages: Derived<SameTrace, Stages>,
    /// What is on view, for the clipboard.
    shown: Option<Arc<Stages>>,
    maps: Maps,
    vectors: Vectors,
    nearest: NearestRows,
    difference: difference::Difference,
}

impl View for EmbeddingView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let scroll = ScrollArea::vertical().auto_shrink([false, false]);
        scrolled_ui(ui, scroll, |ui| {
            beside_bar_ui(ui, cx);
            if cx.state.difference {
                return self.difference.ui(ui, cx);
            }
            let Some(subject) = subject_ui(ui, cx) else {
                return;
            };
            let (trace, model) = (subject.trace.clone(), cx.model.clone());
            let made = move |_: &_| Stages::of(&trace, &model);
            let Some(stages) = self.stages.get(cx.engine, &subject.key(), made) else {
                note_ui(ui, "Adding up…");
                return;
            };
            // May be of an earlier trace; it brings its own tokens to label it with.
            let stages = stages.value;
            self.shown = Some(stages.clone());
            if !stages.is_of(&subject.trace) {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            stages.account_ui(ui);
            let shared = maps::scales_ui(ui, cx, &stages);
            self.maps.maps_ui(ui, cx, &subject, &stages, shared);
            section_ui(
                ui,
                "Lengths",
                "|·| of each summand, of their sum and after the norm",
            );
            lengths_ui(ui, cx, &subject, &stages);
            let token = stages::selected(cx, &subject, &stages);
            self.vectors
                .vectors_ui(ui, cx, &subject, &stages, token, shared);
            self.nearest.nearest_ui(ui, cx, &stages, token);
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        if cx.state.difference {
            return self.difference.tsv();
        }
        let side = cx.side.name();
        self.shown.as_ref().map(|stages| stages.tsv(side))
    }

    /// The summands and what enters the first layer.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        if cx.state.difference {
            return self.difference.arrays();
        }
        let Some(stages) = &self.shown else {
            return Vec::new();
        };
        let sites = [
            EmbedSite::Out,
            EmbedSite::Token,
            EmbedSite::Position,
            EmbedSite::Type,
        ];
        let arrays = sites.map(|site| NamedArray::site(stages.trace(), Site::Embed(site)));
        arrays.into_iter().flatten().collect()
    }
}
