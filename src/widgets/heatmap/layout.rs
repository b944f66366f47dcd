//! Where the cells, labels and captions of a heatmap go.

use egui::emath::GuiRounding as _;
use egui::{FontId, Pos2, Rect, TextStyle, Ui, Vec2, pos2, vec2};

use super::{Axis, Heatmap};
use crate::widgets::label;
use crate::widgets::theme::{SPACE, SPACE_SMALL};

/// A label is cut beyond this, in points.
const LONGEST_LABEL: f32 = 120.0;

/// How column labels stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    Flat,
    /// Rising to the right at 45°.
    Slanted,
    /// Reading upwards.
    Upright,
}

impl Turn {
    /// Radians, clockwise.
    pub fn angle(self) -> f32 {
        use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};
        match self {
            Self::Flat => 0.0,
            Self::Slanted => -FRAC_PI_4,
            Self::Upright => -FRAC_PI_2,
        }
    }

    /// How far apart two labels of this height (and width) must be.
    pub fn needed(self, width: f32, height: f32) -> f32 {
        match self {
            Self::Flat => width + SPACE,
            Self::Slanted => height * std::f32::consts::SQRT_2,
            Self::Upright => height,
        }
    }

    fn height(self, width: f32, height: f32) -> f32 {
        match self {
            Self::Flat => height,
            Self::Slanted => (width + height) * std::f32::consts::FRAC_1_SQRT_2,
            Self::Upright => width,
        }
    }
}

/// Sizes first, places once the `ui` has given some ([`Self::at`]).
pub(super) struct Layout {
    pub y: Axis,
    pub x: Axis,
    /// Everything, labels included.
    pub size: Vec2,
    pub cells: Rect,
    pub turn: Turn,
    /// The widest row label and the widest column label; 0 without any.
    pub row_width: f32,
    pub column_width: f32,
    pub font: FontId,
    pub line: f32,
    /// From the corner of the whole to the corner of the cells.
    margin: Vec2,
    /// What is left of the whole for the cells.
    pub room: Vec2,
}

impl Layout {
    pub fn new(map: &Heatmap<'_>, ui: &Ui, fit: Vec2) -> Self {
        let font = TextStyle::Small.resolve(ui.style());
        let line = ui.fonts_mut(|fonts| fonts.row_height(&font));
        let width = |labels: &[String], count: usize, axis: &str, cap: f32| {
            if let Some(room) = map.label_room.filter(|_| !labels.is_empty()) {
                room.min(cap)
            } else if !labels.is_empty() {
                label::widest(ui.painter(), labels, &font, cap)
            } else if axis.is_empty() {
                0.0
            } else {
                let last = [count.saturating_sub(1).to_string()];
                label::widest(ui.painter(), &last, &font, cap)
            }
        };
        let cap = LONGEST_LABEL.min(0.3 * fit.x).max(line);
        let row_width = width(map.row_labels, map.rows, map.row_axis, cap);
        let cap = LONGEST_LABEL.min(0.3 * fit.y).max(line);
        let column_width = width(map.column_labels, map.columns, map.column_axis, cap);

        let gap = |size: f32| if size > 0.0 { size + SPACE_SMALL } else { 0.0 };
        let caption = |text: &str| {
            if text.is_empty() {
                0.0
            } else {
                line + SPACE_SMALL
            }
        };
        let left = caption(map.row_axis) + gap(row_width);
        let mut this = Self {
            y: Axis::new(map.rows, 1.0, 0.0, 1.0, 1.0),
            x: Axis::new(map.columns, 1.0, 0.0, 1.0, 1.0),
            size: Vec2::ZERO,
            cells: Rect::ZERO,
            turn: if map.column_labels.is_empty() {
                Turn::Flat
            } else {
                Turn::Upright
            },
            row_width,
            column_width,
            font,
            line,
            margin: Vec2::ZERO,
            room: Vec2::ZERO,
        };
        // First with the tallest labels, then with those that the cells' size allows: flatter
        // labels only give room back, so the second try always fits.
        for _ in 0..2 {
            let labels = if column_width > 0.0 {
                this.turn.height(column_width, line)
            } else {
                0.0
            };
            this.margin = vec2(left, caption(map.column_axis) + gap(labels));
            this.size_cells(map, fit - this.margin, ui.pixels_per_point());
            if !map.column_labels.is_empty() {
                this.turn = this.choose_turn(fit.x - left);
            }
        }
        let labels = if column_width > 0.0 {
            this.turn.height(column_width, line)
        } else {
            0.0
        };
        this.margin = vec2(left, caption(map.column_axis) + gap(labels));
        this.room = fit - this.margin;
        this.finish_size(ui.pixels_per_point());
        this
    }

    /// Square cells, except that where they are too small to read a label beside them the
    /// roomier axis grows up to a line of text.
    fn size_cells(&mut self, map: &Heatmap<'_>, room: Vec2, ppp: f32) {
        let axis = |count, room| Axis::new(count, room, map.min_cell, map.max_cell, ppp);
        let (y, x) = (axis(map.rows, room.y), axis(map.columns, room.x));
        let smaller = y.pixels.min(x.pixels);
        let readable = if map.square {
            1
        } else {
            ((self.line + 2.0).min(map.max_cell) * ppp) as usize
        };
        let most = smaller.max(readable);
        self.y = y.with_pixels(y.pixels.min(most));
        self.x = x.with_pixels(x.pixels.min(most));
    }

    fn choose_turn(&self, room: f32) -> Turn {
        let pitch = self.x.pitch();
        let overhang = self.column_width * std::f32::consts::FRAC_1_SQRT_2;
        if self.column_width + SPACE <= pitch {
            Turn::Flat
        } else if pitch >= Turn::Slanted.needed(0.0, self.line)
            && self.x.length() + overhang <= room
        {
            Turn::Slanted
        } else {
            Turn::Upright
        }
    }

    fn finish_size(&mut self, ppp: f32) {
        let overhang = match self.turn {
            Turn::Slanted => self.column_width * std::f32::consts::FRAC_1_SQRT_2,
            _ => 0.0,
        };
        let cells = vec2(self.x.length() + overhang, self.y.length());
        // One pixel more, because the corner of the cells is rounded to a pixel, and one for
        // the frame.
        self.size = self.margin + cells + Vec2::splat(2.0 / ppp);
    }

    /// Put the cells on physical pixels.
    pub fn at(mut self, min: Pos2, ppp: f32) -> Self {
        let corner = (min + self.margin).round_to_pixels(ppp);
        self.cells = Rect::from_min_size(corner, vec2(self.x.length(), self.y.length()));
        self
    }

    /// The left edge of the whole.
    pub fn left(&self, cells: Rect) -> f32 {
        cells.left() - self.margin.x
    }

    /// The top edge of the whole.
    pub fn top(&self, cells: Rect) -> f32 {
        cells.top() - self.margin.y
    }

    /// The rectangle of one cell.
    pub fn cell(&self, (row, column): (usize, usize)) -> Rect {
        let (top, bottom) = self.y.span(row);
        let (left, right) = self.x.span(column);
        Rect::from_min_max(pos2(left, top), pos2(right, bottom)).translate(self.cells.min.to_vec2())
    }
}
