//! Words of a text as the cards compare them: folded, whatever a tokenizer makes of them.

use std::collections::BTreeSet;
use std::ops::Range;

use tokenizers::tokenizer::NormalizedString;

/// A run of letters and digits.
pub struct Word<'a> {
    /// As typed.
    pub form: &'a str,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// In compatibility form (NFKC) and lower case.
    pub fold: String,
}

/// Words of a text, in order. Apostrophes stay within words, and the marks of numbers and dates
/// within numbers (`3.5`, `12:30`, `2024-05-01`).
pub fn words(text: &str) -> Vec<Word<'_>> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let inner = |i: usize| {
        let (before, after) = (i.checked_sub(1).map(|i| letters[i].1), letters.get(i + 1));
        let (Some(before), Some(&(_, after))) = (before, after) else {
            return false;
        };
        match letters[i].1 {
            '\'' | '’' => before.is_alphabetic() && after.is_alphabetic(),
            '.' | ',' | ':' | '/' | '-' => before.is_ascii_digit() && after.is_ascii_digit(),
            // Marks on the letter before them.
            '\u{300}'..='\u{36F}' => true,
            _ => false,
        }
    };
    let mut out = Vec::new();
    let mut start = None;
    for (i, &(at, c)) in letters.iter().enumerate() {
        let mark = matches!(c, '\u{300}'..='\u{36F}');
        match (c.is_alphanumeric() || mark || inner(i), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                out.push(word(text, from..at));
                start = None;
            }
            _ => {}
        }
    }
    out.extend(start.map(|from| word(text, from..text.len())));
    out
}

fn word(text: &str, range: Range<usize>) -> Word<'_> {
    let form = &text[range.clone()];
    Word {
        form,
        range,
        fold: fold(form).replace('’', "'"),
    }
}

/// Compatibility form (NFKC) in lower case.
pub fn fold(text: &str) -> String {
    let mut text = NormalizedString::from(text);
    text.nfkc().lowercase();
    text.get().to_owned()
}

/// The text with some of its words in other words, and white space made even.
pub fn replaced(
    text: &str,
    words: &[Word<'_>],
    mut by: impl FnMut(usize, &Word<'_>) -> Option<String>,
) -> String {
    let mut out = String::new();
    let mut end = 0;
    for (i, word) in words.iter().enumerate() {
        out.push_str(&text[end..word.range.start]);
        out.push_str(&by(i, word).unwrap_or_else(|| word.form.to_owned()));
        end = word.range.end;
    }
    out.push_str(&text[end..]);
    even(&out)
}

/// Words with one space between them.
pub fn even(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much two sets share of what either has: |A∩B|/|A∪B|; 0 for two empty ones.
pub fn jaccard(a: &BTreeSet<&str>, b: &BTreeSet<&str>) -> f64 {
    let all = a.union(b).count();
    a.intersection(b).count() as f64 / all.max(1) as f64
}

pub fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_apostrophes_and_the_marks_of_numbers() {
        let folds = |text| {
            let all = words(text).into_iter();
            all.map(|word| word.fold).collect::<Vec<_>>()
        };
        assert_eq!(folds("Don’t, 'stop'!"), ["don't", "stop"]);
        assert_eq!(
            folds("On 2024-05-01, 3.5% at 12:30."),
            ["on", "2024-05-01", "3.5", "at", "12:30"]
        );
        assert_eq!(folds("ﬁne Ｃａｔ"), ["fine", "cat"]);
        assert_eq!(folds("e\u{301}te\u{301}"), folds("été"));
        assert!(folds(" –… ").is_empty());
    }

    #[test]
    fn words_are_replaced_where_they_stand() {
        let text = "Not  today, not ever.";
        let all = words(text);
        let gone = replaced(text, &all, |_, word| (word.fold == "not").then(String::new));
        assert_eq!(gone, "today, ever.");
    }
}
