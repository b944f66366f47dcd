//! Every head as a thumbnail, layers by heads: one texture, whatever their number.

use std::sync::Arc;

use egui::{Response, RichText, Ui, vec2};

use super::{Options, Scene, ViewContext, about, head_name, numbers, title_ui};
use crate::analysis::attention::{Atlas, HeadSummary, Kind, Map};
use crate::app::command::Command;
use crate::app::state::Beside;
use crate::engine::Derived;
use crate::model::intervention::{Intervention, Scope};
use crate::trace::Site;
use crate::views::intervene::{hover_head, switch_off_ui};
use crate::views::recorded::key_of;
use crate::widgets::{HeatmapTexture, SPACE_SMALL, Scale, Theme, Tiles, counted, legend_ui};

/// The largest side of a thumbnail, in points.
pub(super) const LARGEST: f32 = 56.0;
/// Cells along a thumbnail's side that are kept: what two pixels a point can show.
pub(super) const CELLS: usize = 96;

/// What an atlas depends on.
#[derive(Clone, Copy, PartialEq, Hash)]
struct Key {
    trace: u64,
    map: Map,
    relative: bool,
}

#[derive(Default)]
pub(super) struct Grid {
    atlas: Derived<Key, Option<Atlas>>,
    texture: HeatmapTexture,
    /// Its values where the same head of two texts side by side has one range, and the hash of the key.
    common: Derived<u64, Vec<f32>>,
    /// The last that was ready, with a hash of its key.
    shown: Option<(Arc<Option<Atlas>>, Key)>,
}

impl Grid {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        scene: &Scene,
        options: &mut Options,
    ) {
        let stale = self.update(cx, scene, options);
        let common = self.common(ui, cx);
        let shown = self.shown.as_ref();
        let atlas = shown.and_then(|(atlas, key)| Some((atlas.as_ref().as_ref()?, *key)));
        let scale = scale(options, atlas.map(|(atlas, _)| atlas));
        let scale = cx.common_scale(ui, ("every head", options.map, options.relative), scale);
        title_ui(ui, "Every head", |ui| {
            let unit = match (options.relative, cx.beside) {
                (true, Some(Beside::Texts)) => "of its range in A and B",
                (true, _) => "of its own range",
                (false, _) => "",
            };
            legend_ui(ui, &scale, unit);
        });
        finder_ui(ui, scene, options);
        let (layer, head) = (scene.layer, scene.head);
        let what = Intervention::NoHead { layer, head };
        ui.add_space(SPACE_SMALL);
        switch_off_ui(ui, cx, &head_name(layer, head), what, Scope::All);
        ui.add_space(SPACE_SMALL);
        let Some((atlas, key)) = atlas else {
            ui.weak("The thumbnails are being made.");
            return;
        };
        let (values, key) = match &common {
            Some((values, key)) => (&**values, *key),
            None => (&atlas.values, key_of(key)),
        };
        let numbered = |count: usize, letter: &str| -> Vec<String> {
            (1..=count).map(|n| format!("{letter}{n}")).collect()
        };
        let groups = about::groups(cx.model.spec());
        let (layers, heads) = (numbered(atlas.layers, "L"), numbered(atlas.heads, ""));
        let faded: Vec<bool> = (0..atlas.layers * atlas.heads)
            .map(|index| fades(scene, options, index / atlas.heads, index % atlas.heads))
            .collect();
        let name = format!(
            "Every head: {} by {}",
            counted(atlas.layers, "layer"),
            counted(atlas.heads, "head")
        );
        let grid = (atlas.layers, atlas.heads);
        let room = vec2(ui.available_width(), f32::INFINITY);
        let out = Tiles::new(&name, key, grid, atlas.side, values, scale)
            .row_labels(&layers)
            .column_labels(&heads)
            .column_groups(&groups)
            .fit(room)
            .max_tile(LARGEST)
            .locked(Some((scene.layer, scene.head)))
            .faded(&faded)
            .dimmed(stale)
            .ui(ui, &mut self.texture);
        choose_ui(cx, scene, out.response, out.hovered, out.clicked);
    }

    /// The values of what is shown within the larger range of each head of A and B; none where its own
    /// is that, or until they are ready. With a name for the texture.
    fn common(&mut self, ui: &Ui, cx: &ViewContext<'_>) -> Option<(Arc<Vec<f32>>, u64)> {
        let (shown, key) = self.shown.as_ref()?;
        let own = &(**shown).as_ref().filter(|_| key.relative)?.reaches;
        let reaches = cx.common_reaches(ui, ("every head", key.map), own);
        if reaches == *own {
            return None;
        }
        let bits: Vec<u32> = reaches.iter().map(|reach| reach.to_bits()).collect();
        let name = key_of((key, bits));
        let atlas = shown.clone();
        let make = move |_: &_| {
            let atlas = (*atlas).as_ref();
            atlas.map_or(Vec::new(), |atlas| atlas.within(&reaches))
        };
        let made = self.common.get(cx.engine, &name, make)?;
        made.current.then_some((made.value, name))
    }

    /// Asks for the atlas of now; tells whether an older one is still shown.
    fn update(&mut self, cx: &ViewContext<'_>, scene: &Scene, options: &Options) -> bool {
        let key = Key {
            trace: scene.text.key,
            map: options.map,
            relative: options.relative,
        };
        let (model, trace) = (cx.model.clone(), scene.text.trace.clone());
        let make = move |cancel: &_| {
            let made = Atlas::new(&model, &trace, key.map, CELLS, key.relative, cancel);
            made.ok().flatten()
        };
        let now = self
            .atlas
            .get(cx.engine, &key, make)
            .filter(|shown| shown.current);
        match now {
            Some(shown) => {
                self.shown = Some((shown.value, key));
                false
            }
            None => true,
        }
    }
}

