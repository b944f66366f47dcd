//! Which part of a map is looked at: zooming and moving over maps of long texts.

use std::ops::Range;

use egui::{Rect, Response, RichText, Ui, Vec2};

use crate::analysis::attention::Window;
use crate::widgets::theme::Theme;

/// Cells a side that are worth computing: more than there are pixels for on most screens.
pub(super) const CELLS: usize = 768;
/// A part is not made smaller than this.
const FEWEST: usize = 8;
/// One step of zooming.
const STEP: f32 = 2.0;
/// How much nearer a click on a cell of many tokens leads.
const ENTERED: f32 = 4.0;

/// Queries and keys that are shown of one text's maps. A part fills the room that there is, so that what
/// is pointed at stays under the pointer while the map gets nearer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lens {
    /// The text that it is for.
    text: u64,
    tokens: usize,
    /// Pixels that there are for queries and for keys, as they were last.
    room: [f32; 2],
    /// None for all.
    part: Option<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    /// A cell's side; whole ones from 1 on are shown, but zooming adds up below that.
    pixels: f32,
    /// The first query and key, before they are rounded to whole tokens.
    start: [f32; 2],
}

/// A point of the map: the token there on each axis, and how many pixels from the first cell on that is.
type Point = [(f32, f32); 2];

impl Lens {
    /// All of another text; the same part of the same one.
    pub fn over(&mut self, text: u64, tokens: usize) {
        if (self.text, self.tokens) != (text, tokens) {
            (self.text, self.tokens, self.part) = (text, tokens, None);
        }
    }

    pub fn ranges(&self) -> [Range<usize>; 2] {
        let Some(part) = self.part else {
            return [0..self.tokens, 0..self.tokens];
        };
        [0, 1].map(|axis: usize| {
            let length = self.length(axis, part.pixels);
            let most = self.tokens - length;
            let start = (part.start[axis].max(0.0).round() as usize).min(most);
            start..start + length
        })
    }

    pub fn is_whole(&self) -> bool {
        self.ranges().iter().all(|range| range.len() == self.tokens)
    }

    /// How many tokens fit.
    fn length(&self, axis: usize, pixels: f32) -> usize {
        let fits = (self.room[axis] / shown(pixels)).floor() as usize;
        fits.max(FEWEST).min(self.tokens)
    }

    /// The side of a cell where all tokens are seen.
    fn farthest(&self) -> f32 {
        let side = |axis: usize| self.room[axis].max(1.0) / self.tokens.max(1) as f32;
        let side = side(0).min(side(1));
        if side < 1.0 { side } else { side.floor() }
    }

    fn pixels(&self) -> f32 {
        self.part.map_or(self.farthest(), |part| part.pixels)
    }

    /// Cells of this side, with a point staying where it is.
    fn show(&mut self, pixels: f32, at: Point) {
        let nearest = self.room[0].min(self.room[1]) / FEWEST as f32;
        let farthest = self.farthest();
        let pixels = pixels.clamp(farthest, nearest.max(farthest));
        let start = at.map(|(token, offset)| token - offset / shown(pixels));
        self.place(pixels, start);
    }

    /// The middle of what is seen, or another place brought there.
    fn show_middle(&mut self, pixels: f32, middle: [f32; 2]) {
        let half = |axis: usize| 0.5 * self.length(axis, pixels) as f32 * shown(pixels);
        self.show(pixels, [(middle[0], half(0)), (middle[1], half(1))]);
    }

    fn middle(&self) -> [f32; 2] {
        self.ranges()
            .map(|range| 0.5 * (range.start + range.end) as f32)
    }

    fn place(&mut self, pixels: f32, start: [f32; 2]) {
        let start = [0, 1].map(|axis: usize| {
            let most = self.tokens - self.length(axis, pixels);
            start[axis].clamp(0.0, most as f32)
        });
        self.part = Some(Part { pixels, start });
    }

    /// So many tokens further on both axes.
    fn shift(&mut self, by: [f32; 2]) {
        if let Some(Part { pixels, start }) = self.part {
            self.place(pixels, [start[0] + by[0], start[1] + by[1]]);
        }
    }

    /// The part around one query and one key.
    fn centre(&mut self, at: [usize; 2]) {
        let nearer = if self.is_whole() { ENTERED } else { 1.0 };
        let middle = at.map(|token| token as f32 + 0.5);
        self.show_middle(nearer * self.pixels(), middle);
    }

    /// Nearer to what a cell stands for.
    pub fn enter(&mut self, window: &Window, (row, column): (usize, usize)) {
        let part = [window.tokens_of(0, row), window.tokens_of(1, column)];
        let middle = part.map(|range| 0.5 * (range.start + range.end) as f32);
        self.show_middle(ENTERED * self.pixels(), middle);
    }

