//! Neurons: what they read, what their activation makes of it, and what they write.

use super::read::{Reader, product_row, products, table};
use super::{LISTED, Line, Step, Sum, Term, Unexplained, Work};
use crate::analysis::neurons::activate;
use crate::model::Model;
use crate::trace::{LayerSite, Site, Trace};

/// Σ x·W + b: a neuron before its activation, or its gate.
pub(super) fn read(
    reader: &Reader<'_>,
    (l, site): (usize, LayerSite),
    t: usize,
    n: usize,
) -> Result<Work, Unexplained> {
    let (layer, spec) = (reader.weights(l)?, reader.model.spec());
    let linear = match (site, &layer.ffn.gate) {
        (LayerSite::FfnGate, Some(gate)) => gate,
        _ => &layer.ffn.up,
    };
    let from = Site::Layer(l, LayerSite::ResidMid);
    reader.projection(&layer.ffn_norms, (from, t), (linear, n, spec.biases.ffn))
}

/// The activation function, its gate, and the weight of its expert.
pub(super) fn activated(
    reader: &Reader<'_>,
    l: usize,
    t: usize,
    n: usize,
) -> Result<Work, Unexplained> {
    let (layer, spec) = (reader.weights(l)?, reader.model.spec());
    let [pre, gate] = [LayerSite::FfnPre, LayerSite::FfnGate].map(|site| Site::Layer(l, site));
    let (activation, title) = (spec.activation, spec.activation.title());
    let up = reader.at(pre, &[t, n])?;
    let mut work = Work::default();
    if layer.ffn.gate.is_none() {
        work.step(Step::new("ffn_pre", up, "before the activation").asking(pre, &[t, n]));
        let value = activate(activation, up);
        work.comes_to(Step::new(
            format!("{title}(ffn_pre)"),
            value,
            "the activation",
        ));
    } else {
        let through = reader.at(gate, &[t, n])?;
        work.step(Step::new("ffn_gate", through, "through the activation").asking(gate, &[t, n]));
        let value = activate(activation, through);
        work.step(Step::new(
            format!("{title}(ffn_gate)"),
            value,
            "how far the gate opens",
        ));
        let note = "what the gate lets through (up)";
        work.step(Step::new("× ffn_pre", up, note).asking(pre, &[t, n]));
        work.comes_to(Step::new("= gated", value * up, "gate times up"));
    }
    if layer.ffn.router.is_some() {
        expert(reader, &mut work, l, t, n)?;
    }
    Ok(work)
}

/// Multiplies by the weight that the token gives to the neuron's expert.
fn expert(
    reader: &Reader<'_>,
    work: &mut Work,
    l: usize,
    t: usize,
    n: usize,
) -> Result<(), Unexplained> {
    let layer = reader.weights(l)?;
    let (Some(router), Some(experts)) = (&layer.ffn.router, reader.block(l)?.experts) else {
        return Ok(());
    };
    let own = n * experts.count / table(&layer.ffn.up.bias)?.size(0).max(1);
    let (x, name) = reader.read(&layer.ffn_norms, Site::Layer(l, LayerSite::ResidMid), t)?;
    let logit = |expert: usize| {
        let (weight, bias) = product_row(router, expert)?;
        Ok(products(&x, &weight).iter().sum::<f64>() + bias)
    };
    let logits = (0..experts.count)
        .map(logit)
        .collect::<Result<Vec<f64>, Unexplained>>()?;
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp: Vec<f64> = logits.iter().map(|x| (x - largest).exp()).collect();
    let ahead =
        |&other: &usize| logits[other] > logits[own] || logits[other] == logits[own] && other < own;
    let taken = (0..experts.count).filter(ahead).count() < experts.chosen;
    work.note(format!(
        "the neuron belongs to expert {} of {}; a token takes {}, weighted by the softmax of {name}·router",
        own + 1,
        experts.count,
        experts.chosen
    ));
    let value = work.result;
    let term = |e: usize| Term::new(format!("exp · expert {}", e + 1), exp[e]);
    let sum = Sum::largest("Σ exp: the router's denominator", &exp, LISTED, term);
    let denominator = sum.total;
    work.sum(sum);
    let (weight, note) = match taken {
        true => (
            exp[own] / denominator,
            "this expert's exp over the denominator",
        ),
        false => (0., "this token does not take the expert"),
    };
    work.step(Step::new("× expert's weight", weight, note));
    work.comes_to(Step::new(
        "= weighted",
        value * weight,
        "what the last product reads",
    ));
    Ok(())
}

/// What the block writes at one dimension, neuron by neuron.
pub(super) fn written(
    reader: &Reader<'_>,
    l: usize,
    t: usize,
    d: usize,
) -> Result<Work, Unexplained> {
    let (layer, spec) = (reader.weights(l)?, reader.model.spec());
    let site = Site::Layer(l, LayerSite::FfnAct);
    let act = reader.row(site, &[t])?; // [F]
    let (weight, bias) = product_row(&layer.ffn.down, d)?; // [F]
    let term = |n: usize| {
        let term = Term::product(format!("neuron {n} × W[{n}]"), act[n], weight[n]);
        term.asking(site, &[t, n])
    };
    let mut work = Work::default();
    let sum = Sum::largest("Σ ffn_act·W", &products(&act, &weight), LISTED, term);
    work.sum(match spec.biases.down {
        true => sum.with(Term::new("bias", bias)),
        false => sum,
    });
    Ok(work)
}

/// What one neuron writes into the stream: the length of it, and its share of `ffn_out` at a
/// dimension, or at the one where it writes most.
///
/// # Errors
/// As [`super::account`].
pub fn writes(
    model: &Model,
    trace: &Trace,
    (l, t, n): (usize, usize, usize),
    dimension: Option<usize>,
) -> Result<Vec<Line>, Unexplained> {
    let reader = Reader { model, trace };
    let act = reader.at(Site::Layer(l, LayerSite::FfnAct), &[t, n])?;
    let down = table(&reader.weights(l)?.ffn.down.weight)?; // [D, F]
    let column: Vec<f64> = (0..down.size(0))
        .map(|d| down.at(&[d, n]).map_or(f64::NAN, f64::from))
        .collect();
    let length = column.iter().map(|w| w * w).sum::<f64>().sqrt();
    let out = Site::Layer(l, LayerSite::FfnOut);
    let whole = reader.row(out, &[t])?; // [D]
    let most = column
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let strongest = most.map_or(0, |(d, _)| d);
    let d = dimension.filter(|&d| d < column.len()).unwrap_or(strongest);
    let given = act * column[d];
    let all = whole.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut work = Work::default();
    let note = "the length of the neuron's column of the second product";
    work.step(Step::new(format!("|W[:, {n}]|"), length, note));
    let note = "the length of what this neuron writes";
    work.step(Step::new("|act·W|", act.abs() * length, note));
    let note = "the length of all that the block writes here";
    work.step(Step::new("|ffn_out|", all, note));
    let note = match dimension {
        Some(_) => "what it writes at the dimension in focus",
        None => "what it writes at the dimension where it writes most",
    };
    work.step(Step::new(format!("act × W[{d}, {n}]"), given, note));
    let share = Step::new(
        format!("of ffn_out[{t}, {d}]"),
        whole[d],
        "all that is written there",
    );
    work.step(share.asking(out, &[t, d]));
    Ok(work.lines)
}
