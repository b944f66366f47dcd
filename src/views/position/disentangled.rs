//! Disentangled attention: what distances ask of content and content of distances.

use std::sync::Arc;

use egui::{Ui, vec2};

use super::curve::{Curve, signed};
use super::{heads_ui, layer_head, layers_ui};
use crate::analysis::position::Terms;
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::trace::{LayerSite, Site};
use crate::views::ViewContext;
use crate::views::recorded::Recorded;
use crate::views::subject::{fresh_key, note_ui};
use crate::widgets::{Heatmap, HeatmapTexture, SPACE, Scale, legend_ui, number};

/// The terms with the text that they are of.
struct Drawn {
    text: Recorded,
    at: (usize, usize),
    terms: Terms,
    scale: Scale,
    /// Names the terms for textures: c2p, p2c, sum.
    keys: [u64; 3],
}

#[derive(Default)]
pub(super) struct Apart {
    drawn: Derived<(u64, usize, usize), Option<Drawn>>,
    textures: [HeatmapTexture; 3],
    shown: Option<Arc<Option<Drawn>>>,
}

impl Apart {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, text: &Recorded) {
        layers_ui(ui, cx);
        heads_ui(ui, cx);
        buckets_ui(ui, cx, text.tokens());
        let (layer, head) = layer_head(cx);
        let (model, own) = (cx.model.clone(), text.clone());
        let make = move |cancel: &_| {
            let terms = Terms::new(&model, &own.trace, layer, head, cancel)?;
            let all = [&terms.by_content, &terms.by_position];
            let all = all.into_iter().flatten().flatten().chain(&terms.sum);
            let values: Vec<f32> = all.copied().collect();
            Some(Drawn {
                scale: Scale::signed_of(&values),
                keys: [fresh_key(), fresh_key(), fresh_key()],
                at: (layer, head),
                text: own,
                terms,
            })
        };
        let key = (text.key, layer, head);
        let Some(drawn) = self.drawn.get(cx.engine, &key, make) else {
            note_ui(ui, "Working out the terms…");
            return;
        };
        self.shown = Some(drawn.value.clone());
        let Some(shown) = &*drawn.value else {
            note_ui(ui, "The rows for distances cannot be read.");
            return;
        };
        ui.scope(|ui| {
            if !drawn.current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            maps_ui(ui, cx, shown, &mut self.textures);
        });
    }

    pub fn tsv(&self) -> Option<String> {
        let shown = self.shown.as_ref()?.as_ref().as_ref()?;
        let (terms, (layer, head)) = (&shown.terms, shown.at);
        let mut out = String::from("layer\thead\tquery\tkey\tc2p\tp2c\tsum\n");
        let at = |term: &Option<Vec<f32>>, cell: usize| {
            term.as_ref().map_or(String::new(), |t| t[cell].to_string())
        };
        for (cell, sum) in terms.sum.iter().enumerate() {
            let (query, key) = (cell / terms.tokens, cell % terms.tokens);
            let (c2p, p2c) = (at(&terms.by_content, cell), at(&terms.by_position, cell));
            out += &format!(
                "{}\t{}\t{query}\t{key}\t{c2p}\t{p2c}\t{sum}\n",
                layer + 1,
                head + 1
            );
        }
        Some(out)
    }

    /// The terms of the shown head, [T, T].
    pub fn arrays(&self) -> Vec<NamedArray> {
        let Some(shown) = self.shown.as_deref().and_then(Option::as_ref) else {
            return Vec::new();
        };
        let (terms, labels) = (&shown.terms, &shown.text.labels);
        let all = [
            ("sum", Some(&terms.sum)),
            ("c2p", terms.by_content.as_ref()),
            ("p2c", terms.by_position.as_ref()),
        ];
        let (layer, head) = shown.at;
        let array = |(name, values): (&str, Option<&Vec<f32>>)| {
            let numbers = Numbers::Single(values?.clone());
            let name = format!("layer.{layer}.score_position.{head}.{name}");
            let array = NamedArray::new(name, vec![terms.tokens, terms.tokens], numbers);
            Some(array.named(labels.to_vec(), labels.to_vec()))
        };
        all.into_iter().filter_map(array).collect()
    }
}

