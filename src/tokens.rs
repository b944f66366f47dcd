//! Text to [`Tokens`]: ids, pieces, byte offsets, and what was cut off.

mod normalization;
mod pairing;
mod piece;
mod spelling;
mod stages;
mod start;
mod words;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use thiserror::Error;
use tokenizers::utils::padding::PaddingParams;
use tokenizers::{Encoding, NormalizerWrapper, Tokenizer};

pub use normalization::Change;
pub use pairing::Pairing;
pub use piece::{Kind, piece_label};
pub use spelling::{Match, Merge, Path, Spelled, Spelling, Trail};
pub use stages::{NormalizerStep, SplitStep, Stages};
pub use start::start_of;

/// One text as its model sees it. T tokens; every vector here has length T.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How the vocabulary spells words.
    pub kind: Kind,
    /// What was tokenized: the prompt, where there is one, and the person's text behind it.
    pub text: Arc<str>,
    /// How many bytes of `text` are the prompt.
    pub prompt_bytes: usize,
    /// How many leading tokens belong to the prompt (with the opening special token), as
    /// sentence-transformers counts them for `include_prompt: false`; 0 without a prompt.
    pub prompt_tokens: usize,
    /// Row numbers into the vocabulary.
    pub ids: Vec<u32>,
    /// Segment numbers into the type table (all 0 for a single text).
    pub type_ids: Vec<u32>,
    /// As the vocabulary spells them.
    pub pieces: Vec<String>,
    /// The pieces as a person can read them: [`Kind::readable`].
    pub labels: Vec<String>,
    /// Byte range of each token in `text`; (0, 0) for tokens that the template added.
    pub offsets: Vec<(usize, usize)>,
    /// True for tokens that the template added ([CLS], [SEP], ...).
    pub special: Vec<bool>,
    /// Index of the word each token is part of; none for special tokens.
    pub words: Vec<Option<u32>>,
    /// Which of `pre_tokens` each token is part of; none for special tokens.
    pub parts: Vec<Option<u32>>,
    /// True where the vocabulary had no piece and the unknown token stands in.
    pub unknown: Vec<bool>,
    /// The most tokens this model reads, special tokens included.
    pub limit: usize,
    /// How many tokens beyond the limit were cut off.
    pub dropped: usize,
    /// The text as the normaliser left it (lower-cased, stripped of accents, ...).
    pub normalized: String,
    /// The pieces of text that the pre-tokenizer handed to the vocabulary, in order.
    pub pre_tokens: Vec<String>,
    /// Tokens that a person has hidden: no other token sees them, and no pool takes them. Ascending.
    pub left_out: Vec<usize>,
}

/// A limit from here on stands for none: nothing in the model or its tokenizer says one.
pub const NO_LIMIT: usize = 1 << 20;

impl Tokens {
    /// The most tokens of one text, where there is a limit at all.
    pub fn most(&self) -> Option<usize> {
        (self.limit < NO_LIMIT).then_some(self.limit)
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Puts the tokens into another order: `order` [T] says where each place's token comes from.
    pub fn reorder(&mut self, order: &[usize]) {
        fn moved<T: Clone>(values: &mut Vec<T>, order: &[usize]) {
            // A vector that was never filled stays so.
            let all = order.iter().map(|&from| values.get(from).cloned());
            if let Some(all) = all.collect::<Option<Vec<T>>>() {
                *values = all;
            }
        }
        moved(&mut self.ids, order);
        moved(&mut self.type_ids, order);
        moved(&mut self.pieces, order);
        moved(&mut self.labels, order);
        moved(&mut self.offsets, order);
        moved(&mut self.special, order);
        moved(&mut self.words, order);
        moved(&mut self.parts, order);
        moved(&mut self.unknown, order);
    }

    /// Bytes of `text` that were cut off because of the limit; empty where nothing was.
    pub fn cut(&self) -> Range<usize> {
        let end = self.text.len();
        if self.dropped == 0 {
            return end..end;
        }
        let kept = (0..self.len()).filter(|&t| !self.special[t]);
        kept.map(|t| self.offsets[t].1).max().unwrap_or(0)..end
    }
}

/// What a text is given in front of it before it is tokenized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompted<'a> {
    pub prompt: &'a str,
    pub text: &'a str,
}

#[derive(Debug, Error)]
pub enum TokenizeError {
    #[error(
        "{file}: cannot be read as a tokenizer ({problem}); export it again with tokenizers 0.13 or newer"
    )]
    File { file: String, problem: String },
    #[error(
        "{file}: its template adds {added} special tokens, but the model's limit is {limit} tokens"
    )]
    Limit {
        file: String,
        added: usize,
        limit: usize,
    },
    #[error("the tokenizer could not split the text: {0}")]
    Text(String),
}

/// What padding tokens are called where a tokenizer's file does not say.
const PADDING: [&str; 2] = ["[PAD]", "<pad>"];

