//! How one attention weight comes about, from q and k to the softmax, with the real numbers.

use crate::trace::{LayerSite, Trace};

/// One cell of one head, recomputed from q and k in f64. d is the head size.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// `[d]`, the query token's, as the product takes it.
    pub q: Vec<f32>,
    /// `[d]`, the key token's, as the product takes it.
    pub k: Vec<f32>,
    /// `[d]` each, q and k before they were normed and turned; none where nothing turns them.
    pub before: Option<[Vec<f32>; 2]>,
    /// The head of keys that this head of queries meets.
    pub kv_head: usize,
    /// `[d]`, q ∘ k.
    pub product: Vec<f32>,
    /// Σ q ∘ k.
    pub dot: f64,
    /// The model's factor on it.
    pub scale: f64,
    /// dot · scale.
    pub content: f64,
    /// What the distance between the two adds, as recorded; none where distances add nothing.
    pub position: Option<f64>,
    /// True where the mask hides this key from the query.
    pub hidden: bool,
    /// What a person divides scores by; 1 where nobody does.
    pub temperature: f64,
    /// (content + position)/temperature, or −∞ where it is hidden.
    pub score: f64,
    /// The row's largest score, taken off before exp so that nothing overflows.
    pub largest: f64,
    /// exp(score − largest).
    pub numerator: f64,
    /// Σ over the row's keys of exp(score − largest).
    pub denominator: f64,
    /// Keys of the row that the mask lets through.
    pub seen: usize,
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
        let plain = [LayerSite::Q, LayerSite::K].map(|site| trace.layer(layer, site));
        let [Some(plain_q), Some(plain_k)] = plain else {
            return None;
        };
        let turned = [LayerSite::QRot, LayerSite::KRot].map(|site| trace.layer(layer, site));
        let turns = turned[0].is_some();
        let q = turned[0].as_ref().unwrap_or(&plain_q); // [H, T, d]
        let k = turned[1].as_ref().unwrap_or(&plain_k); // [K, T, d]
        let scores = trace.layer(layer, LayerSite::Scores)?; // [H, T, T]
        let positions = trace.layer(layer, LayerSite::ScorePosition); // [H, T, T]
        let pattern = trace.layer(layer, LayerSite::Pattern)?; // [H, T, T]
        let recorded_weight = pattern.at(&[head, query, key])?;
        // Heads may share keys: K ≤ H.
        let kv_head = head * k.size(0) / q.size(0);
        let mine = q.row(&[head, query]).into_owned(); // [d]
        let recorded = scores.row(&[head, query]); // [T]
        let positions = positions.as_ref().map(|p| p.row(&[head, query])); // [T]
        let position = |j: usize| positions.as_ref().map(|p| f64::from(p[j]));
        let hidden = |j: usize| recorded[j] == f32::NEG_INFINITY;
        let temperature = trace.interventions.temperature(layer);
        let seen = |j: usize| {
            let content = dot(&mine, &k.row(&[kv_head, j])) * scale;
            (content + position(j).unwrap_or(0.0)) / temperature
        };
        let row: Vec<f64> = (0..recorded.len())
            .map(|j| match hidden(j) {
                true => f64::NEG_INFINITY,
                false => seen(j),
            })
            .collect();
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let score = row[key];
        let numerator = (score - largest).exp();
        let denominator = row.iter().map(|s| (s - largest).exp()).sum();
        let theirs = k.row(&[kv_head, key]).into_owned(); // [d]
        let product = dot(&mine, &theirs);
        let before = || {
            let q = plain_q.row(&[head, query]).into_owned();
            [q, plain_k.row(&[kv_head, key]).into_owned()]
        };
        Some(Self {
            product: mine.iter().zip(&theirs).map(|(a, b)| a * b).collect(),
            dot: product,
            q: mine,
            k: theirs,
            before: turns.then(before),
            kv_head,
            scale,
            content: product * scale,
            position: position(key),
            hidden: hidden(key),
            temperature,
            score,
            largest,
            numerator,
            denominator,
            seen: row.iter().filter(|s| **s != f64::NEG_INFINITY).count(),
            weight: numerator / denominator,
            recorded_score: recorded[key],
            recorded_weight,
        })
    }

    /// Recomputed less recorded score; 0 where both are −∞.
    pub fn score_residual(&self) -> f64 {
        match self.hidden {
            true => 0.0,
            false => self.score - f64::from(self.recorded_score),
        }
    }

    /// Recomputed less recorded weight.
    pub fn weight_residual(&self) -> f64 {
        self.weight - f64::from(self.recorded_weight)
    }
}

/// The factor on q·k as a person would write it, for heads of size d and so many terms that share it:
/// `1/√8`, `1` where scores are not scaled, `1/√(3·8)` for three terms.
pub fn scale_name(scale: f64, d: usize, terms: usize) -> String {
    if scale == 1.0 {
        return "1".to_owned();
    }
    let under = 1.0 / (scale * scale);
    let whole = under.round();
    // A root and its inverse round: 1/√24 squared is not quite 1/24.
    if (under - whole).abs() > 1e-6 * under || whole < 1.0 {
        return format!("{scale:.4}");
    }
    match terms > 1 && whole as usize == terms * d {
        true => format!("1/√({terms}·{d})"),
        false => format!("1/√{whole}"),
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::scale_name;

    #[test]
    fn the_factor_is_named_as_the_model_means_it() {
        let root = |n: f64| 1.0 / n.sqrt();
        assert_eq!(scale_name(root(8.0), 8, 1), "1/√8");
        assert_eq!(scale_name(1.0, 64, 1), "1", "T5 does not scale");
        assert_eq!(scale_name(root(20.0), 6, 1), "1/√20", "gemma's own number");
        assert_eq!(scale_name(root(24.0), 8, 3), "1/√(3·8)", "three terms");
        assert_eq!(scale_name(0.37, 8, 1), "0.3700");
    }
}
