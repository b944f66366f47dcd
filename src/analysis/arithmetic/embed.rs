//! Token, position and type, and what stands between them and layer 0.

use super::norm;
use super::read::{Reader, product_row, products, table};
use super::{LISTED, Step, Sum, Term, Unexplained, Work};
use crate::model::spec::Project;
use crate::model::weights::Linear;
use crate::trace::{EmbedSite, Site};

/// One number of a table.
pub(super) fn row(
    reader: &Reader<'_>,
    which: EmbedSite,
    t: usize,
    e: usize,
) -> Result<Work, Unexplained> {
    let (weights, tokens) = (&reader.model.encoder.weights, &reader.trace.tokens);
    let id = |ids: &[u32]| ids.get(t).map_or(0, |&id| id as usize);
    let (tensor, row, what) = match which {
        EmbedSite::Position => {
            let rows = reader.model.position_rows(tokens);
            let row = rows.get(t).copied().unwrap_or(0);
            (weights.position.as_ref(), row, "position")
        }
        EmbedSite::Type => (weights.types.as_ref(), id(&tokens.type_ids), "type"),
        EmbedSite::Token | EmbedSite::Out => (Some(&weights.token), id(&tokens.ids), "token"),
    };
    let missing = || Unexplained::NotHeld(Site::Embed(which));
    let value = table(tensor.ok_or_else(missing)?)?.at(&[row, e]);
    let mut work = Work::default();
    let name = format!("{what} table[{row}, {e}]");
    let note = format!("row {row} of the model's {what} table, as it was learned");
    work.comes_to(Step::new(name, value.ok_or_else(missing)?.into(), note));
    Ok(work)
}

/// What enters layer 0.
pub(super) fn out(reader: &Reader<'_>, t: usize, d: usize) -> Result<Work, Unexplained> {
    let (weights, spec) = (&reader.model.encoder.weights, reader.model.spec());
    let project = weights.project.as_ref();
    let x = summed(reader, t)?; // [E]
    let mut work = Work::default();
    let norm = weights.embed_norm.as_ref();
    match (project, spec.project) {
        (None, _) | (Some(_), Project::None) => {
            work.sum(summands(reader, t, d)?);
            if let Some(norm) = norm {
                norm::steps(&mut work, norm, &x, d)?;
            }
        }
        (Some(project), Project::AfterNorm) => {
            let (x, name) = match norm {
                Some(norm) => (norm::applied(norm, &x)?, "normed"),
                None => (x, "summed"),
            };
            let width = x.len();
            work.note(format!(
                "token + position + type is {name} in the tables' {width} dimensions, and a product brings it to the encoder's"
            ));
            work.sum(projected(project, &x, name, d)?);
        }
        (Some(project), Project::BeforeNorm) => {
            let width = x.len();
            work.note(format!(
                "a product brings the sum of the tables' {width} dimensions to the encoder's"
            ));
            work.sum(projected(project, &x, "summed", d)?);
            if let Some(norm) = norm {
                let rows = 0..spec.hidden;
                let whole = rows.map(|d| Ok(projected(project, &x, "", d)?.total));
                let whole = whole.collect::<Result<Vec<f64>, Unexplained>>()?;
                norm::steps(&mut work, norm, &whole, d)?;
            }
        }
    }
    Ok(work)
}

fn projected(project: &Linear, x: &[f64], name: &str, d: usize) -> Result<Sum, Unexplained> {
    let (weight, bias) = product_row(project, d)?;
    let term = |e: usize| Term::product(format!("{name}[{e}] × W[{d}, {e}]"), x[e], weight[e]);
    let sum = Sum::largest("Σ x·W", &products(x, &weight), LISTED, term);
    Ok(match bias == 0. {
        true => sum,
        false => sum.with(Term::new(format!("b[{d}]"), bias)),
    })
}

/// The summands that this model has, at dimension `e` of its tables.
fn summands(reader: &Reader<'_>, t: usize, e: usize) -> Result<Sum, Unexplained> {
    let factor = reader.model.spec().embed_scale;
    let mut terms = Vec::new();
    for which in [EmbedSite::Token, EmbedSite::Position, EmbedSite::Type] {
        let site = Site::Embed(which);
        if which != EmbedSite::Token && !reader.trace.has(site) {
            continue;
        }
        let value = reader.at(site, &[t, e])?;
        let term = match which == EmbedSite::Token && factor != 1. {
            true => Term::product("token × factor", value, factor),
            false => {
                let name = site.to_string();
                Term::new(name.trim_start_matches("embed.").to_owned(), value)
            }
        };
        terms.push(term.asking(site, &[t, e]));
    }
    let name = match terms.len() {
        1 => "x, the token alone",
        _ => "x, the sum",
    };
    Ok(Sum::whole(name, terms))
}

/// factor·token + position + type, [E].
fn summed(reader: &Reader<'_>, t: usize) -> Result<Vec<f64>, Unexplained> {
    let factor = reader.model.spec().embed_scale;
    let token = reader.row(Site::Embed(EmbedSite::Token), &[t])?;
    let mut sum: Vec<f64> = token.iter().map(|x| factor * x).collect();
    for which in [EmbedSite::Position, EmbedSite::Type] {
        let site = Site::Embed(which);
        if reader.trace.has(site) {
            let part = reader.row(site, &[t])?;
            sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
    }
    Ok(sum)
}
