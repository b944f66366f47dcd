//! The one encoder: an [`EncoderSpec`], its weights, and a hook at every site.
//!
//! Several texts run packed one behind the other, without padding: products and norms see ΣT rows,
//! attention sees one text at a time.

use candle_core::{Device, Tensor};

use super::ModelError;
use super::mix::Mixing;
use super::ops::{Ops, Rows};
use super::part::Part;
use super::pass::Pass;
use super::spec::{EncoderSpec, Positions, Project};
use super::weights::Weights;
use crate::tokens::{Tokens, start_of};
use crate::trace::hook::Hook;
use crate::trace::site::{EmbedSite, Site};

/// An encoder ready to run.
#[derive(Clone, Debug)]
pub struct Encoder {
    pub spec: EncoderSpec,
    pub weights: Weights,
    device: Device,
    pub(super) ops: Ops,
}

impl Encoder {
    pub fn new(spec: EncoderSpec, weights: Weights, device: Device) -> Self {
        let ops = Ops::fastest(&device);
        Self {
            spec,
            weights,
            device,
            ops,
        }
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same encoder in forward mode on the CPU: its rows are `rows` values, and behind them
    /// blocks of as many tangents (see [`Ops::Tangent`]). For [`Self::layers_from`] alone, since
    /// tokens have no tangents.
    pub fn tangents(&self, rows: usize) -> Result<Self, ModelError> {
        let mut here = |_: &str, tensor: &Tensor| Ok(tensor.to_device(&Device::Cpu)?);
        Ok(Self {
            ops: Ops::Tangent { rows },
            weights: self.weights.map(&mut here)?,
            spec: self.spec.clone(),
            device: Device::Cpu,
        })
    }

    /// The same encoder on the CPU, by candle's operations one after the other.
    ///
    /// # Errors
    /// When the weights cannot be brought there.
    pub fn unfused(&self) -> Result<Self, ModelError> {
        let mut here = |_: &str, tensor: &Tensor| Ok(tensor.to_device(&Device::Cpu)?);
        Ok(Self {
            ops: Ops::Graph,
            weights: self.weights.map(&mut here)?,
            spec: self.spec.clone(),
            device: Device::Cpu,
        })
    }

    /// The same encoder on the differentiable path; the weights are shared.
    pub fn differentiable(&self) -> Self {
        Self {
            ops: Ops::differentiable(&self.device),
            ..self.clone()
        }
    }

    /// The same encoder in candle's own operations, as it runs on a GPU; the weights are shared.
    pub fn in_candle(&self) -> Self {
        Self {
            ops: Ops::Graph,
            ..self.clone()
        }
    }

    /// Runs every layer over the packed texts and returns `final.out`, [ΣT, D].
    ///
    /// # Errors
    /// [`ModelError::Stopped`] when the hook says so; [`ModelError::Input`] when an id or a length
    /// does not fit the model; [`ModelError::NoTokens`] for an empty text.
    pub fn forward(&self, texts: &[&Tokens], hook: &mut dyn Hook) -> Result<Tensor, ModelError> {
        let whole: Vec<Part<'_>> = texts.iter().map(|tokens| Part::whole(tokens)).collect();
        self.forward_parts(&whole, hook)
    }

    /// [`Self::forward`] of parts of texts, each token at its position in the whole text: [ΣK, D].
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn forward_parts(
        &self,
        parts: &[Part<'_>],
        hook: &mut dyn Hook,
    ) -> Result<Tensor, ModelError> {
        let mut rows = Rows::whole([]);
        parts.iter().for_each(|part| rows.push(part.places()));
        let mut pass = Pass::of_rows(hook, rows);
        self.check(parts)?;
        let x = self.embed(parts, &mut pass)?;
        self.layers_from(0, x, &mut pass)
    }

    /// Runs layer `first` and all after it on its `resid_in`, packed [ΣT, D]. Returns `final.out`.
    ///
    /// # Errors
    /// As [`Self::forward`], and [`ModelError::Input`] where `final.out` is a mix in which states before
    /// layer `first` take part.
    pub fn layers_from(
        &self,
        first: usize,
        x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        self.layers_after(None, first, x, pass)
    }

    /// [`Self::layers_from`] with what the states before layer `first` give to a mix of layers, [ΣT, D].
    ///
    /// # Errors
    /// As [`Self::layers_from`].
    pub fn layers_after(
        &self,
        earlier: Option<Tensor>,
        first: usize,
        mut x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let mix = self.weights.mix.as_ref();
        let mut mixing = mix
            .map(|mix| Mixing::new(mix, first, earlier))
            .transpose()?;
        for (l, layer) in self.weights.layers.iter().enumerate().skip(first) {
            if let Some(mixing) = &mut mixing {
                mixing.add(l, &x)?;
            }
            x = self.layer(l, layer, x, pass)?;
        }
        if let Some(norm) = &self.weights.final_norm {
            x = self.ops.norm(&x, norm)?;
        }
        if let Some(mut mixing) = mixing {
            mixing.add(self.spec.layers(), &x)?;
            x = mixing.finish(x);
        }
        pass.visit_rows(Site::FinalOut, x)
    }

    /// Runs layer `l` alone on its `resid_in` [ΣT, D]; returns its `resid_out`.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] when the hook says so.
    pub fn one_layer(
        &self,
        l: usize,
        x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        self.layer(l, &self.weights.layers[l], x, pass)
    }

    fn check(&self, parts: &[Part<'_>]) -> Result<(), ModelError> {
        for part in parts {
            if part.is_empty() {
                return Err(ModelError::NoTokens);
            }
            let text = part.tokens;
            let bad = |problem: String| ModelError::Input {
                what: format!("text `{}`", start_of(&text.text, 40)),
                problem,
            };
            if text.len() > self.spec.max_tokens() {
                let (has, most) = (text.len(), self.spec.max_tokens());
                return Err(bad(format!("has {has} tokens, but the model reads {most}")));
            }
            let rows = self.spec.vocabulary;
            if let Some(id) = text.ids.iter().find(|&&id| id as usize >= rows) {
                let problem = format!(
                    "has token id {id}, but the model's vocabulary has {rows} rows; its tokenizer.json is that of another model"
                );
                return Err(bad(problem));
            }
        }
        Ok(())
    }

    /// Token + position + type, normed and projected: `embed.out`, [ΣT, D].
    fn embed(&self, parts: &[Part<'_>], pass: &mut Pass<'_>) -> Result<Tensor, ModelError> {
        let _span = tracing::trace_span!("trace embedding").entered();
        let (weights, ops) = (&self.weights, self.ops);
        let rows = |table: &Tensor, index: Vec<u32>| {
            let count = index.len();
            let index = Tensor::from_vec(index, count, &self.device)?;
            table.index_select(&index, 0)
        };
        let picked = |of: fn(&Tokens) -> &[u32]| {
            let values = parts.iter().flat_map(move |part| {
                let all = of(part.tokens);
                part.places().map(move |place| all[place])
            });
            values.collect::<Vec<u32>>()
        };
        let token = rows(&weights.token, picked(|tokens| &tokens.ids))?;
        let mut x = pass.visit_rows(Site::Embed(EmbedSite::Token), token)?;
        if self.spec.embed_scale != 1. {
            x = (x * self.spec.embed_scale)?;
        }
        let position = match (&weights.position, self.spec.positions) {
            (Some(table), Positions::Learned { first, padding, .. }) => {
                let of = |part: &Part<'_>| position_rows(*part, first, padding);
                let position = rows(table, parts.iter().flat_map(of).collect())?;
                Some(pass.visit_rows(Site::Embed(EmbedSite::Position), position)?)
            }
            _ => None,
        };
        if let Some(table) = &weights.types {
            let types = rows(table, picked(|tokens| &tokens.type_ids))?;
            // In the order of the reference, so that rounding agrees: (token + type) + position.
            let types = pass.visit_rows(Site::Embed(EmbedSite::Type), types)?;
            x = ops.add(&x, &types)?;
        }
        let projects = |when| {
            weights
                .project
                .as_ref()
                .filter(|_| self.spec.project == when)
        };
        let mut position = position;
        if let Some(project) = projects(Project::BeforeNorm) {
            x = match position.take() {
                Some(position) => ops.add(&x, &position)?,
                None => x,
            };
            x = ops.linear(&x, project)?;
        }
        x = match (&weights.embed_norm, &position) {
            (Some(norm), position) => ops.add_norm(&x, position.as_ref(), norm)?,
            (None, Some(position)) => ops.add(&x, position)?,
            (None, None) => x,
        };
        if let Some(project) = projects(Project::AfterNorm) {
            x = ops.linear(&x, project)?;
        }
        pass.visit_rows(Site::Embed(EmbedSite::Out), x)
    }
}

/// The row of the position table for each kept token, [K].
pub(super) fn position_rows(part: Part<'_>, first: usize, padding: Option<u32>) -> Vec<u32> {
    let Some(padding) = padding else {
        return part.places().map(|place| (first + place) as u32).collect();
    };
    let mut next = first as u32;
    let row = |&id: &u32| match id == padding {
        true => first as u32 - 1,
        false => {
            next += 1;
            next - 1
        }
    };
    let rows: Vec<u32> = part.tokens.ids.iter().map(row).collect();
    part.places().map(|place| rows[place]).collect()
}
