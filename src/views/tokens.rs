//! Tokens: from the text as typed to the rows of the vocabulary that stand for it.

mod rows;
mod steps;
mod strips;
mod summary;
mod word;

use std::sync::Arc;

use egui::{ScrollArea, Ui};

use super::intervene::{scope_of, switch_off_ui};
use super::scroll::{beside_bar_ui, column, together_ui};
use super::subject::{Subject, subject_ui};
use super::{Panel, View, ViewContext};
use crate::model::intervention::Intervention;
use crate::tokens::Tokens;
use steps::Steps;
use strips::Strips;
use word::Word;

pub static PANEL: Panel = Panel {
    id: "tokens",
    title: "Tokens",
    about: "A model does not read letters but rows of a table, its vocabulary. The text is first \
        normalised (lower-cased and stripped of accents, in many models), then split into words, \
        and each word is spelled with the pieces that the vocabulary has. WordPiece takes the \
        longest piece that fits and writes ## where a word goes on; BPE merges neighbours; Unigram \
        takes the likeliest pieces. A space that belongs to a piece is shown as ␣, and a byte that \
        is no whole character as ⟨E6⟩. What cannot be spelled becomes the unknown token, and \
        whatever exceeds the model's limit is never read. Tokens in grey were added by the model's \
        template. A click on a word shows how it came about.",
    one_text: true,
    make: || Box::<TokensView>::default(),
};

#[derive(Default)]
struct TokensView {
    steps: Steps,
    strips: Strips,
    word: Word,
}

impl View for TokensView {
    fn ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>) {
        let scroll = ScrollArea::vertical().auto_shrink([false, false]);
        let column = column(cx);
        together_ui(ui, PANEL.id, column, scroll, |ui| {
            beside_bar_ui(ui, cx);
            let Some(subject) = subject_ui(ui, cx) else {
                return;
            };
            summary::summary_ui(ui, &subject);
            self.steps.steps_ui(ui, cx, &subject);
            self.strips.strips_ui(ui, cx, &subject);
            self.word.word_ui(ui, cx, &subject);
            rows::rows_ui(ui, cx, &subject);
            if let Some(token) = subject.locked(cx) {
                let label = &subject.trace.tokens.labels[token];
                let name = format!("token {token} “{label}”");
                let what = Intervention::NoToken {
                    token: subject.trace.interventions.origin(token),
                };
                switch_off_ui(ui, cx, &name, what, scope_of(subject.side));
            }
        });
    }

    fn tsv(&self, cx: &ViewContext<'_>) -> Option<String> {
        let trace = cx.viewed()?.trace.as_ref()?;
        Some(rows::tsv(&trace.tokens, cx.side.name()))
    }
}

/// Which part of the input a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Prompt,
    /// Added by the model's template.
    Special,
    Unknown,
}

impl Kind {
    fn of(tokens: &Tokens, index: usize) -> Self {
        if tokens.special[index] {
            Self::Special
        } else if tokens.unknown[index] {
            Self::Unknown
        } else if tokens.offsets[index].1 <= tokens.prompt_bytes {
            Self::Prompt
        } else {
            Self::Text
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::Prompt => "prompt",
            Self::Special => "special",
            Self::Unknown => "unknown",
        }
    }
}

/// The part of the text that a token stands for; nothing for those of the template.
fn covered(tokens: &Tokens, index: usize) -> &str {
    let (start, end) = tokens.offsets[index];
    tokens.text.get(start..end).unwrap_or_default()
}

/// The tokens of another subject's side, where there is one.
fn other_tokens(cx: &ViewContext<'_>, subject: &Subject) -> Option<(Subject, Arc<Tokens>)> {
    use crate::app::state::Side;
    let side = match subject.side {
        Side::A => Side::B,
        Side::B => Side::A,
    };
    let view = cx.side(side).filter(|view| view.id != subject.id)?;
    let trace = view.trace.clone()?;
    let tokens = trace.tokens.clone();
    let (id, current) = (view.id, view.current);
    let other = Subject {
        id,
        side,
        trace,
        current,
    };
    Some((other, tokens))
}
