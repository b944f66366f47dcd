//! Byte-level BPE from vocab.json and merges.txt, as GPT-2 (Radford et al. 2019) and RoBERTa wrote it
//! before there was tokenizer.json. What the files leave open is as transformers 5 takes it.

use serde_json::Value;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, Tokenizer};

use crate::model::ModelError;
use crate::model::config::Config;
use crate::model::source::ModelFiles;
use crate::tokens::TokenizeError;

const VOCABULARY: &str = "vocab.json";
const MERGES: &str = "merges.txt";

/// What a class of tokenizers puts around a text, and what it calls its special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Roberta,
    Gpt2,
}

impl Class {
    /// `tokenizer_class`, or what transformers takes for the encoder's family.
    fn of(config: &Config, family: &str) -> Result<Self, ModelError> {
        let of_family = match family {
            "roberta" => "RobertaTokenizer",
            _ => "",
        };
        let name = config.text("tokenizer_class", of_family)?;
        match name.strip_suffix("Fast").unwrap_or(name) {
            "RobertaTokenizer" => Ok(Self::Roberta),
            "GPT2Tokenizer" => Ok(Self::Gpt2),
            _ => {
                let name = if name.is_empty() { "missing" } else { name };
                Err(config.bad(
                    "tokenizer_class",
                    format!("is {name}; of vocab.json and merges.txt, RobertaTokenizer and GPT2Tokenizer are made here. Save the tokenizer again with transformers, which writes tokenizer.json"),
                ))
            }
        }
    }

    /// The fields of special tokens in the order in which they are added, and what each is where
    /// nothing is said; empty for none.
    fn specials(self) -> [(&'static str, &'static str); 7] {
        const END: &str = "<|endoftext|>";
        match self {
            Self::Roberta => [
                ("bos_token", "<s>"),
                ("eos_token", "</s>"),
                ("unk_token", "<unk>"),
                ("sep_token", "</s>"),
                ("pad_token", "<pad>"),
                ("cls_token", "<s>"),
                ("mask_token", "<mask>"),
            ],
            Self::Gpt2 => [
                ("bos_token", END),
                ("eos_token", END),
                ("unk_token", END),
                ("sep_token", ""),
                ("pad_token", ""),
                ("cls_token", ""),
                ("mask_token", ""),
            ],
        }
    }
}

/// Whether the folder `at` has such a tokenizer.
pub fn is_there(files: &ModelFiles, at: &str) -> bool {
    files.has(&format!("{at}{VOCABULARY}")) && files.has(&format!("{at}{MERGES}"))
}

/// Reads the tokenizer of the folder `at`; `config` is its tokenizer_config.json.
///
/// # Errors
/// Names the file that cannot be used and why.
pub fn load(
    files: &ModelFiles,
    at: &str,
    config: &Config,
    family: &str,
) -> Result<Tokenizer, ModelError> {
    let class = Class::of(config, family)?;
    let (vocabulary, merges) = (format!("{at}{VOCABULARY}"), format!("{at}{MERGES}"));
    let model = BPE::builder()
        .vocab_and_merges(
            read_vocabulary(files, &vocabulary)?,
            read_merges(files, &merges)?,
        )
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(String::new())
        .build()
        .map_err(|e| bad(&merges, e.to_string()))?;
    let mut tokenizer = Tokenizer::new(model);
    let prefix_space = config.flag("add_prefix_space", false)?;
    let pre = ByteLevel::new(prefix_space, true, true);
    tokenizer.with_pre_tokenizer(Some(pre));
    let listed = listed(config)?;
    let mut specials: Vec<(&str, AddedToken)> = Vec::new();
    let map = format!("{at}special_tokens_map.json");
    let map = match files.json_if_present(&map)? {
        Some(value) => Some(Config::new(&map, value)?),
        None => None,
    };
    for (field, default) in class.specials() {
        let said = config.get(&[field]).or_else(|| map.as_ref()?.get(&[field]));
        let token = said.map_or_else(|| (!default.is_empty()).then(|| plain(default)), token);
        let Some(mut token) = token else { continue };
        if let Some((_, own)) = listed.iter().find(|(_, own)| own.content == token.content) {
            token = own.clone();
        }
        token.special = true;
        specials.push((field, token));
    }
    let more = listed
        .iter()
        .filter(|(_, own)| specials.iter().all(|(_, s)| s.content != own.content));
    let more: Vec<AddedToken> = match listed.is_empty() {
        false => more.map(|(_, token)| token.clone()).collect(),
        true => added(files, &format!("{at}added_tokens.json"))?,
    };
    let all = specials.iter().map(|(_, token)| token.clone()).chain(more);
    let all: Vec<AddedToken> = all.collect();
    tokenizer
        .add_tokens(all)
        .map_err(|e| bad(&vocabulary, e.to_string()))?;
    for (id, token) in &listed {
        let ours = tokenizer.token_to_id(&token.content);
        if ours != Some(*id) {
            let problem = format!(
                "says that `{}` is {id}, but in {vocabulary} it is {}",
                token.content,
                ours.map_or_else(|| "missing".to_owned(), |id| id.to_string())
            );
            return Err(config.bad("added_tokens_decoder", problem));
        }
    }
    if class == Class::Roberta {
        let around = |name: &str| {
            let found = specials.iter().find(|(field, _)| *field == name);
            let piece = found.map_or("", |(_, token)| token.content.as_str());
            let id = tokenizer.token_to_id(piece);
            id.map(|id| (piece.to_owned(), id))
                .ok_or_else(|| bad(&vocabulary, format!("has no `{piece}`, the {name}")))
        };
        let processor = RobertaProcessing::new(around("sep_token")?, around("cls_token")?)
            .trim_offsets(config.flag("trim_offsets", true)?)
            .add_prefix_space(prefix_space);
        tokenizer.with_post_processor(Some(processor));
    }
    Ok(tokenizer)
}

