//! Cards on what carries the number: special tokens, the floor of unrelated pairs, one dimension.

use super::{Facts, Finding, Found, Severity, three};
use crate::analysis::similarity::dims::{Dims, ROGUE};
use crate::analysis::similarity::pairs::token_pairs;
use crate::analysis::similarity::shares::{PairClass, shares};

/// A share of a cosine this near to 0 says nothing.
const TINY: f64 = 0.05;

/// Pairs with a special token carry more than half of the cosine.
pub fn special_tokens(facts: &Facts<'_>) -> Found {
    const MOST: f64 = 0.5;
    let case = &facts.case;
    let pairs = token_pairs(&case.model.head, case.a, case.b, case.options)?;
    if facts.cos.abs() < TINY || !pairs.holds() {
        return Ok(None);
    }
    let shares = shares(&pairs, facts.a.tokens, facts.b.tokens);
    let special = shares
        .iter()
        .find(|share| share.class == PairClass::Special);
    let Some(sum) = special.map(|share| share.sum) else {
        return Ok(None);
    };
    let share = sum / facts.cos;
    if share <= MOST {
        return Ok(None);
    }
    let text = format!(
        "Pairs with a special token ([CLS], [SEP]) carry {} of the {}: {:.0}%. They hold what attention gathered there, not a word of the text.",
        three(sum),
        three(facts.cos),
        100. * share
    );
    let finding = Finding::new("special_tokens", Severity::Info, text)
        .with("sum", sum)
        .with("share", share);
    Ok(Some(finding))
}

/// Unrelated texts score high already.
pub fn high_floor(facts: &Facts<'_>) -> Found {
    /// A mean of unrelated pairs that makes a cosine hard to read.
    const FLOOR: f64 = 0.3;
    /// A cosine that looks like a match, and the percentile that a match should have.
    const MATCH: (f64, f64) = (0.5, 95.);
    let Some(scale) = facts.case.calibration.filter(|scale| scale.pairs() > 0) else {
        return Ok(None);
    };
    let (floor, percentile) = (scale.floor(), scale.percentile(facts.cos));
    let looks = facts.cos >= MATCH.0 && percentile < MATCH.1;
    if floor < FLOOR && !looks {
        return Ok(None);
    }
    let most = scale.quantile(0.95);
    let text = format!(
        "Unrelated texts already score {} on average, 5% of them above {}: {} is higher than {percentile:.0}% of them.",
        three(floor),
        three(most),
        three(facts.cos)
    );
    let severity = match percentile < MATCH.1 {
        true => Severity::Warning,
        false => Severity::Info,
    };
    let finding = Finding::new("high_floor", severity, text)
        .with("floor", floor)
        .with("q95", most)
        .with("percentile", percentile);
    Ok(Some(finding))
}

/// One dimension of the sentence vector carries a fifth of the cosine or more, and a tenth of
/// everything that the dimensions add and take away: where a cosine is small because they cancel, any
/// of them is more than a fifth of what is left.
pub fn rogue_dimension(facts: &Facts<'_>) -> Found {
    let dims = Dims::new(&facts.a.vector, &facts.b.vector);
    const OF_ALL: f64 = 0.1;
    let all: f64 = dims.parts.iter().map(|part| part.abs()).sum();
    let outweighs = |dim: &&usize| dims.parts[**dim].abs() >= OF_ALL * all;
    let rogue = dims.rogue();
    let found = rogue.first().filter(outweighs);
    let Some(&dim) = found.filter(|_| dims.cos.abs() >= TINY) else {
        return Ok(None);
    };
    let (part, without) = (dims.parts[dim], dims.without(&[dim]));
    let mut text = format!(
        "Dimension {dim} alone carries {} of the {} ({:.0}%); without it the cosine is {}.",
        three(part),
        three(dims.cos),
        100. * part / dims.cos,
        three(without)
    );
    let mut finding = Finding::new("rogue_dimension", Severity::Info, String::new())
        .with("dimension", dim)
        .with("part", part)
        .with("share", part / dims.cos)
        .with("without_cos", without);
    if let Some(usual) = facts.case.calibration.and_then(|scale| {
        let mean = scale.dimensions.get(dim)?;
        Some((*mean, scale.floor().abs()))
    }) {
        let (mean, floor) = usual;
        let always = mean > ROGUE * floor.max(TINY);
        text.push_str(&match always {
            true => format!(
                " It moves unrelated pairs as well, by {} on average.",
                three(mean)
            ),
            false => format!(
                " Between unrelated texts it moves {} on average.",
                three(mean)
            ),
        });
        finding = finding.with("background_mean", mean);
        if always {
            finding.severity = Severity::Warning;
        }
    }
    finding.text = text;
    Ok(Some(finding))
}
