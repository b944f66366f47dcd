//! The card about places, and what its button does.

use super::{Card, Place};
use crate::app::command::Command;
use crate::app::state::State;
use crate::model::intervention::{Intervention, Interventions, Scope};

/// What a card's button switches, there and back.
pub struct Switch {
    pub off: &'static str,
    pub on: &'static str,
    /// What to do once it was switched, instead of the card's task.
    pub then: &'static str,
    /// Why it may not be there to switch.
    pub missing: &'static str,
}

/// The card about places.
pub(super) const CARD: Card = Card {
    title: "Position",
    place: Place::Panel("position"),
    also: &[Place::Spine, Place::Menu],
    text: "The model has to be told where each piece stands. Without that, one that reads in both directions finds the same bag of words in both sentences.",
    task: "Press “Switch positions off” in the panel, or let this button do it: “The cat bit the dog.” and “The dog bit the cat.” become one, with a cosine of 1.0000.",
    switch: Some(Switch {
        off: "Do it for me",
        on: "Take it back",
        then: "The strip of changes above the panels says what that did to the cosine, and stays for as long as something is changed. Now switch them on again.",
        missing: "This model is told nothing of places",
    }),
    done: |_, now| are_off(now.state),
};

/// Whether the model is told nothing of places just now.
pub fn are_off(state: &State) -> bool {
    let mut all = state.interventions.0.iter();
    all.any(|one| one.on && one.what == Intervention::NoPositions)
}

/// Switches positions off in every text, or on again.
pub fn switch(state: &State) -> Command {
    let all = &state.interventions;
    Command::SetInterventions(match are_off(state) {
        true => {
            let others = all.0.iter();
            let others = others.filter(|one| one.what != Intervention::NoPositions);
            Interventions(others.cloned().collect())
        }
        false => all.with(Intervention::NoPositions, Scope::All),
    })
}
