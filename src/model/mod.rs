//! Everything between files and numbers: candle lives here, egui does not.

mod activation;
pub mod adapters;
mod block;
pub mod config;
pub mod convolution;
pub mod device;
mod disentangled;
pub mod distance;
pub mod encoder;
mod error;
pub mod families;
pub mod head;
pub mod intervention;
mod mask;
pub mod mix;
pub mod modules;
pub mod ops;
pub mod part;
pub mod pass;
mod peft;
mod recall;
pub mod rotary;
mod save;
pub mod source;
pub mod spec;
pub mod statics;
pub mod tables;
mod tokenizer;
pub mod weights;

use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Tensor};

pub use encoder::Encoder;
pub use error::ModelError;
pub use head::{Head, HeadOptions};
pub use modules::Prompts;
pub use part::Part;
pub use save::SaveError;
pub use source::{ModelFiles, ModelRef, StoredFile};
pub use spec::EncoderSpec;

use crate::cancel::Cancel;
use crate::tokens::{Prompted, TextTokenizer, Tokens};
use crate::trace::Trace;
use crate::trace::hook::{Chain, HeadWatch, Hook, Recorder, StopWhen};
use crate::trace::site::{PoolingMode, Site};
use adapters::Tasks;
use config::Config;
use intervention::Changes;
use modules::Recipe;
use pass::Pass;
use weights::{Checkpoint, Weights};

/// A sentence encoder ready to use: tokenizer, encoder and head, as its folder describes them.
pub struct Model {
    /// What a person called it.
    pub id: String,
    /// Where it came from.
    pub source: ModelRef,
    /// Hash of configuration and weights.
    pub hash: Arc<str>,
    pub tokenizer: Arc<TextTokenizer>,
    pub encoder: Encoder,
    pub head: Head,
    pub prompts: Prompts,
    /// Tasks that it has adapters for; [`ModelRef::task`] says which is at work.
    pub tasks: Vec<String>,
    /// The model's own cut of the sentence vector, where it has one.
    pub truncate_dim: Option<usize>,
    /// The configuration as transformers wrote it.
    pub config: serde_json::Value,
    /// The safetensors files that were read.
    pub weight_files: Vec<StoredFile>,
    /// What a person should know about how the files were found.
    pub warnings: Vec<String>,
}

/// What stands in front of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Prompt {
    /// The model's default prompt, or none where it has none.
    #[default]
    Own,
    None,
    /// One of the model's prompts.
    Named(String),
    /// The person's own words.
    Text(String),
}

/// How much of a trace to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// Embeddings, the residual stream between layers, pooled and sentence vectors.
    Outline,
    /// Every site.
    Full,
}

impl Detail {
    pub fn keeps(self, site: Site) -> bool {
        match site {
            Site::Layer(_, inside) => self == Self::Full || inside.is_stream(),
            _ => true,
        }
    }
}

