//! A draft on one line: what is gone struck out, what is new in colour.

use egui::text::{LayoutJob, TextFormat};
use egui::{FontId, Stroke};

use crate::analysis::edits::{Draft, Mark};
use crate::widgets::Theme;

/// Letters of what stays that are shown on each side of a change.
const AROUND: usize = 12;

/// The changed pieces with a little of what is around them, behind a small `kind`.
pub fn diff(draft: &Draft, kind: &str, font: &FontId, theme: Theme) -> LayoutJob {
    let mut job = LayoutJob::default();
    let small = FontId::new(font.size * 0.85, font.family.clone());
    if !kind.is_empty() {
        job.append(kind, 0., TextFormat::simple(small, theme.secondary()));
        job.append(
            "  ",
            0.,
            TextFormat::simple(font.clone(), theme.secondary()),
        );
    }
    let last = draft.pieces.len().saturating_sub(1);
    for (i, piece) in draft.pieces.iter().enumerate() {
        let text = match piece.mark {
            Mark::Kept => shortened(&piece.text, i == 0, i == last),
            _ => piece.text.clone(),
        };
        job.append(&text, 0., format(piece.mark, font, theme));
    }
    job
}

fn format(mark: Mark, font: &FontId, theme: Theme) -> TextFormat {
    let plain = |color| TextFormat::simple(font.clone(), color);
    match mark {
        Mark::Kept => plain(theme.secondary()),
        Mark::Removed => TextFormat {
            strikethrough: Stroke::new(1.5, theme.error()),
            ..plain(theme.secondary())
        },
        Mark::Inserted | Mark::Token => TextFormat {
            underline: Stroke::new(1.5, theme.success()),
            ..plain(theme.strong())
        },
        Mark::Hidden => TextFormat {
            italics: true,
            background: theme.hairline(),
            ..plain(theme.foreground())
        },
    }
}

/// What stays, without its far ends.
fn shortened(text: &str, first: bool, last: bool) -> String {
    let letters: Vec<char> = text.chars().collect();
    let room = if first || last { AROUND } else { 2 * AROUND };
    // The end of the line is cut where the room ends.
    if last || letters.len() <= room + 1 {
        return text.to_owned();
    }
    let tail: String = letters[letters.len() - AROUND..].iter().collect();
    match first {
        true => format!("…{tail}"),
        false => {
            let head: String = letters[..AROUND].iter().collect();
            format!("{head}…{tail}")
        }
    }
}
