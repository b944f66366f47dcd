//! The picture of a matrix: pooled to the pixels there are, uploaded only when it changed.

use std::ops::Range;

use std::sync::Arc;

use egui::epaint::TextureManager;
use egui::mutex::RwLock;
use egui::{Color32, ColorImage, TextureHandle, TextureId, TextureOptions, Ui};

use super::axis::Axis;
use super::pictures::{Figures, Pictures};
use crate::widgets::colormap::{Colormap, Scale};
use crate::widgets::theme::Theme;

/// The image behind one heatmap, kept by whoever shows it from frame to frame.
#[derive(Default)]
pub struct HeatmapTexture {
    handle: Option<TextureHandle>,
    stamp: Option<Stamp>,
    /// Whose the handle is: a panel may be painted off screen, in a context of its own.
    owner: Option<Arc<RwLock<TextureManager>>>,
    /// How often an image was made: for tests.
    made: usize,
}

/// What the image depends on.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Stamp {
    key: u64,
    scale: (Colormap, u32, u32),
    theme: Theme,
    shape: [usize; 4],
}

impl Stamp {
    pub fn new(key: u64, scale: Scale, theme: Theme, shape: [usize; 4]) -> Self {
        Self {
            key,
            scale: scale.bits(),
            theme,
            shape,
        }
    }
}

impl HeatmapTexture {
    /// The texture that shows these values, made anew only if something changed.
    pub(crate) fn update(&mut self, ui: &Ui, key: u64, grid: &Grid<'_>, scale: Scale) -> TextureId {
        let theme = Theme::of(ui);
        let shape = [grid.y.count, grid.x.count, grid.y.bins, grid.x.bins];
        self.update_with(ui, Stamp::new(key, scale, theme, shape), || {
            grid.figures(scale, theme)
        })
    }

    /// The same for figures that come some other way.
    pub(crate) fn update_with(
        &mut self,
        ui: &Ui,
        stamp: Stamp,
        figures: impl FnOnce() -> Figures,
    ) -> TextureId {
        let owner = ui.ctx().tex_manager();
        if !self
            .owner
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, &owner))
        {
            (self.handle, self.owner) = (None, Some(owner));
        }
        if let Some(handle) = &self.handle
            && self.stamp == Some(stamp)
        {
            return handle.id();
        }
        self.stamp = Some(stamp);
        self.made += 1;
        let handle = self.handle.get_or_insert_with(|| {
            let empty = ColorImage::filled([1, 1], Color32::TRANSPARENT);
            let ctx = ui.ctx();
            ctx.load_texture("heatmap", empty, TextureOptions::NEAREST)
        });
        Pictures::paint(ui.ctx(), handle, figures());
        handle.id()
    }

    /// How many images were made so far.
    pub fn images_made(&self) -> usize {
        self.made
    }
}

/// A row-major matrix on two axes.
pub(crate) struct Grid<'a> {
    pub y: Axis,
    pub x: Axis,
    pub values: &'a [f32],
}

impl Grid<'_> {
    pub fn value(&self, row: usize, column: usize) -> f32 {
        self.values[row * self.x.count + column]
    }

    /// The cell of largest magnitude among those that share a pixel; a NaN beats them all,
    /// because it must never be hidden. Of equals the first column's, as [`Pool`] has it.
    pub fn extreme(&self, row_bin: usize, column_bin: usize) -> (usize, usize) {
        let (rows, columns) = (self.y.cells(row_bin), self.x.cells(column_bin));
        let mut best = (rows.start, columns.start);
        for column in columns {
            for row in rows.clone() {
                if weight(self.value(row, column)) > weight(self.value(best.0, best.1)) {
                    best = (row, column);
                }
            }
        }
        best
    }

    /// One figure for each pixel.
    fn figures(&self, scale: Scale, theme: Theme) -> Figures {
        let _span = tracing::trace_span!("pooling a map").entered();
        let mut cells = Vec::with_capacity(self.x.bins * self.y.bins);
        if !self.y.pooled() && !self.x.pooled() {
            cells.extend_from_slice(self.values);
        } else {
            let mut pool = Pool::new((0..self.x.bins).map(|bin| self.x.cells(bin)));
            for bin in 0..self.y.bins {
                cells.extend_from_slice(pool.rows(self.values, self.x.count, self.y.cells(bin)));
            }
        }
        Figures {
            size: [self.x.bins, self.y.bins],
            cells,
            scale,
            theme,
        }
    }
}

/// Pools rows of a row-major matrix into one row of pixels: of the cells that share a pixel, the one of
/// largest magnitude.
pub(crate) struct Pool {
    /// The columns of each pixel, side by side.
    columns: Vec<Range<usize>>,
    /// The winner of each column.
    over: Vec<f32>,
    winners: Vec<f32>,
}

