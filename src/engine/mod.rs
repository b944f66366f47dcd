//! Work away from the window: loading models, recording traces, computing what panels show.
//!
//! Nothing queues up. The window says which traces it wants *now*; whatever is not among them any
//! more is cancelled, so the latest keystroke wins. The engine knows nothing of egui: it wakes the
//! window through a callback.

mod background;
mod bands;
mod cache;
mod calibrations;
mod derived;
mod lab;
mod loader;
mod tracer;

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use candle_core::Device;

pub use bands::{BandsKey, layer_bands};
pub use cache::{InsideKey, TraceKey, Wanted};
pub use calibrations::{
    CalibrationKey, CalibrationState, CalibrationStore, calibrate, read_background,
};
pub use derived::{Derived, Shown};
pub use lab::{LabOrder, LabRun, LabStage};
pub use loader::{Load, LoadState};
use loader::{Role, Slot};

use crate::cancel::Cancel;
use crate::model::source::SourceOptions;
use crate::model::{Model, ModelRef};
use crate::trace::Trace;
use cache::Cache;

/// Bytes of traces to keep until a person says otherwise. Two texts at the limit of a base-sized
/// model fit with several layers' insides each.
pub const TRACE_BUDGET: usize = 1 << 30;

/// Called, from any thread, when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A handle on the background threads; they end when it is dropped.
pub struct Engine {
    shared: Arc<Shared>,
    jobs: std::sync::mpsc::Sender<Job>,
    slow_jobs: std::sync::mpsc::Sender<Job>,
    lab: lab::SharedLab,
    calibrations: calibrations::SharedCalibrations,
    store: CalibrationStore,
}

type Job = Box<dyn FnOnce() + Send>;

struct Shared {
    state: Mutex<State>,
    /// Signalled when the tracer may have something to do.
    changed: Condvar,
    wake: Wake,
    device: Device,
    sources: SourceOptions,
}

#[derive(Default)]
struct State {
    main: Slot,
    reference: Slot,
    wanted: Wanted,
    running: Option<(tracer::Task, Cancel)>,
    cache: Cache,
    /// Bytes of traces to keep.
    budget: usize,
    /// Passes and layers of which the inside could not be made again.
    failed: Vec<(u64, usize)>,
    /// Jobs handed over and not yet done.
    jobs: usize,
    /// Jobs handed over since the start.
    handed: u64,
    closed: bool,
}

impl State {
    fn slot(&mut self, role: Role) -> &mut Slot {
        match role {
            Role::Main => &mut self.main,
            Role::Reference => &mut self.reference,
        }
    }
}

