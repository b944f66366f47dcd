//! One attention weight: q·k, what distances add, the mask, the softmax.

use super::read::{Reader, products, table};
use super::{LISTED, Step, Sum, Term, Unexplained, Work};
use crate::analysis::attention::{scale_name, why_hidden};
use crate::model::distance::bucket;
use crate::model::spec::{Disentangled, DistanceBias};
use crate::trace::{LayerSite, Site};

/// Head, query, key.
type Cell = (usize, usize, usize);

/// Keys that are listed one by one.
const KEYS: usize = 5;

/// The query's and the key's vector, [d], as the product takes them.
fn vectors(
    reader: &Reader<'_>,
    l: usize,
    (head, query, key): Cell,
) -> Result<[Vec<f64>; 2], Unexplained> {
    let pick = |turned, plain| {
        let turned = Site::Layer(l, turned);
        match reader.trace.has(turned) {
            true => turned,
            false => Site::Layer(l, plain),
        }
    };
    let shared = head / reader.model.spec().group();
    Ok([
        reader.row(pick(LayerSite::QRot, LayerSite::Q), &[head, query])?,
        reader.row(pick(LayerSite::KRot, LayerSite::K), &[shared, key])?,
    ])
}

/// scale·q·k.
pub(super) fn content(reader: &Reader<'_>, l: usize, cell: Cell) -> Result<Work, Unexplained> {
    let [q, k] = vectors(reader, l, cell)?;
    let product = products(&q, &k);
    let mut work = Work::default();
    let group = reader.model.spec().group();
    if group > 1 {
        let shared = cell.0 / group + 1;
        work.note(format!(
            "{group} heads of queries share head {shared} of keys"
        ));
    }
    work.strip("q", &q, None);
    work.strip("k", &k, None);
    work.strip("q∘k", &product, None);
    let term = |j: usize| Term::product(format!("q[{j}] × k[{j}]"), q[j], k[j]);
    work.sum(Sum::largest("Σ q×k", &product, LISTED, term));
    scaled(reader, &mut work, "content");
    Ok(work)
}

/// Multiplies what there is by the model's factor.
fn scaled(reader: &Reader<'_>, work: &mut Work, name: &str) {
    let spec = reader.model.spec();
    let terms = spec.disentangled.map_or(1, |d| {
        1 + usize::from(d.content_to_position) + usize::from(d.position_to_content)
    });
    let scale = scale_name(spec.scale, spec.head_size, terms);
    let note = "the model's factor on every product of queries and keys";
    work.step(Step::new(format!("× {scale}"), spec.scale, note));
    work.comes_to(Step::new(
        format!("= {name}"),
        work.result * spec.scale,
        "scaled",
    ));
}

/// What the distance adds.
pub(super) fn position(
    reader: &Reader<'_>,
    l: usize,
    (head, query, key): Cell,
) -> Result<Work, Unexplained> {
    let spec = reader.model.spec();
    let mut work = Work::default();
    if let Some(relative) = spec.disentangled {
        disentangled(reader, &mut work, relative, l, (head, query, key))?;
        return Ok(work);
    }
    let distance = key as isize - query as isize;
    let farthest = distance.unsigned_abs().max(1);
    let missing = || Unexplained::NotHeld(Site::Layer(l, LayerSite::ScorePosition));
    let bias = reader.model.distance_bias(farthest).ok_or_else(missing)?;
    let of = |distance: isize| {
        let place = usize::try_from(distance + farthest as isize).unwrap_or(0);
        bias.head(head)
            .get(place)
            .map_or(f64::NAN, |&x| f64::from(x))
    };
    work.step(Step::new(
        "key − query",
        distance as f64,
        "the distance, in tokens",
    ));
    match spec.distance {
        Some(DistanceBias::Buckets { buckets, farthest }) => {
            let bucket = bucket(distance, buckets, farthest);
            let name = format!("bucket {bucket}, head {}", head + 1);
            let note = "a learned number for each bucket of distances and head";
            work.comes_to(Step::new(name, of(distance), note));
        }
        _ => {
            let slope = -of(1);
            let note = format!("of head {}: fixed, not learned", head + 1);
            work.step(Step::new("slope", slope, note));
            let value = -slope * distance.unsigned_abs() as f64;
            work.comes_to(Step::new("= −slope × distance", value, "ALiBi"));
        }
    }
    Ok(work)
}

