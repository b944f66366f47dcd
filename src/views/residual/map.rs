//! Tokens by states.

use egui::{RichText, Ui, vec2};

use super::derive::Both;
use super::measure::{Measure, hiding, names};
use crate::analysis::residual::States;
use crate::app::command::Command;
use crate::app::state::Focus;
use crate::trace::{EmbedSite, Site};
use crate::views::ViewContext;
use crate::views::recorded::{Memo, key_of};
use crate::views::subject::{Subject, beyond_note, largest_of, note_ui};
use crate::widgets::{Heatmap, HeatmapTexture, Scale, legend_ui, number};

/// The height of one token's row, and of all of them.
pub(super) const ROW: f32 = 18.0;
pub(super) const TALLEST: f32 = 420.0;
/// The widest that a state's column becomes.
pub(super) const COLUMN: f32 = 56.0;

/// Room for the map of so many states, with its labels and legend.
pub(super) fn width(states: usize) -> f32 {
    const LABELS: f32 = 112.0;
    const LEGEND: f32 = 240.0;
    (ROW * states as f32 + LABELS).max(LEGEND)
}

/// The states, what the layers add where it is told of, and what is.
type Key = (u64, Option<u64>, Measure);

#[derive(Default)]
pub(super) struct Map {
    texture: HeatmapTexture,
    values: Memo<Key, (Vec<f32>, Scale)>,
}

/// The state that is chosen: the embedding where that is meant, else what the chosen layer leaves.
pub(super) fn chosen_state(cx: &ViewContext<'_>, focus: Focus) -> usize {
    match focus.site {
        Some(Site::Embed(EmbedSite::Out)) => 0,
        _ => cx.layer() + 1,
    }
}

/// Where a legend stands, with the site or formula in front of it.
pub(super) fn legend_row_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    (scale, formula): (&Scale, &str),
    values: &[f32],
) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(formula).small().color(cx.theme.secondary()));
        legend_ui(ui, scale, "");
        let finite = values.iter().filter(|x| x.is_finite());
        if let Some(beyond) = beyond_note(scale, largest_of(finite)) {
            note_ui(ui, beyond);
        }
    });
}

impl Map {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (subject, both, states): (&Subject, &Both, &States),
        measure: Measure,
    ) {
        let wrote = both.wrote.as_ref().map(|wrote| wrote.key);
        let key = (
            both.found.key,
            wrote.filter(|_| measure.part().is_some()),
            measure,
        );
        let (values, scale) = self.values.get(key, || {
            let values = measure.all(states, both.writes());
            let scale = measure.scale(&values);
            (hiding(&values), scale)
        });
        legend_row_ui(ui, cx, (scale, measure.formula()), values);
        let tokens = &both.found.trace.tokens;
        let name = format!("{}, tokens × states", measure.title());
        let height = (ROW * states.tokens as f32 + 48.0).clamp(72.0, TALLEST);
        let columns = names(states.count);
        let locked = subject.locked(cx).map(|t| (t, chosen_state(cx, cx.locked)));
        let out = Heatmap::new(
            &name,
            key_of(key),
            states.tokens,
            states.count,
            values,
            *scale,
        )
        .row_labels(&tokens.labels)
        .secondary_rows(&tokens.special)
        .column_labels(&columns)
        .max_cell(COLUMN)
        .fit(vec2(ui.available_width(), height))
        .focus_row(subject.focused(cx))
        .focus_column(Some(chosen_state(cx, cx.focus)))
        .locked(locked)
        .hidden(measure.absent(both.writes().is_some()))
        .dimmed(!both.current)
        .tooltip(false)
        .ui(ui, &mut self.texture);
        let row = out.hovered_row.map(|row| subject.focus_on(row));
        let clicked = out.clicked.map(|cell| cell_focus(subject, cell, measure));
        if both.current {
            cx.point(row, clicked);
            if let Some((_, state)) = out.clicked {
                select(cx, state);
            }
        }
        if let Some(cell) = out.hovered {
            out.response
                .on_hover_text_at_pointer(hover_text((both, states), cell));
        }
    }
}

/// The chosen layer becomes the one that leaves this state.
pub(super) fn select(cx: &mut ViewContext<'_>, state: usize) {
    if let Some(layer) = state.checked_sub(1) {
        cx.send(Command::SelectLayer(layer));
    }
}

/// The token with its dimension of largest magnitude there: the number that weighs most in the length.
fn cell_focus(subject: &Subject, (token, state): (usize, usize), measure: Measure) -> Focus {
    let site = measure.site(state);
    let largest = subject.trace.values(site).and_then(|values| {
        let row = values.row(&[token]);
        let each = row.iter().enumerate();
        let most = each.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        most.map(|(dimension, _)| dimension)
    });
    Focus {
        site: Some(site),
        dimension: largest,
        ..subject.focus_on(token)
    }
}

fn hover_text((both, states): (&Both, &States), (token, state): (usize, usize)) -> String {
    let label = both.found.trace.tokens.labels.get(token);
    let label = label.map_or("?", String::as_str);
    let site = Measure::Length.site(state);
    let mut text = format!("{label} [{token}], {site}");
    for measure in Measure::ALL {
        let value = measure.at(states, both.writes(), token, state);
        if value.is_finite() {
            text += &format!("\n{} {}", measure.formula(), number(value));
        }
    }
    if state == 0 {
        text += "\nNothing is added before the first layer";
    } else if both.writes().is_none() {
        text += "\nWhat the blocks add is not known yet";
    }
    text
}
