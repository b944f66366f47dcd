//! Writing a trace: what it does not hold is made again layer by layer, so that a long text needs room
//! on the disk and not in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use thiserror::Error;

use super::{Model, ModelError};
use crate::cancel::Cancel;
use crate::os;
use crate::trace::{Axis, LayerSite, Site, SiteFilter, Trace, Values};

#[derive(Debug, Error)]
pub enum SaveError {
    #[error("{path}: cannot be written: {problem}")]
    Write { path: String, problem: String },
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl Model {
    /// How long each axis of a site is for a text of so many tokens; none where this model has no such
    /// site.
    pub fn shape_of(&self, site: Site, tokens: usize) -> Option<Vec<usize>> {
        let spec = self.spec();
        let mut neurons = spec.ffn;
        if let Site::Layer(l, inside) = site {
            let block = spec.blocks.get(l)?;
            neurons *= block.experts.map_or(1, |experts| experts.count);
            let has = match inside {
                LayerSite::QRot | LayerSite::KRot => spec.moves_heads(l),
                LayerSite::ScorePosition => spec.distance.is_some() || spec.disentangled.is_some(),
                LayerSite::FfnGate => spec.gated,
                LayerSite::ResidFfn | LayerSite::ConvPre | LayerSite::ConvOut => {
                    block.convolution.is_some()
                }
                _ => true,
            };
            if !has {
                return None;
            }
        }
        let size = |axis: &Axis| match axis {
            Axis::Token | Axis::Query | Axis::Key => tokens,
            Axis::Head => spec.heads,
            Axis::KvHead => spec.kv_heads,
            Axis::HeadDim => spec.head_size,
            Axis::Hidden => spec.hidden,
            Axis::Neuron => neurons,
            Axis::Sentence => self.sentence_size(),
        };
        Some(site.axes().iter().map(size).collect())
    }

    /// The sites of a pass that a filter takes, with their shapes, in the order in which they are
    /// written: those that the trace holds, and those of its layers that can be made again.
    pub fn sites_to_save(&self, trace: &Trace, filter: &SiteFilter) -> Vec<(Site, Vec<usize>)> {
        let tokens = trace.tokens.len();
        let shape = |site: Site| match trace.values(site) {
            Some(values) => Some(values.shape().to_vec()),
            None => match site {
                Site::TokenIds | Site::Layer(..) => self.shape_of(site, tokens),
                _ => None,
            },
        };
        let all = Site::all(trace.layers).filter(|&site| filter.matches(site));
        let mut found: Vec<_> = all.filter_map(|site| Some((site, shape(site)?))).collect();
        found.sort_by_key(|(site, _)| match site {
            Site::TokenIds => (0, 0),
            Site::Layer(l, _) => (2, *l),
            _ => (1, 0),
        });
        found
    }

    /// Writes sites under their own names into a safetensors file: f32, `tokens.ids` as i64.
    ///
    /// # Errors
    /// When the file cannot be written, which then is as it was before; those of [`Model::recall`].
    pub fn save_trace(
        &self,
        trace: &Trace,
        path: &Path,
        filter: &SiteFilter,
        cancel: &Cancel,
    ) -> Result<(), SaveError> {
        // Written beside and moved over, so that a full disk leaves no half file behind.
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        let failed = |error: std::io::Error| failed(path, &os::problem(&error, "written"));
        let moved = File::create(&partial)
            .map_err(failed)
            .and_then(|file| self.write(trace, (file, path), filter, cancel))
            .and_then(|()| std::fs::rename(&partial, path).map_err(failed));
        if moved.is_err() {
            // Nothing useful can be done when the clean-up fails as well.
            let _ = std::fs::remove_file(&partial);
        }
        moved
    }

    /// Into a file that is to be at `path`.
    fn write(
        &self,
        trace: &Trace,
        (file, path): (File, &Path),
        filter: &SiteFilter,
        cancel: &Cancel,
    ) -> Result<(), SaveError> {
        let fault = |problem: &dyn std::fmt::Display| failed(path, problem);
        let failed = |error: std::io::Error| failed(path, &os::problem(&error, "written"));
        let sites = self.sites_to_save(trace, filter);
        let header = header(trace, &sites).map_err(|e| fault(&e))?;
        let mut file = BufWriter::new(file);
        let length = (header.len() as u64).to_le_bytes();
        for part in [&length[..], &header] {
            file.write_all(part).map_err(failed)?;
        }
        // The one layer that was made again last.
        let mut here = trace.clone();
        for (site, _) in sites {
            if site == Site::TokenIds {
                let ids = trace.tokens.ids.iter();
                let bytes: Vec<u8> = ids.flat_map(|&id| i64::from(id).to_le_bytes()).collect();
                file.write_all(&bytes).map_err(failed)?;
                continue;
            }
            if let Site::Layer(layer, _) = site
                && !here.has(site)
            {
                // Lets go of the one before first.
                here = trace.clone();
                here = self.recall(&here, layer, cancel)?;
            }
            let values = here.values(site).ok_or_else(|| {
                // A shape was promised for it.
                fault(&format!("{site} could not be made again"))
            })?;
            write_values(&mut file, &values).map_err(failed)?;
        }
        file.flush().map_err(failed)
    }
}

fn failed(path: &Path, problem: &dyn std::fmt::Display) -> SaveError {
    SaveError::Write {
        path: path.display().to_string(),
        problem: problem.to_string(),
    }
}

/// What stands in front of the values: names, types, shapes and places.
fn header(trace: &Trace, sites: &[(Site, Vec<usize>)]) -> Result<Vec<u8>, String> {
    let mut offset = 0;
    let tensors = sites.iter().map(|(site, shape)| {
        let dtype = match site {
            Site::TokenIds => Dtype::I64,
            _ => Dtype::F32,
        };
        let start = offset;
        offset += shape.iter().product::<usize>() * dtype.bitsize() / 8;
        let info = TensorInfo {
            dtype,
            shape: shape.clone(),
            data_offsets: (start, offset),
        };
        (site.to_string(), info)
    });
    let about = HashMap::from([
        ("text".to_owned(), trace.tokens.text.to_string()),
        ("model".to_owned(), trace.model.to_string()),
    ]);
    let metadata = Metadata::new(Some(about), tensors.collect()).map_err(|e| e.to_string())?;
    let mut bytes = serde_json::to_vec(&metadata).map_err(|e| e.to_string())?;
    // Readers map the values, which therefore begin at a multiple of eight.
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    Ok(bytes)
}

fn write_values(file: &mut impl Write, values: &Values<'_>) -> std::io::Result<()> {
    let mut write = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        file.write_all(&bytes)
    };
    if values.is_held() {
        return write(&values.flat());
    }
    for head in 0..values.size(0) {
        for start in (0..values.size(1)).step_by(values.step()) {
            let rows = start..(start + values.step()).min(values.size(1));
            write(&values.rows(head, rows))?;
        }
    }
    Ok(())
}
