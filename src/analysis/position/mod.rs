//! Positions: the ways in which they enter, tables and turns and biases, and how alike they are.

mod bias;
mod disentangled;
mod rotary;

pub use bias::Bias;
pub use disentangled::Terms;
pub use rotary::{ByTurn, angles, similarity as rotary_similarity, turn_residual, wavelengths};

use crate::cancel::Cancel;
use crate::model::rotary::Rotary;
use crate::model::spec::{DistanceBias, EncoderSpec, Mask, Positions};
use crate::trace::{EmbedSite, Site, Trace, Values};

/// A way in which a model learns of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A row of a learned table, added to the token's vector.
    Learned,
    /// Queries and keys are turned.
    Rotary,
    /// A learned number for each head and bucket of distances.
    Buckets,
    /// A slope for each head.
    Alibi,
    /// Distances meet queries and keys.
    Disentangled,
}

impl Scheme {
    /// Those of a model, in the order in which they enter; none where it knows no places.
    pub fn all(spec: &EncoderSpec) -> Vec<Self> {
        let learned = matches!(spec.positions, Positions::Learned { .. });
        let turned = spec.blocks.iter().any(|block| block.rotary.is_some());
        let buckets = matches!(spec.distance, Some(DistanceBias::Buckets { .. }));
        let slopes = spec.distance == Some(DistanceBias::Alibi);
        let apart = spec.disentangled.is_some();
        [
            (learned, Self::Learned),
            (turned, Self::Rotary),
            (buckets, Self::Buckets),
            (slopes, Self::Alibi),
            (apart, Self::Disentangled),
        ]
        .into_iter()
        .filter_map(|(has, scheme)| has.then_some(scheme))
        .collect()
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Learned => "Learned table",
            Self::Rotary => "Rotary turns (RoPE)",
            Self::Buckets => "Bucket bias",
            Self::Alibi => "ALiBi slopes",
            Self::Disentangled => "Disentangled distances",
        }
    }
}

/// Layers that treat places alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Alike {
    pub rotary: Option<Rotary>,
    pub mask: Mask,
    /// From 0.
    pub layers: Vec<usize>,
}

/// The layers of a model by how they turn and what they hide, in the order of each first one.
pub fn alike(spec: &EncoderSpec) -> Vec<Alike> {
    let mut out: Vec<Alike> = Vec::new();
    for (l, block) in spec.blocks.iter().enumerate() {
        let same = |kind: &&mut Alike| kind.rotary == block.rotary && kind.mask == block.mask;
        match out.iter_mut().find(same) {
            Some(kind) => kind.layers.push(l),
            None => out.push(Alike {
                rotary: block.rotary,
                mask: block.mask,
                layers: vec![l],
            }),
        }
    }
    out
}

/// The table of Vaswani et al. 2017, §3.5, [positions, size] row by row:
/// PE(p, 2i) = sin(p/10000^(2i/size)), PE(p, 2i+1) = cos(p/10000^(2i/size)).
pub fn sinusoid(positions: impl IntoIterator<Item = usize>, size: usize) -> Vec<f32> {
    let rate = |k: usize| 10_000f64.powf(-((k - k % 2) as f64) / size as f64);
    let rates: Vec<f64> = (0..size).map(rate).collect();
    let mut table = Vec::new();
    for position in positions {
        table.extend(rates.iter().enumerate().map(|(k, rate)| {
            let angle = position as f64 * rate;
            let value = if k % 2 == 0 { angle.sin() } else { angle.cos() };
            value as f32
        }));
    }
    table
}

/// How far `embed.position` of a trace is from the rows [T] of the [P, D] table that its tokens take: the
/// largest |Δ|. None where the trace or the table lacks them.
pub fn residual(trace: &Trace, table: &Values<'_>, rows: &[usize]) -> Option<f64> {
    let used = trace.values(Site::Embed(EmbedSite::Position))?;
    if rows.len() != used.size(0) {
        return None;
    }
    let mut largest = 0f64;
    for (t, &row) in rows.iter().enumerate() {
        let (read, row) = (used.row(&[t]), table.row(&[row]));
        if read.len() != row.len() {
            return None;
        }
        for (x, y) in read.iter().zip(row.iter()) {
            let off = (f64::from(*x) - f64::from(*y)).abs();
            largest = if off.is_nan() { off } else { largest.max(off) };
        }
    }
    Some(largest)
}

