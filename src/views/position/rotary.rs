//! Rotary positions: angles and their likeness, wavelengths, and q·k of one pair against distance.

use std::sync::Arc;

use egui::{RichText, Ui, Vec2, vec2};

use super::curve::{Curve, signed};
use super::tables::Part;
use super::{heads_ui, layer_head, layers_ui};
use crate::analysis::attention::mask_name;
use crate::analysis::position::{
    Alike, ByTurn, alike, angles, rotary_similarity, turn_residual, wavelengths,
};
use crate::app::command::Command;
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::Focus;
use crate::engine::Derived;
use crate::model::EncoderSpec;
use crate::model::rotary::{Rotary, RotaryScaling};
use crate::trace::{LayerSite, Site};
use crate::views::ViewContext;
use crate::views::recorded::Recorded;
use crate::views::subject::{fresh_key, note_ui};
use crate::widgets::{Heatmap, HeatmapTexture, SPACE, Scale, legend_ui, number};

/// The most places that are shown; of more, every n-th.
const MOST: usize = 512;
/// Distances beyond the text that the curve shows.
const BEYOND: usize = 16;
/// From this width on, angles and likeness stand side by side.
const WIDE: f32 = 560.0;

/// The angles of one way of turning.
struct Turned {
    places: Vec<usize>,
    /// cos of the angles, [P, r/2].
    cosines: Vec<f32>,
    /// Radians modulo 2π, [P, r/2].
    angles: Vec<f32>,
    /// [P, P]
    alike: Vec<f32>,
    waves: Vec<f64>,
    labels: Vec<String>,
    keys: [u64; 2],
}

impl Turned {
    fn new(rotary: &Rotary, count: usize) -> Self {
        let step = count.div_ceil(MOST).max(1);
        let places: Vec<usize> = (0..count).step_by(step).collect();
        let angles = angles(rotary, &places);
        Self {
            cosines: angles.iter().map(|angle| angle.cos()).collect(),
            alike: rotary_similarity(rotary, &places),
            waves: wavelengths(rotary),
            labels: places.iter().map(usize::to_string).collect(),
            keys: [fresh_key(), fresh_key()],
            angles,
            places,
        }
    }
}

#[derive(Default)]
pub(super) struct Turning {
    turned: Derived<(Arc<str>, usize, usize), Option<Turned>>,
    residual: Derived<(u64, usize), Option<f64>>,
    product: Derived<(u64, [usize; 4]), Option<ByTurn>>,
    textures: [HeatmapTexture; 2],
    shown: Option<Arc<Option<ByTurn>>>,
}

