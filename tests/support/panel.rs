//! One panel on a tiny model, with no window around it. Use it as
//! `#[path = "support/panel.rs"] mod panel_support;`.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows only #[test] functions as tests"
)]

#[path = "models.rs"]
pub mod models;

use std::sync::Arc;
use std::time::Duration;

use candle_core::{Device, Tensor};
use egui_kittest::kittest::NodeT;
use egui_kittest::{Harness, HarnessBuilder};
use embedscope::app::command::{self, Command};
use embedscope::app::state::{Focus, State};
use embedscope::cancel::Cancel;
use embedscope::engine::{CalibrationStore, Engine};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelRef};
use embedscope::views::{Panel, TextView, View, ViewContext};
use embedscope::widgets::theme::{self, Theme};

/// Nothing sticks out to the right.
pub fn fits<State>(harness: &Harness<'_, State>, width: f32, what: &str) {
    for node in harness.root().children_recursive() {
        let node = node.accesskit_node();
        let right = node.raw_bounds().map_or(0., |bounds| bounds.x1);
        let label = node.label();
        assert!(
            right <= f64::from(width) + 0.5,
            "{what} at {width}: {label:?} ends at {right}"
        );
    }
}

/// `tests/fixtures/tiny/plain`: 2 layers, 4 heads, D = 32, 86 pieces, at most 12 tokens.
pub fn tiny() -> Arc<Model> {
    Arc::new(models::tiny("plain"))
}

/// The tiny model with its positions repeated to `limit` rows, so that texts may be that long.
pub fn tiny_long(limit: usize) -> Arc<Model> {
    let folder = tempfile::tempdir().unwrap();
    let from = models::fixtures().join("tiny/plain");
    std::fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "modules.json",
        "1_Pooling/config.json",
    ] {
        std::fs::copy(from.join(name), folder.path().join(name)).unwrap();
    }
    let json = |name: &str, field: &str| {
        let text = std::fs::read_to_string(from.join(name)).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value[field] = limit.into();
        std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    };
    json("config.json", "max_position_embeddings");
    json("sentence_bert_config.json", "max_seq_length");
    let mut tensors =
        candle_core::safetensors::load(from.join("model.safetensors"), &Device::Cpu).unwrap();
    let name = tensors
        .keys()
        .find(|name| name.ends_with("position_embeddings.weight"));
    let name = name.unwrap().clone();
    let table = &tensors[&name]; // [P, D]
    let copies = limit.div_ceil(table.dim(0).unwrap());
    let table = Tensor::cat(&vec![table; copies], 0).unwrap();
    let table = table.narrow(0, 0, limit).unwrap().contiguous().unwrap();
    tensors.insert(name, table);
    candle_core::safetensors::save(&tensors, folder.path().join("model.safetensors")).unwrap();
    let reference = ModelRef::Folder(folder.path().to_owned());
    Arc::new(models::load(&reference, &SourceOptions::from_env()).unwrap())
}

/// A panel, what it is given, and what it said.
pub struct Bench {
    pub state: State,
    pub model: Arc<Model>,
    pub texts: Vec<TextView>,
    pub view: Box<dyn View>,
    /// What the panel hovered in the last frame; fed back as the focus.
    pub hovered: Focus,
    /// Every command that the panel sent; those on the state were carried out.
    pub commands: Vec<Command>,
    engine: Engine,
}

impl Bench {
    /// A panel that shows full traces of these texts; the first two are A and B.
    pub fn new(panel: &Panel, model: Arc<Model>, texts: &[&str]) -> Self {
        let mut state = State::default();
        state.set_texts(texts.iter().copied());
        let mut engine = Engine::new(Device::Cpu, SourceOptions::from_env(), Arc::new(|| {}));
        // Nothing of a test belongs into the person's cache.
        engine.keep_calibrations_in(CalibrationStore::default());
        engine.use_model(model.clone());
        let mut bench = Self {
            view: (panel.make)(),
            state,
            model,
            texts: Vec::new(),
            hovered: Focus::default(),
            commands: Vec::new(),
            engine,
        };
        bench.trace();
        bench
    }

