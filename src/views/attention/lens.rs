//! Which part of a map is looked at: zooming and moving over maps of long texts.

use std::ops::Range;

use egui::{Rect, Response, RichText, Ui};

use crate::analysis::attention::Window;
use crate::widgets::theme::Theme;

/// Cells a side that are worth computing: more than there are pixels for on most screens.
pub(super) const CELLS: usize = 768;
/// A part is not made smaller than this.
const FEWEST: usize = 8;
/// One step of zooming.
const STEP: f32 = 2.0;

/// Queries and keys that are shown of one text's maps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lens {
    /// The text that it is for.
    text: u64,
    tokens: usize,
    /// None for all.
    part: Option<[Range<usize>; 2]>,
}

impl Lens {
    /// All of another text; the same part of the same one.
    pub fn over(&mut self, text: u64, tokens: usize) {
        if (self.text, self.tokens) != (text, tokens) {
            *self = Self {
                text,
                tokens,
                part: None,
            };
        }
    }

    pub fn ranges(&self) -> [Range<usize>; 2] {
        self.part
            .clone()
            .unwrap_or([0..self.tokens, 0..self.tokens])
    }

    pub fn is_whole(&self) -> bool {
        self.part.is_none()
    }

    /// `factor` times as near, with the point at these shares of both axes staying where it is.
    fn zoom(&mut self, factor: f32, at: [f32; 2]) {
        let ranges = self.ranges();
        let part = [0, 1].map(|axis: usize| {
            let (range, share) = (&ranges[axis], at[axis].clamp(0.0, 1.0));
            let length = (range.len() as f32 / factor).round() as usize;
            let length = length.clamp(FEWEST.min(self.tokens), self.tokens);
            let fixed = range.start as f32 + share * range.len() as f32;
            self.placed(fixed - share * length as f32, length)
        });
        let whole = part.iter().all(|range| range.len() == self.tokens);
        self.part = (!whole).then_some(part);
    }

    /// So many tokens further on both axes.
    fn shift(&mut self, by: [f32; 2]) {
        if let Some(part) = self.part.clone() {
            self.part = Some([0, 1].map(|axis: usize| {
                let range = &part[axis];
                self.placed(range.start as f32 + by[axis], range.len())
            }));
        }
    }

    /// The part around one query and one key, at the same size.
    fn centre(&mut self, at: [usize; 2]) {
        let ranges = self.ranges();
        self.part = Some([0, 1].map(|axis: usize| {
            let length = ranges[axis].len().min(CELLS / 4).min(self.tokens);
            self.placed(at[axis] as f32 - length as f32 / 2.0, length)
        }));
    }

    fn placed(&self, start: f32, length: usize) -> Range<usize> {
        let most = self.tokens - length.min(self.tokens);
        let start = (start.max(0.0).round() as usize).min(most);
        start..start + length
    }

    /// Exactly what a cell stands for.
    pub fn enter(&mut self, window: &Window, (row, column): (usize, usize)) {
        let part = [window.tokens_of(0, row), window.tokens_of(1, column)];
        let centre = part.map(|range| (range.start + range.end) / 2);
        let ranges = self.ranges();
        self.part = Some([0, 1].map(|axis: usize| {
            let length = (ranges[axis].len() / 4)
                .clamp(FEWEST, CELLS)
                .min(self.tokens);
            self.placed(centre[axis] as f32 - length as f32 / 2.0, length)
        }));
    }

    /// Buttons, and what they show. `focus` is a query and a key to go to.
    pub fn controls_ui(&mut self, ui: &mut Ui, focus: Option<[usize; 2]>) {
        ui.horizontal_wrapped(|ui| {
            let near = ui.small_button("+").on_hover_text("Nearer (Ctrl + wheel)");
            name(&near, "Zoom in");
            if near.clicked() {
                self.zoom(STEP, [0.5; 2]);
            }
            let far = ui.add_enabled(!self.is_whole(), egui::Button::new("−").small());
            name(&far, "Zoom out");
            if far.clicked() {
                self.zoom(1.0 / STEP, [0.5; 2]);
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

    /// Wheel and drag over the cells.
    pub fn pointer(&mut self, response: &Response, cells: Rect) {
        if response.dragged() && !self.is_whole() {
            let ranges = self.ranges();
            let delta = response.drag_delta();
            self.shift([
                -delta.y / cells.height() * ranges[0].len() as f32,
                -delta.x / cells.width() * ranges[1].len() as f32,
            ]);
        }
        let zoom = response.ctx.input(|i| i.zoom_delta());
        if let Some(pointer) = response.hover_pos().filter(|p| cells.contains(*p))
            && zoom != 1.0
        {
            let offset = pointer - cells.min;
            let at = [offset.y / cells.height(), offset.x / cells.width()];
            self.zoom(zoom, at);
        }
    }
}

fn name(response: &egui::Response, name: &str) {
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, response.enabled(), name));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(tokens: usize) -> Lens {
        let mut lens = Lens::default();
        lens.over(1, tokens);
        lens
    }

    #[test]
    fn zooming_keeps_the_point_under_the_pointer_and_stays_inside() {
        let mut lens = lens(8192);
        assert!(lens.is_whole());
        lens.zoom(4.0, [0.25, 1.0]);
        assert_eq!(lens.ranges(), [1536..3584, 6144..8192]);
        lens.shift([-10_000.0, 10_000.0]);
        assert_eq!(lens.ranges(), [0..2048, 6144..8192]);
        lens.zoom(1e9, [0.5; 2]);
        assert!(lens.ranges().iter().all(|range| range.len() == FEWEST));
        lens.zoom(1e-9, [0.5; 2]);
        assert!(lens.is_whole());
    }

    #[test]
    fn another_text_is_seen_whole_and_small_ones_have_no_part() {
        let mut lens = lens(100);
        lens.zoom(2.0, [0.5; 2]);
        lens.over(1, 100);
        assert!(!lens.is_whole());
        lens.over(2, 100);
        assert!(lens.is_whole());
        lens.over(3, 3);
        lens.zoom(2.0, [0.5; 2]);
        assert_eq!(lens.ranges(), [0..3, 0..3]);
    }
}
