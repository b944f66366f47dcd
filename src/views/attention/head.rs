//! One head large: queries by keys, with the sum of the row that is pointed at.

use std::sync::Arc;

use egui::{RichText, Ui, vec2};

use super::{Options, Scene, ViewContext, title_ui};
use crate::analysis::attention::{
    Map, finite_reach, largest, mean_over_heads, row_sum, seen, why_hidden,
};
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::views::recorded::{Memo, Recorded, key_of};
use crate::views::subject::{beyond_note, note_ui};
use crate::widgets::theme::{Theme, number};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui};

/// The tallest that the map grows.
const TALLEST: f32 = 720.0;
/// The room that column labels and the caption may take beyond a square.
const LABELS: f32 = 96.0;
/// Rows that sum to 1 no better than this are pointed out.
const TOLERANCE: f64 = 1e-5;

/// The mean over heads, with the text that it is of: labels and values change together.
struct Mean {
    text: Recorded,
    layer: usize,
    map: Map,
    values: Option<Vec<f32>>,
}

#[derive(Default)]
pub(super) struct Head {
    texture: HeatmapTexture,
    mean: Derived<(u64, usize, Map), Mean>,
    /// The chosen head's map with what the mask hides, [T, T].
    one: Memo<u64, Option<Arc<[f32]>>>,
    /// How far the colours reach, and the largest magnitude.
    range: Memo<u64, (f32, f32)>,
}

impl Head {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene, options: &Options) {
        if !options.mean {
            let text = &scene.text;
            let key = key_of((text.key, scene.layer, scene.head, options.map));
            let make = || seen(&text.trace, scene.layer, scene.head, options.map);
            let values = self.one.get(key, || make().map(Arc::from)).clone();
            if let Some(values) = values {
                self.map_ui(ui, cx, scene, options, text, (key, &values, false));
            }
            return;
        }
        let Some(mean) = self.mean_of(cx, scene, options.map) else {
            return;
        };
        let key = key_of((mean.text.key, mean.layer, mean.map, "mean"));
        let stale =
            (mean.text.key, mean.layer, mean.map) != (scene.text.key, scene.layer, options.map);
        if let Some(values) = &mean.values {
            self.map_ui(ui, cx, scene, options, &mean.text, (key, values, stale));
        }
    }

    fn mean_of(&mut self, cx: &ViewContext<'_>, scene: &Scene, map: Map) -> Option<Arc<Mean>> {
        let (text, layer) = (scene.text.clone(), scene.layer);
        let key = (text.key, layer, map);
        let make = move |cancel: &_| Mean {
            values: mean_over_heads(&text.trace, layer, map, cancel),
            text,
            layer,
            map,
        };
        Some(self.mean.get(cx.engine, &key, make)?.value)
    }

    /// `values` `[T, T]` of `text`, which differs from the scene's while those are `stale`.
    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        scene: &Scene,
        options: &Options,
        text: &Recorded,
        (key, values, stale): (u64, &[f32], bool),
    ) {
        let range = || (finite_reach(values), largest(values));
        let (reach, most) = *self.range.get(key, range);
        let scale = scale_of(options, scene, reach);
        let name = scene.name(options);
        title_ui(ui, &name, |ui| {
            let site = scene.site(options.map);
            ui.label(
                RichText::new(site.to_string())
                    .monospace()
                    .small()
                    .color(cx.theme.secondary()),
            );
            legend_ui(ui, &scale, "");
        });
        let tokens = text.tokens();
        let (query, key_token) = text.focused(cx.focus);
        let (locked_query, locked_key) = text.focused(cx.state.locked);
        let special = &text.trace.tokens.special;
        let width = ui.available_width();
        let heatmap = Heatmap::new(&name, key, tokens, tokens, values, scale)
            .row_labels(&text.labels)
            .column_labels(&text.labels)
            .secondary_rows(special)
            .secondary_columns(special)
            .row_axis("query reads")
            .column_axis("from key")
            .fit(vec2(width, TALLEST.min(width.max(240.0) + LABELS)))
            .focus_row(query)
            .focus_column(key_token)
            .locked(locked_query.zip(locked_key))
            .dimmed(stale)
            .tooltip(false);
        let out = heatmap.ui(ui, &mut self.texture);
        let focus = |(row, column)| cell_focus(text, row, column);
        if !stale {
            cx.point(out.hovered.map(focus), out.clicked.map(focus));
            if out.hovered.is_none()
                && let Some(row) = out.hovered_row
            {
                cx.hover(Focus::token(text.id, row));
            }
        }
        if let Some(cell) = out.hovered {
            let hover = hover_text(scene, options, text, cell, values);
            out.response.on_hover_text_at_pointer(hover);
        }
        if let Some(beyond) = beyond_note(&scale, most) {
            note_ui(ui, beyond);
        }
        let row = out.hovered_row.or(query);
        row_ui(ui, options, text, row, values);
    }
}

pub(super) fn cell_focus(text: &Recorded, query: usize, key: usize) -> Focus {
    Focus {
        other: Some(key),
        ..Focus::token(text.id, query)
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
    options: &Options,
    text: &Recorded,
    (query, key): (usize, usize),
    values: &[f32],
) -> String {
    let value = values
        .get(query * text.tokens() + key)
        .map_or(f64::NAN, |&v| v.into());
    let hidden = why_hidden(scene.mask, query, key).filter(|_| value == f64::NEG_INFINITY);
    let value = hidden.unwrap_or_else(|| number(value));
    let site = scene.site(options.map);
    let index = match options.mean {
        true => format!("mean over h of {site}[h, {query}, {key}]"),
        false => format!("{site}[{}, {query}, {key}]", scene.head),
    };
    format!(
        "{} reads from {}\n{}\n{}: {index}",
        text.token(query),
        text.token(key),
        value,
        scene.name(options),
    )
}

/// The sum of one row, which must be 1 for a pattern; a line of the same height without one.
fn row_ui(ui: &mut Ui, options: &Options, text: &Recorded, row: Option<usize>, values: &[f32]) {
    let theme = Theme::of(ui);
    let quiet = |text: String| RichText::new(text).small().color(theme.secondary());
    let (Some(row), Map::Pattern) = (row, options.map) else {
        let hint = match options.map {
            Map::Pattern => "Point at a row for its sum: the weights of one query add up to 1.",
            Map::Scores => "Scores have no fixed sum; the softmax of a row is the pattern's row.",
            Map::Content => "Content, position and mask together are the scores.",
            Map::Position => "Added to the content of the same pair of tokens.",
        };
        ui.horizontal_wrapped(|ui| ui.label(quiet(hint.to_owned())));
        return;
    };
    let tokens = text.tokens();
    let weights = values
        .get(row * tokens..(row + 1) * tokens)
        .unwrap_or_default();
    let weights: Vec<f32> = weights.iter().map(|w| w.max(0.0)).collect(); // Hidden ones are 0.
    let sum = row_sum(&weights);
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
