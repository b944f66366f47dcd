//! The strongest neurons of one token, the strongest tokens of one neuron, and its activation.

use std::sync::Arc;

use egui::{RichText, Ui};

use super::{Scene, ViewContext, activation, title_ui};
use crate::analysis::neurons::{Firing, across_tokens, top_neurons, top_tokens};
use crate::app::command::Command;
use crate::app::state::{Focus, TextId};
use crate::model::intervention::{Intervention, Scope};
use crate::trace::Trace;
use crate::views::intervene::switch_off_ui;
use crate::views::recorded::{Memo, trace_key};
use crate::widgets::theme::{SPACE, number};
use crate::widgets::{Cell, Column, Table};

const SHOWN: usize = 8;
/// From this width on, the three parts stand side by side.
const WIDE: f32 = 720.0;

/// A token of some text that drives a neuron.
struct TopToken {
    text: TextId,
    label: String,
    special: bool,
    firing: Firing,
}

#[derive(Default)]
pub(super) struct Tops {
    neurons: Memo<(u64, usize, usize), Vec<Firing>>,
    tokens: Memo<(Vec<u64>, usize, usize), Vec<TopToken>>,
    across: Memo<(u64, usize, usize), Vec<Firing>>,
}

impl Tops {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene) {
        let width = ui.available_width();
        if width < WIDE {
            self.neurons_ui(ui, cx, scene);
            ui.add_space(SPACE);
            self.tokens_ui(ui, cx, scene);
            ui.add_space(SPACE);
            self.curve_ui(ui, cx, scene, width);
            return;
        }
        let third = (width - 4.0 * SPACE) / 3.0;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0 * SPACE;
            column_ui(ui, third, |ui| self.neurons_ui(ui, cx, scene));
            column_ui(ui, third, |ui| self.tokens_ui(ui, cx, scene));
            column_ui(ui, third, |ui| self.curve_ui(ui, cx, scene, third));
        });
    }

    fn neurons_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene) {
        let (text, layer, token) = (&scene.text, scene.layer, scene.token);
        let top = self.neurons.get((text.key, layer, token), || {
            top_neurons(&text.trace, layer, token, SHOWN)
        });
        let title = format!("Neurons of {}", text.token(token));
        title_ui(ui, cx, &title, scene.strongest_token);
        let columns = columns("neuron", scene.gated());
        let table = Table {
            name: "Strongest neurons of the token",
            columns: &columns,
            rows: top.len(),
            focus: top.iter().position(|firing| firing.neuron == scene.neuron),
            locked: None,
        };
        let out = table.ui(ui, |row, column| match column {
            0 => Cell::Figure(top[row].neuron.to_string()),
            _ => figure(top[row], column),
        });
        let focus = |row: usize| {
            let firing = top.get(row)?;
            Some(scene.focus(firing.token, firing.neuron))
        };
        cx.point(out.hovered.and_then(focus), out.clicked.and_then(focus));
    }

    fn tokens_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene) {
        let neuron = scene.neuron;
        let model = &scene.text.trace.model;
        let whole = |trace: &&Arc<Trace>| trace.has_inside(scene.layer) && trace.model == *model;
        let traces = cx
            .texts
            .iter()
            .map(|text| (text, text.trace.as_ref().filter(whole)));
        let full: Vec<_> = traces
            .filter_map(|(text, trace)| Some((text, trace?)))
            .collect();
        let keys = full.iter().map(|(_, trace)| trace_key(trace)).collect();
        let top = self.tokens.get((keys, scene.layer, neuron), || {
            let traces = full.iter().map(|(_, trace)| &***trace);
            let top = top_tokens(traces, scene.layer, neuron, SHOWN);
            let found = |(at, firing): (usize, Firing)| {
                let (text, trace): (_, &Trace) = (full[at].0, full[at].1);
                TopToken {
                    text: text.id,
                    label: format!(
                        "{}: {} [{}]",
                        text.index + 1,
                        trace.tokens.labels[firing.token],
                        firing.token
                    ),
                    special: trace.tokens.special[firing.token],
                    firing,
                }
            };
            top.into_iter().map(found).collect()
        });
        let title = format!("Tokens of neuron {neuron}");
        title_ui(ui, cx, &title, scene.strongest_neuron);
        let layer = scene.layer;
        let what = Intervention::NoNeuron { layer, neuron };
        let name = format!("neuron {neuron}");
        if switch_off_ui(ui, cx, &name, what, Scope::All) && scene.strongest_neuron {
            // It stays in sight: switched off it is not the strongest, and the next one's switch would come to lie
            // under the pointer.
            cx.send(Command::Lock(scene.focus(scene.token, neuron)));
        }
        let here = |top: &TopToken| top.text == scene.text.id && top.firing.token == scene.token;
        let columns = columns("text: token", scene.gated());
        let table = Table {
            name: "Strongest tokens of the neuron",
            columns: &columns,
            rows: top.len(),
            focus: top.iter().position(here),
            locked: None,
        };
        let out = table.ui(ui, |row, column| match (column, top[row].special) {
            (0, true) => Cell::Quiet(top[row].label.clone()),
            (0, false) => Cell::Text(top[row].label.clone()),
            _ => figure(top[row].firing, column),
        });
        let note = match full.len() < cx.texts.len() {
            true => format!(
                "Of {} of {} texts: the others' layers are not kept.",
                full.len(),
                cx.texts.len()
            ),
            false if full.len() == 1 => "Of the one text.".to_owned(),
            false => format!("Of all {} texts.", full.len()),
        };
        ui.label(RichText::new(note).small().color(cx.theme.secondary()));
        let focus = |row: usize| {
            let top = top.get(row)?;
            Some(Focus {
                neuron: Some(neuron),
                ..Focus::token(top.text, top.firing.token)
            })
        };
        cx.point(out.hovered.and_then(focus), out.clicked.and_then(focus));
    }

    fn curve_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene, width: f32) {
        let (text, layer, neuron) = (&scene.text, scene.layer, scene.neuron);
        let across = self.across.get((text.key, layer, neuron), || {
            across_tokens(&text.trace, layer, neuron)
        });
        let weight = scene.taken.as_ref();
        let weight = weight.and_then(|taken| taken.of_neuron(scene.token, neuron));
        activation::curve_ui(ui, cx, scene, across, weight, width.min(360.0));
    }
}

fn column_ui(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.set_max_width(width);
        ui.set_min_width(width);
        contents(ui);
    });
}

/// What a row is, then its values before the activation (gate and up in a gated block) and after.
fn columns(what: &'static str, gated: bool) -> Vec<Column> {
    let column = |title, width, grow, right| Column {
        title,
        width,
        grow,
        right,
    };
    let values: &[&'static str] = match gated {
        true => &["gate", "up", "product"],
        false => &["before", "after"],
    };
    // Three figures leave no room for wide ones in a narrow panel.
    let width = if gated { 64.0 } else { 76.0 };
    let values = values.iter().map(|title| column(title, width, 0.0, true));
    std::iter::once(column(what, 80.0, 1.0, false))
        .chain(values)
        .collect()
}

fn figure(firing: Firing, column: usize) -> Cell {
    let value = match (firing.gate, column) {
        (Some(gate), 1) => gate,
        (Some(_), 2) | (None, 1) => firing.pre,
        _ => firing.act,
    };
    Cell::Figure(number(value.into()))
}
