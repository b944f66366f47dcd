//! One pooling: vectors, cosines, and the texts in a plane.

use std::hash::{Hash as _, Hasher as _};

use egui::{Align, Button, Layout, RichText, Role, Ui, WidgetInfo, vec2};

use super::derive::{Card, Poolings};
use super::plane::{Map, Plane};
use super::winners;
use crate::analysis::pooling::{choice, modes};
use crate::app::command::Command;
use crate::app::state::{Focus, Side, TextId};
use crate::views::ViewContext;
use crate::views::compare::{about, beside_side_ui, four};
use crate::views::recorded::key_of;
use crate::views::subject::note_ui;
use crate::widgets::{Heatmap, HeatmapTexture, SPACE_SMALL, Scale, vector_strip_ui};

/// Cells of the cosines: large enough for a number.
const CELL: f32 = 40.;
const STRIP: f32 = 16.;
/// A square of this size at most, in points.
pub(super) const PICTURE: f32 = 240.;

/// The room of a row's name beside the cosines.
const NAMES: f32 = 24.;
/// What the plane needs to stand beside them.
const BESIDE: f32 = 120.;

/// Textures of one column.
#[derive(Default)]
pub struct CardState {
    strips: [HeatmapTexture; 2],
    cosines: HeatmapTexture,
    plane: Plane,
}

/// How every card is looked at.
#[derive(Clone, Copy)]
pub struct Look {
    /// The scale of the maps of differences; none where they show cosines.
    pub difference: Option<f32>,
    pub map: Map,
}

impl CardState {
    pub fn card_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        card: &Card,
        look: Look,
    ) {
        title_ui(ui, cx, poolings, card);
        if let Some(misfit) = &card.misfit {
            ui.label(RichText::new(misfit).small().color(cx.theme.warning()));
        }
        self.strips_ui(ui, cx, poolings, card);
        ui.add_space(SPACE_SMALL);
        // The plane stands beside a small map: what another pooling changes is then seen at one glance.
        let map = poolings.texts.len() as f32 * CELL + NAMES;
        if map + BESIDE <= ui.available_width() {
            ui.horizontal_top(|ui| {
                let left = Layout::top_down(Align::Min);
                ui.allocate_ui_with_layout(vec2(map, 0.), left, |ui| {
                    ui.set_width(map);
                    self.cosines_ui(ui, cx, poolings, card, look.difference);
                });
                ui.vertical(|ui| self.plane.plane_ui(ui, cx, poolings, card, look.map));
            });
        } else {
            self.cosines_ui(ui, cx, poolings, card, look.difference);
            ui.add_space(SPACE_SMALL);
            self.plane.plane_ui(ui, cx, poolings, card, look.map);
        }
        winners::winners_ui(ui, cx, poolings, card);
    }

    /// The pooled vectors of A and B on one scale.
    fn strips_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        card: &Card,
    ) {
        let shown: Vec<(Side, TextId, usize)> = sides(cx, poolings);
        let largest = shown.iter().flat_map(|&(_, _, index)| &card.pooled[index]);
        let largest = largest.fold(0_f32, |most, value| most.max(value.abs()));
        let scale = Scale::signed(largest);
        for (side, id, index) in shown {
            let name = format!("Vector of {} under {} pooling", side.name(), card.title);
            let mut hasher = std::hash::DefaultHasher::new();
            (card.key, index).hash(&mut hasher);
            let focus = cx.focus.dimension;
            let texture = &mut self.strips[usize::from(side == Side::B)];
            let response = beside_side_ui(ui, side, |ui| {
                let values = &card.pooled[index];
                vector_strip_ui(
                    ui,
                    &name,
                    hasher.finish(),
                    values,
                    scale,
                    STRIP,
                    focus,
                    texture,
                )
            });
            let site = card.site();
            let focus = |dimension| Focus {
                dimension: Some(dimension),
                site,
                ..Focus::text(id)
            };
            cx.point(response.hovered.map(focus), response.clicked.map(focus));
        }
        let size = card.pooled.first().map_or(0, Vec::len);
        let range = format!("{size} dimensions, −{0:.3} to {0:.3}", largest);
        note_ui(ui, range);
    }

    fn cosines_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        poolings: &Poolings,
        card: &Card,
        difference: Option<f32>,
    ) {
        let names = poolings.names(cx);
        let focus = cx.focus.text.and_then(|id| poolings.index(id));
        let place = |focus: Focus| {
            let under = focus.site.is_none_or(|site| Some(site) == card.site());
            let pair = focus.pair.filter(|_| under)?;
            Some((poolings.index(focus.text?)?, poolings.index(pair)?))
        };
        let pair = place(cx.focus).map(|(_, column)| column);
        let locked = place(cx.locked);
        let room = ui.available_width();
        let (what, values, scale) = match difference {
            None => ("Cosines of all texts", &card.cosines, Scale::signed(1.)),
            Some(most) => (
                "Differences of all cosines",
                &card.differences,
                Scale::signed(most),
            ),
        };
        let name = format!("{what} under {} pooling", card.title);
        let count = names.len();
        let key = key_of((card.key, difference.map(f32::to_bits)));
        let map = Heatmap::new(&name, key, count, count, values, scale)
            .row_labels(&names)
            .column_labels(&names)
            .named()
            .max_cell(CELL)
            .fit(vec2(room, room.min(1.5 * PICTURE)))
            .square(true)
            .focus_row(focus)
            .focus_column(pair.or(focus))
            .locked(locked)
            .show_values(true);
        let response = map.ui(ui, &mut self.cosines);
        let focus = |index: usize| poolings.texts.get(index).map(|&id| Focus::text(id));
        let cell = |(row, column): (usize, usize)| {
            let text = focus(row)?;
            // A cosine of vectors that the head does not take is not the head's.
            if card.misfit.is_some() {
                return Some(text);
            }
            Some(Focus {
                pair: Some(*poolings.texts.get(column)?),
                site: card.site(),
                ..text
            })
        };
        let label = response.hovered_row.or(response.hovered_column);
        let hovered = response.hovered.and_then(cell);
        cx.point(
            hovered.or(label.and_then(focus)),
            response.clicked.and_then(cell),
        );
    }
}

