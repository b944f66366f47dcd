//! Which edits a text offers.

use std::collections::HashSet;
use std::ops::Range;

use super::apply::cased;
use super::words::{capital, fold, is_capital, marks, small, units};
use super::{Case, Edit, Kind, Splice, negate, numbers};
use crate::analysis::similarity::shares::is_stop_word;
use crate::model::Prompt;

/// What a model has to offer beside the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// How the tokenizer spells its mask token, where it has one.
    pub mask: Option<String>,
    /// The words in front of the text now.
    pub prompt: String,
    /// The model's prompts by name, each with its words.
    pub prompts: Vec<(String, String)>,
}

/// Every edit of these kinds that changes `text`, in the order of the kinds and of the text.
pub fn propose(text: &str, offer: &Offer, kinds: &[Kind]) -> Vec<Edit> {
    let units = units(text);
    let mut out = Vec::new();
    for kind in Kind::PROPOSED {
        if kinds.contains(&kind) {
            out.extend(of_kind(kind, text, &units, offer));
        }
    }
    out
}

fn of_kind(kind: Kind, text: &str, units: &[Range<usize>], offer: &Offer) -> Vec<Edit> {
    match kind {
        Kind::Delete => units.iter().cloned().map(Edit::Delete).collect(),
        Kind::Mask => units.iter().cloned().map(Edit::Mask).collect(),
        Kind::MaskToken => mask_tokens(text, units, offer),
        Kind::Swap => swaps(text, units),
        Kind::Negate => negate::negate(text, units)
            .map(Edit::Negate)
            .into_iter()
            .collect(),
        Kind::Number => changed_numbers(text, units),
        Kind::Case => cases(text, units),
        Kind::Punctuation => match marks(text).is_empty() {
            true => Vec::new(),
            false => vec![Edit::Punctuation],
        },
        Kind::Prompt => prompts(text, offer),
        Kind::Free => Vec::new(),
    }
}

fn mask_tokens(text: &str, units: &[Range<usize>], offer: &Offer) -> Vec<Edit> {
    let Some(mask) = &offer.mask else {
        return Vec::new();
    };
    let other = units.iter().filter(|unit| &text[(*unit).clone()] != mask);
    let one = |unit: &Range<usize>| {
        Edit::MaskToken(Splice {
            range: unit.clone(),
            with: mask.clone(),
        })
    };
    other.map(one).collect()
}

fn changed_numbers(text: &str, units: &[Range<usize>]) -> Vec<Edit> {
    let one = |unit: &Range<usize>| {
        let is_percent = text[unit.end..].trim_start().starts_with(['%', '٪']);
        let with = numbers::changed(&text[unit.clone()], is_percent)?;
        let range = unit.clone();
        Some(Edit::Number(Splice { range, with }))
    };
    units.iter().filter_map(one).collect()
}

fn cases(text: &str, units: &[Range<usize>]) -> Vec<Edit> {
    let changes = |case: &Case| {
        let mut words = units.iter().map(|unit| &text[unit.clone()]);
        words.any(|word| cased(*case, word) != word)
    };
    let all = [Case::Lower, Case::Upper, Case::Title];
    all.into_iter().filter(changes).map(Edit::Case).collect()
}

fn prompts(text: &str, offer: &Offer) -> Vec<Edit> {
    let mut out = Vec::new();
    if !offer.prompt.is_empty() {
        out.push(Edit::Prompt(Prompt::None));
    }
    let mut seen = HashSet::from([offer.prompt.as_str(), ""]);
    for (name, words) in &offer.prompts {
        if seen.insert(words) {
            out.push(Edit::Prompt(Prompt::Named(name.clone())));
        }
    }
    let typed = offer.prompts.iter().map(|(_, words)| words.as_str());
    let typed = typed.filter(|words| !words.trim().is_empty() && text.starts_with(words));
    if let Some(longest) = typed.max_by_key(|words| words.len()) {
        out.push(Edit::TypedPrompt(0..longest.len()));
    }
    out
}

/// Words behind which a noun is expected.
const DETERMINERS: &[&str] = &[
    "a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "this", "that", "these",
    "those", "each", "every", "some", "any", "no",
];

/// Neighbouring content words, and the first and the last that look like nouns: who did what to
/// whom. Words that are the same but for their case make no swap.
fn swaps(text: &str, units: &[Range<usize>]) -> Vec<Edit> {
    let folds: Vec<String> = units.iter().map(|unit| fold(&text[unit.clone()])).collect();
    let content: Vec<usize> = (0..units.len())
        .filter(|&i| !is_stop_word(&folds[i]))
        .collect();
    let mut pairs: Vec<(usize, usize)> = roles(text, units, &folds, &content).into_iter().collect();
    for pair in content.windows(2) {
        if !pairs.contains(&(pair[0], pair[1])) {
            pairs.push((pair[0], pair[1]));
        }
    }
    pairs.retain(|&(i, j)| folds[i] != folds[j]);
    let one = |(i, j): (usize, usize)| swap(text, &units[i], &units[j], i == 0);
    pairs.into_iter().map(one).collect()
}

/// The first and the last noun, so far as its surroundings tell; else the first and the last content
/// word.
fn roles(
    text: &str,
    units: &[Range<usize>],
    folds: &[String],
    content: &[usize],
) -> Option<(usize, usize)> {
    let is_noun = |&&i: &&usize| {
        let before = i.checked_sub(1).map(|i| folds[i].as_str());
        let follows = before.is_some_and(|word| DETERMINERS.contains(&word));
        // A name, but for the word that opens the text.
        follows || (i > 0 && is_capital(&text[units[i].clone()]))
    };
    let nouns: Vec<usize> = content.iter().filter(is_noun).copied().collect();
    let of = if nouns.len() > 1 { &nouns } else { content };
    match of {
        [first, .., last] => Some((*first, *last)),
        _ => None,
    }
}

fn swap(text: &str, a: &Range<usize>, b: &Range<usize>, opens: bool) -> Edit {
    let (mut first, mut second) = (text[a.clone()].to_owned(), text[b.clone()].to_owned());
    // The capital belongs to the start of the sentence, not to the word.
    if opens && is_capital(&first) && second.chars().next().is_some_and(char::is_lowercase) {
        (first, second) = (small(&first), capital(&second));
    }
    Edit::Swap([
        Splice {
            range: a.clone(),
            with: second,
        },
        Splice {
            range: b.clone(),
            with: first,
        },
    ])
}
