//! Painting with no window: egui's own shapes, and the textures that they show.

use std::collections::HashMap;
use std::sync::Arc;

use egui::epaint::textures::TexturesDelta;
use egui::epaint::{ClippedShape, ImageData};
use egui::{
    Color32, ColorImage, Context, Pos2, RawInput, Rect, TextureFilter, TextureId, Ui, Vec2,
    ViewportId,
};

use super::raster;
use crate::widgets::theme;

/// How many pixels a point takes in pictures.
pub const SCALE: f32 = 2.;
/// No side of a picture is longer, in points.
pub const LONGEST: f32 = 4000.;

/// A texture as it was last set.
#[derive(Clone)]
pub struct Texture {
    pub image: Arc<ColorImage>,
    /// Cells and not a smooth picture.
    pub nearest: bool,
}

pub type Textures = HashMap<TextureId, Texture>;

/// A context of its own, with the program's fonts and looks.
pub struct Offscreen {
    ctx: Context,
    textures: Textures,
    time: f64,
    /// How many pixels a point takes.
    scale: f32,
}

/// What was painted, whole: everything that is needed to draw it somewhere else.
pub struct Picture {
    /// In points.
    pub size: Vec2,
    pub background: Color32,
    pub shapes: Vec<ClippedShape>,
    pub textures: Textures,
    scale: f32,
    ctx: Context,
}

impl Offscreen {
    pub fn new(dark: bool) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        ctx.set_theme(match dark {
            true => egui::Theme::Dark,
            false => egui::Theme::Light,
        });
        Self {
            ctx,
            textures: Textures::new(),
            time: 0.,
            scale: SCALE,
        }
    }

    /// The same with so many pixels to a point.
    pub fn scaled(self, scale: f32) -> Self {
        Self { scale, ..self }
    }

    /// With what a window remembers of its widgets: which sections are open, which options are on.
    pub fn remember(&self, window: &Context) {
        let data = window.data(|data| data.clone());
        self.ctx.data_mut(|own| *own = data);
    }

    pub fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// One frame of this size in points.
    pub fn pass(&mut self, size: Vec2, paint: impl FnMut(&mut Ui)) -> Vec<ClippedShape> {
        // Long enough for every animation to be over.
        self.time += 1.;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
            time: Some(self.time),
            max_texture_side: Some(8192),
            ..RawInput::default()
        };
        let viewport = input.viewports.entry(ViewportId::ROOT).or_default();
        viewport.native_pixels_per_point = Some(self.scale);
        let mut output = self.ctx.run_ui(input, paint);
        self.keep(&mut output.textures_delta);
        std::mem::take(&mut output.shapes)
    }

    fn keep(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(image) = change.image;
                let nearest = change.options.magnification == TextureFilter::Nearest;
                match (change.pos, self.textures.get_mut(&id)) {
                    (Some(at), Some(old)) => put(Arc::make_mut(&mut old.image), at, &image),
                    _ => {
                        self.textures.insert(id, Texture { image, nearest });
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    /// What `shapes` of the last pass look like, on the colour of panels.
    pub fn picture(&self, size: Vec2, shapes: Vec<ClippedShape>) -> Picture {
        Picture {
            size,
            background: self.ctx.global_style().visuals.panel_fill,
            shapes,
            textures: self.textures.clone(),
            scale: self.scale,
            ctx: self.ctx.clone(),
        }
    }

    /// Paints what is as wide as `size` and as high as it needs to be: what scrolls is there whole.
    /// Where it fills whatever room there is, it gets the height of `size`.
    pub fn whole(&mut self, size: Vec2, mut paint: impl FnMut(&mut Ui)) -> Picture {
        // Whole points, so that every file of it has the same size.
        let size = size.round();
        let tall = Vec2::new(size.x, LONGEST);
        // Sizes are known in the second pass only.
        self.pass(tall, &mut paint);
        let shapes = self.pass(tall, &mut paint);
        let (needed, fills) = bottom(&shapes);
        let height = match needed >= 0.95 * LONGEST {
            true if fills => size.y,
            true => LONGEST,
            // With room for margins, which nothing is painted in: too little would scroll.
            false => (needed + 5. * theme::SPACE).ceil().max(64.),
        };
        let size = Vec2::new(size.x, height);
        self.pass(size, &mut paint);
        let shapes = self.pass(size, &mut paint);
        self.picture(size, shapes)
    }
}

/// How far down anything was painted, and whether one thing takes most of the height: then it is not long
/// but takes whatever room there is.
fn bottom(shapes: &[ClippedShape]) -> (f32, bool) {
    // A scroll bar is as high, but no content.
    const WIDE: f32 = 16.;
    let bounds = |clipped: &ClippedShape| clipped.shape.visual_bounding_rect();
    // The bounds of a text without letters are no numbers, and cut to the picture they would be all of it.
    let bounded = shapes.iter().filter(|clipped| !bounds(clipped).any_nan());
    let seen = bounded.map(|clipped| {
        let whole = bounds(clipped);
        // What goes on beyond the end is long.
        let ends = whole.bottom() <= clipped.clip_rect.bottom() + 1.;
        (whole.intersect(clipped.clip_rect), ends)
    });
    let seen = seen.filter(|(rect, _)| rect.is_finite() && rect.is_positive());
    seen.fold((0., false), |(low, fills), (rect, ends)| {
        let tall = ends && rect.height() > 0.6 * LONGEST && rect.width() > WIDE;
        (rect.bottom().max(low), fills || tall)
    })
}

/// Copies `part` into `image` with its corner at `at`.
fn put(image: &mut ColorImage, at: [usize; 2], part: &ColorImage) {
    let ([width, height], [across, down]) = (image.size, part.size);
    for row in 0..down.min(height.saturating_sub(at[1])) {
        let count = across.min(width.saturating_sub(at[0]));
        let to = (at[1] + row) * width + at[0];
        let from = row * across;
        image.pixels[to..to + count].copy_from_slice(&part.pixels[from..from + count]);
    }
}

impl Picture {
    /// As pixels; takes too long for a frame.
    pub fn raster(&self) -> image::RgbaImage {
        let scale = self.scale;
        let meshes = self.ctx.tessellate(self.shapes.clone(), scale);
        let size = [self.size.x, self.size.y].map(|side| (side * scale).round().max(1.) as usize);
        raster::draw(&meshes, &self.textures, size, scale, self.background)
    }
}