    /// Buttons, and what they show. `focus` is a query and a key to go to.
    pub fn controls_ui(&mut self, ui: &mut Ui, focus: Option<[usize; 2]>) {
        ui.horizontal_wrapped(|ui| {
            let near = ui.small_button("+").on_hover_text("Nearer (Ctrl + wheel)");
            name(&near, "Zoom in");
            if near.clicked() {
                self.show_middle(STEP * self.pixels(), self.middle());
            }
            let far = ui.add_enabled(!self.is_whole(), egui::Button::new("−").small());
            name(&far, "Zoom out");
            if far.clicked() {
                self.show_middle(self.pixels() / STEP, self.middle());
            }
            if ui
                .add_enabled(!self.is_whole(), egui::Button::new("All").small())
                .clicked()
            {
                self.part = None;
            }
            if let Some(focus) = focus
                && ui
                    .small_button("To the focus")
                    .on_hover_text("The locked query and key in the middle")
                    .clicked()
            {
                self.centre(focus);
            }
            let [queries, keys] = self.ranges();
            let said = |range: Range<usize>| format!("{}–{}", range.start, range.end.max(1) - 1);
            let line = format!(
                "queries {} · keys {} of {} tokens",
                said(queries),
                said(keys),
                self.tokens
            );
            let color = Theme::of(ui).secondary();
            ui.label(RichText::new(line).small().color(color));
        });
    }

    /// Wheel and drag over the cells, which have this room.
    pub fn pointer(&mut self, response: &Response, cells: Rect, room: Vec2) {
        let pixel = response.ctx.pixels_per_point();
        self.room = [room.y * pixel, room.x * pixel];
        let ranges = self.ranges();
        let tokens = |points: Vec2| {
            let share = points / cells.size();
            [
                share.y * ranges[0].len() as f32,
                share.x * ranges[1].len() as f32,
            ]
        };
        if response.dragged() {
            self.shift(tokens(-response.drag_delta()));
        }
        let zoom = response.ctx.input(|i| i.zoom_delta());
        if let Some(pointer) = response.hover_pos().filter(|p| cells.contains(*p))
            && zoom != 1.0
        {
            let offset = pointer - cells.min;
            let [query, key] = tokens(offset);
            let at = [
                (ranges[0].start as f32 + query, offset.y * pixel),
                (ranges[1].start as f32 + key, offset.x * pixel),
            ];
            self.show(zoom * self.pixels(), at);
        }
    }
}

/// A cell is whole pixels, or as many cells share one.
fn shown(pixels: f32) -> f32 {
    if pixels < 1.0 { pixels } else { pixels.round() }
}

fn name(response: &egui::Response, name: &str) {
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, response.enabled(), name));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(tokens: usize, room: f32) -> Lens {
        let mut lens = Lens::default();
        lens.over(1, tokens);
        lens.room = [room; 2];
        lens
    }

    #[test]
    fn zooming_keeps_the_point_under_the_pointer_and_stays_inside() {
        let mut lens = lens(8192, 512.0);
        assert!(lens.is_whole());
        // A quarter down, at the right end.
        lens.show(0.25, [(2048.0, 128.0), (8192.0, 512.0)]);
        assert_eq!(lens.ranges(), [1536..3584, 6144..8192]);
        lens.shift([-10_000.0, 10_000.0]);
        assert_eq!(lens.ranges(), [0..2048, 6144..8192]);
        lens.show_middle(1e9, lens.middle());
        assert!(lens.ranges().iter().all(|range| range.len() == FEWEST));
        lens.show_middle(1e-9, lens.middle());
        assert!(lens.is_whole());
    }

    #[test]
    fn a_part_fills_the_room_and_small_steps_add_up() {
        let mut lens = lens(239, 400.0);
        for _ in 0..8 {
            lens.show(1.1 * lens.pixels(), [(60.0, 60.0), (60.0, 60.0)]);
        }
        // 1.1⁸ is 2.1: two pixels each.
        assert_eq!(lens.ranges(), [30..230, 30..230]);
        lens.shift([0.4, -0.4]);
        lens.shift([0.4, -0.4]);
        assert_eq!(lens.ranges(), [31..231, 29..229]);
    }

    #[test]
    fn another_text_is_seen_whole_and_small_ones_have_no_part() {
        let mut lens = lens(100, 400.0);
        lens.show_middle(8.0, lens.middle());
        lens.over(1, 100);
        assert!(!lens.is_whole());
        lens.over(2, 100);
        assert!(lens.is_whole());
        lens.over(3, 3);
        lens.show_middle(2.0 * lens.pixels(), lens.middle());
        assert_eq!(lens.ranges(), [0..3, 0..3]);
    }
}
