//! DistilBERT: half of BERT's layers, no types (Sanh et al. 2019).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::Sizes;

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "distilbert"),
    model_types: &["distilbert"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &["", "distilbert.", "auto_model.", "0.auto_model."],
    types: "",
    qkv: QkvNames::Each {
        query: "transformer.layer.{l}.attention.q_lin",
        key: "transformer.layer.{l}.attention.k_lin",
        value: "transformer.layer.{l}.attention.v_lin",
    },
    output: "transformer.layer.{l}.attention.out_lin",
    attn_norms: NormNames::after("transformer.layer.{l}.sa_layer_norm"),
    ffn: FfnNames::plain(
        "transformer.layer.{l}.ffn.lin1",
        "transformer.layer.{l}.ffn.lin2",
    ),
    ffn_norms: NormNames::after("transformer.layer.{l}.output_layer_norm"),
    pooler: None,
    ..BERT
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let sizes = config.fit(Sizes {
        vocabulary: config.size(&["vocab_size"], 30522)?,
        hidden: config.size(&["dim", "hidden_size"], 768)?,
        layers: config.layers(&["n_layers", "num_hidden_layers"], 6)?,
        heads: config.size(&["n_heads", "num_attention_heads"], 12)?,
        ffn: config.size(&["hidden_dim", "intermediate_size"], 3072)?,
        positions: config.size(&["max_position_embeddings"], 512)?,
    })?;
    Ok(EncoderSpec {
        types: 0,
        activation: config.activation("activation", "gelu")?,
        ..EncoderSpec::bert("distilbert", sizes)
    })
}
