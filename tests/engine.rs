//! The worker: latest wins, cancel, failures that leave the last good state, and the byte budget.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use candle_core::Device;
use embedscope::engine::{Derived, Engine, LoadState, TraceKey, Wanted};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use models::{fixtures, tiny};

const PATIENCE: Duration = Duration::from_secs(20);

fn engine(model: Option<Arc<Model>>) -> Engine {
    let engine = Engine::new(Device::Cpu, SourceOptions::from_env(), Arc::new(|| {}));
    if let Some(model) = model {
        engine.use_model(model);
    }
    engine
}

fn traces(traces: Vec<TraceKey>) -> Wanted {
    Wanted {
        traces,
        insides: Vec::new(),
    }
}

fn key(model: &Model, text: &str, detail: Detail) -> TraceKey {
    TraceKey {
        model: model.hash.clone(),
        text: text.into(),
        prompt: Prompt::Own,
        changes: Arc::default(),
        detail,
    }
}

fn wait(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !ready() {
        assert!(
            Instant::now() < end,
            "{what} did not happen in {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn only_what_is_wanted_now_is_traced() {
    let model = Arc::new(tiny("plain"));
    let engine = engine(Some(model.clone()));
    let keys: Vec<TraceKey> = (0..500)
        .map(|i| key(&model, &format!("cat {i}"), Detail::Full))
        .collect();
    // One keystroke after the other, faster than anything can be traced.
    for key in &keys {
        engine.want(traces(vec![key.clone()]));
    }
    wait("the last trace", || engine.trace(&keys[499]).is_some());
    let traced = keys
        .iter()
        .filter(|key| engine.trace(key).is_some())
        .count();
    assert!(
        traced < 400,
        "{traced} of 500 superseded texts were traced to the end"
    );
    let last = engine.trace(&keys[499]).unwrap().unwrap();
    assert_eq!(&*last.tokens.text, "cat 499");
}

#[test]
fn an_outline_is_answered_by_a_full_trace_but_not_the_other_way_round() {
    let model = Arc::new(tiny("plain"));
    let engine = engine(Some(model.clone()));
    let (outline, full) = (
        key(&model, "the cat", Detail::Outline),
        key(&model, "the cat", Detail::Full),
    );
    engine.want(traces(vec![outline.clone()]));
    wait("the outline", || engine.trace(&outline).is_some());
    assert!(engine.trace(&full).is_none());
    assert!(!engine.trace(&outline).unwrap().unwrap().is_full());
    engine.want(traces(vec![full.clone()]));
    wait("the full trace", || engine.trace(&full).is_some());
    assert!(engine.trace(&outline).unwrap().unwrap().is_full());
}

#[test]
fn a_model_that_does_not_load_leaves_the_good_one_in_use() {
    let model = Arc::new(tiny("plain"));
    let engine = engine(Some(model.clone()));
    engine.load(ModelRef::Folder("/no/such/folder".into()));
    wait("the failure", || {
        matches!(engine.load_state(), LoadState::Failed { .. })
    });
    let LoadState::Failed { error, .. } = engine.load_state() else {
        unreachable!()
    };
    assert!(error.contains("/no/such/folder"), "{error}");
    assert_eq!(engine.model().unwrap().hash, model.hash);
    let key = key(&model, "still here", Detail::Full);
    engine.want(traces(vec![key.clone()]));
    wait("a trace by the good model", || engine.trace(&key).is_some());
}

#[test]
fn the_latest_load_wins() {
    let engine = engine(None);
    let folder = |name: &str| ModelRef::Folder(fixtures().join("tiny").join(name));
    for name in ["plain", "concat", "relu_dense", "plain", "prefixed_gamma"] {
        engine.load(folder(name));
    }
    wait("the load", || {
        matches!(engine.load_state(), LoadState::Idle)
    });
    assert_eq!(engine.model().unwrap().source, folder("prefixed_gamma"));
}

#[test]
fn a_text_that_cannot_be_traced_says_why_and_harms_no_other() {
    let model = Arc::new(tiny("plain"));
    let engine = engine(Some(model.clone()));
    let bad = TraceKey {
        prompt: Prompt::Named("nonsense".to_owned()),
        ..key(&model, "the cat", Detail::Full)
    };
    let good = key(&model, "the cat", Detail::Full);
    engine.want(traces(vec![bad.clone(), good.clone()]));
    wait("both", || {
        engine.trace(&bad).is_some() && engine.trace(&good).is_some()
    });
    let error = engine.trace(&bad).unwrap().err().unwrap();
    assert!(error.contains("nonsense"), "{error}");
    assert!(engine.trace(&good).unwrap().is_ok());
}

#[test]
fn a_derived_value_stays_until_the_next_is_ready_and_superseded_ones_are_never_made() {
    let engine = engine(None);
    let mut derived: Derived<u32, u32> = Derived::default();
    let made = Arc::new(AtomicUsize::new(0));
    let mut ask = |key: u32, pause: u64| {
        let made = made.clone();
        let shown = derived.get(&engine, &key, move |_| {
            made.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(pause));
            key * 10
        });
        shown.map(|shown| (*shown.value, shown.current))
    };
    assert_eq!(ask(1, 0), None);
    wait("the first value", || ask(1, 0) == Some((10, true)));
    for key in 2..50 {
        assert_eq!(
            ask(key, 30),
            Some((10, false)),
            "the old value is shown as old"
        );
    }
    wait("the last value", || ask(49, 30) == Some((490, true)));
    let made = made.load(Ordering::SeqCst);
    assert!(
        made < 10,
        "{made} values were made for 49 keys of which two were wanted"
    );
}

#[test]
fn a_slow_value_holds_up_no_quick_one_and_ends_when_nobody_looks() {
    let engine = engine(None);
    let mut slow: Derived<u32, u32> = Derived::slow();
    let mut quick: Derived<u32, u32> = Derived::default();
    assert!(slow.peek(&1).is_none());
    let until_stopped = |cancel: &embedscope::cancel::Cancel| {
        while !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        0
    };
    assert!(slow.get(&engine, &1, until_stopped).is_none());
    wait("the quick value", || {
        quick
            .get(&engine, &1, |_| 7)
            .is_some_and(|shown| *shown.value == 7)
    });
    assert!(engine.busy(), "the slow one still runs");
    assert!(slow.peek(&2).is_none(), "another key gives it up");
    assert!(engine.settle(PATIENCE));
    slow.get(&engine, &3, until_stopped);
    slow.stop();
    assert!(engine.settle(PATIENCE));
    assert!(slow.peek(&3).is_none());
}

#[test]
fn a_job_that_panics_takes_nothing_along() {
    let engine = engine(None);
    let mut derived: Derived<u32, u32> = Derived::default();
    derived.get(&engine, &1, |_| panic!("on purpose"));
    assert!(engine.settle(PATIENCE));
    assert!(
        derived.get(&engine, &1, |_| 5).is_none(),
        "what panicked is not tried again"
    );
    wait("another key", || {
        derived
            .get(&engine, &2, |_| 7)
            .is_some_and(|s| *s.value == 7)
    });
}

#[test]
fn superseding_a_long_text_stops_it() {
    let Some(model) = models::minilm() else {
        return;
    };
    let engine = engine(Some(model.clone()));
    let words = "some words of a long text that takes a while ".repeat(40);
    let started = Instant::now();
    for i in 0..40 {
        engine.want(traces(vec![key(
            &model,
            &format!("{i} {words}"),
            Detail::Full,
        )]));
        std::thread::sleep(Duration::from_millis(2));
    }
    let last = key(&model, "short", Detail::Full);
    engine.want(traces(vec![last.clone()]));
    wait("the short text", || engine.trace(&last).is_some());
    // No timing bar: only that forty long traces were not all run to the end first.
    eprintln!(
        "the short text came {:?} after forty long ones began",
        started.elapsed()
    );
    assert!(engine.settle(PATIENCE));
}
