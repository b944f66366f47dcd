//! Position: the learned table beside the sinusoids of the first transformer.

mod maps;
mod tables;

use std::sync::Arc;

use egui::{ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::recorded::{keep_ui, kept_ui, switch_ui};
use super::subject::{SameTrace, Subject, note_ui, subject_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::position::residual;
use crate::engine::Derived;
use crate::trace::{EmbedSite, Site};
use crate::widgets::number;
use maps::Maps;
use tables::{Part, Tables};

pub static PANEL: Panel = Panel {
    id: "position",
    title: "Position",
    about: "Attention does not see the order of the tokens; a vector added for each place tells it. \
        This model learned its table, one row for each position up to the limit. Beside it stands \
        the fixed table of the first transformer, sines and cosines of ever longer waves (Vaswani \
        et al. 2017, §3.5), for comparison: the model does not use that one. The squares show how \
        alike two positions are, as the cosine of their rows: a bright diagonal says that \
        neighbours look alike, a pattern beside it that the model counts in some other way too.",
    one_text: true,
    make: || Box::<PositionView>::default(),
};

/// (model, what is shown)
type Key = (Arc<str>, Part);

#[derive(Default)]
struct PositionView {
    tables: Derived<Key, Option<Tables>>,
    residual: Derived<SameTrace, Option<f64>>,
    maps: Maps,
    /// What is on view, for the clipboard.
    shown: Option<Arc<Option<Tables>>>,
}

impl View for PositionView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let scroll = ScrollArea::vertical().auto_shrink([false, false]);
        scroll.show(ui, |ui| {
            let Some(subject) = subject_ui(ui, cx) else {
                return;
            };
            if subject.trace.values(Site::Embed(EmbedSite::Position)).is_none() {
                note_ui(ui, "This model adds no position vectors to its embeddings, so there is no table to show.");
                return;
            }
            let part = part_ui(ui, &subject);
            self.account_ui(ui, cx, &subject, part);
            let model = cx.model.clone();
            let key = (model.hash.clone(), part);
            let make = move |cancel: &_| Tables::of(&model, part, cancel);
            let Some(tables) = self.tables.get(cx.engine, &key, make) else {
                note_ui(ui, "Comparing positions…");
                return;
            };
            self.shown = Some(tables.value.clone());
            let Some(shown) = &*tables.value else {
                note_ui(ui, "The weights are on another device; start with --device cpu to see the table.");
                return;
            };
            ui.scope(|ui| {
                if !tables.current {
                    ui.multiply_opacity(cx.theme.stale_alpha());
                }
                self.maps.maps_ui(ui, cx, &subject, shown);
            });
        });
    }

    fn tsv(&self, _: &ViewContext<'_>) -> Option<String> {
        let tables = self.shown.as_ref()?;
        Some(tables.as_ref().as_ref()?.tsv())
    }
}

impl PositionView {
    /// Which rows the text uses, and that they are what the encoder added.
    fn account_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject, part: Part) {
        let (model, trace) = (cx.model.clone(), subject.trace.clone());
        let make = move |_: &_| residual(&trace, &model.position_table()?, model.first_position());
        let residual = self.residual.get(cx.engine, &subject.key(), make);
        let residual = residual.filter(|r| r.current).and_then(|r| *r.value);
        let (first, last) = (cx.model.first_position(), cx.model.spec().max_tokens() - 1);
        let used = format!(
            "This text uses positions 0–{} of 0–{last}",
            subject.tokens().saturating_sub(1)
        );
        let marked = if part == Part::Whole {
            ", marked by a bar"
        } else {
            ""
        };
        let shift = match first {
            0 => String::new(),
            first => format!("; position 0 is row {first} of the table"),
        };
        let off = residual.map_or(String::new(), |off| {
            format!(" · residual max |table − embed.position| = {}", number(off))
        });
        note_ui(ui, format!("{used}{marked}{shift}{off}"));
    }
}

/// The rows to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Which {
    #[default]
    Text,
    Whole,
}

/// The switch between the rows that the text uses and the whole table.
fn part_ui(ui: &mut Ui, subject: &Subject) -> Part {
    let mut which = kept_ui(ui, Which::default());
    let choices = [
        (Which::Text, "this text", "The positions that the text uses"),
        (
            Which::Whole,
            "whole table",
            "Every position that the model knows",
        ),
    ];
    ui.horizontal(|ui| switch_ui(ui, &mut which, &choices));
    keep_ui(ui, which);
    match which {
        Which::Text => Part::First(subject.tokens()),
        Which::Whole => Part::Whole,
    }
}
