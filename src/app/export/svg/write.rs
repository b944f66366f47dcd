//! Letters and numbers of SVG.

use egui::{Color32, Pos2, Rect, Stroke};

/// Collects elements, those with the same clip in one group.
pub struct Writer {
    prefix: String,
    canvas: Rect,
    clips: Vec<Rect>,
    /// The clip of the open group; none where nothing is cut off.
    open: Option<usize>,
    body: String,
}

impl Writer {
    pub fn new(prefix: &str, canvas: Rect) -> Self {
        Self {
            prefix: prefix.to_owned(),
            canvas,
            clips: Vec::new(),
            open: None,
            body: String::new(),
        }
    }

    /// What follows is only seen in here.
    pub fn clip(&mut self, clip: Rect) {
        let wanted = (clip != self.canvas).then(|| self.number(clip));
        if wanted == self.open {
            return;
        }
        self.close();
        self.open = wanted;
        if let Some(number) = wanted {
            let prefix = &self.prefix;
            let group = format!("<g clip-path=\"url(#{prefix}c{number})\">\n");
            self.body.push_str(&group);
        }
    }

    fn number(&mut self, clip: Rect) -> usize {
        let known = self.clips.iter().position(|other| *other == clip);
        known.unwrap_or_else(|| {
            self.clips.push(clip);
            self.clips.len() - 1
        })
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.body.push_str("</g>\n");
        }
    }

    pub fn line(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    /// The clips and the elements.
    pub fn finish(mut self) -> (String, String) {
        self.close();
        let prefix = &self.prefix;
        let clips = self.clips.iter().enumerate();
        let clips = clips.map(|(number, clip)| {
            let place = place(*clip);
            format!("<clipPath id=\"{prefix}c{number}\"><rect {place}/></clipPath>\n")
        });
        (clips.collect(), self.body)
    }
}

/// At most two decimals, as short as can be.
pub fn num(value: f32) -> String {
    let value = match value.is_finite() {
        true => (f64::from(value) * 100.).round() / 100.,
        false => 0.,
    };
    // Adding 0 turns −0 into 0.
    (value + 0.).to_string()
}

/// `x="1" y="2" width="3" height="4"`
pub fn place(rect: Rect) -> String {
    let (width, height) = (num(rect.width()), num(rect.height()));
    let (x, y) = (num(rect.min.x), num(rect.min.y));
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// `#rrggbb`, and the share of it that covers what is below.
pub fn color(color: Color32) -> (String, f32) {
    let [r, g, b, a] = color.to_srgba_unmultiplied();
    (format!("#{r:02x}{g:02x}{b:02x}"), f32::from(a) / 255.)
}

fn paint(what: &str, of: Color32) -> String {
    let (name, opacity) = color(of);
    match opacity {
        0. => format!(" {what}=\"none\""),
        1. => format!(" {what}=\"{name}\""),
        opacity => format!(
            " {what}=\"{name}\" {what}-opacity=\"{}\"",
            thousandths(opacity)
        ),
    }
}

fn thousandths(value: f32) -> String {
    ((f64::from(value) * 1000.).round() / 1000.).to_string()
}

pub fn fill(of: Color32) -> String {
    paint("fill", of)
}

/// Nothing where there is none.
pub fn stroke(of: Stroke) -> String {
    match of.is_empty() || of.color == Color32::TRANSPARENT {
        true => String::new(),
        false => {
            let color = paint("stroke", of.color);
            format!("{color} stroke-width=\"{}\"", num(of.width))
        }
    }
}

/// A rotation clockwise about a point, in radians.
pub fn turn(angle: f32, about: Pos2) -> String {
    let (x, y) = (num(about.x), num(about.y));
    format!(" transform=\"rotate({} {x} {y})\"", num(angle.to_degrees()))
}

/// Text as XML has it, also between quotation marks. What XML cannot hold at all shows as `�`.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
