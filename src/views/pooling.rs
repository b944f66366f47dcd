//! The Pooling panel: what each pooling makes of the same token vectors, side by side.

mod card;
mod derive;
mod plane;
mod selection;
mod texts;
mod truncation;
mod weights;
mod winners;

use std::collections::HashMap;
use std::sync::Arc;

use egui::Ui;
use serde::{Deserialize, Serialize};

use super::compare::missing_ui;
use super::recorded::{keep_ui, kept_ui, switch_ui};
use super::scroll::beside_bar_ui;
use super::subject::{SameTrace, apart_ui, note_ui};
use super::{Panel, View, ViewContext};
use crate::app::export::{NamedArray, Numbers};
use crate::engine::{Derived, Shown};
use crate::trace::PoolingMode;
use crate::widgets::{SPACE, SPACE_SMALL, Scale, legend_ui, scrolled_ui};
use card::{CardState, Look};
use derive::{Card, Poolings, PoolingsKey};
use plane::Map;
use truncation::Truncation;
use weights::{Weighed, Weights};

pub static PANEL: Panel = Panel {
    id: "pooling",
    title: "Pooling",
    about: "The encoder ends with one vector for each token; a pooling makes one vector of them. \
        CLS takes the first token's, mean averages them, max takes the largest value of each \
        dimension, the weighted mean trusts later tokens more. Each column shows one of them: the \
        pooled vectors of A and B, the cosine of every text with every other, and the texts in the \
        plane in which their vectors differ most (principal components). All maps of cosines have one \
        scale, so columns can be compared, and so have their differences from the model's own pooling. \
        Draw a loop around points to select texts. Under “your weights” each token weighs what you \
        say, or the more the rarer its piece is. A click on a title makes the program use that pooling; the \
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
    weights: Weights,
    /// What was painted last, for the clipboard.
    shown: Option<Arc<Poolings>>,
}

impl View for PoolingView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        missing_ui(ui, cx);
        let Some(Shown { value, current }) = self.derive(ui, cx) else {
            return;
        };
        self.shown = Some(value.clone());
        let current = current
            && cx
                .texts
                .iter()
                .all(|text| text.current || text.trace.is_none());
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            if !current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            texts::legend_ui(ui, cx, &value);
            selection::selection_ui(ui, cx);
            ui.add_space(SPACE_SMALL);
            let weighed = self.weights.derive(cx, &value);
            let own = weighed.card().map_or(0., |card| card.largest_difference);
            let largest = value.largest_difference.max(own);
            let ways = ways_ui(ui, largest);
            ui.add_space(SPACE_SMALL);
            let look = Look {
                difference: (ways.what == What::Differences).then_some(largest),
                map: ways.map,
            };
            self.cards_ui(ui, cx, &value, &weighed, (ways.which, look));
            self.truncation.truncation_ui(ui, cx, &value.texts);
            ui.add_space(SPACE_SMALL);
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

/// What the maps are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    #[default]
    Cosines,
    /// Less the cosine under the model's own pooling.
    Differences,
}

/// How the panel is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Ways {
    which: Which,
    what: What,
    map: Map,
}

/// The switches, and the scale of every map.
fn ways_ui(ui: &mut Ui, largest: f32) -> Ways {
    let mut ways = kept_ui(ui, Ways::default());
    ui.horizontal_wrapped(|ui| {
        let all = "mean √len and last token as well";
        let usual = "CLS, max, mean, weighted mean, the model's own, and your weights";
        let which = [
            (Which::Main, "usual poolings", usual),
            (Which::All, "all", all),
        ];
        switch_ui(ui, &mut ways.which, &which);
        apart_ui(ui);
        let what = [
            (
                What::Cosines,
                "cosines",
                "The cosine of every text with every other",
            ),
            (
                What::Differences,
                "difference from the model's own",
                "Each cosine less the cosine under the model's own pooling, on one scale",
            ),
        ];
        switch_ui(ui, &mut ways.what, &what);
        apart_ui(ui);
        let map = [
            (
                Map::Components,
                "components",
                "The plane in which the vectors differ most: large distances are true",
            ),
            (
                Map::Neighbours,
                "t-SNE",
                "Keeps neighbours together; large distances mean nothing",
            ),
        ];
        switch_ui(ui, &mut ways.map, &map);
        // A legend does not wrap by itself.
        if ui.available_size_before_wrap().x < LEGEND {
            ui.end_row();
        }
        match ways.what {
            What::Cosines => legend_ui(ui, &Scale::signed(1.), "cosine"),
            What::Differences => legend_ui(ui, &Scale::signed(largest), "difference of cosines"),
        };
    });
    keep_ui(ui, ways);
    ways
}

impl PoolingView {
    fn derive(&mut self, ui: &Ui, cx: &ViewContext<'_>) -> Option<Shown<Poolings>> {
        let only = selection::only(cx, ui);
        let traced = cx.texts.iter().filter_map(|text| {
            if only.as_ref().is_some_and(|only| !only.contains(&text.id)) {
                return None;
            }
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
        weighed: &Weighed,
        (which, look): (Which, Look),
    ) {
        let wanted = |card: &&Card| which == Which::All || card.main;
        // The last is that of the person's own weights.
        let cards = poolings.cards.iter().filter(wanted).map(Some);
        let cards: Vec<Option<&Card>> = cards.chain([None]).collect();
        let room = ui.available_width() + SPACE;
        let columns = ((room / (COLUMN + SPACE)) as usize).clamp(1, cards.len().min(4));
        for row in cards.chunks(columns) {
            ui.columns(columns, |uis| {
                for (ui, card) in uis.iter_mut().zip(row) {
                    // Columns stretch the words of a line that wraps; nothing else here does.
                    ui.vertical(|ui| match card {
                        None => {
                            ui.push_id("weights", |ui| {
                                self.weights.weights_ui(ui, cx, poolings, weighed, look);
                            });
                        }
                        Some(card) => {
                            let state = self.cards.entry(card.modes.clone()).or_default();
                            ui.push_id(&card.title, |ui| {
                                state.card_ui(ui, cx, poolings, card, look);
                            });
                        }
                    });
                }
            });
            ui.add_space(2. * SPACE);
        }
    }
}
