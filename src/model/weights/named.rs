//! Weights under the names of a checkpoint, to be written again.

use candle_core::{DType, Tensor};

use super::super::ModelError;
use super::super::convolution::from_product;
use super::super::families::{FfnNames, Names, NormNames, QkvNames};
use super::super::spec::{EncoderSpec, Project};
use super::{Ffn, LayerWeights, Linear, Norm, Norms, Weights};

/// Tensors and their names, in the order of the forward pass.
struct Named(Vec<(String, Tensor)>);

impl Named {
    fn tensor(&mut self, name: &str, tensor: &Tensor) {
        self.0.push((name.to_owned(), tensor.clone()));
    }

    fn linear(&mut self, name: &str, linear: &Linear, bias: bool) {
        self.tensor(&format!("{name}.weight"), &linear.weight);
        if bias {
            self.tensor(&format!("{name}.bias"), &linear.bias);
        }
    }
}

impl Weights {
    /// Every tensor under its family's name in a checkpoint, without a prefix; zeros for the layer
    /// that nobody uses.
    ///
    /// # Errors
    /// When a tensor cannot be laid out as the checkpoint has it.
    pub fn named(
        &self,
        names: &Names,
        spec: &EncoderSpec,
    ) -> Result<Vec<(String, Tensor)>, ModelError> {
        let mut out = Named(Vec::new());
        out.tensor(names.token, &self.token);
        let tables = [
            (names.position, &self.position),
            (names.types, &self.types),
            (names.distance, &self.distance),
        ];
        for (name, table) in tables {
            table.iter().for_each(|table| out.tensor(name, table));
        }
        let norms = [
            (names.embed_norm, &self.embed_norm),
            (names.final_norm, &self.final_norm),
        ];
        for (name, norm) in norms {
            if let Some(norm) = norm {
                write_norm(&mut out, names, spec, name, norm)?;
            }
        }
        if let Some(project) = &self.project {
            out.linear(names.project, project, spec.project == Project::AfterNorm);
        }
        if let Some(distances) = &self.distances {
            out.tensor(names.relative.table, &distances.table);
            if let Some(norm) = &distances.norm {
                write_norm(&mut out, names, spec, names.relative.norm, norm)?;
            }
        }
        let mut written = None;
        for (l, layer) in self.layers.iter().enumerate() {
            // Layers that share a block are the same tensors; the first of them stands for all.
            let block = spec.block_of(l);
            if written.replace(block) != Some(block) {
                write_layer(&mut out, names, spec, block, layer)?;
            }
        }
        if let Some(pooler) = names.pooler {
            let device = self.token.device();
            let unused = Linear::new(
                Tensor::zeros((spec.hidden, spec.hidden), DType::F32, device)?,
                Tensor::zeros(spec.hidden, DType::F32, device)?,
            );
            out.linear(pooler, &unused, true);
        }
        Ok(out.0)
    }
}

fn write_norm(
    out: &mut Named,
    names: &Names,
    spec: &EncoderSpec,
    name: &str,
    norm: &Norm,
) -> Result<(), ModelError> {
    let weight = match names.norms_from_one {
        true => (&norm.weight - 1.)?,
        false => norm.weight.clone(),
    };
    out.tensor(&format!("{name}.weight"), &weight);
    if spec.biases.norm {
        out.tensor(&format!("{name}.bias"), &norm.bias);
    }
    Ok(())
}

fn write_layer(
    out: &mut Named,
    names: &Names,
    spec: &EncoderSpec,
    block: usize,
    layer: &LayerWeights,
) -> Result<(), ModelError> {
    let at = |name: &str| name.replace("{l}", &block.to_string());
    let (biases, size) = (spec.biases, spec.head_size);
    match names.qkv {
        QkvNames::One(name) => out.linear(&at(name), &layer.qkv, biases.qkv),
        QkvNames::Each { query, key, value } => {
            let (q, k) = (spec.heads * size, spec.kv_heads * size);
            out.linear(&at(query), &layer.qkv.rows(0, q)?, biases.qkv);
            out.linear(&at(key), &layer.qkv.rows(q, k)?, biases.qkv);
            out.linear(&at(value), &layer.qkv.rows(q + k, k)?, biases.qkv);
        }
    }
    let heads = [(names.q_norm, &layer.q_norm), (names.k_norm, &layer.k_norm)];
    for (name, norm) in heads {
        if let Some(norm) = norm {
            write_norm(out, names, spec, &at(name), norm)?;
        }
    }
    if let Some(relative) = &layer.relative {
        let own = [
            (names.relative.key, &relative.key),
            (names.relative.query, &relative.query),
        ];
        for (name, product) in own {
            if let Some(product) = product {
                out.linear(&at(name), product, true);
            }
        }
    }
    out.linear(&at(names.output), &layer.output, biases.output);
    write_norms(out, names, spec, (names.attn_norms, &layer.attn_norms), &at)?;
    write_ffn(out, names, spec, &layer.ffn, &at)?;
    write_norms(out, names, spec, (names.ffn_norms, &layer.ffn_norms), &at)?;
    match (&layer.convolution, spec.blocks[block].convolution) {
        (Some(weights), Some(convolution)) => {
            let weight = from_product(&weights.taps.weight, weights.kernel, convolution.groups)?;
            let plain = Linear::new(weight, weights.taps.bias.clone());
            out.linear(names.convolution.weight, &plain, true);
            write_norm(out, names, spec, names.convolution.norm, &weights.norm)
        }
        _ => Ok(()),
    }
}

fn write_ffn(
    out: &mut Named,
    names: &Names,
    spec: &EncoderSpec,
    ffn: &Ffn,
    at: &dyn Fn(&str) -> String,
) -> Result<(), ModelError> {
    let biases = spec.biases;
    if let Some(router) = &ffn.router {
        let experts = names.experts;
        out.linear(&at(experts.router), router, false);
        out.tensor(&at(experts.up), &ffn.up.weight);
        out.tensor(&at(experts.down), &ffn.down.weight.t()?.contiguous()?);
        out.tensor(&at(experts.bias), &ffn.down.bias);
        return Ok(());
    }
    match names.ffn {
        FfnNames::Each { up, gate, .. } => {
            out.linear(&at(up), &ffn.up, biases.ffn);
            if let Some(weights) = &ffn.gate {
                out.linear(&at(gate), weights, biases.ffn);
            }
        }
        FfnNames::Halves {
            both, gate_first, ..
        } => {
            let gate = ffn.gate.clone().unwrap_or_else(|| ffn.up.clone());
            let halves = match gate_first {
                true => [gate, ffn.up.clone()],
                false => [ffn.up.clone(), gate],
            };
            out.linear(&at(both), &Linear::stacked(&halves)?, biases.ffn);
        }
    }
    out.linear(&at(names.ffn.down()), &ffn.down, biases.down);
    Ok(())
}

fn write_norms(
    out: &mut Named,
    names: &Names,
    spec: &EncoderSpec,
    (places, norms): (NormNames, &Norms),
    at: &dyn Fn(&str) -> String,
) -> Result<(), ModelError> {
    let each = [
        (places.before, &norms.before),
        (places.written, &norms.written),
        (places.joined, &norms.joined),
        (places.after, &norms.after),
    ];
    for (name, norm) in each {
        if let Some(norm) = norm {
            write_norm(out, names, spec, &at(name), norm)?;
        }
    }
    Ok(())
}
