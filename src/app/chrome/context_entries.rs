//! What a context menu offers for what is under the pointer.

use super::context_cell::of_number;
use crate::app::command::Command;
use crate::app::state::{Focus, Side, State, TextId};
use crate::model::Model;
use crate::model::intervention::{Intervention, Scope};
use crate::views::TextView;

/// What there is around the thing that was pointed at.
pub struct Here<'a> {
    pub state: &'a State,
    pub model: Option<&'a Model>,
    pub texts: &'a [TextView],
}

/// Entries about one thing.
pub struct Group {
    pub title: String,
    pub entries: Vec<Entry>,
}

/// One entry: what it does, or nothing where that cannot be done now.
pub struct Entry {
    pub text: String,
    pub commands: Vec<Command>,
    pub about: String,
}

impl Entry {
    pub(super) fn new(text: impl Into<String>, about: &str, command: Command) -> Self {
        Self {
            text: text.into(),
            commands: vec![command],
            about: about.to_owned(),
        }
    }

    pub(super) fn only_if(mut self, possible: bool) -> Self {
        if !possible {
            self.commands.clear();
        }
        self
    }

    fn and(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }
}

/// What can be done with what `focus` names, and with the head (layer, head) under the pointer.
pub fn groups(focus: Focus, head: Option<(usize, usize)>, here: &Here<'_>) -> Vec<Group> {
    let of_cell = focus.other.is_some() || focus.head_dimension.is_some();
    let own = (here.state.layer, here.state.head);
    let head = head.or_else(|| of_cell.then_some(own));
    let text = focus.text.filter(|_| focus.token.is_none());
    let all = [
        of_number(focus, here),
        text.and_then(|id| of_text(id, here)),
        of_token(focus, here),
        head.and_then(|head| of_head(head, here)),
        focus.neuron.and_then(|neuron| of_neuron(neuron, here)),
    ];
    let mut all: Vec<Group> = all.into_iter().flatten().collect();
    let locks = focus.token.is_some() || focus.neuron.is_some() || focus.dimension.is_some();
    if locks {
        let lock = lock(focus, here.state);
        match all.first_mut() {
            Some(first) => first.entries.insert(0, lock),
            None => all.push(Group {
                title: "Here".to_owned(),
                entries: vec![lock],
            }),
        }
    }
    all
}

fn lock(focus: Focus, state: &State) -> Entry {
    match focus == state.locked {
        true => Entry::new("Unlock", "As Escape does", Command::Release),
        false => Entry::new(
            "Lock",
            "Holds it in every panel and in the inspector, as a click does",
            Command::Lock(focus),
        ),
    }
}

fn of_text(id: TextId, here: &Here<'_>) -> Option<Group> {
    let state = here.state;
    let index = state.index(id)?;
    let text = &state.texts[index].text;
    let side = |side: Side| {
        let about = "Compares this text with the other of the two";
        let name = format!("Make it {}", side.name());
        let entry = Entry::new(name, about, Command::Assign(side, id)).and(Command::View(side));
        entry.only_if(state.id_of(side) != Some(id))
    };
    let against = match state.against == Some(id) {
        true => Entry::new(
            "Stop holding B against it",
            "Leaves the third text out of the Score panel's contrast",
            Command::Against(None),
        ),
        false => Entry::new(
            "Hold B against it",
            "Why is A closer to B than to this text? Neither A nor B can be it",
            Command::Against(Some(id)),
        )
        .only_if(state.a != Some(id) && state.b != Some(id)),
    };
    let moved = |name: &str, to: Option<usize>| {
        let to = to.filter(|&to| to < state.texts.len());
        let command = Command::MoveText(id, to.unwrap_or(index));
        Entry::new(name, "Its place in the list", command).only_if(to.is_some())
    };
    let entries = vec![
        side(Side::A),
        side(Side::B),
        against,
        Entry::new("Copy", "The text as it is", Command::Copy(text.clone())),
        Entry::new(
            "Duplicate",
            "The same text once more, at the end of the list",
            Command::AddText(text.clone()),
        ),
        moved("Move up", index.checked_sub(1)),
        moved("Move down", Some(index + 1)),
        Entry::new("Remove", "Undo brings it back", Command::RemoveText(id)),
    ];
    Some(Group {
        title: format!("Text {}", index + 1),
        entries,
    })
}

