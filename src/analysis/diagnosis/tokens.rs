//! Cards on what the tokenizer made of the texts.

use super::{Facts, Finding, Found, Severity, Side, change, count, short, three};
use crate::tokens::Tokens;

/// More than the limit: what stands behind it was never read.
pub fn truncated(facts: &Facts<'_>) -> Found {
    let cut: Vec<_> = facts
        .sides()
        .into_iter()
        .filter(|side| side.tokens.dropped > 0)
        .collect();
    let Some(first) = cut.first() else {
        return Ok(None);
    };
    let of = |side: &Side<'_>| {
        let text = &side.tokens.text[side.tokens.cut()];
        format!(
            "{} is cut: its last {} from “{}” on are never read",
            side.name,
            count(side.tokens.dropped, "token"),
            short(text)
        )
    };
    let parts: Vec<String> = cut.iter().map(|side| of(side)).collect();
    let text = format!(
        "{}. Changing what was cut changes nothing (the limit is {} tokens).",
        parts.join("; "),
        first.tokens.limit
    );
    let mut finding =
        Finding::new("truncated", Severity::Problem, text).with("limit", first.tokens.limit);
    for side in cut {
        let gone = short(&side.tokens.text[side.tokens.cut()]);
        finding = match side.name {
            "A" => finding
                .with("a_dropped", side.tokens.dropped)
                .with("a_cut", gone),
            _ => finding
                .with("b_dropped", side.tokens.dropped)
                .with("b_cut", gone),
        };
    }
    Ok(Some(finding))
}

/// Tokens that the template did not add.
fn own(tokens: &Tokens) -> usize {
    tokens.special.iter().filter(|special| !**special).count()
}

fn unknown(side: &Side<'_>) -> usize {
    side.tokens.unknown.iter().filter(|u| **u).count()
}

/// Unknown tokens as a share of a text's own.
pub fn unknown_share(side: &Side<'_>) -> f64 {
    unknown(side) as f64 / own(side.tokens).max(1) as f64
}

/// Unknown tokens above a tenth of a text's own.
pub fn unknown_tokens(facts: &Facts<'_>) -> Found {
    const MOST: f64 = 0.1;
    let found = facts.sides().into_iter();
    let found = found.filter(|side| unknown_share(side) > MOST);
    let found: Vec<String> = found
        .map(|side| {
            let (unknown, all) = (unknown(side), own(side.tokens));
            format!("{unknown} of {} in {}", count(all, "token"), side.name)
        })
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    let text = format!(
        "The vocabulary has no piece for {}: the model cannot tell them from each other.",
        found.join(" and for ")
    );
    let finding = Finding::new("unknown_tokens", Severity::Problem, text)
        .with("a_share", unknown_share(&facts.a))
        .with("b_share", unknown_share(&facts.b));
    Ok(Some(finding))
}

/// The padding token typed into a text: the model reads and pools it like any word.
pub fn pad_tokens(facts: &Facts<'_>) -> Found {
    let Some(padding) = facts.case.model.tokenizer.padding() else {
        return Ok(None);
    };
    let of = |side: &Side<'_>| side.ids().iter().filter(|id| **id == padding).count();
    let (in_a, in_b) = (of(&facts.a), of(&facts.b));
    if in_a + in_b == 0 {
        return Ok(None);
    }
    let piece = facts.case.model.tokenizer.piece(padding);
    let piece = piece.unwrap_or_default();
    let without = |side: &Side<'_>| side.text.replace(&piece, " ");
    let cos = facts.cos_of(&without(&facts.a), &without(&facts.b))?;
    let text = format!(
        "The padding token {piece} stands in the texts themselves ({in_a} in A, {in_b} in B), where nothing masks it: it is attended to and pooled. Without it the cosine is {} ({}).",
        three(cos),
        change(cos - facts.cos)
    );
    let finding = Finding::new("pad_tokens", Severity::Problem, text)
        .with("a", in_a)
        .with("b", in_b)
        .with("without_cos", cos)
        .with("delta_cos", facts.cos - cos);
    Ok(Some(finding))
}

/// Two different texts that the model cannot tell apart.
pub fn equal_ids(facts: &Facts<'_>) -> Found {
    let [a, b] = facts.sides().map(|side| side.tokens);
    if facts.same_text() || a.ids != b.ids {
        return Ok(None);
    }
    let hidden = a.dropped + b.dropped > 0 || a.unknown.contains(&true);
    let (severity, why) = match (a.dropped + b.dropped > 0, hidden) {
        (true, _) => (Severity::Problem, "they differ only behind the limit"),
        (_, true) => (Severity::Problem, "they differ only in unknown tokens"),
        _ => (
            Severity::Info,
            "they differ only in what the tokenizer evens out",
        ),
    };
    let text = format!(
        "The texts differ, but their {} have the same ids, so the cosine is 1 whatever the model does: {why}.",
        count(a.len(), "token")
    );
    Ok(Some(
        Finding::new("equal_ids", severity, text).with("tokens", a.len()),
    ))
}

/// One text many times as long as the other.
pub fn length_mismatch(facts: &Facts<'_>) -> Found {
    /// How many times as long, and by how many tokens.
    const TIMES: f64 = 4.;
    const TOKENS: usize = 8;
    let length = |side: &Side<'_>| own(side.tokens) + side.tokens.dropped;
    let (a, b) = (length(&facts.a), length(&facts.b));
    let (long, short) = (a.max(b), a.min(b));
    let times = long as f64 / short.max(1) as f64;
    if times < TIMES || long - short < TOKENS {
        return Ok(None);
    }
    let (longer, shorter) = if a > b { ("A", "B") } else { ("B", "A") };
    let text = format!(
        "{longer} has {}, {shorter} {short}: {times:.1} times as many. What they share weighs little among the longer one's.",
        count(long, "token")
    );
    let finding = Finding::new("length_mismatch", Severity::Info, text)
        .with("a_tokens", a)
        .with("b_tokens", b)
        .with("times", times);
    Ok(Some(finding))
}
