//! Asking for a path: a field to type in, and the desktop's own dialog behind a button.

mod replace;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use super::chrome::sizes::{Sizes, on_hub, unknown_ui, verb};
use super::command::{Command, LabCommand};
use super::export::Export;
use super::session;
use crate::engine::Engine;
use crate::model::ModelRef;
use crate::widgets::theme::SPACE;
use crate::widgets::{dialog_frame, field_ui};
use replace::Replace;

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Model,
    Texts,
    Trace,
    Picture,
    /// One panel, as a picture or as figures.
    Export(Export),
    Report,
    /// Pairs to learn.
    Pairs,
    /// Unrelated texts to calibrate on.
    Background,
    /// A folder for a fine-tuned model.
    Tuned,
    OpenSession,
    SaveSession,
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Model => "Open a model",
            Self::Texts => "Open a list of texts",
            Self::Trace => "Save the trace",
            Self::Picture => "Save a picture of the window",
            Self::Export(_) => "Export a panel",
            Self::Report => "Save a report",
            Self::Background => "Calibrate on texts of your own",
            Self::Pairs => "Learn from a file of pairs",
            Self::Tuned => "Save the fine-tuned model",
            Self::OpenSession => "Open a session",
            Self::SaveSession => "Save the session",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Model => {
                "A folder with config.json and model.safetensors, or a hub id such as org/name or org/name@revision."
            }
            Self::Texts => "A UTF-8 file with one text a line. It replaces the list.",
            Self::Background => {
                "A UTF-8 file with one text a line, 50 or more that have nothing to do with each other."
            }
            Self::OpenSession => {
                "A file that was saved here (*.embedscope.json). Undo brings back what is open now."
            }
            Self::SaveSession => {
                "Texts, model, recipe and layout as one JSON file (*.embedscope.json)."
            }
            Self::Trace => "Every recorded value of the shown text, as safetensors.",
            Self::Picture => "The whole window, as PNG.",
            Self::Export(_) => {
                "Another ending (.png, .svg, .csv, .tsv, .npy, .safetensors) writes another kind of file."
            }
            Self::Report => {
                "One HTML file: texts, score, findings, and a picture of each main panel with what it shows."
            }
            Self::Pairs => {
                "A UTF-8 file with one pair a line: two texts that mean the same, with a tab between them."
            }
            Self::Tuned => {
                "A new folder. It opens here and in Python's sentence-transformers, and takes as much room as the model's weights in 32 bits."
            }
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Model => "Folder or hub id",
            _ => "Path",
        }
    }

    fn start(self) -> &'static str {
        match self {
            Self::Model | Self::Texts | Self::Pairs | Self::Background | Self::OpenSession => "",
            Self::Tuned => "my-model",
            Self::SaveSession => "work.embedscope.json",
            Self::Trace => "trace.safetensors",
            Self::Picture => "embedscope.png",
            Self::Report => "embedscope-report.html",
            // Asked for with a name of its own.
            Self::Export(_) => "panel",
        }
    }

    fn command(self, path: &str) -> Command {
        match self {
            Self::Model => open_model(path),
            Self::Texts => Command::OpenTextFile(path.into()),
            Self::Trace => Command::SaveTrace(path.into()),
            Self::Picture => Command::SavePicture(path.into()),
            Self::Export(export) => Command::Export(export, path.into()),
            Self::Report => Command::SaveReport(path.into()),
            Self::Background => Command::UseBackground(Some(path.into())),
            Self::Pairs => Command::SetPairsFile(Some(path.into())),
            Self::OpenSession => Command::OpenSession(path.into()),
            Self::SaveSession => Command::SaveSessionAs(path.into()),
            Self::Tuned => Command::Lab(LabCommand::Save(path.into())),
        }
    }

    /// Must be called on the main thread: some desktops insist.
    fn browse(self, name: &str) -> impl Future<Output = Option<rfd::FileHandle>> + Send + 'static {
        let dialog = rfd::AsyncFileDialog::new().set_title(self.title());
        let answer: std::pin::Pin<Box<dyn Future<Output = _> + Send>> = match self {
            Self::Model => Box::pin(dialog.pick_folder()),
            Self::Texts | Self::Background => Box::pin(
                dialog
                    .add_filter("Text", &["txt", "tsv", "csv"])
                    .pick_file(),
            ),
            Self::Pairs => {
                let kinds = ["tsv", "txt", "gz"];
                Box::pin(dialog.add_filter("Pairs", &kinds).pick_file())
            }
            Self::OpenSession => Box::pin(dialog.add_filter("Session", &["json"]).pick_file()),
            Self::SaveSession => {
                let dialog = dialog.add_filter("Session", &["json"]);
                Box::pin(dialog.set_file_name(self.start()).save_file())
            }
            Self::Tuned => Box::pin(dialog.set_file_name(self.start()).save_file()),
            Self::Trace => {
                let dialog = dialog.add_filter("safetensors", &["safetensors"]);
                Box::pin(dialog.set_file_name(self.start()).save_file())
            }
            Self::Picture => {
                let dialog = dialog.add_filter("PNG", &["png"]);
                Box::pin(dialog.set_file_name(self.start()).save_file())
            }
            Self::Export(Export { format, .. }) => {
                let dialog = dialog.add_filter(format.title(), &[format.ending()]);
                Box::pin(dialog.set_file_name(name).save_file())
            }
            Self::Report => {
                let dialog = dialog.add_filter("HTML", &["html"]);
                Box::pin(dialog.set_file_name(name).save_file())
            }
        };
        answer
    }
}

