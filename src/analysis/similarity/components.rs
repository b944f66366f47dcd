//! The residual stream unrolled: the cosine as a sum over pairs of what wrote into it.

use std::ops::Range;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use super::frozen::{FrozenBlock, FrozenEncoder, FrozenNorms, wide};
use super::parts::{BIAS, Parts};
use super::pool::FrozenPool;
use super::{Method, PairMatrix, changed};
use crate::analysis::pooling::{sentence, values};
use crate::cancel::Cancel;
use crate::model::spec::{BlockSpec, EncoderSpec};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::{LayerSite, Site, Trace};

/// The name of the part of all constants.
pub const BIASES: &str = "biases";

/// What writes into the residual stream by itself. Layers and heads count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// Token, position and type, through the embedding norm.
    Embedding,
    Head {
        layer: usize,
        head: usize,
    },
    Ffn {
        layer: usize,
    },
    /// Beside a block.
    Convolution {
        layer: usize,
    },
}

impl Writer {
    /// All of an encoder's, in the order in which they write: 1 + L·(H + 1), and one for each
    /// convolution.
    pub fn all(spec: &EncoderSpec) -> Vec<Self> {
        let block = |(layer, block): (usize, &BlockSpec)| {
            let heads = (0..spec.heads).map(move |head| Self::Head { layer, head });
            let convolution = block.convolution.map(|_| Self::Convolution { layer });
            heads.chain([Self::Ffn { layer }]).chain(convolution)
        };
        let blocks = spec.blocks.iter().enumerate().flat_map(block);
        std::iter::once(Self::Embedding).chain(blocks).collect()
    }

    /// As the panels number them, from 1: `embed`, `L2.H7`, `L2.FFN`.
    pub fn name(self) -> String {
        match self {
            Self::Embedding => "embed".to_owned(),
            Self::Head { layer, head } => format!("L{}.H{}", layer + 1, head + 1),
            Self::Ffn { layer } => format!("L{}.FFN", layer + 1),
            Self::Convolution { layer } => format!("L{}.conv", layer + 1),
        }
    }

    /// The stage that it is, of three in each block (attention, feed-forward, convolution); none of
    /// what is there before the first.
    fn stage(self) -> Option<usize> {
        match self {
            Self::Embedding => None,
            Self::Head { layer, .. } => Some(3 * layer),
            Self::Ffn { layer } => Some(3 * layer + 1),
            Self::Convolution { layer } => Some(3 * layer + 2),
        }
    }
}

/// One text's sentence vector by writers, the biases last. `trace` is one of this model.
///
/// A writer's part is its *direct effect*: what it wrote, carried to the end through every later
/// norm of the stream as g ⊙ (c − mean c)/σ with the recorded σ, past all later heads and FFNs, which are writers
/// of their own. What is written whatever the text says goes to the biases: every β, the biases of
/// the output and down projections, and that of the values (a pattern's rows sum to 1, so each head
/// passes it on whole).
///
/// # Errors
/// As [`components`].
pub fn writer_parts(
    model: &Model,
    trace: &Trace,
    options: HeadOptions,
    cancel: &Cancel,
) -> Result<Parts, ModelError> {
    changed::check(Method::Components, [trace, trace])?;
    let trace = &*model.whole(trace, cancel)?;
    let encoder = FrozenEncoder::new(&model.encoder, trace)?;
    let pool = FrozenPool::new(&model.head, trace, options.pooling)?;
    let writers = Writer::all(model.spec());
    let pooled = writers.par_iter().map(|&writer| {
        if cancel.is_cancelled() {
            return Err(ModelError::Stopped);
        }
        let part = written(&encoder, trace, writer)?; // [T, D]
        Ok(pool.apply(&carried(&encoder, writer, part)))
    });
    let pooled: Vec<Vec<f64>> = pooled.collect::<Result<_, _>>()?;
    let names = writers.into_iter().map(Writer::name).collect();
    let bias = pool.apply(&biases(&encoder)?);
    Parts::of_pooled(
        &model.head,
        options,
        (names, pooled.concat()),
        (BIASES, bias),
    )
}

