//! Choosing model, pooling and prompt at the end of the spine.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use egui::containers::menu::MenuButton;
use egui::{Button, InnerResponse, TextStyle, Ui};

use crate::app::command::Command;
use crate::app::state::State;
use crate::engine::Engine;
use crate::model::source::{CHECKPOINTS, CachedModel, MINILM, cached};
use crate::model::{Model, ModelRef, Prompt};
use crate::tokens::NO_LIMIT;
use crate::trace::PoolingMode;
use crate::widgets::{choice_ui, counted, entry_chosen, field_ui, name_menu};

/// What a menu of the strip ends in.
const ARROW: &str = "⏷";

/// The models of the hub's cache, looked up when the menu opens.
#[derive(Default)]
pub struct Cached {
    list: Vec<CachedModel>,
    coming: Option<Receiver<Vec<CachedModel>>>,
    /// The menu was open in the last frame.
    open: bool,
}

impl Cached {
    /// Looks into the cache again.
    pub fn refresh(&mut self, engine: &Engine) {
        let sources = engine.sources().clone();
        let (sender, receiver) = channel();
        engine.spawn(move || {
            // The menu may be gone by then.
            let _ = sender.send(cached(&sources));
        });
        self.coming = Some(receiver);
    }

    pub fn list(&self) -> &[CachedModel] {
        &self.list
    }

    pub fn receive(&mut self) {
        if let Some(receiver) = &self.coming
            && let Ok(list) = receiver.try_recv()
        {
            self.list = list;
            self.coming = None;
        }
    }

    /// Every model that a click opens, each with where it is.
    pub fn offers(&mut self) -> Vec<(ModelRef, String)> {
        self.receive();
        let bundled = std::iter::once(ModelRef::default());
        let bundled = bundled.chain(CHECKPOINTS.iter().map(|checkpoint| checkpoint.reference()));
        let bundled = bundled.map(|reference| (reference, "in the program".to_owned()));
        let minilm = (ModelRef::minilm(), self.cost_of_minilm().to_owned());
        let cached = self.list.iter().filter(|model| model.id != MINILM);
        let cached = cached.map(|model| {
            let (repo, revision) = (model.id.clone(), None);
            let about = format!("in the hub's cache, {:.0} MB", model.bytes as f64 / 1e6);
            (ModelRef::Hub { repo, revision }, about)
        });
        bundled.chain([minilm]).chain(cached).collect()
    }

    /// What choosing all-MiniLM-L6-v2 would take.
    fn cost_of_minilm(&self) -> &'static str {
        let mut copies = self.list.iter().filter(|model| model.id == MINILM);
        match copies.any(|model| model.missing.is_none()) {
            true => "already on this machine",
            false => "91 MB download",
        }
    }
}

/// What is in use, as menus from right to left.
pub fn choices_ui(
    ui: &mut Ui,
    state: &State,
    engine: &Engine,
    model: Option<&Arc<Model>>,
    known: &mut Cached,
    commands: &mut Vec<Command>,
) {
    let name = model.map_or_else(|| "no model".to_owned(), |m| m.source.title());
    let mut pooling = model.map(|model| format!("{} pooling", pooling_shown(state, model)));
    let prompt = model.map(|model| format!("prompt: {}", prompt_words(state, model)));
    let room = |ui: &Ui, pooling: &Option<String>| {
        let shown = [Some(&name), pooling.as_ref(), prompt.as_ref()];
        widest(ui, shown.into_iter().flatten())
    };
    let mut widest = room(ui, &pooling);
    // Where there is not room enough, the word that can be done without goes before any is cut off.
    if widest.is_finite() {
        pooling = model.map(|model| pooling_shown(state, model));
        widest = room(ui, &pooling);
    }
    // The strip runs from right to left.
    if let Some(model) = model {
        if let Some(prompt) = &prompt {
            prompt_ui(ui, (prompt, widest), state, model, commands);
        }
        if let Some(pooling) = &pooling {
            pooling_ui(ui, (pooling, widest), state, model, commands);
        }
    }
    let menu = menu_ui(ui, (&name, widest), |ui| {
        if !known.open {
            known.refresh(engine);
        }
        known.receive();
        models_ui(ui, state, known, commands);
    });
    known.open = menu.inner.is_some();
    name_menu(&menu.response, format!("Model: {name}"));
    if let Some(model) = model {
        menu.response.on_hover_text(about(model));
    }
}

