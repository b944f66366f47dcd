//! The equation as pictures, [tokens, dimensions] each, under one another or side by side.

use egui::{Align, Layout, RichText, Ui, vec2};

use super::stages::{Stage, Stages};
use crate::views::ViewContext;
use crate::views::subject::Subject;
use crate::widgets::{
    Heatmap, HeatmapResponse, HeatmapTexture, SPACE, SPACE_SMALL, Scale, legend_ui,
};

/// From this width on the maps stand side by side.
const WIDE: f32 = 720.0;
/// Room for an operator between two maps.
const SIGN: f32 = 16.0;

#[derive(Default)]
pub struct Maps {
    textures: [HeatmapTexture; 5],
}

impl Maps {
    pub fn maps_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
    ) {
        ui.add_space(SPACE_SMALL);
        ui.horizontal_wrapped(|ui| {
            legend_ui(ui, &stages.scale, "summands and sum");
            legend_ui(ui, &stages.out_scale, "embed.out");
        });
        ui.add_space(SPACE_SMALL);
        match ui.available_width() >= WIDE {
            true => self.side_by_side_ui(ui, cx, subject, stages),
            false => self.stacked_ui(ui, cx, subject, stages),
        }
    }

    fn side_by_side_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
    ) {
        let count = stages.all().count() as f32;
        // The first map carries the labels, so it gets more room.
        const LABELS: f32 = 72.0;
        let spacing = SPACE_SMALL;
        let room = ui.available_width() - LABELS - (count - 1.0) * (SIGN + 2.0 * spacing + 30.0);
        let each = (room / count).max(40.0);
        let height = height(stages, 18.0, 540.0);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = spacing;
            for (index, (stage, scale)) in stages.all().enumerate() {
                let first = index == 0;
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    let width = if first { each + LABELS } else { each + SIGN };
                    ui.set_width(width);
                    title_ui(ui, stage);
                    let fit = vec2(width, height);
                    let out =
                        self.map_ui(ui, cx, subject, stages, (index, stage, scale), fit, first);
                    point(cx, subject, &out);
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
    ) {
        let height = height(stages, 14.0, 200.0);
        for (index, (stage, scale)) in stages.all().enumerate() {
            title_ui(ui, stage);
            let fit = vec2(ui.available_width(), height);
            let out = self.map_ui(ui, cx, subject, stages, (index, stage, scale), fit, true);
            point(cx, subject, &out);
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
        (index, stage, scale): (usize, &Stage, Scale),
        fit: egui::Vec2,
        labels: bool,
    ) -> HeatmapResponse {
        let name = format!("{}, tokens × dimensions", stage.title);
        let locked = cx.state.locked;
        let cell = subject.locked(cx).zip(locked.dimension);
        let map = Heatmap::new(
            &name,
            stages.key(),
            stages.len(),
            stages.size,
            &stage.values,
            scale,
        )
        .fit(fit)
        .focus_row(subject.focused(cx))
        .focus_column(cx.focus.dimension.filter(|&k| k < stages.size))
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

fn title_ui(ui: &mut Ui, stage: &Stage) {
    ui.horizontal(|ui| {
        if !stage.sign.is_empty() {
            ui.label(RichText::new(stage.sign).strong());
        }
        ui.label(RichText::new(stage.title).strong());
    });
}

fn point(cx: &mut ViewContext<'_>, subject: &Subject, out: &HeatmapResponse) {
    let row = out.hovered_row.map(|row| subject.focus_on(row));
    let hovered = out.hovered.map(|cell| subject.focus_cell(cell)).or(row);
    cx.point(hovered, out.clicked.map(|cell| subject.focus_cell(cell)));
}
