//! The Two models panel: the same texts through the model in use and through another.

mod derive;
mod picker;
mod tokens;

use std::sync::Arc;

use egui::{RichText, Ui, vec2};

use super::compare::{color_of, four, short_name};
use super::scroll::beside_bar_ui;
use super::subject::{SameTrace, note_ui};
use super::{Panel, View, ViewContext};
use crate::app::command::Command;
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::{Focus, TextId};
use crate::engine::{Derived, Shown};
use crate::model::source::CHECKPOINTS;
use crate::widgets::{
    Heatmap, HeatmapTexture, SPACE, SPACE_SMALL, Scale, ScatterPoint, legend_ui, scatter_ui,
    scrolled_ui,
};
use derive::{Compared, Key, Seen, mean_and_spread};

pub static PANEL: Panel = Panel {
    id: "models",
    title: "Two models",
    about: "The same texts through two models: the one in use and another. For each, the cosine of \
        every text with every other, and the texts in the plane in which their vectors differ most \
        (principal components); beside them, by how much the cosines of the two differ; below, which \
        text each finds nearest, and how each cuts the text that is pointed at. Set against \
        itself before its training, the bundled model shows what contrastive training did: before \
        it, all texts score alike; after it, texts that mean the same stay close and the others \
        move apart.",
    one_text: false,
    make: || Box::<ModelsView>::default(),
};

/// A column is at least this wide, in points.
const COLUMN: f32 = 196.;
/// Cells of the cosines: large enough for a number.
const CELL: f32 = 40.;
/// A picture is at most this high, in points.
const PICTURE: f32 = 260.;

#[derive(Default)]
struct ModelsView {
    picker: picker::Picker,
    compared: Derived<Key, Compared>,
    textures: [HeatmapTexture; 3],
    /// What was painted last, for the clipboard.
    shown: Option<Arc<Compared>>,
}

impl View for ModelsView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        self.picker.picker_ui(ui, cx);
        ui.add_space(SPACE_SMALL);
        let Some(Shown { value, current }) = self.derive(cx) else {
            self.shown = None;
            return empty_ui(ui, cx);
        };
        self.shown = Some(value.clone());
        let fresh = cx.texts.iter().all(|t| t.current && t.reference_current);
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            if !(current && fresh) {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            legend_ui(ui, &Scale::signed(1.), "cosine, and difference of cosines");
            ui.add_space(SPACE);
            self.columns_ui(ui, cx, &value);
            let [main, other, _] = titles(cx);
            let titles = [main.as_str(), other.as_str()];
            tokens::neighbours_ui(ui, &names(cx, &value), &value, titles);
            ui.add_space(SPACE);
            tokens::tokens_ui(ui, cx, &value, titles);
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        let shown = self.shown.as_ref()?;
        let names = names(cx, shown);
        let [main, reference] = &shown.models;
        let maps =
            titles(cx)
                .into_iter()
                .zip([&main.cosines, &reference.cosines, &shown.difference]);
        let mut out = String::new();
        for (title, map) in maps {
            out.push_str(&format!("{title}\t{}\n", names.join("\t")));
            for (name, row) in names.iter().zip(map.chunks(names.len().max(1))) {
                let row: Vec<String> = row.iter().map(f32::to_string).collect();
                out.push_str(&format!("{name}\t{}\n", row.join("\t")));
            }
        }
        Some(out)
    }

    /// The cosines of every text with every other: in use, reference, and their difference.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        let Some(shown) = &self.shown else {
            return Vec::new();
        };
        let names = names(cx, shown);
        let [main, reference] = &shown.models;
        let all = [
            ("main", &main.cosines),
            ("reference", &reference.cosines),
            ("difference", &shown.difference),
        ];
        let array = |(name, values): (&str, &Vec<f32>)| {
            let shape = vec![names.len(), names.len()];
            let numbers = Numbers::Single(values.clone());
            NamedArray::new(format!("cosines.{name}"), shape, numbers)
                .named(names.clone(), names.clone())
        };
        all.into_iter().map(array).collect()
    }
}

impl ModelsView {
    fn derive(&mut self, cx: &ViewContext<'_>) -> Option<Shown<Compared>> {
        let reference = cx.reference?;
        let both = cx.texts.iter().filter_map(|text| {
            let (main, other) = (text.trace.clone()?, text.reference.clone()?);
            Some((text.id, [SameTrace(main), SameTrace(other)]))
        });
        let key = Key {
            models: [cx.model.hash.clone(), reference.hash.clone()],
            pooling: cx.state.pooling,
            truncate: cx.state.truncate_dim,
            texts: both.collect(),
        };
        if key.texts.is_empty() {
            return None;
        }
        let (made, models) = (key.clone(), [cx.model.clone(), reference.clone()]);
        self.compared.get(cx.engine, &key, move |_| {
            Compared::new(&made, [&models[0], &models[1]])
        })
    }

