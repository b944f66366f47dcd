//! What is wrong with a frame: texts over texts, and texts that are cut off.

use std::fmt;

use egui::epaint::ClippedShape;
use egui::{Rect, Shape};

/// One thing that a person could not read.
pub enum Fault {
    Overlap(String, String, Rect),
    Cut(String, Rect),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap(a, b, at) => write!(f, "`{a}` and `{b}` lie over each other at {at:?}"),
            Self::Cut(text, at) => write!(f, "`{text}` is cut off at {at:?}"),
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
    found
}