/// The row of the relative table for each distance, as steps.
fn buckets_ui(ui: &mut Ui, cx: &ViewContext<'_>, tokens: usize) {
    let Some(spec) = cx.model.spec().disentangled else {
        return;
    };
    let n = tokens.saturating_sub(1).max(1) as isize;
    let rows: Vec<usize> = (-n..=n).map(|d| spec.row(-d)).collect();
    let values: Vec<f32> = rows.iter().map(|&row| row as f32).collect();
    let pairs = rows.windows(2).enumerate();
    let borders: Vec<usize> = pairs
        .filter(|(_, pair)| pair[0] != pair[1])
        .map(|(i, _)| i + 1)
        .collect();
    let how = match spec.farthest {
        Some(farthest) => format!(
            "single up to {}, then logarithmic up to {farthest}",
            spec.buckets / 2
        ),
        None => "cut off at its ends".to_owned(),
    };
    let about = format!(
        "Row of the relative table (0–{}) for each distance: {how}.",
        2 * spec.buckets - 1
    );
    note_ui(ui, about);
    let curve = Curve {
        name: "Row of the relative table against distance",
        values: &values,
        marked: None,
        borders: &borders,
    };
    curve.ui(ui, cx, |distance, row| {
        let distance = signed(distance);
        format!("key − query = {distance}\nrow {row} of the relative table")
    });
    ui.add_space(SPACE);
}

fn maps_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    shown: &Drawn,
    textures: &mut [HeatmapTexture; 3],
) {
    let (terms, (layer, head)) = (&shown.terms, shown.at);
    let site = Site::Layer(layer, LayerSite::ScorePosition);
    let residual = number(terms.residual);
    note_ui(
        ui,
        format!("Residual max |c2p + p2c − {site}[{head}, ·, ·]| = {residual}"),
    );
    let quantity = ("position disentangled", shown.at);
    let scale = cx.common_scale(ui, quantity, shown.scale);
    legend_ui(ui, &scale, "added to the score");
    let maps = [
        (
            "c2p: content asks for a distance",
            terms.by_content.as_deref(),
        ),
        (
            "p2c: a distance asks for content",
            terms.by_position.as_deref(),
        ),
        ("sum: score_position", Some(&*terms.sum)),
    ];
    let maps: Vec<_> = maps
        .into_iter()
        .enumerate()
        .filter_map(|(i, (title, values))| Some((i, title, values?)))
        .collect();
    let width = ui.available_width();
    let columns = if width >= 560.0 { maps.len() } else { 1 };
    let room = (width - SPACE * (columns - 1) as f32) / columns as f32;
    for line in maps.chunks(columns) {
        ui.horizontal_top(|ui| {
            for &(index, title, values) in line {
                ui.vertical(|ui| {
                    ui.set_width(room);
                    note_ui(ui, title);
                    let what = ((index, title), values, scale);
                    map_ui(ui, cx, shown, what, room, &mut textures[index]);
                });
            }
        });
    }
}

fn map_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    shown: &Drawn,
    ((index, title), values, scale): ((usize, &str), &[f32], Scale),
    room: f32,
    texture: &mut HeatmapTexture,
) {
    let (text, tokens) = (&shown.text, shown.terms.tokens);
    let (query, key) = text.focused(cx.focus);
    let locked = text.focused(cx.locked);
    let special = &text.trace.tokens.special;
    let out = Heatmap::new(title, shown.keys[index], tokens, tokens, values, scale)
        .row_labels(&text.labels)
        .column_labels(&text.labels)
        .secondary_rows(special)
        .secondary_columns(special)
        .fit(vec2(room, room + 64.0))
        .focus_row(query)
        .focus_column(key)
        .locked(locked.0.zip(locked.1))
        .ui(ui, texture);
    let focus = |(query, key)| Focus {
        other: Some(key),
        site: Some(Site::Layer(cx.layer(), LayerSite::ScorePosition)),
        ..Focus::token(text.id, query)
    };
    cx.point(out.hovered.map(focus), out.clicked.map(focus));
}
