//! The menu bar.

use egui::{Button, KeyboardShortcut, Modifiers, Ui};

use super::fields;
use super::recent::recent_ui;
use crate::app::command::Command;
use crate::app::history::History;
use crate::app::layout::{Layout, WORKSPACES};
use crate::app::state::{State, ThemeChoice};
use crate::perf;
use crate::views::PANELS;

/// One for each workspace, with the command key.
const WORKSPACE_KEYS: [egui::Key; WORKSPACES.len()] = [
    egui::Key::Num1,
    egui::Key::Num2,
    egui::Key::Num3,
    egui::Key::Num4,
];

const OPEN_MODEL: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::O);
const OPEN_TEXTS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::T);
const SHIFTED: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
const OPEN_SESSION: KeyboardShortcut = KeyboardShortcut::new(SHIFTED, egui::Key::O);
const SAVE_SESSION: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::S);
const SAVE_SESSION_AS: KeyboardShortcut = KeyboardShortcut::new(SHIFTED, egui::Key::S);
const SAVE_TRACE: KeyboardShortcut = KeyboardShortcut::new(SHIFTED, egui::Key::T);
const PREFERENCES: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::Comma);
const SAVE_PICTURE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::P);
const QUIT: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::Q);
const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::Z);
const REDO: KeyboardShortcut =
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), egui::Key::Z);
const REDO_TOO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, egui::Key::Y);
const RELEASE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, egui::Key::Escape);

/// Every shortcut with what it does; menus show the same.
fn shortcuts() -> [(KeyboardShortcut, Command); 8] {
    [
        (OPEN_SESSION, Command::AskOpenSession),
        (OPEN_MODEL, Command::AskModelFolder),
        (OPEN_TEXTS, Command::AskTextFile),
        (SAVE_SESSION, Command::SaveSession),
        (SAVE_SESSION_AS, Command::AskSessionFile),
        (SAVE_TRACE, Command::AskTraceFile),
        (SAVE_PICTURE, Command::AskPictureFile),
        (QUIT, Command::Quit),
    ]
}

/// The commands that the keys pressed in this frame stand for.
pub fn pressed(ctx: &egui::Context) -> Vec<Command> {
    let mut commands = Vec::new();
    if !fields::has_own_undo(ctx) {
        // The longer shortcut first: a shortcut also takes what has more keys held down.
        for (shortcut, command) in [
            (REDO, Command::Redo),
            (REDO_TOO, Command::Redo),
            (UNDO, Command::Undo),
        ] {
            let times = ctx
                .input_mut(|i| i.count_and_consume_key(shortcut.modifiers, shortcut.logical_key));
            commands.extend(std::iter::repeat_n(command, times));
        }
    }
    // The longer shortcut first: a shortcut also takes what has more keys held down.
    let mut shortcuts = shortcuts().to_vec();
    shortcuts.push((PREFERENCES, Command::ShowPreferences(true)));
    shortcuts.sort_by_key(|(shortcut, _)| !shortcut.modifiers.shift);
    for (shortcut, command) in shortcuts {
        if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
            commands.push(command);
        }
    }
    for (index, key) in WORKSPACE_KEYS.into_iter().enumerate() {
        let shortcut = KeyboardShortcut::new(Modifiers::COMMAND, key);
        if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
            commands.push(Command::ShowWorkspace(index));
        }
    }
    // Escape first closes whatever has the keyboard; only then does it let go of the lock.
    let idle = ctx.memory(|m| m.focused().is_none()) && !egui::Popup::is_any_open(ctx);
    if idle && ctx.input_mut(|i| i.consume_shortcut(&RELEASE)) {
        commands.push(Command::Release);
    }
    commands
}

/// The menus, in a row.
pub fn menu_ui(
    ui: &mut Ui,
    state: &State,
    layout: &Layout,
    history: &History,
    commands: &mut Vec<Command>,
) {
    let item = |ui: &mut Ui, text: &str, shortcut: KeyboardShortcut| {
        let shortcut = ui.ctx().format_shortcut(&shortcut);
        ui.add(Button::new(text).shortcut_text(shortcut)).clicked()
    };
    ui.menu_button("File", |ui| {
        for (text, (shortcut, command)) in [
            "Open session…",
            "Open model…",
            "Open texts…",
            "Save session",
            "Save session as…",
            "Save trace…",
            "Save picture…",
            "Quit",
        ]
        .into_iter()
        .zip(shortcuts())
        {
            if item(ui, text, shortcut) {
                commands.push(command);
            }
            // Beside the picture, of which it is the longer kind.
            if text == "Save picture…" && ui.button("Save report…").clicked() {
                commands.push(Command::AskReportFile);
            }
        }
        recent_ui(ui, &state.preferences.recent, commands);
    });
    ui.menu_button("Edit", |ui| {
        for (text, shortcut, on, command) in [
            ("Undo", UNDO, history.can_undo(), Command::Undo),
            ("Redo", REDO, history.can_redo(), Command::Redo),
        ] {
            let shortcut = ui.ctx().format_shortcut(&shortcut);
            let button = Button::new(text).shortcut_text(shortcut);
            if ui.add_enabled(on, button).clicked() {
                commands.push(command);
            }
        }
        if item(ui, "Preferences…", PREFERENCES) {
            commands.push(Command::ShowPreferences(true));
        }
    });
    ui.menu_button("View", |ui| {
        for (index, (workspace, key)) in WORKSPACES.iter().zip(WORKSPACE_KEYS).enumerate() {
            let shortcut = KeyboardShortcut::new(Modifiers::COMMAND, key);
            let text = ui.ctx().format_shortcut(&shortcut);
            let button = Button::new(workspace.title).shortcut_text(text);
            let button = button.selected(layout.workspace == index);
            if ui.add(button).on_hover_text(workspace.about).clicked() {
                commands.push(Command::ShowWorkspace(index));
            }
        }
        let every = ui.button("Every panel side by side");
        if every.on_hover_text("For a large screen").clicked() {
            commands.push(Command::ShowEveryPanel);
        }
        if ui.button("Reset layout").clicked() {
            commands.push(Command::ResetLayout);
        }
        ui.separator();
        for panel in PANELS {
            let button = Button::new(panel.title).selected(layout.is_visible(panel.id));
            if ui.add(button).on_hover_text(panel.about).clicked() {
                commands.push(Command::ShowPanel(panel.id));
            }
        }
        ui.separator();
        if ui.button("Log").clicked() {
            commands.push(Command::ShowLog(true));
        }
        let watching = perf::is_watching();
        let button = Button::new("Performance").selected(watching);
        let about =
            "Where the time of a frame and of a trace goes, and how much memory traces take";
        if ui.add(button).on_hover_text(about).clicked() {
            commands.push(Command::ShowPerformance(!watching));
        }
        ui.separator();
        for (choice, text) in [
            (ThemeChoice::System, "Follow the desktop"),
            (ThemeChoice::Light, "Light"),
            (ThemeChoice::Dark, "Dark"),
        ] {
            if ui.radio(state.preferences.theme == choice, text).clicked() {
                commands.push(Command::SetTheme(choice));
            }
        }
    });
}
