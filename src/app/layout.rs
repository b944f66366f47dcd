//! Which panels are where: a tree of tiles that the person drags about, and ready-made workspaces.

use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

use crate::views;

/// Where panels are. Panels are named by their id, so that a layout outlives versions.
#[derive(Clone, Serialize, Deserialize)]
pub struct Layout {
    pub tree: Tree<String>,
    /// Which workspace it started from.
    pub workspace: usize,
    /// The panel that was looked at last: from it follows at which stage of the pipeline one is.
    #[serde(default)]
    pub at: Option<String>,
    /// Whether something is told of that stage.
    #[serde(default)]
    pub walking: bool,
    /// The panel that was asked for, until its tab was scrolled into sight.
    #[serde(skip)]
    pub asked: Option<String>,
}

/// A ready-made layout: columns of panels; several panels of one column share it as tabs.
pub struct Workspace {
    pub title: &'static str,
    pub about: &'static str,
    columns: &'static [(f32, &'static [&'static str])],
}

pub static WORKSPACES: &[Workspace] = &[
    Workspace {
        title: "Walk the pipeline",
        about: "Stage by stage from text to vector",
        columns: &[
            (
                1.0,
                &[
                    "tokens",
                    "embedding",
                    "position",
                    "attention",
                    "feed_forward",
                    "residual",
                ],
            ),
            (0.75, &["score", "diagnosis", "pooling", "models"]),
        ],
    },
    Workspace {
        title: "Why similar?",
        about: "The score and what carries it, beside the attention",
        columns: &[
            (1.0, &["score", "diagnosis", "what_if"]),
            (1.0, &["attention", "tokens", "feed_forward"]),
        ],
    },
    Workspace {
        title: "Compare pooling",
        about: "CLS, mean, max and the others side by side",
        columns: &[
            (1.0, &["pooling"]),
            (0.6, &["score", "diagnosis", "tokens"]),
        ],
    },
    Workspace {
        title: "Train",
        about: "What a contrastive loss wants of a batch of pairs",
        columns: &[(1.0, &["contrastive", "models"]), (1.0, &["fine_tune"])],
    },
];

impl Default for Layout {
    fn default() -> Self {
        Self::workspace(0)
    }
}

impl Layout {
    /// Before the tiles are painted without animations: where a tile that is dragged would come to lie is
    /// shown there at once. Tiles have no setting for that, so what they glide from is forgotten.
    pub fn keep_still(&self, ctx: &egui::Context) {
        if let Some(dragged) = self.tree.dragged_id(ctx) {
            let id = egui::Id::unique((dragged, "smoothed_preview_rect"));
            ctx.data_mut(|data| data.remove::<egui::Rect>(id));
        }
        // A strip of tabs moves by so many points a second of this, which tiles take to be a tenth of a
        // second at most: then it is there within a few frames, some 50 points in each, and no setting makes it
        // faster. What is chosen in it is in front in the next frame, with animations and without.
        ctx.input_mut(|input| input.stable_dt = input.stable_dt.max(0.1));
    }

    /// The panel that is dragged, or the one in front of the group that is; none where nothing is.
    pub fn dragged(&self, ctx: &egui::Context) -> Option<&'static str> {
        let dragged = self.tree.dragged_id(ctx)?;
        if let Some(Tile::Pane(id)) = self.tree.tiles.get(dragged) {
            return views::find(id).map(|panel| panel.id);
        }
        let within = |tile| self.holds(dragged, tile);
        let mut front = self.front().into_iter();
        front.find(|panel| self.tile(panel).is_some_and(within))
    }

    /// Hides columns until no more than `room` are left, among them the one with the panel that was used
    /// last, and returns them. Layouts that are no row of columns stay as they are.
    #[must_use]
    pub fn put_aside(&mut self, room: usize, last: Option<&str>) -> Vec<TileId> {
        let Some((_, seen)) = self.columns() else {
            return Vec::new();
        };
        let used = last.and_then(|panel| self.tile(panel));
        let used = seen
            .iter()
            .position(|&column| used.is_some_and(|used| self.holds(column, used)));
        let first = used.unwrap_or(0).min(seen.len().saturating_sub(room));
        let kept = first..first + room;
        let aside = seen.iter().enumerate();
        let aside: Vec<TileId> = aside
            .filter(|(at, _)| !kept.contains(at))
            .map(|(_, column)| *column)
            .collect();
        for column in &aside {
            self.tree.tiles.set_visible(*column, false);
        }
        aside
    }

