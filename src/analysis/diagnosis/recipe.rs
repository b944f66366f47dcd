//! Cards on how the model is used, against how it was made to be used.

use super::{Facts, Finding, Found, Severity, change, three};
use crate::analysis::pooling::{modes, score, title};
use crate::analysis::vectors::{dot, norm};
use crate::model::HeadOptions;

/// Another pooling than the model was trained with.
pub fn pooling_mismatch(facts: &Facts<'_>) -> Found {
    let case = &facts.case;
    let head = &case.model.head;
    let used = modes(head, case.options.pooling);
    if used == head.pooling() {
        return Ok(None);
    }
    let options = HeadOptions {
        pooling: None,
        ..case.options
    };
    let own = score(head, case.a, case.b, options)?;
    let text = format!(
        "{} pooling is not the model's own: with {} pooling, as it was trained, the cosine is {} instead of {}.",
        title(&used),
        title(head.pooling()),
        three(own),
        three(facts.cos)
    );
    let finding = Finding::new("pooling_mismatch", Severity::Warning, text)
        .with("used", title(&used))
        .with("own", title(head.pooling()))
        .with("own_cos", own)
        .with("delta_cos", facts.cos - own);
    Ok(Some(finding))
}

/// Vectors whose dot product is not their cosine.
pub fn not_normalized(facts: &Facts<'_>) -> Found {
    /// How far a length may be from 1.
    const SLACK: f64 = 1e-3;
    let [a, b] = facts.sides().map(|side| &side.vector);
    let (long_a, long_b) = (norm(a), norm(b));
    if (long_a - 1.).abs() <= SLACK && (long_b - 1.).abs() <= SLACK {
        return Ok(None);
    }
    let dot = dot(a, b);
    let (severity, text) = match (long_a == 0., long_b == 0.) {
        (false, false) => (
            Severity::Info,
            format!(
                "The vectors are not of length 1 ({} and {}): their dot product is {}, their cosine {}. An index that takes dot products will rank by length as well.",
                three(long_a),
                three(long_b),
                three(dot),
                three(facts.cos)
            ),
        ),
        (no_a, no_b) => {
            let whose = match (no_a, no_b) {
                (true, true) => "The vectors of A and B are",
                (true, _) => "The vector of A is",
                _ => "The vector of B is",
            };
            let text = format!(
                "{whose} all zeros, which point nowhere: the cosine of 0 stands for one that there is not."
            );
            (Severity::Problem, text)
        }
    };
    let finding = Finding::new("not_normalized", severity, text)
        .with("a_norm", long_a)
        .with("b_norm", long_b)
        .with("dot", dot)
        .with("cos", facts.cos);
    Ok(Some(finding))
}

/// A model with prompts, and a text without one.
pub fn prompt_missing(facts: &Facts<'_>) -> Found {
    let prompts = &facts.case.model.prompts;
    let real = |(name, words): (&String, &String)| {
        (!words.trim().is_empty()).then(|| (name.clone(), words.clone()))
    };
    let named: Vec<(String, String)> = prompts.named.iter().filter_map(real).collect();
    let is_default = |(name, _): &&(String, String)| Some(name) == prompts.default.as_ref();
    let Some((name, words)) = named.iter().find(is_default).or(named.first()) else {
        return Ok(None);
    };
    if facts.sides().iter().any(|side| !side.prompt.is_empty()) {
        return Ok(None);
    }
    // Who types the prompt by hand has one.
    let typed = |text: &str| {
        named
            .iter()
            .any(|(_, words)| text.starts_with(words.trim_end()))
    };
    if typed(facts.a.text) || typed(facts.b.text) {
        return Ok(None);
    }
    let (a, b) = (facts.a.text, facts.b.text);
    let cos = facts.cos_behind([words, words], a, b)?;
    let delta = cos - facts.cos;
    let text = format!(
        "The model was trained with prompts and none is used: behind its prompt `{name}` (“{}”) the cosine is {} ({}).",
        words.trim_end(),
        three(cos),
        change(delta)
    );
    let finding = Finding::new("prompt_missing", Severity::Warning, text)
        .with("prompt", name.as_str())
        .with("cos", cos)
        .with("delta_cos", -delta);
    Ok(Some(finding))
}
