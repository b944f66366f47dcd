//! One file per panel, one registry line each. Views paint what is ready and send commands; they
//! compute nothing that takes longer than a frame.

pub(crate) mod attention;
pub(crate) mod beside;
mod common;
mod compare;
mod context;
mod contrastive;
mod diagnosis;
pub(crate) mod difference;
mod embedding;
mod feed_forward;
mod fine_tune;
mod intervene;
mod models;
mod plot;
mod pooling;
mod position;
mod progress;
mod recorded;
mod residual;
pub(crate) mod score;
pub(crate) mod scroll;
mod standing;
mod subject;
mod tokens;
mod what_if;

pub use context::{TextView, ViewContext};
pub(crate) use intervene::hovered_head;

use crate::app::export::NamedArray;

/// A panel's entry in the registry.
pub struct Panel {
    /// Names the panel in layouts, on the command line and in tests.
    pub id: &'static str,
    pub title: &'static str,
    /// One paragraph: what am I looking at?
    pub about: &'static str,
    /// True for panels of one text, which get the switch between A and B.
    pub one_text: bool,
    pub make: fn() -> Box<dyn View>,
}

/// What a panel remembers from frame to frame: textures and derived values, no choices.
pub trait View {
    /// Paints into the whole of `ui`. The model is loaded and there is at least one text.
    fn ui(&mut self, ui: &mut egui::Ui, cx: &mut ViewContext<'_>);

    /// The panel's figures as tab-separated values, for the clipboard. Called when they are copied.
    fn tsv(&self, _cx: &ViewContext<'_>) -> Option<String> {
        None
    }

    /// The panel's figures as arrays with the names of their sites, what is in front first. Called when
    /// they are listed and when they are written.
    fn arrays(&self, _cx: &ViewContext<'_>) -> Vec<NamedArray> {
        Vec::new()
    }
}

/// Every panel, in the order of the pipeline.
pub static PANELS: &[&Panel] = &[
    &tokens::PANEL,
    &embedding::PANEL,
    &position::PANEL,
    &attention::PANEL,
    &feed_forward::PANEL,
    &residual::PANEL,
    &pooling::PANEL,
    &score::PANEL,
    &diagnosis::PANEL,
    &what_if::PANEL,
    &contrastive::PANEL,
    &fine_tune::PANEL,
    &models::PANEL,
];

/// The panel of that name.
pub fn find(id: &str) -> Option<&'static Panel> {
    PANELS.iter().copied().find(|panel| panel.id == id)
}
