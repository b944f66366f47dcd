//! Gemma 3 as an encoder (EmbeddingGemma): four RMS norms a layer that count from 1, scaled
//! embeddings, normed queries and keys, shared keys, windows that look both ways, gated GELU.

use super::names::{LLAMA, Names, NormNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Biases, BlockSpec, Mask, Placement, QkNorm, Sizes};

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "gemma3_text"),
    model_types: &["gemma3_text"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    q_norm: "layers.{l}.self_attn.q_norm",
    k_norm: "layers.{l}.self_attn.k_norm",
    attn_norms: NormNames {
        before: "layers.{l}.input_layernorm",
        written: "layers.{l}.post_attention_layernorm",
        ..NormNames::NONE
    },
    ffn_norms: NormNames {
        before: "layers.{l}.pre_feedforward_layernorm",
        written: "layers.{l}.post_feedforward_layernorm",
        ..NormNames::NONE
    },
    norms_from_one: true,
    ..LLAMA
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    for field in ["final_logit_softcapping", "attn_logit_softcapping"] {
        config.never(field, "Gemma 3 caps no scores")?;
    }
    let sizes = Sizes {
        vocabulary: config.size(&["vocab_size"], 262_208)?,
        hidden: config.size(&["hidden_size"], 2304)?,
        layers: config.layers(&["num_hidden_layers"], 26)?,
        heads: config.size(&["num_attention_heads"], 8)?,
        ffn: config.size(&["intermediate_size"], 9216)?,
        positions: config.size(&["max_position_embeddings"], 131_072)?,
    };
    let head_size = config.size(&["head_dim"], 256)?;
    let both_ways = config.flag("use_bidirectional_attention", false)?;
    let window = config.size(&["sliding_window"], 4096)?;
    let every = config
        .size(&["sliding_window_pattern", "_sliding_window_pattern"], 6)?
        .max(1);
    let block = |layer: usize| {
        let slides = match config.layer_type(layer)? {
            Some(kind) => kind == "sliding_attention",
            None => !(layer + 1).is_multiple_of(every),
        };
        let (kind, theta) = match slides {
            true => ("sliding_attention", ("rope_local_base_freq", 10_000.)),
            false => ("full_attention", ("rope_theta", 1_000_000.)),
        };
        let mask = match (slides, both_ways) {
            (true, true) => Mask::Window {
                before: window / 2,
                after: window / 2,
            },
            (true, false) => Mask::Window {
                before: window.saturating_sub(1),
                after: 0,
            },
            (false, true) => Mask::Full,
            (false, false) => Mask::CAUSAL,
        };
        let mut rotary = config.rotary(kind, theta, head_size)?;
        if slides && config.get(&["rope_parameters"]).is_none() {
            // The old `rope_scaling` holds for the layers without a window alone.
            rotary.scaling = crate::model::rotary::RotaryScaling::None;
        }
        Ok(BlockSpec {
            mask,
            rotary: Some(rotary),
            ..BlockSpec::PLAIN
        })
    };
    let attention = config.flag("attention_bias", false)?;
    let scalar = config.number(&["query_pre_attn_scalar"], 256.)?;
    if scalar.is_nan() || scalar <= 0. {
        return Err(config.bad("query_pre_attn_scalar", "must be more than 0"));
    }
    Ok(EncoderSpec {
        kv_heads: config.size(&["num_key_value_heads"], 4)?,
        head_size,
        scale: scalar.powf(-0.5),
        embed_scale: (sizes.hidden as f64).sqrt(),
        activation: config.activation("hidden_activation", "gelu_pytorch_tanh")?,
        norm_eps: config.number(&["rms_norm_eps"], 1e-6)?,
        placement: Placement::Sandwich,
        qk_norm: QkNorm::Head,
        biases: Biases {
            qkv: attention,
            output: attention,
            ..Biases::NONE
        },
        blocks: (0..sizes.layers)
            .map(block)
            .collect::<Result<_, ModelError>>()?,
        ..EncoderSpec::llama("gemma3_text", sizes)
    })
}