fn bad(file: &str, problem: String) -> ModelError {
    let file = file.to_owned();
    TokenizeError::File { file, problem }.into()
}

/// Pieces and their ids.
fn read_vocabulary(files: &ModelFiles, name: &str) -> Result<Vocab, ModelError> {
    let value = files.json(name)?;
    let entries = value
        .as_object()
        .ok_or_else(|| bad(name, "must map pieces to ids".to_owned()))?;
    let id = |(piece, id): (&String, &Value)| {
        let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
        let problem = || bad(name, format!("gives `{piece}` no whole number as its id"));
        Ok((piece.clone(), id.ok_or_else(problem)?))
    };
    entries.iter().map(id).collect()
}

/// Pairs of pieces in the order in which they join, one a line.
fn read_merges(files: &ModelFiles, name: &str) -> Result<Merges, ModelError> {
    let bytes = files.read(name)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| bad(name, e.to_string()))?;
    let lines = text.lines().enumerate();
    let pair = |(i, line): (usize, &str)| match line.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
        _ => Err(bad(name, format!("line {} is not two pieces", i + 1))),
    };
    lines
        .filter(|(_, line)| !line.starts_with("#version"))
        .map(pair)
        .collect()
}

/// A special token as transformers takes a bare string.
fn plain(content: &str) -> AddedToken {
    AddedToken::from(content, true)
}

/// A special token that is written as a string, or as an object with its rules; none for null.
fn token(value: &Value) -> Option<AddedToken> {
    if let Some(content) = value.as_str() {
        return Some(plain(content));
    }
    let content = value.get("content")?.as_str()?;
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    let token = AddedToken::from(content, flag("special"));
    Some(
        token
            .single_word(flag("single_word"))
            .lstrip(flag("lstrip"))
            .rstrip(flag("rstrip"))
            .normalized(flag("normalized")),
    )
}

/// The tokens of `added_tokens_decoder`, by their ids.
fn listed(config: &Config) -> Result<Vec<(u32, AddedToken)>, ModelError> {
    const FIELD: &str = "added_tokens_decoder";
    let Some(entries) = config.get(&[FIELD]).and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let one = |(id, value): (&String, &Value)| {
        let read = id.parse().ok().zip(token(value));
        read.ok_or_else(|| config.bad(FIELD, format!("has no token at `{id}`")))
    };
    let mut found: Vec<(u32, AddedToken)> = entries.iter().map(one).collect::<Result<_, _>>()?;
    found.sort_by_key(|(id, _)| *id);
    Ok(found)
}

/// The tokens of added_tokens.json in the order of their ids.
fn added(files: &ModelFiles, name: &str) -> Result<Vec<AddedToken>, ModelError> {
    let Some(value) = files.json_if_present(name)? else {
        return Ok(Vec::new());
    };
    let id = |(piece, id): (&String, &Value)| Some((id.as_u64()?, piece.clone()));
    let found = value.as_object().into_iter().flatten().map(id);
    let found: Option<Vec<(u64, String)>> = found.collect();
    let mut found = found.ok_or_else(|| bad(name, "must map pieces to ids".to_owned()))?;
    found.sort();
    Ok(found
        .into_iter()
        .map(|(_, piece)| AddedToken::from(piece, false))
        .collect())
}
