//! A draft on one line: what is gone struck out, what is new in colour.

use egui::text::{LayoutJob, TextFormat};
use egui::{FontId, Stroke};

use crate::analysis::edits::{Draft, Mark};
use crate::widgets::Theme;

/// About so many letters of what stays are shown on each side of a change.
const AROUND: usize = 14;
/// Points between what is gone and what has come.
const GAP: f32 = 3.;

/// The changed pieces with a little of what is around them; `title` where the letters stay the same.
pub fn diff(draft: &Draft, title: &str, font: &FontId, theme: Theme) -> LayoutJob {
    let mut job = LayoutJob::default();
    if draft.pieces.iter().all(|piece| piece.mark == Mark::Kept) {
        job.append(title, 0., format(Mark::Inserted, font, theme));
        return job;
    }
    let last = draft.pieces.len().saturating_sub(1);
    for (i, piece) in draft.pieces.iter().enumerate() {
        let text = match piece.mark {
            Mark::Kept => shortened(&piece.text, i == 0, i == last),
            _ => piece.text.clone(),
        };
        let replaces = matches!(piece.mark, Mark::Inserted | Mark::Token);
        let gap = if replaces && i > 0 { GAP } else { 0. };
        job.append(&text, gap, format(piece.mark, font, theme));
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

/// What stays, without its far ends: whole words, but for very long ones.
fn shortened(text: &str, first: bool, last: bool) -> String {
    let count = text.chars().count();
    let room = if first { AROUND } else { 2 * AROUND };
    // A few letters more are no worse than dots; the end of the line is cut where the room ends.
    if last || count <= room + 6 {
        return text.to_owned();
    }
    let from = text
        .char_indices()
        .rev()
        .nth(AROUND - 1)
        .map_or(0, |at| at.0);
    let tail = &text[from..];
    let word = tail.trim_end().find(char::is_whitespace);
    let tail = word.map_or(tail, |at| &tail[at..]);
    if first {
        return format!("…{tail}");
    }
    let to = text
        .char_indices()
        .nth(AROUND)
        .map_or(text.len(), |at| at.0);
    let head = &text[..to];
    let word = head.trim_start().rfind(char::is_whitespace);
    let spaces = head.len() - head.trim_start().len();
    let head = word.map_or(head, |at| &head[..at + spaces]);
    format!("{head} …{tail}")
}
