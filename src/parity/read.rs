//! Files as plain values.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::ParityError;
use crate::model::{ModelError, StoredFile};

fn read(path: &Path) -> Result<Vec<u8>, ParityError> {
    std::fs::read(path).map_err(|e| ParityError::fixture(path, format!("cannot be read: {e}")))
}

pub fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, ParityError> {
    let parsed = serde_json::from_slice(&read(path)?);
    parsed.map_err(|e| ParityError::fixture(path, format!("is not such an index: {e}")))
}

/// A tensor's name, shape and values.
pub type Named = (String, Vec<usize>, Vec<f64>);

/// Every tensor of a file, which may hold f32 and i64.
pub fn tensors(path: &Path) -> Result<Vec<Named>, ParityError> {
    let bytes = read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| ParityError::fixture(path, e))?;
    let values = |dtype: Dtype, data: &[u8]| -> Option<Vec<f64>> {
        let (four, _) = data.as_chunks::<4>();
        let (eight, _) = data.as_chunks::<8>();
        match dtype {
            Dtype::F32 => Some(four.iter().map(|&x| f32::from_le_bytes(x).into()).collect()),
            Dtype::I64 => Some(
                eight
                    .iter()
                    .map(|&x| i64::from_le_bytes(x) as f64)
                    .collect(),
            ),
            _ => None,
        }
    };
    let mut out = Vec::new();
    for (name, tensor) in file.iter() {
        let values = values(tensor.dtype(), tensor.data()).ok_or_else(|| {
            ParityError::fixture(path, format!("`{name}` is {:?}", tensor.dtype()))
        })?;
        out.push((name.to_owned(), tensor.shape().to_vec(), values));
    }
    Ok(out)
}

/// Of one file its SHA-256, of several that of all of them in a row.
pub fn sha256(files: &[StoredFile]) -> Result<String, ParityError> {
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(file.read().map_err(ModelError::from)?);
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
