//! Low-rank adapters (Hu et al. 2021) as the library peft saves them: a folder for each beside the model's
//! own files, with `adapter_config.json` and `adapter_model.safetensors`. The folder's name is the task.

use std::collections::BTreeSet;

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

use super::ModelError;
use super::config::Config;
use super::families::{FfnNames, Names, QkvNames};
use super::source::{ADAPTER_CONFIG as CONFIG, ADAPTER_WEIGHTS as WEIGHTS, ModelFiles, StoredFile};
use super::spec::EncoderSpec;
use super::weights::{Checkpoint, Linear, Weights};

/// The adapters beside a model's own files, by name; none for a model in the program.
pub fn names(files: &ModelFiles) -> Vec<String> {
    let folder = files.folder().map(|root| root.join(files.encoder_dir()));
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let there = |name: &String| {
        let at = |file: &str| files.has(&inside(files, name, file));
        at(CONFIG) && at(WEIGHTS)
    };
    let names = entries.into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(there).collect();
    names.sort();
    names
}

fn inside(files: &ModelFiles, name: &str, file: &str) -> String {
    let folder = files.encoder_dir().trim_end_matches('/');
    match folder {
        "" => format!("{name}/{file}"),
        folder => format!("{folder}/{name}/{file}"),
    }
}

/// One adapter, read: its pairs of matrices and their factor.
pub struct Adapter {
    checkpoint: Checkpoint,
    file: StoredFile,
    /// α/r or α/√r.
    scaling: f64,
    /// r
    rank: usize,
    /// Tensors that belong to nothing yet, as they are called in the file.
    left: BTreeSet<String>,
    /// Of these, what was found under the spelling that is being tried; layers may share it.
    found: BTreeSet<String>,
}

/// Settings under which an adapter is more than one sum of products; each with what it may say.
const PLAIN: [(&str, &[&str]); 15] = [
    // The others change the weights that they are added to.
    (
        "init_lora_weights",
        &["true", "false", "\"gaussian\"", "\"eva\"", "\"orthogonal\""],
    ),
    ("peft_type", &["\"LORA\""]),
    ("bias", &["\"none\""]),
    ("rank_pattern", &["{}"]),
    ("alpha_pattern", &["{}"]),
    ("use_dora", &["false"]),
    ("use_qalora", &["false"]),
    ("use_bdlora", &["false"]),
    ("lora_bias", &["false"]),
    ("fan_in_fan_out", &["false"]),
    ("modules_to_save", &["[]"]),
    ("layer_replication", &["[]"]),
    ("target_parameters", &["[]"]),
    ("trainable_token_indices", &["[]", "{}"]),
    ("alora_invocation_tokens", &["[]"]),
];

impl Adapter {
    /// Reads one of [`names`].
    ///
    /// # Errors
    /// Names the file and the field or tensor that cannot be used.
    pub fn read(files: &ModelFiles, name: &str) -> Result<Self, ModelError> {
        let path = inside(files, name, CONFIG);
        let config = Config::new(&path, files.json(&path)?)?;
        for (field, plain) in PLAIN {
            let value = config.get(&[field]).map(Value::to_string);
            if let Some(value) = value.filter(|value| !plain.contains(&value.as_str())) {
                return Err(ModelError::Unsupported {
                    file: path,
                    what: format!("`{field}` {value}"),
                    hint: "adapters of low rank that are added to weights are supported; merge this one into the weights with peft's merge_and_unload".to_owned(),
                });
            }
        }
        let rank = config.size(&["r"], 8)?;
        if rank == 0 {
            return Err(config.bad("r", "must be more than 0"));
        }
        let divisor = match config.flag("use_rslora", false)? {
            true => (rank as f64).sqrt(),
            false => rank as f64,
        };
        let file = files.file(&inside(files, name, WEIGHTS))?;
        // Added on the CPU, whatever the device.
        let checkpoint = Checkpoint::open(std::slice::from_ref(&file), &Device::Cpu)?;
        Ok(Self {
            scaling: config.number(&["lora_alpha"], 8.)? / divisor,
            rank,
            left: checkpoint.names(),
            found: BTreeSet::new(),
            checkpoint,
            file,
        })
    }

