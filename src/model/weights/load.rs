//! From a checkpoint's names to the weights of an encoder.

use candle_core::Tensor;

use super::super::ModelError;
use super::super::convolution::as_product;
use super::super::families::{FfnNames, Names, NormNames, QkvNames};
use super::super::spec::{DistanceBias, EncoderSpec, Positions, Project, QkNorm};
use super::{
    Checkpoint, ConvolutionWeights, Distances, Ffn, LayerWeights, Linear, Norm, Norms, Relative,
    Weights,
};

impl Weights {
    /// Loads everything that `spec` needs, under one of the spellings of its family.
    ///
    /// # Errors
    /// When a tensor is missing, of another shape, or not finite.
    pub fn load(
        checkpoint: Checkpoint,
        names: &[Names],
        spec: &EncoderSpec,
    ) -> Result<Self, ModelError> {
        let names = spelling(&checkpoint, names)?;
        let checkpoint = checkpoint.with_prefix(names.prefixes, names.token)?;
        let load = Loader {
            checkpoint,
            names,
            spec,
        };
        let width = spec.embedding;
        let position = match spec.positions {
            Positions::Learned { rows, .. } => Some(load.get(names.position, &[rows, width])?),
            Positions::None => None,
        };
        let types = match spec.types {
            0 => None,
            types => Some(load.get(names.types, &[types, width])?),
        };
        let distance = match spec.distance {
            Some(DistanceBias::Buckets { buckets, .. }) => {
                Some(load.get(names.distance, &[buckets, spec.heads])?)
            }
            Some(DistanceBias::Alibi) | None => None,
        };
        let (d, checkpoint) = (spec.hidden, &load.checkpoint);
        let project = match spec.project {
            Project::None => None,
            after => {
                let bias = after == Project::AfterNorm;
                Some(checkpoint.linear_with(names.project, width, d, bias)?)
            }
        };
        let normed = match spec.project {
            Project::BeforeNorm => d,
            _ => width,
        };
        let mut layers: Vec<LayerWeights> = Vec::with_capacity(spec.layers());
        for l in 0..spec.layers() {
            let before = l.checked_sub(1);
            let shared = before.filter(|&before| spec.block_of(before) == spec.block_of(l));
            layers.push(match shared {
                Some(before) => layers[before].clone(),
                None => load.layer(l)?,
            });
        }
        let mut weights = Self {
            token: load.get(names.token, &[spec.vocabulary, width])?,
            position,
            types,
            embed_norm: spec
                .embed_norm
                .then(|| load.norm(names.embed_norm, normed))
                .transpose()?,
            project,
            distance,
            distances: load.distances()?,
            layers,
            final_norm: spec
                .final_norm
                .then(|| load.norm(names.final_norm, spec.hidden))
                .transpose()?,
            mix: None,
        };
        weights.see_distances(spec)?;
        Ok(weights)
    }
}

/// The spelling whose projections in block 0 are there; the first where none are, so that the error
/// names what is missing.
fn spelling<'a>(checkpoint: &Checkpoint, names: &'a [Names]) -> Result<&'a Names, ModelError> {
    let there = |names: &&Names| {
        let qkv = match names.qkv {
            QkvNames::Each { query, .. } => query,
            QkvNames::One(all) => all,
        };
        let anchor = format!("{}.weight", qkv.replace("{l}", "0"));
        checkpoint.has_under(names.prefixes, &anchor)
    };
    let found = names.iter().find(there).or(names.first());
    found.ok_or_else(|| checkpoint.bad("weights", "have no names".to_owned()))
}

struct Loader<'a> {
    checkpoint: Checkpoint,
    names: &'a Names,
    spec: &'a EncoderSpec,
}

