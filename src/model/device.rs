//! Where the computation runs.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use candle_core::{Device, Result, Tensor};

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

    /// Opens the first device of this kind and tries it.
    ///
    /// # Errors
    /// When this build was made without it, or the machine has none that works.
    pub fn open(self) -> std::result::Result<Device, ModelError> {
        let (built, open): (_, fn(usize) -> Result<Device>) = match self {
            Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda => (cfg!(feature = "cuda"), Device::new_cuda),
            Self::Metal => (cfg!(feature = "metal"), Device::new_metal),
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
        quietly(|| open(0).and_then(tried)).map_err(|problem| {
            let needs = match self {
                Self::Cuda => "an NVIDIA GPU with a driver for the CUDA that this was built with",
                _ => "an Apple GPU",
            };
            failed(format!("cannot be used ({problem}); it needs {needs}"))
        })
    }

    /// The device, or the CPU and one line on why it is not the one that was named.
    pub fn open_or_cpu(self) -> (Device, Option<String>) {
        match self.open() {
            Ok(device) => (device, None),
            Err(error) => (Device::Cpu, Some(format!("{error}; going on with cpu"))),
        }
    }
}

/// A driver or a library that does not fit shows at the first sum and the first product.
fn tried(device: Device) -> Result<Device> {
    let x = Tensor::new(&[[1f32, 2.], [3., 4.]], &device)?;
    let sum = (x.matmul(&x)? + 1.)?.sum_all()?.to_scalar::<f32>()?;
    match sum == 58. {
        true => Ok(device),
        false => candle_core::bail!("it computes {sum} where 58 is right"),
    }
}

/// What `job` gives, or the first line of why not: a driver's library may also panic where it finds no
/// device, and nobody is to see that.
fn quietly<T>(job: impl FnOnce() -> Result<T>) -> std::result::Result<T, String> {
    let hook = take_hook();
    set_hook(Box::new(|_| ()));
    let done = catch_unwind(AssertUnwindSafe(job));
    set_hook(hook);
    let error = match done {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "there is none".to_owned(),
    };
    Err(error.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_built_in_is_named_and_the_cpu_used() {
        for name in [DeviceName::Cuda, DeviceName::Metal] {
            let (device, problem) = name.open_or_cpu();
            if let Some(problem) = &problem {
                assert!(device.is_cpu() && !problem.contains('\n'), "{problem}");
                assert!(problem.contains(name.name()), "{problem}");
                assert!(problem.ends_with("; going on with cpu"), "{problem}");
            }
            assert_eq!(problem.is_some(), device.is_cpu());
        }
        assert!(DeviceName::Cpu.open_or_cpu().1.is_none());
    }

    #[test]
    fn a_panic_and_a_long_error_become_one_line() {
        assert!(tried(Device::Cpu).is_ok());
        let told = quietly(|| -> Result<()> { candle_core::bail!("no driver\nand more") });
        assert_eq!(told.unwrap_err(), "no driver");
        let empty: [u8; 0] = [];
        let told = quietly(|| Ok(empty[std::hint::black_box(0)]));
        assert_eq!(told.unwrap_err(), "there is none");
    }
}
