//! The score after each layer under each pooling, beside what unrelated texts have there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use egui::Ui;
use egui_plot::{
    Axis, FilledArea, HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoints, Points, VLine,
};

use super::matrix::sums_ui;
use crate::analysis::pooling::{modes, title};
use crate::analysis::similarity::Totals;
use crate::analysis::similarity::layer_bands::{Band, LayerBands, TAIL, poolings};
use crate::analysis::similarity::layers::Layers;
use crate::app::command::Command;
use crate::app::export::{NamedArray, Numbers};
use crate::engine::{BandsKey, Derived, layer_bands};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::{PoolingMode, Trace};
use crate::views::ViewContext;
use crate::views::compare::{four, three};
use crate::views::plot::plot_axis;
use crate::views::recorded::switch_ui;
use crate::views::standing::progress_ui;
use crate::views::subject::note_ui;
use crate::widgets::{Cell, Column, SPACE, Table, number};

/// In points.
const HEIGHT: f32 = 220.;
/// Room for what stands at the marks, in points: a first frame knows no width yet, and cuts what is
/// wider off at the panel's edge.
const AXIS: f32 = 36.;
/// All columns stand side by side from this width on.
const ROOMY: f32 = 400.;

const fn column(title: &'static str, width: f32, grow: f32) -> Column {
    Column {
        title,
        width,
        grow,
        right: grow < 0.3,
    }
}

const COLUMNS: [Column; 5] = [
    column("after", 64., 0.3),
    column("cos", 68., 0.2),
    column("change", 72., 0.2),
    column("unrelated", 72., 0.2),
    column("5–95%", 100., 0.2),
];
const NARROW: [Column; 4] = [COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[3]];
const ALONE: [Column; 3] = [COLUMNS[0], COLUMNS[1], COLUMNS[2]];

/// The layers under each pooling that the head takes, the model's own first.
pub struct Series(Vec<(Vec<PoolingMode>, Layers)>);

impl Series {
    /// # Errors
    /// When a trace lacks a layer's output.
    pub fn new(
        model: &Model,
        a: &Trace,
        b: &Trace,
        options: HeadOptions,
    ) -> Result<Self, ModelError> {
        let head = &model.head;
        let own = poolings(head, model.spec().hidden);
        let of = |modes: Vec<PoolingMode>| {
            let options = HeadOptions {
                pooling: match modes == head.pooling() {
                    true => None,
                    false => modes.first().copied(),
                },
                ..options
            };
            Ok::<_, ModelError>((modes, Layers::new(head, a, b, options)?))
        };
        Ok(Self(own.into_iter().map(of).collect::<Result<_, _>>()?))
    }
}

#[derive(Default)]
struct Progress {
    done: AtomicUsize,
    all: AtomicUsize,
}

type Found = Result<Option<LayerBands>, Arc<str>>;

/// The pooling on view, and the bands of unrelated texts.
pub struct LayersState {
    /// Instead of the one in use.
    pooling: Option<Vec<PoolingMode>>,
    bands: Derived<(BandsKey, bool), Found>,
    /// What a person has asked to be measured.
    asked: Option<BandsKey>,
    progress: Arc<Progress>,
}

impl Default for LayersState {
    fn default() -> Self {
        Self {
            pooling: None,
            bands: Derived::apart(),
            asked: None,
            progress: Arc::default(),
        }
    }
}

