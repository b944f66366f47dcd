//! Painting the tiles: one image, cut apart; labels; marks.

use egui::{Color32, Painter, Pos2, Rect, StrokeKind, Ui, Vec2, pos2, vec2};

use super::{Layout, Tiles, TilesResponse};
use crate::widgets::heatmap::{Axis, Figures, HeatmapTexture, Pool, Stamp};
use crate::widgets::label::{self, Step};
use crate::widgets::style::outline;
use crate::widgets::theme::{SPACE_SMALL, Theme};

/// How much is left of a tile that steps back.
const FADED: f32 = 0.15;

impl Tiles<'_> {
    pub(super) fn paint(
        &self,
        ui: &Ui,
        texture: &mut HeatmapTexture,
        layout: &Layout,
        origin: Pos2,
        out: &TilesResponse,
    ) {
        let theme = Theme::of(ui);
        let mut painter = ui.painter().clone();
        if self.dimmed {
            painter.multiply_opacity(theme.stale_alpha());
        }
        let stamp = Stamp::new(
            self.key,
            self.scale,
            theme,
            [self.rows, self.columns, self.side, layout.axis.bins],
        );
        let id = texture.update_with(ui, stamp, || self.figures(&layout.axis, theme));
        let pixel = 1.0 / ui.pixels_per_point();
        let place = |row: usize, column: usize| {
            let corner = origin + layout.pitch * vec2(column as f32, row as f32);
            Rect::from_min_size(corner, Vec2::splat(layout.axis.length()))
        };
        let part = vec2(1.0 / self.columns as f32, 1.0 / self.rows as f32);
        for row in 0..self.rows {
            for column in 0..self.columns {
                let rect = place(row, column);
                if !painter.clip_rect().intersects(rect) {
                    continue;
                }
                let corner = pos2(column as f32 * part.x, row as f32 * part.y);
                let faded = self.faded.get(row * self.columns + column) == Some(&true);
                let opacity = if faded { FADED } else { 1.0 };
                let tint = Color32::WHITE.gamma_multiply(opacity);
                painter.image(id, rect, Rect::from_min_size(corner, part), tint);
                let hairline = (pixel, theme.hairline());
                painter.rect_stroke(rect, 0.0, hairline, StrokeKind::Outside);
                let tile = Some((row, column));
                if self.locked == tile {
                    painter.rect_stroke(rect, 0.0, (2.0, theme.accent()), StrokeKind::Outside);
                } else if out.hovered == tile || self.focus == tile {
                    outline(&painter, rect, theme);
                }
            }
        }
        self.paint_labels(&painter, layout, origin, out, theme);
        self.paint_groups(&painter, layout, origin, theme);
        if out.response.has_focus() {
            let all = place(0, 0)
                .union(place(self.rows - 1, self.columns - 1))
                .expand(1.0);
            painter.rect_stroke(all, 2.0, (1.0, theme.accent()), StrokeKind::Outside);
        }
    }

    fn paint_labels(
        &self,
        painter: &Painter,
        layout: &Layout,
        origin: Pos2,
        out: &TilesResponse,
        theme: Theme,
    ) {
        let marks = [out.hovered, self.focus, self.locked];
        let middle = |index: usize| (index as f32 + 0.5) * layout.pitch;
        let color = |marked: bool| {
            if marked {
                theme.strong()
            } else {
                theme.secondary()
            }
        };
        let rows: Vec<usize> = marks.iter().flatten().map(|t| t.0).collect();
        if layout.row_width > 0.0 {
            for row in label::thin(
                self.row_labels.len().min(self.rows),
                layout.pitch,
                layout.line,
                Step::Round,
                &rows,
            ) {
                let color = color(rows.contains(&row));
                let galley = label::line(
                    painter,
                    &self.row_labels[row],
                    &layout.font,
                    color,
                    layout.row_width,
                );
                let half = 0.5 * galley.size().y;
                let x = origin.x - SPACE_SMALL - galley.size().x;
                painter.galley(pos2(x, origin.y + middle(row) - half), galley, color);
            }
        }
        let columns: Vec<usize> = marks.iter().flatten().map(|t| t.1).collect();
        if layout.column_width > 0.0 {
            let needed = layout.column_width + SPACE_SMALL;
            for column in label::thin(
                self.column_labels.len().min(self.columns),
                layout.pitch,
                needed,
                Step::Round,
                &columns,
            ) {
                let color = color(columns.contains(&column));
                let galley = label::line(
                    painter,
                    &self.column_labels[column],
                    &layout.font,
                    color,
                    layout.column_width,
                );
                let size = galley.size();
                let x = origin.x + middle(column) - 0.5 * size.x;
                painter.galley(pos2(x, origin.y - SPACE_SMALL - size.y), galley, color);
            }
        }
    }

    /// A bracket over the columns of each group, with its caption where that fits, else its number.
    fn paint_groups(&self, painter: &Painter, layout: &Layout, origin: Pos2, theme: Theme) {
        let Some(columns) = self.columns.checked_div(self.column_groups.len()) else {
            return;
        };
        let width = columns as f32 * layout.pitch - SPACE_SMALL;
        let labels = if layout.column_width > 0.0 {
            layout.line + SPACE_SMALL
        } else {
            0.0
        };
        let y = origin.y - labels - 1.0;
        for (group, caption) in self.column_groups.iter().enumerate() {
            let left = origin.x + (group * columns) as f32 * layout.pitch;
            let stroke = (1.0, theme.secondary());
            painter.hline(left..=left + width, y, stroke);
            painter.vline(left, y..=y + 3.0, stroke);
            painter.vline(left + width, y..=y + 3.0, stroke);
            let layout_of = |text: &str| {
                let (font, color) = (layout.font.clone(), theme.secondary());
                painter.layout_no_wrap(text.to_owned(), font, color)
            };
            let mut galley = layout_of(caption);
            if galley.size().x > width {
                galley = layout_of(&(group + 1).to_string());
            }
            let x = left + 0.5 * (width - galley.size().x);
            let at = pos2(x, y - 1.0 - galley.size().y);
            painter.galley(at, galley, theme.secondary());
        }
    }

    /// All tiles side by side, each pooled to the bins there are.
    fn figures(&self, axis: &Axis, theme: Theme) -> Figures {
        let (bins, width) = (axis.bins, self.columns * axis.bins);
        let mut cells = Vec::with_capacity(self.rows * bins * width);
        let mut pool = Pool::new((0..width).map(|column| {
            let (cells, left) = (axis.cells(column % bins), column / bins * self.side);
            left + cells.start..left + cells.end
        }));
        for row in 0..self.rows * bins {
            let (within, first) = (axis.cells(row % bins), row / bins * self.side);
            let rows = first + within.start..first + within.end;
            cells.extend_from_slice(pool.rows(self.values, self.columns * self.side, rows));
        }
        Figures {
            size: [width, self.rows * bins],
            cells,
            scale: self.scale,
            theme,
        }
    }
}
