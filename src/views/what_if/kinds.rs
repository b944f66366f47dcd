//! Which kinds of edits are tried.

use egui::Ui;
use serde::{Deserialize, Serialize};

use crate::analysis::edits::{Edit, Kind};
use crate::views::recorded::{keep_ui, kept_ui};

/// The kinds that are on, as they are kept between runs.
#[derive(Clone, Serialize, Deserialize)]
struct On(Vec<Kind>);

/// A title, and what it does.
pub fn about(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Delete => ("Delete", "Each word out of the text"),
        Kind::Mask => (
            "Hide",
            "Each word's tokens out of attention and of the pool; the others keep their positions",
        ),
        Kind::MaskToken => ("[MASK]", "The model's mask token in each word's place"),
        Kind::Swap => (
            "Swap",
            "Neighbouring content words, and the first and the last noun: who did what to whom",
        ),
        Kind::Negate => (
            "Negate",
            "The first negation out; else “not” behind the first auxiliary verb; else the whole \
             sentence denied (English)",
        ),
        Kind::Number => ("Number", "Each number another one: 2020 → 2021, 10% → 90%"),
        Kind::Case => ("Case", "All in lower, upper or title case"),
        Kind::Punctuation => ("Punctuation", "Every mark outside of words and numbers out"),
        Kind::Prompt => (
            "Prompt",
            "The model's prompts put in front of both texts, or taken away",
        ),
        Kind::Free => ("Own words", "Your own text"),
    }
}

/// A switch for each kind; those of which `edits` has none are greyed. Returns what is on.
pub fn kinds_ui(ui: &mut Ui, edits: &[Edit]) -> Vec<Kind> {
    let On(mut on) = kept_ui(ui, On(Kind::PROPOSED.to_vec()));
    let before = on.clone();
    let applies = Kind::PROPOSED.map(|kind| edits.iter().any(|edit| edit.kind() == kind));
    ui.horizontal_wrapped(|ui| {
        let all = Kind::PROPOSED.len();
        let every = ui.selectable_label(on.len() == all, "All");
        if every.on_hover_text("Every kind of edit").clicked() {
            on = match on.len() == all {
                true => Vec::new(),
                false => Kind::PROPOSED.to_vec(),
            };
        }
        for (kind, applies) in Kind::PROPOSED.into_iter().zip(applies) {
            let (title, about) = about(kind);
            let is_on = on.contains(&kind);
            let button = egui::Button::selectable(is_on && applies, title);
            let response = ui.add_enabled(applies, button).on_hover_text(about);
            let response = response
                .on_disabled_hover_text(format!("{about}. Nothing of this kind in this text."));
            if response.clicked() {
                match is_on {
                    true => on.retain(|other| *other != kind),
                    false => on.push(kind),
                }
            }
        }
    });
    if on != before {
        keep_ui(ui, On(on.clone()));
    }
    on
}