/// What a writer wrote, [T, D], through the norms on the residual stream itself behind it; the first
/// is that of its own stage, behind the sum. Where layers are mixed, what it brings to all of them.
fn carried(encoder: &FrozenEncoder, writer: Writer, mut part: Vec<f64>) -> Vec<f64> {
    let layers = encoder.blocks.len();
    let mut mixed = vec![0.; part.len()];
    let mix_in = |mixed: &mut [f64], state, part: &[f64]| {
        encoder.mix_in(mixed, state, part.iter().copied());
    };
    let own = writer.stage();
    if own.is_none() && layers > 0 {
        mix_in(&mut mixed, 0, &part);
    }
    for stage in own.unwrap_or(0)..3 * layers {
        let block = &encoder.blocks[stage / 3];
        match (stage % 3, &block.convolution) {
            (0, _) => block.attn_norms.carry(&mut part, own == Some(stage)),
            (1, _) => block.ffn_norms.carry(&mut part, own == Some(stage)),
            (_, Some(convolution)) => convolution.norm.apply(&mut part),
            (_, None) => {}
        }
        let state = stage / 3 + 1;
        if stage % 3 == 2 && state < layers {
            mix_in(&mut mixed, state, &part);
        }
    }
    if let Some(last) = &encoder.final_norm {
        last.apply(&mut part);
    }
    mix_in(&mut mixed, layers, &part);
    match encoder.mix.is_empty() {
        true => part,
        false => mixed,
    }
}

/// The names of the parts that [`group_parts`] gives to the group: every writer's, and the biases.
pub(super) fn written_names(model: &Model) -> Vec<String> {
    let writers = Writer::all(model.spec());
    let names = writers.into_iter().map(Writer::name);
    names.chain([BIASES.to_owned()]).collect()
}

/// One text's sentence vector by what wrote the states of the tokens in `group`: [`written_names`],
/// then `rest`, which is all other tokens. What the modules behind the pool add belongs to no token
/// and is the bias.
///
/// # Errors
/// As [`components`].
pub(super) fn group_parts(
    model: &Model,
    trace: &Trace,
    options: HeadOptions,
    group: &Range<usize>,
    cancel: &Cancel,
) -> Result<Parts, ModelError> {
    changed::check(Method::Components, [trace, trace])?;
    let trace = &*model.whole(trace, cancel)?;
    let encoder = FrozenEncoder::new(&model.encoder, trace)?;
    let pool = FrozenPool::new(&model.head, trace, options.pooling)?;
    let writers = Writer::all(model.spec());
    let cells = group.start * encoder.hidden..group.end * encoder.hidden;
    // What the group gives to the pooled vector, and what the other tokens give.
    let split = |mut part: Vec<f64>| -> [Vec<f64>; 2] {
        let mut own = vec![0.; part.len()];
        own[cells.clone()].copy_from_slice(&part[cells.clone()]);
        part[cells.clone()].fill(0.);
        [pool.apply(&own), pool.apply(&part)]
    };
    let pooled = writers.par_iter().map(|&writer| {
        if cancel.is_cancelled() {
            return Err(ModelError::Stopped);
        }
        let part = written(&encoder, trace, writer)?; // [T, D]
        Ok(split(carried(&encoder, writer, part)))
    });
    let mut pooled: Vec<[Vec<f64>; 2]> = pooled.collect::<Result<_, _>>()?;
    pooled.push(split(biases(&encoder)?));
    let mut rest = vec![0.; pool.size()];
    for [_, others] in &pooled {
        rest.iter_mut().zip(others).for_each(|(sum, x)| *sum += x);
    }
    let own = pooled.into_iter().map(|[own, _]| own).chain([rest]);
    let mut names = written_names(model);
    names.push("rest".to_owned());
    Parts::of_pooled(
        &model.head,
        options,
        (names, own.collect::<Vec<_>>().concat()),
        (BIAS, vec![0.; pool.size()]),
    )
}

/// What one writer adds to the residual stream, constants left out: [T, D].
fn written(encoder: &FrozenEncoder, trace: &Trace, writer: Writer) -> Result<Vec<f64>, ModelError> {
    let (mut part, norms) = match writer {
        Writer::Embedding => {
            return encoder.embedding.apply(encoder.embedding.sum.clone());
        }
        Writer::Head { layer, head } => {
            let block = &encoder.blocks[layer];
            (by_head(block, trace, layer, head)?, &block.attn_norms)
        }
        Writer::Ffn { layer } => {
            let out = values(trace, Site::Layer(layer, LayerSite::FfnOut))?;
            let block = &encoder.blocks[layer];
            let rows = out.flat();
            let cells = rows.iter().zip(block.down.bias.iter().cycle());
            let part = cells.map(|(&x, &b)| f64::from(x) - f64::from(b)).collect();
            (part, &block.ffn_norms)
        }
        Writer::Convolution { layer } => {
            let out = values(trace, Site::Layer(layer, LayerSite::ConvOut))?;
            return Ok(wide(&out.flat()));
        }
    };
    if let Some(norm) = &norms.written {
        norm.apply(&mut part);
    }
    Ok(part)
}

