//! Every head's difference as a thumbnail.

use std::sync::Arc;

use egui::{Ui, vec2};

use super::Scene;
use crate::analysis::attention::{Atlas, Map};
use crate::analysis::difference;
use crate::app::command::Command;
use crate::engine::Derived;
use crate::trace::Site;
use crate::views::ViewContext;
use crate::views::attention::grid::{CELLS, LARGEST};
use crate::views::attention::{Options, about, head_name, title_ui};
use crate::views::intervene::hover_head;
use crate::views::recorded::key_of;
use crate::views::subject::note_ui;
use crate::widgets::{HeatmapTexture, Scale, Tiles, legend_ui};

/// What an atlas depends on.
#[derive(Clone, Copy, PartialEq, Hash)]
struct Key {
    twin: u64,
    map: Map,
    relative: bool,
}

/// From so many pairs on no other panel waits for the thumbnails.
const LONG: usize = 512;

pub(super) struct Grid {
    atlas: Derived<Key, Option<Atlas>>,
    /// The same of long texts.
    slow: Derived<Key, Option<Atlas>>,
    texture: HeatmapTexture,
    /// The last that was ready, with its key.
    shown: Option<(Arc<Option<Atlas>>, Key)>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            atlas: Derived::default(),
            slow: Derived::slow(),
            texture: HeatmapTexture::default(),
            shown: None,
        }
    }
}

impl Grid {
    /// The largest magnitude of all heads, where their colours reach equally far.
    pub fn largest(&self) -> Option<f32> {
        let (atlas, key) = self.shown.as_ref()?;
        let atlas = atlas.as_ref().as_ref().filter(|_| !key.relative)?;
        Some(atlas.largest)
    }

    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, scene: &Scene, options: &Options) {
        let stale = self.update(cx, scene, options);
        let shown = self.shown.as_ref();
        let atlas = shown.and_then(|(atlas, key)| Some((atlas.as_ref().as_ref()?, *key)));
        let Some((atlas, key)) = atlas else {
            note_ui(ui, "The thumbnails are being made.");
            return;
        };
        let scale = Scale::signed(match (key.relative, key.map) {
            (true, _) | (false, Map::Pattern) => 1.0,
            (false, _) => atlas.largest,
        });
        title_ui(ui, "Every head, A − B", |_| ());
        let unit = match key.relative {
            true => "of its own range",
            false => "A − B",
        };
        legend_ui(ui, &scale, unit);
        let numbered = |count: usize, letter: &str| -> Vec<String> {
            (1..=count).map(|n| format!("{letter}{n}")).collect()
        };
        let groups = about::groups(cx.model.spec());
        let (layers, heads) = (numbered(atlas.layers, "L"), numbered(atlas.heads, ""));
        let name = format!(
            "Difference of every head: {} layers by {} heads",
            atlas.layers, atlas.heads
        );
        let grid = (atlas.layers, atlas.heads);
        let out = Tiles::new(&name, key_of(key), grid, atlas.side, &atlas.values, scale)
            .row_labels(&layers)
            .column_labels(&heads)
            .column_groups(&groups)
            .fit(vec2(ui.available_width(), f32::INFINITY))
            .max_tile(LARGEST)
            .locked(Some((scene.layer, scene.head)))
            .dimmed(stale)
            .ui(ui, &mut self.texture);
        if let Some((layer, head)) = out.clicked {
            cx.send(Command::SelectLayer(layer));
            cx.send(Command::SelectHead(head));
        }
        if let Some((layer, head)) = out.hovered {
            hover_head(&out.response, layer, head);
            let site = Site::Layer(layer, key.map.site());
            let text = format!("{}\nA − B of {site}[{head}, ·, ·]", head_name(layer, head));
            out.response.on_hover_text_at_pointer(text);
        }
    }

    /// Asks for the atlas of now; tells whether an older one is still shown.
    fn update(&mut self, cx: &ViewContext<'_>, scene: &Scene, options: &Options) -> bool {
        let key = Key {
            twin: scene.twin.key,
            map: options.map,
            relative: options.relative,
        };
        let (model, twin) = (cx.model.clone(), scene.twin.clone());
        let make = move |cancel: &_| {
            let traces = [&*twin.traces[0], &*twin.traces[1]];
            let how = (CELLS, key.relative);
            let made = difference::atlas(&model, traces, key.map, &twin.pairing, how, cancel);
            made.ok().flatten()
        };
        let atlas = match scene.twin.len() < LONG {
            true => &mut self.atlas,
            false => &mut self.slow,
        };
        let now = atlas.get(cx.engine, &key, make);
        match now.filter(|shown| shown.current) {
            Some(shown) => {
                self.shown = Some((shown.value, key));
                false
            }
            None => true,
        }
    }
}
