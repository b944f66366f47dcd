//! The one persisted struct: everything that a person has chosen, nothing that can be derived.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fine_tune::FineTune;
use super::pairs::Temperature;
use super::preferences::Preferences;
use crate::analysis::token_weights::TokenWeights;
use crate::model::intervention::Interventions;
use crate::model::{ModelRef, Prompt};
use crate::trace::{PoolingMode, Site};

/// Names a text for as long as it is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextId(pub u64);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub id: TextId,
    pub text: String,
}

/// One of the two texts that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    #[default]
    A,
    B,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// What the panels of one text show in two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Beside {
    /// A and B.
    Texts,
    /// The viewed text through the model and through the reference model.
    Models,
}

/// Light or dark; `System` follows the desktop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    #[default]
    System,
    Light,
    Dark,
}

/// How the Score panel explains the cosine: one of its tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScoreMethod {
    #[default]
    Pairs,
    Input,
    LeaveOneOut,
    Shapley,
    Integrated,
    Components,
    Dimensions,
    Layers,
    Ablation,
    Contrast,
}

/// What one hover or click points at. Each panel shows the parts that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Focus {
    /// The text that `token` belongs to.
    pub text: Option<TextId>,
    /// A token: the row of a [T, D] site, the query of an attention cell.
    pub token: Option<usize>,
    /// A second token of the same text: the key of an attention cell.
    pub other: Option<usize>,
    /// A token of another text: the partner in a map of token pairs.
    pub across: Option<(TextId, usize)>,
    /// Another text: what is meant is the cosine of both, under the pooling that `site` names or the model's
    /// own.
    pub pair: Option<TextId>,
    pub neuron: Option<usize>,
    /// A dimension of the residual stream or of the sentence vector.
    pub dimension: Option<usize>,
    /// A dimension within the chosen head.
    pub head_dimension: Option<usize>,
    /// Which number is meant, where several share these places. Of a layer's sites the chosen layer's
    /// is, whichever layer this one names.
    pub site: Option<Site>,
    /// True where tokens and places are those of the reference model's pass, which may cut the text
    /// otherwise.
    pub reference: bool,
}

