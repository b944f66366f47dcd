//! A pooling of the person's own: a weight for each piece, and what becomes of the texts under it.

use std::sync::Arc;

use egui::{RichText, Slider, Ui};

use super::card::{CardState, Look, sides};
use super::derive::{Card, Poolings};
use crate::analysis::background::Background;
use crate::analysis::token_weights::{Idf, TokenWeights, WeightScheme, shares};
use crate::app::command::Command;
use crate::app::state::{Focus, Side, TextId};
use crate::engine::Derived;
use crate::tokens::Tokens;
use crate::trace::Trace;
use crate::views::ViewContext;
use crate::views::compare::beside_side_ui;
use crate::views::recorded::switch_ui;
use crate::views::scroll::{STRIP, within_ui};
use crate::views::subject::note_ui;
use crate::widgets::{Piece, SPACE_SMALL, Scale, token_strip_ui};

/// The card of the person's own weights.
pub struct Weights {
    idf: Derived<(Arc<str>, Background), Idf>,
    card: Derived<Key, Made>,
    state: CardState,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            idf: Derived::slow(),
            card: Derived::default(),
            state: CardState::default(),
        }
    }
}

/// A card with the texts that it is of: the list may hold others by now.
struct Made {
    poolings: Arc<Poolings>,
    card: Option<Card>,
}

/// What the card is of.
#[derive(Clone)]
struct Key {
    poolings: Arc<Poolings>,
    weights: TokenWeights,
    idf: Option<Arc<Idf>>,
    truncate: Option<usize>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let idf = |key: &Self| key.idf.as_ref().map(Arc::as_ptr);
        Arc::ptr_eq(&self.poolings, &other.poolings)
            && idf(self) == idf(other)
            && (&self.weights, self.truncate) == (&other.weights, other.truncate)
    }
}

/// What there is of the weights in this frame.
pub struct Weighed {
    /// The newest card there is.
    made: Option<Arc<Made>>,
    /// Whether it is of the weights of now.
    current: bool,
    idf: Option<Arc<Idf>>,
}

impl Weighed {
    pub fn card(&self) -> Option<&Card> {
        self.made.as_ref()?.card.as_ref()
    }
}

impl Weights {
    pub fn derive(&mut self, cx: &ViewContext<'_>, poolings: &Arc<Poolings>) -> Weighed {
        let weights = cx.state.token_weights.clone();
        let idf = self.idf(cx, &weights);
        let waits = weights.scheme == WeightScheme::Idf && idf.is_none();
        let key = Key {
            poolings: poolings.clone(),
            weights,
            idf: idf.clone(),
            truncate: cx.state.truncate_dim,
        };
        if waits {
            let shown = self.card.peek(&key);
            return Weighed {
                made: shown.map(|shown| shown.value),
                current: false,
                idf,
            };
        }
        let (made, model) = (key.clone(), cx.model.clone());
        let shown = self.card.get(cx.engine, &key, move |_| {
            let own = made.poolings.own().map(|card| &card.cosines[..]);
            let weights = (&made.weights, made.idf.as_deref());
            let traces = &made.poolings.traces;
            let card = Card::weighted(&model, traces, weights, made.truncate, own);
            Made {
                card,
                poolings: made.poolings.clone(),
            }
        });
        Weighed {
            current: shown.as_ref().is_some_and(|shown| shown.current),
            made: shown.map(|shown| shown.value),
            idf,
        }
    }

    fn idf(&mut self, cx: &ViewContext<'_>, weights: &TokenWeights) -> Option<Arc<Idf>> {
        if weights.scheme != WeightScheme::Idf {
            self.idf.stop();
            return None;
        }
        let key = (cx.model.hash.clone(), cx.engine.background());
        let (tokenizer, texts) = (cx.model.tokenizer.clone(), key.1.clone());
        let shown = self.idf.get(cx.engine, &key, move |cancel| {
            let texts = texts.texts().iter().map(String::as_str);
            Idf::of(&tokenizer, texts, cancel)
        });
        shown.filter(|shown| shown.current).map(|shown| shown.value)
    }

    pub fn weights_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        weighed: &Weighed,
        look: Look,
    ) {
        if !weighed.current {
            ui.multiply_opacity(cx.theme.stale_alpha());
        }
        if let (Some(made), Some(card)) = (&weighed.made, weighed.card()) {
            self.state.card_ui(ui, cx, &made.poolings, card, look);
        }
        ui.add_space(SPACE_SMALL);
        edit_ui(ui, cx, poolings, weighed.idf.as_deref());
    }
}

