//! The pieces of a text, one after the other, wrapping like a paragraph.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use egui::{
    Color32, CornerRadius, EventFilter, Rect, Response, Role, Sense, StrokeKind, TextStyle, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::heatmap::{arrow_step, nothing_ui};
use super::label;
use super::theme::{SPACE_SMALL, Theme};

/// One piece of a text.
pub struct Piece<'a> {
    /// What to write: see [`piece_label`].
    pub label: &'a str,
    /// Special tokens and padding step back.
    pub secondary: bool,
    /// A colour behind it, for a value.
    pub fill: Option<Color32>,
    /// What hovering tells.
    pub note: Option<String>,
}

/// What happened on a strip of things.
pub struct StripResponse {
    pub response: Response,
    pub hovered: Option<usize>,
    /// Clicked, or walked to with the arrow keys: lock it.
    pub clicked: Option<usize>,
}

impl StripResponse {
    pub(super) fn nothing(response: Response) -> Self {
        Self {
            response,
            hovered: None,
            clicked: None,
        }
    }
}

/// A label longer than this is cut.
const LONGEST: f32 = 240.0;
const GAP: f32 = 2.0;

/// Where the pieces stand, kept from frame to frame: laying out thousands of them is the slow part.
#[derive(Clone)]
struct Layout {
    stamp: u64,
    rects: Arc<Vec<Rect>>,
    size: Vec2,
}

/// The pieces of a text, wrapped to the width there is. Only those that can be seen are painted.
pub fn token_strip_ui(
    ui: &mut Ui,
    name: &str,
    pieces: &[Piece<'_>],
    focus: Option<usize>,
    locked: Option<usize>,
) -> StripResponse {
    if pieces.is_empty() {
        return StripResponse::nothing(nothing_ui(ui, name));
    }
    let id = ui.make_persistent_id(("token strip", name));
    let layout = layout_of(ui, id, pieces);
    let (rect, _) = ui.allocate_exact_size(layout.size, Sense::hover());
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::List, ui.is_enabled(), name));
    let mut out = StripResponse::nothing(response);
    let visible = ui
        .clip_rect()
        .intersect(rect)
        .translate(-rect.min.to_vec2());
    let first = layout.rects.partition_point(|r| r.bottom() < visible.top());
    for (index, place) in layout.rects.iter().enumerate().skip(first) {
        if place.top() > visible.bottom() {
            break;
        }
        let place = place.translate(rect.min.to_vec2());
        piece_ui(
            ui,
            id,
            place,
            index,
            &pieces[index],
            [focus, locked],
            &mut out,
        );
    }
    walk(ui, &mut out, pieces.len(), locked.or(focus));
    out
}

fn layout_of(ui: &Ui, id: egui::Id, pieces: &[Piece<'_>]) -> Layout {
    let width = ui.available_width().max(40.0);
    let font = TextStyle::Body.resolve(ui.style());
    let mut hasher = std::hash::DefaultHasher::new();
    for piece in pieces {
        piece.label.hash(&mut hasher);
    }
    (width.to_bits(), ui.pixels_per_point().to_bits()).hash(&mut hasher);
    (font.size.to_bits(), pieces.len()).hash(&mut hasher);
    let stamp = hasher.finish();
    let old: Option<Layout> = ui.data(|data| data.get_temp(id));
    if let Some(layout) = old.filter(|layout| layout.stamp == stamp) {
        return layout;
    }
    let height = ui.fonts_mut(|fonts| fonts.row_height(&font)) + SPACE_SMALL;
    let mut rects = Vec::with_capacity(pieces.len());
    let mut at = pos2(0.0, 0.0);
    let mut right = 0.0_f32;
    for piece in pieces {
        let most = LONGEST.min(width - 2.0 * SPACE_SMALL);
        let galley = label::line(ui.painter(), piece.label, &font, Color32::PLACEHOLDER, most);
        let size = vec2((galley.size().x + 2.0 * SPACE_SMALL).max(12.0), height);
        if at.x > 0.0 && at.x + size.x > width {
            at = pos2(0.0, at.y + height + GAP);
        }
        rects.push(Rect::from_min_size(at, size));
        right = right.max(at.x + size.x);
        at.x += size.x + GAP;
    }
    let layout = Layout {
        stamp,
        rects: Arc::new(rects),
        size: vec2(right, at.y + height),
    };
    ui.data_mut(|data| data.insert_temp(id, layout.clone()));
    layout
}

fn piece_ui(
    ui: &Ui,
    id: egui::Id,
    rect: Rect,
    index: usize,
    piece: &Piece<'_>,
    [focus, locked]: [Option<usize>; 2],
    out: &mut StripResponse,
) {
    // Clickable, but not a stop of the tab key: the strip is one, and arrows walk inside.
    let response = ui.interact(rect.expand(0.5 * GAP), id.with(index), Sense::CLICK);
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, ui.is_enabled(), piece.label));
    if response.clicked() {
        out.clicked = Some(index);
        out.response.request_focus();
    }
    if response.hovered() {
        out.hovered = Some(index);
    }
    let marked = focus == Some(index) || out.hovered == Some(index);
    paint_piece(ui, rect, piece, marked, locked == Some(index));
    if let Some(note) = &piece.note {
        response.on_hover_text(note);
    }
}

