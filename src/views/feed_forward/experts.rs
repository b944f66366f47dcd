//! Which experts each token takes, and with what weight.

use std::sync::Arc;

use egui::{Ui, vec2};

use super::{Scene, ViewContext, title_ui};
use crate::analysis::neurons::Taken;
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::trace::{LayerSite, Site};
use crate::views::recorded::key_of;
use crate::views::subject::note_ui;
use crate::widgets::{Heatmap, HeatmapTexture, SPACE, Scale, legend_ui, number};

/// The height of one token's row, and of all of them.
const ROW: f32 = 18.0;
const TALLEST: f32 = 320.0;

#[derive(Default)]
pub(super) struct Chosen {
    taken: Derived<(u64, usize), Option<Arc<Taken>>>,
    texture: HeatmapTexture,
}

impl Chosen {
    /// None in a block without experts, and until they are known.
    pub fn taken(&mut self, cx: &ViewContext<'_>, scene: &Scene) -> Option<Arc<Taken>> {
        let spec = cx.model.spec();
        let experts = spec.blocks[scene.layer].experts?.count;
        let (trace, activation) = (scene.text.trace.clone(), spec.activation);
        let layer = scene.layer;
        let make =
            move |cancel: &_| Taken::new(&trace, layer, experts, activation, cancel).map(Arc::new);
        let key = (scene.text.key, layer);
        let shown = self.taken.get(cx.engine, &key, make)?;
        // Weights of another text would pass for this one's.
        shown.value.as_ref().clone().filter(|_| shown.current)
    }

    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene) {
        let Some(taken) = scene.taken.clone() else {
            return;
        };
        let text = &scene.text;
        title_ui(ui, cx, "Experts that each token takes", false);
        let site = Site::Layer(scene.layer, LayerSite::FfnAct);
        note_ui(
            ui,
            format!(
                "Weight of each expert, read back from {site}: expert e has neurons e·{n} to \
                 e·{n} + {last}, counted from 0. Residual {}",
                number(taken.residual),
                n = taken.neurons,
                last = taken.neurons - 1,
            ),
        );
        let scale = Scale::amount(1.0);
        legend_ui(ui, &scale, "weight");
        let labels: Vec<String> = (0..taken.experts).map(|e| format!("expert {e}")).collect();
        let tokens = text.tokens();
        let height = (ROW * tokens as f32 + 72.0).min(TALLEST);
        let key = key_of((text.key, scene.layer, "experts"));
        let out = Heatmap::new(
            "Weight of each expert at each token",
            key,
            tokens,
            taken.experts,
            &taken.weights,
            scale,
        )
        .row_labels(&text.labels)
        .column_labels(&labels)
        .secondary_rows(&text.trace.tokens.special)
        .max_cell(48.0)
        .fit(vec2(ui.available_width(), height))
        .show_values(true)
        .focus_row(text.focused(cx.focus).0)
        .ui(ui, &mut self.texture);
        let focus = |(token, _): (usize, usize)| Focus::token(text.id, token);
        cx.point(out.hovered.map(focus), out.clicked.map(focus));
        ui.add_space(SPACE);
    }
}
