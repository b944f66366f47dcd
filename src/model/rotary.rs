//! Rotary positions: queries and keys are turned by an angle that grows with their place, so that
//! their product depends on the distance alone (Su et al. 2021).

use std::ops::Range;

use super::ModelError;

/// How frequencies are stretched for texts longer than those of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RotaryScaling {
    None,
    /// Every frequency divided by the factor.
    Linear {
        factor: f64,
    },
    /// The base times the factor, and every frequency divided by factor^(2/r): the fastest pair keeps
    /// nearly its speed, the slowest is stretched by the factor (the fixed "NTK-aware" form).
    Ntk {
        factor: f64,
    },
    /// Frequencies with wavelengths above `trained/low` divided by the factor, those below
    /// `trained/high` kept, and a blend in between (Llama 3.1).
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        trained: f64,
    },
    /// Pairs that go round more than `fast` times in the `trained` places keep their frequency, those that
    /// go round less than `slow` times are divided by the factor, with a ramp over the pairs in between;
    /// and everything turned grows by `magnitude` (YaRN, Peng et al. 2023).
    Yarn {
        factor: f64,
        fast: f64,
        slow: f64,
        trained: f64,
        /// The ramp begins and ends at whole pairs.
        whole: bool,
        magnitude: f64,
    },
}

/// One turning: the first `size` dimensions of a head, in pairs i and i + size/2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotary {
    /// θ
    pub base: f64,
    /// r, how many of a head's dimensions are turned.
    pub size: usize,
    pub scaling: RotaryScaling,
}

impl Rotary {
    pub fn new(base: f64, size: usize) -> Self {
        Self {
            base,
            size,
            scaling: RotaryScaling::None,
        }
    }

    /// # Errors
    /// When the size or the base makes no angles.
    pub fn check(&self, head_size: usize, file: &str) -> Result<(), ModelError> {
        let Self { base, size, .. } = *self;
        if size == 0 || !size.is_multiple_of(2) || size > head_size {
            let problem = format!(
                "makes {size} rotary dimensions of heads of {head_size}; they must be even and fit"
            );
            return Err(ModelError::config(file, "head_dim", problem));
        }
        if !(base.is_finite() && base > 1.) {
            let problem = format!("is {base}, but must be more than 1");
            return Err(ModelError::config(file, "rope_theta", problem));
        }
        Ok(())
    }

    /// Radians for each place and pair: θ^(−2i/r), [r/2].
    pub fn frequencies(&self) -> Vec<f32> {
        let size = self.size as f64;
        let base = match self.scaling {
            RotaryScaling::Ntk { factor } => self.base * factor,
            _ => self.base,
        };
        let pairs = (0..self.size / 2).map(|i| (i, 1. / base.powf(2. * i as f64 / size)));
        pairs
            .map(|(pair, frequency)| self.stretched(pair, frequency) as f32)
            .collect()
    }

    /// What everything turned is multiplied by; both of a product's sides are.
    pub fn magnitude(&self) -> f64 {
        match self.scaling {
            RotaryScaling::Yarn { magnitude, .. } => magnitude,
            _ => 1.,
        }
    }

    /// Where a pair goes round so many times in `trained` places, counted in pairs.
    fn pair_of(&self, rounds: f64, trained: f64) -> f64 {
        let size = self.size as f64;
        size * (trained / (rounds * 2. * std::f64::consts::PI)).ln() / (2. * self.base.ln())
    }

