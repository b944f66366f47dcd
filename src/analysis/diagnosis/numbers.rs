//! The card on numbers and dates that differ.

use std::collections::BTreeSet;

use super::quantities::{is_number, quantities};
use super::words::{replaced, sorted};
use super::{Facts, Finding, Found, Severity, change, three};

/// Other numbers or dates in texts that agree for the rest.
pub fn numbers(facts: &Facts<'_>) -> Found {
    /// How much of the other words must be shared.
    const AGREES: f64 = 0.8;
    let [in_a, in_b] = facts.sides().map(|side| quantities(&side.words));
    if in_a.values.is_empty() || in_b.values.is_empty() || in_a.values == in_b.values {
        return Ok(None);
    }
    // Day and month stand either way round.
    let dated = in_a.dated && in_b.dated;
    if dated && sorted(in_a.values.clone()) == sorted(in_b.values.clone()) {
        return Ok(None);
    }
    let rest = |rest: &'_ [String]| -> BTreeSet<String> { rest.iter().cloned().collect() };
    let (rest_a, rest_b) = (rest(&in_a.rest), rest(&in_b.rest));
    let shared = rest_a.intersection(&rest_b).count() as f64;
    if shared < AGREES * rest_a.union(&rest_b).count() as f64 {
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
        in_a.values.join(", "),
        in_b.values.join(", "),
        three(cos),
        change(delta)
    );
    let finding = Finding::new("numbers", Severity::Warning, text)
        .with("a", in_a.values)
        .with("b", in_b.values)
        .with("alike_cos", cos)
        .with("delta_cos", delta);
    Ok(Some(finding))
}
