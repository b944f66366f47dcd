//! The sentence-transformers folder: which modules there are, their order, limits and prompts.

use std::collections::BTreeMap;

use candle_core::Device;
use serde_json::Value;

use super::ModelError;
use super::adapters::Tasks;
use super::config::Config;
use super::head::{Dense, DenseActivation, Head, Module, Residual};
use super::mix::{self, ReadMix};
use super::source::{ModelFiles, Module as Entry, TASK_TRANSFORMER};
use super::spec::EncoderSpec;
use super::weights::{Checkpoint, Linear};
use crate::trace::site::PoolingMode;

const MODULES: &str = "modules.json";

/// What the folder says besides the encoder itself.
pub struct Recipe {
    /// Folder of the encoder's own files, with a closing slash; empty for the root.
    pub encoder: String,
    pub head: Head,
    pub prompts: Prompts,
    pub truncate_dim: Option<usize>,
    /// `max_seq_length` of sentence_bert_config.json.
    pub max_tokens: Option<usize>,
    pub lower_case: bool,
    /// A table and a mean instead of an encoder.
    pub is_static: bool,
    /// model2vec's own rules, where no modules.json says that sentence-transformers runs it: unknown
    /// tokens are left out, and a text is cut at its characters first.
    pub as_model2vec: bool,
    /// What stands between the encoder and the pool.
    pub mix: Option<ReadMix>,
    /// The encoder's options ask for the states of all layers.
    pub all_states: bool,
}

/// The texts that a model wants in front of its input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    pub named: BTreeMap<String, String>,
    /// The name that applies when nobody names one.
    pub default: Option<String>,
}

impl Prompts {
    /// The prompt of that name, the default one, or none.
    ///
    /// # Errors
    /// When the model has no prompt of that name.
    pub fn get(&self, name: Option<&str>) -> Result<&str, ModelError> {
        let Some(name) = name.or(self.default.as_deref()) else {
            return Ok("");
        };
        // sentence-transformers gives these two to every model, empty where it has none.
        if matches!(name, "query" | "document") && !self.named.contains_key(name) {
            return Ok("");
        }
        self.named.get(name).map(String::as_str).ok_or_else(|| {
            let names: Vec<_> = self.named.keys().map(String::as_str).collect();
            let known = match names.is_empty() {
                true => "it has none".to_owned(),
                false => format!("it has {}", names.join(", ")),
            };
            ModelError::Input {
                what: format!("prompt `{name}`"),
                problem: format!("is not one of the model's; {known}"),
            }
        })
    }
}

impl Recipe {
    /// Reads everything that modules.json names.
    pub fn read(files: &ModelFiles, device: &Device) -> Result<Self, ModelError> {
        let bare = bare_model2vec(files)?;
        let mut mix = None;
        let head = match (files.modules(), &bare) {
            (Some(entries), _) => {
                let (entries, mixed) = without_mix(entries);
                mix = mixed
                    .map(|entry| ReadMix::read(files, entry, device))
                    .transpose()?;
                head(files, &entries, device)?
            }
            (None, Some(config)) => {
                let mut head = Head::mean();
                if config.flag("normalize", false)? {
                    head.modules.push(Module::Normalize);
                }
                head
            }
            (None, None) => Head::mean(),
        };
        let kind = files.modules().and_then(<[Entry]>::first);
        let encoder = folder(files.encoder_dir());
        let (prompts, truncate_dim) = prompts(files)?;
        let limits = optional(files, &format!("{encoder}sentence_bert_config.json"))?;
        let (max_tokens, lower_case, all_states) = match &limits {
            None => (None, false, false),
            Some(config) => (
                config.size_if_present(&["max_seq_length"])?,
                config.flag("do_lower_case", false)?,
                asks_for_states(config)?,
            ),
        };
        Ok(Self {
            encoder,
            head,
            prompts,
            truncate_dim,
            max_tokens,
            lower_case,
            is_static: bare.is_some() || kind.is_some_and(|first| first.kind == "StaticEmbedding"),
            as_model2vec: bare.is_some(),
            mix,
            all_states,
        })
    }
}

/// The configuration of a model2vec folder without a modules.json.
fn bare_model2vec(files: &ModelFiles) -> Result<Option<Config>, ModelError> {
    if files.modules().is_some() {
        return Ok(None);
    }
    let config = optional(files, "config.json")?;
    Ok(match config {
        Some(config) if config.model_type()? == "model2vec" => Some(config),
        _ => None,
    })
}

/// The class that transformers would make of the folder.
fn architecture(config: &Config) -> Option<String> {
    let names = config.get(&["architectures"])?;
    Some(names.get(0)?.as_str()?.to_owned())
}

