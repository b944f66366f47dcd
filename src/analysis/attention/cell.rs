//! How one attention weight comes about, from q and k to the softmax, with the real numbers.

use crate::trace::{LayerSite, Trace, Values};

/// One cell of one head, recomputed from q and k in f64. d is the head size.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// `[d]`, the query token's.
    pub q: Vec<f32>,
    /// `[d]`, the key token's.
    pub k: Vec<f32>,
    /// `[d]`, q ∘ k.
    pub product: Vec<f32>,
    /// Σ q ∘ k.
    pub dot: f64,
    /// The factor on it, 1/√d.
    pub scale: f64,
    /// What is added before the softmax (relative positions, a mask); 0 in plain BERT.
    pub bias: f64,
    /// dot · scale + bias.
    pub score: f64,
    /// The row's largest score, taken off before exp so that nothing overflows.
    pub largest: f64,
    /// exp(score − largest).
    pub numerator: f64,
    /// Σ over the row's keys of exp(score − largest).
    pub denominator: f64,
    /// numerator / denominator.
    pub weight: f64,
    /// What the forward pass recorded.
    pub recorded_score: f32,
    pub recorded_weight: f32,
}

impl Cell {
    /// Scaled dot-product attention (Vaswani et al. 2017, §3.2.1) of one query and one key; `scale`
    /// is the model's factor on q·k. None where the trace does not hold the layer's inside, or an
    /// index is outside of it.
    pub fn new(
        trace: &Trace,
        layer: usize,
        head: usize,
        query: usize,
        key: usize,
        scale: f64,
    ) -> Option<Self> {
        let (q, k) = (
            turned(trace, layer, LayerSite::QRot, LayerSite::Q)?,
            turned(trace, layer, LayerSite::KRot, LayerSite::K)?,
        );
        let scores = trace.layer(layer, LayerSite::Scores)?; // [H, T, T]
        let content = trace.layer(layer, LayerSite::ScoreContent)?; // [H, T, T]
        let pattern = trace.layer(layer, LayerSite::Pattern)?; // [H, T, T]
        let recorded_weight = pattern.at(&[head, query, key])?;
        // Heads may share keys: K ≤ H.
        let kv_head = head * k.size(0) / q.size(0);
        let mine = q.row(&[head, query]).into_owned(); // [d]
        let biases = scores.row(&[head, query]); // [T]
        let contents = content.row(&[head, query]); // [T]
        let bias_of = |j: usize| match (biases[j], contents[j]) {
            (a, b) if a == b => 0.0,
            (a, b) => f64::from(a) - f64::from(b),
        };
        let mut row = Vec::with_capacity(biases.len());
        for j in 0..biases.len() {
            row.push(dot(&mine, &k.row(&[kv_head, j])) * scale + bias_of(j));
        }
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let score = row[key];
        let numerator = (score - largest).exp();
        let denominator = row.iter().map(|s| (s - largest).exp()).sum();
        let theirs = k.row(&[kv_head, key]).into_owned(); // [d]
        Some(Self {
            product: mine.iter().zip(&theirs).map(|(a, b)| a * b).collect(),
            dot: dot(&mine, &theirs),
            q: mine,
            k: theirs,
            scale,
            bias: bias_of(key),
            score,
            largest,
            numerator,
            denominator,
            weight: numerator / denominator,
            recorded_score: scores.at(&[head, query, key])?,
            recorded_weight,
        })
    }

    /// Recomputed less recorded score.
    pub fn score_residual(&self) -> f64 {
        self.score - f64::from(self.recorded_score)
    }

    /// Recomputed less recorded weight.
    pub fn weight_residual(&self) -> f64 {
        self.weight - f64::from(self.recorded_weight)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

/// Queries or keys as the product takes them: turned by their place where the model does that.
fn turned(trace: &Trace, layer: usize, turned: LayerSite, plain: LayerSite) -> Option<Values<'_>> {
    let turned = trace.layer(layer, turned);
    turned.or_else(|| trace.layer(layer, plain))
}
