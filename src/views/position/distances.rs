//! What distances add to the scores: heads by distances, and the curve of the chosen head.

use std::sync::Arc;

use egui::{Stroke, Ui, vec2};

use super::curve::{Curve, signed};
use super::tables::Part;
use super::{heads_ui, layer_head};
use crate::analysis::position::{Bias, Scheme};
use crate::app::command::Command;
use crate::app::export::{NamedArray, Numbers};
use crate::engine::Derived;
use crate::trace::{LayerSite, Site};
use crate::views::ViewContext;
use crate::views::subject::{SameTrace, Subject, fresh_key, note_ui};
use crate::widgets::{Heatmap, HeatmapResponse, HeatmapTexture, SPACE, Scale, legend_ui, number};

/// The farthest distance that is shown, however long the texts that the model reads.
const FARTHEST: usize = 128;

/// A bias and how it is drawn.
pub(super) struct Drawn {
    pub bias: Bias,
    scale: Scale,
    key: u64,
    labels: Vec<String>,
    heads: Vec<String>,
    borders: Vec<usize>,
}

impl Drawn {
    fn new(bias: Bias) -> Self {
        let n = bias.farthest as isize;
        Self {
            scale: Scale::signed_of(&bias.values),
            key: fresh_key(),
            labels: (-n..=n).map(signed).collect(),
            heads: (1..=bias.heads).map(|h| format!("head {h}")).collect(),
            borders: bias.borders(),
            bias,
        }
    }

    fn tsv(&self) -> String {
        let mut out = format!("head\t{}\n", self.labels.join("\t"));
        for head in 0..self.bias.heads {
            let row: Vec<String> = self.bias.head(head).iter().map(f32::to_string).collect();
            out += &format!("{}\t{}\n", head + 1, row.join("\t"));
        }
        out
    }
}

#[derive(Default)]
pub(super) struct Distances {
    drawn: Derived<(Arc<str>, usize), Option<Drawn>>,
    residual: Derived<(SameTrace, usize), Option<f64>>,
    texture: HeatmapTexture,
    shown: Option<Arc<Option<Drawn>>>,
}

impl Distances {
    /// `detail_ui` adds what is special about them.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        (scheme, part): (Scheme, Part),
        detail_ui: impl FnOnce(&mut Ui, &ViewContext<'_>, &Bias),
    ) {
        let most = cx.model.spec().max_tokens().saturating_sub(1);
        let farthest = match part {
            Part::First(tokens) => tokens.saturating_sub(1),
            Part::Whole => most,
        };
        let farthest = farthest.clamp(1, FARTHEST);
        let model = cx.model.clone();
        let key = (model.hash.clone(), farthest);
        let make = move |_: &_| Bias::new(&model, farthest).map(Drawn::new);
        let Some(drawn) = self.drawn.get(cx.engine, &key, make) else {
            note_ui(ui, "Looking up distances…");
            return;
        };
        self.shown = Some(drawn.value.clone());
        let Some(shown) = &*drawn.value else {
            note_ui(ui, "The table of distances cannot be read.");
            return;
        };
        self.residual_ui(ui, cx, subject, shown.bias.farthest);
        let head = layer_head(cx).1;
        detail_ui(ui, cx, &shown.bias);
        let quantity = ("position distances", scheme.title());
        let scale = cx.common_scale(ui, quantity, shown.scale);
        legend_ui(ui, &scale, "added to the score");
        map_ui(ui, cx, (shown, scale), &mut self.texture);
        ui.add_space(SPACE);
        heads_ui(ui, cx);
        let name = format!("{}, head {} against distance", scheme.title(), head + 1);
        let curve = Curve {
            name: &name,
            values: shown.bias.head(head),
            marked: None,
            borders: &shown.borders,
        };
        curve.ui(ui, cx, |distance, value| {
            hover_text(&shown.bias, head, distance, value)
        });
    }

