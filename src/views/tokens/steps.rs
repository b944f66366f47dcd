//! What happens to the text before the vocabulary is asked: normalised, then split.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{CollapsingHeader, RichText, TextStyle, Ui};

use crate::app::state::Focus;
use crate::engine::Derived;
use crate::tokens::{Change, Kind as Vocabulary, NormalizerStep, SplitStep, TextTokenizer, Tokens};
use crate::views::ViewContext;
use crate::views::scroll::within_ui;
use crate::views::subject::{Subject, note_ui};
use crate::widgets::{
    Piece, SPACE, SPACE_SMALL, StripResponse, Theme, counted, piece_label, token_strip_ui,
};

/// The most of a text that is shown here, in characters and in words.
const MOST_CHARACTERS: usize = 2000;
const MOST_WORDS: usize = 600;

/// (model, text): what the steps depend on.
type Key = (Arc<str>, Arc<str>);

#[derive(Default)]
pub struct Steps {
    stages: Derived<Key, Result<Told, String>>,
}

/// What each step did.
#[derive(Default)]
struct Told {
    normalizers: Vec<Normalized>,
    splits: Vec<Split>,
}

struct Normalized {
    step: NormalizerStep,
    /// Its changes in words.
    said: String,
}

struct Split {
    step: SplitStep,
    /// The parts as they are shown; empty where the step left the parts of the one before.
    labels: Vec<String>,
}

impl Told {
    fn of(tokenizer: &TextTokenizer, text: &str) -> Result<Self, String> {
        let stages = tokenizer.stages(text).map_err(|e| e.to_string())?;
        let normalizers = stages.normalizers.into_iter().map(|step| Normalized {
            said: said(&step.changes),
            step,
        });
        let mut before: Option<Vec<String>> = None;
        let mut splits = Vec::new();
        for step in stages.splits {
            let labels = match before.as_ref() == Some(&step.parts) {
                true => Vec::new(),
                false => labels(tokenizer.kind(), &step.parts),
            };
            before = Some(step.parts.clone());
            splits.push(Split { step, labels });
        }
        Ok(Self {
            normalizers: normalizers.collect(),
            splits,
        })
    }
}

fn labels(kind: Vocabulary, parts: &[String]) -> Vec<String> {
    let shown = parts.iter().take(MOST_WORDS);
    shown.map(|part| kind.readable(part)).collect()
}

impl Steps {
    pub fn steps_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject) {
        let tokens = subject.trace.tokens.clone();
        let key = (cx.model.hash.clone(), tokens.text.clone());
        let (model, text) = (cx.model.clone(), tokens.text.clone());
        let told = self
            .stages
            .get(cx.engine, &key, move |_| Told::of(&model.tokenizer, &text));
        // Those of an earlier text are not shown; the outcome is in the trace already.
        let told = told.filter(|told| told.current).map(|told| told.value);
        let told = match told.as_deref() {
            Some(Ok(told)) => Some(told),
            Some(Err(error)) => {
                note_ui(ui, error.clone());
                None
            }
            None => None,
        };
        ui.add_space(SPACE);
        step_ui(ui, "1 Normalised", |ui| normalized_ui(ui, &tokens, told));
        step_ui(ui, "2 Split into words", |ui| {
            split_ui(ui, cx, subject, &tokens, told);
        });
    }
}

/// One step, which can be folded away. A long text scrolls inside, so that what follows stays near.
fn step_ui(ui: &mut Ui, title: &str, add: impl FnOnce(&mut Ui)) {
    const MOST: f32 = 128.0;
    CollapsingHeader::new(title)
        .default_open(true)
        .show(ui, |ui| {
            within_ui(ui, title, MOST, |ui| {
                ui.set_width(ui.available_width());
                add(ui);
            });
        });
}

fn normalized_ui(ui: &mut Ui, tokens: &Tokens, told: Option<&Told>) {
    if tokens.text.is_empty() {
        note_ui(ui, "There is no text.");
        return;
    }
    let theme = Theme::of(ui);
    let Some(told) = told else {
        ui.label(marked(ui, theme, &tokens.normalized, &[]));
        note_ui(ui, "…");
        return;
    };
    if told.normalizers.is_empty() {
        ui.label(marked(ui, theme, &tokens.normalized, &[]));
        note_ui(
            ui,
            "This tokenizer has no normaliser: the text stays as typed.",
        );
    }
    for Normalized { step, said } in &told.normalizers {
        title_ui(ui, (&step.name, &step.does), None);
        if !step.changes.is_empty() || told.normalizers.len() == 1 {
            ui.label(marked(ui, theme, &step.after, &step.changes));
        }
        note_ui(ui, said.clone());
        ui.add_space(SPACE_SMALL);
    }
}

/// What a step is called and does; a pattern shows on hover.
fn title_ui(ui: &mut Ui, (name, does): (&str, &str), pattern: Option<&String>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = SPACE;
        ui.label(RichText::new(name).strong());
        let response = note_ui(ui, does.to_owned());
        if let Some(pattern) = pattern {
            response.on_hover_text(RichText::new(pattern).monospace());
        }
    });
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
        job.append(
            &format!(" … and {} more", counted(left, "character")),
            0.0,
            quiet,
        );
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

fn split_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    subject: &Subject,
    tokens: &Tokens,
    told: Option<&Told>,
) {
    if tokens.pre_tokens.is_empty() {
        note_ui(ui, "There are no words.");
        return;
    }
    let splits = told.map_or(&[][..], |told| &told.splits);
    if told.is_some() && splits.is_empty() {
        let note = "This tokenizer does not split: the vocabulary gets the text whole, and words begin at ␣.";
        note_ui(ui, note);
    }
    for (index, split) in splits.iter().enumerate() {
        let (step, pattern) = (&split.step, split.step.pattern.as_ref());
        title_ui(ui, (&step.name, &step.does), pattern);
        let last = index + 1 == splits.len();
        if split.labels.is_empty() && !last {
            note_ui(ui, "Nothing was split.");
        } else if !last {
            parts_ui(ui, &format!("After {}", split.step.name), &split.labels);
        }
        ui.add_space(SPACE_SMALL);
    }
    let labels = labels(tokens.kind, &tokens.pre_tokens);
    let out = parts_ui(ui, "Words", &labels);
    let focus = |part: usize| first_of(subject, tokens, part);
    let (hovered, clicked) = (out.hovered.and_then(focus), out.clicked.and_then(focus));
    cx.point(hovered, clicked);
    let left = tokens.pre_tokens.len() - labels.len();
    if left > 0 {
        note_ui(ui, format!("and {} more", counted(left, "word")));
    }
}

/// The first token of a part of the text; none where the limit cut it off.
fn first_of(subject: &Subject, tokens: &Tokens, part: usize) -> Option<Focus> {
    let here = |p: &Option<u32>| p.is_some_and(|p| p as usize == part);
    let token = tokens.parts.iter().position(here)?;
    Some(subject.focus_on(token))
}

fn parts_ui(ui: &mut Ui, name: &str, labels: &[String]) -> StripResponse {
    let pieces: Vec<Piece<'_>> = labels.iter().map(|label| plain(label)).collect();
    token_strip_ui(ui, name, &pieces, None, None)
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
