//! The loss, step by step.

use egui::Ui;
use egui_plot::{Axis, Corner, Legend, Line, Plot, PlotPoints};

use crate::engine::LabRun;
use crate::views::ViewContext;
use crate::views::plot::plot_axis;
use crate::views::subject::{note_ui, section_ui};

/// In points.
const HEIGHT: f32 = 240.;
/// Room for what stands at the marks, in points, which a first frame does not measure.
const AXIS: f32 = 36.;

pub fn curve_ui(ui: &mut Ui, cx: &ViewContext<'_>, run: &LabRun) {
    section_ui(ui, "Loss", "");
    let point = |step: usize, loss: f64| [step as f64, loss];
    let steps = run.reports.iter();
    let batch: PlotPoints<'_> = steps.map(|r| point(r.step, r.loss)).collect();
    let looks = |of: &dyn Fn(&crate::training::Check) -> Option<f64>| -> Vec<[f64; 2]> {
        let points = run.checks.iter();
        points
            .filter_map(|check| Some(point(check.step, of(check)?)))
            .collect()
    };
    let learned = looks(&|check| Some(check.learned));
    let held_out = looks(&|check| check.held_out);
    let steps = run.plan.settings.steps as f64;
    let plot = Plot::new("loss of each step")
        .height(HEIGHT)
        .y_axis_min_width(AXIS)
        .include_y(0.)
        .include_x(0.)
        .include_x(steps)
        .custom_x_axes(vec![plot_axis(Axis::X)])
        .custom_y_axes(vec![plot_axis(Axis::Y)])
        .x_axis_label("step")
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .legend(Legend::default().position(Corner::RightTop));
    plot.show(ui, |plot| {
        let line = |name: &str, points: PlotPoints<'static>, color| {
            Line::new(name.to_owned(), points).color(color).width(1.5)
        };
        plot.line(
            Line::new("batch", batch)
                .color(cx.theme.secondary())
                .width(1.),
        );
        plot.line(line("learned pairs", learned.into(), cx.theme.accent()));
        if !held_out.is_empty() {
            plot.line(line("held-out pairs", held_out.into(), cx.theme.warning()));
        }
    });
    note_ui(
        ui,
        "InfoNCE: that of each step's batch, and that of the watched pairs among one another",
    );
}
