//! What the pointer, the keyboard and a screen reader do with a heatmap.

use egui::{EventFilter, Key, Modifiers, Rect, Response, Role, Ui, WidgetInfo, pos2};

use super::layout::Layout;
use super::{Grid, Heatmap, HeatmapResponse};
use crate::widgets::number;
use crate::widgets::theme::SPACE;

impl Heatmap<'_> {
    pub(super) fn interact(
        &self,
        ui: &Ui,
        layout: &Layout,
        grid: &Grid<'_>,
        response: Response,
    ) -> HeatmapResponse {
        let mut out = HeatmapResponse {
            cells: Some(layout.cells),
            room: layout.room,
            hovered: None,
            clicked: None,
            hovered_row: None,
            hovered_column: None,
            response,
        };
        if let Some(pos) = out.response.hover_pos() {
            let offset = pos - layout.cells.min;
            let row_bin = grid.y.bin_at(offset.y);
            let column_bin = grid.x.bin_at(offset.x);
            match (row_bin, column_bin) {
                (Some(row), Some(column)) => {
                    let cell = grid.extreme(row, column);
                    out.hovered = Some(cell);
                    out.hovered_row = Some(cell.0);
                    out.hovered_column = Some(cell.1);
                }
                (Some(row), None) if offset.x < 0.0 => {
                    out.hovered_row = Some(grid.y.cells(row).start);
                }
                (None, Some(column)) if offset.y < 0.0 => {
                    out.hovered_column = Some(grid.x.cells(column).start);
                }
                _ => {}
            }
        }
        if out.response.clicked() {
            out.response.request_focus();
            out.clicked = out.hovered;
        }
        if let Some(cell) = self.walk(ui, &out.response) {
            out.clicked = Some(cell);
            let ((top, bottom), (left, right)) = (grid.y.span(cell.0), grid.x.span(cell.1));
            let place = Rect::from_min_max(pos2(left, top), pos2(right, bottom));
            show_place(ui, place.translate(layout.cells.min.to_vec2()));
        }
        out
    }

    /// Where the arrow keys lead from the locked cell.
    fn walk(&self, ui: &Ui, response: &Response) -> Option<(usize, usize)> {
        let arrows = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..Default::default()
        };
        let step = arrow_step(ui, response, arrows)?;
        let Some((row, column)) = self.locked else {
            return Some((self.focus_row.unwrap_or(0), self.focus_column.unwrap_or(0)));
        };
        let go = |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count - 1);
        Some((go(row, step.1, self.rows), go(column, step.0, self.columns)))
    }

    /// For a screen reader: the name, and the locked or hovered cell as its value.
    pub(super) fn describe(&self, ui: &Ui, grid: &Grid<'_>, out: &HeatmapResponse) {
        let response = &out.response;
        response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), self.name));
        let inside = |&(row, column): &(usize, usize)| row < self.rows && column < self.columns;
        if let Some(cell) = out.hovered.or(self.locked.filter(inside)) {
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_value(self.cell_text(grid, cell));
            });
        }
    }

    pub(super) fn cell_text(&self, grid: &Grid<'_>, (row, column): (usize, usize)) -> String {
        let name = |labels: &[String], index: usize| match labels.get(index) {
            Some(label) if self.named => label.clone(),
            Some(label) => format!("{label} [{index}]"),
            None => format!("[{index}]"),
        };
        let value = grid.value(row, column);
        let value = match value == f32::NEG_INFINITY && !self.hidden.is_empty() {
            true => format!("— ({})", self.hidden),
            false => number(f64::from(value)),
        };
        let mut text = format!(
            "{} · {}\n{value}",
            name(self.row_labels, row),
            name(self.column_labels, column),
        );
        let (y, x) = (&grid.y, &grid.x);
        let sharing = y.cells(y.bin(row)).len() * x.cells(x.bin(column)).len();
        if sharing > 1 {
            text.push_str(&format!("\nthe largest of {sharing} that share this pixel"));
        }
        text
    }
}

/// Brings the place that an arrow key has led to into sight, with a little of what is around it.
pub(crate) fn show_place(ui: &Ui, place: Rect) {
    let place = place.expand(SPACE);
    if !ui.clip_rect().contains_rect(place) {
        ui.scroll_to_rect(place, None);
    }
}

/// The arrow pressed while this has the keyboard, as (right, down).
pub(crate) fn arrow_step(
    ui: &Ui,
    response: &Response,
    arrows: EventFilter,
) -> Option<(isize, isize)> {
    if !response.has_focus() {
        return None;
    }
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    // Taken, so that nobody else walks with the same key.
    let (x, y) = ui.input_mut(|input| {
        let mut presses = |key| input.count_and_consume_key(Modifiers::NONE, key) as isize;
        (
            presses(Key::ArrowRight) - presses(Key::ArrowLeft),
            presses(Key::ArrowDown) - presses(Key::ArrowUp),
        )
    });
    let x = if arrows.horizontal_arrows { x } else { 0 };
    let y = if arrows.vertical_arrows { y } else { 0 };
    ((x, y) != (0, 0)).then_some((x, y))
}