/// What a menu of the strip is called, and how wide it is at most.
type Name<'a> = (&'a str, f32);

/// A menu that ends in an arrow however little of its name there is room for.
fn menu_ui<R>(
    ui: &mut Ui,
    (name, widest): Name<'_>,
    add: impl FnOnce(&mut Ui) -> R,
) -> InnerResponse<Option<R>> {
    ui.scope(|ui| {
        ui.set_max_width(widest.min(ui.available_width()));
        let button = Button::new((name, ARROW)).truncate();
        let (response, inner) = MenuButton::from_button(button).ui(ui, add);
        let inner = inner.map(|shown| shown.inner);
        let cut = natural(ui, name) > widest;
        let response = match cut {
            true => response.on_hover_text(name),
            false => response,
        };
        InnerResponse { inner, response }
    })
    .inner
}

/// As wide as a menu of that name would be.
fn natural(ui: &Ui, name: &str) -> f32 {
    let font = TextStyle::Button.resolve(ui.style());
    let color = ui.visuals().text_color();
    let text = |text: &str| {
        let galley = ui
            .painter()
            .layout_no_wrap(text.to_owned(), font.clone(), color);
        galley.size().x
    };
    let spacing = ui.spacing();
    text(name) + text(ARROW) + spacing.icon_spacing + 2. * spacing.button_padding.x + 1.
}

/// How wide each of the menus may be, so that all of them have room beside the others of the bar: what the
/// short ones leave goes to the long ones.
fn widest<'a>(ui: &Ui, names: impl Iterator<Item = &'a String>) -> f32 {
    let mut widths: Vec<f32> = names.map(|name| natural(ui, name)).collect();
    let spacing = ui.spacing().item_spacing.x;
    let mut room = ui.available_width() - spacing * widths.len() as f32;
    widths.sort_by(f32::total_cmp);
    let mut left = widths.len() as f32;
    for width in widths {
        if width * left > room {
            return (room / left).max(0.);
        }
        room -= width;
        left -= 1.;
    }
    f32::INFINITY
}

fn about(model: &Model) -> String {
    let spec = model.spec();
    let limit = match model.tokenizer.limit() {
        limit if limit < NO_LIMIT => format!("up to {limit} tokens"),
        _ => "texts of any length".to_owned(),
    };
    format!(
        "{}\n{} · {} × {} · {} dimensions · {} feed-forward neurons\n{} pieces in the vocabulary · {}\nweights and settings {}",
        model.id,
        spec.family,
        counted(spec.layers(), "layer"),
        counted(spec.heads, "head"),
        spec.hidden,
        spec.ffn,
        spec.vocabulary,
        limit,
        model.hash,
    )
}

/// One click per model: those in the program, all-MiniLM-L6-v2, what the cache holds.
fn models_ui(ui: &mut Ui, state: &State, known: &Cached, commands: &mut Vec<Command>) {
    let mut offer = |ui: &mut Ui, reference: ModelRef, label: String| {
        let chosen = state.model == reference;
        if choice_ui(ui, chosen, label) {
            commands.push(Command::OpenModel(reference));
        }
    };
    let bundled = ModelRef::default();
    let label = format!("{} (in the program)", bundled.title());
    offer(ui, bundled, label);
    for checkpoint in CHECKPOINTS {
        let reference = checkpoint.reference();
        let label = reference.title();
        offer(ui, reference, label);
    }
    let minilm = ModelRef::minilm();
    let label = format!("{} — {}", minilm.title(), known.cost_of_minilm());
    offer(ui, minilm, label);
    ui.separator();
    let others = known.list.iter().filter(|model| model.id != MINILM);
    let mut none = true;
    for model in others {
        none = false;
        let reference = ModelRef::Hub {
            repo: model.id.clone(),
            revision: None,
        };
        let label = format!("{}   {:.0} MB", model.id, model.bytes as f64 / 1e6);
        offer(ui, reference, label);
    }
    if none {
        let text = match known.coming {
            Some(_) => "Looking into the hub's cache…",
            None => "The hub's cache holds no other model.",
        };
        // As far to the right as the names above, which stand in buttons.
        ui.horizontal(|ui| {
            ui.add_space(ui.spacing().button_padding.x);
            ui.weak(text);
        });
    }
    ui.separator();
    for (text, command) in [
        ("Open a folder or hub id…", Command::AskModelFolder),
        ("Manage models…", Command::ShowModels(true)),
    ] {
        let entry = ui.button(text);
        if entry_chosen(ui, &entry) {
            commands.push(command);
        }
    }
}

