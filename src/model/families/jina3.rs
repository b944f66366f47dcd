//! Jina v3: XLM-RoBERTa with rotary positions, and adapters for tasks ([`crate::model::adapters`])
//! (Sturua et al. 2024).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames, RUNNING};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{BlockSpec, Positions};

pub static FAMILY: Family = Family {
    // As published it calls itself xlm-roberta.
    claims: |config| {
        let turned = config.text("position_embedding_type", "")? == "rotary";
        let name = config.model_type()?;
        Ok(name == "jina_embeddings_v3" || (name == "xlm-roberta" && turned))
    },
    model_types: &["jina_embeddings_v3"],
    spec,
    names: |_| Ok(vec![NAMES, TURNING]),
};

const NAMES: Names = Names {
    prefixes: &["", "roberta.", "auto_model.", "0.auto_model."],
    position: "",
    embed_norm: "emb_ln",
    qkv: QkvNames::One("encoder.layers.{l}.mixer.Wqkv"),
    output: "encoder.layers.{l}.mixer.out_proj",
    attn_norms: NormNames::after("encoder.layers.{l}.norm1"),
    ffn: FfnNames::plain("encoder.layers.{l}.mlp.fc1", "encoder.layers.{l}.mlp.fc2"),
    ffn_norms: NormNames::after("encoder.layers.{l}.norm2"),
    pooler: None,
    ..BERT
};

/// As transformers calls its parts while they run.
const TURNING: Names = Names {
    ffn: FfnNames::plain("layers.{l}.mlp.fc1", "layers.{l}.mlp.fc2"),
    ..RUNNING
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let sizes = config.sizes(250_002, 8194)?;
    let base = config.number(&["rotary_emb_base"], 20_000.)?;
    let rotary = config.rotary("", ("rope_theta", base), sizes.hidden / sizes.heads)?;
    let block = BlockSpec {
        rotary: Some(rotary),
        ..BlockSpec::PLAIN
    };
    Ok(EncoderSpec {
        types: config.size(&["type_vocab_size"], 1)?,
        positions: Positions::None,
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-5)?,
        blocks: vec![block; sizes.layers],
        ..EncoderSpec::bert("jina_embeddings_v3", sizes)
    })
}
