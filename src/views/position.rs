//! Position: every way in which this model learns of places.

mod alibi;
mod buckets;
mod curve;
mod difference;
mod disentangled;
mod distances;
mod learned;
mod maps;
mod rotary;
mod tables;

use egui::{Role, ScrollArea, Ui, WidgetInfo};
use serde::{Deserialize, Serialize};

use super::intervene::switch_off_ui;
use super::recorded::{Viewed, keep_ui, kept_ui, switch_ui};
use super::scroll::beside_bar_ui;
use super::subject::{Subject, note_ui, section_ui, subject_ui};
use super::{Panel, View, ViewContext};
use crate::analysis::position::Scheme;
use crate::app::command::Command;
use crate::app::export::NamedArray;
use crate::model::intervention::{Intervention, Scope};
use crate::widgets::theme::SPACE_SMALL;
use crate::widgets::{SPACE, scrolled_ui};
use tables::Part;

pub static PANEL: Panel = Panel {
    id: "position",
    title: "Position",
    about: "Attention does not see the order of the tokens; something has to tell it. This panel \
        shows what this model has. A learned table adds a row for each place to the token's vector; \
        beside it stands the fixed table of the first transformer, sines and cosines of ever longer \
        waves (Vaswani et al. 2017, §3.5), for comparison. Rotary positions (RoPE) turn queries and \
        keys by an angle that grows with the place, so that their product depends on the distance \
        alone. A bucket bias (T5, MPNet) or ALiBi adds a number for the distance to each score. \
        Disentangled attention (DeBERTa) lets content ask for distances and distances for content. \
        The squares show how alike two positions are; a curve shows what a distance does to a score. \
        A − B shows which paired tokens stand elsewhere, and what that changes.",
    one_text: true,
    make: || Box::<PositionView>::default(),
};

#[derive(Default)]
struct PositionView {
    viewed: Viewed,
    learned: learned::Learned,
    turning: rotary::Turning,
    buckets: buckets::Buckets,
    alibi: alibi::Alibi,
    apart: disentangled::Apart,
    difference: difference::Difference,
}

impl View for PositionView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let scroll = ScrollArea::vertical().auto_shrink([false, false]);
        scrolled_ui(ui, scroll, |ui| {
            beside_bar_ui(ui, cx);
            if cx.state.difference {
                return self.difference.ui(ui, cx);
            }
            let Some(subject) = subject_ui(ui, cx) else {
                return;
            };
            let schemes = Scheme::all(cx.model.spec());
            if schemes.is_empty() {
                note_ui(ui, none_text(cx));
                return;
            }
            switch_off_ui(ui, cx, "positions", Intervention::NoPositions, Scope::All);
            ui.add_space(SPACE_SMALL);
            let part = match schemes.as_slice() {
                // Its maps are those of the text's own tokens.
                [Scheme::Disentangled] => Part::First(subject.tokens()),
                _ => part_ui(ui, &subject, schemes.contains(&Scheme::Learned)),
            };
            for &scheme in &schemes {
                // The learned table has said what it is for as long as it stood alone.
                if schemes != [Scheme::Learned] {
                    section_ui(ui, scheme.title(), about(scheme));
                }
                self.scheme_ui(ui, cx, (&subject, part), scheme);
            }
            ui.add_space(SPACE);
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        if cx.state.difference {
            return self.difference.tsv();
        }
        let tables = Scheme::all(cx.model.spec()).into_iter();
        let tables: Vec<String> = tables
            .filter_map(|scheme| match scheme {
                Scheme::Learned => self.learned.tsv(),
                Scheme::Rotary => self.turning.tsv(),
                Scheme::Buckets => self.buckets.tsv(),
                Scheme::Alibi => self.alibi.tsv(),
                Scheme::Disentangled => self.apart.tsv(),
            })
            .collect();
        (!tables.is_empty()).then(|| tables.join("\n"))
    }

    fn arrays(&self, cx: &ViewContext<'_>) -> Vec<NamedArray> {
        if cx.state.difference {
            return self.difference.arrays();
        }
        let schemes = Scheme::all(cx.model.spec()).into_iter();
        schemes
            .flat_map(|scheme| match scheme {
                Scheme::Learned => self.learned.arrays(),
                Scheme::Rotary => self.turning.arrays(),
                Scheme::Buckets => self.buckets.arrays("position.bucket_bias"),
                Scheme::Alibi => self.alibi.arrays("position.alibi"),
                Scheme::Disentangled => self.apart.arrays(),
            })
            .collect()
    }
}

