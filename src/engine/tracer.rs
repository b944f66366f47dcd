//! The thread that records traces: always the first wanted one that is missing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::cache::TraceKey;
use super::{Shared, State, TRACE_BUDGET};
use crate::cancel::Cancel;
use crate::model::{Model, ModelError};
use crate::trace::Trace;

impl State {
    /// The first wanted trace that is not there yet, of a model that is.
    pub(super) fn next(&self) -> Option<(&TraceKey, &Arc<Model>)> {
        let slots = [&self.main, &self.reference];
        let of = |key: &TraceKey| {
            let mut models = slots.iter().filter_map(|slot| slot.model.as_ref());
            models.find(|model| model.hash == key.model)
        };
        let mut missing = self.wanted.iter().filter(|key| !self.cache.has(key));
        missing.find_map(|key| Some((key, of(key)?)))
    }
}

pub(super) fn run(shared: &Shared) {
    while let Some((key, model, cancel)) = next(shared) {
        let outcome = record(&model, &key, &cancel);
        let mut state = shared.state();
        state.running = None;
        if let Some(value) = outcome {
            let wanted = std::mem::take(&mut state.wanted);
            state.cache.put(key, value, TRACE_BUDGET, &wanted);
            state.wanted = wanted;
        }
        drop(state);
        (shared.wake)();
    }
}

/// Waits for work; `None` when the engine closes.
fn next(shared: &Shared) -> Option<(TraceKey, Arc<Model>, Cancel)> {
    let mut state = shared.state();
    loop {
        if state.closed {
            return None;
        }
        let next = state
            .next()
            .map(|(key, model)| (key.clone(), model.clone()));
        if let Some((key, model)) = next {
            let cancel = Cancel::new();
            state.running = Some((key.clone(), cancel.clone()));
            return Some((key, model, cancel));
        }
        let waited = shared.changed.wait(state);
        state = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
    }
}

/// `None` when it was cancelled.
fn record(model: &Model, key: &TraceKey, cancel: &Cancel) -> Option<Result<Arc<Trace>, Arc<str>>> {
    let run = || model.trace(&key.text, &key.prompt, key.detail, cancel);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(trace)) => Some(Ok(Arc::new(trace))),
        Ok(Err(ModelError::Stopped)) => None,
        Ok(Err(error)) => Some(Err(error.to_string().into())),
        Err(_) => Some(Err(
            "the encoder failed unexpectedly on this text; please report it".into(),
        )),
    }
}
