//! Rotary positions (Su et al. 2021): angles, how alike places are, and q·k against distance.

use std::f64::consts::TAU;

use crate::model::Model;
use crate::model::rotary::{Rotary, Turns};
use crate::model::spec::NormKind;
use crate::model::tables::NormTable;
use crate::trace::{LayerSite, Trace, Values};

/// The angle of every place and frequency modulo 2π, radians, [places, r/2].
pub fn angles(rotary: &Rotary, places: &[usize]) -> Vec<f32> {
    let frequencies = rotary.frequencies();
    let angle = |place: usize, f: &f32| (place as f64 * f64::from(*f)).rem_euclid(TAU) as f32;
    let places = places.iter();
    places
        .flat_map(|&place| frequencies.iter().map(move |f| angle(place, f)))
        .collect()
}

/// 2π/frequency: the places after which each pair of dimensions has gone round once, [r/2].
pub fn wavelengths(rotary: &Rotary) -> Vec<f64> {
    let frequencies = rotary.frequencies().into_iter();
    frequencies.map(|f| TAU / f64::from(f)).collect()
}

/// The mean over frequencies of the cosine of the angle between every two places, [P, P]: what is
/// left of q·k on average where q and k are equal and all pairs as long as one another.
pub fn similarity(rotary: &Rotary, places: &[usize]) -> Vec<f32> {
    let frequencies = rotary.frequencies();
    let farthest = places.iter().max().copied().unwrap_or(0);
    let mean = |distance: usize| {
        let turned = frequencies.iter();
        let sum: f64 = turned
            .map(|f| (distance as f64 * f64::from(*f)).cos())
            .sum();
        (sum / frequencies.len().max(1) as f64) as f32
    };
    // Once for each distance: there are far fewer of them than pairs.
    let mut of = vec![None; farthest + 1];
    let mut out = Vec::with_capacity(places.len() * places.len());
    for &p in places {
        for &q in places {
            let distance = p.abs_diff(q);
            out.push(*of[distance].get_or_insert_with(|| mean(distance)));
        }
    }
    out
}

/// scale·q·k of one pair of tokens as if they stood at other distances.
#[derive(Clone, Debug, PartialEq)]
pub struct ByTurn {
    /// N: distances go from −N to N.
    pub farthest: usize,
    /// Of key − query = −N … N, [2N + 1].
    pub values: Vec<f32>,
    /// key − query in the text.
    pub distance: isize,
    /// The value there.
    pub here: f64,
    /// `score_content` there.
    pub recorded: f64,
}

impl ByTurn {
    /// The product of the unturned q and k of one head, turned for distances up to `farthest`, which
    /// reaches at least as far as the pair itself. None where the layer does not turn, the trace does
    /// not hold its inside, or an index is outside of it.
    pub fn new(
        model: &Model,
        trace: &Trace,
        (layer, head): (usize, usize),
        (query, key): (usize, usize),
        farthest: usize,
    ) -> Option<Self> {
        let spec = model.spec();
        let rotary = spec.blocks.get(layer)?.rotary?;
        let (q, k) = (
            trace.layer(layer, LayerSite::Q)?,
            trace.layer(layer, LayerSite::K)?,
        );
        let recorded = trace.layer(layer, LayerSite::ScoreContent)?;
        let recorded = f64::from(recorded.at(&[head, query, key])?);
        let [q_norm, k_norm] = model.head_norms(layer);
        let q = normed(&q.row(&[head, query]), q_norm.as_ref(), spec.norm);
        let kv_head = head / spec.group();
        let k = normed(&k.row(&[kv_head, key]), k_norm.as_ref(), spec.norm);
        let distance = key as isize - query as isize;
        let farthest = farthest.max(distance.unsigned_abs());
        let at = |distance: isize| spec.scale * product(&q, &k, &rotary, distance);
        let reach = farthest as isize;
        Some(Self {
            values: (-reach..=reach).map(|d| at(d) as f32).collect(),
            here: at(distance),
            farthest,
            distance,
            recorded,
        })
    }

    /// What the panel computes less what was recorded.
    pub fn residual(&self) -> f64 {
        self.here - self.recorded
    }
}

/// q·k with k turned by `distance` places against q; pairs are dimensions i and i + r/2.
fn product(q: &[f64], k: &[f64], rotary: &Rotary, distance: isize) -> f64 {
    let frequencies = rotary.frequencies();
    let half = frequencies.len();
    let turned = frequencies.iter().enumerate().map(|(i, f)| {
        let (sin, cos) = (distance as f64 * f64::from(*f)).sin_cos();
        let (x, y, u, v) = (q[i], q[i + half], k[i], k[i + half]);
        (x * u + y * v) * cos + (y * u - x * v) * sin
    });
    let kept = q.iter().zip(k).skip(2 * half).map(|(x, y)| x * y);
    rotary.magnitude().powi(2) * turned.sum::<f64>() + kept.sum::<f64>()
}

