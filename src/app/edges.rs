//! The edges between the parts of the window and between panels: each has a name, and the arrow keys move
//! the one that has the keyboard.

use egui::accesskit::{Action, ActionRequest, TreeId};
use egui::{Event, EventFilter, Id, IdSalt, Pos2, Rect, Response, Ui};
use egui_tiles::{Container, Grid, Linear, LinearDir, Tile, TileId, Tree};

use crate::views;
use crate::widgets::heatmap::arrow_step;
use crate::widgets::keyboard_came;

/// How far an arrow key moves an edge between panels, in points.
const STEP: f32 = 24.;
/// No panel becomes smaller, in points: as far as the pointer can drag its edge.
const LEAST: f32 = 32.;

/// Before a part beside the panels is painted into `ui`: what arrow keys ask of its edge is what a screen
/// reader would ask. A part on the left is `wider` to the right.
pub fn push_side(ui: &Ui, part: &str, wider: isize) {
    let id = side_edge(ui, part);
    let Some(edge) = ui.ctx().read_response(id) else {
        return;
    };
    let Some(steps) = steps(ui, &edge, true) else {
        return;
    };
    let action = match steps * wider > 0 {
        true => Action::Increment,
        false => Action::Decrement,
    };
    let request = Event::AccessKitActionRequest(ActionRequest {
        action,
        target_tree: TreeId::ROOT,
        target_node: id.accesskit_id(),
        data: None,
    });
    let requests = std::iter::repeat_n(request, steps.unsigned_abs());
    ui.input_mut(|input| input.events.extend(requests));
}

/// After it was painted: what its edge is called.
pub fn name_side(ui: &Ui, part: &str, name: &str) {
    let id = side_edge(ui, part);
    let painted = ui.viewport(|viewport| viewport.this_pass.widgets.contains(id));
    if painted {
        name_it(ui, id, name.to_owned());
    }
}

/// As a panel of egui calls its edge.
fn side_edge(ui: &Ui, part: &str) -> Id {
    ui.scope_id().with_salt(IdSalt::new(part)).with("__resize")
}

/// After the tiles were painted into `ui`: names the edges between them, and moves the one that has the
/// keyboard.
pub fn tile_edges_ui(ui: &Ui, tree: &mut Tree<String>) {
    let mut edges: Vec<Edge> = Vec::new();
    for (&id, tile) in tree.tiles.iter() {
        match tile {
            Tile::Container(Container::Linear(row)) => edges.extend(of_row(tree, id, row)),
            Tile::Container(Container::Grid(grid)) => edges.extend(of_grid(tree, id, grid)),
            _ => {}
        }
    }
    for edge in edges {
        let Some(id) = edge.widget(ui) else { continue };
        name_it(ui, id, edge.name.clone());
        let Some(response) = ui.ctx().read_response(id) else {
            continue;
        };
        if let Some(steps) = steps(ui, &response, edge.upright) {
            edge.push(tree, steps as f32 * STEP);
            ui.ctx().request_repaint();
        }
    }
}

fn name_it(ui: &Ui, id: Id, name: String) {
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(egui::accesskit::Role::Splitter);
        node.set_label(name);
    });
}

/// The arrows pressed on an edge, those to the right or downwards positive. Arrow keys that go from control
/// to control over an edge go on: they would be caught by it.
fn steps(ui: &Ui, edge: &Response, upright: bool) -> Option<isize> {
    let passed = edge.id.with("passed");
    if let Some(by_arrow) = keyboard_came(ui.ctx(), edge.id) {
        ui.data_mut(|data| data.insert_temp(passed, by_arrow));
    }
    if ui.data(|data| data.get_temp(passed)) == Some(true) {
        return None;
    }
    let arrows = EventFilter {
        horizontal_arrows: upright,
        vertical_arrows: !upright,
        ..EventFilter::default()
    };
    let (right, down) = arrow_step(ui, edge, arrows)?;
    Some(if upright { right } else { down })
}

/// Between two neighbours.
struct Edge {
    container: TileId,
    sides: Sides,
    /// How large the neighbours are across the edge, in points.
    sizes: [f32; 2],
    middle: Pos2,
    upright: bool,
    name: String,
}

/// Whose shares it divides.
enum Sides {
    Tiles([TileId; 2]),
    /// The first of two columns of a grid.
    Columns(usize),
    /// The upper of two rows.
    Rows(usize),
}

