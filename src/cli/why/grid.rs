//! The matrix of pairs as a table, folded to the terminal's width.

use super::paint::{Colors, left, right, width};
use crate::analysis::similarity::PairMatrix;
use crate::widgets::{Scale, piece_label};

/// Columns of one cell, a space in front included.
const CELL: usize = 7;
/// The longest name of a row.
const NAME: usize = 14;
/// More rows or columns than this say less than the largest pairs.
const MOST: usize = 48;
/// How many of those to name.
const TOP: usize = 20;

/// The whole matrix where it is small, its largest cells where it is not.
pub fn grid(matrix: &PairMatrix, colors: Colors, room: usize) -> String {
    match matrix.rows.len().max(matrix.columns.len()) > MOST {
        true => largest(matrix, colors),
        false => blocks(matrix, colors, room),
    }
}

/// Blocks of columns below each other, the sums of the rows in the last one.
fn blocks(matrix: &PairMatrix, colors: Colors, room: usize) -> String {
    let rows: Vec<String> = matrix.rows.iter().map(|row| piece_label(row)).collect();
    let columns: Vec<String> = matrix
        .columns
        .iter()
        .map(|column| piece_label(column))
        .collect();
    let name = rows
        .iter()
        .map(|row| width(row))
        .max()
        .unwrap_or(0)
        .clamp(3, NAME);
    let at_once = (room.saturating_sub(name) / CELL).saturating_sub(1).max(1);
    let scale = Scale::signed(matrix.largest() as f32);
    let (row_sums, column_sums) = (matrix.row_sums(), matrix.column_sums());
    let starts: Vec<usize> = (0..columns.len()).step_by(at_once).collect();
    let mut out = String::new();
    for &start in &starts {
        let shown = start..(start + at_once).min(columns.len());
        let last = shown.end == columns.len();
        out.push_str(&left("", name));
        for column in &columns[shown.clone()] {
            out.push_str(&format!(" {}", right(column, CELL - 1)));
        }
        let end = if last {
            colors.dim(&right("Σ", CELL))
        } else {
            String::new()
        };
        out.push_str(&format!("{end}\n"));
        for (row, label) in rows.iter().enumerate() {
            out.push_str(&left(label, name));
            for column in shown.clone() {
                let value = matrix.at(row, column);
                out.push_str(&colors.cell(&right(&figure(value), CELL), value, scale));
            }
            let end = if last {
                right(&figure(row_sums[row]), CELL)
            } else {
                String::new()
            };
            out.push_str(&format!("{}\n", colors.dim(&end)));
        }
        let sums = column_sums[shown]
            .iter()
            .map(|&sum| right(&figure(sum), CELL));
        let mut foot = format!("{}{}", left("Σ", name), sums.collect::<String>());
        if last {
            foot.push_str(&right(&figure(matrix.sum()), CELL));
        }
        out.push_str(&format!("{}\n", colors.dim(&foot)));
        if !last {
            out.push('\n');
        }
    }
    out
}

fn largest(matrix: &PairMatrix, colors: Colors) -> String {
    let (rows, columns) = (matrix.rows.len(), matrix.columns.len());
    let mut out = format!("the {TOP} largest of {rows} × {columns}\n");
    let scale = Scale::signed(matrix.largest() as f32);
    for (row, column) in matrix.top(TOP) {
        let value = matrix.at(row, column);
        let figure = colors.cell(&right(&format!("{value:.4}"), CELL + 1), value, scale);
        let name = |names: &[String], index: usize| {
            let label = piece_label(&names[index]);
            // A token may stand there twice; heads and dimensions have names of their own.
            match names.iter().filter(|other| **other == names[index]).count() {
                1 => label,
                _ => format!("{label} [{index}]"),
            }
        };
        let a = left(&name(&matrix.rows, row), 2 * NAME);
        out.push_str(&format!(
            "{figure}  {a} {}\n",
            name(&matrix.columns, column)
        ));
    }
    out
}

/// Three decimals; exactly nothing is a dot, so that the eye finds the rest.
fn figure(value: f64) -> String {
    match value == 0. {
        true => "·".to_owned(),
        // Adding 0 turns the −0 that rounding leaves into 0.
        false => format!("{:.3}", (1e3 * value).round() / 1e3 + 0.),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize) -> PairMatrix {
        let names = |n: usize| (0..n).map(|i| format!("t{i}")).collect();
        PairMatrix {
            values: (0..rows * columns).map(|i| i as f64 / 100.).collect(),
            rows: names(rows),
            columns: names(columns),
            explains: 0.,
            tolerance: 1e-5,
            seconds: 0.,
        }
    }

    #[test]
    fn lines_fit_and_every_column_is_there_once() {
        for room in [40, 60, 100] {
            let text = grid(&matrix(4, 20), Colors::None, room);
            assert!(
                text.lines().all(|line| width(line) <= room),
                "{room}\n{text}"
            );
            for column in 0..20 {
                let name = format!(" t{column} ");
                let heads = text.lines().filter(|line| line.starts_with("   "));
                let found = heads
                    .filter(|line| format!("{line} ").contains(&name))
                    .count();
                assert_eq!(found, 1, "{column} at {room}\n{text}");
            }
            assert_eq!(
                text.matches("31.60").count(),
                1,
                "the whole sum stands once\n{text}"
            );
        }
    }

    #[test]
    fn a_matrix_that_nobody_can_read_becomes_its_largest_pairs() {
        let text = grid(&matrix(60, 3), Colors::None, 80);
        assert_eq!(text.lines().count(), TOP + 1);
        let first = |text: &str| text.lines().nth(1).unwrap().to_owned();
        assert!(first(&text).contains(" t59 "), "{text}");
        let mut twice = matrix(60, 3);
        twice.rows[0] = "t59".to_owned();
        let text = grid(&twice, Colors::None, 80);
        assert!(first(&text).contains("t59 [59]"), "{text}");
    }
}
