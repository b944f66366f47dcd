//! Each table as a picture, [positions, dimensions], and beside it its cosines.

use egui::{Align, Layout, RichText, Ui, Vec2, vec2};

use super::tables::{PositionTable, Tables};
use crate::app::state::Focus;
use crate::trace::{EmbedSite, Site};
use crate::views::ViewContext;
use crate::views::subject::{Subject, beyond_note, note_ui};
use crate::widgets::{
    Heatmap, HeatmapResponse, HeatmapTexture, SPACE, SPACE_SMALL, Scale, Theme, legend_ui, number,
};

/// From this width on a table and its cosines stand side by side.
const WIDE: f32 = 560.0;

/// What the columns of the two tables are.
const ABOUT: [&str; 2] = [
    "positions × dimensions",
    "positions × dimensions, sines first, then cosines",
];

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
            let sizes = Sizes::new(ui, tables.positions.len());
            let textures = &mut self.textures[index];
            let mut both = |ui: &mut Ui| {
                let [table_fit, cosines_fit] = sizes.fit;
                column_ui(ui, table_fit.x, |ui| {
                    let table = (table, ABOUT[index]);
                    table_ui(ui, cx, &rows, table, table_fit, &mut textures[0]);
                });
                if !sizes.wide {
                    ui.add_space(SPACE);
                }
                column_ui(ui, cosines_fit.x, |ui| {
                    cosines_ui(ui, cx, &rows, table, cosines_fit, &mut textures[1]);
                });
            };
            match sizes.wide {
                true => ui.horizontal_top(both).inner,
                false => both(ui),
            }
        }
    }
}

/// Room for a table and for its cosines.
struct Sizes {
    wide: bool,
    fit: [Vec2; 2],
}

impl Sizes {
    fn new(ui: &Ui, rows: usize) -> Self {
        /// Labels and frame beside a map, and the least that a table is worth.
        const LABELS: f32 = 96.0;
        const LEAST: f32 = 280.0;
        let room = ui.available_width();
        let wide = room >= WIDE;
        // A pixel for each position: pooling would draw a grid over the stripes.
        let whole = rows as f32 / ui.pixels_per_point();
        let half = 0.5 * (room - SPACE);
        let cosines = match wide {
            true => half.max((whole + LABELS).min(room - SPACE - LEAST)),
            false => room,
        };
        let table = if wide { room - SPACE - cosines } else { room };
        // A line of text for each row of a short text.
        let height = (16.0 * rows as f32 + SPACE)
            .min(whole.max(360.0) + SPACE)
            .min(640.0);
        Self {
            wide,
            // As high as wide, less what its labels take.
            fit: [
                vec2(table, height),
                vec2(cosines, height.min(cosines - 0.4 * LABELS)),
            ],
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
    let label = |&p: &usize| match tokens.labels.get(p) {
        Some(piece) => format!("{p} {piece}"),
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

fn head_ui(ui: &mut Ui, title: &str, about: &str, scale: &Scale) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(title).strong());
        note_ui(ui, about);
    });
    legend_ui(ui, scale, "");
    ui.add_space(SPACE_SMALL);
}

fn table_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    rows: &Rows<'_>,
    (table, about): (&PositionTable, &str),
    fit: Vec2,
    texture: &mut HeatmapTexture,
) {
    let scale = cx.common_scale(ui, ("position", table.title), table.scale);
    head_ui(ui, table.title, about, &scale);
    let (count, size) = (rows.tables.positions.len(), rows.tables.size);
    let name = format!("Position table, {}", table.title);
    let column = |k: Option<usize>| table.dimensions.iter().position(|&other| Some(other) == k);
    let locked = rows
        .row_of(rows.subject.locked(cx))
        .zip(column(cx.locked.dimension));
    let out = Heatmap::new(&name, table.keys[0], count, size, &table.values, scale)
        .row_labels(&rows.labels)
        .secondary_rows(&rows.unused)
        .focus_row(rows.row_of(rows.subject.focused(cx)))
        .focus_column(column(cx.focus.dimension))
        .locked(locked)
        .tooltip(false)
        .fit(fit)
        .ui(ui, texture);
    let learned = std::ptr::eq(table, &raw const rows.tables.learned);
    let site = Site::Embed(EmbedSite::Position);
    let focus = |(row, column): (usize, usize)| Focus {
        dimension: table.dimensions.get(column).copied(),
        site: learned.then_some(site),
        ..focus_row(rows, row)
    };
    mark_ui(ui, rows, &out);
    point(cx, rows, &out, focus);
    if let Some(note) = beyond_note(&scale, table.largest) {
        note_ui(ui, note);
    }
    if let Some((row, column)) = out.hovered {
        let (label, k) = (&rows.labels[row], table.dimensions[column]);
        let value = number(f64::from(table.values[row * size + column]));
        out.response
            .on_hover_text_at_pointer(format!("position {label} · dimension {k}\n{value}"));
    }
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
    let locked = cx.locked.other;
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
    mark_ui(ui, rows, &out);
    point(cx, rows, &out, focus);
}

/// A bar beside the rows that the text uses, where there are others.
fn mark_ui(ui: &Ui, rows: &Rows<'_>, out: &HeatmapResponse) {
    let used = rows.unused.iter().filter(|unused| !**unused).count();
    let Some(cells) = out.cells.filter(|_| used < rows.unused.len()) else {
        return;
    };
    let share = used as f32 / rows.unused.len() as f32;
    let bottom = cells.top() + (cells.height() * share).max(2.0);
    let bar = egui::Rect::from_x_y_ranges(
        cells.left() - 3.0..=cells.left() - 1.0,
        cells.top()..=bottom,
    );
    ui.painter().rect_filled(bar, 0.0, Theme::of(ui).accent());
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
