//! The CPU time of single passes over the whole window on the real model, without a renderer: their
//! median and their 99th percentile while the pointer moves, with every panel side by side. And
//! whether a window in which nothing changes asks for passes at all. `cargo bench --bench frames`.
#![allow(clippy::panic)] // a benchmark that cannot start says why and stops

use std::time::{Duration, Instant};

use candle_core::Device;
use egui_kittest::Harness;
use embedscope::app::command::Command;
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;
use embedscope::perf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORDS: &str = "the keeper of the house wrote every morning in a book of his own ";
const PASSES: usize = 1000;
const SIZE: [f32; 2] = [1440., 900.];

fn open() -> Harness<'static, App> {
    let folder = std::env::var_os("EMBEDSCOPE_MINILM");
    let model = folder.map_or_else(ModelRef::minilm, |f| ModelRef::Folder(f.into()));
    let options = WindowOptions {
        model: Some(model),
        device: Device::Cpu,
    };
    let builder = Harness::builder().with_size(SIZE);
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
    harness
}

/// Steps until every panel shows what is current, and a while longer.
fn settle(harness: &mut Harness<'_, App>) {
    let mut quiet = 0;
    while quiet < 20 {
        harness.step();
        let app = harness.state();
        let current = app
            .shown()
            .iter()
            .all(|text| text.current || text.error.is_some());
        quiet = match current && !app.engine().busy() {
            true => quiet + 1,
            false => 0,
        };
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Milliseconds of each of many passes while the pointer wanders over the window.
fn passes(harness: &mut Harness<'_, App>) -> Vec<f64> {
    let mut taken = Vec::with_capacity(PASSES);
    for i in 0..PASSES {
        let at = |step: usize, most: f32| (i * step % 997) as f32 / 997. * most;
        harness.hover_at(egui::pos2(at(31, SIZE[0]), at(57, SIZE[1])));
        let started = Instant::now();
        harness.step();
        taken.push(started.elapsed().as_secs_f64() * 1e3);
    }
    taken.sort_by(f64::total_cmp);
    taken
}

fn main() {
    let mut harness = open();
    let model = harness.state().engine().model();
    let limit = model.map_or(256, |model| model.tokenizer.limit());
    println!("| layout | tokens | median ms | 99% ms | slowest ms | asks for passes when idle |");
    println!("|---|---:|---:|---:|---:|---|");
    for all in [false, true] {
        for length in [16, 128, limit] {
            let text = WORDS.repeat(length / 14 + 2);
            let text: Vec<&str> = text.split(' ').take(length - 2).collect();
            let texts = vec![text.join(" "), format!("{} again", text.join(" "))];
            harness.state_mut().send(Command::SetTexts(texts));
            harness.state_mut().send(match all {
                true => Command::ShowEveryPanel,
                false => Command::ShowWorkspace(0),
            });
            settle(&mut harness);
            let taken = passes(&mut harness);
            settle(&mut harness);
            let idle = harness.ctx.has_requested_repaint();
            let name = if all {
                "every panel side by side"
            } else {
                "as it opens"
            };
            println!(
                "| {name} | {length} | {:.2} | {:.2} | {:.2} | {} |",
                taken[PASSES / 2],
                taken[PASSES * 99 / 100],
                taken[PASSES - 1],
                if idle { "yes" } else { "no" },
            );
        }
    }
    println!("\nWhat the last of these spend their time on, with the spans' own cost:");
    perf::watch(true);
    passes(&mut harness);
    let mut stages = perf::stages();
    stages.sort_by_key(|stage| std::cmp::Reverse(stage.median));
    for stage in stages {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{:24} {:6.2} {:6.2}",
            stage.name,
            ms(stage.median),
            ms(stage.slow)
        );
    }
}
