//! Where the texts were before, and where they are now.

use std::sync::Arc;

use egui::{Ui, vec2};

use crate::analysis::projection::{Projection, pca};
use crate::analysis::vectors::{norm, quotient};
use crate::app::state::{Focus, TextId};
use crate::engine::LabRun;
use crate::training::{Check, Plan};
use crate::views::ViewContext;
use crate::views::compare::shorten_to;
use crate::views::subject::{note_ui, section_ui};
use crate::widgets::{ScatterMarks, ScatterPoint, marked_scatter_ui};

/// In points.
const HEIGHT: f32 = 240.;
const LETTERS: usize = 14;

/// The plane of the run's first look, which stays while the points move.
#[derive(Default)]
pub struct Plane {
    of: Option<(Arc<Plan>, Projection)>,
}

impl Plane {
    /// Made once a run: a few dozen short vectors.
    fn get(&mut self, run: &LabRun, first: &Check) -> &Projection {
        let made = self.of.take();
        let made = made.filter(|(plan, _)| Arc::ptr_eq(plan, &run.plan));
        let made = made.unwrap_or_else(|| (run.plan.clone(), pca(&units(first))));
        &self.of.insert(made).1
    }

    pub fn plane_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        run: &LabRun,
        first: &Check,
        last: &Check,
    ) {
        section_ui(ui, "Where the texts are", "");
        let plane = self.get(run, first);
        let n = first.cosines.len();
        let ids = text_ids(cx, &run.plan);
        let learned = run.plan.watched_learned();
        let before = units(first).into_iter().map(|unit| plane.point(&unit));
        let ghosts = before.map(|at| ScatterPoint {
            x: at[0] as f32,
            y: at[1] as f32,
            label: String::new(),
            color: cx.theme.hairline(),
            radius: 3.,
        });
        let texts: Vec<&str> = texts(&run.plan).collect();
        let now = units(last).into_iter().enumerate().map(|(i, unit)| {
            let at = plane.point(&unit);
            ScatterPoint {
                x: at[0] as f32,
                y: at[1] as f32,
                label: shorten_to(texts[i], LETTERS),
                color: match i % n < learned {
                    true => cx.theme.text(i % n),
                    false => cx.theme.warning(),
                },
                radius: 4.,
            }
        });
        let points: Vec<ScatterPoint> = ghosts.chain(now).collect();
        let links: Vec<(usize, usize)> = (0..2 * n).map(|i| (i, 2 * n + i)).collect();
        let marks = ScatterMarks {
            links: &links,
            arrows: &[],
        };
        let focused = cx.focus.text;
        let focus = ids.iter().position(|&id| id.is_some() && id == focused);
        let size = vec2(ui.available_width(), HEIGHT);
        let name = "The pairs before and after some steps of training";
        let response = marked_scatter_ui(ui, name, &points, marks, size, focus.map(|i| 2 * n + i));
        let at = |index: usize| ids.get(index % (2 * n)).copied().flatten().map(Focus::text);
        cx.point(response.hovered.and_then(at), response.clicked.and_then(at));
        note_ui(
            ui,
            "Grey: before. The two texts of a pair have one colour; lines lead from before to now",
        )
        .on_hover_text(
            "The plane in which the unit vectors differed most before the first step. It stays while \
             the points move, so that every movement is one of the vectors.",
        );
    }
}

/// First texts, then second ones, as the vectors of a look are.
fn texts(plan: &Plan) -> impl Iterator<Item = &str> {
    let firsts = plan.watched().map(|pair| pair.a.as_str());
    firsts.chain(plan.watched().map(|pair| pair.b.as_str()))
}

/// The texts of the list that say the same.
fn text_ids(cx: &ViewContext<'_>, plan: &Plan) -> Vec<Option<TextId>> {
    let find = |text: &str| {
        let mut found = cx.texts.iter();
        found.find(|view| &*view.text == text).map(|view| view.id)
    };
    texts(plan).map(find).collect()
}

fn units(check: &Check) -> Vec<Vec<f64>> {
    let unit = |vector: &Vec<f64>| {
        let length = norm(vector);
        vector.iter().map(|x| quotient(*x, length)).collect()
    };
    check.vectors.iter().map(unit).collect()
}
