//! Fine-tuning in the background: one run at a time, watched from the window.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::{Engine, Shared, background};
use crate::cancel::Cancel;
use crate::model::Model;
use crate::model::source::resolve;
use crate::training::data::read_pairs;
use crate::training::folder::{self, Precision, Template};
use crate::training::{Check, Course, Plan, Report, TrainError};

/// What a run is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct LabOrder {
    pub plan: Plan,
    /// More pairs to learn, read when the run begins. The last pairs of all are held out.
    pub file: Option<PathBuf>,
    /// How many pairs are held out of what the file adds.
    pub held_out: usize,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq)]
pub enum LabStage {
    Running,
    Done,
    /// By the person, before its last step.
    Stopped,
    Failed(Arc<str>),
}

/// A run as it stands: a picture that does not change any more.
#[derive(Clone)]
pub struct LabRun {
    pub plan: Arc<Plan>,
    pub stage: LabStage,
    /// One for each step taken.
    pub reports: Vec<Report>,
    /// The first is from before the first step.
    pub checks: Vec<Arc<Check>>,
    /// The model that the person loaded, whose weights never change.
    pub original: Arc<Model>,
    /// The model with the weights after the last step.
    pub tuned: Option<Arc<Model>>,
    pub elapsed: Duration,
}

impl LabRun {
    pub fn is_running(&self) -> bool {
        self.stage == LabStage::Running
    }
}

#[derive(Default)]
pub(super) struct Lab {
    run: Option<Arc<LabRun>>,
    cancel: Cancel,
}

/// The laboratory behind a handle that the run's thread shares.
pub(super) type SharedLab = Arc<Mutex<Lab>>;

fn lock(lab: &SharedLab) -> MutexGuard<'_, Lab> {
    lab.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Engine {
    /// The run that is under way, or the last one.
    pub fn lab(&self) -> Option<Arc<LabRun>> {
        lock(&self.lab).run.clone()
    }

    /// Begins to fine-tune the model in use; nothing happens while a run is under way.
    pub fn fine_tune(&self, order: LabOrder) {
        let Some(base) = self.model() else { return };
        let mut lab = lock(&self.lab);
        if lab.run.as_ref().is_some_and(|run| run.is_running()) {
            return;
        }
        // A run on what an earlier one left goes back to where that one began.
        let before = lab.run.as_ref();
        let again = before.filter(|run| run.tuned.as_ref().is_some_and(|t| t.hash == base.hash));
        let original = again.map_or(base.clone(), |run| run.original.clone());
        lab.cancel = Cancel::new();
        lab.run = Some(Arc::new(LabRun {
            plan: Arc::new(order.plan.clone()),
            stage: LabStage::Running,
            reports: Vec::new(),
            checks: Vec::new(),
            original,
            tuned: None,
            elapsed: Duration::ZERO,
        }));
        let (cancel, handle, shared) = (lab.cancel.clone(), self.lab.clone(), self.shared.clone());
        drop(lab);
        background::spawn(move || {
            let run = || teach(&handle, &shared, base, order, &cancel);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            let stage = match outcome {
                Ok(Ok(stage)) => stage,
                Ok(Err(error)) => LabStage::Failed(error.to_string().into()),
                Err(_) => {
                    LabStage::Failed("an internal fault ended the run; please report it".into())
                }
            };
            update(&handle, &shared, |run| run.stage = stage);
        });
    }

    /// Ends the run after the step that it is in.
    pub fn stop_fine_tuning(&self) {
        lock(&self.lab).cancel.cancel();
    }

    /// Writes the tuned model as a folder of its own. Blocks; call it in a job.
    ///
    /// # Errors
    /// When there is none, the folder holds something, or a file cannot be written.
    pub fn save_tuned(
        run: &LabRun,
        sources: &crate::model::source::SourceOptions,
        path: &Path,
    ) -> Result<(), TrainError> {
        let tuned = run.tuned.as_ref().ok_or_else(|| {
            TrainError::Settings("there is no tuned model to save yet".to_owned())
        })?;
        if path
            .read_dir()
            .is_ok_and(|mut files| files.next().is_some())
        {
            let problem = "is not empty; name a new folder for the model";
            return Err(TrainError::file(path, problem));
        }
        let mut offline = sources.clone();
        offline.offline = true;
        let files = resolve(&tuned.source, &offline, &|_| {}, &Cancel::new())?;
        let parts = (&tuned.encoder.weights, &tuned.head);
        folder::write(path, &Template::of(&files)?, parts, Precision::Single)
    }
}

fn update(lab: &SharedLab, shared: &Shared, change: impl FnOnce(&mut LabRun)) {
    if let Some(run) = &mut lock(lab).run {
        change(Arc::make_mut(run));
    }
    (shared.wake)();
}

/// Runs the whole order and says how it ended.
fn teach(
    lab: &SharedLab,
    shared: &Shared,
    base: Arc<Model>,
    order: LabOrder,
    cancel: &Cancel,
) -> Result<LabStage, TrainError> {
    let started = Instant::now();
    let plan = Arc::new(with_file(order)?);
    update(lab, shared, |run| run.plan = plan.clone());
    let name = base.id.clone();
    let mut course = Course::new(base, plan)?;
    let first = Arc::new(course.check()?);
    update(lab, shared, |run| run.checks.push(first));
    while !course.is_done() && !cancel.is_cancelled() {
        let report = course.step()?;
        let check = course.is_due().then(|| course.check()).transpose()?;
        update(lab, shared, |run| {
            run.reports.push(report);
            run.checks.extend(check.map(Arc::new));
            run.elapsed = started.elapsed();
        });
    }
    let check = (!course.is_due()).then(|| course.check()).transpose()?;
    let mut tuned = course.tuned()?;
    tuned.id = match name.ends_with(TUNED) {
        true => name,
        false => format!("{name}{TUNED}"),
    };
    let stage = match course.is_done() {
        true => LabStage::Done,
        false => LabStage::Stopped,
    };
    update(lab, shared, |run| {
        run.checks.extend(check.map(Arc::new));
        run.tuned = Some(Arc::new(tuned));
        run.elapsed = started.elapsed();
    });
    Ok(stage)
}

/// What a tuned model's name ends in.
const TUNED: &str = " (fine-tuned)";

/// The plan with the pairs of the file behind its own.
fn with_file(order: LabOrder) -> Result<Plan, TrainError> {
    let mut plan = order.plan;
    let Some(file) = order.file else {
        return Ok(plan);
    };
    let mut pairs = read_pairs(&file)?;
    if pairs.is_empty() {
        return Err(TrainError::file(&file, "holds no pairs"));
    }
    let held_out = order.held_out.min(pairs.len());
    plan.held_out
        .extend(pairs.split_off(pairs.len() - held_out));
    plan.learned.extend(pairs);
    Ok(plan)
}
