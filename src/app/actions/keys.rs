//! Shortcuts: their keys, and what those pressed in this frame stand for.

use egui::{Context, Event, Key, KeyboardShortcut, Modifiers};

use super::{ActionState, table};
use crate::app::chrome::fields;
use crate::app::command::Command;

pub(super) const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

pub(super) const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

pub(super) const fn alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::ALT, key)
}

pub(super) const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

pub(super) const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// How a shortcut is written for a person: with the sign that is on the key, where egui says its name.
pub fn keys_text(ctx: &Context, keys: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(keys);
    let sign = match keys.logical_key {
        Key::Comma => ",",
        Key::Slash => "/",
        _ => return text,
    };
    let name = keys.logical_key.name();
    match text.strip_suffix(name) {
        Some(held) => format!("{held}{sign}"),
        None => text,
    }
}

/// Who has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nothing: single keys are shortcuts.
    Nobody,
    /// A stage of the spine or a card of the tour, which gives the keys of the walk away but not those that
    /// press it.
    Spine,
    /// Something that single keys are for.
    Other,
}

/// The commands that the keys pressed in this frame stand for. Takes those keys away from whatever has
/// the keyboard.
pub fn pressed(ctx: &Context, state: &ActionState<'_>, holder: Holder) -> Vec<Command> {
    let own_undo = fields::has_own_undo(ctx);
    let mut offers: Vec<_> = table()
        .iter()
        .filter(|action| !(own_undo && action.left_to_fields))
        .flat_map(|action| action.shortcuts.iter().map(move |keys| (action, *keys)))
        .filter(|(_, keys)| is_free(*keys, holder))
        .collect();
    // The longer shortcut first: a shortcut also takes what has more keys held down.
    offers.sort_by_key(|(_, keys)| std::cmp::Reverse(held(keys.modifiers)));
    let mut commands = Vec::new();
    for (action, keys) in offers {
        let times = count_and_consume(ctx, keys);
        if times > 0 && action.enabled(state).is_ok() {
            let times = if action.repeats { times } else { 1 };
            let command = action.command(state);
            commands.extend(std::iter::repeat_n(command, times));
        }
    }
    commands
}

/// Whether a shortcut may be taken while `holder` has the keyboard: single keys are for typing and for
/// moving about in what has it.
fn is_free(keys: KeyboardShortcut, holder: Holder) -> bool {
    let held = keys.modifiers.ctrl || keys.modifiers.command || keys.modifiers.alt;
    let function = (Key::F1..=Key::F35).contains(&keys.logical_key);
    let presses = matches!(keys.logical_key, Key::Space | Key::Enter | Key::Escape);
    held || function
        || match holder {
            Holder::Nobody => true,
            Holder::Spine => !presses,
            Holder::Other => false,
        }
}

fn held(modifiers: Modifiers) -> usize {
    let keys = [
        modifiers.alt,
        modifiers.shift,
        modifiers.command || modifiers.ctrl,
    ];
    keys.into_iter().filter(|&held| held).count()
}

fn count_and_consume(ctx: &Context, keys: KeyboardShortcut) -> usize {
    let mut times = 0;
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key {
                key,
                modifiers,
                pressed: true,
                ..
            } = event
            else {
                return true;
            };
            // Shift may be needed to type a sign, so it is let through, but not on a key alone.
            let same = *key == keys.logical_key
                && match keys.modifiers.is_none() {
                    true => modifiers.is_none(),
                    false => modifiers.matches_logically(keys.modifiers),
                };
            times += usize::from(same);
            !same
        });
    });
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_is_written_with_the_sign_on_its_key() {
        let ctx = Context::default();
        for (keys, text) in [
            (ctrl(Key::Comma), "Ctrl+,"),
            (ctrl(Key::Slash), "Ctrl+/"),
            (ctrl_shift(Key::P), "Ctrl+Shift+P"),
        ] {
            ctx.set_os(egui::os::OperatingSystem::Nix);
            assert_eq!(keys_text(&ctx, &keys), text);
        }
    }

    #[test]
    fn single_keys_are_free_only_while_nobody_types() {
        for (keys, free) in [
            (plain(Key::ArrowLeft), [true, true, false]),
            (plain(Key::Space), [true, false, false]),
            (plain(Key::F6), [true, true, true]),
            (shift(Key::F6), [true, true, true]),
            (alt(Key::ArrowLeft), [true, true, true]),
            (ctrl(Key::K), [true, true, true]),
            (shift(Key::A), [true, true, false]),
        ] {
            let holders = [Holder::Nobody, Holder::Spine, Holder::Other];
            assert_eq!(
                holders.map(|holder| is_free(keys, holder)),
                free,
                "{keys:?}"
            );
        }
    }
}
