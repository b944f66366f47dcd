//! Undo and redo: the states before each change, and those that were taken back.
//!
//! Snapshots are whole [`State`]s. Their texts are shared, so a step costs what it changed.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::layout::Layout;
use super::state::{State, TextId};

/// What a command is to the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// Nothing to take back.
    #[default]
    None,
    One,
    /// Part of a run, such as typing: one step as long as it goes on.
    Run(Run),
}

/// What a run of changes is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Text(TextId),
    Prompt,
    Temperature,
    Truncation,
    TokenWeights,
    Intervention,
    FineTune,
}

impl Step {
    /// What both together are: everything that happens in one frame is one step.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, step) | (step, Self::None) => step,
            (one, other) if one == other => one,
            _ => Self::One,
        }
    }
}

/// A point to come back to.
#[derive(Clone)]
pub struct Moment {
    pub state: State,
    /// Also the layout, and how the state was looked at: only where a session was opened over both.
    pub layout: Option<Arc<Layout>>,
}

impl Moment {
    pub fn of(state: &State) -> Self {
        Self {
            state: state.clone(),
            layout: None,
        }
    }

    /// Bytes of texts that `after` does not share.
    fn own_bytes(&self, after: &State) -> usize {
        let shared: HashSet<_> = after.texts.iter().map(Arc::as_ptr).collect();
        let own = self.state.texts.iter();
        own.filter(|text| !shared.contains(&Arc::as_ptr(text)))
            .map(|text| text.text.len())
            .sum()
    }

    /// Changes places with what is there now.
    fn swap(self, state: &mut State, layout: &mut Layout) -> Self {
        let target = match self.layout {
            None => self.state.seen_as(state),
            Some(_) => self.state.preferred_as(state),
        };
        let before = std::mem::replace(state, target);
        let layout = self.layout.map(|mine| {
            let mine = Arc::try_unwrap(mine).unwrap_or_else(|shared| (*shared).clone());
            Arc::new(std::mem::replace(layout, mine))
        });
        Self {
            state: before,
            layout,
        }
    }
}

#[derive(Default)]
pub struct History {
    /// Oldest first, each with the bytes of text that only it holds.
    past: VecDeque<(Moment, usize)>,
    future: Vec<Moment>,
    /// The run that the newest step is, and when it last went on.
    run: Option<(Run, f64)>,
}

impl History {
    pub const MOST_STEPS: usize = 2000;
    /// Bytes of text that are kept for the sake of undo; one step stays in any case.
    pub const MOST_BYTES: usize = 64 << 20;
    /// A longer pause, in seconds, ends a run.
    pub const PAUSE: f64 = 1.5;

    /// Notes that `before` became `after` at `now`, in seconds. What changed nothing is no step.
    pub fn record(&mut self, before: Moment, after: &State, step: Step, now: f64) {
        let same = before.state.clone().seen_as(after) == *after;
        if step == Step::None || (same && before.layout.is_none()) {
            return;
        }
        self.future.clear();
        let goes_on = matches!((step, self.run), (Step::Run(run), Some((last, at)))
            if run == last && now - at <= Self::PAUSE);
        if !goes_on {
            let bytes = before.own_bytes(after);
            self.past.push_back((before, bytes));
            self.forget_oldest();
        }
        self.run = match step {
            Step::Run(run) => Some((run, now)),
            _ => None,
        };
    }

    fn forget_oldest(&mut self) {
        let mut bytes: usize = self.past.iter().map(|(_, bytes)| bytes).sum();
        while self.past.len() > Self::MOST_STEPS
            || (bytes > Self::MOST_BYTES && self.past.len() > 1)
        {
            bytes -= self.past.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }

    /// Drops steps that no longer lead anywhere, after the state went back by itself: a model that
    /// did not load is no change.
    pub fn forget_idle(&mut self, state: &State) {
        let idle = |moment: &Moment| {
            moment.layout.is_none() && moment.state.clone().seen_as(state) == *state
        };
        while self.past.back().is_some_and(|(moment, _)| idle(moment)) {
            self.past.pop_back();
            self.run = None;
        }
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// How many steps can be taken back.
    pub fn steps(&self) -> usize {
        self.past.len()
    }

    /// Goes one step back. False where there is none.
    pub fn undo(&mut self, state: &mut State, layout: &mut Layout) -> bool {
        self.run = None;
        let Some((moment, _)) = self.past.pop_back() else {
            return false;
        };
        let undone = moment.swap(state, layout);
        self.future.push(undone);
        true
    }

    /// Goes one step forward again. False where there is none.
    pub fn redo(&mut self, state: &mut State, layout: &mut Layout) -> bool {
        self.run = None;
        let Some(moment) = self.future.pop() else {
            return false;
        };
        let before = moment.swap(state, layout);
        let bytes = before.own_bytes(state);
        self.past.push_back((before, bytes));
        true
    }
}
