//! Colours for figures, made on a thread beside the window's: asked for while a pass is painted, and in
//! their textures when it ends, so that no frame shows what is not current.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use egui::{ColorImage, Context, Plugin, TextureHandle, TextureOptions, Ui};

use crate::widgets::colormap::{Ramp, Scale};
use crate::widgets::theme::Theme;

/// Fewer cells than this are coloured sooner than they are handed over.
const WORTH_IT: usize = 16 * 1024;

/// Figures that are to become colours, one for each pixel.
pub(crate) struct Figures {
    /// Width and height.
    pub size: [usize; 2],
    /// Row by row.
    pub cells: Vec<f32>,
    pub scale: Scale,
    pub theme: Theme,
}

impl Figures {
    pub fn image(&self) -> ColorImage {
        let _span = tracing::trace_span!("picture of a map").entered();
        let mut pixels = Vec::with_capacity(self.cells.len());
        Ramp::new(self.scale, self.theme).extend(&mut pixels, &self.cells);
        ColorImage::new(self.size, pixels)
    }
}

/// How far one picture is. Whoever makes it holds the lock meanwhile.
enum Work {
    Asked(Figures),
    Made(ColorImage),
    Taken,
}

impl Work {
    fn image(&mut self) -> Option<ColorImage> {
        match std::mem::replace(self, Self::Taken) {
            Self::Asked(figures) => Some(figures.image()),
            Self::Made(image) => Some(image),
            Self::Taken => None,
        }
    }
}

type Slot = Arc<Mutex<Work>>;

/// The pictures that a context's current pass asked for. A context without this plugin makes each where
/// it is asked for.
#[derive(Default)]
pub struct Pictures {
    asked: Vec<(TextureHandle, Slot)>,
}

impl Pictures {
    pub fn install(ctx: &Context) {
        ctx.add_plugin(Self::default());
    }

    /// These figures' picture in a texture, by the end of the pass.
    pub(super) fn paint(ctx: &Context, texture: &mut TextureHandle, figures: Figures) {
        let mut figures = Some(figures);
        if figures.as_ref().is_some_and(|f| f.cells.len() >= WORTH_IT) {
            ctx.with_plugin(|pictures: &mut Self| {
                if let Some(figures) = figures.take() {
                    pictures.ask(texture.clone(), figures);
                }
            });
        }
        if let Some(figures) = figures {
            texture.set(figures.image(), TextureOptions::NEAREST);
        }
    }

    fn ask(&mut self, texture: TextureHandle, figures: Figures) {
        let slot = Arc::new(Mutex::new(Work::Asked(figures)));
        if let Some(painter) = painter() {
            // Were its thread gone, the end of the pass would find it still to do.
            let _ = painter.send(slot.clone());
        }
        self.asked.push((texture, slot));
    }
}

impl Plugin for Pictures {
    fn debug_name(&self) -> &'static str {
        "pictures"
    }

    /// What the other thread has not begun is made here: a busy machine delays no frame.
    fn on_end_pass(&mut self, _: &mut Ui) {
        for (mut texture, slot) in self.asked.drain(..) {
            if let Some(image) = lock(&slot).image() {
                texture.set(image, TextureOptions::NEAREST);
            }
        }
    }
}

/// The thread that colours; none where none can be had.
fn painter() -> Option<&'static Sender<Slot>> {
    static PAINTER: OnceLock<Option<Sender<Slot>>> = OnceLock::new();
    let start = || {
        let (sender, slots) = mpsc::channel::<Slot>();
        let work = move || {
            for slot in slots {
                let mut work = lock(&slot);
                if let Some(image) = work.image() {
                    *work = Work::Made(image);
                }
            }
        };
        let thread = std::thread::Builder::new().name("pictures".to_owned());
        thread.spawn(work).is_ok().then_some(sender)
    };
    PAINTER.get_or_init(start).as_ref()
}

fn lock(slot: &Mutex<Work>) -> MutexGuard<'_, Work> {
    slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use egui::{Context, RawInput, TextureId};

    use super::*;

    fn figures(value: f32) -> Figures {
        Figures {
            size: [256, 128],
            cells: vec![value; 256 * 128],
            scale: Scale::amount(1.0),
            theme: Theme::DARK,
        }
    }

    /// What a pass that asks for these on one texture uploads to it.
    fn uploaded(ctx: &Context, all: &[f32]) -> Vec<ColorImage> {
        let mut id = TextureId::default();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            let empty = ColorImage::filled([1, 1], egui::Color32::TRANSPARENT);
            let mut texture = ui.ctx().load_texture("map", empty, TextureOptions::NEAREST);
            id = texture.id();
            for &value in all {
                Pictures::paint(ui.ctx(), &mut texture, figures(value));
            }
        });
        let deltas = output.textures_delta.set.get(&id).into_iter().flatten();
        let images = deltas.map(|delta| {
            let egui::ImageData::Color(image) = &delta.image;
            ColorImage::clone(image)
        });
        let images = images.collect();
        output.textures_delta.clear();
        images
    }

    #[test]
    fn the_last_picture_asked_for_is_there_when_the_pass_ends() {
        let (with, without) = (Context::default(), Context::default());
        Pictures::install(&with);
        for ctx in [with, without] {
            for _ in 0..20 {
                let images = uploaded(&ctx, &[0.2, 0.9]);
                assert_eq!(images, [figures(0.9).image()]);
            }
        }
    }
}
