//! The Attention panel: every head small, one head large, arcs, and the arithmetic of one cell.

mod about;
mod arcs;
mod average;
mod cell;
mod difference;
mod grid;
mod head;
mod leaders;
mod lens;
mod makeup;
mod numbers;
pub(crate) mod steps;

use std::sync::Arc;

use egui::{RichText, ScrollArea, TextStyle, Ui};
use serde::{Deserialize, Serialize};

use super::recorded::{Memo, Recorded, Viewed, keep_ui, kept_ui, switch_ui};
use super::scroll::beside_bar_ui;
use super::subject::{apart_ui, note_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::attention::{HeadSummary, Kind, Map, summaries};
use crate::app::export::NamedArray;
use crate::engine::{Derived, Shown};
use crate::model::ModelError;
use crate::model::spec::Mask;
use crate::trace::{LayerSite, Site, Trace};
use crate::widgets::scrolled_ui;
use crate::widgets::theme::{SPACE, Theme};
use average::{Average, Chosen, Over};

pub static PANEL: Panel = Panel {
    id: "attention",
    title: "Attention",
    about: "In each layer every head lets each token (query, a row) read from all tokens (keys, \
            columns). A row of the pattern is a softmax over the scores, q·k times a factor, \
            plus what positions add, less what a mask hides, so it sums to 1. Hatched cells are \
            hidden: that query does not see that key. The grid shows every head small; a click or the arrow keys make one large. A head is named by \
            where it looks beyond chance, the share that uniform attention would give: previous, \
            next, self or separator/sink where that share goes at least 40% of the way from chance \
            to everything; broad where the entropy of its rows is at least 80% of the most that is possible; mixed \
            otherwise. A mean over heads or layers, or over those of one kind, names in each cell the head that \
            puts most into it. Point at a cell for the arithmetic that made it. Raw attention shows where a \
            head reads from; it is not an explanation of the output: values, the other heads and \
            later layers decide what becomes of it. What carries a score is in the Score panel. A − B shows what \
            the tokens of A read more than their partners in B.",
    one_text: true,
    make: || Box::<Attention>::default(),
};

/// How the heads are shown. Kept by egui, not by the session: ways of looking, like the place of a
/// scroll bar.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Options {
    map: Map,
    /// The chosen head, or a mean.
    over: Over,
    /// Colours that reach as far as each map's own values instead of to 1.
    relative: bool,
    /// Weights below this have no arc.
    threshold: f32,
    /// Heads of this kind stand out in the grid.
    kind: Option<Kind>,
}

impl Options {
    /// Gives up a map that was kept from a model that had one.
    fn without_position(&mut self, has_position: bool) {
        if self.map == Map::Position && !has_position {
            self.map = Map::Pattern;
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            map: Map::Pattern,
            over: Over::One,
            relative: true,
            threshold: 0.05,
            kind: None,
        }
    }
}

/// What the parts of the panel look at in this frame.
struct Scene {
    text: Recorded,
    layer: usize,
    head: usize,
    heads: usize,
    /// What this layer hides.
    mask: Mask,
    /// Whether distances add something to this layer's scores.
    has_position: bool,
    /// Of every head, `[L, H]`; those of an earlier text until this one's are ready.
    summaries: Option<Shown<Result<Vec<HeadSummary>, ModelError>>>,
}

impl Scene {
    /// Of this text alone: numbers of an earlier one would pass for its own.
    fn summaries(&self) -> Option<&[HeadSummary]> {
        self.seen().filter(|_| self.is_summed_up())
    }

    /// What there is to see meanwhile, which is painted dimmed.
    fn seen(&self) -> Option<&[HeadSummary]> {
        (*self.summaries.as_ref()?.value).as_deref().ok()
    }

    fn is_summed_up(&self) -> bool {
        self.summaries.as_ref().is_some_and(|shown| shown.current)
    }

    fn summary_of(&self, layer: usize, head: usize) -> Option<&HeadSummary> {
        self.summaries()?.get(layer * self.heads + head)
    }

    fn seen_of(&self, layer: usize, head: usize) -> Option<&HeadSummary> {
        self.seen()?.get(layer * self.heads + head)
    }

