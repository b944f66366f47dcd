//! Bucket bias: a learned number for each head and bucket of distances.

use egui::Ui;

use super::distances::Distances;
use super::tables::Part;
use crate::analysis::position::{Bias, Scheme};
use crate::app::export::NamedArray;
use crate::views::ViewContext;
use crate::views::subject::{Subject, note_ui};

#[derive(Default)]
pub(super) struct Buckets(Distances);

impl Buckets {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject, part: Part) {
        let about = |ui: &mut Ui, _: &ViewContext<'_>, bias: &Bias| {
            let used = bias.buckets.as_ref().map_or(0, |all| {
                let mut all = all.clone();
                all.sort_unstable();
                all.dedup();
                all.len()
            });
            let about = format!(
                "{used} buckets up to there; lines mark where one ends: near distances have a \
                 bucket each, farther ones share."
            );
            note_ui(ui, about);
        };
        self.0.ui(ui, cx, subject, (Scheme::Buckets, part), about);
    }

    pub fn tsv(&self) -> Option<String> {
        self.0.tsv()
    }

    pub fn arrays(&self, name: &str) -> Vec<NamedArray> {
        self.0.arrays(name)
    }
}
