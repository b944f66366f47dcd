//! What the panels that compare texts share: both traces or a sentence why not, keys by identity,
//! and how a text is named.

use std::sync::Arc;

use egui::{Color32, Ui};

use super::{TextView, ViewContext};
use crate::app::state::{Side, TextId};
use crate::trace::{PoolingMode, Trace};
use crate::widgets::Theme;

/// A shared value that equals only itself: a key that costs nothing to compare.
pub struct Identity<T>(pub Arc<T>);

impl<T> Clone for Identity<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for Identity<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

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

/// A and B, or a sentence in their place that says what is missing.
pub fn pair_ui(ui: &mut Ui, cx: &ViewContext<'_>) -> Option<Pair> {
    let a = traced_ui(ui, cx, Side::A);
    let b = traced_ui(ui, cx, Side::B);
    Some(Pair { a: a?, b: b? })
}

fn traced_ui(ui: &mut Ui, cx: &ViewContext<'_>, side: Side) -> Option<Traced> {
    let name = side.name();
    let Some(text) = cx.side(side) else {
        ui.weak(format!(
            "There is no text {name} yet: add one on the left, and make it {name}."
        ));
        return None;
    };
    if let Some(error) = &text.error {
        let message = format!("Text {name} cannot be encoded: {error}");
        ui.colored_label(cx.theme.error(), message);
        return None;
    }
    let Some(trace) = &text.trace else {
        ui.weak(format!("Text {name} is being encoded…"));
        return None;
    };
    Some(Traced {
        id: text.id,
        trace: trace.clone(),
        current: text.current,
    })
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
        (true, _) => theme.a(),
        (_, true) => theme.b(),
        _ => theme.text(text.index),
    }
}

/// A new number for each new value, as the key of its texture.
pub fn fresh_key() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Four decimals with a real minus sign, as scores are compared.
pub fn four(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
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
