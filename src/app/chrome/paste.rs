//! The question after a paste of several lines. It blocks nothing.

use egui::Ui;

use crate::app::paste::{Meant, Pasted};
use crate::widgets::theme::SPACE_SMALL;
use crate::widgets::{counted, foot_ui};

/// A strip at the bottom of `ui` with what the paste may be meant as; returns the answer.
pub fn paste_ui(ui: &mut Ui, pasted: &Pasted) -> Option<Meant> {
    let mut answer = None;
    let count = pasted.lines.len();
    foot_ui(ui, "pasted", true, |ui| {
        ui.add_space(SPACE_SMALL);
        ui.horizontal_wrapped(|ui| {
            ui.label(format!("Pasted {}:", counted(count, "line")));
            let mut offer = |ui: &mut Ui, text: String, about: &str, meant: Meant| {
                if ui.button(text).on_hover_text(about).clicked() {
                    answer = Some(meant);
                }
            };
            let one = "All lines one after the other";
            offer(ui, "One text".to_owned(), one, Meant::OneText);
            let many = "Each line is a text of the list";
            offer(ui, counted(count, "text"), many, Meant::Texts);
            if let Some(pairs) = &pasted.pairs {
                let about = "Each line is two texts that mean the same, with a tab between them";
                let text = counted(pairs.len(), "pair");
                offer(ui, text, about, Meant::Pairs);
            }
            offer(
                ui,
                "Never mind".to_owned(),
                "Leaves everything as it is",
                Meant::Nothing,
            );
        });
        ui.add_space(SPACE_SMALL);
    });
    answer
}
