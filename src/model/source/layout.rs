//! Which files make up a model: names, the module list, the shard index. Pure.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use serde_json::Value;

use super::{ModelFiles, SourceError};

pub(super) const CONFIG: &str = "config.json";
pub(super) const MODULES: &str = "modules.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
/// What the library peft calls an adapter's files, in a folder of their own.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";
pub const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";
const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
const TOKENIZERS: [&str; 3] = ["tokenizer.json", "vocab.txt", "vocab.json"];

/// What a model with adapters for tasks calls its Transformer: code of its own, which does no more than
/// to choose the adapter.
pub const TASK_TRANSFORMER: &str = "custom_st.Transformer";

/// One entry of `modules.json`, the list of what sentence-transformers runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The last component of its `type`: `Transformer`, `Pooling`, `Dense`, …; the whole `type` where
    /// it is not one of sentence-transformers' own.
    pub kind: String,
    /// Its folder inside the model's; empty for the model's own.
    pub path: String,
}

impl Module {
    pub(super) fn is_encoder(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Transformer" | "StaticEmbedding" | TASK_TRANSFORMER
        )
    }

    fn needs_config(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "Transformer"
                | TASK_TRANSFORMER
                | "Pooling"
                | "Dense"
                | "LayerNorm"
                | "WeightedLayerPooling"
        )
    }

    /// Kinds that are not known need nothing here: whoever builds the model
    /// refuses them by name.
    pub(super) fn needs_weights(&self) -> bool {
        self.is_encoder()
            || matches!(
                self.kind.as_str(),
                "Dense" | "LayerNorm" | "WeightedLayerPooling"
            )
    }
}

/// `name` inside `folder`, where an empty folder is the model's own.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_string()
    } else {
        format!("{folder}/{name}")
    }
}

/// Whether a relative path names something below where it starts.
pub(super) fn stays_inside(relative: &str) -> bool {
    let mut components = Path::new(relative).components().peekable();
    components.peek().is_some()
        && !relative.contains('\\')
        && components.all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
}

/// Reads `modules.json`; `file` is for messages.
///
/// # Errors
/// `Field` when it is no list of modules, `OutsideFolder` when a module's
/// folder is not below the model's.
pub(super) fn read_modules(value: &Value, file: &Path) -> Result<Vec<Module>, SourceError> {
    let field = |what: String| SourceError::field(file, what);
    let list = value
        .as_array()
        .filter(|list| !list.is_empty())
        .ok_or_else(|| field("expected a list of modules, the first being the encoder".into()))?;
    let mut modules = Vec::with_capacity(list.len());
    for (i, entry) in list.iter().enumerate() {
        let kind = entry.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| field(format!("module {i} has no `type`")))?;
        let path = entry.get("path").and_then(Value::as_str).unwrap_or("");
        let path = path.trim_end_matches('/').trim_start_matches("./");
        let path = if path == "." { "" } else { path };
        if !path.is_empty() && !stays_inside(path) {
            return Err(outside(file, path));
        }
        modules.push(Module {
            kind: known_kind(kind).to_string(),
            path: path.to_string(),
        });
    }
    Ok(modules)
}

/// The last component of a module of sentence-transformers, which has moved them about twice. Code of
/// a model's own keeps its whole name, which nobody knows.
fn known_kind(kind: &str) -> &str {
    let last = kind.rsplit('.').next().unwrap_or(kind);
    match kind.starts_with("sentence_transformers.") || last == kind {
        true => last,
        false => kind,
    }
}

/// The distinct shards that an index names, relative to the index's folder.
///
/// # Errors
/// `Field` when there is no usable `weight_map`, `OutsideFolder` when a shard
/// is not below the index's folder.
pub(super) fn read_shards(value: &Value, file: &Path) -> Result<Vec<String>, SourceError> {
    let field = |what: String| SourceError::field(file, what);
    let map = value
        .get("weight_map")
        .and_then(Value::as_object)
        .filter(|map| !map.is_empty())
        .ok_or_else(|| field("`weight_map` must map tensor names to .safetensors files".into()))?;
    let mut shards = BTreeSet::new();
    for (tensor, shard) in map {
        let shard = shard
            .as_str()
            .ok_or_else(|| field(format!("`weight_map.{tensor}` must be a file name")))?;
        if !stays_inside(shard) {
            return Err(outside(file, shard));
        }
        if !shard.ends_with(".safetensors") {
            return Err(field(format!(
                "`weight_map.{tensor}` names {shard}, which is no .safetensors file"
            )));
        }
        shards.insert(shard.to_string());
    }
    Ok(shards.into_iter().collect())
}

