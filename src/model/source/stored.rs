//! One file of a model, wherever it is kept.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::{SourceError, digest, int8};
use crate::cancel::Cancel;

/// A file that may be read: on disk, or inside the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredFile {
    Disk(PathBuf),
    Memory {
        /// For messages.
        name: PathBuf,
        bytes: &'static [u8],
    },
    /// Weights as int8 rows, which are read as the f32 safetensors that they stand for.
    Int8 {
        name: PathBuf,
        bytes: &'static [u8],
    },
}

impl StoredFile {
    /// Names the file in messages; where it lies, if it is on disk.
    pub fn name(&self) -> &Path {
        match self {
            Self::Disk(name) | Self::Memory { name, .. } | Self::Int8 { name, .. } => name,
        }
    }

    /// What it holds; nothing is copied that is in the program already.
    ///
    /// # Errors
    /// `Io`, and `Field` for int8 rows that are damaged.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, SourceError> {
        match self {
            Self::Disk(path) => fs::read(path)
                .map(Cow::Owned)
                .map_err(|e| SourceError::io("read", path, e)),
            Self::Memory { bytes, .. } => Ok(Cow::Borrowed(bytes)),
            Self::Int8 { name, bytes } => int8::to_f32(bytes)
                .map(Cow::Owned)
                .map_err(|what| SourceError::field(name, what)),
        }
    }

    /// SHA-256 of what is kept, in hex; from the name of its blob where that is one.
    ///
    /// # Errors
    /// `Io`.
    pub(in crate::model) fn sha256(&self) -> Result<String, SourceError> {
        let path = match self {
            Self::Disk(path) => path,
            Self::Memory { bytes, .. } | Self::Int8 { bytes, .. } => {
                return Ok(digest::sha256_bytes(bytes));
            }
        };
        if let Ok(target) = fs::read_link(path)
            && let Some(name) = target.file_name().and_then(|name| name.to_str())
            && target
                .parent()
                .is_some_and(|parent| parent.ends_with("blobs"))
            && digest::is_sha256(name)
        {
            return Ok(name.to_string());
        }
        digest::sha256_file(path, &Cancel::new()).map_err(|e| SourceError::io("read", path, e))
    }
}