    fn stretched(&self, pair: usize, frequency: f64) -> f64 {
        match self.scaling {
            RotaryScaling::Yarn {
                factor,
                fast,
                slow,
                trained,
                whole,
                ..
            } => {
                let (mut from, mut to) = (self.pair_of(fast, trained), self.pair_of(slow, trained));
                if whole {
                    (from, to) = (from.floor(), to.ceil());
                }
                let (from, mut to) = (from.max(0.), to.min(self.size as f64 - 1.));
                if from == to {
                    // As the reference keeps the ramp from dividing by nothing.
                    to += 0.001;
                }
                let ramp = ((pair as f64 - from) / (to - from)).clamp(0., 1.);
                frequency / factor * ramp + frequency * (1. - ramp)
            }
            RotaryScaling::None => frequency,
            RotaryScaling::Ntk { factor } => frequency / factor.powf(2. / self.size as f64),
            RotaryScaling::Linear { factor } => frequency / factor,
            RotaryScaling::Llama3 {
                factor,
                low,
                high,
                trained,
            } => {
                let wavelength = 2. * std::f64::consts::PI / frequency;
                if wavelength < trained / high {
                    frequency
                } else if wavelength > trained / low {
                    frequency / factor
                } else {
                    let smooth = (trained / wavelength - low) / (high - low);
                    (1. - smooth) * frequency / factor + smooth * frequency
                }
            }
        }
    }

    /// Cosines and sines for rows at these places.
    pub fn turns(&self, places: &[usize]) -> Turns {
        let frequencies = self.frequencies();
        let angles = places.iter().flat_map(|&place| {
            // In f32, as the reference computes them: at place 8,000 the angle's own rounding shows.
            frequencies.iter().map(move |f| place as f32 * f)
        });
        let angles: Vec<f32> = angles.collect();
        let magnitude = self.magnitude() as f32;
        Turns {
            half: frequencies.len(),
            cos: angles.iter().map(|angle| angle.cos() * magnitude).collect(),
            sin: angles.iter().map(|angle| angle.sin() * magnitude).collect(),
        }
    }
}

/// The turns of some rows, [rows, r/2] each; cosines and sines times [`Rotary::magnitude`].
#[derive(Clone, Debug)]
pub struct Turns {
    /// r/2, pairs that are turned.
    pub half: usize,
    pub cos: Vec<f32>,
    pub sin: Vec<f32>,
}

impl Turns {
    /// Those of some of the rows.
    pub fn of_rows(&self, rows: Range<usize>) -> Self {
        let cells = rows.start * self.half..rows.end * self.half;
        Self {
            half: self.half,
            cos: self.cos[cells.clone()].to_vec(),
            sin: self.sin[cells].to_vec(),
        }
    }

    /// Turns one head [d] of row `row` in place.
    #[inline(always)]
    pub fn turn(&self, row: usize, head: &mut [f32]) {
        let half = self.half;
        let (cos, sin) = (&self.cos[row * half..], &self.sin[row * half..]);
        let (first, second) = head.split_at_mut(half);
        let pairs = first
            .iter_mut()
            .zip(second)
            .zip(cos.iter().zip(sin))
            .take(half);
        for ((x, y), (cos, sin)) in pairs {
            (*x, *y) = (*x * cos - *y * sin, *y * cos + *x * sin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_depends_on_the_distance_alone() {
        let rotary = Rotary::new(10_000., 8);
        let turns = rotary.turns(&[3, 10, 103, 110]);
        let (q, k) = ([0.3, -1., 0.2, 0.7, 0.1, 2., -0.5, 1.1], [1f32; 8]);
        let turned = |vector: [f32; 8], row: usize| {
            let mut out = vector;
            turns.turn(row, &mut out);
            out
        };
        let dot = |x: [f32; 8], y: [f32; 8]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
        let near = dot(turned(q, 0), turned(k, 1));
        let far = dot(turned(q, 2), turned(k, 3));
        assert!((near - far).abs() < 1e-4, "{near} and {far}");
        assert!((near - dot(q, k)).abs() > 1e-2);
        let length = dot(turned(q, 3), turned(q, 3));
        assert!((length - dot(q, q)).abs() < 1e-4);
    }

    #[test]
    fn llama3_keeps_fast_frequencies_and_slows_slow_ones() {
        let plain = Rotary::new(500_000., 64);
        let scaled = Rotary {
            scaling: RotaryScaling::Llama3 {
                factor: 8.,
                low: 1.,
                high: 4.,
                trained: 8192.,
            },
            ..plain
        };
        let (before, after) = (plain.frequencies(), scaled.frequencies());
        assert_eq!(before[0], after[0]);
        assert!((before[31] / after[31] - 8.).abs() < 1e-4);
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(b, a)| a <= b && b / a < 8.001)
        );
    }
}
