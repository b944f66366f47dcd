//! Cards on how the texts are written: letter case, white space, Unicode forms, script, language.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::unknown_share;
use super::words::{even, replaced, sorted};
use super::{Facts, Finding, Found, Severity, Side, change, three};

/// The same words in another form, which the model takes for something else.
pub fn case_whitespace(facts: &Facts<'_>) -> Found {
    /// A smaller change is not worth a card, unless form is all that differs.
    const LEAST: f64 = 0.005;
    let (a, b) = (&facts.a, &facts.b);
    if a.text == b.text || a.tokens.ids == b.tokens.ids {
        return Ok(None);
    }
    let even_a = even(a.text);
    let (even_b, changed) = in_the_form_of(b, a);
    let ids = (facts.ids_of(a, &even_a)?, facts.ids_of(b, &even_b)?);
    if ids.0 == a.tokens.ids && ids.1 == b.tokens.ids {
        return Ok(None);
    }
    let (cos, all) = (facts.cos_of(&even_a, &even_b)?, even_a == even_b);
    let delta = cos - facts.cos;
    if delta.abs() < LEAST && !all {
        return Ok(None);
    }
    let what = match changed.first() {
        Some((from, to)) => format!("“{from}” for “{to}”"),
        None => "other white space".to_owned(),
    };
    let lead = match all {
        true => "The texts differ in nothing but letter case, white space or Unicode form",
        false => "Letter case, white space or Unicode form alone changes the ids",
    };
    let text = format!(
        "{lead} ({what}): written alike, the cosine is {} ({}).",
        three(cos),
        change(delta)
    );
    let severity = match delta.abs() >= 0.05 {
        true => Severity::Warning,
        false => Severity::Info,
    };
    let finding = Finding::new("case_whitespace", severity, text)
        .with("words", changed.len())
        .with("cos", cos)
        .with("delta_cos", -delta);
    Ok(Some(finding))
}

/// A text with every word that the other has in another form in the other's form; and which. Where
/// both are the same words, each takes the form of the one in its place.
fn in_the_form_of(side: &Side<'_>, other: &Side<'_>) -> (String, Vec<(String, String)>) {
    let mut forms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for word in &other.words {
        forms.entry(&word.fold).or_default().push(word.form);
    }
    let mut changed = Vec::new();
    let same = side.folds() == other.folds();
    let text = replaced(side.text, &side.words, |i, word| {
        let place = same.then(|| vec![other.words[i].form]);
        let forms = place.as_ref().or_else(|| forms.get(word.fold.as_str()))?;
        if forms.contains(&word.form) {
            return None;
        }
        let form = forms.first()?;
        changed.push((word.form.to_owned(), (*form).to_owned()));
        Some((*form).to_owned())
    });
    (text, changed)
}

/// Another script, or another language of the Latin one.
pub fn script(facts: &Facts<'_>) -> Found {
    let (a, b) = (&facts.a, &facts.b);
    let (Some(in_a), Some(in_b)) = (script_of(a.text), script_of(b.text)) else {
        return Ok(None);
    };
    let (kind, of_a, of_b) = if in_a != in_b {
        ("script", in_a, in_b)
    } else {
        let (Some(of_a), Some(of_b)) = (language_of(a), language_of(b)) else {
            return Ok(None);
        };
        if of_a == of_b {
            return Ok(None);
        }
        ("language", of_a, of_b)
    };
    let unknown = facts.sides().map(|side| 100. * unknown_share(side));
    let text = format!(
        "A is in {of_a}, B in {of_b}: a model that did not learn both together scores this {kind} pair ({}) lower, or by its punctuation and numbers alone ({:.0}% and {:.0}% of the tokens are unknown to it).",
        three(facts.cos),
        unknown[0],
        unknown[1]
    );
    let finding = Finding::new("script", Severity::Warning, text)
        .with("kind", kind)
        .with("a", of_a)
        .with("b", of_b)
        .with("a_unknown_percent", unknown[0])
        .with("b_unknown_percent", unknown[1]);
    Ok(Some(finding))
}

