//! The Contrastive training panel: what InfoNCE sees in a batch of pairs, and what it pulls on.

mod derive;
mod matrix;
mod pairs;
mod plane;
mod words;

use std::sync::Arc;

use egui::{Align, Label, Layout, RichText, Slider, Ui};

use super::compare::missing_ui;
use super::recorded::Memo;
use super::scroll::beside_bar_ui;
use super::{Panel, View, ViewContext};
use crate::analysis::contrastive::InfoNce;
use crate::app::command::Command;
use crate::app::export::{NamedArray, Numbers};
use crate::app::pairs::{Batch, Temperature};
use crate::engine::{Derived, Shown};
use crate::widgets::{SPACE, SPACE_SMALL, edged_ui, number, scrolled_ui};
use derive::{BatchKey, Pairs, Seen};
use matrix::MatrixState;

pub static PANEL: Panel = Panel {
    id: "contrastive",
    title: "Contrastive training",
    about: "How an embedding model is taught: a batch holds pairs of texts that mean the same. Each \
        row is the first text of a pair, its anchor, and each column the second of a pair, its \
        positive. Cosines are divided by the temperature, and a softmax makes shares of each row: \
        the loss of a row (InfoNCE) is −ln of the share that its own pair gets, on the diagonal. \
        Every other column is a negative, which the loss pushes away as hard as its share is large. \
        The gradient says how much; in the plane on the right, which shows where the texts differ \
        most, an arrow is the way that a step of training would push each text's vector. A low \
        temperature looks at the nearest negatives alone, a high one at all alike. Both directions \
        adds the same loss down the columns, averaged with the one along the rows.",
    one_text: false,
    make: || Box::<ContrastiveView>::default(),
};

/// Matrix and plane stand side by side where there is this much room, in points.
const BESIDE: f32 = 480.;

/// Long enough for small steps, in points.
const SLIDER: f32 = 180.;

#[derive(Default)]
struct ContrastiveView {
    pairs: Derived<BatchKey, Pairs>,
    /// The part that follows the temperature: cheap enough for the frame that changes it.
    seen: Memo<(u64, Temperature, bool), Arc<Seen>>,
    /// Why there are no vectors.
    failed: Option<Arc<str>>,
    matrix: MatrixState,
    /// What was painted last, for the clipboard.
    shown: Option<Arc<Pairs>>,
}

impl View for ContrastiveView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let batch = cx.state.batch();
        let shown = self.see(cx, &batch);
        self.shown = shown.as_ref().map(|(pairs, _, _)| pairs.clone());
        if let Some((_, seen, current)) = &shown {
            ui.scope(|ui| {
                dim_ui(ui, cx, *current);
                // Outside of what scrolls: the slider is at hand wherever one looks.
                settings_ui(ui, cx, seen);
            });
            ui.add_space(SPACE_SMALL);
        }
        let area = egui::ScrollArea::vertical().auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            beside_bar_ui(ui, cx);
            missing_ui(ui, cx);
            match shown {
                Some((pairs, seen, current)) => {
                    dim_ui(ui, cx, current);
                    self.batch_ui(ui, cx, &batch, &pairs, &seen);
                }
                None => self.nothing_ui(ui, cx, &batch),
            }
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        let (pairs, seen) = (self.shown.as_ref()?, self.seen.peek()?);
        Some(words::tsv(pairs, seen, &pairs.names(cx)))
    }

    /// What the loss is made of, [n, n]: anchors by positives.
    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        let (Some(pairs), Some(seen)) = (self.shown.as_ref(), self.seen.peek()) else {
            return Vec::new();
        };
        let (n, names) = (pairs.len(), pairs.names(cx));
        let (rows, columns) = names.split_at(n.min(names.len()));
        let contrast = &seen.contrast;
        let all = [
            ("cosines", Some(&contrast.cosines)),
            ("softmax.rows", Some(&contrast.rows)),
            ("softmax.columns", contrast.columns.as_ref()),
            ("gradient", Some(&contrast.gradient)),
        ];
        let array = |(name, values): (&str, Option<&Vec<f64>>)| {
            let numbers = Numbers::Double(values?.clone());
            let array = NamedArray::new(format!("contrastive.{name}"), vec![n, n], numbers);
            Some(array.named(rows.to_vec(), columns.to_vec()))
        };
        all.into_iter().filter_map(array).collect()
    }
}

