//! What happens between frames: drain the engine, carry out commands, derive what there is to see.

use std::path::PathBuf;
use std::sync::Arc;

use super::chrome::columns::Slot;
use super::command::{self, Command, LabCommand};
use super::dialogs::Purpose;
use super::files;
use super::history::{Moment, Step};
use super::layout::Layout;
use super::{App, Outcome};
use crate::engine::{Engine, LoadState, read_background};
use crate::model::source::{CachedModel, remove};
use crate::model::{Model, ModelRef, Prompt};
use crate::perf;
use crate::views::TextView;
use crate::widgets::counted;

impl App {
    /// One turn without painting.
    pub(super) fn update(&mut self, ctx: &egui::Context) {
        let _span = tracing::trace_span!("frame logic").entered();
        self.receive_outcomes(ctx);
        self.receive_files(ctx);
        self.carry_out(ctx);
        self.walk_on(ctx);
        self.watch_tour();
        self.look.follow(ctx, &mut self.state.preferences);
        self.engine.set_budget(self.state.preferences.budget << 20);
        self.follow_session(ctx);
        self.note_failure();
        match self.engine.model() {
            Some(model) => {
                self.tell_warnings(&model);
                self.drop_unknown_prompt(&model);
                self.shown = self.texts.update(&self.state, &self.engine, &model);
            }
            None => self.shown.clear(),
        }
        // What a second column remembers holds whole traces.
        let second = self.state.columns().map(Slot::beside_first);
        self.views
            .retain(|(_, slot), _| *slot == Slot::First || Some(*slot) == second);
        self.second.clear();
        if self.engine.reference().is_some() {
            let texts = self.shown.iter().map(TextView::of_reference);
            self.second.extend(texts);
        }
        self.note_start(ctx);
    }

    /// Carries out what was asked for since the last turn, which is one step for undo.
    fn carry_out(&mut self, ctx: &egui::Context) {
        let commands = std::mem::take(&mut self.commands);
        if commands.is_empty() {
            return;
        }
        let now = ctx.input(|i| i.time);
        let mut before = Moment::of(&self.state);
        let mut step = Step::None;
        for command in commands {
            if matches!(command, Command::Undo | Command::Redo) {
                self.history
                    .record(before, &self.state, std::mem::take(&mut step), now);
                self.travel(command == Command::Undo);
                before = Moment::of(&self.state);
                continue;
            }
            step = step.and(command.step());
            self.execute(ctx, command);
        }
        self.history.record(before, &self.state, step, now);
    }

    /// One step back or forward, with the models that belong to it.
    fn travel(&mut self, back: bool) {
        let models = (self.state.model.clone(), self.state.reference.clone());
        let (state, layout) = (&mut self.state, &mut self.layout);
        let at = layout.at.clone();
        match back {
            true => self.history.undo(state, layout),
            false => self.history.redo(state, layout),
        };
        // A session that was opened or left brings its panels.
        if self.layout.at != at {
            self.walk.resume(&self.layout);
        }
        self.follow_models(&models);
    }

    /// Loads what the state names now, where that is not what it named before.
    pub(super) fn follow_models(&self, before: &(ModelRef, Option<ModelRef>)) {
        if self.state.model != before.0 {
            self.engine.load(self.state.model.clone());
        }
        if self.state.reference != before.1 {
            self.engine.set_reference(self.state.reference.clone());
        }
    }

    /// A prompt that the model does not have would leave every text without a trace. While another
    /// model is on its way, the prompt may be one of that model.
    fn drop_unknown_prompt(&mut self, model: &Model) {
        if let Prompt::Named(_) = self.state.prompt
            && !matches!(self.engine.load_state(), LoadState::Running { .. })
            && model.source == self.state.model
            && model.prompt(&self.state.prompt).is_err()
        {
            self.state.prompt = Prompt::Own;
        }
    }

