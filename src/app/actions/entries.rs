//! What the palette offers besides the table: whatever there is to go to or to choose just now.

use std::sync::Arc;

use super::{ActionState, table};
use crate::app::command::Command;
use crate::app::samples::SAMPLES;
use crate::app::state::Side;
use crate::app::walk::Stage;
use crate::model::{Model, ModelRef};
use crate::trace::PoolingMode;

/// One line of the palette.
pub struct Entry {
    pub title: String,
    /// What kind of thing it is, or what it is about.
    pub about: String,
    /// Of the table's action that it is.
    pub action: Option<usize>,
    /// Why it cannot be done now.
    pub off: Option<&'static str>,
    pub commands: Vec<Command>,
}

impl Entry {
    fn new(title: String, about: impl Into<String>, commands: Vec<Command>) -> Self {
        Self {
            title,
            about: about.into(),
            action: None,
            off: None,
            commands,
        }
    }

    /// One model that can be opened.
    pub fn model(reference: ModelRef, now: &ModelRef, about: String) -> Self {
        let title = format!("Open {}", reference.title());
        Self {
            off: (reference == *now).then_some("is open"),
            ..Self::new(title, about, vec![Command::OpenModel(reference)])
        }
    }
}

/// Everything but the models, the table's actions first.
pub fn entries(on: &ActionState<'_>) -> Vec<Entry> {
    let mut all: Vec<Entry> = table()
        .iter()
        .enumerate()
        // Opening the palette from within it leads nowhere.
        .filter(|(_, action)| action.id != "help.palette")
        .map(|(index, action)| Entry {
            action: Some(index),
            off: action.enabled(on).err(),
            ..Entry::new(
                action.title.clone().into_owned(),
                action.about.clone(),
                vec![action.command(on)],
            )
        })
        .collect();
    all.extend(samples());
    all.extend(texts(on));
    if let Some(model) = on.model {
        all.extend(poolings(on, model));
        all.extend(layers(on, model));
    }
    all
}

fn samples() -> impl Iterator<Item = Entry> {
    SAMPLES.iter().map(|sample| {
        let texts = sample.texts.iter().map(|text| (*text).to_owned());
        let title = format!("Sample texts: {}", sample.title);
        Entry::new(
            title,
            sample.about,
            vec![Command::SetTexts(texts.collect())],
        )
    })
}

/// Letters of a text in the palette.
const START: usize = 40;

fn texts(on: &ActionState<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, text) in on.state.texts.iter().enumerate() {
        let start: String = text.text.chars().take(START).collect();
        let cut = if start.len() < text.text.len() {
            "…"
        } else {
            ""
        };
        for side in [Side::A, Side::B] {
            let title = format!("Make “{}{cut}” {}", start.trim_end(), side.name());
            let commands = vec![Command::Assign(side, text.id), Command::View(side)];
            entries.push(Entry {
                off: (on.state.id_of(side) == Some(text.id)).then_some("it is"),
                ..Entry::new(title, format!("text {}", index + 1), commands)
            });
        }
    }
    entries
}

fn poolings(on: &ActionState<'_>, model: &Arc<Model>) -> Vec<Entry> {
    let own = model.head.pooling();
    let titles: Vec<&str> = own.iter().map(|mode| mode.title()).collect();
    let title = format!("Pooling of the model: {}", titles.join(" + "));
    let entry = |title, pooling: Option<PoolingMode>| Entry {
        off: (on.state.pooling == pooling).then_some("is chosen"),
        ..Entry::new(title, "pooling", vec![Command::SetPooling(pooling)])
    };
    let modes = PoolingMode::ALL.into_iter().filter(|mode| own != [*mode]);
    let others = modes.map(|mode| entry(format!("Pooling: {}", mode.title()), Some(mode)));
    std::iter::once(entry(title, None)).chain(others).collect()
}

fn layers(on: &ActionState<'_>, model: &Arc<Model>) -> Vec<Entry> {
    let spec = model.spec();
    let stages = Stage::all(model);
    // The feed-forward panel also shows a layer; any other gives way to the attention.
    let stage = on.walk.stage(on.state.layer, &stages);
    let stays = matches!(stage, Some(Stage::Attention(_) | Stage::FeedForward(_)));
    let show = (!stays).then_some(Command::ShowPanel("attention"));
    let layers = (0..spec.layers()).map(|layer| {
        let mut commands = vec![Command::SelectLayer(layer)];
        commands.extend(show.clone());
        Entry::new(format!("Go to layer {}", layer + 1), "layer", commands)
    });
    let heads = (0..spec.layers()).flat_map(|layer| {
        (0..spec.heads).map(move |head| {
            let commands = vec![
                Command::SelectLayer(layer),
                Command::SelectHead(head),
                Command::ShowPanel("attention"),
            ];
            let title = format!("L{} head {}", layer + 1, head + 1);
            Entry::new(title, "attention head", commands)
        })
    });
    layers.chain(heads).collect()
}
