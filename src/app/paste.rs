//! Lines that were pasted: one text, or as many texts as lines?

use super::App;
use super::command::Command;
use super::files::{MOST_BYTES, MOST_TEXTS};
use super::state::{State, TextId};

/// A paste of several lines that a person has not decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pasted {
    /// The text that it went into.
    into: Option<Into>,
    pub lines: Vec<String>,
    /// Where each line is two texts with a tab between them.
    pub pairs: Option<Vec<(String, String)>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Into {
    id: TextId,
    before: String,
    after: String,
}

/// What a paste is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    OneText,
    Texts,
    Pairs,
    Nothing,
}

impl Pasted {
    fn new(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        let pair = |line: &String| {
            let (a, b) = line.split_once('\t')?;
            let (a, b) = (a.trim(), b.trim());
            let whole = !a.is_empty() && !b.is_empty() && !b.contains('\t');
            whole.then(|| (a.to_owned(), b.to_owned()))
        };
        Self {
            into: None,
            pairs: lines.iter().map(pair).collect(),
            lines,
        }
    }

    /// Whether the text that it went into is as the paste left it.
    fn stands(&self, state: &State) -> bool {
        self.into.as_ref().is_none_or(|into| {
            let text = state.index(into.id).map(|index| &state.texts[index].text);
            text.is_some_and(|text| *text == into.after || *text == into.before)
        })
    }

    /// What to do for it to be what was meant.
    pub fn commands(self, meant: Meant) -> Vec<Command> {
        match (meant, self.into) {
            (Meant::Nothing, _) | (Meant::OneText, Some(_)) => Vec::new(),
            (Meant::OneText, None) => vec![Command::AddText(self.lines.join(" "))],
            (Meant::Texts, Some(into)) => {
                vec![Command::SplitText(into.id, into.before, self.lines)]
            }
            (Meant::Texts, None) => vec![Command::AddTexts(self.lines)],
            (Meant::Pairs, into) => {
                let back = into.map(|into| match into.before.trim().is_empty() {
                    true => Command::RemoveText(into.id),
                    false => Command::EditText(into.id, into.before),
                });
                let pairs = Command::AddPairs(self.pairs.unwrap_or_default());
                back.into_iter().chain([pairs]).collect()
            }
        }
    }
}

impl State {
    /// Gives a text back what it was before lines went into it, and puts the lines behind it as texts
    /// of their own. A text that was blank becomes the first line.
    pub(super) fn split(&mut self, id: TextId, before: String, lines: Vec<String>) {
        let Some(index) = self.index(id) else { return };
        let mut lines = lines.into_iter();
        let text = match before.trim().is_empty() {
            true => lines.next().unwrap_or_default(),
            false => before,
        };
        std::sync::Arc::make_mut(&mut self.texts[index]).text = text;
        for (place, line) in (index + 1..).zip(lines) {
            self.add(&line);
            self.texts[place..].rotate_right(1);
        }
    }
}

impl App {
    /// Looks for a paste in this frame: into a text of the list, or into the window where no field has
    /// the keyboard. What was pasted into any other field is that field's.
    pub(super) fn receive_paste(&mut self, ctx: &egui::Context) {
        let state = &self.state;
        self.pasted = self.pasted.take().filter(|pasted| pasted.stands(state));
        let pasted = ctx.input(|i| {
            let mut events = i.events.iter();
            events.find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
        });
        let Some(text) = pasted else { return };
        if self.dialogs.is_open() || self.import.is_some() {
            return;
        }
        let edit = self.commands.iter().find_map(|command| match command {
            Command::EditText(id, after) => Some((*id, after.clone())),
            _ => None,
        });
        let into = edit.and_then(|(id, after)| {
            let before = self.state.texts[self.state.index(id)?].text.clone();
            Some(Into { id, before, after })
        });
        if into.is_none() && ctx.text_edit_focused() {
            return;
        }
        let mut pasted = Pasted::new(&text);
        let (lines, bytes) = (pasted.lines.len(), text.len());
        if lines > MOST_TEXTS || bytes as u64 > MOST_BYTES {
            let what = format!(
                "The pasted text has {lines} lines and {:.1} MB; the list takes {MOST_TEXTS} lines and 4 MB at once (use `embedscope embed` for a corpus).",
                bytes as f64 / 1e6
            );
            return self.notices.error(what);
        }
        pasted.into = into;
        match lines {
            0 => {}
            // Nothing to ask: it is in its field, or it is a text.
            1 if pasted.into.is_some() => {}
            1 => self.commands.extend(pasted.commands(Meant::OneText)),
            _ => self.pasted = Some(pasted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_where_it_stands() {
        let mut state = State::default();
        state.set_texts(["one", "", "three"]);
        let ids: Vec<TextId> = state.texts.iter().map(|text| text.id).collect();
        let texts = |state: &State| -> Vec<String> {
            state.texts.iter().map(|text| text.text.clone()).collect()
        };
        let lines = |of: &[&str]| of.iter().map(|line| (*line).to_owned()).collect();
        state.split(ids[1], String::new(), lines(&["x", "y"]));
        assert_eq!(texts(&state), ["one", "x", "y", "three"]);
        state.split(ids[0], "first".to_owned(), lines(&["p", "q"]));
        assert_eq!(texts(&state), ["first", "p", "q", "x", "y", "three"]);
        state.split(TextId(99), String::new(), lines(&["lost"]));
        assert_eq!(state.texts.len(), 6);
        assert_eq!((state.a, state.b), (Some(ids[0]), Some(ids[1])));
    }

    #[test]
    fn lines_with_one_tab_each_may_be_pairs() {
        let pasted = Pasted::new("a\tb\r\n\r\nc\td\r\n");
        assert_eq!(pasted.lines, ["a\tb", "c\td"]);
        assert_eq!(pasted.pairs.unwrap()[1], ("c".to_owned(), "d".to_owned()));
        for plain in ["a\tb\nc", "a\tb\tc\nd\te", "a\nb"] {
            assert_eq!(Pasted::new(plain).pairs, None, "{plain:?}");
        }
    }
}
