//! The batch as a matrix, anchors by positives, and each row's loss beside it.

use egui::{Align2, Rect, Role, Sense, TextStyle, Ui, Vec2, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::derive::{Pairs, Seen};
use super::words;
use crate::app::state::{Focus, TextId};
use crate::views::ViewContext;
use crate::views::compare::shorten;
use crate::views::recorded::{keep_ui, kept_ui, key_of, switch_ui};
use crate::widgets::{
    Heatmap, HeatmapResponse, HeatmapTexture, SPACE, SPACE_SMALL, Scale, legend_ui, number, outline,
};

/// Cells are no larger than this, in points.
const CELL: f32 = 48.;
/// The map's height at most.
const HEIGHT: f32 = 420.;
/// Room for a row's bar, where the whole is not too narrow for it.
const BAR: f32 = 54.;
const NARROW: f32 = 340.;
/// How far within its cell the frame of a pair stands.
const INSIDE: f32 = 2.;
/// Room for a row's figure.
const FIGURE: f32 = 58.;

/// What the cells show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Show {
    #[default]
    Logits,
    Softmax,
    /// Down the columns; only with both directions.
    Columns,
    Gradient,
}

#[derive(Default)]
pub struct MatrixState {
    texture: HeatmapTexture,
}

impl MatrixState {
    pub fn matrix_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, pairs: &Pairs, seen: &Seen) {
        let show = show_ui(ui, seen);
        let (values, scale, label) = cells(seen, show);
        legend_ui(ui, &scale, label);
        ui.add_space(SPACE_SMALL);
        let mut cell = None;
        let mut row = None;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            let key = key_of((seen.key, show));
            let losses = match ui.available_width() < NARROW {
                true => FIGURE,
                false => FIGURE + SPACE_SMALL + BAR,
            };
            let width = (ui.available_width() - losses - SPACE).max(40.);
            let map = self.map_ui(ui, cx, pairs, width, (key, &values, scale));
            let response = &map.response;
            if let Some(cells) = map.cells {
                mark_diagonal(ui, cells, pairs.len(), cx);
                row = losses_ui(
                    ui,
                    cx,
                    pairs,
                    seen,
                    cells,
                    vec2(losses, response.rect.height()),
                );
            }
            cell = map.hovered;
            if let Some(cell) = cell {
                let name = |ids: &[TextId], at: usize| {
                    ids.get(at).map_or_else(String::new, |&id| quote(cx, id))
                };
                let (row, column) = (
                    name(pairs.anchors(), cell.0),
                    name(pairs.positives(), cell.1),
                );
                let text = format!("{row} · {column}\n{}", words::cell(seen, cell));
                map.response.on_hover_text_at_pointer(text);
            }
            point(
                cx,
                pairs,
                &map.hovered_row,
                &map.hovered_column,
                map.clicked,
            );
        });
        ui.label(sentence(cx, pairs, seen, row, cell));
    }

    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        pairs: &Pairs,
        width: f32,
        (key, values, scale): (u64, &[f32], Scale),
    ) -> HeatmapResponse {
        let names = pairs.names(cx);
        let (rows, columns) = names.split_at(pairs.len());
        let (row, column) = pairs.place(cx.focus.text);
        let locked = pairs.place(cx.locked.text);
        let locked = locked.0.or(locked.1);
        Heatmap::new(
            "Anchors by positives",
            key,
            pairs.len(),
            pairs.len(),
            values,
            scale,
        )
        .row_labels(rows)
        .column_labels(columns)
        .row_axis("anchors")
        .column_axis("positives")
        .max_cell(CELL)
        .fit(vec2(width, HEIGHT.min(width.max(160.))))
        .square(true)
        .focus_row(row)
        .focus_column(column)
        .locked(locked.map(|pair| (pair, pair)))
        .tooltip(false)
        .show_values(true)
        .ui(ui, &mut self.texture)
    }
}

/// The row that is pointed at, here or elsewhere, in words; else the hardest one.
fn sentence(
    cx: &ViewContext<'_>,
    pairs: &Pairs,
    seen: &Seen,
    row: Option<usize>,
    cell: Option<(usize, usize)>,
) -> String {
    let quotes = |ids: &[TextId]| ids.iter().map(|&id| quote(cx, id)).collect::<Vec<_>>();
    let (anchor, positive) = pairs.place(cx.focus.text);
    let pointed = cell.map(|(row, _)| row).or(row).or(anchor).or(positive);
    let row = pointed.unwrap_or_else(|| words::hardest(&seen.contrast));
    let start = match pointed {
        Some(_) => "Row",
        None => "The hardest row,",
    };
    let names = pairs.names(cx);
    let (Some(name), Some(&id)) = (names.get(row), pairs.anchors().get(row)) else {
        return String::new();
    };
    let name = format!("{start} {name}, {},", quote(cx, id));
    let column = cell.map(|(_, column)| column);
    words::row(
        &seen.contrast,
        &name,
        row,
        column,
        &quotes(pairs.positives()),
    )
}

