//! One axis of a heatmap: how cells become whole physical pixels.

use std::ops::Range;

/// No image side is longer than this; more cells than that are pooled.
pub const MAX_SIDE: usize = 2048;

/// `count` cells shown as `bins` equal stripes of `pixels` physical pixels each.
///
/// There are as many bins as cells where they fit, fewer where several cells share a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub count: usize,
    pub bins: usize,
    pub pixels: usize,
    pixels_per_point: f32,
}

impl Axis {
    /// `room`, `min` and `max` (of one cell) are in points.
    pub fn new(count: usize, room: f32, min: f32, max: f32, pixels_per_point: f32) -> Self {
        let to_pixels = |points: f32| (points * pixels_per_point).max(1.0);
        let room = to_pixels(room).floor().min(65536.0) as usize;
        let max = (to_pixels(max).floor() as usize).max(1);
        let min = (to_pixels(min).round() as usize).min(max);
        // Cells that may not be smaller than `min` may overflow the room; the panel scrolls.
        let bins = count.min(MAX_SIDE).min(if min > 1 { count } else { room });
        let pixels = (room / bins.max(1)).clamp(min, max);
        Self {
            count,
            bins,
            pixels,
            pixels_per_point,
        }
    }

    /// The same axis with cells of another size.
    pub fn with_pixels(self, pixels: usize) -> Self {
        Self {
            pixels: pixels.max(1),
            ..self
        }
    }

    /// Length in points.
    pub fn length(&self) -> f32 {
        (self.bins * self.pixels) as f32 / self.pixels_per_point
    }

    /// From one cell to the next, in points; less than a pixel when pooled.
    pub fn pitch(&self) -> f32 {
        self.length() / self.count.max(1) as f32
    }

    /// More cells than bins.
    pub fn pooled(&self) -> bool {
        self.bins < self.count
    }

    /// The cells that share a bin.
    pub fn cells(&self, bin: usize) -> Range<usize> {
        let bins = self.bins.max(1);
        bin * self.count / bins..(bin + 1) * self.count / bins
    }

    /// The bin that shows a cell.
    pub fn bin(&self, cell: usize) -> usize {
        if self.count == 0 {
            return 0;
        }
        // The inverse of `cells`: the last bin that starts at or before the cell.
        ((cell + 1) * self.bins).div_ceil(self.count) - 1
    }

    /// The bin at a distance in points from the start.
    pub fn bin_at(&self, offset: f32) -> Option<usize> {
        if offset.is_nan() || offset < 0.0 {
            return None;
        }
        let bin = (offset * self.pixels_per_point / self.pixels as f32) as usize;
        (bin < self.bins).then_some(bin)
    }

    /// Start and end of a cell's stripe, in points.
    pub fn span(&self, cell: usize) -> (f32, f32) {
        let size = self.pixels as f32 / self.pixels_per_point;
        let start = self.bin(cell) as f32 * size;
        (start, start + size)
    }

    /// The middle of a cell's stripe, in points.
    pub fn centre(&self, cell: usize) -> f32 {
        let (start, end) = self.span(cell);
        0.5 * (start + end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_whole_pixels_and_fit() {
        for ppp in [1.0, 1.25, 1.5, 2.0] {
            for count in [1, 7, 100, 384, 5000] {
                let axis = Axis::new(count, 700.3, 0.0, 28.0, ppp);
                assert!(axis.pixels >= 1 && axis.bins <= MAX_SIDE);
                assert!(axis.length() <= 700.3 + 1e-3, "{axis:?}");
                assert_eq!(
                    (axis.length() * ppp).round() as usize,
                    axis.bins * axis.pixels
                );
            }
        }
    }

    #[test]
    fn every_cell_is_in_the_bin_that_holds_it() {
        for (count, room) in [(1, 10.0), (10, 10.0), (1536, 700.0), (2000, 17.0), (3, 2.0)] {
            let axis = Axis::new(count, room, 0.0, 28.0, 1.0);
            let mut seen = 0;
            for bin in 0..axis.bins {
                for cell in axis.cells(bin) {
                    assert_eq!(axis.bin(cell), bin, "{axis:?} {cell}");
                    seen += 1;
                }
            }
            assert_eq!(seen, count);
            let last = axis.length() - 0.01;
            assert_eq!(axis.bin_at(last), Some(axis.bins - 1));
            assert_eq!(axis.bin_at(axis.length() + 0.01), None);
            assert_eq!(axis.bin_at(-1.0), None);
        }
    }

    #[test]
    fn a_smallest_cell_overflows_instead_of_pooling() {
        let axis = Axis::new(500, 100.0, 12.0, 28.0, 1.0);
        assert_eq!((axis.bins, axis.pixels), (500, 12));
        assert_eq!(Axis::new(0, 100.0, 12.0, 28.0, 1.0).length(), 0.0);
    }
}