impl Focus {
    pub fn text(text: TextId) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }

    pub fn token(text: TextId, token: usize) -> Self {
        Self {
            token: Some(token),
            ..Self::text(text)
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the person works on. Persisted between runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Shared with the history, so that keeping an earlier state costs what has changed since.
    pub texts: Vec<Arc<Text>>,
    pub a: Option<TextId>,
    pub b: Option<TextId>,
    /// A third text that B is held against: why is A closer to the one than to the other?
    pub against: Option<TextId>,
    /// Which of the two the panels that show one text show.
    pub side: Side,
    /// A less B instead of one of the two, in the panels that have such a view.
    pub difference: bool,
    /// Two columns instead of one text, in the panels of one text.
    pub beside: Option<Beside>,
    pub model: ModelRef,
    /// A second model that the same texts are seen through.
    pub reference: Option<ModelRef>,
    pub prompt: Prompt,
    /// Instead of the model's own.
    pub pooling: Option<PoolingMode>,
    /// Dimensions of the sentence vector that are kept, instead of as many as the model keeps.
    pub truncate_dim: Option<usize>,
    /// A pooling of the person's own, which the Pooling panel holds beside the others.
    pub token_weights: TokenWeights,
    /// Texts that were taken together, with a lasso or one by one.
    pub selected: Vec<TextId>,
    pub layer: usize,
    pub head: usize,
    /// The tab of the Score panel.
    pub score_method: ScoreMethod,
    /// Texts that a person has marked to mean the same: anchor and positive. See [`Self::batch`].
    pub pairs: Vec<(TextId, TextId)>,
    /// Of the contrastive loss.
    pub temperature: Temperature,
    /// The contrastive loss in both directions, averaged.
    pub symmetric: bool,
    pub fine_tune: FineTune,
    /// What is switched off or changed inside the encoder.
    pub interventions: Interventions,
    /// What was clicked; stays until Escape.
    pub locked: Focus,
    pub preferences: Preferences,
    /// The file that this work was last saved in or opened from.
    #[serde(skip)]
    pub session: Option<PathBuf>,
    next_id: u64,
}

impl Default for State {
    fn default() -> Self {
        let mut state = Self {
            texts: Vec::new(),
            a: None,
            b: None,
            against: None,
            side: Side::A,
            difference: false,
            beside: None,
            model: ModelRef::default(),
            reference: None,
            prompt: Prompt::Own,
            pooling: None,
            truncate_dim: None,
            token_weights: TokenWeights::default(),
            selected: Vec::new(),
            layer: 0,
            head: 0,
            score_method: ScoreMethod::default(),
            pairs: Vec::new(),
            temperature: Temperature::default(),
            symmetric: false,
            fine_tune: FineTune::default(),
            interventions: Interventions::default(),
            locked: Focus::default(),
            preferences: Preferences::default(),
            session: None,
            next_id: 0,
        };
        state.set_texts(super::samples::SAMPLES[0].texts.iter().copied());
        state
    }
}

impl State {
    /// Replaces the list; the first two texts become A and B.
    pub fn set_texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        self.texts.clear();
        self.pairs.clear();
        self.against = None;
        self.locked = Focus::default();
        self.selected.clear();
        for text in texts {
            self.add(text);
        }
        self.a = self.texts.first().map(|t| t.id);
        self.b = self.texts.get(1).or(self.texts.first()).map(|t| t.id);
    }

    /// Appends a text and returns its name.
    pub fn add(&mut self, text: &str) -> TextId {
        let id = TextId(self.next_id);
        self.next_id += 1;
        let text = text.to_owned();
        self.texts.push(Arc::new(Text { id, text }));
        self.a = self.a.or(Some(id));
        self.b = self.b.or(Some(id));
        id
    }

    /// Removes a text; A and B move to what is left.
    pub fn remove(&mut self, id: TextId) {
        self.texts.retain(|t| t.id != id);
        self.unpair(id);
        self.against = self.against.filter(|&c| c != id);
        let first = self.texts.first().map(|t| t.id);
        let spare = |other: Option<TextId>| {
            let others = self
                .texts
                .iter()
                .map(|t| t.id)
                .filter(|&t| Some(t) != other);
            others.into_iter().next().or(first)
        };
        if self.a == Some(id) {
            self.a = spare(self.b);
        }
        if self.b == Some(id) {
            self.b = spare(self.a);
        }
        self.release_lost();
    }

    /// Takes texts together, in the order of the list; names that it does not have are passed over.
    pub(super) fn select(&mut self, texts: &[TextId]) {
        let wanted: HashSet<TextId> = texts.iter().copied().collect();
        let ids = self.texts.iter().map(|text| text.id);
        self.selected = ids.filter(|id| wanted.contains(id)).collect();
    }

    /// Holds a focus, unless its text has been removed in the meantime.
    pub(super) fn lock(&mut self, focus: Focus) {
        self.locked = focus;
        self.release_lost();
    }

    /// Lets go of a lock on a text that is not in the list, and of a selection of such.
    fn release_lost(&mut self) {
        if !self.selected.is_empty() {
            let known: HashSet<TextId> = self.texts.iter().map(|text| text.id).collect();
            self.selected.retain(|id| known.contains(id));
        }
        let locked = self.locked;
        let texts = locked
            .text
            .into_iter()
            .chain(locked.across.map(|(id, _)| id));
        // Places in the pass of a second model, which is gone by now.
        let orphaned = locked.reference && self.reference.is_none();
        if orphaned || texts.into_iter().any(|id| self.index(id).is_none()) {
            self.locked = Focus::default();
        }
    }

    /// This state with the preferences of `now`, which belong to the person and not to the work.
    pub fn preferred_as(mut self, now: &Self) -> Self {
        self.preferences = now.preferences.clone();
        // Names are never used twice, also not after a step back.
        self.next_id = self.next_id.max(now.next_id);
        self
    }

    /// This state looked at as `now` is: what undo leaves alone, so that a step back and forth shows
    /// the same place before and after the change.
    pub fn seen_as(self, now: &Self) -> Self {
        let mut seen = self.preferred_as(now);
        seen.session = now.session.clone();
        seen.side = now.side;
        seen.difference = now.difference;
        seen.beside = now.beside;
        seen.layer = now.layer;
        seen.head = now.head;
        seen.score_method = now.score_method;
        seen.locked = now.locked;
        seen.selected.clone_from(&now.selected);
        seen.release_lost();
        seen
    }

    /// What stands side by side. Two models only where a second one is chosen.
    pub fn columns(&self) -> Option<Beside> {
        self.beside
            .filter(|&beside| beside == Beside::Texts || self.reference.is_some())
    }

    /// Whether the reference model's passes are looked into, and not only its sentence vectors.
    pub fn looks_into_reference(&self) -> bool {
        self.columns() == Some(Beside::Models) || self.locked.reference
    }

    pub fn index(&self, id: TextId) -> Option<usize> {
        self.texts.iter().position(|t| t.id == id)
    }

    pub fn id_of(&self, side: Side) -> Option<TextId> {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }

    /// The third text; none where it is A or B by now, or all three would not be different.
    pub fn third(&self) -> Option<TextId> {
        self.against
            .filter(|&c| self.a != Some(c) && self.b != Some(c) && self.a != self.b)
    }

    /// Mends what a hand-edited or older file may have left inconsistent.
    pub fn repair(&mut self) {
        self.repair_ids();
        let ids: Vec<TextId> = self.texts.iter().map(|t| t.id).collect();
        let known = |id: Option<TextId>| id.filter(|id| ids.contains(id));
        self.a = known(self.a).or(ids.first().copied());
        self.b = known(self.b).or(ids.get(1).copied()).or(self.a);
        self.against = known(self.against);
        self.truncate_dim = self.truncate_dim.filter(|&size| size > 0);
        self.difference &= self.beside.is_none();
        self.release_lost();
        self.repair_pairs();
    }

    /// Every text gets a name of its own, and the next name is a new one.
    fn repair_ids(&mut self) {
        // Beyond it, counting on could come to an end.
        const MOST: u64 = 1 << 53;
        let given = self.texts.iter().map(|text| text.id.0);
        let next = given.filter(|&id| id < MOST).map(|id| id + 1).max();
        let own = Some(self.next_id).filter(|&id| id < MOST);
        self.next_id = next.max(own).unwrap_or(0);
        let mut seen = HashSet::new();
        for text in &mut self.texts {
            if text.id.0 >= MOST || !seen.insert(text.id) {
                Arc::make_mut(text).id = TextId(self.next_id);
                self.next_id += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_a_text_leaves_a_and_b_on_texts_that_are_there() {
        let mut state = State::default();
        state.set_texts(["one", "two", "three"]);
        let (one, two) = (state.texts[0].id, state.texts[1].id);
        state.remove(one);
        assert_eq!(
            state.a,
            Some(state.texts[1].id),
            "A moves to the text that is not B"
        );
        assert_eq!(state.b, Some(two));
        state.remove(two);
        assert_eq!(
            (state.a, state.b),
            (Some(state.texts[0].id), Some(state.texts[0].id))
        );
        state.against = Some(state.texts[0].id);
        assert_eq!(state.third(), None, "B is not held against itself");
        state.remove(state.texts[0].id);
        assert_eq!((state.a, state.b, state.against), (None, None, None));
        let id = state.add("again");
        assert_eq!((state.a, state.b), (Some(id), Some(id)));
    }

    #[test]
    fn a_state_survives_the_file_and_a_damaged_one_is_repaired() {
        let state = State {
            layer: 3,
            ..State::default()
        };
        let file = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&file).unwrap(), state);

        let mut damaged: State = serde_json::from_str(
            r#"{"texts":[{"id":7,"text":"x"}],"a":3,"b":null,"locked":{"text":9}}"#,
        )
        .unwrap();
        damaged.repair();
        assert_eq!((damaged.a, damaged.b), (Some(TextId(7)), Some(TextId(7))));
        assert_eq!(damaged.locked, Focus::default());
        assert_eq!(damaged.add("y"), TextId(8), "names are never used twice");

        let most = u64::MAX;
        let twice = format!(
            r#"{{"texts":[{{"id":1,"text":"x"}},{{"id":1,"text":"y"}},{{"id":{most},"text":"z"}}],"next_id":{most}}}"#
        );
        let mut twice: State = serde_json::from_str(&twice).unwrap();
        twice.repair();
        let ids: Vec<u64> = twice.texts.iter().map(|text| text.id.0).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(twice.add("w"), TextId(4));
    }
}
