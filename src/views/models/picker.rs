//! Choosing the second model, and how its load stands.

use egui::{ProgressBar, RichText, Ui};

use crate::app::command::Command;
use crate::engine::{Derived, LoadState};
use crate::model::ModelRef;
use crate::model::source::{CHECKPOINTS, CachedModel, cached};
use crate::views::ViewContext;
use crate::widgets::{bar_ui, choice_ui, name_menu};

/// The menu, and the hub's cache as it was when the menu opened.
#[derive(Default)]
pub struct Picker {
    cached: Derived<u64, Vec<CachedModel>>,
    /// How often the menu has been opened.
    opened: u64,
    open: bool,
}

impl Picker {
    /// `against [model ⏷]`, and a load that is under way or failed.
    pub fn picker_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(cx.model.source.title()).strong());
            ui.weak("against");
            let chosen = cx.state.reference.as_ref();
            let name = chosen.map_or_else(|| "no other model".to_owned(), ModelRef::title);
            let menu = ui.menu_button(format!("{name} ⏷"), |ui| {
                if !self.open {
                    self.opened += 1;
                }
                self.models_ui(ui, cx);
            });
            self.open = menu.inner.is_some();
            name_menu(&menu.response, format!("Against: {name}"));
            load_ui(ui, cx);
        });
    }

    fn models_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let sources = cx.engine.sources().clone();
        let list = self
            .cached
            .get(cx.engine, &self.opened, move |_| cached(&sources));
        let mut offer = |ui: &mut Ui, reference: Option<ModelRef>, label: String| {
            if choice_ui(ui, cx.state.reference == reference, label) {
                cx.send(Command::SetReference(reference));
            }
        };
        let bundled = CHECKPOINTS.iter().map(|c| c.reference());
        for reference in bundled.chain([ModelRef::default()]) {
            let label = reference.title();
            offer(ui, Some(reference), label);
        }
        let list = list.map(|shown| shown.value);
        let complete = list.iter().flat_map(|list| list.iter());
        for model in complete.filter(|model| model.missing.is_none()) {
            let reference = ModelRef::Hub {
                repo: model.id.clone(),
                revision: None,
            };
            offer(ui, Some(reference), model.id.clone());
        }
        ui.separator();
        offer(ui, None, "none".to_owned());
    }
}

fn load_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    match cx.engine.reference_state() {
        LoadState::Idle => {}
        LoadState::Running { progress, .. } => {
            match progress.and_then(|p| Some(p.bytes as f32 / p.total.filter(|&t| t > 0)? as f32)) {
                Some(share) => drop(bar_ui(ui, ProgressBar::new(share).desired_width(120.))),
                None => drop(ui.weak("loading…")),
            }
            if ui.small_button("Cancel").clicked() {
                let before = cx.reference.map(|model| model.source.clone());
                cx.send(Command::SetReference(before));
            }
        }
        LoadState::Failed { reference, error } => {
            let text = format!("{} cannot be used: {error}", reference.title());
            ui.label(RichText::new(text).color(cx.theme.error()));
            if ui.small_button("Try again").clicked() {
                cx.send(Command::SetReference(Some(reference)));
            }
        }
    }
}
