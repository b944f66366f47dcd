//! Words of A, of B and of C by what they add to the difference.

use egui::Ui;

use super::super::mapping::By;
use super::derive::Outline;
use super::{colors, legend_ui};
use crate::analysis::similarity::contrast::{Contrast, Side, WithoutEach};
use crate::analysis::similarity::faithfulness::spearman;
use crate::analysis::similarity::words::Words;
use crate::app::state::{Focus, TextId};
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::compare::{four, three};
use crate::views::subject::{note_ui, section_ui};
use crate::widgets::{Cell, Column, Table, piece_label};

/// Words of a table at first.
const FEW: usize = 14;
/// B's and C's tables stand side by side from this width on, in points.
const BESIDE: f32 = 620.;
/// All columns stand side by side from this width on.
const ROOMY: f32 = 440.;
/// Below this width columns are as narrow as they can be, so that none is out of sight.
const TIGHT: f32 = 320.;

const fn column(title: &'static str, width: f32, grow: f32) -> Column {
    Column {
        title,
        width,
        grow,
        right: true,
    }
}

const fn word(title: &'static str) -> Column {
    Column {
        right: false,
        ..column(title, 88., 0.4)
    }
}

const ADDS: Column = column("adds to A·B − A·C", 146., 1.);
const LEFT_OUT: Column = column("left out", 54., 0.);
/// Of A, where there is room.
const ALL: [Column; 5] = [
    word("word of A"),
    ADDS,
    LEFT_OUT,
    column("to A·B", 62., 0.),
    column("to A·C", 62., 0.),
];
const OF_A: [Column; 3] = [ALL[0], ADDS, LEFT_OUT];
const OF_B: [Column; 3] = [word("word of B"), ADDS, LEFT_OUT];
const OF_C: [Column; 3] = [word("word of C"), ADDS, LEFT_OUT];

/// The same in less room.
fn tight([word, adds, left_out]: [Column; 3]) -> [Column; 3] {
    let word = Column { width: 60., ..word };
    let title = "A·B − A·C";
    let width = 104.;
    let adds = Column {
        title,
        width,
        ..adds
    };
    [word, adds, left_out]
}

/// What the tables are of.
pub struct Shown<'a> {
    pub outline: &'a Outline,
    pub contrast: &'a Contrast,
    pub by: By,
    pub removals: Option<&'a WithoutEach>,
}

/// One text's part of it.
struct Of<'a> {
    name: &'static str,
    side: &'a Side,
    words: &'a Words,
    tokens: &'a Tokens,
    text: TextId,
    by: By,
    /// By token, where it was run.
    removed: Option<&'a [f64]>,
}

impl Of<'_> {
    /// The tokens behind a row; none for what is no token.
    fn range(&self, row: usize) -> Option<std::ops::Range<usize>> {
        match self.by {
            By::Tokens => (row < self.tokens.len()).then_some(row..row + 1),
            By::Words => (row < self.words.labels.len()).then(|| self.words.tokens(row)),
        }
    }

    fn special(&self, row: usize) -> bool {
        let range = self.range(row);
        range.is_none_or(|range| self.tokens.special[range.start])
    }

    /// What the difference loses without it; a word's is that of its pieces added up.
    fn removed(&self, row: usize) -> f64 {
        let found = self.removed.zip(self.range(row));
        found.map_or(f64::NAN, |(removed, range)| removed[range].iter().sum())
    }

    /// Spearman's correlation of what the words add with what the model run again says; NaN for
    /// fewer than three that can be ranked.
    fn agreement(&self) -> f64 {
        let rows = (0..self.side.values.len()).filter(|&row| !self.special(row));
        let pairs = rows.map(|row| (self.side.values[row], self.removed(row)));
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.filter(|(_, y)| !y.is_nan()).unzip();
        match x.len() {
            0..3 => f64::NAN,
            _ => spearman(&x, &y),
        }
    }
}

