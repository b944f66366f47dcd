//! One row for each token.

use egui::Ui;

use super::{Kind, covered};
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::subject::{Subject, section_ui};
use crate::widgets::{Cell, Column, Table, piece_label};

const fn column(title: &'static str, width: f32, grow: f32, right: bool) -> Column {
    Column {
        title,
        width,
        grow,
        right,
    }
}

static COLUMNS: [Column; 7] = [
    column("#", 36.0, 0.0, true),
    column("piece", 92.0, 1.0, false),
    column("id", 56.0, 0.0, true),
    column("word", 44.0, 0.0, true),
    column("bytes", 76.0, 0.0, true),
    column("text", 72.0, 1.0, false),
    column("kind", 60.0, 0.3, false),
];

pub fn rows_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject) {
    section_ui(ui, "Rows of the vocabulary", "");
    let tokens = &subject.trace.tokens;
    let table = Table {
        name: "Tokens",
        columns: &COLUMNS,
        rows: tokens.len(),
        focus: subject.focused(cx),
        locked: subject.locked(cx),
    };
    let out = table.ui(ui, |row, column| cell(tokens, row, column));
    let focus = |token| subject.focus_on(token);
    cx.point(out.hovered.map(focus), out.clicked.map(focus));
}

fn cell(tokens: &Tokens, row: usize, column: usize) -> Cell {
    let kind = Kind::of(tokens, row);
    match column {
        0 => Cell::Quiet(row.to_string()),
        1 if kind == Kind::Special => Cell::Quiet(piece_label(&tokens.pieces[row])),
        1 => Cell::Text(piece_label(&tokens.pieces[row])),
        2 => Cell::Figure(tokens.ids[row].to_string()),
        3 => Cell::Figure(tokens.words[row].map(|w| w.to_string()).unwrap_or_default()),
        4 if kind == Kind::Special => Cell::Quiet(String::new()),
        4 => {
            let (start, end) = tokens.offsets[row];
            Cell::Figure(format!("{start}–{end}"))
        }
        5 if kind == Kind::Special => Cell::Quiet("none".to_owned()),
        5 => Cell::Text(piece_label(covered(tokens, row))),
        _ if kind == Kind::Unknown => Cell::Warning(kind.name().to_owned()),
        _ => Cell::Quiet(kind.name().to_owned()),
    }
}

/// The table as tab-separated values; text as it can be seen, so that no tab or line end breaks it.
pub fn tsv(tokens: &Tokens) -> String {
    let mut out = String::from("index\tpiece\tid\tword\tstart\tend\ttext\tkind\n");
    for t in 0..tokens.len() {
        let (start, end) = tokens.offsets[t];
        let word = tokens.words[t].map(|w| w.to_string()).unwrap_or_default();
        let piece = piece_label(&tokens.pieces[t]);
        let kind = Kind::of(tokens, t);
        let text = match kind {
            Kind::Special => String::new(),
            _ => piece_label(covered(tokens, t)),
        };
        let id = tokens.ids[t];
        let kind = kind.name();
        out += &format!("{t}\t{piece}\t{id}\t{word}\t{start}\t{end}\t{text}\t{kind}\n");
    }
    out
}
