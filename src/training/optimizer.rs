//! AdamW with warm-up, decay and clipping.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// One tensor that training moves.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Unique within its model.
    pub name: String,
    pub var: Var,
    /// True where weight decay applies: products and tables, not biases and norms.
    pub decays: bool,
}

/// How the learning rate goes on after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Stays.
    Constant,
    /// Falls in a straight line, to 0 behind the last step.
    Linear,
    /// Falls along half a cosine, to 0 behind the last step.
    Cosine,
}

/// AdamW and its schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings {
    /// At its highest.
    pub learning_rate: f64,
    /// Steps over which the learning rate climbs from 0.
    pub warmup: usize,
    pub decay: Decay,
    pub weight_decay: f64,
    /// The longest gradient, over all parameters together; longer ones are scaled down to it.
    pub clip: f64,
    /// How fast the two running averages forget.
    pub betas: (f64, f64),
    pub eps: f64,
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self {
            learning_rate: 2e-5,
            warmup: 0,
            decay: Decay::Linear,
            weight_decay: 0.01,
            clip: 1.,
            betas: (0.9, 0.999),
            eps: 1e-8,
        }
    }
}

impl OptimizerSettings {
    /// The learning rate of step `step` (from 0) of `steps`.
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        if step < self.warmup {
            return self.learning_rate * (step + 1) as f64 / self.warmup as f64;
        }
        let left = steps.saturating_sub(self.warmup).max(1) as f64;
        let gone = (step - self.warmup) as f64 / left;
        self.learning_rate
            * match self.decay {
                Decay::Constant => 1.,
                Decay::Linear => 1. - gone,
                Decay::Cosine => (1. + (std::f64::consts::PI * gone).cos()) / 2.,
            }
    }
}

/// The running averages of one parameter's gradient and of its square.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

/// AdamW (Loshchilov & Hutter 2019), in PyTorch's order of operations:
/// p ← p·(1 − η·λ); m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
/// p ← p − η/(1 − β₁ᵗ)·m/(√v/√(1 − β₂ᵗ) + ε).
#[derive(Clone, Debug)]
pub struct AdamW {
    /// One for each parameter, in their order.
    pub moments: Vec<Moments>,
    /// t, the steps taken.
    pub taken: usize,
}

impl AdamW {
    pub fn new(parameters: &[Parameter]) -> Self {
        let zeros = |parameter: &Parameter| Moments {
            first: vec![0.; parameter.var.elem_count()],
            second: vec![0.; parameter.var.elem_count()],
        };
        Self {
            moments: parameters.iter().map(zeros).collect(),
            taken: 0,
        }
    }

    /// Moves every parameter that has a gradient (of its own shape, scaled by `scale` first).
    pub fn step(
        &mut self,
        parameters: &[Parameter],
        gradients: &[Option<Tensor>],
        settings: &OptimizerSettings,
        rate: f64,
        scale: f64,
    ) -> Result<()> {
        self.taken += 1;
        let corrections = {
            let left = |beta: f64| 1. - beta.powi(self.taken as i32);
            (left(settings.betas.0), left(settings.betas.1).sqrt())
        };
        for ((parameter, gradient), moments) in
            parameters.iter().zip(gradients).zip(&mut self.moments)
        {
            let Some(gradient) = gradient else { continue };
            let decay = if parameter.decays {
                settings.weight_decay
            } else {
                0.
            };
            let update = Update {
                moments: Mutex::new(moments),
                betas: (settings.betas.0 as f32, settings.betas.1 as f32),
                keep: (1. - rate * decay) as f32,
                step: (rate / corrections.0) as f32,
                root: corrections.1 as f32,
                eps: settings.eps as f32,
                scale: scale as f32,
            };
            let gradient = gradient.contiguous()?;
            parameter.var.as_tensor().inplace_op2(&gradient, &update)?;
        }
        Ok(())
    }
}

/// One parameter's move, in place.
struct Update<'a> {
    moments: Mutex<&'a mut Moments>,
    betas: (f32, f32),
    keep: f32,
    step: f32,
    root: f32,
    eps: f32,
    scale: f32,
}

/// Elements that one task moves.
const CHUNK: usize = 1 << 15;

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(parameter), CpuStorage::F32(gradient)) = (parameter, gradient) else {
            candle_core::bail!("parameters are f32");
        };
        let (Some((start, end)), Some((from, to))) = (
            layout.contiguous_offsets(),
            gradient_layout.contiguous_offsets(),
        ) else {
            candle_core::bail!("parameters lie in one piece");
        };
        let mut moments = self.moments.lock().unwrap_or_else(|e| e.into_inner());
        let Moments { first, second } = &mut **moments;
        let values = parameter[start..end].par_chunks_mut(CHUNK);
        let gradients = gradient[from..to].par_chunks(CHUNK);
        let averages = first
            .par_chunks_mut(CHUNK)
            .zip(second.par_chunks_mut(CHUNK));
        values
            .zip(gradients)
            .zip(averages)
            .for_each(|((p, g), (m, v))| {
                let averages = m.iter_mut().zip(v);
                for ((p, g), (m, v)) in p.iter_mut().zip(g).zip(averages) {
                    let g = g * self.scale;
                    *m = self.betas.0 * *m + (1. - self.betas.0) * g;
                    *v = self.betas.1 * *v + (1. - self.betas.1) * g * g;
                    *p = *p * self.keep - self.step * *m / (v.sqrt() / self.root + self.eps);
                }
            });
        Ok(())
    }
}

/// The length of all gradients together, and the factor that brings it to at most `most`, as
/// PyTorch's `clip_grad_norm_` has it.
pub fn clip(gradients: &[Option<Tensor>], most: f64) -> Result<(f64, f64)> {
    let mut sum = 0.;
    for gradient in gradients.iter().flatten() {
        let flat = gradient.flatten_all()?.to_vec1::<f32>()?;
        let part = flat.par_chunks(CHUNK);
        sum += part
            .map(|part| part.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>())
            .collect::<Vec<_>>()
            .into_iter()
            .sum::<f64>();
    }
    let length = sum.sqrt();
    Ok((length, (most / (length + 1e-6)).min(1.)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_climbs_then_falls_to_nothing() {
        let settings = |decay| OptimizerSettings {
            learning_rate: 1.,
            warmup: 4,
            decay,
            ..Default::default()
        };
        let rates = |decay| {
            (0..8)
                .map(move |s| settings(decay).rate(s, 8))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            rates(Decay::Linear),
            [0.25, 0.5, 0.75, 1., 1., 0.75, 0.5, 0.25]
        );
        assert_eq!(rates(Decay::Constant)[3..], [1.; 5]);
        let cosine = rates(Decay::Cosine);
        assert!((cosine[6] - 0.5).abs() < 1e-12 && cosine[7] < 0.25);
    }
}
