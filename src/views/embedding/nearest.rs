//! What the vocabulary holds close to a token's own row.

use std::sync::Arc;

use egui::Ui;

use super::stages::Stages;
use crate::analysis::embedding::{NO_ROW, Nearest, nearest};
use crate::cancel::Cancel;
use crate::engine::Derived;
use crate::model::Model;
use crate::views::ViewContext;
use crate::views::subject::{note_ui, section_ui};
use crate::widgets::{Cell, Column, Table, number};

/// How many rows to show; one more is looked up, as the first is the token itself.
const SHOWN: usize = 10;

/// (model, token id)
type Key = (Arc<str>, u32);

/// The row asked for, and what is near it with their pieces.
struct Found {
    id: u32,
    near: Nearest,
    pieces: Vec<String>,
}

#[derive(Default)]
pub struct NearestRows {
    found: Derived<Key, Option<Found>>,
}

static COLUMNS: [Column; 3] = [
    Column {
        title: "piece",
        width: 120.0,
        grow: 0.5,
        right: false,
    },
    Column {
        title: "id",
        width: 56.0,
        grow: 0.0,
        right: true,
    },
    Column {
        title: "cosine",
        width: 112.0,
        grow: 1.0,
        right: false,
    },
];

impl NearestRows {
    pub fn nearest_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, stages: &Stages, token: usize) {
        let Some(&id) = stages.tokens.ids.get(token) else {
            return;
        };
        section_ui(
            ui,
            "Nearest rows of the vocabulary",
            "by cosine to the token's own row, before any context",
        );
        if cx.model.token_table().is_none() {
            note_ui(
                ui,
                "The vocabulary's table is on another device; start with --device cpu to search it.",
            );
            return;
        }
        let model = cx.model.clone();
        let key = (model.hash.clone(), id);
        let make = move |cancel: &Cancel| find(&model, id, cancel);
        let found = self.found.get(cx.engine, &key, make);
        let Some((found, current)) = found.map(|shown| (shown.value, shown.current)) else {
            note_ui(ui, "Searching…");
            return;
        };
        let Some(found) = &*found else {
            note_ui(ui, "Nothing was found.");
            return;
        };
        ui.scope(|ui| {
            if !current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            found_ui(ui, cx, found);
        });
    }
}

fn find(model: &Model, id: u32, cancel: &Cancel) -> Option<Found> {
    let table = model.token_table()?;
    let near = nearest(&table, &table.row(&[id as usize]), SHOWN + 1, cancel)?;
    let piece = |row: usize| {
        let piece = u32::try_from(row)
            .ok()
            .and_then(|id| model.tokenizer.label(id));
        piece.unwrap_or_else(|| "(no piece)".to_owned())
    };
    let pieces = near.rows.iter().map(|n| piece(n.row)).collect();
    Some(Found { id, near, pieces })
}

fn found_ui(ui: &mut Ui, cx: &ViewContext<'_>, found: &Found) {
    let color = cx.theme.accent().gamma_multiply(0.6);
    let table = Table {
        name: "Nearest rows",
        columns: &COLUMNS,
        rows: found.near.rows.len(),
        focus: None,
        locked: None,
    };
    table.ui(ui, |row, column| {
        let near = found.near.rows[row];
        let own = near.row == found.id as usize;
        match column {
            0 if own => Cell::Quiet(format!("{} (itself)", found.pieces[row])),
            0 => Cell::Text(found.pieces[row].clone()),
            1 => Cell::Figure(near.row.to_string()),
            _ => Cell::Bar {
                figure: number(near.cosine),
                share: near.cosine as f32,
                color,
            },
        }
    });
    let text = match found.near.median.map(number) {
        Some(median) => {
            format!("The median row of the whole vocabulary has a cosine of {median}.")
        }
        None => NO_ROW.to_owned(),
    };
    note_ui(ui, text);
}
