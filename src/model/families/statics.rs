//! Static embeddings: no layers at all. Their sizes are those of the table (see
//! [`crate::model::statics`]).

use super::names::BERT;
use super::{Config, EncoderSpec, Family, ModelError};
use crate::model::spec::{Positions, Sizes};
use crate::tokens::NO_LIMIT;

const TYPES: &[&str] = &["static", "model2vec"];

pub static FAMILY: Family = Family {
    claims: |config| Ok(TYPES.contains(&config.model_type()?)),
    model_types: TYPES,
    spec,
    names: |_| Ok(vec![BERT]),
};

fn spec(config: &Config) -> Result<EncoderSpec, ModelError> {
    let hidden = config.size(&["hidden_size"], 0)?;
    let sizes = Sizes {
        vocabulary: config.size(&["vocab_size"], 0)?,
        hidden,
        layers: 0,
        heads: 1,
        ffn: 1,
        positions: config.size(&["max_length"], NO_LIMIT)?,
    };
    Ok(EncoderSpec {
        types: 0,
        positions: Positions::None,
        embed_norm: false,
        ..EncoderSpec::bert("static", sizes)
    })
}
