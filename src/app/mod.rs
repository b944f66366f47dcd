//! The window: state, commands, and how they meet the engine.
//!
//! Each frame, [`logic`] drains the engine and derives what there is to see, [`ui`] paints it and
//! collects commands, and the commands are carried out before the next frame.

pub mod actions;
mod areas;
mod chrome;
pub mod command;
pub mod dialogs;
pub mod drops;
mod edges;
pub mod export;
pub mod files;
pub mod fine_tune;
mod floating;
mod guide;
pub mod history;
pub mod import;
mod keep;
pub mod layout;
mod logic;
mod notices;
pub mod pairs;
pub mod paste;
pub mod preferences;
pub mod samples;
pub mod session;
mod sides;
pub mod snapshot;
mod split;
mod start;
pub mod state;
pub mod table;
mod texts;
mod told;
pub mod tour;
mod trail;
mod turns;
mod ui;
pub mod walk;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use candle_core::Device;

use crate::engine::{Engine, LoadState};
use crate::model::ModelRef;
use crate::model::source::SourceOptions;
use crate::views::TextView;
use crate::views::beside::TextPartners;
use crate::widgets::{Pictures, theme};
use command::Command;
use dialogs::Dialogs;
use history::History;
use layout::Layout;
use notices::Notices;
use preferences::Look;
use session::open::{Remembered, SessionOutcome, Sessions};
use state::{Focus, State};
use texts::Texts;

/// What the command line decides about the window.
#[derive(Clone, Debug)]
pub struct WindowOptions {
    /// Instead of the model of the last session.
    pub model: Option<ModelRef>,
    pub device: Device,
}

/// The window's application.
pub struct App {
    state: State,
    history: History,
    layout: Layout,
    engine: Engine,
    views: chrome::panels::Views,
    /// Which tokens of A and B stand for each other, for what is pointed at in two columns.
    partners: TextPartners,
    texts: Texts,
    /// What there is of each text in this frame.
    shown: Vec<TextView>,
    /// The same through the reference model; empty where there is none.
    second: Vec<TextView>,
    hovered: Focus,
    commands: Vec<Command>,
    dialogs: Dialogs,
    notices: Notices,
    look: Look,
    sessions: Sessions,
    windows: Windows,
    /// A table that is being imported.
    import: Option<import::Import>,
    pasted: Option<paste::Pasted>,
    /// What is dragged over the window.
    hovering: drops::Hovering,
    /// The model whose warnings have been told.
    heard: Option<Arc<str>>,
    spine: chrome::spine::Spine,
    inspector: chrome::inspector::Inspector,
    chips: chrome::chips::Chips,
    context: chrome::context_menu::ContextMenu,
    listed: chrome::texts::Seen,
    walk: walk::Walk,
    telling: chrome::walk::Telling,
    tour: tour::Tour,
    palette: actions::palette::Palette,
    shortcuts: chrome::shortcuts::Shortcuts,
    areas: areas::Areas,
    turns: turns::Turns,
    cached: chrome::models::Cached,
    manager: chrome::manager::Manager,
    /// Whether the performance overlay is open.
    performance: bool,
    /// What is beside the panels, as of the last frame.
    sides: sides::Sides,
    /// How large each panel was when it was painted last, in points.
    painted: HashMap<&'static str, egui::Vec2>,
    /// The report that is being made.
    report: Option<export::report::Run>,
    /// Outcomes of jobs that the window started.
    outcomes: (Sender<Outcome>, Receiver<Outcome>),
    /// When the program began, until everything has been seen once.
    started: Option<start::Start>,
    /// Where the work is kept; none without a window of the desktop.
    kept: Option<keep::Kept>,
}

/// Which of the small windows are open.
#[derive(Default)]
struct Windows {
    log: bool,
    preferences: bool,
    /// Whether the one in front had the keyboard.
    in_front: bool,
    /// The failure to load a model that the log has been told of.
    failure: Option<Arc<str>>,
}

/// What a job of the window came to.
pub(crate) enum Outcome {
    /// Texts of files, and what the files are called.
    Texts(String, Vec<String>),
    Table(Box<import::Import>),
    Dropped(drops::Dropped),
    Hovered(drops::Hovering),
    Background(crate::analysis::background::Background),
    /// The window's picture is there and goes to this file.
    Picture(std::path::PathBuf, Arc<egui::ColorImage>),
    Session(SessionOutcome),
    Done(String),
    /// A model is no longer in the cache.
    Removed(String),
    Failed(String),
    /// Why nothing will be there the next time.
    Kept(Option<String>),
    /// The report is written, given up, or failed with this.
    Report(Result<Option<std::path::PathBuf>, String>),
}

const STATE_KEY: &str = "state";
const LAYOUT_KEY: &str = "layout";
const SESSION_KEY: &str = "session";

impl App {
    /// Restores the last session from `storage` and begins to load its model.
    pub fn new(
        ctx: &egui::Context,
        storage: Option<&dyn eframe::Storage>,
        options: WindowOptions,
    ) -> Self {
        theme::install(ctx);
        Pictures::install(ctx);
        let mut state: State = storage
            .and_then(|storage| eframe::get_value(storage, STATE_KEY))
            .unwrap_or_default();
        state.repair();
        if let Some(model) = options.model {
            state.model = model;
        }
        let mut sessions = Sessions::default();
        let remembered: Option<Option<Remembered>> =
            storage.and_then(|storage| eframe::get_value(storage, SESSION_KEY));
        sessions.resume(&mut state, remembered.flatten());
        let mut layout: Layout = storage
            .and_then(|storage| eframe::get_value(storage, LAYOUT_KEY))
            .unwrap_or_default();
        layout.repair();
        let waker = ctx.clone();
        let wake = Arc::new(move || waker.request_repaint());
        let engine = Engine::new(options.device, SourceOptions::from_env(), wake);
        engine.load(state.model.clone());
        engine.set_reference(state.reference.clone());
        let mut app = Self::with(state, layout, engine);
        app.sessions = sessions;
        app.walk.resume(&app.layout);
        app
    }

