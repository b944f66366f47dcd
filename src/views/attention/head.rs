//! One head large: queries by keys, with the sum of the row that is pointed at.

use std::ops::Range;
use std::sync::Arc;

use egui::{RichText, Ui, vec2};

use super::average::{Chosen, Large, Over};
use super::leaders::Leaders;
use super::lens::{CELLS, Lens};
use super::{Options, Scene, ViewContext, head_name, title_ui};
use crate::analysis::attention::{
    Map, Who, Window, finite_reach, largest, row_sum, seen_rows, why_hidden,
};
use crate::app::export::NamedArray;
use crate::app::export::array::Numbers;
use crate::app::state::Focus;
use crate::cancel::Cancel;
use crate::engine::Derived;
use crate::trace::Site;
use crate::views::recorded::{Memo, Recorded, key_of};
use crate::views::subject::{beyond_note, note_ui};
use crate::widgets::theme::{Theme, number};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui};

/// The tallest that the map grows.
pub(super) const TALLEST: f32 = 720.0;
/// The room that column labels and the caption may take beyond a square.
pub(super) const LABELS: f32 = 96.0;
/// The room for labels beside a part of a map, whichever labels that part has: what a part shows is where it
/// was while the map is moved.
pub(super) const NAMES: f32 = 80.0;
/// Rows that sum to 1 no better than this are pointed out.
const TOLERANCE: f64 = 1e-5;
/// Texts of more tokens than this have the controls of a part from the start.
pub(super) const EASY: usize = 96;

/// Part of a map, with the text that it is of: labels and values change together.
struct Drawn {
    large: Large,
    key: Key,
    window: Option<Window>,
    /// Of a mean.
    leaders: Option<Leaders>,
    /// How far the colours reach, and the largest magnitude.
    reach: f32,
    largest: f32,
    labels: [Vec<String>; 2],
    special: [Vec<bool>; 2],
}

/// What a part is of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    text: u64,
    layer: usize,
    who: Who,
    map: Map,
    ranges: [Range<usize>; 2],
}

impl Drawn {
    fn new(large: Large, key: Key, cancel: &Cancel) -> Self {
        let text = &large.text;
        let of = (&key.who, key.map);
        let window = Window::new(&text.trace, of, key.ranges.clone(), CELLS, cancel);
        let values = window.as_ref().map_or(&[][..], |window| &window.values);
        let (reach, largest) = (finite_reach(values), largest(values));
        let tokens = |axis: usize| {
            let cells = window.as_ref().map_or(0, |window| window.cells[axis]);
            let window = window.as_ref();
            (0..cells).filter_map(move |cell| Some(window?.tokens_of(axis, cell)))
        };
        let label = |range: Range<usize>| match range.len() {
            0 | 1 => text.labels.get(range.start).cloned().unwrap_or_default(),
            _ => format!("{}–{}", range.start, range.end - 1),
        };
        let special = |range: Range<usize>| {
            let all = &text.trace.tokens.special;
            range.clone().all(|t| all[t])
        };
        Self {
            reach,
            largest,
            labels: [0, 1].map(|axis| tokens(axis).map(label).collect()),
            special: [0, 1].map(|axis| tokens(axis).map(special).collect()),
            leaders: window
                .as_ref()
                .and_then(|w| Leaders::new(&large, key.map, w, cancel)),
            window,
            key,
            large,
        }
    }
}

#[derive(Default)]
pub(super) struct Head {
    texture: HeatmapTexture,
    drawn: Derived<Key, Drawn>,
    lens: Lens,
    /// What was painted last, for files.
    shown: Option<Arc<Drawn>>,
    /// The weights of the row that is pointed at, [T].
    row: Memo<u64, Vec<f32>>,
}

