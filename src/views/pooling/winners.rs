//! Which token won each dimension under max pooling.

use egui::Ui;

use super::card::sides;
use super::derive::{Card, Poolings};
use crate::analysis::pooling::Winners;
use crate::app::state::{Focus, Side, TextId};
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::compare::beside_side_ui;
use crate::views::scroll::{STRIP, within_ui};
use crate::views::subject::note_ui;
use crate::widgets::{Piece, Scale, token_strip_ui};

/// Under max: how many dimensions each token of A and of B won. Nothing under other poolings.
pub fn winners_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, poolings: &Poolings, card: &Card) {
    if card.winners.is_empty() {
        return;
    }
    note_ui(ui, "dimensions won by each token");
    for (side, id, index) in sides(cx, poolings) {
        if let (Some(winners), Some(trace)) = (card.winners.get(index), poolings.traces.get(index))
        {
            strip_ui(ui, cx, (side, id), &trace.tokens, winners);
        }
    }
}

fn strip_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (side, id): (Side, TextId),
    tokens: &Tokens,
    winners: &Winners,
) {
    let most = winners.counts.iter().max().copied().unwrap_or(0);
    let scale = Scale::amount(most as f32);
    let labels: Vec<String> = tokens
        .labels
        .iter()
        .zip(&winners.counts)
        .map(|(piece, count)| match count {
            0 => piece.clone(),
            count => format!("{piece} {count}"),
        })
        .collect();
    let piece = |t: usize| Piece {
        label: &labels[t],
        secondary: tokens.special[t],
        fill: Some(scale.color(cx.theme, winners.counts[t] as f32)),
        note: None,
    };
    let pieces: Vec<Piece<'_>> = (0..labels.len()).map(piece).collect();
    let name = format!("Dimensions won by each token of {}", side.name());
    let locked = cx.locked;
    let locked = locked.token.filter(|_| locked.text == Some(id));
    let focus = cx.token_of(id);
    let response = beside_side_ui(ui, side, |ui| {
        within_ui(ui, &name, STRIP, |ui| {
            token_strip_ui(ui, &name, &pieces, focus, locked)
        })
    });
    let focus = |token| Focus::token(id, token);
    cx.point(response.hovered.map(focus), response.clicked.map(focus));
}
