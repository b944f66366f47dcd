//! Where the time of a frame and of a trace goes: tracing spans, summed up by name while somebody
//! watches, and costing next to nothing otherwise.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// So many of a stage's last times are kept.
const KEPT: usize = 256;

static WATCHING: AtomicBool = AtomicBool::new(false);
static TIMES: Mutex<BTreeMap<String, VecDeque<Duration>>> = Mutex::new(BTreeMap::new());

/// How long one stage took lately.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The span's name, and behind it what it was of: `panel attention`.
    pub name: String,
    pub last: Duration,
    pub median: Duration,
    /// The 99th percentile.
    pub slow: Duration,
    /// How many times these are of.
    pub count: usize,
}

/// Begins or ends to take times. What was taken before is forgotten when it begins.
pub fn watch(on: bool) {
    static INSTALL: Once = Once::new();
    if WATCHING.swap(on, Ordering::Relaxed) == on {
        return;
    }
    if on {
        times().clear();
        INSTALL.call_once(|| {
            let subscriber = Registry::default().with(Clock);
            // A program around ours may have its own; then there are no times to show.
            if tracing::subscriber::set_global_default(subscriber).is_err() {
                log::warn!("another subscriber takes the spans; there are no times to show");
            }
        });
    }
    tracing::callsite::rebuild_interest_cache();
}

pub fn is_watching() -> bool {
    WATCHING.load(Ordering::Relaxed)
}

/// Every stage that was timed since watching began, by name.
pub fn stages() -> Vec<Stage> {
    let times = times();
    let stages = times.iter().filter_map(|(name, taken)| {
        let mut sorted: Vec<Duration> = taken.iter().copied().collect();
        sorted.sort_unstable();
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        Some(Stage {
            name: name.clone(),
            last: *taken.back()?,
            median: at(0.5),
            slow: at(0.99),
            count: sorted.len(),
        })
    });
    stages.collect()
}

fn times() -> MutexGuard<'static, BTreeMap<String, VecDeque<Duration>>> {
    TIMES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Times this crate's spans.
struct Clock;

/// A span that is being timed.
struct Timed {
    name: String,
    entered: Option<Instant>,
    taken: Duration,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Clock {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.is_ours(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_ours(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut name = attributes.metadata().name().to_owned();
        attributes.record(&mut Of(&mut name));
        span.extensions_mut().insert(Timed {
            name,
            entered: None,
            taken: Duration::ZERO,
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(timed) = span.extensions_mut().get_mut::<Timed>()
        {
            timed.entered = Some(Instant::now());
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(timed) = span.extensions_mut().get_mut::<Timed>()
            && let Some(entered) = timed.entered.take()
        {
            timed.taken += entered.elapsed();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let Some(timed) = span.extensions_mut().remove::<Timed>() else {
            return;
        };
        let mut times = times();
        let taken = times.entry(timed.name).or_default();
        if taken.len() == KEPT {
            taken.pop_front();
        }
        taken.push_back(timed.taken);
    }
}

impl Clock {
    fn is_ours(&self, metadata: &Metadata<'_>) -> bool {
        is_watching() && metadata.is_span() && metadata.target().starts_with("embedscope")
    }
}

/// Puts a span's `of` behind its name.
struct Of<'a>(&'a mut String);

impl Visit for Of<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "of" {
            self.0.push(' ');
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_timed_by_name_while_watched_and_not_otherwise() {
        let work = || {
            let _outer = tracing::trace_span!("perf test").entered();
            let _inner = tracing::trace_span!("perf part", of = "one").entered();
            std::thread::sleep(Duration::from_millis(2));
        };
        work();
        watch(true);
        (0..3).for_each(|_| work());
        watch(false);
        work();
        let found = stages();
        let stage = |name: &str| found.iter().find(|stage| stage.name == name).unwrap();
        let (outer, inner) = (stage("perf test"), stage("perf part one"));
        assert_eq!((outer.count, inner.count), (3, 3));
        assert!(inner.median >= Duration::from_millis(2) && outer.last >= inner.last);
        assert!(outer.slow >= outer.median);
    }
}
