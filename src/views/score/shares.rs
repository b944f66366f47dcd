//! How much of the score special tokens, stop words and so on carry.

use egui::Ui;

use super::derive::Pairs;
use crate::analysis::similarity::shares::Share;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::subject::note_ui;
use crate::widgets::{Cell, Column, Scale, Table};

const COLUMNS: [Column; 3] = [
    Column {
        title: "kind of pair",
        width: 132.,
        grow: 0.3,
        right: false,
    },
    Column {
        title: "pairs",
        width: 52.,
        grow: 0.,
        right: true,
    },
    Column {
        title: "share of the cosine",
        width: 120.,
        grow: 1.,
        right: true,
    },
];

/// At this end of the scale, ±1 is a colour of medium strength.
const BAR: f32 = 1.8;

/// The table of shares.
pub fn shares_ui(ui: &mut Ui, cx: &ViewContext<'_>, pairs: &Pairs) {
    let shares: Vec<&Share> = pairs
        .shares
        .iter()
        .filter(|share| share.pairs > 0)
        .collect();
    let largest = shares
        .iter()
        .fold(0_f64, |most, share| most.max(share.sum.abs()));
    // One colour for what adds and one for what takes away: the bar's length is the amount.
    let scale = Scale::signed(BAR);
    let table = Table {
        name: "Shares of the cosine by kind of pair",
        columns: &COLUMNS,
        rows: shares.len(),
        focus: None,
        locked: None,
    };
    let response = table.ui(ui, |row, column| {
        let share = shares[row];
        match column {
            0 => Cell::Text(share.title()),
            1 => Cell::Figure(share.pairs.to_string()),
            _ => Cell::Bar {
                figure: four(share.sum),
                share: (share.sum.abs() / largest.max(f64::MIN_POSITIVE)) as f32,
                color: scale.color(cx.theme, share.sum.signum() as f32),
            },
        }
    });
    if let Some(share) = response.hovered.and_then(|row| shares.get(row)) {
        let note = format!("{}: {}", share.title(), share.class.about());
        response.response.on_hover_text_at_pointer(note);
    }
    note_ui(
        ui,
        "Each pair counts once, under the first kind that fits it.",
    );
}
