//! One panel as a picture, with no window: the same code that paints it in the window, off screen.

use std::sync::Arc;

use super::export::headless::Headless;
use super::export::{Content, Export, Format};
use super::state::{Beside, Focus, State, ThemeChoice};
use crate::cancel::Cancel;
use crate::model::intervention::Interventions;
use crate::model::{Model, ModelRef, Prompt};
use crate::views;

/// What to paint.
#[derive(Clone, Debug)]
pub struct SnapshotOptions {
    /// A panel's id, or `window` for everything.
    pub panel: String,
    pub texts: Vec<String>,
    /// In points.
    pub size: [f32; 2],
    pub dark: bool,
    pub layer: usize,
    pub head: usize,
    pub prompt: Prompt,
    /// What is switched off or changed inside the encoder.
    pub interventions: Interventions,
    /// A second model that the same texts are seen through.
    pub reference: Option<ModelRef>,
    /// What is held, of the text at this place in the list.
    pub lock: Option<(usize, Focus)>,
    /// A less B in the panels that have such a view.
    pub difference: bool,
    /// Two columns in the panels of one text.
    pub beside: Option<Beside>,
}

impl SnapshotOptions {
    /// What a person would have chosen in the window.
    pub fn state(&self) -> State {
        let mut state = State::default();
        state.set_texts(self.texts.iter().map(String::as_str));
        state.preferences.theme = match self.dark {
            true => ThemeChoice::Dark,
            false => ThemeChoice::Light,
        };
        // Nobody is there to be asked.
        state.preferences.tour_seen = true;
        state.layer = self.layer;
        state.head = self.head;
        state.difference = self.difference;
        state.beside = self.beside;
        state.prompt = self.prompt.clone();
        state.interventions = self.interventions.clone();
        state.reference = self.reference.clone();
        if let Some((index, focus)) = self.lock {
            let text = state.texts.get(index).map(|text| text.id);
            state.locked = Focus { text, ..focus };
        }
        state
    }

    /// # Errors
    /// When there is no such panel; the message lists those there are.
    pub fn check(&self) -> Result<(), String> {
        if self.panel == "window" || views::find(&self.panel).is_some() {
            return Ok(());
        }
        let known: Vec<&str> = views::PANELS.iter().map(|panel| panel.id).collect();
        let (panel, known) = (&self.panel, known.join(", "));
        Err(format!(
            "panel `{panel}` does not exist; there are {known}, window"
        ))
    }
}

/// A panel as a file of this format: as high as it needs to be where it is drawn in lines, and as its
/// figures where it is a table or arrays.
///
/// # Errors
/// When there is no such panel, it has no such figures, or it does not settle.
pub fn export(
    model: Arc<Model>,
    options: &SnapshotOptions,
    format: Format,
) -> Result<Vec<u8>, String> {
    options.check()?;
    let panel = views::find(&options.panel);
    let title = panel.map_or("embedscope", |panel| panel.title);
    let size = options.size.into();
    let mut headless = Headless::new(model, options.state());
    headless.settle(&options.panel, size, &Cancel::new())?;
    let content = match (format.is_picture(), panel) {
        (true, _) => Content::Picture(Box::new(headless.picture(&options.panel, size))),
        (false, Some(panel)) => headless.figures(Export {
            panel: panel.id,
            format,
            part: 0,
        })?,
        (false, None) => {
            return Err("the window has no figures of its own; name a panel".to_owned());
        }
    };
    content.bytes(format, title)
}

/// Paints one panel and returns the picture, with a pixel for each point. Needs no graphics driver.
///
/// # Errors
/// When there is no such panel, or it does not settle.
pub fn snapshot(model: Arc<Model>, options: &SnapshotOptions) -> Result<image::RgbaImage, String> {
    options.check()?;
    let size = options.size.into();
    let mut headless = Headless::new(model, options.state()).on_screen();
    headless.settle(&options.panel, size, &Cancel::new())?;
    Ok(headless.picture(&options.panel, size).raster())
}
