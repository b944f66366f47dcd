//! What a person sets before fine-tuning, and the order that it makes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::state::State;
use crate::engine::LabOrder;
use crate::training::{Decay, OptimizerSettings, Pair, Plan, Settings};

/// Settings of the next run. Persisted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FineTune {
    pub steps: u32,
    pub rate: Rate,
    /// Pairs that are not learned, from the end of the list (of the file, where there is one).
    pub held_out: u32,
    /// More pairs: two columns with a tab between them.
    pub file: Option<PathBuf>,
}

impl Default for FineTune {
    fn default() -> Self {
        Self {
            steps: 50,
            rate: Rate::default(),
            held_out: 1,
            file: None,
        }
    }
}

impl FineTune {
    pub const MOST_STEPS: u32 = 2000;
    /// Pairs of a step at most: the loss is that of a batch, and its cost grows with it.
    const BATCH: usize = 32;
}

/// A learning rate, in steps of a millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(u32);

impl Rate {
    const STEPS: f64 = 1e6;
    pub const MIN: f64 = 1e-6;
    pub const MAX: f64 = 1e-2;

    /// The nearest step within the range.
    pub fn new(value: f64) -> Self {
        match value.is_nan() {
            true => Self::default(),
            false => Self((value.clamp(Self::MIN, Self::MAX) * Self::STEPS).round() as u32),
        }
    }

    pub fn value(self) -> f64 {
        f64::from(self.0) / Self::STEPS
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self(100)
    }
}

impl State {
    /// Pairs of the list that are learned, and that are held out.
    pub fn split_pairs(&self) -> (usize, usize) {
        let pairs = self.batch().pairs.len();
        let held_out = match self.fine_tune.file {
            None => pairs.min(self.fine_tune.held_out as usize),
            Some(_) => 0,
        };
        (pairs - held_out, held_out)
    }

    /// The next run, as the settings, the pairs and the loss's own settings say.
    ///
    /// # Errors
    /// What to do about too few pairs.
    pub fn order(&self) -> Result<LabOrder, &'static str> {
        let (learned, held_out) = self.split_pairs();
        if learned < 2 && self.fine_tune.file.is_none() {
            return Err(match learned + held_out {
                0 | 1 => {
                    "Learning takes two pairs at least, as InfoNCE tells pairs apart: add pairs."
                }
                _ => "Learning takes two pairs at least: hold out fewer, or add pairs.",
            });
        }
        let text = |id| {
            let index = self.index(id);
            index.map_or_else(String::new, |i| self.texts[i].text.clone())
        };
        let pairs = self.batch().pairs.into_iter();
        let mut pairs: Vec<Pair> = pairs
            .map(|(a, b)| Pair {
                a: text(a),
                b: text(b),
            })
            .collect();
        let held = pairs.split_off(learned);
        let steps = self.fine_tune.steps.clamp(1, FineTune::MOST_STEPS) as usize;
        let settings = Settings {
            steps,
            batch: FineTune::BATCH,
            temperature: self.temperature.value(),
            symmetric: self.symmetric,
            optimizer: OptimizerSettings {
                learning_rate: self.fine_tune.rate.value(),
                warmup: steps / 10,
                decay: Decay::Constant,
                ..OptimizerSettings::default()
            },
            ..Settings::default()
        };
        Ok(LabOrder {
            plan: Plan {
                learned: pairs,
                held_out: held,
                settings,
            },
            file: self.fine_tune.file.clone(),
            held_out: self.fine_tune.held_out as usize,
        })
    }

    /// Adds texts as marked pairs. Neighbours that were pairs so far stay so.
    pub(super) fn add_pairs(&mut self, pairs: Vec<(String, String)>) {
        if self.pairs.is_empty() && !pairs.is_empty() {
            for (a, b) in self.batch().pairs {
                self.pair(a, b);
            }
        }
        for (a, b) in pairs {
            let (a, b) = (self.add(&a), self.add(&b));
            self.pair(a, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pairs_are_held_out_and_the_rest_is_learned() {
        let mut state = State::default();
        state.set_texts(["a", "b", "c", "d", "e", "f", "g"]);
        let order = state.order().unwrap();
        assert_eq!(order.plan.learned.len(), 2);
        assert_eq!(order.plan.held_out[0].a, "e");
        state.fine_tune.held_out = 2;
        assert!(state.order().unwrap_err().contains("hold out fewer"));
        let mut one = State::default();
        one.set_texts(["a", "b"]);
        let problem = one.order().unwrap_err();
        assert!(!problem.contains("hold out"), "that gives no second one");
        state.fine_tune.held_out = 0;
        assert_eq!(state.order().unwrap().plan.learned.len(), 3);
        state.fine_tune.held_out = 2;
        state.fine_tune.file = Some("more.tsv".into());
        let order = state.order().unwrap();
        assert_eq!(
            (order.plan.learned.len(), order.plan.held_out.len()),
            (3, 0)
        );
        assert_eq!(order.held_out, 2, "those come from the file");
    }

    #[test]
    fn pasted_pairs_join_the_neighbours_that_are_there() {
        let mut state = State::default();
        state.set_texts(["a", "b", "c"]);
        state.add_pairs(vec![("x".into(), "y".into())]);
        let texts: Vec<&str> = state.texts.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "x", "y"]);
        assert_eq!(state.pairs.len(), 2);
    }

    #[test]
    fn rates_stay_in_their_range() {
        for (given, kept) in [(1e-4, 1e-4), (0., 1e-6), (1., 1e-2), (f64::NAN, 1e-4)] {
            assert_eq!(Rate::new(given).value(), kept);
        }
    }
}
