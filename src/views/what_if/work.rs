//! What the panel has run away from the window: when it is asked for, with progress and a stop.

use std::sync::Arc;

use egui::{ProgressBar, Ui};

use crate::analysis::edits::rerun::{Subject, parts, rerun};
use crate::analysis::edits::{Draft, Edit, Kind, apply};
use crate::analysis::job::Job;
use crate::analysis::pooling;
use crate::cancel::Cancel;
use crate::engine::{Derived, Engine, Shown};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::PoolingMode;
use crate::views::progress::Progress;
use crate::views::subject::SameTrace;
use crate::widgets::bar_ui;

/// What a run is of.
#[derive(Clone, PartialEq)]
pub struct Key {
    /// The model's hash.
    pub model: Arc<str>,
    /// The text under edit.
    pub text: SameTrace,
    pub other: SameTrace,
    pub pooling: Option<PoolingMode>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    pub truncate: Option<usize>,
}

impl Key {
    fn options(&self, model: &Model) -> HeadOptions {
        model.options_with(self.pooling, self.truncate)
    }

    pub fn subject<'a>(&'a self, model: &'a Model) -> Subject<'a> {
        Subject {
            model,
            text: &self.text.0,
            other: &self.other.0,
            options: self.options(model),
        }
    }

    /// The cosine now, from vectors that are recorded.
    pub fn score(&self, model: &Model) -> Result<f64, Arc<str>> {
        let (text, other) = (&self.text.0, &self.other.0);
        let score = pooling::score(&model.head, text, other, self.options(model));
        score.map_err(|error| error.to_string().into())
    }
}

/// Edits of a text.
#[derive(Clone, PartialEq)]
pub struct RunKey {
    pub of: Key,
    pub edits: Arc<[Edit]>,
}

/// One edit with what came of it.
pub struct Row {
    pub title: String,
    pub kind: Kind,
    pub draft: Draft,
    pub cos: f64,
    /// The new cosine less the score.
    pub change: f64,
    /// True where the model saw what it had seen before.
    pub same: bool,
}

pub type Rows = Result<Vec<Row>, Arc<str>>;

/// Runs edits. For [`Work::get`].
pub fn run(
    model: &Arc<Model>,
    key: &RunKey,
) -> impl FnOnce(&mut Job<'_>) -> Rows + Send + 'static + use<> {
    let (model, key) = (model.clone(), key.clone());
    move |job| rows(&model, &key, job).map_err(|error| error.to_string().into())
}

fn rows(model: &Model, key: &RunKey, job: &mut Job<'_>) -> Result<Vec<Row>, ModelError> {
    let subject = key.of.subject(model);
    let text = parts(&subject.text.tokens).1;
    // Edits that were proposed for a text can be applied to it.
    let made = key.edits.iter().filter_map(|edit| {
        let draft = apply(text, &[edit]).ok()?;
        Some((edit, draft))
    });
    let (edits, drafts): (Vec<&Edit>, Vec<Draft>) = made.unzip();
    let score = subject.score()?;
    let found = rerun(subject, &drafts, job)?;
    let row = |((edit, draft), run): ((&Edit, Draft), _)| {
        let crate::analysis::edits::rerun::Rerun { cos, same } = run;
        Row {
            title: edit.title(text),
            kind: edit.kind(),
            draft,
            cos,
            change: cos - score,
            same,
        }
    };
    Ok(edits.into_iter().zip(drafts).zip(found).map(row).collect())
}

/// Something that is run once it is asked for, and can be stopped.
pub struct Work<K, V> {
    found: Derived<K, V>,
    progress: Progress,
    asked: Option<K>,
    stopped: Option<K>,
    ready: Option<K>,
    problem: Option<Arc<str>>,
}

impl<K, V> Default for Work<K, V> {
    fn default() -> Self {
        Self {
            found: Derived::slow(),
            progress: Progress::default(),
            asked: None,
            stopped: None,
            ready: None,
            problem: None,
        }
    }
}

impl<K: Clone + PartialEq, V> Work<K, V> {
    /// Gives up what is under way.
    pub fn stop(&mut self) {
        self.found.stop();
        self.asked = None;
    }

    pub fn ask(&mut self, key: &K) {
        if !self.asked(key) {
            self.asked = Some(key.clone());
            self.stopped = None;
        }
    }

    pub fn asked(&self, key: &K) -> bool {
        self.asked.as_ref() == Some(key)
    }

    /// True where a person has stopped it.
    pub fn stopped(&self, key: &K) -> bool {
        self.stopped.as_ref() == Some(key)
    }

    pub fn is_ready(&self, key: &K) -> bool {
        self.ready.as_ref() == Some(key)
    }

    pub fn is_running(&self, key: &K) -> bool {
        self.asked(key) && !self.is_ready(key)
    }

    /// Why the last run came to nothing.
    pub fn problem(&self) -> Option<Arc<str>> {
        self.problem.clone()
    }

    /// How far it is, and a way to stop it.
    pub fn progress_ui(&mut self, ui: &mut Ui, what: &str) {
        /// How often progress is painted.
        const GLANCE: std::time::Duration = std::time::Duration::from_millis(100);
        let (done, total) = self.progress.read();
        let share = done as f32 / total.max(1) as f32;
        let text = match total {
            0 => "waiting…".to_owned(),
            _ => format!("{done} of {total} {what}"),
        };
        // With the button behind it in the same row.
        let room = ui.available_size_before_wrap().x - 80.;
        let width = room.clamp(80., 260.);
        let bar = ProgressBar::new(share).desired_width(width);
        bar_ui(ui, bar.text(text));
        if ui.button("Cancel").clicked() {
            self.stopped = self.asked.take();
            self.found.stop();
        }
        ui.ctx().request_repaint_after(GLANCE);
    }
}

impl<K: Clone + PartialEq, V: Send + Sync + 'static> Work<K, Result<V, Arc<str>>> {
    /// What there is; starts it where it was asked for.
    pub fn get(
        &mut self,
        engine: &Engine,
        key: &K,
        make: impl FnOnce(&mut Job<'_>) -> Result<V, Arc<str>> + Send + 'static,
    ) -> Option<Shown<Result<V, Arc<str>>>> {
        let shown = match self.asked(key) {
            true => {
                let progress = self.progress.clone();
                let make =
                    move |cancel: &Cancel| make(&mut Job::new(cancel, &mut progress.report()));
                self.found.get(engine, key, make)
            }
            false => self.found.peek(key),
        };
        let current = shown.as_ref().filter(|shown| shown.current);
        self.ready = current.map(|_| key.clone());
        self.problem = current.and_then(|shown| shown.value.as_ref().as_ref().err().cloned());
        shown
    }
}