fn paint_piece(ui: &Ui, rect: Rect, piece: &Piece<'_>, marked: bool, locked: bool) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let corner = CornerRadius::same(3);
    let fill = match piece.fill {
        Some(fill) => fill,
        None if piece.secondary => Color32::TRANSPARENT,
        None => theme.faint(),
    };
    painter.rect_filled(rect, corner, fill);
    if locked {
        painter.rect_stroke(rect, corner, (2.0, theme.accent()), StrokeKind::Inside);
    } else if marked {
        painter.rect_stroke(rect, corner, (1.0, theme.strong()), StrokeKind::Inside);
    }
    let color = match piece.fill {
        Some(fill) if fill.a() == 255 => theme.on(fill),
        _ if piece.secondary => theme.secondary(),
        _ => theme.foreground(),
    };
    let font = TextStyle::Body.resolve(ui.style());
    let galley = label::line(
        painter,
        piece.label,
        &font,
        color,
        rect.width() - 2.0 * SPACE_SMALL + 0.5,
    );
    let pos = rect.center() - 0.5 * galley.size();
    painter.galley(pos, galley, color);
}

fn walk(ui: &Ui, out: &mut StripResponse, count: usize, from: Option<usize>) {
    let arrows = EventFilter {
        horizontal_arrows: true,
        ..Default::default()
    };
    if let Some((step, _)) = arrow_step(ui, &out.response, arrows) {
        let to = from.map_or(0, |at| at.saturating_add_signed(step).min(count - 1));
        out.clicked = Some(to);
    }
    if out.response.has_focus() {
        let stroke = (1.0, Theme::of(ui).accent());
        let rect = out.response.rect.expand(2.0);
        ui.painter()
            .rect_stroke(rect, 3.0, stroke, StrokeKind::Outside);
    }
}

/// A piece as it can be seen: white space and control characters get a sign, nothing else changes.
pub fn piece_label(piece: &str) -> String {
    if piece.is_empty() {
        return "∅".to_owned();
    }
    let mut label = String::with_capacity(piece.len());
    for c in piece.chars() {
        match c {
            ' ' | '\u{3000}' => label.push('␣'),
            '\n' => label.push('⏎'),
            '\t' => label.push('⇥'),
            '\r' => label.push('↵'),
            c if is_invisible(c) => label.push_str(&format!("‹{:04X}›", u32::from(c))),
            c => label.push(c),
        }
    }
    label
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_gets_a_sign() {
        for (piece, label) in [
            ("##ing", "##ing"),
            ("▁the", "▁the"),
            (" a", "␣a"),
            ("\n\t", "⏎⇥"),
            ("\u{200b}x\u{7}", "‹200B›x‹0007›"),
            ("\u{a0}", "‹00A0›"),
            ("", "∅"),
            ("שלום", "שלום"),
        ] {
            assert_eq!(piece_label(piece), label);
        }
    }
}
