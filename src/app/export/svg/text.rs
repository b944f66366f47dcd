//! Text as text: one element for each run of letters of one kind.

use egui::epaint::TextShape;
use egui::epaint::text::{Glyph, PlacedRow};
use egui::text::{LayoutSection, TextFormat};
use egui::{Color32, FontFamily, Pos2, Rect, Stroke, pos2};

use super::write::{Writer, escaped, fill, num, place, stroke, turn};

/// Each word has its own place, for readers that take no notice of lengths: with another face they would
/// let one run into the next. Browsers fit a whole line, which is `compact`.
pub fn text(out: &mut Writer, shape: &TextShape, compact: bool) {
    let mut place_in_text = Places::new(shape);
    for row in &shape.galley.rows {
        let mut run: Option<Run> = None;
        for glyph in &row.row.glyphs {
            let section = place_in_text.section(glyph);
            match &mut run {
                Some(run) if run.section == section => run.push(glyph),
                _ => {
                    if let Some(run) = run.take() {
                        run.write(out, shape, row, compact);
                    }
                    run = Some(Run::new(section, glyph));
                }
            }
        }
        if let Some(run) = run {
            run.write(out, shape, row, compact);
        }
        place_in_text.end(row);
    }
}

/// Follows the letters of the text to know which section each is of.
struct Places<'a> {
    sections: &'a [LayoutSection],
    /// Where the rest of the text begins, in bytes.
    at: usize,
    rest: std::str::Chars<'a>,
}

impl<'a> Places<'a> {
    fn new(shape: &'a TextShape) -> Self {
        Self {
            sections: &shape.galley.job.sections,
            at: 0,
            rest: shape.galley.job.text.chars(),
        }
    }

    /// The section that this letter belongs to. What the layout put in (an ellipsis) belongs to the
    /// section of where it stands.
    fn section(&mut self, glyph: &Glyph) -> usize {
        let at = self.at;
        let mut ahead = self.rest.clone();
        if ahead.next() == Some(glyph.chr) {
            self.rest = ahead;
            self.at += glyph.chr.len_utf8();
        }
        let inside = |section: &LayoutSection| {
            let range = &section.byte_range;
            range.start.0 <= at && at < range.end.0
        };
        let last = self.sections.len().saturating_sub(1);
        self.sections.iter().position(inside).unwrap_or(last)
    }

    fn end(&mut self, row: &PlacedRow) {
        if row.ends_with_newline {
            let mut ahead = self.rest.clone();
            if ahead.next() == Some('\n') {
                self.rest = ahead;
                self.at += 1;
            }
        }
    }
}

struct Run {
    section: usize,
    words: Vec<Word>,
    /// On the baseline, in the row.
    from: Pos2,
    to: f32,
    /// Whether the next letter begins a word.
    gap: bool,
}

/// Letters between two places.
struct Word {
    text: String,
    /// In the row.
    from: f32,
    to: f32,
}

impl Word {
    /// How the letters are fitted between their ends.
    fn fitted(&self) -> String {
        let length = num(self.to - self.from);
        format!("textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\"")
    }

    /// One of several of a line that begins at `left`.
    fn span(&self, left: f32) -> String {
        let (x, fitted) = (num(left + self.from), self.fitted());
        format!("<tspan x=\"{x}\" {fitted}>{}</tspan>", escaped(&self.text))
    }
}

impl Run {
    fn new(section: usize, glyph: &Glyph) -> Self {
        let mut run = Self {
            section,
            words: Vec::new(),
            from: glyph.pos,
            to: glyph.pos.x,
            gap: true,
        };
        run.push(glyph);
        run
    }

    fn push(&mut self, glyph: &Glyph) {
        let begins = std::mem::replace(&mut self.gap, glyph.chr.is_whitespace());
        if self.gap {
            return;
        }
        if self.words.is_empty() {
            self.from = glyph.pos;
        }
        self.to = glyph.max_x();
        let letter = known(glyph.chr);
        match self.words.last_mut().filter(|_| !begins) {
            Some(word) => {
                word.text.push(letter);
                word.to = self.to;
            }
            None => self.words.push(Word {
                text: letter.to_string(),
                from: glyph.pos.x,
                to: self.to,
            }),
        }
    }