/// A folder without a modules.json may hold a model that scores two texts at once.
///
/// # Errors
/// When it says so.
pub fn refuse_classifiers(config: &Config) -> Result<(), ModelError> {
    match architecture(config) {
        Some(name) if name.ends_with("ForSequenceClassification") => Err(ModelError::Unsupported {
            file: config.file.clone(),
            what: format!("architecture `{name}`, a cross-encoder or classifier,"),
            hint: "it makes no vector of one text; take an embedding model".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What sentence-transformers pools a causal decoder by that comes without a recipe.
pub fn pooling_of_decoder(config: &Config, spec: &EncoderSpec) -> Option<PoolingMode> {
    let decoder = architecture(config)?.ends_with("ForCausalLM");
    let causal = spec.blocks.iter().all(|block| block.mask.is_causal());
    (decoder && causal).then_some(PoolingMode::LastToken)
}

fn optional(files: &ModelFiles, name: &str) -> Result<Option<Config>, ModelError> {
    let value = files.json_if_present(name)?;
    value.map(|value| Config::new(name, value)).transpose()
}

/// A folder's name with a closing slash; nothing for the root.
fn folder(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => String::new(),
        path => format!("{path}/"),
    }
}

/// Whether the options that are handed to transformers ask for the states of all layers.
fn asks_for_states(config: &Config) -> Result<bool, ModelError> {
    for name in ["config_kwargs", "config_args"] {
        if let Some(options) = config.nested(name)?
            && options.flag("output_hidden_states", false)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The entries without a mix of layers right behind the Transformer, and that one.
fn without_mix(entries: &[Entry]) -> (Vec<Entry>, Option<&Entry>) {
    match entries {
        [first, mix, rest @ ..] if first.kind == "Transformer" && mix.kind == mix::MODULE => {
            let first = std::iter::once(first);
            (first.chain(rest).cloned().collect(), Some(mix))
        }
        all => (all.to_vec(), None),
    }
}

/// What stands behind the encoder.
fn head(files: &ModelFiles, entries: &[Entry], device: &Device) -> Result<Head, ModelError> {
    let known = |first: &Entry| {
        Ok::<_, ModelError>(match first.kind.as_str() {
            "Transformer" | "StaticEmbedding" => true,
            TASK_TRANSFORMER => Tasks::of(&module_config(files, first)?)?.is_some(),
            _ => false,
        })
    };
    let (first, rest) = match entries.split_first() {
        Some((first, rest)) if known(first)? => (first, rest),
        _ => {
            let first = entries.first().map_or("nothing", |first| &first.kind);
            let problem = format!(
                "must begin with a Transformer or a StaticEmbedding, but begin with `{first}`; code of a model's own is never run"
            );
            return Err(ModelError::config(MODULES, "modules", problem));
        }
    };
    let mut modules = match first.kind.as_str() {
        // It is a mean already.
        "StaticEmbedding" => Head::mean().modules,
        _ => Vec::new(),
    };
    for entry in rest {
        match entry.kind.as_str() {
            "Pooling" => modules.push(pooling(files, entry)?),
            "Dense" => modules.push(dense(files, entry, device)?),
            "LayerNorm" => modules.push(layer_norm(files, entry, device)?),
            "Normalize" => modules.push(Module::Normalize),
            "Dropout" => {}
            mix::MODULE => {
                let problem =
                    "can have a WeightedLayerPooling only between a Transformer and its Pooling";
                return Err(ModelError::config(MODULES, "modules", problem));
            }
            other => {
                return Err(ModelError::Unsupported {
                    file: MODULES.to_owned(),
                    what: format!("module `{other}`"),
                    hint: "supported: Transformer, StaticEmbedding, WeightedLayerPooling, Pooling, Dense, LayerNorm, Normalize, Dropout; code of a model's own is never run"
                        .to_owned(),
                });
            }
        }
    }
    let pools = modules
        .iter()
        .filter(|m| matches!(m, Module::Pooling { .. }))
        .count();
    if pools != 1 || !matches!(modules.first(), Some(Module::Pooling { .. })) {
        let problem = "must have one Pooling, right behind the Transformer";
        return Err(ModelError::config(MODULES, "modules", problem));
    }
    Ok(Head { modules })
}

pub(super) fn module_config(files: &ModelFiles, entry: &Entry) -> Result<Config, ModelError> {
    let name = format!("{}config.json", folder(&entry.path));
    Config::new(&name, files.json(&name)?)
}

fn pooling(files: &ModelFiles, entry: &Entry) -> Result<Module, ModelError> {
    let config = module_config(files, entry)?;
    let read = |name: &str| {
        let problem = |e: crate::trace::site::SiteError| config.bad("pooling_mode", e.to_string());
        name.parse::<PoolingMode>().map_err(problem)
    };
    let modes = match config.get(&["pooling_mode"]) {
        Some(Value::String(name)) => vec![read(name)?],
        Some(Value::Array(names)) => {
            let name = |v: &Value| v.as_str().map_or_else(|| read(&v.to_string()), read);
            names.iter().map(name).collect::<Result<_, _>>()?
        }
        Some(other) => {
            return Err(config.bad(
                "pooling_mode",
                format!("must be a name or a list of names, but is {other}"),
            ));
        }
        None => old_modes(&config)?,
    };
    if modes.is_empty() {
        return Err(config.bad("pooling_mode", "names no pooling"));
    }
    Ok(Module::Pooling {
        modes,
        include_prompt: config.flag("include_prompt", true)?,
    })
}

/// The booleans of older folders, in the fixed order in which they concatenate; mean where none is
/// set.
fn old_modes(config: &Config) -> Result<Vec<PoolingMode>, ModelError> {
    let flags = [
        ("pooling_mode_cls_token", PoolingMode::Cls),
        ("pooling_mode_max_tokens", PoolingMode::Max),
        ("pooling_mode_mean_tokens", PoolingMode::Mean),
        (
            "pooling_mode_mean_sqrt_len_tokens",
            PoolingMode::MeanSqrtLenTokens,
        ),
        (
            "pooling_mode_weightedmean_tokens",
            PoolingMode::WeightedMean,
        ),
        ("pooling_mode_lasttoken", PoolingMode::LastToken),
    ];
    let mut modes = Vec::new();
    for (field, mode) in flags {
        if config.flag(field, false)? {
            modes.push(mode);
        }
    }
    if modes.is_empty() {
        modes.push(PoolingMode::Mean);
    }
    Ok(modes)
}

fn dense(files: &ModelFiles, entry: &Entry, device: &Device) -> Result<Module, ModelError> {
    let config = module_config(files, entry)?;
    let input = config.size(&["in_features"], 0)?;
    let output = config.size(&["out_features"], 0)?;
    // sentence-transformers takes Tanh where nothing is said.
    let name = config.text("activation_function", "torch.nn.modules.activation.Tanh")?;
    let activation = match name.rsplit('.').next().unwrap_or(name) {
        "Identity" => DenseActivation::Identity,
        "Tanh" => DenseActivation::Tanh,
        "ReLU" => DenseActivation::Relu,
        "GELU" => DenseActivation::Gelu,
        "Sigmoid" => DenseActivation::Sigmoid,
        _ => {
            let problem = format!("is `{name}`; supported are Identity, Tanh, ReLU, GELU, Sigmoid");
            return Err(config.bad("activation_function", problem));
        }
    };
    let checkpoint = module_weights(files, entry, device)?;
    let linear = match config.flag("bias", true)? {
        true => checkpoint.linear("linear", input, output)?,
        false => Linear::new(
            checkpoint.get("linear.weight", &[output, input])?,
            candle_core::Tensor::zeros(output, candle_core::DType::F32, device)?,
        ),
    };
    let residual = match config.flag("use_residual", false)? {
        false => Residual::None,
        true if input == output => Residual::Input,
        true => Residual::Projected(checkpoint.get("residual.weight", &[output, input])?),
    };
    Ok(Module::Dense(Dense {
        linear,
        activation,
        residual,
    }))
}

fn layer_norm(files: &ModelFiles, entry: &Entry, device: &Device) -> Result<Module, ModelError> {
    let config = module_config(files, entry)?;
    let size = config.size(&["dimension"], 0)?;
    let checkpoint = module_weights(files, entry, device)?;
    // The eps of torch.nn.LayerNorm, which the module does not let anyone change.
    Ok(Module::LayerNorm(checkpoint.norm("norm", size, 1e-5)?))
}

pub(super) fn module_weights(
    files: &ModelFiles,
    entry: &Entry,
    device: &Device,
) -> Result<Checkpoint, ModelError> {
    Checkpoint::open(&files.weight_files_in(&entry.path)?, device)
}

/// Prompts and truncation of config_sentence_transformers.json.
fn prompts(files: &ModelFiles) -> Result<(Prompts, Option<usize>), ModelError> {
    let Some(config) = optional(files, "config_sentence_transformers.json")? else {
        return Ok((Prompts::default(), None));
    };
    let mut prompts = Prompts::default();
    match config.get(&["prompts"]) {
        None => {}
        Some(Value::Object(named)) => {
            for (name, prompt) in named {
                let prompt = prompt.as_str().ok_or_else(|| {
                    config.bad(
                        "prompts",
                        format!("must map names to strings, but `{name}` is {prompt}"),
                    )
                })?;
                prompts.named.insert(name.clone(), prompt.to_owned());
            }
        }
        Some(other) => {
            return Err(config.bad("prompts", format!("must be an object, but is {other}")));
        }
    }
    let default = config.text("default_prompt_name", "")?;
    if !default.is_empty() {
        if !prompts.named.contains_key(default) {
            let problem = format!("is `{default}`, which `prompts` does not have");
            return Err(config.bad("default_prompt_name", problem));
        }
        prompts.default = Some(default.to_owned());
    }
    let truncate_dim = config.size_if_present(&["truncate_dim"])?;
    if truncate_dim == Some(0) {
        return Err(config.bad("truncate_dim", "must be more than 0"));
    }
    Ok((prompts, truncate_dim))
}
