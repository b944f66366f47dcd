//! A new model to train: a vocabulary from the texts, and word vectors from a teacher.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};
use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::{WordPiece, WordPieceTrainerBuilder};
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Model as _, Tokenizer};

use super::folder::Template;
use super::rng::Rng;
use super::targets::Basis;
use super::trainer::tokenize;
use super::{Targets, TrainError};
use crate::cancel::Cancel;
use crate::model::spec::{EncoderSpec, Sizes};
use crate::model::weights::{Ffn, LayerWeights, Linear, Norm, Norms, Weights};
use crate::model::{HeadOptions, Model};

/// The shape of a new BERT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub ffn: usize,
    pub vocabulary: usize,
    /// The longest text, special tokens included.
    pub tokens: usize,
}

/// In BERT's order, so that [PAD] is 0.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// Characters that get a piece of their own; rarer ones are unknown.
const ALPHABET: usize = 300;

/// BERT's own spread of random weights.
const SPREAD: f64 = 0.02;
/// Word vectors at the start, per dimension: large enough against the random positions to be what the
/// first norm sees, and small enough for AdamW to move.
const WORD_SPREAD: f64 = 0.1;
const POSITION_SPREAD: f64 = 0.01;

/// A lower-cased WordPiece vocabulary of the texts (Schuster & Nakajima 2012; merges by frequency).
///
/// # Errors
/// When the texts hold too little for a vocabulary.
pub fn vocabulary(texts: &[String], size: usize) -> Result<Tokenizer, TrainError> {
    let bad = |e: Box<dyn std::error::Error + Send + Sync>| {
        TrainError::Settings(format!("the vocabulary could not be made: {e}"))
    };
    let mut tokenizer = Tokenizer::new(WordPiece::default());
    tokenizer
        .with_normalizer(Some(BertNormalizer::new(true, true, None, true)))
        .map_err(bad)?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let special = SPECIAL.map(|piece| AddedToken::from(piece, true)).to_vec();
    let trainer = WordPieceTrainerBuilder::new()
        .vocab_size(size)
        .min_frequency(2)
        .limit_alphabet(ALPHABET)
        .special_tokens(special.clone())
        .show_progress(false)
        .build();
    let mut trainer = tokenizers::models::TrainerWrapper::WordPieceTrainer(trainer);
    tokenizer
        .train(&mut trainer, texts.iter().map(String::as_str))
        .map_err(bad)?;
    tokenizer.add_special_tokens(special).map_err(bad)?;
    let [cls, sep] = ["[CLS]", "[SEP]"].map(|piece| {
        let id = tokenizer.token_to_id(piece);
        (piece.to_owned(), id.unwrap_or_default())
    });
    tokenizer.with_post_processor(Some(BertProcessing::new(sep, cls)));
    tokenizer.with_decoder(Some(WordPieceDecoder::default()));
    Ok(tokenizer)
}

/// Every piece, in the order of its id.
fn pieces(tokenizer: &Tokenizer) -> Vec<String> {
    let mut pieces: Vec<(String, u32)> = tokenizer.get_model().get_vocab().into_iter().collect();
    pieces.sort_by_key(|(_, id)| *id);
    pieces.into_iter().map(|(piece, _)| piece).collect()
}

/// The files of a folder for `shape`, all but the weights.
pub fn template(shape: &Shape, tokenizer: &Tokenizer) -> Result<Template, TrainError> {
    let pieces = pieces(tokenizer);
    let tokenizer = tokenizer
        .to_string(true)
        .map_err(|e| TrainError::Settings(format!("the tokenizer cannot be written: {e}")))?;
    let text = |value: Value| format!("{value:#}\n").into_bytes();
    let module = |i: usize, name: &str, path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        json!({"idx": i, "name": name, "path": path, "type": kind})
    };
    let files = [
        ("config.json", text(config(shape, pieces.len()))),
        (
            "modules.json",
            text(json!([
                module(0, "0", "", "Transformer"),
                module(1, "1", "1_Pooling", "Pooling"),
                module(2, "2", "2_Normalize", "Normalize"),
            ])),
        ),
        (
            "1_Pooling/config.json",
            text(json!({
                "word_embedding_dimension": shape.hidden,
                "pooling_mode_cls_token": false,
                "pooling_mode_mean_tokens": true,
                "pooling_mode_max_tokens": false,
                "pooling_mode_mean_sqrt_len_tokens": false,
            })),
        ),
        (
            "sentence_bert_config.json",
            text(json!({"max_seq_length": shape.tokens, "do_lower_case": false})),
        ),
        (
            "config_sentence_transformers.json",
            text(
                json!({"prompts": {}, "default_prompt_name": null, "similarity_fn_name": "cosine"}),
            ),
        ),
        (
            "tokenizer_config.json",
            text(json!({
                "tokenizer_class": "BertTokenizer",
                "do_lower_case": true,
                "tokenize_chinese_chars": true,
                "strip_accents": null,
                "model_max_length": shape.tokens,
                "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]",
                "sep_token": "[SEP]", "mask_token": "[MASK]",
            })),
        ),
        (
            "special_tokens_map.json",
            text(json!({
                "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]",
                "sep_token": "[SEP]", "mask_token": "[MASK]",
            })),
        ),
        ("tokenizer.json", tokenizer.into_bytes()),
        ("vocab.txt", format!("{}\n", pieces.join("\n")).into_bytes()),
    ];
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes));
    Ok(Template(BTreeMap::from(files)))
}

