//! One safetensors file, read tensor by tensor: a file on disk is never in memory as a whole, so that
//! loading a model takes no more than the model does.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Mutex;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Metadata, TensorInfo};

use super::super::ModelError;
use super::super::source::{SourceError, StoredFile};
use crate::os;

/// The length of the header, in front of it.
const LENGTH: usize = size_of::<u64>();
/// As the format's own library allows.
const MOST_HEADER: u64 = 100_000_000;
/// Bytes of one step of reading: a multiple of every element's size.
const STEP: usize = 1 << 20;

/// A file whose header has been read and holds.
pub struct File {
    pub name: String,
    header: Metadata,
    /// Where the tensors begin.
    data: usize,
    kept: Kept,
}

enum Kept {
    Bytes(Cow<'static, [u8]>),
    Disk(Mutex<fs::File>),
}

impl File {
    /// Reads the header and checks that the file has every byte that it promises.
    pub fn open(file: &StoredFile) -> Result<Self, ModelError> {
        let name = file.name().display().to_string();
        let (kept, size) = match file {
            StoredFile::Disk(path) => {
                let opened = fs::File::open(path).and_then(|f| Ok((f.metadata()?.len(), f)));
                let (size, opened) = opened.map_err(|e| SourceError::io("read", path, e))?;
                (Kept::Disk(Mutex::new(opened)), size)
            }
            StoredFile::Memory { .. } | StoredFile::Int8 { .. } => {
                let bytes = file.read()?;
                let size = bytes.len() as u64;
                (Kept::Bytes(bytes), size)
            }
        };
        let (header, data) = header(&kept, size).map_err(|why| match why {
            Bad::Read(e) => unreadable(&name, &e),
            Bad::Format(why) => ModelError::Weights {
                file: name.clone(),
                problem: format!(
                    "is not a whole safetensors file ({why}); download or export it again"
                ),
            },
        })?;
        Ok(Self {
            name,
            header,
            data,
            kept,
        })
    }

    /// The name of every tensor.
    pub fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.header.info(name)
    }

    /// The bytes of a tensor of few.
    pub fn bytes(&self, info: &TensorInfo) -> Result<Vec<u8>, ModelError> {
        let mut all = Vec::with_capacity(info.data_offsets.1 - info.data_offsets.0);
        self.steps(info, |step| {
            all.extend_from_slice(step);
            Ok(())
        })?;
        Ok(all)
    }

    /// A tensor of floats as f32, on the CPU.
    pub fn floats(&self, info: &TensorInfo, dtype: DType) -> Result<Tensor, ModelError> {
        let mut values: Vec<f32> = Vec::with_capacity(info.shape.iter().product());
        self.steps(info, |step| {
            // What is f32 already is copied once.
            if dtype == DType::F32 {
                let cells = step.chunks_exact(4);
                values.extend(
                    cells.map(|cell| f32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]])),
                );
                return Ok(());
            }
            let count = step.len() / dtype.size_in_bytes();
            let part = Tensor::from_raw_buffer(step, dtype, &[count], &Device::Cpu)?;
            values.extend(part.to_dtype(DType::F32)?.to_vec1::<f32>()?);
            Ok(())
        })?;
        Ok(Tensor::from_vec(values, &info.shape[..], &Device::Cpu)?)
    }

    /// Passes a tensor's bytes on, a piece at a time.
    fn steps(
        &self,
        info: &TensorInfo,
        mut pass: impl FnMut(&[u8]) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let (start, end) = info.data_offsets;
        let mut step = Vec::new();
        for first in (start..end).step_by(STEP) {
            let size = STEP.min(end - first);
            match &self.kept {
                Kept::Bytes(bytes) => pass(&bytes[self.data + first..][..size])?,
                Kept::Disk(_) => {
                    step.resize(size, 0);
                    let read = self.kept.read((self.data + first) as u64, &mut step);
                    read.map_err(|e| unreadable(&self.name, &e))?;
                    pass(&step)?;
                }
            }
        }
        Ok(())
    }
}

impl Kept {
    /// Fills `out` with what stands from `start` on.
    fn read(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => {
                let there = usize::try_from(start).ok();
                let there = there.and_then(|start| bytes.get(start..)?.get(..out.len()));
                out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::Disk(file) => {
                let mut file = file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(out)
            }
        }
    }
}

/// Why a header was not had.
enum Bad {
    Read(io::Error),
    Format(String),
}

/// The header of a file of `size` bytes, and where its tensors begin.
fn header(kept: &Kept, size: u64) -> Result<(Metadata, usize), Bad> {
    let format = |why: &str| Err(Bad::Format(why.to_owned()));
    let mut length = [0; LENGTH];
    if size < LENGTH as u64 {
        return format("it has no header");
    }
    kept.read(0, &mut length).map_err(Bad::Read)?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER || length > size - LENGTH as u64 {
        return format("its header is cut off, or it is of another format");
    }
    let mut text = vec![0; length as usize];
    kept.read(LENGTH as u64, &mut text).map_err(Bad::Read)?;
    let header: Metadata = serde_json::from_slice(&text)
        .map_err(|e| Bad::Format(format!("its header cannot be read: {e}")))?;
    let data = LENGTH + text.len();
    let promised = (data as u64).saturating_add(header.data_len() as u64);
    match promised == size {
        true => Ok((header, data)),
        false => Err(Bad::Format(format!(
            "its header promises {promised} bytes, and it has {size}"
        ))),
    }
}

fn unreadable(name: &str, error: &io::Error) -> ModelError {
    ModelError::Weights {
        file: name.to_owned(),
        problem: format!("cannot be read: {}", os::problem(error, "read")),
    }
}