impl Head {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        scene: &Scene,
        options: &Options,
        chosen: &Chosen,
    ) {
        self.lens.over(scene.text.key, scene.text.tokens());
        let shown = match chosen {
            Chosen::Now(large) => {
                let key = Key {
                    text: scene.text.key,
                    layer: scene.layer,
                    who: large.who.clone(),
                    map: options.map,
                    ranges: self.lens.ranges(),
                };
                let (large, made) = (Large::clone(large), key.clone());
                let make = move |cancel: &_| Drawn::new(large, made, cancel);
                self.drawn.get(cx.engine, &key, make)
            }
            Chosen::Coming(_) => self.drawn.last(),
            Chosen::Never(why) => {
                note_ui(ui, why);
                return;
            }
        };
        let Some(shown) = shown else {
            let what = match chosen {
                Chosen::Coming(what) => what,
                _ => "The map is being drawn…",
            };
            note_ui(ui, what);
            return;
        };
        let stale = !shown.current;
        self.shown = Some(shown.value.clone());
        if let Some(window) = &shown.value.window {
            self.map_ui(ui, cx, scene, options, (&shown.value, window, stale));
        }
    }

    /// The mean as it is shown, by the names of its tokens; none for one head.
    pub fn mean(&self) -> Option<NamedArray> {
        let drawn = self.shown.as_ref()?;
        let window = drawn.window.as_ref()?;
        let large = &drawn.large;
        let count = large.who.heads().len();
        let mut name = format!("{}.mean_of_{count}", large.site.replace('*', "all"));
        if let Some(kind) = large.kind {
            // Two kinds may have as many heads.
            name.push_str(&format!("_{}", kind.title().replace('/', "_")));
        }
        let numbers = Numbers::Single(window.values.clone());
        let [rows, columns] = drawn.labels.clone();
        let array = NamedArray::new(name, window.cells.to_vec(), numbers);
        (large.over != Over::One).then(|| array.named(rows, columns))
    }

    /// What is drawn differs from the scene while it is `stale`.
    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        scene: &Scene,
        options: &Options,
        (drawn, window, stale): (&Drawn, &Window, bool),
    ) {
        let (large, text) = (&drawn.large, &drawn.large.text);
        let scale = scale_of(options, scene, drawn.reach);
        let quantity = (drawn.key.layer, &drawn.key.who, drawn.key.map);
        let quantity = ("attention head", quantity, options.relative);
        let scale = cx.common_scale(ui, quantity, scale);
        let name = &large.name;
        title_ui(ui, name, |ui| {
            ui.label(
                RichText::new(&large.site)
                    .monospace()
                    .small()
                    .color(cx.theme.secondary()),
            );
            legend_ui(ui, &scale, "");
        });
        let locked = locked_cell(text, cx);
        let parts = text.tokens() > EASY || !self.lens.is_whole();
        if parts {
            self.lens.controls_ui(ui, locked);
        }
        let (query, key_token) = text.focused(cx.focus);
        let width = ui.available_width();
        let [rows, columns] = window.cells;
        let cell = |axis, token: Option<usize>| window.cell_of(axis, token?);
        let leaders = drawn.leaders.as_ref();
        let key = key_of(&drawn.key);
        let heatmap = Heatmap::new(name, key, rows, columns, &window.values, scale)
            .cell_notes(leaders.map_or(&[], |leaders| &leaders.notes))
            .row_labels(&drawn.labels[0])
            .column_labels(&drawn.labels[1])
            .secondary_rows(&drawn.special[0])
            .secondary_columns(&drawn.special[1])
            .row_axis("query reads")
            .column_axis("from key")
            .fit(vec2(width, TALLEST.min(width.max(240.0) + LABELS)))
            .focus_row(cell(0, query))
            .focus_column(cell(1, key_token))
            .locked(locked.and_then(|[q, k]| cell(0, Some(q)).zip(cell(1, Some(k)))))
            .dimmed(stale)
            .draggable(!self.lens.is_whole())
            .label_room(parts.then_some(NAMES))
            .tooltip(false);
        let out = heatmap.ui(ui, &mut self.texture);
        let single = |axis, cell| Some(window.tokens_of(axis, cell)).filter(|r| r.len() == 1);
        let focus = |(row, column): (usize, usize)| {
            let pair = single(0, row).zip(single(1, column));
            pair.map(|(q, k)| map_focus(text, &drawn.key, q.start, k.start))
        };
        if !stale {
            cx.point(out.hovered.and_then(focus), out.clicked.and_then(focus));
            // A cell of many tokens is no token pair: it leads to what it stands for.
            if let Some(cell) = out.clicked.filter(|&cell| focus(cell).is_none()) {
                self.lens.enter(window, cell);
            }
            if out.hovered.is_none()
                && let Some(row) = out.hovered_row.and_then(|row| single(0, row))
            {
                cx.hover(Focus::token(text.id, row.start));
            }
        }
        if let Some(cells) = out.cells {
            self.lens.pointer(&out.response, cells, out.room);
        }
        if let Some((row, column)) = out.hovered {
            let value = window.values.get(row * columns + column);
            let value = value.map_or(f64::NAN, |&v| v.into());
            let cell = [window.tokens_of(0, row), window.tokens_of(1, column)];
            let hover = hover_text(scene, drawn, cell, value);
            out.response.on_hover_text_at_pointer(hover);
        }
        if let Some(leaders) = leaders {
            note_ui(ui, &leaders.told);
        }
        if let Some(beyond) = beyond_note(&scale, drawn.largest) {
            note_ui(ui, beyond);
        }
        let hovered = out.hovered_row.and_then(|row| single(0, row));
        let row = hovered.map(|range| range.start).or(query);
        self.row_ui(ui, options, drawn, row);
    }

    /// The sum of one row, which must be 1 for a pattern; a line of the same height without one.
    fn row_ui(&mut self, ui: &mut Ui, options: &Options, drawn: &Drawn, row: Option<usize>) {
        let theme = Theme::of(ui);
        let quiet = |text: String| RichText::new(text).small().color(theme.secondary());
        let (Some(row), Map::Pattern) = (row, options.map) else {
            let hint = match options.map {
                Map::Pattern => "Point at a row for its sum: the weights of one query add up to 1.",
                Map::Scores => {
                    "Scores have no fixed sum; the softmax of a row is the pattern's row."
                }
                Map::Content => "Content, position and mask together are the scores.",
                Map::Position => "Added to the content of the same pair of tokens.",
            };
            ui.horizontal_wrapped(|ui| ui.label(quiet(hint.to_owned())));
            return;
        };
        let (text, key) = (&drawn.large.text, &drawn.key);
        let make = || {
            let cancel = Cancel::new();
            let found = seen_rows(&text.trace, &key.who, key.map, row..row + 1, &cancel);
            let weights = found.unwrap_or_default().into_iter();
            weights.map(|w| w.max(0.0)).collect() // Hidden ones are 0.
        };
        let sum = row_sum(self.row.get(key_of((key, row)), make));
        ui.horizontal_wrapped(|ui| {
            ui.label(quiet(format!("Row of {}", text.token(row))));
            let line = format!("Σ {}   Σ − 1 = {}", number(sum), number(sum - 1.0));
            let color = match (sum - 1.0).abs() <= TOLERANCE {
                true => theme.foreground(),
                false => theme.error(),
            };
            let line = RichText::new(line).monospace().small().color(color);
            ui.label(line).on_hover_text(format!("{sum:?}"));
        });
    }
}

