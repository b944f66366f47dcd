//! The score after each layer.

use egui::Ui;
use egui_plot::{HoverPosition, Line, MarkerShape, Plot, PlotPoints, Points, VLine};

use super::matrix::sums_ui;
use crate::analysis::similarity::layers::Layers;
use crate::app::command::Command;
use crate::views::ViewContext;
use crate::views::compare::four;
use crate::widgets::{Cell, Column, SPACE, Table, number};

/// In points.
const HEIGHT: f32 = 220.;

const COLUMNS: [Column; 3] = [
    Column {
        title: "after",
        width: 80.,
        grow: 0.3,
        right: false,
    },
    Column {
        title: "cos",
        width: 80.,
        grow: 0.3,
        right: true,
    },
    Column {
        title: "change",
        width: 80.,
        grow: 0.3,
        right: true,
    },
];

/// cos after each layer, and last the score: `[2 + L]` of name, cos and change.
fn steps(layers: &Layers) -> Vec<(String, f64, f64)> {
    let steps = layers.steps();
    let after = layers.cosines.iter().chain([&layers.cos]);
    let named = steps.rows.iter().zip(after).zip(&steps.values);
    named
        .map(|((name, &cos), &step)| (name.clone(), cos, step))
        .collect()
}

pub fn tsv(layers: &Layers) -> String {
    let line = |(name, cos, step): (String, f64, f64)| format!("{name}\t{cos}\t{step}\n");
    let lines: String = steps(layers).into_iter().map(line).collect();
    format!("after\tcos\tchange\n{lines}")
}

/// The curve, and the same in figures. Places count from 0 for the embedding; layer l is l + 1.
pub fn layers_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, layers: &Layers) {
    let last = layers.cosines.len().saturating_sub(1);
    if let Some(place) = curve_ui(ui, cx, layers)
        && let Some(layer) = place.min(last).checked_sub(1)
    {
        cx.send(Command::SelectLayer(layer));
    }
    sums_ui(ui, cx, &layers.steps());
    ui.add_space(SPACE);
    let steps = steps(layers);
    let table = Table {
        name: "Cosine after each layer",
        columns: &COLUMNS,
        rows: steps.len(),
        focus: None,
        locked: Some(cx.layer() + 1),
    };
    let response = table.ui(ui, |row, column| {
        let (name, cos, step) = &steps[row];
        match column {
            0 => Cell::Text(name.clone()),
            1 => Cell::Figure(four(*cos)),
            _ => Cell::Figure(number(*step)),
        }
    });
    let layer = response.clicked.and_then(|row| row.checked_sub(1));
    if let Some(layer) = layer.filter(|&layer| layer < last) {
        cx.send(Command::SelectLayer(layer));
    }
}

/// The place that was clicked.
fn curve_ui(ui: &mut Ui, cx: &ViewContext<'_>, layers: &Layers) -> Option<usize> {
    let points: Vec<[f64; 2]> = layers
        .cosines
        .iter()
        .enumerate()
        .map(|(place, &cos)| [place as f64, cos])
        .collect();
    let names = layers.names.clone();
    let name = move |place: f64| {
        let whole = (place - place.round()).abs() < 1e-6 && place >= 0.;
        let name = names.get(place.round() as usize).filter(|_| whole);
        name.cloned().unwrap_or_default()
    };
    let shown = name.clone();
    let plot = Plot::new("cosine after each layer")
        .height(HEIGHT)
        .width(ui.available_width().min(720.))
        .include_y(1.)
        // A curve that stays near 1 should look like one.
        .include_y(0.9)
        .show_grid([false, true])
        .x_axis_formatter(move |mark, _| name(mark.value))
        .label_formatter(move |at| match at {
            HoverPosition::NearDataPoint { position, .. } => {
                Some(format!("{} {}", shown(position.x), four(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false);
    let response = plot.show(ui, |plot| {
        let chosen = (cx.layer() + 1) as f64;
        plot.vline(VLine::new("chosen layer", chosen).color(cx.theme.hairline()));
        let curve: PlotPoints<'_> = points.clone().into();
        plot.line(Line::new("cos", curve).color(cx.theme.accent()).width(1.5));
        let dots = Points::new("cos", PlotPoints::from(points))
            .shape(MarkerShape::Circle)
            .radius(3.)
            .color(cx.theme.accent());
        plot.points(dots);
        plot.pointer_coordinate()
    });
    let at = response.inner.filter(|_| response.response.clicked())?;
    Some(at.x.round().max(0.) as usize)
}
