//! Which experts each token takes, read back from what they wrote (Shazeer et al. 2017).

use super::{Firing, firing_at};
use crate::cancel::Cancel;
use crate::model::spec::Activation;
use crate::trace::{LayerSite, Trace};

/// The weight of each expert at each token.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// E, experts; their neurons stand side by side in `ffn_act`, F of each.
    pub experts: usize,
    /// F
    pub neurons: usize,
    /// [T, E]; 0 for an expert that a token does not take.
    pub weights: Vec<f32>,
    /// The largest |weight·activation − ffn_act|: how well one weight explains an expert's neurons.
    pub residual: f64,
}

impl Taken {
    /// Each weight is the recorded `ffn_act` over the activation of what came before it, at the
    /// expert's strongest neuron. None where the trace does not hold the layer's inside, where the
    /// neurons do not divide, or once `cancel` is up.
    pub fn new(
        trace: &Trace,
        layer: usize,
        experts: usize,
        activation: Activation,
        cancel: &Cancel,
    ) -> Option<Self> {
        let act = trace.layer(layer, LayerSite::FfnAct)?; // [T, E·F]
        let (tokens, width) = (act.size(0), act.size(1));
        if experts == 0 || !width.is_multiple_of(experts) {
            return None;
        }
        let neurons = width / experts;
        let mut weights = Vec::with_capacity(tokens * experts);
        let mut residual = 0f64;
        for token in 0..tokens {
            if cancel.is_cancelled() {
                return None;
            }
            for expert in 0..experts {
                let own = expert * neurons..(expert + 1) * neurons;
                let firings = own.filter_map(|neuron| firing_at(trace, layer, token, neuron));
                let firings: Vec<Firing> = firings.collect();
                let weight = weight(&firings, activation);
                for firing in &firings {
                    let off = weight * firing.activated(activation) - f64::from(firing.act);
                    residual = if off.is_nan() {
                        off
                    } else {
                        residual.max(off.abs())
                    };
                }
                weights.push(weight as f32);
            }
        }
        Some(Self {
            experts,
            neurons,
            weights,
            residual,
        })
    }

    /// The weight of the expert that a neuron belongs to.
    pub fn of_neuron(&self, token: usize, neuron: usize) -> Option<f32> {
        let expert = neuron / self.neurons.max(1);
        self.weights.get(token * self.experts + expert).copied()
    }
}

fn weight(firings: &[Firing], activation: Activation) -> f64 {
    let size = |firing: &&Firing| firing.activated(activation).abs();
    let strongest = firings.iter().max_by(|a, b| size(a).total_cmp(&size(b)));
    match strongest {
        Some(firing) if size(&firing) > 0.0 => f64::from(firing.act) / firing.activated(activation),
        _ => 0.0,
    }
}