impl Edge {
    /// What the tiles have made of it.
    fn widget(&self, ui: &Ui) -> Option<Id> {
        const NEAR: f32 = 2.;
        let width = 2. * ui.style().interaction.resize_grab_radius_side;
        ui.viewport(|viewport| {
            let mut widgets = viewport.this_pass.widgets.get_layer(ui.layer_id());
            let found = widgets.find(|widget| {
                let size = widget.rect.size();
                let across = if self.upright { size.x } else { size.y };
                let there = widget.rect.center().distance(self.middle) <= NEAR;
                there && widget.sense.senses_drag() && (across - width).abs() < NEAR
            });
            found.map(|widget| widget.id)
        })
    }

    /// Gives one neighbour what the other loses.
    fn push(&self, tree: &mut Tree<String>, by: f32) {
        let Some(Tile::Container(container)) = tree.tiles.get_mut(self.container) else {
            return;
        };
        let all = self.sizes[0] + self.sizes[1];
        let first = (self.sizes[0] + by).clamp(LEAST.min(0.5 * all), all - LEAST.min(0.5 * all));
        let part = first / all.max(1.);
        match (container, &self.sides) {
            (Container::Linear(row), Sides::Tiles([one, other])) => {
                let both = row.shares[*one] + row.shares[*other];
                row.shares.set_share(*one, part * both);
                row.shares.set_share(*other, (1. - part) * both);
            }
            (Container::Grid(grid), Sides::Columns(at)) => divide(&mut grid.col_shares, *at, part),
            (Container::Grid(grid), Sides::Rows(at)) => divide(&mut grid.row_shares, *at, part),
            _ => {}
        }
    }
}

fn divide(shares: &mut [f32], at: usize, part: f32) {
    if let Some([one, other]) = shares.get_mut(at..at + 2) {
        let both = *one + *other;
        (*one, *other) = (part * both, (1. - part) * both);
    }
}

fn of_row(tree: &Tree<String>, container: TileId, row: &Linear) -> Vec<Edge> {
    let seen = row.children.iter().copied();
    let seen = seen.filter_map(|id| Some((id, tree.tiles.rect(id)?)));
    let seen: Vec<(TileId, Rect)> = seen.collect();
    let upright = row.dir == LinearDir::Horizontal;
    let edge = |pair: &[(TileId, Rect)]| {
        let [(one, before), (other, behind)] = [pair[0], pair[1]];
        let around = before.union(behind).center();
        let (sizes, middle) = match upright {
            true => (
                [before.width(), behind.width()],
                Pos2::new(0.5 * (before.right() + behind.left()), around.y),
            ),
            false => (
                [before.height(), behind.height()],
                Pos2::new(around.x, 0.5 * (before.bottom() + behind.top())),
            ),
        };
        Edge {
            container,
            sides: Sides::Tiles([one, other]),
            sizes,
            middle,
            upright,
            name: format!(
                "Edge between {} and {}",
                front(tree, one),
                front(tree, other)
            ),
        }
    };
    seen.windows(2).map(edge).collect()
}

fn of_grid(tree: &Tree<String>, container: TileId, grid: &Grid) -> Vec<Edge> {
    let Some(whole) = tree.tiles.rect(container) else {
        return Vec::new();
    };
    let rects: Vec<Rect> = grid
        .children()
        .filter_map(|&id| tree.tiles.rect(id))
        .collect();
    let mut edges = Vec::new();
    for upright in [true, false] {
        let span = |rect: &Rect| match upright {
            true => rect.x_range(),
            false => rect.y_range(),
        };
        let mut lines: Vec<egui::Rangef> = rects.iter().map(span).collect();
        lines.sort_by(|one, other| one.min.total_cmp(&other.min));
        lines.dedup_by(|one, other| (one.min - other.min).abs() < 1.);
        for (at, pair) in lines.windows(2).enumerate() {
            let between = 0.5 * (pair[0].max + pair[1].min);
            let (middle, sides, what) = match upright {
                true => (
                    Pos2::new(between, whole.center().y),
                    Sides::Columns(at),
                    "columns",
                ),
                false => (
                    Pos2::new(whole.center().x, between),
                    Sides::Rows(at),
                    "rows",
                ),
            };
            edges.push(Edge {
                container,
                sides,
                sizes: [pair[0].span(), pair[1].span()],
                middle,
                upright,
                name: format!("Edge between {what} {} and {}", at + 1, at + 2),
            });
        }
    }
    edges
}

/// The title of the panel in front of a tile.
fn front(tree: &Tree<String>, tile: TileId) -> &'static str {
    let container = match tree.tiles.get(tile) {
        Some(Tile::Pane(id)) => return views::find(id).map_or("a panel", |panel| panel.title),
        Some(Tile::Container(container)) => container,
        None => return "a panel",
    };
    let first = match container {
        Container::Tabs(tabs) => tabs.active,
        other => other.children().next().copied(),
    };
    first.map_or("a panel", |first| front(tree, first))
}
