//! Keys in a frame of their own.
//!
//! egui moves the keyboard once a frame, and what it moves to has the keyboard in the next one only. Two
//! arrows and Enter that come within one slow frame would be one step, or none, and the letters after the
//! key that opens a dialog would be lost. So what follows such a key waits until it has been seen. A press
//! of the pointer takes the keyboard away before anything is heard: it waits for what was typed before it.

use egui::{Event, Key};

/// So many events never wait: whatever has pressed them, nobody would wait for the end.
const MOST: usize = 200;

/// What waits for its turn.
#[derive(Default)]
pub struct Turns {
    waiting: Vec<Event>,
    /// Frames, with this one, in which no key is heard.
    rest: u8,
}

impl Turns {
    /// Leaves in `events` what this frame hears; `typing` is whether a field has the keyboard. True where
    /// there has to be another frame.
    pub fn take(&mut self, events: &mut Vec<Event>, typing: bool) -> bool {
        self.rest = self.rest.saturating_sub(1);
        if !self.waiting.is_empty() {
            self.waiting.append(events);
            std::mem::swap(&mut self.waiting, events);
        }
        if events.len() > MOST {
            self.rest = 0;
            return false;
        }
        let mut end = events.len();
        let (mut spelled, mut heard) = (false, false);
        for (index, event) in events.iter().enumerate() {
            // The blank that a key types comes with it.
            if self.rest > 0 && is_heard(event) && !(spelled && matches!(event, Event::Text(_))) {
                end = index;
                break;
            }
            if heard && matches!(event, Event::PointerButton { pressed: true, .. }) {
                end = index;
                break;
            }
            heard |= is_heard(event);
            let rest = rest_after(event, typing);
            spelled = matches!(
                event,
                Event::Key {
                    key: Key::Space,
                    ..
                }
            );
            self.rest = rest.unwrap_or(self.rest);
        }
        self.waiting = events.split_off(end);
        forget_repeats(&mut self.waiting);
        self.rest > 0 || !self.waiting.is_empty()
    }
}

/// A key that is held counts once while it waits: else it would go on after it was let go.
fn forget_repeats(waiting: &mut Vec<Event>) {
    let mut down: Vec<Key> = Vec::new();
    waiting.retain(|event| match event {
        Event::Key { key, pressed, .. } => {
            let held = down.contains(key);
            down.retain(|other| other != key);
            if *pressed {
                down.push(*key);
            }
            !(*pressed && held)
        }
        _ => true,
    });
}

/// What goes to whatever has the keyboard.
fn is_heard(event: &Event) -> bool {
    match event {
        Event::Key { pressed, .. } => *pressed,
        Event::Text(_) | Event::Ime(_) | Event::Paste(_) | Event::Copy | Event::Cut => true,
        _ => false,
    }
}

/// How many frames keys wait after this: one until the keyboard has moved, more where something may open,
/// which is measured before it is painted.
fn rest_after(event: &Event, typing: bool) -> Option<u8> {
    const MOVES: u8 = 1;
    const OPENS: u8 = 3;
    let (key, modifiers) = match event {
        Event::PointerButton { pressed: false, .. } => return Some(OPENS),
        Event::Key {
            key,
            modifiers,
            pressed: true,
            ..
        } => (*key, modifiers),
        _ => return None,
    };
    match key {
        Key::Tab => Some(MOVES),
        Key::Enter | Key::Escape => Some(OPENS),
        Key::Space if !typing => Some(OPENS),
        Key::ArrowUp | Key::ArrowDown | Key::ArrowLeft | Key::ArrowRight if !typing => Some(MOVES),
        _ if (Key::F1..=Key::F35).contains(&key) => Some(OPENS),
        _ if modifiers.command && !typing => Some(OPENS),
        // In a field these edit.
        Key::A | Key::C | Key::V | Key::X | Key::Y | Key::Z => None,
        _ if modifiers.command && (Key::A..=Key::Z).contains(&key) => Some(OPENS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use egui::Modifiers;

    use super::*;

    fn press(key: Key) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::NONE,
        }
    }

    fn release(key: Key) -> Event {
        let mut event = press(key);
        if let Event::Key { pressed, .. } = &mut event {
            *pressed = false;
        }
        event
    }

    fn letters(text: &str) -> Vec<Event> {
        let letter = |letter: char| Event::Text(letter.to_string());
        text.chars().map(letter).collect()
    }

    /// What each frame hears until nothing waits, where all of `events` come in the first.
    fn frames(turns: &mut Turns, events: Vec<Event>, typing: bool) -> Vec<Vec<Event>> {
        let mut all = Vec::new();
        let mut new = events;
        loop {
            let more = turns.take(&mut new, typing);
            all.push(std::mem::take(&mut new));
            if !more {
                return all;
            }
        }
    }

    #[test]
    fn arrows_and_enter_have_a_frame_each() {
        let keys = [Key::ArrowDown, Key::ArrowDown, Key::Enter];
        let events = keys.iter().flat_map(|&key| [press(key), release(key)]);
        let heard = frames(&mut Turns::default(), events.collect(), false);
        assert_eq!(heard[..3], keys.map(|key| vec![press(key), release(key)]));
        assert!(heard[3..].iter().all(Vec::is_empty));
    }

    #[test]
    fn what_is_typed_behind_a_key_that_opens_waits_and_is_all_there() {
        let open = Event::Key {
            key: Key::K,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: Modifiers::COMMAND,
        };
        let events = [vec![open.clone()], letters("abc")].concat();
        let heard = frames(&mut Turns::default(), events, true);
        assert_eq!(heard[0], [open]);
        assert!(heard[1].is_empty() && heard[2].is_empty());
        assert_eq!(heard[3], letters("abc"));
    }

    #[test]
    fn a_field_hears_all_that_is_typed_into_it_at_once() {
        let arrows = vec![press(Key::ArrowLeft); 3];
        let events = [letters("a b"), arrows].concat();
        let mut now = events.clone();
        let mut turns = Turns::default();
        assert!(!turns.take(&mut now, true));
        assert_eq!(now, events);
    }

    #[test]
    fn a_click_elsewhere_waits_for_what_was_typed() {
        let click = |pressed| Event::PointerButton {
            pos: egui::Pos2::ZERO,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        let events = [letters("cat"), vec![click(true), click(false)]].concat();
        let heard = frames(&mut Turns::default(), events, true);
        assert_eq!(heard[0], letters("cat"));
        assert_eq!(heard[1], [click(true), click(false)]);
    }

    #[test]
    fn the_blank_of_a_press_comes_with_it() {
        let events = vec![
            press(Key::Space),
            Event::Text(" ".to_owned()),
            press(Key::ArrowDown),
        ];
        let heard = frames(&mut Turns::default(), events.clone(), false);
        assert_eq!(heard[0], events[..2]);
        assert_eq!(heard[3], events[2..]);
    }

    #[test]
    fn a_key_held_while_frames_are_slow_does_not_go_on() {
        let mut turns = Turns::default();
        let mut heard = 0;
        for _ in 0..20 {
            let mut new = vec![press(Key::ArrowDown); 4];
            turns.take(&mut new, false);
            heard += new.len();
        }
        assert_eq!(heard, 20, "one step a frame");
        assert!(turns.waiting.len() <= 1, "and none after it is let go");
    }
}
