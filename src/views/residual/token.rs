//! One token, or the pooled text, state by state: lengths as bars, and cosines between all states.

use egui::{Ui, vec2};

use super::derive::Both;
use super::map::{chosen_state, select};
use super::measure::{Measure, cosines, names};
use crate::analysis::residual::States;
use crate::views::ViewContext;
use crate::views::recorded::key_of;
use crate::views::subject::{Subject, note_ui, section_ui};
use crate::widgets::{Cell, Column, Heatmap, HeatmapTexture, SPACE, Table, legend_ui, number};

/// From this width on the bars and the cosines stand side by side.
const WIDE: f32 = 760.0;
/// Room for the cosines where they stand beside the bars.
const BESIDE: f32 = 320.0;
/// The largest that the cosines' cells become.
const CELL: f32 = 26.0;

/// Which row of the figures is told of: a token, or the pooled text.
pub(super) fn row_of(states: &States, token: Option<usize>) -> usize {
    token.unwrap_or(states.tokens).min(states.tokens)
}

#[derive(Default)]
pub(super) struct OneToken {
    texture: HeatmapTexture,
}

impl OneToken {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (subject, both, states): (&Subject, &Both, &States),
    ) {
        let token = subject.focused(cx).or(subject.locked(cx));
        let token = token.filter(|&t| t < states.tokens);
        let name = match token {
            Some(token) => {
                let label = both.found.trace.tokens.labels.get(token);
                format!("{} [{token}]", label.map_or("?", String::as_str))
            }
            None => format!("The pooled text ({})", both.found.pooled.mode.title()),
        };
        let about = match token {
            Some(_) => "layer by layer",
            None => "layer by layer; point at a token for its own",
        };
        section_ui(ui, &name, about);
        if ui.available_width() < WIDE {
            bars_ui(ui, cx, (both, states), token);
            ui.add_space(SPACE);
            return self.between_ui(ui, cx, (both, states), token);
        }
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(ui.available_width() - BESIDE - SPACE);
                bars_ui(ui, cx, (both, states), token);
            });
            ui.add_space(SPACE);
            ui.vertical(|ui| self.between_ui(ui, cx, (both, states), token));
        });
    }

    fn between_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut ViewContext<'_>,
        (both, states): (&Both, &States),
        token: Option<usize>,
    ) {
        let values = states.between(token);
        let scale = cosines(values);
        let name = match token {
            Some(_) => "cos of each state with each, of this token".to_owned(),
            None => format!(
                "cos of each state with each, mean over the {} tokens",
                states.tokens
            ),
        };
        note_ui(ui, &name);
        legend_ui(ui, &scale, "");
        let labels = names(states.count);
        let side = CELL * states.count as f32 + 48.0;
        let chosen = Some(chosen_state(cx, cx.focus));
        let out = Heatmap::new(
            &name,
            key_of((both.found.key, token)),
            states.count,
            states.count,
            values,
            scale,
        )
        .row_labels(&labels)
        .column_labels(&labels)
        .square(true)
        .max_cell(CELL)
        .fit(vec2(ui.available_width().min(side), side.min(360.0)))
        .focus_row(chosen)
        .focus_column(chosen)
        .tooltip(false)
        .ui(ui, &mut self.texture);
        if let Some((_, state)) = out.clicked {
            select(cx, state);
        }
        if let Some((from, to)) = out.hovered {
            let cos = values.get(from * states.count + to);
            let cos = number(cos.copied().map_or(f64::NAN, f64::from));
            let [from, to] = [from, to].map(|state| Measure::Length.site(state).to_string());
            out.response
                .on_hover_text_at_pointer(format!("cos({from}, {to})\n{cos}"));
        }
    }
}

fn bars_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    (both, states): (&Both, &States),
    token: Option<usize>,
) {
    let row = row_of(states, token);
    let writes = both.writes();
    let added = |part: usize, state: usize| {
        let value = || {
            let (writes, layer) = (writes?, state.checked_sub(1)?);
            writes.added[part].get(row * writes.layers + layer).copied()
        };
        value().unwrap_or(f64::NAN)
    };
    let convolved = (1..states.count).any(|state| added(2, state).is_finite());
    let columns = columns(convolved);
    let last = columns.len() - 1;
    let figure = |state: usize, column: usize| match column {
        1 => Measure::Length.at(states, writes, row, state),
        column if column == last => Measure::Last.at(states, writes, row, state),
        column => added(column - 2, state),
    };
    let lengths = (0..states.count).flat_map(|state| (1..last).map(move |c| (state, c)));
    let lengths = lengths.map(|(state, column)| figure(state, column));
    let most = lengths.fold(f64::MIN_POSITIVE, f64::max);
    let labels = names(states.count);
    let chosen = chosen_state(cx, cx.focus);
    let table = Table {
        name: "State by state",
        columns: &columns,
        rows: states.count,
        focus: Some(chosen),
        locked: None,
    };
    let color = cx.theme.accent().gamma_multiply(0.6);
    let out = table.ui(ui, |state, column| {
        if column == 0 {
            return Cell::Text(labels[state].clone());
        }
        let value = figure(state, column);
        if !value.is_finite() {
            let known = writes.is_some() || column == 1 || column == last;
            return Cell::Quiet(if known { "—" } else { "" }.to_owned());
        }
        let share = if column == last { value } else { value / most };
        Cell::Bar {
            figure: number(value),
            share: share.clamp(0., 1.) as f32,
            color,
        }
    });
    if let Some(state) = out.clicked {
        select(cx, state);
    }
    writes_ui(ui, cx, both);
}

/// What the bars mean; where what the blocks add is missing, why.
fn writes_ui(ui: &mut Ui, cx: &ViewContext<'_>, both: &Both) {
    match both.wrote.as_ref().map(|wrote| &wrote.writes) {
        None => {
            note_ui(ui, "What each layer adds is being measured…");
        }
        Some(Err(problem)) => {
            let what = format!("What the layers add could not be measured: {problem}");
            ui.colored_label(cx.theme.error(), what);
        }
        Some(Ok(_)) => {
            note_ui(
                ui,
                "Bars of lengths share one scale. cos is with the state after the last layer. —: no such block, as before the first layer.",
            );
        }
    }
}

/// What the figures need side by side.
pub(super) fn width(convolved: bool) -> f32 {
    let columns = columns(convolved);
    columns.iter().map(|column| column.width).sum()
}

fn columns(convolved: bool) -> Vec<Column> {
    let bar = |title| Column::new(title, 64.0, 1.0, true);
    let mut columns = vec![
        Column::new("state", 52.0, 0.0, false),
        bar("|x|"),
        bar("+ attention"),
        bar("+ feed-fwd"),
    ];
    if convolved {
        columns.push(bar("+ convolution"));
    }
    columns.push(bar("cos to last"));
    columns
}
