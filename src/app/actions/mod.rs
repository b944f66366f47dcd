//! Everything that can be done by name: one table behind menus, command palette and shortcuts.
//!
//! A new entry is one line in [`table`]; it is then in its menu, in the palette and in the list of
//! shortcuts, and `tests/actions.rs` holds it to the rules.

mod entries;
pub mod keys;
pub mod palette;
pub mod score;
mod table;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use egui::KeyboardShortcut;

use super::command::Command;
use super::history::History;
use super::layout::Layout;
use super::sides::Sides;
use super::state::State;
use super::walk::Walk;
use crate::model::Model;

/// What decides whether an action can be done now, and what it does.
pub struct ActionState<'a> {
    pub state: &'a State,
    pub layout: &'a Layout,
    pub history: &'a History,
    pub model: Option<&'a Arc<Model>>,
    pub walk: &'a Walk,
    /// Whether the performance overlay is open.
    pub performance: bool,
    /// What is beside the panels.
    pub sides: Sides,
}

/// Which menu an action is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    File,
    Edit,
    View,
    Go,
    Help,
}

impl Menu {
    pub const ALL: [Self; 5] = [Self::File, Self::Edit, Self::View, Self::Go, Self::Help];

    pub fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Go => "Go",
            Self::Help => "Help",
        }
    }
}

type Of<T> = Box<dyn Fn(&ActionState<'_>) -> T + Send + Sync>;

/// One thing that can be done.
pub struct Action {
    /// Names it for good: `file.open_model`.
    pub id: Cow<'static, str>,
    /// In the palette and in the list of shortcuts, where no menu says what it is about.
    pub title: Cow<'static, str>,
    /// In its menu, where that may be shorter.
    pub item: Cow<'static, str>,
    pub menu: Menu,
    /// Between groups of one menu there is a line.
    pub group: u8,
    /// The first one is shown beside it.
    pub shortcuts: Vec<KeyboardShortcut>,
    /// One sentence more, where the title does not say it all.
    pub about: Cow<'static, str>,
    /// True where holding the keys down does it again and again.
    pub repeats: bool,
    /// True where a text field that undoes by itself keeps the keys.
    pub left_to_fields: bool,
    enabled: Of<Result<(), &'static str>>,
    checked: Option<Of<bool>>,
    command: Of<Command>,
}

impl Action {
    fn new(
        (menu, group): (Menu, u8),
        id: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        command: Command,
    ) -> Self {
        Self::made(menu, group, id, title, move |_| command.clone())
    }

    /// One whose command depends on what there is.
    fn made(
        menu: Menu,
        group: u8,
        id: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        command: impl Fn(&ActionState<'_>) -> Command + Send + Sync + 'static,
    ) -> Self {
        let title = title.into();
        Self {
            id: id.into(),
            item: title.clone(),
            title,
            menu,
            group,
            shortcuts: Vec::new(),
            about: Cow::Borrowed(""),
            repeats: false,
            left_to_fields: false,
            enabled: Box::new(|_| Ok(())),
            checked: None,
            command: Box::new(command),
        }
    }

    fn keys(self, shortcuts: impl Into<Vec<KeyboardShortcut>>) -> Self {
        Self {
            shortcuts: shortcuts.into(),
            ..self
        }
    }

    /// What its group is called, where that opens to the side: its menu would be too long with it.
    pub fn submenu(&self) -> Option<&'static str> {
        let panels = (self.menu, self.group) == (Menu::View, 1);
        panels.then_some("Panels")
    }

    /// Another name in its menu.
    fn item(self, item: impl Into<Cow<'static, str>>) -> Self {
        Self {
            item: item.into(),
            ..self
        }
    }

    fn about(self, about: impl Into<Cow<'static, str>>) -> Self {
        Self {
            about: about.into(),
            ..self
        }
    }

    fn repeats(self) -> Self {
        Self {
            repeats: true,
            ..self
        }
    }

    fn left_to_fields(self) -> Self {
        Self {
            left_to_fields: true,
            ..self
        }
    }

    /// Only while this holds; the error says in a few words why not.
    fn when(
        self,
        enabled: impl Fn(&ActionState<'_>) -> Result<(), &'static str> + Send + Sync + 'static,
    ) -> Self {
        Self {
            enabled: Box::new(enabled),
            ..self
        }
    }

    /// Marked in its menu while this holds.
    fn checked(self, checked: impl Fn(&ActionState<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self {
            checked: Some(Box::new(checked)),
            ..self
        }
    }

    /// Whether it can be done now.
    ///
    /// # Errors
    /// In a few words, why not.
    pub fn enabled(&self, state: &ActionState<'_>) -> Result<(), &'static str> {
        (self.enabled)(state)
    }

    /// Whether it is on; none where it is nothing that stays on.
    pub fn is_checked(&self, state: &ActionState<'_>) -> Option<bool> {
        self.checked.as_ref().map(|checked| checked(state))
    }

    pub fn command(&self, state: &ActionState<'_>) -> Command {
        (self.command)(state)
    }
}

/// Every action, in the order of the menus.
pub fn table() -> &'static [Action] {
    static TABLE: LazyLock<Vec<Action>> = LazyLock::new(table::actions);
    &TABLE
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_and_shortcuts_are_each_used_once() {
        let (mut ids, mut keys) = (HashSet::new(), HashSet::new());
        assert!(table().len() > 30, "the registries are part of the table");
        for action in table() {
            assert!(ids.insert(&*action.id), "{} is there twice", action.id);
            for shortcut in &action.shortcuts {
                let key = (format!("{:?}", shortcut.modifiers), shortcut.logical_key);
                assert!(keys.insert(key), "{}: {shortcut:?} is taken", action.id);
            }
            let mut twins = table().iter().filter(|other| other.title == action.title);
            assert_eq!(twins.next().map(|a| &a.id), Some(&action.id), "two titles");
        }
    }

    #[test]
    fn titles_are_in_sentence_case() {
        // Names of workspaces and panels, and what is always written large.
        let names = ["A", "B", "Attention", "Tokens"];
        for action in table() {
            for title in [&action.title, &action.item] {
                let first = title.chars().next().unwrap();
                assert!(first.is_uppercase(), "{title}");
                assert!(!title.ends_with('.') && title.trim() == &**title, "{title}");
                let of_registry = ["panel.", "workspace."];
                let registered = of_registry.iter().any(|of| action.id.starts_with(of));
                let later = title.split(' ').skip(if registered { 2 } else { 1 });
                for word in later.filter(|word| !names.contains(word)) {
                    let large = word.chars().next().is_some_and(char::is_uppercase);
                    assert!(!large, "{title}: {word}");
                }
            }
            assert!(action.id.contains('.'), "{} names its group", action.id);
        }
    }

    #[test]
    fn groups_of_a_menu_stay_together() {
        for menu in Menu::ALL {
            let groups = table().iter().filter(|a| a.menu == menu).map(|a| a.group);
            let groups: Vec<u8> = groups.collect();
            assert!(
                !groups.is_empty() && groups.is_sorted(),
                "{menu:?}: {groups:?}"
            );
        }
    }
}
