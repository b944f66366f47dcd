//! Loading a model in the background, with progress and cancel.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Shared, background};
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

/// What a model is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The model in use.
    Main,
    /// The one that the same texts are also seen through.
    Reference,
}

/// A model and how its latest load stands.
#[derive(Default)]
pub struct Slot {
    pub(super) model: Option<Arc<Model>>,
    pub(super) load: Load,
}

impl Slot {
    pub(super) fn cancel(&mut self) {
        if let LoadState::Running { .. } = self.load.state {
            self.load.cancel.cancel();
            self.load.state = LoadState::Idle;
        }
    }
}

/// The latest load. Its number tells a late answer of an earlier one apart.
#[derive(Default)]
pub struct Load {
    pub state: LoadState,
    pub(super) cancel: Cancel,
    number: u64,
}

pub(super) fn start(shared: &Arc<Shared>, role: Role, reference: ModelRef) {
    let mut state = shared.state();
    let load = &mut state.slot(role).load;
    load.cancel.cancel();
    let cancel = Cancel::new();
    let number = load.number + 1;
    *load = Load {
        state: LoadState::Running {
            reference: reference.clone(),
            progress: None,
        },
        cancel: cancel.clone(),
        number,
    };
    drop(state);
    let shared = shared.clone();
    background::spawn(move || {
        let load = || read(&shared, &reference, (role, number), &cancel);
        let outcome = catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|_| {
            Err(ModelError::Weights {
                file: reference.to_string(),
                problem: "loading failed unexpectedly; please report it".to_owned(),
            })
        });
        finish(&shared, reference, (role, number), &cancel, outcome);
    });
}

fn read(
    shared: &Shared,
    reference: &ModelRef,
    (role, number): (Role, u64),
    cancel: &Cancel,
) -> Result<Model, ModelError> {
    let report = |now: Progress| {
        let mut state = shared.state();
        let load = &mut state.slot(role).load;
        if load.number == number
            && let LoadState::Running { progress, .. } = &mut load.state
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
    (role, number): (Role, u64),
    cancel: &Cancel,
    outcome: Result<Model, ModelError>,
) {
    let mut state = shared.state();
    let slot = state.slot(role);
    if slot.load.number != number || cancel.is_cancelled() {
        return;
    }
    slot.load.state = match outcome {
        Ok(model) => {
            slot.model = Some(Arc::new(model));
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
