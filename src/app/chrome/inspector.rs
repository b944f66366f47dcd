//! Whatever is hovered or locked, with its sites, indices and values.

use std::sync::Arc;

use egui::{Grid, RichText, Ui};

use crate::analysis::attention::{Cell, why_hidden};
use crate::app::command::Command;
use crate::app::state::{Focus, State, TextId};
use crate::model::Model;
use crate::trace::site::{EmbedSite, LayerSite, PoolingMode, Site};
use crate::trace::{Trace, Values};
use crate::views::TextView;
use crate::views::attention::steps::steps;
use crate::widgets::theme::{SPACE, Theme, number};

/// Paints the inspector.
pub fn inspector_ui(
    ui: &mut Ui,
    state: &State,
    model: &Arc<Model>,
    shown: &[TextView],
    focus: Focus,
    commands: &mut Vec<Command>,
) {
    ui.horizontal(|ui| {
        ui.heading("Inspector");
        if !state.locked.is_empty() {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let button = ui.small_button("Let go").on_hover_text("Escape");
                if button.clicked() {
                    commands.push(Command::Release);
                }
            });
        }
    });
    let text = focus
        .text
        .and_then(|id| shown.iter().find(|text| text.id == id));
    let Some((text, trace)) = text.and_then(|text| Some((text, text.trace.as_ref()?))) else {
        ui.weak("Point at a token or a cell anywhere to see where its number comes from. A click holds it; Escape lets go.");
        return;
    };
    egui::ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            if !text.current {
                ui.multiply_opacity(Theme::of(ui).stale_alpha());
            }
            text_ui(ui, text, trace);
            let layer = state.layer.min(model.spec().layers().saturating_sub(1));
            let head = state.head.min(model.spec().heads - 1);
            if let Some(token) = focus.token.filter(|&t| t < trace.tokens.len()) {
                token_ui(ui, trace, token);
                if let Some((partner, t)) = focus.across {
                    partner_ui(ui, shown, partner, t);
                }
                if let Some(key) = focus.other.filter(|&k| k < trace.tokens.len()) {
                    cell_ui(ui, model, trace, (layer, head), (token, key));
                }
                stream_ui(ui, trace, token, focus.dimension);
                if let Some(neuron) = focus.neuron {
                    neuron_ui(ui, trace, layer, token, neuron);
                }
            } else if let Some(dimension) = focus.dimension {
                dimension_ui(ui, trace, dimension);
            }
        });
}

fn section_ui(ui: &mut Ui, title: &str) {
    ui.add_space(SPACE);
    ui.label(RichText::new(title).strong());
}

/// One line: a site with its index, and the value at full precision.
fn value_ui(ui: &mut Ui, name: String, value: Option<f32>) {
    ui.label(RichText::new(name).monospace().small());
    let text = value.map_or("–".to_owned(), |value| number(value.into()));
    let response = ui.label(RichText::new(text).monospace());
    if let Some(value) = value {
        response.on_hover_text(format!("{value:?}"));
    }
    ui.end_row();
}

fn grid_ui(ui: &mut Ui, name: &str, rows: impl FnOnce(&mut Ui)) {
    Grid::new(name)
        .num_columns(2)
        .spacing([SPACE, 2.])
        .show(ui, rows);
}

fn text_ui(ui: &mut Ui, text: &TextView, trace: &Trace) {
    ui.label(&*text.text);
    let count = trace.tokens.len();
    ui.weak(match trace.tokens.most() {
        Some(most) => format!("{count} of at most {most} tokens"),
        None => format!("{count} tokens"),
    });
}

fn token_ui(ui: &mut Ui, trace: &Trace, t: usize) {
    let tokens = &trace.tokens;
    section_ui(ui, &format!("Token {t}: {}", tokens.labels[t]));
    grid_ui(ui, "token", |ui| {
        let mut row = |name: &str, value: String| {
            ui.label(RichText::new(name).small());
            ui.label(RichText::new(value).monospace());
            ui.end_row();
        };
        row("id", tokens.ids[t].to_string());
        if tokens.pieces[t] != tokens.labels[t] {
            row("spelled", tokens.pieces[t].clone());
        }
        let (start, end) = tokens.offsets[t];
        match tokens.special[t] {
            true => row("kind", "special, added by the template".to_owned()),
            false => {
                row("bytes", format!("{start}–{end}"));
                row(
                    "covers",
                    format!("“{}”", tokens.text.get(start..end).unwrap_or("")),
                );
            }
        }
        if let Some(word) = tokens.words[t] {
            row("word", word.to_string());
        }
        if tokens.unknown[t] {
            row("note", "not in the vocabulary".to_owned());
        }
    });
}

