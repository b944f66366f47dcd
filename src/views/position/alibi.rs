//! ALiBi: every head's scores fall with distance, each by a slope of its own.

use egui::Ui;

use super::distances::Distances;
use super::tables::Part;
use crate::analysis::position::{Bias, Scheme};
use crate::app::export::NamedArray;
use crate::model::distance::alibi_slopes;
use crate::views::ViewContext;
use crate::views::subject::{Subject, note_ui};
use crate::widgets::number;

#[derive(Default)]
pub(super) struct Alibi(Distances);

impl Alibi {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject, part: Part) {
        let about = |ui: &mut Ui, _: &ViewContext<'_>, bias: &Bias| {
            let slopes = alibi_slopes(bias.heads);
            let slopes = slopes.iter().enumerate();
            let slopes: Vec<String> = slopes
                .map(|(h, &slope)| format!("head {} {}", h + 1, number(slope.into())))
                .collect();
            note_ui(
                ui,
                format!("−slope·|distance|; slopes: {}", slopes.join(" · ")),
            );
        };
        self.0.ui(ui, cx, subject, (Scheme::Alibi, part), about);
    }

    pub fn tsv(&self) -> Option<String> {
        self.0.tsv()
    }

    pub fn arrays(&self, name: &str) -> Vec<NamedArray> {
        self.0.arrays(name)
    }
}
