//! What the panels of a layer's inside share: the viewed text with its full trace, and a memo.

use std::any::type_name;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use egui::util::id_type_map::SerializableAny;
use egui::{Color32, Id, TextStyle, Ui};

use super::ViewContext;
use super::subject::{Subject, note_ui, subject_ui};
use crate::app::state::{Focus, TextId};
use crate::model::EncoderSpec;
use crate::trace::Trace;

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

/// Names a forward pass, whichever of its parts the trace holds.
pub(super) fn trace_key(trace: &Trace) -> u64 {
    key_of((&trace.model, trace.pass))
}

/// One text with the inside of the chosen layer at hand.
#[derive(Clone)]
pub(super) struct Recorded {
    pub id: TextId,
    pub trace: Arc<Trace>,
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
        let subject = subject_ui(ui, cx)?;
        self.of_ui(ui, cx, &subject)
    }

    /// The same for a subject that is already at hand.
    pub fn of_ui(
        &mut self,
        ui: &mut Ui,
        cx: &ViewContext<'_>,
        subject: &Subject,
    ) -> Option<Recorded> {
        let (id, trace) = (subject.id, subject.trace.clone());
        let layer = cx.layer();
        if trace.layers > 0 && !trace.has_inside(layer) {
            let why = format!(
                "Running layer {} again for what is inside of it…",
                layer + 1
            );
            note_ui(ui, why);
            return None;
        }
        let key = trace_key(&trace);
        let labels = &trace.tokens.labels;
        let labels = self.0.get(key, || labels.as_slice().into());
        Some(Recorded {
            id,
            key,
            labels: labels.clone(),
            trace,
        })
    }
}

/// Says which layers use the same weights as this one, where others do.
pub(super) fn sharing(spec: &EncoderSpec, layer: usize) -> Option<String> {
    spec.groups?;
    let own = spec.block_of(layer);
    let same: Vec<usize> = (0..spec.layers())
        .filter(|&l| spec.block_of(l) == own)
        .collect();
    let (first, last) = (same.first()? + 1, same.last()? + 1);
    (first < last).then(|| format!("layers {first}–{last} use the same weights"))
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

/// Choices of which one is on, with what each shows on hover. In a row that wraps they stay together.
pub(super) fn switch_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    value: &mut T,
    choices: &[(T, &str, &str)],
) {
    if ui.layout().main_wrap() {
        let width = choices_width(ui, choices.iter().map(|(_, label, _)| *label));
        // Wider than a whole row they wrap one by one.
        if ui.available_size_before_wrap().x < width && width <= ui.max_rect().width() {
            ui.end_row();
        }
    }
    for (choice, label, about) in choices {
        let response = ui.selectable_label(value == choice, *label);
        if response.on_hover_text(*about).clicked() {
            *value = *choice;
        }
    }
}

/// How wide buttons with these labels are beside each other, in points.
fn choices_width<'a>(ui: &Ui, labels: impl Iterator<Item = &'a str>) -> f32 {
    let font = TextStyle::Button.resolve(ui.style());
    let spacing = ui.spacing();
    let of = |label: &str| {
        let galley = ui
            .painter()
            .layout_no_wrap(label.to_owned(), font.clone(), Color32::WHITE);
        galley.size().x + 2. * spacing.button_padding.x + spacing.item_spacing.x
    };
    labels.map(of).sum::<f32>() - spacing.item_spacing.x
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