/// The token of the other text that a pair is made with.
fn partner_ui(ui: &mut Ui, shown: &[TextView], text: TextId, t: usize) {
    let text = shown.iter().find(|shown| shown.id == text);
    let Some((text, trace)) = text.and_then(|text| Some((text, text.trace.as_ref()?))) else {
        return;
    };
    if let Some(piece) = trace.tokens.labels.get(t) {
        section_ui(ui, &format!("paired with token {t}: {piece}"));
        ui.weak(&*text.text);
    }
}

/// Where one attention weight comes from, with the real numbers.
fn cell_ui(
    ui: &mut Ui,
    model: &Model,
    trace: &Trace,
    (layer, head): (usize, usize),
    (query, key): (usize, usize),
) {
    let site = |site| Site::Layer(layer, site);
    let at = |site: LayerSite| {
        trace
            .layer(layer, site)
            .and_then(|v| v.at(&[head, query, key]))
    };
    let labels = &trace.tokens.labels;
    let title = format!(
        "Attention L{} · head {}: {} → {}",
        layer + 1,
        head + 1,
        labels[query],
        labels[key]
    );
    section_ui(ui, &title);
    let sites = [
        LayerSite::ScoreContent,
        LayerSite::ScorePosition,
        LayerSite::Scores,
        LayerSite::Pattern,
    ];
    grid_ui(ui, "cell", |ui| {
        let index = format!("[{head}, {query}, {key}]");
        for inside in sites {
            // Distances add nothing in most models.
            if let Some(value) = at(inside) {
                value_ui(ui, format!("{}{index}", site(inside)), Some(value));
            }
        }
    });
    let Some(cell) = Cell::new(trace, layer, head, query, key, model.spec().scale) else {
        return;
    };
    let mask = model.spec().blocks[layer].mask;
    if let Some(why) = why_hidden(mask, query, key) {
        ui.label(RichText::new(why).small());
    }
    let small = |text: String| RichText::new(text).monospace().small();
    grid_ui(ui, "cell steps", |ui| {
        for step in steps(&cell, model.spec()) {
            ui.label(small(step.name)).on_hover_text(step.note);
            let value = ui.label(small(number(step.value)));
            value.on_hover_text(format!("{:?}", step.value));
            ui.end_row();
        }
    });
    ui.label(small(format!(
        "differs from the recorded weight by {:.1e}",
        cell.weight_residual().abs()
    )));
}

fn norm(values: &Values<'_>, t: usize) -> f64 {
    values
        .row(&[t])
        .iter()
        .map(|&x| f64::from(x) * f64::from(x))
        .sum::<f64>()
        .sqrt()
}

/// The token's vectors along the pipeline: lengths, and one dimension where one is in focus.
fn stream_ui(ui: &mut Ui, trace: &Trace, t: usize, dimension: Option<usize>) {
    let embed = [
        EmbedSite::Token,
        EmbedSite::Position,
        EmbedSite::Type,
        EmbedSite::Out,
    ];
    let layers = (0..trace.layers).map(|l| Site::Layer(l, LayerSite::ResidOut));
    let sites = embed.map(Site::Embed).into_iter().chain(layers);
    let title = match dimension {
        Some(d) => format!("Dimension {d} of this token along the pipeline"),
        None => "Length of this token's vector along the pipeline".to_owned(),
    };
    section_ui(ui, &title);
    grid_ui(ui, "stream", |ui| {
        for site in sites {
            let Some(values) = trace.values(site) else {
                continue;
            };
            match dimension {
                Some(d) => value_ui(ui, format!("{site}[{t}, {d}]"), values.at(&[t, d])),
                None => value_ui(ui, format!("|{site}[{t}]|"), Some(norm(&values, t) as f32)),
            }
        }
    });
}

fn neuron_ui(ui: &mut Ui, trace: &Trace, layer: usize, t: usize, neuron: usize) {
    section_ui(ui, &format!("Neuron {neuron} of layer {}", layer + 1));
    grid_ui(ui, "neuron", |ui| {
        for inside in [LayerSite::FfnPre, LayerSite::FfnGate, LayerSite::FfnAct] {
            // Only some blocks are gated.
            if inside == LayerSite::FfnGate && trace.layer(layer, inside).is_none() {
                continue;
            }
            let value = trace.layer(layer, inside).and_then(|v| v.at(&[t, neuron]));
            value_ui(
                ui,
                format!("{}[{t}, {neuron}]", Site::Layer(layer, inside)),
                value,
            );
        }
    });
}

/// One dimension of the pooled vectors.
fn dimension_ui(ui: &mut Ui, trace: &Trace, dimension: usize) {
    section_ui(ui, &format!("Dimension {dimension}"));
    grid_ui(ui, "dimension", |ui| {
        let pooled = PoolingMode::ALL.map(Site::Pooled);
        for site in pooled.into_iter().chain([Site::Sentence]) {
            let value = trace.values(site).and_then(|v| v.at(&[dimension]));
            value_ui(ui, format!("{site}[{dimension}]"), value);
        }
    });
}
