//! What the panels share that show A less B: both traces with their paired tokens, how a pair is
//! named, and what is said about it.

mod rows;

use std::sync::Arc;

use egui::{RichText, Ui};

use super::compare::{Pair, pair_ui, shorten_to};
use super::recorded::{key_of, trace_key};
use super::subject::{note_ui, side_color};
use super::{Panel, ViewContext};
use crate::analysis::difference::Pairing;
use crate::app::command::Command;
use crate::app::state::{Focus, Side, TextId};
use crate::engine::Derived;
use crate::trace::Trace;
use crate::widgets::number;

pub(super) use rows::{Axis, RowsMap};

/// What the choice is called on screen.
pub(crate) const TITLE: &str = "A − B";

/// Whether a panel shows A less B now; a panel without that view shows one text as ever.
pub(crate) fn is_shown(panel: &Panel, difference: bool) -> bool {
    difference && has(panel)
}

/// Whether a panel has such a view.
fn has(panel: &Panel) -> bool {
    const IDS: [&str; 5] = [
        "embedding",
        "position",
        "attention",
        "feed_forward",
        "residual",
    ];
    IDS.contains(&panel.id)
}

/// A and B of which the tokens are paired.
#[derive(Clone)]
pub(super) struct Twin {
    pub ids: [TextId; 2],
    pub traces: [Arc<Trace>; 2],
    pub pairing: Arc<Pairing>,
    /// Names both passes.
    pub key: u64,
}

/// Remembers which tokens are paired.
#[derive(Default)]
pub(super) struct Partners {
    pairing: Derived<u64, Option<Arc<Pairing>>>,
    /// The last that were paired, which stay on view while newer ones are.
    last: Option<Twin>,
}

impl Partners {
    /// None where there is nothing to subtract; then it says why, and what to do. What follows is
    /// dimmed while a trace is an old one.
    pub fn twin_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>) -> Option<Twin> {
        let pair = pair_ui(ui, cx)?;
        let paired = self.paired(cx, &pair);
        let model = &pair.a.trace.model;
        self.last.take_if(|last| last.traces[0].model != *model);
        let Some(twin) = self.last.clone() else {
            note_ui(ui, "The tokens of A and B are being paired…");
            return None;
        };
        if twin.pairing.is_empty() {
            note_ui(ui, nothing(&twin.pairing));
            return None;
        }
        if !paired || !pair.current() {
            ui.multiply_opacity(cx.theme.stale_alpha());
        }
        note_ui(ui, counted(&twin.pairing)).on_hover_text(ABOUT);
        Some(twin)
    }

    /// Asks for the pairs of now; true where they are there.
    fn paired(&mut self, cx: &ViewContext<'_>, pair: &Pair) -> bool {
        let traces = [pair.a.trace.clone(), pair.b.trace.clone()];
        let key = key_of([trace_key(&traces[0]), trace_key(&traces[1])]);
        let tokens = [0, 1].map(|side: usize| traces[side].tokens.clone());
        let make = move |cancel: &_| Pairing::new(&tokens[0], &tokens[1], cancel).map(Arc::new);
        let shown = self.pairing.get(cx.engine, &key, make);
        // Pairs of earlier texts would name the wrong tokens.
        let Some(shown) = shown.filter(|shown| shown.current) else {
            return false;
        };
        if let Some(pairing) = shown.value.as_ref() {
            self.last = Some(Twin {
                ids: [pair.a.id, pair.b.id],
                // By now they may hold the inside of another layer.
                traces,
                pairing: pairing.clone(),
                key,
            });
        }
        true
    }
}

const ABOUT: &str = "Partners are equal pieces in the same order and, between them, up to four pieces \
    that were replaced one for one. The others are in neither rows nor columns.";

/// `7 of 9 tokens of A have a partner in B.`
fn counted(pairing: &Pairing) -> String {
    let (count, of) = (pairing.len(), pairing.tokens[0]);
    let have = if count == 1 { "has" } else { "have" };
    format!("{count} of {of} tokens of A {have} a partner in B.")
}

