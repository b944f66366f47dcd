//! The menu of session files that were saved or opened before.

use std::path::{Path, PathBuf};

use egui::Ui;

use crate::app::command::Command;

/// A submenu, newest first.
pub fn recent_ui(ui: &mut Ui, recent: &[PathBuf], commands: &mut Vec<Command>) {
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Recent sessions", |ui| {
            for path in recent {
                let name = path.file_name().unwrap_or(path.as_os_str());
                let button = ui.button(name.to_string_lossy());
                if button.on_hover_text(path.display().to_string()).clicked() {
                    commands.push(Command::OpenSession(Path::to_owned(path)));
                    ui.close();
                }
            }
            ui.separator();
            if ui.button("Clear this list").clicked() {
                commands.push(Command::ForgetRecent);
                ui.close();
            }
        });
    });
}
