//! A matrix as a picture: whole-pixel cells, labels that never overlap, hover, click and keys.

mod axis;
mod layout;
mod paint;
mod texture;

use egui::{EventFilter, Key, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

pub(crate) use axis::Axis;
pub(crate) use texture::Grid;
pub use texture::HeatmapTexture;

use super::colormap::Scale;
use super::theme::{SPACE, Theme, number};
use layout::Layout;

/// A matrix to show; build it each frame, it borrows everything.
pub struct Heatmap<'a> {
    name: &'a str,
    key: u64,
    rows: usize,
    columns: usize,
    values: &'a [f32],
    scale: Scale,
    row_labels: &'a [String],
    column_labels: &'a [String],
    secondary_rows: &'a [bool],
    secondary_columns: &'a [bool],
    row_axis: &'a str,
    column_axis: &'a str,
    min_cell: f32,
    max_cell: f32,
    fit: Option<Vec2>,
    square: bool,
    focus_row: Option<usize>,
    focus_column: Option<usize>,
    locked: Option<(usize, usize)>,
    dimmed: bool,
    show_values: bool,
    tooltip: bool,
}

/// What happened on a heatmap. Cells are (row, column).
pub struct HeatmapResponse {
    /// Covers the labels too.
    pub response: Response,
    /// The cell under the pointer; of those that share a pixel, the one that is shown.
    pub hovered: Option<(usize, usize)>,
    /// The cell that was clicked or walked to with the arrow keys: lock it.
    pub clicked: Option<(usize, usize)>,
    /// The row under the pointer, on its cells or on its label.
    pub hovered_row: Option<usize>,
    /// The column under the pointer, on its cells or on its label.
    pub hovered_column: Option<usize>,
}

impl<'a> Heatmap<'a> {
    /// `name` is what a screen reader says, `key` changes whenever the values do, and the
    /// values are row-major.
    pub fn new(
        name: &'a str,
        key: u64,
        rows: usize,
        columns: usize,
        values: &'a [f32],
        scale: Scale,
    ) -> Self {
        Self {
            name,
            key,
            rows,
            columns,
            values,
            scale,
            row_labels: &[],
            column_labels: &[],
            secondary_rows: &[],
            secondary_columns: &[],
            row_axis: "",
            column_axis: "",
            min_cell: 0.0,
            max_cell: 28.0,
            fit: None,
            square: false,
            focus_row: None,
            focus_column: None,
            locked: None,
            dimmed: false,
            show_values: false,
            tooltip: true,
        }
    }

    /// One label for each row, on the left.
    pub fn row_labels(mut self, labels: &'a [String]) -> Self {
        self.row_labels = labels;
        self
    }

    /// One label for each column, on top.
    pub fn column_labels(mut self, labels: &'a [String]) -> Self {
        self.column_labels = labels;
        self
    }

    /// Rows whose label steps back: special tokens, padding.
    pub fn secondary_rows(mut self, secondary: &'a [bool]) -> Self {
        self.secondary_rows = secondary;
        self
    }

    /// Columns whose label steps back.
    pub fn secondary_columns(mut self, secondary: &'a [bool]) -> Self {
        self.secondary_columns = secondary;
        self
    }

    /// A caption for the rows; without labels it also brings their indices.
    pub fn row_axis(mut self, caption: &'a str) -> Self {
        self.row_axis = caption;
        self
    }

    /// A caption for the columns; without labels it also brings their indices.
    pub fn column_axis(mut self, caption: &'a str) -> Self {
        self.column_axis = caption;
        self
    }

    /// No cell is larger than this, in points (28 unless told).
    pub fn max_cell(mut self, points: f32) -> Self {
        self.max_cell = points;
        self
    }

    /// No cell is smaller than this: the map may then outgrow [`Self::fit`], so put it in a
    /// scroll area. Without it cells shrink to a pixel and are pooled beyond that.
    pub fn min_cell(mut self, points: f32) -> Self {
        self.min_cell = points;
        self
    }

    /// The size to fill, labels included (what is available unless told).
    pub fn fit(mut self, size: Vec2) -> Self {
        self.fit = Some(size);
        self
    }

    /// Keep cells square even where that makes their labels unreadable.
    pub fn square(mut self, square: bool) -> Self {
        self.square = square;
        self
    }

    /// Mark a row, as when its token is hovered elsewhere.
    pub fn focus_row(mut self, row: Option<usize>) -> Self {
        self.focus_row = row;
        self
    }

    /// Mark a column.
    pub fn focus_column(mut self, column: Option<usize>) -> Self {
        self.focus_column = column;
        self
    }

