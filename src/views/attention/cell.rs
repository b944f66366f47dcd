//! The arithmetic of the cell that is pointed at: from q and k to the weight, with the numbers.

use egui::{Align, Grid, Layout, RichText, Ui};

use super::average::Over;
use super::steps::{Step, steps};
use super::{Options, Scene, ViewContext, title_ui};
use crate::analysis::attention::{Cell, why_hidden};
use crate::model::EncoderSpec;
use crate::trace::{LayerSite, Site};
use crate::widgets::theme::{SPACE, Theme, number};
use crate::widgets::{Scale, vector_bars_ui};

/// A recomputed value that differs by more is no account of the recorded one.
const TOLERANCE: f64 = 1e-5;
const STRIP: f32 = 28.0;

pub(super) fn cell_ui(ui: &mut Ui, cx: &ViewContext<'_>, scene: &Scene, options: &Options) {
    let text = &scene.text;
    let (Some(query), Some(key)) = text.focused(cx.focus) else {
        title_ui(ui, "Where a weight comes from", |_| ());
        ui.weak("Point at a cell of the map for q, k and the sum that made it; a click holds it.");
        return;
    };
    let title = format!(
        "Where {} → {} comes from",
        text.token(query),
        text.token(key)
    );
    let (layer, head) = (scene.layer, scene.head);
    title_ui(ui, &title, |ui| {
        ui.weak(super::head_name(layer, head));
    });
    if options.over != Over::One {
        ui.weak(
            "A mean has no q and k of its own: this is the chosen head's, of the chosen layer.",
        );
    }
    let scale = cx.model.spec().scale;
    let Some(cell) = Cell::new(&text.trace, layer, head, query, key, scale) else {
        ui.weak("This layer's q and k are not recorded.");
        return;
    };
    if let Some(why) = why_hidden(scene.mask, query, key) {
        ui.label(RichText::new(why).color(cx.theme.secondary()));
    }
    strips_ui(ui, scene, &cell, (query, key));
    ui.add_space(SPACE);
    sums_ui(ui, cx.model.spec(), scene, &cell, (query, key));
}

/// q, k and their product, dimension by dimension; before and after they are turned.
fn strips_ui(ui: &mut Ui, scene: &Scene, cell: &Cell, (query, key): (usize, usize)) {
    let text = &scene.text;
    let site = |site, head: usize, token: usize| {
        format!("{}[{head}, {token}]", Site::Layer(scene.layer, site))
    };
    let named = |q: LayerSite, k: LayerSite| {
        let (asks, offers) = (text.token(query), text.token(key));
        [
            format!("{}, what {asks} asks for", site(q, scene.head, query)),
            format!("{}, what {offers} offers", site(k, cell.kv_head, key)),
        ]
    };
    let plain = named(LayerSite::Q, LayerSite::K);
    let mut used = plain.clone();
    let mut labels = ["q", "k"];
    if let Some([q, k]) = &cell.before {
        strip_ui(ui, "q", &format!("{}, as it was projected", plain[0]), q);
        strip_ui(ui, "k", &format!("{}, as it was projected", plain[1]), k);
        used = named(LayerSite::QRot, LayerSite::KRot);
        labels = ["q_rot", "k_rot"];
    }
    strip_ui(ui, labels[0], &used[0], &cell.q);
    strip_ui(ui, labels[1], &used[1], &cell.k);
    let name = format!("{} × {}, dimension by dimension", labels[0], labels[1]);
    strip_ui(ui, "q×k", &name, &cell.product);
}

/// One vector of the head, a bar for each dimension.
fn strip_ui(ui: &mut Ui, label: &str, name: &str, values: &[f32]) {
    ui.horizontal(|ui| {
        let text = RichText::new(label).monospace();
        ui.add_sized([40.0, STRIP], egui::Label::new(text))
            .on_hover_text(name);
        vector_bars_ui(ui, name, values, Scale::signed_of(values), STRIP, None);
    });
}

/// From the product to the weight, and how far that is from what was recorded.
fn sums_ui(
    ui: &mut Ui,
    spec: &EncoderSpec,
    scene: &Scene,
    cell: &Cell,
    (query, key): (usize, usize),
) {
    let rows = steps(cell, spec);
    let theme = Theme::of(ui);
    // Notes need room beside name and number.
    let notes = ui.available_width() >= 400.0;
    // The lines of one sum belong together: no room for buttons between them.
    ui.spacing_mut().interact_size.y = 0.0;
    let grid = Grid::new("cell sums").num_columns(3);
    grid.spacing([2.0 * SPACE, 3.0]).show(ui, |ui| {
        for Step { name, value, note } in rows {
            let name = ui.label(RichText::new(name).monospace());
            let figure = RichText::new(number(value)).monospace();
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(figure).on_hover_text(format!("{value:?}"));
            });
            match notes {
                true => _ = ui.label(RichText::new(note).small().color(theme.secondary())),
                false => _ = name.on_hover_text(note),
            }
            ui.end_row();
        }
    });
    let index = format!("[{}, {query}, {key}]", scene.head);
    for (site, value, residual) in [
        (
            LayerSite::Scores,
            cell.recorded_score,
            cell.score_residual(),
        ),
        (
            LayerSite::Pattern,
            cell.recorded_weight,
            cell.weight_residual(),
        ),
    ] {
        let site = Site::Layer(scene.layer, site);
        recorded_ui(ui, &format!("{site}{index}"), value, residual);
    }
}

/// What the forward pass recorded, and how far the account above is from it.
fn recorded_ui(ui: &mut Ui, site: &str, value: f32, residual: f64) {
    let theme = Theme::of(ui);
    let color = match residual.abs() <= TOLERANCE * f64::from(value.abs().max(1.0)) {
        true => theme.secondary(),
        false => theme.error(),
    };
    let text = format!(
        "{site} recorded {}, residual {}",
        number(value.into()),
        number(residual)
    );
    let text = RichText::new(text).monospace().small().color(color);
    ui.label(text).on_hover_text(format!("{value:?}"));
}
