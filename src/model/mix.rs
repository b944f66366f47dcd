//! Token vectors mixed from the states of several layers: sentence-transformers'
//! `WeightedLayerPooling`.

use candle_core::{DType, Device, Tensor};

use super::ModelError;
use super::config::Config;
use super::modules::{module_config, module_weights};
use super::source::{ModelFiles, Module as Entry};
use super::spec::EncoderSpec;

/// The name by which modules.json and our messages call it.
pub const MODULE: &str = "WeightedLayerPooling";

/// Σ_s w_s·h_s/Σ_s w_s over the states h of the residual stream. State 0 is `embed.out`, state s the
/// `resid_out` of the s-th layer, and the last one, L, has the final norm behind it where there is one.
#[derive(Clone, Debug)]
pub struct LayerMix {
    /// The first state that takes part.
    pub first: usize,
    pub weights: Tensor, // [L + 1 − first]
}

impl LayerMix {
    /// w_s/Σw of the states from `first` on, [L + 1 − first]; differentiable in the weights.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn shares(&self) -> Result<Tensor, ModelError> {
        Ok(self.weights.broadcast_div(&self.weights.sum_all()?)?)
    }

    /// The share of every state, zeros in front: [L + 1].
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn share_of_each(&self) -> Result<Vec<f64>, ModelError> {
        let weights = self.weights.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        let weights: Vec<f64> = weights.to_vec1()?;
        let sum: f64 = weights.iter().sum();
        let shares = weights.into_iter().map(|w| w / sum);
        Ok(std::iter::repeat_n(0., self.first).chain(shares).collect())
    }
}

/// A mix under way, state by state.
pub(super) struct Mixing {
    first: usize,
    shares: Tensor,
    sum: Option<Tensor>,
}

impl Mixing {
    /// Begins with what the states before `from` give, [ΣT, D].
    ///
    /// # Errors
    /// When the mix needs such states and nobody gives them.
    pub fn new(mix: &LayerMix, from: usize, earlier: Option<Tensor>) -> Result<Self, ModelError> {
        if earlier.is_none() && mix.first < from {
            return Err(ModelError::Input {
                what: MODULE.to_owned(),
                problem: format!(
                    "mixes states from state {} on, but the encoder starts again from state {from} without the earlier ones",
                    mix.first
                ),
            });
        }
        Ok(Self {
            first: mix.first,
            shares: mix.shares()?,
            sum: earlier,
        })
    }

    /// Takes in one state, [ΣT, D].
    pub fn add(&mut self, state: usize, x: &Tensor) -> Result<(), ModelError> {
        let Some(place) = state.checked_sub(self.first) else {
            return Ok(());
        };
        let part = x.broadcast_mul(&self.shares.narrow(0, place, 1)?)?;
        self.sum = Some(match self.sum.take() {
            Some(sum) => (sum + part)?,
            None => part,
        });
        Ok(())
    }

    /// The mix; `last` where no state took part, which no mix allows.
    pub fn finish(self, last: Tensor) -> Tensor {
        self.sum.unwrap_or(last)
    }
}

/// A mix as its folder describes it.
pub struct ReadMix {
    config: Config,
    mix: LayerMix,
}

impl ReadMix {
    /// Reads `layer_start`, `num_hidden_layers` and `layer_weights` of a module's folder.
    ///
    /// # Errors
    /// Names the file and the field or tensor that cannot be used.
    pub fn read(files: &ModelFiles, entry: &Entry, device: &Device) -> Result<Self, ModelError> {
        let config = module_config(files, entry)?;
        // The defaults of sentence-transformers.
        let layers = config.size(&["num_hidden_layers"], 12)?;
        let first = config.size(&["layer_start"], 4)?;
        if first > layers {
            let problem = format!("is {first}, behind the last of {layers} layers");
            return Err(config.bad("layer_start", problem));
        }
        let checkpoint = module_weights(files, entry, device)?;
        let weights = checkpoint.get("layer_weights", &[layers + 1 - first])?;
        let sum: f32 = weights.sum_all()?.to_scalar()?;
        if sum == 0. || !sum.is_finite() {
            let problem = format!("sum to {sum}, by which nothing can be divided");
            return Err(checkpoint.bad("layer_weights", problem));
        }
        let mix = LayerMix { first, weights };
        Ok(Self { config, mix })
    }

    /// The mix for this encoder. None, and a warning, where the folder does not ask the encoder for its
    /// states (`output_hidden_states`): sentence-transformers then leaves the module out without a word.
    ///
    /// # Errors
    /// When the mix was made for another number of layers.
    pub fn of_encoder(
        self,
        spec: &EncoderSpec,
        all_states: bool,
        warnings: &mut Vec<String>,
    ) -> Result<Option<LayerMix>, ModelError> {
        let layers = self.mix.first + self.mix.weights.dim(0)? - 1;
        if layers != spec.layers() {
            let problem = format!("is {layers}, but the encoder has {} layers", spec.layers());
            return Err(self.config.bad("num_hidden_layers", problem));
        }
        if !all_states {
            warnings.push(format!(
                "{MODULE} is left out, as sentence-transformers leaves it out: config.json does not set output_hidden_states"
            ));
            return Ok(None);
        }
        Ok(Some(self.mix))
    }
}
