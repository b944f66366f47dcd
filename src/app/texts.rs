//! The newest trace of each text in the list, and what to ask the engine for.

use std::collections::HashMap;
use std::sync::Arc;

use super::state::{State, TextId};
use crate::engine::{Engine, TraceKey};
use crate::model::{Detail, Model};
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
}

impl Texts {
    /// Asks for the traces that the state calls for, and returns what there is of each text.
    /// A and B are wanted whole and first; the others need no insides.
    pub fn update(&mut self, state: &State, engine: &Engine, model: &Arc<Model>) -> Vec<TextView> {
        self.last.retain(|id, _| state.index(*id).is_some());
        let mut wanted = Vec::with_capacity(state.texts.len());
        let mut views = Vec::with_capacity(state.texts.len());
        for (index, text) in state.texts.iter().enumerate() {
            let last = self.last.entry(text.id).or_insert_with(|| Last {
                text: text.text.as_str().into(),
                trace: None,
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
                prompt: state.prompt.clone(),
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
            views.push(TextView {
                id: text.id,
                index,
                text: last.text.clone(),
                trace: last.trace.clone(),
                current,
                error,
            });
            wanted.push(key);
        }
        wanted.sort_by_key(|key| std::cmp::Reverse(key.detail));
        engine.want(wanted);
        views
    }
}
