//! One sentence about each stage, with the figures of the texts that are looked at.

use std::fmt::Write as _;
use std::sync::Arc;

use super::walk::Stage;
use crate::analysis::{pooling, residual};
use crate::model::head::Module;
use crate::model::{HeadOptions, Model};
use crate::trace::site::{EmbedSite, LayerSite, PoolingMode, Site};
use crate::trace::{Trace, Values};
use crate::widgets::theme::number;
use crate::widgets::{counted, grouped};

/// What a sentence is made of.
#[derive(Clone)]
pub struct Subject {
    pub stage: Stage,
    pub a: Arc<Trace>,
    pub b: Arc<Trace>,
    pub mode: PoolingMode,
    /// What the score is taken with.
    pub options: HeadOptions,
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        let traces = Arc::ptr_eq(&self.a, &other.a) && Arc::ptr_eq(&self.b, &other.b);
        traces && (self.stage, self.mode, self.options) == (other.stage, other.mode, other.options)
    }
}

/// The sentence. Takes longer than a frame for long texts.
pub fn told(model: &Model, of: &Subject) -> String {
    match of.stage {
        Stage::Tokens => tokens(of),
        Stage::Embedding => embedding(model, of),
        Stage::Position => position(model, of),
        Stage::Attention(layer) => attention(of, layer),
        Stage::FeedForward(layer) => feed_forward(model, of, layer),
        Stage::Pooling => pool(model, of),
        Stage::Normalise => normalise(model, of),
        Stage::Score => score(model, of),
    }
}

fn tokens(of: &Subject) -> String {
    let of_text = |trace: &Trace| {
        let special = trace.tokens.special.iter().filter(|&&special| special);
        let pieces = counted(trace.tokens.len(), "piece");
        let mut text = format!("{pieces}, {} of them special", special.count());
        if trace.tokens.dropped > 0 {
            let _ = write!(
                text,
                ", and {} more are cut off",
                grouped(trace.tokens.dropped)
            );
        }
        text
    };
    format!(
        "A is cut into {}; B into {}.",
        of_text(&of.a),
        of_text(&of.b)
    )
}

fn embedding(model: &Model, of: &Subject) -> String {
    let spec = model.spec();
    let (ids, others) = (&of.a.tokens.ids, &of.b.tokens.ids);
    let shared = ids.iter().filter(|id| others.contains(id)).count();
    format!(
        "Each piece takes its row of {} numbers from a table of {} rows, whatever stands around it: {} of A's {} pieces take a row that B takes too.",
        grouped(spec.embedding),
        grouped(spec.vocabulary),
        shared,
        grouped(ids.len()),
    )
}

/// The mean length of the rows of a [T, D] site.
fn mean_length(values: &Values<'_>) -> f64 {
    let rows = values.size(0);
    let total: f64 = (0..rows).map(|row| length(&values.row(&[row]))).sum();
    total / rows.max(1) as f64
}

fn length(row: &[f32]) -> f64 {
    row.iter()
        .map(|&x| f64::from(x) * f64::from(x))
        .sum::<f64>()
        .sqrt()
}

fn position(model: &Model, of: &Subject) -> String {
    let lengths = [EmbedSite::Token, EmbedSite::Position].map(|site| {
        of.a.values(Site::Embed(site))
            .map(|values| mean_length(&values))
    });
    if of.a.interventions.is_still() {
        return "Positions are switched off in A: nothing is added or turned for places."
            .to_owned();
    }
    match (model.position_scheme(), lengths) {
        (None, [Some(token), Some(place)]) if token > 0. => {
            let share = number(place / token);
            let alone = match only_table(model) {
                true => ", and all that tells two orders of the same words apart",
                false => "",
            };
            format!("A row for its place is added to each piece; in A it is {share} times as long as the piece's own{alone}.")
        }
        (None, _) => "A row for its place is added to each piece.".to_owned(),
        (Some("RoPE"), _) => "Nothing is added for places: every layer turns its queries and keys by their place instead (RoPE).".to_owned(),
        (Some("ALiBi"), _) => "Nothing is added for places: every layer lowers its attention scores with the distance instead (ALiBi).".to_owned(),
        (Some("distances"), _) => "Nothing is added for places: every layer adds to its attention scores what it has learned of distances.".to_owned(),
        (Some(_), _) => "This model knows no places: the same words in another order are the same to it.".to_owned(),
    }
}

/// Whether places enter nowhere but in the table.
fn only_table(model: &Model) -> bool {
    let spec = model.spec();
    let causal = spec.blocks.iter().any(|block| block.mask.is_causal());
    spec.distance.is_none() && spec.disentangled.is_none() && !causal
}

/// Of two pieces of the text: where a head looks most.
struct Look {
    head: usize,
    from: usize,
    to: usize,
    weight: f32,
}

/// The largest weight between two different pieces that are not special. Maps that are made row by row
/// take too long for a sentence.
fn strongest(trace: &Trace, layer: usize) -> Option<Look> {
    let pattern = trace.layer(layer, LayerSite::Pattern)?;
    if !pattern.is_held() {
        return None;
    }
    let special = &trace.tokens.special;
    let mut best: Option<Look> = None;
    for head in 0..pattern.size(0) {
        for from in (0..pattern.size(1)).filter(|&t| !special[t]) {
            let row = pattern.row(&[head, from]);
            for (to, &weight) in row.iter().enumerate() {
                let counts = to != from && !special[to];
                if counts && best.as_ref().is_none_or(|best| weight > best.weight) {
                    best = Some(Look {
                        head,
                        from,
                        to,
                        weight,
                    });
                }
            }
        }
    }
    best
}

