//! Nomic Embed: BERT with rotary positions and a gated feed-forward block, mostly without biases
//! (v1.5; Nussbaum et al. 2024), or with experts in every other layer (v2; Nussbaum and Duderstadt
//! 2025). In its own spelling and in that of transformers.

use super::names::{BERT, ExpertNames, FfnNames, Names, NormNames, QkvNames, RUNNING};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::rotary::Rotary;
use crate::model::spec::{Activation, Biases, BlockSpec, Experts, Positions, Sizes};

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "nomic_bert"),
    model_types: &["nomic_bert"],
    spec,
    names,
};

const NAMES: Names = Names {
    prefixes: &["", "bert.", "auto_model.", "0.auto_model."],
    position: "",
    embed_norm: "emb_ln",
    qkv: QkvNames::One("encoder.layers.{l}.attn.Wqkv"),
    output: "encoder.layers.{l}.attn.out_proj",
    attn_norms: NormNames::after("encoder.layers.{l}.norm1"),
    ffn: FfnNames::Each {
        up: "encoder.layers.{l}.mlp.fc11",
        gate: "encoder.layers.{l}.mlp.fc12",
        down: "encoder.layers.{l}.mlp.fc2",
    },
    experts: ExpertNames {
        router: "encoder.layers.{l}.mlp.router.layer",
        up: "encoder.layers.{l}.mlp.experts.mlp.w1",
        down: "encoder.layers.{l}.mlp.experts.mlp.w2",
        bias: "encoder.layers.{l}.mlp.experts.bias",
    },
    ffn_norms: NormNames::after("encoder.layers.{l}.norm2"),
    pooler: None,
    ..BERT
};

/// GPT-2's names for sizes mark the original spelling of the config.
fn is_own(config: &Config) -> bool {
    config.get(&["n_embd", "n_layer"]).is_some()
}

fn names(config: &Config) -> Result<Vec<Names>, ModelError> {
    Ok(match feed_forward(config)? {
        (true, _) => vec![NAMES, RUNNING],
        (false, _) => vec![Names {
            ffn: FfnNames::plain("encoder.layers.{l}.mlp.fc1", "encoder.layers.{l}.mlp.fc2"),
            ..NAMES
        }],
    })
}

/// Whether the block is gated, and its activation.
fn feed_forward(config: &Config) -> Result<(bool, Activation), ModelError> {
    if !is_own(config) {
        return Ok((true, config.activation("hidden_act", "silu")?));
    }
    match config.text("activation_function", "swiglu")? {
        "swiglu" => Ok((true, Activation::Silu)),
        "geglu" => Ok((true, Activation::Gelu)),
        _ => Ok((false, config.activation("activation_function", "gelu")?)),
    }
}

/// In every n-th layer, from layer 1 on.
fn experts(config: &Config, layer: usize) -> Result<Option<Experts>, ModelError> {
    let every = config.size(&["moe_every_n_layers"], 0)?;
    if every == 0 || layer % every != 1 % every {
        return Ok(None);
    }
    config.never(
        "moe_normalize_expert_weights",
        "weights as the softmax gives them are supported",
    )?;
    config.never("expert_choice_router", "tokens choose their experts")?;
    config.never(
        "num_shared_experts",
        "experts that all tokens share are not supported",
    )?;
    Ok(Some(Experts {
        count: config.size(&["num_experts"], 8)?,
        chosen: config.size(&["moe_top_k"], 2)?,
    }))
}

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    config.never("prenorm", "post-norm blocks are supported")?;
    config.never("use_rms_norm", "layer norms are supported")?;
    config.never("rotary_emb_interleaved", "pairs of halves are supported")?;
    config.never(
        "rotary_scaling_factor",
        "unscaled rotary positions are supported",
    )?;
    let sizes = config.fit(Sizes {
        vocabulary: config.size(&["vocab_size"], 30_528)?,
        hidden: config.size(&["n_embd", "hidden_size"], 768)?,
        layers: config.layers(&["n_layer", "num_hidden_layers"], 12)?,
        heads: config.size(&["n_head", "num_attention_heads"], 12)?,
        ffn: config.size(&["n_inner", "intermediate_size"], 3072)?,
        positions: config.size(&["n_positions", "max_position_embeddings"], 2048)?,
    })?;
    let head_size = sizes.hidden / sizes.heads;
    let rotary = match is_own(config) {
        false => config.rotary("", ("rope_theta", 1000.), head_size)?,
        true => {
            let fraction = config.number(&["rotary_emb_fraction"], 1.)?;
            let base = config.number(&["rotary_emb_base"], 1000.)?;
            Rotary::new(base, (head_size as f64 * fraction) as usize)
        }
    };
    let (gated, activation) = feed_forward(config)?;
    let block = |layer: usize| {
        Ok(BlockSpec {
            rotary: Some(rotary),
            experts: experts(config, layer)?,
            ..BlockSpec::PLAIN
        })
    };
    Ok(EncoderSpec {
        gated,
        types: config.size(&["type_vocab_size"], 2)?,
        positions: Positions::None,
        activation,
        norm_eps: config.number(&["layer_norm_epsilon", "layer_norm_eps"], 1e-12)?,
        biases: biases(config)?,
        blocks: (0..sizes.layers)
            .map(block)
            .collect::<Result<_, ModelError>>()?,
        ..EncoderSpec::bert("nomic_bert", sizes)
    })
}

fn biases(config: &Config) -> Result<Biases, ModelError> {
    let own = is_own(config);
    let flag = |name: &str| config.flag(name, own);
    Ok(match own {
        true => Biases {
            qkv: flag("qkv_proj_bias")?,
            output: flag("qkv_proj_bias")?,
            ffn: flag("mlp_fc1_bias")?,
            down: flag("mlp_fc2_bias")?,
            norm: true,
        },
        false => Biases {
            norm: true,
            ..Biases::NONE
        },
    })
}