impl Loader<'_> {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        self.checkpoint.get(name, shape)
    }

    fn norm(&self, name: &str, size: usize) -> Result<Norm, ModelError> {
        let spec = self.spec;
        let kind = (spec.norm, spec.norm_eps);
        let norm = self
            .checkpoint
            .norm_with(name, size, kind, spec.biases.norm)?;
        match self.names.norms_from_one {
            false => Ok(norm),
            true => Ok(Norm {
                weight: (norm.weight + 1.)?,
                ..norm
            }),
        }
    }

    /// The norm of that name for block `l`; none where the family has none there.
    fn norm_at(&self, name: &str, l: usize, size: usize) -> Result<Option<Norm>, ModelError> {
        match name.is_empty() {
            true => Ok(None),
            false => self.norm(&self.at(name, l), size).map(Some),
        }
    }

    /// A name with the number of the block that layer `l` uses.
    fn at(&self, name: &str, l: usize) -> String {
        name.replace("{l}", &self.spec.block_of(l).to_string())
    }

    fn layer(&self, l: usize) -> Result<LayerWeights, ModelError> {
        let (spec, names) = (self.spec, self.names);
        let (d, width) = (spec.hidden, spec.heads * spec.head_size);
        let qkv = self.qkv(l)?;
        let output = self.at(names.output, l);
        let output = self
            .checkpoint
            .linear_with(&output, width, d, spec.biases.output)?;
        let attn_norms = self.norms(names.attn_norms, l, spec.blocks[l].attn_norm)?;
        let head_norm = |name, heads| match spec.qk_norm {
            QkNorm::None => Ok(None),
            QkNorm::Head => self.norm_at(name, l, spec.head_size),
            QkNorm::Whole => self.norm_at(name, l, heads * spec.head_size),
        };
        Ok(LayerWeights {
            relative: self.relative(l)?,
            qkv,
            q_norm: head_norm(names.q_norm, spec.heads)?,
            k_norm: head_norm(names.k_norm, spec.kv_heads)?,
            output,
            attn_norms,
            ffn: match spec.blocks[l].experts {
                None => self.ffn(l)?,
                Some(experts) => self.experts(l, experts.count)?,
            },
            ffn_norms: self.norms(names.ffn_norms, l, true)?,
            convolution: self.convolution(l)?,
        })
    }

    fn convolution(&self, l: usize) -> Result<Option<ConvolutionWeights>, ModelError> {
        let Some(spec) = self.spec.blocks[l].convolution else {
            return Ok(None);
        };
        let (d, names) = (self.spec.hidden, self.names.convolution);
        let shape = [d, d / spec.groups, spec.kernel];
        let weight = self.get(&format!("{}.weight", names.weight), &shape)?;
        let bias = self.get(&format!("{}.bias", names.weight), &[d])?;
        Ok(Some(ConvolutionWeights {
            taps: Linear::new(as_product(&weight, spec.groups)?, bias),
            kernel: spec.kernel,
            activation: spec.activation,
            norm: self.norm(names.norm, d)?,
        }))
    }

    fn norms(&self, names: NormNames, l: usize, before: bool) -> Result<Norms, ModelError> {
        let d = self.spec.hidden;
        Ok(Norms {
            before: match before {
                true => self.norm_at(names.before, l, d)?,
                false => None,
            },
            written: self.norm_at(names.written, l, d)?,
            joined: self.norm_at(names.joined, l, d)?,
            after: self.norm_at(names.after, l, d)?,
        })
    }

    fn qkv(&self, l: usize) -> Result<Linear, ModelError> {
        let spec = self.spec;
        let (d, size, bias) = (spec.hidden, spec.head_size, spec.biases.qkv);
        let part = |name: &str, heads: usize| {
            let name = self.at(name, l);
            self.checkpoint.linear_with(&name, d, heads * size, bias)
        };
        match self.names.qkv {
            QkvNames::One(name) => part(name, spec.packed_heads()),
            QkvNames::Each { query, key, value } => {
                let query = part(query, spec.heads)?;
                let (key, value) = (part(key, spec.kv_heads)?, part(value, spec.kv_heads)?);
                Ok(Linear::stacked(&[query, key, value])?)
            }
        }
    }

    fn ffn(&self, l: usize) -> Result<Ffn, ModelError> {
        let spec = self.spec;
        let (d, f, biases) = (spec.hidden, spec.ffn, spec.biases);
        let down = self.at(self.names.ffn.down(), l);
        let down = self.checkpoint.linear_with(&down, f, d, biases.down)?;
        let read = |name: &str, rows: usize| {
            let name = self.at(name, l);
            self.checkpoint.linear_with(&name, d, rows, biases.ffn)
        };
        let (up, gate) = match self.names.ffn {
            FfnNames::Each { up, gate, .. } => {
                let gate = spec.gated.then(|| read(gate, f)).transpose()?;
                (read(up, f)?, gate)
            }
            FfnNames::Halves {
                both, gate_first, ..
            } => {
                let both = read(both, 2 * f)?;
                let (first, second) = (both.rows(0, f)?, both.rows(f, f)?);
                match gate_first {
                    true => (second, Some(first)),
                    false => (first, Some(second)),
                }
            }
        };
        Ok(Ffn {
            up,
            gate,
            down,
            router: None,
        })
    }

    /// Experts as one block with all their neurons side by side.
    fn experts(&self, l: usize, count: usize) -> Result<Ffn, ModelError> {
        let (d, names) = (self.spec.hidden, self.names.experts);
        let rows = count * self.spec.ffn;
        let stacked = |name| self.get(&self.at(name, l), &[rows, d]);
        let router = self.at(names.router, l);
        let up = stacked(names.up)?;
        let bias = Tensor::zeros(rows, up.dtype(), up.device())?;
        Ok(Ffn {
            up: Linear::new(up, bias),
            gate: None,
            down: Linear::new(
                stacked(names.down)?.t()?.contiguous()?,
                self.get(&self.at(names.bias, l), &[d])?,
            ),
            router: Some(self.checkpoint.linear_with(&router, d, count, false)?),
        })
    }

    /// The rows for distances that all layers share.
    fn distances(&self) -> Result<Option<Distances>, ModelError> {
        let Some(disentangled) = self.spec.disentangled else {
            return Ok(None);
        };
        let (d, names) = (self.spec.hidden, self.names.relative);
        let norm = disentangled.normed.then(|| self.norm(names.norm, d));
        Ok(Some(Distances {
            table: self.get(names.table, &[2 * disentangled.buckets, d])?,
            norm: norm.transpose()?,
        }))
    }

    /// The products that the rows for distances pass in layer `l`.
    fn relative(&self, l: usize) -> Result<Option<Relative>, ModelError> {
        let spec = self.spec;
        let Some(disentangled) = spec.disentangled else {
            return Ok(None);
        };
        let (d, width) = (spec.hidden, spec.heads * spec.head_size);
        let own = |name: &str, asked: bool| {
            let read = asked && !disentangled.shares_products;
            let product = read.then(|| self.checkpoint.linear(&self.at(name, l), d, width));
            product.transpose()
        };
        let names = self.names.relative;
        Ok(Some(Relative::of(
            own(names.key, disentangled.content_to_position)?,
            own(names.query, disentangled.position_to_content)?,
        )))
    }
}
