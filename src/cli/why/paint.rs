//! Colours and columns of a terminal.

use std::io::{IsTerminal, stdout};

use crate::widgets::{Scale, Theme};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    None,
    /// The 6 × 6 × 6 cube of the 256 colours.
    Ansi256,
    /// 24 bits.
    True,
}

/// Lines are no longer than this where nobody says how wide the terminal is.
const WIDTH: usize = 100;

impl Colors {
    /// None unless stdout is a terminal, or where NO_COLOR is set (no-color.org) or TERM is `dumb`.
    pub fn of_stdout() -> Self {
        let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        let term = std::env::var("TERM").unwrap_or_default();
        if !stdout().is_terminal() || set("NO_COLOR") || term == "dumb" {
            return Self::None;
        }
        match std::env::var("COLORTERM").as_deref() {
            Ok("truecolor" | "24bit") => Self::True,
            _ => Self::Ansi256,
        }
    }

    /// A text on the colour of a value.
    pub fn cell(self, text: &str, value: f64, scale: Scale) -> String {
        let fill = scale.color(Theme::DARK, value as f32);
        let ink = match Theme::DARK.on(fill).r() {
            0 => 16,
            _ => 231,
        };
        let (r, g, b) = (fill.r(), fill.g(), fill.b());
        match self {
            Self::None => text.to_owned(),
            Self::Ansi256 => {
                let step = |channel: u8| (u32::from(channel) * 5 + 127) / 255;
                let index = 16 + 36 * step(r) + 6 * step(g) + step(b);
                format!("\x1b[38;5;{ink}m\x1b[48;5;{index}m{text}\x1b[0m")
            }
            Self::True => format!("\x1b[38;5;{ink}m\x1b[48;2;{r};{g};{b}m{text}\x1b[0m"),
        }
    }

    pub fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.code("2", text)
    }

    fn code(self, code: &str, text: &str) -> String {
        match self {
            Self::None => text.to_owned(),
            _ => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// COLUMNS, as interactive shells keep it.
pub fn width_of_stdout() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|value| value.parse().ok());
    columns.filter(|&columns| columns >= 40).unwrap_or(WIDTH)
}

/// How many columns of a terminal a character takes; East Asian ones take two.
fn width_of(c: char) -> usize {
    let wide = matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}' | '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..='\u{3FFFD}');
    // Marks that stand on the letter before them, and joiners.
    let none =
        matches!(c, '\u{300}'..='\u{36F}' | '\u{200B}'..='\u{200F}' | '\u{FE00}'..='\u{FE0F}');
    match (wide, none) {
        (true, _) => 2,
        (_, true) => 0,
        _ => 1,
    }
}

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// A text in exactly so many columns: cut with an ellipsis, or filled up on the left.
pub fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{}{text}", " ".repeat(columns - width(&text)))
}

/// A text in exactly so many columns, filled up on the right.
pub fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{text}{}", " ".repeat(columns - width(&text)))
}

fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if width(&out) + width_of(c) + 1 > columns {
            break;
        }
        out.push(c);
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_width_whatever_is_in_them() {
        for text in ["", "a", "unhappily", "日本語", "e\u{301}te\u{301}"] {
            for columns in 1..9 {
                assert_eq!(width(&left(text, columns)), columns, "{text} {columns}");
                assert_eq!(width(&right(text, columns)), columns, "{text} {columns}");
            }
        }
        assert_eq!(right("unhappily", 5), "unha…");
        assert_eq!(left("日本語", 6), "日本語");
    }

    #[test]
    fn colours_follow_the_sign_and_none_means_none() {
        let scale = Scale::signed(1.);
        assert_eq!(Colors::None.cell("x", 1., scale), "x");
        assert_eq!(Colors::None.bold("x"), "x");
        for colors in [Colors::Ansi256, Colors::True] {
            let cell = |value| colors.cell("x", value, scale);
            assert!(cell(0.9) != cell(-0.9) && cell(0.9) != cell(0.1));
            assert!(cell(0.5).ends_with("x\x1b[0m"));
        }
    }
}
