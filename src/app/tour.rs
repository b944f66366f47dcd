//! The tour: a few cards beside the places that they speak of, each with something to do.

mod position;

use super::layout::Layout;
use super::state::State;
use super::walk::Stage;
use crate::model::intervention::Interventions;

pub use position::{Switch, are_off, switch};

/// A wish that has to do with the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TourCommand {
    /// Puts the sample in place of the texts, and shows the first card.
    Start,
    /// Not now; it stays in the menu.
    Decline,
    Next,
    Back,
    End,
    /// Brings the person's own texts and panels back.
    Restore,
    /// Stays with what the tour left.
    Keep,
}

/// What the tour is shown on: the same words in two orders, and two texts to hold them against.
pub const TEXTS: [&str; 4] = [
    "The cat bit the dog.",
    "The dog bit the cat.",
    "A puppy was hurt by a kitten.",
    "The committee approved the budget.",
];

/// A part of the window that a card speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Menu,
    Texts,
    Spine,
    Inspector,
    Panel(&'static str),
}

/// What is compared to see whether something was done.
pub struct Seen<'a> {
    pub state: &'a State,
    pub stage: Option<Stage>,
}

/// One card.
pub struct Card {
    pub title: &'static str,
    /// What it stands beside, outlined.
    pub place: Place,
    /// What it speaks of, too.
    pub also: &'static [Place],
    pub text: &'static str,
    /// What to do.
    pub task: &'static str,
    /// A button that does it.
    pub switch: Option<Switch>,
    /// Whether it was done, between the card's first sight and now.
    done: fn(&Before, &Seen<'_>) -> bool,
}

/// How it was when a card came up.
struct Before {
    state: State,
    stage: Option<Stage>,
}

pub static CARDS: [Card; 9] = [
    Card {
        title: "Two sentences",
        place: Place::Texts,
        also: &[],
        text: "The first two texts are A and B: the same words in another order, with opposite meanings. Everything in the window follows what is written here, while you type.",
        task: "Press “Swap A and B”, or make another text A.",
        switch: None,
        done: |before, now| (before.state.a, before.state.b) != (now.state.a, now.state.b),
    },
    Card {
        title: "The pipeline",
        place: Place::Spine,
        also: &[],
        text: "A text goes from left to right through these stages until one vector is left, and the cosine of two vectors is the score. Each stage is a small live picture, and a sentence below it says what happens there.",
        task: "Press the right arrow key, or click a stage.",
        switch: None,
        done: |before, now| now.stage.is_some() && before.stage != now.stage,
    },
    Card {
        title: "Tokens",
        place: Place::Panel("tokens"),
        also: &[Place::Inspector],
        text: "The model reads no letters but pieces from a fixed vocabulary, each with a number. Special pieces stand around them. Whatever you point at lights up in every panel.",
        task: "Click a piece, or walk to it with the arrow keys: it is held, and the inspector tells its numbers. Escape lets go.",
        switch: None,
        done: |_, now| now.state.locked.token.is_some(),
    },
    Card {
        title: "Embedding",
        place: Place::Panel("embedding"),
        also: &[],
        text: "Each piece takes its row from a table, the same row in every text. So A and B begin with the same rows, in another order.",
        task: "Switch to the other text with the buttons A and B, and compare.",
        switch: None,
        done: |before, now| before.state.side != now.state.side,
    },
    position::CARD,
    Card {
        title: "Attention",
        place: Place::Panel("attention"),
        also: &[],
        text: "In each layer every piece gathers from the others, in several heads at once. A row of the map says where a piece looks: its weights add up to 1. Some heads follow the order, others look at separators.",
        task: "Choose another head, or another layer.",
        switch: None,
        done: |before, now| {
            (before.state.layer, before.state.head) != (now.state.layer, now.state.head)
        },
    },
    Card {
        title: "Feed-forward",
        place: Place::Panel("feed_forward"),
        also: &[],
        text: "Then each piece is worked on by itself: many neurons look for something in it, few of them answer, and what they write is added to the piece.",
        task: "Click a neuron or a piece in the map to hold it, or choose another layer.",
        switch: None,
        done: |before, now| {
            let held = now.state.locked.neuron.is_some() || now.state.locked.token.is_some();
            held && before.state.locked != now.state.locked || before.state.layer != now.state.layer
        },
    },
    Card {
        title: "Pooling",
        place: Place::Panel("pooling"),
        also: &[Place::Menu],
        text: "All vectors of a text become one. The first piece's alone, the mean, the maximum: each keeps something else, so the cosines and the picture of the texts move with the choice.",
        task: "Choose another pooling, here or in the menu at the upper right.",
        switch: None,
        done: |before, now| before.state.pooling != now.state.pooling,
    },
    Card {
        title: "Score",
        place: Place::Panel("score"),
        also: &[],
        text: "The cosine of the two vectors. The tabs take it apart: which pieces of A with which of B, which layers, which dimensions. Each breakdown says how exactly it adds up.",
        task: "Open another tab.",
        switch: None,
        done: |before, now| before.state.score_method != now.state.score_method,
    },
];

/// What a person had before the tour.
pub struct Own {
    pub state: State,
    pub layout: Layout,
}

/// How far the tour is.
#[derive(Default)]
pub struct Tour {
    /// The card that is shown.
    card: Option<usize>,
    before: Option<Before>,
    done: [bool; CARDS.len()],
    /// Set aside until the person decides.
    own: Option<Box<Own>>,
    /// Another card came up, and its place has to be shown.
    fresh: bool,
}

impl Tour {
    /// The card that is shown, with its number from 0.
    pub fn card(&self) -> Option<(usize, &'static Card)> {
        Some((self.card?, &CARDS[self.card?]))
    }