fn nothing(pairing: &Pairing) -> String {
    let but = match pairing.len() {
        0 => "No token of A has a partner in B",
        _ => "No token of A but the model's own has a partner in B",
    };
    format!(
        "{but}, so there is nothing to subtract. Choose two texts that share words, or look at A and B by themselves."
    )
}

impl Twin {
    /// P, pairs.
    pub fn len(&self) -> usize {
        self.pairing.len()
    }

    /// Says which layer is still without its inside, where one is.
    pub fn inside_ui(&self, ui: &mut Ui, layer: usize) -> bool {
        let there = self.traces.iter().all(|trace| trace.has_inside(layer));
        if !there {
            let what = format!(
                "Running layer {} again for what is inside of it…",
                layer + 1
            );
            note_ui(ui, what);
        }
        there
    }

    /// A pair with its places: `cat / dog [2, 5]`, or `[2]` where they are the same.
    pub fn token(&self, pair: usize) -> String {
        let label = self.pairing.labels.get(pair).map_or("?", String::as_str);
        match self.pairing.pairs.get(pair) {
            Some([i, j]) if i != j => format!("{label} [{i}, {j}]"),
            Some([i, _]) => format!("{label} [{i}]"),
            None => label.to_owned(),
        }
    }

    /// A's token of a pair, with B's across from it.
    pub fn focus_on(&self, pair: usize) -> Focus {
        let [i, j] = self.pairing.pairs.get(pair).copied().unwrap_or_default();
        Focus {
            across: Some((self.ids[1], j)),
            ..Focus::token(self.ids[0], i)
        }
    }

    /// The pairs that a focus lies on: its token and the other one of the same text.
    pub fn focused(&self, focus: Focus) -> [Option<usize>; 2] {
        let side = self.ids.iter().position(|id| focus.text == Some(*id));
        [focus.token, focus.other].map(|token| self.pairing.pair_of(side?, token?))
    }
}

/// `A 0.123, B 0.101, A − B 0.022` on three lines.
pub(super) fn three_values(a: f64, b: f64) -> String {
    let less = number(a - b);
    format!("A {}\nB {}\n{TITLE} {less}", number(a), number(b))
}

/// The button beside A and B.
pub(crate) fn button_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, panel: &Panel) {
    const NAME: &str = "Show the difference of A and B";
    let on = is_shown(panel, cx.state.difference);
    let mut text = RichText::new(TITLE).strong();
    if on {
        text = text.color(cx.theme.on(cx.theme.accent()));
    }
    let mut button = egui::Button::new(text).selected(on);
    if on {
        button = button.fill(cx.theme.accent());
    }
    let response = ui.add_enabled(has(panel), button);
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, enabled, on, NAME));
    let why = match panel.id {
        "tokens" => "Tokens shows the pieces of both texts already".to_owned(),
        _ => format!(
            "{} shows one text at a time: a place means the same in A and B",
            panel.title
        ),
    };
    let response = response.on_hover_text(NAME).on_disabled_hover_text(why);
    if response.clicked() {
        cx.send(Command::ShowDifference(!on));
    }
}

/// Both texts in a panel's header, in place of one.
pub(crate) fn texts_ui(ui: &mut Ui, cx: &ViewContext<'_>) {
    // About a letter's width, so that a long A leaves B its half.
    const LETTER: f32 = 8.0;
    // Of less nothing can be told.
    const LEAST: f32 = 160.0;
    if ui.available_width() < LEAST {
        return;
    }
    let room = ui.available_width() / 2.0 - 24.0;
    let letters = (room / LETTER).max(4.0) as usize;
    let mut job = egui::text::LayoutJob::default();
    let font = egui::TextStyle::Body.resolve(ui.style());
    for (side, before) in [(Side::A, ""), (Side::B, "  −  ")] {
        let text = cx.side(side).map_or("", |text| &text.text);
        let text = shorten_to(text, letters);
        let format = |color| egui::TextFormat::simple(font.clone(), color);
        job.append(before, 0., format(cx.theme.secondary()));
        job.append(side.name(), 0., format(side_color(cx.theme, side)));
        job.append(" ", 0., format(cx.theme.secondary()));
        job.append(&text, 0., format(cx.theme.secondary()));
    }
    ui.add(egui::Label::new(job).truncate());
}