    fn write(self, out: &mut Writer, shape: &TextShape, row: &PlacedRow, compact: bool) {
        let Some(section) = shape.galley.job.sections.get(self.section) else {
            return;
        };
        let format = &section.format;
        if self.words.is_empty() {
            return;
        }
        let origin = shape.pos + row.pos.to_vec2();
        let turned = match shape.angle == 0. {
            true => String::new(),
            false => turn(shape.angle, shape.pos),
        };
        let (left, right) = (origin.x + self.from.x, origin.x + self.to);
        let baseline = origin.y + self.from.y;
        let seen = |color: Color32| {
            let color = match color == Color32::PLACEHOLDER {
                true => shape.fallback_color,
                false => color,
            };
            color.gamma_multiply(shape.opacity_factor)
        };
        let around = Rect::from_x_y_ranges(left..=right, origin.y..=origin.y + row.row.size.y);
        if format.background != Color32::TRANSPARENT {
            let rect = around.expand(format.expand_bg);
            let color = fill(seen(format.background));
            out.line(&format!("<rect {}{turned}{color}/>", place(rect)));
        }
        let color = fill(seen(shape.override_text_color.unwrap_or(format.color)));
        let (x, y) = (num(left), num(baseline));
        let look = format!("{}{turned}{color}", font(format));
        let line = Word {
            text: self
                .words
                .iter()
                .map(|word| &*word.text)
                .collect::<Vec<_>>()
                .join(" "),
            from: self.from.x,
            to: self.to,
        };
        out.line(&match compact || self.words.len() == 1 {
            true => {
                let (fitted, text) = (line.fitted(), escaped(&line.text));
                format!("<text x=\"{x}\" y=\"{y}\" {fitted}{look}>{text}</text>")
            }
            false => {
                let words: Vec<_> = self.words.iter().map(|word| word.span(origin.x)).collect();
                format!("<text x=\"{x}\" y=\"{y}\"{look}>{}</text>", words.join(" "))
            }
        });
        let underline = match format.underline.is_empty() {
            true => shape.underline,
            false => format.underline,
        };
        for (line, y) in [
            (underline, around.bottom()),
            (format.strikethrough, around.center().y),
        ] {
            let line = stroke(Stroke::new(line.width, seen(line.color)));
            if !line.is_empty() {
                let [from, to] =
                    [pos2(left, y), pos2(right, y)].map(|end| (num(end.x), num(end.y)));
                let (x1, y1, x2, y2) = (from.0, from.1, to.0, to.1);
                out.line(&format!(
                    "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{turned}{line}/>"
                ));
            }
        }
    }
}

/// The arrow of menus is in the window's own face and in hardly any other.
fn known(letter: char) -> char {
    match letter {
        '⏷' => '▾',
        letter => letter,
    }
}

/// Of all text but figures.
const TEXT: &str = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', 'Noto Sans', 'DejaVu Sans Condensed', sans-serif";

/// The attribute that names the face of all text but figures.
pub fn family() -> String {
    format!(" font-family=\"{TEXT}\"")
}

/// The face on screen where the reader has it, else one that looks alike.
fn font(format: &TextFormat) -> String {
    const FIGURES: &str = "Hack, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
    let id = &format.font_id;
    let (family, weight) = match &id.family {
        FontFamily::Monospace => (FIGURES, ""),
        FontFamily::Proportional => (TEXT, ""),
        // Titles: the same face, heavier.
        FontFamily::Name(_) => (TEXT, " font-weight=\"600\""),
    };
    let slant = match format.italics {
        true => " font-style=\"italic\"",
        false => "",
    };
    let size = num(id.size);
    format!(" font-family=\"{family}\" font-size=\"{size}\"{weight}{slant}")
}
