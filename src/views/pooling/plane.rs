//! The texts as points: principal components, or t-SNE.

use egui::{Sense, Ui, UiBuilder, Vec2, vec2};
use serde::{Deserialize, Serialize};

use super::card::PICTURE;
use super::derive::{Card, Poolings};
use super::texts::toggle;
use crate::analysis::tsne::{FEWEST, tsne};
use crate::app::command::Command;
use crate::app::state::{Focus, TextId};
use crate::engine::Derived;
use crate::views::ViewContext;
use crate::views::compare::color_of;
use crate::views::subject::note_ui;
use crate::widgets::{ScatterMarks, ScatterPoint, counted, lasso_scatter_ui};

/// Which picture of the texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Map {
    #[default]
    Components,
    Neighbours,
}

/// Remembers one card's t-SNE.
pub struct Plane {
    neighbours: Derived<u64, Option<Vec<[f64; 2]>>>,
}

impl Default for Plane {
    fn default() -> Self {
        Self {
            neighbours: Derived::slow(),
        }
    }
}

impl Plane {
    pub fn plane_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        card: &Card,
        map: Map,
    ) {
        let few = card.vectors.len() < FEWEST;
        if map == Map::Neighbours && !few {
            return self.neighbours_ui(ui, cx, poolings, card);
        }
        self.neighbours.stop();
        points_ui(ui, cx, poolings, card, &card.projection.points);
        let points = card.projection.points.iter();
        let count = points.filter(|[x, _]| x.is_nan()).count();
        if count > 0 {
            let lost = format!(
                "{} without a finite vector: no place here.",
                counted(count, "text")
            );
            note_ui(ui, lost);
        }
        if poolings.texts.len() < 2 {
            note_ui(ui, "One text alone differs from no other.");
            return;
        }
        if map == Map::Neighbours {
            let count = card.vectors.len();
            let few = format!("t-SNE needs {FEWEST} texts at least; there are {count}.");
            note_ui(ui, format!("{few} These are the components."));
            return;
        }
        let [x, y] = card
            .projection
            .shares
            .map(|share| format!("{:.0}%", 100. * share));
        // An arrow and its share stay on one line.
        note_ui(ui, format!("→\u{a0}{x} of the variance, ↑\u{a0}{y}"));
    }

    fn neighbours_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        card: &Card,
    ) {
        let vectors = card.vectors.clone();
        let shown = self
            .neighbours
            .get(cx.engine, &card.key, move |_| tsne(&vectors));
        let current = shown.as_ref().is_some_and(|shown| shown.current);
        // Those of other texts have no place here.
        let fits = |points: &Option<Vec<[f64; 2]>>| {
            let count = points.as_ref().map(Vec::len);
            current || count == Some(poolings.texts.len())
        };
        let shown = shown.filter(|shown| fits(&shown.value));
        match shown.map(|shown| shown.value) {
            None => waiting_ui(ui),
            Some(value) => match &*value {
                Some(points) => {
                    ui.scope(|ui| {
                        if !current {
                            ui.multiply_opacity(cx.theme.stale_alpha());
                        }
                        points_ui(ui, cx, poolings, card, points);
                    });
                    note_ui(ui, NEIGHBOURS);
                }
                None => {
                    note_ui(
                        ui,
                        "All texts have the same vector, or too few a finite one: there is nothing to lay out.",
                    );
                }
            },
        }
    }
}

const NEIGHBOURS: &str = "t-SNE: neighbours are near; large distances mean nothing";

/// The room of the plane, so that nothing below it jumps when it is there.
fn waiting_ui(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(size(ui), Sense::hover());
    let room = UiBuilder::new().max_rect(rect);
    ui.scope_builder(room, |ui| {
        ui.centered_and_justified(|ui| note_ui(ui, "Laying the texts out…"));
    });
    note_ui(ui, NEIGHBOURS);
}

/// Of the plane.
fn size(ui: &Ui) -> Vec2 {
    let width = ui.available_width();
    vec2(width, (0.7 * width).min(PICTURE))
}

fn points_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    poolings: &Poolings,
    card: &Card,
    places: &[[f64; 2]],
) {
    let names = poolings.names(cx);
    let points: Vec<ScatterPoint> = poolings
        .texts
        .iter()
        .zip(places)
        .zip(names)
        .map(|((&id, point), label)| ScatterPoint {
            x: point[0] as f32,
            y: point[1] as f32,
            label,
            color: color(cx, id),
            radius: 4.,
        })
        .collect();
    let focus = cx.focus.text.and_then(|id| poolings.index(id));
    let size = size(ui);
    let name = format!("The texts under {} pooling, in two dimensions", card.title);
    let marks = ScatterMarks::default();
    let (response, taken) = lasso_scatter_ui(ui, &name, &points, marks, size, focus);
    let of = |index: usize| poolings.texts.get(index).copied();
    if let Some(taken) = taken {
        let texts = taken.into_iter().filter_map(of).collect();
        cx.send(Command::Select(texts));
    }
    // Enter or Space, as the pointer is on no point then.
    let pressed = response.response.clicked() && response.clicked.is_none();
    if let Some(id) = focus
        .and_then(of)
        .filter(|_| pressed && !response.response.contains_pointer())
    {
        toggle(cx, id);
    }
    let focus = |index: usize| of(index).map(Focus::text);
    cx.point(
        response.hovered.and_then(focus),
        response.clicked.and_then(focus),
    );
}

/// A text's colour; others step back while some are selected.
fn color(cx: &ViewContext<'_>, id: TextId) -> egui::Color32 {
    let text = cx.text(id);
    let color = text.map_or(cx.theme.secondary(), |text| color_of(cx, cx.theme, text));
    let selected = &cx.state.selected;
    match selected.is_empty() || selected.contains(&id) {
        true => color,
        false => color.gamma_multiply(0.3),
    }
}