    /// Tells this adapter from others of its name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn hash(&self) -> Result<String, ModelError> {
        Ok(self.file.sha256()?[..16].to_owned())
    }

    /// Adds the adapter to the weights of a model under one of the spellings of its family.
    ///
    /// # Errors
    /// When a pair does not fit, or one is left that belongs to nothing in this encoder.
    pub fn add_to(
        mut self,
        weights: &mut Weights,
        names: &[Names],
        spec: &EncoderSpec,
    ) -> Result<(), ModelError> {
        for names in names {
            self.tables(weights, names)?;
            for l in 0..spec.layers() {
                self.layer(weights, names, spec, l)?;
            }
            let found = std::mem::take(&mut self.found);
            self.left.retain(|name| !found.contains(name));
        }
        weights.see_distances(spec)?;
        match self.left.first() {
            None => Ok(()),
            Some(left) => Err(self.checkpoint.bad(
                left,
                "belongs to no product or table of this encoder".to_owned(),
            )),
        }
    }

    fn tables(&mut self, weights: &mut Weights, names: &Names) -> Result<(), ModelError> {
        let tables = [
            (names.token, Some(&mut weights.token)),
            (names.position, weights.position.as_mut()),
            (names.types, weights.types.as_mut()),
        ];
        for (name, table) in tables {
            let (Some(module), Some(table)) = (name.strip_suffix(".weight"), table) else {
                continue;
            };
            let (rows, columns) = table.dims2()?;
            let names = ["lora_embedding_A", "lora_embedding_B"];
            if let Some(part) = self.part(module, names, [columns, rows])? {
                let part = part.t()?.to_device(table.device())?;
                *table = (&*table + part)?;
            }
        }
        Ok(())
    }

    fn layer(
        &mut self,
        weights: &mut Weights,
        names: &Names,
        spec: &EncoderSpec,
        l: usize,
    ) -> Result<(), ModelError> {
        let at = |name: &str| name.replace("{l}", &spec.block_of(l).to_string());
        let (size, layer) = (spec.head_size, &mut weights.layers[l]);
        let (q, k) = (spec.heads * size, spec.kv_heads * size);
        let heads = match names.qkv {
            QkvNames::One(all) => vec![(all, 0, q + 2 * k)],
            QkvNames::Each { query, key, value } => {
                vec![(query, 0, q), (key, q, k), (value, q + k, k)]
            }
        };
        for (name, from, count) in heads {
            self.product(&at(name), &mut layer.qkv, from, count)?;
        }
        self.product(&at(names.output), &mut layer.output, 0, spec.hidden)?;
        let ffn = &mut layer.ffn;
        if ffn.router.is_some() {
            return Ok(());
        }
        self.product(&at(names.ffn.down()), &mut ffn.down, 0, spec.hidden)?;
        if let FfnNames::Each { up, gate, .. } = names.ffn {
            self.product(&at(up), &mut ffn.up, 0, spec.ffn)?;
            if let Some(weights) = &mut ffn.gate {
                self.product(&at(gate), weights, 0, spec.ffn)?;
            }
        }
        Ok(())
    }

    /// Adds what the adapter has for a product to `count` rows of its weight.
    fn product(
        &mut self,
        module: &str,
        linear: &mut Linear,
        from: usize,
        count: usize,
    ) -> Result<(), ModelError> {
        let columns = linear.weight.dim(1)?;
        let names = ["lora_A.weight", "lora_B.weight"];
        let Some(part) = self.part(module, names, [count, columns])? else {
            return Ok(());
        };
        let behind = linear.weight.dim(0)? - from - count;
        let part = part.pad_with_zeros(0, from, behind)?;
        let part = part.to_device(linear.weight.device())?;
        *linear = Linear::new((&linear.weight + part)?, linear.bias.clone());
        Ok(())
    }

    /// scaling·B·A, [rows, columns]; none where the adapter leaves this module alone.
    fn part(
        &mut self,
        module: &str,
        [a, b]: [&str; 2],
        [rows, columns]: [usize; 2],
    ) -> Result<Option<Tensor>, ModelError> {
        if module.is_empty() {
            return Ok(None);
        }
        let ends = format!(".{module}.{a}");
        let found = self.left.iter().find(|name| name.ends_with(&ends)).cloned();
        let Some(first) = found else {
            return Ok(None);
        };
        let second = format!("{}{b}", first.strip_suffix(a).unwrap_or_default());
        let a = self.checkpoint.get(&first, &[self.rank, columns])?;
        let b = self.checkpoint.get(&second, &[rows, self.rank])?;
        self.found.extend([first, second]);
        let wide = |x: &Tensor| x.to_dtype(DType::F64);
        let product = (wide(&b)?.matmul(&wide(&a)?)? * self.scaling)?;
        Ok(Some(product.to_dtype(DType::F32)?))
    }
}
