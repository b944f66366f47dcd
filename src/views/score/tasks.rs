//! The methods behind the tabs, each run away from the window and only while it is looked at.

use std::collections::HashMap;
use std::sync::Arc;

use super::derive::{Grid, Pairs, ScoreKey};
use super::dimensions::Dimensions;
use super::layers::Series;
use crate::analysis::job::Job;
use crate::analysis::similarity::ablation::{Ablation, Fill, ablation};
use crate::analysis::similarity::components::{Writer, components};
use crate::analysis::similarity::input::input_pairs;
use crate::analysis::similarity::integrated::integrated;
use crate::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use crate::analysis::similarity::shapley::{Sampling, shapley};
use crate::cancel::Cancel;
use crate::engine::{Derived, Engine, Shown};
use crate::model::{Model, ModelError};
use crate::views::compare::four;
use crate::views::progress::Progress;

/// Up to so many tokens in each text a method that runs the model many times starts by itself.
pub const MANY: usize = 40;
/// The same for T + 1 passes of one text all at once.
pub const PARTS: usize = 64;

/// Something to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    Input,
    LeaveOneOut(Removal),
    Shapley,
    Integrated,
    Components,
    Dimensions,
    Layers,
    Ablation(Fill),
}

impl Task {
    /// Up to so many tokens in each text it starts by itself; beyond that it may take long, so a person
    /// starts it. None for what is quick whatever the length.
    pub fn waits_from(self) -> Option<usize> {
        match self {
            // Out of the pool nothing runs again.
            Self::LeaveOneOut(Removal::Pool) => None,
            Self::LeaveOneOut(_) | Self::Shapley | Self::Integrated => Some(MANY),
            Self::Input => Some(PARTS),
            _ => None,
        }
    }

    /// True where the model runs again or every layer's inside is read.
    pub fn is_slow(self) -> bool {
        !matches!(self, Self::Dimensions | Self::Layers)
    }
}

/// What came of a task.
pub enum Answer {
    Pairs(Box<Pairs>),
    Components(Grid, Vec<Writer>),
    Dimensions(Dimensions),
    Layers(Series),
    Ablation(Ablation, Box<[Grid; 3]>),
}

/// An answer, or why there is none.
pub type Found = Result<Answer, Arc<str>>;

struct Run {
    found: Derived<ScoreKey, Found>,
    progress: Progress,
    /// What a person has started it for.
    asked: Option<ScoreKey>,
    /// What a person has given it up for.
    stopped: Option<ScoreKey>,
}

/// The tasks that were looked at so far.
#[derive(Default)]
pub struct Runs(HashMap<Task, Run>);

impl Runs {
    fn run(&mut self, task: Task) -> &mut Run {
        self.0.entry(task).or_insert_with(|| Run {
            found: match task.is_slow() {
                true => Derived::slow(),
                false => Derived::default(),
            },
            progress: Progress::default(),
            asked: None,
            stopped: None,
        })
    }

    /// The answer, or the last one; starts computing what is not there.
    pub fn get(
        &mut self,
        engine: &Engine,
        task: Task,
        key: &ScoreKey,
        model: &Arc<Model>,
    ) -> Option<Shown<Found>> {
        let run = self.run(task);
        let (made, model, progress) = (key.clone(), model.clone(), run.progress.clone());
        run.found.get(engine, key, move |cancel| {
            answer(task, &made, &model, cancel, &progress).map_err(|e| Arc::from(e.to_string()))
        })
    }

    /// The last answer, without starting anything.
    pub fn peek(&mut self, task: Task, key: &ScoreKey) -> Option<Shown<Found>> {
        self.0.get_mut(&task)?.found.peek(key)
    }

    /// A person wants it now.
    pub fn ask(&mut self, task: Task, key: &ScoreKey) {
        let run = self.run(task);
        (run.asked, run.stopped) = (Some(key.clone()), None);
    }

    /// A person waits no longer.
    pub fn stop(&mut self, task: Task, key: &ScoreKey) {
        let run = self.run(task);
        run.found.stop();
        (run.asked, run.stopped) = (None, Some(key.clone()));
    }

    pub fn stopped(&self, task: Task, key: &ScoreKey) -> bool {
        self.0
            .get(&task)
            .is_some_and(|run| run.stopped.as_ref() == Some(key))
    }

    pub fn asked(&self, task: Task, key: &ScoreKey) -> bool {
        self.0
            .get(&task)
            .is_some_and(|run| run.asked.as_ref() == Some(key))
    }

    /// Steps done, and of how many.
    pub fn progress(&self, task: Task) -> (usize, usize) {
        let run = self.0.get(&task);
        run.map_or((0, 0), |run| run.progress.read())
    }

    /// Gives up what nobody looks at.
    pub fn keep_only(&mut self, wanted: &[Task]) {
        for (task, run) in &mut self.0 {
            if !wanted.contains(task) {
                run.found.stop();
            }
        }
    }
}

fn answer(
    task: Task,
    key: &ScoreKey,
    model: &Model,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Answer, ModelError> {
    let (a, b) = (&*key.a.0, &*key.b.0);
    let options = model.options_with(key.pooling, key.truncate);
    let mut report = progress.report();
    let mut job = Job::new(cancel, &mut report);
    let of_pairs = |pairs| Answer::Pairs(Box::new(pairs));
    let pairs = |matrix| Pairs::new(matrix, &a.tokens, &b.tokens);
    Ok(match task {
        Task::Input => of_pairs(pairs(input_pairs(model, a, b, options, cancel)?.matrix)),
        Task::LeaveOneOut(removal) => {
            let found = leave_one_out(model, a, b, options, removal, &mut job)?;
            of_pairs(Pairs::of_removals(found, &a.tokens, &b.tokens))
        }
        Task::Shapley => {
            let sampling = Sampling::default();
            let found = shapley(model, a, b, options, sampling, &mut job)?;
            let errors = found.row_errors.iter().chain(&found.column_errors);
            let largest = errors.copied().fold(0., f64::max);
            let remark = format!(
                "From {} orders of each text's tokens; what a token adds is uncertain by {} at most \
                 (standard error).",
                sampling.permutations,
                four(largest)
            );
            of_pairs(Pairs {
                remark: Some(remark),
                ..pairs(found.matrix)
            })
        }
        Task::Integrated => {
            let found = integrated(model, a, b, options, &mut job)?;
            let remark = match found.left() {
                None => format!("Integrated in {} steps.", found.steps),
                Some(left) => format!(
                    "Integrated in {} steps, the most that are tried; they miss up to {} of a vector, so these \
                     parts are rough.",
                    found.steps,
                    four(left)
                ),
            };
            of_pairs(Pairs {
                remark: Some(remark),
                ..pairs(found.matrix)
            })
        }
        Task::Components => {
            let matrix = components(model, a, b, options, cancel)?;
            let writers = Writer::all(model.spec());
            let tokens = vec![false; writers.len()];
            Answer::Components(Grid::new(matrix, &tokens, &tokens), writers)
        }
        Task::Dimensions => Answer::Dimensions(Dimensions::new(model, a, b, options)?),
        Task::Layers => Answer::Layers(Series::new(model, a, b, options)?),
        Task::Ablation(fill) => {
            let found = ablation(model, a, b, options, fill, &mut job)?;
            let grids = Box::new(super::ablation::grids(&found));
            Answer::Ablation(found, grids)
        }
    })
}
