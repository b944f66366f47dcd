//! The strongest neurons of one token, the strongest tokens of one neuron, and its activation.

use egui::{Grid, RichText, Ui};

use super::map::line_ui;
use super::{Subject, ViewContext, activation};
use crate::analysis::neurons::{Firing, across_tokens, top_neurons, top_tokens};
use crate::app::state::{Focus, TextId};
use crate::trace::Trace;
use crate::views::recorded::{Memo, full_trace, trace_key};
use crate::widgets::piece_label;
use crate::widgets::theme::SPACE;

const SHOWN: usize = 8;
/// From this width on, the three parts stand side by side.
const WIDE: f32 = 720.0;

/// A token of some text that drives a neuron.
struct TopToken {
    text: TextId,
    /// Place in the list.
    index: usize,
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
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject) {
        let width = ui.available_width();
        let Subject { text, layer, token, neuron, .. } = subject;
        let across = self.across.get((text.key, *layer, *neuron), || {
            across_tokens(&text.trace, *layer, *neuron)
        });
        if width < WIDE {
            neurons_ui(ui, cx, subject, &mut self.neurons);
            ui.add_space(SPACE);
            tokens_ui(ui, cx, subject, &mut self.tokens);
            ui.add_space(SPACE);
            activation::curve_ui(ui, cx, subject, across, width.min(360.0));
            return;
        }
        let third = (width - 2.0 * SPACE) / 3.0;
        ui.horizontal_top(|ui| {
            let column = |ui: &mut Ui, contents: &mut dyn FnMut(&mut Ui)| {
                ui.vertical(|ui| {
                    ui.set_max_width(third);
                    ui.set_min_width(third - SPACE);
                    contents(ui);
                });
            };
            column(ui, &mut |ui| neurons_ui(ui, cx, subject, &mut self.neurons));
            column(ui, &mut |ui| tokens_ui(ui, cx, subject, &mut self.tokens));
            column(ui, &mut |ui| activation::curve_ui(ui, cx, subject, across, third));
        });
        let _ = token;
    }
}

fn heading_ui(ui: &mut Ui, cx: &ViewContext<'_>, title: String, subject: &Subject) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(title).strong());
        if subject.strongest {
            let note = RichText::new("strongest here").small().color(cx.theme.secondary());
            ui.label(note).on_hover_text("Nothing is pointed at, so this is the largest of the map.");
        }
    });
}

fn table_ui(ui: &mut Ui, cx: &ViewContext<'_>, name: &str, what: &str, rows: impl FnOnce(&mut Ui)) {
    Grid::new(name).num_columns(3).min_col_width(56.0).spacing([SPACE, 0.0]).show(ui, |ui| {
        for (column, text) in [what, "before", "after"].into_iter().enumerate() {
            let text = RichText::new(text).small().color(cx.theme.secondary());
            match column {
                0 => _ = ui.label(text),
                _ => {
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        ui.label(text);
                    });
                }
            }
        }
        ui.end_row();
        rows(ui);
    });
}

fn neurons_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    subject: &Subject,
    memo: &mut Memo<(u64, usize, usize), Vec<Firing>>,
) {
    let (text, layer, token) = (&subject.text, subject.layer, subject.token);
    let top = memo.get((text.key, layer, token), || {
        top_neurons(&text.trace, layer, token, SHOWN)
    });
    heading_ui(ui, cx, format!("Neurons of {}", text.token(token)), subject);
    let (mut hovered, mut clicked) = (None, None);
    table_ui(ui, cx, "top neurons", "neuron", |ui| {
        for &firing in top {
            let what = RichText::new(firing.neuron.to_string()).monospace();
            let response = line_ui(ui, what, firing, firing.neuron == subject.neuron);
            if response.hovered() {
                hovered = Some(subject.focus(firing));
            }
            if response.clicked() {
                clicked = Some(subject.focus(firing));
            }
        }
    });
    cx.point(hovered, clicked);
}

fn tokens_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    subject: &Subject,
    memo: &mut Memo<(Vec<u64>, usize, usize), Vec<TopToken>>,
) {
    let full: Vec<_> = cx
        .texts
        .iter()
        .filter_map(|text| Some((text, full_trace(text).ok()?)))
        .filter(|(_, trace)| trace.model == subject.text.trace.model)
        .collect();
    let keys = full.iter().map(|(_, trace)| trace_key(trace)).collect();
    let (layer, neuron) = (subject.layer, subject.neuron);
    let top = memo.get((keys, layer, neuron), || {
        let traces = full.iter().map(|(_, trace)| &***trace);
        let top = top_tokens(traces, layer, neuron, SHOWN);
        let found = |(at, firing): (usize, Firing)| {
            let (text, trace): (_, &Trace) = (full[at].0, full[at].1);
            TopToken {
                text: text.id,
                index: text.index,
                label: piece_label(&trace.tokens.pieces[firing.token]),
                special: trace.tokens.special[firing.token],
                firing,
            }
        };
        top.into_iter().map(found).collect()
    });
    heading_ui(ui, cx, format!("Tokens of neuron {neuron}"), subject);
    let (mut hovered, mut clicked) = (None, None);
    table_ui(ui, cx, "top tokens", "text, token", |ui| {
        for token in top {
            let color = if token.special { cx.theme.secondary() } else { cx.theme.foreground() };
            let what = format!("{}  {} [{}]", token.index + 1, token.label, token.firing.token);
            let here = token.text == subject.text.id && token.firing.token == subject.token;
            let response = line_ui(ui, RichText::new(what).color(color), token.firing, here);
            let focus = Focus {
                neuron: Some(neuron),
                ..Focus::token(token.text, token.firing.token)
            };
            if response.hovered() {
                hovered = Some(focus);
            }
            if response.clicked() {
                clicked = Some(focus);
            }
        }
    });
    let note = match (full.len(), cx.texts.len()) {
        (full, all) if full < all => {
            format!("Of the {full} texts of {all} that are recorded whole (A, B and those compared before).")
        }
        (_, all) => format!("Of all {all} texts."),
    };
    ui.label(RichText::new(note).small().color(cx.theme.secondary()));
    cx.point(hovered, clicked);
}
