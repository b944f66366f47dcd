//! How much of a score special tokens, the prompt, punctuation and so on carry.

use super::PairMatrix;
use super::words::{surface, word_of};
use crate::tokens::Tokens;

/// What a pair of tokens is. A pair that could be several is the first of them, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PairClass {
    /// One of the two is no token: a bias, or another extra row of the method.
    Bias,
    /// One of the two was added by the template ([CLS], [SEP]).
    Special,
    /// One of the two belongs to the prompt.
    Prompt,
    /// One of the two is punctuation.
    Punctuation,
    /// One of the two is part of an English stop word.
    StopWord,
    /// The same piece of the vocabulary on both sides.
    Identical,
    /// Two different pieces that carry content.
    Rest,
}

impl PairClass {
    pub const ALL: [Self; 7] = [
        Self::Bias,
        Self::Special,
        Self::Prompt,
        Self::Punctuation,
        Self::StopWord,
        Self::Identical,
        Self::Rest,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Bias => "no token",
            Self::Special => "special tokens",
            Self::Prompt => "prompt",
            Self::Punctuation => "punctuation",
            Self::StopWord => "stop words",
            Self::Identical => "identical tokens",
            Self::Rest => "other pairs",
        }
    }

    /// Which pairs these are, given that none of the classes before took them.
    pub fn about(self) -> &'static str {
        match self {
            Self::Bias => "pairs with a part that is no token on either side",
            Self::Special => {
                "pairs with a token of the template, like [CLS] or [SEP], on either side"
            }
            Self::Prompt => "pairs with a token of the prompt on either side",
            Self::Punctuation => "pairs with punctuation on either side",
            Self::StopWord => "pairs with an English stop word (the, of, is, …) on either side",
            Self::Identical => "the same piece of the vocabulary on both sides",
            Self::Rest => "two different pieces that carry content",
        }
    }
}

/// One class's part of the score.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub class: PairClass,
    /// What the method calls the row or column that is no token (`bias`, `empty`, `reference`), where
    /// the class is of those.
    pub part: Option<String>,
    /// Σ of the class's cells.
    pub sum: f64,
    /// How many cells those are.
    pub pairs: usize,
}

impl Share {
    /// The class; and of what is no token what it is.
    pub fn title(&self) -> String {
        let class = self.class.title();
        match &self.part {
            Some(part) => format!("{class} ({part})"),
            None => class.to_owned(),
        }
    }
}

/// The sums of every class, in the order of [`PairClass::ALL`]. Each cell is in exactly one class,
/// so they add up to the matrix's sum. Rows and columns behind the tokens are of the first class.
/// Empty for a matrix that is not over these texts' tokens, as one over words or dimensions.
pub fn shares(matrix: &PairMatrix, a: &Tokens, b: &Tokens) -> Vec<Share> {
    if !matrix.rows.starts_with(&a.pieces) || !matrix.columns.starts_with(&b.pieces) {
        return Vec::new();
    }
    let extra = matrix.rows.get(a.len()).or(matrix.columns.get(b.len()));
    let mut shares = PairClass::ALL.map(|class| Share {
        class,
        part: extra.filter(|_| class == PairClass::Bias).cloned(),
        sum: 0.,
        pairs: 0,
    });
    let (kinds_a, kinds_b) = (kinds(a), kinds(b));
    for row in 0..matrix.rows.len() {
        for (column, value) in matrix.row(row).iter().enumerate() {
            let class = class_of((a, &kinds_a, row), (b, &kinds_b, column));
            let share = &mut shares[class as usize];
            share.sum += value;
            share.pairs += 1;
        }
    }
    shares.to_vec()
}

type SideOf<'a> = (&'a Tokens, &'a [Option<PairClass>], usize);

fn class_of((a, kinds_a, row): SideOf<'_>, (b, kinds_b, column): SideOf<'_>) -> PairClass {
    let kind = |kinds: &[Option<PairClass>], t: usize| {
        kinds.get(t).copied().unwrap_or(Some(PairClass::Bias))
    };
    let either = [kind(kinds_a, row), kind(kinds_b, column)];
    if let Some(class) = either.into_iter().flatten().min() {
        return class;
    }
    match a.ids[row] == b.ids[column] {
        true => PairClass::Identical,
        false => PairClass::Rest,
    }
}

/// The class that each token puts its pairs into by itself, [T].
fn kinds(tokens: &Tokens) -> Vec<Option<PairClass>> {
    (0..tokens.len()).map(|t| kind(tokens, t)).collect()
}

fn kind(tokens: &Tokens, token: usize) -> Option<PairClass> {
    if tokens.special[token] {
        return Some(PairClass::Special);
    }
    if tokens.offsets[token].0 < tokens.prompt_bytes {
        return Some(PairClass::Prompt);
    }
    if is_punctuation(surface(tokens, token..token + 1)) {
        return Some(PairClass::Punctuation);
    }
    let word = surface(tokens, word_of(tokens, token));
    let word = word
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    is_stop_word(&word).then_some(PairClass::StopWord)
}

/// True for a token that carries content: none of the template, the prompt, punctuation or an English
/// stop word.
pub fn is_content(tokens: &Tokens, token: usize) -> bool {
    kind(tokens, token).is_none()
}

/// True for an English function word, given in lower case.
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// True for one or more marks with nothing else: ASCII, Latin-1, general and East Asian.
fn is_punctuation(text: &str) -> bool {
    let mark = |c: char| {
        c.is_ascii_punctuation()
            || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿')
            || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}')
            || matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}')
            || matches!(c, '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}')
            || matches!(c, '\u{FF5B}'..='\u{FF65}')
    };
    let text = text.trim();
    !text.is_empty() && text.chars().all(mark)
}

/// Function words of English: articles, pronouns, prepositions, conjunctions, auxiliaries. `not`
/// and the like are left out: a negation carries content.
const STOP_WORDS: &[&str] = &[
    "a", "about", "above", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as",
    "at", "be", "because", "been", "before", "being", "below", "between", "both", "but", "by",
    "can", "could", "did", "do", "does", "doing", "down", "during", "each", "for", "from",
    "further", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how",
    "i", "if", "in", "into", "is", "it", "its", "just", "may", "me", "might", "more", "most",
    "must", "my", "of", "off", "on", "once", "only", "or", "other", "our", "out", "over", "own",
    "same", "shall", "she", "should", "so", "some", "such", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until",
    "up", "us", "very", "was", "we", "were", "what", "when", "where", "which", "while", "who",
    "whom", "why", "will", "with", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_punctuation_and_signs_with_a_meaning_are_not() {
        for text in [".", "...", "“", " —", "。", "¿", "!?", "、"] {
            assert!(is_punctuation(text), "{text}");
        }
        for text in ["", " ", "a.", "1", "🙂", "東", "±", "∑"] {
            assert!(!is_punctuation(text), "{text}");
        }
    }
}
