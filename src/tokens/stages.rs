//! What happens to a text before the vocabulary is asked, step by step. For showing it; tokenizing
//! does not come by here.

use tokenizers::normalizers::NormalizerWrapper as Step;
use tokenizers::pre_tokenizers::PreTokenizerWrapper as Splitter;
use tokenizers::pre_tokenizers::split::Split;
use tokenizers::tokenizer::{
    NormalizedString, Normalizer as _, OffsetReferential, OffsetType, PreTokenizedString,
    PreTokenizer as _,
};

use super::normalization::{Change, changes_of};
use super::{TextTokenizer, TokenizeError};

/// One step of the normaliser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalizerStep {
    /// As tokenizer.json calls it.
    pub name: String,
    /// What it does to any text, in words.
    pub does: String,
    /// The text behind it.
    pub after: String,
    /// What it changed, in the order of the text.
    pub changes: Vec<Change>,
}

/// One step of the pre-tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitStep {
    pub name: String,
    pub does: String,
    /// Its regular expression, where it has one.
    pub pattern: Option<String>,
    /// The parts behind it.
    pub parts: Vec<String>,
}

/// Every step in order; both lists may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    pub normalizers: Vec<NormalizerStep>,
    pub splits: Vec<SplitStep>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn failed(e: Failure) -> TokenizeError {
    TokenizeError::Text(e.to_string())
}

impl TextTokenizer {
    /// What each step of normaliser and pre-tokenizer made of a text. Added tokens that the text
    /// spells out (`<mask>`) go through none of them.
    ///
    /// # Errors
    /// [`TokenizeError::Text`] when a step refuses the text.
    pub fn stages(&self, text: &str) -> Result<Stages, TokenizeError> {
        let steps = flat_steps(self.inner.get_normalizer());
        let mut parts = parts(&self.extracted(text, false));
        let mut normalizers = Vec::with_capacity(steps.len());
        for step in steps {
            normalizers.push(normalize(step, &mut parts).map_err(failed)?);
        }
        let mut pre = self.extracted(text, true);
        let mut splits = Vec::new();
        for splitter in flat_splitters(self.inner.get_pre_tokenizer()) {
            splitter.pre_tokenize(&mut pre).map_err(failed)?;
            splits.push(SplitStep {
                name: splitter_name(splitter).to_owned(),
                does: splitter_does(splitter),
                pattern: pattern_of(splitter),
                parts: parts_text(&pre),
            });
        }
        Ok(Stages {
            normalizers,
            splits,
        })
    }

    /// The text with its added tokens told apart, normalised where asked.
    fn extracted(&self, text: &str, normalized: bool) -> PreTokenizedString {
        let normalizer = self.inner.get_normalizer().filter(|_| normalized);
        let added = self.inner.get_added_vocabulary();
        added.extract_and_normalize(normalizer, text)
    }

    /// The normalised text, and the parts that the pre-tokenizer hands to the vocabulary.
    pub(super) fn steps(&self, text: &str) -> Result<(String, Vec<String>), TokenizeError> {
        let mut pre = self.extracted(text, true);
        let normalized = parts_text(&pre).concat();
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut pre).map_err(failed)?;
        }
        Ok((normalized, parts_text(&pre)))
    }
}

/// Parts of a text; true for those that are added tokens.
fn parts(pre: &PreTokenizedString) -> Vec<(String, bool)> {
    let splits = pre.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
    let part = |(text, _, tokens): (&str, _, &Option<_>)| (text.to_owned(), tokens.is_some());
    splits.into_iter().map(part).collect()
}

fn parts_text(pre: &PreTokenizedString) -> Vec<String> {
    parts(pre).into_iter().map(|(text, _)| text).collect()
}

fn normalize(step: &Step, parts: &mut [(String, bool)]) -> Result<NormalizerStep, Failure> {
    let (mut after, mut changes) = (String::new(), Vec::new());
    for (text, added) in parts.iter_mut() {
        if !*added {
            let mut part = NormalizedString::from(text.as_str());
            step.normalize(&mut part)?;
            let start = after.len();
            changes.extend(changes_of(&part).into_iter().map(|change| Change {
                at: change.at.start + start..change.at.end + start,
                ..change
            }));
            *text = part.get().to_owned();
        }
        after += text;
    }
    Ok(NormalizerStep {
        name: step_name(step).to_owned(),
        does: step_does(step),
        after,
        changes,
    })
}

fn flat_steps(step: Option<&Step>) -> Vec<&Step> {
    match step {
        None => Vec::new(),
        Some(Step::Sequence(all)) => {
            let inner = all.as_ref().iter();
            inner.flat_map(|step| flat_steps(Some(step))).collect()
        }
        Some(step) => vec![step],
    }
}

fn flat_splitters(splitter: Option<&Splitter>) -> Vec<&Splitter> {
    match splitter {
        None => Vec::new(),
        Some(Splitter::Sequence(all)) => {
            let inner = all.as_ref().iter();
            inner.flat_map(|step| flat_splitters(Some(step))).collect()
        }
        Some(step) => vec![step],
    }
}

