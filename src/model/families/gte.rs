//! GTE v1.5 and its multilingual form (`model_type` new): BERT with rotary positions and a gated
//! feed-forward block (Zhang et al. 2024).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames, RUNNING};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Biases, BlockSpec, Positions};

/// The second is how transformers calls it.
const TYPES: &[&str] = &["new", "gte"];

pub static FAMILY: Family = Family {
    claims: |config| Ok(TYPES.contains(&config.model_type()?)),
    model_types: TYPES,
    spec,
    names,
};

const NAMES: Names = Names {
    prefixes: &["", "new.", "auto_model.", "0.auto_model."],
    qkv: QkvNames::One("encoder.layer.{l}.attention.qkv_proj"),
    output: "encoder.layer.{l}.attention.o_proj",
    attn_norms: NormNames::after("encoder.layer.{l}.attn_ln"),
    ffn: FfnNames::Halves {
        both: "encoder.layer.{l}.mlp.up_gate_proj",
        gate_first: false,
        down: "encoder.layer.{l}.mlp.down_proj",
    },
    ffn_norms: NormNames::after("encoder.layer.{l}.mlp_ln"),
    ..BERT
};

fn names(config: &Config) -> Result<Vec<Names>, ModelError> {
    Ok(match config.flag("pack_qkv", true)? {
        true => vec![NAMES, RUNNING],
        false => vec![Names {
            qkv: QkvNames::Each {
                query: "encoder.layer.{l}.attention.q_proj",
                key: "encoder.layer.{l}.attention.k_proj",
                value: "encoder.layer.{l}.attention.v_proj",
            },
            ..NAMES
        }],
    })
}

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    config.never(
        "logn_attention_scale",
        "scores without a factor for the length are supported",
    )?;
    let norm = config.text("layer_norm_type", "layer_norm")?;
    if norm != "layer_norm" {
        return Err(config.bad(
            "layer_norm_type",
            format!("is `{norm}`; layer_norm is supported"),
        ));
    }
    let sizes = config.sizes(30_528, 8192)?;
    let learned = config.text("position_embedding_type", "rope")? == "absolute";
    let rotary = match learned {
        true => None,
        false => Some(config.rotary("", ("rope_theta", 10_000.), sizes.hidden / sizes.heads)?),
    };
    let plain = EncoderSpec::bert("new", sizes);
    Ok(EncoderSpec {
        gated: true,
        types: config.size(&["type_vocab_size"], 1)?,
        positions: match learned {
            true => plain.positions,
            false => Positions::None,
        },
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        biases: Biases {
            ffn: false,
            ..Biases::ALL
        },
        blocks: vec![
            BlockSpec {
                rotary,
                ..BlockSpec::PLAIN
            };
            sizes.layers
        ],
        ..plain
    })
}
