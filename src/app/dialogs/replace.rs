//! Whether what is saved may take the place of a file that is there.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::{Button, Context, RichText, Ui};

use super::Purpose;
use crate::app::{export, session};
use crate::widgets::theme::{SPACE, Theme};

/// A path that is to be written, and what is known of it.
#[derive(Default)]
pub enum Replace {
    #[default]
    Unknown,
    /// The disk is looked at, which may be slow.
    Looking(PathBuf, Receiver<bool>),
    /// It is there, and the person is asked.
    Asking(PathBuf, bool),
    /// Nothing is lost, or the person has agreed.
    Agreed(PathBuf),
}

impl Replace {
    /// Whether `path` may be written; otherwise begins to find out.
    pub fn may_write(&mut self, ctx: &Context, path: &Path) -> bool {
        match self {
            Self::Agreed(agreed) if agreed == path => return true,
            Self::Looking(looked, _) if looked == path => return false,
            Self::Asking(asked, _) if asked == path => return false,
            _ => {}
        }
        let (sender, receiver) = channel();
        let (looked, ctx) = (path.to_owned(), ctx.clone());
        std::thread::spawn(move || {
            // Of a folder, saving says itself that it is none.
            let there = std::fs::metadata(&looked).is_ok_and(|meta| !meta.is_dir());
            // The dialog may have been closed meanwhile; then nobody listens.
            let _ = sender.send(there);
            ctx.request_repaint();
        });
        *self = Self::Looking(path.to_owned(), receiver);
        false
    }

    /// Hears what the disk said of `path`. True once nothing stands in the way.
    pub fn receive(&mut self, path: &Path) -> bool {
        let (looked, there) = match self {
            Self::Looking(looked, receiver) => match receiver.try_recv() {
                Ok(there) => (std::mem::take(looked), there),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => (std::mem::take(looked), true),
            },
            Self::Asking(asked, _) if asked != path => {
                *self = Self::Unknown;
                return false;
            }
            _ => return false,
        };
        *self = match (looked == path, there) {
            // Something else was typed meanwhile.
            (false, _) => Self::Unknown,
            (true, true) => Self::Asking(looked, true),
            (true, false) => Self::Agreed(looked),
        };
        matches!(self, Self::Agreed(_))
    }

    pub fn is_asking(&self) -> bool {
        matches!(self, Self::Asking(..))
    }

    /// The question, in place of the dialog's buttons. True where the file is to be replaced.
    pub fn question_ui(&mut self, ui: &mut Ui) -> bool {
        let Self::Asking(path, fresh) = self else {
            return false;
        };
        let name = path.file_name().unwrap_or(path.as_os_str());
        let question = format!("{} is there already. Replace it?", name.to_string_lossy());
        let question = RichText::new(question).color(Theme::of(ui).warning());
        ui.add(egui::Label::new(question).wrap());
        ui.add_space(SPACE);
        let right = egui::Layout::right_to_left(egui::Align::Center);
        let (keep, replace) = ui
            .with_layout(right, |ui| {
                let replace = ui.button("Replace").clicked();
                let keep = ui.add(Button::new("Keep it"));
                // Enter, pressed once too often, loses nothing.
                if std::mem::take(fresh) {
                    keep.request_focus();
                }
                (keep.clicked(), replace)
            })
            .inner;
        match (keep, replace) {
            (_, true) => *self = Self::Agreed(std::mem::take(path)),
            (true, _) => *self = Self::Unknown,
            _ => {}
        }
        replace
    }
}

impl Purpose {
    /// The file that would be written for what was typed; none where nothing is, or where writing
    /// refuses by itself to replace anything.
    pub(super) fn target(self, typed: &str) -> Option<PathBuf> {
        let path = PathBuf::from(typed);
        match self {
            Self::Trace | Self::Picture | Self::Report => Some(path),
            Self::SaveSession => Some(session::named(&path)),
            Self::Export(export) => Some(export::named(path, export.format).0),
            Self::Model
            | Self::Texts
            | Self::Pairs
            | Self::Background
            | Self::Tuned
            | Self::OpenSession => None,
        }
    }
}
