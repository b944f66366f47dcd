//! The table of edits: what each changes, and the cosine after it.

use egui::text::TextWrapping;
use egui::{
    Align2, Button, CornerRadius, Rect, RichText, Role, Sense, TextStyle, Ui, WidgetInfo, pos2,
    vec2,
};
use serde::{Deserialize, Serialize};

use super::diff::diff;
use super::kinds::about;
use super::work::Row;
use crate::analysis::edits::{Draft, Kind};
use crate::views::ViewContext;
use crate::views::compare::{four, shorten_to};
use crate::views::recorded::{keep_ui, kept_ui};
use crate::views::subject::note_ui;
use crate::widgets::{SPACE, SPACE_SMALL, Scale, legend_ui};

/// What the rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum By {
    /// The place in the text, kind by kind.
    Place,
    Cos,
    /// The size of the change, whatever its sign.
    Size,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sort {
    by: By,
    falling: bool,
}

/// Room for a figure with its sign.
const FIGURE: f32 = 66.;
const USE: f32 = 40.;
/// Room for a kind's title.
const KIND: f32 = 80.;
/// Below this a row takes two lines: the text, and its figures.
const NARROW: f32 = 460.;
/// Beyond this a row can no longer be followed with the eye.
const WIDE: f32 = 780.;

/// The rows of some runs. Returns the draft that is to be used, where a person says so.
pub fn rows_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    found: &[&Vec<Row>],
    current: bool,
) -> Option<Draft> {
    let mut rows: Vec<&Row> = found.iter().flat_map(|rows| rows.iter()).collect();
    if rows.is_empty() {
        note_ui(ui, "Nothing was run yet.");
        return None;
    }
    let mut sort = kept_ui(
        ui,
        Sort {
            by: By::Size,
            falling: true,
        },
    );
    let largest = rows.iter().map(|row| row.change.abs()).fold(0., f64::max);
    let scale = Scale::signed(largest as f32);
    legend_ui(ui, &scale, "Δcos");
    let before = sort;
    head_ui(ui, &mut sort);
    if sort != before {
        keep_ui(ui, sort);
    }
    order(&mut rows, sort);
    let scope = ui.add_enabled_ui(current, |ui| body_ui(ui, cx, &rows, &scale));
    scope.inner
}

fn order(rows: &mut [&Row], sort: Sort) {
    let key = |row: &Row| match sort.by {
        By::Place => 0.,
        By::Cos => row.cos,
        By::Size => row.change.abs(),
    };
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    if sort.falling {
        rows.reverse();
        // Equals stay in the order of the text.
        if sort.by != By::Place {
            for equal in rows.chunk_by_mut(|a, b| key(a) == key(b)) {
                equal.reverse();
            }
        }
    }
    // What somebody has typed is what they wait for, however little it changes.
    rows.sort_by_key(|row| row.kind != Kind::Free);
}

/// Left edges of cos, Δcos and the button, within `rect`.
fn columns(rect: Rect) -> [f32; 3] {
    let button = rect.right() - USE;
    let change = button - SPACE - FIGURE;
    [change - FIGURE, change, button]
}

fn head_ui(ui: &mut Ui, sort: &mut Sort) {
    let height = ui.text_style_height(&TextStyle::Small) + SPACE;
    let size = vec2(ui.available_width().min(WIDE), height);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let [cos, change, button] = columns(rect);
    let titles = [
        (
            By::Place,
            "Edit",
            "In the order of the text",
            rect.left(),
            cos,
        ),
        (By::Cos, "cos", "The cosine after the edit", cos, change),
        (
            By::Size,
            "Δcos",
            "The new cosine less the score; sorted by its size, whatever its sign",
            change,
            button - SPACE,
        ),
    ];
    for (by, title, about, left, right) in titles {
        let mark = match (sort.by == by, sort.falling) {
            (false, _) => "",
            (true, true) => " ⏷",
            (true, false) => " ⏶",
        };
        let text = RichText::new(format!("{title}{mark}")).small();
        let width = if by == By::Place { 44. } else { right - left };
        let place = Rect::from_min_size(pos2(left, rect.top()), vec2(width, height));
        let response = ui.put(place, Button::new(text).frame_when_inactive(false));
        let name = format!("Sort by {title}");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if response.on_hover_text(about).clicked() {
            *sort = match sort.by == by {
                true => Sort {
                    falling: !sort.falling,
                    ..*sort
                },
                false => Sort {
                    by,
                    falling: by != By::Place,
                },
            };
        }
    }
}

/// Only rows in sight are laid out.
fn body_ui(ui: &mut Ui, cx: &ViewContext<'_>, rows: &[&Row], scale: &Scale) -> Option<Draft> {
    let width = ui.available_width().min(WIDE);
    let lines = if width < NARROW { 2. } else { 1. };
    let line = lines * (ui.text_style_height(&TextStyle::Body) + SPACE);
    let size = vec2(width, line * rows.len() as f32);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Table, true, "Edits by what they change"));
    let clip = ui.clip_rect();
    let at = |y: f32| ((y - rect.top()) / line).max(0.) as usize;
    let (first, last) = (at(clip.top()), (at(clip.bottom()) + 1).min(rows.len()));
    let mut used = None;
    for (i, row) in rows.iter().enumerate().take(last).skip(first) {
        let corner = pos2(rect.left(), rect.top() + line * i as f32);
        let place = Rect::from_min_size(corner, vec2(rect.width(), line));
        if row_ui(ui, cx, row, place, scale) {
            used = Some(row.draft.clone());
        }
    }
    used
}