impl Turning {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, text: &Recorded, part: Part) {
        let layer = kinds_ui(ui, cx);
        let Some(rotary) = cx.model.spec().blocks[layer].rotary else {
            note_ui(ui, "This layer turns nothing.");
            return;
        };
        self.account_ui(ui, cx, text, layer);
        let count = match part {
            Part::First(count) => count,
            Part::Whole => cx.model.spec().max_tokens(),
        };
        let key = (cx.model.hash.clone(), layer, count);
        let make = move |_: &_| Some(Turned::new(&rotary, count));
        let Some(turned) = self.turned.get(cx.engine, &key, make) else {
            note_ui(ui, "Working out angles…");
            return;
        };
        if let Some(shown) = &*turned.value {
            waves_ui(ui, shown, &rotary, cx.model.spec().head_size);
            self.maps_ui(ui, cx, shown, text);
        }
        self.product_ui(ui, cx, text, layer);
    }

    /// How far q and k turned here are from those that were recorded.
    fn account_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, text: &Recorded, layer: usize) {
        let (model, trace) = (cx.model.clone(), text.trace.clone());
        let make = move |_: &_| turn_residual(&model, &trace, layer);
        let residual = self.residual.get(cx.engine, &(text.key, layer), make);
        let Some(off) = residual.filter(|r| r.current).and_then(|r| *r.value) else {
            return;
        };
        let (q, k) = (
            Site::Layer(layer, LayerSite::QRot),
            Site::Layer(layer, LayerSite::KRot),
        );
        let off = number(off);
        note_ui(ui, format!("Residual max |turned here − {q}, {k}| = {off}"));
    }

    fn maps_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, shown: &Turned, text: &Recorded) {
        let width = ui.available_width();
        let wide = width >= WIDE;
        let room = if wide { 0.5 * (width - SPACE) } else { width };
        let rows = shown.places.len() as f32;
        let height = (16.0 * rows + 48.0).min(420.0);
        let [angles, likeness] = &mut self.textures;
        let mut both = |ui: &mut Ui| {
            ui.vertical(|ui| {
                ui.set_width(room);
                angles_ui(ui, cx, (shown, text), vec2(room, height), angles);
            });
            ui.vertical(|ui| {
                ui.set_width(room);
                alike_ui(
                    ui,
                    cx,
                    (shown, text),
                    vec2(room, height.min(room)),
                    likeness,
                );
            });
        };
        match wide {
            true => ui.horizontal_top(both).inner,
            false => both(ui),
        }
        ui.add_space(SPACE);
    }

    /// The product of one pair's q and k if they stood at other distances.
    fn product_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, text: &Recorded, layer: usize) {
        ui.label(RichText::new("q·k of one pair against distance").strong());
        layers_ui(ui, cx);
        heads_ui(ui, cx);
        let head = layer_head(cx).1;
        let (query, key) = pair(cx, text);
        let (model, trace) = (cx.model.clone(), text.trace.clone());
        let farthest = text.tokens().saturating_sub(1).max(BEYOND);
        let make = move |_: &_| ByTurn::new(&model, &trace, (layer, head), (query, key), farthest);
        let at = (text.key, [layer, head, query, key]);
        let Some(product) = self.product.get(cx.engine, &at, make) else {
            return;
        };
        self.shown = Some(product.value.clone());
        let Some(shown) = &*product.value else {
            return;
        };
        ui.scope(|ui| {
            if !product.current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            let pair = format!("{} → {}", text.token(query), text.token(key));
            let site = Site::Layer(layer, LayerSite::ScoreContent);
            note_ui(
                ui,
                format!(
                    "{pair}, as if they stood elsewhere; the ring marks their real distance {}. \
                     Point at a cell of an attention map for another pair.",
                    signed(shown.distance)
                ),
            );
            let name = format!("q·k of {pair} against distance");
            let curve = Curve {
                name: &name,
                values: &shown.values,
                marked: Some((shown.distance, shown.recorded)),
                borders: &[],
            };
            curve.ui(ui, cx, |distance, value| {
                let value = number(value.into());
                let distance = signed(distance);
                format!("key − query = {distance}\nscaled q·k {value}")
            });
            let (recorded, off) = (number(shown.recorded), number(shown.residual()));
            note_ui(
                ui,
                format!("{site}[{head}, {query}, {key}] recorded {recorded}, residual {off}"),
            );
        });
    }

    pub fn tsv(&self) -> Option<String> {
        let shown = self.shown.as_ref()?.as_ref().as_ref()?;
        let reach = shown.farthest as isize;
        let rows = (-reach..=reach).zip(&shown.values);
        let rows: String = rows.map(|(d, v)| format!("{d}\t{v}\n")).collect();
        Some(format!("key_minus_query\tscaled_qk\n{rows}"))
    }

    /// The curve, [2n + 1], from the farthest key before the query to the farthest behind.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let shown = self.shown.as_deref().and_then(Option::as_ref);
        let array = shown.map(|shown| {
            let values = shown.values.clone();
            let shape = vec![values.len()];
            NamedArray::new("position.rotary.scaled_qk", shape, Numbers::Single(values))
        });
        array.into_iter().collect()
    }
}

/// The pair that is pointed at or held, else two tokens of the text.
fn pair(cx: &ViewContext<'_>, text: &Recorded) -> (usize, usize) {
    let (query, key) = text.focused(cx.focus);
    let (held_query, held_key) = text.focused(cx.locked);
    let last = text.tokens().saturating_sub(1);
    let query = query.or(held_query).unwrap_or(last.min(2));
    let key = key.or(held_key).unwrap_or(last.min(1));
    (query, key)
}

/// Chooses between layers that turn or hide in different ways; returns the layer that is shown.
fn kinds_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) -> usize {
    let layer = layer_head(cx).0;
    let kinds = alike(cx.model.spec());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for kind in &kinds {
            let on = kind.layers.contains(&layer);
            let label = kind_text(kind, cx.model.spec());
            if kinds.len() == 1 {
                note_ui(ui, label);
            } else if ui.selectable_label(on, label).clicked()
                && let Some(&first) = kind.layers.first()
            {
                cx.send(Command::SelectLayer(first));
            }
        }
    });
    layer
}

/// `layers 1, 4: θ 160000, no mask`.
fn kind_text(kind: &Alike, spec: &EncoderSpec) -> String {
    let layers = match kind.layers.len() == spec.layers() {
        true => "every layer".to_owned(),
        false => format!("layers {}", ranges(&kind.layers)),
    };
    let turn = kind.rotary.map_or("no turn".to_owned(), |rotary| {
        format!("θ {}{}", rotary.base, scaling_text(rotary.scaling))
    });
    format!("{layers}: {turn}, {}", mask_name(kind.mask))
}

