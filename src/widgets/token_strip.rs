//! The pieces of a text, one after the other, wrapping like a paragraph.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use egui::{
    Color32, CornerRadius, EventFilter, Rect, Response, Role, Sense, StrokeKind, TextStyle, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::heatmap::{arrow_step, nothing_ui, show_place};
use super::label;
use super::theme::{SPACE_SMALL, Theme};

/// One piece of a text.
pub struct Piece<'a> {
    /// What to write: see [`crate::tokens::Kind::readable`].
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
/// Between words, where pieces are grouped into words, and between their lines.
const WORD_GAP: f32 = 5.0;
/// Between the pieces of one word.
const JOINT: f32 = 1.0;

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
    word_strip_ui(ui, name, pieces, &[], focus, locked)
}

/// [`token_strip_ui`] with the pieces of one word held together: `words` numbers the word of each
/// piece. Pieces of one word touch, share an underline and stay on one line where they fit.
pub fn word_strip_ui(
    ui: &mut Ui,
    name: &str,
    pieces: &[Piece<'_>],
    words: &[Option<u32>],
    focus: Option<usize>,
    locked: Option<usize>,
) -> StripResponse {
    if pieces.is_empty() {
        return StripResponse::nothing(nothing_ui(ui, name));
    }
    let id = ui.make_persistent_id(("token strip", name));
    let layout = layout_of(ui, id, pieces, words);
    let (rect, _) = ui.allocate_exact_size(layout.size, Sense::hover());
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::List, ui.is_enabled(), name));
    if let Some(piece) = locked.or(focus).and_then(|at| pieces.get(at)) {
        let value = [Some(piece.label), piece.note.as_deref()];
        let value: Vec<&str> = value.into_iter().flatten().collect();
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_value(value.join("\n"));
        });
    }
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
    underline_words(ui, rect, &layout.rects, words);
    walk(ui, &mut out, &layout.rects, locked.or(focus));
    out
}

/// True where this piece goes on with the word of the one before.
fn continues(words: &[Option<u32>], index: usize) -> bool {
    let word = |index: usize| words.get(index).copied().flatten();
    index > 0 && word(index).is_some() && word(index) == word(index - 1)
}

/// A line under every word of more than one piece.
fn underline_words(ui: &Ui, whole: Rect, rects: &[Rect], words: &[Option<u32>]) {
    let color = Theme::of(ui).secondary();
    for index in 1..words.len().min(rects.len()) {
        if continues(words, index) {
            let (before, this) = (rects[index - 1], rects[index]);
            let first = !continues(words, index - 1);
            let left = if first {
                before.left() + 1.0
            } else {
                before.right()
            };
            let right = this.right() - 1.0;
            let origin = whole.min.to_vec2();
            let y = |rect: Rect| rect.bottom() + origin.y + 0.5;
            let line = |left: f32, right: f32, y: f32| {
                let x = left + origin.x..=right + origin.x;
                ui.painter().hline(x, y, (1.0, color));
            };
            if before.top() == this.top() {
                line(left, right, y(this));
            } else {
                // A word longer than a line goes on below.
                line(left, before.right(), y(before));
                line(this.left(), right, y(this));
            }
        }
    }
}

