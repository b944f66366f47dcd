//! A number for each distance, as a curve around distance 0.

use egui::{Align2, Pos2, Rect, Role, Sense, Shape, Stroke, TextStyle, Ui, WidgetInfo, pos2, vec2};

use crate::views::ViewContext;
use crate::widgets::number;

/// In points.
const HEIGHT: f32 = 148.0;
const WIDEST: f32 = 640.0;
/// Room for the figures under the curve and on its left.
const FOOT: f32 = 16.0;
const GUTTER: f32 = 56.0;

/// What to draw; build it each frame.
pub(super) struct Curve<'a> {
    /// What a screen reader says.
    pub name: &'a str,
    /// Of key − query = −N … N, [2N + 1].
    pub values: &'a [f32],
    /// A distance to point out, with the number recorded there.
    pub marked: Option<(isize, f64)>,
    /// Columns at which a bucket begins.
    pub borders: &'a [usize],
}

impl Curve<'_> {
    fn farthest(&self) -> isize {
        (self.values.len() / 2) as isize
    }

    /// Paints it; `describe` says what stands at the distance that is pointed at.
    pub fn ui(&self, ui: &mut Ui, cx: &ViewContext<'_>, describe: impl Fn(isize, f32) -> String) {
        let width = ui.available_width().clamp(120.0, WIDEST);
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.name));
        if self.values.is_empty() {
            return;
        }
        let inner = Rect::from_min_max(
            pos2(rect.left() + GUTTER, rect.top()),
            pos2(rect.right(), rect.bottom() - FOOT),
        );
        let inner = inner.shrink(6.0);
        let frame = Frame::new(self.values, inner, self.farthest());
        if ui.is_rect_visible(rect) {
            self.paint(ui, cx, &frame);
        }
        let hovered = response.hover_pos().map(|at| frame.distance_at(at.x));
        if let Some(distance) = hovered {
            let column = (distance + frame.farthest) as usize;
            if let Some(&value) = self.values.get(column) {
                let painter = ui.painter();
                painter.circle_filled(frame.at(distance, value), 3.0, cx.theme.strong());
                response.on_hover_text_at_pointer(describe(distance, value));
            }
        }
    }

    fn paint(&self, ui: &Ui, cx: &ViewContext<'_>, frame: &Frame) {
        let (theme, painter) = (cx.theme, ui.painter());
        let hairline = Stroke::new(1.0, theme.hairline());
        for &border in self.borders {
            let x = frame.x(border as f32 - 0.5 - frame.farthest as f32);
            painter.vline(x, frame.rect.y_range(), hairline);
        }
        painter.hline(frame.rect.x_range(), frame.y(0.0), hairline);
        painter.vline(
            frame.x(0.0),
            frame.rect.y_range(),
            Stroke::new(1.0, theme.secondary().gamma_multiply(0.6)),
        );
        let distances = -frame.farthest..=frame.farthest;
        let points = distances.zip(self.values).map(|(d, &v)| frame.at(d, v));
        let points: Vec<Pos2> = points.collect();
        if points.len() <= 48 {
            for &point in &points {
                painter.circle_filled(point, 2.0, theme.accent());
            }
        }
        let line = match self.borders.is_empty() {
            true => points,
            // A number holds for a whole bucket: nothing lies between two of them.
            false => self.stairs(frame),
        };
        painter.add(Shape::line(line, Stroke::new(1.5, theme.accent())));
        if let Some((distance, value)) = self.marked {
            let at = frame.at(distance, value as f32);
            painter.vline(
                at.x,
                frame.rect.y_range(),
                Stroke::new(1.0, theme.warning()),
            );
            painter.circle_stroke(at, 4.5, Stroke::new(1.5, theme.warning()));
        }
        self.figures(ui, cx, frame);
    }

    fn stairs(&self, frame: &Frame) -> Vec<Pos2> {
        let n = frame.farthest as f32;
        let ends = |(i, value): (usize, &f32)| {
            let (left, right) = (i as f32 - n - 0.5, i as f32 - n + 0.5);
            let at = |x: f32| pos2(frame.x(x.clamp(-n, n)), frame.y(*value));
            [at(left), at(right)]
        };
        self.values.iter().enumerate().flat_map(ends).collect()
    }

    fn figures(&self, ui: &Ui, cx: &ViewContext<'_>, frame: &Frame) {
        let font = TextStyle::Small.resolve(ui.style());
        let text = |at, align, text: String| {
            let painter = ui.painter();
            painter.text(at, align, text, font.clone(), cx.theme.secondary());
        };
        let (rect, n) = (frame.rect, frame.farthest);
        let under = rect.bottom() + 4.0;
        text(pos2(rect.left(), under), Align2::LEFT_TOP, format!("−{n}"));
        text(
            pos2(rect.center().x, under),
            Align2::CENTER_TOP,
            "key − query".to_owned(),
        );
        text(
            pos2(rect.right(), under),
            Align2::RIGHT_TOP,
            format!("+{n}"),
        );
        let left = rect.left() - 6.0;
        for (value, align) in [
            (frame.high, Align2::RIGHT_TOP),
            (frame.low, Align2::RIGHT_BOTTOM),
        ] {
            text(pos2(left, frame.y(value)), align, number(value.into()));
        }
    }
}

/// A distance with its sign: `−3`, `0`, `+12`.
pub(super) fn signed(distance: isize) -> String {
    match distance {
        0 => "0".to_owned(),
        d if d < 0 => format!("−{}", -d),
        d => format!("+{d}"),
    }
}

/// Distances and values to points.
struct Frame {
    rect: Rect,
    farthest: isize,
    /// The smallest and the largest value, 0 included.
    low: f32,
    high: f32,
}

impl Frame {
    fn new(values: &[f32], rect: Rect, farthest: isize) -> Self {
        let finite = values.iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((0.0_f32, 0.0_f32), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
        Self {
            rect,
            farthest,
            low,
            high: high.max(low + f32::MIN_POSITIVE),
        }
    }

    fn x(&self, distance: f32) -> f32 {
        let n = (self.farthest as f32).max(0.5);
        egui::remap(distance, -n..=n, self.rect.left()..=self.rect.right())
    }

    fn y(&self, value: f32) -> f32 {
        let value = if value.is_finite() { value } else { self.low };
        egui::remap(
            value,
            self.low..=self.high,
            self.rect.bottom()..=self.rect.top(),
        )
    }

    fn at(&self, distance: isize, value: f32) -> Pos2 {
        pos2(self.x(distance as f32), self.y(value))
    }

    fn distance_at(&self, x: f32) -> isize {
        let n = self.farthest as f32;
        let distance = egui::remap_clamp(x, self.rect.left()..=self.rect.right(), -n..=n);
        distance.round() as isize
    }
}
