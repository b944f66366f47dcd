//! One block of the encoder, stage by stage, with a hook at every site.

use candle_core::Tensor;

use super::ModelError;
use super::encoder::Encoder;
use super::ops::{Attend, Kept, More, Ops, Watch};
use super::pass::Pass;
use super::spec::{BlockSpec, Mask, QkNorm};
use super::weights::{Ffn, LayerWeights, Linear, Norm, Norms};
use crate::trace::site::{LayerSite, Site};

/// The sites that only staged attention passes by.
const MAPS: [LayerSite; 4] = [
    LayerSite::ScoreContent,
    LayerSite::ScorePosition,
    LayerSite::Scores,
    LayerSite::Pattern,
];

impl Encoder {
    /// One block, [ΣT, D] to [ΣT, D].
    pub(super) fn layer(
        &self,
        l: usize,
        layer: &LayerWeights,
        x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let at = |site| Site::Layer(l, site);
        let x = pass.visit_rows(at(LayerSite::ResidIn), x)?;
        let span = tracing::trace_span!("trace attention").entered();
        let mixed = self.attention(l, layer, &self.before(&layer.attn_norms, &x)?, pass)?;
        let written = self.ops.linear(&mixed, &layer.output)?;
        let written = pass.visit_rows(at(LayerSite::AttnOut), written)?;
        let mid = self.join(&layer.attn_norms, &written, &x)?;
        let mid = pass.visit_rows(at(LayerSite::ResidMid), mid)?;
        drop(span);
        let _span = tracing::trace_span!("trace feed-forward").entered();

        let written = self.ffn(l, &layer.ffn, &self.before(&layer.ffn_norms, &mid)?, pass)?;
        let written = pass.visit_rows(at(LayerSite::FfnOut), written)?;
        let mut out = self.join(&layer.ffn_norms, &written, &mid)?;
        if let Some(weights) = &layer.convolution {
            out = pass.visit_rows(at(LayerSite::ResidFfn), out)?;
            out = self.convolved(l, weights, (&x, &out), pass)?;
        }
        pass.visit_rows(at(LayerSite::ResidOut), out)
    }

    /// What attention or a feed-forward block reads of the residual stream.
    fn before(&self, norms: &Norms, x: &Tensor) -> Result<Tensor, ModelError> {
        match &norms.before {
            Some(norm) => Ok(self.ops.norm(x, norm)?),
            None => Ok(x.clone()),
        }
    }

    /// The residual stream with what was written: see [`Norms`].
    fn join(&self, norms: &Norms, written: &Tensor, x: &Tensor) -> Result<Tensor, ModelError> {
        let normed = norms
            .written
            .as_ref()
            .map(|norm| self.ops.norm(written, norm));
        let mut written = normed.transpose()?.unwrap_or_else(|| written.clone());
        if let Some(norm) = &norms.joined {
            written = self.ops.add_norm(&written, Some(x), norm)?;
        }
        match &norms.after {
            Some(norm) => Ok(self.ops.add_norm(&written, Some(x), norm)?),
            None => Ok(self.ops.add(x, &written)?),
        }
    }

    fn ffn(
        &self,
        l: usize,
        ffn: &Ffn,
        x: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let at = |site| Site::Layer(l, site);
        let (ops, activation) = (self.ops, self.spec.activation);
        let act = match &ffn.gate {
            None => self.up(at(LayerSite::FfnPre), &ffn.up, x, pass)?,
            Some(gate) => {
                let pre = pass.visit_rows(at(LayerSite::FfnPre), ops.linear(x, &ffn.up)?)?;
                let gate = pass.visit_rows(at(LayerSite::FfnGate), ops.linear(x, gate)?)?;
                ops.times(&ops.activate(&gate, activation)?, &pre)?
            }
        };
        let act = match &ffn.router {
            None => act,
            Some(router) => {
                let chosen = self.spec.blocks[l]
                    .experts
                    .map_or(1, |experts| experts.chosen);
                let taken = ops.choose(&ops.linear(x, router)?, chosen)?; // [ΣT, experts]
                ops.times(&act, &each_neuron(&taken, act.dim(1)?)?)?
            }
        };
        let act = pass.visit_rows(at(LayerSite::FfnAct), act)?;
        Ok(ops.linear(&act, &ffn.down)?)
    }