    /// After what was left was painted.
    pub fn bring_back(&mut self, aside: &[TileId]) {
        for column in aside {
            self.tree.tiles.set_visible(*column, true);
        }
    }

    /// Which part of the width the column has that a panel is in; none where the layout is no row of columns.
    pub fn share(&self, panel: &str) -> Option<f32> {
        let tile = self.tile(panel)?;
        let (row, seen) = self.columns()?;
        let all: f32 = seen.iter().map(|id| row.shares[*id]).sum();
        let column = seen.iter().find(|&&column| self.holds(column, tile))?;
        (all > 0.).then(|| row.shares[*column] / all)
    }

    /// The row that the whole layout is, and which of its columns are seen; none where it is no row.
    fn columns(&self) -> Option<(&Linear, Vec<TileId>)> {
        let root = self
            .tree
            .root()
            .and_then(|root| self.tree.tiles.get(root))?;
        let Tile::Container(Container::Linear(row)) = root else {
            return None;
        };
        let seen = row.children.iter().copied();
        let seen = seen.filter(|&id| self.tree.tiles.is_visible(id)).collect();
        (row.dir == LinearDir::Horizontal).then_some((row, seen))
    }

    /// Whether a tile is within a column, or is it.
    pub(super) fn holds(&self, column: TileId, tile: TileId) -> bool {
        let up = |id: &TileId| self.tree.tiles.parent_of(*id);
        std::iter::successors(Some(tile), up).any(|id| id == column)
    }

    pub fn workspace(index: usize) -> Self {
        let index = index.min(WORKSPACES.len() - 1);
        let mut tiles = Tiles::default();
        let mut shares = Vec::new();
        for (share, panels) in WORKSPACES[index].columns {
            let known = panels.iter().filter(|id| views::find(id).is_some());
            let panes: Vec<TileId> = known
                .map(|id| tiles.insert_pane((*id).to_owned()))
                .collect();
            if !panes.is_empty() {
                shares.push((tiles.insert_tab_tile(panes), *share));
            }
        }
        let columns = shares.iter().map(|(id, _)| *id).collect();
        let mut row = Linear::new(LinearDir::Horizontal, columns);
        for (id, share) in shares {
            row.shares.set_share(id, share);
        }
        let root = tiles.insert_container(Container::Linear(row));
        Self {
            tree: Tree::new(egui::Id::unique("panels"), root, tiles),
            workspace: index,
            at: None,
            walking: false,
            asked: None,
        }
    }

    /// Every panel in a grid, none behind another.
    pub fn every_panel() -> Self {
        let mut tiles = Tiles::default();
        let panes = views::PANELS.iter().map(|panel| panel.id.to_owned());
        let panes: Vec<TileId> = panes.map(|id| tiles.insert_pane(id)).collect();
        let root = tiles.insert_grid_tile(panes);
        Self {
            tree: Tree::new(egui::Id::unique("panels"), root, tiles),
            workspace: 0,
            at: None,
            walking: false,
            asked: None,
        }
    }

    /// Drops panels that this version does not know; starts afresh when nothing is left.
    pub fn repair(&mut self) {
        let unknown: Vec<TileId> = self
            .tree
            .tiles
            .iter()
            .filter(|(_, tile)| matches!(tile, Tile::Pane(id) if views::find(id).is_none()))
            .map(|(id, _)| *id)
            .collect();
        for id in unknown {
            self.tree.remove_recursively(id);
        }
        if !self
            .tree
            .tiles
            .tiles()
            .any(|tile| matches!(tile, Tile::Pane(_)))
        {
            *self = Self::workspace(self.workspace);
        }
    }

