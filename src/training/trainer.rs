//! One step after the other: batches, losses, gradients, moves.

use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::TrainError;
use super::data::Material;
use super::optimizer::{AdamW, OptimizerSettings, clip};
use super::rng::Rng;
use super::student::Student;
use crate::analysis::contrastive::{InfoNce, cosine_distance, vector_gradients};
use crate::analysis::vectors::to_f64;
use crate::model::{Model, Prompt};
use crate::tokens::Tokens;

/// Everything that decides what training does, besides the material and the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub steps: usize,
    /// Pairs, and texts with a target, in one step.
    pub batch: usize,
    pub seed: u64,
    /// τ of InfoNCE.
    pub temperature: f64,
    /// InfoNCE both ways.
    pub symmetric: bool,
    /// Weight of 1 − cos(student, teacher).
    pub distill: f64,
    /// Weight of InfoNCE between the student's and the teacher's vectors of the same texts.
    pub contrast: f64,
    pub optimizer: OptimizerSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            steps: 50,
            batch: 64,
            seed: 1,
            temperature: 0.05,
            symmetric: true,
            distill: 1.,
            contrast: 0.,
            optimizer: OptimizerSettings::default(),
        }
    }
}

/// How one step went; losses before the move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// From 0.
    pub step: usize,
    /// What was minimised.
    pub loss: f64,
    /// InfoNCE of the pairs.
    pub pairs: Option<f64>,
    /// Mean 1 − cos to the teacher.
    pub distance: Option<f64>,
    /// The gradient's length before it was clipped.
    pub gradient: f64,
    pub rate: f64,
}

/// A model in training.
pub struct Trainer {
    pub settings: Settings,
    pub(super) student: Student,
    pub(super) optimizer: AdamW,
    /// The next step.
    pub(super) step: usize,
    /// How often a text was longer than the model reads, and its end not learned from.
    pub cut: usize,
    /// Tells this run from every other of this process.
    run: u64,
    pairs: Order,
    texts: Order,
}

/// The order in which examples are taken, of which only the running epoch is kept.
struct Order {
    seed: u64,
    epoch: Option<usize>,
    order: Vec<usize>,
}

impl Order {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            epoch: None,
            order: Vec::new(),
        }
    }

    /// The examples of step `step`: none twice, and every one once an epoch but for what does not
    /// fill a last batch.
    fn batch(&mut self, step: usize, batch: usize, examples: usize) -> Vec<usize> {
        let batch = batch.min(examples);
        if batch == 0 {
            return Vec::new();
        }
        let per_epoch = examples / batch;
        let epoch = step / per_epoch;
        if self.epoch != Some(epoch) {
            let mut rng = Rng::new(self.seed ^ (epoch as u64).wrapping_mul(0xa076_1d64_78bd_642f));
            self.order = rng.permutation(examples);
            self.epoch = Some(epoch);
        }
        let start = step % per_epoch * batch;
        self.order[start..start + batch].to_vec()
    }
}

