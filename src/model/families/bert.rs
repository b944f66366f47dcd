//! BERT: post-norm blocks, learned positions from 0, full attention (Devlin et al. 2018).

use super::names::BERT;
use super::{Config, EncoderSpec, Family, ModelError};

pub static FAMILY: Family = Family {
    // Jina v2 calls itself so as well.
    claims: |config| {
        let alibi = config.text("position_embedding_type", "")? == "alibi";
        Ok(config.model_type()? == "bert" && !alibi)
    },
    model_types: &["bert"],
    spec,
    names: |_| Ok(vec![BERT]),
};

/// Missing fields take the values of transformers' `BertConfig`.
fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    config.only_absolute_positions()?;
    config.only_encoders()?;
    Ok(EncoderSpec {
        types: config.size(&["type_vocab_size"], 2)?,
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        ..EncoderSpec::bert("bert", config.sizes(30522, 512)?)
    })
}