    /// The activation of up(x), [ΣT, F]. Both come of one product; what a hook puts in the place of
    /// up(x) at `site` is activated anew.
    fn up(
        &self,
        site: Site,
        up: &Linear,
        x: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let activation = self.spec.activation;
        let (pre, act) = self.ops.activated(x, up, activation, pass.wants(site))?;
        let Some(pre) = pre else { return Ok(act) };
        let id = pre.id();
        let pre = pass.visit_rows(site, pre)?;
        match pre.id() == id {
            true => Ok(act),
            false => Ok(self.ops.activate(&pre, activation)?),
        }
    }

    /// How the heads of block `l` look, for texts up to `farthest` + 1 places.
    pub(super) fn attend(&self, l: usize, farthest: usize) -> Result<Attend, ModelError> {
        let spec = &self.spec;
        let table = self.weights.distance.as_ref();
        let bias = spec
            .distance
            .map(|distance| distance.by_distance(table, spec.heads, farthest));
        Ok(Attend {
            heads: spec.heads,
            kv_heads: spec.kv_heads,
            size: spec.head_size,
            scale: spec.scale,
            mask: spec.blocks[l].mask,
            bias: bias.transpose()?,
        })
    }

    /// What the heads mixed, side by side and before the output projection: [ΣT, H·d].
    fn attention(
        &self,
        l: usize,
        layer: &LayerWeights,
        x: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let spec = &self.spec;
        let rows = x.dim(0)?;
        let shape = (rows, spec.packed_heads(), spec.head_size);
        let qkv = self.ops.linear(x, &layer.qkv)?.reshape(shape)?;
        let farthest = pass.rows().places.iter().max().copied().unwrap_or(0);
        let attend = self.attend(l, farthest)?;
        let watched = MAPS.iter().any(|&site| pass.wants(Site::Layer(l, site)));
        if !watched && (layer.relative.is_none() || self.ops.takes_more()) {
            return self.whole(l, layer, qkv, &attend, pass);
        }
        if let (Ops::Tangent { rows }, Some(relative)) = (self.ops, &layer.relative) {
            return self.disentangled_along(relative, &qkv, rows, pass.rows());
        }
        let mut mixed = Vec::with_capacity(pass.texts().len());
        for (text, rows) in pass.texts().into_iter().enumerate() {
            let qkv = qkv.narrow(0, rows.start, rows.len())?;
            let staged = Staged {
                l,
                text,
                layer,
                attend: &attend,
            };
            mixed.push(self.attention_of(staged, &qkv, pass)?);
        }
        match mixed.len() {
            1 => Ok(mixed.remove(0)),
            _ => Ok(Tensor::cat(&mixed, 0)?),
        }
    }