impl Trainer {
    /// Begins with the model's weights as they are.
    pub fn new(model: &Model, settings: Settings) -> Result<Self, TrainError> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let student = Student::new(model)?;
        Ok(Self {
            cut: 0,
            run: RUNS.fetch_add(1, Ordering::Relaxed),
            optimizer: AdamW::new(&student.parameters),
            pairs: Order::new(settings.seed),
            texts: Order::new(!settings.seed),
            student,
            settings,
            step: 0,
        })
    }

    /// The next step, from 0; all of them are done when it is the settings' `steps`.
    pub fn step_number(&self) -> usize {
        self.step
    }

    pub fn is_done(&self) -> bool {
        self.step >= self.settings.steps
    }

    pub fn student(&self) -> &Student {
        &self.student
    }

    /// The model with the weights as they are now; its name, tokenizer and prompts are the old one's.
    pub fn model(&self, base: &Model) -> Result<Model, TrainError> {
        let (weights, head) = self.student.snapshot()?;
        let mark = format!("{}~{}.{}", base.hash, self.run, self.step);
        Ok(base.with_weights(weights, head, mark.into()))
    }

    /// Takes one step. `model` tokenizes, with its own prompt.
    ///
    /// # Errors
    /// When a text cannot be run, or the loss is no number any more.
    pub fn step(&mut self, model: &Model, material: &Material) -> Result<Report, TrainError> {
        let settings = &self.settings;
        let pairs = self
            .pairs
            .batch(self.step, settings.batch, material.pairs.len());
        let texts = match &material.targets {
            None => Vec::new(),
            Some(_) => self
                .texts
                .batch(self.step, settings.batch, material.texts.len()),
        };
        let sides = [0, 1].into_iter().flat_map(|side| {
            pairs.iter().map(move |&i| match side {
                0 => material.pairs[i].a.as_str(),
                _ => material.pairs[i].b.as_str(),
            })
        });
        let batch: Vec<&str> = sides
            .chain(texts.iter().map(|&i| material.texts[i].as_str()))
            .collect();
        let tokens = tokenize(model, &batch)?;
        self.cut += tokens.iter().filter(|text| text.dropped > 0).count();
        let forward = self.student.forward(&tokens.iter().collect::<Vec<_>>())?;
        let vectors = forward.vectors()?;
        let (by_vector, mut report) = self.losses(&vectors, pairs.len(), &texts, material);
        if !report.loss.is_finite() {
            return Err(TrainError::Diverged {
                step: self.step,
                problem: "the loss is no number any more; take a smaller learning rate".to_owned(),
            });
        }
        let gradients = self.student.backward(forward, &by_vector)?;
        report.gradient = self.move_along(&gradients, report.rate)?;
        self.step += 1;
        Ok(report)
    }

    /// The losses of one batch's vectors (the pairs' first texts, their second ones, then the texts
    /// with targets), and the gradient by each vector.
    fn losses(
        &self,
        vectors: &[Vec<f64>],
        pairs: usize,
        texts: &[usize],
        material: &Material,
    ) -> (Vec<Vec<f64>>, Report) {
        let settings = &self.settings;
        let info = InfoNce {
            temperature: settings.temperature,
            symmetric: settings.symmetric,
        };
        let (a, rest) = vectors.split_at(pairs);
        let (b, rest) = rest.split_at(pairs);
        let mut gradients = Vec::with_capacity(vectors.len());
        let mut report = Report {
            step: self.step,
            loss: 0.,
            pairs: None,
            distance: None,
            gradient: 0.,
            rate: settings.optimizer.rate(self.step, settings.steps),
        };
        if pairs > 0 {
            let contrast = info.contrast(a, b);
            let (by_a, by_b) = vector_gradients(&contrast.gradient, a, b);
            gradients.extend(by_a.into_iter().chain(by_b));
            report.loss += contrast.loss;
            report.pairs = Some(contrast.loss);
        }
        if let Some(targets) = material.targets.as_ref().filter(|_| !texts.is_empty()) {
            let targets: Vec<Vec<f64>> = texts.iter().map(|&i| to_f64(targets.row(i))).collect();
            let (distance, by_text) = cosine_distance(rest, &targets);
            let mut by_text = scaled(by_text, settings.distill);
            report.loss += settings.distill * distance;
            report.distance = Some(distance);
            if settings.contrast > 0. {
                let contrast = info.contrast(rest, &targets);
                let (more, _) = vector_gradients(&contrast.gradient, rest, &targets);
                for (sum, more) in by_text.iter_mut().zip(more) {
                    let pairs = sum.iter_mut().zip(more);
                    pairs.for_each(|(sum, more)| *sum += settings.contrast * more);
                }
                report.loss += settings.contrast * contrast.loss;
            }
            gradients.extend(by_text);
        }
        (gradients, report)
    }

    /// Clips, moves, and returns the gradient's length.
    fn move_along(&mut self, gradients: &[Option<Tensor>], rate: f64) -> Result<f64, TrainError> {
        let settings = &self.settings.optimizer;
        let (length, scale) = clip(gradients, settings.clip)?;
        if !length.is_finite() {
            return Err(TrainError::Diverged {
                step: self.step,
                problem: "the gradient is no number any more; take a smaller learning rate"
                    .to_owned(),
            });
        }
        let parameters = &self.student.parameters;
        self.optimizer
            .step(parameters, gradients, settings, rate, scale)?;
        Ok(length)
    }
}

fn scaled(mut vectors: Vec<Vec<f64>>, by: f64) -> Vec<Vec<f64>> {
    vectors.iter_mut().flatten().for_each(|x| *x *= by);
    vectors
}

/// Texts as the model reads them, with its own prompt.
pub fn tokenize(model: &Model, texts: &[&str]) -> Result<Vec<Tokens>, TrainError> {
    let tokens = texts
        .par_iter()
        .map(|text| model.tokens(text, &Prompt::Own));
    Ok(tokens.collect::<Result<_, _>>()?)
}
