//! The CPU time of single passes over the whole window on the real model, as a desktop's window runs
//! them but for the renderer: the pass itself, and cutting what it painted into triangles. Their median
//! and their 99th percentile while the pointer moves, with every panel side by side. And whether a window
//! in which nothing changes asks for passes at all. `cargo bench --bench frames`.
#![allow(clippy::panic)] // a benchmark that cannot start says why and stops

use std::time::{Duration, Instant};

use candle_core::Device;
use eframe::App as _;
use egui::{Context, Event, Pos2, RawInput, Rect, pos2, vec2};
use embedscope::app::command::Command;
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;
use embedscope::perf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORDS: &str = "the keeper of the house wrote every morning in a book of his own ";
const PASSES: usize = 1000;
const TYPED: usize = 40;
const SIZE: [f32; 2] = [1440., 900.];

/// A window without a screen.
struct Window {
    ctx: Context,
    frame: eframe::Frame,
    app: App,
    began: Instant,
}

/// What one pass took.
#[derive(Clone, Copy)]
struct Pass {
    run: Duration,
    triangles: Duration,
    /// Whether another pass was asked for at once.
    again: bool,
}

impl Window {
    fn open() -> Self {
        let folder = std::env::var_os("EMBEDSCOPE_MINILM");
        let model = folder.map_or_else(ModelRef::minilm, |f| ModelRef::Folder(f.into()));
        let options = WindowOptions {
            model: Some(model),
            device: Device::Cpu,
        };
        let ctx = Context::default();
        let mut window = Self {
            app: App::new(&ctx, None, options),
            frame: eframe::Frame::_new_kittest(),
            began: Instant::now(),
            ctx,
        };
        while window.app.engine().model().is_none() {
            if window.began.elapsed() > Duration::from_secs(60) {
                panic!("the model did not load; run scripts/get-minilm");
            }
            window.pass(None);
        }
        window
    }

    fn pass(&mut self, pointer: Option<Pos2>) -> Pass {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(SIZE[0], SIZE[1]))),
            time: Some(self.began.elapsed().as_secs_f64()),
            events: pointer.map(Event::PointerMoved).into_iter().collect(),
            ..RawInput::default()
        };
        let (app, frame) = (&mut self.app, &mut self.frame);
        let started = Instant::now();
        let output = self.ctx.run_ui(input, |ui| {
            app.logic(&ui.ctx().clone(), frame);
            app.ui(ui, frame);
        });
        let run = started.elapsed();
        let started = Instant::now();
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let taken = started.elapsed();
        drop(triangles);
        let mut viewports = output.viewport_output.values();
        Pass {
            run,
            triangles: taken,
            again: viewports.any(|viewport| viewport.repaint_delay < Duration::from_millis(100)),
        }
    }

    /// Passes until every panel shows what is current, and a while longer.
    fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 20 {
            self.pass(None);
            let mut texts = self.app.shown().iter();
            let current = texts.all(|text| text.current || text.error.is_some());
            quiet = match current && !self.app.engine().busy() {
                true => quiet + 1,
                false => 0,
            };
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Many passes while the pointer wanders over the window.
    fn wander(&mut self) -> Vec<Pass> {
        let at = |i: usize, step: usize, most: f32| (i * step % 997) as f32 / 997. * most;
        let place = |i| pos2(at(i, 31, SIZE[0]), at(i, 57, SIZE[1]));
        (0..PASSES).map(|i| self.pass(Some(place(i)))).collect()
    }

    /// Passes at 60 a second while a letter is typed in every twelfth, each of which makes every panel
    /// anew.
    fn typing(&mut self, text: &str) -> Vec<Pass> {
        let (mut text, id) = (text.to_owned(), self.app.shown()[0].id);
        let mut all = Vec::with_capacity(TYPED * 12);
        for letter in ('a'..='z').cycle().take(TYPED) {
            // In front: behind the limit it would change nothing.
            text.insert(0, letter);
            self.app.send(Command::EditText(id, text.clone()));
            for _ in 0..12 {
                let pass = self.pass(None);
                let rest = Duration::from_millis(16).saturating_sub(pass.run);
                std::thread::sleep(rest);
                all.push(pass);
            }
        }
        all
    }
}

/// Median, 99th percentile and the slowest, in milliseconds.
fn quantiles(times: impl Iterator<Item = Duration>) -> [f64; 3] {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    [times.len() / 2, times.len() * 99 / 100, times.len() - 1].map(|at| times[at])
}

fn main() {
    // SAFETY: nothing else runs yet.
    unsafe { embedscope::memory::keep_for_the_next_trace() };
    let mut window = Window::open();
    let model = window.app.engine().model();
    let limit = model.map_or(256, |model| model.tokenizer.limit());
    println!(
        "| layout | tokens | pass, median ms | 99% ms | slowest ms | triangles, median ms | 99% ms | typing, median ms | 99% ms | slowest ms | asks for passes when idle |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|");
    let layouts: [(&str, &[Command]); 3] = [
        ("as it opens", &[Command::ShowWorkspace(0)]),
        (
            "attention in front",
            &[Command::ShowWorkspace(0), Command::ShowPanel("attention")],
        ),
        ("every panel side by side", &[Command::ShowEveryPanel]),
    ];
    for (name, layout) in layouts {
        for length in [16, 128, limit] {
            let text = WORDS.repeat(length / 14 + 2);
            let text: Vec<&str> = text.split(' ').take(length - 2).collect();
            let texts = vec![text.join(" "), format!("{} again", text.join(" "))];
            window.app.send(Command::SetTexts(texts));
            for command in layout {
                window.app.send(command.clone());
            }
            window.settle();
            let passes = window.wander();
            let run = quantiles(passes.iter().map(|pass| pass.run));
            let triangles = quantiles(passes.iter().map(|pass| pass.triangles));
            window.settle();
            let idle = window.pass(None).again;
            let typed = window.typing(&text.join(" "));
            let typed = quantiles(typed.iter().map(|pass| pass.run));
            println!(
                "| {name} | {length} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {} |",
                run[0],
                run[1],
                run[2],
                triangles[0],
                triangles[1],
                typed[0],
                typed[1],
                typed[2],
                if idle { "yes" } else { "no" },
            );
        }
    }
    println!(
        "\nWhat typing into the longest spends its time on with attention in front, with the spans' own cost:"
    );
    for command in layouts[1].1 {
        window.app.send(command.clone());
    }
    window.settle();
    perf::watch(true);
    let text = window.app.shown()[0].text.to_string();
    window.typing(&text);
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
