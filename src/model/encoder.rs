//! The one encoder: an [`EncoderSpec`], its weights, and a hook at every site.
//!
//! Several texts run packed one behind the other, without padding: products and norms see ΣT rows,
//! attention sees one text at a time.

use std::ops::Range;

use candle_core::{Device, Tensor};

use super::ModelError;
use super::ops::Ops;
use super::part::Part;
use super::spec::{EncoderSpec, Positions};
use super::weights::{LayerWeights, Weights};
use crate::tokens::Tokens;
use crate::trace::hook::{Act, Hook};
use crate::trace::site::{EmbedSite, LayerSite, Site};

/// An encoder ready to run.
#[derive(Clone, Debug)]
pub struct Encoder {
    pub spec: EncoderSpec,
    pub weights: Weights,
    device: Device,
    ops: Ops,
}

/// One forward pass under way: the hook, and which rows belong to which text.
pub struct Pass<'a> {
    hook: &'a mut dyn Hook,
    texts: Vec<Range<usize>>,
}

impl<'a> Pass<'a> {
    /// `lengths` are the token counts of the packed texts.
    pub fn new(hook: &'a mut dyn Hook, lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut start = 0;
        let range = |length| {
            let text = start..start + length;
            start += length;
            text
        };
        let texts = lengths.into_iter().map(range).collect();
        Self { hook, texts }
    }

    pub fn wants(&self, site: Site) -> bool {
        self.hook.wants(site)
    }

    /// Shows one text's value and returns what the pass goes on with.
    pub fn visit(&mut self, site: Site, text: usize, value: Tensor) -> Result<Tensor, ModelError> {
        if !self.hook.wants(site) {
            return Ok(value);
        }
        match self.hook.visit(site, text, &value)? {
            Act::Keep => Ok(value),
            Act::Stop => Err(ModelError::Stopped),
            Act::Replace(new) if new.dims() == value.dims() => Ok(new),
            Act::Replace(new) => Err(ModelError::Input {
                what: format!("a hook's replacement of {site}"),
                problem: format!("has shape {:?} instead of {:?}", new.dims(), value.dims()),
            }),
        }
    }

    /// Shows a packed value [ΣT, n] text by text.
    fn visit_rows(&mut self, site: Site, value: Tensor) -> Result<Tensor, ModelError> {
        if !self.hook.wants(site) {
            return Ok(value);
        }
        if self.texts.len() == 1 {
            return self.visit(site, 0, value);
        }
        let mut parts = Vec::with_capacity(self.texts.len());
        for (text, rows) in self.texts.clone().into_iter().enumerate() {
            let part = value.narrow(0, rows.start, rows.len())?;
            parts.push(self.visit(site, text, part)?);
        }
        Ok(Tensor::cat(&parts, 0)?)
    }
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

