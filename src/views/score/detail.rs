//! What is behind one pair of a map of tokens: dimensions, what wrote the two vectors, and layers.

use std::sync::Arc;

use egui::{RichText, Ui};

use super::derive::ScoreKey;
use super::mapping::Mapping;
use super::matrix::figure_ui;
use super::verdict::part;
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::components::Writer;
use crate::analysis::similarity::one_pair::{Cell as Tokens, OnePair};
use crate::app::command::Command;
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::views::score::components::select;
use crate::views::subject::note_ui;
use crate::widgets::{Cell, Column, SPACE, Scale, Table, number};

/// Rows of a table.
const FEW: usize = 8;
/// At this end of the scale, ±1 is a colour of medium strength.
const BAR: f32 = 1.8;

const fn columns(first: &'static str, second: &'static str) -> [Column; 2] {
    [
        Column {
            title: first,
            width: 118.,
            grow: 0.4,
            right: false,
        },
        Column {
            title: second,
            width: 150.,
            grow: 1.,
            right: true,
        },
    ]
}

const DIMENSIONS: [Column; 2] = columns("dimension", "adds to the pair");
const WRITERS: [Column; 2] = columns("in A × in B", "adds to the pair");
const LAYERS: [Column; 2] = columns("after", "cosine of the two");

#[derive(Clone, PartialEq)]
struct Key {
    score: ScoreKey,
    cell: Tokens,
}

type Found = Result<OnePair, Arc<str>>;

/// The pair that is open.
pub struct Detail {
    found: Derived<Key, Found>,
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            found: Derived::slow(),
        }
    }
}

/// What a map shows around the open pair.
pub struct Open<'a> {
    pub key: &'a ScoreKey,
    pub mapping: Mapping<'a>,
}

impl Detail {
    /// The locked pair of the map, taken apart; nothing where none is locked.
    pub fn detail_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, open: &Open<'_>) {
        let Some((cell, names)) = open.mapping.cell(cx.locked) else {
            self.found.stop();
            return;
        };
        let key = Key {
            score: open.key.clone(),
            cell,
        };
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            let title = format!("{} ↔ {}", names.0, names.1);
            ui.label(RichText::new(title).text_style(egui::TextStyle::Heading));
            let close = ui.button("Close pair");
            if close
                .on_hover_text("Lets go of the pair (Escape)")
                .clicked()
            {
                cx.send(Command::Release);
            }
        });
        let (made, model) = (key.clone(), cx.model.clone());
        let shown = self.found.get(cx.engine, &key, move |cancel| {
            let options = model.options_with(made.score.pooling, made.score.truncate);
            let texts = (&*made.score.a.0, &*made.score.b.0);
            OnePair::new(&model, texts, options, &made.cell, cancel)
                .map_err(|error| Arc::from(error.to_string()))
        });
        match shown.filter(|shown| shown.current).map(|shown| shown.value) {
            None => {
                note_ui(ui, "taking the pair apart…");
            }
            Some(found) => match &*found {
                Ok(pair) => pair_ui(ui, cx, pair, open),
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                }
            },
        }
        ui.add_space(SPACE);
    }
}

fn pair_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, pair: &OnePair, open: &Open<'_>) {
    let cos = open.mapping.score();
    let about = format!(
        "As contextual tokens the two add {} to the cosine{}. It is the sum of each of the first two tables.",
        number(pair.value()),
        cos.map_or_else(String::new, |cos| format!(
            " of {}, {}",
            four(cos),
            part(pair.value(), cos)
        ))
    );
    ui.label(about);
    dimensions_ui(ui, cx, &pair.dimensions);
    ui.add_space(SPACE);
    writers_ui(ui, cx, &pair.writers);
    ui.add_space(SPACE);
    layers_ui(ui, cx, &pair.layers);
}

/// A figure and its bar.
fn bar(cx: &ViewContext<'_>, value: f64, largest: f64) -> Cell {
    Cell::Bar {
        figure: number(value),
        share: (value.abs() / largest.max(f64::MIN_POSITIVE)) as f32,
        color: Scale::signed(BAR).color(cx.theme, value.signum() as f32),
    }
}

fn sums_ui(ui: &mut Ui, cx: &ViewContext<'_>, matrix: &PairMatrix) {
    let color = match matrix.holds() {
        true => cx.theme.foreground(),
        false => cx.theme.warning(),
    };
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 0.;
        ui.horizontal_wrapped(|ui| {
            figure_ui(ui, cx, ("Σ of all", &number(matrix.sum())), color);
            let residual = number(matrix.residual());
            figure_ui(ui, cx, ("residual", &residual), color)
                .on_hover_text("what the parts miss of the pair's cell");
        });
    });
}

fn dimensions_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, matrix: &PairMatrix) {
    let top: Vec<usize> = matrix.top(FEW).into_iter().map(|(_, k)| k).collect();
    let largest = matrix.largest();
    let place = |focus: Focus| top.iter().position(|&k| Some(k) == focus.dimension);
    let table = Table {
        name: "Dimensions behind the pair",
        columns: &DIMENSIONS,
        rows: top.len(),
        focus: place(cx.focus),
        locked: place(cx.locked),
    };
    let response = table.ui(ui, |row, column| match column {
        0 => Cell::Text(top[row].to_string()),
        _ => bar(cx, matrix.values[top[row]], largest),
    });
    // The pair stays open: dimensions are locked together with it, and let go of alone.
    let locked = cx.locked;
    let focus = |row: usize| Focus {
        dimension: top.get(row).copied(),
        ..locked
    };
    cx.point(response.hovered.map(focus), None);
    if let Some(focus) = response.clicked.map(focus) {
        let again = focus == locked;
        let dimension = focus.dimension.filter(|_| !again);
        cx.send(Command::Lock(Focus { dimension, ..focus }));
    }
    sums_ui(ui, cx, matrix);
}

fn writers_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, matrix: &PairMatrix) {
    let top = matrix.top(FEW);
    let largest = matrix.largest();
    let table = Table {
        name: "Heads and feed-forwards behind the pair",
        columns: &WRITERS,
        rows: top.len(),
        focus: None,
        locked: None,
    };
    let response = table.ui(ui, |row, column| {
        let (of_a, of_b) = top[row];
        match column {
            0 => Cell::Text(format!("{} × {}", matrix.rows[of_a], matrix.columns[of_b])),
            _ => bar(cx, matrix.at(of_a, of_b), largest),
        }
    });
    if let Some(&(of_a, _)) = response.clicked.and_then(|row| top.get(row)) {
        let writer = Writer::all(cx.model.spec()).get(of_a).copied();
        select(cx, writer);
    }
    sums_ui(ui, cx, matrix);
}

fn layers_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, layers: &[f64]) {
    let table = Table {
        name: "Cosine of the two after each layer",
        columns: &LAYERS,
        rows: layers.len(),
        focus: None,
        locked: Some(cx.layer() + 1),
    };
    let response = table.ui(ui, |row, column| match (row, column) {
        (0, 0) => Cell::Text("embed".to_owned()),
        (layer, 0) => Cell::Text(format!("L{layer}")),
        (place, _) => bar(cx, layers[place], 1.),
    });
    if let Some(layer) = response.clicked.and_then(|row| row.checked_sub(1)) {
        cx.send(Command::SelectLayer(layer));
    }
    note_ui(
        ui,
        "The cosine of the two states themselves, whatever they weigh in the pool.",
    );
}
