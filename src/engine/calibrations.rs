//! What each model gives to unrelated texts: measured once on a thread of its own, kept on disk.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{Engine, Shared, background};
use crate::analysis::background::Background;
use crate::analysis::calibration::{Calibration, Extent};
use crate::analysis::vectors::to_f64;
use crate::cancel::Cancel;
use crate::model::{Model, ModelError, Prompt};
use crate::tokens::Tokens;
use crate::trace::PoolingMode;

mod file;
mod store;

pub use file::read_background;
pub use store::CalibrationStore;

/// What a calibration is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CalibrationKey {
    /// The model's hash.
    pub model: Arc<str>,
    /// Instead of the model's own.
    pub pooling: Option<PoolingMode>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    pub truncate: Option<usize>,
    /// The words in front of every text.
    pub prompt: Arc<str>,
    pub background: Background,
}

impl CalibrationKey {
    /// On the program's own background.
    ///
    /// # Errors
    /// When the model has no prompt of that name.
    pub fn new(
        model: &Model,
        pooling: Option<PoolingMode>,
        prompt: &Prompt,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            model: model.hash.clone(),
            pooling: pooling.filter(|&mode| model.head.pooling() != [mode]),
            truncate: None,
            prompt: model.prompt(prompt)?.into(),
            background: Background::own(),
        })
    }

    /// The same on another background.
    pub fn on(self, background: Background) -> Self {
        Self { background, ..self }
    }

    /// The same of vectors cut to so many dimensions, where that is not what the model does itself.
    pub fn cut_to(self, size: Option<usize>, model: &Model) -> Self {
        let truncate = size.filter(|&size| size != model.sentence_size());
        Self { truncate, ..self }
    }
}

/// How a calibration stands.
#[derive(Clone)]
pub enum CalibrationState {
    /// Neither in memory nor on disk.
    Missing,
    /// The disk is being looked at.
    Sought,
    /// So many texts are encoded, of so many.
    Running(usize, usize),
    Ready(Arc<Calibration>),
    Failed(Arc<str>),
}

#[derive(Default)]
pub(super) struct Calibrations {
    states: HashMap<CalibrationKey, CalibrationState>,
    running: Option<Cancel>,
    /// A person's own, instead of the program's.
    background: Option<Background>,
}

/// The calibrations behind a handle that their thread shares.
pub(super) type SharedCalibrations = Arc<Mutex<Calibrations>>;

fn lock(calibrations: &SharedCalibrations) -> MutexGuard<'_, Calibrations> {
    let locked = calibrations.lock();
    locked.unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Engine {
    /// How the calibration of this key stands. Cheap enough for every frame; the first question
    /// looks on the disk, away from the window.
    pub fn calibration_state(&self, key: &CalibrationKey) -> CalibrationState {
        let mut calibrations = lock(&self.calibrations);
        if let Some(state) = calibrations.states.get(key) {
            return state.clone();
        }
        let states = &mut calibrations.states;
        states.insert(key.clone(), CalibrationState::Sought);
        drop(calibrations);
        let (shared, store) = (self.calibrations.clone(), self.store.clone());
        let key = key.clone();
        self.spawn(move || {
            let found = store.load(&key).map(Arc::new);
            let found = found.map_or(CalibrationState::Missing, CalibrationState::Ready);
            let states = &mut lock(&shared).states;
            // The person may have begun to calibrate meanwhile.
            if let Some(state @ CalibrationState::Sought) = states.get_mut(&key) {
                *state = found;
            }
        });
        CalibrationState::Sought
    }

    /// The calibration of this key, once it is there.
    pub fn calibration(&self, key: &CalibrationKey) -> Option<Arc<Calibration>> {
        match self.calibration_state(key) {
            CalibrationState::Ready(found) => Some(found),
            _ => None,
        }
    }

    /// Begins to calibrate; one that is under way for another key is given up.
    pub fn calibrate(&self, model: Arc<Model>, key: CalibrationKey) {
        let mut calibrations = lock(&self.calibrations);
        let state = calibrations.states.get(&key);
        if matches!(
            state,
            Some(CalibrationState::Running(..) | CalibrationState::Ready(_))
        ) {
            return;
        }
        let cancel = Cancel::new();
        if let Some(before) = calibrations.running.replace(cancel.clone()) {
            before.cancel();
        }
        let running = CalibrationState::Running(0, key.background.texts().len());
        calibrations.states.insert(key.clone(), running);
        drop(calibrations);
        let (handle, shared, store) = (
            self.calibrations.clone(),
            self.shared.clone(),
            self.store.clone(),
        );
        background::spawn(move || measure(&handle, &shared, &store, &model, key, &cancel));
    }

    /// Gives up the calibration that is under way.
    pub fn stop_calibrating(&self) {
        if let Some(cancel) = &lock(&self.calibrations).running {
            cancel.cancel();
        }
    }

    /// How far the calibration that is under way is: texts encoded, of how many.
    pub fn calibrating(&self) -> Option<(usize, usize)> {
        let states = &lock(&self.calibrations).states;
        states.values().find_map(|state| match state {
            CalibrationState::Running(done, all) => Some((*done, *all)),
            _ => None,
        })
    }

    /// What calibrations are made on.
    pub fn background(&self) -> Background {
        let own = lock(&self.calibrations).background.clone();
        own.unwrap_or_else(Background::own)
    }

    /// Replaces the background; none puts the program's own back. Calibrations on another one stay.
    pub fn use_background(&self, background: Option<Background>) {
        lock(&self.calibrations).background = background;
        (self.shared.wake)();
    }

    /// Keeps calibrations elsewhere; in memory alone without a folder.
    pub fn keep_calibrations_in(&mut self, store: CalibrationStore) {
        self.store = store;
    }
}

