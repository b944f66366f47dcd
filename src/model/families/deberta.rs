//! DeBERTa v2 and v3: nothing is added for a place; content and distance look at each other in
//! attention (He et al. 2021, 2023). Larger models of v2 have a convolution beside the first block.

use serde_json::Value;

use super::names::{BERT, ConvolutionNames, Names, QkvNames, RelativeNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Convolution, Disentangled, Positions, Project};

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "deberta-v2"),
    model_types: &["deberta-v2"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &["", "deberta.", "auto_model.", "0.auto_model."],
    project: "embeddings.embed_proj",
    qkv: QkvNames::Each {
        query: "encoder.layer.{l}.attention.self.query_proj",
        key: "encoder.layer.{l}.attention.self.key_proj",
        value: "encoder.layer.{l}.attention.self.value_proj",
    },
    convolution: ConvolutionNames {
        weight: "encoder.conv.conv",
        norm: "encoder.conv.LayerNorm",
    },
    relative: RelativeNames {
        table: "encoder.rel_embeddings.weight",
        norm: "encoder.LayerNorm",
        key: "encoder.layer.{l}.attention.self.pos_key_proj",
        query: "encoder.layer.{l}.attention.self.pos_query_proj",
    },
    pooler: None,
    ..BERT
};

/// `pos_att_type`: a list, or names between bars.
fn asks(config: &Config, name: &str) -> bool {
    match config.get(&["pos_att_type"]) {
        Some(Value::String(names)) => names.split('|').any(|n| n.trim() == name),
        Some(Value::Array(names)) => names.iter().any(|n| n.as_str() == Some(name)),
        _ => false,
    }
}

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let sizes = config.sizes(128_100, 512)?;
    let embedding = config.size(&["embedding_size"], sizes.hidden)?;
    let plain = EncoderSpec::bert("deberta-v2", sizes);
    let positions = match config.flag("position_biased_input", true)? {
        true => plain.positions,
        false => Positions::None,
    };
    let disentangled = match config.flag("relative_attention", false)? {
        true => Some(disentangled(config, sizes.positions)?),
        false => None,
    };
    let terms = disentangled.map_or(0, |d| {
        usize::from(d.content_to_position) + usize::from(d.position_to_content)
    });
    let mut blocks = plain.blocks;
    if let Some(first) = blocks.first_mut() {
        first.convolution = convolution(config)?;
    }
    Ok(EncoderSpec {
        blocks,
        embedding,
        project: match embedding == sizes.hidden {
            true => Project::None,
            false => Project::BeforeNorm,
        },
        types: config.size(&["type_vocab_size"], 0)?,
        positions,
        disentangled,
        scale: 1. / ((plain.head_size * (1 + terms)) as f64).sqrt(),
        activation: config.activation("hidden_act", "gelu")?,
        norm_eps: config.number(&["layer_norm_eps"], 1e-7)?,
        ..plain
    })
}

/// None where its size is 0 or is not there.
fn convolution(config: &Config) -> Result<Option<Convolution>, ModelError> {
    const SIZE: &str = "conv_kernel_size";
    if config.number(&[SIZE], 0.)? <= 0. {
        return Ok(None);
    }
    Ok(Some(Convolution {
        kernel: config.size(&[SIZE], 0)?,
        groups: config.size(&["conv_groups"], 1)?,
        activation: config.activation("conv_act", "tanh")?,
    }))
}

fn disentangled(config: &Config, positions: usize) -> Result<Disentangled, ModelError> {
    let signed = |name: &str| config.number(&[name], -1.);
    let farthest = match signed("max_relative_positions")? {
        most if most < 1. => positions,
        _ => config.size(&["max_relative_positions"], positions)?,
    };
    let (buckets, logarithmic) = match signed("position_buckets")? {
        buckets if buckets < 1. => (farthest, None),
        _ => (
            config.size(&["position_buckets"], farthest)?,
            Some(farthest),
        ),
    };
    if buckets < 4 || farthest <= buckets / 2 + 1 {
        let problem = format!("is {buckets}, which is no division up to {farthest}");
        return Err(config.bad("position_buckets", problem));
    }
    let normed = match config.text("norm_rel_ebd", "none")? {
        "none" => false,
        "layer_norm" => true,
        other => {
            let problem = format!("is `{other}`; supported are none and layer_norm");
            return Err(config.bad("norm_rel_ebd", problem));
        }
    };
    Ok(Disentangled {
        buckets,
        farthest: logarithmic,
        content_to_position: asks(config, "c2p"),
        position_to_content: asks(config, "p2c"),
        normed,
        shares_products: config.flag("share_att_key", false)?,
    })
}
