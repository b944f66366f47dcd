//! The Pooling panel: what each pooling makes of the same token vectors, side by side.

mod card;
mod derive;
mod texts;
mod truncation;
mod winners;

use std::collections::HashMap;
use std::sync::Arc;

use egui::Ui;
use serde::{Deserialize, Serialize};

use super::compare::missing_ui;
use super::recorded::{keep_ui, kept_ui, switch_ui};
use super::subject::{SameTrace, note_ui};
use super::{Panel, View, ViewContext};
use crate::app::export::{NamedArray, Numbers};
use crate::engine::{Derived, Shown};
use crate::trace::PoolingMode;
use crate::widgets::{SPACE, SPACE_SMALL, Scale, legend_ui};
use card::CardState;
use derive::{Card, Poolings, PoolingsKey};
use truncation::Truncation;

pub static PANEL: Panel = Panel {
    id: "pooling",
    title: "Pooling",
    about: "The encoder ends with one vector for each token; a pooling makes one vector of them. \
        CLS takes the first token's, mean averages them, max takes the largest value of each \
        dimension, the weighted mean trusts later tokens more. Each column shows one of them: the \
        pooled vectors of A and B, the cosine of every text with every other, and the texts in the \
        plane in which their vectors differ most (principal components). All maps of cosines have one \
        scale, so columns can be compared. A click on a title makes the program use that pooling; the \
        model was trained with the one marked as its own, and the others were never asked for during \
        training. Some models are trained so that the first dimensions of the sentence vector do alone \
        (Matryoshka): the slider cuts the vector everywhere in the program, and the curve shows each \
        pair's cosine for every cut.",
    one_text: false,
    make: || Box::<PoolingView>::default(),
};

/// Room for a scale with its ends, in points.
const LEGEND: f32 = 240.;
/// A column is at least this wide, in points.
const COLUMN: f32 = 232.;

#[derive(Default)]
struct PoolingView {
    poolings: Derived<PoolingsKey, Poolings>,
    cards: HashMap<Vec<PoolingMode>, CardState>,
    truncation: Truncation,
    /// What was painted last, for the clipboard.
    shown: Option<Arc<Poolings>>,
}

impl View for PoolingView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        missing_ui(ui, cx);
        let Some(Shown { value, current }) = self.derive(cx) else {
            return;
        };
        self.shown = Some(value.clone());
        let current = current
            && cx
                .texts
                .iter()
                .all(|text| text.current || text.trace.is_none());
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        area.show(ui, |ui| {
            // The scroll bar floats over the right edge.
            ui.set_max_width(ui.available_width() - SPACE);
            if !current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            texts::legend_ui(ui, cx, &value);
            ui.add_space(SPACE_SMALL);
            self.truncation.truncation_ui(ui, cx, &value.texts);
            ui.add_space(SPACE_SMALL);
            let which = which_ui(ui);
            ui.add_space(SPACE_SMALL);
            let wanted = |card: &&Card| which == Which::All || card.main;
            let cards: Vec<&Card> = value.cards.iter().filter(wanted).collect();
            self.cards_ui(ui, cx, &value, &cards);
            let note = "The cosines and the planes are of sentence vectors: of what the pool gives, \
                after the modules that follow it.";
            note_ui(ui, note);
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        let shown = self.shown.as_ref()?;
        let names = shown.names(cx);
        let mut out = String::new();
        for card in &shown.cards {
            out.push_str(&format!("{}\t{}\n", card.title, names.join("\t")));
            for (name, row) in names.iter().zip(card.cosines.chunks(names.len().max(1))) {
                let row: Vec<String> = row.iter().map(f32::to_string).collect();
                out.push_str(&format!("{name}\t{}\n", row.join("\t")));
            }
        }
        Some(out)
    }

    /// The pooled vectors and the cosines of every text, under each pooling.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        let Some(shown) = &self.shown else {
            return Vec::new();
        };
        let names = shown.names(cx);
        let mut cards: Vec<&Card> = shown.cards.iter().collect();
        cards.sort_by_key(|card| !card.own);
        let arrays = cards.iter().flat_map(|card| {
            let modes: Vec<&str> = card.modes.iter().map(|mode| mode.name()).collect();
            let (modes, n) = (modes.join("+"), names.len());
            let size = card.pooled.first().map_or(0, Vec::len);
            let pooled = Numbers::Single(card.pooled.concat());
            let cosines = Numbers::Single(card.cosines.clone());
            [
                NamedArray::new(format!("pooled.{modes}"), vec![n, size], pooled)
                    .named(names.clone(), Vec::new()),
                NamedArray::new(format!("cosines.{modes}"), vec![n, n], cosines)
                    .named(names.clone(), names.clone()),
            ]
        });
        arrays.collect()
    }
}

/// How many of the poolings are on view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Which {
    /// The usual ones, and the model's own.
    #[default]
    Main,
    All,
}

/// The switch between them, and the scale of every map.
fn which_ui(ui: &mut Ui) -> Which {
    let mut which = kept_ui(ui, Which::default());
    ui.horizontal_wrapped(|ui| {
        let all = "mean √len and last token as well";
        let choices = [
            (
                Which::Main,
                "usual poolings",
                "CLS, max, mean, weighted mean, and the model's own",
            ),
            (Which::All, "all", all),
        ];
        switch_ui(ui, &mut which, &choices);
        // A legend does not wrap by itself.
        if ui.available_size_before_wrap().x < LEGEND {
            ui.end_row();
        }
        legend_ui(ui, &Scale::signed(1.), "cosine");
    });
    keep_ui(ui, which);
    which
}

impl PoolingView {
    fn derive(&mut self, cx: &ViewContext<'_>) -> Option<Shown<Poolings>> {
        let traced = cx.texts.iter().filter_map(|text| {
            let trace = text.trace.clone()?;
            Some((text.id, SameTrace(trace)))
        });
        let key = PoolingsKey {
            model: cx.model.hash.clone(),
            truncate: cx.state.truncate_dim,
            texts: traced.collect(),
        };
        if key.texts.is_empty() {
            return None;
        }
        let (made, model) = (key.clone(), cx.model.clone());
        self.poolings
            .get(cx.engine, &key, move |_| Poolings::new(&made, &model))
    }

    fn cards_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        cards: &[&Card],
    ) {
        let room = ui.available_width() + SPACE;
        let columns = ((room / (COLUMN + SPACE)) as usize).clamp(1, cards.len().clamp(1, 4));
        for row in cards.chunks(columns) {
            ui.columns(columns, |uis| {
                for (ui, card) in uis.iter_mut().zip(row) {
                    let state = self.cards.entry(card.modes.clone()).or_default();
                    ui.push_id(&card.title, |ui| state.card_ui(ui, cx, poolings, card));
                }
            });
            ui.add_space(2. * SPACE);
        }
    }
}
