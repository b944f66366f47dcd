//! What a token is, and its vector along the pipeline.

use egui::{Align, Grid, Label, Layout, RichText, Ui, vec2};

use crate::app::state::TextId;
use crate::tokens::start_of;
use crate::trace::site::{EmbedSite, LayerSite, PoolingMode, Site};
use crate::trace::{Trace, Values};
use crate::views::TextView;
use crate::widgets::counted;
use crate::widgets::theme::{SPACE, number};

pub(super) fn section_ui(ui: &mut Ui, title: &str) {
    ui.add_space(SPACE);
    ui.label(RichText::new(title).strong());
}

/// One line: a site with its index, and the value, at full precision when it is pointed at. A long name
/// gives way to the value.
fn value_ui(ui: &mut Ui, name: String, value: Option<f32>) {
    let size = vec2(ui.available_width(), ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        let text = value.map_or("–".to_owned(), |value| number(value.into()));
        let response = ui.label(RichText::new(text).monospace());
        if let Some(value) = value {
            response.on_hover_text(format!("{value:?}"));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(name).monospace().small()).truncate());
        });
    });
}

fn grid_ui(ui: &mut Ui, name: &str, rows: impl FnOnce(&mut Ui)) {
    Grid::new(name)
        .num_columns(2)
        .spacing([SPACE, 2.])
        .show(ui, rows);
}

/// A text, or the start of a long one: what the inspector has to say is below it.
fn start_ui(ui: &mut Ui, text: &str, style: impl FnOnce(RichText) -> RichText) {
    const LETTERS: usize = 240;
    ui.label(style(RichText::new(start_of(text, LETTERS))));
}

pub(super) fn text_ui(ui: &mut Ui, text: &TextView, trace: &Trace) {
    start_ui(ui, &text.text, |text| text);
    let count = trace.tokens.len();
    ui.weak(match trace.tokens.most() {
        Some(most) => format!("{count} of at most {most} tokens"),
        None => counted(count, "token"),
    });
}

pub(super) fn token_ui(ui: &mut Ui, trace: &Trace, t: usize) {
    let tokens = &trace.tokens;
    section_ui(ui, &format!("Token {t}: {}", tokens.labels[t]));
    grid_ui(ui, "token", |ui| {
        let mut row = |name: &str, value: String| {
            ui.label(RichText::new(name).small());
            // Words wrap, or the whole account would be as wide as they are.
            ui.add(Label::new(RichText::new(value).monospace()).wrap());
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
pub(super) fn partner_ui(ui: &mut Ui, shown: &[TextView], text: TextId, t: usize) {
    let text = shown.iter().find(|shown| shown.id == text);
    let Some((text, trace)) = text.and_then(|text| Some((text, text.trace.as_ref()?))) else {
        return;
    };
    if let Some(piece) = trace.tokens.labels.get(t) {
        section_ui(ui, &format!("paired with token {t}: {piece}"));
        start_ui(ui, &text.text, RichText::weak);
    }
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
pub(super) fn stream_ui(ui: &mut Ui, trace: &Trace, t: usize, dimension: Option<usize>) {
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
    for site in sites {
        let Some(values) = trace.values(site) else {
            continue;
        };
        match dimension {
            Some(d) => value_ui(ui, format!("{site}[{t}, {d}]"), values.at(&[t, d])),
            None => value_ui(ui, format!("|{site}[{t}]|"), Some(norm(&values, t) as f32)),
        }
    }
}

/// One dimension of the pooled vectors.
pub(super) fn dimension_ui(ui: &mut Ui, trace: &Trace, dimension: usize) {
    section_ui(ui, &format!("Dimension {dimension} under every pooling"));
    let pooled = PoolingMode::ALL.map(Site::Pooled);
    for site in pooled.into_iter().chain([Site::Sentence]) {
        let value = trace.values(site).and_then(|v| v.at(&[dimension]));
        value_ui(ui, format!("{site}[{dimension}]"), value);
    }
}
