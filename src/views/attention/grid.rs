//! Every head as a thumbnail, layers by heads: one texture, one mesh, whatever their number.

use std::sync::Arc;

use egui::{
    Align2, Color32, EventFilter, Mesh, Rect, Response, Role, Sense, StrokeKind, TextStyle, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{Options, Subject, ViewContext, head_name, numbers, title_ui};
use crate::analysis::attention::{Atlas, Kind, Map};
use crate::app::command::Command;
use crate::engine::Derived;
use crate::trace::Site;
use crate::views::recorded::key_of;
use crate::widgets::heatmap::{Axis, Grid as Matrix, HeatmapTexture, arrow_step};
use crate::widgets::{Scale, legend_ui};

/// The largest and the smallest side of a thumbnail, in points.
const LARGEST: f32 = 56.0;
const SMALLEST: f32 = 10.0;
const GAP: f32 = 3.0;
/// No texture may be larger than this.
const TEXTURE: usize = 2048;

/// What an atlas depends on.
#[derive(Clone, Copy, PartialEq, Hash)]
struct Key {
    trace: u64,
    map: Map,
    most: usize,
    relative: bool,
}

#[derive(Default)]
pub(super) struct Grid {
    atlas: Derived<Key, Option<Atlas>>,
    texture: HeatmapTexture,
    /// The key of the atlas that was shown last.
    shown: Option<(Arc<Option<Atlas>>, u64)>,
}

/// Where the thumbnails stand.
struct Places {
    /// The corner of the first one.
    origin: egui::Pos2,
    side: f32,
    pitch: f32,
    layers: usize,
    heads: usize,
}

impl Places {
    fn tile(&self, layer: usize, head: usize) -> Rect {
        let corner = vec2(head as f32 * self.pitch, layer as f32 * self.pitch);
        Rect::from_min_size(self.origin + corner, vec2(self.side, self.side))
    }

    fn at(&self, pos: egui::Pos2) -> Option<(usize, usize)> {
        let cell = (pos - self.origin + vec2(0.5 * GAP, 0.5 * GAP)) / self.pitch;
        let inside = |at: f32, count: usize| (at >= 0.0 && at < count as f32).then_some(at as usize);
        Some((inside(cell.y, self.layers)?, inside(cell.x, self.heads)?))
    }
}

impl Grid {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject, options: &mut Options) {
        title_ui(ui, "Every head", |ui| {
            if options.map == Map::Scores && !options.relative {
                let largest = self.shown.as_ref().and_then(|(atlas, _)| atlas.as_ref().as_ref());
                legend_ui(ui, &Scale::signed(largest.map_or(0.0, |a| a.largest)), "");
            } else {
                legend_ui(ui, &scale(options), if options.relative { "of its largest" } else { "" });
            }
        });
        self.finder_ui(ui, subject, options);
        let (places, response) = allocate_ui(ui, cx, subject);
        self.paint_ui(ui, cx, subject, options, &places);
        let hovered = response.hover_pos().and_then(|pos| places.at(pos));
        mark_ui(ui, cx, subject, options, &places, hovered);
        choose_ui(ui, cx, subject, &places, response, hovered);
    }

    /// The kinds with how many heads each has; a click makes them stand out.
    fn finder_ui(&self, ui: &mut Ui, subject: &Subject, options: &mut Options) {
        let all = subject.summaries.as_deref().and_then(Option::as_ref);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for kind in Kind::ALL {
                let count = all.map_or(0, |all| all.iter().filter(|s| s.kind == kind).count());
                let on = options.kind == Some(kind);
                let label = format!("{} {count}", kind.title());
                let response = ui.selectable_label(on, label);
                if response.on_hover_text(numbers::definition(kind)).clicked() {
                    options.kind = (!on).then_some(kind);
                }
            }
        });
    }

    fn paint_ui(
        &mut self,
        ui: &Ui,
        cx: &ViewContext<'_>,
        subject: &Subject,
        options: &Options,
        places: &Places,
    ) {
        let ppp = ui.pixels_per_point();
        let pixels = ((places.side * ppp) as usize).min(TEXTURE / places.layers.max(places.heads));
        let key = Key {
            trace: subject.text.key,
            map: options.map,
            most: pixels.max(1),
            relative: options.relative,
        };
        let trace = subject.text.trace.clone();
        let make = move |cancel: &_| Atlas::new(&trace, key.map, key.most, key.relative, cancel);
        let Some(shown) = self.atlas.get(cx.engine, &key, make) else {
            return;
        };
        if shown.current || self.shown.is_none() {
            self.shown = Some((shown.value, key_of(key)));
        }
        let Some((atlas, key)) = &self.shown else {
            return;
        };
        let Some(atlas) = atlas.as_ref().as_ref() else {
            return;
        };
        let (rows, columns) = (atlas.layers * atlas.side, atlas.heads * atlas.side);
        let axis = |count: usize| Axis::new(count, count as f32, 0.0, 1.0, 1.0);
        let matrix = Matrix {
            y: axis(rows),
            x: axis(columns),
            values: &atlas.values,
        };
        let mut scale = scale(options);
        if options.map == Map::Scores && !options.relative {
            scale = Scale::signed(atlas.largest);
        }
        let id = self.texture.update(ui, *key, &matrix, scale);
        let mut mesh = Mesh::with_texture(id);
        for layer in 0..atlas.layers.min(places.layers) {
            for head in 0..atlas.heads.min(places.heads) {
                let size = vec2(1.0 / atlas.heads as f32, 1.0 / atlas.layers as f32);
                let corner = pos2(head as f32 * size.x, layer as f32 * size.y);
                let uv = Rect::from_min_size(corner, size);
                let out = fades(subject, options, layer, head);
                let tint = if out { Color32::WHITE.gamma_multiply(0.15) } else { Color32::WHITE };
                mesh.add_rect_with_uv(places.tile(layer, head), uv, tint);
            }
        }
        let mut painter = ui.painter().clone();
        if !shown.current {
            painter.multiply_opacity(cx.theme.stale_alpha());
        }
        painter.add(mesh);
    }
}

