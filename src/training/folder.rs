//! A trained model as a sentence-transformers folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use candle_core::{DType, Tensor};
use serde_json::Value;

use super::TrainError;
use crate::model::config::Config;
use crate::model::head::{Head, Module, Residual};
use crate::model::mix::MODULE;
use crate::model::weights::Weights;
use crate::model::{ModelFiles, families};

const WEIGHTS: &str = "model.safetensors";

/// Everything in a model's folder but the weights: path inside of the folder to bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template(pub BTreeMap<String, Vec<u8>>);

/// What a folder may hold beside weights, that Python or we read.
const OF_ENCODER: [&str; 9] = [
    "config.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
];
const OF_ROOT: [&str; 2] = ["modules.json", "config_sentence_transformers.json"];

impl Template {
    /// The files of a model that is there.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn of(files: &ModelFiles) -> Result<Self, TrainError> {
        let mut found = BTreeMap::new();
        let encoder = files.encoder_dir().trim_end_matches('/');
        let inside = |folder: &str, name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let mut names: Vec<String> = OF_ROOT.iter().map(|&name| name.to_owned()).collect();
        names.extend(OF_ENCODER.iter().map(|name| inside(encoder, name)));
        for module in files.modules().unwrap_or_default() {
            names.push(inside(module.path.trim_end_matches('/'), "config.json"));
        }
        for name in names {
            if files.has(&name) {
                found.insert(name.clone(), files.read(&name)?.into_owned());
            }
        }
        Ok(Self(found))
    }

    fn json(&self, name: &str) -> Option<Value> {
        serde_json::from_slice(self.0.get(name)?).ok()
    }

    /// Folders of the modules, in their order; the encoder's first.
    fn module_folders(&self) -> Vec<(String, String)> {
        let modules = self.json("modules.json");
        let entries = modules.as_ref().and_then(Value::as_array);
        let entry = |entry: &Value| {
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
            let kind = text("type").rsplit('.').next().unwrap_or_default();
            (
                kind.to_owned(),
                text("path").trim_end_matches('/').to_owned(),
            )
        };
        let whole = vec![("Transformer".to_owned(), String::new())];
        entries.map_or(whole, |entries| entries.iter().map(entry).collect())
    }
}

/// How weights are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    Single,
    /// f16: half the bytes, and the rounding that goes with it.
    Half,
}

/// Writes a model's folder: the template's files, and weights under the names of the model's family.
/// A file that is there is replaced in one move, the weights last, so that a run which is stopped
/// leaves a folder that loads.
///
/// # Errors
/// Names the file that could not be written.
pub fn write(
    folder: &Path,
    template: &Template,
    (weights, head): (&Weights, &Head),
    precision: Precision,
) -> Result<(), TrainError> {
    let mut template = template.clone();
    let modules = template.module_folders();
    let (encoder, rest) = match modules.split_first() {
        Some(((_, encoder), rest)) => (encoder.clone(), rest),
        None => (String::new(), &[][..]),
    };
    let mut files = vec![(
        join(&encoder, WEIGHTS),
        encoder_tensors(&template, weights)?,
    )];
    if let Some(mix) = &weights.mix
        && let Some((_, path)) = rest.iter().find(|(kind, _)| kind == MODULE)
    {
        let shares = vec![("layer_weights".to_owned(), mix.weights.clone())];
        files.push((join(path, WEIGHTS), shares));
    }
    let trained = head.modules.iter().filter_map(head_tensors);
    let folders = rest
        .iter()
        .filter(|(kind, _)| kind == "Dense" || kind == "LayerNorm");
    for (tensors, (kind, path)) in trained.zip(folders) {
        files.push((join(path, WEIGHTS), tensors));
        if kind == "Dense" {
            // A layer without a bias has one of zeros here, which training moves.
            set(
                &mut template,
                &join(path, "config.json"),
                "bias",
                Value::Bool(true),
            );
        }
    }
    // transformers 5 computes in the type of the file unless the configuration names one.
    let config = join(&encoder, "config.json");
    for field in ["dtype", "torch_dtype"] {
        set(&mut template, &config, field, "float32".into());
    }
    for (name, bytes) in &template.0 {
        put(folder, name, bytes)?;
    }
    for (name, tensors) in files.into_iter().rev() {
        put(folder, &name, &serialize(tensors, precision)?)?;
    }
    Ok(())
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

fn set(template: &mut Template, file: &str, field: &str, value: Value) {
    let Some(Value::Object(mut object)) = template.json(file) else {
        return;
    };
    object.insert(field.to_owned(), value);
    let text = format!("{:#}\n", Value::Object(object));
    template.0.insert(file.to_owned(), text.into_bytes());
}

/// The encoder's tensors under the names of the family that the template's config.json names.
pub fn encoder_tensors(
    template: &Template,
    weights: &Weights,
) -> Result<Vec<(String, Tensor)>, TrainError> {
    let folders = template.module_folders();
    let folder = folders.first().map_or("", |(_, path)| path);
    let name = join(folder, "config.json");
    let config = template.json(&name).unwrap_or_default();
    let config = Config::new(&name, config)?;
    let family = families::find(&config)?;
    let (names, spec) = ((family.names)(&config)?, (family.spec)(&config)?);
    Ok(weights.named(&names[0], &spec)?)
}

/// The tensors of a module that has some, under sentence-transformers' names.
fn head_tensors(module: &Module) -> Option<Vec<(String, Tensor)>> {
    let named = |name: &str, tensor: &Tensor| (name.to_owned(), tensor.clone());
    match module {
        Module::Dense(dense) => {
            let mut tensors = vec![
                named("linear.weight", &dense.linear.weight),
                named("linear.bias", &dense.linear.bias),
            ];
            if let Residual::Projected(weight) = &dense.residual {
                tensors.push(named("residual.weight", weight));
            }
            Some(tensors)
        }
        Module::LayerNorm(norm) => Some(vec![
            named("norm.weight", &norm.weight),
            named("norm.bias", &norm.bias),
        ]),
        Module::Pooling { .. } | Module::Normalize => None,
    }
}

fn serialize(tensors: Vec<(String, Tensor)>, precision: Precision) -> Result<Vec<u8>, TrainError> {
    let kind = match precision {
        Precision::Single => DType::F32,
        Precision::Half => DType::F16,
    };
    let tensors = tensors
        .into_iter()
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(kind)?.contiguous()?)))
        .collect::<candle_core::Result<Vec<_>>>()?;
    // Python asks for this note.
    let about = [("format".to_owned(), "pt".to_owned())].into();
    safetensors::serialize(tensors, Some(about)).map_err(|e| TrainError::Settings(e.to_string()))
}

