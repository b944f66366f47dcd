//! Rows of figures: only those that can be seen are laid out, and the titles stay in sight.

use egui::{
    Align2, Color32, EventFilter, Key, Rect, Response, Role, ScrollArea, Sense, TextStyle, Ui,
    WidgetInfo, pos2, vec2,
};

use super::heatmap::{arrow_step, nothing_ui};
use super::label;
use super::theme::{SPACE, SPACE_SMALL, Theme};
use super::token_strip::StripResponse;

/// A column of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    /// At least this wide, in points.
    pub width: f32,
    /// Its share of the room that is left over; 0 for a fixed width.
    pub grow: f32,
    /// Figures stand on the right.
    pub right: bool,
}

impl Column {
    pub const fn new(title: &'static str, width: f32, grow: f32, right: bool) -> Self {
        Self {
            title,
            width,
            grow,
            right,
        }
    }
}

/// What stands in one place.
#[derive(Clone, Debug)]
pub enum Cell {
    Text(String),
    /// Monospaced.
    Figure(String),
    /// Steps back: what is not the text's own.
    Quiet(String),
    Warning(String),
    /// A figure with a bar in front of it: how much of the column it fills, 0 to 1.
    Bar {
        figure: String,
        share: f32,
        color: Color32,
    },
    /// A figure with a bar in front of it that goes from the middle to the left or to the right: how
    /// much of that half it fills, −1 to 1.
    Signed {
        figure: String,
        share: f32,
        color: Color32,
    },
}

impl Cell {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Figure(text) | Self::Quiet(text) | Self::Warning(text) => text,
            Self::Bar { figure, .. } | Self::Signed { figure, .. } => figure,
        }
    }
}

/// A table; build it each frame.
pub struct Table<'a> {
    /// What a screen reader says, and what tells it from other tables.
    pub name: &'a str,
    pub columns: &'a [Column],
    pub rows: usize,
    /// The row hovered here or elsewhere.
    pub focus: Option<usize>,
    /// The row that was clicked.
    pub locked: Option<usize>,
}

/// Room for the figure of a [`Cell::Bar`].
const FIGURE: f32 = 62.0;

