//! What many families spell alike in config.json.

use super::{Config, ModelError};
use crate::model::rotary::{Rotary, RotaryScaling};
use crate::model::spec::{Activation, Mask, Sizes};

impl Config {
    pub fn model_type(&self) -> Result<&str, ModelError> {
        self.text("model_type", "")
    }

    /// Sizes under BERT's names and with its defaults.
    pub fn sizes(&self, vocabulary: usize, positions: usize) -> Result<Sizes, ModelError> {
        let sizes = Sizes {
            vocabulary: self.size(&["vocab_size"], vocabulary)?,
            hidden: self.size(&["hidden_size"], 768)?,
            layers: self.layers(&["num_hidden_layers"], 12)?,
            heads: self.size(&["num_attention_heads"], 12)?,
            ffn: self.size(&["intermediate_size"], 3072)?,
            positions: self.size(&["max_position_embeddings"], positions)?,
        };
        self.fit(sizes)
    }

    /// Refuses sizes that make no heads of equal size.
    pub fn fit(&self, sizes: Sizes) -> Result<Sizes, ModelError> {
        let Sizes { hidden, heads, .. } = sizes;
        if heads == 0 || !hidden.is_multiple_of(heads) {
            let problem = format!("is {heads}, which does not divide hidden_size {hidden}");
            return Err(self.bad("num_attention_heads", problem));
        }
        Ok(sizes)
    }

    /// L, under one of these names.
    pub fn layers(&self, names: &[&str], default: usize) -> Result<usize, ModelError> {
        const MOST: usize = 1000;
        match self.size(names, default)? {
            0 => Err(self.bad(names[0], "must be more than 0")),
            layers if layers > MOST => {
                let problem = format!("is {layers}, which no model has");
                Err(self.bad(names[0], problem))
            }
            layers => Ok(layers),
        }
    }

    pub fn activation(&self, field: &str, default: &str) -> Result<Activation, ModelError> {
        let name = self.text(field, default)?;
        Activation::from_config(name).ok_or_else(|| {
            let problem = format!("is `{name}`; supported are gelu, gelu_new, relu, silu and tanh");
            self.bad(field, problem)
        })
    }

    pub fn only_absolute_positions(&self) -> Result<(), ModelError> {
        match self.text("position_embedding_type", "absolute")? {
            "absolute" => Ok(()),
            other => Err(ModelError::Unsupported {
                file: self.file.clone(),
                what: format!("position_embedding_type `{other}`"),
                hint: "learned absolute positions are supported in this family".to_owned(),
            }),
        }
    }

    pub fn only_encoders(&self) -> Result<(), ModelError> {
        match self.flag("is_decoder", false)? {
            true => Err(self.bad("is_decoder", "is true, but only encoders are supported")),
            false => Ok(()),
        }
    }

    /// Refuses a config that turns on something that this family does not run.
    pub fn never(&self, field: &str, hint: &str) -> Result<(), ModelError> {
        let on = match self.get(&[field]) {
            None | Some(serde_json::Value::Bool(false)) => false,
            Some(serde_json::Value::Number(n)) => n.as_f64().is_some_and(|n| n != 0.),
            Some(_) => true,
        };
        match on {
            false => Ok(()),
            true => Err(ModelError::Unsupported {
                file: self.file.clone(),
                what: format!("`{field}`"),
                hint: hint.to_owned(),
            }),
        }
    }

    /// The rotary parameters that hold for a kind of layer: `rope_parameters` by kind, or for all;
    /// then `rope_scaling`; then the old field.
    pub fn rotary(
        &self,
        kind: &str,
        (field, default): (&str, f64),
        size: usize,
    ) -> Result<Rotary, ModelError> {
        let parameters = self.nested("rope_parameters")?;
        let of_kind = match &parameters {
            Some(all) => all.nested(kind)?.or_else(|| parameters.clone()),
            None => None,
        };
        let base = self.number(&[field], default)?;
        let (base, scaling) = match &of_kind {
            Some(rope) => {
                let fraction = rope.number(&["partial_rotary_factor"], 1.)?;
                let size = (size as f64 * fraction) as usize;
                let base = rope.number(&["rope_theta"], base)?;
                return Ok(Rotary {
                    base,
                    size,
                    scaling: rope.rotary_scaling(self)?,
                });
            }
            None => match self.nested("rope_scaling")? {
                None => (base, RotaryScaling::None),
                Some(scaling) => (base, scaling.rotary_scaling(self)?),
            },
        };
        let fraction = self.number(&["partial_rotary_factor"], 1.)?;
        let size = (size as f64 * fraction) as usize;
        Ok(Rotary {
            base,
            size,
            scaling,
        })
    }

