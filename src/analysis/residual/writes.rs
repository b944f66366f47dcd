//! How much attention and the feed-forward block of each layer add to the state that they read.

use super::states::Pooled;
use crate::analysis::vectors::{norm, to_f64};
use crate::cancel::Cancel;
use crate::model::spec::Placement;
use crate::model::weights::Norms;
use crate::model::{Model, ModelError};
use crate::trace::{LayerSite, Site, Trace, Values};

/// What stands for that which a block adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// What it wrote, as recorded: `attn_out`, `ffn_out`.
    Written,
    /// The state after it less the state before: what it wrote passes a norm of its own, and nothing
    /// follows the sum.
    Step,
}

impl Added {
    fn of(norms: &Norms) -> Self {
        let normed = norms.written.is_some() || norms.joined.is_some();
        match normed && norms.after.is_none() {
            true => Self::Step,
            false => Self::Written,
        }
    }
}

/// How a model's blocks join the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joins {
    pub placement: Placement,
    /// By attention and by the feed-forward block of each layer, [L].
    pub added: Vec<[Added; 2]>,
    /// Whether a norm of the sum is added to the state once more.
    pub twice: bool,
    /// The layers with a convolution beside them.
    pub convolutions: Vec<usize>,
    /// A norm behind the last layer.
    pub final_norm: bool,
}

impl Joins {
    pub fn new(model: &Model) -> Self {
        let (spec, layers) = (model.spec(), &model.encoder.weights.layers);
        let norms = layers.iter().map(|l| [&l.attn_norms, &l.ffn_norms]);
        let convolutions = layers.iter().enumerate();
        Self {
            placement: spec.placement,
            added: norms.clone().map(|both| both.map(Added::of)).collect(),
            twice: norms.flatten().any(|norms| norms.joined.is_some()),
            convolutions: convolutions
                .filter(|(_, layer)| layer.convolution.is_some())
                .map(|(l, _)| l)
                .collect(),
            final_norm: spec.final_norm,
        }
    }
}

/// Lengths of what each layer adds and of what it is added to, for each token and, in row T, for the
/// pooled text: [T + 1, L] each. NaN for the convolution of a layer without one.
#[derive(Clone, Debug, PartialEq)]
pub struct Writes {
    /// T
    pub tokens: usize,
    /// L
    pub layers: usize,
    /// By attention, the feed-forward block and the convolution.
    pub added: [Vec<f64>; 3],
    /// `resid_in`, `resid_mid` and, for the convolution, `resid_ffn`.
    pub onto: [Vec<f64>; 3],
}

/// The state before, what is written, and the state after.
const PLACES: [[LayerSite; 3]; 3] = [
    [LayerSite::ResidIn, LayerSite::AttnOut, LayerSite::ResidMid],
    [LayerSite::ResidMid, LayerSite::FfnOut, LayerSite::ResidOut],
    [LayerSite::ResidFfn, LayerSite::ConvOut, LayerSite::ResidOut],
];

impl Writes {
    /// Layers without their inside run again, one at a time.
    ///
    /// # Errors
    /// As [`Model::recall`].
    pub fn new(
        model: &Model,
        trace: &Trace,
        pooled: &Pooled,
        cancel: &Cancel,
    ) -> Result<Self, ModelError> {
        let joins = Joins::new(model);
        let (tokens, layers) = (trace.tokens.len(), trace.layers);
        let empty = || vec![f64::NAN; (tokens + 1) * layers];
        let mut out = Self {
            tokens,
            layers,
            added: [(); 3].map(|()| empty()),
            onto: [(); 3].map(|()| empty()),
        };
        for layer in 0..layers {
            if cancel.is_cancelled() {
                return Err(ModelError::Stopped);
            }
            // Maps are not looked at, and so not kept.
            let inside = model.recall_within(trace, layer, 0, cancel)?;
            for (part, places) in PLACES.iter().enumerate() {
                let convolved = joins.convolutions.contains(&layer);
                let added = match part {
                    0 => joins.added[layer][0],
                    // The state that the block leaves is not the layer's.
                    1 if !convolved => joins.added[layer][1],
                    _ => Added::Written,
                };
                if part < 2 || convolved {
                    out.fill(&inside, (layer, part), (*places, added), pooled)?;
                }
            }
        }
        Ok(out)
    }

    fn fill(
        &mut self,
        trace: &Trace,
        (layer, part): (usize, usize),
        ([from, written, to], added): ([LayerSite; 3], Added),
        pooled: &Pooled,
    ) -> Result<(), ModelError> {
        let read = |site| {
            trace.layer(layer, site).ok_or_else(|| ModelError::Input {
                what: "a trace".to_owned(),
                problem: format!("lacks {}", Site::Layer(layer, site)),
            })
        };
        let onto = read(from)?;
        let other = read(match added {
            Added::Written => written,
            Added::Step => to,
        })?;
        for row in 0..=self.tokens {
            let of = |values: &Values<'_>| match row == self.tokens {
                true => pooled.of(values),
                false => to_f64(&values.row(&[row])),
            };
            let (x, mut wrote) = (of(&onto), of(&other));
            if added == Added::Step {
                wrote.iter_mut().zip(&x).for_each(|(y, x)| *y -= x);
            }
            let at = row * self.layers + layer;
            self.added[part][at] = norm(&wrote);
            self.onto[part][at] = norm(&x);
        }
        Ok(())
    }

    /// |added| / |onto| of one part (see [`Self::added`]) at a row and a layer; NaN where there is none.
    pub fn share(&self, part: usize, row: usize, layer: usize) -> f64 {
        let at = row * self.layers + layer;
        let of = |of: &[Vec<f64>; 3]| of.get(part).and_then(|all| all.get(at)).copied();
        match of(&self.added).zip(of(&self.onto)) {
            Some((added, onto)) if onto > 0. => added / onto,
            _ => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;
    use crate::model::spec::NormKind;
    use crate::model::weights::Norm;

    #[test]
    fn a_share_is_of_the_part_the_row_and_the_layer_that_are_asked_for() {
        let writes = Writes {
            tokens: 1,
            layers: 2,
            added: [vec![1., 2., 3., 4.], vec![5.; 4], vec![f64::NAN; 4]],
            onto: [vec![10., 10., 10., 0.], vec![10.; 4], vec![f64::NAN; 4]],
        };
        assert_eq!(writes.share(0, 0, 1), 0.2);
        assert_eq!(writes.share(0, 1, 0), 0.3);
        assert_eq!(writes.share(1, 1, 1), 0.5);
        assert!(writes.share(0, 1, 1).is_nan(), "onto nothing");
        assert!(writes.share(2, 0, 0).is_nan(), "no convolution");
        assert!(writes.share(0, 9, 0).is_nan());
    }

    #[test]
    fn what_passes_a_norm_before_it_is_added_counts_as_the_step() {
        let norm = || {
            let weight = Tensor::ones(2, DType::F32, &Device::Cpu).unwrap();
            Some(Norm {
                bias: weight.clone(),
                weight,
                eps: 0.,
                kind: NormKind::Rms,
            })
        };
        assert_eq!(Added::of(&Norms::default()), Added::Written);
        let mut norms = Norms {
            before: norm(),
            written: norm(),
            ..Norms::default()
        };
        assert_eq!(Added::of(&norms), Added::Step);
        norms.after = norm();
        assert_eq!(
            Added::of(&norms),
            Added::Written,
            "a norm of the sum leaves no difference to read"
        );
    }
}
