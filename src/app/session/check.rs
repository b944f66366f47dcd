//! Whether what a session file says fits together. What does not is refused, not guessed at.

use std::collections::HashSet;

use egui_tiles::{Container, Tile, TileId};
use serde_json::Value;

use super::super::layout::Layout;
use super::super::state::State;
use super::{FIELDS, SessionError};

/// Every field that has to be there is.
pub(super) fn fields(value: &Value, file: &str) -> Result<(), SessionError> {
    let missing = |field: &str| {
        let problem = "is missing".to_owned();
        SessionError::field(file.to_owned(), field, problem)
    };
    for field in ["state", "layout"] {
        value.get(field).ok_or_else(|| missing(field))?;
    }
    for field in FIELDS {
        let found = value["state"].get(field);
        found.ok_or_else(|| missing(&format!("state.{field}")))?;
    }
    Ok(())
}

/// Everything that is named is there. What [`State::repair`] would change does not fit together.
pub(super) fn state(state: &State, file: &str) -> Result<(), SessionError> {
    let mut mended = state.clone();
    mended.repair();
    let json = |state: &State| serde_json::to_value(state).unwrap_or_default();
    let (found, mended) = (json(state), json(&mended));
    let fields = found.as_object().into_iter().flatten();
    for (field, value) in fields {
        // Only counts on; a person who adds a text by hand need not know of it.
        if field != "next_id" && mended.get(field) != Some(value) {
            let problem = "does not fit the rest: it names a text that is not there or is named twice, or is out of range";
            return Err(SessionError::field(
                file.to_owned(),
                format!("state.{field}"),
                problem.to_owned(),
            ));
        }
    }
    Ok(())
}

/// A tree whose every part is there, once, with sizes that are sizes.
pub(super) fn layout(layout: &Layout, file: &str) -> Result<(), SessionError> {
    let tiles = &layout.tree.tiles;
    let refuse =
        |problem: String| Err(SessionError::field(file.to_owned(), "layout.tree", problem));
    let mut seen: HashSet<TileId> = HashSet::new();
    let mut open: Vec<TileId> = layout.tree.root.into_iter().collect();
    while let Some(id) = open.pop() {
        let Some(tile) = tiles.get(id) else {
            return refuse(format!("names tile {}, which is not there", id.0));
        };
        if !seen.insert(id) {
            return refuse(format!("has tile {} in two places", id.0));
        }
        let Tile::Container(container) = tile else {
            continue;
        };
        let sizes: Vec<f32> = match container {
            Container::Tabs(_) => Vec::new(),
            Container::Linear(linear) => linear.shares.iter().map(|(_, share)| *share).collect(),
            Container::Grid(grid) => [&grid.col_shares[..], &grid.row_shares[..]].concat(),
        };
        if sizes.iter().any(|size| !size.is_finite() || *size < 0.) {
            return refuse(format!("gives tile {} sizes that are none", id.0));
        }
        open.extend(container.children());
    }
    Ok(())
}