/// What a path opens that is typed where a model is asked for: a file of a model's folder names that
/// folder, and a session brings its own model.
fn open_model(path: &str) -> Command {
    if path.ends_with(session::ENDING) {
        return Command::OpenSession(path.into());
    }
    let file = Path::new(path);
    let name = file.file_name().and_then(|name| name.to_str());
    let within = name.is_some_and(|name| name == "config.json" || name.ends_with(".safetensors"));
    let folder = file
        .parent()
        .filter(|folder| within && !folder.as_os_str().is_empty());
    Command::OpenModel(match folder {
        Some(folder) => ModelRef::Folder(folder.to_owned()),
        // Anything parses: what is no hub id is taken for a folder.
        None => path
            .parse()
            .unwrap_or_else(|_| ModelRef::Folder(path.into())),
    })
}

/// The one dialog that can be open.
#[derive(Default)]
pub struct Dialogs {
    open: Option<Open>,
}

struct Open {
    purpose: Purpose,
    path: String,
    /// The desktop's dialog, which may never answer (a wedged portal): the field stays usable.
    browsing: Option<Receiver<Option<PathBuf>>>,
    note: Option<&'static str>,
    replace: Replace,
    /// Of a model of the hub that is named.
    sizes: Sizes,
    fresh: bool,
}

impl Dialogs {
    pub fn ask(&mut self, purpose: Purpose) {
        self.ask_with(purpose, purpose.start().to_owned());
    }

    /// With a path to begin with.
    pub fn ask_with(&mut self, purpose: Purpose, path: String) {
        self.open = Some(Open {
            purpose,
            path,
            browsing: None,
            note: None,
            replace: Replace::default(),
            sizes: Sizes::default(),
            fresh: true,
        });
    }

    /// Begins with another path in the field.
    pub fn suggest(&mut self, path: &str) {
        if let Some(open) = &mut self.open {
            path.clone_into(&mut open.path);
        }
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Paints the dialog and returns what the person decided.
    pub fn dialog_ui(&mut self, ctx: &egui::Context, engine: &Engine) -> Option<Command> {
        let open = self.open.as_mut()?;
        let free = open.receive();
        let modal = egui::Modal::new(egui::Id::unique("path dialog"))
            .frame(dialog_frame(ctx))
            .show(ctx, |ui| open.fields_ui(ui, engine));
        let decided = match modal.inner {
            Some(true) => open.may_write(ctx).then_some(true),
            other => other.or(free.then_some(true)),
        };
        if decided.is_some() || modal.should_close() {
            let purpose = open.purpose;
            let path = std::mem::take(&mut open.path);
            self.open = None;
            return decided
                .filter(|&go| go)
                .map(|_| purpose.command(path.trim()));
        }
        None
    }
}

impl Open {
    /// Hears the desktop's dialog and the disk. True where the file that was to be saved may be.
    fn receive(&mut self) -> bool {
        self.receive_path();
        let target = self.purpose.target(self.path.trim());
        target.is_some_and(|target| self.replace.receive(&target))
    }

