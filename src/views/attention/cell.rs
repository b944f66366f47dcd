//! The arithmetic of the cell that is pointed at: from q and k to the weight, with the numbers.

use egui::{Align, Grid, Layout, RichText, Ui};

use super::{Options, Scene, ViewContext, title_ui};
use crate::analysis::attention::Cell;
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
    if options.mean {
        ui.weak(
            "A mean over heads has no q and k of its own: this is the chosen head's part of it.",
        );
    }
    let scale = cx.model.spec().scale;
    let Some(cell) = Cell::new(&text.trace, layer, head, query, key, scale) else {
        ui.weak("This layer's q and k are not recorded.");
        return;
    };
    strips_ui(ui, scene, &cell, (query, key));
    ui.add_space(SPACE);
    sums_ui(ui, scene, &cell, (query, key));
}

/// q, k and their product, dimension by dimension.
fn strips_ui(ui: &mut Ui, scene: &Scene, cell: &Cell, (query, key): (usize, usize)) {
    let (text, head) = (&scene.text, scene.head);
    let site = |site, token: usize| format!("{}[{head}, {token}]", Site::Layer(scene.layer, site));
    let (q, k) = (site(LayerSite::Q, query), site(LayerSite::K, key));
    strip_ui(
        ui,
        "q",
        &format!("{q}, what {} asks for", text.token(query)),
        &cell.q,
    );
    strip_ui(
        ui,
        "k",
        &format!("{k}, what {} offers", text.token(key)),
        &cell.k,
    );
    strip_ui(
        ui,
        "q×k",
        &format!("{q} × {k}, dimension by dimension"),
        &cell.product,
    );
}

/// One vector of the head, a bar for each dimension.
fn strip_ui(ui: &mut Ui, label: &str, name: &str, values: &[f32]) {
    ui.horizontal(|ui| {
        let text = RichText::new(label).monospace();
        ui.add_sized([32.0, STRIP], egui::Label::new(text))
            .on_hover_text(name);
        vector_bars_ui(ui, name, values, Scale::signed_of(values), STRIP, None);
    });
}

/// From the product to the weight, and how far that is from what was recorded.
fn sums_ui(ui: &mut Ui, scene: &Scene, cell: &Cell, (query, key): (usize, usize)) {
    let rows = steps(cell, scene.text.tokens());
    let theme = Theme::of(ui);
    // Notes need room beside name and number.
    let notes = ui.available_width() >= 400.0;
    // The lines of one sum belong together: no room for buttons between them.
    ui.spacing_mut().interact_size.y = 0.0;
    let grid = Grid::new("cell sums").num_columns(3);
    grid.spacing([2.0 * SPACE, 3.0]).show(ui, |ui| {
        for (name, value, note) in rows {
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

/// Each step's name, number and reason.
fn steps(cell: &Cell, tokens: usize) -> Vec<(String, f64, String)> {
    let largest = number(cell.largest);
    let row = |name: &str, value: f64, note: &str| (name.to_owned(), value, note.to_owned());
    let mut rows = vec![
        row("Σ q×k", cell.dot, "the products, added up"),
        row(
            &format!("× 1/√{}", cell.q.len()),
            cell.scale,
            "so that its spread does not grow with d",
        ),
    ];
    if cell.bias != 0.0 {
        rows.push(row(
            "+ bias",
            cell.bias,
            "from relative positions or a mask",
        ));
    }
    rows.extend([
        row("= score s", cell.score, "before the softmax"),
        row(
            &format!("exp(s − {largest})"),
            cell.numerator,
            "less the row's largest, so that nothing overflows",
        ),
        row(
            &format!("Σ exp(sⱼ − {largest})"),
            cell.denominator,
            &format!("over the row's {tokens} keys: the denominator"),
        ),
        row("= weight", cell.weight, "the last two, divided"),
    ]);
    rows
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