/// (pattern·v − b_v)·W_oᵀ over one head's columns of W_o: [T, d] to [T, D].
fn by_head(
    block: &FrozenBlock,
    trace: &Trace,
    layer: usize,
    head: usize,
) -> Result<Vec<f64>, ModelError> {
    let out = values(trace, Site::Layer(layer, LayerSite::HeadOut))?; // [H, T, d]
    let (tokens, size) = (out.size(1), out.size(2));
    let shared = head * block.kv_heads / out.size(0);
    let constant = &block.value.bias[shared * size..(shared + 1) * size];
    let plane = out.plane(head);
    let cells = plane.iter().zip(constant.iter().cycle());
    let mixed = cells.map(|(&x, &b)| f64::from(x) - f64::from(b));
    let mixed = Tensor::from_vec(mixed.collect::<Vec<f64>>(), (tokens, size), &Device::Cpu)?;
    let weight = block.output.weight.narrow(1, head * size, size)?; // [D, d]
    let weight = weight.to_dtype(DType::F64)?.t()?;
    Ok(mixed.matmul(&weight)?.flatten_all()?.to_vec1()?)
}

/// Everything that is written whatever the text says, carried to the end: [T, D].
fn biases(encoder: &FrozenEncoder) -> Result<Vec<f64>, ModelError> {
    let mut part = encoder.embedding.constant(encoder.tokens)?;
    let add = |part: &mut [f64], constant: &[f64]| {
        for row in part.chunks_exact_mut(constant.len().max(1)) {
            row.iter_mut().zip(constant).for_each(|(x, b)| *x += b);
        }
    };
    let half = |part: &mut Vec<f64>, constant: &[f64], norms: &FrozenNorms| {
        let mut written = vec![0.; part.len()];
        add(&mut written, constant);
        norms.join_constants(part, written);
    };
    let mut mixed = vec![0.; part.len()];
    for (l, block) in encoder.blocks.iter().enumerate() {
        encoder.mix_in(&mut mixed, l, part.iter().copied());
        half(&mut part, &of_attention(block)?, &block.attn_norms);
        half(&mut part, &wide(&block.down.bias), &block.ffn_norms);
        if let Some(convolution) = &block.convolution {
            convolution.norm.apply(&mut part);
            convolution.norm.add_bias(&mut part);
        }
    }
    if let Some(last) = &encoder.final_norm {
        last.apply(&mut part);
        last.add_bias(&mut part);
    }
    encoder.mix_in(&mut mixed, encoder.blocks.len(), part.iter().copied());
    Ok(match encoder.mix.is_empty() {
        true => part,
        false => mixed,
    })
}

/// W_o·b_v + b_o, [D], each value bias as every head that shares it passes it on.
fn of_attention(block: &FrozenBlock) -> Result<Vec<f64>, ModelError> {
    let heads = block.pattern.dim(0)?;
    let size = block.value.bias.len() / block.kv_heads;
    let of_head = |h: usize| {
        let shared = h * block.kv_heads / heads;
        wide(&block.value.bias[shared * size..(shared + 1) * size])
    };
    let value: Vec<f64> = (0..heads).flat_map(of_head).collect(); // [H·d]
    let value = Tensor::new(value, &Device::Cpu)?.unsqueeze(1)?;
    let passed = block.output.weight.to_dtype(DType::F64)?.matmul(&value)?;
    let passed: Vec<f64> = passed.flatten_all()?.to_vec1()?;
    let sums = passed.iter().zip(wide(&block.output.bias));
    Ok(sums.map(|(x, b)| x + b).collect())
}

/// ⟨u_i, v_j⟩/(|e_a||e_b|) over the [`writer_parts`] u of a and v of b; the sum of all cells is the
/// cosine. Rows and columns `embed`, `L1.H1`, …, `L1.FFN`, …, `biases`: [2 + L·(H + 1)] squared, and
/// one more for each convolution, `L1.conv`. A *direct* effect: a head that works through later layers shows there, and ablation shows both.
///
/// # Errors
/// When a trace lacks a site or a module does not take this pooling's vector;
/// [`ModelError::Stopped`] once `cancel` is up.
pub fn components(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    cancel: &Cancel,
) -> Result<PairMatrix, ModelError> {
    let started = Instant::now();
    let e_a = sentence(&model.head, a, options)?;
    let e_b = sentence(&model.head, b, options)?;
    let of_a = writer_parts(model, a, options, cancel)?;
    let of_b = writer_parts(model, b, options, cancel)?;
    Ok(PairMatrix {
        seconds: started.elapsed().as_secs_f64(),
        ..of_a.pairs(&of_b, &e_a, &e_b)?
    })
}
