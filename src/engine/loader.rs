//! Loading a model in the background, with progress and cancel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Shared;
use crate::cancel::Cancel;
use crate::model::source::{Progress, resolve};
use crate::model::{Model, ModelError, ModelRef};

/// How the latest load stands.
#[derive(Clone, Debug, Default)]
pub enum LoadState {
    #[default]
    Idle,
    Running {
        reference: ModelRef,
        /// The file on its way, once one is.
        progress: Option<Progress>,
    },
    Failed {
        reference: ModelRef,
        error: Arc<str>,
    },
}

/// The latest load. Its number tells a late answer of an earlier one apart.
#[derive(Default)]
pub struct Load {
    pub state: LoadState,
    pub(super) cancel: Cancel,
    number: u64,
}

pub(super) fn start(shared: &Arc<Shared>, reference: ModelRef) {
    let mut state = shared.state();
    state.load.cancel.cancel();
    let cancel = Cancel::new();
    let number = state.load.number + 1;
    state.load = Load {
        state: LoadState::Running {
            reference: reference.clone(),
            progress: None,
        },
        cancel: cancel.clone(),
        number,
    };
    drop(state);
    let shared = shared.clone();
    std::thread::spawn(move || {
        let load = || read(&shared, &reference, number, &cancel);
        let outcome = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| {
            Err(ModelError::Weights {
                file: reference.to_string(),
                problem: "loading failed unexpectedly; please report it".to_owned(),
            })
        });
        finish(&shared, reference, number, &cancel, outcome);
    });
}

fn read(
    shared: &Shared,
    reference: &ModelRef,
    number: u64,
    cancel: &Cancel,
) -> Result<Model, ModelError> {
    let report = |now: Progress| {
        let mut state = shared.state();
        if state.load.number == number
            && let LoadState::Running { progress, .. } = &mut state.load.state
        {
            *progress = Some(now);
            drop(state);
            (shared.wake)();
        }
    };
    let files = resolve(reference, &shared.sources, &report, cancel)?;
    Model::load(&files, &shared.device)
}

fn finish(
    shared: &Shared,
    reference: ModelRef,
    number: u64,
    cancel: &Cancel,
    outcome: Result<Model, ModelError>,
) {
    let mut state = shared.state();
    if state.load.number != number || cancel.is_cancelled() {
        return;
    }
    state.load.state = match outcome {
        Ok(model) => {
            state.model = Some(Arc::new(model));
            LoadState::Idle
        }
        Err(error) => LoadState::Failed {
            reference,
            error: error.to_string().into(),
        },
    };
    drop(state);
    shared.changed.notify_all();
    (shared.wake)();
}
