//! How long each summand is, token by token.

use egui::Ui;

use super::stages::Stages;
use crate::views::ViewContext;
use crate::views::subject::Subject;
use crate::widgets::{Cell, Column, Table, number};

const fn column(title: &'static str, width: f32, grow: f32) -> Column {
    Column {
        title,
        width,
        grow,
        right: false,
    }
}

pub fn lengths_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject, stages: &Stages) {
    let mut columns = vec![
        Column {
            right: true,
            ..column("#", 32.0, 0.0)
        },
        column("piece", 76.0, 0.5),
    ];
    columns.extend(stages.all().map(|stage| column(stage.title, 84.0, 1.0)));
    let shares = shares(stages);
    let color = cx.theme.accent().gamma_multiply(0.6);
    let table = Table {
        name: "Lengths",
        columns: &columns,
        rows: stages.len(),
        focus: subject.focused(cx),
        locked: subject.locked(cx),
    };
    let out = table.ui(ui, |row, column| match column {
        0 => Cell::Quiet(row.to_string()),
        1 if stages.tokens.special[row] => Cell::Quiet(stages.labels[row].clone()),
        1 => Cell::Text(stages.labels[row].clone()),
        _ => {
            let stage = stages.all().nth(column - 2);
            let norm = stage
                .and_then(|s| s.norms.get(row).copied())
                .unwrap_or(f64::NAN);
            Cell::Bar {
                figure: number(norm),
                share: (norm / shares[column - 2]) as f32,
                color,
            }
        }
    });
    let focus = |token| subject.focus_on(token);
    cx.point(out.hovered.map(focus), out.clicked.map(focus));
}

/// What a full bar stands for, column by column: the summands and their sum share one, so that
/// their bars compare; the norm makes its own.
fn shares(stages: &Stages) -> Vec<f64> {
    let largest = |norms: &[f64]| norms.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let summed = stages.summed.iter().map(|stage| largest(&stage.norms));
    let summed = summed.fold(f64::MIN_POSITIVE, f64::max);
    let mut shares = vec![summed; stages.summed.len()];
    shares.push(largest(&stages.out.norms));
    shares
}