impl PositionView {
    fn scheme_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (subject, part): (&Subject, Part),
        scheme: Scheme,
    ) {
        match scheme {
            Scheme::Learned => self.learned.ui(ui, cx, subject, part),
            Scheme::Buckets => self.buckets.ui(ui, cx, subject, part),
            Scheme::Alibi => self.alibi.ui(ui, cx, subject, part),
            Scheme::Rotary | Scheme::Disentangled => {
                let Some(text) = self.viewed.of_ui(ui, cx, subject) else {
                    return;
                };
                match scheme {
                    Scheme::Rotary => self.turning.ui(ui, cx, &text, part),
                    _ => self.apart.ui(ui, cx, &text),
                }
            }
        }
    }
}

fn about(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Learned => "a row for each place, added to the token's vector",
        Scheme::Rotary => "queries and keys are turned by an angle that grows with their place",
        Scheme::Buckets => {
            "a learned number for each head and bucket of distances, added to scores"
        }
        Scheme::Alibi => "scores fall with distance, in each head by its own slope",
        Scheme::Disentangled => "content asks for distances, distances ask for content",
    }
}

/// Why there is nothing to show.
fn none_text(cx: &ViewContext<'_>) -> &'static str {
    match cx.model.spec().layers() {
        0 => {
            "This model knows no positions: it averages its tokens' vectors, so the order of the words changes nothing."
        }
        _ => {
            "This model adds nothing for a position and turns nothing by it; only a mask can tell it about order."
        }
    }
}

/// The layer and the head whose numbers are shown.
fn layer_head(cx: &ViewContext<'_>) -> (usize, usize) {
    (cx.layer(), cx.head())
}

/// One button for each layer.
fn layers_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let (count, chosen) = (cx.model.spec().layers(), layer_head(cx).0);
    if let Some(layer) = numbers_ui(ui, "Layer", count, chosen) {
        cx.send(Command::SelectLayer(layer));
    }
}

/// One button for each head.
fn heads_ui(ui: &mut Ui, cx: &mut ViewContext<'_>) {
    let (count, chosen) = (cx.model.spec().heads, layer_head(cx).1);
    if let Some(head) = numbers_ui(ui, "Head", count, chosen) {
        cx.send(Command::SelectHead(head));
    }
}

/// `Layer 1 2 3 …`; the one that is clicked.
fn numbers_ui(ui: &mut Ui, what: &str, count: usize, chosen: usize) -> Option<usize> {
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        ui.label(what);
        ui.spacing_mut().item_spacing.x = 2.0;
        for index in 0..count {
            let on = index == chosen;
            let response = ui.selectable_label(on, (index + 1).to_string());
            let name = format!("{what} {}", index + 1);
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &name));
            if response.clicked() {
                clicked = Some(index);
            }
        }
    });
    clicked
}

/// The rows to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Which {
    #[default]
    Text,
    Whole,
}

/// The switch between the places that the text uses and all that the model knows.
fn part_ui(ui: &mut Ui, subject: &Subject, table: bool) -> Part {
    let mut which = kept_ui(ui, Which::default());
    let choices = [
        (Which::Text, "this text", "The positions that the text uses"),
        (
            Which::Whole,
            if table { "whole table" } else { "whole range" },
            "Every position that the model knows",
        ),
    ];
    ui.horizontal(|ui| switch_ui(ui, &mut which, &choices));
    keep_ui(ui, which);
    match which {
        Which::Text => Part::First(subject.tokens()),
        Which::Whole => Part::Whole,
    }
}
