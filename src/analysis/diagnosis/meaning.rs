//! Cards on small differences of words that are large ones of meaning.

use std::collections::BTreeSet;

use super::words::{Word, jaccard, replaced};
use super::{Facts, Finding, Found, Severity, Side, change, three};
use crate::analysis::similarity::shares::is_stop_word;

/// Words that turn a sentence round.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot",
    // German, French, Spanish, Italian
    "nicht", "kein", "keine", "keinen", "nie", "niemals", "pas", "jamais", "nunca", "non", "mai",
];

fn negates(word: &Word<'_>) -> bool {
    NEGATIONS.contains(&word.fold.as_str()) || word.fold.ends_with("n't")
}

/// A negation on one side alone, in texts that speak of the same.
pub fn negation(facts: &Facts<'_>) -> Found {
    /// How much of the content must be shared.
    const SHARED: f64 = 0.3;
    let negated = facts
        .sides()
        .map(|side| side.words.iter().find(|word| negates(word)));
    let (side, word) = match negated {
        [Some(word), None] => (&facts.a, word),
        [None, Some(word)] => (&facts.b, word),
        _ => return Ok(None),
    };
    let rest = |side: &Side<'_>| -> BTreeSet<String> {
        let words = side.words.iter().filter(|word| !negates(word));
        let content = words.filter(|word| !is_stop_word(&word.fold));
        content.map(|word| word.fold.clone()).collect()
    };
    let (a, b) = (rest(&facts.a), rest(&facts.b));
    let shared = a.intersection(&b).count() as f64 / a.len().min(b.len()).max(1) as f64;
    if shared < SHARED {
        return Ok(None);
    }
    let without = replaced(side.text, &side.words, |_, word| {
        let stem = word.fold.strip_suffix("n't");
        // What is left of the words that lose a letter.
        let stem = stem.map(|stem| match stem {
            "ca" => "can",
            "wo" => "will",
            "sha" => "shall",
            other => other,
        });
        negates(word).then(|| stem.unwrap_or("").to_owned())
    });
    if without.trim().is_empty() {
        return Ok(None);
    }
    let cos = match side.name {
        "A" => facts.cos_of(&without, facts.b.text)?,
        _ => facts.cos_of(facts.a.text, &without)?,
    };
    let delta = facts.cos - cos;
    let text = format!(
        "Only {} is negated (“{}”). Without the negation the cosine is {}: it moves the score by {}, though it turns the meaning round.",
        side.name,
        word.form,
        three(cos),
        change(delta)
    );
    let finding = Finding::new("negation", Severity::Warning, text)
        .with("side", side.name)
        .with("word", word.form)
        .with("without_cos", cos)
        .with("delta_cos", delta);
    Ok(Some(finding))
}

/// Number words, months and days of the week. `may`, `march` and `second` have other meanings.
const NUMBER_WORDS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "twenty",
    "thirty",
    "fifty",
    "hundred",
    "thousand",
    "million",
    "billion",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

fn is_number(word: &Word<'_>) -> bool {
    word.fold.contains(|c: char| c.is_numeric()) || NUMBER_WORDS.contains(&word.fold.as_str())
}

/// The numbers in their order, and the other words.
fn split<'a>(side: &'a Side<'_>) -> (Vec<&'a str>, BTreeSet<&'a str>) {
    let fold = |word: &'a Word<'_>| word.fold.as_str();
    let numbers = side.words.iter().filter(|word| is_number(word)).map(fold);
    let rest = side.words.iter().filter(|word| !is_number(word)).map(fold);
    (numbers.collect(), rest.collect())
}

/// Other numbers or dates in texts that agree for the rest.
pub fn numbers(facts: &Facts<'_>) -> Found {
    /// How much of the other words must be shared.
    const AGREES: f64 = 0.8;
    let ((of_a, rest_a), (of_b, rest_b)) = (split(&facts.a), split(&facts.b));
    let agreement = jaccard(&rest_a, &rest_b);
    if of_a.is_empty() || of_b.is_empty() || of_a == of_b || agreement < AGREES {
        return Ok(None);
    }
    let mut from_a = facts.a.words.iter().filter(|word| is_number(word));
    let alike = replaced(facts.b.text, &facts.b.words, |_, word| {
        let number = is_number(word).then(|| from_a.next()).flatten();
        number.map(|word| word.form.to_owned())
    });
    let cos = facts.cos_of(facts.a.text, &alike)?;
    let delta = facts.cos - cos;
    let text = format!(
        "Numbers or dates differ ({} against {}), the rest agrees. With equal ones the cosine is {}: the difference moves the score by {}.",
        of_a.join(", "),
        of_b.join(", "),
        three(cos),
        change(delta)
    );
    let finding = Finding::new("numbers", Severity::Warning, text)
        .with("a", of_a)
        .with("b", of_b)
        .with("alike_cos", cos)
        .with("delta_cos", delta);
    Ok(Some(finding))
}