/// The cosine of every two rows of a [rows, size] table, [rows, rows]; NaN where a row is zero.
/// Gives up, with none, when the flag goes up.
pub fn similarity(table: &[f32], size: usize, cancel: &Cancel) -> Option<Vec<f32>> {
    let rows: Vec<&[f32]> = table.chunks_exact(size.max(1)).collect();
    let lengths: Vec<f64> = rows.iter().map(|row| dot(row, row).sqrt()).collect();
    let mut out = vec![0.; rows.len() * rows.len()];
    for i in 0..rows.len() {
        if cancel.is_cancelled() {
            return None;
        }
        for j in 0..=i {
            let cosine = (dot(rows[i], rows[j]) / (lengths[i] * lengths[j])) as f32;
            out[i * rows.len() + j] = cosine;
            out[j * rows.len() + i] = cosine;
        }
    }
    Some(out)
}

/// a·b, summed in f64.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    // Four sums side by side: one alone waits for each addition before the next.
    let mut sums = [0f64; 4];
    let (quads, rest) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail = quads.remainder().iter().zip(rest.remainder());
    let tail: f64 = tail.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    for (x, y) in quads.zip(rest) {
        for k in 0..4 {
            sums[k] += f64::from(x[k]) * f64::from(y[k]);
        }
    }
    sums.iter().sum::<f64>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sinusoids_are_those_of_the_paper() {
        let size = 6;
        let table = sinusoid(0..40, size);
        assert_eq!(table.len(), 40 * size);
        assert_eq!(table[..size], [0., 1., 0., 1., 0., 1.], "position 0");
        // Computed with Python's math module from the paper's formula.
        for (position, k, expected) in [
            (1, 0, 0.841_470_98),
            (1, 1, 0.540_302_3),
            (7, 2, 0.319_224_65),
            (7, 3, 0.947_679_65),
            (39, 4, 0.083_924_12),
            (39, 5, 0.996_472_1),
        ] {
            let value: f32 = table[position * size + k];
            assert!(
                (value - expected).abs() < 1e-6,
                "PE({position}, {k}) = {value}"
            );
        }
    }

    #[test]
    fn similarity_is_symmetric_with_a_unit_diagonal_and_knows_angles() {
        let table = [3., 0., 0., 2., -1., -1., 5., 5., 0., 0.];
        let cosines = similarity(&table, 2, &Cancel::new()).unwrap();
        let at = |i: usize, j: usize| cosines[i * 5 + j];
        for i in 0..4 {
            assert!((at(i, i) - 1.).abs() < 1e-6);
            for j in 0..4 {
                assert_eq!(at(i, j), at(j, i));
            }
        }
        assert_eq!(at(0, 1), 0., "right angles");
        assert!((at(0, 3) - 0.5f32.sqrt()).abs() < 1e-6, "45°");
        assert!((at(2, 3) + 1.).abs() < 1e-6, "opposite");
        assert!(at(0, 4).is_nan(), "a zero row has no direction");
        let stopped = Cancel::new();
        stopped.cancel();
        assert!(similarity(&table, 2, &stopped).is_none());
    }

    #[test]
    fn two_sinusoids_are_as_alike_as_they_are_far_apart() {
        let cosines = similarity(&sinusoid(0..30, 32), 32, &Cancel::new()).unwrap();
        for (i, j) in [(0, 4), (10, 3), (29, 12)] {
            let (a, b) = (cosines[i * 30 + j], cosines[(i.abs_diff(j)) * 30]);
            assert!((a - b).abs() < 1e-6, "({i}, {j})");
        }
    }

    #[test]
    fn a_dot_product_includes_its_tail() {
        let a: Vec<f32> = (1..=7).map(|i| i as f32).collect();
        assert_eq!(dot(&a, &a), 140.);
        assert_eq!(dot(&a[..3], &[1., 1., 1.]), 6.);
    }
}
