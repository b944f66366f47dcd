//! A less B: which paired tokens stand elsewhere, and what this model makes of it.

use std::sync::Arc;

use egui::{Ui, vec2};

use super::{heads_ui, layer_head};
use crate::analysis::difference::places::{added, distances, shifts};
use crate::analysis::difference::rows;
use crate::analysis::position::{Bias, Scheme};
use crate::app::export::table::cell;
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::model::Model;
use crate::tokens::Pairing;
use crate::trace::{EmbedSite, Site};
use crate::views::ViewContext;
use crate::views::difference::{Axis, Partners, RowsMap, Twin, three_values};
use crate::views::subject::{fresh_key, largest_of, legends_ui, note_ui, section_ui};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, counted};

const POSITION: Site = Site::Embed(EmbedSite::Position);

/// What differs, worked out once.
struct Made {
    twin: Twin,
    /// [P, D] of `embed.position`, where the model adds rows.
    table: Option<Map>,
    /// [P, P]
    distances: Map,
    /// [P, P], and what it is read from; where distances add a number to scores.
    added: Option<(Map, Bias)>,
}

struct Map {
    values: Vec<f32>,
    key: u64,
    scale: Scale,
}

impl Map {
    fn new(values: Vec<f32>) -> Self {
        Self {
            scale: Scale::signed_of(&values),
            key: fresh_key(),
            values,
        }
    }

    fn is_zero(&self) -> bool {
        largest_of(&self.values) == 0.
    }
}

impl Made {
    fn new(twin: Twin, model: &Model, head: usize) -> Self {
        let table = table(&twin).map(Map::new);
        let farthest = twin.traces.each_ref().map(|trace| trace.tokens.len());
        let bias = Bias::new(model, farthest[0].max(farthest[1]));
        let added = bias.map(|bias| (Map::new(added(&bias, head, &twin.pairing)), bias));
        Self {
            table,
            distances: Map::new(distances(&twin.pairing)),
            added,
            twin,
        }
    }
}

/// `embed.position` of A less that of B, [P, D]; none where the traces hold none.
fn table(twin: &Twin) -> Option<Vec<f32>> {
    let [a, b] = &twin.traces;
    rows(&a.values(POSITION)?, &b.values(POSITION)?, &twin.pairing)
}

#[derive(Default)]
pub(super) struct Difference {
    partners: Partners,
    /// (both passes, head)
    made: Derived<(u64, usize), Made>,
    textures: [HeatmapTexture; 3],
    /// What was painted last, for files.
    shown: Option<Arc<Made>>,
}

