//! The card on a negation of one side.

use std::collections::BTreeSet;

use super::form::language_of;
use super::words::{Word, replaced};
use super::{Facts, Finding, Found, Severity, Side, change, three};
use crate::analysis::similarity::shares::is_stop_word;

/// Words that turn a sentence round, in English and unmistakably so in other languages.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without",
    "cannot", "hardly", "barely", "scarcely", "nicht", "kein", "keine", "keinen", "niemals",
    "jamais", "nunca",
];

/// Contractions as they are typed in haste.
const HASTY: &[&str] = &[
    "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "cant", "couldnt", "wouldnt",
    "shouldnt", "hasnt", "havent", "hadnt", "aint",
];

/// Words that negate in one language and mean something else in another.
const ELSEWHERE: &[(&str, &str)] = &[
    ("nie", "German"),
    ("pas", "French"),
    ("non", "Italian"),
    ("mai", "Italian"),
    ("no", "Spanish"),
    ("niet", "Dutch"),
    ("não", "Portuguese"),
];

/// Turns of phrase with a negation in them that negate nothing; `#` is any number.
const IDIOMS: &[&str] = &[
    "not only",
    "not just",
    "not merely",
    "no doubt",
    "without doubt",
    "without a doubt",
    "without question",
    "no wonder",
    "nothing but",
    "none other than",
    "no later than",
    "no sooner than",
    "no less than",
    "no fewer than",
    "not agree more",
    "not help but",
    "cannot help but",
    "whether or not",
    "or not",
    "why not",
    "no #",
];

fn negates(word: &Word<'_>) -> bool {
    let fold = word.fold.as_str();
    NEGATIONS.contains(&fold) || HASTY.contains(&fold) || fold.ends_with("n't")
}

/// The word as idioms have it.
fn plain<'a>(word: &'a Word<'_>) -> &'a str {
    match word.fold.as_str() {
        fold if fold.ends_with("n't") || HASTY.contains(&fold) => "not",
        fold if fold.starts_with(|c: char| c.is_ascii_digit()) => "#",
        fold => fold,
    }
}

/// Which words of a text turn its meaning round.
fn negations(side: &Side<'_>) -> Vec<bool> {
    let language = language_of(side);
    let elsewhere =
        |word: &Word<'_>| language.is_some_and(|name| ELSEWHERE.contains(&(&*word.fold, name)));
    let words = &side.words;
    let mut found: Vec<bool> = words.iter().map(|w| negates(w) || elsewhere(w)).collect();
    let forms: Vec<&str> = words.iter().map(plain).collect();
    for idiom in IDIOMS {
        let idiom: Vec<&str> = idiom.split(' ').collect();
        for (start, run) in forms.windows(idiom.len()).enumerate() {
            if run == idiom {
                found[start..start + idiom.len()].fill(false);
            }
        }
    }
    if let Some(tag) = tag(side) {
        found[tag] = false;
    }
    found
}

/// The negated verb of a question at the end, which asks for a yes: “…, isn't it?”.
fn tag(side: &Side<'_>) -> Option<usize> {
    let [.., before, verb, _] = &side.words[..] else {
        return None;
    };
    let behind = side.text.get(before.range.end..verb.range.start)?;
    let asks = side.text.trim_end().ends_with('?') && behind.contains(',');
    (asks && verb.fold.ends_with("n't")).then(|| side.words.len() - 2)
}

/// A negation on one side alone, in texts that speak of the same.
pub fn negation(facts: &Facts<'_>) -> Found {
    /// How much of the content must be shared.
    const SHARED: f64 = 0.3;
    let all = facts.sides().map(negations);
    let (index, side) = match [0, 1].map(|side: usize| all[side].contains(&true)) {
        [true, false] => (0, &facts.a),
        [false, true] => (1, &facts.b),
        _ => return Ok(None),
    };
    let negated = side.words.iter().zip(&all[index]);
    let forms: Vec<&str> = negated
        .filter(|(_, negates)| **negates)
        .map(|(word, _)| word.form)
        .collect();
    let rest = |side: &Side<'_>, negated: &[bool]| -> BTreeSet<String> {
        let words = side.words.iter().zip(negated);
        let words = words
            .filter(|(_, negates)| !**negates)
            .map(|(word, _)| word);
        let content = words.filter(|word| !is_stop_word(&word.fold));
        content.map(|word| word.fold.clone()).collect()
    };
    let (a, b) = (rest(&facts.a, &all[0]), rest(&facts.b, &all[1]));
    let shared = a.intersection(&b).count() as f64 / a.len().min(b.len()).max(1) as f64;
    if shared < SHARED {
        return Ok(None);
    }
    let without = replaced(side.text, &side.words, |i, word| {
        let stem = word.fold.strip_suffix("n't");
        // What is left of the words that lose a letter.
        let stem = stem.map(|stem| match stem {
            "ca" => "can",
            "wo" => "will",
            "sha" => "shall",
            other => other,
        });
        all[index][i].then(|| stem.unwrap_or("").to_owned())
    });
    if without.trim().is_empty() {
        return Ok(None);
    }
    let cos = match side.name {
        "A" => facts.cos_of(&without, facts.b.text)?,
        _ => facts.cos_of(facts.a.text, &without)?,
    };
    let delta = facts.cos - cos;
    let what = match forms[..] {
        [_] => "Without the negation the cosine is {}: it moves",
        _ => "Without these words the cosine is {}: they move",
    };
    let what = what.replace("{}", &three(cos));
    let text = format!(
        "Only {} is negated (“{}”). {what} the score by {}, though a negation turns the meaning round.",
        side.name,
        forms.join("”, “"),
        change(delta)
    );
    let finding = Finding::new("negation", Severity::Warning, text)
        .with("side", side.name)
        .with("words", forms)
        .with("without_cos", cos)
        .with("delta_cos", delta);
    Ok(Some(finding))
}