/// Tensors as rows of whole numbers: NAME in i8, and `NAME.scale` in f32, one for each row of the
/// first axis (one in all for a vector), so that value = whole number · scale. A quarter of the bytes,
/// within 1/254 of each row's largest value: enough to look at how a model was before.
///
/// # Errors
/// Those of reading the tensors.
pub fn rows_of_i8(tensors: Vec<(String, Tensor)>) -> Result<Vec<u8>, TrainError> {
    let mut out = Vec::new();
    for (name, tensor) in tensors {
        let rows = if tensor.rank() > 1 { tensor.dim(0)? } else { 1 };
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let (mut whole, mut scales) = (Vec::with_capacity(values.len()), Vec::with_capacity(rows));
        for row in values.chunks((values.len() / rows).max(1)) {
            let scale = row.iter().fold(0f32, |most, x| most.max(x.abs())) / 127.;
            let scale = if scale > 0. { scale } else { 1. };
            whole.extend(row.iter().map(|x| (x / scale).round() as i8));
            scales.push(scale);
        }
        let bytes = whole.into_iter().map(|x| x as u8).collect();
        out.push((
            name.clone(),
            Plain(safetensors::Dtype::I8, tensor.dims().to_vec(), bytes),
        ));
        let bytes = scales.iter().flat_map(|s| s.to_le_bytes()).collect();
        let scales = Plain(safetensors::Dtype::F32, vec![scales.len()], bytes);
        out.push((format!("{name}.scale"), scales));
    }
    safetensors::serialize(out, None).map_err(|e| TrainError::Settings(e.to_string()))
}

/// A tensor as safetensors writes it: type, shape, bytes.
struct Plain(safetensors::Dtype, Vec<usize>, Vec<u8>);

impl safetensors::View for Plain {
    fn dtype(&self) -> safetensors::Dtype {
        self.0
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        self.2.as_slice().into()
    }

    fn data_len(&self) -> usize {
        self.2.len()
    }
}

/// Writes one file of a folder, in a subfolder where its name says so.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|e| TrainError::written(parent, &e))?;
    replace(&path, bytes)
}

/// Writes a file beside its place and moves it there, so that no reader sees half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    fs::write(&partial, bytes).map_err(|e| TrainError::written(&partial, &e))?;
    fs::rename(&partial, path).map_err(|e| TrainError::written(path, &e))
}
