//! What a context menu offers for a single number: the number itself and the row that it stands in.

use super::context_entries::{Entry, Group, Here};
use super::inspector::{Chosen, questions};
use crate::analysis::arithmetic::Ask;
use crate::app::command::Command;
use crate::app::export::table::cell;
use crate::app::state::Focus;
use crate::tokens::Tokens;
use crate::trace::site::Axis;
use crate::trace::{Site, Values};

/// The number that the inspector would explain first.
pub fn of_number(focus: Focus, here: &Here<'_>) -> Option<Group> {
    let (spec, state) = (here.model?.spec(), here.state);
    // The places of the second model's passes are not those of the first's.
    let id = focus.text.filter(|_| !focus.reference)?;
    let view = here.texts.iter().find(|text| text.id == id)?;
    let trace = view.trace.as_ref()?;
    let chosen = Chosen {
        layer: state.layer.min(spec.layers().saturating_sub(1)),
        head: state.head.min(spec.heads - 1),
    };
    let ask = questions(spec, trace, focus, chosen).into_iter().next()?;
    let recipe = state.pooling.is_some() || state.truncate_dim.is_some();
    if ask.site == Site::Sentence && recipe {
        // The trace has the model's own vector, and that is not the one on view.
        return None;
    }
    let values = trace.values(ask.site);
    let value = values.as_ref().and_then(|values| values.at(&ask.index));
    let there = value.is_some() && view.current;
    let missing = "Its layer is not at hand: look at it in a panel, and it is computed again";
    let about = match value {
        Some(value) => format!("{value:?}, with every digit"),
        None => missing.to_owned(),
    };
    // As it is printed it is read back to the same bits.
    let digits = value.map_or(String::new(), |value| format!("{value:?}"));
    let copy = Entry::new("Copy value", &about, Command::Copy(digits)).only_if(there);
    let row = values.and_then(|values| row_of(&ask, &values, &trace.tokens));
    let row = row.filter(|_| there);
    let about = match row.is_some() {
        true => "All numbers along the last axis, under their names",
        false => missing,
    };
    let possible = row.is_some();
    let row = Command::Copy(row.unwrap_or_default());
    Some(Group {
        title: format!("{}{:?}", ask.site, ask.index),
        entries: vec![
            copy,
            Entry::new("Copy row as TSV", about, row).only_if(possible),
        ],
    })
}

/// Two lines: what the last axis counts, and the numbers at every full place of it.
fn row_of(ask: &Ask, values: &Values<'_>, tokens: &Tokens) -> Option<String> {
    let (_, outer) = ask.index.split_last()?;
    let (last, before) = ask.site.axes().split_last()?;
    let row = values.row(outer);
    let token = |t: usize| {
        let label = tokens.labels.get(t).map_or("?", String::as_str);
        format!("{} [{t}]", cell(label))
    };
    let name = |axis: Axis, at: usize| match axis {
        Axis::Token | Axis::Query | Axis::Key => token(at),
        _ => at.to_string(),
    };
    let mut lines = [ask.site.to_string(), String::new()];
    let places = before.iter().zip(outer);
    let places: Vec<String> = places.map(|(&axis, &at)| name(axis, at)).collect();
    lines[1] = places.join(", ");
    for (at, value) in row.iter().enumerate() {
        lines[0] += &format!("\t{}", name(*last, at));
        lines[1] += &format!("\t{value:?}");
    }
    Some(lines.join("\n") + "\n")
}