    /// Which panels stand where and how wide, as text that is the same where that is the same. Which tab is
    /// in front is a way of looking, and what holds one thing alone is no arrangement.
    pub fn arrangement(&self) -> String {
        let root = self.tree.root();
        root.map_or(String::new(), |root| self.arranged(root))
    }

    fn arranged(&self, tile: TileId) -> String {
        let container = match self.tree.tiles.get(tile) {
            Some(Tile::Pane(panel)) => return panel.clone(),
            Some(Tile::Container(container)) => container,
            None => return String::new(),
        };
        let parts = container.children().map(|&id| (id, self.arranged(id)));
        let mut parts: Vec<(TileId, String)> = parts.filter(|(_, part)| !part.is_empty()).collect();
        if parts.len() <= 1 {
            return parts.pop().map_or(String::new(), |(_, part)| part);
        }
        let name = match container {
            Container::Tabs(_) => "tabs".to_owned(),
            Container::Linear(row) => {
                let all: f32 = parts.iter().map(|(id, _)| row.shares[*id]).sum();
                for (id, part) in &mut parts {
                    let share = row.shares[*id] / all.max(f32::MIN_POSITIVE);
                    *part += &format!(" {share:.3}");
                }
                format!("{:?}", row.dir)
            }
            // Its rows and columns follow the window's size.
            Container::Grid(_) => "grid".to_owned(),
        };
        let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
        format!("{name}({})", parts.join(", "))
    }

    pub(super) fn tile(&self, panel: &str) -> Option<TileId> {
        let mut tiles = self.tree.tiles.iter();
        let found = tiles.find(|(_, tile)| matches!(tile, Tile::Pane(id) if id == panel));
        found.map(|(id, _)| *id)
    }

    /// Brings a panel to the front, adding it to the first group of tabs where it was closed.
    pub fn show(&mut self, panel: &str) {
        if self.tile(panel).is_none() {
            let pane = self.tree.tiles.insert_pane(panel.to_owned());
            match self.first_tabs() {
                Some(tabs) => self
                    .tree
                    .move_tile_to_container(pane, tabs, usize::MAX, false),
                None => {
                    let root = self.tree.tiles.insert_tab_tile(vec![pane]);
                    self.tree.root = Some(root);
                }
            }
        }
        if let Some(tile) = self.tile(panel) {
            self.tree.make_active(|id, _| id == tile);
        }
        self.asked = Some(panel.to_owned());
    }

    /// True while a panel can be seen, not hidden behind another tab.
    pub fn is_visible(&self, panel: &str) -> bool {
        self.tile(panel)
            .is_some_and(|tile| self.tree.active_tiles().contains(&tile))
    }

