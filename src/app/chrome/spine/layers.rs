//! The layers in the spine: cos(A, B) as a curve over them, and the two stages of each below it.

use egui::{Painter, Pos2, Rect, Response, Sense, Stroke, vec2};

use super::Row;
use crate::app::walk::Stage;

/// Height of the cells of the stages, and what stands between them and the curve.
const CELL: f32 = 6.;
const GAP: f32 = 3.;

impl Row<'_> {
    /// The layers as one curve of cos(A, B), a column each; below it a cell for each layer's attention and
    /// one for its feed-forward.
    pub(super) fn layers_ui(&mut self, layers: usize, chosen: usize, cosines: Option<&[f64]>) {
        let width = (layers as f32 * 26.).clamp(120., 320.);
        let title = format!("Layers 1 … {layers}");
        let here = self.current.and_then(Stage::layer);
        let (response, picture) = self.frame_ui(&title, width, here.is_some());
        let curve = picture.with_max_y(picture.bottom() - CELL - GAP);
        let column = picture.width() / layers as f32;
        let painter = self.ui.painter().clone();
        let left = curve.left() + chosen.min(layers - 1) as f32 * column;
        let mark = Rect::from_min_size(Pos2::new(left, curve.top()), vec2(column, curve.height()));
        painter.rect_filled(mark, 2., self.theme.well());
        if let Some(cosines) = cosines {
            self.curve(&painter, curve, column, cosines);
        }
        self.column_ui(response, curve, column, cosines);
        for layer in 0..layers {
            for (half, stage) in [Stage::Attention(layer), Stage::FeedForward(layer)]
                .into_iter()
                .enumerate()
            {
                let left = picture.left() + (layer as f32 + half as f32 / 2.) * column;
                let top = picture.bottom() - CELL;
                let rect = Rect::from_min_size(Pos2::new(left, top), vec2(column / 2., CELL));
                self.stage_ui(rect, stage);
            }
        }
        self.arrow_ui();
    }

    fn curve(&self, painter: &Painter, rect: Rect, column: f32, cosines: &[f64]) {
        // Close scores would all lie along the top of a curve that began at 0.
        let low = cosines.iter().copied().fold(0.8, f64::min);
        let y = |cosine: f64| {
            rect.bottom() - ((cosine - low) / (1. - low)).clamp(0., 1.) as f32 * rect.height()
        };
        let point =
            |(l, &cosine): (usize, &f64)| Pos2::new(rect.left() + l as f32 * column, y(cosine));
        // What is no number has no place.
        let known = cosines.iter().enumerate().filter(|(_, x)| x.is_finite());
        let points: Vec<Pos2> = known.map(point).collect();
        for &at in &points {
            painter.circle_filled(at, 1.5, self.theme.accent());
        }
        painter.line(points, Stroke::new(1.5, self.theme.accent()));
    }

    /// A click on a column goes to its layer: to the feed-forward where that is looked at, else to the
    /// attention.
    fn column_ui(&mut self, response: Response, curve: Rect, column: f32, cosines: Option<&[f64]>) {
        let of_kind = |layer| match self.current {
            Some(Stage::FeedForward(_)) => Stage::FeedForward(layer),
            _ => Stage::Attention(layer),
        };
        let under = response.hover_pos().or(response.interact_pointer_pos());
        let layers = (curve.width() / column).round() as usize;
        let Some(at) = under else {
            if response.clicked() {
                self.go(of_kind(self.layer.min(layers - 1)));
            }
            return;
        };
        let layer = (((at.x - curve.left()) / column).max(0.) as usize).min(layers - 1);
        if response.clicked() {
            self.go(of_kind(layer));
        }
        let cosine = cosines.and_then(|c| c.get(layer + 1));
        let cosine = cosine.filter(|c| c.is_finite());
        let value = cosine.map_or(String::new(), |c| format!(": cos(A, B) = {c:.4} behind it"));
        response.on_hover_text(format!("Layer {}{value}", layer + 1));
    }

    /// One stage of a layer. The arrow keys go to it; it is no stop of the Tab key, of which there would
    /// be dozens.
    fn stage_ui(&mut self, rect: Rect, stage: Stage) {
        let id = self.ui.scope_id().with(("stage", stage));
        let response = self.ui.interact(rect, id, Sense::CLICK);
        let on = self.current == Some(stage);
        let name = format!("Stage {}", stage.title());
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, &name));
        let fill = match (on, response.hovered()) {
            (true, _) => self.theme.accent(),
            (false, true) => self.theme.secondary(),
            (false, false) => self.theme.secondary().gamma_multiply(0.4),
        };
        let painter = self.ui.painter();
        painter.rect_filled(rect.shrink2(vec2(0.5, 0.)), 1., fill);
        if on {
            self.show(rect);
        }
        if response.clicked() {
            self.go(stage);
        }
        response.on_hover_text(stage.title());
    }
}
