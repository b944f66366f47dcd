//! The arithmetic of the cell that is pointed at: from q and k to the weight, with the numbers.

use egui::{Grid, RichText, Ui};

use super::{Options, Subject, ViewContext, title_ui};
use crate::analysis::attention::Cell;
use crate::trace::{LayerSite, Site};
use crate::widgets::theme::{SPACE, Theme, number};
use crate::widgets::{Scale, vector_bars_ui};

/// A recomputed value that differs by more is no account of the recorded one.
const TOLERANCE: f64 = 1e-5;
const STRIP: f32 = 28.0;

pub(super) fn cell_ui(ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject, options: &Options) {
    let text = &subject.text;
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
    let (layer, head) = (subject.layer, subject.head);
    title_ui(ui, &title, |ui| {
        ui.weak(super::head_name(layer, head));
    });
    if options.mean {
        ui.weak(
            "A mean over heads has no q and k of its own: this is the chosen head's part of it.",
        );
    }
    let scale = cx.model.spec().scale();
    let Some(cell) = Cell::new(&text.trace, layer, head, query, key, scale) else {
        ui.weak("This layer's q and k are not recorded.");
        return;
    };
    let size = cell.q.len();
    let site = |site, token: usize| format!("{}[{head}, {token}]", Site::Layer(layer, site));
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
        "q∘k",
        &format!("{q} × {k}, dimension by dimension"),
        &cell.product,
    );
    ui.add_space(0.5 * SPACE);
    sums_ui(ui, &cell, size, text.tokens());
    let index = format!("[{head}, {query}, {key}]");
    let recorded = [
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
    ];
    for (site, value, residual) in recorded {
        recorded_ui(
            ui,
            &format!("{}{index}", Site::Layer(layer, site)),
            value,
            residual,
        );
    }
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

fn sums_ui(ui: &mut Ui, cell: &Cell, size: usize, tokens: usize) {
    let largest = number(cell.largest);
    let keys = format!("over the row's {tokens} keys: the softmax denominator");
    let row = |name: String, value: f64, note: &str| (name, value, note.to_owned());
    let mut rows = vec![
        row("Σ q∘k".to_owned(), cell.dot, "the last strip, added up"),
        row(
            format!("× 1/√{size}"),
            cell.scale,
            "so that its spread does not grow with the head's size",
        ),
    ];
    if cell.bias != 0.0 {
        rows.push(row(
            "+ bias".to_owned(),
            cell.bias,
            "from relative positions or a mask",
        ));
    }
    rows.extend([
        row("score s".to_owned(), cell.score, "before the softmax"),
        row(
            format!("exp(s − {largest})"),
            cell.numerator,
            "less the row's largest score, so that nothing overflows",
        ),
        row(format!("Σ exp(sⱼ − {largest})"), cell.denominator, &keys),
        row(
            "weight".to_owned(),
            cell.weight,
            "exp(s − …) / Σ exp(sⱼ − …)",
        ),
    ]);
    let theme = Theme::of(ui);
    Grid::new("cell sums")
        .num_columns(3)
        .spacing([2.0 * SPACE, 2.0])
        .show(ui, |ui| {
            for (name, value, note) in rows {
                ui.label(RichText::new(name).monospace());
                let value_text = RichText::new(number(value)).monospace();
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.label(value_text).on_hover_text(format!("{value:?}"));
                });
                ui.label(RichText::new(note).small().color(theme.secondary()));
                ui.end_row();
            }
        });
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