/// Which of the matrices is on view.
fn show_ui(ui: &mut Ui, seen: &Seen) -> Show {
    let mut show = kept_ui(ui, Show::default());
    let mut choices = vec![
        (
            Show::Logits,
            "cos/τ",
            "The cosines over the temperature: the logits",
        ),
        (
            Show::Softmax,
            "softmax",
            "The share of each row that each column gets",
        ),
        (
            Show::Columns,
            "softmax of columns",
            "The share of each column that each row gets",
        ),
        (
            Show::Gradient,
            "gradient",
            "∂loss/∂cosine: below 0 (the pair's own) pulled together, above 0 pushed apart",
        ),
    ];
    if seen.contrast.columns.is_none() {
        choices.retain(|(choice, ..)| *choice != Show::Columns);
    }
    ui.horizontal_wrapped(|ui| switch_ui(ui, &mut show, &choices));
    keep_ui(ui, show);
    match (show, &seen.contrast.columns) {
        (Show::Columns, None) => Show::Softmax,
        _ => show,
    }
}

/// Values [n, n], their scale and its name.
fn cells(seen: &Seen, show: Show) -> (Vec<f32>, Scale, &'static str) {
    let contrast = &seen.contrast;
    let single = |values: &[f64]| values.iter().map(|&x| x as f32).collect::<Vec<_>>();
    let tau = seen.loss.temperature;
    match (show, &contrast.columns) {
        (Show::Logits, _) => {
            let logits = contrast.cosines.iter().map(|cos| (cos / tau) as f32);
            let scale = Scale::signed((1. / tau) as f32);
            (logits.collect(), scale, "cos/τ")
        }
        (Show::Columns, Some(columns)) => (single(columns), Scale::amount(1.), "share of a column"),
        (Show::Softmax | Show::Columns, _) => {
            (single(&contrast.rows), Scale::amount(1.), "share of a row")
        }
        (Show::Gradient, _) => {
            let values = single(&contrast.gradient);
            let scale = Scale::signed_of(&values);
            (values, scale, "∂loss/∂cos")
        }
    }
}

/// Frames the pairs' own cells.
fn mark_diagonal(ui: &Ui, cells: Rect, n: usize, cx: &ViewContext<'_>) {
    let size = cells.size() / n.max(1) as f32;
    for i in 0..n {
        let corner = cells.min + size * i as f32;
        // Within its cell: the next pair's begins at this one's corner.
        let cell = Rect::from_min_size(corner, size).shrink(INSIDE.min(0.25 * size.x));
        outline(ui.painter(), cell, cx.theme);
    }
}

fn point(
    cx: &mut ViewContext<'_>,
    pairs: &Pairs,
    row: &Option<usize>,
    column: &Option<usize>,
    clicked: Option<(usize, usize)>,
) {
    let anchor = |row: usize| pairs.anchors().get(row).map(|&id| Focus::text(id));
    let positive = |column: usize| pairs.positives().get(column).map(|&id| Focus::text(id));
    let hovered = row.and_then(anchor).or_else(|| column.and_then(positive));
    cx.point(hovered, clicked.and_then(|(row, _)| anchor(row)));
}

/// Each row's loss as a bar beside its cells. Returns the row under the pointer.
fn losses_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    pairs: &Pairs,
    seen: &Seen,
    cells: Rect,
    size: Vec2,
) -> Option<usize> {
    let losses = &seen.contrast.losses;
    // No stop of the tab key: the rows are those of the matrix beside it, where the arrows walk.
    let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
    let pitch = cells.height() / losses.len().max(1) as f32;
    let all: Vec<String> = losses.iter().map(|&loss| number(loss)).collect();
    let name = format!("Loss of each row: {}", all.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), &name));
    let hovered = response.hover_pos().and_then(|pos| {
        let row = ((pos.y - cells.top()) / pitch).floor();
        (row >= 0. && (row as usize) < losses.len()).then_some(row as usize)
    });
    let focus = |row: usize| pairs.anchors().get(row).map(|&id| Focus::text(id));
    let clicked = hovered.filter(|_| response.clicked());
    cx.point(hovered.and_then(focus), clicked.and_then(focus));

    let painter = ui.painter_at(rect.expand(1.));
    let font = TextStyle::Small.resolve(ui.style());
    let marked = hovered.or(pairs.place(cx.focus.text).0);
    let head = pos2(rect.left() + FIGURE, cells.top() - SPACE_SMALL);
    painter.text(
        head,
        Align2::RIGHT_BOTTOM,
        "loss",
        font.clone(),
        cx.theme.secondary(),
    );
    let largest = losses.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let figures = egui::FontId::monospace(font.size);
    for (row, &loss) in losses.iter().enumerate() {
        let top = cells.top() + row as f32 * pitch;
        let band = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), pitch));
        let color = match marked == Some(row) {
            true => cx.theme.strong(),
            false => cx.theme.foreground(),
        };
        // Rows that are too low for a figure show it where they are pointed at.
        let room = pitch >= font.size + 2.;
        if room || marked == Some(row) {
            let at = pos2(rect.left() + FIGURE, band.center().y);
            painter.text(
                at,
                Align2::RIGHT_CENTER,
                number(loss),
                figures.clone(),
                color,
            );
        }
        let left = rect.left() + FIGURE + SPACE_SMALL;
        if left >= rect.right() {
            continue;
        }
        let width = (rect.right() - left) * (loss / largest) as f32;
        let height = (pitch - 2.).clamp(1., SPACE);
        let bar = Rect::from_min_size(
            pos2(left, band.center().y - 0.5 * height),
            vec2(width.max(1.), height),
        );
        painter.rect_filled(bar, 0., cx.theme.secondary());
    }
    hovered
}

/// A text in quotation marks, cut where it is long.
fn quote(cx: &ViewContext<'_>, id: TextId) -> String {
    cx.text(id)
        .map_or_else(String::new, |text| format!("“{}”", shorten(&text.text)))
}