fn locked_cell(text: &Recorded, cx: &ViewContext<'_>) -> Option<[usize; 2]> {
    let (query, key) = text.focused(cx.locked);
    Some([query?, key?])
}

pub(super) fn cell_focus(text: &Recorded, query: usize, key: usize) -> Focus {
    Focus {
        other: Some(key),
        ..Focus::token(text.id, query)
    }
}

/// A cell of the map that is shown: of scores, say, and not of weights.
fn map_focus(text: &Recorded, key: &Key, query: usize, other: usize) -> Focus {
    let site = Site::Layer(key.layer, key.map.site());
    Focus {
        site: (key.map != Map::Pattern).then_some(site),
        ..cell_focus(text, query, other)
    }
}

fn scale_of(options: &Options, scene: &Scene, reach: f32) -> Scale {
    match (options.map, options.relative) {
        (Map::Pattern, true) => Scale::amount(reach),
        (Map::Pattern, false) => Scale::amount(1.0),
        (Map::Content | Map::Position, _) | (Map::Scores, true) => Scale::signed(reach),
        (Map::Scores, false) => {
            let all = scene.summaries();
            let all = all.map(|all| {
                all.iter()
                    .fold(0.0_f32, |most, s| most.max(s.largest_score))
            });
            Scale::signed(all.unwrap_or(reach))
        }
    }
}

fn hover_text(
    scene: &Scene,
    drawn: &Drawn,
    [queries, keys]: [Range<usize>; 2],
    value: f64,
) -> String {
    let (query, key) = (queries.start, keys.start);
    let (large, text) = (&drawn.large, &drawn.large.text);
    let site = &large.site;
    if queries.len() > 1 || keys.len() > 1 {
        return format!(
            "queries {} read keys {}\nlargest of them {}\n{site}\nclick to look closer",
            span(&queries),
            span(&keys),
            number(value)
        );
    }
    let hidden = why_hidden(scene.mask, query, key).filter(|_| value == f64::NEG_INFINITY);
    let value = hidden.unwrap_or_else(|| number(value));
    let leader = drawn.leaders.as_ref();
    let leader = leader.and_then(|leaders| leaders.of(query, key));
    let most = leader.map_or_else(String::new, |(layer, head)| {
        format!("\nmost from {}", head_name(layer, head))
    });
    format!(
        "{} reads from {}\n{value}{most}\n{}: {}",
        text.token(query),
        text.token(key),
        large.name,
        large.index(query, key),
    )
}

pub(super) fn span(range: &Range<usize>) -> String {
    match range.len() {
        1 => range.start.to_string(),
        _ => format!("{}–{}", range.start, range.end - 1),
    }
}
