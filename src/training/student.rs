//! A model whose weights can move.

use candle_core::{Device, Tensor, Var};
use rayon::prelude::*;

use super::optimizer::Parameter;
use crate::model::head::{Dense, Head, HeadOptions, Module, Residual};
use crate::model::pass::Pass;
use crate::model::spec::{EncoderSpec, Project};
use crate::model::weights::Weights;
use crate::model::{Encoder, Model, ModelError};
use crate::tokens::Tokens;
use crate::trace::hook::NoHook;

/// A copy of a model with every weight a variable, on the differentiable path of the CPU.
pub struct Student {
    encoder: Encoder,
    head: Head,
    options: HeadOptions,
    /// Every tensor that moves, in a fixed order.
    pub parameters: Vec<Parameter>,
}

/// One batch on its way through the student: what came out, and the way back.
pub struct Forward {
    /// [ΣT, D], on the encoder's tape.
    out: Tensor,
    texts: Vec<Sentence>,
}

/// One text's head, on a tape of its own.
struct Sentence {
    leaf: Var,      // [T, D]
    vector: Tensor, // [E]
}

impl Forward {
    /// The sentence vectors, n of [E].
    pub fn vectors(&self) -> Result<Vec<Vec<f64>>, ModelError> {
        let values = |text: &Sentence| -> Result<Vec<f64>, ModelError> {
            let values = text.vector.to_vec1::<f32>()?;
            Ok(values.into_iter().map(f64::from).collect())
        };
        self.texts.iter().map(values).collect()
    }
}

impl Student {
    pub fn new(model: &Model) -> Result<Self, ModelError> {
        let spec = model.encoder.spec.clone();
        trainable(&spec)?;
        let mut parameters = Vec::new();
        let mut movable = |name: &str, tensor: &Tensor| {
            if !moves(&spec, name) {
                return Ok(tensor.to_device(&Device::Cpu)?);
            }
            let var = Var::from_tensor(&tensor.to_device(&Device::Cpu)?)?;
            let value = var.as_tensor().clone();
            parameters.push(Parameter {
                name: name.to_owned(),
                decays: tensor.rank() > 1,
                var,
            });
            Ok(value)
        };
        let weights = model.encoder.weights.map(&mut movable)?;
        let head = map_head(&model.head, &mut movable)?;
        Ok(Self {
            encoder: Encoder::new(spec, weights, Device::Cpu).differentiable(),
            head,
            options: model.options(),
            parameters,
        })
    }

    /// Runs a batch and keeps what the way back needs.
    ///
    /// # Errors
    /// Those of [`Encoder::forward`].
    pub fn forward(&self, texts: &[&Tokens]) -> Result<Forward, ModelError> {
        let mut encoder = self.encoder.clone();
        encoder.weights.see_distances(&encoder.spec)?;
        let out = encoder.forward(texts, &mut NoHook)?;
        let mut start = 0;
        let starts: Vec<usize> = texts
            .iter()
            .map(|text| {
                start += text.len();
                start - text.len()
            })
            .collect();
        let values = out.detach();
        let sentence = |(tokens, start): (&&Tokens, usize)| {
            let rows = values.narrow(0, start, tokens.len())?;
            let leaf = Var::from_tensor(&rows.contiguous()?)?;
            let mut hook = NoHook;
            let mut pass = Pass::new(&mut hook, [tokens.len()]);
            let head = &self.head;
            let vector = head.sentence(tokens, 0, leaf.as_tensor(), self.options, &mut pass)?;
            Ok(Sentence { leaf, vector })
        };
        let texts = texts.par_iter().zip(starts).map(sentence);
        Ok(Forward {
            texts: texts.collect::<Result<_, ModelError>>()?,
            out,
        })
    }

