//! A matrix as a picture: whole-pixel cells, labels that never overlap, hover, click and keys.

mod axis;
mod interact;
mod layout;
mod paint;
mod pictures;
mod texture;

use egui::{Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

pub(crate) use axis::{Axis, MAX_SIDE};
pub(crate) use interact::{arrow_step, show_place};
pub(crate) use pictures::Figures;
pub use pictures::Pictures;
pub use texture::HeatmapTexture;
pub(crate) use texture::{Grid, Pool, Stamp};

use super::colormap::Scale;
use super::theme::{SPACE, Theme};
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
    notes: &'a [String],
    named: bool,
    tooltip: bool,
    draggable: bool,
    hidden: &'a str,
    label_room: Option<f32>,
}

/// What happened on a heatmap. Cells are (row, column).
pub struct HeatmapResponse {
    /// Covers the labels too.
    pub response: Response,
    /// Where the cells are, without labels; none where there are none.
    pub cells: Option<egui::Rect>,
    /// The room that there was for them.
    pub room: Vec2,
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
            notes: &[],
            named: false,
            tooltip: true,
            draggable: false,
            hidden: "",
            label_room: None,
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

    /// Write these into cells that are big enough, one for each cell; empty ones stay free.
    pub fn cell_notes(mut self, notes: &'a [String]) -> Self {
        self.notes = notes;
        self
    }

    /// Whether hovering shows labels and value beside the pointer (it does unless told).
    pub fn tooltip(mut self, show: bool) -> Self {
        self.tooltip = show;
        self
    }

    /// Labels that name one row or column each: no index is told beside them.
    pub fn named(mut self) -> Self {
        self.named = true;
        self
    }

    /// Whether the response also tells of drags, for a part of a map that can be moved.
    pub fn draggable(mut self, draggable: bool) -> Self {
        self.draggable = draggable;
        self
    }

    /// Why a cell of −∞ has no value to show; it is then told in place of one.
    pub fn hidden(mut self, why: &'a str) -> Self {
        self.hidden = why;
        self
    }

    /// Labels get this much in place of what the widest needs, in points: maps that follow each other in
    /// one place then have their cells at the same one.
    pub fn label_room(mut self, points: Option<f32>) -> Self {
        self.label_room = points;
        self
    }

    /// Paint it, and tell what is pointed at.
    pub fn ui(mut self, ui: &mut Ui, texture: &mut HeatmapTexture) -> HeatmapResponse {
        // A slice that is too short is a mistake elsewhere; show the rows that are whole.
        let whole = self.values.len().checked_div(self.columns).unwrap_or(0);
        self.rows = self.rows.min(whole);
        if self.rows == 0 || self.columns == 0 {
            return empty_ui(ui, self.name);
        }
        let fit = self.fit.unwrap_or_else(|| ui.available_size());
        let layout = Layout::new(&self, ui, fit);
        let sense = match self.draggable {
            true => Sense::click_and_drag(),
            false => Sense::click(),
        };
        let (rect, response) = ui.allocate_exact_size(layout.size, sense);
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
}

/// The quiet state of a picture that has nothing to show.
fn empty_ui(ui: &mut Ui, name: &str) -> HeatmapResponse {
    HeatmapResponse {
        response: nothing_ui(ui, name),
        cells: None,
        room: Vec2::ZERO,
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
