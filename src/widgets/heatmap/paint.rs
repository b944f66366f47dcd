//! Painting a heatmap: the image, its labels, the marks on it.

use egui::emath::GuiRounding as _;
use egui::epaint::TextShape;
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, StrokeKind, TextureId, Ui, pos2, vec2};

use super::layout::{Layout, Turn};
use super::{Axis, Grid, Heatmap, HeatmapResponse};
use crate::widgets::colormap::Scale;
use crate::widgets::label::{self, Step};
use crate::widgets::number;
use crate::widgets::style::outline;
use crate::widgets::theme::{SPACE_SMALL, Theme};

pub(super) fn paint_ui(
    map: &Heatmap<'_>,
    ui: &Ui,
    layout: &Layout,
    grid: &Grid<'_>,
    image: TextureId,
    out: &HeatmapResponse,
) {
    let theme = Theme::of(ui);
    let mut painter = ui.painter().clone();
    if map.dimmed {
        painter.multiply_opacity(theme.stale_alpha());
    }
    let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    painter.image(image, layout.cells, uv, Color32::WHITE);
    paint_hatch(&painter, layout, grid, theme);
    if map.show_values {
        let told = |value, _| Some(brief(value, map.scale));
        paint_told(map, &painter, layout, grid, theme, (FIGURES, &told));
    } else if !map.notes.is_empty() {
        let longest = map.notes.iter().map(|note| note.chars().count()).max();
        let told = |_, at: usize| map.notes.get(at).filter(|note| !note.is_empty()).cloned();
        let longest = longest.unwrap_or(0) as f32;
        paint_told(map, &painter, layout, grid, theme, (longest, &told));
    }
    frame(ui, &painter, layout.cells, theme);
    let marks = Marks {
        row: [out.hovered_row, map.focus_row, map.locked.map(|c| c.0)],
        column: [
            out.hovered_column,
            map.focus_column,
            map.locked.map(|c| c.1),
        ],
    };
    paint_rows(map, &painter, layout, &marks, theme);
    paint_columns(map, &painter, layout, &marks, theme);
    paint_captions(map, &painter, layout, theme);
    paint_marks(map, ui, &painter, layout, out, theme);
}

/// The rows and columns to point out: hovered, focused, locked.
struct Marks {
    row: [Option<usize>; 3],
    column: [Option<usize>; 3],
}

fn frame(ui: &Ui, painter: &Painter, cells: Rect, theme: Theme) {
    let width = 1.0 / ui.pixels_per_point();
    painter.rect_stroke(cells, 0.0, (width, theme.hairline()), StrokeKind::Outside);
}

/// The text and colour of a label; an index where there are no labels.
fn text_of(
    labels: &[String],
    secondary: &[bool],
    index: usize,
    marks: &[Option<usize>; 3],
    theme: Theme,
) -> (String, Color32) {
    let text = labels.get(index).cloned();
    let quiet = text.is_none() || secondary.get(index).is_some_and(|s| *s);
    let color = if marks.contains(&Some(index)) {
        theme.strong()
    } else if quiet {
        theme.secondary()
    } else {
        theme.foreground()
    };
    (text.unwrap_or_else(|| index.to_string()), color)
}

fn step_of(labels: &[String]) -> Step {
    if labels.is_empty() {
        Step::Round
    } else {
        Step::Any
    }
}

fn shown(marks: &[Option<usize>; 3]) -> Vec<usize> {
    marks.iter().flatten().copied().collect()
}

fn paint_rows(map: &Heatmap<'_>, painter: &Painter, layout: &Layout, marks: &Marks, theme: Theme) {
    if layout.row_width <= 0.0 {
        return;
    }
    let (axis, line) = (&layout.y, layout.line);
    let step = step_of(map.row_labels);
    let clip = painter.clip_rect();
    for row in label::thin(map.rows, axis.pitch(), line, step, &shown(&marks.row)) {
        let y = layout.cells.top() + axis.centre(row);
        if y < clip.top() - line || y > clip.bottom() + line {
            continue;
        }
        let (text, color) = text_of(map.row_labels, map.secondary_rows, row, &marks.row, theme);
        let galley = label::line(painter, &text, &layout.font, color, layout.row_width);
        let x = layout.cells.left() - SPACE_SMALL - galley.size().x;
        painter.galley(pos2(x, y - 0.5 * galley.size().y), galley, color);
    }
}

