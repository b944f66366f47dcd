//! Pairs typed or pasted as text.

use egui::{RichText, TextEdit, Ui};

use crate::app::command::Command;
use crate::training::data::parse_pairs;
use crate::views::ViewContext;
use crate::widgets::{SPACE_SMALL, field_ui};

/// The list takes so many at once; more belong into a file.
const MOST: usize = 64;

/// What is being typed, which is no choice yet.
#[derive(Default)]
pub struct Paste {
    draft: String,
    error: Option<String>,
}

impl Paste {
    pub fn paste_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let header = egui::CollapsingHeader::new("Add pairs as text").id_salt("add pairs");
        header.show(ui, |ui| {
            let label = ui.label("One pair a line, with a tab between the two texts");
            let field = TextEdit::multiline(&mut self.draft)
                .desired_rows(3)
                .desired_width(f32::INFINITY)
                .hint_text("a text ⇥ one that means the same");
            field_ui(ui, |ui| ui.add(field.lock_focus(true))).labelled_by(label.id);
            ui.add_space(SPACE_SMALL);
            let ready = !self.draft.trim().is_empty();
            if ui
                .add_enabled(ready, egui::Button::new("Add these pairs"))
                .clicked()
            {
                self.add(cx);
            }
            if let Some(error) = &self.error {
                ui.label(RichText::new(error).color(cx.theme.error()));
            }
        });
    }

    fn add(&mut self, cx: &mut ViewContext<'_>) {
        let lines: Vec<String> = self.draft.lines().map(str::to_owned).collect();
        let pairs = parse_pairs("the pasted text", &lines).map_err(|e| e.to_string());
        let pairs = pairs.and_then(|pairs| match pairs.len() > MOST {
            true => Err(format!(
                "{} pairs; the list takes {MOST} at once, so put them into a file",
                pairs.len()
            )),
            false => Ok(pairs),
        });
        match pairs {
            Ok(pairs) => {
                let pairs = pairs.into_iter().map(|pair| (pair.a, pair.b)).collect();
                cx.send(Command::AddPairs(pairs));
                self.draft.clear();
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }
}