fn outside(file: &Path, name: &str) -> SourceError {
    SourceError::OutsideFolder {
        named_by: file.display().to_string(),
        name: name.to_string(),
    }
}

/// The pickle that stands in `folder` where safetensors are wanted, if any.
pub(super) fn pickle(folder: &str, has: impl Fn(&str) -> bool) -> Option<String> {
    PICKLES
        .iter()
        .map(|name| join(folder, name))
        .find(|name| has(name))
}

/// The first file, shards aside, that these modules cannot do without and do
/// not have.
pub(super) fn missing_file(modules: &[Module], has: impl Fn(&str) -> bool) -> Option<String> {
    modules.iter().find_map(|module| {
        let config = join(&module.path, CONFIG);
        if module.needs_config() && !has(&config) {
            return Some(config);
        }
        let tokenizers = TOKENIZERS.map(|name| join(&module.path, name));
        if module.is_encoder() && !tokenizers.iter().any(|name| has(name)) {
            return Some(tokenizers[0].clone());
        }
        let weights = join(&module.path, WEIGHTS);
        let sharded = module.is_encoder() && has(&join(&module.path, INDEX));
        (module.needs_weights() && !sharded && !has(&weights)).then_some(weights)
    })
}

/// The first file, shards included, that keeps the model from being used.
///
/// # Errors
/// Those of reading the shard index.
pub(super) fn first_missing(files: &ModelFiles) -> Result<Option<String>, SourceError> {
    let modules = files.modules_or_default();
    if let Some(missing) = missing_file(&modules, |name| files.has(name)) {
        return Ok(Some(missing));
    }
    let encoders = modules.iter().filter(|module| module.is_encoder());
    for module in encoders.filter(|module| !files.has(&join(&module.path, WEIGHTS))) {
        let name = join(&module.path, INDEX);
        let shards = read_shards(&files.json(&name)?, Path::new(&name))?;
        let mut shards = shards.iter().map(|shard| join(&module.path, shard));
        if let Some(missing) = shards.find(|shard| !files.has(shard)) {
            return Ok(Some(missing));
        }
    }
    Ok(None)
}

/// What to fetch of a repository that holds `listing`, small files first:
/// everything but shards, which only the index names.
pub(super) fn wanted(listing: &BTreeSet<String>, modules: &[Module]) -> Vec<String> {
    let mut small = vec![
        MODULES.to_string(),
        "config_sentence_transformers.json".to_string(),
    ];
    let mut large = Vec::new();
    for module in modules {
        let folder = module.path.as_str();
        small.push(join(folder, CONFIG));
        if module.is_encoder() {
            small.extend(encoder_files(listing, folder));
            let single = listing.contains(&join(folder, WEIGHTS));
            small.extend((!single).then(|| join(folder, INDEX)));
            for adapter in adapters(listing, folder) {
                small.push(join(&adapter, ADAPTER_CONFIG));
                large.push(join(&adapter, ADAPTER_WEIGHTS));
            }
        }
        if module.needs_weights() {
            large.push(join(folder, WEIGHTS));
        }
    }
    small.extend(large);
    let mut seen = BTreeSet::new();
    small.retain(|name| listing.contains(name) && seen.insert(name.clone()));
    small
}

/// The folders of peft's adapters beside an encoder.
fn adapters(listing: &BTreeSet<String>, folder: &str) -> Vec<String> {
    let adapter = |name: &String| {
        let adapter = name.strip_suffix(ADAPTER_CONFIG)?.strip_suffix('/')?;
        let (above, own) = adapter.rsplit_once('/').unwrap_or(("", adapter));
        let beside = above == folder.trim_end_matches('/') && !own.is_empty();
        let whole = listing.contains(&join(adapter, ADAPTER_WEIGHTS));
        (beside && whole).then(|| adapter.to_owned())
    };
    listing.iter().filter_map(adapter).collect()
}