    /// The panels that can be seen, in the order of the registry.
    pub fn front(&self) -> Vec<&'static str> {
        let active = self.tree.active_tiles();
        let shown = |id: &str| self.tile(id).is_some_and(|tile| active.contains(&tile));
        let panels = views::PANELS.iter().map(|panel| panel.id);
        panels.filter(|id| shown(id)).collect()
    }

    /// The panel in front where one begins to read: of the first column, or of the first part of what stands
    /// there.
    pub fn first(&self) -> Option<&'static str> {
        let mut tile = self.tree.root?;
        loop {
            let container = match self.tree.tiles.get(tile)? {
                Tile::Pane(id) => return views::find(id).map(|panel| panel.id),
                Tile::Container(container) => container,
            };
            let mut parts = container.children().copied();
            tile = match container {
                Container::Tabs(tabs) => tabs.active?,
                _ => parts.find(|part| self.tree.is_visible(*part))?,
            };
        }
    }

    /// Brings the next tab of the group that `panel` is in to the front, or the one before, and returns
    /// the panel of that tab. None where it is the only one.
    pub fn next_tab(&mut self, panel: &str, forward: bool) -> Option<&'static str> {
        let tile = self.tile(panel)?;
        let parent = self.tree.tiles.parent_of(tile)?;
        let Some(Tile::Container(Container::Tabs(tabs))) = self.tree.tiles.get(parent) else {
            return None;
        };
        let mut tabs = tabs.clone();
        tabs.cycle_active(&self.tree.tiles, forward);
        let front = tabs.active.filter(|&front| front != tile)?;
        let Some(Tile::Pane(id)) = self.tree.tiles.get(front) else {
            return None;
        };
        let next = views::find(id)?.id;
        self.show(next);
        Some(next)
    }

    fn first_tabs(&self) -> Option<TileId> {
        let tabs = |(id, tile): (&TileId, &Tile<String>)| {
            matches!(tile, Tile::Container(Container::Tabs(_))).then_some(*id)
        };
        self.tree
            .tiles
            .iter()
            .filter_map(tabs)
            .min_by_key(|id| id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workspace_names_only_panels_that_exist() {
        for workspace in WORKSPACES {
            for panel in workspace.columns.iter().flat_map(|(_, panels)| *panels) {
                assert!(
                    views::find(panel).is_some(),
                    "{panel} in {}",
                    workspace.title
                );
            }
        }
    }

    #[test]
    fn a_workspace_begins_with_the_panel_that_it_names_first() {
        for (index, workspace) in WORKSPACES.iter().enumerate() {
            let first = workspace.columns[0].1[0];
            assert_eq!(Layout::workspace(index).first(), Some(first));
        }
        let mut layout = Layout::workspace(1);
        layout.show("what_if");
        assert_eq!(layout.first(), Some("what_if"));
    }

    #[test]
    fn a_narrow_window_shows_the_column_that_was_used_last() {
        let mut layout = Layout::workspace(0);
        assert!(layout.put_aside(2, Some("score")).is_empty());
        let aside = layout.put_aside(1, Some("score"));
        assert_eq!(aside.len(), 1);
        assert!(layout.is_visible("score") && !layout.is_visible("tokens"));
        layout.bring_back(&aside);
        assert!(layout.is_visible("score") && layout.is_visible("tokens"));
        let aside = layout.put_aside(1, None);
        assert!(layout.is_visible("tokens") && !layout.is_visible("score"));
        layout.bring_back(&aside);
        assert!(Layout::every_panel().put_aside(1, None).is_empty());
    }

    #[test]
    fn a_column_has_its_share_of_the_width() {
        let layout = Layout::workspace(0);
        let share = |panel| layout.share(panel).unwrap();
        assert!((share("attention") - 1. / 1.75).abs() < 1e-6);
        assert!((share("score") - 0.75 / 1.75).abs() < 1e-6);
        assert!(layout.share("what_if").is_none(), "it is not there");
    }

    #[test]
    fn an_arrangement_changes_with_places_and_widths_and_not_with_the_tab_in_front() {
        let mut layout = Layout::workspace(0);
        let before = layout.arrangement();
        assert!(
            before.starts_with("Horizontal(tabs(tokens, embedding,"),
            "{before}"
        );
        layout.show("attention");
        layout.show("pooling");
        assert_eq!(layout.arrangement(), before);
        let root = layout.tree.root().unwrap();
        let mut wider = layout.clone();
        let Some(Tile::Container(Container::Linear(row))) = wider.tree.tiles.get_mut(root) else {
            panic!("columns");
        };
        let first = row.children[0];
        row.shares.set_share(first, 2.);
        assert_ne!(wider.arrangement(), before);
        layout.show("what_if");
        assert_ne!(layout.arrangement(), before, "another panel");
        assert_ne!(Layout::every_panel().arrangement(), before);
    }

    #[test]
    fn a_closed_panel_comes_back_in_front_and_unknown_ones_go() {
        let mut layout = Layout::workspace(2);
        let extra = layout.tree.tiles.insert_pane("from the future".to_owned());
        let tabs = layout.first_tabs().unwrap();
        layout
            .tree
            .move_tile_to_container(extra, tabs, usize::MAX, false);
        layout.repair();
        assert!(layout.tile("from the future").is_none());

        assert!(layout.tile("attention").is_none());
        layout.show("attention");
        assert!(layout.is_visible("attention"));
    }
}
