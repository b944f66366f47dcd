//! A picture as SVG: what egui was asked to paint, as the same rectangles, lines and letters.
//!
//! Maps of numbers are images with one pixel a cell, enlarged without smoothing.

mod mesh;
mod paths;
mod text;
mod write;

use egui::epaint::{ClippedShape, RectShape, Shape};
use egui::{Color32, Rect, StrokeKind, TextureId};

use super::offscreen::{Picture, Textures};
use super::png;
pub use write::escaped;
use write::{Writer, fill, num, stroke};

/// A document of its own. `title` is for those who do not see it.
pub fn document(picture: &Picture, title: &str) -> String {
    const SPACE: &str = "xmlns=\"http://www.w3.org/2000/svg\"";
    let body = element(picture, title, "").replacen("<svg ", &format!("<svg {SPACE} "), 1);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}")
}

/// The element alone, for a page; `prefix` keeps its names apart from those of other pictures.
pub fn element(picture: &Picture, title: &str, prefix: &str) -> String {
    drawn(picture, title, prefix, false)
}

/// The same for a page that a browser shows, which enlarges cells without smoothing: its images have one
/// pixel for a cell and few colours, and take a fraction of the room.
pub fn compact(picture: &Picture, title: &str, prefix: &str) -> String {
    // What most letters have is said once.
    let family = text::family();
    let drawn = drawn(picture, title, prefix, true).replace(&family, "");
    drawn.replacen("<svg ", &format!("<svg{family} "), 1)
}

fn drawn(picture: &Picture, title: &str, prefix: &str, compact: bool) -> String {
    let (width, height) = (num(picture.size.x), num(picture.size.y));
    let canvas = Rect::from_min_size(egui::Pos2::ZERO, picture.size);
    let mut drawing = Drawing {
        out: Writer::new(prefix, canvas),
        textures: &picture.textures,
        compact,
    };
    for clipped in &picture.shapes {
        drawing.clipped(clipped, canvas);
    }
    let (clips, body) = drawing.out.finish();
    let title = escaped(title);
    let (background, _) = write::color(picture.background);
    format!(
        "<svg width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{title}</title>\n\
         <defs>\n{clips}</defs>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{background}\"/>\n{body}</svg>\n"
    )
}

struct Drawing<'a> {
    out: Writer,
    textures: &'a Textures,
    compact: bool,
}

