//! What is wrong with a frame: texts over texts, texts that are cut off, and texts that hardly stand out
//! from what they are written on.

use std::fmt;

use egui::epaint::text::Row;
use egui::epaint::{ClippedShape, TextShape};
use egui::{Color32, Rect, Rgba, Shape, Vec2};

/// One thing that a person could not read.
pub enum Fault {
    Overlap(String, String, Rect),
    Cut(String, Rect),
    /// With its contrast.
    Faint(String, f32, Rect),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(a, b, at) => write!(f, "`{a}` and `{b}` lie over each other at {at:?}"),
            Self::Cut(text, at) => write!(f, "`{text}` is cut off at {at:?}"),
            Self::Faint(text, contrast, at) => {
                write!(f, "`{text}` has a contrast of {contrast:.2} at {at:?}")
            }
        }
    }
}

/// One piece of text where it is seen.
struct Written {
    text: String,
    /// All of it, and what can be seen.
    whole: Rect,
    seen: Rect,
}

/// Lines closer than this touch, in points: the ascent of one font reaches into the line above.
const TOUCH: f32 = 3.0;

fn written(shape: &Shape, clip: Rect, out: &mut Vec<Written>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| written(shape, clip, out)),
        Shape::Text(text) if text.angle == 0.0 => {
            for row in &text.galley.rows {
                let line: String = row.glyphs.iter().map(|glyph| glyph.chr).collect();
                let ink = row.visuals.mesh_bounds.translate(row.pos.to_vec2());
                let whole = ink.translate(text.pos.to_vec2());
                let seen = whole.intersect(clip);
                let faint = text.opacity_factor < 0.05;
                if !line.trim().is_empty() && seen.is_positive() && !faint {
                    out.push(Written {
                        text: line,
                        whole,
                        seen,
                    });
                }
            }
        }
        _ => {}
    }
}

/// Everything in a frame that a person could not read.
pub fn faults(shapes: &[ClippedShape], size: [f32; 2]) -> Vec<Fault> {
    let window = Rect::from_min_size(egui::Pos2::ZERO, size.into());
    let mut all = Vec::new();
    for clipped in shapes {
        written(
            &clipped.shape,
            clipped.clip_rect.intersect(window),
            &mut all,
        );
    }
    let mut found = Vec::new();
    for (i, a) in all.iter().enumerate() {
        let lost = a.whole.width() - a.seen.width();
        if lost > TOUCH && a.seen.width() > TOUCH {
            found.push(Fault::Cut(a.text.clone(), a.seen));
        }
        for b in &all[i + 1..] {
            let both = a.seen.intersect(b.seen);
            let same = a.text == b.text && a.seen == b.seen;
            if both.width() > TOUCH && both.height() > TOUCH && !same {
                found.push(Fault::Overlap(a.text.clone(), b.text.clone(), both));
            }
        }
    }
    found.extend(faint(shapes, window));
    found
}

/// Of text that can be read: as WCAG 2 has it, and of text that is dimmed on purpose.
const CONTRAST: f32 = 4.5;
const CONTRAST_DIMMED: f32 = 3.0;

/// Texts with too little contrast to what was painted below them. What lies on a picture is not judged: what
/// colour it has there is in a texture.
fn faint(shapes: &[ClippedShape], window: Rect) -> Vec<Fault> {
    let mut grounds = Vec::new();
    let mut found = Vec::new();
    for clipped in shapes {
        let clip = clipped.clip_rect.intersect(window);
        judge(&clipped.shape, clip, &mut grounds, &mut found);
    }
    found
}

/// Where something was painted, and in which colour where that is known.
type Ground = (Rect, Option<Color32>);

