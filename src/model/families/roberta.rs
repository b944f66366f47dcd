//! RoBERTa, XLM-RoBERTa and CamemBERT: BERT with positions that begin behind the padding's id (Liu et
//! al. 2019; Conneau et al. 2020; Martin et al. 2020).

use super::names::{BERT, Names};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::Positions;

const TYPES: &[&str] = &["roberta", "xlm-roberta", "camembert"];

pub static FAMILY: Family = Family {
    claims: |config| Ok(TYPES.contains(&config.model_type()?)),
    model_types: TYPES,
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &[
        "",
        "roberta.",
        "camembert.",
        "model.",
        "auto_model.",
        "0.auto_model.",
    ],
    ..BERT
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    config.only_absolute_positions()?;
    config.only_encoders()?;
    let sizes = config.sizes(50265, 512)?;
    let padding = config.size(&["pad_token_id"], 1)?;
    let known = TYPES
        .iter()
        .find(|name| Ok(**name) == config.model_type().map_err(|_| ()));
    Ok(EncoderSpec {
        types: config.size(&["type_vocab_size"], 2)?,
        positions: Positions::Learned {
            rows: sizes.positions,
            first: padding + 1,
            padding: Some(padding as u32),
        },
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        ..EncoderSpec::bert(known.copied().unwrap_or("roberta"), sizes)
    })
}
