//! Jina v2: calls itself bert, but has ALiBi instead of positions and a gated feed-forward block
//! (Günther et al. 2023).

use super::names::{BERT, FfnNames, Names, NormNames};
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Activation, Biases, DistanceBias, Positions};

pub static FAMILY: Family = Family {
    claims: |config| {
        let alibi = config.text("position_embedding_type", "")? == "alibi";
        Ok(matches!(config.model_type()?, "bert" | "jina_bert") && alibi)
    },
    model_types: &["jina_bert"],
    spec,
    names: |_| Ok(vec![NAMES]),
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

/// The later form norms queries and keys and has a norm more; only where its code lies tells it apart.
fn refuse_normed(config: &Config) -> Result<(), ModelError> {
    let code = config.get(&["auto_map"]).map(ToString::to_string);
    match code.is_some_and(|code| code.contains("qk-post-norm")) {
        false => Ok(()),
        true => Err(ModelError::Unsupported {
            file: config.file.clone(),
            what: "jina-bert-v2-qk-post-norm".to_owned(),
            hint: "Jina v2 in English (jina-bert-implementation) is".to_owned(),
        }),
    }
}

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    refuse_normed(config)?;
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
        norm_eps: config.number(&["layer_norm_eps"], 1e-12)?,
        biases: Biases {
            ffn: false,
            ..Biases::ALL
        },
        ..EncoderSpec::bert("jina_bert", config.sizes(30_522, 8192)?)
    })
}
