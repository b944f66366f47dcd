//! What the feed-forward block of one layer does: its neurons, how few speak, how much it writes.

mod exciters;
mod experts;

pub use exciters::{Excited, Exciters};
pub use experts::Taken;

use candle_core::cpu::erf::erf_f64;

use super::range::reach;
use crate::cancel::Cancel;
use crate::model::spec::Activation;
use crate::trace::{LayerSite, Trace};

/// A neuron counts as silent where its magnitude after the activation is below one of these: next to
/// nothing, and no more than the negative side of GELU lets through.
pub const SILENT: [f32; 2] = [0.01, 0.1];
/// The share of values that the colours of a map tell apart.
pub const CLIP: f64 = 0.995;

/// One neuron at one token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Firing {
    pub token: usize,
    pub neuron: usize,
    /// `ffn_pre`: before the activation, or in a gated block what the gate lets through (up).
    pub pre: f32,
    /// `ffn_gate`: what goes through the activation in a gated block; none in a plain one.
    pub gate: Option<f32>,
    /// `ffn_act`: what the second product reads.
    pub act: f32,
}

impl Firing {
    /// What goes through the activation.
    pub fn input(&self) -> f32 {
        self.gate.unwrap_or(self.pre)
    }

    /// activation(pre), or activation(gate)·up in a gated block (Shazeer 2020), before the weight of
    /// an expert.
    pub fn activated(&self, activation: Activation) -> f64 {
        let out = activate(activation, self.input().into());
        match self.gate {
            Some(_) => out * f64::from(self.pre),
            None => out,
        }
    }
}

/// One neuron at one token; none outside of what the trace holds.
pub fn firing_at(trace: &Trace, layer: usize, token: usize, neuron: usize) -> Option<Firing> {
    let at = |site| trace.layer(layer, site)?.at(&[token, neuron]);
    Some(Firing {
        token,
        neuron,
        pre: at(LayerSite::FfnPre)?,
        gate: at(LayerSite::FfnGate),
        act: at(LayerSite::FfnAct)?,
    })
}

/// One layer's feed-forward block over one text. F neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFiring {
    /// Largest magnitude before and after the activation.
    pub largest_pre: f32,
    pub largest_act: f32,
    /// Largest magnitude of the gate, and that without the few largest; none in a plain block.
    pub gate: Option<[f32; 2]>,
    /// The same without the few largest: see [`reach`] at [`CLIP`].
    pub reach_pre: f32,
    pub reach_act: f32,
    /// Shares of the T·F values after the activation whose magnitude is below each of [`SILENT`].
    pub silent: [f64; 2],
    /// Share of them below 0.
    pub negative: f64,
    /// |ffn_out| of each token, `[T]`.
    pub written: Vec<f64>,
    /// |resid_mid| of each token, `[T]`: what it is added to.
    pub onto: Vec<f64>,
    /// The largest |act| of all; none for a text without tokens.
    pub strongest: Option<Firing>,
}

impl LayerFiring {
    /// None where the trace does not hold the layer's inside, or once `cancel` is up.
    pub fn new(trace: &Trace, layer: usize, cancel: &Cancel) -> Option<Self> {
        let pre = trace.layer(layer, LayerSite::FfnPre)?; // [T, F]
        let act = trace.layer(layer, LayerSite::FfnAct)?; // [T, F]
        let (mut silent, mut negative, mut count) = ([0_usize; 2], 0_usize, 0_usize);
        let mut strongest = None;
        let (mut largest_pre, mut largest_act) = (0.0_f32, 0.0_f32);
        for token in 0..act.size(0) {
            if cancel.is_cancelled() {
                return None;
            }
            let (before, after) = (pre.row(&[token]), act.row(&[token])); // [F]
            for (neuron, (&pre, &act)) in before.iter().zip(after.iter()).enumerate() {
                for (silent, limit) in silent.iter_mut().zip(SILENT) {
                    *silent += usize::from(act.abs() < limit);
                }
                negative += usize::from(act < 0.0);
                largest_pre = largest_pre.max(pre.abs());
                if strongest.is_none() || act.abs() > largest_act {
                    largest_act = act.abs();
                    strongest = Some((token, neuron));
                }
            }
            count += after.len();
        }
        let share = |part: usize| part as f64 / count.max(1) as f64;
        Some(Self {
            largest_pre,
            largest_act,
            gate: trace.layer(layer, LayerSite::FfnGate).map(|gate| {
                let gate = gate.flat();
                let size = |most: f32, x: &f32| most.max(x.abs());
                [gate.iter().fold(0.0, size), reach(&gate, CLIP)]
            }),
            reach_pre: reach(&pre.flat(), CLIP),
            reach_act: reach(&act.flat(), CLIP),
            silent: silent.map(share),
            negative: share(negative),
            written: norms(trace, layer, LayerSite::FfnOut)?,
            onto: norms(trace, layer, LayerSite::ResidMid)?,
            strongest: strongest.and_then(|(token, neuron)| firing_at(trace, layer, token, neuron)),
        })
    }
}

