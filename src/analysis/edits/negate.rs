//! The opposite of an English sentence, as far as one word makes it.

use std::ops::Range;

use super::Splice;
use super::words::{capital, fold, small};
use crate::analysis::similarity::shares::is_stop_word;

/// Verbs that `not` follows.
const AUXILIARIES: &[&str] = &[
    "is", "are", "was", "were", "am", "do", "does", "did", "can", "could", "will", "would",
    "shall", "should", "may", "might", "must",
];
/// Auxiliaries before a participle, verbs of their own before anything else.
const HAVE: &[&str] = &["have", "has", "had"];
const PARTICIPLES: &[&str] = &[
    "been", "had", "done", "gone", "made", "seen", "got", "known", "shown", "found", "left",
    "lost", "won", "built", "come", "become", "said", "told", "met", "sold", "bought", "read",
    "put",
];
/// Words that negate by themselves, and what they say without it.
const NEGATIONS: &[(&str, &str)] = &[
    ("not", ""),
    ("never", ""),
    ("no", ""),
    ("cannot", "can"),
    ("without", "with"),
    ("nothing", "something"),
    ("nobody", "somebody"),
    ("none", "some"),
];
/// Contractions that lose a letter.
const CONTRACTED: &[(&str, &str)] = &[("can't", "can"), ("won't", "will"), ("shan't", "shall")];
/// In front of a sentence that has no auxiliary.
const UNTRUE: &str = "It is not true that ";

/// Takes the first negation out where there is one, puts `not` behind the first auxiliary verb where
/// there is one, and else denies the whole sentence. None for what is not in Latin letters.
pub fn negate(text: &str, units: &[Range<usize>]) -> Option<Vec<Splice>> {
    let latin = |c: char| c < '\u{250}';
    let (mut own, mut all) = (0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        all += 1;
        own += usize::from(latin(c));
    }
    if all == 0 || 2 * own <= all {
        return None;
    }
    affirm(text, units)
        .or_else(|| insert(text, units))
        .or_else(|| deny(text, units))
}

/// Without its first negation.
fn affirm(text: &str, units: &[Range<usize>]) -> Option<Vec<Splice>> {
    units.iter().find_map(|range| {
        let word = &text[range.clone()];
        let fold = fold(word);
        let listed = NEGATIONS.iter().chain(CONTRACTED);
        let plain = listed.copied().find(|(negation, _)| *negation == fold);
        let with = match plain {
            Some((_, plain)) => plain.to_owned(),
            None => fold
                .strip_suffix("n't")
                .filter(|stem| !stem.is_empty())?
                .to_owned(),
        };
        Some(vec![Splice {
            range: range.clone(),
            with: like(word, &with),
        }])
    })
}

/// In the same letters as `model`: a capital where that has one.
fn like(model: &str, word: &str) -> String {
    match model.chars().next().is_some_and(char::is_uppercase) {
        true => capital(word),
        false => word.to_owned(),
    }
}

/// With `not` behind its first auxiliary; contracted where that opens a question.
fn insert(text: &str, units: &[Range<usize>]) -> Option<Vec<Splice>> {
    let folds: Vec<String> = units.iter().map(|unit| fold(&text[unit.clone()])).collect();
    let at = (0..units.len()).find(|&i| is_auxiliary(&folds, i))?;
    if at == 0 {
        return question(text, &units[0], &folds[0], units.get(1));
    }
    Some(vec![Splice {
        range: units[at].end..units[at].end,
        with: " not".to_owned(),
    }])
}

fn is_auxiliary(folds: &[String], at: usize) -> bool {
    let word = folds[at].as_str();
    let is_participle = |word: &String| {
        PARTICIPLES.contains(&word.as_str()) || word.ends_with("ed") || word.ends_with("en")
    };
    match HAVE.contains(&word) {
        true => folds.get(at + 1).is_some_and(is_participle),
        false => AUXILIARIES.contains(&word),
    }
}

fn question(
    text: &str,
    verb: &Range<usize>,
    fold: &str,
    next: Option<&Range<usize>>,
) -> Option<Vec<Splice>> {
    let word = &text[verb.clone()];
    let contracted = match fold {
        "can" => "can't",
        "will" => "won't",
        // None of these is contracted.
        "am" | "may" | "might" | "shall" => {
            let end = next?.end;
            let with = " not".to_owned();
            return Some(vec![Splice {
                range: end..end,
                with,
            }]);
        }
        other => &format!("{other}n't"),
    };
    Some(vec![Splice {
        range: verb.clone(),
        with: like(word, contracted),
    }])
}

/// The whole sentence denied.
fn deny(text: &str, units: &[Range<usize>]) -> Option<Vec<Splice>> {
    let first = units.first()?;
    let word = &text[first.clone()];
    let fold = fold(word);
    // Names and `I` keep their capital.
    let is_common = is_stop_word(&fold) && fold != "i" && !fold.starts_with("i'");
    let (range, word) = match is_common {
        true => (first.clone(), small(word)),
        false => (first.start..first.start, String::new()),
    };
    Some(vec![Splice {
        range,
        with: format!("{UNTRUE}{word}"),
    }])
}

/// What a negation does, in a few words.
pub fn title(splices: &[Splice], at: impl Fn(&Range<usize>) -> String) -> String {
    let one = |splice: &Splice| {
        if splice.with.starts_with(UNTRUE) {
            return format!("“{UNTRUE}…”");
        }
        let (old, new) = (at(&splice.range), splice.with.trim());
        match (old.is_empty(), new.is_empty()) {
            (true, _) => format!("insert “{new}”"),
            (_, true) => format!("drop “{old}”"),
            _ => format!("“{old}” → “{new}”"),
        }
    };
    let all: Vec<String> = splices.iter().map(one).collect();
    format!("negate: {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::words::units;
    use super::super::{Edit, apply};
    use super::*;

    fn negated(text: &str) -> Option<String> {
        let edit = Edit::Negate(negate(text, &units(text))?);
        Some(apply(text, &[&edit]).unwrap().text())
    }

    #[test]
    fn a_sentence_is_turned_round_by_its_first_auxiliary_or_negation() {
        let cases = [
            ("The cat is here", "The cat is not here"),
            ("The cat is not here", "The cat is here"),
            ("It isn't good.", "It is good."),
            ("You can't go", "You can go"),
            ("They won’t go", "They will go"),
            ("We cannot go", "We can go"),
            ("It has been seen", "It has not been seen"),
            ("Is it good?", "Isn't it good?"),
            ("Can it fly?", "Can't it fly?"),
            ("May it fly", "May it not fly"),
            ("Never again", "again"),
            (
                "The cat bit the dog",
                "It is not true that the cat bit the dog",
            ),
            ("Paris has cafés", "It is not true that Paris has cafés"),
            ("I like it", "It is not true that I like it"),
            ("cat", "It is not true that cat"),
        ];
        for (text, wanted) in cases {
            assert_eq!(negated(text).as_deref(), Some(wanted), "{text}");
        }
        for none in ["", "👍", "猫が好き", "مرحبا", "Привет мир", "123"] {
            assert_eq!(negated(none), None, "{none}");
        }
    }
}