impl ContrastiveView {
    /// The batch, what the loss makes of it, and whether that is up to date. None where there are
    /// no two pairs, or no vectors of them.
    fn see(
        &mut self,
        cx: &ViewContext<'_>,
        batch: &Batch,
    ) -> Option<(Arc<Pairs>, Arc<Seen>, bool)> {
        let key = BatchKey::new(cx, batch);
        self.failed = None;
        if key.pairs.len() < 2 {
            return None;
        }
        let (made, model) = (key.clone(), cx.model.clone());
        let Shown { value, current } = self
            .pairs
            .get(cx.engine, &key, move |_| Pairs::new(&made, &model))?;
        let space = match &value.space {
            Ok(space) => space,
            Err(error) => {
                self.failed = Some(error.clone());
                return None;
            }
        };
        let (temperature, symmetric) = (cx.state.temperature, cx.state.symmetric);
        let loss = InfoNce {
            temperature: temperature.value(),
            symmetric,
        };
        let key = (value.key, temperature, symmetric);
        let seen = self
            .seen
            .get(key, || Arc::new(Seen::new(space, loss, value.key)))
            .clone();
        let current = current && value.is_current(cx);
        Some((value, seen, current))
    }

    /// Everything that the loss says of two pairs or more, and the pairs.
    fn batch_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        batch: &Batch,
        pairs: &Pairs,
        seen: &Seen,
    ) {
        let matrix = &mut self.matrix;
        if ui.available_width() < BESIDE {
            matrix.matrix_ui(ui, cx, pairs, seen);
            ui.add_space(SPACE);
            plane::plane_ui(ui, cx, pairs, seen);
            pairs::pairs_ui(ui, cx, batch);
            return;
        }
        ui.columns(2, |uis| {
            // Columns stretch the lines of a text to their width unless told otherwise.
            let left = Layout::top_down(Align::LEFT);
            uis[0].with_layout(left, |ui| {
                matrix.matrix_ui(ui, cx, pairs, seen);
                pairs::pairs_ui(ui, cx, batch);
            });
            uis[1].with_layout(left, |ui| plane::plane_ui(ui, cx, pairs, seen));
        });
    }

    /// Why there is no loss to see, and what to do.
    fn nothing_ui(&self, ui: &mut Ui, cx: &mut ViewContext<'_>, batch: &Batch) {
        if let Some(error) = &self.failed {
            ui.label(RichText::new(&**error).color(cx.theme.error()));
        }
        if batch.pairs.len() < 2 {
            pairs::too_few_ui(ui, cx, batch);
        }
        if !batch.pairs.is_empty() {
            pairs::pairs_ui(ui, cx, batch);
        }
    }
}

/// Old values step back while newer ones are on their way.
fn dim_ui(ui: &mut Ui, cx: &ViewContext<'_>, current: bool) {
    if !current {
        ui.multiply_opacity(cx.theme.stale_alpha());
    }
}

/// The loss's settings, and what it comes to under them.
fn settings_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, seen: &Seen) {
    let mut temperature = cx.state.temperature.value();
    let mut symmetric = cx.state.symmetric;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().slider_width = SLIDER.min(ui.available_width() / 3.);
        let slider = Slider::new(&mut temperature, Temperature::MIN..=Temperature::MAX)
            .logarithmic(true)
            .max_decimals(4)
            .text("Temperature");
        let about =
            "What the cosines are divided by: the lower, the more the nearest negative counts";
        if ui.add(slider).on_hover_text(about).changed() {
            cx.send(Command::SetTemperature(Temperature::new(temperature)));
        }
        let check = edged_ui(ui, |ui| ui.checkbox(&mut symmetric, "Both directions"));
        let about = "Also from the positives to the anchors, averaged: the symmetric loss";
        if check.on_hover_text(about).changed() {
            cx.send(Command::SetSymmetric(symmetric));
        }
        ui.spacing_mut().item_spacing.x = 2. * SPACE;
        // Whole, or on the next line.
        let whole = |text: RichText| Label::new(text).extend();
        let loss = format!("Loss {}", number(seen.contrast.loss));
        ui.add(whole(RichText::new(loss).strong().monospace()))
            .on_hover_text("The mean of the rows' losses");
        let n = seen.contrast.losses.len();
        let guess = format!("(guessing: ln {n} = {})", number((n as f64).ln()));
        ui.add(whole(
            RichText::new(guess).small().color(cx.theme.secondary()),
        ));
    });
}
