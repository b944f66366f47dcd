//! Where the states of A and of B part, over the tokens that have a partner.

use std::sync::Arc;

use egui::{Ui, vec2};

use super::map::{COLUMN, ROW, TALLEST, chosen_state, legend_row_ui, select};
use super::measure::{Measure, cosines, hiding, names, signed};
use crate::analysis::residual::{Pooled, States, Writes, state_sites};
use crate::analysis::vectors::{cosine, to_f64};
use crate::app::export::{NamedArray, Numbers};
use crate::app::state::Focus;
use crate::cancel::Cancel;
use crate::engine::Derived;
use crate::model::Model;
use crate::trace::Site;
use crate::views::ViewContext;
use crate::views::difference::{Partners, Twin, three_values};
use crate::views::recorded::key_of;
use crate::views::subject::{note_ui, section_ui};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, number};

type Key = (u64, Measure);

/// One measure of both texts. P pairs, S states.
struct Figures {
    /// Of A and of B, [P, S].
    sides: [Vec<f64>; 2],
    /// A − B as the map shows it, [P, S]: hidden where there is none.
    less: Vec<f32>,
    /// cos of the partners' states, [P, S].
    cosines: Vec<f32>,
    /// S
    count: usize,
}

struct Drawn {
    twin: Twin,
    key: Key,
    figures: Result<Figures, String>,
}

impl Drawn {
    fn new(model: &Model, twin: Twin, key: Key, cancel: &Cancel) -> Self {
        Self {
            figures: figures(model, &twin, key.1, cancel),
            twin,
            key,
        }
    }
}

fn figures(
    model: &Model,
    twin: &Twin,
    measure: Measure,
    cancel: &Cancel,
) -> Result<Figures, String> {
    let lacks = || "a pass has no record of what the layers leave".to_owned();
    let count = twin.traces[0].layers + 1;
    let of = |side: usize| {
        let trace = &twin.traces[side];
        let pooled = Pooled::new(&model.head, None, &trace.tokens);
        let states = States::new(trace, &pooled, cancel).ok_or_else(lacks)?;
        let writes = match measure.part() {
            Some(_) => {
                let writes = Writes::new(model, trace, &pooled, cancel);
                Some(writes.map_err(|error| error.to_string())?)
            }
            None => None,
        };
        let pairs = twin.pairing.pairs.iter();
        let row = |pair: &[usize; 2]| {
            let at = |state| measure.at(&states, writes.as_ref(), pair[side], state);
            (0..count).map(at).collect::<Vec<f64>>()
        };
        Ok::<_, String>(pairs.flat_map(row).collect::<Vec<f64>>())
    };
    let sides = [of(0)?, of(1)?];
    Ok(Figures {
        less: hiding(&less(&sides)),
        cosines: partner_cosines(twin).ok_or_else(lacks)?,
        sides,
        count,
    })
}

/// A − B; NaN where there is none.
fn less([a, b]: &[Vec<f64>; 2]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| (a - b) as f32).collect()
}

/// cos of the states of the partners, [P, S].
fn partner_cosines(twin: &Twin) -> Option<Vec<f32>> {
    let sites: Vec<Site> = state_sites(twin.traces[0].layers).collect();
    let mut out = Vec::with_capacity(twin.len() * sites.len());
    for pair in &twin.pairing.pairs {
        for &site in &sites {
            let state =
                |side: usize| Some(to_f64(&twin.traces[side].values(site)?.row(&[pair[side]])));
            out.push(cosine(&state(0)?, &state(1)?) as f32);
        }
    }
    Some(out)
}

pub(super) struct Difference {
    partners: Partners,
    drawn: Derived<Key, Drawn>,
    textures: [HeatmapTexture; 2],
    /// What was painted last, for files.
    shown: Option<Arc<Drawn>>,
}

impl Default for Difference {
    fn default() -> Self {
        Self {
            partners: Partners::default(),
            // It may run every layer again.
            drawn: Derived::slow(),
            textures: Default::default(),
            shown: None,
        }
    }
}

