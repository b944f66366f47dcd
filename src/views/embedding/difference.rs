//! What A's summands have more of than B's, over the tokens that have a partner.

use std::sync::Arc;

use egui::{Align, Layout, Ui, vec2};

use super::maps::{WIDE, title_ui};
use super::stages::{Stage, Stages};
use crate::app::export::table::cell;
use crate::app::export::{NamedArray, Numbers};
use crate::engine::Derived;
use crate::model::Model;
use crate::trace::EmbedSite;
use crate::trace::Site;
use crate::views::ViewContext;
use crate::views::difference::{Axis, Partners, RowsMap, Twin};
use crate::views::subject::{beyond_note, bulk_scale, fresh_key, largest_of, legends_ui, note_ui};
use crate::widgets::{HeatmapTexture, SPACE, SPACE_SMALL, Scale};

/// The differences of one place in the equation.
struct Less {
    /// [P, n]
    values: Vec<f32>,
    /// n
    size: usize,
    /// |A − B|, [P]
    norms: Vec<f64>,
}

/// Both texts' summands and what is left of A's.
struct Both {
    twin: Twin,
    sides: [Stages; 2],
    /// In the order of the equation; `embed.out` is last.
    less: Vec<Less>,
    /// Of all but the last, and of the last.
    scales: [Scale; 2],
    largest: f32,
    key: u64,
}

impl Both {
    fn new(twin: Twin, model: &Model) -> Self {
        let sides = [0, 1].map(|side: usize| Stages::of(&twin.traces[side], model));
        let less: Vec<Less> = sides[0]
            .all()
            .zip(sides[1].all())
            .map(|(a, b)| less(&twin, a, b))
            .collect();
        let (summed, out) = less.split_at(less.len().saturating_sub(1));
        let values = |less: &'_ [Less]| -> Vec<f32> {
            less.iter().flat_map(|less| less.values.clone()).collect()
        };
        let (summed, out) = (values(summed), values(out));
        Self {
            scales: [bulk_scale(&summed), bulk_scale(&out)],
            largest: largest_of(&summed),
            key: fresh_key(),
            twin,
            sides,
            less,
        }
    }

    fn stages(&self) -> impl Iterator<Item = (usize, &Stage, &Less)> {
        let stages = self.sides[0].all().zip(&self.less);
        stages
            .enumerate()
            .map(|(index, (stage, less))| (index, stage, less))
    }
}

fn less(twin: &Twin, a: &Stage, b: &Stage) -> Less {
    let size = a.size.min(b.size);
    let row = |stage: &Stage, token: usize| token * stage.size..token * stage.size + size;
    let mut values = Vec::with_capacity(twin.len() * size);
    for &[i, j] in &twin.pairing.pairs {
        let rows = a.values[row(a, i)].iter().zip(&b.values[row(b, j)]);
        values.extend(rows.map(|(a, b)| a - b));
    }
    let norm = |row: &[f32]| {
        let sum: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
        sum.sqrt()
    };
    Less {
        norms: values.chunks_exact(size.max(1)).map(norm).collect(),
        values,
        size,
    }
}

#[derive(Default)]
pub(super) struct Difference {
    partners: Partners,
    both: Derived<u64, Both>,
    textures: [HeatmapTexture; 5],
    /// What was painted last, for files.
    shown: Option<Arc<Both>>,
}