/// With `relative` every tile is divided by its own largest value.
fn scale(options: &Options) -> Scale {
    match options.map {
        Map::Pattern => Scale::amount(1.0),
        Map::Scores => Scale::signed(1.0),
    }
}

/// True for heads that the finder does not look for.
fn fades(subject: &Subject, options: &Options, layer: usize, head: usize) -> bool {
    let kind = subject.summary_of(layer, head).map(|summary| summary.kind);
    options.kind.is_some_and(|wanted| kind != Some(wanted))
}

/// Room for the grid: thumbnails of one size, a whole multiple of the tokens where those are few.
fn allocate_ui(ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject) -> (Places, Response) {
    let (layers, heads) = (cx.model.spec().layers, subject.heads);
    let font = TextStyle::Small.resolve(ui.style());
    let line = ui.fonts_mut(|fonts| fonts.row_height(&font));
    let margin = vec2(2.2 * line, line + 2.0);
    let ppp = ui.pixels_per_point();
    let room = (ui.available_width() - margin.x) / heads as f32 - GAP;
    let most = (room.clamp(SMALLEST, LARGEST) * ppp) as usize;
    let tokens = subject.text.tokens().max(1);
    let whole = match tokens <= most {
        true => most / tokens * tokens,
        false => most,
    };
    let side = whole as f32 / ppp;
    let pitch = side + (GAP * ppp).round() / ppp;
    let size = margin + vec2(heads as f32 * pitch, layers as f32 * pitch);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let corner = rect.min + margin;
    let snap = |x: f32| (x * ppp).round() / ppp;
    let places = Places {
        origin: pos2(snap(corner.x), snap(corner.y)),
        side,
        pitch,
        layers,
        heads,
    };
    (places, response)
}

