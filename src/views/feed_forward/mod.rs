//! The Feed-forward panel: tokens by neurons, the strongest of both, the activation, and how much
//! the block writes.

mod activation;
mod difference;
mod exciters;
mod experts;
mod map;
mod tops;
mod writes;

use std::sync::Arc;

use egui::{Label, RichText, Role, ScrollArea, TextStyle, Ui, WidgetInfo};
use serde::{Deserialize, Serialize};

use super::recorded::sharing;
use super::recorded::{Memo, Recorded, Viewed, keep_ui, kept_ui, switch_ui};
use super::scroll::{beside_bar_ui, column, together_ui};
use super::subject::{apart_ui, note_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::neurons::{
    Firing, LayerFiring, SILENT, Taken, firing_at, top_neurons, top_tokens,
};
use crate::app::command::Command;
use crate::app::export::NamedArray;
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::trace::{LayerSite, Site, Trace};
use crate::widgets::theme::{SPACE, number};

pub static PANEL: Panel = Panel {
    id: "feed_forward",
    title: "Feed-forward",
    about: "After attention, each token by itself goes through a feed-forward block: a product to \
            F neurons, an activation function, a product back, added to the residual stream. The \
            map shows every neuron (column) at every token (row), before or after the activation. \
            Few neurons speak at a time. Point at a cell for its token's strongest neurons and for \
            the tokens, of all texts of the session, that drive its neuron most. A neuron that \
            fires is not yet one that matters: what it writes goes through the second product and \
            is normalised with the rest of the stream. A − B shows which neurons answer more to the \
            tokens of A than to their partners in B.",
    one_text: true,
    make: || Box::<FeedForward>::default(),
};

/// Which of the block's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Stage {
    /// `ffn_pre`; the up branch of a gated block.
    Before,
    /// `ffn_gate`
    Gate,
    /// `ffn_act`
    #[default]
    After,
}

/// How the neurons are shown: ways of looking, kept by egui and not by the session.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Options {
    stage: Stage,
    /// Colours that leave out the few largest values.
    clipped: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stage: Stage::After,
            clipped: true,
        }
    }
}

impl Options {
    /// Gives up the gate that was kept from a block that had one.
    fn without_gate(&mut self, gated: bool) {
        if self.stage == Stage::Gate && !gated {
            self.stage = Stage::Before;
        }
    }
}

impl Stage {
    fn site(self) -> LayerSite {
        match self {
            Self::Before => LayerSite::FfnPre,
            Self::Gate => LayerSite::FfnGate,
            Self::After => LayerSite::FfnAct,
        }
    }
}

/// What the parts of the panel look at in this frame.
struct Scene {
    text: Recorded,
    layer: usize,
    options: Options,
    firing: Arc<LayerFiring>,
    /// Which experts each token takes; none in a block without, or before they are known.
    taken: Option<Arc<Taken>>,
    /// The token and the neuron that are pointed at, else the locked ones, else the strongest.
    token: usize,
    neuron: usize,
    /// Whether each of them is the strongest because none is pointed at.
    strongest_token: bool,
    strongest_neuron: bool,
}

impl Scene {
    fn focus(&self, token: usize, neuron: usize) -> Focus {
        Focus {
            neuron: Some(neuron),
            ..Focus::token(self.text.id, token)
        }
    }

    /// True where activation(gate) ⊙ up stands in place of activation(pre).
    fn gated(&self) -> bool {
        let gate = Site::Layer(self.layer, LayerSite::FfnGate);
        self.text.trace.tensor(gate).is_some()
    }

    fn site(&self, site: LayerSite, firing: (usize, usize)) -> String {
        format!(
            "{}[{}, {}]",
            Site::Layer(self.layer, site),
            firing.0,
            firing.1
        )
    }
}

#[derive(Default)]
struct FeedForward {
    viewed: Viewed,
    firing: Derived<(u64, usize), Option<LayerFiring>>,
    /// The last that was ready, so that nothing blanks on the way to the next.
    shown: Option<((u64, usize), Arc<LayerFiring>)>,
    map: map::Map,
    tops: tops::Tops,
    experts: experts::Chosen,
    unrelated: exciters::Unrelated,
    tsv: Memo<(u64, usize), String>,
    difference: difference::Difference,
}

