//! Safetensors to checked f32 tensors: prefixes, legacy names, shapes, and no silent gaps.

use std::borrow::Cow;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Metadata, SafeTensors};

use super::ModelError;
use super::families::Names;
use super::source::StoredFile;
use super::spec::{EncoderSpec, Positions};

/// The tensors of one or more safetensors files.
pub struct Checkpoint {
    files: Vec<File>,
    prefix: String,
    device: Device,
}

struct File {
    name: String,
    bytes: Cow<'static, [u8]>,
    header: Metadata,
    data: usize,
}

impl Checkpoint {
    /// Reads the files and checks that each is whole.
    pub fn open(files: &[StoredFile], device: &Device) -> Result<Self, ModelError> {
        let files = files.iter().map(File::open).collect::<Result<_, _>>()?;
        Ok(Self {
            files,
            prefix: String::new(),
            device: device.clone(),
        })
    }

    /// Settles which of the prefixes stands in front of every name, by looking for `anchor`.
    fn with_prefix(mut self, prefixes: &[&str], anchor: &str) -> Result<Self, ModelError> {
        let found = prefixes
            .iter()
            .find(|prefix| self.find(&format!("{prefix}{anchor}")).is_some());
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

    fn find(&self, name: &str) -> Option<(&File, &safetensors::tensor::TensorInfo)> {
        let mut found = self
            .files
            .iter()
            .filter_map(|f| Some((f, f.header.info(name)?)));
        found.next()
    }

    fn bad(&self, tensor: &str, problem: String) -> ModelError {
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
        let legacy = full
            .replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta");
        let found = self.find(&full).or_else(|| self.find(&legacy));
        let (file, info) = found.ok_or_else(|| self.bad(&full, "is missing".to_owned()))?;
        let bad = |problem: String| ModelError::Tensor {
            file: file.name.clone(),
            tensor: full.clone(),
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
        let (start, end) = info.data_offsets;
        let bytes = &file.bytes[file.data + start..file.data + end];
        let tensor =
            Tensor::from_raw_buffer(bytes, dtype, shape, &Device::Cpu)?.to_dtype(DType::F32)?;
        let values = crate::trace::Values::new(&tensor);
        if values.is_none_or(|v| v.flat().iter().any(|x| !x.is_finite())) {
            return Err(bad("holds NaN or infinite values".to_owned()));
        }
        Ok(tensor.to_device(&self.device)?)
    }

    /// A linear layer, y = x·Wᵀ + b.
    pub fn linear(&self, name: &str, input: usize, output: usize) -> Result<Linear, ModelError> {
        Ok(Linear {
            weight: self.get(&format!("{name}.weight"), &[output, input])?,
            bias: self.get(&format!("{name}.bias"), &[output])?,
        })
    }

    pub fn norm(&self, name: &str, size: usize, eps: f64) -> Result<Norm, ModelError> {
        Ok(Norm {
            weight: self.get(&format!("{name}.weight"), &[size])?,
            bias: self.get(&format!("{name}.bias"), &[size])?,
            eps,
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(&format!("{}{name}", self.prefix)).is_some()
    }
}

impl File {
    fn open(file: &StoredFile) -> Result<Self, ModelError> {
        let name = file.name().display().to_string();
        let bad = |problem: String| ModelError::Weights {
            file: name.clone(),
            problem,
        };
        let bytes = file.read()?;
        let (length, header) = SafeTensors::read_metadata(&bytes)
            .and_then(|(length, header)| SafeTensors::deserialize(&bytes).map(|_| (length, header)))
            .map_err(|e| {
                bad(format!(
                    "is not a whole safetensors file ({e}); download or export it again"
                ))
            })?;
        Ok(Self {
            data: length + size_of::<u64>(),
            name,
            header,
            bytes,
        })
    }
}

/// y = x·Wᵀ + b.
#[derive(Clone, Debug)]
pub struct Linear {
    pub weight: Tensor, // [out, in]
    pub bias: Tensor,   // [out]
}

/// y = g ⊙ (x − mean x)/√(var x + ε) + b (Ba et al. 2016).
#[derive(Clone, Debug)]
pub struct Norm {
    pub weight: Tensor, // [D]
    pub bias: Tensor,   // [D]
    pub eps: f64,
}

#[derive(Clone, Debug)]
pub struct LayerWeights {
    /// Query, key and value in one product.
    pub qkv: Linear, // [3·D, D]
    pub output: Linear, // [D, D]
    pub attn_norm: Norm,
    pub up: Linear,   // [F, D]
    pub down: Linear, // [D, F]
    pub ffn_norm: Norm,
}

/// The values of one encoder.
#[derive(Clone, Debug)]
pub struct Weights {
    pub token: Tensor,         // [V, D]
    pub position: Tensor,      // [P, D]
    pub types: Option<Tensor>, // [types, D]
    pub embed_norm: Norm,
    pub layers: Vec<LayerWeights>,
}

impl Weights {
    /// Loads everything that `spec` needs, under the names of its family.
    pub fn load(
        checkpoint: Checkpoint,
        names: &Names,
        spec: &EncoderSpec,
    ) -> Result<Self, ModelError> {
        let checkpoint = checkpoint.with_prefix(names.prefixes, names.token)?;
        let d = spec.hidden;
        let Positions::Learned { rows, .. } = spec.positions;
        let types = match spec.types {
            0 => None,
            types => Some(checkpoint.get(names.types, &[types, d])?),
        };
        let layers = (0..spec.layers).map(|l| layer(&checkpoint, names, spec, l));
        Ok(Self {
            token: checkpoint.get(names.token, &[spec.vocabulary, d])?,
            position: checkpoint.get(names.position, &[rows, d])?,
            types,
            embed_norm: checkpoint.norm(names.embed_norm, d, spec.norm_eps)?,
            layers: layers.collect::<Result<_, _>>()?,
        })
    }
}

/// What [`Weights::map`] does to each tensor, which it names.
type Map<'a> = dyn FnMut(&str, &Tensor) -> Result<Tensor, ModelError> + 'a;

impl Weights {
    /// The same weights with `f` applied to every tensor.
    pub fn map(&self, f: &mut Map<'_>) -> Result<Self, ModelError> {
        let layers = self.layers.iter().enumerate();
        Ok(Self {
            token: f("token", &self.token)?,
            position: f("position", &self.position)?,
            types: match &self.types {
                None => None,
                Some(types) => Some(f("types", types)?),
            },
            embed_norm: self.embed_norm.map("embed_norm", f)?,
            layers: layers
                .map(|(l, layer)| layer.map(&format!("layer.{l}"), f))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Every tensor under its family's name in a checkpoint, without a prefix; zeros for the layer that
    /// nobody uses.
    pub fn named(&self, names: &Names) -> Result<Vec<(String, Tensor)>, ModelError> {
        let mut out = vec![
            (names.token.to_owned(), self.token.clone()),
            (names.position.to_owned(), self.position.clone()),
        ];
        if let Some(types) = &self.types {
            out.push((names.types.to_owned(), types.clone()));
        }
        let norm = |out: &mut Vec<_>, name: &str, norm: &Norm| {
            out.push((format!("{name}.weight"), norm.weight.clone()));
            out.push((format!("{name}.bias"), norm.bias.clone()));
        };
        let linear = |out: &mut Vec<_>, name: &str, linear: &Linear| {
            out.push((format!("{name}.weight"), linear.weight.clone()));
            out.push((format!("{name}.bias"), linear.bias.clone()));
        };
        norm(&mut out, names.embed_norm, &self.embed_norm);
        for (l, layer) in self.layers.iter().enumerate() {
            let at = |name: &str| name.replace("{l}", &l.to_string());
            let size = layer.output.bias.dim(0)?;
            for (i, name) in [names.query, names.key, names.value].iter().enumerate() {
                let part = Linear {
                    weight: layer.qkv.weight.narrow(0, i * size, size)?,
                    bias: layer.qkv.bias.narrow(0, i * size, size)?,
                };
                linear(&mut out, &at(name), &part);
            }
            linear(&mut out, &at(names.output), &layer.output);
            norm(&mut out, &at(names.attn_norm), &layer.attn_norm);
            linear(&mut out, &at(names.up), &layer.up);
            linear(&mut out, &at(names.down), &layer.down);
            norm(&mut out, &at(names.ffn_norm), &layer.ffn_norm);
        }
        if let Some(pooler) = names.pooler {
            let (d, device) = (self.token.dim(1)?, self.token.device());
            let unused = Linear {
                weight: Tensor::zeros((d, d), DType::F32, device)?,
                bias: Tensor::zeros(d, DType::F32, device)?,
            };
            linear(&mut out, pooler, &unused);
        }
        Ok(out)
    }
}

impl LayerWeights {
    fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            qkv: self.qkv.map(&format!("{at}.qkv"), f)?,
            output: self.output.map(&format!("{at}.output"), f)?,
            attn_norm: self.attn_norm.map(&format!("{at}.attn_norm"), f)?,
            up: self.up.map(&format!("{at}.up"), f)?,
            down: self.down.map(&format!("{at}.down"), f)?,
            ffn_norm: self.ffn_norm.map(&format!("{at}.ffn_norm"), f)?,
        })
    }
}

impl Linear {
    /// The same layer with `f` applied to weight and bias, named behind `at`.
    pub fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            weight: f(&format!("{at}.weight"), &self.weight)?,
            bias: f(&format!("{at}.bias"), &self.bias)?,
        })
    }
}

impl Norm {
    /// The same norm with `f` applied to weight and bias, named behind `at`.
    pub fn map(&self, at: &str, f: &mut Map<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            weight: f(&format!("{at}.weight"), &self.weight)?,
            bias: f(&format!("{at}.bias"), &self.bias)?,
            eps: self.eps,
        })
    }
}

fn layer(
    checkpoint: &Checkpoint,
    names: &Names,
    spec: &EncoderSpec,
    l: usize,
) -> Result<LayerWeights, ModelError> {
    let at = |name: &str| name.replace("{l}", &l.to_string());
    let (d, f, eps) = (spec.hidden, spec.ffn, spec.norm_eps);
    let [q, k, v] = [names.query, names.key, names.value].map(|n| checkpoint.linear(&at(n), d, d));
    let (q, k, v) = (q?, k?, v?);
    Ok(LayerWeights {
        qkv: Linear {
            weight: Tensor::cat(&[q.weight, k.weight, v.weight], 0)?,
            bias: Tensor::cat(&[q.bias, k.bias, v.bias], 0)?,
        },
        output: checkpoint.linear(&at(names.output), d, d)?,
        attn_norm: checkpoint.norm(&at(names.attn_norm), d, eps)?,
        up: checkpoint.linear(&at(names.up), d, f)?,
        down: checkpoint.linear(&at(names.down), f, d)?,
        ffn_norm: checkpoint.norm(&at(names.ffn_norm), d, eps)?,
    })
}
