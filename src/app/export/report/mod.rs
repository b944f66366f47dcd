//! A report: one HTML file with everything in it, to be read, printed and sent on.

mod facts;
mod page;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use egui::{Vec2, vec2};

use super::headless::Headless;
use super::{Content, Export, Format, file, png, svg};
use crate::app::state::{State, ThemeChoice};
use crate::cancel::Cancel;
use crate::model::Model;
use crate::views;

/// The panels that are in it, in the order of the pipeline.
const PANELS: [&str; 8] = [
    "tokens",
    "embedding",
    "position",
    "attention",
    "feed_forward",
    "residual",
    "pooling",
    "score",
];
/// Each of them in both looks.
const THEMES: [(ThemeChoice, &str); 2] =
    [(ThemeChoice::Light, "light"), (ThemeChoice::Dark, "dark")];
/// Of a picture, in points; it grows as high as it needs to be.
const SIZE: Vec2 = vec2(1000., 700.);
/// Bytes beyond which a picture is pixels and not lines.
const LARGE: usize = 3 << 20;

/// Bytes beyond which a picture is in the page once and not in both looks.
const HEAVY: usize = 120 << 10;

/// A report under way, for whoever watches or stops it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    cancel: Cancel,
    done: Arc<AtomicUsize>,
}

impl Run {
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Pictures made, and all that there will be.
    pub fn progress(&self) -> (usize, usize) {
        let all = PANELS.len() * THEMES.len();
        (self.done.load(Ordering::Relaxed).min(all), all)
    }
}

/// A panel's part of the page.
struct Section {
    title: &'static str,
    about: &'static str,
    /// Light and dark: markup of an image. A large one is there in light alone.
    pictures: [String; 2],
    /// Tab-separated; none where the panel has no figures.
    table: Option<String>,
}

/// Makes a report and writes it; false where it was given up on the way.
///
/// # Errors
/// One message that names the file or the text at fault.
pub fn write(model: Arc<Model>, state: State, path: &Path, run: &Run) -> Result<bool, String> {
    let Some(page) = make(model, state, run)? else {
        return Ok(false);
    };
    file::write(path, page.as_bytes()).map_err(|error| error.to_string())?;
    Ok(true)
}

/// The page; none where it was given up on the way.
///
/// # Errors
/// Where a text cannot be encoded or a panel does not come to an end.
pub fn make(model: Arc<Model>, mut state: State, run: &Run) -> Result<Option<String>, String> {
    state.locked = Default::default();
    state.preferences.theme = THEMES[0].0;
    let mut headless = Headless::new(model.clone(), state).scaled(1.);
    let mut sections = Vec::new();
    for id in PANELS {
        match section(&mut headless, id, run) {
            Ok(made) => sections.extend(made),
            Err(_) if run.cancel.is_cancelled() => return Ok(None),
            Err(why) => return Err(why),
        }
    }
    let facts = facts::Facts::of(&model, headless.app(), &run.cancel);
    if run.cancel.is_cancelled() {
        return Ok(None);
    }
    Ok(Some(page::page(
        &model,
        headless.app().state(),
        &facts?,
        &sections,
    )))
}

fn section(headless: &mut Headless, id: &str, run: &Run) -> Result<Option<Section>, String> {
    let Some(panel) = views::find(id) else {
        return Ok(None);
    };
    let (mut pictures, mut light) = ([String::new(), String::new()], 0);
    for ((theme, name), slot) in THEMES.into_iter().zip(&mut pictures) {
        if name == "dark" && light > HEAVY {
            run.done.fetch_add(1, Ordering::Relaxed);
            break;
        }
        headless.set_theme(theme);
        headless.settle(id, SIZE, &run.cancel)?;
        let picture = headless.picture(id, SIZE);
        let title = format!("{}, {name}", panel.title);
        let drawn = svg::compact(&picture, &title, &format!("{id}-{name}-"));
        *slot = match drawn.len() > LARGE {
            true => {
                let bytes = png::encode(&picture.raster())?;
                let (width, title) = (picture.size.x, svg::escaped(&title));
                let data = png::base64(&bytes);
                format!(
                    "<img width=\"{width}\" alt=\"{title}\" src=\"data:image/png;base64,{data}\">"
                )
            }
            false => drawn,
        };
        light = light.max(slot.len());
        run.done.fetch_add(1, Ordering::Relaxed);
    }
    let figures = headless.figures(Export {
        panel: panel.id,
        format: Format::Tsv,
        part: 0,
    });
    Ok(Some(Section {
        title: panel.title,
        about: panel.about,
        pictures,
        // A panel without figures says so in its picture.
        table: match figures {
            Ok(Content::Table(table)) => Some(table),
            _ => None,
        },
    }))
}