impl LayersState {
    /// The pooling on view: the person's choice here, else the one that the score is under.
    fn shown<'a>(
        &self,
        series: &'a Series,
        used: &[PoolingMode],
    ) -> Option<&'a (Vec<PoolingMode>, Layers)> {
        let wanted = self.pooling.as_deref().unwrap_or(used);
        let found = series.0.iter().find(|(modes, _)| modes == wanted);
        found.or(series.0.first())
    }

    /// The curve, and the same in figures. Places count from 0 for the embedding; layer l is l + 1.
    pub fn layers_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, series: &Series) {
        let used = modes(&cx.model.head, cx.state.pooling);
        self.choice_ui(ui, cx, series, &used);
        let Some((pooling, layers)) = self.shown(series, &used) else {
            return;
        };
        let bands = self.bands_ui(ui, cx);
        let bands = bands.as_ref();
        let here = bands.and_then(|bands| bands.of(pooling));
        let here = here.filter(|bands| bands.len() == layers.cosines.len());
        let last = layers.cosines.len().saturating_sub(1);
        if let Some(place) = curve_ui(ui, cx, layers, here)
            && let Some(layer) = place.min(last).checked_sub(1)
        {
            cx.send(Command::SelectLayer(layer));
        }
        if let (Some(bands), Some(_)) = (bands, here) {
            note_ui(
                ui,
                format!(
                    "Shaded: where 90% of {} pairs of {} unrelated texts lie under {} pooling, from the {:.0}th to \
                     the {:.0}th percentile; dashed: their mean.",
                    bands.pairs,
                    bands.texts,
                    title(pooling),
                    100. * TAIL,
                    100. * (1. - TAIL)
                ),
            );
        }
        sums_ui(ui, cx, &Totals::of(&layers.steps()));
        ui.add_space(SPACE);
        table_ui(ui, cx, layers, here);
    }

    /// The model's own pooling first.
    fn choice_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        series: &Series,
        used: &[PoolingMode],
    ) {
        let own = cx.model.head.pooling();
        let shown = self.shown(series, used).map(|(modes, _)| modes.clone());
        let mut place = series
            .0
            .iter()
            .position(|(modes, _)| Some(modes) == shown.as_ref());
        let before = place;
        let labels: Vec<String> = series
            .0
            .iter()
            .map(|(modes, _)| match modes == own {
                true => format!("{}, own", title(modes)),
                false => title(modes),
            })
            .collect();
        let choices: Vec<(Option<usize>, &str, &str)> = labels
            .iter()
            .enumerate()
            .map(|(i, label)| {
                (
                    Some(i),
                    label.as_str(),
                    "Each layer's output under this pooling",
                )
            })
            .collect();
        ui.horizontal_wrapped(|ui| switch_ui(ui, &mut place, &choices));
        if place != before {
            let chosen = place.and_then(|place| series.0.get(place));
            self.pooling = chosen.map(|(modes, _)| modes.clone());
        }
    }

    /// What unrelated texts have, once it was measured; till then how to have it, or how far it is.
    fn bands_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>) -> Option<LayerBands> {
        let key = BandsKey::new(cx.model, &cx.state.prompt).ok()?;
        let asked = self.asked.as_ref() == Some(&key);
        let (made, model, progress) = (key.clone(), cx.model.clone(), self.progress.clone());
        let store = cx.engine.calibration_store();
        let shown = self
            .bands
            .get(cx.engine, &(key.clone(), asked), move |cancel| {
                let mut report = |done, all| {
                    progress.done.store(done, Ordering::Relaxed);
                    progress.all.store(all, Ordering::Relaxed);
                };
                layer_bands(&store, &model, &made, asked, cancel, &mut report)
                    .map_err(|error| error.to_string().into())
            });
        let found = shown.filter(|shown| shown.current).map(|shown| shown.value);
        match found.as_deref() {
            Some(Ok(Some(bands))) => return Some(bands.clone()),
            Some(Ok(None)) => {
                ui.horizontal_wrapped(|ui| {
                    if ui.button("Measure unrelated texts").clicked() {
                        self.asked = Some(key);
                    }
                    note_ui(
                        ui,
                        "Is that high? Runs unrelated texts through every layer, once.",
                    );
                });
            }
            Some(Err(problem)) => {
                ui.colored_label(cx.theme.error(), format!("Not measured: {problem}"));
            }
            None if asked => {
                let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
                let (done, all) = (read(&self.progress.done), read(&self.progress.all));
                if progress_ui(ui, (done, all), format!("{done} of {all} texts")) {
                    self.asked = None;
                }
                ui.ctx()
                    .request_repaint_after(std::time::Duration::from_millis(100));
            }
            None => {}
        }
        None
    }

    /// The cosine after each layer, and last the score, [2 + L].
    pub fn arrays(&self, series: &Series, used: &[PoolingMode]) -> Vec<NamedArray> {
        let Some((_, layers)) = self.shown(series, used) else {
            return Vec::new();
        };
        let values: Vec<f64> = steps(layers).into_iter().map(|(_, cos, _)| cos).collect();
        let shape = vec![values.len()];
        vec![NamedArray::new(
            "score.layers",
            shape,
            Numbers::Double(values),
        )]
    }

    /// The pooling on view as a table.
    pub fn tsv(&self, series: &Series, used: &[PoolingMode]) -> Option<String> {
        let (_, layers) = self.shown(series, used)?;
        let line = |(name, cos, step): (String, f64, f64)| format!("{name}\t{cos}\t{step}\n");
        let lines: String = steps(layers).into_iter().map(line).collect();
        Some(format!("after\tcos\tchange\n{lines}"))
    }
}

