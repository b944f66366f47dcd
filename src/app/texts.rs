//! The newest trace of each text in the list, and what to ask the engine for.

use std::collections::HashMap;
use std::sync::Arc;

use super::state::{State, TextId};
use crate::engine::{Engine, TraceKey, Wanted};
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
    /// By the reference model.
    reference: Option<Arc<Trace>>,
}

impl Texts {
    /// Asks for the traces that the state calls for, and returns what there is of each text.
    /// A and B are wanted whole and first; the others need no insides.
    pub fn update(&mut self, state: &State, engine: &Engine, model: &Arc<Model>) -> Vec<TextView> {
        self.last.retain(|id, _| state.index(*id).is_some());
        let reference = engine.reference();
        let mut later = Vec::new();
        let mut wanted = Vec::with_capacity(state.texts.len());
        let mut views = Vec::with_capacity(state.texts.len());
        for (index, text) in state.texts.iter().enumerate() {
            let last = self.last.entry(text.id).or_insert_with(|| Last {
                text: text.text.as_str().into(),
                trace: None,
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
                detail: if compared {
                    Detail::Full
                } else {
                    Detail::Outline
                },
            };
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
                .map(|reference| reference_key(state, reference, &last.text));
            last.reference
                .take_if(|trace| second.as_ref().is_none_or(|key| key.model != trace.model));
            let mut reference_current = false;
            if let Some(Ok(trace)) = second.as_ref().and_then(|key| engine.trace(key)) {
                last.reference = Some(trace);
                reference_current = true;
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
            });
            wanted.push(key);
        }
        wanted.sort_by_key(|key| std::cmp::Reverse(key.detail));
        // Panels of a layer's inside show one of the two texts; the other is a click away.
        let compared = wanted.iter().filter(|key| key.detail == Detail::Full);
        let layer = state.layer.min(model.spec().layers().saturating_sub(1));
        let insides = compared.map(|key| (key.clone(), layer)).collect();
        // The second model waits for the first.
        wanted.extend(later);
        engine.want(Wanted {
            traces: wanted,
            insides,
        });
        views
    }
}

/// The reference model's trace of a text: no insides.
fn reference_key(state: &State, reference: &Model, text: &Arc<str>) -> TraceKey {
    TraceKey {
        model: reference.hash.clone(),
        text: text.clone(),
        prompt: known_prompt(state, reference),
        detail: Detail::Outline,
    }
}

/// The chosen prompt, and the model's own where it lacks that one: a second model, or one that another
/// is about to replace.
fn known_prompt(state: &State, model: &Model) -> Prompt {
    match model.prompt(&state.prompt).is_ok() {
        true => state.prompt.clone(),
        false => Prompt::Own,
    }
}
