//! MPNet: BERT without types, positions from 2, and a bias by bucket of distance that all layers share
//! (Song et al. 2020).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{DistanceBias, Positions};

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "mpnet"),
    model_types: &["mpnet"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &["", "mpnet.", "auto_model.", "0.auto_model."],
    types: "",
    qkv: QkvNames::Each {
        query: "encoder.layer.{l}.attention.attn.q",
        key: "encoder.layer.{l}.attention.attn.k",
        value: "encoder.layer.{l}.attention.attn.v",
    },
    output: "encoder.layer.{l}.attention.attn.o",
    attn_norms: NormNames::after("encoder.layer.{l}.attention.LayerNorm"),
    ffn: FfnNames::plain(
        "encoder.layer.{l}.intermediate.dense",
        "encoder.layer.{l}.output.dense",
    ),
    distance: "encoder.relative_attention_bias.weight",
    ..BERT
};

/// The distance from which on all share a bucket; no config says it.
const FARTHEST: usize = 128;
/// The row of the first token: one behind the padding's, whatever the config's `pad_token_id`.
const FIRST: usize = 2;

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let sizes = config.sizes(30527, 512)?;
    Ok(EncoderSpec {
        types: 0,
        positions: Positions::Learned {
            rows: sizes.positions,
            first: FIRST,
            padding: Some(FIRST as u32 - 1),
        },
        distance: Some(DistanceBias::Buckets {
            buckets: config.size(&["relative_attention_num_buckets"], 32)?,
            farthest: FARTHEST,
        }),
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        ..EncoderSpec::bert("mpnet", sizes)
    })
}
