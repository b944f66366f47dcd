//! The window on the real model, without a renderer: the CPU time of one pass over the whole window,
//! and the time from a keystroke to panels that show it. `cargo bench --bench window`.
#![allow(clippy::panic)] // a benchmark that cannot start says why and stops

use std::time::{Duration, Instant};

use candle_core::Device;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use egui_kittest::Harness;
use embedscope::app::command::Command;
use embedscope::app::layout::WORKSPACES;
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fourteen words: sixteen tokens with the two special ones.
const SENTENCE: &str = "the keeper of the house wrote every morning in a book of his own";

fn open() -> Harness<'static, App> {
    let folder = std::env::var_os("EMBEDSCOPE_MINILM");
    let model = folder.map_or_else(ModelRef::minilm, |f| ModelRef::Folder(f.into()));
    let options = WindowOptions {
        model: Some(model),
        device: Device::Cpu,
    };
    let builder = Harness::builder().with_size([1280., 800.]);
    let mut harness = builder
        .allow_missing_glyphs()
        .build_eframe(|cc| App::new(&cc.egui_ctx, None, options));
    let end = Instant::now() + Duration::from_secs(60);
    while harness.state().engine().model().is_none() {
        if Instant::now() > end {
            panic!("the model did not load; run scripts/get-minilm");
        }
        harness.step();
    }
    settle(&mut harness);
    harness
}

/// Steps until every panel shows what is current.
fn settle(harness: &mut Harness<'_, App>) {
    loop {
        harness.step();
        let app = harness.state();
        let current = app
            .shown()
            .iter()
            .all(|text| text.current || text.error.is_some());
        if current && !app.engine().busy() {
            // What just came in may have called for one more derived value.
            harness.step();
            if !harness.state().engine().busy() {
                return;
            }
        }
        std::thread::yield_now();
    }
}

fn send(harness: &mut Harness<'_, App>, command: Command) {
    harness.state_mut().send(command);
    settle(harness);
}

fn texts(length: usize) -> Vec<String> {
    let text = match length {
        16 => SENTENCE.to_owned(),
        _ => format!("{SENTENCE} ").repeat(length / 14),
    };
    vec![text.clone(), text]
}

fn window(c: &mut Criterion) {
    let mut harness = open();
    let mut group = c.benchmark_group("window");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(4));
    for (index, workspace) in WORKSPACES.iter().enumerate() {
        for length in [16, 256] {
            send(&mut harness, Command::SetTexts(texts(length)));
            send(&mut harness, Command::ShowWorkspace(index));
            let id = BenchmarkId::new(format!("one pass, {}", workspace.title), length);
            group.bench_function(id, |b| b.iter(|| harness.step()));
        }
    }
    for (index, workspace) in WORKSPACES.iter().enumerate() {
        send(&mut harness, Command::SetTexts(texts(16)));
        send(&mut harness, Command::ShowWorkspace(index));
        let mut count = 0u64;
        let id = BenchmarkId::new(format!("keystroke to panels, {}", workspace.title), 16);
        group.bench_function(id, |b| {
            b.iter(|| {
                count += 1;
                let id = harness.state().state().texts[0].id;
                // Never the same text twice, so that nothing comes from the cache.
                let text = format!("{SENTENCE} {count}");
                send(&mut harness, Command::EditText(id, text));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, window);
criterion_main!(benches);