    /// What follows is dimmed while it is an earlier text's.
    fn dim_ui(&self, ui: &mut Ui) {
        if !self.is_summed_up() && self.seen().is_some() {
            ui.multiply_opacity(Theme::of(ui).stale_alpha());
        }
    }
}

/// Layers and heads count from 1 on screen; sites count from 0.
fn head_name(layer: usize, head: usize) -> String {
    format!("L{} · head {}", layer + 1, head + 1)
}

#[derive(Default)]
struct Attention {
    viewed: Viewed,
    summaries: Derived<u64, Result<Vec<HeadSummary>, ModelError>>,
    grid: grid::Grid,
    average: Average,
    head: head::Head,
    arcs: arcs::Arcs,
    makeup: makeup::Makeup,
    difference: difference::Difference,
    tsv: Memo<u64, Option<String>>,
    /// What was painted last, for files: the trace, its layer and head, and the map.
    shown: Option<(Arc<Trace>, usize, usize, Map)>,
}

impl View for Attention {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        if cx.state.difference && cx.model.spec().layers() > 0 {
            return self.difference.ui(ui, cx);
        }
        let Some(text) = self.viewed.recorded_ui(ui, cx) else {
            return;
        };
        if cx.model.spec().layers() == 0 {
            note_ui(
                ui,
                "This model has no layers and so no attention: no token reads another.",
            );
            return;
        }
        let (model, trace) = (cx.model.clone(), text.trace.clone());
        let make = move |cancel: &_| summaries(&model, &trace, cancel);
        let shown = self.summaries.get(cx.engine, &text.key, make);
        let layer = cx.layer();
        let position = Site::Layer(layer, LayerSite::ScorePosition);
        let has_position = text.trace.has(position);
        let scene = Scene {
            mask: cx.model.spec().blocks[layer].mask,
            has_position,
            layer,
            head: cx.head(),
            heads: cx.model.spec().heads,
            // Another model's may be of other heads.
            summaries: shown.filter(|shown| {
                let spec = cx.model.spec();
                let all = shown.value.as_ref().as_ref().map_or(0, Vec::len);
                shown.current || all == spec.layers() * spec.heads
            }),
            text,
        };
        self.remember_tsv(&scene);
        let area = ScrollArea::vertical()
            .id_salt("attention")
            .auto_shrink(false);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            let mut options = kept_ui(ui, Options::default());
            options.without_position(scene.has_position);
            let before = options;
            options_ui(ui, &mut options, scene.has_position, "0 to 1");
            let trace = scene.text.trace.clone();
            self.shown = Some((trace, scene.layer, scene.head, options.map));
            about::layer_ui(ui, cx, &scene);
            let chosen = self.average.choose(cx, &scene, &options);
            let shown = (&scene, &chosen);
            match ui.available_width() >= WIDE {
                true => self.wide_ui(ui, cx, shown, &mut options),
                false => self.narrow_ui(ui, cx, shown, &mut options),
            }
            ui.add_space(SPACE);
            // What only this model has to give up stays chosen for one beside it.
            if options != before {
                keep_ui(ui, options);
            }
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        if cx.state.difference {
            return self.difference.array().map(|array| array.table());
        }
        let of = format!("layer of {}\t", cx.side.name());
        let tsv = self.tsv.peek().and_then(Option::as_ref)?;
        Some(tsv.replacen("layer\t", &of, 1))
    }

    /// The head's map and those of all heads, the shown kind first.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        if cx.state.difference {
            return self.difference.array().into_iter().collect();
        }
        let mean = self.head.mean();
        let Some((trace, layer, head, map)) = &self.shown else {
            return Vec::new();
        };
        let mut maps = [Map::Pattern, Map::Scores, Map::Content, Map::Position];
        maps.sort_by_key(|other| other != map);
        let arrays = maps.iter().flat_map(|map| {
            let site = Site::Layer(*layer, map.site());
            [
                NamedArray::plane(trace, site, *head),
                NamedArray::site(trace, site),
            ]
        });
        mean.into_iter().chain(arrays.flatten()).collect()
    }
}