/// About [`wanted`] with its shards, of a repository of which nothing but the listing is known: modules
/// of sentence-transformers have folders that begin with their number.
pub(super) fn likely(listing: &BTreeSet<String>) -> Vec<String> {
    let mut plan = wanted(listing, &super::files::default_modules());
    let of_module = |name: &str| {
        let number = name.split_once('_').map_or("", |(number, _)| number);
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    for name in listing {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let shard = file.starts_with("model-") && file.ends_with(".safetensors");
        let needed = match folder {
            "" => shard && !listing.contains(WEIGHTS),
            folder if of_module(folder) && !folder.contains('/') => {
                file.ends_with(".json")
                    || file.ends_with(".txt")
                    || file == WEIGHTS
                    || shard && !listing.contains(&join(folder, WEIGHTS))
            }
            _ => false,
        };
        if needed && !plan.contains(name) {
            plan.push(name.clone());
        }
    }
    plan
}

/// The tokenizer's files and the length limits beside an encoder.
fn encoder_files(listing: &BTreeSet<String>, folder: &str) -> Vec<String> {
    let mut names = vec![
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.txt",
    ];
    if !listing.contains(&join(folder, "tokenizer.json")) {
        names.extend(["vocab.json", "merges.txt"]);
    }
    let limits = listing.iter().filter(|name| {
        // sentence_bert_config.json, sentence_roberta_config.json, …
        name.starts_with(&join(folder, "sentence_")) && name.ends_with("_config.json")
    });
    names
        .into_iter()
        .map(|name| join(folder, name))
        .chain(limits.cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn modules(value: Value) -> Result<Vec<Module>, SourceError> {
        read_modules(&value, Path::new(MODULES))
    }

    #[test]
    fn a_module_list_is_read_by_kind_and_folder() {
        let read = modules(json!([
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling/", "type": "sentence_transformers.models.Pooling.Pooling"},
            {"idx": 2, "name": "2", "path": ".", "type": "Normalize"},
        ]))
        .unwrap();
        let kinds: Vec<_> = read
            .iter()
            .map(|m| (m.kind.as_str(), m.path.as_str()))
            .collect();
        assert_eq!(
            kinds,
            [
                ("Transformer", ""),
                ("Pooling", "1_Pooling"),
                ("Normalize", "")
            ]
        );
    }

    #[test]
    fn a_module_outside_the_folder_is_refused() {
        for path in ["../x", "/etc", "a/../../b", "..\\x"] {
            let error = modules(json!([{"path": path, "type": "Pooling"}])).expect_err(path);
            assert!(
                matches!(error, SourceError::OutsideFolder { .. }),
                "{path}: {error}"
            );
        }
        assert!(modules(json!({})).is_err());
        assert!(modules(json!([])).is_err());
        assert!(modules(json!([{"path": ""}])).is_err());
    }

    #[test]
    fn a_shard_index_is_checked() {
        let shards = |value| read_shards(&value, Path::new(INDEX));
        let two = shards(
            json!({"weight_map": {"b": "2.safetensors", "a": "1.safetensors", "c": "1.safetensors"}}),
        );
        assert_eq!(two.unwrap(), ["1.safetensors", "2.safetensors"]);
        let escape = shards(json!({"weight_map": {"a": "../../x.safetensors"}}));
        assert!(matches!(escape, Err(SourceError::OutsideFolder { .. })));
        let pickle = shards(json!({"weight_map": {"a": "pytorch_model.bin"}}));
        assert!(matches!(pickle, Err(SourceError::Field { .. })));
        assert!(shards(json!({"weight_map": {}})).is_err());
        assert!(shards(json!({"weight_map": {"a": 1}})).is_err());
    }

    #[test]
    fn only_what_is_needed_is_wanted() {
        let listing: BTreeSet<String> = [
            "README.md",
            "config.json",
            "modules.json",
            "pytorch_model.bin",
            "model.safetensors",
            "onnx/model.onnx",
            "tokenizer.json",
            "vocab.txt",
            "vocab.json",
            "sentence_bert_config.json",
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "2_Dense/pytorch_model.bin",
            "query/adapter_config.json",
            "query/adapter_model.safetensors",
            "half/adapter_config.json",
            "far/away/adapter_config.json",
            "far/away/adapter_model.safetensors",
        ]
        .map(String::from)
        .into();
        let modules = [
            ("Transformer", ""),
            ("Pooling", "1_Pooling"),
            ("Dense", "2_Dense"),
        ]
        .map(|(kind, path)| Module {
            kind: kind.into(),
            path: path.into(),
        });
        assert_eq!(
            wanted(&listing, &modules),
            [
                "modules.json",
                "config.json",
                "tokenizer.json",
                "vocab.txt",
                "sentence_bert_config.json",
                "query/adapter_config.json",
                "1_Pooling/config.json",
                "2_Dense/config.json",
                "query/adapter_model.safetensors",
                "model.safetensors",
                "2_Dense/model.safetensors",
            ]
        );
    }
}