impl View for FeedForward {
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
                "This model has no layers and so no feed-forward blocks.",
            );
            return;
        }
        let mut options = kept_ui(ui, Options::default());
        let gate = Site::Layer(cx.layer(), LayerSite::FfnGate);
        options.without_gate(text.trace.tensor(gate).is_some());
        let Some((mut scene, stale)) = self.scene(cx, text, options) else {
            ui.weak("The neurons of this layer are being counted.");
            return;
        };
        scene.taken = self.experts.taken(cx, &scene);
        // Made when its numbers change, not in every frame.
        if !stale {
            let key = (scene.text.key, scene.layer);
            self.tsv.get(key, || writes::tsv(&scene));
        }
        let area = ScrollArea::vertical()
            .id_salt("feed forward")
            .auto_shrink(false);
        together_ui(ui, PANEL.id, column(cx), area, |ui| {
            beside_bar_ui(ui, cx);
            if stale {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            options_ui(ui, cx, options, scene.gated());
            about_ui(ui, cx, &scene);
            self.experts.ui(ui, cx, &scene);
            sparsity_ui(ui, cx, &scene);
            self.map.ui(ui, cx, &scene);
            ui.add_space(SPACE);
            self.tops.ui(ui, cx, &scene);
            ui.add_space(SPACE);
            self.unrelated.exciters_ui(ui, cx, &scene);
            ui.add_space(SPACE);
            writes::writes_ui(ui, cx, &scene);
            ui.add_space(SPACE);
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        if cx.state.difference {
            return self.difference.array().map(|array| array.table());
        }
        let of = format!("\ttoken of {}\t", cx.side.name());
        Some(self.tsv.peek()?.replacen("\ttoken\t", &of, 1))
    }

    /// Every neuron of the layer, after and before the activation.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        if cx.state.difference {
            return self.difference.array().into_iter().collect();
        }
        let trace = cx.viewed().and_then(|text| text.trace.as_ref());
        let Some(trace) = trace.filter(|_| self.shown.is_some()) else {
            return Vec::new();
        };
        let layer = cx.layer();
        let sites = [
            LayerSite::FfnAct,
            LayerSite::FfnPre,
            LayerSite::FfnGate,
            LayerSite::FfnOut,
            LayerSite::ResidMid,
        ];
        let arrays = sites.map(|site| NamedArray::site(trace, Site::Layer(layer, site)));
        arrays.into_iter().flatten().collect()
    }
}

impl FeedForward {
    /// Also tells whether the numbers are those of an earlier layer or text.
    fn scene(
        &mut self,
        cx: &ViewContext<'_>,
        text: Recorded,
        options: Options,
    ) -> Option<(Scene, bool)> {
        let layer = cx.layer();
        let key = (text.key, layer);
        let trace = text.trace.clone();
        let make = move |cancel: &_| LayerFiring::new(&trace, layer, cancel);
        if let Some(shown) = self.firing.get(cx.engine, &key, make)
            && shown.current
            && self.shown.as_ref().is_none_or(|(old, _)| *old != key)
            && let Some(firing) = shown.value.as_ref()
        {
            self.shown = Some((key, Arc::new(firing.clone())));
        }
        let (shown, firing) = self.shown.as_ref()?;
        let (focus, locked) = (cx.focus, cx.locked);
        let token = text.focused(focus).0.or(text.focused(locked).0);
        let neuron = focus.neuron.or(locked.neuron);
        let width = text.trace.layer(layer, LayerSite::FfnAct)?.size(1);
        let neuron = neuron.filter(|&neuron| neuron < width);
        let pair = strongest(&text.trace, layer, token, neuron).or(firing.strongest)?;
        let stale = *shown != key;
        let scene = Scene {
            token: pair.token.min(text.tokens().saturating_sub(1)),
            neuron: pair.neuron,
            strongest_token: token.is_none(),
            strongest_neuron: neuron.is_none(),
            text,
            layer,
            options,
            firing: firing.clone(),
            taken: None,
        };
        Some((scene, stale))
    }
}

/// What is pointed at, completed by the strongest that goes with it; none where nothing is.
fn strongest(
    trace: &Trace,
    layer: usize,
    token: Option<usize>,
    neuron: Option<usize>,
) -> Option<Firing> {
    match (token, neuron) {
        (Some(token), None) => top_neurons(trace, layer, token, 1).first().copied(),
        (None, Some(neuron)) => {
            let top = top_tokens([trace], layer, neuron, 1);
            top.first().map(|(_, firing)| *firing)
        }
        (Some(token), Some(neuron)) => firing_at(trace, layer, token, neuron),
        (None, None) => None,
    }
}

