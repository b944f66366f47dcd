//! ModernBERT: pre-norm without biases, rotary positions, a window in two of three layers, gated GELU
//! (Warner et al. 2024).

use super::names::{BERT, FfnNames, Names, NormNames, QkvNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Biases, BlockSpec, Mask, Placement, Positions};

pub static FAMILY: Family = Family {
    claims: |config| Ok(config.model_type()? == "modernbert"),
    model_types: &["modernbert"],
    spec,
    names: |_| Ok(vec![NAMES]),
};

const NAMES: Names = Names {
    prefixes: &["", "model.", "auto_model.", "0.auto_model."],
    token: "embeddings.tok_embeddings.weight",
    position: "",
    types: "",
    embed_norm: "embeddings.norm",
    qkv: QkvNames::One("layers.{l}.attn.Wqkv"),
    output: "layers.{l}.attn.Wo",
    attn_norms: NormNames::before("layers.{l}.attn_norm"),
    ffn: FfnNames::Halves {
        both: "layers.{l}.mlp.Wi",
        gate_first: true,
        down: "layers.{l}.mlp.Wo",
    },
    ffn_norms: NormNames::before("layers.{l}.mlp_norm"),
    final_norm: "final_norm",
    pooler: None,
    ..BERT
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let sizes = config.sizes(50368, 8192)?;
    let every = config.size(&["global_attn_every_n_layers"], 3)?.max(1);
    let window = config.size(&["local_attention"], 128)? / 2;
    let head_size = sizes.hidden / sizes.heads;
    let block = |layer: usize| {
        let full = match config.layer_type(layer)? {
            Some(kind) => kind == "full_attention",
            None => layer.is_multiple_of(every),
        };
        let (kind, theta) = match full {
            true => ("full_attention", ("global_rope_theta", 160_000.)),
            false => ("sliding_attention", ("local_rope_theta", 10_000.)),
        };
        Ok(BlockSpec {
            mask: match full {
                true => Mask::Full,
                false => Mask::Window {
                    before: window,
                    after: window,
                },
            },
            rotary: Some(config.rotary(kind, theta, head_size)?),
            // The first layer reads what the embedding norm just made.
            attn_norm: layer > 0,
            ..BlockSpec::PLAIN
        })
    };
    let attention = config.flag("attention_bias", false)?;
    let ffn = config.flag("mlp_bias", false)?;
    Ok(EncoderSpec {
        types: 0,
        positions: Positions::None,
        gated: true,
        activation: config.activation("hidden_activation", "gelu")?,
        norm_eps: config.number(&["norm_eps", "layer_norm_eps"], 1e-5)?,
        placement: Placement::Pre,
        final_norm: true,
        biases: Biases {
            qkv: attention,
            output: attention,
            ffn,
            down: ffn,
            norm: config.flag("norm_bias", false)?,
        },
        blocks: (0..sizes.layers)
            .map(block)
            .collect::<Result<_, ModelError>>()?,
        ..EncoderSpec::bert("modernbert", sizes)
    })
}
