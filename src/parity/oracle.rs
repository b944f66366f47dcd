//! The independent oracle: candle-transformers' own forward pass over the same weights. It shares no
//! code with our encoder, so where the two agree, both would have to be wrong in the same way.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct};
use serde_json::Value;
use thiserror::Error;

use super::report::Difference;
use super::{SENTENCE_COSINE, SENTENCE_DELTA, SITE_TOLERANCE, difference};
use crate::model::mix::MODULE;
use crate::model::pass::Pass;
use crate::model::{Model, ModelError, Prompt};
use crate::tokens::Tokens;
use crate::trace::hook::NoHook;

/// Why there is no second opinion on a model. No fault of the model's or of ours.
#[derive(Debug, Error)]
#[error("candle-transformers cannot run this model: {0}")]
pub struct NoOracle(String);

/// Another's encoder over a model's weights, on the CPU.
pub struct Oracle {
    bert: BertModel,
}

/// One text through both.
#[derive(Clone, Debug)]
pub struct OracleReport {
    pub text: String,
    pub tokens: usize,
    /// Of `final.out`, [T, D].
    pub out: Difference,
    /// Of the sentence vector that our head makes of each, [E].
    pub sentence: Difference,
}

impl OracleReport {
    /// True within the tolerances of the reference.
    pub fn passes(&self) -> bool {
        let cosine = self.sentence.cosine.unwrap_or(f64::NAN);
        self.out.relative <= SITE_TOLERANCE
            && self.sentence.absolute <= SENTENCE_DELTA
            && cosine >= SENTENCE_COSINE
    }
}

impl Oracle {
    /// Loads the model's weights a second time.
    ///
    /// # Errors
    /// [`NoOracle`] with the reason why candle-transformers has no such model.
    pub fn load(model: &Model) -> Result<Self, NoOracle> {
        let family = model.spec().family;
        if family != "bert" {
            return Err(NoOracle(format!("it is not asked about family `{family}`")));
        }
        if model.encoder.weights.mix.is_some() {
            return Err(NoOracle(format!("it has no {MODULE}")));
        }
        let config = config(&model.config)?;
        let failed = |e: candle_core::Error| NoOracle(first_line(&e.to_string()));
        let mut tensors = HashMap::new();
        for file in &model.weight_files {
            let bytes = file.read().map_err(|e| NoOracle(e.to_string()))?;
            let read = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu);
            tensors.extend(read.map_err(failed)?);
        }
        const ANCHOR: &str = "embeddings.word_embeddings.weight";
        let mut prefixes = tensors.keys().filter_map(|name| name.strip_suffix(ANCHOR));
        let prefix = prefixes.next().unwrap_or("").to_owned();
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let weights = match prefix.trim_end_matches('.') {
            "" => weights,
            prefix => weights.pp(prefix),
        };
        let bert = BertModel::load(weights, &config).map_err(failed)?;
        Ok(Self { bert })
    }

    /// `final.out` by the other encoder, [T, D].
    pub fn final_out(&self, tokens: &Tokens) -> Result<Tensor, ModelError> {
        let row = |values: &[u32]| Tensor::new(values, &Device::Cpu)?.unsqueeze(0);
        let out = self
            .bert
            .forward(&row(&tokens.ids)?, &row(&tokens.type_ids)?, None)?;
        Ok(out.squeeze(0)?)
    }

    /// Runs one text, with the model's own prompt, through both.
    ///
    /// # Errors
    /// When either fails on it.
    pub fn compare(&self, model: &Model, text: &str) -> Result<OracleReport, ModelError> {
        compared(model, text, |tokens| self.final_out(tokens))
    }
}

/// One text, with the model's own prompt, through the model and through `other`, which gives
/// `final.out`, [T, D].
///
/// # Errors
/// When either fails on it.
pub(super) fn compared(
    model: &Model,
    text: &str,
    other: impl Fn(&Tokens) -> Result<Tensor, ModelError>,
) -> Result<OracleReport, ModelError> {
    let tokens = model.tokens(text, &Prompt::Own)?;
    let ours = model.encoder.forward(&[&tokens], &mut NoHook)?;
    let ours = ours.to_device(&Device::Cpu)?;
    let theirs = other(&tokens)?.to_device(&Device::Cpu)?;
    let sentence = |out: &Tensor| {
        let mut hook = NoHook;
        let mut pass = Pass::new(&mut hook, [tokens.len()]);
        let out = out.to_device(model.encoder.device())?;
        let sentence = model
            .head
            .sentence(&tokens, 0, &out, model.options(), &mut pass)?;
        Ok::<_, ModelError>(sentence.to_device(&Device::Cpu)?)
    };
    Ok(OracleReport {
        text: text.to_owned(),
        tokens: tokens.len(),
        out: difference(&ours, &theirs)?,
        sentence: difference(&sentence(&ours)?, &sentence(&theirs)?)?,
    })
}

/// Read apart from our own reading of config.json, so that a fault there shows.
fn config(value: &Value) -> Result<Config, NoOracle> {
    let default = Config::default();
    let size = |name: &str, default: usize| {
        let value = value.get(name).and_then(Value::as_f64);
        value.map_or(default, |size| size as usize)
    };
    let hidden_act = match value.get("hidden_act").and_then(Value::as_str) {
        None | Some("gelu") => HiddenAct::Gelu,
        Some("gelu_new" | "gelu_fast" | "gelu_pytorch_tanh") => HiddenAct::GeluApproximate,
        Some("relu") => HiddenAct::Relu,
        Some(other) => return Err(NoOracle(format!("its bert has no hidden_act `{other}`"))),
    };
    Ok(Config {
        vocab_size: size("vocab_size", default.vocab_size),
        hidden_size: size("hidden_size", default.hidden_size),
        num_hidden_layers: size("num_hidden_layers", default.num_hidden_layers),
        num_attention_heads: size("num_attention_heads", default.num_attention_heads),
        intermediate_size: size("intermediate_size", default.intermediate_size),
        hidden_act,
        max_position_embeddings: size("max_position_embeddings", default.max_position_embeddings),
        type_vocab_size: size("type_vocab_size", default.type_vocab_size),
        layer_norm_eps: value
            .get("layer_norm_eps")
            .and_then(Value::as_f64)
            .unwrap_or(default.layer_norm_eps),
        ..default
    })
}

/// Candle may add a backtrace.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("unknown").to_owned()
}