    /// Says once how long it took until there was something to see.
    fn note_start(&mut self, ctx: &egui::Context) {
        let Some(start) = &mut self.started else {
            return;
        };
        if start.turn() {
            ctx.request_repaint();
        }
        let layer = self.state.layer;
        let whole = |text: &TextView| {
            let trace = text.trace.as_ref();
            text.current
                && trace.is_some_and(|t| t.has_inside(layer.min(t.layers.saturating_sub(1))))
        };
        let sides = [self.state.a, self.state.b];
        let mut shown = self
            .shown
            .iter()
            .filter(|text| sides.contains(&Some(text.id)));
        if !self.shown.is_empty() && shown.all(whole) && start.traced() {
            self.started = None;
        }
    }

    /// What a person should know about a model's files, once per load of another model.
    fn tell_warnings(&mut self, model: &Model) {
        if self.heard.as_ref() != Some(&model.hash) {
            self.heard = Some(model.hash.clone());
            for warning in &model.warnings {
                self.notices.info(warning.as_str());
            }
        }
    }

    /// A model that does not load has a card of its own; the log keeps what it said.
    fn note_failure(&mut self) {
        let failure = match self.engine.load_state() {
            LoadState::Failed { reference, error } => {
                let text: Arc<str> = format!("{reference} cannot be used: {error}").into();
                Some(text)
            }
            _ => None,
        };
        if self.windows.failure != failure {
            self.windows.failure.clone_from(&failure);
            if let Some(text) = failure {
                self.notices.note_error(text);
            }
        }
    }

    fn execute(&mut self, ctx: &egui::Context, command: Command) {
        self.pause_for(&command);
        self.sides.note(&command);
        let Some(command) = command::apply(&mut self.state, command) else {
            return;
        };
        match command {
            Command::ShowPanel(panel) => {
                self.layout.show(panel);
                self.walk.note(panel);
            }
            Command::Walk(command) => self.walk(ctx, command),
            Command::Tour(command) => self.tour(command),
            Command::ShowPalette => self.open_palette(ctx),
            Command::ShowShortcuts(on) => self.shortcuts.show(ctx, on),
            Command::NextArea(forward) => self.areas.go(ctx, forward),
            Command::NextTab(forward) => self.next_tab(forward),
            Command::ShowWorkspace(index) => {
                self.layout = Layout::workspace(index);
                self.walk.arrive(&self.layout);
            }
            Command::ShowPerformance(on) => {
                self.performance = on;
                perf::watch(on);
            }
            Command::ShowModels(on) => {
                self.manager.open = on;
                if on {
                    self.cached.refresh(&self.engine);
                }
            }
            Command::RemoveModel(model) => self.remove_model(model),
            Command::ShowLog(on) => self.windows.log = on,
            Command::ShowPreferences(on) => self.windows.preferences = on,
            Command::ShowEveryPanel => self.layout = Layout::every_panel(),
            Command::ResetLayout => self.layout = Layout::workspace(self.layout.workspace),
            Command::OpenModel(reference) => self.engine.load(reference),
            Command::SetReference(reference) => self.engine.set_reference(reference),
            Command::Calibrate(key) => {
                let model = self.engine.model();
                if let Some(model) = model.filter(|model| model.hash == key.model) {
                    self.engine.calibrate(model, key);
                }
            }
            Command::UseBackground(path) => self.use_background(path),
            Command::StopCalibrating => self.engine.stop_calibrating(),
            Command::CancelLoad => {
                self.engine.cancel_load();
                self.keep_good_model();
            }
            Command::DismissError => {
                self.engine.dismiss_load_error();
                self.keep_good_model();
            }
            Command::AskModelFolder => self.dialogs.ask(Purpose::Model),
            Command::AskTextFile => self.dialogs.ask(Purpose::Texts),
            Command::AskTraceFile => self.dialogs.ask(Purpose::Trace),
            Command::AskPairsFile => self.dialogs.ask(Purpose::Pairs),
            Command::AskBackgroundFile => self.dialogs.ask(Purpose::Background),
            Command::AskTunedFolder => self.dialogs.ask(Purpose::Tuned),
            Command::Lab(command) => self.lab(command),
            Command::AskPictureFile => self.dialogs.ask(Purpose::Picture),
            Command::SaveSession => self.save_session(),
            Command::AskSessionFile => self.ask_session_file(),
            Command::AskOpenSession => self.dialogs.ask(Purpose::OpenSession),
            Command::SaveSessionAs(path) => self.save_session_as(path),
            Command::OpenSession(path) => self.open_session(path),
            Command::AskExport(export) => self.ask_export(export),
            Command::AskReportFile => self.dialogs.ask(Purpose::Report),
            Command::Export(export, path) => self.export(ctx, export, path),
            Command::SaveReport(path) => self.save_report(path),
            Command::CancelReport => self.cancel_report(),
            Command::OpenTextFile(path) => self.open_texts(path),
            Command::SaveTrace(path) => self.save_trace(path),
            Command::SavePicture(path) => self.take_picture(ctx, path),
            Command::Copy(text) => ctx.copy_text(text),
            Command::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            // Everything else was carried out on the state.
            _ => {}
        }
    }