    /// The same encoder on the differentiable path; the weights are shared.
    pub fn differentiable(&self) -> Self {
        Self {
            ops: Ops::differentiable(&self.device),
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
        let mut pass = Pass::new(hook, parts.iter().map(Part::len));
        self.check(parts)?;
        let x = self.embed(parts, &mut pass)?;
        self.layers_from(0, x, &mut pass)
    }

    /// Runs layer `first` and all after it on its `resid_in`, packed [ΣT, D]. Returns `final.out`.
    pub fn layers_from(
        &self,
        first: usize,
        mut x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        for (l, layer) in self.weights.layers.iter().enumerate().skip(first) {
            x = self.layer(l, layer, x, pass)?;
        }
        pass.visit_rows(Site::FinalOut, x)
    }

    fn check(&self, parts: &[Part<'_>]) -> Result<(), ModelError> {
        for part in parts {
            if part.is_empty() {
                return Err(ModelError::NoTokens);
            }
            let text = part.tokens;
            let bad = |problem: String| ModelError::Input {
                what: format!("text `{}`", shorten(&text.text)),
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

    /// Token + position + type, normed: `embed.out`, [ΣT, D].
    fn embed(&self, parts: &[Part<'_>], pass: &mut Pass<'_>) -> Result<Tensor, ModelError> {
        let weights = &self.weights;
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

        let Positions::Learned { first, .. } = self.spec.positions;
        let places = parts
            .iter()
            .flat_map(|part| part.places().map(|place| (first + place) as u32));
        let position = rows(&weights.position, places.collect())?;
        let position = pass.visit_rows(Site::Embed(EmbedSite::Position), position)?;

        if let Some(table) = &weights.types {
            let types = rows(table, picked(|tokens| &tokens.type_ids))?;
            // In the order of the reference, so that rounding agrees: (token + type) + position.
            x = (x + pass.visit_rows(Site::Embed(EmbedSite::Type), types)?)?;
        }
        let x = self
            .ops
            .add_norm(&x, Some(&position), &weights.embed_norm)?;
        pass.visit_rows(Site::Embed(EmbedSite::Out), x)
    }

    /// One block, [ΣT, D] to [ΣT, D].
    fn layer(
        &self,
        l: usize,
        layer: &LayerWeights,
        x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let at = |site| Site::Layer(l, site);
        let ops = self.ops;
        let x = pass.visit_rows(at(LayerSite::ResidIn), x)?;
        let mixed = self.attention(l, layer, &x, pass)?;
        let written = ops.linear(&mixed, &layer.output)?;
        let written = pass.visit_rows(at(LayerSite::AttnOut), written)?;
        let mid = ops.add_norm(&written, Some(&x), &layer.attn_norm)?;
        let mid = pass.visit_rows(at(LayerSite::ResidMid), mid)?;

        let pre = pass.visit_rows(at(LayerSite::FfnPre), ops.linear(&mid, &layer.up)?)?;
        let act = ops.activate(&pre, self.spec.activation)?; // [ΣT, F]
        let act = pass.visit_rows(at(LayerSite::FfnAct), act)?;
        let written = ops.linear(&act, &layer.down)?;
        let written = pass.visit_rows(at(LayerSite::FfnOut), written)?;
        let out = ops.add_norm(&written, Some(&mid), &layer.ffn_norm)?;
        pass.visit_rows(at(LayerSite::ResidOut), out)
    }

    /// What the heads mixed, side by side and before the output projection: [ΣT, D].
    fn attention(
        &self,
        l: usize,
        layer: &LayerWeights,
        x: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let (heads, size) = (self.spec.heads, self.spec.head_size());
        let rows = x.dim(0)?;
        let qkv = self
            .ops
            .linear(x, &layer.qkv)?
            .reshape((rows, 3, heads, size))?;
        if !INSIDE.iter().any(|&site| pass.wants(Site::Layer(l, site)))
            && let Some(out) = self.ops.attention(&qkv, &pass.texts, self.spec.scale())
        {
            return Ok(out?);
        }
        let mut mixed = Vec::with_capacity(pass.texts.len());
        for (text, rows) in pass.texts.clone().into_iter().enumerate() {
            let qkv = qkv.narrow(0, rows.start, rows.len())?;
            mixed.push(self.attention_of(l, text, &qkv, pass)?);
        }
        match mixed.len() {
            1 => Ok(mixed.remove(0)),
            _ => Ok(Tensor::cat(&mixed, 0)?),
        }
    }

    /// Attention of one text, stage by stage. qkv [T, 3, H, d] to [T, D].
    fn attention_of(
        &self,
        l: usize,
        text: usize,
        qkv: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let at = |site| Site::Layer(l, site);
        let part = |i| qkv.narrow(1, i, 1)?.squeeze(1)?.transpose(0, 1); // [H, T, d]
        let q = pass.visit(at(LayerSite::Q), text, part(0)?)?;
        let k = pass.visit(at(LayerSite::K), text, part(1)?)?;
        let v = pass.visit(at(LayerSite::V), text, part(2)?)?;
        let scores = self.ops.scores(&q, &k, self.spec.scale())?; // [H, T, T]
        let scores = pass.visit(at(LayerSite::ScoreContent), text, scores)?;
        let scores = pass.visit(at(LayerSite::Scores), text, scores)?;
        let pattern = pass.visit(at(LayerSite::Pattern), text, self.ops.softmax(&scores)?)?;
        let mixed = self.ops.mix(&pattern, &v)?; // [T, H, d]
        let mixed = pass.visit(at(LayerSite::HeadOut), text, mixed.transpose(0, 1)?)?;
        let (heads, tokens, size) = mixed.dims3()?;
        Ok(mixed.transpose(0, 1)?.reshape((tokens, heads * size))?)
    }
}

/// The sites that only staged attention passes by.
const INSIDE: [LayerSite; 7] = [
    LayerSite::Q,
    LayerSite::K,
    LayerSite::V,
    LayerSite::ScoreContent,
    LayerSite::Scores,
    LayerSite::Pattern,
    LayerSite::HeadOut,
];

/// The start of a text, for an error message.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let mut start: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        start.push('…');
    }
    start
}