impl Table<'_> {
    /// Paints it in full height, as wide as there is room; what lies outside of a surrounding
    /// scroll area costs nothing. `cell` is asked for (row, column).
    pub fn ui(&self, ui: &mut Ui, cell: impl Fn(usize, usize) -> Cell) -> StripResponse {
        if self.rows == 0 {
            return StripResponse::nothing(nothing_ui(ui, self.name));
        }
        let scroll = ScrollArea::horizontal().id_salt(self.name);
        scroll.show(ui, |ui| self.rows_ui(ui, &cell)).inner
    }

    fn rows_ui(&self, ui: &mut Ui, cell: &dyn Fn(usize, usize) -> Cell) -> StripResponse {
        let widths = self.widths(ui.available_width());
        let font = TextStyle::Body.resolve(ui.style());
        let line = ui.fonts_mut(|fonts| fonts.row_height(&font)) + SPACE_SMALL;
        let size = vec2(widths.iter().sum(), line * (self.rows + 1) as f32);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let id = ui.make_persistent_id(("table", self.name));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Table, ui.is_enabled(), self.name));
        if let Some(row) = self.locked.or(self.focus).filter(|row| *row < self.rows) {
            ui.ctx().accesskit_node_builder(response.id, |node| {
                let cells: Vec<Cell> = (0..self.columns.len()).map(|c| cell(row, c)).collect();
                node.set_value(self.told(&cells));
            });
        }
        let mut out = StripResponse::nothing(response);

        let place = |row: usize| {
            let top = rect.top() + line * (row + 1) as f32;
            Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), line))
        };
        // The titles stay at the top edge while any of the rows is in sight.
        let clip = ui.clip_rect();
        let top = clip.top().clamp(rect.top(), rect.bottom() - line);
        let head = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), line));
        let row_at = |y: f32| ((y - rect.top()) / line - 1.0).floor().max(0.0) as usize;
        let last = row_at(clip.bottom().min(rect.bottom() - 0.5));
        for row in row_at(head.bottom())..(last + 1).min(self.rows) {
            let cells: Vec<Cell> = (0..self.columns.len()).map(|c| cell(row, c)).collect();
            self.row_ui(ui, id.with(row), row, place(row), &widths, &cells, &mut out);
        }
        self.head_ui(ui, head, &widths);
        if let Some(row) = self.walk(ui, &out.response) {
            out.clicked = Some(row);
            ui.scroll_to_rect(place(row).expand2(vec2(0.0, line)), None);
        }
        if out.response.has_focus() {
            let visible = rect.intersect(clip).shrink(1.0);
            let stroke = (1.0, Theme::of(ui).accent());
            ui.painter()
                .rect_stroke(visible, 0.0, stroke, egui::StrokeKind::Inside);
        }
        out
    }

    /// A row in words: each figure behind the title of its column.
    fn told(&self, cells: &[Cell]) -> String {
        let parts = self.columns.iter().zip(cells);
        let parts = parts.filter(|(_, cell)| !cell.text().is_empty());
        let parts: Vec<String> = parts
            .map(|(column, cell)| format!("{} {}", column.title, cell.text()))
            .collect();
        parts.join(", ")
    }

    fn widths(&self, room: f32) -> Vec<f32> {
        let fixed: f32 = self.columns.iter().map(|c| c.width).sum();
        let shares: f32 = self.columns.iter().map(|c| c.grow).sum();
        // Beyond that a row can no longer be followed with the eye.
        const MOST: f32 = 120.0;
        let spare = ((room - fixed).max(0.0) / shares.max(1.0)).min(MOST);
        self.columns
            .iter()
            .map(|c| c.width + spare * c.grow)
            .collect()
    }

    #[expect(clippy::too_many_arguments, reason = "one row of one table")]
    fn row_ui(
        &self,
        ui: &Ui,
        id: egui::Id,
        row: usize,
        rect: Rect,
        widths: &[f32],
        cells: &[Cell],
        out: &mut StripResponse,
    ) {
        // Clickable, but not a stop of the tab key: the table is one, and arrows walk inside.
        let response = ui.interact(rect, id, Sense::CLICK);
        response.widget_info(|| WidgetInfo::labeled(Role::Row, ui.is_enabled(), self.told(cells)));
        if response.clicked() {
            out.clicked = Some(row);
            out.response.request_focus();
        }
        if response.hovered() {
            out.hovered = Some(row);
        }
        let theme = Theme::of(ui);
        let painter = ui.painter();
        if self.locked == Some(row) {
            painter.rect_filled(rect, 0.0, ui.visuals().selection.bg_fill);
        } else if self.focus == Some(row) || response.hovered() {
            painter.rect_filled(rect, 0.0, theme.faint());
        }
        let mut left = rect.left();
        for ((column, cell), width) in self.columns.iter().zip(cells).zip(widths) {
            let place = Rect::from_x_y_ranges(left..=left + width, rect.y_range());
            cell_ui(ui, place.shrink2(vec2(SPACE_SMALL, 0.0)), column, cell);
            left += width;
        }
    }

    fn head_ui(&self, ui: &Ui, rect: Rect, widths: &[f32]) {
        let theme = Theme::of(ui);
        let painter = ui.painter();
        painter.rect_filled(rect, 0.0, theme.background());
        let font = TextStyle::Small.resolve(ui.style());
        let mut left = rect.left();
        for (column, width) in self.columns.iter().zip(widths) {
            let place = Rect::from_x_y_ranges(left..=left + width, rect.y_range());
            let place = place.shrink2(vec2(SPACE_SMALL, 0.0));
            let room = place.width();
            let galley = label::line(painter, column.title, &font, theme.secondary(), room);
            let anchor = if column.right {
                Align2::RIGHT_CENTER
            } else {
                Align2::LEFT_CENTER
            };
            let pos = anchor.align_size_within_rect(galley.size(), place).min;
            painter.galley(pos, galley, theme.secondary());
            left += width;
        }
        painter.hline(rect.x_range(), rect.bottom(), (1.0, theme.hairline()));
    }

    /// Where the keys lead from the locked row.
    fn walk(&self, ui: &Ui, response: &Response) -> Option<usize> {
        let arrows = EventFilter {
            vertical_arrows: true,
            ..Default::default()
        };
        let arrow = arrow_step(ui, response, arrows).map_or(0, |(_, down)| down);
        if !response.has_focus() {
            return None;
        }
        const PAGE: isize = 10;
        let (page, home, end) = ui.input(|input| {
            let presses = |key| input.num_presses(key) as isize;
            let page = presses(Key::PageDown) - presses(Key::PageUp);
            (
                page,
                input.key_pressed(Key::Home),
                input.key_pressed(Key::End),
            )
        });
        let last = self.rows - 1;
        match (home, end, arrow + PAGE * page) {
            (true, _, _) => Some(0),
            (_, true, _) => Some(last),
            (_, _, 0) => None,
            (_, _, step) => {
                let from = self.locked.or(self.focus);
                Some(from.map_or(0, |row| row.saturating_add_signed(step).min(last)))
            }
        }
    }
}

fn cell_ui(ui: &Ui, rect: Rect, column: &Column, cell: &Cell) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let (style, color) = match cell {
        Cell::Text(_) => (TextStyle::Body, theme.foreground()),
        Cell::Quiet(_) => (TextStyle::Body, theme.secondary()),
        Cell::Warning(_) => (TextStyle::Body, theme.warning()),
        Cell::Figure(_) | Cell::Bar { .. } | Cell::Signed { .. } => {
            (TextStyle::Monospace, theme.foreground())
        }
    };
    let mut place = rect;
    if let Cell::Bar { share, color, .. } = cell {
        let room = (rect.width() - FIGURE).max(0.0);
        let bar = vec2(room * share.clamp(0.0, 1.0), rect.height() - SPACE);
        let corner = pos2(rect.left(), rect.center().y - 0.5 * bar.y);
        painter.rect_filled(Rect::from_min_size(corner, bar), 0.0, *color);
        *place.left_mut() = rect.left() + room;
    }
    if let Cell::Signed { share, color, .. } = cell {
        let room = (rect.width() - FIGURE).max(0.0);
        let middle = rect.left() + 0.5 * room;
        let end = middle + 0.5 * room * share.clamp(-1.0, 1.0);
        let half = 0.5 * (rect.height() - SPACE);
        let rows = rect.center().y - half..=rect.center().y + half;
        let bar = Rect::from_x_y_ranges(middle.min(end)..=middle.max(end), rows);
        painter.rect_filled(bar, 0.0, *color);
        painter.vline(middle, rect.y_range(), (1.0, theme.hairline()));
        *place.left_mut() = rect.left() + room;
    }
    let font = style.resolve(ui.style());
    let galley = label::line(painter, cell.text(), &font, color, place.width());
    let right = column.right || matches!(cell, Cell::Bar { .. } | Cell::Signed { .. });
    let anchor = if right {
        Align2::RIGHT_CENTER
    } else {
        Align2::LEFT_CENTER
    };
    let pos = anchor.align_size_within_rect(galley.size(), place).min;
    painter.galley(pos, galley, color);
}