    /// How far the table is from what the chosen layer recorded.
    fn residual_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject, shown: usize) {
        let layer = layer_head(cx).0;
        if !subject.trace.has_inside(layer) {
            return;
        }
        let (model, trace) = (cx.model.clone(), subject.trace.clone());
        let make = move |_: &_| {
            let farthest = trace.tokens.len().saturating_sub(1);
            Bias::new(&model, farthest)?.residual(&trace, layer)
        };
        let key = (subject.key(), layer);
        let residual = self.residual.get(cx.engine, &key, make);
        let residual = residual.filter(|r| r.current).and_then(|r| *r.value);
        let off = residual.map_or(String::new(), |off| {
            let site = Site::Layer(layer, LayerSite::ScorePosition);
            format!(" · residual max |this − {site}| = {}", number(off))
        });
        note_ui(
            ui,
            format!("The same in every layer; shown up to distance {shown}{off}"),
        );
    }

    pub fn tsv(&self) -> Option<String> {
        Some(self.shown.as_ref()?.as_ref().as_ref()?.tsv())
    }

    /// Heads by distances, [H, 2n + 1].
    pub fn arrays(&self, name: &str) -> Vec<NamedArray> {
        let drawn = self.shown.as_deref().and_then(Option::as_ref);
        let array = drawn.map(|drawn| {
            let shape = vec![drawn.bias.heads, 2 * drawn.bias.farthest + 1];
            NamedArray::new(name, shape, Numbers::Single(drawn.bias.values.clone()))
                .named(drawn.heads.clone(), drawn.labels.clone())
        });
        array.into_iter().collect()
    }
}

fn map_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (shown, scale): (&Drawn, Scale),
    texture: &mut HeatmapTexture,
) {
    let bias = &shown.bias;
    let head = layer_head(cx).1;
    let columns = 2 * bias.farthest + 1;
    let height = 16.0 * bias.heads as f32 + 64.0;
    let out = Heatmap::new(
        "Bias of every head against distance",
        shown.key,
        bias.heads,
        columns,
        &bias.values,
        scale,
    )
    .row_labels(&shown.heads)
    .column_labels(&shown.labels)
    .column_axis("key − query")
    .fit(vec2(ui.available_width(), height))
    .focus_row(Some(head))
    .tooltip(false)
    .ui(ui, texture);
    borders_ui(ui, cx, shown, &out);
    if let Some((head, _)) = out.clicked {
        cx.send(Command::SelectHead(head));
    }
    if let Some((head, column)) = out.hovered {
        let distance = column as isize - bias.farthest as isize;
        let value = bias.head(head)[column];
        out.response
            .on_hover_text_at_pointer(hover_text(bias, head, distance, value));
    }
}

/// Lines where one bucket ends and the next begins, as far as cells can be told apart.
fn borders_ui(ui: &Ui, cx: &ViewContext<'_>, shown: &Drawn, out: &HeatmapResponse) {
    let Some(cells) = out.cells else {
        return;
    };
    let cell = cells.width() / shown.labels.len().max(1) as f32;
    if cell < 3.0 {
        return;
    }
    let stroke = Stroke::new(1.0, cx.theme.secondary());
    for &border in &shown.borders {
        let x = cells.left() + cell * border as f32;
        // Above the cells and over them.
        ui.painter()
            .vline(x, cells.top() - 3.0..=cells.bottom(), stroke);
    }
}

fn hover_text(bias: &Bias, head: usize, distance: isize, value: f32) -> String {
    let column = (distance + bias.farthest as isize) as usize;
    let bucket = bias.buckets.as_ref().and_then(|b| b.get(column));
    let bucket = bucket.map_or(String::new(), |b| format!(", bucket {b}"));
    let way = match distance {
        0 => "the token itself".to_owned(),
        d if d < 0 => format!("{} before the query", -d),
        d => format!("{d} behind the query"),
    };
    format!(
        "head {}, key {way}{bucket}\n{}\nscore_position[{head}, i, i{}{}]",
        head + 1,
        number(value.into()),
        if distance < 0 { "−" } else { "+" },
        distance.unsigned_abs(),
    )
}
