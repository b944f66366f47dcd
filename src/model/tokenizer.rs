//! The tokenizer of a model's folder: tokenizer.json, or what came before it: a BERT vocab.txt, or
//! vocab.json and merges.txt of byte-level BPE.

mod byte_level;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::ModelError;
use super::config::Config;
use super::modules::Recipe;
use super::source::ModelFiles;
use super::spec::EncoderSpec;
use crate::tokens::{TextTokenizer, TokenizeError};

/// Loads the tokenizer and sets its limit: the model's `max_seq_length`, else the tokenizer's
/// `model_max_length`, and never more than there are positions.
pub fn load(
    files: &ModelFiles,
    recipe: &Recipe,
    spec: &EncoderSpec,
) -> Result<TextTokenizer, ModelError> {
    let at = |name: &str| format!("{}{name}", recipe.encoder);
    let config = match files.json_if_present(&at("tokenizer_config.json"))? {
        Some(value) => Config::new(&at("tokenizer_config.json"), value)?,
        None => Config::new("tokenizer_config.json", serde_json::json!({}))?,
    };
    // "No limit" is written as 10³⁰.
    let own = config.number(&["model_max_length"], f64::INFINITY)?;
    let own = if own < 1e9 { own as usize } else { usize::MAX };
    let limit = recipe.max_tokens.unwrap_or(own).min(spec.max_tokens());

    let file = at("tokenizer.json");
    let (file, tokenizer) = match files.has(&file) {
        true => {
            let tokenizer = Tokenizer::from_bytes(files.read(&file)?);
            let tokenizer = tokenizer.map_err(|e| TokenizeError::File {
                file: file.clone(),
                problem: e.to_string(),
            })?;
            (file, tokenizer)
        }
        false if byte_level::is_there(files, &recipe.encoder) => {
            let tokenizer = byte_level::load(files, &recipe.encoder, &config, spec.family)?;
            (at("vocab.json"), tokenizer)
        }
        false => (
            at("vocab.txt"),
            from_vocabulary(files, &at("vocab.txt"), &config)?,
        ),
    };
    let mut tokenizer = tokenizer;
    if recipe.is_static {
        tokenizer.with_post_processor(None::<BertProcessing>);
    }
    let unknown = special(&config, "unk_token", "[UNK]");
    let unknown = own_unknown(&tokenizer).unwrap_or(unknown);
    let lower_case = recipe.lower_case;
    let tokenizer = TextTokenizer::new(tokenizer, &file, limit, lower_case, Some(&unknown))?;
    // Decoders have no padding of their own; the token that ends a text takes its place.
    let blanks = ["pad_token", "eos_token", "bos_token"].map(|field| special(&config, field, ""));
    let tokenizer = tokenizer.or_blank(&blanks);
    Ok(match recipe.as_model2vec {
        false => tokenizer,
        true => tokenizer.as_model2vec(),
    })
}

/// Unicode says that it never will be one.
const NO_CHARACTER: &str = "\u{10FFFF}";

/// What the vocabulary itself calls unknown.
fn own_unknown(tokenizer: &Tokenizer) -> Option<String> {
    use tokenizers::{Model as _, ModelWrapper};
    match tokenizer.get_model() {
        ModelWrapper::WordPiece(model) => Some(model.unk_token.clone()),
        ModelWrapper::BPE(model) => model.unk_token.clone(),
        ModelWrapper::WordLevel(model) => Some(model.unk_token.clone()),
        ModelWrapper::Unigram(model) => {
            // It does not tell which, but it uses it for a character that no text has.
            let tokens = model.tokenize(NO_CHARACTER).ok()?;
            let token = tokens.first().filter(|token| token.value == NO_CHARACTER)?;
            model.id_to_token(token.id)
        }
    }
}

/// A special token's text, which may be written as a string or as an object with `content`.
fn special(config: &Config, field: &str, default: &str) -> String {
    let value = config.get(&[field]);
    let text = value.and_then(|v| v.as_str().or_else(|| v.get("content")?.as_str()));
    text.unwrap_or(default).to_owned()
}

/// BERT's WordPiece from a vocabulary with one piece a line, as folders older than tokenizer.json
/// have it.
fn from_vocabulary(
    files: &ModelFiles,
    name: &str,
    config: &Config,
) -> Result<Tokenizer, ModelError> {
    let bad = |problem: String| TokenizeError::File {
        file: name.to_owned(),
        problem,
    };
    let unknown = special(config, "unk_token", "[UNK]");
    let vocabulary = WordPiece::read_bytes(&files.read(name)?).map_err(|e| bad(e.to_string()))?;
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token(unknown.clone())
        .build()
        .map_err(|e| bad(e.to_string()))?;
    let mut tokenizer = Tokenizer::new(model);
    let lower_case = config.flag("do_lower_case", true)?;
    let strip_accents = match config.get(&["strip_accents"]) {
        None => None,
        Some(_) => Some(config.flag("strip_accents", true)?),
    };
    let chinese = config.flag("tokenize_chinese_chars", true)?;
    tokenizer
        .with_normalizer(Some(BertNormalizer::new(
            true,
            chinese,
            strip_accents,
            lower_case,
        )))
        .map_err(|e| bad(e.to_string()))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let [cls, sep] = [("cls_token", "[CLS]"), ("sep_token", "[SEP]")].map(|(field, default)| {
        let piece = special(config, field, default);
        let id = tokenizer.token_to_id(&piece);
        id.map(|id| (piece.clone(), id))
            .ok_or_else(|| bad(format!("has no line `{piece}`")))
    });
    let (cls, sep) = (cls?, sep?);
    let mask = special(config, "mask_token", "[MASK]");
    let pad = special(config, "pad_token", "[PAD]");
    let added = [&unknown, &cls.0, &sep.0, &pad, &mask].map(|t| AddedToken::from(t.as_str(), true));
    tokenizer
        .add_special_tokens(added)
        .map_err(|e| bad(e.to_string()))?;
    tokenizer.with_post_processor(Some(BertProcessing::new(sep, cls)));
    Ok(tokenizer)
}
