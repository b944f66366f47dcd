//! The window with what a person prefers for all work.

use egui::{ComboBox, Grid, RichText, Role, Ui, WidgetInfo, Window};

use super::performance::BUDGETS;
use crate::app::command::Command;
use crate::app::floating::Floating;
use crate::app::preferences::Preferences;
use crate::app::state::ThemeChoice;
use crate::widgets::theme::{SPACE, Theme};
use crate::widgets::{edged_ui, entry_ui, give_back_to};

/// Scales to choose from, in percent. The keyboard reaches those between.
const SCALES: [u16; 9] = [75, 90, 100, 110, 125, 150, 175, 200, 250];

/// Paints the window; `device` is where models run.
pub fn preferences_ui(
    ctx: &egui::Context,
    preferences: &Preferences,
    device: &str,
    commands: &mut Vec<Command>,
) {
    let mut open = true;
    Window::new("Preferences")
        .id(Floating::Preferences.id())
        .open(&mut open)
        .collapsible(false)
        .resizable(false)
        .default_pos(Floating::place(ctx, 440.))
        .show(ctx, |ui| {
            Floating::Preferences.enter_ui(ui);
            Grid::new("preferences")
                .num_columns(2)
                .spacing([2. * SPACE, SPACE])
                .show(ui, |ui| rows_ui(ui, preferences, device, commands));
            ui.add_space(SPACE);
            let note = "They hold for all work: undo and session files leave them alone.";
            ui.label(RichText::new(note).small().color(Theme::of(ui).secondary()));
        });
    if !open {
        commands.push(Command::ShowPreferences(false));
    }
}

fn rows_ui(ui: &mut Ui, now: &Preferences, device: &str, commands: &mut Vec<Command>) {
    ui.label("Theme");
    ui.horizontal(|ui| {
        // Each ring is nearer to its own name than to the one before.
        ui.spacing_mut().item_spacing.x = 2. * SPACE;
        for (choice, text) in [
            (ThemeChoice::System, "As the desktop"),
            (ThemeChoice::Light, "Light theme"),
            (ThemeChoice::Dark, "Dark theme"),
        ] {
            if edged_ui(ui, |ui| ui.radio(now.theme == choice, text)).clicked() {
                commands.push(Command::SetTheme(choice));
            }
        }
    });
    ui.end_row();

    let row = Row {
        name: "Interface scale",
        unit: "%",
        choices: &SCALES.map(usize::from),
    };
    if let Some(scale) = row.row_ui(ui, usize::from(now.scale)) {
        commands.push(Command::SetScale(scale as u16));
    }
    let row = Row {
        name: "Memory for traces",
        unit: "MiB",
        choices: &BUDGETS,
    };
    if let Some(budget) = row.row_ui(ui, now.budget) {
        commands.push(Command::SetBudget(budget));
    }

    ui.label("Motion");
    let mut animations = now.animations;
    if edged_ui(ui, |ui| ui.checkbox(&mut animations, "Animations")).changed() {
        commands.push(Command::SetAnimations(animations));
    }
    ui.end_row();

    ui.label("Device");
    let chosen = ui.label(device);
    chosen.on_hover_text("Chosen with --device when the program starts");
    ui.end_row();
}

/// A number that is one of a few.
struct Row<'a> {
    name: &'a str,
    unit: &'a str,
    choices: &'a [usize],
}

impl Row<'_> {
    /// Returns another choice than `now`.
    fn row_ui(&self, ui: &mut Ui, now: usize) -> Option<usize> {
        ui.label(self.name);
        let mut chosen = now;
        let shown = format!("{now} {}", self.unit);
        // Every choice is in sight.
        let list = ComboBox::from_id_salt(self.name)
            .height(400.)
            .selected_text(&shown)
            .show_ui(ui, |ui| {
                for &choice in self.choices {
                    let text = format!("{choice} {}", self.unit);
                    entry_ui(ui, &mut chosen, choice, text);
                }
            });
        give_back_to(&list);
        let name = format!("{}: {shown}", self.name);
        list.response
            .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &name));
        ui.end_row();
        (chosen != now).then_some(chosen)
    }
}