    /// The locked cell (row, column).
    pub fn locked(mut self, cell: Option<(usize, usize)>) -> Self {
        self.locked = cell;
        self
    }

    /// Stale: newer values are on their way.
    pub fn dimmed(mut self, dimmed: bool) -> Self {
        self.dimmed = dimmed;
        self
    }

    /// Write the numbers into cells that are big enough.
    pub fn show_values(mut self, show: bool) -> Self {
        self.show_values = show;
        self
    }

    /// Whether hovering shows labels and value beside the pointer (it does unless told).
    pub fn tooltip(mut self, show: bool) -> Self {
        self.tooltip = show;
        self
    }

    /// Paint it, and tell what is pointed at.
    pub fn ui(mut self, ui: &mut Ui, texture: &mut HeatmapTexture) -> HeatmapResponse {
        // A slice that is too short is a mistake elsewhere; show the rows that are whole.
        if self.columns > 0 {
            self.rows = self.rows.min(self.values.len() / self.columns);
        }
        if self.rows == 0 || self.columns == 0 {
            return empty_ui(ui, self.name);
        }
        let fit = self.fit.unwrap_or_else(|| ui.available_size());
        let layout = Layout::new(&self, ui, fit);
        let (rect, response) = ui.allocate_exact_size(layout.size, Sense::click());
        let layout = layout.at(rect.min, ui.pixels_per_point());
        let grid = Grid {
            y: layout.y,
            x: layout.x,
            values: &self.values[..self.rows * self.columns],
        };
        let mut out = self.interact(ui, &layout, &grid, response);
        if ui.is_rect_visible(rect) {
            let id = texture.update(ui, self.key, &grid, self.scale);
            paint::paint_ui(&self, ui, &layout, &grid, id, &out);
        }
        self.describe(ui, &grid, &out);
        if self.tooltip
            && let Some(cell) = out.hovered
        {
            let text = self.cell_text(&grid, cell);
            out.response = out.response.on_hover_text_at_pointer(text);
        }
        out
    }

    fn interact(
        &self,
        ui: &Ui,
        layout: &Layout,
        grid: &Grid<'_>,
        response: Response,
    ) -> HeatmapResponse {
        let mut out = HeatmapResponse {
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
    fn describe(&self, ui: &Ui, grid: &Grid<'_>, out: &HeatmapResponse) {
        let response = &out.response;
        response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), self.name));
        let inside = |&(row, column): &(usize, usize)| row < self.rows && column < self.columns;
        if let Some(cell) = out.hovered.or(self.locked.filter(inside)) {
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_value(self.cell_text(grid, cell));
            });
        }
    }

    fn cell_text(&self, grid: &Grid<'_>, (row, column): (usize, usize)) -> String {
        let name = |labels: &[String], index: usize| match labels.get(index) {
            Some(label) => format!("{label} [{index}]"),
            None => format!("[{index}]"),
        };
        let mut text = format!(
            "{} · {}\n{}",
            name(self.row_labels, row),
            name(self.column_labels, column),
            number(f64::from(grid.value(row, column))),
        );
        let (y, x) = (&grid.y, &grid.x);
        let sharing = y.cells(y.bin(row)).len() * x.cells(x.bin(column)).len();
        if sharing > 1 {
            text.push_str(&format!("\nthe largest of {sharing} that share this pixel"));
        }
        text
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
    let (x, y) = ui.input(|input| {
        let presses = |key| input.num_presses(key) as isize;
        (
            presses(Key::ArrowRight) - presses(Key::ArrowLeft),
            presses(Key::ArrowDown) - presses(Key::ArrowUp),
        )
    });
    let x = if arrows.horizontal_arrows { x } else { 0 };
    let y = if arrows.vertical_arrows { y } else { 0 };
    ((x, y) != (0, 0)).then_some((x, y))
}

/// The quiet state of a picture that has nothing to show.
fn empty_ui(ui: &mut Ui, name: &str) -> HeatmapResponse {
    HeatmapResponse {
        response: nothing_ui(ui, name),
        hovered: None,
        clicked: None,
        hovered_row: None,
        hovered_column: None,
    }
}

/// A line that says that there is nothing, under the widget's name.
pub(super) fn nothing_ui(ui: &mut Ui, name: &str) -> Response {
    let theme = Theme::of(ui);
    let size = vec2(ui.available_width().clamp(24.0, 160.0), 3.0 * SPACE);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    ui.painter().text(
        rect.left_center(),
        egui::Align2::LEFT_CENTER,
        "nothing to show",
        egui::TextStyle::Small.resolve(ui.style()),
        theme.secondary(),
    );
    response
}
