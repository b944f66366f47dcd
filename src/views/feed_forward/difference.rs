//! What A's neurons have more of than B's, over the tokens that have a partner.

use std::sync::Arc;

use egui::{RichText, ScrollArea, Ui, vec2};

use super::map::{ROW, TALLEST};
use super::{Options, Stage, options_ui};
use crate::analysis::attention::CLIP;
use crate::analysis::difference::rows;
use crate::analysis::range::reach;
use crate::app::export::{NamedArray, Numbers};
use crate::engine::Derived;
use crate::trace::{LayerSite, Site};
use crate::views::ViewContext;
use crate::views::difference::{Axis, Partners, RowsMap, Twin};
use crate::views::recorded::{kept_ui, key_of};
use crate::views::scroll::beside_bar_ui;
use crate::views::subject::{beyond_note, largest_of, note_ui};
use crate::widgets::{HeatmapTexture, SPACE_SMALL, Scale, legend_ui, scrolled_ui};

/// What a map is of: both passes, the layer and which of its values.
type Key = (u64, usize, Stage);

struct Drawn {
    twin: Twin,
    site: Site,
    key: Key,
    /// [P, F]; none where a text lacks them.
    values: Option<Vec<f32>>,
    /// F
    size: usize,
    reach: f32,
    largest: f32,
}

impl Drawn {
    fn new(twin: Twin, key: Key) -> Self {
        let site = Site::Layer(key.1, key.2.site());
        let [a, b] = [0, 1].map(|side: usize| twin.traces[side].values(site));
        let values = a.zip(b).and_then(|(a, b)| rows(&a, &b, &twin.pairing));
        let all = values.as_deref().unwrap_or_default();
        Self {
            size: all.len() / twin.len().max(1),
            reach: reach(all, CLIP),
            largest: largest_of(all),
            values,
            site,
            key,
            twin,
        }
    }

    fn both(&self, side: usize, token: usize, neuron: usize) -> f64 {
        let values = self.twin.traces[side].values(self.site);
        let value = values.and_then(|values| values.at(&[token, neuron]));
        value.map_or(f64::NAN, f64::from)
    }
}

#[derive(Default)]
pub(super) struct Difference {
    partners: Partners,
    drawn: Derived<Key, Drawn>,
    texture: HeatmapTexture,
    /// What was painted last, for files.
    shown: Option<Arc<Drawn>>,
}

impl Difference {
    /// For models that have layers.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        self.shown = None;
        let scroll = ScrollArea::vertical().id_salt("feed forward difference");
        scrolled_ui(ui, scroll.auto_shrink(false), |ui| {
            beside_bar_ui(ui, cx);
            let Some(twin) = self.partners.twin_ui(ui, cx) else {
                return;
            };
            let layer = cx.layer();
            let gate = Site::Layer(layer, LayerSite::FfnGate);
            let gated = twin.traces[0].tensor(gate).is_some();
            let mut options = kept_ui(ui, Options::default());
            options.without_gate(gated);
            options_ui(ui, cx, options, gated);
            if twin.inside_ui(ui, layer) {
                self.map_ui(ui, cx, twin, options);
            }
        });
    }

    fn map_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, twin: Twin, options: Options) {
        let key = (twin.key, cx.layer(), options.stage);
        let make = move |_: &_| Drawn::new(twin, key);
        let Some(shown) = self.drawn.get(cx.engine, &key, make) else {
            note_ui(ui, "Subtracting…");
            return;
        };
        let drawn = &shown.value;
        let Some(values) = &drawn.values else {
            note_ui(ui, "Both texts' values of this layer are not at hand yet.");
            return;
        };
        let scale = Scale::signed(match options.clipped {
            true => drawn.reach,
            false => drawn.largest,
        });
        ui.horizontal_wrapped(|ui| {
            let site = RichText::new(drawn.site.to_string()).monospace();
            ui.label(site.small().color(cx.theme.secondary()));
            legend_ui(ui, &scale, "A − B");
            if let Some(beyond) = beyond_note(&scale, drawn.largest) {
                note_ui(ui, beyond);
            }
        });
        ui.add_space(SPACE_SMALL);
        let name = format!("{}, A − B", drawn.site);
        let height = (ROW * drawn.twin.len() as f32 + 48.0).clamp(96.0, TALLEST);
        let map = RowsMap {
            twin: &drawn.twin,
            name: &name,
            key: key_of(drawn.key),
            axis: Axis::Neuron,
            site: drawn.site,
            values,
            size: drawn.size,
            scale,
            fit: vec2(ui.available_width(), height),
            labels: true,
            dimmed: !shown.current,
            both: &|side, token, neuron| drawn.both(side, token, neuron),
        };
        map.ui(ui, cx, &mut self.texture);
        note_ui(
            ui,
            "Above 0 where a neuron answers more to a token of A than to its partner in B.",
        );
        self.shown = Some(shown.value);
    }

    /// The values that are shown, by the names of their pairs.
    pub fn array(&self) -> Option<NamedArray> {
        let drawn = self.shown.as_ref()?;
        let numbers = Numbers::Single(drawn.values.clone()?);
        let name = format!("{}.a_minus_b", drawn.site);
        let shape = vec![drawn.twin.len(), drawn.size];
        let array = NamedArray::new(name, shape, numbers);
        Some(array.named(drawn.twin.pairing.labels.clone(), Vec::new()))
    }
}
