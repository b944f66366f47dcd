//! Static embeddings: a table and a mean, with nothing in between (StaticEmbedding of
//! sentence-transformers, model2vec).

use candle_core::{DType, Tensor};
use serde_json::{Value, json};

use super::ModelError;
use super::spec::EncoderSpec;
use super::weights::{Checkpoint, Weights};

/// What sentence-transformers and model2vec call the table.
const TABLES: [&str; 2] = ["embedding.weight", "embeddings"];
/// Which row of the table each token takes, where several share one.
const ROWS: &str = "mapping";
/// A factor for each token.
const FACTORS: &str = "weights";

/// The configuration of a folder that has none, or that does not say its sizes: those of the table.
///
/// # Errors
/// When no tensor is a table.
pub fn config(own: Option<Value>, checkpoint: &Checkpoint) -> Result<Value, ModelError> {
    let mut config = own.unwrap_or_else(|| json!({ "model_type": "static" }));
    let (_, shape) = table(checkpoint)?;
    let vocabulary = checkpoint.shape(ROWS).map_or(shape[0], |rows| rows[0]);
    if let Value::Object(fields) = &mut config {
        fields.insert("vocab_size".to_owned(), vocabulary.into());
        fields.insert("hidden_size".to_owned(), shape[1].into());
    }
    Ok(config)
}

fn table(checkpoint: &Checkpoint) -> Result<(&'static str, Vec<usize>), ModelError> {
    let found = TABLES
        .iter()
        .find_map(|name| Some((*name, checkpoint.shape(name)?)));
    match found {
        Some((name, shape)) if shape.len() == 2 => Ok((name, shape)),
        _ => Err(ModelError::Weights {
            file: "model.safetensors".to_owned(),
            problem: format!(
                "holds neither `{}` nor `{}`, a table [V, D]",
                TABLES[0], TABLES[1]
            ),
        }),
    }
}

/// The table as one row for each token, with its factor.
///
/// # Errors
/// When a tensor is of a wrong shape or not finite, or a row is outside of the table.
pub fn weights(checkpoint: &Checkpoint, spec: &EncoderSpec) -> Result<Weights, ModelError> {
    let (name, shape) = table(checkpoint)?;
    let mut token = checkpoint.get(name, &shape)?;
    if checkpoint.shape(ROWS).is_some() {
        let rows = checkpoint.integers(ROWS, spec.vocabulary)?;
        if let Some(row) = rows.iter().find(|&&row| row as usize >= shape[0]) {
            let problem = format!("names row {row} of {}", shape[0]);
            return Err(checkpoint.bad(ROWS, problem));
        }
        let rows = Tensor::new(rows, token.device())?;
        token = token.index_select(&rows, 0)?;
    }
    if checkpoint.shape(FACTORS).is_some() {
        let factors = checkpoint.get(FACTORS, &[spec.vocabulary])?;
        token = token.broadcast_mul(&factors.unsqueeze(1)?)?;
    }
    Ok(Weights {
        token: token.to_dtype(DType::F32)?,
        position: None,
        types: None,
        embed_norm: None,
        project: None,
        distance: None,
        distances: None,
        layers: Vec::new(),
        final_norm: None,
        mix: None,
    })
}