/// Runs one calibration to its end and says what came of it.
fn measure(
    handle: &SharedCalibrations,
    shared: &Shared,
    store: &CalibrationStore,
    model: &Model,
    key: CalibrationKey,
    cancel: &Cancel,
) {
    let mut progress = |done, all| {
        let running = CalibrationState::Running(done, all);
        lock(handle).states.insert(key.clone(), running);
        (shared.wake)();
        give_way(shared, cancel);
    };
    let run = || calibrate(model, &key, cancel, &mut progress);
    let state = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(found)) => {
            store.save(&key, &found);
            CalibrationState::Ready(Arc::new(found))
        }
        Ok(Err(ModelError::Stopped)) => CalibrationState::Missing,
        Ok(Err(error)) => CalibrationState::Failed(error.to_string().into()),
        Err(_) => CalibrationState::Failed("an internal fault ended it; please report it".into()),
    };
    lock(handle).states.insert(key, state);
    (shared.wake)();
}

/// Waits while traces are wanted: what a person types comes first.
fn give_way(shared: &Shared, cancel: &Cancel) {
    /// So that a trace which never comes does not hold a calibration up for ever.
    const MOST: usize = 100;
    for _ in 0..MOST {
        let state = shared.state();
        let tracing = state.running.is_some() || state.next().is_some();
        if !tracing || state.closed || cancel.is_cancelled() {
            return;
        }
        drop(state);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Encodes the key's background and measures it.
///
/// # Errors
/// [`ModelError::Stopped`] once the flag is up.
pub fn calibrate(
    model: &Model,
    key: &CalibrationKey,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibration, ModelError> {
    /// Texts between two looks at the flag, on a CPU.
    const BATCH: usize = 32;
    let at_once = model.at_once(BATCH);
    let options = model.options_with(key.pooling, key.truncate);
    let prompt = Prompt::Text(key.prompt.to_string());
    let tokens = |text: &String| model.tokens(text, &prompt);
    let texts = key.background.texts().iter();
    let mut texts: Vec<Tokens> = texts.map(tokens).collect::<Result<_, _>>()?;
    // Texts of one length together; their order says nothing.
    texts.sort_by_key(Tokens::len);
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(at_once) {
        if cancel.is_cancelled() {
            return Err(ModelError::Stopped);
        }
        let found = model.embed(batch, options, at_once, cancel, &mut |_| ())?;
        vectors.extend(found.iter().map(|vector| to_f64(vector)));
        progress(vectors.len(), texts.len());
    }
    if cancel.is_cancelled() {
        return Err(ModelError::Stopped);
    }
    Ok(Calibration::new(&vectors, Extent::default()))
}
