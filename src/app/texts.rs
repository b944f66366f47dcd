//! The newest trace of each text in the list, and what to ask the engine for.

use std::collections::HashMap;
use std::sync::Arc;

use super::state::{State, TextId};
use crate::engine::{Engine, TraceKey, Wanted};
use crate::model::intervention::{Changes, Place};
use crate::model::{Detail, Model, Prompt};
use crate::trace::Trace;
use crate::views::TextView;

/// Remembers, per text, the last trace that was ready.
#[derive(Default)]
pub struct Texts {
    last: HashMap<TextId, Last>,
}

struct Last {
    text: Arc<str>,
    trace: Option<Arc<Trace>>,
    /// Of the model as it is, where the pass is changed and the text is compared.
    untouched: Option<Arc<Trace>>,
    /// By the reference model.
    reference: Option<Arc<Trace>>,
}

impl Texts {
    /// The trace by the model as it is, of a compared text that is changed.
    pub fn untouched(&self, id: TextId) -> Option<&Arc<Trace>> {
        self.last.get(&id)?.untouched.as_ref()
    }

    /// Asks for the traces that the state calls for, and returns what there is of each text.
    /// A and B are wanted whole and first; the others need no insides.
    pub fn update(&mut self, state: &State, engine: &Engine, model: &Arc<Model>) -> Vec<TextView> {
        self.last.retain(|id, _| state.index(*id).is_some());
        let reference = engine.reference();
        let (mut later, mut before_changes) = (Vec::new(), Vec::new());
        let mut wanted = Vec::with_capacity(state.texts.len());
        let mut views = Vec::with_capacity(state.texts.len());
        for (index, text) in state.texts.iter().enumerate() {
            let last = self.last.entry(text.id).or_insert_with(|| Last {
                text: text.text.as_str().into(),
                trace: None,
                untouched: None,
                reference: None,
            });
            if *last.text != *text.text {
                last.text = text.text.as_str().into();
            }
            if last
                .trace
                .as_ref()
                .is_some_and(|trace| trace.model != model.hash)
            {
                last.trace = None;
            }
            let compared = state.a == Some(text.id) || state.b == Some(text.id);
            let key = TraceKey {
                model: model.hash.clone(),
                text: last.text.clone(),
                prompt: known_prompt(state, model),
                changes: Arc::new(changes_of(state, text.id)),
                detail: if compared {
                    Detail::Full
                } else {
                    Detail::Outline
                },
            };
            // The score before all changes is shown beside the one after.
            let untouched = (compared && !key.changes.is_empty()).then(|| TraceKey {
                changes: Arc::default(),
                detail: Detail::Outline,
                ..key.clone()
            });
            let before = untouched.as_ref().and_then(|key| engine.trace(key));
            last.untouched = before.and_then(Result::ok);
            before_changes.extend(untouched);
            let (current, error) = match engine.trace(&key) {
                Some(Ok(trace)) => {
                    last.trace = Some(trace);
                    (true, None)
                }
                Some(Err(error)) => (false, Some(error)),
                None => (false, None),
            };
            let second = reference
                .as_ref()
                .map(|reference| reference_key(state, reference, text.id, &last.text));
            last.reference
                .take_if(|trace| second.as_ref().is_none_or(|key| key.model != trace.model));
            let found = second.as_ref().and_then(|key| reference_trace(engine, key));
            let (mut reference_current, mut reference_error) = (false, None);
            match found {
                Some(Ok(trace)) => {
                    last.reference = Some(trace);
                    reference_current = true;
                }
                Some(Err(error)) => reference_error = Some(error),
                None => {}
            }
            later.extend(second);
            views.push(TextView {
                id: text.id,
                index,
                text: last.text.clone(),
                trace: last.trace.clone(),
                current,
                error,
                reference: last.reference.clone(),
                reference_current,
                reference_error,
            });
            wanted.push(key);
        }
        wanted.sort_by_key(|key| std::cmp::Reverse(key.detail));
        // Panels of a layer's inside show one of the two texts; the other is a click away.
        let compared = wanted.iter().filter(|key| key.detail == Detail::Full);
        let layer = state.layer.min(model.spec().layers().saturating_sub(1));
        let mut insides: Vec<_> = compared.map(|key| (key.clone(), layer)).collect();
        wanted.extend(before_changes);
        // The second model waits for the first.
        later.sort_by_key(|key| std::cmp::Reverse(key.detail));
        let layers = reference.as_ref().map_or(0, |model| model.spec().layers());
        let layer = state.layer.min(layers.saturating_sub(1));
        let compared = later.iter().filter(|key| key.detail == Detail::Full);
        insides.extend(compared.map(|key| (key.clone(), layer)));
        wanted.extend(later);
        engine.want(Wanted {
            traces: wanted,
            insides,
        });
        views
    }
}

/// What holds in one text of the list.
pub fn changes_of(state: &State, id: TextId) -> Changes {
    if state.interventions.is_empty() {
        return Changes::default();
    }
    let place = Place {
        a: state.a == Some(id),
        b: state.b == Some(id),
    };
    let other = if place.a { state.b } else { state.a };
    let other = other
        .and_then(|id| state.index(id))
        .map(|i| &state.texts[i].text);
    let other = other.map(|text| Arc::from(text.as_str()));
    state.interventions.changes(place, other.as_ref())
}

/// The reference model's trace of a text: with insides only of what is looked into.
fn reference_key(state: &State, reference: &Model, id: TextId, text: &Arc<str>) -> TraceKey {
    let compared = state.a == Some(id) || state.b == Some(id);
    let held = state.locked.reference && state.locked.text == Some(id);
    let whole = held || compared && state.looks_into_reference();
    TraceKey {
        model: reference.hash.clone(),
        text: text.clone(),
        prompt: known_prompt(state, reference),
        // Layers and heads are those of the first model.
        changes: Arc::default(),
        detail: match whole {
            true => Detail::Full,
            false => Detail::Outline,
        },
    }
}

/// The trace of a key, or its outline until all of it is there.
fn reference_trace(engine: &Engine, key: &TraceKey) -> Option<Result<Arc<Trace>, Arc<str>>> {
    let outline = || TraceKey {
        detail: Detail::Outline,
        ..key.clone()
    };
    engine.trace(key).or_else(|| engine.trace(&outline()))
}

/// The chosen prompt, and the model's own where it lacks that one: a second model, or one that another
/// is about to replace.
fn known_prompt(state: &State, model: &Model) -> Prompt {
    match model.prompt(&state.prompt).is_ok() {
        true => state.prompt.clone(),
        false => Prompt::Own,
    }
}
