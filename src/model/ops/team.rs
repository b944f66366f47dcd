//! Threads that work on one loop together and then wait awake for the next one, for a moment. A
//! pass is a hundred short loops; waking a sleeping thread takes longer than many of them.

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::Thread;

use rayon::prelude::*;

/// How often a helper looks for the next loop before it falls asleep: for some 200 µs.
const LOOKS: usize = 5000;

/// The parts of `Team::state`: how many helpers are inside the loop; whether it takes no more of
/// them; its number.
const HELPER: u64 = 1;
const CLOSED: u64 = 1 << 16;
const LOOP: u64 = 1 << 17;

type Job<'a> = dyn Fn(usize) + Sync + 'a;

struct Team {
    /// One loop at a time.
    busy: Mutex<()>,
    state: AtomicU64,
    /// The first number that nobody has taken.
    next: AtomicUsize,
    /// The loop's body and count.
    job: UnsafeCell<Option<(*const Job<'static>, usize)>>,
    failure: Mutex<Option<Box<dyn Any + Send>>>,
    helpers: OnceLock<Vec<Helper>>,
}

struct Helper {
    asleep: Arc<AtomicBool>,
    thread: Thread,
}

// SAFETY: `job` is written only by who holds `busy`, while the loop is closed and empty, and read
// only by who is inside it; what it points to is `Sync`.
unsafe impl Sync for Team {}

static TEAM: Team = Team {
    busy: Mutex::new(()),
    state: AtomicU64::new(CLOSED),
    next: AtomicUsize::new(0),
    job: UnsafeCell::new(None),
    failure: Mutex::new(None),
    helpers: OnceLock::new(),
};

/// How many threads share a loop.
pub fn size() -> usize {
    rayon::current_num_threads()
}

/// Calls `f` with every number below `count`, in no order, on all threads.
pub fn each(count: usize, f: impl Fn(usize) + Sync + Send) {
    if count < 2 || size() < 2 {
        return (0..count).for_each(f);
    }
    // Inside a parallel iteration, or beside another pass, rayon shares the processors out.
    let alone = match rayon::current_thread_index() {
        Some(_) => None,
        None => match TEAM.busy.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        },
    };
    match alone {
        Some(busy) => TEAM.run(count, &f, busy),
        None => (0..count).into_par_iter().for_each(f),
    }
}

impl Team {
    fn run(&'static self, count: usize, f: &Job<'_>, busy: MutexGuard<'_, ()>) {
        let helpers = self.helpers.get_or_init(|| self.hire());
        // SAFETY: the lifetime alone changes; `Open` outlives no helper's use of `f`.
        let job = unsafe { std::mem::transmute::<*const Job<'_>, *const Job<'static>>(f) };
        // SAFETY: `busy` is held, and `Open` left the last loop closed and empty.
        unsafe { *self.job.get() = Some((job, count)) };
        *self.failure() = None;
        self.next.store(0, Ordering::Relaxed);
        let number = self.state.load(Ordering::Relaxed) / LOOP + 1;
        // Sequentially consistent, as is the helper's side: either it sees the new loop before it
        // sleeps, or we see that it sleeps.
        self.state.store(number * LOOP, Ordering::SeqCst);
        let open = Open(self);
        for helper in helpers {
            if helper.asleep.swap(false, Ordering::SeqCst) {
                helper.thread.unpark();
            }
        }
        self.share(f, count);
        drop(open);
        let failure = self.failure().take();
        drop(busy);
        if let Some(failure) = failure {
            resume_unwind(failure);
        }
    }

    fn share(&self, f: &Job<'_>, count: usize) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                return;
            }
            f(i);
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As many helpers as there are; a thread that cannot be started is done without.
    fn hire(&'static self) -> Vec<Helper> {
        let hire = |_| {
            let asleep = Arc::new(AtomicBool::new(false));
            let its = asleep.clone();
            let thread = std::thread::Builder::new().name("team".to_owned());
            let started = thread.spawn(move || self.help(&its)).ok()?;
            let thread = started.thread().clone();
            Some(Helper { asleep, thread })
        };
        (1..size()).filter_map(hire).collect()
    }

    fn help(&self, asleep: &AtomicBool) {
        let mut last = 0;
        loop {
            last = self.wait(last, asleep);
            if !self.enter(last) {
                continue;
            }
            // SAFETY: inside the loop, its body stays until we leave.
            if let Some((job, count)) = unsafe { *self.job.get() } {
                // SAFETY: as above.
                let job = unsafe { &*job };
                let done = catch_unwind(AssertUnwindSafe(|| self.share(job, count)));
                if let Err(failure) = done {
                    *self.failure() = Some(failure);
                }
            }
            self.state.fetch_sub(HELPER, Ordering::Release);
        }
    }

    /// Until there is a loop after number `last`; returns its number.
    fn wait(&self, last: u64, asleep: &AtomicBool) -> u64 {
        loop {
            for _ in 0..LOOKS {
                let number = self.state.load(Ordering::Relaxed) / LOOP;
                if number != last {
                    return number;
                }
                std::hint::spin_loop();
            }
            asleep.store(true, Ordering::SeqCst);
            while self.state.load(Ordering::SeqCst) / LOOP == last && asleep.load(Ordering::SeqCst)
            {
                std::thread::park();
            }
            asleep.store(false, Ordering::SeqCst);
        }
    }

    /// False when loop `number` takes no more helpers.
    fn enter(&self, number: u64) -> bool {
        let one_more = |state: u64| {
            let open = state & CLOSED == 0 && state / LOOP == number;
            open.then_some(state + HELPER)
        };
        let (order, failed) = (Ordering::Acquire, Ordering::Relaxed);
        self.state.fetch_update(order, failed, one_more).is_ok()
    }
}

/// Closes the loop and waits until all helpers have left it, also when its body panics here.
struct Open<'a>(&'a Team);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.fetch_or(CLOSED, Ordering::Relaxed);
        let mut looks = 0;
        while !state.is_multiple_of(CLOSED) {
            match looks < LOOKS {
                true => std::hint::spin_loop(),
                // More threads than processors: let the helper have this one.
                false => std::thread::yield_now(),
            }
            looks += 1;
            state = self.0.state.load(Ordering::Acquire);
        }
        // The helpers' writes are ours from here on.
        std::sync::atomic::fence(Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_called_once_from_several_threads_at_a_time() {
        let loops = |seed: usize| {
            for round in 0..300 {
                let count = (seed * 7 + round) % 50;
                let calls: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                each(count, |i| {
                    calls[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
                if round % 100 == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(2)); // the helpers sleep
                }
            }
        };
        std::thread::scope(|scope| {
            (0..3).for_each(|seed| drop(scope.spawn(move || loops(seed))));
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        for _ in 0..20 {
            let run = || each(16, |i| assert!(i != 9, "nine"));
            assert!(catch_unwind(run).is_err());
            let sum = AtomicUsize::new(0);
            each(16, |i| {
                sum.fetch_add(i, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 120);
        }
    }
}