    /// Without a window: the model is there already, and nothing is restored or remembered.
    pub(crate) fn headless(
        ctx: &egui::Context,
        state: State,
        model: Arc<crate::model::Model>,
    ) -> Self {
        theme::install(ctx);
        let device = model.encoder.device().clone();
        let engine = Engine::new(device, SourceOptions::from_env(), Arc::new(|| {}));
        engine.use_model(model);
        engine.set_reference(state.reference.clone());
        Self::with(state, Layout::default(), engine)
    }

    fn with(state: State, layout: Layout, engine: Engine) -> Self {
        Self {
            state,
            history: History::default(),
            layout,
            engine,
            views: HashMap::new(),
            partners: TextPartners::default(),
            texts: Texts::default(),
            shown: Vec::new(),
            second: Vec::new(),
            hovered: Focus::default(),
            commands: Vec::new(),
            dialogs: Dialogs::default(),
            notices: Notices::default(),
            look: Look::default(),
            sessions: Sessions::default(),
            windows: Windows::default(),
            import: None,
            pasted: None,
            hovering: drops::Hovering::default(),
            heard: None,
            spine: chrome::spine::Spine::default(),
            inspector: chrome::inspector::Inspector::default(),
            chips: chrome::chips::Chips::default(),
            context: chrome::context_menu::ContextMenu::default(),
            listed: chrome::texts::Seen::default(),
            walk: walk::Walk::default(),
            telling: chrome::walk::Telling::default(),
            tour: tour::Tour::default(),
            palette: actions::palette::Palette::default(),
            shortcuts: chrome::shortcuts::Shortcuts::default(),
            areas: areas::Areas::default(),
            turns: turns::Turns::default(),
            cached: chrome::models::Cached::default(),
            manager: chrome::manager::Manager::default(),
            performance: false,
            sides: sides::Sides::default(),
            painted: HashMap::new(),
            report: None,
            outcomes: channel(),
            started: None,
            kept: None,
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where panels are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The stage of the pipeline that is looked at.
    pub fn stage(&self) -> Option<walk::Stage> {
        let stages = walk::Stage::all(&*self.engine.model()?);
        self.walk.stage(self.state.layer, &stages)
    }

    /// What is on view of each text.
    pub fn shown(&self) -> &[TextView] {
        &self.shown
    }

    /// Tells the person something that stays until it is dismissed.
    pub fn warn(&mut self, problem: String) {
        self.notices.warning(problem);
    }

    /// Carries a command out as if a menu had sent it.
    pub fn send(&mut self, command: Command) {
        self.commands.push(command);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        self.update(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.window_ui(ui);
    }

    fn raw_input_hook(&mut self, ctx: &egui::Context, input: &mut egui::RawInput) {
        if self.turns.take(&mut input.events, ctx.text_edit_focused()) {
            ctx.request_repaint();
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        if let LoadState::Failed { .. } = self.engine.load_state() {
            self.keep_good_model();
        }
        eframe::set_value(storage, STATE_KEY, &self.state);
        eframe::set_value(storage, LAYOUT_KEY, &self.layout);
        let remembered = self.sessions.remembered(&self.state);
        eframe::set_value(storage, SESSION_KEY, &remembered);
        if let Some(kept) = &self.kept {
            kept.set_aside();
        }
    }
}

/// Opens the window, on the work of a session file where one is given, and returns when it is closed.
/// A `problem` is told in the window from the start.
///
/// # Errors
/// When the desktop gives no window: no display, or no graphics driver.
pub fn run(
    options: WindowOptions,
    session: Option<PathBuf>,
    problem: Option<String>,
) -> Result<(), String> {
    let started = start::Start::now();
    let kept = keep::Kept::own();
    let restored = kept.as_ref().and_then(keep::Kept::restore);
    let told: Vec<String> = restored.into_iter().chain(problem).collect();
    let icon = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png"));
    let viewport = egui::ViewportBuilder::default()
        .with_title(keep::NAME)
        .with_app_id(keep::NAME)
        // With its frame it fits a screen of 1440 × 900.
        .with_inner_size([1400., 820.])
        .with_min_inner_size(preferences::SMALLEST)
        .with_drag_and_drop(true)
        .with_icon(icon.map_err(|e| format!("the window's icon: {e}"))?);
    let native = eframe::NativeOptions {
        viewport,
        ..eframe::NativeOptions::default()
    };
    let make: eframe::AppCreator<'_> = Box::new(move |cc| {
        let mut app = App::new(&cc.egui_ctx, cc.storage, options);
        app.started = Some(started);
        app.commands.extend(session.map(Command::OpenSession));
        if let Some(kept) = kept.clone() {
            // The disk may be slow, and the window does not wait for it.
            app.job(move || Outcome::Kept(kept.problem()));
        }
        app.kept = kept;
        told.into_iter().for_each(|problem| app.warn(problem));
        Ok(Box::new(app))
    });
    eframe::run_native(keep::NAME, native, make).map_err(|e| {
        format!("the window cannot be opened: {e}; it needs a display (DISPLAY or WAYLAND_DISPLAY) and Vulkan or OpenGL, for example from mesa-vulkan-drivers; `embedscope --help` lists what works without one")
    })
}
