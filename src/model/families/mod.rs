//! One file per family: config.json and tensor names to an [`EncoderSpec`]. Never a forward pass.

mod albert;
mod bert;
mod deberta;
mod decoder;
mod distilbert;
mod electra;
mod gemma;
mod gte;
mod jina;
mod jina3;
mod modernbert;
mod mpnet;
pub mod names;
mod nomic;
mod read;
mod roberta;
mod statics;
mod t5;

use super::ModelError;
use super::config::Config;
use super::spec::EncoderSpec;
pub use names::{ExpertNames, FfnNames, Names, NormNames, QkvNames};

/// One registry entry.
pub struct Family {
    /// Whether this config.json is one of the family's.
    pub claims: fn(&Config) -> Result<bool, ModelError>,
    /// The `model_type`s that it is known by, for a person.
    pub model_types: &'static [&'static str],
    pub spec: fn(&Config) -> Result<EncoderSpec, ModelError>,
    /// The spellings that a checkpoint may have, that of the published models first.
    pub names: fn(&Config) -> Result<Vec<Names>, ModelError>,
}

/// Every family that the encoder can run. The first that claims a config reads it.
pub static FAMILIES: &[&Family] = &[
    &bert::FAMILY,
    &jina3::FAMILY,
    &roberta::FAMILY,
    &mpnet::FAMILY,
    &distilbert::FAMILY,
    &electra::FAMILY,
    &albert::FAMILY,
    &modernbert::FAMILY,
    &decoder::FAMILY,
    &t5::FAMILY,
    &gemma::FAMILY,
    &nomic::FAMILY,
    &gte::FAMILY,
    &jina::FAMILY,
    &deberta::FAMILY,
    &statics::FAMILY,
];

/// The family that a config.json asks for.
///
/// # Errors
/// When no family claims it.
pub fn find(config: &Config) -> Result<&'static Family, ModelError> {
    for family in FAMILIES {
        if (family.claims)(config)? {
            return Ok(family);
        }
    }
    let known = FAMILIES.iter().flat_map(|f| f.model_types.iter().copied());
    let known = known.collect::<Vec<_>>().join(", ");
    match config.model_type()? {
        "" => {
            let problem = format!("is missing; it must be one of: {known}");
            Err(config.bad("model_type", problem))
        }
        other => Err(ModelError::Unsupported {
            file: config.file.clone(),
            what: format!("model_type `{other}`"),
            hint: format!("supported: {known}"),
        }),
    }
}
