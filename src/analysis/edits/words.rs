//! What an edit takes hold of: words, numbers, single ideographs and symbols.

use std::ops::Range;

/// Byte ranges of the units of a text, in order. Apostrophes stay within words, and the marks of
/// numbers within numbers (`3.5`, `12:30`). Scripts that are written without spaces have a unit per
/// ideograph; an emoji with its modifiers is a unit of its own. Punctuation and white space are none.
pub fn units(text: &str) -> Vec<Range<usize>> {
    let letters: Vec<(usize, char)> = text.char_indices().collect();
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut last: Option<Class> = None;
    for (i, &(at, c)) in letters.iter().enumerate() {
        let around = |step: Option<usize>| step.and_then(|i| letters.get(i)).map(|l| l.1);
        let class = class(c, around(i.checked_sub(1)), around(Some(i + 1)), last);
        let end = at + c.len_utf8();
        match (class, last, out.last_mut()) {
            (None, ..) => {}
            (Some(Class::Joiner), Some(_), Some(open)) => open.end = end,
            (Some(Class::Word), Some(Class::Word), Some(open)) => open.end = end,
            (Some(Class::Joiner), ..) => {}
            (Some(_), ..) => out.push(at..end),
        }
        last = match class {
            // What a joiner follows goes on.
            Some(Class::Joiner) => last,
            class => class,
        };
        // After a zero-width joiner the next symbol belongs to the same picture.
        if c == '\u{200D}' && last == Some(Class::Symbol) {
            last = Some(Class::Glued);
        }
        if class == Some(Class::Symbol) && joined(&letters, i) {
            merge_last(&mut out);
        }
    }
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Word,
    Ideograph,
    Symbol,
    /// Goes on with whatever stands before it.
    Joiner,
    /// A symbol that waits for its other half.
    Glued,
}

fn class(c: char, before: Option<char>, after: Option<char>, last: Option<Class>) -> Option<Class> {
    let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    match c {
        '\u{300}'..='\u{36F}' | '\u{FE00}'..='\u{FE0F}' | '\u{200D}' | '\u{20E3}' => {
            last.map(|_| Class::Joiner)
        }
        '\u{1F3FB}'..='\u{1F3FF}' if last.is_some() => Some(Class::Joiner),
        '\'' | '’' if letter(before) && letter(after) => Some(Class::Joiner),
        '.' | ',' | ':' | '/' | '-' if digits(before) && digits(after) => Some(Class::Joiner),
        c if is_ideograph(c) => Some(Class::Ideograph),
        c if c.is_alphanumeric() => Some(Class::Word),
        c if c.is_whitespace() || c.is_control() || is_punctuation(c) => None,
        _ => Some(Class::Symbol),
    }
}

/// True where a zero-width joiner ties the symbol at `i` to the one before it.
fn joined(letters: &[(usize, char)], i: usize) -> bool {
    i.checked_sub(1).is_some_and(|i| letters[i].1 == '\u{200D}')
}

fn merge_last(units: &mut Vec<Range<usize>>) {
    if let Some(last) = units.pop() {
        match units.last_mut() {
            Some(before) if before.end == last.start => before.end = last.end,
            _ => units.push(last),
        }
    }
}

/// Han, kana and the like: no spaces between words.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
        || matches!(c, '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Marks: ASCII, Latin-1, Arabic, general and East Asian.
pub fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(
            c,
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '،' | '؛' | '؟' | '۔' | '־'
        )
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{202A}'..='\u{205E}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{200B}' | '\u{200C}' | '\u{200E}' | '\u{200F}')
        || matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}')
        || matches!(c, '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}')
        || matches!(c, '\u{FF5B}'..='\u{FF65}')
}

/// Byte ranges of runs of punctuation outside of words and numbers.
pub fn marks(text: &str) -> Vec<Range<usize>> {
    let units = units(text);
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut next = units.iter().peekable();
    for (at, c) in text.char_indices() {
        while next.next_if(|unit| unit.end <= at).is_some() {}
        let inside = next.peek().is_some_and(|unit| unit.start <= at);
        if inside || !is_punctuation(c) {
            continue;
        }
        let end = at + c.len_utf8();
        match out.last_mut() {
            Some(run) if run.end == at => run.end = end,
            _ => out.push(at..end),
        }
    }
    out
}

/// Which of several equal units a range is, from 1; 0 where it is the only one, or none.
pub fn occurrence(text: &str, range: &Range<usize>) -> usize {
    let Some(word) = text.get(range.clone()) else {
        return 0;
    };
    // Most words occur once, which is seen at a glance.
    if text.matches(word).nth(1).is_none() {
        return 0;
    }
    let equal = units(text);
    let equal = equal.iter().filter(|unit| &text[(*unit).clone()] == word);
    let equal: Vec<&Range<usize>> = equal.collect();
    match equal.len() {
        0 | 1 => 0,
        _ => equal
            .iter()
            .position(|unit| *unit == range)
            .map_or(0, |at| at + 1),
    }
}

/// In lower case with plain apostrophes, to look it up.
pub fn fold(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

/// With its first letter as a capital.
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// With its first letter small.
pub fn small(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// True for a capital with nothing but small letters behind it.
pub fn is_capital(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && !letters.any(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        units(text).into_iter().map(|unit| &text[unit]).collect()
    }

    #[test]
    fn units_are_words_numbers_ideographs_and_symbols() {
        assert_eq!(found("Don’t 'stop'!"), ["Don’t", "stop"]);
        assert_eq!(found("3.5% at 12:30."), ["3.5", "at", "12:30"]);
        assert_eq!(found("猫が好き。cat"), ["猫", "が", "好", "き", "cat"]);
        assert_eq!(found("مرحبا، يا"), ["مرحبا", "يا"]);
        assert_eq!(found("ok 👍🏽 👩‍👧 ❤️x"), ["ok", "👍🏽", "👩‍👧", "❤️", "x"]);
        assert_eq!(found("e\u{301}te\u{301}"), ["e\u{301}te\u{301}"]);
        assert_eq!(found(" \u{301} –… "), Vec::<&str>::new());
        assert_eq!(found(""), Vec::<&str>::new());
        assert_eq!(found("\u{200D}👍"), ["👍"]);
    }

    #[test]
    fn marks_within_words_and_numbers_are_none() {
        let text = "Don't go -- at 3.5, (really)!?";
        let all: Vec<&str> = marks(text).into_iter().map(|run| &text[run]).collect();
        assert_eq!(all, ["--", ",", "(", ")!?"]);
    }
}
