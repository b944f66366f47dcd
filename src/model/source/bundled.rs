//! The model inside the program: the files of `assets/models/embedscope-mini`, and its weights at
//! other moments of its training.

use super::SourceError;
use super::reference::ModelRef;

/// What people call it.
pub const BUNDLED_NAME: &str = "embedscope-mini";

/// The bundled weights at another moment of the training.
#[derive(Debug)]
pub struct BundledCheckpoint {
    /// What stands behind `bundled@`.
    pub name: &'static str,
    /// In a menu, behind the model's name.
    pub title: &'static str,
    /// Safetensors of int8 rows with their scales (see [`super::int8`]).
    pub(super) bytes: &'static [u8],
}

/// A file's name relative to the model's folder, and what it holds.
pub(super) type Entry = (&'static str, &'static [u8]);

macro_rules! embed {
    ($name:literal) => {
        include_bytes!(concat!("../../../assets/models/embedscope-mini/", $name)) as &[u8]
    };
}

macro_rules! entries {
    ($($name:literal),+ $(,)?) => { &[$(($name, embed!($name))),+] };
}

pub(super) static FILES: &[Entry] = entries![
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
];

/// Every checkpoint, in the order of the training.
pub static CHECKPOINTS: &[BundledCheckpoint] = &[BundledCheckpoint {
    name: "start",
    title: "before training",
    bytes: embed!("checkpoints/start.safetensors"),
}];

impl BundledCheckpoint {
    /// Bytes in the program.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    pub fn reference(&self) -> ModelRef {
        ModelRef::Bundled {
            checkpoint: Some(self.name.to_string()),
        }
    }

    /// # Errors
    /// `NoSuchCheckpoint`, which lists those that there are.
    pub fn find(name: &str) -> Result<&'static Self, SourceError> {
        let found = CHECKPOINTS.iter().find(|c| c.name == name);
        found.ok_or_else(|| SourceError::NoSuchCheckpoint {
            name: name.to_string(),
            known: CHECKPOINTS
                .iter()
                .map(|c| format!("bundled@{}", c.name))
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

/// Bytes of the bundled model's files in the program, checkpoints aside.
pub fn bundled_size() -> usize {
    FILES.iter().map(|(_, bytes)| bytes.len()).sum()
}