impl Model {
    /// Reads a model's folder.
    ///
    /// # Errors
    /// One that names the file and the field or tensor which cannot be used, and what to do.
    pub fn load(files: &ModelFiles, device: &Device) -> Result<Self, ModelError> {
        let recipe = Recipe::read(files, device)?;
        let name = format!("{}config.json", recipe.encoder);
        let weight_files = files.weight_files_in(files.encoder_dir())?;
        let checkpoint = || Checkpoint::open(&weight_files, device);
        let (value, tables) = match recipe.is_static {
            false => (files.json(&name)?, None),
            true => {
                let checkpoint = checkpoint()?;
                let own = files.json_if_present(&name)?;
                (statics::config(own, &checkpoint)?, Some(checkpoint))
            }
        };
        let config = Config::new(&name, value.clone())?;
        let tasks = Tasks::of(&config)?;
        let task = files.reference().task();
        let beside = match tasks.is_some() {
            true => Vec::new(),
            false => peft::names(files),
        };
        let (mut adapter, mut added) = (None, None);
        match (task, &tasks) {
            (None, _) => {}
            (Some(task), Some(tasks)) => adapter = Some(tasks.adapter(task)?),
            (Some(task), None) if beside.iter().any(|name| name == task) => {
                added = Some(peft::Adapter::read(files, task)?);
            }
            (Some(task), None) => return Err(adapters::no_task(task, &beside)),
        }
        let family = families::find(&config)?;
        let spec = (family.spec)(&config)?;
        spec.check(&name)?;
        let mut head = recipe.head.clone();
        if files.modules().is_none() {
            modules::refuse_classifiers(&config)?;
            if let Some(pooling) = modules::pooling_of_decoder(&config, &spec) {
                head.set_pooling(pooling);
            }
        }
        let tokenizer = tokenizer::load(files, &recipe, &spec)?;
        let mut weights = match tables {
            Some(checkpoint) => statics::weights(&checkpoint, &spec)?,
            None => {
                let checkpoint = checkpoint()?.with_adapter(adapter);
                Weights::load(checkpoint, &(family.names)(&config)?, &spec)?
            }
        };
        let mut adapter_hash = String::new();
        if let Some(adapter) = added {
            adapter_hash = adapter.hash()?;
            adapter.add_to(&mut weights, &(family.names)(&config)?, &spec)?;
        }
        weights.pack();
        let mut warnings = files.warnings().to_vec();
        if let Some(mix) = recipe.mix {
            let all_states = recipe.all_states || config.flag("output_hidden_states", false)?;
            weights.mix = mix.of_encoder(&spec, all_states, &mut warnings)?;
        }
        let (hash, prompts) = match (task, &tasks) {
            (Some(task), Some(tasks)) => {
                let hash = format!("{}#{task}", files.hash()?);
                (hash, tasks.prompts(task, recipe.prompts))
            }
            (Some(task), None) => {
                let hash = format!("{}#{task}@{adapter_hash}", files.hash()?);
                (hash, recipe.prompts)
            }
            _ => (files.hash()?.to_owned(), recipe.prompts),
        };
        Ok(Self {
            id: files.id(),
            source: files.reference().clone(),
            hash: hash.into(),
            tokenizer: Arc::new(tokenizer),
            encoder: Encoder::new(spec, weights, device.clone()),
            head,
            prompts,
            tasks: tasks.map_or(beside, |tasks| tasks.names),
            truncate_dim: recipe.truncate_dim,
            config: value,
            weight_files,
            warnings,
        })
    }

    /// The same model with other weights; `hash` tells its traces from those of this one.
    pub fn with_weights(&self, mut weights: Weights, head: Head, hash: Arc<str>) -> Self {
        weights.pack();
        let (spec, device) = (self.encoder.spec.clone(), self.encoder.device().clone());
        Self {
            id: self.id.clone(),
            source: self.source.clone(),
            hash,
            tokenizer: self.tokenizer.clone(),
            encoder: Encoder::new(spec, weights, device),
            head,
            prompts: self.prompts.clone(),
            tasks: self.tasks.clone(),
            truncate_dim: self.truncate_dim,
            config: self.config.clone(),
            weight_files: self.weight_files.clone(),
            warnings: Vec::new(),
        }
    }

    pub fn spec(&self) -> &EncoderSpec {
        &self.encoder.spec
    }

    /// E, the length of the sentence vector by the model's own recipe.
    pub fn sentence_size(&self) -> usize {
        let size = self.head.size(self.spec().hidden);
        self.truncate_dim.map_or(size, |cut| cut.min(size))
    }

    /// The words of a prompt.
    ///
    /// # Errors
    /// When the model has no prompt of that name.
    pub fn prompt<'a>(&'a self, prompt: &'a Prompt) -> Result<&'a str, ModelError> {
        match prompt {
            Prompt::Own => self.prompts.get(None),
            Prompt::None => Ok(""),
            Prompt::Named(name) => self.prompts.get(Some(name)),
            Prompt::Text(text) => Ok(text),
        }
    }

    pub fn tokens(&self, text: &str, prompt: &Prompt) -> Result<Tokens, ModelError> {
        let _span = tracing::trace_span!("trace tokens").entered();
        let prompt = self.prompt(prompt)?;
        Ok(self.tokenizer.tokens(Prompted { prompt, text })?)
    }

    /// The model's own recipe.
    pub fn options(&self) -> HeadOptions {
        HeadOptions {
            truncate_dim: self.truncate_dim,
            ..HeadOptions::default()
        }
    }

