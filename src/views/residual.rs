//! Residual stream: how long each token's state is between the layers, where it points, and how much
//! attention and the feed-forward blocks add to it.

mod about;
mod derive;
mod difference;
mod files;
mod map;
mod measure;
mod token;

use std::sync::Arc;

use egui::{ScrollArea, Ui};

use super::recorded::{keep_ui, kept_ui, switch_ui};
use super::scroll::beside_bar_ui;
use super::subject::{note_ui, subject_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::residual::Joins;
use crate::app::export::NamedArray;
use crate::widgets::{SPACE, SPACE_SMALL, scrolled_ui};
use derive::{Found, Stream, Wrote};
use measure::Measure;

pub static PANEL: Panel = Panel {
    id: "residual",
    title: "Residual stream",
    about: "A token's vector is handed from layer to layer, and each layer adds to it: first what \
        attention gathers from other tokens, then what the feed-forward block makes of that. The \
        map shows this state for every token (row) after the embedding and after each layer \
        (column): its length, how much of its direction it keeps, how near it is to what comes \
        out at the end, or how much attention and the feed-forward block add beside what is there. \
        Below is one token, or the pooled text, in figures, and how alike its states are. A long \
        state is harder to turn: the same addition moves it less. A − B shows where partners in \
        two texts part.",
    one_text: true,
    make: || Box::<Residual>::default(),
};

/// From this width on the map and the figures stand side by side, in points.
const WIDE: f32 = 680.0;

#[derive(Default)]
struct Residual {
    stream: Stream,
    /// Of which model, and how its blocks join.
    joins: Option<(Arc<str>, String)>,
    map: map::Map,
    token: token::OneToken,
    /// What is on view, for files.
    shown: Option<(Arc<Found>, Option<Arc<Wrote>>)>,
    measure: Measure,
    difference: difference::Difference,
}

impl View for Residual {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let layers = cx.model.spec().layers();
        let scroll = ScrollArea::vertical()
            .id_salt("residual")
            .auto_shrink(false);
        scrolled_ui(ui, scroll, |ui| {
            beside_bar_ui(ui, cx);
            if cx.state.difference && layers > 0 {
                self.measure = measure_ui(ui);
                return self.difference.ui(ui, cx, self.measure);
            }
            self.shown = None;
            let Some(subject) = subject_ui(ui, cx) else {
                return;
            };
            if layers == 0 {
                note_ui(
                    ui,
                    "This model has no layers, so there is no stream: its token vectors are pooled as they leave the table.",
                );
                return;
            }
            self.measure = measure_ui(ui);
            self.joins_ui(ui, cx);
            let Some(both) = self.stream.of(cx, &subject.trace) else {
                note_ui(ui, "The states are being measured…");
                return;
            };
            let found = both.found.clone();
            let Some(states) = &found.states else {
                note_ui(ui, "This pass has no record of what the layers leave.");
                return;
            };
            self.shown = Some((found.clone(), both.wrote.clone()));
            if !both.current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            let of = (&subject, &both, states);
            let blocks = &cx.model.spec().blocks;
            let convolved = blocks.iter().any(|block| block.convolution.is_some());
            match beside(ui.available_width(), states.count, convolved) {
                None => {
                    self.map.ui(ui, cx, of, self.measure);
                    self.token.ui(ui, cx, of);
                }
                Some(width) => {
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = SPACE;
                        ui.vertical(|ui| {
                            ui.set_width(width);
                            self.map.ui(ui, cx, of, self.measure);
                        });
                        ui.add_space(SPACE);
                        ui.vertical(|ui| self.token.ui(ui, cx, of));
                    });
                }
            }
            ui.add_space(SPACE_SMALL);
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        if cx.state.difference {
            return Some(self.difference.arrays().first()?.table());
        }
        let (found, wrote) = self.shown.as_ref()?;
        files::tsv(cx.side, found, wrote.as_deref())
    }

    /// Each measure of every token, the one on view first, and the cosines between the states.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        if cx.state.difference {
            return self.difference.arrays();
        }
        let shown = self.shown.as_ref();
        let arrays = shown.and_then(|(found, wrote)| {
            files::arrays(found, wrote.as_deref(), self.measure, cx.layer())
        });
        arrays.unwrap_or_default()
    }
}

impl Residual {
    fn joins_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>) {
        let model = cx.model;
        let kept = self.joins.take().filter(|(of, _)| *of == model.hash);
        let made = || (model.hash.clone(), about::joins_text(&Joins::new(model)));
        let (_, text) = self.joins.insert(kept.unwrap_or_else(made));
        note_ui(ui, text.as_str());
        ui.add_space(SPACE_SMALL);
    }
}

/// What the map shows: chosen here, and kept by egui.
fn measure_ui(ui: &mut Ui) -> Measure {
    let before = kept_ui(ui, Measure::default());
    let mut measure = before;
    let choices = Measure::ALL.map(|measure| (measure, measure.title(), measure.about()));
    ui.horizontal_wrapped(|ui| switch_ui(ui, &mut measure, &choices));
    if measure != before {
        keep_ui(ui, measure);
    }
    ui.add_space(SPACE_SMALL);
    measure
}

/// How wide the map of so many states is beside the figures; none where these would have to be scrolled,
/// as with the column more of a model with a convolution.
fn beside(room: f32, states: usize, convolved: bool) -> Option<f32> {
    let width = map::width(states).min(0.5 * room);
    let figures = room - width - 3.0 * SPACE;
    (room >= WIDE && figures >= token::width(convolved)).then_some(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_beside_the_map_have_the_room_that_they_need() {
        for convolved in [false, true] {
            for states in [3, 13, 25] {
                let least =
                    (300..2000).find(|&room| beside(room as f32, states, convolved).is_some());
                let least = least.unwrap() as f32;
                assert!(least >= WIDE);
                let figures = least - beside(least, states, convolved).unwrap() - 3.0 * SPACE;
                assert!(
                    figures >= token::width(convolved),
                    "{states} {convolved}: {figures}"
                );
            }
        }
        // A deep model with a convolution needs more room than one without.
        assert!(beside(700.0, 13, false).is_some());
        assert_eq!(beside(700.0, 13, true), None);
    }
}