/// A's words, and below them B's and C's.
pub fn words_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, shown: &Shown<'_>, all: &mut bool) {
    let (key, contrast) = (&shown.outline.key, shown.contrast);
    let [words_a, words_b, words_c] = &shown.outline.words;
    let removed = |pick: fn(&WithoutEach) -> &Vec<f64>| shown.removals.map(|r| pick(r).as_slice());
    let a = Of {
        name: "A",
        side: &contrast.a,
        words: words_a,
        tokens: &key.score.a.0.tokens,
        text: key.score.texts.0,
        by: shown.by,
        removed: removed(|r| &r.a),
    };
    let b = Of {
        name: "B",
        side: &contrast.b,
        words: words_b,
        tokens: &key.score.b.0.tokens,
        text: key.score.texts.1,
        by: shown.by,
        removed: removed(|r| &r.b),
    };
    let c = Of {
        name: "C",
        side: &contrast.c,
        words: words_c,
        tokens: &key.c.0.tokens,
        text: key.third,
        by: shown.by,
        removed: removed(|r| &r.c),
    };
    legend_ui(ui, cx);
    side_ui(ui, cx, &a, Some(contrast), *all);
    agreement_ui(ui, &a, shown.removals.is_some());
    let side_by_side = ui.available_width() >= BESIDE;
    section_ui(
        ui,
        "Words of B and of C",
        "what brings the difference on the other side; together they add up to it as well",
    );
    match side_by_side {
        true => ui.columns(2, |columns| {
            side_ui(&mut columns[0], cx, &b, None, *all);
            side_ui(&mut columns[1], cx, &c, None, *all);
        }),
        false => {
            side_ui(ui, cx, &b, None, *all);
            side_ui(ui, cx, &c, None, *all);
        }
    }
    let most = [&a, &b, &c]
        .map(|of| of.side.values.len())
        .into_iter()
        .fold(0, usize::max);
    if most > FEW {
        let rest = match *all {
            true => format!("only the {FEW} largest"),
            false => "all words".to_owned(),
        };
        if ui.button(rest).clicked() {
            *all = !*all;
        }
    }
}

/// One text's words, the largest first.
fn side_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, of: &Of<'_>, maps: Option<&Contrast>, all: bool) {
    let count = if all { usize::MAX } else { FEW };
    let order = of.side.top(count, |_| true);
    let place = |token: Option<usize>| {
        let token = token?;
        order
            .iter()
            .position(|&row| of.range(row).is_some_and(|range| range.contains(&token)))
    };
    let locked = cx.locked;
    let locked = locked.token.filter(|_| locked.text == Some(of.text));
    let name = format!("Words of {} by what they add to the difference", of.name);
    let room = ui.available_width();
    let few = match of.name {
        "A" => OF_A,
        "B" => OF_B,
        _ => OF_C,
    };
    let few = if room < TIGHT { tight(few) } else { few };
    let columns: &[Column] = match (of.name, room < ROOMY) {
        ("A", false) => &ALL,
        _ => &few,
    };
    let table = Table {
        name: &name,
        columns,
        rows: order.len(),
        focus: place(cx.token_of(of.text)),
        locked: place(locked),
    };
    let (b, c) = colors(cx);
    let largest = of
        .side
        .values
        .iter()
        .fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let response = table.ui(ui, |place, column| {
        let row = order[place];
        let value = of.side.values[row];
        match column {
            0 => match of.special(row) {
                true => Cell::Quiet(piece_label(&of.side.names[row])),
                false => Cell::Text(piece_label(&of.side.names[row])),
            },
            1 => Cell::Signed {
                figure: four(value),
                share: (value / largest) as f32,
                color: if value >= 0. { b } else { c },
            },
            2 => Cell::Figure(three(of.removed(row))),
            3 => Cell::Figure(three(maps.map_or(f64::NAN, |maps| maps.to_b[row]))),
            _ => Cell::Figure(three(maps.map_or(f64::NAN, |maps| maps.to_c[row]))),
        }
    });
    let focus = |place: usize| -> Option<Focus> {
        let range = of.range(*order.get(place)?)?;
        Some(Focus::token(of.text, range.start))
    };
    cx.point(
        response.hovered.and_then(focus),
        response.clicked.and_then(focus),
    );
}

fn agreement_ui(ui: &mut Ui, of: &Of<'_>, there: bool) {
    if there {
        let text = format!(
            "“left out”: what the difference really loses when the word is masked and the model runs again. \
             Its order agrees with the bars' by {} (Spearman; 1 for the same, – for too few words).",
            figure(of.agreement())
        );
        note_ui(ui, text);
    }
}

fn figure(value: f64) -> String {
    match value.is_nan() {
        true => "–".to_owned(),
        false => format!("{value:.2}").replace('-', "−"),
    }
}

/// Text, word, and what it adds to the difference.
pub fn tsv(contrast: &Contrast) -> String {
    let sides = [("A", &contrast.a), ("B", &contrast.b), ("C", &contrast.c)];
    let lines = sides.into_iter().flat_map(|(text, side)| {
        let rows = side.names.iter().zip(&side.values);
        rows.map(move |(name, value)| format!("{text}:{name}\t{value}\n"))
    });
    format!("word\tadds to A·B − A·C\n{}", lines.collect::<String>())
}