/// One head's query or key after its norm, where it has one: [d].
fn normed(x: &[f32], norm: Option<&NormTable<'_>>, kind: NormKind) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let Some(norm) = norm else {
        return x;
    };
    let count = x.len().max(1) as f64;
    let mean = match kind {
        NormKind::Layer => x.iter().sum::<f64>() / count,
        NormKind::Rms => 0.,
    };
    let spread = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let (weight, bias) = (norm.weight.flat(), norm.bias.flat());
    let rows = x.iter().zip(weight.iter().zip(bias.iter()));
    rows.map(|(x, (g, b))| f64::from(*g) * (x - mean) / (spread + norm.eps).sqrt() + f64::from(*b))
        .collect()
}

/// The largest |Δ| between q and k normed and turned here and the recorded `q_rot` and `k_rot` of a
/// layer. None where it does not turn or the trace does not hold its inside.
pub fn turn_residual(model: &Model, trace: &Trace, layer: usize) -> Option<f64> {
    let rotary = model.spec().blocks.get(layer)?.rotary?;
    let places: Vec<usize> = (0..trace.tokens.len()).collect();
    let turns = rotary.turns(&places);
    let [q_norm, k_norm] = model.head_norms(layer);
    let kind = model.spec().norm;
    let off = |plain, turned, norm: Option<&NormTable<'_>>| {
        let (plain, turned) = (trace.layer(layer, plain)?, trace.layer(layer, turned)?);
        Some(largest_off(&plain, &turned, &turns, norm, kind))
    };
    let q = off(LayerSite::Q, LayerSite::QRot, q_norm.as_ref())?;
    let k = off(LayerSite::K, LayerSite::KRot, k_norm.as_ref())?;
    // A NaN on either side must show.
    Some(if q.is_nan() || q > k { q } else { k })
}

fn largest_off(
    plain: &Values<'_>,
    turned: &Values<'_>,
    turns: &Turns,
    norm: Option<&NormTable<'_>>,
    kind: NormKind,
) -> f64 {
    let mut most = 0f64;
    for head in 0..plain.size(0) {
        for token in 0..plain.size(1) {
            let row = normed(&plain.row(&[head, token]), norm, kind);
            let mut row: Vec<f32> = row.into_iter().map(|x| x as f32).collect();
            turns.turn(token, &mut row);
            for (x, y) in row.iter().zip(turned.row(&[head, token]).iter()) {
                let off = (f64::from(*x) - f64::from(*y)).abs();
                most = if off.is_nan() { off } else { most.max(off) };
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rotary::RotaryScaling;

    #[test]
    fn a_product_at_a_distance_is_that_of_the_turned_vectors() {
        let rotary = Rotary {
            scaling: RotaryScaling::Yarn {
                factor: 4.,
                fast: 32.,
                slow: 1.,
                trained: 64.,
                whole: true,
                magnitude: 1.3,
            },
            ..Rotary::new(100., 4)
        };
        let turns = rotary.turns(&[5, 12]);
        // The last two of six dimensions stay as they are.
        let (q, k) = (
            [0.3f32, -1., 0.2, 0.7, 2., 1.],
            [1f32, 0.5, -2., 0.1, 3., -1.],
        );
        let (mut at_5, mut at_12) = (q, k);
        turns.turn(0, &mut at_5);
        turns.turn(1, &mut at_12);
        let expected: f32 = at_5.iter().zip(at_12).map(|(x, y)| x * y).sum();
        let wide = |x: [f32; 6]| x.map(f64::from);
        let found = product(&wide(q), &wide(k), &rotary, 7);
        assert!((found - f64::from(expected)).abs() < 1e-5, "{found}");
    }

    #[test]
    fn places_are_most_like_themselves_and_waves_grow() {
        let rotary = Rotary::new(10_000., 16);
        let alike = similarity(&rotary, &[0, 1, 5, 40]);
        assert_eq!(alike[0], 1.);
        assert!(alike[1] < 1. && alike[2] < alike[1]);
        assert_eq!(alike[3], alike[12], "symmetric");
        let waves = wavelengths(&rotary);
        assert!((waves[0] - TAU).abs() < 1e-6 && waves.is_sorted());
        let angles = angles(&rotary, &[7]);
        assert!((angles[0] - (7. - TAU) as f32).abs() < 1e-6);
    }
}
