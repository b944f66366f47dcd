//! Each table as a picture, [positions, dimensions], and beside it its cosines.

use egui::{Align, Layout, RichText, Ui, Vec2, vec2};

use super::tables::{PositionTable, Tables};
use crate::app::state::Focus;
use crate::views::ViewContext;
use crate::views::subject::{Subject, note_ui};
use crate::widgets::{
    Heatmap, HeatmapResponse, HeatmapTexture, SPACE, Scale, legend_ui, piece_label,
};

/// From this width on a table and its cosines stand side by side.
const WIDE: f32 = 560.0;

/// The pictures: table and cosines, learned and sinusoidal.
#[derive(Default)]
pub struct Maps {
    textures: [[HeatmapTexture; 2]; 2],
}

/// What the rows of every map are.
struct Rows<'a> {
    tables: &'a Tables,
    subject: &'a Subject,
    labels: Vec<String>,
    /// True for positions that the text does not reach.
    unused: Vec<bool>,
}

impl Rows<'_> {
    /// The token at this row, where the text has one there.
    fn token(&self, row: usize) -> Option<usize> {
        let position = self.tables.positions.get(row).copied();
        position.filter(|&p| p < self.subject.tokens())
    }

    fn row_of(&self, token: Option<usize>) -> Option<usize> {
        let row = token? / self.tables.step;
        Some(row).filter(|&row| row < self.tables.positions.len())
    }
}

impl Maps {
    pub fn maps_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        tables: &Tables,
    ) {
        let rows = rows(subject, tables);
        if tables.step > 1 {
            note_ui(
                ui,
                format!("Every {}th position of the table is shown.", tables.step),
            );
        }
        for (index, table) in [&tables.learned, &tables.sinusoid].into_iter().enumerate() {
            ui.add_space(SPACE);
            let wide = ui.available_width() >= WIDE;
            let room = ui.available_width();
            let width = if wide { 0.5 * (room - SPACE) } else { room };
            let fit = vec2(width, height(tables.positions.len(), width));
            let textures = &mut self.textures[index];
            let mut both = |ui: &mut Ui| {
                column_ui(ui, width, |ui| {
                    table_ui(ui, cx, &rows, table, fit, &mut textures[0])
                });
                column_ui(ui, width, |ui| {
                    cosines_ui(ui, cx, &rows, table, fit, &mut textures[1])
                });
            };
            match wide {
                true => ui.horizontal_top(both).inner,
                false => both(ui),
            }
        }
    }
}

fn column_ui(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.set_width(width);
        add(ui);
    });
}

fn rows<'a>(subject: &'a Subject, tables: &'a Tables) -> Rows<'a> {
    let tokens = &subject.trace.tokens;
    let label = |&p: &usize| match tokens.pieces.get(p) {
        Some(piece) => format!("{p} {}", piece_label(piece)),
        None => p.to_string(),
    };
    Rows {
        tables,
        subject,
        labels: tables.positions.iter().map(label).collect(),
        unused: tables
            .positions
            .iter()
            .map(|&p| p >= tokens.len())
            .collect(),
    }
}

fn height(rows: usize, width: f32) -> f32 {
    (16.0 * rows as f32 + 48.0).clamp(64.0, width.clamp(200.0, 480.0))
}

fn head_ui(ui: &mut Ui, title: &str, about: &str, scale: &Scale) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(title).strong());
        note_ui(ui, about);
        legend_ui(ui, scale, "");
    });
}

fn table_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    rows: &Rows<'_>,
    table: &PositionTable,
    fit: Vec2,
    texture: &mut HeatmapTexture,
) {
    head_ui(ui, table.title, "positions × dimensions", &table.scale);
    let (count, size) = (rows.tables.positions.len(), rows.tables.size);
    let name = format!("Position table, {}", table.title);
    let locked = rows
        .row_of(rows.subject.locked(cx))
        .zip(cx.state.locked.dimension);
    let out = Heatmap::new(
        &name,
        table.keys[0],
        count,
        size,
        &table.values,
        table.scale,
    )
    .row_labels(&rows.labels)
    .secondary_rows(&rows.unused)
    .focus_row(rows.row_of(rows.subject.focused(cx)))
    .focus_column(cx.focus.dimension.filter(|&k| k < size))
    .locked(locked)
    .fit(fit)
    .ui(ui, texture);
    let focus = |(row, k): (usize, usize)| Focus {
        dimension: Some(k),
        ..focus_row(rows, row)
    };
    point(cx, rows, &out, focus);
}

fn cosines_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    rows: &Rows<'_>,
    table: &PositionTable,
    fit: Vec2,
    texture: &mut HeatmapTexture,
) {
    let scale = Scale::signed(1.0);
    head_ui(ui, "cosine", "of every two positions", &scale);
    let count = rows.tables.positions.len();
    let name = format!("Cosines of positions, {}", table.title);
    let other = cx
        .focus
        .other
        .filter(|_| cx.focus.text == Some(rows.subject.id));
    let locked = cx.state.locked.other;
    let locked = rows
        .row_of(rows.subject.locked(cx))
        .zip(rows.row_of(locked));
    let out = Heatmap::new(&name, table.keys[1], count, count, &table.similarity, scale)
        .row_labels(&rows.labels)
        .secondary_rows(&rows.unused)
        .focus_row(rows.row_of(rows.subject.focused(cx)))
        .focus_column(rows.row_of(other))
        .locked(locked)
        .square(true)
        .fit(fit)
        .ui(ui, texture);
    let focus = |(row, column): (usize, usize)| Focus {
        other: rows.token(column),
        ..focus_row(rows, row)
    };
    point(cx, rows, &out, focus);
}

/// The token at a row; nothing where the text does not reach it.
fn focus_row(rows: &Rows<'_>, row: usize) -> Focus {
    rows.token(row)
        .map_or(Focus::default(), |token| rows.subject.focus_on(token))
}

fn point(
    cx: &mut ViewContext<'_>,
    rows: &Rows<'_>,
    out: &HeatmapResponse,
    focus: impl Fn((usize, usize)) -> Focus,
) {
    let row = out.hovered_row.map(|row| focus_row(rows, row));
    let hovered = out.hovered.map(&focus).or(row);
    // A position that the text does not reach is nothing to hold on to.
    let clicked = out.clicked.filter(|cell| rows.token(cell.0).is_some());
    cx.point(hovered, clicked.map(focus));
}
