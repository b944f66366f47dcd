//! What happens to the text before the vocabulary is asked: normalised, then split.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{CollapsingHeader, ScrollArea, TextStyle, Ui};

use crate::engine::Derived;
use crate::tokens::{Change, Tokens};
use crate::views::ViewContext;
use crate::views::subject::{Subject, note_ui};
use crate::widgets::{Piece, SPACE, Theme, piece_label, token_strip_ui};

/// The most of a text that is shown here, in characters and in words.
const MOST_CHARACTERS: usize = 2000;
const MOST_WORDS: usize = 600;

/// (model, text): what the changes of the normaliser depend on.
type Key = (Arc<str>, Arc<str>);

#[derive(Default)]
pub struct Steps {
    changes: Derived<Key, Result<Changes, String>>,
}

/// What the normaliser changed.
struct Changes {
    all: Vec<Change>,
    /// In words.
    said: String,
}

impl Steps {
    pub fn steps_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject) {
        let tokens = subject.trace.tokens.clone();
        let key = (cx.model.hash.clone(), tokens.text.clone());
        let (model, text) = (cx.model.clone(), tokens.text.clone());
        let changes = self.changes.get(cx.engine, &key, move |_| {
            let all = model.tokenizer.changes(&text).map_err(|e| e.to_string())?;
            let said = said(&all);
            Ok(Changes { all, said })
        });
        ui.add_space(SPACE);
        step_ui(ui, "1 Normalised", |ui| {
            match changes.map(|c| (c.value, c.current)) {
                Some((changes, true)) => match &*changes {
                    Ok(changes) => normalized_ui(ui, &tokens, &changes.all, &changes.said),
                    Err(error) => {
                        note_ui(ui, error.clone());
                    }
                },
                // Without the changes, or with those of an earlier text, the text alone is shown.
                _ => normalized_ui(ui, &tokens, &[], "…"),
            }
        });
        step_ui(ui, "2 Split into words", |ui| words_ui(ui, &tokens));
    }
}

/// One step, which can be folded away. A long text scrolls inside, so that what follows stays near.
fn step_ui(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui)) {
    const MOST: f32 = 128.0;
    CollapsingHeader::new(title)
        .default_open(true)
        .show(ui, |ui| {
            ScrollArea::vertical()
                .id_salt(title)
                .max_height(MOST)
                .show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    add(ui);
                });
        });
}

fn normalized_ui(ui: &mut Ui, tokens: &Tokens, changes: &[Change], said: &str) {
    if tokens.text.is_empty() {
        note_ui(ui, "There is no text.");
        return;
    }
    let theme = Theme::of(ui);
    ui.label(marked(ui, theme, &tokens.normalized, changes));
    note_ui(ui, said);
}

/// The changes in words, alike ones counted.
fn said(changes: &[Change]) -> String {
    const SHOWN: usize = 12;
    let kinds = kinds(changes);
    if kinds.is_empty() {
        return "Nothing was changed.".to_owned();
    }
    let mut said: Vec<String> = kinds.iter().take(SHOWN).map(Kind::text).collect();
    if kinds.len() > SHOWN {
        said.push(format!("and {} kinds more", kinds.len() - SHOWN));
    }
    format!("Changed: {}", said.join("   "))
}

/// The text with everything that the normaliser changed on a tinted ground.
fn marked(ui: &Ui, theme: Theme, text: &str, changes: &[Change]) -> LayoutJob {
    let font = TextStyle::Body.resolve(ui.style());
    let plain = TextFormat::simple(font, theme.foreground());
    let changed = TextFormat {
        background: theme.accent().gamma_multiply(0.3),
        ..plain.clone()
    };
    let quiet = TextFormat {
        color: theme.secondary(),
        ..plain.clone()
    };
    let end = text
        .char_indices()
        .nth(MOST_CHARACTERS)
        .map_or(text.len(), |(at, _)| at);
    let mut job = LayoutJob::default();
    let mut at = 0;
    for change in changes.iter().filter(|c| !c.at.is_empty()) {
        if change.at.end > end {
            break;
        }
        // Both are boundaries of characters, or the slice is left out.
        job.append(
            text.get(at..change.at.start).unwrap_or_default(),
            0.0,
            plain.clone(),
        );
        job.append(&piece_label(&change.after), 0.0, changed.clone());
        at = change.at.end;
    }
    job.append(text.get(at..end).unwrap_or_default(), 0.0, plain);
    let left = text.get(end..).unwrap_or_default().chars().count();
    if left > 0 {
        job.append(&format!(" … and {left} characters more"), 0.0, quiet);
    }
    job
}

/// Changes that are alike.
struct Kind<'a> {
    before: &'a str,
    after: &'a str,
    count: usize,
}

impl Kind<'_> {
    fn text(&self) -> String {
        let before = piece_label(self.before);
        let what = match self.after {
            "" => format!("{before} removed"),
            after => format!("{before} → {}", piece_label(after)),
        };
        match self.count {
            1 => what,
            count => format!("{what} ×{count}"),
        }
    }
}

/// In the order of first appearance.
fn kinds(changes: &[Change]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for Change { before, after, .. } in changes {
        let place = *places.entry((before, after)).or_insert(kinds.len());
        match kinds.get_mut(place) {
            Some(kind) => kind.count += 1,
            None => kinds.push(Kind {
                before,
                after,
                count: 1,
            }),
        }
    }
    kinds
}

fn words_ui(ui: &mut Ui, tokens: &Tokens) {
    if tokens.pre_tokens.is_empty() {
        note_ui(ui, "There are no words.");
        return;
    }
    let shown = tokens.pre_tokens.iter().take(MOST_WORDS);
    let labels: Vec<String> = shown.map(|word| piece_label(word)).collect();
    let pieces: Vec<Piece<'_>> = labels.iter().map(|label| plain(label)).collect();
    token_strip_ui(ui, "Words", &pieces, None, None);
    let left = tokens.pre_tokens.len() - labels.len();
    if left > 0 {
        note_ui(ui, format!("and {left} words more"));
    }
}

fn plain(label: &str) -> Piece<'_> {
    Piece {
        label,
        secondary: false,
        fill: None,
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_changes_are_counted_once() {
        let change = |before: &str, after: &str| Change {
            before: before.to_owned(),
            after: after.to_owned(),
            at: 0..after.len(),
        };
        let changes = [
            change("T", "t"),
            change("\u{200b}", ""),
            change("T", "t"),
            change("東", " 東 "),
        ];
        assert_eq!(
            said(&changes),
            "Changed: T → t ×2   ‹200B› removed   東 → ␣東␣"
        );
        assert_eq!(said(&[]), "Nothing was changed.");
        let many: Vec<Change> = ('a'..='t').map(|c| change(&c.to_string(), "")).collect();
        assert!(said(&many).ends_with("l removed   and 8 kinds more"));
    }
}