/// From this width on, parts stand side by side.
const WIDE: f32 = 720.0;
/// From this width on, a title has room for a legend beside it.
const ROOMY: f32 = 360.0;

impl Attention {
    fn wide_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (scene, chosen): (&Scene, &Chosen),
        options: &mut Options,
    ) {
        let width = ui.available_width();
        // What is said of one head stands beside the grid that it is chosen in, however many layers that has.
        ui.horizontal_top(|ui| {
            part_ui(ui, 0.5 * width, |ui| {
                self.grid.ui(ui, cx, scene, options);
                ui.add_space(SPACE);
                self.arcs.ui(ui, cx, (scene, chosen), options);
            });
            part_ui(ui, ui.available_width(), |ui| {
                self.large_ui(ui, cx, (scene, chosen), options);
                cell::cell_ui(ui, cx, scene, options);
            });
        });
    }

    fn narrow_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (scene, chosen): (&Scene, &Chosen),
        options: &mut Options,
    ) {
        self.grid.ui(ui, cx, scene, options);
        ui.add_space(SPACE);
        self.large_ui(ui, cx, (scene, chosen), options);
        self.arcs.ui(ui, cx, (scene, chosen), options);
        ui.add_space(SPACE);
        cell::cell_ui(ui, cx, scene, options);
    }

    /// The map that is large and what it is made of. The chosen head's numbers stand in front of that head's
    /// map, and behind a mean, of which it is one head.
    fn large_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (scene, chosen): (&Scene, &Chosen),
        options: &Options,
    ) {
        let one = options.over == Over::One;
        let numbers_ui = |ui: &mut Ui| {
            numbers::numbers_ui(ui, scene);
            ui.add_space(SPACE);
        };
        if one {
            numbers_ui(ui);
        }
        self.head.ui(ui, cx, scene, options, chosen);
        ui.add_space(SPACE);
        if !one {
            self.makeup.ui(ui, cx, (scene, chosen), options);
            numbers_ui(ui);
        }
    }

    /// The clipboard's table, made when its numbers change and not in every frame.
    fn remember_tsv(&mut self, scene: &Scene) {
        let ready = scene.summaries();
        let key = ready.map_or(0, |_| scene.text.key);
        self.tsv
            .get(key, || ready.map(|all| numbers::tsv(all, scene.heads)));
    }
}

fn part_ui(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.set_max_width(width);
        ui.set_min_width(width - SPACE);
        contents(ui);
    });
}

/// A part's title, with something on its right where there is room, else below.
fn title_ui(ui: &mut Ui, title: &str, beside: impl FnOnce(&mut Ui)) {
    let title = RichText::new(title).text_style(TextStyle::Heading);
    if ui.available_width() < ROOMY {
        ui.label(title);
        ui.horizontal_wrapped(beside);
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label(title);
        beside(ui);
    });
}

/// `span` is how far weights can reach.
fn options_ui(ui: &mut Ui, options: &mut Options, has_position: bool, span: &str) {
    let mut maps = vec![
        (
            Map::Pattern,
            "Pattern",
            "After the softmax: every row sums to 1",
        ),
        (
            Map::Scores,
            "Scores",
            "Before the softmax: content, position and mask together",
        ),
        (
            Map::Content,
            "Content",
            "The scaled q·k alone (of turned q and k where the model turns them)",
        ),
    ];
    if has_position {
        let about = "What the distance between two tokens adds to their score";
        maps.push((Map::Position, "Position", about));
    }
    let whole = match options.map {
        Map::Pattern => span,
        _ => "To largest",
    };
    let scales = [
        (
            true,
            "Own range",
            "Each map's colours reach to what 99.5% of its cells stay below; the few beyond take the end's colour",
        ),
        (
            false,
            whole,
            "The same colours for every head: weights as far as they can, scores to the largest of all heads",
        ),
    ];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        switch_ui(ui, &mut options.map, &maps);
        apart_ui(ui);
        switch_ui(ui, &mut options.over, &Over::CHOICES);
        apart_ui(ui);
        switch_ui(ui, &mut options.relative, &scales);
    });
    ui.add_space(SPACE);
}
