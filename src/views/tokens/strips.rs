//! The pieces in a row, those of A above those of B; in two columns each has its own alone.

use egui::{RichText, Ui};

use super::{Kind, covered, other_tokens};
use crate::analysis::shared::shared;
use crate::engine::Derived;
use crate::tokens::Tokens;
use crate::views::ViewContext;
use crate::views::subject::{SameTrace, Subject, note_ui, section_ui, side_color};
use crate::widgets::{Piece, SPACE_SMALL, Theme, piece_label, word_strip_ui};

/// The two traces that are compared.
type Key = (SameTrace, SameTrace);

#[derive(Default)]
pub struct Strips {
    /// Which tokens of the viewed text and of the other are in both.
    shared: Derived<Key, (Vec<bool>, Vec<bool>)>,
}

impl Strips {
    pub fn strips_ui(&mut self, ui: &mut Ui, cx: &mut ViewContext<'_>, subject: &Subject) {
        section_ui(ui, "3 Pieces of the vocabulary", "");
        let tokens = subject.trace.tokens.clone();
        let Some((other, others)) = other_tokens(cx, subject) else {
            strip_ui(ui, cx, subject, &tokens, None);
            note_ui(ui, legend(&tokens));
            return;
        };
        let (ids, other_ids) = (tokens.ids.clone(), others.ids.clone());
        let key = (subject.key(), other.key());
        let both = self
            .shared
            .get(cx.engine, &key, move |_| shared(&ids, &other_ids));
        // Marks of an earlier pair would be of other tokens.
        let both = both.filter(|both| both.current).map(|both| both.value);
        let (mine, theirs) = match &both {
            Some(both) => (Some(&both.0[..]), Some(&both.1[..])),
            None => (None, None),
        };
        strip_ui(ui, cx, subject, &tokens, mine);
        // Half a panel is for one text, and where both have a column the other's pieces stand in that.
        if cx.beside.is_none() {
            ui.add_space(SPACE_SMALL);
            ui.scope(|ui| {
                if !other.current && subject.current {
                    ui.multiply_opacity(cx.theme.stale_alpha());
                }
                strip_ui(ui, cx, &other, &others, theirs);
            });
        }
        let alone = |both: Option<&[bool]>| both.map_or(0, |b| b.iter().filter(|b| !**b).count());
        let mut said = legend(&tokens);
        said += &match (alone(mine), alone(theirs)) {
            _ if both.is_none() => String::new(),
            (0, 0) => " · both read the same".to_owned(),
            // A piece that has moved is in the other text as well.
            (mine, theirs) => format!(
                " · tinted: not at this point of the other text ({mine} in {}, {theirs} in {})",
                subject.side.name(),
                other.side.name()
            ),
        };
        note_ui(ui, said);
    }
}

fn legend(tokens: &Tokens) -> String {
    let mut said = vec![
        "Underlined: one word in several pieces",
        "grey: added by the template",
    ];
    if tokens.prompt_bytes > 0 {
        said.push("blue: the prompt");
    }
    if tokens.unknown.contains(&true) {
        said.push("with the text behind it: not in the vocabulary");
    }
    said.join(" · ")
}

/// `both` says which tokens the other text has as well.
fn strip_ui(
    ui: &mut Ui,
    cx: &mut ViewContext<'_>,
    subject: &Subject,
    tokens: &Tokens,
    both: Option<&[bool]>,
) {
    let side = subject.side;
    let color = side_color(cx.theme, side);
    let labels: Vec<String> = (0..tokens.len()).map(|t| label(tokens, t)).collect();
    let pieces: Vec<Piece<'_>> = (0..tokens.len())
        .map(|t| {
            let only_here = both.is_some_and(|both| both.get(t) == Some(&false));
            let kind = Kind::of(tokens, t);
            Piece {
                label: &labels[t],
                secondary: kind == Kind::Special,
                fill: fill(cx.theme, kind, only_here.then_some(color)),
                note: Some(note(tokens, t, kind, only_here)),
            }
        })
        .collect();
    let name = format!("Pieces of {}", side.name());
    let (focus, locked) = (subject.focused(cx), subject.locked(cx));
    let out = ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            // On the line of the pieces, which have a frame around their text.
            ui.add_space(0.5 * SPACE_SMALL);
            ui.label(RichText::new(side.name()).strong().color(color));
        });
        let strip = |ui: &mut Ui| word_strip_ui(ui, &name, &pieces, &tokens.words, focus, locked);
        ui.vertical(strip).inner
    });
    let focus = |token| subject.focus_on(token);
    cx.point(out.inner.hovered.map(focus), out.inner.clicked.map(focus));
}

/// The piece; behind an unknown token also the text that it hides.
fn label(tokens: &Tokens, index: usize) -> String {
    let piece = tokens.labels[index].clone();
    match tokens.unknown[index] && !tokens.special[index] {
        true => format!("{piece} {}", piece_label(covered(tokens, index))),
        false => piece,
    }
}

fn fill(theme: Theme, kind: Kind, only: Option<egui::Color32>) -> Option<egui::Color32> {
    match (kind, only) {
        (_, Some(color)) => Some(color.gamma_multiply(0.35)),
        (Kind::Unknown, None) => Some(theme.warning().gamma_multiply(0.3)),
        (Kind::Prompt, None) => Some(theme.accent().gamma_multiply(0.2)),
        _ => None,
    }
}

fn note(tokens: &Tokens, index: usize, kind: Kind, only: bool) -> String {
    let id = tokens.ids[index];
    let mut note = format!("token {index} · id {id}");
    if tokens.pieces[index] != tokens.labels[index] {
        note += &format!(
            "\nin the vocabulary: {}",
            piece_label(&tokens.pieces[index])
        );
    }
    match kind {
        Kind::Special => note += "\nadded by the model's template",
        _ => {
            let (start, end) = tokens.offsets[index];
            note += &format!(
                "\nbytes {start}–{end}: {}",
                piece_label(covered(tokens, index))
            );
        }
    }
    match kind {
        Kind::Unknown => note += "\nnot in the vocabulary",
        Kind::Prompt => note += "\npart of the prompt",
        _ => {}
    }
    if only {
        note += "\nnot at this point of the other text";
    }
    note
}
