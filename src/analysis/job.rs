//! A long analysis while it runs: how far it is, and whether anybody still wants it.

use crate::cancel::Cancel;
use crate::model::ModelError;

/// What a long analysis reports to and looks at.
pub struct Job<'a> {
    pub cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(usize, usize),
    done: usize,
    total: usize,
}

impl<'a> Job<'a> {
    /// `progress` hears how many steps are done, and of how many that are known by then.
    pub fn new(cancel: &'a Cancel, progress: &'a mut dyn FnMut(usize, usize)) -> Self {
        Self {
            cancel,
            progress,
            done: 0,
            total: 0,
        }
    }

    /// So many more steps will come.
    pub fn expect(&mut self, steps: usize) {
        self.total += steps;
        (self.progress)(self.done, self.total);
    }

    /// So many steps are done.
    pub fn did(&mut self, steps: usize) {
        self.done += steps;
        self.total = self.total.max(self.done);
        (self.progress)(self.done, self.total);
    }

    /// # Errors
    /// [`ModelError::Stopped`] once the flag is up.
    pub fn check(&self) -> Result<(), ModelError> {
        match self.cancel.is_cancelled() {
            true => Err(ModelError::Stopped),
            false => Ok(()),
        }
    }
}
