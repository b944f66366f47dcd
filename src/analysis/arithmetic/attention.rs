//! Queries, keys and values, and what the heads write.

use super::norm;
use super::read::{Reader, product_row, products};
use super::{LISTED, Step, Sum, Term, Unexplained, Work};
use crate::model::spec::QkNorm;
use crate::model::weights::Norm;
use crate::trace::{LayerSite, Site};

/// Heads that are listed one by one.
const HEADS: usize = 8;

/// Σ x·W + b: one number of q, k or v.
pub(super) fn projected(
    reader: &Reader<'_>,
    (l, site): (usize, LayerSite),
    head: usize,
    t: usize,
    j: usize,
) -> Result<Work, Unexplained> {
    let (layer, spec) = (reader.weights(l)?, reader.model.spec());
    let first = match site {
        LayerSite::Q => 0,
        LayerSite::K => spec.heads,
        _ => spec.heads + spec.kv_heads,
    };
    let row = (first + head) * spec.head_size + j;
    let from = Site::Layer(l, LayerSite::ResidIn);
    let linear = (&layer.qkv, row, spec.biases.qkv);
    reader.projection(&layer.attn_norms, (from, t), linear)
}

/// A query or a key after its norm and its turn.
pub(super) fn turned(
    reader: &Reader<'_>,
    (l, site): (usize, LayerSite),
    head: usize,
    t: usize,
    j: usize,
) -> Result<Work, Unexplained> {
    let layer = reader.weights(l)?;
    let (plain, norm) = match site {
        LayerSite::QRot => (LayerSite::Q, layer.q_norm.as_ref()),
        _ => (LayerSite::K, layer.k_norm.as_ref()),
    };
    let from = Site::Layer(l, plain);
    let mut work = Work::default();
    let x = match norm {
        None => reader.row(from, &[head, t])?, // [d]
        Some(norm) => normed(reader, &mut work, norm, from, (head, t, j))?,
    };
    let name = if norm.is_some() {
        "normed"
    } else {
        plain.name()
    };
    let of = |i: usize| x.get(i).copied().unwrap_or(f64::NAN);
    let turns = reader.block(l)?.rotary.map(|rotary| rotary.turns(&[t]));
    let pair = turns.filter(|turns| j < 2 * turns.half);
    let Some(turns) = pair else {
        if reader.block(l)?.rotary.is_some() {
            let note = "this dimension is not turned";
            work.comes_to(Step::new(format!("{name}[{j}]"), of(j), note));
        }
        return Ok(work);
    };
    let half = turns.half;
    let (i, other, sign) = match j < half {
        true => (j, j + half, -1.),
        false => (j - half, j - half, 1.),
    };
    let (cos, sin) = (f64::from(turns.cos[i]), f64::from(turns.sin[i]));
    let ask = |term: Term, i: usize| match norm.is_some() {
        true => term,
        false => term.asking(from, &[head, t, i]),
    };
    let signed = if sign < 0. { "−sin" } else { "sin" };
    let terms = vec![
        ask(Term::product(format!("{name}[{j}] × cos"), of(j), cos), j),
        ask(
            Term::product(format!("{name}[{other}] × {signed}"), of(other), sign * sin),
            other,
        ),
    ];
    work.sum(Sum::whole(
        format!("turned by place {t} · frequency {i}"),
        terms,
    ));
    Ok(work)
}

/// A head's query or key behind its norm, [d], with the steps for dimension `j`.
fn normed(
    reader: &Reader<'_>,
    work: &mut Work,
    norm: &Norm,
    from: Site,
    (head, t, j): (usize, usize, usize),
) -> Result<Vec<f64>, Unexplained> {
    let spec = reader.model.spec();
    let size = spec.head_size;
    let (heads, first) = match spec.qk_norm {
        QkNorm::Whole => (0..reader.values(from)?.size(0), head * size),
        QkNorm::Head | QkNorm::None => (head..head + 1, 0),
    };
    work.note(match spec.qk_norm {
        QkNorm::Whole => "all heads of the token are normed together",
        QkNorm::Head | QkNorm::None => "each head is normed by itself",
    });
    let rows = heads.map(|h| reader.row(from, &[h, t]));
    let x = rows.collect::<Result<Vec<_>, _>>()?.concat();
    norm::steps(work, norm, &x, first + j)?;
    let all = norm::applied(norm, &x)?;
    Ok(all.get(first..first + size).unwrap_or_default().to_vec())
}

/// Σ pattern·v: one number of what a head mixed.
pub(super) fn mixed(
    reader: &Reader<'_>,
    l: usize,
    (head, t, j): (usize, usize, usize),
) -> Result<Work, Unexplained> {
    let (pattern, value) = (
        Site::Layer(l, LayerSite::Pattern),
        Site::Layer(l, LayerSite::V),
    );
    let weights = reader.row(pattern, &[head, t])?; // [T]
    let values = reader.values(value)?; // [K, T, d]
    let spec = reader.model.spec();
    let shared = head / spec.group();
    let of = |key: usize| values.at(&[shared, key, j]).map_or(f64::NAN, f64::from);
    let column: Vec<f64> = (0..weights.len()).map(of).collect();
    let term = |key: usize| {
        let name = reader.token(key);
        Term::product(name, weights[key], column[key]).asking(pattern, &[head, t, key])
    };
    let mut work = Work::default();
    if spec.group() > 1 {
        work.note(format!(
            "{} heads of queries share head {} of keys and values",
            spec.group(),
            shared + 1
        ));
    }
    let sum = Sum::largest("Σ weight × v", &products(&weights, &column), LISTED, term);
    work.sum(sum);
    Ok(work)
}

/// What attention writes, head by head.
pub(super) fn written(
    reader: &Reader<'_>,
    l: usize,
    t: usize,
    d: usize,
) -> Result<Work, Unexplained> {
    let (layer, spec) = (reader.weights(l)?, reader.model.spec());
    let (weight, bias) = product_row(&layer.output, d)?; // [H·d]
    let site = Site::Layer(l, LayerSite::HeadOut);
    let mut heads = Vec::with_capacity(spec.heads);
    // The dimension of each head that gives most.
    let mut strongest = Vec::with_capacity(spec.heads);
    for (head, weight) in weight.chunks_exact(spec.head_size).enumerate() {
        let each = products(&reader.row(site, &[head, t])?, weight); // [d]
        heads.push(each.iter().sum::<f64>());
        let most = each
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        strongest.push(most.map_or(0, |(j, _)| j));
    }
    let term = |head: usize| {
        let term = Term::new(format!("head {}", head + 1), heads[head]);
        term.asking(site, &[head, t, strongest[head]])
    };
    let mut work = Work::default();
    let sum = Sum::largest("Σ over heads of head_out·W_O", &heads, HEADS, term);
    work.sum(match spec.biases.output {
        true => sum.with(Term::new("bias", bias)),
        false => sum,
    });
    Ok(work)
}
