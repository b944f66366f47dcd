//! Each pair's cosine before and now.

use egui::Ui;

use crate::app::export::table::cell;
use crate::app::state::Focus;
use crate::engine::LabRun;
use crate::training::{Check, Pair};
use crate::views::ViewContext;
use crate::views::compare::{four, shorten_to};
use crate::views::subject::section_ui;
use crate::widgets::{Cell, Column, Table};

const COLUMNS: [Column; 6] = [
    Column::new("Text", 90., 1., false),
    Column::new("Its partner", 90., 1., false),
    Column::new("", 62., 0., false),
    Column::new("Before", 62., 0., true),
    Column::new("Now", 62., 0., true),
    Column::new("Change", 66., 0., true),
];

const LETTERS: usize = 60;

pub fn table_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, run: &LabRun, first: &Check, last: &Check) {
    section_ui(ui, "Cosine of each pair", "");
    let rows: Vec<Row<'_>> = rows(run, first, last).collect();
    let find = |row: &Row<'_>| {
        let mut texts = cx.texts.iter();
        texts
            .find(|text| *text.text == *row.pair.a)
            .map(|text| text.id)
    };
    let ids: Vec<_> = rows.iter().map(find).collect();
    let focused = cx.focus.text;
    let table = Table {
        name: "Cosine of each pair before and now",
        columns: &COLUMNS,
        rows: rows.len(),
        focus: ids.iter().position(|&id| id.is_some() && id == focused),
        locked: None,
    };
    let response = table.ui(ui, |row, column| {
        let row = &rows[row];
        match column {
            0 => Cell::Text(shorten_to(&row.pair.a, LETTERS)),
            1 => Cell::Text(shorten_to(&row.pair.b, LETTERS)),
            2 if row.held_out => Cell::Warning("held out".to_owned()),
            2 => Cell::Quiet("learned".to_owned()),
            3 => Cell::Figure(four(row.before)),
            4 => Cell::Figure(four(row.now)),
            _ => Cell::Figure(signed(row.now - row.before)),
        }
    });
    let at = |row: usize| ids.get(row).copied().flatten().map(Focus::text);
    cx.point(response.hovered.and_then(at), response.clicked.and_then(at));
}

struct Row<'a> {
    pair: &'a Pair,
    held_out: bool,
    before: f64,
    now: f64,
}

fn rows<'a>(run: &'a LabRun, first: &'a Check, last: &'a Check) -> impl Iterator<Item = Row<'a>> {
    let learned = run.plan.watched_learned();
    let cosines = first.cosines.iter().zip(&last.cosines);
    let pairs = run.plan.watched().zip(cosines).enumerate();
    pairs.map(move |(i, (pair, (&before, &now)))| Row {
        pair,
        held_out: i >= learned,
        before,
        now,
    })
}

fn signed(change: f64) -> String {
    match change < 0. {
        true => format!("−{:.4}", -change),
        false => format!("+{change:.4}"),
    }
}

pub fn tsv(run: &LabRun) -> Option<String> {
    let (first, last) = (run.checks.first()?, run.checks.last()?);
    let mut out = "text\tpartner\trole\tbefore\tnow\n".to_owned();
    for row in rows(run, first, last) {
        let role = if row.held_out { "held out" } else { "learned" };
        let (a, b) = (cell(&row.pair.a), cell(&row.pair.b));
        out.push_str(&format!("{a}\t{b}\t{role}\t{}\t{}\n", row.before, row.now));
    }
    Some(out)
}