impl Difference {
    /// For models that have layers.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, measure: Measure) {
        self.shown = None;
        let Some(twin) = self.partners.twin_ui(ui, cx) else {
            return;
        };
        let (key, model) = ((twin.key, measure), cx.model.clone());
        let make = move |cancel: &_| Drawn::new(&model, twin, key, cancel);
        let Some(shown) = self.drawn.get(cx.engine, &key, make) else {
            note_ui(ui, "Subtracting…");
            return;
        };
        let drawn = shown.value;
        let figures = match &drawn.figures {
            Ok(figures) => figures,
            Err(problem) => {
                let what = format!("The states could not be compared: {problem}");
                ui.colored_label(cx.theme.error(), what);
                return;
            }
        };
        let measure = drawn.key.1;
        let scale = signed(&figures.less);
        let formula = format!("{}, A − B", measure.formula());
        legend_row_ui(ui, cx, (&scale, &formula), &figures.less);
        let name = format!("{}, A − B, pairs × states", measure.title());
        let less = (name.as_str(), &figures.less[..], scale);
        self.map_ui(ui, cx, (&drawn, figures), 0, less, shown.current);
        section_ui(ui, "Partners", "cos of A's state with B's");
        let scale = cosines(&figures.cosines);
        legend_row_ui(ui, cx, (&scale, "cos(A, B)"), &[]);
        let cos = (
            "cos of partners, pairs × states",
            &figures.cosines[..],
            scale,
        );
        self.map_ui(ui, cx, (&drawn, figures), 1, cos, shown.current);
        note_ui(
            ui,
            "Equal pieces start out alike but for their places; where the cosine falls, the layers have told their contexts apart.",
        );
        self.shown = Some(drawn);
    }

    fn map_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (drawn, figures): (&Drawn, &Figures),
        index: usize,
        (name, values, scale): (&str, &[f32], Scale),
        current: bool,
    ) {
        let (twin, measure) = (&drawn.twin, drawn.key.1);
        let columns = names(figures.count);
        let height = (ROW * twin.len() as f32 + 48.0).clamp(72.0, TALLEST);
        let locked = twin.focused(cx.locked)[0].map(|p| (p, chosen_state(cx, cx.locked)));
        let out = Heatmap::new(
            name,
            key_of((drawn.key, index)),
            twin.len(),
            figures.count,
            values,
            scale,
        )
        .row_labels(&twin.pairing.labels)
        .secondary_rows(&twin.pairing.special)
        .column_labels(&columns)
        .max_cell(COLUMN)
        .fit(vec2(ui.available_width(), height))
        .focus_row(twin.focused(cx.focus)[0])
        .focus_column(Some(chosen_state(cx, cx.focus)))
        .locked(locked)
        .hidden(measure.absent(true))
        .dimmed(!current)
        .tooltip(false)
        .ui(ui, &mut self.textures[index]);
        let row = out.hovered_row.map(|row| twin.focus_on(row));
        let clicked = out.clicked.map(|(pair, state)| Focus {
            site: Some(measure.site(state)),
            ..twin.focus_on(pair)
        });
        if current {
            cx.point(row, clicked);
            if let Some((_, state)) = out.clicked {
                select(cx, state);
            }
        }
        if let Some((pair, state)) = out.hovered {
            let at = pair * figures.count + state;
            let [a, b] = [0, 1].map(|side: usize| figures.sides[side].get(at).copied());
            let values = match a.zip(b).filter(|(a, b)| a.is_finite() && b.is_finite()) {
                Some((a, b)) => three_values(a, b),
                None => format!("— ({})", measure.absent(true)),
            };
            let cos = figures.cosines.get(at).copied().map_or(f64::NAN, f64::from);
            let (token, site) = (twin.token(pair), Measure::Length.site(state));
            let formula = measure.formula();
            let text = format!(
                "{token}, {site}\n{formula}\n{values}\ncos(A, B) {}",
                number(cos)
            );
            out.response.on_hover_text_at_pointer(text);
        }
    }

    /// A − B, and the cosines of the partners, by the names of their pairs.
    pub fn arrays(&self) -> Vec<NamedArray> {
        let figures = |drawn: &Arc<Drawn>| {
            let figures = drawn.figures.as_ref().ok()?;
            let array = |name: String, values: &[f32]| {
                let shape = vec![drawn.twin.len(), figures.count];
                NamedArray::new(name, shape, Numbers::Single(values.to_vec()))
                    .named(drawn.twin.pairing.labels.clone(), names(figures.count))
            };
            let name = format!("{}.a_minus_b", drawn.key.1.array());
            Some(vec![
                array(name, &less(&figures.sides)),
                array("residual.cos_a_b".to_owned(), &figures.cosines),
            ])
        };
        self.shown.as_ref().and_then(figures).unwrap_or_default()
    }
}
