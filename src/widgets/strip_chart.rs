//! One vector on one line: as a strip of colours, or as bars from 0.

use egui::emath::GuiRounding as _;
use egui::{
    Color32, EventFilter, Pos2, Rect, Response, Role, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::colormap::{Ramp, Scale};
use super::heatmap::{Axis, Grid, HeatmapTexture, arrow_step, nothing_ui};
use super::number;
use super::style::outline;
use super::theme::Theme;
use super::token_strip::StripResponse;

/// A strip of colours, as wide as there is room; `key` changes whenever the values do.
#[expect(
    clippy::too_many_arguments,
    reason = "a line of data has no more parts than this"
)]
pub fn vector_strip_ui(
    ui: &mut Ui,
    name: &str,
    key: u64,
    values: &[f32],
    scale: Scale,
    height: f32,
    focus: Option<usize>,
    texture: &mut HeatmapTexture,
) -> StripResponse {
    let Some(strip) = Strip::new(ui, name, values, height) else {
        return StripResponse::nothing(nothing_ui(ui, name));
    };
    if ui.is_rect_visible(strip.rect) {
        let id = texture.update(ui, key, &strip.grid, scale);
        let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        ui.painter().image(id, strip.rect, uv, Color32::WHITE);
    }
    strip.finish(ui, name, focus)
}

/// Bars up and down from 0, in the scale's colours.
pub fn vector_bars_ui(
    ui: &mut Ui,
    name: &str,
    values: &[f32],
    scale: Scale,
    height: f32,
    focus: Option<usize>,
) -> StripResponse {
    let Some(strip) = Strip::new(ui, name, values, height) else {
        return StripResponse::nothing(nothing_ui(ui, name));
    };
    if ui.is_rect_visible(strip.rect) {
        strip.paint_bars(ui, scale);
    }
    strip.finish(ui, name, focus)
}

struct Strip<'a> {
    grid: Grid<'a>,
    rect: Rect,
    response: Response,
}

impl<'a> Strip<'a> {
    fn new(ui: &mut Ui, _name: &str, values: &'a [f32], height: f32) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let ppp = ui.pixels_per_point();
        let room = ui.available_width().max(1.0);
        let x = Axis::new(values.len(), room, 0.0, 24.0, ppp);
        let grid = Grid {
            y: Axis::new(1, height, 0.0, height, ppp),
            x,
            values,
        };
        let size = vec2(grid.x.length(), grid.y.length());
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let rect = Rect::from_min_size(rect.min.round_to_pixels(ppp), size);
        Some(Self {
            grid,
            rect,
            response,
        })
    }

    fn paint_bars(&self, ui: &Ui, scale: Scale) {
        let theme = Theme::of(ui);
        let ramp = Ramp::new(scale, theme);
        let painter = ui.painter();
        let (low, high) = (scale.min.min(0.0), scale.max.max(0.0));
        let y = |value: f32| {
            let value = value.clamp(low, high.max(low + f32::MIN_POSITIVE));
            egui::remap(
                value,
                low..=high.max(low + f32::MIN_POSITIVE),
                self.rect.bottom()..=self.rect.top(),
            )
        };
        let zero = y(0.0);
        painter.hline(self.rect.x_range(), zero, (1.0, theme.hairline()));
        let mut mesh = egui::Mesh::default();
        for bin in 0..self.grid.x.bins {
            let (_, index) = self.grid.extreme(0, bin);
            let value = self.grid.values[index];
            let (left, right) = self.grid.x.span(index);
            let gap = if self.grid.x.pixels > 3 {
                1.0 / ui.pixels_per_point()
            } else {
                0.0
            };
            let ends = if value.is_nan() {
                self.rect.y_range()
            } else {
                egui::Rangef::new(y(value).min(zero), y(value).max(zero))
            };
            let x = self.rect.left() + left..=self.rect.left() + right - gap;
            mesh.add_colored_rect(Rect::from_x_y_ranges(x, ends), ramp.color(value));
        }
        painter.add(mesh);
    }

    fn finish(self, ui: &Ui, name: &str, focus: Option<usize>) -> StripResponse {
        let Self {
            grid,
            rect,
            response,
        } = self;
        let theme = Theme::of(ui);
        let bin = response
            .hover_pos()
            .and_then(|pos| grid.x.bin_at(pos.x - rect.left()));
        let hovered = bin.map(|bin| grid.extreme(0, bin).1);
        let mut clicked = hovered.filter(|_| response.clicked());
        if response.clicked() {
            response.request_focus();
        }
        let arrows = EventFilter {
            horizontal_arrows: true,
            ..Default::default()
        };
        if let Some((step, _)) = arrow_step(ui, &response, arrows) {
            let last = grid.x.count - 1;
            clicked = Some(focus.map_or(0, |at| at.saturating_add_signed(step).min(last)));
        }
        let mark = |index: usize| {
            let (left, right) = grid.x.span(index);
            let x = rect.left() + left..=rect.left() + right;
            let cell = Rect::from_x_y_ranges(x, rect.y_range());
            outline(ui.painter(), cell, theme);
        };
        focus
            .filter(|f| *f < grid.x.count)
            .into_iter()
            .for_each(mark);
        hovered.into_iter().for_each(mark);
        if response.has_focus() {
            let stroke = (1.0, theme.accent());
            ui.painter()
                .rect_stroke(rect, 0.0, stroke, StrokeKind::Outside);
        }
        response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), name));
        if let Some(at) = hovered.or(focus).filter(|at| *at < grid.x.count) {
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_value(describe(&grid, at));
            });
        }
        let response = match hovered {
            Some(at) => response.on_hover_text_at_pointer(describe(&grid, at)),
            None => response,
        };
        StripResponse {
            response,
            hovered,
            clicked,
        }
    }
}

fn describe(grid: &Grid<'_>, index: usize) -> String {
    let mut text = format!("[{index}]  {}", number(f64::from(grid.values[index])));
    let sharing = grid.x.cells(grid.x.bin(index)).len();
    if sharing > 1 {
        text.push_str(&format!("\nthe largest of {sharing} that share this pixel"));
    }
    text
}