fn layout_of(ui: &Ui, id: egui::Id, pieces: &[Piece<'_>], words: &[Option<u32>]) -> Layout {
    let width = ui.available_width().max(40.0);
    let font = TextStyle::Body.resolve(ui.style());
    let mut hasher = std::hash::DefaultHasher::new();
    for piece in pieces {
        piece.label.hash(&mut hasher);
    }
    (width.to_bits(), ui.pixels_per_point().to_bits()).hash(&mut hasher);
    (font.size.to_bits(), pieces.len()).hash(&mut hasher);
    words.hash(&mut hasher);
    let stamp = hasher.finish();
    let old: Option<Layout> = ui.data(|data| data.get_temp(id));
    if let Some(layout) = old.filter(|layout| layout.stamp == stamp) {
        return layout;
    }
    let height = ui.fonts_mut(|fonts| fonts.row_height(&font)) + SPACE_SMALL;
    let most = LONGEST.min(width - 2.0 * SPACE_SMALL);
    let widths = pieces.iter().map(|piece| {
        let text = label::width(ui.painter(), piece.label, &font).ceil();
        text.clamp(12.0 - 2.0 * SPACE_SMALL, most) + 2.0 * SPACE_SMALL
    });
    let rects = flow(&widths.collect::<Vec<f32>>(), words, width, height);
    let right = rects.iter().map(|r| r.right()).fold(0.0, f32::max);
    let bottom = rects.last().map_or(height, |r| r.bottom());
    let layout = Layout {
        stamp,
        rects: Arc::new(rects),
        // The last line may be underlined.
        size: vec2(right, bottom + if words.is_empty() { 0.0 } else { GAP }),
    };
    ui.data_mut(|data| data.insert_temp(id, layout.clone()));
    layout
}

/// Places pieces like the words of a paragraph.
fn flow(widths: &[f32], words: &[Option<u32>], room: f32, height: f32) -> Vec<Rect> {
    let [gap, between_lines] = match words.is_empty() {
        true => [GAP, GAP],
        false => [WORD_GAP, WORD_GAP],
    };
    let mut rects: Vec<Rect> = Vec::with_capacity(widths.len());
    let mut at = pos2(0.0, 0.0);
    let mut start = 0;
    while start < widths.len() {
        let more = (start + 1..widths.len())
            .take_while(|&i| continues(words, i))
            .count();
        let word = &widths[start..=start + more];
        let whole = word.iter().sum::<f32>() + JOINT * more as f32;
        if at.x > 0.0 && at.x + whole > room {
            at = pos2(0.0, at.y + height + between_lines);
        }
        for (i, &width) in word.iter().enumerate() {
            // Only a word that is longer than a line breaks inside.
            if i > 0 && at.x + width > room {
                at = pos2(0.0, at.y + height + between_lines);
            }
            rects.push(Rect::from_min_size(at, vec2(width, height)));
            at.x += width + JOINT;
        }
        at.x += gap - JOINT;
        start += more + 1;
    }
    rects
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
    // On a colour of the data neither the accent nor the theme's strongest is sure to be seen.
    let (held, pointed) = match piece.fill {
        Some(fill) if fill.a() == 255 => (theme.on(fill), theme.on(fill)),
        _ => (theme.accent(), theme.strong()),
    };
    if locked {
        painter.rect_stroke(rect, corner, (2.0, held), StrokeKind::Inside);
    } else if marked {
        painter.rect_stroke(rect, corner, (1.0, pointed), StrokeKind::Inside);
    }
    let color = match piece.fill {
        Some(fill) if fill.a() == 255 => theme.on(fill),
        _ if piece.secondary => theme.secondary(),
        _ => theme.foreground(),
    };
    let font = TextStyle::Body.resolve(ui.style());
    // A point more than was measured: see `label::width`.
    let room = rect.width() - 2.0 * SPACE_SMALL + 2.0;
    let galley = label::line(painter, piece.label, &font, color, room);
    let pos = rect.center() - 0.5 * galley.size();
    painter.galley(pos, galley, color);
}

fn walk(ui: &Ui, out: &mut StripResponse, places: &[Rect], from: Option<usize>) {
    let arrows = EventFilter {
        horizontal_arrows: true,
        ..Default::default()
    };
    if let Some((step, _)) = arrow_step(ui, &out.response, arrows) {
        let last = places.len() - 1;
        let to = from.map_or(0, |at| at.saturating_add_signed(step).min(last));
        out.clicked = Some(to);
        if let Some(place) = places.get(to) {
            show_place(ui, place.translate(out.response.rect.min.to_vec2()));
        }
    }
    if out.response.has_focus() {
        let stroke = (1.0, Theme::of(ui).accent());
        let rect = out.response.rect.expand(2.0);
        ui.painter()
            .rect_stroke(rect, 3.0, stroke, StrokeKind::Outside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_on_one_line_where_it_fits() {
        let words = [None, Some(0), Some(1), Some(1), Some(1), None];
        let rects = flow(&[30.0; 6], &words, 110.0, 10.0);
        let lines: Vec<f32> = rects.iter().map(|r| r.top()).collect();
        let next = 10.0 + WORD_GAP;
        assert_eq!(lines, [0.0, 0.0, next, next, next, 2.0 * next]);
        assert_eq!(rects[3].left() - rects[2].right(), JOINT);
        assert_eq!(rects[1].left() - rects[0].right(), WORD_GAP);

        let rects = flow(&[30.0; 6], &words, 70.0, 10.0);
        assert!(
            rects.iter().all(|r| r.right() <= 70.0),
            "a long word breaks"
        );
        assert!(rects[3].top() < rects[4].top());

        let free = flow(&[30.0; 6], &[], 62.0, 10.0);
        assert_eq!(free[1].left() - free[0].right(), GAP);
        assert_eq!(free[2].top(), 10.0 + GAP);
    }
}
