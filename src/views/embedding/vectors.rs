//! One token's vectors, dimension by dimension.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use egui::{RichText, Ui};

use super::stages::{Stage, Stages};
use crate::analysis::embedding::largest;
use crate::views::ViewContext;
use crate::views::subject::{Subject, note_ui, section_ui};
use crate::widgets::{HeatmapTexture, SPACE, Scale, number, vector_strip_ui};

#[derive(Default)]
pub struct Vectors {
    textures: [HeatmapTexture; 5],
}

impl Vectors {
    pub fn vectors_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
        token: usize,
        shared: bool,
    ) {
        let Some(label) = stages.labels.get(token) else {
            return;
        };
        let about =
            "its vectors, with their largest dimensions; hover or lock a token to change it";
        section_ui(ui, &format!("Token {token}: {label}"), about);
        for (index, stage) in stages.all().enumerate() {
            let scale = stages.scale(ui, cx, index, shared);
            self.vector_ui(ui, cx, subject, stages, token, (index, stage, scale));
        }
    }

    fn vector_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        subject: &Subject,
        stages: &Stages,
        token: usize,
        (index, stage, scale): (usize, &Stage, Scale),
    ) {
        let size = stage.size;
        let Some(row) = stage.values.get(token * size..(token + 1) * size) else {
            return;
        };
        ui.horizontal_wrapped(|ui| {
            let norm = stage.norms.get(token).copied().unwrap_or(f64::NAN);
            ui.label(RichText::new(format!("{} {}", stage.sign, stage.title).trim()).strong());
            note_ui(ui, format!("|·| {}", number(norm)));
            let top = largest(row, 4);
            let top = top
                .iter()
                .map(|(k, x)| format!("[{k}]\u{a0}{}", number(f64::from(*x))));
            note_ui(
                ui,
                format!("largest {}", top.collect::<Vec<_>>().join("  ")),
            );
        });
        let mut hasher = DefaultHasher::new();
        (stages.key(), token).hash(&mut hasher);
        let name = format!("{} of token {token}", stage.title);
        let focus = cx.focus.dimension.filter(|&k| k < size);
        let texture = &mut self.textures[index];
        let key = hasher.finish();
        let out = vector_strip_ui(ui, &name, key, row, scale, 2.0 * SPACE, focus, texture);
        let cell = |k| subject.focus_site(stage.site, (token, k));
        cx.point(out.hovered.map(cell), out.clicked.map(cell));
    }
}
