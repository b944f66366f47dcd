//! The learned table beside the sinusoids of the first transformer.

use std::sync::Arc;

use egui::Ui;

use super::maps::Maps;
use super::tables::{Part, Tables};
use crate::analysis::position::residual;
use crate::app::export::NamedArray;
use crate::engine::Derived;
use crate::views::ViewContext;
use crate::views::subject::{SameTrace, Subject, note_ui};
use crate::widgets::number;

/// (model, what is shown)
type Key = (Arc<str>, Part);

#[derive(Default)]
pub(super) struct Learned {
    tables: Derived<Key, Option<Tables>>,
    residual: Derived<SameTrace, Option<f64>>,
    maps: Maps,
    /// What is on view, for the clipboard.
    shown: Option<Arc<Option<Tables>>>,
}

impl Learned {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject, part: Part) {
        self.account_ui(ui, cx, subject, part);
        let model = cx.model.clone();
        let key = (model.hash.clone(), part);
        let make = move |cancel: &_| Tables::of(&model, part, cancel);
        let Some(tables) = self.tables.get(cx.engine, &key, make) else {
            note_ui(ui, "Comparing positions…");
            return;
        };
        self.shown = Some(tables.value.clone());
        let Some(shown) = &*tables.value else {
            note_ui(
                ui,
                "The weights are on another device; start with --device cpu to see the table.",
            );
            return;
        };
        ui.scope(|ui| {
            if !tables.current {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            self.maps.maps_ui(ui, cx, subject, shown);
        });
    }

    pub fn tsv(&self) -> Option<String> {
        let tables = self.shown.as_ref()?;
        Some(tables.as_ref().as_ref()?.tsv())
    }

    /// Both tables, [P, D], and their cosines, [P, P].
    pub fn arrays(&self) -> Vec<NamedArray> {
        let tables = self.shown.as_deref().and_then(Option::as_ref);
        tables.map(Tables::arrays).unwrap_or_default()
    }

    /// Which rows the text uses, and that they are what the encoder added.
    fn account_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject, part: Part) {
        let (model, trace) = (cx.model.clone(), subject.trace.clone());
        let rows = cx.model.position_rows(&trace.tokens);
        let first = cx.model.first_position();
        let counted = rows.iter().enumerate().all(|(t, &row)| row == first + t);
        let make = move |_: &_| residual(&trace, &model.position_table()?, &rows);
        let residual = self.residual.get(cx.engine, &subject.key(), make);
        let residual = residual.filter(|r| r.current).and_then(|r| *r.value);
        let last = cx.model.spec().max_tokens() - 1;
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
        let typed = match counted {
            true => String::new(),
            false => format!(
                "; a typed padding token takes row {} and does not count",
                first.saturating_sub(1)
            ),
        };
        let off = match residual {
            _ if subject.trace.interventions.is_still() => {
                " · switched off: nothing is added".to_owned()
            }
            Some(off) => format!(" · residual max |table − embed.position| = {}", number(off)),
            None => String::new(),
        };
        note_ui(ui, format!("{used}{marked}{shift}{typed}{off}"));
    }
}