/// A, then B where it is another text: side, text, and place among the texts that are shown.
pub(super) fn sides(cx: &ViewContext<'_>, poolings: &Poolings) -> Vec<(Side, TextId, usize)> {
    let mut out: Vec<(Side, TextId, usize)> = Vec::new();
    for side in [Side::A, Side::B] {
        let id = cx.state.id_of(side);
        if let Some((id, index)) = id.and_then(|id| Some((id, poolings.index(id)?)))
            && out.iter().all(|(_, other, _)| *other != id)
        {
            out.push((side, id, index));
        }
    }
    out
}

/// The pooling's name, which chooses it, and the cosine of A and B.
fn title_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, poolings: &Poolings, card: &Card) {
    let chosen = modes(&cx.model.head, cx.state.pooling) == card.modes;
    let mut wanted = None;
    ui.horizontal(|ui| {
        if card.modes.is_empty() {
            ui.strong(&card.title);
            cosine_ui(ui, cx, poolings, card);
            return;
        }
        let button = Button::new(RichText::new(&card.title).strong()).selected(chosen);
        let response = ui.add(button);
        let own = if card.own { ", the model's own" } else { "" };
        let name = format!("Use {} pooling{own}", card.title);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &name));
        let hint = match card.modes.as_slice() {
            [mode] => about(*mode),
            _ => "The model's own recipe: these vectors one behind the other",
        };
        if response.on_hover_text(hint).clicked() {
            wanted = Some(match card.modes.as_slice() {
                [mode] => choice(&cx.model.head, *mode),
                _ => None,
            });
        }
        if card.own {
            ui.label(
                RichText::new("model's own")
                    .small()
                    .color(cx.theme.secondary()),
            )
            .on_hover_text("The model was trained with this pooling");
        }
        cosine_ui(ui, cx, poolings, card);
    });
    if let Some(pooling) = wanted {
        cx.send(Command::SetPooling(pooling));
    }
}

/// The cosine of A and B, at the end of the row.
fn cosine_ui(ui: &mut Ui, cx: &ViewContext<'_>, poolings: &Poolings, card: &Card) {
    let [(_, _, a), (_, _, b)] = sides(cx, poolings)[..] else {
        return;
    };
    let cos = f64::from(card.cosines[a * poolings.texts.len() + b]);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let number = RichText::new(four(cos)).monospace();
        let response = ui.label(number.color(cx.theme.strong()));
        response.on_hover_text("cosine of A and B");
    });
}
