//! Which text B is held against, and in one sentence what comes of it.

use egui::{RichText, TextEdit, Ui};

use super::derive::Outline;
use super::{ContrastState, third};
use crate::app::command::Command;
use crate::app::state::ScoreMethod;
use crate::views::compare::{four, same_text, short_name, shorten_to};
use crate::views::score::derive::ScoreKey;
use crate::views::subject::{note_ui, sentence_ui};
use crate::views::{TextView, ViewContext};
use crate::widgets::{SPACE_SMALL, choice_ui, entry_chosen, field_ui, name_menu};

/// Letters of a text's start.
const LETTERS: usize = 28;
/// So many texts are offered as buttons; the list has all.
const OFFERED: usize = 12;

impl ContrastState {
    /// The choice of C, and in one sentence what comes of it.
    pub fn against_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, score: &ScoreKey) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = SPACE_SMALL;
            ui.label(RichText::new("against").small().color(cx.theme.secondary()));
            let shown = match third(cx) {
                Some(text) => format!("C: {}", named(cx, text)),
                None => "none".to_owned(),
            };
            let menu = ui.menu_button(format!("{shown} ⏷"), |ui| self.choices_ui(ui, cx));
            name_menu(&menu.response, format!("Against: {shown}"));
            menu.response.on_hover_text(
                "A third text C: why is A closer to B than to C, or the other way round?",
            );
        });
        self.typing_ui(ui, cx);
        let Some(text) = third(cx) else { return };
        if let Some(error) = &text.error {
            let message = format!("Text C cannot be encoded: {error}");
            ui.colored_label(cx.theme.error(), message);
            return;
        }
        let Some((key, current)) = Self::key(cx, score) else {
            note_ui(ui, "Text C is being encoded…");
            return;
        };
        let Some(shown) = self.outline(cx, &key) else {
            note_ui(ui, "C is being held against B…");
            return;
        };
        ui.scope(|ui| {
            if !(current && shown.current) {
                ui.multiply_opacity(cx.theme.stale_alpha());
            }
            match &*shown.value {
                Ok(outline) => closer_ui(ui, cx, outline),
                Err(problem) => {
                    ui.colored_label(cx.theme.warning(), &**problem);
                }
            }
        });
    }

    fn choices_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let chosen = cx.state.third();
        if choice_ui(ui, chosen.is_none(), "none") {
            cx.send(Command::Against(None));
        }
        for text in others(cx) {
            if choice_ui(ui, chosen == Some(text.id), named(cx, text)) {
                cx.send(Command::Against(Some(text.id)));
            }
        }
        ui.separator();
        let entry = ui.button("Type another text…");
        if entry_chosen(ui, &entry) {
            self.typed = Some(String::new());
        }
    }

    fn typing_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let Some(mut text) = self.typed.take() else {
            return;
        };
        let mut keep = true;
        ui.horizontal_wrapped(|ui| {
            let width = (ui.available_width() - 140.).clamp(120., 420.);
            let edit = TextEdit::singleline(&mut text)
                .hint_text("text C")
                .desired_width(width);
            let response = field_ui(ui, |ui| ui.add(edit));
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Text C"));
            if text.is_empty() && !response.has_focus() && !response.lost_focus() {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let ready = !text.trim().is_empty();
            let add = ui.add_enabled(ready, egui::Button::new("Use as C"));
            if ready && (entered || add.clicked()) {
                cx.send(Command::AddAgainst(text.trim().to_owned()));
                keep = false;
            }
            keep &= !ui.button("Cancel").clicked();
        });
        self.typed = keep.then_some(text);
    }

    /// What to do where no third text is chosen.
    pub(super) fn invite_ui(&self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        if third(cx).is_some() {
            return;
        }
        if cx.state.a == cx.state.b {
            note_ui(ui, same_text(cx));
            return;
        }
        ui.label("Choose a third text: why is A closer to B than to it, or less close?");
        ui.horizontal_wrapped(|ui| {
            for text in others(cx).take(OFFERED) {
                if ui.button(named(cx, text)).clicked() {
                    cx.send(Command::Against(Some(text.id)));
                }
            }
        });
        let note = match others(cx).skip(OFFERED).count() {
            0 => "“against” above also lets you type one.".to_owned(),
            more => format!("“against” above has {more} more, and lets you type one."),
        };
        note_ui(ui, note);
    }
}

/// Texts that are neither A nor B.
fn others<'a>(cx: &ViewContext<'a>) -> impl Iterator<Item = &'a TextView> + use<'a> {
    let (a, b) = (cx.state.a, cx.state.b);
    let other = move |text: &&TextView| a != Some(text.id) && b != Some(text.id);
    cx.texts.iter().filter(other)
}

/// A text by its number and its start.
fn named(cx: &ViewContext<'_>, text: &TextView) -> String {
    let start = shorten_to(&text.text, LETTERS);
    format!("{}  {start}", short_name(cx, text))
}

/// Which of the two is closer, and by how much.
fn closer_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, outline: &Outline) {
    let difference = outline.ab - outline.ac;
    let (nearer, other) = match difference >= 0. {
        true => ("B", "C"),
        false => ("C", "B"),
    };
    sentence_ui(ui, |ui| {
        let text = format!(
            "A is closer to {nearer} than to {other} by {}",
            four(difference.abs())
        );
        let text = RichText::new(text).color(cx.theme.strong());
        ui.label(text);
        ui.label(format!(
            "(A·B {}, A·C {})",
            four(outline.ab),
            four(outline.ac)
        ));
        if cx.state.score_method != ScoreMethod::Contrast {
            // On one line.
            let link = ui.link("Show\u{a0}why");
            link.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Link, true, "Show why"));
            if link.clicked() {
                cx.send(Command::ScoreMethod(ScoreMethod::Contrast));
            }
        }
    });
}
