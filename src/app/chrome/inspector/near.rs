//! The rows of the vocabulary that a token's state is closest to.

use std::sync::Arc;

use egui::{CollapsingHeader, Grid, RichText, Ui};

use crate::analysis::embedding::{NO_ROW, nearest};
use crate::cancel::Cancel;
use crate::engine::{Derived, Engine};
use crate::model::Model;
use crate::trace::{EmbedSite, LayerSite, Site, Trace};
use crate::widgets::theme::{SPACE, Theme, number};

/// How many rows to show.
const SHOWN: usize = 8;

/// (pass, token, site)
type Key = (u64, usize, Site);

/// Pieces with their cosines, and the median cosine of the vocabulary.
struct Found {
    rows: Vec<(String, f64)>,
    median: Option<f64>,
}

/// Remembers the last that were found.
#[derive(Default)]
pub(super) struct NearRows {
    found: Derived<Key, Option<Found>>,
}

/// The state behind the layer, as the encoder hands it on.
fn state_of(trace: &Trace, layer: usize) -> Site {
    match trace.layers {
        0 => Site::Embed(EmbedSite::Out),
        layers if layer + 1 == layers && !trace.mixes_layers => Site::FinalOut,
        _ => Site::Layer(layer, LayerSite::ResidOut),
    }
}

impl NearRows {
    pub fn near_ui(
        &mut self,
        ui: &mut Ui,
        (engine, model): (&Engine, &Arc<Model>),
        trace: &Arc<Trace>,
        layer: usize,
        token: usize,
    ) {
        let site = state_of(trace, layer);
        let width = model.token_table().map(|table| table.size(1));
        // Tables of another width than the stream cannot be compared with it.
        if width != trace.values(site).map(|values| values.size(1)) {
            return;
        }
        let (made, of) = (model.clone(), trace.clone());
        let make = move |cancel: &Cancel| find(&made, &of, site, token, cancel);
        let shown = self.found.get(engine, &(trace.pass, token, site), make);
        let title = RichText::new("Nearest vocabulary rows").strong();
        CollapsingHeader::new(title)
            .id_salt("nearest rows")
            .default_open(true)
            .show_unindented(ui, |ui| {
                let secondary = Theme::of(ui).secondary();
                let quiet = |text: String| RichText::new(text).small().color(secondary);
                let about = format!("by cosine of {site}[{token}] to the rows of the token table");
                ui.label(quiet(about));
                match shown {
                    None => {
                        ui.label(quiet("Searching…".to_owned()));
                    }
                    Some(shown) => {
                        if !shown.current {
                            ui.multiply_opacity(Theme::of(ui).stale_alpha());
                        }
                        found_ui(ui, shown.value.as_ref().as_ref());
                    }
                }
            });
    }

    /// Nobody looks any more.
    pub fn stop(&mut self) {
        self.found.stop();
    }
}

fn find(model: &Model, trace: &Trace, site: Site, token: usize, cancel: &Cancel) -> Option<Found> {
    let table = model.token_table()?;
    let values = trace.values(site)?;
    let near = nearest(&table, &values.row(&[token]), SHOWN, cancel)?;
    let piece = |row: usize| {
        let piece = u32::try_from(row).ok();
        let piece = piece.and_then(|id| model.tokenizer.label(id));
        piece.unwrap_or_else(|| format!("row {row}"))
    };
    let rows = near.rows.iter().map(|near| (piece(near.row), near.cosine));
    Some(Found {
        rows: rows.collect(),
        median: near.median,
    })
}

fn found_ui(ui: &mut Ui, found: Option<&Found>) {
    let secondary = Theme::of(ui).secondary();
    let Some(found) = found else {
        ui.label(RichText::new("Nothing was found.").small().color(secondary));
        return;
    };
    let small = |text: String| RichText::new(text).monospace().small();
    Grid::new("nearest rows")
        .num_columns(2)
        .spacing([SPACE, 2.])
        .show(ui, |ui| {
            for (piece, cosine) in &found.rows {
                ui.label(small(piece.clone()));
                ui.label(small(number(*cosine)))
                    .on_hover_text(format!("{cosine:?}"));
                ui.end_row();
            }
        });
    let text = match found.median {
        Some(median) => format!("The median row has a cosine of {}.", number(median)),
        None => NO_ROW.to_owned(),
    };
    ui.label(RichText::new(text).small().color(secondary));
}