    /// Traces every text of the state anew.
    pub fn trace(&mut self) {
        let texts = self.state.texts.iter().enumerate();
        self.texts = texts
            .map(|(index, text)| {
                let cancel = Cancel::new();
                let trace = self
                    .model
                    .trace(&text.text, &self.state.prompt, Detail::Full, &cancel);
                let (trace, error) = match trace {
                    Ok(trace) => (Some(Arc::new(trace)), None),
                    Err(error) => (None, Some(error.to_string().into())),
                };
                TextView {
                    id: text.id,
                    index,
                    text: text.text.as_str().into(),
                    current: trace.is_some(),
                    trace,
                    error,
                    reference: None,
                    reference_current: false,
                    reference_error: None,
                }
            })
            .collect();
    }

    /// As while newer traces are on their way.
    pub fn stale(mut self) -> Self {
        self.texts.iter_mut().for_each(|text| text.current = false);
        self
    }

    /// As before the first trace is there.
    pub fn untraced(mut self) -> Self {
        for text in &mut self.texts {
            (text.trace, text.current) = (None, false);
        }
        self
    }

    /// As when no text can be traced.
    pub fn failed(mut self, why: &str) -> Self {
        self = self.untraced();
        self.texts
            .iter_mut()
            .for_each(|text| text.error = Some(why.into()));
        self
    }

    /// One frame.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let focus = match self.hovered.is_empty() {
            true => self.state.locked,
            false => self.hovered,
        };
        let mut heard = (Focus::default(), Vec::new());
        let mut cx = ViewContext::new(
            &self.state,
            &self.engine,
            &self.model,
            &self.texts,
            focus,
            Theme::of(ui),
            (&mut heard.0, &mut heard.1),
        );
        self.view.ui(ui, &mut cx);
        self.hovered = heard.0;
        for command in heard.1 {
            self.commands.push(command.clone());
            if let Command::Calibrate(key) = &command {
                self.engine.calibrate(self.model.clone(), key.clone());
            }
            command::apply(&mut self.state, command);
        }
    }

    /// What the panel would put on the clipboard.
    pub fn tsv(&self) -> Option<String> {
        let mut heard = (Focus::default(), Vec::new());
        let cx = ViewContext::new(
            &self.state,
            &self.engine,
            &self.model,
            &self.texts,
            Focus::default(),
            Theme::DARK,
            (&mut heard.0, &mut heard.1),
        );
        self.view.tsv(&cx)
    }
}

/// A harness of this size and look. No GPU is touched unless it is built with `.wgpu()`.
pub fn builder(width: f32, height: f32, dark: bool) -> HarnessBuilder<Bench> {
    Harness::builder()
        .with_size(egui::vec2(width, height))
        .with_theme(if dark {
            egui::Theme::Dark
        } else {
            egui::Theme::Light
        })
        .with_context_setup(theme::install)
}

/// Shows the panel until everything it derives is there.
pub fn show(builder: HarnessBuilder<Bench>, bench: Bench) -> Harness<'static, Bench> {
    let mut harness = builder.build_ui_state(|ui, bench: &mut Bench| bench.ui(ui), bench);
    settle(&mut harness);
    harness
}

/// Frames until one has everything that the engine made, and asks for nothing more. Whether the engine
/// is busy after a frame does not tell: a job may be done by then, unseen, and the next one wait for it.
pub fn settle(harness: &mut Harness<'_, Bench>) {
    for _ in 0..50 {
        wait(harness);
        let before = harness.state().engine.jobs_handed_over();
        harness.step();
        let engine = &harness.state().engine;
        if engine.jobs_handed_over() == before && !engine.busy() {
            // What the last values changed is laid out by now.
            harness.step();
            return;
        }
    }
    panic!("the panel asks for more and more");
}

fn wait(harness: &Harness<'_, Bench>) {
    let settled = harness.state().engine.settle(Duration::from_secs(60));
    assert!(settled, "the engine hangs");
}

/// The picture of a harness that was built with `.wgpu()`, written to `path`.
pub fn picture(harness: &mut Harness<'_, Bench>, path: &str) {
    harness.render().unwrap().save(path).unwrap();
}
