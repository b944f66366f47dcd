//! Explanations that run the model again: each against a computation of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedscope::analysis::job::Job;
use embedscope::analysis::pooling::misfit;
use embedscope::cancel::Cancel;
use embedscope::model::{Detail, HeadOptions, Model, ModelError, Prompt};
use embedscope::trace::{PoolingMode, Trace};

#[path = "causal/gradients.rs"]
mod gradients;
#[path = "causal/interventions.rs"]
mod interventions;
#[path = "causal/masks.rs"]
mod masks;
#[path = "support/models.rs"]
mod models;
#[path = "causal/planted.rs"]
mod planted;
#[path = "causal/real.rs"]
mod real;
#[path = "causal/sums.rs"]
mod sums;

const TINY: [&str; 7] = [
    "concat",
    "plain",
    "prefixed_gamma",
    "prompt_excluded",
    "relu_dense",
    "saved_v6",
    "vocab_only",
];

fn trace(model: &Model, text: &str) -> Trace {
    let detail = Detail::Outline;
    model
        .trace(text, &Prompt::Own, detail, &Cancel::new())
        .unwrap()
}

/// The model's own pooling and every other that its head takes.
fn poolings(model: &Model) -> Vec<HeadOptions> {
    let all = std::iter::once(None).chain(PoolingMode::ALL.map(Some));
    let fits = |pooling: &Option<PoolingMode>| {
        misfit(&model.head, model.spec().hidden, *pooling).is_none()
    };
    let options = |pooling| HeadOptions {
        pooling,
        ..model.options()
    };
    all.filter(fits).map(options).collect()
}

/// Runs an analysis that nobody stops, and checks that its progress ends where it said.
fn done<R>(run: impl FnOnce(&mut Job<'_>) -> Result<R, ModelError>) -> R {
    let (cancel, mut last) = (Cancel::new(), (0, 0));
    let mut progress = |done, total| {
        assert!(done <= total);
        last = (done, total);
    };
    let out = run(&mut Job::new(&cancel, &mut progress)).unwrap();
    assert_eq!(last.0, last.1, "everything that was announced was done");
    out
}

fn near(value: f64, truth: f64, most: f64) {
    assert!((value - truth).abs() <= most, "{value} is not {truth}");
}
