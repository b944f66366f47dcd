//! What the heads put into one cell of a mean: their shares add up to it.

use egui::Ui;

use super::average::{Chosen, Large, Over};
use super::{Options, Scene, ViewContext, head_name, title_ui};
use crate::analysis::attention::{Map, Part, parts};
use crate::app::command::Command;
use crate::views::recorded::{Memo, key_of};
use crate::views::subject::note_ui;
use crate::widgets::counted;
use crate::widgets::theme::{SPACE, number};
use crate::widgets::{Cell, Column, Table};

/// So many heads stand on lines of their own.
const NAMED: usize = 8;

const COLUMNS: [Column; 3] = [
    Column::new("head", 96.0, 0.0, false),
    Column::new("value", 130.0, 1.0, true),
    Column::new("of the mean", 90.0, 0.0, true),
];

#[derive(Default)]
pub(super) struct Makeup {
    parts: Memo<u64, Vec<Part>>,
}

impl Makeup {
    /// For means, and where a cell is pointed at.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (scene, chosen): (&Scene, &Chosen),
        options: &Options,
    ) {
        let Chosen::Now(large) = chosen else { return };
        if large.over == Over::One {
            return;
        }
        let text = &large.text;
        let (Some(query), Some(key)) = text.focused(cx.focus) else {
            title_ui(ui, "What the heads put into the mean", |_| ());
            note_ui(ui, "Point at a cell of the map; a click holds it.");
            ui.add_space(SPACE);
            return;
        };
        let title = format!("Into {} → {}", text.token(query), text.token(key));
        title_ui(ui, &title, |ui| {
            ui.weak(&large.name);
        });
        let map = options.map;
        let name = key_of((text.key, &large.who, map, query, key));
        let make = || parts(&text.trace, &large.who, map, query, key).unwrap_or_default();
        let parts = self.parts.get(name, make);
        table_ui(ui, cx, (scene, large), parts, map);
        ui.add_space(SPACE);
    }
}

fn table_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (scene, large): (&Scene, &Large),
    parts: &[Part],
    map: Map,
) {
    let mean: f64 = parts.iter().map(|part| part.share).sum();
    let (named, rest) = parts.split_at(parts.len().min(NAMED));
    let most = named.first().and_then(|part| part.value);
    let most = most.map_or(1.0, |value| value.abs().max(f32::MIN_POSITIVE));
    let color = cx.theme.accent();
    let chosen = (scene.layer, scene.head);
    let table = Table {
        name: "Heads of this cell",
        columns: &COLUMNS,
        rows: named.len(),
        focus: None,
        locked: named.iter().position(|p| (p.layer, p.head) == chosen),
    };
    let out = table.ui(ui, |row, column| {
        let part = &named[row];
        match (column, part.value) {
            (0, _) => Cell::Text(head_name(part.layer, part.head)),
            (1, None) => Cell::Quiet("hidden".to_owned()),
            (1, Some(value)) => {
                let (figure, share) = (number(value.into()), value / most);
                match map {
                    Map::Pattern => Cell::Bar {
                        figure,
                        share,
                        color,
                    },
                    _ => Cell::Signed {
                        figure,
                        share,
                        color,
                    },
                }
            }
            _ => Cell::Figure(number(part.share)),
        }
    });
    if let Some(part) = out.clicked.and_then(|row| named.get(row)) {
        cx.send(Command::SelectLayer(part.layer));
        cx.send(Command::SelectHead(part.head));
    }
    let others: f64 = rest.iter().map(|part| part.share).sum();
    let others = match rest.len() {
        0 => String::new(),
        count => format!(" {} more add {}.", counted(count, "head"), number(others)),
    };
    let of = large.who.heads().len();
    note_ui(
        ui,
        format!(
            "{others} Together {}, the mean of {}: what a head adds is its value ÷ {}. A click chooses a head.",
            number(mean),
            counted(of, "head"),
            parts.iter().filter(|part| map == Map::Pattern || part.value.is_some()).count(),
        )
        .trim_start(),
    );
}