fn scaling_text(scaling: RotaryScaling) -> String {
    match scaling {
        RotaryScaling::None => String::new(),
        RotaryScaling::Linear { factor } => format!(", every frequency ÷ {factor}"),
        RotaryScaling::Ntk { factor } => format!(", stretched ×{factor} (NTK)"),
        RotaryScaling::Llama3 {
            factor, trained, ..
        } => format!(", slow frequencies ÷ {factor} beyond {trained} tokens (Llama 3)"),
        RotaryScaling::Yarn {
            factor,
            trained,
            magnitude,
            ..
        } => format!(
            ", slow frequencies ÷ {factor} beyond {trained} tokens and q, k × {magnitude:.4} (YaRN)"
        ),
    }
}

/// Layers from 1: `1, 3–5`.
fn ranges(layers: &[usize]) -> String {
    let runs = layers.chunk_by(|a, b| a + 1 == *b);
    let run = |run: &[usize]| match run {
        [one] => (one + 1).to_string(),
        [first, .., last] => format!("{}–{}", first + 1, last + 1),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(", ")
}

fn waves_ui(ui: &mut Ui, shown: &Turned, rotary: &Rotary, size: usize) {
    const LISTED: usize = 8;
    let step = shown.waves.len().div_ceil(LISTED).max(1);
    let waves = shown.waves.iter().step_by(step).map(|w| number(*w));
    let mut waves: Vec<String> = waves.collect();
    // The slowest is what tells far places apart.
    if shown.waves.len() % step != 1 % step {
        waves.extend(shown.waves.last().map(|w| number(*w)));
    }
    let kept = match rotary.size < size {
        true => format!(
            "; the other {} of {size} dimensions stay as they are",
            size - rotary.size
        ),
        false => String::new(),
    };
    let label = note_ui(
        ui,
        format!("Wavelengths in tokens: {}{kept}", waves.join(" · ")),
    );
    let all: Vec<String> = shown.waves.iter().map(|w| number(*w)).collect();
    label.on_hover_text(format!("2π/frequency of each pair\n{}", all.join("\n")));
    ui.add_space(SPACE);
}

fn token_at(shown: &Turned, text: &Recorded, row: usize) -> Option<usize> {
    let place = shown.places.get(row).copied();
    place.filter(|&place| place < text.tokens())
}

fn angles_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (shown, text): (&Turned, &Recorded),
    fit: Vec2,
    texture: &mut HeatmapTexture,
) {
    let scale = Scale::signed(1.0);
    note_ui(
        ui,
        "cos of the angle, positions × frequencies, fast to slow",
    );
    legend_ui(ui, &scale, "");
    let (rows, columns) = (shown.places.len(), shown.waves.len());
    let row = |token: Option<usize>| shown.places.iter().position(|p| Some(*p) == token);
    let name = "Angles, positions by frequencies";
    let out = Heatmap::new(name, shown.keys[0], rows, columns, &shown.cosines, scale)
        .row_labels(&shown.labels)
        .column_axis("pair")
        .fit(fit)
        .focus_row(row(text.focused(cx.focus).0))
        .tooltip(false)
        .ui(ui, texture);
    let focus = |(row, _): (usize, usize)| {
        let token = token_at(shown, text, row);
        token.map_or(Focus::default(), |token| Focus::token(text.id, token))
    };
    let clicked = out.clicked.filter(|c| token_at(shown, text, c.0).is_some());
    cx.point(out.hovered.map(focus), clicked.map(focus));
    if let Some((row, column)) = out.hovered {
        let angle = shown.angles[row * columns + column];
        let hover = format!(
            "position {}, pair {column}: wavelength {} tokens\nangle {} rad, cos {}",
            shown.places[row],
            number(shown.waves[column]),
            number(angle.into()),
            number(shown.cosines[row * columns + column].into()),
        );
        out.response.on_hover_text_at_pointer(hover);
    }
}

fn alike_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (shown, text): (&Turned, &Recorded),
    fit: Vec2,
    texture: &mut HeatmapTexture,
) {
    let scale = Scale::signed(1.0);
    note_ui(ui, "likeness: mean cos of the angle between two positions");
    legend_ui(ui, &scale, "");
    let count = shown.places.len();
    let name = "Likeness of positions, rotary";
    let row = |token: Option<usize>| shown.places.iter().position(|p| Some(*p) == token);
    let (query, key) = text.focused(cx.focus);
    Heatmap::new(name, shown.keys[1], count, count, &shown.alike, scale)
        .row_labels(&shown.labels)
        .square(true)
        .fit(fit)
        .focus_row(row(query))
        .focus_column(row(key))
        .ui(ui, texture);
}
