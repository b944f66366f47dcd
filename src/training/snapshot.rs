//! Where training stands, in one safetensors file: weights, moments, step and settings.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;

use super::TrainError;
use super::folder::replace;
use super::optimizer::Moments;
use super::trainer::{Settings, Trainer};
use crate::model::Model;

const STEP: &str = "step";
const SETTINGS: &str = "settings";

impl Trainer {
    /// Writes where training stands. The file is replaced in one move.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut tensors = Vec::new();
        for (parameter, moments) in self.student.parameters.iter().zip(&self.optimizer.moments) {
            let shape = parameter.var.dims();
            let moment = |values: &Vec<f32>| Tensor::from_slice(values, shape, &Device::Cpu);
            let name = &parameter.name;
            tensors.push((format!("weight/{name}"), parameter.var.as_tensor().clone()));
            tensors.push((format!("first/{name}"), moment(&moments.first)?));
            tensors.push((format!("second/{name}"), moment(&moments.second)?));
        }
        let settings = serde_json::to_string(&self.settings);
        let settings = settings.map_err(|e| TrainError::Settings(e.to_string()))?;
        let about = HashMap::from([
            (STEP.to_owned(), self.step.to_string()),
            (SETTINGS.to_owned(), settings),
        ]);
        let bytes = safetensors::serialize(tensors, Some(about))
            .map_err(|e| TrainError::file(path, e.to_string()))?;
        replace(path, &bytes)
    }

    /// Goes on where [`Self::save`] left off.
    ///
    /// # Errors
    /// When the file is of another model, or was made with settings other than `settings`.
    pub fn resume(model: &Model, settings: Settings, path: &Path) -> Result<Self, TrainError> {
        let bad = |problem: String| TrainError::file(path, problem);
        let bytes = std::fs::read(path).map_err(|e| TrainError::read(path, &e))?;
        let whole = |e| {
            bad(format!(
                "is no whole training state ({e}); train again without --resume"
            ))
        };
        let (_, about) = SafeTensors::read_metadata(&bytes).map_err(whole)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(whole)?;
        let about = about.metadata().clone().unwrap_or_default();
        let field = |name: &str| {
            let found = about.get(name);
            found.ok_or_else(|| bad(format!("has no `{name}`; it is no training state")))
        };
        let saved: Settings = serde_json::from_str(field(SETTINGS)?)
            .map_err(|e| bad(format!("`{SETTINGS}` cannot be read: {e}")))?;
        if let Some(name) = differing(&saved, &settings) {
            let problem = format!(
                "was made with another `{name}`; give the same options as before, or train again without --resume"
            );
            return Err(bad(problem));
        }
        let step = field(STEP)?.parse();
        let mut trainer = Trainer::new(model, settings)?;
        trainer.step = step.map_err(|_| bad(format!("`{STEP}` is no number")))?;
        trainer.optimizer.taken = trainer.step;
        let parameters = &trainer.student.parameters;
        if tensors.len() != 3 * parameters.len() {
            let problem = format!(
                "holds {} tensors, but the model has {} in three kinds; it is the state of another model",
                tensors.len(),
                parameters.len()
            );
            return Err(bad(problem));
        }
        for (parameter, moments) in parameters.iter().zip(&mut trainer.optimizer.moments) {
            let (name, shape) = (&parameter.name, parameter.var.dims());
            let read = |kind: &str| {
                let view = tensors.tensor(&format!("{kind}/{name}")).ok();
                let view =
                    view.filter(|v| v.shape() == shape && v.dtype() == safetensors::Dtype::F32);
                let view =
                    view.ok_or_else(|| bad(format!("does not fit the model at `{name}`")))?;
                let values = view.data().chunks_exact(4);
                Ok::<Vec<f32>, TrainError>(
                    values
                        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                        .collect(),
                )
            };
            let weight = Tensor::from_vec(read("weight")?, shape, &Device::Cpu)?;
            parameter.var.set(&weight)?;
            *moments = Moments {
                first: read("first")?,
                second: read("second")?,
            };
        }
        Ok(trainer)
    }
}

/// The first field in which two settings differ.
fn differing(a: &Settings, b: &Settings) -> Option<String> {
    let json = |s: &Settings| serde_json::to_value(s).unwrap_or_default();
    let (a, b) = (json(a), json(b));
    let fields = a.as_object()?;
    let found = fields
        .iter()
        .find(|(name, value)| b.get(name) != Some(value));
    found.map(|(name, _)| name.clone())
}