/// Length of each token's vector, `[T]`, summed in f64.
fn norms(trace: &Trace, layer: usize, site: LayerSite) -> Option<Vec<f64>> {
    let values = trace.layer(layer, site)?; // [T, D]
    let norm = |t| {
        let squares = values
            .row(&[t])
            .iter()
            .map(|&v| f64::from(v).powi(2))
            .sum::<f64>();
        squares.sqrt()
    };
    Some((0..values.size(0)).map(norm).collect())
}

/// The `count` neurons of largest |act| at one token, strongest first.
pub fn top_neurons(trace: &Trace, layer: usize, token: usize, count: usize) -> Vec<Firing> {
    let Some(act) = trace.layer(layer, LayerSite::FfnAct) else {
        return Vec::new();
    };
    let firing = |neuron| firing_at(trace, layer, token, neuron);
    strongest((0..act.size(1)).filter_map(firing).collect(), count)
}

/// One neuron at every token, in the order of the text.
pub fn across_tokens(trace: &Trace, layer: usize, neuron: usize) -> Vec<Firing> {
    let tokens = 0..trace.tokens.len();
    let firing = |token| firing_at(trace, layer, token, neuron);
    tokens.filter_map(firing).collect()
}

/// The `count` tokens of largest |act| of one neuron over several traces, strongest first, each
/// with its trace's index.
pub fn top_tokens<'a>(
    traces: impl IntoIterator<Item = &'a Trace>,
    layer: usize,
    neuron: usize,
    count: usize,
) -> Vec<(usize, Firing)> {
    let mut all = Vec::new();
    for (index, trace) in traces.into_iter().enumerate() {
        let best = strongest(across_tokens(trace, layer, neuron), count);
        all.extend(best.into_iter().map(|firing| (index, firing)));
    }
    all.sort_by(|a, b| b.1.act.abs().total_cmp(&a.1.act.abs()));
    all.truncate(count);
    all
}

fn strongest(mut firings: Vec<Firing>, count: usize) -> Vec<Firing> {
    let order = |a: &Firing, b: &Firing| b.act.abs().total_cmp(&a.act.abs());
    if firings.len() > count && count > 0 {
        firings.select_nth_unstable_by(count - 1, order);
    }
    firings.truncate(count);
    firings.sort_by(order);
    firings
}

