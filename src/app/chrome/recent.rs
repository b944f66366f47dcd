//! The menu of session files that were saved or opened before.

use std::path::{Path, PathBuf};

use egui::Ui;

use crate::app::command::Command;
use crate::widgets::entry_chosen;

/// A submenu, newest first.
pub fn recent_ui(ui: &mut Ui, recent: &[PathBuf], commands: &mut Vec<Command>) {
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Recent sessions", |ui| {
            for path in recent {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let button = ui.button(name.to_string_lossy());
                let entry = button.on_hover_text(path.display().to_string());
                if entry_chosen(ui, &entry) {
                    commands.push(Command::OpenSession(Path::to_owned(path)));
                }
            }
            ui.separator();
            let entry = ui.button("Clear this list");
            if entry_chosen(ui, &entry) {
                commands.push(Command::ForgetRecent);
            }
        });
    });
}
