//! The equation as pictures, [tokens, dimensions] each, under one another or side by side.

use egui::{Align, Layout, RichText, Ui, vec2};
use serde::{Deserialize, Serialize};

use super::stages::{Stage, Stages};
use crate::views::ViewContext;
use crate::views::recorded::{keep_ui, kept_ui, switch_ui};
use crate::views::subject::{Subject, beyond_note, legends_ui, note_ui};
use crate::widgets::{Heatmap, HeatmapResponse, HeatmapTexture, SPACE, SPACE_SMALL, Scale};

/// From this width on the maps stand side by side.
pub(super) const WIDE: f32 = 720.0;

/// Its place in the equation, its values and their scale.
type Map<'a> = (usize, &'a Stage, Scale);

#[derive(Default)]
pub struct Maps {
    textures: [HeatmapTexture; 5],
}

/// The scales of the summands and of their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Scales {
    /// One for all: their sizes compare.
    #[default]
    Shared,
    /// Each its own: each shows what it has.
    Own,
}

/// The legends, and whether all summands share one scale.
pub fn scales_ui(ui: &mut Ui, cx: &ViewContext<'_>, stages: &Stages) -> bool {
    let mut scales = kept_ui(ui, Scales::default());
    let choices = [
        (
            Scales::Shared,
            "one scale",
            "Colours of the summands and of their sum compare",
        ),
        (
            Scales::Own,
            "a scale each",
            "Every summand in colours of its own",
        ),
    ];
    ui.add_space(SPACE_SMALL);
    ui.horizontal(|ui| switch_ui(ui, &mut scales, &choices));
    keep_ui(ui, scales);
    let shared = scales == Scales::Shared;
    let scale = stages.shared_scale(ui, cx);
    let out = (&stages.out.scale(ui, cx), stages.out.title);
    match shared {
        true => legends_ui(ui, &[(&scale, "summands, sum"), out]),
        false => {
            let scales = stages.all().map(|stage| stage.scale(ui, cx));
            let scales: Vec<Scale> = scales.collect();
            let titles = stages.all().map(|stage| stage.title);
            let all: Vec<_> = scales.iter().zip(titles).collect();
            legends_ui(ui, &all);
        }
    }
    if let Some(note) = beyond_note(&scale, stages.largest) {
        note_ui(ui, note);
    }
    shared
}

impl Maps {
    pub fn maps_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
        shared: bool,
    ) {
        ui.add_space(SPACE_SMALL);
        let maps = stages.all().enumerate();
        let maps: Vec<Map<'_>> = maps
            .map(|(index, stage)| (index, stage, stages.scale(ui, cx, index, shared)))
            .collect();
        match ui.available_width() >= WIDE {
            true => self.side_by_side_ui(ui, cx, subject, stages, &maps),
            false => self.stacked_ui(ui, cx, subject, stages, &maps),
        }
    }

    fn side_by_side_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
        maps: &[Map<'_>],
    ) {
        // The first map carries the labels, so it gets more room.
        const LABELS: f32 = 64.0;
        let count = maps.len() as f32;
        // What a map takes beyond its fit, for its frame.
        const FRAME: f32 = 3.0;
        let each = (ui.available_width() - LABELS - (count - 1.0) * SPACE) / count - FRAME;
        let height = height(stages, 18.0, 540.0);
        ui.horizontal_top(|ui| {
            for &map in maps {
                let first = map.0 == 0;
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    let width = if first { each + LABELS } else { each };
                    ui.set_width(width);
                    title_ui(ui, map.1);
                    let fit = vec2(width, height);
                    let out = self.map_ui(ui, cx, subject, stages, map, fit, first);
                    point(cx, subject, map.1, &out);
                });
            }
        });
    }

    fn stacked_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
        maps: &[Map<'_>],
    ) {
        let fit = vec2(ui.available_width(), height(stages, 17.0, 240.0));
        for &map in maps {
            title_ui(ui, map.1);
            let out = self.map_ui(ui, cx, subject, stages, map, fit, true);
            point(cx, subject, map.1, &out);
            ui.add_space(SPACE_SMALL);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one map of a row of them")]
    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
        (index, stage, scale): Map<'_>,
        fit: egui::Vec2,
        labels: bool,
    ) -> HeatmapResponse {
        let name = format!("{}, tokens × dimensions", stage.title);
        let locked = cx.locked;
        let cell = subject.locked(cx).zip(locked.dimension);
        let map = Heatmap::new(
            &name,
            stages.key(),
            stages.len(),
            stage.size,
            &stage.values,
            scale,
        )
        .fit(fit)
        .focus_row(subject.focused(cx))
        .focus_column(cx.focus.dimension.filter(|&k| k < stage.size))
        .locked(cell);
        let map = match labels {
            true => map
                .row_labels(&stages.labels)
                .secondary_rows(&stages.tokens.special),
            false => map,
        };
        map.ui(ui, &mut self.textures[index])
    }
}

fn height(stages: &Stages, row: f32, most: f32) -> f32 {
    (row * stages.len() as f32 + SPACE).clamp(row, most)
}

pub(super) fn title_ui(ui: &mut Ui, stage: &Stage) {
    ui.horizontal(|ui| {
        if !stage.sign.is_empty() {
            ui.label(RichText::new(stage.sign).strong());
        }
        ui.label(RichText::new(stage.title).strong());
    });
}

fn point(cx: &mut ViewContext<'_>, subject: &Subject, stage: &Stage, out: &HeatmapResponse) {
    let focus = |cell| subject.focus_site(stage.site, cell);
    let row = out.hovered_row.map(|row| subject.focus_on(row));
    let hovered = out.hovered.map(focus).or(row);
    cx.point(hovered, out.clicked.map(focus));
}
