//! How many tokens there are against the limit, and what was cut off.

use egui::{Rect, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use crate::tokens::Tokens;
use crate::views::subject::{Subject, note_ui};
use crate::widgets::{SPACE, SPACE_SMALL, Theme, counted, piece_label};

pub fn summary_ui(ui: &mut Ui, subject: &Subject) {
    let tokens = &subject.trace.tokens;
    ui.horizontal_wrapped(|ui| {
        ui.label(count(tokens))
            .on_hover_text("The most this model reads of one text; special tokens count as well");
        limit_ui(ui, tokens);
        note_ui(ui, parts(tokens));
        // Always there, so that nothing moves when it goes.
        let state = if subject.current {
            ""
        } else {
            "· being updated"
        };
        note_ui(ui, state);
    });
    if tokens.dropped > 0 {
        cut_ui(ui, tokens);
    }
}

fn count(tokens: &Tokens) -> String {
    match tokens.most() {
        Some(most) => format!("{} of {most} tokens", tokens.len()),
        None => counted(tokens.len(), "token"),
    }
}

/// A bar: how full the limit is.
fn limit_ui(ui: &mut Ui, tokens: &Tokens) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(64.0, SPACE), Sense::hover());
    response
        .widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{} used", count(tokens))));
    let share = tokens.len() as f32 / tokens.limit.max(1) as f32;
    let used = Rect::from_min_size(rect.min, vec2(rect.width() * share.min(1.0), rect.height()));
    let color = if tokens.dropped > 0 {
        theme.warning()
    } else {
        theme.accent()
    };
    ui.painter().rect_filled(rect, 2.0, theme.faint());
    ui.painter().rect_filled(used, 2.0, color);
}

/// What the tokens are besides text.
fn parts(tokens: &Tokens) -> String {
    let special = tokens.special.iter().filter(|s| **s).count();
    let unknown = tokens.unknown.iter().filter(|u| **u).count();
    let mut words: Vec<u32> = tokens.words.iter().flatten().copied().collect();
    words.dedup();
    let mut parts = vec![
        tokens.kind.name().to_owned(),
        counted(words.len(), "word"),
        format!("{special} special"),
    ];
    if tokens.prompt_tokens > 0 {
        parts.push(format!("{} in the prompt", tokens.prompt_tokens));
    }
    if unknown > 0 {
        parts.push(format!("{unknown} unknown"));
    }
    if special == tokens.len() {
        parts.push("the text is empty".to_owned());
    }
    parts.join(" · ")
}

fn cut_ui(ui: &mut Ui, tokens: &Tokens) {
    let theme = Theme::of(ui);
    let cut = tokens.text.get(tokens.cut()).unwrap_or_default();
    let message = unread(tokens.dropped, cut.chars().count());
    ui.add_space(SPACE_SMALL);
    ui.label(RichText::new(message).color(theme.warning()));
    let cut = piece_spaces(&shorten(cut));
    ui.label(RichText::new(cut).strikethrough().color(theme.secondary()));
}

/// What is said of tokens beyond the limit, which are so many characters.
fn unread(dropped: usize, characters: usize) -> String {
    let (read, changed) = match dropped {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    format!(
        "{} ({}) beyond the limit {read} never read; changing {changed} changes nothing:",
        counted(dropped, "token"),
        counted(characters, "character")
    )
}

/// The two ends of a long text, with what was left out between them counted.
fn shorten(text: &str) -> String {
    const END: usize = 120;
    let count = text.chars().count();
    if count <= 2 * END + 40 {
        return text.to_owned();
    }
    let head: String = text.chars().take(END).collect();
    let tail: String = text.chars().skip(count - END).collect();
    format!("{head} … {} characters … {tail}", count - 2 * END)
}

/// What cannot be seen gets a sign, but a plain space stays one.
fn piece_spaces(text: &str) -> String {
    let parts: Vec<String> = text
        .split(' ')
        .map(|part| {
            if part.is_empty() {
                String::new()
            } else {
                piece_label(part)
            }
        })
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_beyond_the_limit_is_no_plural() {
        assert_eq!(
            unread(1, 1),
            "1 token (1 character) beyond the limit is never read; changing it changes nothing:"
        );
        assert_eq!(
            unread(3, 12),
            "3 tokens (12 characters) beyond the limit are never read; changing them changes nothing:"
        );
    }

    #[test]
    fn a_long_cut_shows_both_ends_and_counts_the_rest() {
        let text = format!("{}{}{}", "a".repeat(120), "é".repeat(500), "z".repeat(120));
        let short = shorten(&text);
        assert!(short.starts_with("aaa") && short.ends_with("zzz"));
        assert!(short.contains(" 500 characters "));
        assert!(!short.contains('é'));
        assert_eq!(shorten("short"), "short");
    }

    #[test]
    fn spaces_stay_and_line_ends_are_seen() {
        assert_eq!(piece_spaces("a b\nc  d"), "a b⏎c  d");
    }
}
