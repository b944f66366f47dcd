//! A tab that is dropped beside a group of tabs splits the group, not the one tab that is in front of it.

use egui_tiles::{Container, Tile, TileId};

use super::layout::Layout;

impl Layout {
    /// After `panel` was dropped. Tiles put it beside the tab in front, inside of the group: both would
    /// stand behind one tab that could only be called after its kind of container.
    pub fn split_group(&mut self, panel: &str) {
        while let Some((group, pair)) = self.pair_in_group(panel) {
            if self.lift(panel, group, pair).is_none() {
                return;
            }
        }
    }

    /// The row or column that the panel is in as one of a group's tabs, behind that group.
    fn pair_in_group(&self, panel: &str) -> Option<(TileId, TileId)> {
        let tiles = &self.tree.tiles;
        let is_linear = |id| matches!(tiles.get_container(id), Some(Container::Linear(_)));
        let is_group = |id| matches!(tiles.get_container(id), Some(Container::Tabs(_)));
        let up = |id: &TileId| tiles.parent_of(*id);
        let mut above = std::iter::successors(self.tile(panel), up);
        above.find_map(|pair| {
            let group = tiles.parent_of(pair)?;
            (is_linear(pair) && is_group(group)).then_some((group, pair))
        })
    }

    /// The row or column takes the group's place, and the group stands in it where that one tab stood,
    /// which is a tab of the group again. Only what the two tiles hold changes places: whatever is around
    /// them knows the same tile.
    fn lift(&mut self, panel: &str, group: TileId, pair: TileId) -> Option<()> {
        let dropped = self.tile(panel)?;
        let around = self.tree.tiles.get_container(pair)?.children();
        let beside = around.copied().find(|&id| !self.holds(id, dropped))?;
        let tiles = &mut self.tree.tiles;
        let (inside, front) = match tiles.get_container(beside) {
            Some(Container::Tabs(tabs)) => (tabs.children.clone(), tabs.active),
            _ => (vec![beside], Some(beside)),
        };
        let (
            Tile::Container(Container::Tabs(mut tabs)),
            Tile::Container(Container::Linear(mut row)),
        ) = (tiles.get(group)?.clone(), tiles.get(pair)?.clone())
        else {
            return None;
        };
        let here = tabs.children.iter().position(|&id| id == pair)?;
        let there = row.children.iter().position(|&id| id == beside)?;
        if !inside.contains(&beside) {
            tiles.remove(beside);
        }
        tabs.children.splice(here..=here, inside);
        tabs.active = front;
        row.children[there] = pair;
        row.shares.replace_with(beside, pair);
        *tiles.get_mut(group)? = Tile::Container(Container::Linear(row));
        *tiles.get_mut(pair)? = Tile::Container(Container::Tabs(tabs));
        Some(())
    }
}