    /// ∂loss/∂parameter for every parameter that the batch touches, in their order, from
    /// ∂loss/∂sentence, n of [E].
    pub fn backward(
        &self,
        forward: Forward,
        by_sentence: &[Vec<f64>],
    ) -> Result<Vec<Option<Tensor>>, ModelError> {
        let along = |(text, gradient): (&Sentence, &Vec<f64>)| {
            let gradient: Vec<f32> = gradient.iter().map(|&g| g as f32).collect();
            let gradient = Tensor::new(gradient, &Device::Cpu)?;
            let loss = (&text.vector * gradient)?.sum_all()?;
            loss.backward()
        };
        let stores: Vec<_> = forward
            .texts
            .par_iter()
            .zip(by_sentence)
            .map(along)
            .collect::<Result<_, _>>()?;
        let of_leaf = |(text, store): (&Sentence, &candle_core::backprop::GradStore)| match store
            .get(text.leaf.as_tensor())
        {
            Some(gradient) => Ok(gradient.clone()),
            None => text.leaf.zeros_like(),
        };
        let rows = forward.texts.iter().zip(&stores).map(of_leaf);
        let rows = Tensor::cat(&rows.collect::<candle_core::Result<Vec<_>>>()?, 0)?; // [ΣT, D]
        let encoder = (&forward.out * rows)?.sum_all()?.backward()?;

        let mut gradients = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let tensor = parameter.var.as_tensor();
            let mut sum = encoder.get(tensor).cloned();
            for part in stores.iter().filter_map(|store| store.get(tensor)) {
                sum = Some(match sum {
                    None => part.clone(),
                    Some(sum) => (sum + part)?,
                });
            }
            gradients.push(sum);
        }
        Ok(gradients)
    }

    /// The weights as they are now, for a model that other threads run while training goes on.
    pub fn snapshot(&self) -> Result<(Weights, Head), ModelError> {
        let mut copy = |_: &str, tensor: &Tensor| Ok(tensor.detach().copy()?);
        let mut weights = self.encoder.weights.map(&mut copy)?;
        weights.see_distances(&self.encoder.spec)?;
        Ok((weights, map_head(&self.head, &mut copy)?))
    }
}

/// Refuses encoders whose weights cannot be written back as they were read.
fn trainable(spec: &EncoderSpec) -> Result<(), ModelError> {
    let mut convolutions = spec.blocks.iter().filter_map(|block| block.convolution);
    match convolutions.any(|convolution| convolution.groups > 1) {
        false => Ok(()),
        true => Err(ModelError::Unsupported {
            file: "config.json".to_owned(),
            what: format!("training a {} model with `conv_groups`", spec.family),
            hint: "what lies between the groups would move; models with one group can be trained"
                .to_owned(),
        }),
    }
}

/// False for what stays as it is: biases that the model does not have, the bias by distance, which is laid
/// out anew for each text, and the rows for distances as layers see them, which follow from others.
fn moves(spec: &EncoderSpec, name: &str) -> bool {
    let biases = spec.biases;
    let has = |part: &str| name.ends_with(&format!(".{part}.bias"));
    let layer = name
        .strip_prefix("layer.")
        .and_then(|name| name.split('.').next());
    let block = layer.and_then(|l| spec.blocks.get(l.parse::<usize>().ok()?));
    let experts = block.is_some_and(|block| block.experts.is_some());
    match name {
        "distance" => false,
        "project.bias" => spec.project == Project::AfterNorm,
        // Made anew from what moves.
        _ if name.ends_with("relative.keys") || name.ends_with("relative.queries") => false,
        _ if has("router") => false,
        _ if experts && (has("up") || has("down")) => has("down"),
        _ if has("qkv") => biases.qkv,
        _ if has("output") => biases.output,
        _ if has("up") || has("gate") => biases.ffn,
        _ if has("down") => biases.down,
        _ if name.contains("norm") && name.ends_with(".bias") && !name.starts_with("head.") => {
            biases.norm
        }
        _ => true,
    }
}

type Map<'a> = dyn FnMut(&str, &Tensor) -> Result<Tensor, ModelError> + 'a;

/// The head with `f` applied to every tensor in it.
fn map_head(head: &Head, f: &mut Map<'_>) -> Result<Head, ModelError> {
    let mut modules = Vec::with_capacity(head.modules.len());
    for (i, module) in head.modules.iter().enumerate() {
        let at = format!("head.{i}");
        modules.push(match module {
            Module::Dense(dense) => Module::Dense(Dense {
                linear: dense.linear.map(&at, f)?,
                activation: dense.activation,
                residual: match &dense.residual {
                    Residual::Projected(weight) => {
                        Residual::Projected(f(&format!("{at}.residual"), weight)?)
                    }
                    other => other.clone(),
                },
            }),
            Module::LayerNorm(norm) => Module::LayerNorm(norm.map(&at, f)?),
            other => other.clone(),
        });
    }
    Ok(Head { modules })
}