/// The kinds with how many heads each has; a click makes them stand out.
fn finder_ui(ui: &mut Ui, scene: &Scene, options: &mut Options) {
    let all = scene.seen();
    ui.horizontal_wrapped(|ui| {
        scene.dim_ui(ui);
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.label(
            RichText::new("Find")
                .small()
                .color(Theme::of(ui).secondary()),
        );
        for kind in Kind::ALL {
            let of = |all: &[HeadSummary]| all.iter().filter(|s| s.kind == kind).count();
            // Before any are counted there is no number to tell.
            let count = all.map_or("…".to_owned(), |all| of(all).to_string());
            let on = options.kind == Some(kind);
            let label = format!("{} {count}", kind.title());
            let response = ui.selectable_label(on, label);
            if response.on_hover_text(numbers::definition(kind)).clicked() {
                options.kind = (!on).then_some(kind);
            }
        }
    });
}

/// With `relative` every tile is divided by its own reach.
fn scale(options: &Options, atlas: Option<&Atlas>) -> Scale {
    match (options.map, options.relative) {
        (Map::Pattern, _) => Scale::amount(1.0),
        (_, true) => Scale::signed(1.0),
        (_, false) => Scale::signed(atlas.map_or(0.0, |atlas| atlas.largest)),
    }
}

/// True for heads that the finder does not look for.
fn fades(scene: &Scene, options: &Options, layer: usize, head: usize) -> bool {
    let kind = scene.seen_of(layer, head).map(|summary| summary.kind);
    options.kind.is_some_and(|wanted| kind != Some(wanted))
}

/// A click or an arrow key chooses a head; hovering tells about one.
fn choose_ui(
    cx: &mut ViewContext<'_>,
    scene: &Scene,
    response: Response,
    hovered: Option<(usize, usize)>,
    chosen: Option<(usize, usize)>,
) {
    if let Some((layer, head)) = chosen {
        cx.send(Command::SelectLayer(layer));
        cx.send(Command::SelectHead(head));
    }
    if response.has_focus() {
        // The menu key asks for the head that the keyboard is on.
        hover_head(&response, scene.layer, scene.head);
    }
    if let Some((layer, head)) = hovered {
        hover_head(&response, layer, head);
        response.on_hover_text_at_pointer(describe(scene, layer, head));
    }
}

fn describe(scene: &Scene, layer: usize, head: usize) -> String {
    let pattern = Site::Layer(layer, Map::Pattern.site());
    let mut text = format!("{}\n{pattern}[{head}, ·, ·]", head_name(layer, head));
    if let Some(summary) = scene.summary_of(layer, head) {
        text.push_str(&format!(
            "\n{}\n{}",
            summary.kind.title(),
            numbers::brief(summary)
        ));
    }
    text
}