fn own_pooling(model: &Model) -> String {
    let own = model.head.pooling();
    own.iter()
        .map(|mode| mode.title())
        .collect::<Vec<_>>()
        .join(" + ")
}

fn pooling_shown(state: &State, model: &Model) -> String {
    match state.pooling {
        None => own_pooling(model),
        Some(mode) => mode.title().to_owned(),
    }
}

fn pooling_ui(
    ui: &mut Ui,
    name: Name<'_>,
    state: &State,
    model: &Model,
    commands: &mut Vec<Command>,
) {
    let own = model.head.pooling();
    let own_title = own_pooling(model);
    let menu = menu_ui(ui, name, |ui| {
        let mut offer = |ui: &mut Ui, pooling: Option<PoolingMode>, text: String| {
            if choice_ui(ui, state.pooling == pooling, text) {
                commands.push(Command::SetPooling(pooling));
            }
        };
        offer(ui, None, format!("{own_title} (the model's own)"));
        for mode in PoolingMode::ALL.into_iter().filter(|mode| own != [*mode]) {
            offer(ui, Some(mode), mode.title().to_owned());
        }
    });
    name_menu(
        &menu.response,
        format!("Pooling: {}", pooling_shown(state, model)),
    );
}

fn prompt_words<'a>(state: &'a State, model: &'a Model) -> &'a str {
    match &state.prompt {
        Prompt::Own => model.prompts.default.as_deref().unwrap_or("none"),
        Prompt::None => "none",
        Prompt::Named(name) => name,
        Prompt::Text(text) => text,
    }
}

fn prompt_ui(
    ui: &mut Ui,
    name: Name<'_>,
    state: &State,
    model: &Model,
    commands: &mut Vec<Command>,
) {
    let menu = menu_ui(ui, name, |ui| {
        let mut offer = |ui: &mut Ui, prompt: Prompt, text: String| {
            if choice_ui(ui, state.prompt == prompt, text) {
                commands.push(Command::SetPrompt(prompt));
            }
        };
        if let Some(default) = &model.prompts.default {
            offer(ui, Prompt::Own, format!("{default} (the model's default)"));
            offer(ui, Prompt::None, "none".to_owned());
        } else {
            offer(ui, Prompt::Own, "none (the model's default)".to_owned());
        }
        for (name, words) in &model.prompts.named {
            offer(
                ui,
                Prompt::Named(name.clone()),
                format!("{name}: “{words}”"),
            );
        }
        ui.separator();
        if !model.tasks.is_empty() {
            task_ui(ui, model, commands);
            ui.separator();
        }
        ui.weak("Your own words in front of every text:");
        let mut words = match &state.prompt {
            Prompt::Text(words) => words.clone(),
            _ => String::new(),
        };
        let label = ui.label("Prompt");
        let field = field_ui(ui, |ui| ui.text_edit_singleline(&mut words));
        super::fields::mark(ui, field.id);
        if field.labelled_by(label.id).changed() {
            commands.push(Command::SetPrompt(match words.is_empty() {
                true => Prompt::Own,
                false => Prompt::Text(words),
            }));
        }
    });
    name_menu(
        &menu.response,
        format!("Prompt: {}", prompt_words(state, model)),
    );
}

/// Adapters change the weights, so a model for a task is another model.
fn task_ui(ui: &mut Ui, model: &Model, commands: &mut Vec<Command>) {
    ui.weak("With the adapter of a task, and its prompt:");
    let now = model.source.task();
    let tasks = model.tasks.iter().map(|task| Some(task.as_str()));
    for task in std::iter::once(None).chain(tasks) {
        let label = task.unwrap_or("no task");
        if choice_ui(ui, now == task, label) {
            commands.push(Command::OpenModel(model.source.for_task(task)));
        }
    }
}
