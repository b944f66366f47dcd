//! Where the computation runs.

use candle_core::Device;

use super::ModelError;

/// A device as the command line names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DeviceName {
    #[default]
    Cpu,
    Cuda,
    Metal,
}

impl DeviceName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }

    /// Opens the first device of this kind.
    ///
    /// # Errors
    /// When this build was made without it, or the machine has none.
    pub fn open(self) -> Result<Device, ModelError> {
        let built = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
        };
        let name = self.name();
        let failed = |problem: String| ModelError::Device {
            name: name.to_owned(),
            problem,
        };
        if !built {
            let problem =
                format!("this build has no support for it; build with `--features {name}`");
            return Err(failed(problem));
        }
        let device = match self {
            Self::Cuda => Device::new_cuda(0),
            _ => Device::new_metal(0),
        };
        device.map_err(|e| failed(format!("cannot be opened ({e}); use `--device cpu`")))
    }
}
