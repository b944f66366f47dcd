//! BERT: post-norm blocks, learned positions from 0, full attention (Devlin et al. 2018).

use super::{Config, EncoderSpec, Family, ModelError, Names};
use crate::model::spec::{Activation, Positions};

pub static FAMILY: Family = Family {
    model_types: &["bert"],
    spec,
    names: Names {
        prefixes: &[
            "",
            "bert.",
            "model.",
            "encoder.",
            "auto_model.",
            "0.auto_model.",
        ],
        token: "embeddings.word_embeddings.weight",
        position: "embeddings.position_embeddings.weight",
        types: "embeddings.token_type_embeddings.weight",
        embed_norm: "embeddings.LayerNorm",
        query: "encoder.layer.{l}.attention.self.query",
        key: "encoder.layer.{l}.attention.self.key",
        value: "encoder.layer.{l}.attention.self.value",
        output: "encoder.layer.{l}.attention.output.dense",
        attn_norm: "encoder.layer.{l}.attention.output.LayerNorm",
        up: "encoder.layer.{l}.intermediate.dense",
        down: "encoder.layer.{l}.output.dense",
        ffn_norm: "encoder.layer.{l}.output.LayerNorm",
        pooler: Some("pooler.dense"),
    },
};

/// Missing fields take the values of transformers' `BertConfig`.
fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let positions = config.text("position_embedding_type", "absolute")?;
    if positions != "absolute" {
        return Err(ModelError::Unsupported {
            file: config.file.clone(),
            what: format!("position_embedding_type `{positions}`"),
            hint: "bert models with learned absolute positions are".to_owned(),
        });
    }
    if config.flag("is_decoder", false)? {
        return Err(config.bad("is_decoder", "is true, but only encoders are supported"));
    }
    let name = config.text("hidden_act", "gelu")?;
    let activation = Activation::from_config(name).ok_or_else(|| {
        let problem = format!("is `{name}`; supported are gelu, gelu_new, relu and silu");
        config.bad("hidden_act", problem)
    })?;
    let rows = config.size(&["max_position_embeddings"], 512)?;
    Ok(EncoderSpec {
        family: "bert",
        vocabulary: config.size(&["vocab_size"], 30522)?,
        hidden: config.size(&["hidden_size"], 768)?,
        layers: config.size(&["num_hidden_layers"], 12)?,
        heads: config.size(&["num_attention_heads"], 12)?,
        ffn: config.size(&["intermediate_size"], 3072)?,
        types: config.size(&["type_vocab_size"], 2)?,
        positions: Positions::Learned { rows, first: 0 },
        activation,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
    })
}