/// What mask tokens are called.
const MASKS: [&str; 2] = ["[MASK]", "<mask>"];

/// A tokenizer whose limit is the model's own.
pub struct TextTokenizer {
    inner: Tokenizer,
    limit: usize,
    /// Special tokens that the template puts around one text.
    added: usize,
    unknown: Option<u32>,
    padding: Option<u32>,
    adds_closing: bool,
    /// Unknown tokens are left out.
    skips_unknown: bool,
    /// Only so many characters of a text are looked at.
    characters: Option<usize>,
    kind: Kind,
    /// Read from the model when somebody asks how a word came about.
    merges: OnceLock<Result<spelling::Merges, String>>,
    scores: OnceLock<spelling::Scores>,
}

impl TextTokenizer {
    /// Takes a tokenizer as loaded from `file`. The padding and the truncation that it carries are
    /// those of some training run (all-MiniLM-L6-v2's pads to 128), so both are cleared and `limit`
    /// (special tokens included) is set instead.
    pub fn new(
        mut inner: Tokenizer,
        file: &str,
        limit: usize,
        lower_case: bool,
        unknown: Option<&str>,
    ) -> Result<Self, TokenizeError> {
        let bad = |problem: String| TokenizeError::File {
            file: file.to_owned(),
            problem,
        };
        let padding = inner.get_padding().map(|padding| padding.pad_id);
        let padding = padding
            .or_else(|| PADDING.iter().find_map(|piece| inner.token_to_id(piece)))
            .filter(|&id| inner.id_to_token(id).is_some());
        inner.with_padding(None::<PaddingParams>);
        if lower_case {
            lower_case_first(&mut inner).map_err(|e| bad(e.to_string()))?;
        }
        let added = inner
            .get_post_processor()
            .map_or(0, |p| tokenizers::PostProcessor::added_tokens(p, false));
        if limit <= added {
            return Err(TokenizeError::Limit {
                file: file.to_owned(),
                added,
                limit,
            });
        }
        inner
            .with_truncation(None)
            .map_err(|e| bad(e.to_string()))?;
        let unknown = unknown.and_then(|piece| inner.token_to_id(piece));
        // Of an empty text one could not tell an opening token from a closing one.
        let letter = inner.encode("a", true).map_err(|e| bad(e.to_string()))?;
        let adds_closing = letter.get_special_tokens_mask().last() == Some(&1) && letter.len() > 1;
        Ok(Self {
            kind: Kind::of(&inner),
            merges: OnceLock::new(),
            scores: OnceLock::new(),
            inner,
            limit,
            added,
            unknown,
            padding,
            adds_closing,
            skips_unknown: false,
            characters: None,
        })
    }

    /// The same with the first of these pieces that the vocabulary has for the token that says nothing,
    /// where neither a padding nor an unknown token is known.
    pub fn or_blank(mut self, pieces: &[String]) -> Self {
        if self.blank().is_none() {
            self.padding = pieces
                .iter()
                .find_map(|piece| self.inner.token_to_id(piece));
        }
        self
    }

    /// The same with model2vec's rules: unknown tokens are left out, and of a text only as many
    /// characters are read as `limit` tokens of the vocabulary's median length have.
    pub fn as_model2vec(mut self) -> Self {
        let vocabulary = self.inner.get_vocab(true);
        let mut lengths: Vec<usize> = vocabulary.keys().map(|p| p.chars().count()).collect();
        lengths.sort_unstable();
        let middle = lengths.len() / 2;
        let median = match lengths.len() {
            0 => 1,
            n if n % 2 == 1 => lengths[middle],
            _ => (lengths[middle - 1] + lengths[middle]) / 2,
        };
        self.skips_unknown = true;
        self.characters = Some(self.limit.saturating_mul(median));
        self
    }

