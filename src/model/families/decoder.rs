//! Decoders that were made into embedding models: Qwen 2 and 3, LLaMA, Mistral. Pre-RMS-norm, rotary
//! positions, shared keys, gated SiLU; causal, or reading both ways by a flag.

use super::names::{LLAMA, Names};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Biases, BlockSpec, QkNorm, Sizes};

const TYPES: &[&str] = &["qwen3", "qwen2", "llama", "mistral", "llama_bidirec"];

pub static FAMILY: Family = Family {
    claims: |config| Ok(TYPES.contains(&config.model_type()?)),
    model_types: TYPES,
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    q_norm: "layers.{l}.self_attn.q_norm",
    k_norm: "layers.{l}.self_attn.k_norm",
    ..LLAMA
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let family = config.model_type()?;
    let family = TYPES
        .iter()
        .copied()
        .find(|name| *name == family)
        .unwrap_or("llama");
    let qwen = family.starts_with("qwen");
    let sizes = Sizes {
        vocabulary: config.size(&["vocab_size"], if qwen { 151_936 } else { 32_000 })?,
        hidden: config.size(&["hidden_size"], 4096)?,
        layers: config.layers(&["num_hidden_layers"], 32)?,
        heads: config.size(&["num_attention_heads"], 32)?,
        ffn: config.size(&["intermediate_size"], if qwen { 22_016 } else { 11_008 })?,
        positions: config.size(&["max_position_embeddings"], 32_768)?,
    };
    let head_size = match (config.size_if_present(&["head_dim"])?, family) {
        (Some(size), _) => size,
        (None, "qwen3") => 128,
        (None, _) => config.fit(sizes)?.hidden / sizes.heads.max(1),
    };
    let default_heads = if qwen {
        32.min(sizes.heads)
    } else {
        sizes.heads
    };
    let causal = config.causal()? && family != "llama_bidirec";
    let window = window(config, family)?;
    let theta = config.rotary("", ("rope_theta", 10_000.), head_size)?;
    let first_window = match qwen {
        true => config.size(&["max_window_layers"], sizes.layers)?,
        false => 0,
    };
    let block = |layer: usize| {
        let window = window.filter(|_| layer >= first_window);
        Ok(BlockSpec {
            mask: config.decoder_mask(layer, window, causal)?,
            rotary: Some(theta),
            ..BlockSpec::PLAIN
        })
    };
    let attention = config.flag("attention_bias", false)?;
    let ffn = config.flag("mlp_bias", false)?;
    Ok(EncoderSpec {
        kv_heads: config.size(&["num_key_value_heads"], default_heads)?,
        head_size,
        scale: 1. / (head_size as f64).sqrt(),
        activation: config.activation("hidden_act", "silu")?,
        norm_eps: config.number(&["rms_norm_eps"], 1e-6)?,
        qk_norm: match family {
            "qwen3" => QkNorm::Head,
            _ => QkNorm::None,
        },
        biases: Biases {
            qkv: attention || family == "qwen2",
            output: attention,
            ffn,
            down: ffn,
            norm: false,
        },
        blocks: (0..sizes.layers)
            .map(block)
            .collect::<Result<_, ModelError>>()?,
        ..EncoderSpec::llama(family, sizes)
    })
}

/// Only Mistral's config means the window without saying that it is used.
fn window(config: &Config, family: &str) -> Result<Option<usize>, ModelError> {
    let used = match family {
        "mistral" => true,
        _ => config.flag("use_sliding_window", false)?,
    };
    match used {
        true => config.size_if_present(&["sliding_window"]),
        false => Ok(None),
    }
}
