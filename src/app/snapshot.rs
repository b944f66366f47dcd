//! One panel as a picture, with no window: the same code that paints it in the window, off screen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::Harness;

use super::App;
use super::state::{State, ThemeChoice};
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
    /// A second model that the same texts are seen through.
    pub reference: Option<ModelRef>,
}

/// How long the panel may take until nothing changes any more: a long text through a large model takes
/// minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Paints one panel and returns the picture.
///
/// # Errors
/// When there is no such panel, no graphics driver, or the panel does not settle.
pub fn snapshot(model: Arc<Model>, options: &SnapshotOptions) -> Result<image::RgbaImage, String> {
    let whole = options.panel == "window";
    if !whole && views::find(&options.panel).is_none() {
        let known: Vec<&str> = views::PANELS.iter().map(|panel| panel.id).collect();
        let known = known.join(", ");
        return Err(format!(
            "panel `{}` does not exist; there are {known}, window",
            options.panel
        ));
    }
    let mut state = State::default();
    state.set_texts(options.texts.iter().map(String::as_str));
    state.theme = if options.dark {
        ThemeChoice::Dark
    } else {
        ThemeChoice::Light
    };
    state.layer = options.layer;
    state.head = options.head;
    state.prompt = options.prompt.clone();
    state.reference = options.reference.clone();
    // Nobody is there to be asked.
    state.tour_seen = true;
    let panel = options.panel.clone();
    // Rendering needs Vulkan or OpenGL; without either the harness panics, which is no answer for a
    // person at a terminal.
    let run = std::panic::AssertUnwindSafe(|| {
        let builder = Harness::builder()
            .with_size(options.size)
            .with_theme(if options.dark {
                egui::Theme::Dark
            } else {
                egui::Theme::Light
            })
            .with_accessibility_check(false)
            .allow_missing_glyphs()
            .wgpu();
        let mut app: Option<App> = None;
        let mut harness = builder.build_ui(move |ui| {
            let Some(app) = &mut app else {
                // Fonts that are set in a frame are there in the next.
                app = Some(App::headless(ui.ctx(), state.clone(), model.clone()));
                return;
            };
            app.update(ui.ctx());
            match whole {
                true => app.window_ui(ui),
                false => app.single_ui(ui, &panel),
            }
            ui.data_mut(|data| data.insert_temp(egui::Id::unique(BUSY), app.engine.busy()));
        });
        settle(&mut harness)?;
        harness.render()
    });
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        Err("nothing can be rendered here: no Vulkan or OpenGL driver was found (on Debian: apt install mesa-vulkan-drivers libvulkan1)".to_owned())
    })
}

const BUSY: &str = "engine busy";

/// Steps until the engine is idle and stays so: what one answer shows may call for another.
fn settle(harness: &mut Harness<'_>) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 4 {
        if Instant::now() > end {
            return Err("the panel did not settle within ten minutes".to_owned());
        }
        harness.step();
        let busy = harness
            .ctx
            .data(|data| data.get_temp(egui::Id::unique(BUSY)));
        match busy {
            Some(false) => quiet += 1,
            _ => {
                quiet = 0;
                std::thread::sleep(Duration::from_millis(3));
            }
        }
    }
    Ok(())
}