/// Numbers along the sides, the chosen head, the hovered one, and those of the wanted kind.
fn mark_ui(
    ui: &Ui,
    cx: &ViewContext<'_>,
    subject: &Subject,
    options: &Options,
    places: &Places,
    hovered: Option<(usize, usize)>,
) {
    let font = TextStyle::Small.resolve(ui.style());
    let painter = ui.painter();
    let chosen = |index: usize, at: usize, over: Option<usize>| match index == at || over == Some(index) {
        true => cx.theme.strong(),
        false => cx.theme.secondary(),
    };
    for layer in 0..places.layers {
        let tile = places.tile(layer, 0);
        let color = chosen(layer, subject.layer, hovered.map(|(layer, _)| layer));
        let text = format!("L{}", layer + 1);
        let at = tile.left_center() - vec2(4.0, 0.0);
        painter.text(at, Align2::RIGHT_CENTER, text, font.clone(), color);
    }
    for head in 0..places.heads {
        let tile = places.tile(0, head);
        let color = chosen(head, subject.head, hovered.map(|(_, head)| head));
        let at = tile.center_top() - vec2(0.0, 1.0);
        painter.text(at, Align2::CENTER_BOTTOM, head + 1, font.clone(), color);
    }
    if let Some((layer, head)) = hovered {
        let stroke = (1.0, cx.theme.strong());
        painter.rect_stroke(places.tile(layer, head), 0.0, stroke, StrokeKind::Outside);
    }
    if options.kind.is_some() {
        let cells = (0..places.layers).flat_map(|l| (0..places.heads).map(move |h| (l, h)));
        for (layer, head) in cells.filter(|&(l, h)| !fades(subject, options, l, h)) {
            let stroke = (1.0, cx.theme.accent());
            painter.rect_stroke(places.tile(layer, head), 0.0, stroke, StrokeKind::Outside);
        }
    }
    let heads = if options.mean { 0..places.heads } else { subject.head..subject.head + 1 };
    let first = places.tile(subject.layer, heads.start);
    let all = first.union(places.tile(subject.layer, heads.end.max(1) - 1));
    let stroke = (2.0, cx.theme.accent());
    painter.rect_stroke(all.expand(0.5), 1.0, stroke, StrokeKind::Outside);
}

/// A click or an arrow key chooses a head; hovering tells about one.
fn choose_ui(
    ui: &Ui,
    cx: &mut ViewContext<'_>,
    subject: &Subject,
    places: &Places,
    response: Response,
    hovered: Option<(usize, usize)>,
) {
    let mut chosen = hovered.filter(|_| response.clicked());
    if response.clicked() {
        response.request_focus();
    }
    let arrows = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    if let Some((right, down)) = arrow_step(ui, &response, arrows) {
        let go = |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count - 1);
        let layer = go(subject.layer, down, places.layers);
        chosen = Some((layer, go(subject.head, right, places.heads)));
    }
    if let Some((layer, head)) = chosen {
        cx.send(Command::SelectLayer(layer));
        cx.send(Command::SelectHead(head));
    }
    if response.has_focus() {
        let stroke = (1.0, cx.theme.accent());
        ui.painter().rect_stroke(response.rect, 2.0, stroke, StrokeKind::Outside);
    }
    let name = format!("Every head: {} layers by {} heads", places.layers, places.heads);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), &name));
    let now = describe(subject, subject.layer, subject.head);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(now));
    if let Some((layer, head)) = hovered {
        response.on_hover_text_at_pointer(describe(subject, layer, head));
    }
}

fn describe(subject: &Subject, layer: usize, head: usize) -> String {
    let pattern = Site::Layer(layer, Map::Pattern.site());
    let mut text = format!("{}\n{pattern}[{head}, ·, ·]", head_name(layer, head));
    if let Some(summary) = subject.summary_of(layer, head) {
        text.push_str(&format!("\n{}\n{}", summary.kind.title(), numbers::brief(summary)));
    }
    text
}