    /// Reads one object of `rope_scaling` or `rope_parameters` of the configuration `whole`.
    fn rotary_scaling(&self, whole: &Self) -> Result<RotaryScaling, ModelError> {
        let name = match self.text("rope_type", "")? {
            "" => self.text("type", "default")?,
            name => name,
        };
        let factor = self.number(&["factor"], 1.)?;
        if !(factor.is_finite() && factor > 0.) {
            return Err(self.bad("factor", format!("is {factor}, but must be more than 0")));
        }
        Ok(match name {
            // Dynamic scaling begins behind the model's own limit, which no text here passes.
            "default" | "dynamic" => RotaryScaling::None,
            "linear" => RotaryScaling::Linear { factor },
            "ntk" => RotaryScaling::Ntk { factor },
            "llama3" => RotaryScaling::Llama3 {
                factor,
                low: self.number(&["low_freq_factor"], 1.)?,
                high: self.number(&["high_freq_factor"], 4.)?,
                trained: self.number(&["original_max_position_embeddings"], 8192.)?,
            },
            "yarn" => self.yarn(whole, factor)?,
            other => {
                return Err(ModelError::Unsupported {
                    file: self.file.clone(),
                    what: format!("rope_type `{other}`"),
                    hint: "supported: default, dynamic, linear, ntk, llama3, yarn".to_owned(),
                });
            }
        })
    }

    /// YaRN with transformers' defaults.
    fn yarn(&self, whole: &Self, factor: f64) -> Result<RotaryScaling, ModelError> {
        const TRAINED: &str = "original_max_position_embeddings";
        let places = whole.number(&["max_position_embeddings"], 0.)?;
        let trained = self.number(&[TRAINED], places)?;
        if !(trained.is_finite() && trained > 0.) {
            let problem = format!("is {trained}, but YaRN needs how many places were trained");
            return Err(self.bad(TRAINED, problem));
        }
        let factor = match self.get(&["factor"]) {
            Some(_) => factor,
            None => places / trained,
        };
        let magnitude = |scale: f64| match factor > 1. {
            true => 0.1 * scale * factor.ln() + 1.,
            false => 1.,
        };
        // As in Python, 0 counts as if it were not there.
        let given = |field, default| -> Result<f64, ModelError> {
            let number = self.number(&[field], default)?;
            Ok(if number == 0. { default } else { number })
        };
        let (scale, of_all) = (given("mscale", 0.)?, given("mscale_all_dim", 0.)?);
        let own = match scale != 0. && of_all != 0. {
            true => magnitude(scale) / magnitude(of_all),
            false => magnitude(1.),
        };
        let found = RotaryScaling::Yarn {
            factor,
            fast: given("beta_fast", 32.)?,
            slow: given("beta_slow", 1.)?,
            trained,
            whole: self.flag("truncate", true)?,
            magnitude: self.number(&["attention_factor"], own)?,
        };
        match found {
            RotaryScaling::Yarn { fast, slow, .. } if !(slow > 0. && fast >= slow) => {
                let problem = format!("is {fast}, but must not be below beta_slow {slow}");
                Err(self.bad("beta_fast", problem))
            }
            RotaryScaling::Yarn { factor, .. } if !(factor.is_finite() && factor > 0.) => {
                Err(self.bad("factor", format!("is {factor}, but must be more than 0")))
            }
            found => Ok(found),
        }
    }

    /// False where a decoder was made to read both ways.
    pub fn causal(&self) -> Result<bool, ModelError> {
        for field in ["use_bidirectional_attention", "bidirectional"] {
            if self.flag(field, false)? {
                return Ok(false);
            }
        }
        self.flag("is_causal", true)
    }

    /// What one layer of a decoder sees: `layer_types` names the windows, or every layer has one.
    pub fn decoder_mask(
        &self,
        layer: usize,
        window: Option<usize>,
        causal: bool,
    ) -> Result<Mask, ModelError> {
        let slides = match self.layer_type(layer)? {
            Some(kind) => kind == "sliding_attention",
            None => window.is_some(),
        };
        let after = |before: usize| if causal { 0 } else { before };
        match window {
            Some(0) => Err(self.bad("sliding_window", "must be more than 0")),
            Some(window) if slides => Ok(Mask::Window {
                before: window - 1,
                after: after(window - 1),
            }),
            _ if causal => Ok(Mask::CAUSAL),
            _ => Ok(Mask::Full),
        }
    }

    /// The kind that `layer_types` gives a layer.
    pub fn layer_type(&self, layer: usize) -> Result<Option<&str>, ModelError> {
        let Some(value) = self.get(&["layer_types"]) else {
            return Ok(None);
        };
        let named = value.get(layer).and_then(serde_json::Value::as_str);
        match named {
            Some("full_attention" | "sliding_attention") => Ok(named),
            Some(other) => Err(self.bad(
                "layer_types",
                format!("names `{other}`, which is not supported"),
            )),
            None => Err(self.bad("layer_types", format!("does not name layer {layer}"))),
        }
    }
}
