//! From the tables to what enters layer 0, with the norm's σ held.

use candle_core::{DType, Tensor};

use super::norm::FrozenNorm;
use super::{FrozenLinear, values};
use crate::model::spec::Project;
use crate::model::{Encoder, ModelError};
use crate::trace::{EmbedSite, Site, Trace};

/// project(norm(scale·token + type + position)), or norm(project(…)), of one text. E is the tables'
/// width.
pub struct FrozenEmbedding {
    /// The sum: [T, E].
    pub sum: Vec<f64>,
    norm: Option<FrozenNorm>,
    project: Option<FrozenLinear>, // [D, E]
    order: Project,
}

impl FrozenEmbedding {
    /// # Errors
    /// When the trace does not hold the summands.
    pub fn new(encoder: &Encoder, trace: &Trace) -> Result<Self, ModelError> {
        let (weights, spec) = (&encoder.weights, &encoder.spec);
        let project = weights.project.as_ref().map(FrozenLinear::new);
        let mut embedding = Self {
            sum: sum(encoder, trace)?,
            norm: None,
            project: project.transpose()?,
            order: spec.project,
        };
        if let Some(norm) = &weights.embed_norm {
            let (before, width) = match spec.project {
                Project::BeforeNorm => {
                    let mut before = embedding.projected(embedding.sum.clone())?;
                    embedding.add_project_bias(&mut before);
                    (before, spec.hidden)
                }
                _ => (embedding.sum.clone(), spec.embedding),
            };
            embedding.norm = Some(FrozenNorm::new(norm, &before, width)?);
        }
        Ok(embedding)
    }

    /// What a part [T, E] of the sum brings to `embed.out`, constants left out: [T, D].
    ///
    /// # Errors
    /// When the product fails.
    pub fn apply(&self, mut part: Vec<f64>) -> Result<Vec<f64>, ModelError> {
        let norm = |part: &mut Vec<f64>| {
            if let Some(norm) = &self.norm {
                norm.apply(part);
            }
        };
        if self.order == Project::BeforeNorm {
            part = self.projected(part)?;
            norm(&mut part);
            return Ok(part);
        }
        norm(&mut part);
        self.projected(part)
    }

    /// What it adds to every token whatever the text says, [T, D].
    ///
    /// # Errors
    /// When the product fails.
    pub fn constant(&self, tokens: usize) -> Result<Vec<f64>, ModelError> {
        let width = self.sum.len() / tokens.max(1);
        let mut part = vec![0.; tokens * width];
        if self.order == Project::BeforeNorm {
            part = self.projected(part)?;
            self.add_project_bias(&mut part);
        }
        if let Some(norm) = &self.norm {
            norm.apply(&mut part);
            norm.add_bias(&mut part);
        }
        if self.order == Project::AfterNorm {
            part = self.projected(part)?;
            self.add_project_bias(&mut part);
        }
        Ok(part)
    }

    fn add_project_bias(&self, part: &mut [f64]) {
        let Some(project) = &self.project else {
            return;
        };
        for row in part.chunks_exact_mut(project.bias.len()) {
            let cells = row.iter_mut().zip(&project.bias);
            cells.for_each(|(x, &b)| *x += f64::from(b));
        }
    }

    fn projected(&self, part: Vec<f64>) -> Result<Vec<f64>, ModelError> {
        let Some(project) = &self.project else {
            return Ok(part);
        };
        let weight = project.weight.to_dtype(DType::F64)?; // [D, E]
        let width = weight.dim(1)?;
        let rows = part.len() / width;
        let part = Tensor::from_vec(part, (rows, width), weight.device())?;
        Ok(part.matmul(&weight.t()?)?.flatten_all()?.to_vec1()?)
    }
}

/// scale·token + type + position, [T, E].
fn sum(encoder: &Encoder, trace: &Trace) -> Result<Vec<f64>, ModelError> {
    let (weights, spec) = (&encoder.weights, &encoder.spec);
    let at = |site| values(trace, Site::Embed(site));
    let scale = spec.embed_scale as f32;
    let token = at(EmbedSite::Token)?;
    // In f32, as the forward pass multiplies.
    let mut sum: Vec<f64> = token.flat().iter().map(|&x| (x * scale).into()).collect();
    let others = [
        (weights.position.is_some(), EmbedSite::Position),
        (weights.types.is_some(), EmbedSite::Type),
    ];
    for (_, site) in others.iter().filter(|(present, _)| *present) {
        let added = at(*site)?;
        let added = added.flat();
        let cells = sum.iter_mut().zip(added.iter());
        cells.for_each(|(sum, &x)| *sum += f64::from(x));
    }
    Ok(sum)
}
