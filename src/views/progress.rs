//! How far something is that runs away from the window.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Steps that are done, and of how many: told where it runs, read where it is painted.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<[AtomicUsize; 2]>);

impl Progress {
    /// What a run tells its steps to, which begins anew.
    pub fn report(&self) -> impl FnMut(usize, usize) + use<> {
        let steps = self.0.clone();
        let report = move |done: usize, total: usize| {
            steps[0].store(done, Ordering::Relaxed);
            steps[1].store(total, Ordering::Relaxed);
        };
        report(0, 0);
        report
    }

    /// 0 of 0 before the first step is told.
    pub fn read(&self) -> (usize, usize) {
        let [done, total] = [0, 1].map(|i| self.0[i].load(Ordering::Relaxed));
        (done, total)
    }
}
