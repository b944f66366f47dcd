//! One file per family: config.json and tensor names to an [`EncoderSpec`]. Never a forward pass.

mod bert;

use super::ModelError;
use super::config::Config;
use super::spec::EncoderSpec;

/// Where each tensor of a family lies. `{l}` stands for the layer's number. A linear layer or a norm
/// is named without its `.weight` and `.bias`.
pub struct Names {
    /// What may stand in front of every name, tried in this order.
    pub prefixes: &'static [&'static str],
    pub token: &'static str,
    pub position: &'static str,
    pub types: &'static str,
    pub embed_norm: &'static str,
    pub query: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    pub output: &'static str,
    pub attn_norm: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub ffn_norm: &'static str,
    /// A layer [D, D] that transformers expects in a checkpoint and no sentence encoder uses.
    pub pooler: Option<&'static str>,
}

/// One registry entry.
pub struct Family {
    /// The `model_type`s of config.json that it reads; the first is its name.
    pub model_types: &'static [&'static str],
    pub spec: fn(&Config) -> Result<EncoderSpec, ModelError>,
    pub names: Names,
}

/// Every family that the encoder can run.
pub static FAMILIES: &[&Family] = &[&bert::FAMILY];

/// The family that a config.json asks for.
pub fn find(config: &Config) -> Result<&'static Family, ModelError> {
    let model_type = config.text("model_type", "")?;
    let known = || {
        let names = FAMILIES.iter().flat_map(|f| f.model_types.iter().copied());
        names.collect::<Vec<_>>().join(", ")
    };
    if model_type.is_empty() {
        let problem = format!("is missing; it must be one of: {}", known());
        return Err(config.bad("model_type", problem));
    }
    let family = FAMILIES
        .iter()
        .find(|f| f.model_types.contains(&model_type));
    family.copied().ok_or_else(|| ModelError::Unsupported {
        file: config.file.clone(),
        what: format!("model_type `{model_type}`"),
        hint: format!("supported: {}", known()),
    })
}