    fn lab(&mut self, command: LabCommand) {
        match command {
            LabCommand::Start => match self.state.order() {
                Ok(order) => self.engine.fine_tune(order),
                Err(why) => self.notices.error(why),
            },
            LabCommand::Stop => self.engine.stop_fine_tuning(),
            LabCommand::UseTuned(tuned) => {
                let run = self.engine.lab();
                let model = run.and_then(|run| match tuned {
                    true => run.tuned.clone(),
                    false => Some(run.original.clone()),
                });
                if let Some(model) = model {
                    self.engine.use_model(model);
                }
            }
            LabCommand::Save(path) => {
                let Some(run) = self.engine.lab() else { return };
                let sources = self.engine.sources().clone();
                self.job(move || match Engine::save_tuned(&run, &sources, &path) {
                    Ok(()) => {
                        Outcome::Done(format!("Saved the fine-tuned model as {}", path.display()))
                    }
                    Err(error) => Outcome::Failed(error.to_string()),
                });
            }
        }
    }

    /// The model that is remembered for the next start is the one that works.
    pub(super) fn keep_good_model(&mut self) {
        if let Some(model) = self.engine.model() {
            self.state.model = model.source.clone();
            self.history.forget_idle(&self.state);
        }
    }

    /// Runs `job` away from the window and hears what came of it.
    pub(super) fn job(&self, job: impl FnOnce() -> Outcome + Send + 'static) {
        let sender = self.outcomes.0.clone();
        self.engine.spawn(move || {
            // The window may have been closed meanwhile; then nobody listens.
            let _ = sender.send(job());
        });
    }

