//! The picture of a matrix: pooled to the pixels there are, uploaded only when it changed.

use std::ops::Range;

use std::sync::Arc;

use egui::epaint::TextureManager;
use egui::mutex::RwLock;
use egui::{Color32, ColorImage, TextureHandle, TextureId, TextureOptions, Ui};

use super::axis::Axis;
use crate::widgets::colormap::{Colormap, Ramp, Scale};
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
            ColorImage::new([grid.x.bins, grid.y.bins], grid.pixels(scale, theme))
        })
    }

    /// The same for an image that is made some other way.
    pub(crate) fn update_with(
        &mut self,
        ui: &Ui,
        stamp: Stamp,
        image: impl FnOnce() -> ColorImage,
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
        let image = image();
        match &mut self.handle {
            Some(handle) => {
                handle.set(image, TextureOptions::NEAREST);
                handle.id()
            }
            None => {
                let handle = ui
                    .ctx()
                    .load_texture("heatmap", image, TextureOptions::NEAREST);
                let id = handle.id();
                self.handle = Some(handle);
                id
            }
        }
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
    /// because it must never be hidden.
    pub fn extreme(&self, row_bin: usize, column_bin: usize) -> (usize, usize) {
        let (rows, columns) = (self.y.cells(row_bin), self.x.cells(column_bin));
        let mut best = (rows.start, columns.start);
        let mut most = f32::NEG_INFINITY;
        for row in rows {
            for column in columns.clone() {
                let size = magnitude(self.value(row, column));
                if size > most {
                    most = size;
                    best = (row, column);
                }
            }
        }
        best
    }

    /// The value of largest magnitude in a block of a row-major matrix this wide.
    pub fn extreme_of(
        values: &[f32],
        width: usize,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> f32 {
        let mut most = f32::NEG_INFINITY;
        for row in rows {
            for &value in &values[row * width + columns.start..row * width + columns.end] {
                if magnitude(value) > magnitude(most) {
                    most = value;
                }
            }
        }
        most
    }

    fn pixels(&self, scale: Scale, theme: Theme) -> Vec<Color32> {
        let ramp = Ramp::new(scale, theme);
        if !self.y.pooled() && !self.x.pooled() {
            return self.values.iter().map(|&v| ramp.color(v)).collect();
        }
        let mut pixels = Vec::with_capacity(self.x.bins * self.y.bins);
        // One row of winners at a time, so that memory is read in order.
        let mut winners = vec![f32::NEG_INFINITY; self.x.bins];
        for bin in 0..self.y.bins {
            winners.fill(f32::NEG_INFINITY);
            for row in self.y.cells(bin) {
                let values = &self.values[row * self.x.count..(row + 1) * self.x.count];
                for (column_bin, winner) in winners.iter_mut().enumerate() {
                    for &value in &values[self.x.cells(column_bin)] {
                        if magnitude(value) > magnitude(*winner) {
                            *winner = value;
                        }
                    }
                }
            }
            pixels.extend(winners.iter().map(|&v| ramp.color(v)));
        }
        pixels
    }
}

fn magnitude(value: f32) -> f32 {
    if value.is_nan() {
        f32::INFINITY
    } else if value == f32::NEG_INFINITY {
        // Hidden: any cell that is seen counts for more.
        -1.0
    } else {
        // Just short of what a NaN counts for.
        value.abs().min(f32::MAX)
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
        let pixels = grid.pixels(scale, Theme::DARK);
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
        let pixels = grid.pixels(Scale::amount(1.0), Theme::LIGHT);
        assert_eq!(pixels[3], Theme::LIGHT.nan());
        assert_eq!(grid.extreme(1, 1), (5, 5));
    }

    #[test]
    fn a_hidden_cell_shows_only_where_nothing_is_seen() {
        let mut values = vec![f32::NEG_INFINITY; 100];
        values[55] = 0.0;
        let grid = pooled(&values, 10, 10, 2.0);
        let scale = Scale::amount(1.0);
        let pixels = grid.pixels(scale, Theme::LIGHT);
        assert_eq!(pixels[3], scale.color(Theme::LIGHT, 0.0));
        assert_eq!(pixels[0], Theme::LIGHT.hidden());
        assert_eq!(grid.extreme(1, 1), (5, 5));
    }

    #[test]
    fn one_pixel_per_cell_where_they_fit() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let grid = pooled(&values, 2, 3, 100.0);
        let scale = Scale::amount(5.0);
        let pixels = grid.pixels(scale, Theme::DARK);
        assert_eq!(pixels[4], scale.color(Theme::DARK, 4.0));
        assert_eq!(grid.extreme(1, 2), (1, 2));
    }
}