    /// The model in use, the reference, and the difference; fewer in a row where there is less room.
    fn columns_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, compared: &Compared) {
        let room = ui.available_width() + SPACE;
        let columns = ((room / (COLUMN + SPACE)) as usize).clamp(1, 3);
        let titles = titles(cx);
        let seen = compared.models.iter().map(Some).chain([None]);
        let cards: Vec<_> = titles.iter().zip(seen).zip(&mut self.textures).collect();
        let mut cards = cards.into_iter();
        while cards.len() > 0 {
            ui.columns(columns, |uis| {
                for (ui, ((title, seen), texture)) in uis.iter_mut().zip(&mut cards) {
                    ui.push_id(title, |ui| card_ui(ui, cx, compared, title, seen, texture));
                }
            });
            ui.add_space(2. * SPACE);
        }
    }
}

fn titles(cx: &ViewContext<'_>) -> [String; 3] {
    let other = cx.reference.map_or_else(String::new, |m| m.source.title());
    [cx.model.source.title(), other, "Difference".to_owned()]
}

/// A, B and numbers, in the order of the rows.
fn names(cx: &ViewContext<'_>, compared: &Compared) -> Vec<String> {
    let texts = compared.texts.iter();
    texts
        .map(|&id| {
            cx.text(id)
                .map_or_else(String::new, |text| short_name(cx, text))
        })
        .collect()
}

/// Without a second model, what it is good for; with one, what is being waited for.
fn empty_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    if cx.state.reference.is_some() {
        note_ui(ui, "The texts are not yet encoded by both models.");
        return;
    }
    ui.label("Choose a second model to see the same texts through both.");
    for checkpoint in CHECKPOINTS {
        let reference = checkpoint.reference();
        if ui
            .button(format!("Compare with {}", reference.title()))
            .clicked()
        {
            cx.send(Command::SetReference(Some(reference)));
        }
    }
}

/// One model (`seen`), or the difference of both.
fn card_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    compared: &Compared,
    title: &str,
    seen: Option<&Seen>,
    texture: &mut HeatmapTexture,
) {
    let (values, key) = match seen {
        Some(seen) => (&seen.cosines, seen.key),
        None => (&compared.difference, compared.key),
    };
    ui.add(egui::Label::new(RichText::new(title).strong()).truncate());
    note_ui(ui, summary(cx, compared, values));
    ui.add_space(SPACE_SMALL);
    let names = names(cx, compared);
    let focus = cx.focus.text.and_then(|id| compared.index(id));
    let room = ui.available_width();
    let name = format!("Cosines of all texts: {title}");
    let map = Heatmap::new(
        &name,
        key,
        names.len(),
        names.len(),
        values,
        Scale::signed(1.),
    )
    .row_labels(&names)
    .column_labels(&names)
    .max_cell(CELL)
    .fit(vec2(room, room.min(PICTURE)))
    .square(true)
    .focus_row(focus)
    .focus_column(focus)
    .show_values(true);
    let response = map.ui(ui, texture);
    let focus = |index: usize| compared.texts.get(index).map(|&id| Focus::text(id));
    let label = response.hovered_row.or(response.hovered_column);
    let clicked = response.clicked.and_then(|(row, _)| focus(row));
    cx.point(label.and_then(focus), clicked);
    ui.add_space(SPACE);
    if let Some(seen) = seen {
        plane_ui(ui, cx, compared, title, seen);
    }
}

/// `mean 0.43 · spread 0.12 · A↔B 0.99`
fn summary(cx: &ViewContext<'_>, compared: &Compared, values: &[f32]) -> String {
    let n = compared.texts.len();
    let mut parts = Vec::new();
    if let Some((mean, spread)) = mean_and_spread(values, n) {
        parts.push(format!("mean {} · spread {}", four(mean), four(spread)));
    }
    let place = |id: Option<_>| id.and_then(|id| compared.index(id));
    if let (Some(a), Some(b)) = (place(cx.state.a), place(cx.state.b)) {
        parts.push(format!("A↔B {}", four(f64::from(values[a * n + b]))));
    }
    parts.join(" · ")
}

/// The texts in the plane of their two principal components.
fn plane_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, compared: &Compared, title: &str, seen: &Seen) {
    let names = names(cx, compared);
    let texts = compared
        .texts
        .iter()
        .zip(&seen.projection.points)
        .zip(names);
    let (ids, points): (Vec<TextId>, Vec<ScatterPoint>) = texts
        .filter_map(|((&id, point), label)| {
            // A text without a vector of numbers has no place.
            let [x, y] = Some(point.map(|x| x as f32)).filter(|[x, _]| !x.is_nan())?;
            let color = cx
                .text(id)
                .map_or(cx.theme.secondary(), |text| color_of(cx, cx.theme, text));
            let radius = 4.;
            let point = ScatterPoint {
                x,
                y,
                label,
                color,
                radius,
            };
            Some((id, point))
        })
        .unzip();
    let focus = cx.focus.text;
    let focus = focus.and_then(|id| ids.iter().position(|&of| of == id));
    let width = ui.available_width();
    let size = vec2(width, (0.7 * width).min(PICTURE));
    let name = format!("The texts in two dimensions: {title}");
    let response = scatter_ui(ui, &name, &points, size, focus);
    let focus = |index: usize| ids.get(index).map(|&id| Focus::text(id));
    cx.point(
        response.hovered.and_then(focus),
        response.clicked.and_then(focus),
    );
    let [x, y] = seen
        .projection
        .shares
        .map(|share| format!("{:.0}%", 100. * share));
    note_ui(ui, format!("→ {x} of the variance, ↑ {y}"));
}