    /// Attention without its maps. qkv [ΣT, H + 2·K, d] to [ΣT, H·d].
    fn whole(
        &self,
        l: usize,
        layer: &LayerWeights,
        qkv: Tensor,
        attend: &Attend,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let spec = &self.spec;
        let (h, k) = (spec.heads, spec.kv_heads);
        let at = |site| Site::Layer(l, site);
        let plain = [
            (at(LayerSite::Q), 0..h),
            (at(LayerSite::K), h..h + k),
            (at(LayerSite::V), h + k..h + 2 * k),
        ];
        let qkv = pass.visit_heads(&plain, qkv)?;
        let mut ready = self.placed(spec.blocks[l], layer, qkv, pass)?;
        if spec.moves_heads(l) {
            let turned = [(at(LayerSite::QRot), 0..h), (at(LayerSite::KRot), h..h + k)];
            ready = pass.visit_heads(&turned, ready)?;
        }
        let watch = pass.heads().map(|seen| Watch { layer: l, seen });
        let mixed = match &layer.relative {
            None => self.ops.attention(&ready, attend, pass.rows(), watch)?,
            Some(relative) => {
                let more = |q: &Tensor, k: &Tensor, places: &[Vec<usize>]| {
                    self.disentangled_beside(relative, q, k, places)
                        .map_err(candle_core::Error::wrap)
                };
                let with = (attend, &more as More<'_>);
                self.ops.attention_with(&ready, with, pass.rows(), watch)?
            }
        };
        let rows = mixed.dim(0)?;
        let by_head = mixed.reshape((rows, h, spec.head_size))?;
        let by_head = pass.visit_heads(&[(at(LayerSite::HeadOut), 0..h)], by_head)?;
        Ok(by_head.reshape((rows, h * spec.head_size))?)
    }

    /// Packed queries and keys normed and turned: [ΣT, H + 2·K, d] to the same.
    fn placed(
        &self,
        block: BlockSpec,
        layer: &LayerWeights,
        qkv: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let (h, k) = (self.spec.heads, self.spec.kv_heads);
        let mut qkv = qkv;
        if layer.q_norm.is_some() || layer.k_norm.is_some() {
            let q = self.head_norm(&qkv.narrow(1, 0, h)?, layer.q_norm.as_ref())?;
            let keys = self.head_norm(&qkv.narrow(1, h, k)?, layer.k_norm.as_ref())?;
            qkv = Tensor::cat(&[q, keys, qkv.narrow(1, h + k, k)?], 1)?;
        }
        match block.rotary {
            None => Ok(qkv),
            Some(rotary) => Ok(self.ops.rotate(&qkv, h + k, &pass.turns(rotary))?),
        }
    }

    /// Each head of each row normed by itself, or all of a row together: [n, m, d] to the same.
    fn head_norm(&self, x: &Tensor, norm: Option<&Norm>) -> Result<Tensor, ModelError> {
        let Some(norm) = norm else {
            return Ok(x.clone());
        };
        let (rows, heads, size) = x.dims3()?;
        let (each, width) = match self.spec.qk_norm {
            QkNorm::Whole => (1, heads * size),
            QkNorm::Head | QkNorm::None => (heads, size),
        };
        let flat = x.contiguous()?.reshape((rows * each, width))?;
        Ok(self
            .ops
            .of_heads(each)
            .norm(&flat, norm)?
            .reshape((rows, heads, size))?)
    }

    /// Attention of one text, stage by stage. qkv [T, H + 2·K, d] to [T, H·d].
    fn attention_of(
        &self,
        staged: Staged<'_>,
        qkv: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let Staged { l, text, layer, .. } = staged;
        let at = |site| Site::Layer(l, site);
        let (h, shared) = (self.spec.heads, self.spec.kv_heads);
        let part = |from, count| qkv.narrow(1, from, count)?.transpose(0, 1); // [heads, T, d]
        let q = pass.visit(at(LayerSite::Q), text, part(0, h)?)?;
        let k = pass.visit(at(LayerSite::K), text, part(h, shared)?)?;
        let v = pass.visit(at(LayerSite::V), text, part(h + shared, shared)?)?;
        let q = self.turned(&staged, q, layer.q_norm.as_ref(), pass)?;
        let q = self.visit_turned(&staged, LayerSite::QRot, q, pass)?;
        let k = self.turned(&staged, k, layer.k_norm.as_ref(), pass)?;
        let k = self.visit_turned(&staged, LayerSite::KRot, k, pass)?;

        let mixed = match self.plain(&staged, (&q, &k, &v)) {
            Some(kept) => self.visit_kept(&staged, kept?, &v, pass)?,
            None => {
                let scores = self.scores(&staged, &q, &k, pass)?;
                let pattern = self.ops.softmax(&scores)?;
                let pattern = pass.visit(at(LayerSite::Pattern), text, pattern)?;
                self.ops.mix(&pattern, &v)? // [T, H, d]
            }
        };
        let mixed = pass.visit(at(LayerSite::HeadOut), text, mixed.transpose(0, 1)?)?;
        let (heads, tokens, size) = mixed.dims3()?;
        Ok(mixed.transpose(0, 1)?.reshape((tokens, heads * size))?)
    }

    /// All of one text's attention at once, where nothing but content counts and the path has that.
    fn plain(
        &self,
        staged: &Staged<'_>,
        heads: (&Tensor, &Tensor, &Tensor),
    ) -> Option<candle_core::Result<Kept>> {
        let attend = staged.attend;
        let content = attend.mask == Mask::Full && attend.bias.is_none();
        let plain = content && staged.layer.relative.is_none();
        let kept = plain.then(|| self.ops.kept_attention(heads, attend.scale));
        kept.flatten()
    }

    /// Shows maps that are there already. What a hook puts in the place of one makes what follows
    /// from it anew. To what the heads mix, [T, H, d].
    fn visit_kept(
        &self,
        staged: &Staged<'_>,
        kept: Kept,
        v: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let (text, at) = (staged.text, |site| Site::Layer(staged.l, site));
        let id = kept.scores.id();
        let scores = pass.visit(at(LayerSite::ScoreContent), text, kept.scores)?;
        let scores = pass.visit(at(LayerSite::Scores), text, scores)?;
        let (pattern, changed) = match scores.id() == id {
            true => (kept.pattern, false),
            false => (self.ops.softmax(&scores)?, true),
        };
        let id = pattern.id();
        let pattern = pass.visit(at(LayerSite::Pattern), text, pattern)?;
        match changed || pattern.id() != id {
            true => Ok(self.ops.mix(&pattern, v)?),
            false => Ok(kept.mixed),
        }
    }

    /// Queries or keys [n, T, d] of one text after their norm and their turn.
    fn turned(
        &self,
        staged: &Staged<'_>,
        x: Tensor,
        norm: Option<&Norm>,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let rotary = self.spec.blocks[staged.l].rotary;
        if norm.is_none() && rotary.is_none() {
            return Ok(x);
        }
        let by_token = x.transpose(0, 1)?.contiguous()?; // [T, n, d]
        let mut by_token = self.head_norm(&by_token, norm)?;
        if let Some(rotary) = rotary {
            let rows = pass.rows().texts[staged.text].clone();
            let turns = pass.turns(rotary).of_rows(rows);
            by_token = self.ops.rotate(&by_token, by_token.dim(1)?, &turns)?;
        }
        Ok(by_token.transpose(0, 1)?)
    }

    /// Only models that turn or norm queries and keys have these sites.
    fn visit_turned(
        &self,
        staged: &Staged<'_>,
        site: LayerSite,
        x: Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        match self.spec.moves_heads(staged.l) {
            true => pass.visit(Site::Layer(staged.l, site), staged.text, x),
            false => Ok(x),
        }
    }

    /// Content, what positions add, and the mask: [H, T, T].
    fn scores(
        &self,
        staged: &Staged<'_>,
        q: &Tensor,
        k: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor, ModelError> {
        let at = |site| Site::Layer(staged.l, site);
        let (text, attend) = (staged.text, staged.attend);
        let places = pass.rows().places[pass.rows().texts[text].clone()].to_vec();
        let content = self.ops.scores(q, k, attend.scale)?;
        let mut scores = pass.visit(at(LayerSite::ScoreContent), text, content)?;
        let position = match &staged.layer.relative {
            Some(relative) => Some(self.disentangled(relative, q, k, &places)?),
            None => attend.position_scores(&places, self.device())?,
        };
        if let Some(position) = position {
            let position = pass.visit(at(LayerSite::ScorePosition), text, position)?;
            scores = (scores + position)?;
        }
        if let Some(hidden) = attend.hidden(&places, self.device())? {
            scores = scores.broadcast_add(&hidden)?;
        }
        pass.visit(at(LayerSite::Scores), text, scores)
    }
}

/// A number for each expert as one for each of its neurons: [n, experts] to [n, F].
fn each_neuron(taken: &Tensor, neurons: usize) -> candle_core::Result<Tensor> {
    let (rows, count) = taken.dims2()?;
    let each = taken.unsqueeze(2)?.expand((rows, count, neurons / count))?;
    each.contiguous()?.reshape((rows, neurons))
}

/// One text's attention in one layer.
#[derive(Clone, Copy)]
struct Staged<'a> {
    l: usize,
    text: usize,
    layer: &'a LayerWeights,
    attend: &'a Attend,
}
