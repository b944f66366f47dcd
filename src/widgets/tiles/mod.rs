//! Many small square maps in rows and columns, as one picture: the heads of a model.

mod paint;

use egui::emath::GuiRounding as _;
use egui::{
    EventFilter, FontId, Rect, Response, Role, Sense, TextStyle, Ui, Vec2, WidgetInfo, vec2,
};

use super::colormap::Scale;
use super::heatmap::{Axis, HeatmapTexture, MAX_SIDE, arrow_step, nothing_ui, show_place};
use super::label;
use super::theme::SPACE_SMALL;

/// Rows × columns of maps, each `side` × `side`; build it each frame.
pub struct Tiles<'a> {
    name: &'a str,
    key: u64,
    rows: usize,
    columns: usize,
    side: usize,
    values: &'a [f32],
    scale: Scale,
    row_labels: &'a [String],
    column_labels: &'a [String],
    column_groups: &'a [String],
    fit: Option<Vec2>,
    max_tile: f32,
    focus: Option<(usize, usize)>,
    locked: Option<(usize, usize)>,
    faded: &'a [bool],
    dimmed: bool,
}

/// What happened on the tiles. Tiles are (row, column).
pub struct TilesResponse {
    pub response: Response,
    pub hovered: Option<(usize, usize)>,
    /// Clicked, or walked to with the arrow keys: lock it.
    pub clicked: Option<(usize, usize)>,
}

impl<'a> Tiles<'a> {
    /// `values` is one row-major matrix of `rows · side` by `columns · side`, in which the map
    /// (row, column) stands at rows `row · side ..` and columns `column · side ..`.
    pub fn new(
        name: &'a str,
        key: u64,
        (rows, columns): (usize, usize),
        side: usize,
        values: &'a [f32],
        scale: Scale,
    ) -> Self {
        Self {
            name,
            key,
            rows,
            columns,
            side,
            values,
            scale,
            row_labels: &[],
            column_labels: &[],
            column_groups: &[],
            fit: None,
            max_tile: 96.0,
            focus: None,
            locked: None,
            faded: &[],
            dimmed: false,
        }
    }

    pub fn row_labels(mut self, labels: &'a [String]) -> Self {
        self.row_labels = labels;
        self
    }

    pub fn column_labels(mut self, labels: &'a [String]) -> Self {
        self.column_labels = labels;
        self
    }

    /// Captions over brackets around as many columns each, side by side.
    pub fn column_groups(mut self, captions: &'a [String]) -> Self {
        self.column_groups = captions;
        self
    }

    /// The size to fill, labels included (what is available unless told).
    pub fn fit(mut self, size: Vec2) -> Self {
        self.fit = Some(size);
        self
    }

    /// No tile is larger than this, in points (96 unless told).
    pub fn max_tile(mut self, points: f32) -> Self {
        self.max_tile = points;
        self
    }

    /// Mark a tile, as when its head is hovered elsewhere.
    pub fn focus(mut self, tile: Option<(usize, usize)>) -> Self {
        self.focus = tile;
        self
    }

    pub fn locked(mut self, tile: Option<(usize, usize)>) -> Self {
        self.locked = tile;
        self
    }

    /// Tiles (row by row) that step back so that the others stand out.
    pub fn faded(mut self, faded: &'a [bool]) -> Self {
        self.faded = faded;
        self
    }

    /// Stale: newer values are on their way.
    pub fn dimmed(mut self, dimmed: bool) -> Self {
        self.dimmed = dimmed;
        self
    }

