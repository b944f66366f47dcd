//! One head's difference large: pairs of tokens by pairs of tokens.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use egui::{RichText, Ui, vec2};

use super::Scene;
use crate::analysis::attention::{Map, Who, Window, finite_reach, largest, seen_rows};
use crate::analysis::difference;
use crate::app::export::NamedArray;
use crate::app::export::array::Numbers;
use crate::app::state::Focus;
use crate::cancel::Cancel;
use crate::engine::Derived;
use crate::model::Model;
use crate::trace::Site;
use crate::views::ViewContext;
use crate::views::attention::average::Over;
use crate::views::attention::head::{EASY, LABELS, NAMES, TALLEST, span};
use crate::views::attention::lens::{CELLS, Lens};
use crate::views::attention::{Options, title_ui};
use crate::views::difference::{Twin, three_values};
use crate::views::recorded::{Memo, key_of};
use crate::views::subject::{beyond_note, note_ui};
use crate::widgets::theme::number;
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui};

/// What a part is of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    twin: u64,
    layer: usize,
    over: Over,
    who: Who,
    map: Map,
    ranges: [Range<usize>; 2],
}

/// Part of a difference with the texts that it is of: labels and values change together.
struct Drawn {
    twin: Twin,
    key: Key,
    window: Option<Window>,
    /// Why there is none.
    problem: Option<String>,
    reach: f32,
    largest: f32,
    labels: [Vec<String>; 2],
    special: [Vec<bool>; 2],
}

impl Drawn {
    fn new(model: &Model, mut twin: Twin, key: Key, cancel: &Cancel) -> Self {
        let mut problem = None;
        if key.over == Over::Layers {
            for trace in &mut twin.traces {
                match model.whole(trace, cancel) {
                    Ok(Cow::Owned(whole)) => *trace = Arc::new(whole),
                    Ok(Cow::Borrowed(_)) => {}
                    Err(error) => problem = Some(error.to_string()),
                }
            }
        }
        let traces = [&*twin.traces[0], &*twin.traces[1]];
        let of = (&key.who, key.map);
        let (pairing, ranges) = (&twin.pairing, key.ranges.clone());
        let window = match problem {
            Some(_) => None,
            None => difference::window(traces, of, pairing, ranges, CELLS, cancel),
        };
        let values = window.as_ref().map_or(&[][..], |window| &window.values);
        let (reach, largest) = (finite_reach(values), largest(values));
        let pairs = |axis: usize| {
            let window = window.as_ref();
            let cells = window.map_or(0, |window| window.cells[axis]);
            (0..cells).filter_map(move |cell| Some(window?.tokens_of(axis, cell)))
        };
        let label = |range: Range<usize>| match range.len() {
            0 | 1 => pairing.labels.get(range.start).cloned().unwrap_or_default(),
            _ => span(&range),
        };
        let special = |range: Range<usize>| range.clone().all(|pair| pairing.special[pair]);
        Self {
            reach,
            largest,
            labels: [0, 1].map(|axis| pairs(axis).map(label).collect()),
            special: [0, 1].map(|axis| pairs(axis).map(special).collect()),
            window,
            problem,
            twin: twin.clone(),
            key,
        }
    }

    fn site(&self) -> Site {
        Site::Layer(self.key.layer, self.key.map.site())
    }

    /// A's tokens of a query and a key, with B's query across.
    fn focus(&self, query: usize, key: usize) -> Focus {
        Focus {
            other: self.twin.focus_on(key).token,
            site: (self.key.map != Map::Pattern).then_some(self.site()),
            ..self.twin.focus_on(query)
        }
    }

    /// One cell of each text.
    fn values(&self, query: usize, key: usize) -> [f64; 2] {
        let (pairs, cancel) = (&self.twin.pairing.pairs, Cancel::new());
        [0, 1].map(|side: usize| {
            let [query, key] = [pairs[query][side], pairs[key][side]];
            let (trace, of) = (&self.twin.traces[side], &self.key);
            let row = seen_rows(trace, &of.who, of.map, query..query + 1, &cancel);
            row.map_or(f64::NAN, |row| row[key].into())
        })
    }
}

#[derive(Default)]
pub(super) struct DifferenceMap {
    texture: HeatmapTexture,
    drawn: Derived<Key, Drawn>,
    lens: Lens,
    /// Both values of the cell that is pointed at.
    cell: Memo<u64, [f64; 2]>,
    /// What was painted last, for files.
    shown: Option<Arc<Drawn>>,
}