impl Difference {
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        self.shown = None;
        let Some(twin) = self.partners.twin_ui(ui, cx) else {
            return;
        };
        let (key, model) = (twin.key, cx.model.clone());
        let make = move |_: &_| Both::new(twin, &model);
        let Some(shown) = self.both.get(cx.engine, &key, make) else {
            note_ui(ui, "Subtracting…");
            return;
        };
        let both = &shown.value;
        ui.add_space(SPACE_SMALL);
        let [summed, out] = &both.scales;
        legends_ui(
            ui,
            &[(summed, "A − B: summands, sum"), (out, "A − B: embed.out")],
        );
        if let Some(note) = beyond_note(summed, both.largest) {
            note_ui(ui, note);
        }
        ui.add_space(SPACE_SMALL);
        match ui.available_width() >= WIDE {
            true => self.side_by_side_ui(ui, cx, both, !shown.current),
            false => self.stacked_ui(ui, cx, both, !shown.current),
        }
        note_ui(
            ui,
            "Equal pieces have equal rows in the table, so their token map is 0: until the first layer they differ by their places alone.",
        );
        self.shown = Some(shown.value);
    }

    fn side_by_side_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, both: &Both, stale: bool) {
        // The first map carries the labels, which may be two pieces long.
        const LABELS: f32 = 112.0;
        const FRAME: f32 = 3.0;
        let count = both.less.len() as f32;
        let each = (ui.available_width() - LABELS - (count - 1.0) * SPACE) / count - FRAME;
        ui.horizontal_top(|ui| {
            for map in both.stages() {
                let first = map.0 == 0;
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    let width = if first { each + LABELS } else { each };
                    ui.set_width(width);
                    title_ui(ui, map.1);
                    let fit = vec2(width, height(both, 18.0, 540.0));
                    self.map_ui(ui, cx, (both, stale), map, fit, first);
                });
            }
        });
    }

    fn stacked_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, both: &Both, stale: bool) {
        let fit = vec2(ui.available_width(), height(both, 17.0, 240.0));
        for map in both.stages() {
            title_ui(ui, map.1);
            self.map_ui(ui, cx, (both, stale), map, fit, true);
            ui.add_space(SPACE_SMALL);
        }
    }

    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (both, dimmed): (&Both, bool),
        (index, stage, less): (usize, &Stage, &Less),
        fit: egui::Vec2,
        labels: bool,
    ) {
        let at = |side: usize, token: usize, dimension: usize| {
            let stage = both.sides[side].all().nth(index);
            let value = stage.and_then(|s| s.values.get(token * s.size + dimension));
            value.map_or(f64::NAN, |&value| value.into())
        };
        let name = format!("{}, A − B, pairs × dimensions", stage.title);
        let map = RowsMap {
            twin: &both.twin,
            name: &name,
            key: both.key,
            axis: Axis::Dimension,
            site: stage.site,
            values: &less.values,
            size: less.size,
            scale: both.scales[usize::from(index + 1 == both.less.len())],
            fit,
            labels,
            dimmed,
            both: &at,
        };
        map.ui(ui, cx, &mut self.textures[index]);
    }

    /// The lengths of the differences, one row for each pair.
    pub fn tsv(&self) -> Option<String> {
        let both = self.shown.as_ref()?;
        let titles = both
            .stages()
            .map(|(_, s, _)| format!("|{} A − B|", s.title));
        let titles: Vec<String> = titles.collect();
        let mut out = format!("tokens of A / B\t{}\n", titles.join("\t"));
        for pair in 0..both.twin.len() {
            let norms = both.less.iter().map(|less| less.norms.get(pair));
            let norms: Vec<String> = norms
                .map(|norm| norm.map_or(String::new(), f64::to_string))
                .collect();
            let name = cell(&both.twin.token(pair));
            out += &format!("{name}\t{}\n", norms.join("\t"));
        }
        Some(out)
    }

    /// The differences of all summands, what enters the first layer first.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let Some(both) = &self.shown else {
            return Vec::new();
        };
        let rows = both.twin.pairing.labels.clone();
        let arrays = both.stages().map(|(_, stage, less)| {
            // The sum has no site of its own.
            let out = Site::Embed(EmbedSite::Out);
            let name = match stage.site == out && stage.title != out.to_string() {
                true => format!("embed.{}.a_minus_b", stage.title.replace(' ', "_")),
                false => format!("{}.a_minus_b", stage.site),
            };
            let shape = vec![both.twin.len(), less.size];
            let numbers = Numbers::Single(less.values.clone());
            NamedArray::new(name, shape, numbers).named(rows.clone(), Vec::new())
        });
        let mut arrays: Vec<NamedArray> = arrays.collect();
        arrays.rotate_right(1.min(both.less.len()));
        arrays
    }
}

fn height(both: &Both, row: f32, most: f32) -> f32 {
    // The axis has its captions below.
    (row * both.twin.len() as f32 + 40.0).clamp(row, most)
}
