//! Which texts belong together as the pairs of a contrastive batch.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::state::{State, TextId};

/// τ of a contrastive loss, in steps of 1/10000 from 0.01 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Temperature(u32);

impl Temperature {
    const STEPS: f64 = 10_000.;
    pub const MIN: f64 = 0.01;
    pub const MAX: f64 = 1.;

    /// The nearest step within the range.
    pub fn new(value: f64) -> Self {
        let value = match value.is_nan() {
            true => return Self::default(),
            false => value.clamp(Self::MIN, Self::MAX),
        };
        Self((value * Self::STEPS).round() as u32)
    }

    pub fn value(self) -> f64 {
        f64::from(self.0) / Self::STEPS
    }
}

impl Default for Temperature {
    fn default() -> Self {
        Self(500)
    }
}

/// The pairs of a batch, each text in at most one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Anchor and positive.
    pub pairs: Vec<(TextId, TextId)>,
    /// False where nobody has marked a pair, so that neighbours of the list are taken.
    pub marked: bool,
    /// Texts in no pair, in the order of the list.
    pub alone: Vec<TextId>,
}

impl State {
    /// The marked pairs; while there is none, texts 1 and 2, 3 and 4 and so on.
    pub fn batch(&self) -> Batch {
        let marked = !self.pairs.is_empty();
        let pairs = match marked {
            true => self.pairs.clone(),
            false => self
                .texts
                .chunks_exact(2)
                .map(|two| (two[0].id, two[1].id))
                .collect(),
        };
        let paired: HashSet<TextId> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
        let alone = self.texts.iter().map(|text| text.id);
        Batch {
            alone: alone.filter(|id| !paired.contains(id)).collect(),
            pairs,
            marked,
        }
    }

    /// The text that a text is marked to belong with.
    pub fn partner(&self, id: TextId) -> Option<TextId> {
        self.pairs.iter().find_map(|&(a, b)| match id {
            _ if id == a => Some(b),
            _ if id == b => Some(a),
            _ => None,
        })
    }

    /// Replaces the list by pairs, each of them marked; the first is A and B.
    pub fn set_pairs(&mut self, pairs: &[(String, String)]) {
        self.set_texts(pairs.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]));
        let ids: Vec<TextId> = self.texts.iter().map(|text| text.id).collect();
        self.pairs = ids.chunks_exact(2).map(|two| (two[0], two[1])).collect();
    }

    /// Marks two texts as a pair; each leaves the pair that it was in.
    pub fn pair(&mut self, a: TextId, b: TextId) {
        if a != b && self.index(a).is_some() && self.index(b).is_some() {
            self.unpair(a);
            self.unpair(b);
            self.pairs.push((a, b));
        }
    }

    /// Takes back the mark of the pair that a text is in.
    pub fn unpair(&mut self, id: TextId) {
        self.pairs.retain(|&(a, b)| a != id && b != id);
    }

    /// Drops marks of texts that are gone, of a text with itself, and of a text in a second pair.
    pub(super) fn repair_pairs(&mut self) {
        for (a, b) in std::mem::take(&mut self.pairs) {
            if self.partner(a).is_none() && self.partner(b).is_none() {
                self.pair(a, b);
            }
        }
        self.temperature = Temperature::new(self.temperature.value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(texts: &[&str]) -> (State, Vec<TextId>) {
        let mut state = State::default();
        state.set_texts(texts.iter().copied());
        let ids = state.texts.iter().map(|text| text.id).collect();
        (state, ids)
    }

    #[test]
    fn neighbours_are_pairs_until_one_is_marked() {
        let (mut state, ids) = state(&["a", "b", "c", "d", "e"]);
        let batch = state.batch();
        assert_eq!(batch.pairs, [(ids[0], ids[1]), (ids[2], ids[3])]);
        assert_eq!((batch.marked, batch.alone), (false, vec![ids[4]]));
        state.pair(ids[4], ids[0]);
        let batch = state.batch();
        assert_eq!(batch.pairs, [(ids[4], ids[0])]);
        assert_eq!((batch.marked, batch.alone), (true, ids[1..4].to_vec()));
        state.unpair(ids[0]);
        assert_eq!(state.batch().pairs.len(), 2);
    }

    #[test]
    fn a_text_is_in_one_pair_at_most() {
        let (mut state, ids) = state(&["a", "b", "c", "d"]);
        state.pair(ids[0], ids[1]);
        state.pair(ids[2], ids[3]);
        state.pair(ids[1], ids[2]);
        assert_eq!(state.pairs, [(ids[1], ids[2])]);
        assert_eq!(state.partner(ids[2]), Some(ids[1]));
        state.pair(ids[0], ids[0]);
        state.pair(ids[0], TextId(99));
        assert_eq!(state.pairs.len(), 1);
    }

    #[test]
    fn pairs_go_with_their_texts_and_a_damaged_file_is_mended() {
        let (mut state, ids) = state(&["a", "b", "c", "d", "e"]);
        state.pair(ids[0], ids[1]);
        state.pair(ids[2], ids[3]);
        state.remove(ids[4]);
        assert_eq!(state.pairs.len(), 2, "the others stay");
        state.remove(ids[1]);
        assert_eq!(state.pairs, [(ids[2], ids[3])]);
        state
            .pairs
            .extend([(ids[3], ids[0]), (ids[0], ids[0]), (ids[0], TextId(99))]);
        state.repair();
        assert_eq!(state.pairs, [(ids[2], ids[3])]);
        let file = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&file).unwrap(), state);
        state.set_texts(["x", "y"]);
        assert!(state.pairs.is_empty());
    }

    #[test]
    fn temperatures_stay_in_their_range() {
        for (given, kept) in [(0.05, 0.05), (0., 0.01), (7., 1.), (f64::NAN, 0.05)] {
            assert_eq!(Temperature::new(given).value(), kept);
        }
        let mut wild: State = serde_json::from_str(r#"{"temperature": 4000000000}"#).unwrap();
        wild.repair();
        assert_eq!(wild.temperature.value(), Temperature::MAX);
    }
}