impl Difference {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        self.shown = None;
        let schemes = Scheme::all(cx.model.spec());
        if schemes.is_empty() {
            note_ui(ui, super::none_text(cx));
            return;
        }
        let Some(twin) = self.partners.twin_ui(ui, cx) else {
            return;
        };
        let (head, model) = (layer_head(cx).1, cx.model.clone());
        let key = (twin.key, head);
        let make = move |_: &_| Made::new(twin, &model, head);
        let Some(shown) = self.made.get(cx.engine, &key, make) else {
            note_ui(ui, "Subtracting…");
            return;
        };
        let (made, dimmed) = (shown.value, !shown.current);
        note_ui(ui, moved(&made.twin.pairing));
        if schemes.contains(&Scheme::Learned) {
            self.table_ui(ui, cx, &made, dimmed);
        }
        if schemes != [Scheme::Learned] {
            self.distances_ui(ui, cx, &made, &schemes, dimmed);
        }
        self.shown = Some(made);
    }

    fn table_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, made: &Made, dimmed: bool) {
        const NAME: &str = "embed.position, A − B, pairs × dimensions";
        section_ui(
            ui,
            Scheme::Learned.title(),
            "the row that A's token was given less the row that B's was",
        );
        let Some(map) = &made.table else {
            note_ui(ui, "The traces hold no rows of positions.");
            return;
        };
        if map.is_zero() {
            note_ui(
                ui,
                "Every pair has the same row, so there is nothing to subtract.",
            );
            return;
        }
        legends_ui(ui, &[(&map.scale, "A − B")]);
        let both = |side: usize, token: usize, dimension: usize| {
            let rows = made.twin.traces[side].values(POSITION);
            let value = rows.and_then(|rows| rows.at(&[token, dimension]));
            value.map_or(f64::NAN, f64::from)
        };
        let size = map.values.len() / made.twin.len().max(1);
        let map = RowsMap {
            twin: &made.twin,
            name: NAME,
            key: map.key,
            axis: Axis::Dimension,
            site: POSITION,
            values: &map.values,
            size,
            scale: map.scale,
            fit: vec2(ui.available_width(), height(&made.twin)),
            labels: true,
            dimmed,
            both: &both,
        };
        map.ui(ui, cx, &mut self.textures[0]);
    }

    fn distances_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        made: &Made,
        schemes: &[Scheme],
        dimmed: bool,
    ) {
        let about = "how far the key stands from the query in A, less how far in B";
        section_ui(ui, "Distances", about);
        if made.distances.is_zero() {
            note_ui(ui, alike(schemes));
            return;
        }
        legends_ui(ui, &[(&made.distances.scale, "places, A − B")]);
        let apart = |side: usize, [query, key]: [usize; 2]| {
            let pairs = &made.twin.pairing.pairs;
            pairs[key][side] as f64 - pairs[query][side] as f64
        };
        let name = "Distances of paired tokens, A − B";
        let map = Square {
            made,
            map: &made.distances,
            name,
            both: &apart,
            dimmed,
        };
        map.ui(ui, cx, &mut self.textures[1]);
        let Some((map, bias)) = &made.added else {
            note_ui(ui, what_for(schemes));
            return;
        };
        let head = layer_head(cx).1;
        section_ui(
            ui,
            "Added to the score",
            "what the chosen head adds for the distance in A, less for that in B",
        );
        heads_ui(ui, cx);
        if map.is_zero() {
            note_ui(
                ui,
                "This head adds the same to every pair of paired tokens.",
            );
            return;
        }
        legends_ui(ui, &[(&map.scale, "A − B")]);
        let value = |side: usize, pair: [usize; 2]| {
            let number = bias.at(head, apart(side, pair) as isize);
            number.map_or(f64::NAN, f64::from)
        };
        let name = "Added for distances of paired tokens, A − B";
        let map = Square {
            made,
            map,
            name,
            both: &value,
            dimmed,
        };
        map.ui(ui, cx, &mut self.textures[2]);
    }

    /// Where each pair stands.
    pub fn tsv(&self) -> Option<String> {
        let twin = &self.shown.as_ref()?.twin;
        let mut out = "token of A / B\tplace in A\tplace in B\tA − B\n".to_owned();
        let shifts = shifts(&twin.pairing);
        for (pair, ([i, j], shift)) in twin.pairing.pairs.iter().zip(shifts).enumerate() {
            let name = cell(&twin.token(pair));
            out += &format!("{name}\t{i}\t{j}\t{shift}\n");
        }
        Some(out)
    }

    pub fn arrays(&self) -> Vec<NamedArray> {
        let Some(made) = &self.shown else {
            return Vec::new();
        };
        let (count, names) = (made.twin.len(), &made.twin.pairing.labels);
        let array = |name: &str, map: &Map, columns: Vec<String>| {
            let shape = vec![count, map.values.len() / count.max(1)];
            let numbers = Numbers::Single(map.values.clone());
            NamedArray::new(name, shape, numbers).named(names.clone(), columns)
        };
        let table = made.table.iter();
        let table = table.map(|map| array("embed.position.a_minus_b", map, Vec::new()));
        let distances = array(
            "position.distance.a_minus_b",
            &made.distances,
            names.clone(),
        );
        let added = made.added.iter();
        let added = added.map(|(map, _)| array("position.added.a_minus_b", map, names.clone()));
        table.chain([distances]).chain(added).collect()
    }
}

