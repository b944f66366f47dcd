//! One row for each token.

use egui::Ui;

use super::{Kind, covered};
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::subject::{Subject, section_ui};
use crate::widgets::{Cell, Column, Table, piece_label};

static COLUMNS: [Column; 7] = [
    Column::new("#", 32.0, 0.0, true),
    Column::new("piece", 84.0, 0.7, false),
    Column::new("id", 56.0, 0.0, true),
    Column::new("word", 44.0, 0.0, true),
    Column::new("bytes", 84.0, 0.0, true),
    Column::new("text", 84.0, 0.7, false),
    Column::new("kind", 64.0, 0.0, false),
];

/// Where there is less room than this the kind of a token stands in place of its text, and its word
/// is only seen in the strip above.
const NARROW: f32 = 440.0;

static NARROW_COLUMNS: [Column; 5] = [
    Column::new("#", 24.0, 0.0, true),
    Column::new("piece", 56.0, 0.5, false),
    Column::new("id", 48.0, 0.0, true),
    Column::new("bytes", 60.0, 0.0, true),
    Column::new("text", 42.0, 0.5, false),
];
/// Which of all columns those are.
const KEPT: [usize; 5] = [0, 1, 2, 4, 5];

pub fn rows_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject) {
    section_ui(ui, "Rows of the vocabulary", "");
    let tokens = &subject.trace.tokens;
    let wide = ui.available_width() >= NARROW;
    let table = Table {
        name: "Tokens",
        columns: if wide { &COLUMNS } else { &NARROW_COLUMNS },
        rows: tokens.len(),
        focus: subject.focused(cx),
        locked: subject.locked(cx),
    };
    let out = table.ui(ui, |row, column| {
        let column = if wide { column } else { KEPT[column] };
        cell(tokens, row, column, wide)
    });
    let focus = |token| subject.focus_on(token);
    cx.point(out.hovered.map(focus), out.clicked.map(focus));
}

fn cell(tokens: &Tokens, row: usize, column: usize, wide: bool) -> Cell {
    let kind = Kind::of(tokens, row);
    let special = kind == Kind::Special;
    match column {
        0 => Cell::Quiet(row.to_string()),
        1 if special => Cell::Quiet(tokens.labels[row].clone()),
        1 => Cell::Text(tokens.labels[row].clone()),
        2 => Cell::Figure(tokens.ids[row].to_string()),
        3 => Cell::Figure(tokens.words[row].map(|w| w.to_string()).unwrap_or_default()),
        4 if special => Cell::Quiet(String::new()),
        4 => {
            let (start, end) = tokens.offsets[row];
            Cell::Figure(format!("{start}–{end}"))
        }
        5 if special && wide => Cell::Quiet("none".to_owned()),
        5 if special => Cell::Quiet(kind.name().to_owned()),
        5 if kind == Kind::Unknown && !wide => Cell::Warning(piece_label(covered(tokens, row))),
        5 => Cell::Text(piece_label(covered(tokens, row))),
        _ if kind == Kind::Unknown => Cell::Warning(kind.name().to_owned()),
        _ => Cell::Quiet(kind.name().to_owned()),
    }
}

/// The table as tab-separated values; text as it can be seen, so that no tab or line end breaks it.
/// `side` names whose they are.
pub fn tsv(tokens: &Tokens, side: &str) -> String {
    let mut out = format!("token of {side}\tpiece\tid\tword\tstart\tend\ttext\tkind\n");
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