    fn receive_outcomes(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|i| i.time);
        while let Ok(outcome) = self.outcomes.1.try_recv() {
            match outcome {
                Outcome::Texts(from, texts) => {
                    self.notices.info(format!(
                        "Opened {} from {from}",
                        counted(texts.len(), "text")
                    ));
                    self.commands.push(Command::SetTexts(texts));
                }
                Outcome::Background(background) => {
                    let count = background.texts().len();
                    self.notices.info(format!(
                        "Calibrations are made on {count} texts of your own from now on"
                    ));
                    self.engine.use_background(Some(background));
                }
                Outcome::Removed(what) => {
                    self.notices.info(what);
                    self.cached.refresh(&self.engine);
                }
                Outcome::Picture(path, image) => self.save_picture(path, image),
                Outcome::Table(import) => self.import = Some(*import),
                Outcome::Dropped(what) => self.open_dropped(what),
                Outcome::Hovered(told) if told.paths == self.hovering.paths => {
                    self.hovering = told;
                }
                // It has been dragged out again.
                Outcome::Hovered(_) => {}
                Outcome::Session(outcome) => self.receive_session(outcome, now),
                Outcome::Done(what) => self.notices.info(what),
                Outcome::Report(ended) => self.end_report(ended),
                Outcome::Failed(why) => self.notices.error(why),
                Outcome::Kept(problem) => problem.into_iter().for_each(|why| self.warn(why)),
            }
        }
    }

    fn remove_model(&self, model: CachedModel) {
        let sources = self.engine.sources().clone();
        self.job(move || match remove(&model, &sources) {
            Ok(bytes) => {
                let megabytes = bytes as f64 / 1e6;
                Outcome::Removed(format!("Removed {} ({megabytes:.1} MB)", model.id))
            }
            Err(error) => Outcome::Failed(error.to_string()),
        });
    }

    /// A file that is no background changes nothing but the notices.
    fn use_background(&self, path: Option<PathBuf>) {
        let Some(path) = path else {
            return self.engine.use_background(None);
        };
        self.job(move || match read_background(&path) {
            Ok(background) => Outcome::Background(background),
            Err(error) => Outcome::Failed(error.to_string()),
        });
    }

    fn open_texts(&self, path: PathBuf) {
        if !files::is_table(&path) {
            return self.open_lists(vec![path]);
        }
        self.job(move || match files::read_table(&path) {
            Ok(import) => Outcome::Table(Box::new(import)),
            Err(error) => Outcome::Failed(error.to_string()),
        });
    }

    /// Reads lists of texts, one behind the other.
    pub(super) fn open_lists(&self, paths: Vec<PathBuf>) {
        self.job(move || match files::read_lists(&paths) {
            Ok(texts) => Outcome::Texts(files::names(&paths), texts),
            Err(error) => Outcome::Failed(error.to_string()),
        });
    }

    /// Saves the whole trace of the viewed text, recording its insides first where they are missing.
    fn save_trace(&mut self, path: PathBuf) {
        let text = self.state.id_of(self.state.side);
        let text = text
            .and_then(|id| self.shown.iter().find(|t| t.id == id))
            .cloned();
        let (Some(text), Some(model)) = (text, self.engine.model()) else {
            self.notices
                .error("There is no trace to save yet; wait for the model to load.");
            return;
        };
        let prompt = self.state.prompt.clone();
        let changes = super::texts::changes_of(&self.state, text.id);
        self.job(move || {
            let trace = match text.trace.filter(|_| text.current) {
                Some(trace) => Ok(trace),
                None => {
                    let cancel = crate::cancel::Cancel::new();
                    let of = (&*text.text, &prompt);
                    model
                        .trace_changed(of, &changes, 0, &|_| None, &cancel)
                        .map(Arc::new)
                }
            };
            let saved = trace.map_err(|e| e.to_string()).and_then(|trace| {
                files::save_trace(&model, &trace, &path).map_err(|e| e.to_string())
            });
            match saved {
                Ok(()) => Outcome::Done(format!("Saved {}", path.display())),
                Err(error) => Outcome::Failed(error),
            }
        });
    }

    fn take_picture(&self, ctx: &egui::Context, path: PathBuf) {
        let (sender, waker) = (self.outcomes.0.clone(), ctx.clone());
        let ready = egui::ScreenshotCallback::new(move |image| {
            // The window may have been closed meanwhile; then nobody listens.
            let _ = sender.send(Outcome::Picture(path, image));
            waker.request_repaint();
        });
        ctx.send_viewport_cmd(egui::ViewportCommand::Screenshot(ready));
    }

    fn save_picture(&self, path: PathBuf, image: Arc<egui::ColorImage>) {
        self.job(move || {
            let rgba = image
                .pixels
                .iter()
                .flat_map(|pixel| pixel.to_array())
                .collect();
            match files::save_picture(&path, image.size, rgba) {
                Ok(()) => Outcome::Done(format!("Saved {}", path.display())),
                Err(error) => Outcome::Failed(error.to_string()),
            }
        });
    }
}
