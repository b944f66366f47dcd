//! Fine-tuning on a person's own pairs, with what there is to watch on the way.

use std::sync::Arc;

use super::TrainError;
use super::data::{Material, Pair};
use super::trainer::{Report, Settings, Trainer, tokenize};
use crate::analysis::contrastive::InfoNce;
use crate::model::Model;
use crate::tokens::Tokens;

/// What to learn, and what to look at meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub learned: Vec<Pair>,
    /// Pairs that are only looked at: they tell learning from learning by heart.
    pub held_out: Vec<Pair>,
    pub settings: Settings,
}

/// Pairs of each kind that are watched, at most.
const WATCHED: usize = 48;

/// Looks at the pairs during one run, at most.
const CHECKS: usize = 50;

impl Plan {
    /// The pairs that are watched: learned ones, then those held out.
    pub fn watched(&self) -> impl Iterator<Item = &Pair> {
        let learned = self.learned.iter().take(WATCHED);
        learned.chain(self.held_out.iter().take(WATCHED))
    }

    /// How many of the watched pairs are learned.
    pub fn watched_learned(&self) -> usize {
        self.learned.len().min(WATCHED)
    }

    /// Steps between two looks.
    pub fn every(&self) -> usize {
        self.settings.steps.div_ceil(CHECKS).max(1)
    }
}

/// How the watched pairs lie after some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Steps taken.
    pub step: usize,
    /// Vectors of the pairs' first texts, then of their second ones, [2n] of [E].
    pub vectors: Vec<Vec<f64>>,
    /// cos of each pair, [n].
    pub cosines: Vec<f64>,
    /// Mean InfoNCE of the learned rows, among all watched pairs.
    pub learned: f64,
    /// The same of those held out; the candidates are the same, so that the two compare.
    pub held_out: Option<f64>,
}

/// A run of a [`Plan`].
pub struct Course {
    plan: Arc<Plan>,
    base: Arc<Model>,
    trainer: Trainer,
    material: Material,
    /// First texts, then second ones.
    watched: Vec<Tokens>,
}

impl Course {
    /// # Errors
    /// When there are too few pairs to tell apart, or a text cannot be tokenized.
    pub fn new(base: Arc<Model>, plan: Arc<Plan>) -> Result<Self, TrainError> {
        if plan.learned.len() < 2 {
            return Err(TrainError::Settings(format!(
                "{} pair to learn; InfoNCE tells pairs apart, so it needs two at least",
                plan.learned.len()
            )));
        }
        let firsts = plan.watched().map(|pair| pair.a.as_str());
        let texts: Vec<&str> = firsts.chain(plan.watched().map(|p| p.b.as_str())).collect();
        Ok(Self {
            watched: tokenize(&base, &texts)?,
            trainer: Trainer::new(&base, plan.settings.clone())?,
            material: Material {
                pairs: plan.learned.clone(),
                ..Material::default()
            },
            base,
            plan,
        })
    }

    pub fn is_done(&self) -> bool {
        self.trainer.is_done()
    }

    /// True where the plan wants a look now.
    pub fn is_due(&self) -> bool {
        self.trainer.is_done() || self.trainer.step_number().is_multiple_of(self.plan.every())
    }

    /// # Errors
    /// Those of [`Trainer::step`].
    pub fn step(&mut self) -> Result<Report, TrainError> {
        self.trainer.step(&self.base, &self.material)
    }

    /// # Errors
    /// Those of running the texts.
    pub fn check(&self) -> Result<Check, TrainError> {
        let texts: Vec<&Tokens> = self.watched.iter().collect();
        let vectors = self.trainer.student().forward(&texts)?.vectors()?;
        let n = vectors.len() / 2;
        let settings = &self.plan.settings;
        let contrast = InfoNce {
            temperature: settings.temperature,
            symmetric: settings.symmetric,
        }
        .contrast(&vectors[..n], &vectors[n..]);
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (learned, held_out) = contrast.losses.split_at(self.plan.watched_learned());
        Ok(Check {
            step: self.trainer.step_number(),
            cosines: (0..n).map(|i| contrast.cosines[i * n + i]).collect(),
            learned: mean(learned),
            held_out: (!held_out.is_empty()).then(|| mean(held_out)),
            vectors,
        })
    }

    /// The model with the weights as they are now.
    ///
    /// # Errors
    /// Those of copying them.
    pub fn tuned(&self) -> Result<Model, TrainError> {
        self.trainer.model(&self.base)
    }
}
