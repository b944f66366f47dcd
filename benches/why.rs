#![allow(clippy::panic)] // a benchmark that cannot start says why and stops
//! What explaining a score costs on the real model, at two lengths, with the forward pass that
//! recorded the texts beside it. `cargo bench --bench why`.

use std::time::Duration;

use candle_core::Device;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use embedscope::analysis::job::Job;
use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::analysis::similarity::components::components;
use embedscope::analysis::similarity::input::input_pairs;
use embedscope::analysis::similarity::integrated::integrated;
use embedscope::analysis::similarity::layers::Layers;
use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::analysis::similarity::shapley::{Sampling, shapley};
use embedscope::cancel::Cancel;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use embedscope::trace::Trace;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of 16 tokens each, [CLS] and [SEP] included, in the real model's vocabulary; and three times as
/// many words.
const TEXTS: [&str; 2] = [
    "the keeper of the light wrote the weather in his book every single day",
    "each morning the man in the tower took down how warm it was outside",
];

fn model() -> Model {
    let reference = match std::env::var_os("EMBEDSCOPE_MINILM") {
        Some(folder) => ModelRef::Folder(folder.into()),
        None => ModelRef::minilm(),
    };
    let options = SourceOptions::from_env();
    let files = resolve(&reference, &options, &|_| {}, &Cancel::new());
    let files = files.unwrap_or_else(|e| panic!("{e}; run scripts/get-minilm"));
    Model::load(&files, &Device::Cpu).unwrap_or_else(|e| panic!("{e}"))
}

fn trace(model: &Model, text: &str) -> Trace {
    model
        .trace(text, &Prompt::Own, Detail::Full, &Cancel::new())
        .unwrap_or_else(|e| panic!("{e}"))
}

fn why(c: &mut Criterion) {
    let model = model();
    let (options, cancel) = (model.options(), Cancel::new());
    let mut group = c.benchmark_group("why");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    for times in [1, 3] {
        let texts = TEXTS.map(|text| [text].repeat(times).join(" "));
        let traces = [0, 1].map(|i| trace(&model, &texts[i]));
        let [a, b] = &traces;
        let length = a.tokens.len();
        group.bench_function(
            BenchmarkId::new("forward of both, every site", length),
            |x| {
                x.iter(|| [0, 1].map(|i| trace(&model, &texts[i])));
            },
        );
        group.bench_function(BenchmarkId::new("pairs", length), |x| {
            x.iter(|| token_pairs(&model.head, a, b, options).is_ok());
        });
        group.bench_function(BenchmarkId::new("input", length), |x| {
            x.iter(|| input_pairs(&model, a, b, options, &cancel).is_ok());
        });
        group.bench_function(BenchmarkId::new("components", length), |x| {
            x.iter(|| components(&model, a, b, options, &cancel).is_ok());
        });
        group.bench_function(BenchmarkId::new("layers", length), |x| {
            x.iter(|| Layers::new(&model.head, a, b, options).is_ok());
        });
    }
    group.finish();
}

/// What runs the model again, at 16 tokens a side.
fn reruns(c: &mut Criterion) {
    let model = model();
    let options = model.options();
    let traces = TEXTS.map(|text| trace(&model, text));
    let [a, b] = &traces;
    let mut group = c.benchmark_group("reruns");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5));
    let cancel = Cancel::new();
    group.bench_function("forward of both, every site", |x| {
        x.iter(|| TEXTS.map(|text| trace(&model, text)));
    });
    group.bench_function("leave-one-out, masked", |x| {
        let mut ignore = |_, _| {};
        let mut job = Job::new(&cancel, &mut ignore);
        x.iter(|| leave_one_out(&model, a, b, options, Removal::Mask, &mut job).is_ok());
    });
    group.bench_function("shapley, 32 permutations a side", |x| {
        let mut ignore = |_, _| {};
        let mut job = Job::new(&cancel, &mut ignore);
        let sampling = Sampling::default();
        x.iter(|| shapley(&model, a, b, options, sampling, &mut job).is_ok());
    });
    group.bench_function("ablation of 72 heads and 6 blocks", |x| {
        let mut ignore = |_, _| {};
        let mut job = Job::new(&cancel, &mut ignore);
        x.iter(|| ablation(&model, a, b, options, Fill::Zero, &mut job).is_ok());
    });
    group.bench_function("integrated Jacobian", |x| {
        let mut ignore = |_, _| {};
        let mut job = Job::new(&cancel, &mut ignore);
        x.iter(|| integrated(&model, a, b, options, &mut job).is_ok());
    });
    group.finish();
}

criterion_group!(benches, why, reruns);
criterion_main!(benches);