fn paint_columns(
    map: &Heatmap<'_>,
    painter: &Painter,
    layout: &Layout,
    marks: &Marks,
    theme: Theme,
) {
    if layout.column_width <= 0.0 {
        return;
    }
    let axis = &layout.x;
    let needed = layout.turn.needed(layout.column_width, layout.line);
    let step = step_of(map.column_labels);
    let clip = painter.clip_rect().expand(layout.column_width);
    for column in label::thin(
        map.columns,
        axis.pitch(),
        needed,
        step,
        &shown(&marks.column),
    ) {
        let x = layout.cells.left() + axis.centre(column);
        if !clip.x_range().contains(x) {
            continue;
        }
        let (text, color) = text_of(
            map.column_labels,
            map.secondary_columns,
            column,
            &marks.column,
            theme,
        );
        let galley = label::line(painter, &text, &layout.font, color, layout.column_width);
        let foot = pos2(x, layout.cells.top() - SPACE_SMALL);
        let pos = turned(layout.turn, foot, galley.size());
        let pos = pos.round_to_pixels(painter.pixels_per_point());
        painter.add(TextShape::new(pos, galley, color).with_angle(layout.turn.angle()));
    }
}

/// Where a text of this size starts so that it stands centred on `foot`.
fn turned(turn: Turn, foot: Pos2, size: egui::Vec2) -> Pos2 {
    match turn {
        Turn::Flat => foot - vec2(0.5 * size.x, size.y),
        // The middle of its left edge on the foot, and that raised so that its lower corner
        // does not reach into the cells.
        Turn::Slanted => {
            let half = 0.5 * size.y * std::f32::consts::FRAC_1_SQRT_2;
            foot - vec2(half, 2.0 * half - 2.0)
        }
        Turn::Upright => foot - vec2(0.5 * size.y, 0.0),
    }
}

fn paint_captions(map: &Heatmap<'_>, painter: &Painter, layout: &Layout, theme: Theme) {
    let color = theme.secondary();
    let cells = layout.cells;
    if !map.column_axis.is_empty() {
        let width = cells.width().max(60.0);
        let galley = label::line(painter, map.column_axis, &layout.font, color, width);
        let top = layout.top(cells);
        painter.galley(pos2(cells.left(), top), galley, color);
    }
    if !map.row_axis.is_empty() {
        let width = cells.height().max(60.0);
        let galley = label::line(painter, map.row_axis, &layout.font, color, width);
        let foot = pos2(
            layout.left(cells) + 0.5 * layout.line,
            (cells.top() + galley.size().x).min(cells.bottom().max(cells.top() + galley.size().x)),
        );
        let pos = turned(Turn::Upright, foot, galley.size());
        let pos = pos.round_to_pixels(painter.pixels_per_point());
        painter.add(TextShape::new(pos, galley, color).with_angle(Turn::Upright.angle()));
    }
}

fn paint_marks(
    map: &Heatmap<'_>,
    ui: &Ui,
    painter: &Painter,
    layout: &Layout,
    out: &HeatmapResponse,
    theme: Theme,
) {
    let cells = layout.cells;
    let pixel = 1.0 / ui.pixels_per_point();
    let band = |rect: Rect| outline(painter, rect, theme);
    if let Some(row) = map.focus_row.filter(|r| *r < map.rows) {
        let (top, bottom) = layout.y.span(row);
        band(Rect::from_x_y_ranges(
            cells.x_range(),
            cells.top() + top..=cells.top() + bottom,
        ));
    }
    if let Some(column) = map.focus_column.filter(|c| *c < map.columns) {
        let (left, right) = layout.x.span(column);
        band(Rect::from_x_y_ranges(
            cells.left() + left..=cells.left() + right,
            cells.y_range(),
        ));
    }
    let (dark, light) = theme.outline();
    if let Some(cell) = out.hovered {
        outline(painter, layout.cell(cell), theme);
    }
    if let Some(cell) = map.locked.filter(|c| c.0 < map.rows && c.1 < map.columns) {
        let rect = layout.cell(cell);
        painter.rect_stroke(rect, 0.0, (2.0 * pixel, light), StrokeKind::Outside);
        painter.rect_stroke(
            rect.expand(2.0 * pixel),
            0.0,
            (pixel, dark),
            StrokeKind::Outside,
        );
    }
    if out.response.has_focus() {
        painter.rect_stroke(cells, 0.0, (2.0, theme.accent()), StrokeKind::Outside);
    }
}