    /// The model's own recipe, but for a pooling and a cut that a person chose.
    pub fn options_with(
        &self,
        pooling: Option<PoolingMode>,
        truncate_dim: Option<usize>,
    ) -> HeadOptions {
        HeadOptions {
            pooling,
            truncate_dim: truncate_dim.or(self.truncate_dim),
            ..self.options()
        }
    }

    /// Runs encoder and head over packed texts; returns their sentence vectors, each [E].
    pub fn run(
        &self,
        texts: &[&Tokens],
        options: HeadOptions,
        hook: &mut dyn Hook,
    ) -> Result<Vec<Tensor>, ModelError> {
        let out = self.encoder.forward(texts, hook)?;
        let _span = tracing::trace_span!("trace pooling").entered();
        let mut pass = Pass::new(hook, texts.iter().map(|t| t.len()));
        let mut start = 0;
        let mut sentences = Vec::with_capacity(texts.len());
        for (text, tokens) in texts.iter().enumerate() {
            let rows = out.narrow(0, start, tokens.len())?;
            start += tokens.len();
            sentences.push(
                self.head
                    .sentence(tokens, text, &rows, options, &mut pass)?,
            );
        }
        Ok(sentences)
    }

    /// Records one text.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn trace(
        &self,
        text: &str,
        prompt: &Prompt,
        detail: Detail,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        self.trace_sites(text, prompt, |_, site| detail.keeps(site), cancel)
    }

    /// Records one text with every site where that takes no more than about `most` bytes, and as an
    /// outline otherwise.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn trace_within(
        &self,
        text: &str,
        prompt: &Prompt,
        most: usize,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        self.trace_watched(text, prompt, most, &|_| None, cancel)
    }

    /// [`Self::trace_within`] where, for an outline, `watch` may look at the maps as they pass by.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn trace_watched(
        &self,
        text: &str,
        prompt: &Prompt,
        most: usize,
        watch: &dyn Fn(&Tokens) -> Option<Arc<dyn HeadWatch>>,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        self.trace_changed((text, prompt), &Changes::default(), most, watch, cancel)
    }

    /// Records those sites of one text that `keeps` says.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn trace_sites(
        &self,
        text: &str,
        prompt: &Prompt,
        keeps: impl Fn(&Tokens, Site) -> bool,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        let started = Instant::now();
        let tokens = Arc::new(self.tokens(text, prompt)?);
        let mut recorder = Recorder::new(|site| keeps(&tokens, site));
        let mut stop = StopWhen(cancel);
        let mut hook = Chain(vec![&mut stop, &mut recorder]);
        self.run(&[&tokens], self.options(), &mut hook)?;
        let values = recorder.take(0);
        self.traced(tokens, started, values)
    }

    fn traced(
        &self,
        tokens: Arc<Tokens>,
        started: Instant,
        values: Vec<(Site, Tensor)>,
    ) -> Result<Trace, ModelError> {
        let (model, layers) = (self.hash.clone(), self.spec().layers());
        let mut trace = Trace::new(tokens, model, layers, started.elapsed(), values)?;
        trace.mixes_layers = self.encoder.weights.mix.is_some();
        Ok(trace)
    }

    /// How many texts or rows to run at once, where `on_cpu` are right for a CPU: a GPU takes about as
    /// long for one as for many.
    pub fn at_once(&self, on_cpu: usize) -> usize {
        match self.encoder.device().is_cpu() {
            true => on_cpu,
            false => 16 * on_cpu,
        }
    }

    /// Sentence vectors of many texts, `batch` at a time, in the order given. `progress` hears how
    /// many are done.
    pub fn embed(
        &self,
        texts: &[Tokens],
        options: HeadOptions,
        batch: usize,
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        // Texts of one length together, so that no batch waits for its longest text.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(texts[i].len()));
        let mut out = vec![Vec::new(); texts.len()];
        for (done, indices) in order.chunks(batch.max(1)).enumerate() {
            let packed: Vec<&Tokens> = indices.iter().map(|&i| &texts[i]).collect();
            let sentences = self.run(&packed, options, &mut StopWhen(cancel))?;
            for (&i, sentence) in indices.iter().zip(sentences) {
                out[i] = sentence.to_vec1()?;
            }
            progress((done + 1) * batch.max(1));
        }
        Ok(out)
    }
}