/// Content asks for a distance, and a distance for content.
fn disentangled(
    reader: &Reader<'_>,
    work: &mut Work,
    relative: Disentangled,
    l: usize,
    (head, query, key): Cell,
) -> Result<(), Unexplained> {
    let row = relative.row(query as isize - key as isize);
    let [q, k] = vectors(reader, l, (head, query, key))?;
    let tables = reader.weights(l)?.relative.as_ref();
    let tables = [
        (
            tables.and_then(|t| t.keys.as_ref()),
            q,
            "q",
            "distance as key (c2p)",
        ),
        (
            tables.and_then(|t| t.queries.as_ref()),
            k,
            "k",
            "distance as query (p2c)",
        ),
    ];
    let mut terms = Vec::new();
    for (rows, x, name, what) in tables {
        let Some(rows) = rows else { continue };
        let rows = table(rows)?;
        let r: Vec<f64> = rows
            .row(&[head, row])
            .iter()
            .map(|&r| f64::from(r))
            .collect();
        let term = |j: usize| Term::product(format!("{name}[{j}] × r[{j}]"), x[j], r[j]);
        work.note(format!("{name} meets row {row} of the {what}"));
        work.sum(Sum::largest(
            format!("Σ {name}×r"),
            &products(&x, &r),
            LISTED,
            term,
        ));
        scaled(reader, work, what);
        terms.push(Term::new(what, work.result));
    }
    work.sum(Sum::whole("= position", terms));
    Ok(())
}

/// The score that the softmax sees.
pub(super) fn score(
    reader: &Reader<'_>,
    l: usize,
    (head, query, key): Cell,
) -> Result<Work, Unexplained> {
    let mut work = Work::default();
    let mut terms = Vec::new();
    for (site, name) in [
        (LayerSite::ScoreContent, "content"),
        (LayerSite::ScorePosition, "position"),
    ] {
        let site = Site::Layer(l, site);
        if reader.trace.has(site) {
            let index = [head, query, key];
            terms.push(Term::new(name, reader.at(site, &index)?).asking(site, &index));
        }
    }
    work.sum(Sum::whole("= score", terms));
    if let Some(why) = why_hidden(reader.block(l)?.mask, query, key) {
        work.comes_to(Step::new("+ mask", f64::NEG_INFINITY, why));
    }
    Ok(work)
}

/// The weight: this key's exponential over those of the whole row.
pub(super) fn weight(
    reader: &Reader<'_>,
    l: usize,
    (head, query, key): Cell,
) -> Result<Work, Unexplained> {
    let site = Site::Layer(l, LayerSite::Scores);
    let row = reader.row(site, &[head, query])?; // [T]
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp: Vec<f64> = row.iter().map(|s| (s - largest).exp()).collect();
    let hidden = row.iter().filter(|s| **s == f64::NEG_INFINITY).count();
    let mut work = content(reader, l, (head, query, key))?;
    let scored = score(reader, l, (head, query, key))?;
    // Content alone is the score already.
    if scored.lines.len() > 1 || reader.trace.has(Site::Layer(l, LayerSite::ScorePosition)) {
        work.lines.extend(scored.lines);
    }
    let own = exp.get(key).copied().unwrap_or(f64::NAN);
    work.note("softmax over the query's row: every score, less the row's largest, as an exponent");
    let note = "taken off before exp, so that nothing overflows";
    work.step(Step::new("largest score", largest, note));
    if hidden > 0 {
        let seen = row.len() - hidden;
        work.note(format!(
            "the mask hides {hidden} keys: their exp is 0, {seen} are seen"
        ));
    }
    let term = |k: usize| {
        let this = if k == key { " (this key)" } else { "" };
        let name = format!("exp · {}{this}", reader.token(k));
        Term::new(name, exp[k]).asking(Site::Layer(l, LayerSite::Pattern), &[head, query, k])
    };
    let name = "Σ exp: the denominator";
    let sum = Sum::largest_and(name, &exp, KEYS, Some(key), term);
    let denominator = sum.total;
    work.sum(sum);
    let weight = own / denominator;
    let step = Step::new(
        "= weight",
        weight,
        "this key's exp, divided by the denominator",
    );
    work.comes_to(step);
    Ok(work)
}