impl Drawing<'_> {
    fn clipped(&mut self, clipped: &ClippedShape, canvas: Rect) {
        let clip = clipped.clip_rect.intersect(canvas);
        let seen = clipped.shape.visual_bounding_rect().intersects(clip);
        // A line has no area, but a stroke that is seen.
        if clip.is_positive() && (seen || matches!(clipped.shape, Shape::Vec(_))) {
            self.out.clip(clip);
            self.shape(&clipped.shape);
        }
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Noop | Shape::Callback(_) => {}
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.shape(shape)),
            Shape::Rect(rect) => self.rect(rect),
            Shape::Circle(circle) => paths::circle(&mut self.out, circle),
            Shape::Ellipse(ellipse) => paths::ellipse(&mut self.out, ellipse),
            Shape::LineSegment { points, stroke } => {
                paths::segment(&mut self.out, *points, *stroke);
            }
            Shape::Path(path) => paths::path(&mut self.out, path),
            Shape::Band(band) => paths::band(&mut self.out, band),
            Shape::QuadraticBezier(curve) => paths::quadratic(&mut self.out, curve),
            Shape::CubicBezier(curve) => paths::cubic(&mut self.out, curve),
            Shape::Text(text) => text::text(&mut self.out, text, self.compact),
            Shape::Mesh(mesh) => {
                if !mesh::image(self, mesh) {
                    mesh::flat(&mut self.out, mesh);
                }
            }
        }
    }

    fn rect(&mut self, shape: &RectShape) {
        if let Some(brush) = &shape.brush
            && self.image(shape.rect, brush.fill_texture_id, brush.uv, shape.fill)
        {
            return;
        }
        if (shape.fill == Color32::TRANSPARENT && shape.stroke.is_empty())
            || !shape.rect.is_positive()
        {
            return;
        }
        // SVG strokes lie on the middle of the edge.
        let half = 0.5 * shape.stroke.width;
        let rect = match shape.stroke_kind {
            _ if shape.stroke.is_empty() => shape.rect,
            StrokeKind::Inside => shape.rect.shrink(half),
            StrokeKind::Middle => shape.rect,
            StrokeKind::Outside => shape.rect.expand(half),
        };
        let radius = f32::from(shape.corner_radius.nw.max(shape.corner_radius.se));
        let corners = match radius > 0. {
            true => format!(" rx=\"{}\"", num(radius)),
            false => String::new(),
        };
        let turned = match shape.angle == 0. {
            true => String::new(),
            false => {
                let middle = shape.rect.center();
                write::turn(shape.angle, middle)
            }
        };
        self.out.line(&format!(
            "<rect {}{corners}{turned}{}{}/>",
            write::place(rect),
            fill(shape.fill),
            stroke(shape.stroke)
        ));
    }

    /// A part of a texture; false where there is no such texture.
    fn image(&mut self, rect: Rect, id: TextureId, uv: Rect, tint: Color32) -> bool {
        let Some(texture) = self.textures.get(&id) else {
            return false;
        };
        let Some(part) = cut(&texture.image, uv, tint) else {
            return false;
        };
        let part = match texture.nearest {
            true if !self.compact => enlarged(part, rect),
            _ => part,
        };
        let encoded = match self.compact && texture.nearest {
            true => png::indexed(&part),
            false => png::encode(&part),
        };
        let Ok(bytes) = encoded else {
            return false;
        };
        let sharp = match texture.nearest {
            true => " style=\"image-rendering:pixelated\"",
            false => "",
        };
        self.out.line(&format!(
            "<image {} preserveAspectRatio=\"none\"{sharp} href=\"data:image/png;base64,{}\"/>",
            write::place(rect),
            png::base64(&bytes)
        ));
        true
    }
}

/// Cells as squares of several pixels, two for each point: not every reader knows how to enlarge a picture
/// without smoothing it.
fn enlarged(part: image::RgbaImage, rect: Rect) -> image::RgbaImage {
    let times = |length: f32, cells: u32| {
        let times = (2. * length / cells.max(1) as f32).round();
        // Larger cells have edges that are sharp enough.
        times.clamp(1., 64.) as u32
    };
    let (width, height) = part.dimensions();
    let (across, down) = (times(rect.width(), width), times(rect.height(), height));
    image::RgbaImage::from_fn(width * across, height * down, |x, y| {
        *part.get_pixel(x / across, y / down)
    })
}

/// The pixels that `uv` covers, in the colours that `tint` leaves of them.
fn cut(image: &egui::ColorImage, uv: Rect, tint: Color32) -> Option<image::RgbaImage> {
    let [width, height] = image.size;
    let side = |from: f32, to: f32, size: usize| {
        let at = |part: f32| (part * size as f32).round().clamp(0., size as f32) as usize;
        let (from, to) = (at(from.min(to)), at(from.max(to)));
        // A texture with a single column may be asked for less than half of it.
        (from < to).then_some((from, to)).or_else(|| {
            let from = from.min(size.checked_sub(1)?);
            Some((from, from + 1))
        })
    };
    let (left, right) = side(uv.min.x, uv.max.x, width)?;
    let (top, bottom) = side(uv.min.y, uv.max.y, height)?;
    let white = tint == Color32::WHITE;
    let mut bytes = Vec::with_capacity(4 * (right - left) * (bottom - top));
    for row in top..bottom {
        for pixel in &image.pixels[row * width + left..row * width + right] {
            let seen = if white { *pixel } else { *pixel * tint };
            bytes.extend(seen.to_srgba_unmultiplied());
        }
    }
    image::RgbaImage::from_raw((right - left) as u32, (bottom - top) as u32, bytes)
}