fn options_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, before: Options, gated: bool) {
    let mut options = before;
    ui.horizontal_wrapped(|ui| {
        ui.label("Layer");
        ui.spacing_mut().item_spacing.x = 2.0;
        for layer in 0..cx.model.spec().layers() {
            let on = layer == cx.layer();
            let response = ui.selectable_label(on, (layer + 1).to_string());
            let name = format!("Layer {}", layer + 1);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
            if response.clicked() {
                cx.send(Command::SelectLayer(layer));
            }
        }
        apart_ui(ui);
        let before = "ffn_pre: what the first product gives";
        let after = "ffn_act: what the second product reads";
        let plain = [
            (Stage::Before, "Before activation", before),
            (Stage::After, "After activation", after),
        ];
        let branches = [
            (Stage::Gate, "Gate", "ffn_gate: the branch that goes through the activation"),
            (Stage::Before, "Up", "ffn_pre: the branch that the gate lets through"),
            (Stage::After, "Product", after),
        ];
        match gated {
            true => switch_ui(ui, &mut options.stage, &branches),
            false => switch_ui(ui, &mut options.stage, &plain),
        }
        apart_ui(ui);
        let clipped = "Colours reach to what 99.5% of the values stay below; the few beyond take the end's colour";
        let scales = [
            (true, "Own range", clipped),
            (false, "To largest", "Colours reach to the largest value"),
        ];
        switch_ui(ui, &mut options.clipped, &scales);
    });
    // What only this block has to give up stays chosen for one beside it.
    if options != before {
        keep_ui(ui, options);
    }
    ui.add_space(SPACE);
}

/// What the sites mean in this block, and what is special about it.
fn about_ui(ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene) {
    let spec = cx.model.spec();
    let name = spec.activation.title();
    let mut parts = Vec::new();
    if scene.gated() {
        parts.push(format!(
            "gated: ffn_act = {name}(ffn_gate) × ffn_pre, neuron by neuron"
        ));
    }
    if let Some(experts) = spec.blocks[scene.layer].experts {
        parts.push(format!(
            "{} experts side by side, of which each token takes {}",
            experts.count, experts.chosen
        ));
    }
    parts.extend(sharing(spec, scene.layer));
    if !parts.is_empty() {
        note_ui(
            ui,
            format!("Layer {}: {}.", scene.layer + 1, parts.join(" · ")),
        );
        ui.add_space(SPACE);
    }
}

/// How few neurons speak.
fn sparsity_ui(ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene) {
    let firing = &scene.firing;
    let act = Site::Layer(scene.layer, LayerSite::FfnAct);
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let silent = |i: usize| {
        let text = format!("{} below {}", percent(firing.silent[i]), SILENT[i]);
        let about = format!(
            "Share of {act} of which the magnitude is below {}",
            SILENT[i]
        );
        (text, about)
    };
    let parts = [
        silent(0),
        silent(1),
        (
            format!("{} negative", percent(firing.negative)),
            format!("Share of {act} below 0: how much of them the activation lets through"),
        ),
        (
            format!("largest {}", number(firing.largest_act.into())),
            format!("Largest magnitude of {act}"),
        ),
    ];
    ui.horizontal_wrapped(|ui| {
        let what = match scene.gated() {
            true => "Sparsity of the product",
            false => "Sparsity after the activation",
        };
        ui.label(RichText::new(what).color(cx.theme.secondary()));
        for (text, about) in parts {
            // A figure stays with what it counts.
            ui.add(Label::new(text).extend()).on_hover_text(about);
        }
    });
}

/// A part's title; `strongest` where it shows a default because nothing is pointed at.
fn title_ui(ui: &mut Ui, cx: &ViewContext<'_>, title: &str, strongest: bool) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).text_style(TextStyle::Heading));
        if strongest {
            let note = RichText::new("strongest here")
                .small()
                .color(cx.theme.secondary());
            ui.label(note)
                .on_hover_text("Nothing is pointed at, so this is the largest value.");
        }
    });
}