/// A map of queries by keys, both of them pairs.
struct Square<'a> {
    made: &'a Made,
    map: &'a Map,
    name: &'a str,
    /// What A (0) and B (1) have at a query and a key.
    both: &'a dyn Fn(usize, [usize; 2]) -> f64,
    dimmed: bool,
}

impl Square<'_> {
    fn ui(&self, ui: &mut Ui, cx: &mut ViewContext<'_>, texture: &mut HeatmapTexture) {
        const HIGH: f32 = 420.;
        let twin = &self.made.twin;
        let (count, labels) = (twin.len(), &twin.pairing.labels);
        let [query, key] = twin.focused(cx.focus);
        let [locked_query, locked_key] = twin.focused(cx.state.locked);
        let side = ui.available_width().min(HIGH);
        let out = Heatmap::new(
            self.name,
            self.map.key,
            count,
            count,
            &self.map.values,
            self.map.scale,
        )
        .row_labels(labels)
        .column_labels(labels)
        .secondary_rows(&twin.pairing.special)
        .secondary_columns(&twin.pairing.special)
        .row_axis("query")
        .column_axis("key")
        .fit(vec2(side, side))
        .max_cell(32.)
        .focus_row(query)
        .focus_column(key)
        .locked(locked_query.zip(locked_key))
        .dimmed(self.dimmed)
        .tooltip(false)
        .ui(ui, texture);
        let focus = |(query, key): (usize, usize)| {
            let other = twin.pairing.pairs.get(key).map(|pair| pair[0]);
            Focus {
                other,
                ..twin.focus_on(query)
            }
        };
        if !self.dimmed {
            let row = out.hovered_row.map(|row| twin.focus_on(row));
            cx.point(out.hovered.map(focus).or(row), out.clicked.map(focus));
        }
        if let Some((query, key)) = out.hovered {
            let [a, b] = [0, 1].map(|side| (self.both)(side, [query, key]));
            let (from, to) = (twin.token(query), twin.token(key));
            let text = format!("{from} → {to}\n{}\n{}", three_values(a, b), self.name);
            out.response.on_hover_text_at_pointer(text);
        }
    }
}

/// `5 of 7 pairs stand at the same place; the others are up to 2 places apart.`
fn moved(pairing: &Pairing) -> String {
    let shifts = shifts(pairing);
    let still = shifts.iter().filter(|&&shift| shift == 0).count();
    let far = shifts.iter().map(|shift| shift.unsigned_abs()).max();
    match (shifts.len() - still, far.unwrap_or(0)) {
        (0, _) => "Every pair stands at the same place in both texts.".to_owned(),
        (others, far) => {
            let (verb, places) = (
                if others == 1 { "is" } else { "are" },
                counted(far, "place"),
            );
            let up_to = if others == 1 { "" } else { "up to " };
            format!(
                "{still} of {} stand at the same place in both texts; {others} {verb} {up_to}{places} further on or back.",
                counted(shifts.len(), "pair")
            )
        }
    }
}

/// Why there is nothing to show of distances.
fn alike(schemes: &[Scheme]) -> String {
    let what = match schemes.contains(&Scheme::Rotary) {
        true => "turned against each other",
        false => "told of their distance",
    };
    format!(
        "Every two pairs are as far apart in A as in B, and are {what} alike: this model's distances have nothing to subtract."
    )
}

/// What a distance does in a model that adds no plain number for it.
fn what_for(schemes: &[Scheme]) -> &'static str {
    match schemes.contains(&Scheme::Disentangled) {
        true => {
            "Content asks for a distance and a distance for content. Where the map is 0 both texts ask for the same; how much it counts depends on the tokens."
        }
        false => {
            "Queries and keys are turned by their distance. Where the map is 0 both texts turn a pair alike, wherever it stands."
        }
    }
}

fn height(twin: &Twin) -> f32 {
    // The axis has its captions below.
    (18. * twin.len() as f32 + 40.).clamp(58., 420.)
}
