//! A's maps less B's, over the tokens that have a partner: every head small, one head large.

mod grid;
mod map;

use egui::{ScrollArea, Ui};

use super::{Options, WIDE, options_ui, part_ui};
use crate::analysis::attention::Who;
use crate::app::export::NamedArray;
use crate::trace::{LayerSite, Site};
use crate::views::ViewContext;
use crate::views::difference::{Partners, Twin};
use crate::views::recorded::{keep_ui, kept_ui};
use crate::views::scroll::beside_bar_ui;
use crate::widgets::scrolled_ui;
use crate::widgets::theme::SPACE;

/// What the parts look at in this frame.
struct Scene {
    twin: Twin,
    layer: usize,
    head: usize,
    heads: usize,
}

impl Scene {
    fn who(&self, options: &Options) -> Who {
        let size = [self.twin.traces[0].layers, self.heads];
        Who::mean(options.over.heads(size, (self.layer, self.head)))
    }

    fn name(&self, options: &Options) -> String {
        let count = self.who(options).heads().len();
        // There is no finder here: a kind is one text's.
        let name = options.over.name((self.layer, self.head), count, None);
        format!("{name}, A − B")
    }
}

#[derive(Default)]
pub(super) struct Difference {
    partners: Partners,
    grid: grid::Grid,
    map: map::DifferenceMap,
}

impl Difference {
    /// For models that have layers.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        self.map.forget();
        let scroll = ScrollArea::vertical().id_salt("attention difference");
        scrolled_ui(ui, scroll.auto_shrink(false), |ui| {
            beside_bar_ui(ui, cx);
            let Some(twin) = self.partners.twin_ui(ui, cx) else {
                return;
            };
            ui.add_space(SPACE);
            let layer = cx.layer();
            if !twin.inside_ui(ui, layer) {
                return;
            }
            let mut options = kept_ui(ui, Options::default());
            let has_position = twin.traces[0].has(Site::Layer(layer, LayerSite::ScorePosition));
            options.without_position(has_position);
            options_ui(ui, &mut options, has_position, "−1 to 1");
            let scene = Scene {
                twin,
                layer,
                head: cx.head(),
                heads: cx.model.spec().heads,
            };
            let width = ui.available_width();
            if width >= WIDE {
                ui.horizontal_top(|ui| {
                    part_ui(ui, 0.45 * width, |ui| {
                        self.grid.ui(ui, cx, &scene, &options)
                    });
                    let most = self.grid.largest();
                    part_ui(ui, ui.available_width(), |ui| {
                        self.map.ui(ui, cx, &scene, &options, most);
                    });
                });
            } else {
                self.grid.ui(ui, cx, &scene, &options);
                ui.add_space(SPACE);
                let most = self.grid.largest();
                self.map.ui(ui, cx, &scene, &options, most);
            }
            ui.add_space(SPACE);
            keep_ui(ui, options);
        });
    }

    /// The head's map as it is shown.
    pub fn array(&self) -> Option<NamedArray> {
        self.map.array()
    }
}
