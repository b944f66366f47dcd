//! A text's changes made ready: what they do to its tokens, and the hook that does the rest.

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::patch::{Donors, Patch};
use super::{Changes, Intervention};
use crate::model::ModelError;
use crate::model::spec::{EncoderSpec, Positions};
use crate::tokens::Tokens;
use crate::trace::hook::{Act, Hook};
use crate::trace::{EmbedSite, LayerSite, Site};

/// The changes of one text, checked against the model and ready to run.
#[derive(Clone, Default)]
pub struct Applied {
    pub changes: Arc<Changes>,
    /// Places are not told.
    still: bool,
    /// The model adds something for distances to its scores.
    biased: bool,
    /// [L]; empty where nothing is changed.
    blocks: Vec<Block>,
    /// Tokens that no other sees, ascending, as they stand in this run.
    hidden: Vec<usize>,
    /// Where each token of this run stands in the text; none where nothing was moved.
    order: Option<Vec<usize>>,
}

/// What is changed in one layer.
#[derive(Clone)]
struct Block {
    temperature: f64,
    heads: Vec<usize>,
    neurons: Vec<usize>,
    no_attention: bool,
    no_ffn: bool,
    patch: Option<Patch>,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            temperature: 1.,
            heads: Vec::new(),
            neurons: Vec::new(),
            no_attention: false,
            no_ffn: false,
            patch: None,
        }
    }
}

/// A change that this model or text cannot have.
pub(super) fn refused(what: &Intervention, problem: impl Into<String>) -> ModelError {
    ModelError::Input {
        what: format!("the change “{}”", what.title()),
        problem: format!("{}; remove the change", problem.into()),
    }
}

impl Applied {
    /// Checks every change, and moves and hides `tokens` as they say.
    ///
    /// # Errors
    /// [`ModelError::Input`] that names the change which this model or text cannot have, and why.
    pub(super) fn new(
        spec: &EncoderSpec,
        changes: &Changes,
        tokens: &mut Tokens,
    ) -> Result<Self, ModelError> {
        let mut applied = Self {
            changes: Arc::new(changes.clone()),
            biased: spec.distance.is_some() || spec.disentangled.is_some(),
            blocks: vec![Block::default(); spec.layers()],
            ..Self::default()
        };
        for what in &changes.list {
            check(spec, what)?;
            if let Intervention::Shuffle { seed } = what {
                let order = shuffled(tokens, *seed);
                tokens.reorder(&order);
                applied.order = Some(order);
            }
        }
        for what in &changes.list {
            applied.take(what, tokens)?;
        }
        applied.hidden.sort_unstable();
        applied.hidden.dedup();
        tokens.left_out.clone_from(&applied.hidden);
        Ok(applied)
    }

    /// One change, already checked against the model.
    fn take(&mut self, what: &Intervention, tokens: &Tokens) -> Result<(), ModelError> {
        match what {
            Intervention::NoPositions => self.still = true,
            Intervention::NoHead { layer, head } => self.blocks[*layer].heads.push(*head),
            Intervention::NoAttention { layer } => self.blocks[*layer].no_attention = true,
            Intervention::NoFeedForward { layer } => self.blocks[*layer].no_ffn = true,
            Intervention::NoNeuron { layer, neuron } => self.blocks[*layer].neurons.push(*neuron),
            Intervention::NoToken { token } => {
                let at = self.stands(what, *token, tokens)?;
                self.hidden.push(at);
            }
            Intervention::NoPiece { piece } => {
                let spelled =
                    |&t: &usize| tokens.pieces[t] == *piece || tokens.labels.get(t) == Some(piece);
                self.hidden.extend((0..tokens.len()).filter(spelled));
            }
            Intervention::Temperature { layer, hundredths } => {
                let degree = f64::from(*hundredths) / 100.;
                let own = |l: usize| {
                    let one = |other: &Intervention| matches!(other, Intervention::Temperature { layer: Some(o), .. } if *o == l);
                    layer.is_none() && self.changes.list.iter().any(one)
                };
                let layers: Vec<usize> = match layer {
                    Some(layer) => vec![*layer],
                    None => (0..self.blocks.len()).filter(|&l| !own(l)).collect(),
                };
                for l in layers {
                    self.blocks[l].temperature = degree;
                }
            }
            Intervention::Shuffle { .. } => {}
            Intervention::Patch { layer, token, .. } => {
                let at = token.map(|token| self.stands(what, token, tokens));
                let at = at.transpose()?;
                let patch = self.blocks[*layer].patch.get_or_insert_default();
                patch.wishes.push((what.clone(), at));
            }
        }
        Ok(())
    }

