//! T5's encoder: pre-RMS-norm without biases, no factor on q·k, and a bias by bucket of distance that
//! layer 0 keeps for all (Raffel et al. 2020; Shazeer 2020 for the gated form).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames, RelativeNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Activation, Biases, DistanceBias, NormKind, Placement, Positions, Sizes};
use crate::tokens::NO_LIMIT;

const TYPES: &[&str] = &["t5", "mt5"];

pub static FAMILY: Family = Family {
    claims: |config| Ok(TYPES.contains(&config.model_type()?)),
    model_types: TYPES,
    spec,
    names,
};

const NAMES: Names = Names {
    prefixes: &["", "auto_model.", "0.auto_model."],
    token: "shared.weight",
    position: "",
    types: "",
    embed_norm: "",
    project: "",
    qkv: QkvNames::Each {
        query: "encoder.block.{l}.layer.0.SelfAttention.q",
        key: "encoder.block.{l}.layer.0.SelfAttention.k",
        value: "encoder.block.{l}.layer.0.SelfAttention.v",
    },
    output: "encoder.block.{l}.layer.0.SelfAttention.o",
    attn_norms: NormNames::before("encoder.block.{l}.layer.0.layer_norm"),
    ffn: FfnNames::plain(
        "encoder.block.{l}.layer.1.DenseReluDense.wi",
        "encoder.block.{l}.layer.1.DenseReluDense.wo",
    ),
    ffn_norms: NormNames::before("encoder.block.{l}.layer.1.layer_norm"),
    final_norm: "encoder.final_layer_norm",
    distance: "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    relative: RelativeNames::NONE,
    pooler: None,
    ..BERT
};

/// `feed_forward_proj`: an activation's name, behind `gated-` where the block is gated.
fn feed_forward(config: &Config) -> Result<(bool, Activation), ModelError> {
    let name = config.text("feed_forward_proj", "relu")?;
    let (gated, plain) = match name.strip_prefix("gated-") {
        // The gated form was only ever trained with the tanh approximation.
        Some("gelu") => (true, "gelu_new"),
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let activation = Activation::from_config(plain).ok_or_else(|| {
        let problem = format!("is `{name}`; supported are relu, gelu and gated-gelu");
        config.bad("feed_forward_proj", problem)
    })?;
    Ok((gated, activation))
}

fn names(config: &Config) -> Result<Vec<Names>, ModelError> {
    let names = match feed_forward(config)? {
        (false, _) => NAMES,
        (true, _) => Names {
            ffn: FfnNames::Each {
                up: "encoder.block.{l}.layer.1.DenseReluDense.wi_1",
                gate: "encoder.block.{l}.layer.1.DenseReluDense.wi_0",
                down: "encoder.block.{l}.layer.1.DenseReluDense.wo",
            },
            ..NAMES
        },
    };
    Ok(vec![names])
}

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let sizes = Sizes {
        vocabulary: config.size(&["vocab_size"], 32_128)?,
        hidden: config.size(&["d_model", "hidden_size"], 512)?,
        layers: config.layers(&["num_layers", "num_hidden_layers"], 6)?,
        heads: config.size(&["num_heads", "num_attention_heads"], 8)?,
        ffn: config.size(&["d_ff"], 2048)?,
        // Distances are buckets, so no table limits a text; the tokenizer's own limit does.
        positions: NO_LIMIT,
    };
    if sizes.heads == 0 {
        return Err(config.bad("num_heads", "must be more than 0"));
    }
    let (gated, activation) = feed_forward(config)?;
    Ok(EncoderSpec {
        head_size: config.size(&["d_kv"], 64)?,
        gated,
        types: 0,
        positions: Positions::None,
        distance: Some(DistanceBias::Buckets {
            buckets: config.size(&["relative_attention_num_buckets"], 32)?,
            farthest: config.size(&["relative_attention_max_distance"], 128)?,
        }),
        scale: 1.,
        activation,
        norm: NormKind::Rms,
        norm_eps: config.number(&["layer_norm_epsilon"], 1e-6)?,
        placement: Placement::Pre,
        embed_norm: false,
        final_norm: true,
        biases: Biases::NONE,
        ..EncoderSpec::bert("t5", sizes)
    })
}
