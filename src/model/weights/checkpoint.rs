//! Safetensors to checked f32 tensors: prefixes, legacy names, shapes, and no silent gaps.

use std::collections::BTreeSet;

use candle_core::{DType, Device, Tensor};

use super::super::ModelError;
use super::super::adapters::{Adapter, ORIGINAL};
use super::super::source::StoredFile;
use super::super::spec::NormKind;
use super::file::File;
use super::{Linear, Norm};

/// The tensors of one or more safetensors files.
pub struct Checkpoint {
    files: Vec<File>,
    prefix: String,
    device: Device,
    /// What is added to weights that have adapters.
    adapter: Option<Adapter>,
}

impl Checkpoint {
    /// Reads the files and checks that each is whole.
    pub fn open(files: &[StoredFile], device: &Device) -> Result<Self, ModelError> {
        let files = files.iter().map(File::open).collect::<Result<_, _>>()?;
        Ok(Self {
            files,
            prefix: String::new(),
            device: device.clone(),
            adapter: None,
        })
    }

    /// The same with one task's adapter added to every weight that has one.
    pub fn with_adapter(mut self, adapter: Option<Adapter>) -> Self {
        self.adapter = adapter;
        self
    }

    /// Settles which of the prefixes stands in front of every name, by looking for `anchor`.
    pub(super) fn with_prefix(
        mut self,
        prefixes: &[&str],
        anchor: &str,
    ) -> Result<Self, ModelError> {
        let found = prefixes.iter().find(|prefix| {
            let names = spellings(&format!("{prefix}{anchor}"));
            names.iter().any(|name| self.find(name).is_some())
        });
        match found {
            Some(prefix) => self.prefix = (*prefix).to_owned(),
            None => {
                let tried = prefixes
                    .iter()
                    .filter(|p| !p.is_empty())
                    .map(|p| format!("`{p}`"));
                let tried = tried.collect::<Vec<_>>().join(", ");
                let problem = format!(
                    "is missing (prefixes tried: none, {tried}); the weights are not those of the architecture that config.json names"
                );
                return Err(self.bad(anchor, problem));
            }
        }
        Ok(self)
    }

