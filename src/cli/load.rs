//! From `--model` and `--device` to a model.

use candle_core::Device;

use super::Failure;
use super::progress::Download;
use crate::cancel::Cancel;
use crate::model::device::DeviceName;
use crate::model::source::{DEFAULT_REPO, SourceOptions, resolve};
use crate::model::{Model, ModelRef};

/// Options that every subcommand takes.
#[derive(clap::Args, Debug)]
pub struct ModelArgs {
    /// The model: a folder, a hub id (org/name or org/name@revision), or `bundled`
    #[arg(long, global = true, value_name = "M", default_value = DEFAULT_REPO)]
    pub model: String,
    /// Where the computation runs
    #[arg(long, global = true, value_enum, default_value_t)]
    pub device: DeviceName,
}

impl ModelArgs {
    /// Finds the model, downloading it if need be, and loads it.
    ///
    /// # Errors
    /// One line that names the file, field or address at fault.
    pub fn load(&self) -> Result<Model, Failure> {
        let reference: ModelRef = self.model.parse()?;
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

    /// The device, or the CPU with a warning where there is no such device.
    pub fn open_device(&self) -> Device {
        self.device.open().unwrap_or_else(|error| {
            log::warn!("{error}; going on with cpu");
            Device::Cpu
        })
    }
}
