//! ELECTRA's discriminator: BERT with narrower tables and a product behind them (Clark et al. 2020).

use super::names::{BERT, Names};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::Project;

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "electra"),
    model_types: &["electra"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &["", "electra.", "auto_model.", "0.auto_model."],
    project: "embeddings_project",
    pooler: None,
    ..BERT
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    config.only_absolute_positions()?;
    config.only_encoders()?;
    let mut sizes = config.sizes(30522, 512)?;
    sizes.hidden = config.size(&["hidden_size"], 256)?;
    let embedding = config.size(&["embedding_size"], 128)?;
    Ok(EncoderSpec {
        embedding,
        project: match embedding == sizes.hidden {
            true => Project::None,
            false => Project::AfterNorm,
        },
        types: config.size(&["type_vocab_size"], 2)?,
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        ..EncoderSpec::bert("electra", sizes)
    })
}