    /// Whether what was decided can be done without a question.
    fn may_write(&mut self, ctx: &egui::Context) -> bool {
        let target = self.purpose.target(self.path.trim());
        target.is_none_or(|target| self.replace.may_write(ctx, &target))
    }

    fn receive_path(&mut self) {
        let Some(receiver) = &self.browsing else {
            return;
        };
        match receiver.try_recv() {
            Ok(Some(path)) => {
                self.path = path.display().to_string();
                // The desktop has asked already, unless an ending is still to come.
                self.replace = Replace::Agreed(path);
                self.browsing = None;
            }
            Ok(None) | Err(TryRecvError::Disconnected) => {
                self.note = Some(
                    "No file was chosen there. Where the desktop has no file dialog, type the path instead.",
                );
                self.browsing = None;
            }
            Err(TryRecvError::Empty) => {}
        }
    }

    /// `Some(true)` to go on, `Some(false)` to give up.
    fn fields_ui(&mut self, ui: &mut egui::Ui, engine: &Engine) -> Option<bool> {
        ui.set_width(460.);
        ui.heading(self.purpose.title());
        ui.add_space(SPACE);
        let label = ui.label(self.purpose.label());
        let field = egui::TextEdit::singleline(&mut self.path).desired_width(f32::INFINITY);
        let field = field_ui(ui, |ui| ui.add(field)).labelled_by(label.id);
        if std::mem::take(&mut self.fresh) {
            field.request_focus();
        }
        ui.weak(self.purpose.hint());
        if let Some(note) = self.note {
            ui.weak(note);
        }
        let hub = match self.purpose {
            Purpose::Model => on_hub(&self.path),
            _ => None,
        };
        let ctx = ui.ctx().clone();
        let size = hub
            .as_ref()
            .and_then(|hub| self.sizes.of(&ctx, engine, hub));
        unknown_ui(ui, size.as_ref());
        ui.add_space(SPACE);
        if self.replace.is_asking() {
            return self.replace.question_ui(ui).then_some(true);
        }
        let ready = !self.path.trim().is_empty();
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        ui.horizontal(|ui| {
            let browse = egui::Button::new("Browse…");
            if ui.add_enabled(self.browsing.is_none(), browse).clicked() {
                self.browse(ui.ctx().clone());
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let verb = match self.purpose {
                    Purpose::Model if hub.is_some() => verb(size.as_ref()),
                    Purpose::Model
                    | Purpose::Texts
                    | Purpose::Pairs
                    | Purpose::Background
                    | Purpose::OpenSession => "Open".to_owned(),
                    _ => "Save".to_owned(),
                };
                let go = ui.add_enabled(ready, egui::Button::new(verb)).clicked();
                let cancel = ui.button("Cancel").clicked();
                match (go || (ready && entered), cancel) {
                    (true, _) => Some(true),
                    (_, true) => Some(false),
                    _ => None,
                }
            })
            .inner
        })
        .inner
    }

    fn browse(&mut self, ctx: egui::Context) {
        let name = std::path::Path::new(&self.path).file_name();
        let name = name.map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let answer = self.purpose.browse(&name);
        let (sender, receiver) = channel();
        self.browsing = Some(receiver);
        std::thread::spawn(move || {
            let chosen = pollster::block_on(answer).map(|file| file.path().to_owned());
            // The dialog may have been closed meanwhile; then nobody listens.
            let _ = sender.send(chosen);
            ctx.request_repaint();
        });
    }
}
