#![allow(clippy::panic)] // a benchmark that cannot start says why and stops
//! A forward pass of the real model at several lengths: ours keeping every site, ours plain, and
//! candle-transformers' stock BertModel, in one run. `cargo bench --bench trace`.

use std::sync::Arc;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::bert::{BertModel, Config};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use embedscope::cancel::Cancel;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Model, ModelRef, Prompt};
use embedscope::tokens::Tokens;
use embedscope::trace::hook::{NoHook, Recorder};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LENGTHS: [usize; 6] = [8, 16, 32, 128, 256, 512];

fn model() -> Model {
    let reference = match std::env::var_os("EMBEDSCOPE_MINILM") {
        Some(folder) => ModelRef::Folder(folder.into()),
        None => ModelRef::minilm(),
    };
    let files = resolve(
        &reference,
        &SourceOptions::from_env(),
        &|_| {},
        &Cancel::new(),
    );
    let files = files.unwrap_or_else(|e| panic!("{e}; run scripts/get-minilm"));
    Model::load(&files, &Device::Cpu).unwrap_or_else(|e| panic!("{e}"))
}

/// So many tokens of real words; the model's own limit of 256 does not bind its 512 positions.
fn tokens(model: &Model, length: usize) -> Tokens {
    let text = "the keeper of the lighthouse wrote the temperature in his ledger every morning ";
    let mut tokens = model
        .tokens(&text.repeat(3), &Prompt::Own)
        .unwrap_or_else(|e| panic!("{e}"));
    let cycle: Vec<u32> = tokens.ids.clone();
    tokens.ids = cycle.iter().copied().cycle().take(length).collect();
    tokens.type_ids = vec![0; length];
    tokens
}

fn stock(model: &Model) -> BertModel {
    let config: Config = serde_json::from_value(model.config.clone()).unwrap_or_default();
    let files: Vec<_> = model.weight_files.iter().map(|file| file.name()).collect();
    // SAFETY: nobody writes to the model's files while the benchmark runs.
    let weights =
        unsafe { candle_nn::VarBuilder::from_mmaped_safetensors(&files, DType::F32, &Device::Cpu) };
    let loaded = weights.and_then(|weights| BertModel::load(weights, &config));
    loaded.unwrap_or_else(|e| panic!("{e}"))
}

fn forward(c: &mut Criterion) {
    let model = Arc::new(model());
    let stock = stock(&model);
    let mut group = c.benchmark_group("forward");
    group
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    for length in LENGTHS {
        let tokens = tokens(&model, length);
        group.bench_function(BenchmarkId::new("every site kept", length), |b| {
            b.iter(|| {
                let mut recorder = Recorder::new(|_| true);
                let out = model.run(&[&tokens], model.options(), &mut recorder);
                (out.is_ok(), recorder.take(0))
            });
        });
        group.bench_function(BenchmarkId::new("plain", length), |b| {
            b.iter(|| model.run(&[&tokens], model.options(), &mut NoHook).is_ok());
        });
        let ids = Tensor::from_vec(tokens.ids.clone(), (1, length), &Device::Cpu);
        let ids = ids.unwrap_or_else(|e| panic!("{e}"));
        let types = ids.zeros_like().unwrap_or_else(|e| panic!("{e}"));
        group.bench_function(BenchmarkId::new("stock candle", length), |b| {
            b.iter(|| stock.forward(&ids, &types, None).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