fn of_token(focus: Focus, here: &Here<'_>) -> Option<Group> {
    let (id, token) = (focus.text?, focus.token?);
    let view = here.texts.iter().find(|text| text.id == id)?;
    let trace = view.trace.as_ref()?;
    let tokens = &trace.tokens;
    let label = tokens.labels.get(token)?;
    let state = here.state;
    let scope = match id {
        id if state.a == state.b && state.a == Some(id) => Some(Scope::All),
        id if state.a == Some(id) => Some(Scope::A),
        id if state.b == Some(id) => Some(Scope::B),
        _ => None,
    };
    let written = tokens
        .offsets
        .get(token)
        .and_then(|&(from, to)| tokens.text.get(from..to))
        .filter(|written| !written.is_empty())
        .unwrap_or(label);
    let copy = Entry::new(
        "Copy its text",
        "What it stands for in the text",
        Command::Copy(written.to_owned()),
    );
    let mut entries = vec![copy];
    let switch = |name: String, what, scope: Option<Scope>, about: &str| {
        let entry = switch(here, name, what, scope.unwrap_or_default(), about);
        entry.only_if(scope.is_some() && view.current)
    };
    let origin = trace.interventions.origin(token);
    let only =
        "Of the two texts that are compared only: no other token sees it and no pool takes it";
    let hidden = Intervention::NoToken { token: origin };
    entries.push(switch(format!("Hide “{label}”"), hidden, scope, only));
    let piece = label.clone();
    entries.push(switch(
        format!("Hide every “{label}”"),
        Intervention::NoPiece { piece },
        Some(Scope::All),
        "No other token sees one, and no pool takes it",
    ));
    if let Some(layer) = layer(here) {
        let patch = Intervention::patch(layer, Some(origin));
        entries.push(switch(
            format!("Take it behind L{} from the other text", layer + 1),
            patch,
            scope,
            "Its state comes from the token that it is paired with in the other text",
        ));
    }
    Some(Group {
        title: format!("“{label}”, token {token} of text {}", view.index + 1),
        entries,
    })
}

fn of_head((layer, head): (usize, usize), here: &Here<'_>) -> Option<Group> {
    let spec = here.model?.spec();
    if layer >= spec.layers() || head >= spec.heads {
        return None;
    }
    let name = format!("L{} · head {}", layer + 1, head + 1);
    let chosen = here.state.layer == layer && here.state.head == head;
    let mut entries = vec![
        Entry::new(
            "Show its attention",
            "Selects the head and brings Attention to the front",
            Command::SelectLayer(layer),
        )
        .and(Command::SelectHead(head))
        .and(Command::ShowPanel("attention")),
        switch(
            here,
            "Switch it off".to_owned(),
            Intervention::NoHead { layer, head },
            Scope::All,
            "The head writes nothing: every panel and the score follow",
        ),
    ];
    if !chosen {
        let select = Entry::new(
            "Select it",
            "The head that all panels show",
            Command::SelectLayer(layer),
        );
        entries.insert(0, select.and(Command::SelectHead(head)));
    }
    Some(Group {
        title: name,
        entries,
    })
}

fn of_neuron(neuron: usize, here: &Here<'_>) -> Option<Group> {
    let layer = layer(here)?;
    let what = Intervention::NoNeuron { layer, neuron };
    let about = "The neuron is 0 at every token: every panel and the score follow";
    Some(Group {
        title: format!("L{} · neuron {neuron}", layer + 1),
        entries: vec![switch(
            here,
            "Switch it off".to_owned(),
            what,
            Scope::All,
            about,
        )],
    })
}

/// The chosen layer, where the model has layers.
fn layer(here: &Here<'_>) -> Option<usize> {
    let last = here.model?.spec().layers().checked_sub(1)?;
    Some(here.state.layer.min(last))
}

/// Makes a change, or takes it back where it is made.
fn switch(here: &Here<'_>, name: String, what: Intervention, scope: Scope, about: &str) -> Entry {
    let all = &here.state.interventions;
    let mut held = all.0.iter();
    let there = held.position(|one| one.on && one.what == what && one.scope == scope);
    match there {
        Some(index) => {
            let text = format!("Take back: {}", what.title());
            Entry::new(text, about, Command::SetInterventions(all.without(index)))
        }
        None => {
            let all = all.with(what, scope);
            Entry::new(name, about, Command::SetInterventions(all))
        }
    }
}