/// The activation function in f64, for its curve and for checking recorded values.
pub fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Gelu => 0.5 * x * (1.0 + erf_f64(x * std::f64::consts::FRAC_1_SQRT_2)),
        Activation::GeluTanh => {
            // Hendrycks & Gimpel 2016, §2.
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Activation::Relu => x.max(0.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Tokens;
    use crate::trace::Site;
    use candle_core::{Device, Tensor};
    use std::sync::Arc;
    use std::time::Duration;

    /// A trace of one layer that holds these values alone.
    fn trace(pre: &[[f32; 4]], act: &[[f32; 4]]) -> Trace {
        let tensor = |rows: &[[f32; 4]]| {
            Tensor::from_vec(rows.concat(), (rows.len(), 4), &Device::Cpu).unwrap()
        };
        let sites = [
            (LayerSite::FfnPre, tensor(pre)),
            (LayerSite::FfnAct, tensor(act)),
            (
                LayerSite::FfnOut,
                tensor(&[[3.0, 4.0, 0.0, 0.0]].repeat(pre.len())),
            ),
            (
                LayerSite::ResidMid,
                tensor(&[[0.0, 10.0, 0.0, 0.0]].repeat(pre.len())),
            ),
        ];
        let sites = sites
            .map(|(site, value)| (Site::Layer(0, site), value))
            .to_vec();
        Trace::new(
            Arc::new(tokens(pre.len())),
            "model".into(),
            1,
            Duration::ZERO,
            sites,
        )
        .unwrap()
    }

    fn tokens(count: usize) -> Tokens {
        Tokens {
            ids: vec![0; count],
            type_ids: vec![0; count],
            pieces: vec![String::new(); count],
            offsets: vec![(0, 0); count],
            special: vec![false; count],
            words: vec![None; count],
            unknown: vec![false; count],
            limit: count,
            ..Tokens::default()
        }
    }

    #[test]
    fn sparsity_norms_and_the_strongest_are_those_planted() {
        let pre = [[1.0, -5.0, 0.0, 2.0], [0.5, -1.0, 9.0, 3.0]];
        let act = [[0.8, -0.001, 0.0, 2.0], [0.3, -0.2, 8.5, 3.0]];
        let layer = LayerFiring::new(&trace(&pre, &act), 0, &Cancel::new()).unwrap();
        assert_eq!((layer.silent, layer.negative), ([2.0 / 8.0; 2], 2.0 / 8.0));
        assert_eq!((layer.largest_pre, layer.largest_act), (9.0, 8.5));
        assert_eq!((layer.written[1], layer.onto[0]), (5.0, 10.0));
        let strongest = Firing {
            token: 1,
            neuron: 2,
            pre: 9.0,
            gate: None,
            act: 8.5,
        };
        assert_eq!(layer.strongest, Some(strongest));
    }

    #[test]
    fn top_neurons_and_top_tokens_are_sorted_by_magnitude() {
        let act = [[0.8, -4.0, 0.0, 2.0], [0.3, 1.0, 8.5, 3.0]];
        let one = trace(&act, &act);
        let other = trace(&[[0.0, 2.0, 0.0, 0.0]], &[[0.0, 2.0, 0.0, 0.0]]);
        let top: Vec<usize> = top_neurons(&one, 0, 0, 3)
            .iter()
            .map(|f| f.neuron)
            .collect();
        assert_eq!(top, [1, 3, 0]);
        assert_eq!(top_neurons(&one, 0, 9, 3), []);
        let tops: Vec<_> = top_tokens([&one, &other], 0, 1, 2)
            .into_iter()
            .map(|(text, f)| (text, f.token, f.act))
            .collect();
        assert_eq!(tops, [(0, 0, -4.0), (1, 0, 2.0)]);
        assert_eq!(across_tokens(&one, 0, 7), [], "there is no eighth neuron");
    }

    #[test]
    fn the_weights_of_experts_are_read_back() {
        // Two experts of two neurons: ReLU of pre, times 0.75 and 0.
        let pre = [[1.0, 4.0, 3.0, 2.0], [2.0, -1.0, 5.0, 0.5]];
        let act = [[0.75, 3.0, 0.0, 0.0], [0.0, 0.0, 2.5, 0.25]];
        let trace = trace(&pre, &act);
        let taken = Taken::new(&trace, 0, 2, Activation::Relu, &Cancel::new()).unwrap();
        assert_eq!((taken.neurons, taken.residual), (2, 0.0));
        assert_eq!(taken.weights, [0.75, 0.0, 0.0, 0.5]);
        assert_eq!(taken.of_neuron(1, 3), Some(0.5));
        assert!(Taken::new(&trace, 0, 3, Activation::Relu, &Cancel::new()).is_none());
    }

    #[test]
    fn activations_agree_with_the_models_own() {
        use crate::model::ops::Ops;
        let x: Vec<f32> = (-60..=60).map(|i| i as f32 / 10.0).collect();
        let input = Tensor::from_vec(x.clone(), (1, x.len()), &Device::Cpu).unwrap();
        let all = [
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Relu,
            Activation::Silu,
            Activation::Tanh,
        ];
        for activation in all {
            let theirs = Ops::Fused.activate(&input, activation).unwrap();
            let theirs: Vec<f32> = theirs.flatten_all().unwrap().to_vec1().unwrap();
            for (&x, theirs) in x.iter().zip(theirs) {
                let ours = activate(activation, x.into());
                assert!(
                    (ours - f64::from(theirs)).abs() < 3e-6,
                    "{activation:?}({x})"
                );
            }
        }
    }
}
