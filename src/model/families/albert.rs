//! ALBERT: one block used by all layers, narrow tables, and a product behind them (Lan et al. 2020).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::Project;

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "albert"),
    model_types: &["albert"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &["", "albert.", "auto_model.", "0.auto_model."],
    project: "encoder.embedding_hidden_mapping_in",
    qkv: QkvNames::Each {
        query: "encoder.albert_layer_groups.{l}.albert_layers.0.attention.query",
        key: "encoder.albert_layer_groups.{l}.albert_layers.0.attention.key",
        value: "encoder.albert_layer_groups.{l}.albert_layers.0.attention.value",
    },
    output: "encoder.albert_layer_groups.{l}.albert_layers.0.attention.dense",
    attn_norms: NormNames::after(
        "encoder.albert_layer_groups.{l}.albert_layers.0.attention.LayerNorm",
    ),
    ffn: FfnNames::plain(
        "encoder.albert_layer_groups.{l}.albert_layers.0.ffn",
        "encoder.albert_layer_groups.{l}.albert_layers.0.ffn_output",
    ),
    ffn_norms: NormNames::after(
        "encoder.albert_layer_groups.{l}.albert_layers.0.full_layer_layer_norm",
    ),
    pooler: Some("pooler"),
    ..BERT
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    config.only_absolute_positions()?;
    let inner = config.size(&["inner_group_num"], 1)?;
    if inner != 1 {
        return Err(config.bad(
            "inner_group_num",
            format!("is {inner}; only 1 is supported"),
        ));
    }
    let sizes = config.sizes(30000, 512)?;
    let groups = config.size(&["num_hidden_groups"], 1)?;
    if groups == 0 || groups > sizes.layers {
        let problem = format!("is {groups} for {} layers", sizes.layers);
        return Err(config.bad("num_hidden_groups", problem));
    }
    Ok(EncoderSpec {
        embedding: config.size(&["embedding_size"], 128)?,
        project: Project::AfterNorm,
        types: config.size(&["type_vocab_size"], 2)?,
        activation: config.activation("hidden_act", "gelu_new")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        groups: Some(groups),
        ..EncoderSpec::bert("albert", sizes)
    })
}
