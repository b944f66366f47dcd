//! The session that is open in the window: saving, opening, its title, and whether its models are the
//! same as when it was saved.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::dialogs::Purpose;
use super::super::history::{Moment, Step};
use super::super::layout::Layout;
use super::super::state::State;
use super::super::{App, Outcome};
use super::{Session, SessionError, file};
use crate::engine::LoadState;
use crate::model::{Model, ModelRef};
use crate::widgets::counted;

/// What became of a session file.
pub(crate) enum SessionOutcome {
    Saved(PathBuf, Box<Session>),
    Opened(PathBuf, Box<Session>),
    Failed(PathBuf, SessionError),
}

/// What the window remembers of session files.
#[derive(Default)]
pub struct Sessions {
    /// The work as it is in each file.
    saved: HashMap<PathBuf, Saved>,
    /// What the models of the opened session have to be.
    expected: Vec<Expected>,
    title: String,
}

/// The work as it is in a file.
#[derive(Clone)]
struct Saved {
    state: State,
    /// How the panels stand; none where an older version did not note it.
    arrangement: Option<String>,
}

impl Saved {
    fn of(session: &Session) -> Self {
        Self {
            state: session.state.clone(),
            arrangement: Some(session.layout.arrangement()),
        }
    }
}

/// The open session across a restart.
#[derive(Serialize, Deserialize)]
pub struct Remembered {
    file: PathBuf,
    saved: State,
    #[serde(default)]
    arrangement: Option<String>,
}

struct Expected {
    session: String,
    main: bool,
    model: ModelRef,
    hash: Arc<str>,
}

impl Expected {
    /// What to say where the model is another one by now.
    fn differs(&self, model: &Model) -> Option<String> {
        if model.hash == self.hash {
            return None;
        }
        let role = if self.main { "" } else { "second " };
        Some(format!(
            "{}: the {role}model {} is not the one that the session was saved with: its weights or settings have hash {}, then it was {}. Numbers may differ from those that were seen then.",
            self.session, self.model, model.hash, self.hash
        ))
    }
}

impl Sessions {
    /// Goes on with the session that was open when the window was last closed.
    pub fn resume(&mut self, state: &mut State, remembered: Option<Remembered>) {
        if let Some(remembered) = remembered {
            state.session = Some(remembered.file.clone());
            let saved = Saved {
                state: remembered.saved,
                arrangement: remembered.arrangement,
            };
            self.saved.insert(remembered.file, saved);
        }
    }

    pub fn remembered(&self, state: &State) -> Option<Remembered> {
        let file = state.session.clone()?;
        let Saved { state, arrangement } = self.saved.get(&file)?.clone();
        Some(Remembered {
            file,
            saved: state,
            arrangement,
        })
    }

    /// Whether a session of now would replay otherwise than its file: another work, or panels that stand
    /// elsewhere. How it is looked at, the tabs in front too, is saved along but makes no difference, as
    /// for undo.
    fn is_edited(&self, state: &State, layout: &Layout) -> bool {
        let saved = state.session.as_ref().and_then(|file| self.saved.get(file));
        saved.is_some_and(|saved| {
            let arranged = saved.arrangement.as_ref();
            arranged.is_some_and(|before| *before != layout.arrangement())
                || saved.state.clone().seen_as(state) != *state
        })
    }

    fn title(&self, state: &State, layout: &Layout) -> String {
        let Some(file) = &state.session else {
            return "embedscope".to_owned();
        };
        let name = name(file);
        match self.is_edited(state, layout) {
            true => format!("● {name} (edited) — embedscope"),
            false => format!("{name} — embedscope"),
        }
    }
}

fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    name.to_string_lossy().into_owned()
}

impl App {
    /// The window's title: the session's file, and whether the work has changed since.
    pub fn title(&self) -> String {
        self.sessions.title(&self.state, &self.layout)
    }

