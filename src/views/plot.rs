//! What the plots of all panels have in common.

use egui::Rangef;
use egui_plot::{Axis, AxisHints};

/// Room that a tick takes to be named, in points: across and down.
const ACROSS: f32 = 40.;
const DOWN: f32 = 20.;

/// An axis whose ticks are named or are not: as a plot has it they fade, and on the way they can hardly be
/// read.
pub fn plot_axis<'a>(axis: Axis) -> AxisHints<'a> {
    let least = match axis {
        Axis::X => ACROSS,
        Axis::Y => DOWN,
    };
    AxisHints::new(axis).label_spacing(Rangef::new(least, least + 0.1))
}
