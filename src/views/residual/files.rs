//! The figures for the clipboard and for files.

use std::fmt::Write as _;

use super::derive::{Found, Wrote};
use super::measure::{Measure, names};
use crate::app::export::table::cell;
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::Side;
use crate::trace::{LayerSite, Site};

/// A line for each token, and for the pooled text, and each state. Empty where there is no figure.
pub fn tsv(side: Side, found: &Found, wrote: Option<&Wrote>) -> Option<String> {
    let states = found.states.as_ref()?;
    let writes = wrote.and_then(|wrote| wrote.writes.as_ref().ok());
    let mut out = format!(
        "token of {}\tpiece\tstate\tlength\tcos_before\tcos_last\tattention_share\tfeed_forward_share\tconvolution_share\n",
        side.name()
    );
    let names = names(states.count);
    let figure = |value: f64| match value.is_nan() {
        true => String::new(),
        false => value.to_string(),
    };
    for row in 0..=states.tokens {
        let label = found.trace.tokens.labels.get(row);
        let (place, piece) = match label {
            Some(label) => (row.to_string(), cell(label).to_string()),
            None => (String::new(), format!("pooled ({})", found.pooled.mode)),
        };
        for (state, name) in names.iter().enumerate() {
            let figures = Measure::ALL.map(|m| figure(m.at(states, writes, row, state)));
            let convolution = writes.zip(state.checked_sub(1));
            let convolution = convolution.map_or(f64::NAN, |(w, layer)| w.share(2, row, layer));
            let figures = figures.join("\t");
            let convolution = figure(convolution);
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{place}\t{piece}\t{name}\t{figures}\t{convolution}");
        }
    }
    Some(out)
}

/// Each measure [T, S], the one on view first; cos between the states over all tokens, [S, S]; and the
/// chosen layer's states.
pub fn arrays(
    found: &Found,
    wrote: Option<&Wrote>,
    first: Measure,
    layer: usize,
) -> Option<Vec<NamedArray>> {
    let states = found.states.as_ref()?;
    let writes = wrote.and_then(|wrote| wrote.writes.as_ref().ok());
    let columns = names(states.count);
    let known = |measure: &Measure| measure.part().is_none() || writes.is_some();
    let mut measures: Vec<Measure> = Measure::ALL.into_iter().filter(known).collect();
    measures.sort_by_key(|&measure| measure != first);
    let array = |measure: Measure| {
        let at = |row| (0..states.count).map(move |s| measure.at(states, writes, row, s));
        let values = (0..states.tokens).flat_map(at).collect();
        let shape = vec![states.tokens, states.count];
        NamedArray::new(measure.array(), shape, Numbers::Double(values))
            .named(found.trace.tokens.labels.clone(), columns.clone())
    };
    let mut arrays: Vec<NamedArray> = measures.into_iter().map(array).collect();
    let between = Numbers::Single(states.between(None).to_vec());
    let shape = vec![states.count, states.count];
    let between = NamedArray::new("residual.cos_between", shape, between);
    arrays.push(between.named(columns.clone(), columns));
    let sites = [LayerSite::ResidOut, LayerSite::AttnOut, LayerSite::FfnOut];
    let sites = sites.map(|site| NamedArray::site(&found.trace, Site::Layer(layer, site)));
    arrays.extend(sites.into_iter().flatten());
    Some(arrays)
}
