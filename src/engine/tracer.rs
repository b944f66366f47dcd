//! The thread that records traces: always the first wanted one that is missing, and then the insides
//! of layers that are looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::cache::TraceKey;
use super::{Shared, State};
use crate::analysis::attention::Digest;
use crate::cancel::Cancel;
use crate::model::{Detail, Model, ModelError};
use crate::tokens::Tokens;
use crate::trace::Trace;
use crate::trace::hook::HeadWatch;

/// Every layer's inside of a text is kept from the start where that takes no more than this part of
/// the budget.
const SHARE: usize = 4;

/// What the thread does next.
#[derive(Clone)]
pub(super) enum Task {
    Trace(TraceKey),
    Inside(TraceKey, usize, Arc<Trace>),
}

impl Task {
    pub fn key(&self) -> &TraceKey {
        match self {
            Self::Trace(key) | Self::Inside(key, ..) => key,
        }
    }

    /// Whether anybody still waits for it.
    pub fn is_wanted(&self, wanted: &super::Wanted) -> bool {
        match self {
            Self::Trace(key) => wanted.traces.contains(key),
            Self::Inside(key, layer, _) => {
                wanted.insides.iter().any(|(k, l)| k == key && l == layer)
            }
        }
    }
}

impl State {
    /// The first wanted thing that is not there yet, of a model that is.
    pub(super) fn next(&self) -> Option<(Task, &Arc<Model>)> {
        let slots = [&self.main, &self.reference];
        let of = |task: Task| {
            let mut models = slots.iter().filter_map(|slot| slot.model.as_ref());
            let model = models.find(|model| model.hash == task.key().model)?;
            Some((task, model))
        };
        let insides = self.wanted.insides.iter().filter_map(|inside| {
            let trace = self.cache.lacks(inside)?;
            let (key, layer) = inside.clone();
            (!self.failed.contains(&(trace.pass, layer))).then_some(Task::Inside(key, layer, trace))
        });
        let traces = self.wanted.traces.iter();
        let traces = traces.filter(|key| !self.cache.has(key)).cloned();
        insides.chain(traces.map(Task::Trace)).find_map(of)
    }
}

pub(super) fn run(shared: &Shared) {
    while let Some((task, model, cancel)) = next(shared) {
        match task {
            Task::Trace(key) => trace(shared, &model, key, &cancel),
            Task::Inside(key, layer, trace) => {
                inside(shared, &model, (key, layer), &trace, &cancel)
            }
        }
        (shared.wake)();
    }
}

/// Waits for work; `None` when the engine closes.
fn next(shared: &Shared) -> Option<(Task, Arc<Model>, Cancel)> {
    let mut state = shared.state();
    loop {
        if state.closed {
            return None;
        }
        let next = state.next();
        if let Some((task, model)) = next.map(|(task, model)| (task, model.clone())) {
            let cancel = Cancel::new();
            state.running = Some((task.clone(), cancel.clone()));
            return Some((task, model, cancel));
        }
        let waited = shared.changed.wait(state);
        state = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
    }
}

fn trace(shared: &Shared, model: &Model, key: TraceKey, cancel: &Cancel) {
    let most = match key.detail {
        Detail::Full => shared.state().budget / SHARE,
        Detail::Outline => 0,
    };
    let outcome = record(model, &key, most, cancel);
    let mut state = shared.state();
    state.running = None;
    if let Some(value) = outcome {
        let wanted = std::mem::take(&mut state.wanted);
        let budget = state.budget;
        state.cache.put(key, value, budget, &wanted);
        state.wanted = wanted;
    }
}

/// `None` when it was cancelled.
fn record(
    model: &Model,
    key: &TraceKey,
    most: usize,
    cancel: &Cancel,
) -> Option<Result<Arc<Trace>, Arc<str>>> {
    let _span = tracing::trace_span!("trace", of = "whole").entered();
    // Only what is wanted in full is looked at head by head.
    let watch = |tokens: &Tokens| {
        let (layers, heads) = (model.spec().layers(), model.spec().heads);
        let digest = || -> Arc<dyn HeadWatch> { Arc::new(Digest::new(tokens, layers, heads)) };
        (most > 0).then(digest)
    };
    let run = || {
        let text = (&*key.text, &key.prompt);
        model.trace_changed(text, &key.changes, most, &watch, cancel)
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(trace)) => Some(Ok(Arc::new(trace))),
        Ok(Err(ModelError::Stopped)) => None,
        Ok(Err(error)) => Some(Err(error.to_string().into())),
        Err(_) => Some(Err(
            "the encoder failed unexpectedly on this text; please report it".into(),
        )),
    }
}

/// Makes one layer's inside again.
fn inside(
    shared: &Shared,
    model: &Model,
    (key, layer): (TraceKey, usize),
    trace: &Trace,
    cancel: &Cancel,
) {
    let _span = tracing::trace_span!("trace", of = "one layer again").entered();
    let run = || model.recall(trace, layer, cancel);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let mut state = shared.state();
    state.running = None;
    match outcome {
        Ok(Ok(more)) => {
            let wanted = std::mem::take(&mut state.wanted);
            let budget = state.budget;
            state
                .cache
                .add_inside(&key, Arc::new(more), budget, &wanted);
            state.wanted = wanted;
        }
        Ok(Err(ModelError::Stopped)) => {}
        // Not tried again for this pass, which would fail for ever.
        failed => {
            if let Ok(Err(error)) = failed {
                log::error!("layer {} cannot be made again: {error}", layer + 1);
            }
            state.failed.push((trace.pass, layer));
        }
    }
}