/// First and last letter of scripts; a letter of none counts as Latin.
const SCRIPTS: &[(char, char, &str)] = &[
    ('\u{370}', '\u{3FF}', "Greek"),
    ('\u{400}', '\u{52F}', "Cyrillic"),
    ('\u{530}', '\u{58F}', "Armenian"),
    ('\u{590}', '\u{5FF}', "Hebrew"),
    ('\u{600}', '\u{77F}', "Arabic"),
    ('\u{900}', '\u{97F}', "Devanagari"),
    ('\u{980}', '\u{9FF}', "Bengali"),
    ('\u{B80}', '\u{BFF}', "Tamil"),
    ('\u{E00}', '\u{E7F}', "Thai"),
    ('\u{10A0}', '\u{10FF}', "Georgian"),
    ('\u{1100}', '\u{11FF}', "Hangul"),
    ('\u{3040}', '\u{30FF}', "Japanese kana"),
    ('\u{3400}', '\u{9FFF}', "Han"),
    ('\u{AC00}', '\u{D7A3}', "Hangul"),
];

/// The script of most letters. Japanese is told by its kana, however few.
fn script_of(text: &str) -> Option<&'static str> {
    const KANA: &str = "Japanese kana";
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        let script = SCRIPTS
            .iter()
            .find(|(from, to, _)| (*from..=*to).contains(&c));
        *counts
            .entry(script.map_or("Latin", |script| script.2))
            .or_default() += 1;
    }
    let (script, most) = counts.iter().max_by_key(|(_, count)| **count)?;
    let kana = counts.get(KANA).copied().unwrap_or(0);
    match *script == "Han" && kana > 0 {
        true => Some(KANA),
        // One letter tells little.
        false => (*most >= 2).then_some(*script),
    }
}

/// Frequent words of languages that few others have, and how words begin there, with an apostrophe at the end.
const LANGUAGES: &[(&str, &str)] = &[
    (
        "English",
        "the of and is to was with that this for are not it he she they you what how on at by from have has do does did my your can would could should be been we our if or but its his her their which who when where why had there",
    ),
    (
        "German",
        "der die das und ist nicht ein eine einen dem den mit auf für von zu wie was ich wir sie im wird auch mein mir ihr uns bei nach aus wenn oder aber noch nur wo wer haben hat sind war kann werden",
    ),
    (
        "French",
        "le la les et est une des du dans pas pour que qui sur avec au il elle nous vous ce cette sont je ne mon ma mes ses mais ou où comment quand votre leur être avoir fait peut sur sous chez un très à aux ces l' d' j' qu'",
    ),
    (
        "Spanish",
        "el los las y es una en por para que con del no se su como está son más pero muy mi yo un ha hay qué cómo cuándo dónde mis sus ser puede",
    ),
    (
        "Italian",
        "il lo gli e è una di che per con non sono del della nel si come più ma mio mia ho ha al dal questo perché dove quando alla nella ai un l' un' dell' nell'",
    ),
    (
        "Portuguese",
        "o os as e é uma em por para que com não do da no na se são mais como meu minha eu ele ela você foi ser tem seu sua das dos pode à",
    ),
    (
        "Dutch",
        "de het een en is niet van op met voor dat zijn aan ik wij zij er ook mijn je hoe wat waar wordt worden hebben heeft dit uit om maar naar bij kan",
    ),
];

/// The language with the most frequent words in the text; none where it has fewer than two, or where
/// two languages are level.
pub fn language_of(side: &Side<'_>) -> Option<&'static str> {
    let words: BTreeSet<&str> = side.folds().into_iter().collect();
    let is_there = |word: &&str| match word.ends_with('\'') {
        true => words.iter().any(|other| other.starts_with(*word)),
        false => words.contains(word),
    };
    let hits = |list: &str| list.split(' ').filter(is_there).count();
    let ranked = sorted(
        LANGUAGES
            .iter()
            .map(|(name, list)| (hits(list), *name))
            .collect(),
    );
    let [.., (second, _), (most, name)] = ranked[..] else {
        return None;
    };
    (most >= 2 && most > second).then_some(name)
}