impl Pool {
    pub fn new(columns: impl Iterator<Item = Range<usize>>) -> Self {
        Self {
            columns: columns.collect(),
            over: Vec::new(),
            winners: Vec::new(),
        }
    }

    /// The winners of these rows of a matrix this wide: one for each pixel.
    pub fn rows(&mut self, values: &[f32], width: usize, rows: Range<usize>) -> &[f32] {
        let row = |row: usize| &values[row * width..(row + 1) * width];
        // Down the columns first: memory is read in order, many columns at a time.
        self.over.clear();
        self.over.extend_from_slice(row(rows.start));
        for below in rows.skip(1) {
            let cells = self.over.iter_mut().zip(row(below));
            cells.for_each(|(winner, &value)| *winner = greater(*winner, value));
        }
        let over = &self.over;
        let winner = |columns: &Range<usize>| {
            let rest = over[columns.start + 1..columns.end].iter();
            rest.fold(over[columns.start], |most, &value| greater(most, value))
        };
        self.winners.clear();
        self.winners.extend(self.columns.iter().map(winner));
        &self.winners
    }
}

/// The value of larger magnitude, the first of equals.
fn greater(first: f32, second: f32) -> f32 {
    if weight(second) > weight(first) {
        second
    } else {
        first
    }
}

/// Orders values by magnitude, NaN above all. −∞ is hidden: any cell that is seen counts for more.
/// The bits of a float without their sign are in the order of its magnitude.
fn weight(value: f32) -> i32 {
    if value == f32::NEG_INFINITY {
        -1
    } else {
        value.abs().to_bits() as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(values: &[f32], rows: usize, columns: usize, room: f32) -> Grid<'_> {
        Grid {
            y: Axis::new(rows, room, 0.0, 28.0, 1.0),
            x: Axis::new(columns, room, 0.0, 28.0, 1.0),
            values,
        }
    }

    #[test]
    fn pooling_keeps_the_extreme_and_hover_finds_it() {
        let mut values = vec![0.1; 30 * 40];
        values[17 * 40 + 23] = -9.0;
        let grid = pooled(&values, 30, 40, 8.0);
        let scale = Scale::signed(9.0);
        let pixels = grid.figures(scale, Theme::DARK).image().pixels;
        assert_eq!(pixels.len(), 64);
        let (row, column) = (grid.y.bin(17), grid.x.bin(23));
        assert_eq!(pixels[row * 8 + column], scale.color(Theme::DARK, -9.0));
        assert_eq!(grid.extreme(row, column), (17, 23));
        let others = pixels
            .iter()
            .filter(|p| **p == scale.color(Theme::DARK, 0.1));
        assert_eq!(others.count(), 63);
    }

    #[test]
    fn pooling_never_hides_a_nan() {
        let mut values = vec![f32::INFINITY; 100];
        values[55] = f32::NAN;
        let grid = pooled(&values, 10, 10, 2.0);
        let pixels = grid
            .figures(Scale::amount(1.0), Theme::LIGHT)
            .image()
            .pixels;
        assert_eq!(pixels[3], Theme::LIGHT.nan());
        assert_eq!(grid.extreme(1, 1), (5, 5));
    }

    #[test]
    fn a_hidden_cell_shows_only_where_nothing_is_seen() {
        let mut values = vec![f32::NEG_INFINITY; 100];
        values[55] = 0.0;
        let grid = pooled(&values, 10, 10, 2.0);
        let scale = Scale::amount(1.0);
        let pixels = grid.figures(scale, Theme::LIGHT).image().pixels;
        assert_eq!(pixels[3], scale.color(Theme::LIGHT, 0.0));
        assert_eq!(pixels[0], Theme::LIGHT.hidden());
        assert_eq!(grid.extreme(1, 1), (5, 5));
    }

    #[test]
    fn of_equals_the_one_that_is_shown_is_the_one_that_hover_finds() {
        let mut values = vec![0.5, -2.0, 1.0, 2.0, -2.0, 2.0, 0.0, f32::INFINITY, 1.0];
        values.resize(90, -1.0);
        values[40] = 1.0;
        let grid = pooled(&values, 9, 10, 4.0);
        let scale = Scale::signed(2.0);
        let pixels = grid.figures(scale, Theme::DARK).image().pixels;
        for (i, pixel) in pixels.iter().enumerate() {
            let (row, column) = grid.extreme(i / grid.x.bins, i % grid.x.bins);
            let expected = scale.color(Theme::DARK, grid.value(row, column));
            assert_eq!(*pixel, expected, "pixel {i}");
        }
    }

    #[test]
    fn one_pixel_per_cell_where_they_fit() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let grid = pooled(&values, 2, 3, 100.0);
        let scale = Scale::amount(5.0);
        let pixels = grid.figures(scale, Theme::DARK).image().pixels;
        assert_eq!(pixels[4], scale.color(Theme::DARK, 4.0));
        assert_eq!(grid.extreme(1, 2), (1, 2));
    }
}
