//! Jina v2: calls itself bert, but has ALiBi instead of positions and a gated feed-forward block
//! (Günther et al. 2023). In English as `jina-bert-implementation`; for code and other languages as
//! `jina-bert-v2-qk-post-norm`, which also norms queries, keys and the sum behind attention (Mohr et
//! al. 2024).

use super::names::{BERT, FfnNames, Names, NormNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Activation, Biases, DistanceBias, Positions, QkNorm};

pub static FAMILY: Family = Family {
    claims: |config| {
        let alibi = config.text("position_embedding_type", "")? == "alibi";
        Ok(matches!(config.model_type()?, "bert" | "jina_bert") && alibi)
    },
    model_types: &["jina_bert"],
    spec,
    names: |config| Ok(vec![if is_normed(config) { NORMED } else { NAMES }]),
};

const NAMES: Names = Names {
    position: "",
    ffn: FfnNames::Halves {
        both: "encoder.layer.{l}.mlp.gated_layers",
        gate_first: true,
        down: "encoder.layer.{l}.mlp.wo",
    },
    ffn_norms: NormNames::after("encoder.layer.{l}.mlp.layernorm"),
    ..BERT
};

/// The stream is normed behind attention as in BERT, and what comes of that is added to it again.
const NORMED: Names = Names {
    q_norm: "encoder.layer.{l}.attention.self.layer_norm_q",
    k_norm: "encoder.layer.{l}.attention.self.layer_norm_k",
    attn_norms: NormNames {
        joined: "encoder.layer.{l}.attention.output.LayerNorm",
        ..NormNames::after("encoder.layer.{l}.layer_norm_1")
    },
    ffn: FfnNames::Halves {
        both: "encoder.layer.{l}.mlp.up_gated_layer",
        gate_first: false,
        down: "encoder.layer.{l}.mlp.down_layer",
    },
    ffn_norms: NormNames::after("encoder.layer.{l}.layer_norm_2"),
    ..NAMES
};

/// Only where its code lies tells the later form apart.
fn is_normed(config: &Config) -> bool {
    let from = ["auto_map", "_name_or_path"].map(|field| config.get(&[field]));
    let mut from = from.into_iter().flatten().map(ToString::to_string);
    from.any(|code| code.contains("qk-post-norm"))
}

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let activation = match config.text("feed_forward_type", "geglu")? {
        "geglu" => Activation::Gelu,
        "reglu" => Activation::Relu,
        other => {
            let problem = format!("is `{other}`; supported are geglu and reglu");
            return Err(config.bad("feed_forward_type", problem));
        }
    };
    Ok(EncoderSpec {
        gated: true,
        types: config.size(&["type_vocab_size"], 2)?,
        positions: Positions::None,
        distance: Some(DistanceBias::Alibi),
        activation,
        qk_norm: match is_normed(config) {
            true => QkNorm::Whole,
            false => QkNorm::None,
        },
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        biases: Biases {
            ffn: false,
            ..Biases::ALL
        },
        ..EncoderSpec::bert("jina_bert", config.sizes(30_522, 8192)?)
    })
}
