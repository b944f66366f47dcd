//! What the panels of a layer's inside share: the viewed text with its full trace, and a memo.

use std::any::type_name;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use egui::util::id_type_map::SerializableAny;
use egui::{Id, RichText, Ui};

use super::{TextView, ViewContext};
use crate::app::state::{Focus, TextId};
use crate::trace::Trace;
use crate::widgets::piece_label;
use crate::widgets::theme::SPACE;

/// The last value of a key, for what is cheap but not cheap enough for every frame.
pub(super) struct Memo<K, V>(Option<(K, V)>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq, V> Memo<K, V> {
    pub fn get(&mut self, key: K, make: impl FnOnce() -> V) -> &V {
        let kept = self.0.take().filter(|(old, _)| *old == key);
        &self.0.insert(kept.unwrap_or_else(|| (key, make()))).1
    }

    /// The last value, whatever its key.
    pub fn peek(&self) -> Option<&V> {
        self.0.as_ref().map(|(_, value)| value)
    }
}

/// A hash of what some values are of.
pub(super) fn key_of(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Names a trace: a pass follows from model and text; the address tells reruns apart.
pub(super) fn trace_key(trace: &Arc<Trace>) -> u64 {
    key_of((&trace.model, &trace.tokens.text, Arc::as_ptr(trace)))
}

/// One text whose layers' insides are at hand.
#[derive(Clone)]
pub(super) struct Recorded {
    pub id: TextId,
    pub trace: Arc<Trace>,
    /// False while the trace is that of an earlier text: paint it dimmed.
    pub current: bool,
    pub key: u64,
    /// `[T]`, as they can be seen.
    pub labels: Arc<[String]>,
}

impl Recorded {
    /// T
    pub fn tokens(&self) -> usize {
        self.trace.tokens.len()
    }

    /// A token with its place: `sat [3]`.
    pub fn token(&self, token: usize) -> String {
        let label = self.labels.get(token).map_or("?", String::as_str);
        format!("{label} [{token}]")
    }

    /// The parts of a focus that lie in this text: query and key.
    pub fn focused(&self, focus: Focus) -> (Option<usize>, Option<usize>) {
        let inside = |token: Option<usize>| {
            token.filter(|&t| focus.text == Some(self.id) && t < self.tokens())
        };
        (inside(focus.token), inside(focus.other))
    }
}

/// The viewed text; remembers its labels.
#[derive(Default)]
pub(super) struct Viewed(Memo<u64, Arc<[String]>>);

impl Viewed {
    /// None where there is nothing to show; then it says so, and what to do.
    pub fn recorded_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>) -> Option<Recorded> {
        let Some(text) = cx.viewed() else {
            say_ui(
                ui,
                "No text is chosen. Make one of the texts on the left A or B to see it here.",
            );
            return None;
        };
        match full_trace(text) {
            Ok(trace) => Some(self.of(text, trace)),
            Err(why) => {
                match &text.error {
                    Some(error) => failed_ui(ui, cx, error),
                    None => say_ui(ui, why),
                }
                None
            }
        }
    }

    fn of(&mut self, text: &TextView, trace: &Arc<Trace>) -> Recorded {
        let key = trace_key(trace);
        let pieces = &trace.tokens.pieces;
        let labels = self.0.get(key, || {
            pieces.iter().map(|piece| piece_label(piece)).collect()
        });
        Recorded {
            id: text.id,
            trace: trace.clone(),
            current: text.current,
            key,
            labels: labels.clone(),
        }
    }
}

/// The trace of a text where it holds every layer's inside, or why not.
pub(super) fn full_trace(text: &TextView) -> Result<&Arc<Trace>, &'static str> {
    match &text.trace {
        Some(trace) if trace.is_full() => Ok(trace),
        Some(_) => {
            Err("Only the outline of this text is recorded so far; its layers are on their way.")
        }
        None => Err("This text is being recorded."),
    }
}

fn say_ui(ui: &mut Ui, what: &str) {
    ui.add_space(SPACE);
    ui.label(RichText::new(what).color(crate::widgets::Theme::of(ui).secondary()));
}

fn failed_ui(ui: &mut Ui, cx: &ViewContext<'_>, error: &str) {
    ui.add_space(SPACE);
    ui.colored_label(
        cx.theme.error(),
        format!("This text could not be recorded: {error}"),
    );
    say_ui(ui, "Edit the text, or choose another model or prompt.");
}

/// What [`keep_ui`] kept last, in this run or the one before. For ways of looking, which are neither
/// undone nor part of a session.
pub(super) fn kept_ui<T: SerializableAny>(ui: &Ui, default: T) -> T {
    ui.data_mut(|data| {
        data.get_persisted_mut_or(Id::unique(type_name::<T>()), default)
            .clone()
    })
}

pub(super) fn keep_ui<T: SerializableAny>(ui: &Ui, value: T) {
    ui.data_mut(|data| data.insert_persisted(Id::unique(type_name::<T>()), value));
}

/// A row of choices of which one is on, with what each shows on hover.
pub(super) fn switch_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    value: &mut T,
    choices: &[(T, &str, &str)],
) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        for (choice, label, about) in choices {
            let response = ui
                .selectable_label(value == choice, *label)
                .on_hover_text(*about);
            if response.clicked() {
                *value = *choice;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memo_makes_its_value_once_per_key() {
        let mut memo = Memo::default();
        let mut made = 0;
        for key in [1, 1, 2, 2, 1] {
            let value = *memo.get(key, || {
                made += 1;
                key * 10
            });
            assert_eq!(value, key * 10);
        }
        assert_eq!(made, 3);
    }
}
