//! The menu of what can be switched off or changed: what is selected, of which texts.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Button, PopupCloseBehavior, Ui};

use super::chips::ChipsInput;
use crate::app::command::Command;
use crate::app::state::{Focus, Side, State};
use crate::model::Model;
use crate::model::intervention::{Intervention, Scope};
use crate::views::TextView;
use crate::widgets::{entries_ui, entry_chosen};

/// What the menu offers.
pub struct Intervene<'a> {
    pub state: &'a State,
    pub model: &'a Model,
    pub texts: &'a [TextView],
    pub commands: &'a mut Vec<Command>,
}

/// One entry: what it says, what it does if there is something to do it to, and why not.
struct Entry {
    text: String,
    what: Option<Intervention>,
    /// In one text alone, where it is about one.
    scope: Option<Scope>,
    about: &'static str,
}

impl<'a> Intervene<'a> {
    pub fn of<'b>(input: &'a mut ChipsInput<'b>) -> Self
    where
        'b: 'a,
    {
        Self {
            state: input.state,
            model: input.model,
            texts: input.texts,
            commands: input.commands,
        }
    }

    /// The button that opens the menu, which stays open while texts are chosen.
    pub fn button_ui(&mut self, ui: &mut Ui, title: &str) {
        let stays = PopupCloseBehavior::CloseOnClickOutside;
        let config = MenuConfig::new().close_behavior(stays);
        let button = MenuButton::new(title).config(config);
        button.ui(ui, |ui| entries_ui(ui, |ui| self.menu_ui(ui)));
    }

    fn menu_ui(&mut self, ui: &mut Ui) {
        let id = egui::Id::unique("scope of a change");
        let mut scope: Scope = ui.data(|data| data.get_temp(id)).unwrap_or_default();
        ui.horizontal(|ui| {
            ui.weak("in");
            for choice in Scope::ALL {
                if ui
                    .selectable_label(scope == choice, choice.title())
                    .clicked()
                {
                    scope = choice;
                    ui.data_mut(|data| data.insert_temp(id, choice));
                }
            }
        });
        ui.separator();
        for entry in self.entries() {
            let button = Button::new(&entry.text);
            let response = ui.add_enabled(entry.what.is_some(), button);
            let response = response
                .on_hover_text(entry.about)
                .on_disabled_hover_text(entry.about);
            if let Some(what) = entry.what.filter(|_| entry_chosen(ui, &response)) {
                let all = &self.state.interventions;
                let next = all.with(what, entry.scope.unwrap_or(scope));
                self.commands.push(Command::SetInterventions(next));
            }
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let spec = self.model.spec();
        let has_layers = spec.layers() > 0;
        let layer = self.state.layer.min(spec.layers().saturating_sub(1));
        let head = self.state.head.min(spec.heads.saturating_sub(1));
        let of_layers = |text: String, what: Intervention, about| Entry {
            text,
            what: has_layers.then_some(what),
            scope: None,
            about,
        };
        let name = |part: &str| format!("Switch off L{} · {part}", layer + 1);
        let mut entries = vec![
            Entry {
                text: "Switch off positions".to_owned(),
                what: spec.tells_places().then_some(Intervention::NoPositions),
                scope: None,
                about: "The model is told nothing of places; a causal mask stays",
            },
            of_layers(
                name(&format!("head {}", head + 1)),
                Intervention::NoHead { layer, head },
                "The selected head writes nothing",
            ),
            of_layers(
                name("attention"),
                Intervention::NoAttention { layer },
                "The layer's attention writes nothing",
            ),
            of_layers(
                name("feed-forward"),
                Intervention::NoFeedForward { layer },
                "The layer's feed-forward block writes nothing",
            ),
        ];
        let neuron = self.locked().neuron.filter(|_| has_layers);
        entries.push(Entry {
            text: name(&neuron.map_or("the locked neuron".to_owned(), |n| format!("neuron {n}"))),
            what: neuron.map(|neuron| Intervention::NoNeuron { layer, neuron }),
            scope: None,
            about: "A neuron that is locked by a click in Feed-forward is 0 at every token",
        });
        entries.extend(self.of_token());
        entries.extend([
            of_layers(
                "Attention temperature of all layers".to_owned(),
                warm(None),
                "Scores are divided by it before the softmax: above 1 flatter, below sharper",
            ),
            of_layers(
                format!("Attention temperature of L{}", layer + 1),
                warm(Some(layer)),
                "The same of the selected layer alone",
            ),
            Entry {
                text: "Shuffle the tokens".to_owned(),
                what: Some(Intervention::Shuffle { seed: 1 }),
                scope: None,
                about: "The text's own tokens in a random order; special tokens stay",
            },
            of_layers(
                format!("Take what leaves L{} from the other text", layer + 1),
                Intervention::patch(layer, None),
                "A's from B's run and B's from A's: each token its partner's, as A − B pairs them. Its chip changes that to the same place",
            ),
        ]);
        entries
    }

    /// What is held, where that is a place of this model: changes are made to no other.
    fn locked(&self) -> Focus {
        let locked = self.state.locked;
        match locked.reference {
            true => Focus::default(),
            false => locked,
        }
    }

    /// What is about the locked token.
    fn of_token(&self) -> Vec<Entry> {
        let locked = self.locked();
        let text = locked
            .text
            .and_then(|id| self.texts.iter().find(|t| t.id == id));
        let trace = text.and_then(|text| text.trace.as_ref());
        let token = locked
            .token
            .zip(trace)
            .filter(|(t, trace)| *t < trace.tokens.len());
        let side = match locked.text {
            id if id.is_none() => None,
            id if id == self.state.a => Some(Side::A),
            id if id == self.state.b => Some(Side::B),
            _ => None,
        };
        let found = token.zip(side);
        let label = found.map(|((t, trace), _)| trace.tokens.labels[t].clone());
        let origin = found.map(|((t, trace), _)| trace.interventions.origin(t));
        let (name, every) = match &label {
            Some(label) => (format!("“{label}”"), format!("every “{label}”")),
            None => (
                "the locked token".to_owned(),
                "every token like it".to_owned(),
            ),
        };
        let scope = side.map(|side| match side {
            Side::A => Scope::A,
            Side::B => Scope::B,
        });
        let about =
            "Click a token of A or B first. Hidden, no other token sees it and no pool takes it";
        let layer = self
            .state
            .layer
            .min(self.model.spec().layers().saturating_sub(1));
        let has_layers = self.model.spec().layers() > 0;
        vec![
            Entry {
                text: format!("Hide {name}"),
                what: origin.map(|token| Intervention::NoToken { token }),
                scope,
                about,
            },
            Entry {
                text: format!("Hide {every}"),
                what: label.clone().map(|piece| Intervention::NoPiece { piece }),
                scope: None,
                about,
            },
            Entry {
                text: format!("Take {name} behind L{} from the other text", layer + 1),
                what: origin
                    .filter(|_| has_layers)
                    .map(|token| Intervention::patch(layer, Some(token))),
                scope,
                about: "Click a token of A or B first. Its state comes from its partner, as A − B pairs tokens",
            },
        ]
    }
}

/// The temperature that a change begins with: of one layer, or of all.
pub fn warm(layer: Option<usize>) -> Intervention {
    let hundredths = 200;
    Intervention::Temperature { layer, hundredths }
}