    /// Paint them, and tell what is pointed at.
    pub fn ui(self, ui: &mut Ui, texture: &mut HeatmapTexture) -> TilesResponse {
        let cells = self.rows * self.columns * self.side * self.side;
        if cells == 0 || self.values.len() < cells {
            return TilesResponse {
                response: nothing_ui(ui, self.name),
                hovered: None,
                clicked: None,
            };
        }
        let layout = Layout::new(&self, ui);
        let (rect, response) = ui.allocate_exact_size(layout.size, Sense::click());
        let origin = (rect.min + layout.margin).round_to_pixels(ui.pixels_per_point());
        let hovered = response
            .hover_pos()
            .and_then(|pos| self.tile_at(&layout, pos - origin));
        let mut clicked = hovered.filter(|_| response.clicked());
        if response.clicked() {
            response.request_focus();
        }
        if let Some(tile) = self.walk(ui, &response) {
            clicked = Some(tile);
            let corner = origin + layout.pitch * vec2(tile.1 as f32, tile.0 as f32);
            show_place(ui, Rect::from_min_size(corner, Vec2::splat(layout.pitch)));
        }
        let out = TilesResponse {
            response,
            hovered,
            clicked,
        };
        self.describe(ui, &out);
        if ui.is_rect_visible(rect) {
            self.paint(ui, texture, &layout, origin, &out);
        }
        out
    }

    fn tile_at(&self, layout: &Layout, offset: Vec2) -> Option<(usize, usize)> {
        let at = |offset: f32, count: usize| {
            let index = (offset / layout.pitch).floor();
            (index >= 0.0 && (index as usize) < count).then_some(index as usize)
        };
        Some((at(offset.y, self.rows)?, at(offset.x, self.columns)?))
    }

    fn walk(&self, ui: &Ui, response: &Response) -> Option<(usize, usize)> {
        let arrows = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..Default::default()
        };
        let (right, down) = arrow_step(ui, response, arrows)?;
        let Some((row, column)) = self.locked else {
            return Some(self.focus.unwrap_or((0, 0)));
        };
        let go = |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count - 1);
        Some((go(row, down, self.rows), go(column, right, self.columns)))
    }

    fn describe(&self, ui: &Ui, out: &TilesResponse) {
        let response = &out.response;
        response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), self.name));
        if let Some((row, column)) = out.hovered.or(self.locked) {
            let name =
                |labels: &[String], i: usize| labels.get(i).cloned().unwrap_or(i.to_string());
            ui.ctx().accesskit_node_builder(response.id, |node| {
                let (row, column) = (name(self.row_labels, row), name(self.column_labels, column));
                node.set_value(format!("{row} · {column}"));
            });
        }
    }
}

/// Sizes: all tiles are alike.
struct Layout {
    /// One side of a tile.
    axis: Axis,
    /// From one tile to the next, in points.
    pitch: f32,
    size: Vec2,
    margin: Vec2,
    font: FontId,
    line: f32,
    row_width: f32,
    column_width: f32,
}

impl Layout {
    fn new(tiles: &Tiles<'_>, ui: &Ui) -> Self {
        let fit = tiles.fit.unwrap_or_else(|| ui.available_size());
        let ppp = ui.pixels_per_point();
        let font = TextStyle::Small.resolve(ui.style());
        let line = ui.fonts_mut(|fonts| fonts.row_height(&font));
        let width = |labels| label::widest(ui.painter(), labels, &font, 80.0);
        let (row_width, column_width) = (width(tiles.row_labels), width(tiles.column_labels));
        let beside = |width: f32, size: f32| if width > 0.0 { size + SPACE_SMALL } else { 0.0 };
        let above = match tiles.column_groups.is_empty() {
            true => 0.0,
            false => line + SPACE_SMALL,
        };
        let margin = vec2(
            beside(row_width, row_width),
            beside(column_width, line) + above,
        );
        // A gap of one unit of physical pixels that also leaves room for an outline.
        let gap = (3.0 * ppp).round() / ppp;
        let room = (fit - margin).max(Vec2::ZERO);
        let side = (room.x / tiles.columns as f32).min(room.y / tiles.rows as f32) - gap;
        let most = MAX_SIDE / tiles.rows.max(tiles.columns).min(MAX_SIDE);
        let side = side.clamp(4.0, tiles.max_tile);
        let axis = Axis::new(tiles.side, side.min(most as f32), 0.0, f32::INFINITY, ppp);
        let axis = axis.with_pixels(((side * ppp) as usize / axis.bins.max(1)).max(1));
        let pitch = axis.length() + gap;
        let cells = pitch * vec2(tiles.columns as f32, tiles.rows as f32);
        Self {
            axis,
            pitch,
            size: margin + cells + Vec2::splat(1.0 / ppp),
            margin,
            font,
            line,
            row_width,
            column_width,
        }
    }
}