/// A stroke across each cell that a mask hides, where cells are large enough for one.
fn paint_hatch(painter: &Painter, layout: &Layout, grid: &Grid<'_>, theme: Theme) {
    const LEAST: f32 = 5.0;
    let size = layout.cell((0, 0)).size();
    if size.min_elem() < LEAST || grid.x.pooled() || grid.y.pooled() {
        return;
    }
    let hidden = grid.values.iter().enumerate();
    for (at, _) in hidden.filter(|(_, v)| **v == f32::NEG_INFINITY) {
        let cell = layout.cell((at / grid.x.count, at % grid.x.count));
        if painter.clip_rect().intersects(cell) {
            let line = [cell.left_bottom(), cell.right_top()];
            painter.line_segment(line, (1.0, theme.hatch()));
        }
    }
}

/// Figures of a value in a cell, with some air.
const FIGURES: f32 = 5.5;

/// What is told of a value and its place in row-major order.
type Told<'a> = &'a dyn Fn(f32, usize) -> Option<String>;

/// Words in the cells that can be seen, where so many figures have room in all of them.
fn paint_told(
    map: &Heatmap<'_>,
    painter: &Painter,
    layout: &Layout,
    grid: &Grid<'_>,
    theme: Theme,
    (figures, told): (f32, Told<'_>),
) {
    let cell = layout.cell((0, 0)).size();
    let font = FontId::monospace(layout.font.size - 1.0);
    let room = vec2(figures * 0.62 * font.size, font.size + 4.0);
    if cell.x < room.x || cell.y < room.y || grid.x.pooled() || grid.y.pooled() {
        return;
    }
    let seen = painter.clip_rect().intersect(layout.cells);
    if !seen.is_positive() {
        return;
    }
    let seen = seen.translate(-layout.cells.min.to_vec2());
    let bins = |axis: &Axis, from: f32, to: f32| {
        axis.bin_at(from).unwrap_or(0)..=axis.bin_at(to).unwrap_or(axis.bins - 1)
    };
    for row in bins(&grid.y, seen.top(), seen.bottom()) {
        for column in bins(&grid.x, seen.left(), seen.right()) {
            let rect = layout.cell((row, column));
            let value = grid.value(row, column);
            let text = told(value, row * grid.x.count + column);
            let Some(text) = text.filter(|_| value != f32::NEG_INFINITY) else {
                continue;
            };
            let color = theme.on(map.scale.color(theme, value));
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                text,
                font.clone(),
                color,
            );
        }
    }
}

/// Two digits after the point, or one of a value from 10 on: what fits into a cell. Where every value is small
/// the 0 in front makes room for one digit more.
fn brief(value: f32, scale: Scale) -> String {
    let small = scale.min.abs().max(scale.max.abs()) < 0.1;
    let text = if small && value.is_finite() {
        format!("{value:.3}").replace("0.", ".")
    } else if value.is_finite() && value.abs() < 9.995 {
        format!("{value:.2}")
    } else if value.is_finite() && value.abs() < 99.95 {
        format!("{value:.1}")
    } else if value.is_finite() && value.abs() < 1000.0 {
        format!("{value:.0}")
    } else if value.is_nan() {
        // Its colour says that it is no number; the words fit into what stands beside the pointer.
        return "–".to_owned();
    } else {
        return number(f64::from(value));
    };
    match text.as_str() {
        "-0.00" => "0.00".to_owned(),
        "-.000" => ".000".to_owned(),
        _ => text.replace('-', "−"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_room_for_what_it_is_told() {
        let scale = Scale::signed(20.0);
        for (value, text) in [
            (0.951, "0.95"),
            (-9.994, "−9.99"),
            (9.996, "10.0"),
            // Cosines over a temperature of 0.05, which whole numbers would not tell apart.
            (18.62, "18.6"),
            (-19.31, "−19.3"),
            (99.96, "100"),
            (-0.001, "0.00"),
            (f32::NAN, "–"),
        ] {
            assert_eq!(brief(value, scale), text);
            assert!((text.chars().count() as f32) < FIGURES);
        }
    }
}
