//! The Feed-forward panel: tokens by neurons, the strongest of both, the activation, and how much
//! the block writes.

mod activation;
mod map;
mod tops;
mod writes;

use std::sync::Arc;

use egui::{RichText, ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::recorded::{Recorded, Viewed, keep_ui, kept_ui, switch_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::neurons::{Firing, LayerFiring, SILENT};
use crate::app::command::Command;
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::trace::{LayerSite, Site};
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
            is normalised with the rest of the stream.",
    one_text: true,
    make: || Box::<FeedForward>::default(),
};

/// Before or after the activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Stage {
    Before,
    #[default]
    After,
}

impl Stage {
    fn site(self) -> LayerSite {
        match self {
            Self::Before => LayerSite::FfnPre,
            Self::After => LayerSite::FfnAct,
        }
    }
}

/// What the parts of the panel look at in this frame.
struct Subject {
    text: Recorded,
    layer: usize,
    stage: Stage,
    firing: Arc<LayerFiring>,
    /// The token and the neuron that are pointed at; else the locked ones, else the strongest pair.
    token: usize,
    neuron: usize,
    /// True where they are the strongest because nothing is pointed at.
    strongest: bool,
}

impl Subject {
    fn focus(&self, firing: Firing) -> Focus {
        Focus {
            neuron: Some(firing.neuron),
            ..Focus::token(self.text.id, firing.token)
        }
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
}

impl View for FeedForward {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let Some(text) = self.viewed.recorded_ui(ui, cx) else {
            return;
        };
        let stage = kept_ui(ui, Stage::default());
        let Some((subject, stale)) = self.subject(cx, text, stage) else {
            ui.weak("The neurons of this layer are being counted.");
            return;
        };
        ScrollArea::vertical()
            .id_salt("feed forward")
            .auto_shrink(false)
            .show(ui, |ui| {
                if stale {
                    ui.multiply_opacity(cx.theme.stale_alpha());
                }
                options_ui(ui, cx, stage);
                sparsity_ui(ui, cx, &subject);
                self.map.ui(ui, cx, &subject);
                ui.add_space(SPACE);
                self.tops.ui(ui, cx, &subject);
                ui.add_space(SPACE);
                writes::writes_ui(ui, cx, &subject);
                ui.add_space(SPACE);
            });
    }
}

impl FeedForward {
    /// Also tells whether the numbers are those of an earlier layer or text.
    fn subject(
        &mut self,
        cx: &ViewContext<'_>,
        text: Recorded,
        stage: Stage,
    ) -> Option<(Subject, bool)> {
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
        let strongest = firing.strongest?;
        let size = cx.model.spec().ffn;
        let (focus, locked) = (cx.focus, cx.state.locked);
        let token = text.focused(focus).0.or(text.focused(locked).0);
        let neuron = focus
            .neuron
            .or(locked.neuron)
            .filter(|&neuron| neuron < size);
        let stale = *shown != key;
        Some((
            Subject {
                token: token
                    .unwrap_or(strongest.token)
                    .min(text.tokens().saturating_sub(1)),
                neuron: neuron.unwrap_or(strongest.neuron).min(size - 1),
                strongest: token.is_none() && neuron.is_none(),
                text,
                layer,
                stage,
                firing: firing.clone(),
            },
            stale,
        ))
    }
}

fn options_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, mut stage: Stage) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Layer");
        ui.spacing_mut().item_spacing.x = 1.0;
        for layer in 0..cx.model.spec().layers {
            let response = ui.selectable_label(layer == cx.layer(), (layer + 1).to_string());
            let name = format!("Layer {}", layer + 1);
            let on = layer == cx.layer();
            response
                .widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, &name));
            if response.clicked() {
                cx.send(Command::SelectLayer(layer));
            }
        }
        ui.add_space(SPACE);
        let stages = [
            (
                Stage::Before,
                "Before activation",
                "ffn_pre: the first product",
            ),
            (
                Stage::After,
                "After activation",
                "ffn_act: what the second product reads",
            ),
        ];
        switch_ui(ui, &mut stage, &stages);
    });
    keep_ui(ui, stage);
    ui.add_space(SPACE);
}

/// How few neurons speak.
fn sparsity_ui(ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject) {
    let firing = &subject.firing;
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    ui.horizontal_wrapped(|ui| {
        let act = Site::Layer(subject.layer, LayerSite::FfnAct);
        let parts = [
            (
                format!("{} silent", percent(firing.silent)),
                format!("Share of {act} of which the magnitude is below {SILENT}"),
            ),
            (
                format!("{} negative", percent(firing.negative)),
                format!("Share of {act} below 0: how far the activation lets negatives through"),
            ),
            (
                format!("largest {}", number(firing.largest_act.into())),
                format!("Largest magnitude of {act}"),
            ),
        ];
        ui.label(RichText::new("After the activation:").color(cx.theme.secondary()));
        for (text, about) in parts {
            ui.label(text).on_hover_text(about);
        }
    });
}
