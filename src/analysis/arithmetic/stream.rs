//! The residual stream: what comes in, what is added, and the norms on the way.

use super::norm;
use super::read::Reader;
use super::{Step, Sum, Term, Unexplained, Work};
use crate::trace::{EmbedSite, LayerSite, Site};

/// What layer `l` is handed: the state before it.
fn before(l: usize) -> Site {
    match l.checked_sub(1) {
        None => Site::Embed(EmbedSite::Out),
        Some(before) => Site::Layer(before, LayerSite::ResidOut),
    }
}

pub(super) fn entered(
    reader: &Reader<'_>,
    l: usize,
    t: usize,
    d: usize,
) -> Result<Work, Unexplained> {
    let site = before(l);
    let mut work = Work::default();
    let value = reader.at(site, &[t, d])?;
    let step = Step::new(format!("= {site}"), value, "handed on as it is");
    work.comes_to(step.asking(site, &[t, d]));
    Ok(work)
}

/// The stream with what was written (see [`crate::model::weights::Norms`]): `resid_mid` with what
/// attention wrote, and what leaves the block with what the feed-forward block wrote.
pub(super) fn joined(
    reader: &Reader<'_>,
    (l, site): (usize, LayerSite),
    t: usize,
    d: usize,
) -> Result<Work, Unexplained> {
    let layer = reader.weights(l)?;
    let (norms, from, wrote) = match site {
        LayerSite::ResidMid => (&layer.attn_norms, LayerSite::ResidIn, LayerSite::AttnOut),
        _ => (&layer.ffn_norms, LayerSite::ResidMid, LayerSite::FfnOut),
    };
    let [from_site, wrote_site] = [from, wrote].map(|site| Site::Layer(l, site));
    let x = reader.row(from_site, &[t])?; // [D]
    let mut w = reader.row(wrote_site, &[t])?; // [D]
    let mut work = Work::default();
    let mut name = wrote.name().to_owned();
    if let Some(norm) = &norms.written {
        work.note(format!(
            "{name} passes a norm of its own before it is added"
        ));
        let step = Step::new(
            &name,
            w.get(d).copied().unwrap_or(f64::NAN),
            "what was written",
        );
        work.comes_to(step.asking(wrote_site, &[t, d]));
        norm::steps(&mut work, norm, &w, d)?;
        w = norm::applied(norm, &w)?;
        name = format!("norm({name})");
    }
    let term = |name: String, of: &[f64], site| {
        let value = of.get(d).copied().unwrap_or(f64::NAN);
        Term::new(name, value).asking(site, &[t, d])
    };
    let terms = vec![
        term(from.name().to_owned(), &x, from_site),
        term(name, &w, wrote_site),
    ];
    work.sum(Sum::whole("x, the stream with it", terms));
    if let Some(norm) = &norms.joined {
        let sum: Vec<f64> = x.iter().zip(&w).map(|(x, w)| x + w).collect();
        norm::steps(&mut work, norm, &sum, d)?;
        w = norm::applied(norm, &sum)?;
        work.note("the normed sum is added to the stream once more");
        let terms = vec![
            term(from.name().to_owned(), &x, from_site),
            Term::new("norm of the sum", work.result),
        ];
        work.sum(Sum::whole("x, the stream with that", terms));
    }
    if let Some(norm) = &norms.after {
        let sum: Vec<f64> = x.iter().zip(&w).map(|(x, w)| x + w).collect();
        norm::steps(&mut work, norm, &sum, d)?;
    }
    Ok(work)
}

/// `final.out`: the last state through the final norm, or a mix of several states.
pub(super) fn last(reader: &Reader<'_>, t: usize, d: usize) -> Result<Work, Unexplained> {
    let weights = &reader.model.encoder.weights;
    let site = before(reader.trace.layers);
    let mut work = Work::default();
    let x = reader.row(site, &[t])?; // [D]
    let value = x.get(d).copied().unwrap_or(f64::NAN);
    work.comes_to(Step::new(format!("x = {site}"), value, "the last state").asking(site, &[t, d]));
    if let Some(norm) = &weights.final_norm {
        norm::steps(&mut work, norm, &x, d)?;
    }
    let Some(mix) = &weights.mix else {
        return Ok(work);
    };
    work.note("the states of several layers are mixed");
    let shares = mix
        .share_of_each()
        .map_err(|error| Unexplained::Head(error.to_string()))?;
    let mut terms = Vec::new();
    for (state, share) in shares.into_iter().enumerate().skip(mix.first) {
        let last = state == reader.trace.layers;
        let site = before(state);
        let value = match last {
            true => work.result,
            false => reader.at(site, &[t, d])?,
        };
        let name = match state {
            0 => "embed.out × share".to_owned(),
            _ => format!("layer {state} × share"),
        };
        terms.push(Term::product(name, value, share).asking(site, &[t, d]));
    }
    work.sum(Sum::whole("= the mix", terms));
    Ok(work)
}
