//! A person's own words in place of a text.

use std::sync::Arc;

use egui::{Button, Key as Press, TextEdit, Ui};

use super::Bench;
use super::work::{Key, Rows, RunKey, Work, run};
use crate::analysis::edits::Edit;
use crate::views::ViewContext;
use crate::widgets::field_ui;

/// The field, and the texts that were tried.
#[derive(Default)]
pub struct Free {
    /// What the field and the texts belong to.
    of: Option<Key>,
    field: String,
    tried: Vec<Edit>,
    work: Work<RunKey, Rows>,
}

impl Free {
    pub fn stop(&mut self) {
        self.work.stop();
    }

    pub fn free_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, bench: &Bench<'_>) {
        if self.of.as_ref() != Some(&bench.key) {
            let before = self.of.as_ref().map(|key| key.text.clone());
            // Another partner or pooling leaves the words alone; another text does not.
            if before.is_none_or(|text| text != bench.key.text) {
                self.field = bench.text().to_owned();
            }
            self.of = Some(bench.key.clone());
            self.tried.clear();
        }
        ui.horizontal(|ui| {
            let room = (ui.available_width() - 48.).clamp(80., 730.);
            let field = TextEdit::singleline(&mut self.field)
                .id_salt("what if it said")
                .desired_width(room)
                .text_color(cx.theme.foreground())
                .hint_text("Your own words");
            let response = field_ui(ui, |ui| ui.add(field));
            ui.ctx()
                .accesskit_node_builder(response.id, |node| node.set_label("What if it said"));
            let enter = response.lost_focus() && ui.input(|i| i.key_pressed(Press::Enter));
            let edit = Edit::Free(self.field.clone());
            let ready = bench.current && self.field != bench.text() && !self.tried.contains(&edit);
            let button = ui.add_enabled(ready, Button::new("Run"));
            let button = button.on_disabled_hover_text("Change the words first");
            if ready && (button.clicked() || enter) {
                self.tried.push(edit);
            }
        });
    }

    /// The rows of the texts that were tried, once they are there.
    pub fn rows(&mut self, cx: &ViewContext<'_>, bench: &Bench<'_>) -> Option<Arc<Rows>> {
        if self.tried.is_empty() || !bench.current {
            return None;
        }
        let key = RunKey {
            of: bench.key.clone(),
            edits: self.tried.as_slice().into(),
        };
        self.work.ask(&key);
        let shown = self.work.get(cx.engine, &key, run(cx.model, &key))?;
        shown.current.then_some(shown.value)
    }
}
