#![allow(clippy::panic)] // a benchmark that cannot start says why and stops
//! Our side of `scripts/bench-peers`: each line on stdin asks for one run, `kept 101 4937 … 102`,
//! and each line on stdout says how many nanoseconds it took. The ids come from the other side, so
//! that everybody runs the same ones.

use std::cell::OnceCell;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::bert::{BertModel, Config};
use embedscope::cancel::Cancel;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use embedscope::tokens::Tokens;
use embedscope::trace::hook::{NoHook, Recorder};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn or_die<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|e| panic!("{e}"))
}

fn model() -> Model {
    let reference = match std::env::var_os("EMBEDSCOPE_MINILM") {
        Some(folder) => ModelRef::Folder(folder.into()),
        None => ModelRef::minilm(),
    };
    let options = SourceOptions::from_env();
    let files = or_die(resolve(&reference, &options, &|_| {}, &Cancel::new()));
    or_die(Model::load(&files, &Device::Cpu))
}

fn stock(model: &Model) -> BertModel {
    let config: Config = or_die(serde_json::from_value(model.config.clone()));
    let files: Vec<_> = model.weight_files.iter().map(|file| file.name()).collect();
    // SAFETY: nobody writes to the model's files while the benchmark runs.
    let weights =
        unsafe { candle_nn::VarBuilder::from_mmaped_safetensors(&files, DType::F32, &Device::Cpu) };
    or_die(weights.and_then(|weights| BertModel::load(weights, &config)))
}

/// How a run goes: its result is dropped inside the measured time, as Python's is.
fn run(what: &str, model: &Model, stock: &OnceCell<BertModel>, tokens: &Tokens) {
    let kept = |detail: Detail| {
        let mut recorder = Recorder::new(|site| detail.keeps(site));
        or_die(model.run(&[tokens], model.options(), &mut recorder));
        drop(recorder.take(0));
    };
    match what {
        "kept" => kept(Detail::Full),
        "window" => kept(Detail::Outline),
        "plain" => drop(or_die(model.run(&[tokens], model.options(), &mut NoHook))),
        "stock" => {
            let shape = (1, tokens.ids.len());
            let ids = or_die(Tensor::from_vec(tokens.ids.clone(), shape, &Device::Cpu));
            let types = or_die(ids.zeros_like());
            or_die(
                stock
                    .get_or_init(|| self::stock(model))
                    .forward(&ids, &types, None),
            );
        }
        other => panic!("`{other}` is no contender: kept, window, plain or stock"),
    }
}

fn main() {
    // SAFETY: nothing else runs yet.
    unsafe { embedscope::memory::keep_for_the_next_trace() };
    let model = model();
    // Loaded when it is first asked for, so that it does not count in what ours needs.
    let stock = OnceCell::new();
    let mut tokens = or_die(model.tokens("a", &Prompt::None));
    for line in stdin().lock().lines() {
        let line = or_die(line);
        let mut words = line.split_whitespace();
        // `cargo bench` and `cargo test` start every target without a question.
        let Some(what) = words.next() else { return };
        tokens.ids = words.map(|id| or_die(id.parse())).collect();
        tokens.type_ids = vec![0; tokens.ids.len()];
        let started = Instant::now();
        run(what, &model, &stock, &tokens);
        let nanoseconds = started.elapsed().as_nanos();
        let mut out = stdout().lock();
        or_die(writeln!(out, "{nanoseconds}").and_then(|()| out.flush()));
    }
}