fn attention(of: &Subject, layer: usize) -> String {
    let number_of = layer + 1;
    let labels = &of.a.tokens.labels;
    let mut text = match strongest(&of.a, layer) {
        Some(look) => format!(
            "Layer {number_of}, attention: the strongest look between two pieces of A is head {}'s, from “{}” to “{}” with a weight of {}",
            look.head + 1,
            labels[look.from],
            labels[look.to],
            number(look.weight.into()),
        ),
        None => format!("Layer {number_of}, attention: each piece gathers from the others"),
    };
    let lengths = [LayerSite::AttnOut, LayerSite::ResidIn]
        .map(|site| of.a.layer(layer, site).map(|values| mean_length(&values)));
    if let [Some(written), Some(stream)] = lengths
        && stream > 0.
    {
        let share = number(written / stream);
        let _ = write!(
            text,
            "; what is written is {share} times as long as what came in"
        );
    }
    text + "."
}

fn feed_forward(model: &Model, of: &Subject, layer: usize) -> String {
    let mut text = format!("Layer {}, feed-forward: ", layer + 1);
    match of.a.layer(layer, LayerSite::FfnAct) {
        Some(values) => {
            let neurons = values.size(1);
            let (mut above, mut top) = (0, (0, 0, f32::NEG_INFINITY));
            for token in 0..values.size(0) {
                for (neuron, &value) in values.row(&[token]).iter().enumerate() {
                    above += usize::from(value > 0.);
                    if value > top.2 {
                        top = (token, neuron, value);
                    }
                }
            }
            let share = 100. * above as f64 / (neurons * values.size(0)).max(1) as f64;
            let _ = write!(
                text,
                "in A {share:.0}% of {} neurons are above zero, neuron {} most, on “{}” ({})",
                grouped(neurons),
                top.1,
                of.a.tokens.labels[top.0],
                number(top.2.into()),
            );
        }
        None => text.push_str("each piece is worked on by itself"),
    }
    let taken = [&of.a, &of.b].map(|trace| model.head.pooled_tokens(&trace.tokens));
    let cosines = residual::layer_cosines((&of.a, &taken[0]), (&of.b, &taken[1]), of.mode);
    if let [before, after] = cosines.get(layer..layer + 2).unwrap_or_default() {
        let _ = write!(
            text,
            "; cos(A, B) goes from {before:.4} to {after:.4} in this layer"
        );
    }
    text + "."
}

fn pool(model: &Model, of: &Subject) -> String {
    let own = model.head.pooling();
    if of.options.pooling.is_none() && own.len() > 1 {
        let titles: Vec<&str> = own.iter().map(|mode| mode.title()).collect();
        let count = counted(of.a.tokens.len(), "vector");
        return format!(
            "A's {count} are pooled {} times, side by side: {}.",
            own.len(),
            titles.join(", ")
        );
    }
    let taken = model.head.pooled_tokens(&of.a.tokens);
    let count = counted(taken.iter().filter(|&&taken| taken).count(), "vector");
    let size = grouped(model.spec().hidden);
    let what = match of.mode {
        PoolingMode::Cls => format!("Of A's {count} only the first piece's stays, {size} numbers"),
        PoolingMode::LastToken => {
            format!("Of A's {count} only the last piece's stays, {size} numbers")
        }
        PoolingMode::Max => format!(
            "Of A's {count} the largest value of each dimension stays: one vector of {size} numbers"
        ),
        PoolingMode::Mean => format!("A's {count} are averaged into one of {size} numbers"),
        PoolingMode::MeanSqrtLenTokens => format!(
            "A's {count} are added up and divided by the root of their number, into one of {size} numbers"
        ),
        PoolingMode::WeightedMean => format!(
            "A's {count} are averaged into one of {size} numbers, later pieces counting more"
        ),
    };
    let lengths = [&of.a, &of.b].map(|trace| pooled(trace, of.mode).map(|row| length(&row)));
    match lengths {
        [Some(a), Some(b)] => format!("{what}; it is {} long, and B's {}.", number(a), number(b)),
        _ => what + ".",
    }
}

fn pooled(trace: &Trace, mode: PoolingMode) -> Option<Vec<f32>> {
    trace
        .values(Site::Pooled(mode))
        .map(|v| v.flat().into_owned())
}

fn normalise(model: &Model, of: &Subject) -> String {
    // What is divided is the pooled vector only where nothing stands between.
    let direct = model.head.pooling().len() == 1
        && matches!(&model.head.modules[..], [_, Module::Normalize]);
    let lengths = [&of.a, &of.b].map(|trace| pooled(trace, of.mode).map(|row| length(&row)));
    match lengths {
        [Some(a), Some(b)] if direct => format!(
            "A's vector is divided by its length, {}, and B's by its own, {}: both become 1 long, so that only the direction counts.",
            number(a),
            number(b)
        ),
        _ => "Each vector is divided by its length: both become 1 long, so that only the direction counts.".to_owned(),
    }
}

fn score(model: &Model, of: &Subject) -> String {
    let Ok(cosine) = pooling::score(&model.head, &of.a, &of.b, of.options) else {
        return "The cosine of both vectors is the score.".to_owned();
    };
    let angle = cosine.clamp(-1., 1.).acos().to_degrees();
    format!(
        "The cosine of both vectors is {cosine:.4}: they stand {angle:.1}° apart; 1 is the same direction, 0 a right angle."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_readable() {
        let counts = [0, 999, 1000, 30522, 1_234_567].map(grouped);
        assert_eq!(counts, ["0", "999", "1,000", "30,522", "1,234,567"]);
        assert_eq!(counted(1, "piece"), "1 piece");
        assert_eq!(counted(9, "piece"), "9 pieces");
    }
}
