//! What the palette offers besides the table: whatever there is to go to or to choose just now.

use std::sync::Arc;

use super::{ActionState, table};
use crate::app::chrome::intervene::warm;
use crate::app::command::Command;
use crate::app::export::{Export, Format};
use crate::app::samples::SAMPLES;
use crate::app::state::Side;
use crate::app::walk::Stage;
use crate::model::intervention::{Intervention, Scope, Scoped};
use crate::model::{Model, ModelRef};
use crate::tokens::start_of;
use crate::trace::PoolingMode;
use crate::views;
use crate::views::score::{self, TABS};

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
    all.extend(sessions(on));
    all.extend(score_tabs());
    all.extend(exports(on));
    all.extend(samples());
    all.extend(texts(on));
    if let Some(model) = on.model {
        all.extend(poolings(on, model));
        all.extend(changes(on, model));
        all.extend(layers(on, model));
    }
    all
}

/// Session files that were saved or opened before, newest first.
fn sessions(on: &ActionState<'_>) -> impl Iterator<Item = Entry> {
    on.state.preferences.recent.iter().map(|path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let title = format!("Open recent session {}", name.to_string_lossy());
        let folder = path.parent().map(|folder| folder.display().to_string());
        let commands = vec![Command::OpenSession(path.clone())];
        Entry::new(title, folder.unwrap_or_default(), commands)
    })
}

/// The ways in which the score is explained.
fn score_tabs() -> impl Iterator<Item = Entry> {
    TABS.iter().map(|tab| {
        let commands = vec![
            Command::ScoreMethod(tab.method),
            Command::ShowPanel(score::PANEL.id),
        ];
        Entry::new(format!("Score › {}", tab.title), tab.question, commands)
    })
}

/// The panels in front as files that every panel has.
fn exports(on: &ActionState<'_>) -> impl Iterator<Item = Entry> {
    let panels = on.layout.front().into_iter().filter_map(views::find);
    panels.flat_map(|panel| {
        [Format::Png, Format::Svg, Format::Csv].map(|format| {
            let title = format!("Export {} as {}…", panel.title, format.title());
            let export = Export {
                panel: panel.id,
                format,
                part: 0,
            };
            Entry {
                off: on.state.texts.is_empty().then_some("there is no text"),
                ..Entry::new(title, "file", vec![Command::AskExport(export)])
            }
        })
    })
}

/// What can be changed inside the encoder with nothing more to say, in all texts, and the way back from
/// each change that is there.
fn changes(on: &ActionState<'_>, model: &Model) -> Vec<Entry> {
    let (spec, all) = (model.spec(), &on.state.interventions);
    let layer = on.state.layer.min(spec.layers().saturating_sub(1));
    let head = on.state.head.min(spec.heads.saturating_sub(1));
    let of_layer = |part: &str| format!("Switch off L{} · {part}", layer + 1);
    let entry = |title: String, what: Intervention, there: bool| {
        let is_off = |one: &Scoped| one.on && one.scope == Scope::All && one.what == what;
        let off = match there {
            false => Some("the model has none"),
            true => all.0.iter().any(is_off).then_some("is already so"),
        };
        let commands = vec![Command::SetInterventions(all.with(what, Scope::All))];
        Entry {
            off,
            ..Entry::new(title, "change inside the encoder", commands)
        }
    };
    let positions = "Switch off positions".to_owned();
    let mut entries = vec![entry(
        positions,
        Intervention::NoPositions,
        spec.tells_places(),
    )];
    for (part, what) in [
        ("attention", Intervention::NoAttention { layer }),
        ("feed-forward", Intervention::NoFeedForward { layer }),
        (
            &*format!("head {}", head + 1),
            Intervention::NoHead { layer, head },
        ),
    ] {
        entries.push(entry(of_layer(part), what, spec.layers() > 0));
    }
    for (title, what) in [
        ("Attention temperature of all layers".to_owned(), warm(None)),
        (
            format!("Attention temperature of L{}", layer + 1),
            warm(Some(layer)),
        ),
        (
            format!("Take what leaves L{} from the other text", layer + 1),
            Intervention::patch(layer, None),
        ),
    ] {
        entries.push(entry(title, what, spec.layers() > 0));
    }
    let shuffled = Intervention::Shuffle { seed: 1 };
    entries.push(entry("Shuffle the tokens".to_owned(), shuffled, true));
    entries.extend(all.0.iter().enumerate().map(|(index, one)| {
        let title = format!("Take back: {} ({})", one.what.title(), one.scope.title());
        let commands = vec![Command::SetInterventions(all.without(index))];
        Entry::new(title, "change inside the encoder", commands)
    }));
    entries
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
        let start = start_of(text.text.trim_end(), START);
        for side in [Side::A, Side::B] {
            let title = format!("Make “{start}” {}", side.name());
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
