//! Low-rank adapters for tasks (Hu et al. 2021), as Jina v3 keeps them beside its weights (Sturua et al.
//! 2024).

use std::collections::BTreeMap;

use candle_core::Tensor;
use serde_json::Value;

use super::ModelError;
use super::config::Config;
use super::modules::Prompts;

/// What follows the name of a weight that adapters may change; what precedes it is a layer's name.
pub const ORIGINAL: &str = "parametrizations.weight.original";

/// The tasks that a model has adapters for.
#[derive(Clone, Debug, PartialEq)]
pub struct Tasks {
    /// In the order in which their adapters lie.
    pub names: Vec<String>,
    /// What stands in front of a text of that task.
    pub instructions: BTreeMap<String, String>,
    rank: usize,
    alpha: f64,
}

/// The adapter of one task: W + (α/r)·B·A for a product, E + (α/r)·A·B for a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapter {
    /// Which of `tasks` it is.
    pub index: usize,
    pub tasks: usize,
    /// r
    pub rank: usize,
    /// α/r
    pub scaling: f64,
}

impl Tasks {
    /// `lora_adaptations`, `task_instructions`, `lora_rank` and `lora_alpha` of config.json; none where
    /// it has no adapters.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn of(config: &Config) -> Result<Option<Self>, ModelError> {
        const NAMES: &str = "lora_adaptations";
        let Some(value) = config.get(&[NAMES]) else {
            return Ok(None);
        };
        let bad = || config.bad(NAMES, format!("must be a list of names, but is {value}"));
        let names = value.as_array().ok_or_else(bad)?.iter();
        let names = names.map(|name| name.as_str().map(str::to_owned).ok_or_else(bad));
        let names: Vec<String> = names.collect::<Result<_, _>>()?;
        let rank = config.size(&["lora_rank"], 4)?;
        if rank == 0 {
            return Err(config.bad("lora_rank", "must be more than 0"));
        }
        Ok(Some(Self {
            names,
            instructions: instructions(config)?,
            rank,
            alpha: config.number(&["lora_alpha"], 1.)?,
        }))
    }

    /// The adapter of a task.
    ///
    /// # Errors
    /// When there is no such task.
    pub fn adapter(&self, task: &str) -> Result<Adapter, ModelError> {
        let index = self.names.iter().position(|name| name == task);
        let index = index.ok_or_else(|| no_task(task, &self.names))?;
        Ok(Adapter {
            index,
            tasks: self.names.len(),
            rank: self.rank,
            scaling: self.alpha / self.rank as f64,
        })
    }

    /// The prompts of the model for one of its tasks: the instruction is the default.
    pub fn prompts(&self, task: &str, mut prompts: Prompts) -> Prompts {
        match self.instructions.get(task) {
            Some(words) => {
                prompts.named.insert(task.to_owned(), words.clone());
            }
            None => {
                prompts.named.entry(task.to_owned()).or_default();
            }
        }
        prompts.default = Some(task.to_owned());
        prompts
    }
}

fn instructions(config: &Config) -> Result<BTreeMap<String, String>, ModelError> {
    const FIELD: &str = "task_instructions";
    let bad =
        |value: &Value| config.bad(FIELD, format!("must map tasks to words, but has {value}"));
    match config.get(&[FIELD]) {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => {
            let words = |(task, words): (&String, &Value)| {
                let text = words.as_str().ok_or_else(|| bad(words))?;
                Ok((task.clone(), text.to_owned()))
            };
            entries.iter().map(words).collect()
        }
        Some(other) => Err(bad(other)),
    }
}

/// Why a model cannot be had for a task.
pub fn no_task(task: &str, names: &[String]) -> ModelError {
    let known = match names.is_empty() {
        true => "it has no adapters; leave `#…` out of the model's name".to_owned(),
        false => format!("it has {}", names.join(", ")),
    };
    ModelError::Input {
        what: format!("task `{task}`"),
        problem: format!("is not one of the model's; {known}"),
    }
}

impl Adapter {
    /// The shapes of `lora_A` and `lora_B` beside the weight [rows, columns] of a layer.
    pub(super) fn shapes(self, layer: &str, [rows, columns]: [usize; 2]) -> [[usize; 3]; 2] {
        let (n, r) = (self.tasks, self.rank);
        match is_table(layer) {
            true => [[n, rows, r], [n, r, columns]],
            false => [[n, r, columns], [n, rows, r]],
        }
    }

    /// The weight with the adapter's part added, all on the CPU.
    ///
    /// # Errors
    /// When the shapes are not those of [`Self::shapes`].
    pub(super) fn added(
        self,
        layer: &str,
        weight: &Tensor,
        [a, b]: [Tensor; 2],
    ) -> candle_core::Result<Tensor> {
        let (a, b) = (a.get(self.index)?, b.get(self.index)?);
        let part = match is_table(layer) {
            true => a.matmul(&b)?,
            false => b.matmul(&a)?,
        };
        weight + (part * self.scaling)?
    }
}

/// Tables lie the other way round than products.
fn is_table(layer: &str) -> bool {
    layer.trim_end_matches('.').ends_with("_embeddings")
}
