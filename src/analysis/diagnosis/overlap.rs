//! Cards on words that both texts have.

use std::collections::BTreeSet;

use super::words::{Word, jaccard, replaced, sorted};
use super::{Facts, Finding, Found, Severity, Side, change, count, three};
use crate::analysis::similarity::order::same_tokens;
use crate::analysis::similarity::shares::is_stop_word;

/// The same words in another order.
pub fn same_order(facts: &Facts<'_>) -> Found {
    let (ids_a, ids_b) = (facts.a.ids(), facts.b.ids());
    let (folds_a, folds_b) = (facts.a.folds(), facts.b.folds());
    let by_ids = ids_a != ids_b && sorted(ids_a.clone()) == sorted(ids_b);
    let by_words = folds_a != folds_b && sorted(folds_a.clone()) == sorted(folds_b.clone());
    // Letters of unknown words are all one id.
    let blind = facts
        .sides()
        .iter()
        .any(|side| side.tokens.unknown.contains(&true));
    // Marks that moved between words that did not are no other order.
    let moved = folds_a != folds_b;
    if facts.same_text() || !(by_words || by_ids && moved && !blind) {
        return Ok(None);
    }
    let text = format!(
        "The texts are the same {} in another order. Order moves the cosine by {}; if it swaps roles, the meaning is another one.",
        count(ids_a.len(), "token"),
        change(facts.cos - 1.)
    );
    // The tokens tell the texts apart more than the pool does, or less: both say where order went.
    let same = same_tokens(facts.case.a, facts.case.b);
    let text = match &same {
        Some(same) => format!(
            "{text} Token by token the contextual vectors have a mean cosine of {}; pooled they have {}.",
            four(same.mean),
            four(facts.cos)
        ),
        None => text,
    };
    let moved = folds_a.iter().zip(&folds_b).filter(|(a, b)| a != b).count();
    let finding = Finding::new("same_order", Severity::Warning, text)
        .with("tokens", ids_a.len())
        .with("places", moved)
        .with("delta_cos", facts.cos - 1.);
    Ok(Some(match same {
        Some(same) => finding.with("token_cos", same.mean),
        None => finding,
    }))
}

/// Differences within texts of the same words are small ones.
fn four(value: f64) -> String {
    format!("{value:.4}").replace('-', "−")
}

/// A long start that both texts have.
pub fn shared_prefix(facts: &Facts<'_>) -> Found {
    /// Words, and share of the longer text.
    const LEAST: (usize, f64) = (5, 0.5);
    let (a, b) = (facts.a.folds(), facts.b.folds());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let share = same as f64 / a.len().max(b.len()).max(1) as f64;
    if same < LEAST.0 || share < LEAST.1 || same == a.len() || same == b.len() {
        return Ok(None);
    }
    let rest = |side: &Side<'_>| side.text[side.words[same].range.start..].to_owned();
    let cos = facts.cos_of(&rest(&facts.a), &rest(&facts.b))?;
    let delta = facts.cos - cos;
    let text = format!(
        "Both texts begin with the same {} ({:.0}% of the longer one). Without them the cosine is {}: the shared start brings {}.",
        count(same, "word"),
        100. * share,
        three(cos),
        change(delta)
    );
    let severity = match delta >= 0.1 {
        true => Severity::Warning,
        false => Severity::Info,
    };
    let finding = Finding::new("shared_prefix", severity, text)
        .with("words", same)
        .with("share", share)
        .with("rest_cos", cos)
        .with("delta_cos", delta);
    Ok(Some(finding))
}

/// Most words that carry content are in both texts.
pub fn lexical_overlap(facts: &Facts<'_>) -> Found {
    /// One word in common is no overlap to speak of.
    const WORDS: usize = 2;
    const LEAST: f64 = 0.5;
    /// A score that falls by less without the words did not rest on them.
    const RESTS: f64 = 0.05;
    let (a, b) = (content(&facts.a), content(&facts.b));
    let overlap = jaccard(&a, &b);
    // Texts of the very same words are the business of other cards.
    let same = sorted(facts.a.folds()) == sorted(facts.b.folds());
    let shared = a.intersection(&b).count();
    if overlap < LEAST || shared < WORDS || same {
        return Ok(None);
    }
    let shared: BTreeSet<&str> = a.intersection(&b).copied().collect();
    let rest = |side: &Side<'_>| {
        let gone = |word: &Word<'_>| shared.contains(word.fold.as_str());
        replaced(side.text, &side.words, |_, word| {
            gone(word).then(String::new)
        })
    };
    let (rest_a, rest_b) = (rest(&facts.a), rest(&facts.b));
    let cos = facts.cos_of(&rest_a, &rest_b)?;
    let delta = facts.cos - cos;
    let verdict = match delta < RESTS {
        true => "what is left is about as close, so it does not rest on them alone",
        false => "it may rest on equal words more than on what is said",
    };
    let text = format!(
        "{} of {} words of content are in both texts. Without them the cosine is {} ({}): {verdict}.",
        shared.len(),
        a.union(&b).count(),
        three(cos),
        change(-delta)
    );
    let finding = Finding::new("lexical_overlap", Severity::Info, text)
        .with("overlap", overlap)
        .with("shared", shared.iter().copied().collect::<Vec<_>>())
        .with("rest_cos", cos)
        .with("delta_cos", delta);
    Ok(Some(finding))
}

fn content<'a>(side: &'a Side<'_>) -> BTreeSet<&'a str> {
    let folds = side.words.iter().map(|word| word.fold.as_str());
    folds.filter(|word| !is_stop_word(word)).collect()
}