    /// Once per frame: the title, and models that have come.
    pub(in crate::app) fn follow_session(&mut self, ctx: &egui::Context) {
        self.check_models();
        let title = self.title();
        if self.sessions.title != title {
            self.sessions.title.clone_from(&title);
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }

    /// Says so where a model is another one than the opened session had.
    fn check_models(&mut self) {
        let loaded = |main: bool| {
            let (state, model) = match main {
                true => (self.engine.load_state(), self.engine.model()),
                false => (self.engine.reference_state(), self.engine.reference()),
            };
            model.filter(|_| matches!(state, LoadState::Idle))
        };
        let mut told = Vec::new();
        self.sessions.expected.retain(|expected| {
            let chosen = match expected.main {
                true => Some(&self.state.model),
                false => self.state.reference.as_ref(),
            };
            if chosen != Some(&expected.model) {
                return false;
            }
            let model = loaded(expected.main).filter(|model| model.source == expected.model);
            told.extend(model.as_ref().and_then(|model| expected.differs(model)));
            model.is_none()
        });
        for warning in told {
            self.notices.warning(warning);
        }
    }

    /// Into the file that is open, or else into one that is asked for.
    pub(in crate::app) fn save_session(&mut self) {
        match self.state.session.clone() {
            Some(file) => self.save_session_as(file),
            None => self.dialogs.ask(Purpose::SaveSession),
        }
    }

    /// Asks for a file to save the session in, beginning with the one that is open.
    pub(in crate::app) fn ask_session_file(&mut self) {
        self.dialogs.ask(Purpose::SaveSession);
        if let Some(file) = &self.state.session {
            self.dialogs.suggest(&file.display().to_string());
        }
    }

    pub(in crate::app) fn save_session_as(&mut self, path: PathBuf) {
        let path = std::path::absolute(&path).unwrap_or(path);
        let path = file::named(&path);
        let hash = |chosen: Option<&ModelRef>, model: Option<Arc<Model>>, main: bool| {
            let model = model.filter(|model| Some(&model.source) == chosen);
            // One that is still to be checked is still the one that is meant.
            let mut expected = self.sessions.expected.iter();
            let expected = expected.find(|expected| expected.main == main);
            let expected = expected.map(|expected| expected.hash.clone());
            expected.or(model.map(|model| model.hash.clone()))
        };
        let session = Session {
            state: self.state.clone(),
            layout: self.layout.clone(),
            model_hash: hash(Some(&self.state.model), self.engine.model(), true),
            reference_hash: hash(
                self.state.reference.as_ref(),
                self.engine.reference(),
                false,
            ),
        };
        self.job(move || {
            Outcome::Session(match session.write(&path) {
                Ok(()) => SessionOutcome::Saved(path, Box::new(session)),
                Err(error) => SessionOutcome::Failed(path, error),
            })
        });
    }

    pub(in crate::app) fn open_session(&self, path: PathBuf) {
        let path = std::path::absolute(&path).unwrap_or(path);
        self.job(move || {
            Outcome::Session(match Session::read(&path) {
                Ok(session) => SessionOutcome::Opened(path, Box::new(session)),
                Err(error) => SessionOutcome::Failed(path, error),
            })
        });
    }

    pub(in crate::app) fn receive_session(&mut self, outcome: SessionOutcome, now: f64) {
        match outcome {
            SessionOutcome::Saved(path, session) => {
                self.notices
                    .info(format!("Saved the session as {}", path.display()));
                self.state.preferences.remember(&path);
                self.state.session = Some(path.clone());
                self.sessions.saved.insert(path, Saved::of(&session));
            }
            SessionOutcome::Opened(path, session) => self.replay(path, *session, now),
            SessionOutcome::Failed(path, error) => {
                if let SessionError::Io {
                    verb: "read",
                    missing: true,
                    ..
                } = error
                {
                    self.state.preferences.forget(&path);
                }
                self.notices.error(error.to_string());
            }
        }
    }

    /// Puts a session in place of what is open, as one step that undo takes back whole.
    fn replay(&mut self, path: PathBuf, session: Session, now: f64) {
        let before = Moment {
            state: self.state.clone(),
            layout: Some(Arc::new(self.layout.clone())),
        };
        let models = (self.state.model.clone(), self.state.reference.clone());
        let saved = Saved::of(&session);
        self.sessions.saved.insert(path.clone(), saved);
        self.state.preferences.remember(&path);
        self.state = session.state.preferred_as(&self.state);
        self.state.session = Some(path.clone());
        self.layout = session.layout;
        self.walk.resume(&self.layout);
        self.history.record(before, &self.state, Step::One, now);
        self.follow_models(&models);
        if let LoadState::Failed { .. } = self.engine.load_state()
            && models.0 == self.state.model
        {
            self.engine.load(models.0);
        }
        let main = session
            .model_hash
            .map(|hash| (true, Some(self.state.model.clone()), hash));
        let second = session.reference_hash;
        let second = second.map(|hash| (false, self.state.reference.clone(), hash));
        let expected = [main, second].into_iter().flatten();
        let expected = expected.filter_map(|(main, model, hash)| {
            Some(Expected {
                session: name(&path),
                main,
                model: model?,
                hash,
            })
        });
        self.sessions.expected = expected.collect();
        self.notices.info(format!(
            "Opened the session {} with {}",
            name(&path),
            counted(self.state.texts.len(), "text")
        ));
    }
}