/// cos after each layer, and last the score: `[2 + L]` of name, cos and change.
fn steps(layers: &Layers) -> Vec<(String, f64, f64)> {
    let steps = layers.steps();
    let after = layers.cosines.iter().chain([&layers.cos]);
    let named = steps.rows.iter().zip(after).zip(&steps.values);
    named
        .map(|((name, &cos), &step)| (name.clone(), cos, step))
        .collect()
}

fn table_ui(ui: &mut Ui, cx: &mut ViewContext<'_>, layers: &Layers, bands: Option<&[Band]>) {
    let steps = steps(layers);
    let last = layers.cosines.len().saturating_sub(1);
    let table = Table {
        name: "Cosine after each layer",
        columns: match (bands.is_some(), ui.available_width() >= ROOMY) {
            (false, _) => &ALONE,
            (true, false) => &NARROW,
            (true, true) => &COLUMNS,
        },
        rows: steps.len(),
        focus: None,
        locked: Some(cx.layer() + 1),
    };
    let response = table.ui(ui, |row, column| {
        let (name, cos, step) = &steps[row];
        // The score behind the head has no band here: that is what calibration says.
        let band = bands.and_then(|bands| bands.get(row));
        match column {
            0 => Cell::Text(name.clone()),
            1 => Cell::Figure(four(*cos)),
            2 => Cell::Figure(number(*step)),
            3 => Cell::Figure(band.map_or_else(String::new, |band| three(band.mean))),
            _ => Cell::Figure(band.map_or_else(String::new, |band| {
                format!("{:.2} … {:.2}", band.low, band.high).replace('-', "−")
            })),
        }
    });
    let layer = response.clicked.and_then(|row| row.checked_sub(1));
    if let Some(layer) = layer.filter(|&layer| layer < last) {
        cx.send(Command::SelectLayer(layer));
    }
}

/// The place that was clicked.
fn curve_ui(
    ui: &mut Ui,
    cx: &ViewContext<'_>,
    layers: &Layers,
    bands: Option<&[Band]>,
) -> Option<usize> {
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
        .y_axis_min_width(AXIS)
        .include_y(1.)
        // A curve that stays near 1 should look like one.
        .include_y(0.9)
        .show_grid([false, true])
        .custom_x_axes(vec![plot_axis(Axis::X)])
        .custom_y_axes(vec![plot_axis(Axis::Y)])
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
        if let Some(bands) = bands {
            let places: Vec<f64> = (0..bands.len()).map(|place| place as f64).collect();
            let edge = |of: fn(&Band) -> f64| bands.iter().map(of).collect::<Vec<f64>>();
            let fill = cx.theme.secondary().gamma_multiply(0.25);
            let (low, high) = (edge(|band| band.low), edge(|band| band.high));
            let area = FilledArea::new("unrelated texts", &places, &low, &high);
            plot.add(area.fill_color(fill).allow_hover(false));
            let mean = places.iter().zip(edge(|band| band.mean));
            let mean: PlotPoints<'_> = mean.map(|(&x, y)| [x, y]).collect();
            let mean = Line::new("mean of unrelated texts", mean);
            let mean = mean
                .color(cx.theme.secondary())
                .style(LineStyle::dashed_loose());
            plot.line(mean.allow_hover(false));
        }
        let chosen = (cx.layer() + 1) as f64;
        plot.vline(VLine::new("chosen layer", chosen).color(cx.theme.secondary()));
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
