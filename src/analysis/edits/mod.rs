//! What if a text said something else: small edits of a text, what they make of it, and the search
//! for the fewest of them that carry a score across a threshold. All but [`rerun`] is about text
//! alone.

mod apply;
mod negate;
mod numbers;
mod propose;
pub mod rerun;
pub mod search;
mod words;

use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use apply::{Draft, Mark, Piece, apply};
pub use propose::{Offer, propose};

use crate::model::Prompt;

/// The kinds of edits there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Delete,
    Mask,
    MaskToken,
    Swap,
    Negate,
    Number,
    Case,
    Punctuation,
    Prompt,
    /// A person's own words. Never proposed.
    Free,
}

impl Kind {
    /// Every kind that is proposed.
    pub const PROPOSED: [Self; 9] = [
        Self::Delete,
        Self::Mask,
        Self::MaskToken,
        Self::Swap,
        Self::Negate,
        Self::Number,
        Self::Case,
        Self::Punctuation,
        Self::Prompt,
    ];

    /// On the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Mask => "mask",
            Self::MaskToken => "mask-token",
            Self::Swap => "swap",
            Self::Negate => "negate",
            Self::Number => "number",
            Self::Case => "case",
            Self::Punctuation => "punctuation",
            Self::Prompt => "prompt",
            Self::Free => "free",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::PROPOSED.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| {
            let names = Self::PROPOSED.map(Self::name).join(", ");
            format!("there is no kind of edit `{name}`; there are {names}, and all")
        })
    }
}

/// How letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    Lower,
    Upper,
    /// Each word with one capital in front.
    Title,
}

/// Bytes of a text that give way to other words; an empty range only inserts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Splice {
    pub range: Range<usize>,
    pub with: String,
}

/// One change of a text. Ranges are bytes of the text as it was, without any prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// A word out of the text.
    Delete(Range<usize>),
    /// A word's tokens out of attention and of the pool; the others keep their positions.
    Mask(Range<usize>),
    /// The tokenizer's mask token in a word's place.
    MaskToken(Splice),
    /// Two words, each in the other's place.
    Swap([Splice; 2]),
    /// A negation put in or taken out.
    Negate(Vec<Splice>),
    Number(Splice),
    Case(Case),
    /// Every punctuation mark that is no part of a word or number, out of the text.
    Punctuation,
    /// Another prompt in front; of both texts, as the session has one prompt.
    Prompt(Prompt),
    /// A prompt that was typed as part of the text, out of it.
    TypedPrompt(Range<usize>),
    /// Another text altogether.
    Free(String),
}

impl Edit {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Delete(_) => Kind::Delete,
            Self::Mask(_) => Kind::Mask,
            Self::MaskToken(_) => Kind::MaskToken,
            Self::Swap(_) => Kind::Swap,
            Self::Negate(_) => Kind::Negate,
            Self::Number(_) => Kind::Number,
            Self::Case(_) => Kind::Case,
            Self::Punctuation => Kind::Punctuation,
            Self::Prompt(_) | Self::TypedPrompt(_) => Kind::Prompt,
            Self::Free(_) => Kind::Free,
        }
    }

    /// What it does to `text`, in a few words: `delete “cheap”`.
    pub fn title(&self, text: &str) -> String {
        let at = |range: &Range<usize>| text.get(range.clone()).unwrap_or("?").trim().to_owned();
        // Which of several equal words.
        let word = |range: &Range<usize>| match words::occurrence(text, range) {
            0 | 1 => format!("“{}”", at(range)),
            nth => format!("“{}” ({nth})", at(range)),
        };
        match self {
            Self::Delete(range) => format!("delete {}", word(range)),
            Self::Mask(range) => format!("hide {}", word(range)),
            Self::MaskToken(splice) => format!("{} for {}", splice.with, word(&splice.range)),
            Self::Swap([a, b]) => format!("swap {} and {}", word(&a.range), word(&b.range)),
            Self::Negate(splices) => negate::title(splices, at),
            Self::Number(splice) => format!("{} → {}", at(&splice.range), splice.with),
            Self::Case(Case::Lower) => "lower case".to_owned(),
            Self::Case(Case::Upper) => "upper case".to_owned(),
            Self::Case(Case::Title) => "title case".to_owned(),
            Self::Punctuation => "no punctuation".to_owned(),
            Self::Prompt(Prompt::None) => "no prompt, both texts".to_owned(),
            Self::Prompt(Prompt::Own) => "the model's own prompt, both texts".to_owned(),
            Self::Prompt(Prompt::Named(name)) => format!("prompt “{name}”, both texts"),
            Self::Prompt(Prompt::Text(words)) => format!("prompt “{words}”, both texts"),
            Self::TypedPrompt(range) => format!("drop the typed “{}”", at(range)),
            Self::Free(_) => "own words".to_owned(),
        }
    }
}

/// What a search is to combine: edits that leave a text which can be typed, or all where none does.
pub fn searchable(edits: &[Edit]) -> Vec<Edit> {
    let typed = edits.iter().filter(|edit| edit.kind() != Kind::Mask);
    let typed: Vec<Edit> = typed.cloned().collect();
    match typed.is_empty() {
        true => edits.to_vec(),
        false => typed,
    }
}

/// Why edits cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    #[error("an edit is of another text: its bytes lie outside of this one or within a letter")]
    Outside,
    #[error("two edits change the same words")]
    Clash,
}