    /// Where a token of the text stands in this run.
    fn stands(
        &self,
        what: &Intervention,
        token: usize,
        tokens: &Tokens,
    ) -> Result<usize, ModelError> {
        if token >= tokens.len() {
            let problem = format!("names a token of a text that has only {}", tokens.len());
            return Err(refused(what, problem));
        }
        let order = self.order.as_ref();
        let moved = order.and_then(|order| order.iter().position(|&from| from == token));
        Ok(moved.unwrap_or(token))
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Where the token at this place of the run stands in the text as it was tokenized.
    pub fn origin(&self, token: usize) -> usize {
        let order = self.order.as_ref();
        order
            .and_then(|order| order.get(token))
            .copied()
            .unwrap_or(token)
    }

    /// True where scores are changed, for which whole maps are made.
    pub(super) fn needs_maps(&self) -> bool {
        let warm = self.blocks.iter().any(|block| block.temperature != 1.);
        warm || !self.hidden.is_empty() && !self.blocks.is_empty() || self.still && self.biased
    }

    /// What the scores of a layer are divided by; 1 where nothing is changed.
    pub fn temperature(&self, layer: usize) -> f64 {
        self.blocks.get(layer).map_or(1., |block| block.temperature)
    }

    /// True where positions turn nothing and add nothing.
    pub fn is_still(&self) -> bool {
        self.still
    }

    /// The layers of which the other text's states are needed.
    pub(super) fn patched(&self) -> Vec<usize> {
        let patched = |&l: &usize| self.blocks[l].patch.is_some();
        (0..self.blocks.len()).filter(patched).collect()
    }

    /// Takes the other text's `resid_out` of one layer, [T of the other, D].
    ///
    /// # Errors
    /// Where the texts do not fit together.
    pub(super) fn give(
        &mut self,
        layer: usize,
        states: Tensor,
        texts: &Donors<'_>,
    ) -> Result<(), ModelError> {
        let block = self.blocks.get_mut(layer);
        match block.and_then(|block| block.patch.as_mut()) {
            Some(patch) => patch.give(states, texts),
            None => Ok(()),
        }
    }

    fn wants(&self, site: Site) -> bool {
        let Site::Layer(l, inside) = site else {
            return self.still && site == Site::Embed(EmbedSite::Position);
        };
        let Some(block) = self.blocks.get(l) else {
            return false;
        };
        match inside {
            LayerSite::ScorePosition => self.still && self.biased,
            LayerSite::Scores => block.temperature != 1. || !self.hidden.is_empty(),
            LayerSite::HeadOut => !block.heads.is_empty(),
            LayerSite::AttnOut => block.no_attention,
            LayerSite::FfnAct => !block.neurons.is_empty(),
            LayerSite::FfnOut => block.no_ffn,
            LayerSite::ResidOut => block.patch.as_ref().is_some_and(Patch::is_ready),
            _ => false,
        }
    }

    /// What takes the place of a wanted value.
    fn changed(&self, site: Site, value: &Tensor) -> candle_core::Result<Tensor> {
        let Site::Layer(l, inside) = site else {
            return value.zeros_like();
        };
        let block = &self.blocks[l];
        match inside {
            LayerSite::Scores => self.scores(block, value),
            LayerSite::HeadOut => times(value, &block.heads, 0),
            LayerSite::FfnAct => times(value, &block.neurons, 1),
            LayerSite::ResidOut => match &block.patch {
                Some(patch) => patch.apply(value),
                None => Ok(value.clone()),
            },
            _ => value.zeros_like(),
        }
    }

    /// [H, T, T] with hidden keys hidden and the rest divided by the temperature.
    fn scores(&self, block: &Block, scores: &Tensor) -> candle_core::Result<Tensor> {
        let mut scores = match block.temperature == 1. {
            true => scores.clone(),
            false => (scores / block.temperature)?,
        };
        if !self.hidden.is_empty() {
            let tokens = scores.dim(2)?;
            let mut mask = vec![0f32; tokens * tokens];
            for query in 0..tokens {
                self.hide(query, &mut mask[query * tokens..(query + 1) * tokens]);
            }
            let mask = Tensor::from_vec(mask, (1, tokens, tokens), scores.device())?;
            scores = scores.broadcast_add(&mask)?;
        }
        Ok(scores)
    }

    /// Hides keys in the scores [T] of one query, itself excepted.
    fn hide(&self, query: usize, row: &mut [f32]) {
        for &key in self.hidden.iter().filter(|&&key| key != query) {
            if let Some(score) = row.get_mut(key) {
                *score = f32::NEG_INFINITY;
            }
        }
    }

    /// What the hook does to the maps of layer `l`, done to rows [n, T] of scores that were made from
    /// queries and keys alone; the first is that of query `first`.
    pub(in crate::model) fn finish(&self, l: usize, first: usize, keys: usize, rows: &mut [f32]) {
        let Some(block) = self.blocks.get(l) else {
            return;
        };
        for (i, row) in rows.chunks_exact_mut(keys.max(1)).enumerate() {
            if block.temperature != 1. {
                let degree = block.temperature as f32;
                row.iter_mut().for_each(|score| *score /= degree);
            }
            self.hide(first + i, row);
        }
    }
}

/// The value with some indices along one axis at 0.
fn times(value: &Tensor, off: &[usize], axis: usize) -> candle_core::Result<Tensor> {
    let mut mask = vec![1f32; value.dim(axis)?];
    off.iter().for_each(|&index| mask[index] = 0.);
    let mut shape = vec![1; value.rank()];
    shape[axis] = mask.len();
    let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?.to_device(value.device())?;
    value.broadcast_mul(&mask)
}

/// # Errors
/// Where this model cannot have the change.
fn check(spec: &EncoderSpec, what: &Intervention) -> Result<(), ModelError> {
    let (layers, refuse) = (spec.layers(), |problem: String| Err(refused(what, problem)));
    let of_layers = !matches!(
        what,
        Intervention::NoPositions
            | Intervention::NoToken { .. }
            | Intervention::NoPiece { .. }
            | Intervention::Shuffle { .. }
    );
    if of_layers && layers == 0 {
        return refuse("needs layers, and this model averages its tokens' vectors".to_owned());
    }
    if let Some(layer) = what.layer().filter(|&layer| layer >= layers) {
        return refuse(format!(
            "names layer {}, and this model has {layers}",
            layer + 1
        ));
    }
    match what {
        Intervention::NoPositions if !spec.tells_places() => {
            refuse("needs positions, and this model adds none".to_owned())
        }
        Intervention::NoHead { head, .. } if *head >= spec.heads => refuse(format!(
            "names head {}, and a layer has {}",
            head + 1,
            spec.heads
        )),
        Intervention::NoNeuron { layer, neuron } => {
            let experts = spec.blocks[*layer].experts;
            let neurons = spec.ffn * experts.map_or(1, |experts| experts.count);
            match *neuron < neurons {
                true => Ok(()),
                false => refuse(format!("names neuron {neuron}, and a layer has {neurons}")),
            }
        }
        Intervention::Temperature { hundredths: 0, .. } => {
            refuse("would divide by zero".to_owned())
        }
        _ => Ok(()),
    }
}

impl EncoderSpec {
    /// True where places come in by a table, by turning or by distances.
    pub fn tells_places(&self) -> bool {
        self.positions != Positions::None
            || self.distance.is_some()
            || self.disentangled.is_some()
            || self.blocks.iter().any(|block| block.rotary.is_some())
    }
}

/// The order of a text's tokens for a seed: where each place's token comes from, [T]. Numbers are
/// those of SplitMix64 (Steele et al. 2014), the shuffle that of Fisher and Yates.
fn shuffled(tokens: &Tokens, seed: u64) -> Vec<usize> {
    let moves = |&t: &usize| !tokens.special[t] && t >= tokens.prompt_tokens;
    let places: Vec<usize> = (0..tokens.len()).filter(moves).collect();
    let mut from = places.clone();
    let mut state = seed;
    for last in (1..from.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        from.swap(last, ((z ^ (z >> 31)) % (last as u64 + 1)) as usize);
    }
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    places
        .iter()
        .zip(from)
        .for_each(|(&place, from)| order[place] = from);
    order
}

/// The hook of a pass over texts with changes: one for each text.
pub struct Intervening<'a>(pub Vec<&'a Applied>);

impl Hook for Intervening<'_> {
    fn wants(&self, site: Site) -> bool {
        self.0.iter().any(|applied| applied.wants(site))
    }

    fn visit(&mut self, site: Site, text: usize, value: &Tensor) -> candle_core::Result<Act> {
        match self.0.get(text).filter(|applied| applied.wants(site)) {
            Some(applied) => Ok(Act::Replace(applied.changed(site, value)?)),
            None => Ok(Act::Keep),
        }
    }

    fn turns(&self, text: usize) -> bool {
        self.0.get(text).is_none_or(|applied| !applied.still)
    }

    fn sees(&self, text: usize, token: usize) -> bool {
        let applied = self.0.get(text);
        applied.is_none_or(|applied| !applied.hidden.contains(&token))
    }
}