fn judge(shape: &Shape, clip: Rect, grounds: &mut Vec<Ground>, found: &mut Vec<Fault>) {
    match shape {
        Shape::Vec(shapes) => shapes
            .iter()
            .for_each(|shape| judge(shape, clip, grounds, found)),
        Shape::Rect(rect) if rect.fill.a() > 0 && rect.blur_width == 0. => {
            let fill = rect.brush.is_none().then_some(rect.fill);
            grounds.push((rect.rect.intersect(clip), fill));
        }
        Shape::Mesh(mesh) => grounds.push((mesh.calc_bounds().intersect(clip), None)),
        Shape::Path(path) if path.fill.a() > 0 => {
            grounds.push((path.visual_bounding_rect().intersect(clip), None));
        }
        Shape::Circle(circle) if circle.fill.a() > 0 => {
            grounds.push((circle.visual_bounding_rect().intersect(clip), None));
        }
        Shape::Text(text) if text.angle == 0.0 => {
            for row in &text.galley.rows {
                let at = text.pos.to_vec2() + row.pos.to_vec2();
                faint_row(text, row, at, clip, grounds, found);
            }
        }
        _ => {}
    }
}

fn faint_row(
    text: &TextShape,
    row: &Row,
    at: Vec2,
    clip: Rect,
    grounds: &[Ground],
    found: &mut Vec<Fault>,
) {
    let visuals = &row.visuals;
    let glyphs = &visuals.mesh.vertices[visuals.glyph_vertex_range.clone()];
    let line = || row.glyphs.iter().map(|glyph| glyph.chr).collect::<String>();
    // One run of a colour after another; four corners to a glyph.
    for run in glyphs.chunk_by(|a, b| a.color == b.color) {
        let place = Rect::from_points(&run.iter().map(|v| v.pos + at).collect::<Vec<_>>());
        let own = match run[0].color {
            Color32::PLACEHOLDER => text.fallback_color,
            color => color,
        };
        let color = text.override_text_color.unwrap_or(own);
        let color = color.gamma_multiply(text.opacity_factor);
        let seen = place.intersect(clip);
        // What fades in or out is not there to be read.
        if seen.width() <= TOUCH || seen.height() <= TOUCH || color.a() < 13 {
            continue;
        }
        // A background of its own, as marked text has one, is in the mesh.
        if visuals.glyph_vertex_range.start > 0 {
            continue;
        }
        let Some(ground) = ground_at(seen, grounds) else {
            continue;
        };
        let least = match color.a() {
            255 => CONTRAST,
            _ => CONTRAST_DIMMED,
        };
        let contrast = contrast(ground.blend(color), ground);
        if contrast < least {
            found.push(Fault::Faint(line(), contrast, seen));
        }
    }
}

/// The one colour below all of `place`, or none where it is not known.
fn ground_at(place: Rect, grounds: &[Ground]) -> Option<Color32> {
    let place = place.shrink(1.);
    let below = grounds.iter().rev().filter(|g| g.0.intersects(place));
    let mut over = Vec::new();
    for (rect, fill) in below {
        let fill = (*fill).filter(|_| rect.contains_rect(place))?;
        over.push(fill);
        if fill.a() == 255 {
            return over.into_iter().rev().reduce(Color32::blend);
        }
    }
    None
}

fn contrast(a: Color32, b: Color32) -> f32 {
    let luminance = |color| {
        let c = Rgba::from(color);
        0.2126 * c.r() + 0.7152 * c.g() + 0.0722 * c.b() + 0.05
    };
    let (a, b) = (luminance(a), luminance(b));
    (a / b).max(b / a)
}

#[test]
fn text_that_hardly_stands_out_is_found() {
    let ctx = egui::Context::default();
    let shapes = |color: Color32, ground: Color32| {
        let input = egui::RawInput::default();
        let mut output = ctx.run_ui(input, |ui| {
            egui::Frame::new().fill(ground).show(ui, |ui| {
                ui.colored_label(color, "words");
            });
        });
        output.textures_delta.clear();
        output.shapes
    };
    let size = [1000., 1000.];
    let found = |color, ground| faults(&shapes(color, ground), size).len();
    let (grey, white) = (Color32::from_gray(140), Color32::WHITE);
    assert_eq!(found(grey, white), 1, "3.4");
    assert_eq!(found(Color32::from_gray(100), white), 0, "5.9");
    assert_eq!(found(Color32::from_black_alpha(130), white), 0, "dimmed");
    assert_eq!(found(Color32::from_black_alpha(70), white), 1, "too much");
}
