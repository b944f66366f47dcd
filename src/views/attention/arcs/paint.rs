//! Painting the arcs: lines, and the tokens on both sides.

use egui::{Align2, FontId, Painter, Rect, pos2, vec2};

use super::PITCH;
use crate::analysis::attention::Link;
use crate::views::recorded::Recorded;
use crate::widgets::theme::Theme;

/// No more lines than this stay behind those of a focused token.
const BEHIND: usize = 100;
/// How opaque the fill of a whole weight is.
const SHARE: f32 = 0.75;
/// Up to this weight its fill is hardly another ground.
const HARDLY: f32 = 0.1;

/// Where the two columns stand.
pub(super) struct Columns {
    pub rect: Rect,
    /// Where lines begin and end.
    pub left: f32,
    pub right: f32,
    pub font: FontId,
}

impl Columns {
    fn y(&self, token: usize) -> f32 {
        self.rect.top() + PITCH * (token as f32 + 0.5)
    }

    /// The token under the pointer, and whether it is one that is read.
    pub fn at(&self, pos: egui::Pos2, tokens: usize) -> Option<(usize, bool)> {
        let row = (pos.y - self.rect.top()) / PITCH;
        let inside = row >= 0.0 && row < tokens as f32;
        inside.then_some((row as usize, pos.x > 0.5 * (self.left + self.right)))
    }
}

/// Opacity follows the weight; all lines step back behind those of the focused token.
pub(super) fn lines_ui(
    painter: &Painter,
    columns: &Columns,
    theme: Theme,
    all: &[Link],
    own: &[Link],
) {
    let visible = painter.clip_rect().y_range().expand(PITCH);
    let line = |link: &Link, strength: f32| {
        let (from, to) = (columns.y(link.query), columns.y(link.key));
        if from.max(to) < visible.min || from.min(to) > visible.max {
            return;
        }
        let color = theme
            .accent()
            .gamma_multiply(link.weight.sqrt().min(1.0) * strength);
        let stroke = (1.0 + 2.0 * link.weight.min(1.0), color);
        painter.line_segment([pos2(columns.left, from), pos2(columns.right, to)], stroke);
    };
    // Behind the focused token's lines only the strongest others stay, and barely.
    let (kept, strength) = match own.is_empty() {
        true => (all.len(), 0.9),
        false => (all.len().min(BEHIND), 0.1),
    };
    let behind = &all[all.len() - kept..];
    behind.iter().for_each(|link| line(link, strength));
    own.iter()
        .filter(|link| link.weight >= 0.001)
        .for_each(|link| line(link, 1.0));
}

pub(super) fn labels_ui(
    painter: &Painter,
    columns: &Columns,
    theme: Theme,
    text: &Recorded,
    (query, other): (Option<usize>, Option<usize>),
    own: &[Link],
) {
    let special = &text.trace.tokens.special;
    let visible = painter.clip_rect().y_range().expand(PITCH);
    for (token, label) in text.labels.iter().enumerate() {
        let y = columns.y(token);
        if !visible.contains(y) {
            continue;
        }
        let weight = own.get(token).map_or(0.0, |link| link.weight);
        for read in [false, true] {
            let marked = if read {
                other == Some(token)
            } else {
                query == Some(token)
            };
            // The weights stand on the side that the focused token is not on.
            let weighed = !own.is_empty() && read == query.is_some();
            let share = SHARE * weight.min(1.0);
            // Quiet text could hardly be read on much of a weight's fill, nor white on a good deal of it.
            let ground = theme.background().lerp_to_gamma(theme.accent(), share);
            let filled = weighed && weight > HARDLY;
            let color = match (filled, marked, special[token]) {
                (true, ..) => theme.on(ground),
                (_, true, _) => theme.strong(),
                (_, false, true) => theme.secondary(),
                (_, false, false) => theme.foreground(),
            };
            let row = y - 0.5 * PITCH..=y + 0.5 * PITCH;
            let side = match read {
                false => Rect::from_x_y_ranges(columns.rect.left()..=columns.left - 3.0, row),
                true => Rect::from_x_y_ranges(columns.right + 3.0..=columns.rect.right(), row),
            };
            if weighed {
                let fill = theme.accent().gamma_multiply(share);
                painter.rect_filled(side.shrink2(vec2(0.0, 1.0)), 2.0, fill);
            } else if marked {
                painter.rect_filled(side.shrink2(vec2(0.0, 1.0)), 2.0, theme.faint());
            }
            let painter = painter.with_clip_rect(side.intersect(painter.clip_rect()));
            let (at, align) = match read {
                false => (side.right_center() - vec2(3.0, 0.0), Align2::RIGHT_CENTER),
                true => (side.left_center() + vec2(3.0, 0.0), Align2::LEFT_CENTER),
            };
            painter.text(at, align, label, columns.font.clone(), color);
            if weighed && weight >= 0.005 {
                let (at, align) = match read {
                    false => (side.left_center() + vec2(2.0, 0.0), Align2::LEFT_CENTER),
                    true => (side.right_center() - vec2(2.0, 0.0), Align2::RIGHT_CENTER),
                };
                let figures = FontId::monospace(columns.font.size - 1.0);
                let color = if filled { color } else { theme.strong() };
                painter.text(at, align, format!("{weight:.2}"), figures, color);
            }
        }
    }
}