    pub fn is_done(&self, card: usize) -> bool {
        self.done.get(card).copied().unwrap_or(false)
    }

    /// Whether the tour is over and the person has not said yet what becomes of the sample.
    pub fn asks(&self) -> bool {
        self.card.is_none() && self.own.is_some()
    }

    /// Begins, with what was there before set aside.
    pub fn start(&mut self, own: Own) {
        // Begun anew in the midst of it, the person's own is still what there was before the first time.
        self.own.get_or_insert_with(|| Box::new(own));
        self.done = [false; CARDS.len()];
        self.show(0);
    }

    fn show(&mut self, card: usize) {
        (self.card, self.before, self.fresh) = (Some(card), None, true);
    }

    /// Goes to the next card or back. Behind the last one it ends.
    pub fn go(&mut self, forward: bool) {
        let Some(card) = self.card else { return };
        match forward {
            true if card + 1 == CARDS.len() => self.end(),
            true => self.show(card + 1),
            false => self.show(card.saturating_sub(1)),
        }
    }

    pub fn end(&mut self) {
        (self.card, self.before) = (None, None);
    }

    /// What was set aside, once.
    pub fn take_own(&mut self) -> Option<Box<Own>> {
        self.own.take()
    }

    /// What was changed inside the encoder before the tour, once the cards are gone.
    pub fn changes_before(&self) -> Option<&Interventions> {
        let own = self.own.as_ref().filter(|_| self.card.is_none())?;
        Some(&own.state.interventions)
    }

    /// The place of a card that has just come up.
    pub fn take_fresh(&mut self) -> Option<Place> {
        let (_, card) = self.card()?;
        std::mem::take(&mut self.fresh).then_some(card.place)
    }

    /// Looks whether what the card asks for was done.
    pub fn look(&mut self, now: &Seen<'_>) {
        let Some((index, card)) = self.card() else {
            return;
        };
        if self.fresh {
            return;
        }
        match &self.before {
            Some(before) => self.done[index] |= (card.done)(before, now),
            None => {
                self.before = Some(Before {
                    state: now.state.clone(),
                    stage: now.stage,
                });
            }
        }
    }
}

impl Own {
    /// A copy of what there is now.
    pub fn of(state: &State, layout: &Layout) -> Self {
        Self {
            state: state.clone(),
            layout: layout.clone(),
        }
    }
}

/// The state in which the tour begins: the sample, with the choices that would get in its way taken
/// back.
pub fn begin(state: &mut State) {
    state.set_texts(TEXTS);
    (state.side, state.difference) = (super::state::Side::A, false);
    state.beside = None;
    (state.pooling, state.truncate_dim) = (None, None);
    state.interventions = Interventions::default();
    state.preferences.tour_seen = true;
}

/// The person's texts and choices again, but the model and the preferences of now.
pub fn restored(own: State, now: &State) -> State {
    let mut state = own.preferred_as(now);
    state.model = now.model.clone();
    state.reference.clone_from(&now.reference);
    state.prompt = now.prompt.clone();
    state.lock(state.locked);
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::intervention::{Intervention, Scope};

    #[test]
    fn each_card_sees_what_it_asks_for_and_nothing_else() {
        let mut start = State::default();
        begin(&mut start);
        let still = Before {
            state: start.clone(),
            stage: Some(Stage::Tokens),
        };
        for card in &CARDS {
            let now = Seen {
                state: &start,
                stage: Some(Stage::Tokens),
            };
            assert!(
                !(card.done)(&still, &now),
                "{} is done by itself",
                card.title
            );
        }
        let changes: [fn(&mut State); 9] = [
            |state| std::mem::swap(&mut state.a, &mut state.b),
            |_| {},
            |state| state.locked.token = Some(1),
            |state| state.side = crate::app::state::Side::B,
            |state| {
                let all = &state.interventions;
                state.interventions = all.with(Intervention::NoPositions, Scope::All);
            },
            |state| state.head = 2,
            |state| state.locked.neuron = Some(3),
            |state| state.pooling = Some(crate::trace::PoolingMode::Max),
            |state| state.score_method = crate::app::state::ScoreMethod::Layers,
        ];
        for (card, change) in CARDS.iter().zip(changes) {
            let mut state = start.clone();
            change(&mut state);
            let now = Seen {
                state: &state,
                stage: Some(Stage::Embedding),
            };
            assert!((card.done)(&still, &now), "{}", card.title);
        }
    }

    #[test]
    fn cards_stand_beside_panels_that_exist() {
        for card in &CARDS {
            if let Place::Panel(id) = card.place {
                assert!(crate::views::find(id).is_some(), "{id}");
            }
        }
    }

    #[test]
    fn behind_the_last_card_it_asks_what_becomes_of_the_sample() {
        let (state, layout) = (State::default(), Layout::default());
        let mut tour = Tour::default();
        tour.start(Own::of(&state, &layout));
        tour.go(false);
        assert_eq!(
            tour.card().map(|(i, _)| i),
            Some(0),
            "there is nothing before"
        );
        for _ in 0..CARDS.len() - 1 {
            tour.go(true);
            assert!(tour.card().is_some() && !tour.asks());
        }
        tour.go(true);
        assert!(tour.card().is_none() && tour.asks());
        assert_eq!(tour.take_own().unwrap().state, state);
        assert!(!tour.asks());
    }
}