    /// The most tokens of one text, special tokens included.
    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The piece of one id, as the vocabulary spells it.
    pub fn piece(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// How the vocabulary spells words.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The piece of one id as a person can read it. Added tokens stand for themselves.
    pub fn label(&self, id: u32) -> Option<String> {
        let piece = self.inner.id_to_token(id)?;
        let added = self.inner.get_added_vocabulary().get_vocab();
        Some(match added.contains_key(&piece) {
            true => piece_label(&piece),
            false => self.kind.readable(&piece),
        })
    }

    /// The token that fills short texts of a batch up, where there is one.
    pub fn padding(&self) -> Option<u32> {
        self.padding
    }

    /// The token that says nothing: the padding token, or where there is none the unknown one.
    pub fn blank(&self) -> Option<u32> {
        self.padding.or(self.unknown)
    }

    /// How the mask token is spelled, where typing it in a text gives that token.
    pub fn mask(&self) -> Option<String> {
        let is_one = |piece: &&&str| {
            let encoding = self.inner.encode(**piece, false);
            let id = self.inner.token_to_id(piece);
            id.is_some() && encoding.is_ok_and(|e| e.get_ids().iter().copied().eq(id))
        };
        MASKS.iter().find(is_one).map(|piece| (*piece).to_owned())
    }

    /// Tokenizes one text, with its prompt in front.
    pub fn tokens(&self, input: Prompted<'_>) -> Result<Tokens, TokenizeError> {
        let text: Arc<str> = format!("{}{}", input.prompt, input.text).into();
        let encoding = self.encode(self.read_part(&text))?;
        let special = flags(encoding.get_special_tokens_mask());
        let mut kept = self.kept(&special);
        let mut beyond = special.len() - kept.len();
        if self.skips_unknown {
            let ids = encoding.get_ids();
            let known = |t: &usize| Some(ids[*t]) != self.unknown;
            kept = (0..special.len()).filter(known).take(self.limit).collect();
            let whole = self.encode(&text)?;
            let ids = whole.get_ids().iter();
            let all = ids.filter(|&&id| Some(id) != self.unknown).count();
            beyond = all.saturating_sub(kept.len());
        }
        let offset = |t: usize| match special[t] {
            true => (0, 0),
            false => encoding.get_offsets()[t],
        };
        let part = |&t: &usize| encoding.get_word_ids()[t].filter(|_| !special[t]);
        let parts: Vec<Option<u32>> = kept.iter().map(part).collect();
        let piece = |&t: &usize| encoding.get_tokens()[t].as_str();
        let pieces: Vec<&str> = kept.iter().map(piece).collect();
        let ids: Vec<u32> = kept.iter().map(|&t| encoding.get_ids()[t]).collect();
        let (normalized, pre_tokens) = self.steps(&text)?;
        Ok(Tokens {
            prompt_bytes: input.prompt.len(),
            prompt_tokens: self.prompt_tokens(input.prompt)?.min(ids.len()),
            type_ids: kept.iter().map(|&t| encoding.get_type_ids()[t]).collect(),
            kind: self.kind,
            words: words::words(self.kind, &pieces, &parts),
            // By the id: Unigram gives the text behind an unknown token as its piece.
            labels: ids
                .iter()
                .map(|&id| self.label(id).unwrap_or_default())
                .collect(),
            pieces: pieces.into_iter().map(str::to_owned).collect(),
            parts,
            offsets: kept.iter().map(|&t| offset(t)).collect(),
            special: kept.iter().map(|&t| special[t]).collect(),
            unknown: ids.iter().map(|&id| Some(id) == self.unknown).collect(),
            ids,
            limit: self.limit,
            dropped: beyond,
            normalized,
            pre_tokens,
            left_out: Vec::new(),
            text,
        })
    }

    /// What of a text is looked at.
    fn read_part<'a>(&self, text: &'a str) -> &'a str {
        let end = self
            .characters
            .and_then(|most| text.char_indices().nth(most));
        end.map_or(text, |(end, _)| &text[..end])
    }

    /// Encodes the whole text with its template, once: some post-processors move offsets each time
    /// they run.
    fn encode(&self, text: &str) -> Result<Encoding, TokenizeError> {
        let encoding = self.inner.encode(text, true);
        encoding.map_err(|e| TokenizeError::Text(e.to_string()))
    }

    /// The tokens within the limit. What is cut are tokens of the text, so that the template's
    /// closing tokens stay.
    fn kept(&self, special: &[bool]) -> Vec<usize> {
        let mut room = self.limit - self.added;
        let mut fits = |t: &usize| {
            if special[*t] {
                return true;
            }
            let fits = room > 0;
            room = room.saturating_sub(1);
            fits
        };
        (0..special.len()).filter(|t| fits(t)).collect()
    }

    /// Tokens of the prompt alone, less a closing special token: what `include_prompt: false`
    /// leaves out of the pool.
    fn prompt_tokens(&self, prompt: &str) -> Result<usize, TokenizeError> {
        if prompt.is_empty() {
            return Ok(0);
        }
        let tokens = self.encode(prompt)?.len().min(self.limit);
        Ok(tokens - usize::from(self.adds_closing))
    }
}

fn flags(mask: &[u32]) -> Vec<bool> {
    mask.iter().map(|&m| m != 0).collect()
}

/// `do_lower_case` of sentence_bert_config.json: a step in front of the normaliser, so that offsets
/// still point into the text as typed.
fn lower_case_first(inner: &mut Tokenizer) -> Result<(), tokenizers::Error> {
    use tokenizers::normalizers::{Lowercase, Sequence};
    let mut steps: Vec<NormalizerWrapper> = vec![Lowercase.into()];
    steps.extend(inner.get_normalizer().cloned());
    inner.with_normalizer(Some(Sequence::new(steps)))?;
    Ok(())
}
