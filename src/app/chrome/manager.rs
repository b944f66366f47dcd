//! The window in which models are looked through, fetched and removed.

use std::str::FromStr;

use egui::{Grid, RichText, Role, TextEdit, Ui, WidgetInfo, Window};

use super::fields;
use super::models::Cached;
use super::sizes::{Sizes, on_hub, unknown_ui, verb};
use super::status::loading_ui;
use crate::app::command::Command;
use crate::app::floating::Floating;
use crate::app::state::State;
use crate::engine::{Engine, LoadState};
use crate::model::ModelRef;
use crate::model::source::{CHECKPOINTS, CachedModel, bundled_size};
use crate::widgets::theme::{SPACE, Theme};
use crate::widgets::{field_ui, scrolled_ui};

/// What a person has typed, and what they were asked.
#[derive(Default)]
pub struct Manager {
    pub open: bool,
    /// A hub id on its way into the field.
    wanted: String,
    sizes: Sizes,
    /// Waits for a yes.
    leaving: Option<CachedModel>,
}

impl Manager {
    /// A floating window while it is open.
    pub fn manager_ui(
        &mut self,
        ctx: &egui::Context,
        state: &State,
        engine: &Engine,
        known: &mut Cached,
        commands: &mut Vec<Command>,
    ) {
        if !self.open {
            return;
        }
        known.receive();
        let mut open = true;
        Window::new("Manage models")
            .id(Floating::Models.id())
            .open(&mut open)
            .collapsible(false)
            .default_pos(Floating::place(ctx, 560.))
            .default_width(560.)
            .show(ctx, |ui| {
                Floating::Models.enter_ui(ui);
                self.fetch_ui(ui, engine, commands);
                ui.separator();
                self.list_ui(ui, state, engine, known, commands);
            });
        if !open {
            commands.push(Command::ShowModels(false));
        }
    }

    /// A hub id, and how its download stands.
    fn fetch_ui(&mut self, ui: &mut Ui, engine: &Engine, commands: &mut Vec<Command>) {
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Fetch from the hub");
            let field =
                TextEdit::singleline(&mut self.wanted).hint_text("org/name or org/name@revision");
            let response = field_ui(ui, |ui| ui.add(field.desired_width(260.)));
            let response = response.labelled_by(label.id);
            fields::mark(ui, response.id);
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            let reference = ModelRef::from_str(self.wanted.trim());
            let hub = on_hub(&self.wanted);
            let ctx = ui.ctx().clone();
            let size = hub
                .as_ref()
                .and_then(|hub| self.sizes.of(&ctx, engine, hub));
            let button = egui::Button::new(verb(size.as_ref()));
            let button = ui.add_enabled(hub.is_some(), button);
            if let Some(reference) = hub.filter(|_| button.clicked() || entered) {
                commands.push(Command::OpenModel(reference));
            }
            if matches!(size, Some(Err(_))) {
                ui.end_row();
            }
            unknown_ui(ui, size.as_ref());
            if let (false, Err(why)) = (self.wanted.trim().is_empty(), &reference) {
                ui.end_row();
                ui.label(
                    RichText::new(why.to_string())
                        .small()
                        .color(Theme::of(ui).warning()),
                );
            }
        });
        if let LoadState::Running {
            reference,
            progress,
        } = engine.load_state()
        {
            ui.horizontal_wrapped(|ui| loading_ui(ui, &reference, progress.as_ref(), commands));
        }
    }

    fn list_ui(
        &mut self,
        ui: &mut Ui,
        state: &State,
        engine: &Engine,
        known: &Cached,
        commands: &mut Vec<Command>,
    ) {
        let area = egui::ScrollArea::vertical()
            .max_height(360.)
            .auto_shrink([false, true]);
        scrolled_ui(ui, area, |ui| {
            Grid::new("models")
                .num_columns(4)
                .striped(true)
                .spacing([2. * SPACE, SPACE])
                .show(ui, |ui| {
                    let bundled = (ModelRef::default(), bundled_size());
                    let checkpoints = CHECKPOINTS.iter().map(|c| (c.reference(), c.size()));
                    for (reference, bytes) in std::iter::once(bundled).chain(checkpoints) {
                        ui.label(reference.title());
                        size_ui(ui, bytes as u64);
                        ui.weak("in the program");
                        open_ui(ui, state, reference, commands);
                        ui.end_row();
                    }
                    for model in known.list() {
                        self.cached_ui(ui, state, model, commands);
                        ui.end_row();
                    }
                });
        });
        if known.list().is_empty() {
            ui.weak("The hub's cache holds no model.");
        }
        let cache = engine.sources().cache_dir();
        ui.horizontal_wrapped(|ui| {
            ui.weak(format!("The cache is {}", cache.display()));
            let copy = ui.small_button("Copy path");
            copy.widget_info(|| {
                WidgetInfo::labeled(Role::Button, true, "Copy the path of the cache")
            });
            if copy.clicked() {
                commands.push(Command::Copy(cache.display().to_string()));
            }
        });
    }

    fn cached_ui(
        &mut self,
        ui: &mut Ui,
        state: &State,
        model: &CachedModel,
        commands: &mut Vec<Command>,
    ) {
        let revision: String = model.revision.chars().take(7).collect();
        let name = ui.label(&model.id);
        name.on_hover_text(format!("{}\n{}", model.revision, model.path.display()));
        size_ui(ui, model.bytes);
        match &model.missing {
            None if model.refs.is_empty() => ui.weak(revision),
            None => ui.weak(format!("{} · {revision}", model.refs.join(", "))),
            Some(missing) => {
                let theme = Theme::of(ui);
                let text = RichText::new("not complete").color(theme.warning());
                ui.label(text)
                    .on_hover_text(format!("{missing} is missing"))
            }
        };
        ui.horizontal(|ui| {
            if self.leaving.as_ref() == Some(model) {
                ui.label("Remove it from this machine?");
                if ui.button("Remove").clicked() {
                    commands.push(Command::RemoveModel(model.clone()));
                    self.leaving = None;
                }
                if ui.button("Keep").clicked() {
                    self.leaving = None;
                }
                return;
            }
            if model.missing.is_none() {
                // The newest of several is what the name alone stands for.
                let named = model.refs.iter().any(|name| name == "main");
                let revision = (!named).then(|| model.revision.clone());
                let repo = model.id.clone();
                open_ui(ui, state, ModelRef::Hub { repo, revision }, commands);
            }
            let button = ui.button("Remove…");
            let name = format!("Remove {} from the cache…", model.id);
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
            if button.clicked() {
                self.leaving = Some(model.clone());
            }
        });
    }
}

fn size_ui(ui: &mut Ui, bytes: u64) {
    let text = format!("{:.1} MB", bytes as f64 / 1e6);
    ui.label(RichText::new(text).monospace());
}

fn open_ui(ui: &mut Ui, state: &State, reference: ModelRef, commands: &mut Vec<Command>) {
    let used = state.model == reference;
    let text = if used { "In use" } else { "Open" };
    let button = ui.add_enabled(!used, egui::Button::new(text));
    let name = format!("{text} {}", reference.title());
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, !used, &name));
    if button.clicked() {
        commands.push(Command::OpenModel(reference));
    }
}