fn row_ui(ui: &mut Ui, cx: &ViewContext<'_>, row: &Row, rect: Rect, scale: &Scale) -> bool {
    let id = ui.scope_id().with(("edit", &row.title, rect.top() as i32));
    let response = ui.interact(rect, id, Sense::hover());
    let (cos, change) = (four(row.cos), signed(row.change));
    let name = format!("{}, cos {cos}, Δcos {change}", row.title);
    response.widget_info(|| WidgetInfo::labeled(Role::Row, ui.is_enabled(), &name));
    if response.hovered() {
        ui.painter().rect_filled(rect, 0., cx.theme.faint());
    }
    let rect = edit_ui(ui, cx, row, rect);
    let [_, change_left, button_left] = columns(rect);
    let mono = TextStyle::Monospace.resolve(ui.style());
    let right = pos2(change_left - SPACE_SMALL, rect.center().y);
    let ink = cx.theme.foreground();
    ui.painter()
        .text(right, Align2::RIGHT_CENTER, cos, mono.clone(), ink);
    let cell = Rect::from_x_y_ranges(change_left..=change_left + FIGURE, rect.y_range());
    let fill = scale.color(cx.theme, row.change as f32);
    let cell = cell.shrink2(vec2(0., 1.));
    ui.painter().rect_filled(cell, CornerRadius::ZERO, fill);
    let right = pos2(cell.right() - SPACE_SMALL, cell.center().y);
    let ink = cx.theme.on(fill);
    ui.painter()
        .text(right, Align2::RIGHT_CENTER, change, mono, ink);
    response.on_hover_ui(|ui| tip_ui(ui, row));
    let place = Rect::from_x_y_ranges(button_left..=rect.right(), rect.y_range());
    use_ui(ui, &row.draft, &row.title, place.shrink2(vec2(0., 1.)))
}

/// What the row changes; returns where its figures stand.
fn edit_ui(ui: &Ui, cx: &ViewContext<'_>, row: &Row, rect: Rect) -> Rect {
    let left = rect.left() + SPACE_SMALL;
    let end = columns(rect)[0] - SPACE;
    let half = rect.center().y;
    // Kind, text, figures: in one line, or the text above the others.
    let (kind, text, figures) = match rect.width() < NARROW {
        true => {
            let figures = Rect::from_x_y_ranges(rect.x_range(), half..=rect.bottom());
            let text = Rect::from_x_y_ranges(left..=rect.right(), rect.top()..=half);
            ui.painter()
                .hline(rect.x_range(), rect.bottom(), (1., cx.theme.hairline()));
            (
                figures.with_min_x(left),
                text,
                figures.shrink2(vec2(0., 1.)),
            )
        }
        false => {
            let text = Rect::from_x_y_ranges(left + KIND..=end, rect.y_range());
            (rect.with_min_x(left), text, rect)
        }
    };
    let small = TextStyle::Small.resolve(ui.style());
    let (title, _) = about(row.kind);
    ui.painter().text(
        kind.left_center(),
        Align2::LEFT_CENTER,
        title,
        small,
        cx.theme.secondary(),
    );
    let font = TextStyle::Body.resolve(ui.style());
    let mut job = diff(&row.draft, &row.title, &font, cx.theme);
    job.wrap = TextWrapping::truncate_at_width(text.width());
    let galley = ui.painter().layout_job(job);
    let pos = Align2::LEFT_CENTER.align_size_within_rect(galley.size(), text);
    ui.painter().galley(pos.min, galley, cx.theme.foreground());
    figures
}

fn tip_ui(ui: &mut Ui, row: &Row) {
    ui.label(RichText::new(&row.title).strong());
    ui.label(full(&row.draft));
    if !row.draft.hidden().is_empty() {
        note_ui(
            ui,
            "What is hidden stays in the text, but no token reads it and no pool takes it.",
        );
    }
    if row.same {
        note_ui(ui, "The model sees the same tokens as before.");
    }
}

/// The whole text after an edit, for a tip.
pub fn full(draft: &Draft) -> String {
    /// Letters that are shown at most.
    const MOST: usize = 2_000;
    shorten_to(&draft.text(), MOST)
}

/// The button that puts a draft in the text's place; true once it is pressed.
pub fn use_ui(ui: &mut Ui, draft: &Draft, title: &str, place: Rect) -> bool {
    let is_text = draft.hidden().is_empty();
    let text = RichText::new("Use").small();
    let response = ui
        .add_enabled_ui(is_text, |ui| ui.put(place, Button::new(text).small()))
        .inner;
    let name = format!("Use: {title}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_text, &name));
    let response = response.on_hover_text("Put the edited text in the text's place");
    let why = "Hidden words are no text of their own: delete the word, or use [MASK]";
    response.on_disabled_hover_text(why).clicked()
}

/// Four decimals with a sign; none for what rounds to nothing.
pub fn signed(change: f64) -> String {
    match change.abs() < 0.00005 {
        true => "0.0000".to_owned(),
        false => format!("{change:+.4}").replace('-', "−"),
    }
}

/// The rows as a table for the clipboard, as they were run.
pub fn tsv(found: &[&Vec<Row>]) -> String {
    let mut out = String::from("edit\tkind\ttext\tcos\tchange\n");
    for row in found.iter().flat_map(|rows| rows.iter()) {
        let text = row.draft.text().replace(['\t', '\n'], " ");
        let title = row.title.replace(['\t', '\n'], " ");
        let (kind, cos, change) = (row.kind.name(), row.cos, row.change);
        out.push_str(&format!("{title}\t{kind}\t{text}\t{cos}\t{change}\n"));
    }
    out
}