fn step_name(step: &Step) -> &'static str {
    match step {
        Step::BertNormalizer(_) => "BertNormalizer",
        Step::StripNormalizer(_) => "Strip",
        Step::StripAccents(_) => "StripAccents",
        Step::NFC(_) => "NFC",
        Step::NFD(_) => "NFD",
        Step::NFKC(_) => "NFKC",
        Step::NFKD(_) => "NFKD",
        Step::Sequence(_) => "Sequence",
        Step::Lowercase(_) => "Lowercase",
        Step::Nmt(_) => "Nmt",
        Step::Precompiled(_) => "Precompiled",
        Step::Replace(_) => "Replace",
        Step::Prepend(_) => "Prepend",
        Step::ByteLevel(_) => "ByteLevel",
    }
}

fn step_does(step: &Step) -> String {
    match step {
        Step::BertNormalizer(bert) => bert_does(bert),
        Step::StripNormalizer(_) => "white space at the ends removed".to_owned(),
        Step::StripAccents(_) => "accents removed".to_owned(),
        Step::NFC(_) => "letters and accents composed".to_owned(),
        Step::NFD(_) => "letters and accents taken apart".to_owned(),
        Step::NFKC(_) => "look-alikes unified and composed".to_owned(),
        Step::NFKD(_) => "look-alikes unified, accents taken apart".to_owned(),
        Step::Lowercase(_) => "lower case".to_owned(),
        Step::Nmt(_) => "control characters removed, odd spaces plain".to_owned(),
        Step::Precompiled(_) => "SentencePiece's own table of characters".to_owned(),
        Step::Replace(replace) => replace_does(replace),
        Step::Prepend(prepend) => format!("{} put in front", prepend.prepend),
        Step::ByteLevel(_) => "every byte written as a character".to_owned(),
        Step::Sequence(_) => String::new(),
    }
}

fn bert_does(bert: &tokenizers::normalizers::BertNormalizer) -> String {
    let strips = bert.strip_accents.unwrap_or(bert.lowercase);
    let parts = [
        (bert.clean_text, "control characters removed"),
        (bert.handle_chinese_chars, "Chinese characters set apart"),
        (strips, "accents removed"),
        (bert.lowercase, "lower case"),
    ];
    let on = parts.iter().filter(|(on, _)| *on);
    on.map(|(_, does)| *does).collect::<Vec<_>>().join(", ")
}

/// Its pattern is private, but not in the file's form.
fn replace_does(replace: &tokenizers::normalizers::Replace) -> String {
    let json = serde_json::to_value(replace).unwrap_or_default();
    let of = |kind: &str| json["pattern"][kind].as_str().map(super::piece_label);
    let pattern = of("String").or_else(|| of("Regex")).unwrap_or_default();
    match replace.content.as_str() {
        "" => format!("{pattern} removed"),
        content => format!("{pattern} → {}", super::piece_label(content)),
    }
}

fn splitter_name(splitter: &Splitter) -> &'static str {
    match splitter {
        Splitter::BertPreTokenizer(_) => "BertPreTokenizer",
        Splitter::ByteLevel(_) => "ByteLevel",
        Splitter::Delimiter(_) => "CharDelimiterSplit",
        Splitter::Metaspace(_) => "Metaspace",
        Splitter::Whitespace(_) => "Whitespace",
        Splitter::Sequence(_) => "Sequence",
        Splitter::Split(_) => "Split",
        Splitter::Punctuation(_) => "Punctuation",
        Splitter::WhitespaceSplit(_) => "WhitespaceSplit",
        Splitter::Digits(_) => "Digits",
        Splitter::UnicodeScripts(_) => "UnicodeScripts",
        Splitter::FixedLength(_) => "FixedLength",
    }
}

fn splitter_does(splitter: &Splitter) -> String {
    let does = match splitter {
        Splitter::BertPreTokenizer(_) => "at white space and punctuation",
        Splitter::ByteLevel(step) if step.use_regex => {
            "letters, digits and signs apart, each with the space before it; bytes as characters"
        }
        Splitter::ByteLevel(_) => "every byte written as a character",
        Splitter::Delimiter(step) => return format!("at {}", step.delimiter),
        Splitter::Metaspace(step) if step.split => "a mark in front of each word, split there",
        Splitter::Metaspace(_) => "a mark in front of each word",
        Splitter::Whitespace(_) => "words and signs apart, white space left out",
        Splitter::Split(step) => return split_does(step),
        Splitter::Punctuation(_) => "punctuation set apart",
        Splitter::WhitespaceSplit(_) => "at white space, which is left out",
        Splitter::Digits(step) if step.individual_digits => "every digit alone",
        Splitter::Digits(_) => "numbers set apart",
        Splitter::UnicodeScripts(_) => "where the script changes",
        Splitter::FixedLength(step) => return format!("every {} characters", step.length),
        Splitter::Sequence(_) => "",
    };
    does.to_owned()
}

fn split_does(split: &Split) -> String {
    use tokenizers::pre_tokenizers::split::SplitPattern;
    match &split.pattern {
        SplitPattern::String(text) => format!("at {}", super::piece_label(text)),
        SplitPattern::Regex(_) => "by a pattern".to_owned(),
    }
}

fn pattern_of(splitter: &Splitter) -> Option<String> {
    use tokenizers::pre_tokenizers::split::SplitPattern;
    match splitter {
        Splitter::Split(Split {
            pattern: SplitPattern::Regex(pattern),
            ..
        }) => Some(pattern.clone()),
        _ => None,
    }
}
