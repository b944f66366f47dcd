//! From q·k to the weight, step by step, with the factor and the terms that this model has.

use crate::analysis::attention::{Cell, scale_name};
use crate::analysis::position::Scheme;
use crate::model::EncoderSpec;
use crate::widgets::number;

/// One line of a sum.
pub(crate) struct Step {
    pub name: String,
    pub value: f64,
    /// Why it is there.
    pub note: String,
}

/// Each step's name, number and reason.
pub(crate) fn steps(cell: &Cell, spec: &EncoderSpec) -> Vec<Step> {
    let largest = number(cell.largest);
    let step = |name: &str, value: f64, note: &str| Step {
        name: name.to_owned(),
        value,
        note: note.to_owned(),
    };
    let mut out = vec![
        step("Σ q×k", cell.dot, "the products, added up"),
        step(
            &format!("× {}", scale_text(spec)),
            cell.scale,
            scale_note(spec),
        ),
        step("= content", cell.content, "score_content"),
    ];
    if let Some(position) = cell.position {
        out.push(step("+ position", position, position_note(spec)));
    }
    if cell.temperature != 1.0 {
        let note = "the temperature that you set";
        out.push(step("÷ temperature", cell.temperature, note));
    }
    if cell.hidden {
        let note = "the mask, or a change of yours, hides this key from the query";
        out.push(step("+ mask", f64::NEG_INFINITY, note));
    }
    out.extend([
        step("= score s", cell.score, "before the softmax"),
        step(
            &format!("exp(s − {largest})"),
            cell.numerator,
            "less the row's largest, so that nothing overflows",
        ),
        step(
            &format!("Σ exp(sⱼ − {largest})"),
            cell.denominator,
            &format!(
                "over the row's {} keys that are seen: the denominator",
                cell.seen
            ),
        ),
        step("= weight", cell.weight, "the last two, divided"),
    ]);
    out
}

/// The factor on q·k as this model means it.
pub(crate) fn scale_text(spec: &EncoderSpec) -> String {
    scale_name(spec.scale, spec.head_size, terms(spec))
}

/// How many products share the scale: q·k, and those with distances.
fn terms(spec: &EncoderSpec) -> usize {
    let apart = spec.disentangled;
    1 + apart.map_or(0, |d| {
        usize::from(d.content_to_position) + usize::from(d.position_to_content)
    })
}

fn scale_note(spec: &EncoderSpec) -> &'static str {
    let plain = 1.0 / (spec.head_size as f64).sqrt();
    if spec.scale == 1.0 {
        "this model does not scale its scores"
    } else if terms(spec) > 1 {
        "one scale for content and the terms of distance"
    } else if (spec.scale - plain).abs() > 1e-9 {
        "a number of the model's own in place of d"
    } else {
        "so that its spread does not grow with d"
    }
}

fn position_note(spec: &EncoderSpec) -> &'static str {
    let schemes = Scheme::all(spec);
    if schemes.contains(&Scheme::Alibi) {
        "score_position: −slope·distance (ALiBi)"
    } else if schemes.contains(&Scheme::Buckets) {
        "score_position: the bias of the distance's bucket"
    } else {
        "score_position: the terms of distance (c2p, p2c)"
    }
}
