//! From `--model` and `--device` to a model.

use candle_core::Device;

use super::Failure;
use super::progress::Download;
use crate::cancel::Cancel;
use crate::model::device::DeviceName;
use crate::model::source::{SourceOptions, resolve};
use crate::model::{Model, ModelRef};

/// Options that every subcommand takes.
#[derive(clap::Args, Debug)]
pub struct ModelArgs {
    /// The model: a folder, a hub id (org/name or org/name@revision), `bundled`, or `bundled@start`
    /// for the same model before its training; with `#task` behind it, the adapter of one of its tasks
    /// [default: bundled; in the window, the last one used]
    #[arg(long, global = true, help_heading = "Model", value_name = "M")]
    pub model: Option<String>,
    /// Where the computation runs; on the CPU, with a warning, where there is no such device
    #[arg(
        long,
        global = true,
        help_heading = "Model",
        value_enum,
        default_value_t
    )]
    pub device: DeviceName,
}

impl ModelArgs {
    /// Finds the model, downloading it if need be, and loads it.
    ///
    /// # Errors
    /// One line that names the file, field or address at fault.
    pub fn load(&self) -> Result<Model, Failure> {
        let reference = self.reference()?.unwrap_or_default();
        let download = Download::new();
        let report = |progress| download.report(progress);
        let files = resolve(
            &reference,
            &SourceOptions::from_env(),
            &report,
            &Cancel::new(),
        );
        download.finish();
        Ok(Model::load(&files?, &self.open_device())?)
    }

    /// The model that was named, if one was.
    ///
    /// # Errors
    /// When it can be neither a folder nor a hub id.
    pub fn reference(&self) -> Result<Option<ModelRef>, Failure> {
        Ok(self.model.as_deref().map(str::parse).transpose()?)
    }

    /// The device, or the CPU with a warning where there is no such device.
    pub fn open_device(&self) -> Device {
        let (device, problem) = self.device.open_or_cpu();
        if let Some(problem) = problem {
            log::warn!("{problem}");
        }
        device
    }
}
