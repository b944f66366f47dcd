//! Tokens by neurons, pooled to the pixels that there are.

use egui::{RichText, Ui, vec2};

use super::{Options, Scene, Stage, ViewContext};
use crate::app::state::Focus;
use crate::trace::{LayerSite, Site};
use crate::views::recorded::key_of;
use crate::views::subject::{beyond_note, note_ui};
use crate::widgets::theme::{SPACE_SMALL, number};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui};

/// The height of one token's row, and of all of them.
pub(super) const ROW: f32 = 16.0;
pub(super) const TALLEST: f32 = 360.0;

#[derive(Default)]
pub(super) struct Map {
    texture: HeatmapTexture,
}

impl Map {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene) {
        let (text, layer, firing) = (&scene.text, scene.layer, &scene.firing);
        let Options { stage, clipped } = scene.options;
        let Some(values) = text.trace.layer(layer, stage.site()) else {
            return;
        };
        let (tokens, neurons) = (values.size(0), values.size(1));
        let flat = values.flat(); // [T, F]
        let largest = match stage {
            Stage::Before => firing.largest_pre,
            Stage::Gate => firing.gate.map_or(0.0, |gate| gate[0]),
            Stage::After => firing.largest_act,
        };
        let scale = Scale::signed(match (stage, clipped) {
            (Stage::Before, true) => firing.reach_pre,
            (Stage::Gate, true) => firing.gate.map_or(0.0, |gate| gate[1]),
            (Stage::After, true) => firing.reach_act,
            (_, false) => largest,
        });
        let quantity = ("feed forward", layer, stage, clipped);
        let scale = cx.common_scale(ui, quantity, scale);
        let name = Site::Layer(layer, stage.site()).to_string();
        ui.horizontal_wrapped(|ui| {
            ui.label(
                RichText::new(&name)
                    .monospace()
                    .small()
                    .color(cx.theme.secondary()),
            );
            legend_ui(ui, &scale, "");
            if let Some(beyond) = beyond_note(&scale, largest) {
                note_ui(ui, beyond);
            }
        });
        // The note wraps in a narrow panel: the axis' name below it is no more of it.
        ui.add_space(SPACE_SMALL);
        let key = key_of((text.key, layer, stage));
        let special = &text.trace.tokens.special;
        let height = (ROW * tokens as f32 + 48.0).clamp(96.0, TALLEST);
        let (token, _) = text.focused(cx.focus);
        let locked = cx.locked;
        let locked = text
            .focused(locked)
            .0
            .zip(locked.neuron.filter(|&n| n < neurons));
        let out = Heatmap::new(&name, key, tokens, neurons, &flat, scale)
            .row_labels(&text.labels)
            .secondary_rows(special)
            .column_axis("neuron")
            .fit(vec2(ui.available_width(), height))
            .focus_row(token)
            .focus_column(cx.focus.neuron.filter(|&n| n < neurons))
            .locked(locked)
            .tooltip(false)
            .ui(ui, &mut self.texture);
        let focus = |(token, neuron)| Focus {
            neuron: Some(neuron),
            site: Some(Site::Layer(layer, stage.site())),
            ..Focus::token(text.id, token)
        };
        cx.point(out.hovered.map(focus), out.clicked.map(focus));
        if out.hovered.is_none()
            && let Some(row) = out.hovered_row
        {
            cx.hover(Focus::token(text.id, row));
        }
        if let Some(cell) = out.hovered {
            out.response
                .on_hover_text_at_pointer(hover_text(scene, cell));
        }
    }
}

fn hover_text(scene: &Scene, (token, neuron): (usize, usize)) -> String {
    let sites = [LayerSite::FfnPre, LayerSite::FfnGate, LayerSite::FfnAct];
    let line = |site| {
        // Only gated blocks have a gate.
        let value = scene.text.trace.layer(scene.layer, site)?;
        let value = value.at(&[token, neuron])?;
        let name = scene.site(site, (token, neuron));
        Some(format!("\n{name} {}", number(value.into())))
    };
    let lines: String = sites.into_iter().filter_map(line).collect();
    format!("{}, neuron {neuron}{lines}", scene.text.token(token))
}
