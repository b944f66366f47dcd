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
                let button = ui.button(name(path, recent));
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

/// A file's name, and its folder where another one is called the same.
fn name(path: &Path, recent: &[PathBuf]) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let same = recent
        .iter()
        .filter(|other| other.file_name() == Some(name));
    let folder = path.parent().filter(|_| same.count() > 1);
    let name = name.to_string_lossy();
    folder.map_or(name.to_string(), |folder| {
        format!("{name} in {}", folder.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_told_apart() {
        let recent = ["/a/x.json", "/b/x.json", "/b/y.json"].map(PathBuf::from);
        let names = recent.each_ref().map(|path| name(path, &recent));
        assert_eq!(names, ["x.json in /a", "x.json in /b", "y.json"]);
    }
}