impl DifferenceMap {
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// `most` is how far the colours reach where all heads have the same.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        scene: &Scene,
        options: &Options,
        most: Option<f32>,
    ) {
        let twin = &scene.twin;
        self.lens.over(twin.key, twin.len());
        let key = Key {
            twin: twin.key,
            layer: scene.layer,
            over: options.over,
            who: scene.who(options),
            map: options.map,
            ranges: self.lens.ranges(),
        };
        let (of, made, model) = (twin.clone(), key.clone(), cx.model.clone());
        let make = move |cancel: &_| Drawn::new(&model, of, made, cancel);
        let Some(shown) = self.drawn.get(cx.engine, &key, make) else {
            note_ui(ui, "The map is being drawn…");
            return;
        };
        let scale = Scale::signed(match (options.relative, options.map) {
            (true, _) => shown.value.reach,
            (false, Map::Pattern) => 1.0,
            (false, _) => most.unwrap_or(shown.value.largest),
        });
        let name = scene.name(options);
        title_ui(ui, &name, |ui| {
            let site = RichText::new(options.over.site(scene.layer, options.map));
            ui.label(site.monospace().small().color(cx.theme.secondary()));
        });
        if let Some(problem) = &shown.value.problem {
            note_ui(ui, problem);
            return;
        }
        legend_ui(ui, &scale, "A − B");
        self.map_ui(ui, cx, (&shown.value, &name, scale), !shown.current);
        if let Some(beyond) = beyond_note(&scale, shown.value.largest) {
            note_ui(ui, beyond);
        }
        note_ui(ui, about(options.map));
        self.shown = Some(shown.value);
    }

    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (drawn, name, scale): (&Drawn, &str, Scale),
        stale: bool,
    ) {
        let Some(window) = &drawn.window else { return };
        let twin = &drawn.twin;
        let locked = twin.focused(cx.locked);
        let locked = locked[0].zip(locked[1]);
        let parts = twin.len() > EASY || !self.lens.is_whole();
        if parts {
            self.lens.controls_ui(ui, locked.map(|(q, k)| [q, k]));
        }
        let [query, key] = twin.focused(cx.focus);
        let width = ui.available_width();
        let [rows, columns] = window.cells;
        let cell = |axis, pair: Option<usize>| window.cell_of(axis, pair?);
        let id = key_of(&drawn.key);
        let out = Heatmap::new(name, id, rows, columns, &window.values, scale)
            .row_labels(&drawn.labels[0])
            .column_labels(&drawn.labels[1])
            .secondary_rows(&drawn.special[0])
            .secondary_columns(&drawn.special[1])
            .row_axis("query reads")
            .column_axis("from key")
            .fit(vec2(width, TALLEST.min(width.max(240.0) + LABELS)))
            .focus_row(cell(0, query))
            .focus_column(cell(1, key))
            .locked(locked.and_then(|(q, k)| cell(0, Some(q)).zip(cell(1, Some(k)))))
            .dimmed(stale)
            .draggable(!self.lens.is_whole())
            .label_room(parts.then_some(NAMES))
            .tooltip(false)
            .ui(ui, &mut self.texture);
        let single = |axis, cell| Some(window.tokens_of(axis, cell)).filter(|r| r.len() == 1);
        let pair_at = |(row, column)| Some((single(0, row)?.start, single(1, column)?.start));
        let focus = |cell| pair_at(cell).map(|(query, key)| drawn.focus(query, key));
        if !stale {
            cx.point(out.hovered.and_then(focus), out.clicked.and_then(focus));
            if let Some(cell) = out.clicked.filter(|&cell| focus(cell).is_none()) {
                self.lens.enter(window, cell);
            }
            if out.hovered.is_none()
                && let Some(row) = out.hovered_row.and_then(|row| single(0, row))
            {
                cx.hover(twin.focus_on(row.start));
            }
        }
        if let Some(cells) = out.cells {
            self.lens.pointer(&out.response, cells, out.room);
        }
        if let Some((row, column)) = out.hovered {
            let text = match pair_at((row, column)) {
                Some(pair) => self.hover_text(drawn, name, pair),
                None => {
                    let value = window.values.get(row * columns + column);
                    let value = number(value.map_or(f64::NAN, |&v| v.into()));
                    let [q, k] = [window.tokens_of(0, row), window.tokens_of(1, column)];
                    let (q, k) = (span(&q), span(&k));
                    format!(
                        "pairs {q} read pairs {k}\nlargest of them {value}\nclick to look closer"
                    )
                }
            };
            out.response.on_hover_text_at_pointer(text);
        }
    }

    fn hover_text(&mut self, drawn: &Drawn, name: &str, (query, key): (usize, usize)) -> String {
        let memo = key_of((&drawn.key, query, key));
        let [a, b] = *self.cell.get(memo, || drawn.values(query, key));
        let twin = &drawn.twin;
        let values = match a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
            true => "hidden by the mask in one of the texts".to_owned(),
            false => three_values(a, b),
        };
        let (query, key) = (twin.token(query), twin.token(key));
        format!(
            "{query} reads from {key}\n{values}\n{name}: {}",
            drawn.key.over.site(drawn.key.layer, drawn.key.map)
        )
    }

    /// The values that are shown, by the names of their pairs.
    pub fn array(&self) -> Option<NamedArray> {
        let drawn = self.shown.as_ref()?;
        let window = drawn.window.as_ref()?;
        let key = &drawn.key;
        let who = match key.who.heads() {
            [(_, head)] => head.to_string(),
            _ => "mean".to_owned(),
        };
        let site = key.over.site(key.layer, key.map).replace('*', "all");
        let name = format!("{site}.{who}.a_minus_b");
        let numbers = Numbers::Single(window.values.clone());
        let [rows, columns] = drawn.labels.clone();
        Some(NamedArray::new(name, window.cells.to_vec(), numbers).named(rows, columns))
    }
}

fn about(map: Map) -> &'static str {
    match map {
        Map::Pattern => {
            "Above 0 where a token of A gives its key more weight than their partners in B do. Tokens without a partner take their weight with them, so rows need not add up to 0."
        }
        _ => "Above 0 where the value in A is larger than that of the same two partners in B.",
    }
}
