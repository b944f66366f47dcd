//! The menu bar, made of the table of actions.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Button, RichText, Ui, UiBuilder, UiStackInfo, Vec2};

use super::recent::recent_ui;
use crate::app::actions::keys::keys_text;
use crate::app::actions::{Action, ActionState, Menu, table};
use crate::app::command::Command;
use crate::widgets::{entries_ui, entry_chosen};

/// The menus, in a row.
pub fn menu_ui(ui: &mut Ui, on: &ActionState<'_>, commands: &mut Vec<Command>) {
    let still = ui.input(|input| input.pointer.delta() == Vec2::ZERO);
    for menu in Menu::ALL {
        let builder = UiBuilder::new().ui_stack_info(standing(still));
        ui.scope_builder(builder, |ui| {
            MenuButton::new(menu.title()).ui(ui, |ui| {
                // Of a menu that is higher than a low window, every entry can be reached.
                entries_ui(ui, |ui| items_ui(ui, menu, on, commands));
            });
        });
    }
}

/// While a menu is open, the pointer on another one opens that: part of the bar it does so wherever it
/// rests, and a menu that a key opens would give way to it at once. So a menu is part of the bar only while
/// the pointer moves.
fn standing(still: bool) -> UiStackInfo {
    match still {
        true => UiStackInfo::default()
            .with_tag_value(MenuConfig::MENU_CONFIG_TAG, MenuConfig::default()),
        false => UiStackInfo::default(),
    }
}

fn items_ui(ui: &mut Ui, menu: Menu, on: &ActionState<'_>, commands: &mut Vec<Command>) {
    let actions: Vec<&Action> = table().iter().filter(|a| a.menu == menu).collect();
    for (index, group) in actions.chunk_by(|a, b| a.group == b.group).enumerate() {
        if index > 0 {
            ui.separator();
        }
        let mut all_ui = |ui: &mut Ui| {
            for action in group {
                if item_ui(ui, on, action) {
                    commands.push(action.command(on));
                }
            }
        };
        match group[0].submenu() {
            Some(title) => {
                ui.menu_button(title, |ui| entries_ui(ui, all_ui));
            }
            None => all_ui(ui),
        }
        // With what opens something; leaving comes last.
        if menu == Menu::File && index == 0 {
            recent_ui(ui, &on.state.preferences.recent, commands);
        }
    }
}

fn item_ui(ui: &mut Ui, on: &ActionState<'_>, action: &Action) -> bool {
    let mut button = Button::new(&*action.item);
    let (checked, enabled) = (action.is_checked(on), action.enabled(on));
    if let Some(keys) = action.shortcuts.first() {
        let keys = RichText::new(keys_text(ui.ctx(), keys));
        // As quiet as shortcuts are, it could hardly be read on the fill of what is on, nor once dimmed.
        let visuals = ui.visuals();
        button = button.shortcut_text(match enabled {
            Err(_) => keys.color(visuals.text_color()),
            Ok(()) if checked == Some(true) => keys.color(visuals.selection.stroke.color),
            Ok(()) => keys,
        });
    }
    if let Some(checked) = checked {
        button = button.selected(checked);
    }
    let response = ui.add_enabled(enabled.is_ok(), button);
    let clicked = entry_chosen(ui, &response);
    match enabled {
        Err(why) => {
            response.on_disabled_hover_text(why);
        }
        Ok(()) if !action.about.is_empty() => {
            response.on_hover_text(&*action.about);
        }
        Ok(()) => {}
    }
    clicked
}