impl Shared {
    /// A panic on a worker is contained there, so what it left under the lock is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Engine {
    pub fn new(device: Device, sources: SourceOptions, wake: Wake) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                budget: TRACE_BUDGET,
                ..State::default()
            }),
            changed: Condvar::new(),
            wake,
            device,
            sources,
        });
        let tracer = shared.clone();
        background::spawn(move || tracer::run(&tracer));
        let worker = || {
            let (jobs, queue) = std::sync::mpsc::channel();
            let analyst = shared.clone();
            background::spawn(move || run_jobs(&analyst, &queue));
            jobs
        };
        let (jobs, slow_jobs) = (worker(), worker());
        Self {
            shared,
            jobs,
            slow_jobs,
            lab: lab::SharedLab::default(),
            calibrations: calibrations::SharedCalibrations::default(),
            store: CalibrationStore::from_env(),
        }
    }

    /// Begins to load a model; the one in use stays until the new one is ready.
    pub fn load(&self, reference: ModelRef) {
        loader::start(&self.shared, Role::Main, reference);
    }

    pub fn cancel_load(&self) {
        self.shared.state().main.cancel();
    }

    /// Begins to load the reference model, or lets go of it. The one before stays until the new one
    /// is ready.
    pub fn set_reference(&self, reference: Option<ModelRef>) {
        match reference {
            Some(reference) => loader::start(&self.shared, Role::Reference, reference),
            None => {
                let mut state = self.shared.state();
                state.reference.cancel();
                state.reference.load.state = LoadState::Idle;
                state.reference.model = None;
            }
        }
    }

    /// How the reference model's latest load stands.
    pub fn reference_state(&self) -> LoadState {
        self.shared.state().reference.load.state.clone()
    }

    /// The model that the same texts are also seen through: the last one that loaded.
    pub fn reference(&self) -> Option<Arc<Model>> {
        self.shared.state().reference.model.clone()
    }

    /// How the latest load stands.
    pub fn load_state(&self) -> LoadState {
        self.shared.state().main.load.state.clone()
    }

    pub fn dismiss_load_error(&self) {
        let mut state = self.shared.state();
        if let LoadState::Failed { .. } = state.main.load.state {
            state.main.load.state = LoadState::Idle;
        }
    }

    /// The model in use: the last one that loaded.
    pub fn model(&self) -> Option<Arc<Model>> {
        self.shared.state().main.model.clone()
    }

    /// Puts a model in use that was loaded elsewhere.
    pub fn use_model(&self, model: Arc<Model>) {
        self.shared.state().main.model = Some(model);
        self.shared.changed.notify_all();
    }

    /// Says what is wanted now. Cheap enough for every frame.
    pub fn want(&self, wanted: Wanted) {
        let mut state = self.shared.state();
        state.cache.touch(&wanted);
        if state.wanted == wanted {
            return;
        }
        if let Some((task, cancel)) = &state.running
            && !task.is_wanted(&wanted)
        {
            cancel.cancel();
        }
        state.wanted = wanted;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// How many bytes of traces are kept; insides of layers that nobody looks at give way first.
    pub fn set_budget(&self, bytes: usize) {
        self.shared.state().budget = bytes;
    }

    pub fn budget(&self) -> usize {
        self.shared.state().budget
    }

    /// The trace of exactly this key (or one with more detail), once it is there.
    pub fn trace(&self, key: &TraceKey) -> Option<Result<Arc<Trace>, Arc<str>>> {
        self.shared.state().cache.get(key)
    }

    /// True while traces are wanted that are not there yet, or a model loads, learns, is
    /// calibrated, or a job runs.
    pub fn busy(&self) -> bool {
        if self.lab().is_some_and(|run| run.is_running()) || self.calibrating().is_some() {
            return true;
        }
        let state = self.shared.state();
        let loading = [&state.main, &state.reference]
            .iter()
            .any(|slot| matches!(slot.load.state, LoadState::Running { .. }));
        let tracing = state.next().is_some();
        loading || tracing || state.running.is_some() || state.jobs > 0
    }

    /// Bytes of traces held.
    pub fn bytes(&self) -> usize {
        self.shared.state().cache.bytes()
    }

    fn hand_over(&self) {
        let mut state = self.shared.state();
        state.jobs += 1;
        state.handed += 1;
    }

    /// Runs `job` away from the window; jobs run one after the other, in order.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        self.hand_over();
        // The receiver lives as long as this handle, so sending cannot fail while we are here.
        let _ = self.jobs.send(Box::new(job));
    }

    /// [`Self::spawn`] for what takes seconds: quick jobs do not wait for it.
    pub fn spawn_slow(&self, job: impl FnOnce() + Send + 'static) {
        self.hand_over();
        let _ = self.slow_jobs.send(Box::new(job));
    }

    /// [`Self::spawn`] on a thread of its own, for what goes on while other slow jobs come and go.
    pub fn spawn_apart(&self, job: impl FnOnce() + Send + 'static) {
        self.hand_over();
        let shared = self.shared.clone();
        background::spawn(move || run_job(&shared, Box::new(job)));
    }

    /// Jobs handed over since the start. Where it stays the same over a frame that began with nothing
    /// running, that frame had all there is to show.
    pub fn jobs_handed_over(&self) -> u64 {
        self.shared.state().handed
    }

    /// Waits until nothing runs, at most `limit`. For headless use and tests.
    pub fn settle(&self, limit: Duration) -> bool {
        let end = std::time::Instant::now() + limit;
        while self.busy() {
            if std::time::Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    pub fn device(&self) -> &Device {
        &self.shared.device
    }

    pub fn sources(&self) -> &SourceOptions {
        &self.shared.sources
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop_fine_tuning();
        self.stop_calibrating();
        let mut state = self.shared.state();
        state.closed = true;
        state.main.load.cancel.cancel();
        state.reference.load.cancel.cancel();
        if let Some((_, cancel)) = &state.running {
            cancel.cancel();
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

fn run_jobs(shared: &Shared, queue: &std::sync::mpsc::Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        run_job(shared, job);
    }
}

fn run_job(shared: &Shared, job: Job) {
    let _span = tracing::trace_span!("analysis").entered();
    // A panic in an analysis is a bug of ours, but not one that should take the window along: the
    // panel that asked keeps its last state.
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
        log::error!("an analysis panicked; its panel keeps what it showed before");
    }
    shared.state().jobs -= 1;
    (shared.wake)();
}