/// The weights themselves.
fn edit_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, poolings: &Poolings, idf: Option<&Idf>) {
    let mut weights = cx.state.token_weights.clone();
    ui.horizontal_wrapped(|ui| {
        let choices = [
            (
                WeightScheme::Equal,
                "equal",
                "Every token weighs the same: the mean",
            ),
            (
                WeightScheme::Idf,
                "rare pieces more",
                "Inverse document frequency among the background texts: ln((1 + n)/(1 + df)) + 1",
            ),
        ];
        switch_ui(ui, &mut weights.scheme, &choices);
        let reset = ui.add_enabled(!weights.own.is_empty(), egui::Button::new("Reset").small());
        if reset
            .on_hover_text("Forget the weights that were set by hand")
            .clicked()
        {
            weights.own.clear();
        }
    });
    for (side, id, index) in sides(cx, poolings) {
        if let Some(trace) = poolings.traces.get(index) {
            strip_ui(ui, cx, (side, id), trace, idf);
        }
    }
    match locked(cx, poolings) {
        Some((trace, token)) => slider_ui(ui, &mut weights, &trace, token, idf),
        None => {
            note_ui(
                ui,
                "Click a token to change the weight of its piece in every text.",
            );
        }
    }
    if weights != cx.state.token_weights {
        cx.send(Command::SetTokenWeights(weights));
    }
}

/// The locked token of a text that is shown.
fn locked(cx: &ViewContext<'_>, poolings: &Poolings) -> Option<(Arc<Trace>, usize)> {
    let lock = cx.locked;
    let trace = poolings.traces.get(poolings.index(lock.text?)?)?;
    let token = lock.token.filter(|&t| t < trace.tokens.len())?;
    Some((trace.clone(), token))
}

fn slider_ui(
    ui: &mut Ui,
    weights: &mut TokenWeights,
    trace: &Trace,
    token: usize,
    idf: Option<&Idf>,
) {
    let tokens = &trace.tokens;
    let most = f64::from(TokenWeights::MOST) / 100.;
    // As the slider rounds and bounds it: to look at a weight is not to set it.
    let before = weights.of(tokens, token, idf).clamp(0., most);
    let before = (before * 100.).round() / 100.;
    let mut value = before;
    ui.horizontal_wrapped(|ui| {
        let text = format!("weight of “{}”", tokens.labels[token]);
        ui.add(
            Slider::new(&mut value, 0. ..=most)
                .max_decimals(2)
                .text(text),
        );
        let piece = &tokens.pieces[token];
        if weights.own.contains_key(piece) && ui.small_button("as before").clicked() {
            weights.own.remove(piece);
            value = before;
        }
    });
    if value != before {
        let hundredths = (value * 100.).round().clamp(0., 1e6) as u32;
        weights.own.insert(tokens.pieces[token].clone(), hundredths);
    }
}

fn strip_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (side, id): (Side, TextId),
    trace: &Trace,
    idf: Option<&Idf>,
) {
    let tokens: &Tokens = &trace.tokens;
    let shares = shares(&cx.model.head, tokens, &cx.state.token_weights, idf);
    let most = shares.iter().copied().fold(0., f64::max);
    let scale = Scale::amount(most as f32);
    let piece = |t: usize| Piece {
        label: &tokens.labels[t],
        secondary: tokens.special[t],
        fill: Some(scale.color(cx.theme, shares[t] as f32)),
        note: Some(format!("{:.1}% of the pool", 100. * shares[t])),
    };
    let pieces: Vec<Piece<'_>> = (0..tokens.len()).map(piece).collect();
    let name = format!("Weights of the tokens of {}", side.name());
    let locked = cx.locked;
    let locked = locked.token.filter(|_| locked.text == Some(id));
    let focus = cx.token_of(id);
    let response = beside_side_ui(ui, side, |ui| {
        within_ui(ui, &name, STRIP, |ui| {
            token_strip_ui(ui, &name, &pieces, focus, locked)
        })
    });
    if most == 0. {
        let none = "Every token of this text weighs nothing.";
        ui.label(RichText::new(none).small().color(cx.theme.warning()));
    }
    let focus = |token| Focus::token(id, token);
    cx.point(response.hovered.map(focus), response.clicked.map(focus));
}