    fn prefix_of<'a>(&self, prefixes: &[&'a str], name: &str) -> Option<&'a str> {
        let there = |prefix: &&&str| {
            let names = spellings(&format!("{prefix}{name}"));
            names.iter().any(|name| self.find(name).is_some())
        };
        prefixes.iter().find(there).copied()
    }

    /// Whether a tensor is there behind one of these prefixes.
    pub(super) fn has_under(&self, prefixes: &[&str], name: &str) -> bool {
        self.prefix_of(prefixes, name).is_some()
    }

    fn find(&self, name: &str) -> Option<(&File, &safetensors::tensor::TensorInfo)> {
        let mut found = self.files.iter().filter_map(|f| Some((f, f.info(name)?)));
        found.next()
    }

    pub fn bad(&self, tensor: &str, problem: String) -> ModelError {
        let file = self.files.first().map_or("model.safetensors", |f| &f.name);
        ModelError::Tensor {
            file: file.to_owned(),
            tensor: tensor.to_owned(),
            problem,
        }
    }

    /// One tensor as f32 of exactly this shape. Norms may carry TensorFlow's old names.
    ///
    /// # Errors
    /// When it is missing, of another shape or of a type that is not a float, or holds NaN or ∞.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let full = format!("{}{name}", self.prefix);
        let names = spellings(&full);
        let there = names.iter().find(|name| self.find(name).is_some());
        let there = there.ok_or_else(|| self.bad(&full, "is missing".to_owned()))?;
        let tensor = self.read(there, &full, shape)?;
        let layer = there.strip_suffix(ORIGINAL);
        let tensor = match (self.adapter, layer, shape) {
            (Some(adapter), Some(layer), &[rows, columns]) => {
                let [a, b] = adapter.shapes(layer, [rows, columns]);
                let part = |name: &str, shape: &[usize]| {
                    let name = format!("{layer}parametrizations.weight.0.{name}");
                    self.read(&name, &name, shape)
                };
                let parts = [part("lora_A", &a)?, part("lora_B", &b)?];
                adapter.added(layer, &tensor, parts)?
            }
            _ => tensor,
        };
        Ok(tensor.to_device(&self.device)?)
    }

    /// One tensor by its whole name, on the CPU; messages call it `full`.
    fn read(&self, name: &str, full: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let found = self.find(name);
        let (file, info) = found.ok_or_else(|| self.bad(full, "is missing".to_owned()))?;
        let bad = |problem: String| ModelError::Tensor {
            file: file.name.clone(),
            tensor: full.to_owned(),
            problem,
        };
        if info.shape != shape {
            let problem = format!(
                "has shape {:?}, but the configuration asks for {shape:?}",
                info.shape
            );
            return Err(bad(problem));
        }
        let dtype = match info.dtype {
            safetensors::Dtype::F32 => DType::F32,
            safetensors::Dtype::F16 => DType::F16,
            safetensors::Dtype::BF16 => DType::BF16,
            safetensors::Dtype::F64 => DType::F64,
            other => return Err(bad(format!("holds {other:?}, but weights must be floats"))),
        };
        let tensor = file.floats(info, dtype)?;
        let values = crate::trace::Values::new(&tensor);
        if values.is_none_or(|v| v.flat().iter().any(|x| !x.is_finite())) {
            return Err(bad("holds NaN or infinite values".to_owned()));
        }
        Ok(tensor)
    }

    /// A vector of whole numbers that are not negative.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn integers(&self, name: &str, size: usize) -> Result<Vec<u32>, ModelError> {
        let found = self.find(name);
        let (file, info) = found.ok_or_else(|| self.bad(name, "is missing".to_owned()))?;
        if info.shape != [size] {
            let problem = format!("has shape {:?}, not [{size}]", info.shape);
            return Err(self.bad(name, problem));
        }
        let bytes = file.bytes(info)?;
        let read = |bytes: &[u8]| {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            u32::try_from(u64::from_le_bytes(whole)).ok()
        };
        let width = match info.dtype {
            safetensors::Dtype::I32 | safetensors::Dtype::U32 => 4,
            safetensors::Dtype::I64 | safetensors::Dtype::U64 => 8,
            other => {
                let problem = format!("holds {other:?}, but must hold whole numbers");
                return Err(self.bad(name, problem));
            }
        };
        let values = bytes.chunks_exact(width).map(read);
        values
            .collect::<Option<_>>()
            .ok_or_else(|| self.bad(name, "holds negative or too large numbers".to_owned()))
    }

    /// A linear layer, y = x·Wᵀ + b.
    pub fn linear(&self, name: &str, input: usize, output: usize) -> Result<Linear, ModelError> {
        self.linear_with(name, input, output, true)
    }

    /// A linear layer; zeros for its bias where it has none.
    pub fn linear_with(
        &self,
        name: &str,
        input: usize,
        output: usize,
        bias: bool,
    ) -> Result<Linear, ModelError> {
        let weight = self.get(&format!("{name}.weight"), &[output, input])?;
        Ok(Linear::new(weight, self.bias(name, output, bias)?))
    }

    /// A layer norm.
    pub fn norm(&self, name: &str, size: usize, eps: f64) -> Result<Norm, ModelError> {
        self.norm_with(name, size, (NormKind::Layer, eps), true)
    }

    /// A norm; zeros for its bias where it has none.
    pub fn norm_with(
        &self,
        name: &str,
        size: usize,
        (kind, eps): (NormKind, f64),
        bias: bool,
    ) -> Result<Norm, ModelError> {
        Ok(Norm {
            weight: self.get(&format!("{name}.weight"), &[size])?,
            bias: self.bias(name, size, bias)?,
            eps,
            kind,
        })
    }

    fn bias(&self, name: &str, size: usize, present: bool) -> Result<Tensor, ModelError> {
        match present {
            true => self.get(&format!("{name}.bias"), &[size]),
            false => Ok(Tensor::zeros(size, DType::F32, &self.device)?),
        }
    }

    /// The name of every tensor.
    pub fn names(&self) -> BTreeSet<String> {
        let files = self.files.iter();
        files.flat_map(|file| file.names()).collect()
    }

    /// The shape of a tensor, where it is there.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let (_, info) = self.find(&format!("{}{name}", self.prefix))?;
        Some(info.shape.clone())
    }
}

/// The names that a tensor may have: its own, TensorFlow's for a norm, torch's for a weight that
/// adapters may change, which is that weight without them, and that of a table which an encoder and a
/// decoder share.
fn spellings(full: &str) -> [String; 4] {
    let legacy = full
        .replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta");
    let adapted = full.strip_suffix(".weight").unwrap_or(full);
    let adapted = format!("{adapted}.{ORIGINAL}");
    let shared = full.replace("shared.weight", "encoder.embed_tokens.weight");
    [full.to_owned(), legacy, adapted, shared]
}