fn config(shape: &Shape, vocabulary: usize) -> Value {
    json!({
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": vocabulary,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.ffn,
        "hidden_act": "gelu",
        "max_position_embeddings": shape.tokens,
        "position_embedding_type": "absolute",
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "initializer_range": SPREAD,
        "pad_token_id": 0,
    })
}

/// The specification that [`template`]'s config.json spells out.
pub fn spec(shape: &Shape, vocabulary: usize) -> EncoderSpec {
    let sizes = Sizes {
        vocabulary,
        hidden: shape.hidden,
        layers: shape.layers,
        heads: shape.heads,
        ffn: shape.ffn,
        positions: shape.tokens,
    };
    EncoderSpec::bert("bert", sizes)
}

/// Word vectors from a teacher: each piece as a text of its own, in the directions of `basis`.
/// [V, D]; every row has the same length, since the norm behind it takes the length away.
///
/// # Errors
/// Those of running the teacher.
pub fn word_vectors(
    tokenizer: &Tokenizer,
    teacher: &Model,
    basis: &Basis,
    cancel: &Cancel,
) -> Result<Tensor, TrainError> {
    let pieces = pieces(tokenizer);
    let texts: Vec<&str> = pieces
        .iter()
        .map(|piece| piece.strip_prefix("##").unwrap_or(piece))
        .collect();
    let tokens = tokenize(teacher, &texts)?;
    let options = HeadOptions::default();
    let vectors = teacher.embed(&tokens, options, 64, cancel, &mut |_| {})?;
    let size = vectors.first().map_or(0, Vec::len);
    let whole = Targets::new(vectors.into_iter().flatten().collect(), size)?;
    let short = basis.project(&whole)?;
    let mut rows = Vec::with_capacity(short.len() * short.size());
    for i in 0..short.len() {
        let row = short.row(i);
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
        let scale = WORD_SPREAD as f32 * (short.size() as f32).sqrt() / length;
        rows.extend(row.iter().map(|x| x * scale));
    }
    let shape = (short.len(), short.size());
    Ok(Tensor::from_vec(rows, shape, &Device::Cpu)?)
}

/// Weights to begin with: `words` [V, D] or noise for the vocabulary, and noise for the rest. What a
/// block writes is small at first, so that a sentence begins as the mean of its words.
///
/// # Errors
/// Those of allocating tensors.
pub fn weights(
    spec: &EncoderSpec,
    words: Option<Tensor>,
    seed: u64,
) -> Result<Weights, TrainError> {
    let mut rng = Rng::new(seed);
    let (d, f) = (spec.hidden, spec.ffn);
    let mut noise = |rows: usize, columns: usize, spread: f64| {
        let values: Vec<f32> = (0..rows * columns)
            .map(|_| (rng.normal() * spread) as f32)
            .collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu)
    };
    let token = match words {
        Some(words) => words,
        None => noise(spec.vocabulary, d, WORD_SPREAD)?,
    };
    let zeros = |size: usize| Tensor::zeros(size, candle_core::DType::F32, &Device::Cpu);
    let norm = || -> candle_core::Result<Norm> {
        Ok(Norm {
            weight: Tensor::ones(d, candle_core::DType::F32, &Device::Cpu)?,
            bias: zeros(d)?,
            eps: spec.norm_eps,
            kind: spec.norm,
        })
    };
    let position = noise(spec.max_tokens(), d, POSITION_SPREAD)?;
    let types = noise(spec.types, d, POSITION_SPREAD)?;
    let mut layers = Vec::with_capacity(spec.layers());
    for _ in 0..spec.layers() {
        let mut linear = |output: usize, input: usize| -> candle_core::Result<Linear> {
            Ok(Linear::new(noise(output, input, SPREAD)?, zeros(output)?))
        };
        layers.push(LayerWeights {
            qkv: linear(3 * d, d)?,
            output: linear(d, d)?,
            q_norm: None,
            k_norm: None,
            relative: None,
            attn_norms: Norms::after(norm()?),
            ffn: Ffn {
                up: linear(f, d)?,
                gate: None,
                down: linear(d, f)?,
                router: None,
            },
            ffn_norms: Norms::after(norm()?),
            convolution: None,
        });
    }
    Ok(Weights {
        token,
        position: Some(position),
        types: Some(types),
        embed_norm: Some(norm()?),
        project: None,
        distance: None,
        distances: None,
        layers,
        final_norm: None,
        mix: None,
    })
}
