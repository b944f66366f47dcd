//! What the panels that compare texts share: both traces or a sentence why not, and how a text is
//! named.

use std::sync::Arc;

use egui::{Color32, RichText, Ui};

use super::subject::{note_ui, side_color};
use super::{TextView, ViewContext};
use crate::app::state::{Side, TextId};
use crate::tokens::start_of;
use crate::trace::{PoolingMode, Trace};
use crate::widgets::{SPACE_SMALL, Theme, piece_label};

/// A and B with a trace each.
#[derive(Clone)]
pub struct Pair {
    pub a: Traced,
    pub b: Traced,
}

/// One text of the list whose trace is there.
#[derive(Clone)]
pub struct Traced {
    pub id: TextId,
    pub trace: Arc<Trace>,
    /// False while the trace is of what the text was before.
    pub current: bool,
}

impl Pair {
    /// True while neither trace is out of date.
    pub fn current(&self) -> bool {
        self.a.current && self.b.current
    }

    /// True where A and B are one and the same entry of the list.
    pub fn same(&self) -> bool {
        self.a.id == self.b.id
    }
}

/// What to do where A and B are one text: with no other in the list there is none to make B yet.
pub fn same_text(cx: &ViewContext<'_>) -> &'static str {
    match cx.texts.len() {
        0 | 1 => "A and B are the same text. Add another one on the left to compare.",
        _ => "A and B are the same text. Make another one B on the left to compare.",
    }
}

/// A and B, or a sentence in their place that says what is missing.
pub fn pair_ui(ui: &mut Ui, cx: &ViewContext<'_>) -> Option<Pair> {
    let a = traced_ui(ui, cx, Side::A);
    let b = traced_ui(ui, cx, Side::B);
    Some(Pair { a: a?, b: b? })
}

fn traced_ui(ui: &mut Ui, cx: &ViewContext<'_>, side: Side) -> Option<Traced> {
    let name = side.name();
    let Some(text) = cx.side(side) else {
        let what = format!("There is no text {name} yet: add one on the left, and make it {name}.");
        note_ui(ui, what);
        return None;
    };
    if let Some(error) = &text.error {
        let message = format!("Text {name} cannot be encoded: {error}");
        ui.colored_label(cx.theme.error(), message);
    }
    let Some(trace) = &text.trace else {
        if text.error.is_none() {
            note_ui(ui, format!("Text {name} is being encoded…"));
        }
        return None;
    };
    Some(Traced {
        id: text.id,
        trace: trace.clone(),
        current: text.current,
    })
}

/// A or B in its colour, and something beside it.
pub fn beside_side_ui<R>(ui: &mut Ui, side: Side, beside: impl FnOnce(&mut Ui) -> R) -> R {
    let color = side_color(Theme::of(ui), side);
    let row = ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE_SMALL;
        ui.label(RichText::new(side.name()).strong().color(color));
        // What wraps needs a column of its own beside the letter.
        ui.vertical(beside).inner
    });
    row.inner
}

/// A, B or the text's number in the list: short enough for an axis.
pub fn short_name(cx: &ViewContext<'_>, text: &TextView) -> String {
    let side = |side| cx.state.id_of(side) == Some(text.id);
    match (side(Side::A), side(Side::B)) {
        (true, _) => "A".to_owned(),
        (_, true) => "B".to_owned(),
        _ => (text.index + 1).to_string(),
    }
}

/// The colour that a text has everywhere.
pub fn color_of(cx: &ViewContext<'_>, theme: Theme, text: &TextView) -> Color32 {
    let side = |side| cx.state.id_of(side) == Some(text.id);
    match (side(Side::A), side(Side::B)) {
        (true, _) => side_color(theme, Side::A),
        (_, true) => side_color(theme, Side::B),
        _ => theme.text(text.index),
    }
}

/// Four decimals with a real minus sign, as scores are compared.
pub fn four(value: f64) -> String {
    match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.4}").replace('-', "−"),
    }
}

/// Three decimals with a real minus sign; a dash for what is no number.
pub fn three(value: f64) -> String {
    match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.3}")
            .replace('-', "−")
            .replace("−0.000", "0.000"),
    }
}

/// What a pooling does, in one sentence.
pub fn about(mode: PoolingMode) -> &'static str {
    match mode {
        PoolingMode::Cls => "The vector of the first token alone",
        PoolingMode::Max => "The largest value of each dimension, whichever token has it",
        PoolingMode::Mean => "The average of the tokens' vectors",
        PoolingMode::MeanSqrtLenTokens => {
            "The sum over the tokens, divided by √T: the mean's direction, so the same cosine"
        }
        PoolingMode::WeightedMean => "An average in which the i-th token weighs i",
        PoolingMode::LastToken => "The vector of the last token alone",
    }
}

/// Says which texts are not in the maps, and why.
pub fn missing_ui(ui: &mut Ui, cx: &ViewContext<'_>) {
    for text in cx.texts {
        let name = short_name(cx, text);
        if let Some(error) = &text.error {
            let message = format!("Text {name} is left out, as it cannot be encoded: {error}");
            ui.label(RichText::new(message).small().color(cx.theme.error()));
        }
    }
    let waiting = cx
        .texts
        .iter()
        .filter(|text| text.trace.is_none() && text.error.is_none());
    match waiting.count() {
        0 => {}
        1 => {
            note_ui(ui, "One text is being encoded…");
        }
        count => {
            note_ui(ui, format!("{count} texts are being encoded…"));
        }
    }
}

/// The start of a text, for a list.
pub fn shorten(text: &str) -> String {
    /// Letters of a text that are shown.
    const LETTERS: usize = 32;
    shorten_to(text, LETTERS)
}

/// At most so many letters of a text's start.
pub fn shorten_to(text: &str, letters: usize) -> String {
    let text = text.trim();
    if text.is_empty() {
        return piece_label("") + " (empty)";
    }
    start_of(text, letters)
}
