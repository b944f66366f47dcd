//! Edits put to work: what a text becomes, piece by piece, so that the change can be shown.

use std::ops::Range;

use super::words::{capital, is_punctuation, marks, units};
use super::{Case, Edit, EditError};
use crate::model::Prompt;

/// What became of a stretch of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Kept,
    /// No longer in the text.
    Removed,
    Inserted,
    /// In the text, but out of attention and of the pool.
    Hidden,
    /// A mask token: inserted, and to be left as the tokenizer spells it.
    Token,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub mark: Mark,
}

/// A text after some edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The old and the new text, interleaved.
    pub pieces: Vec<Piece>,
    /// Another prompt than before.
    pub prompt: Option<Prompt>,
}

impl Draft {
    /// The new text.
    pub fn text(&self) -> String {
        let visible = self.visible().map(|piece| piece.text.as_str());
        visible.collect()
    }

    /// Bytes of the new text that are hidden.
    pub fn hidden(&self) -> Vec<Range<usize>> {
        let mut at = 0;
        let mut out = Vec::new();
        for piece in self.visible() {
            let end = at + piece.text.len();
            if piece.mark == Mark::Hidden {
                out.push(at..end);
            }
            at = end;
        }
        out
    }

    fn visible(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|p| p.mark != Mark::Removed)
    }

    fn push(&mut self, text: &str, mark: Mark) {
        if text.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(last) if last.mark == mark && mark != Mark::Hidden => last.text.push_str(text),
            _ => self.pieces.push(Piece {
                text: text.to_owned(),
                mark,
            }),
        }
    }

    /// True where the next letter would stand at the start or behind a space.
    fn is_spaced(&self) -> bool {
        let last = self.visible().last();
        last.is_none_or(|piece| piece.text.ends_with(char::is_whitespace))
    }

    /// Takes back the white space at the end.
    fn trim_end(&mut self) {
        let Some(at) = self.pieces.iter().rposition(|p| p.mark != Mark::Removed) else {
            return;
        };
        let piece = &mut self.pieces[at];
        let end = piece.text.trim_end().len();
        if piece.mark != Mark::Kept || end == piece.text.len() {
            return;
        }
        let space = piece.text.split_off(end);
        match self.pieces.get_mut(at + 1) {
            Some(removed) => removed.text.insert_str(0, &space),
            None => self.push(&space, Mark::Removed),
        }
    }
}

/// What stands in for a stretch of the text.
enum New {
    Words(String),
    Token(String),
    Hidden,
}

struct Cut {
    range: Range<usize>,
    new: New,
}

impl Cut {
    fn words(range: &Range<usize>, words: &str) -> Self {
        Self {
            range: range.clone(),
            new: New::Words(words.to_owned()),
        }
    }
}

/// What `text` is after all of these edits at once. Where a word goes, so does the white space that
/// would be left over.
///
/// # Errors
/// When edits get in each other's way, or belong to another text.
pub fn apply(text: &str, edits: &[&Edit]) -> Result<Draft, EditError> {
    let mut draft = Draft {
        pieces: Vec::new(),
        prompt: None,
    };
    let (mut cuts, mut case) = (Vec::new(), None);
    let mut free = None;
    for edit in edits {
        match edit {
            Edit::Prompt(prompt) if draft.prompt.is_none() => draft.prompt = Some(prompt.clone()),
            Edit::Case(to) if case.is_none() => case = Some(*to),
            Edit::Free(words) if free.is_none() => free = Some(words),
            Edit::Prompt(_) | Edit::Case(_) | Edit::Free(_) => return Err(EditError::Clash),
            local => cuts.extend(cuts_of(text, local)),
        }
    }
    if let Some(words) = free {
        if case.is_some() || !cuts.is_empty() {
            return Err(EditError::Clash);
        }
        difference(text, words, &mut draft);
        return Ok(draft);
    }
    check(text, &mut cuts)?;
    cut(text, &cuts, &mut draft);
    if let Some(case) = case {
        recase(case, &mut draft);
    }
    Ok(draft)
}

fn cuts_of(text: &str, edit: &Edit) -> Vec<Cut> {
    match edit {
        Edit::Delete(range) | Edit::TypedPrompt(range) => vec![Cut::words(range, "")],
        Edit::Mask(range) => vec![Cut {
            range: range.clone(),
            new: New::Hidden,
        }],
        Edit::MaskToken(splice) => vec![Cut {
            range: splice.range.clone(),
            new: New::Token(splice.with.clone()),
        }],
        Edit::Number(splice) => vec![Cut::words(&splice.range, &splice.with)],
        Edit::Swap(splices) => {
            let one = |splice: &super::Splice| Cut::words(&splice.range, &splice.with);
            splices.iter().map(one).collect()
        }
        Edit::Negate(splices) => {
            let one = |splice: &super::Splice| Cut::words(&splice.range, &splice.with);
            splices.iter().map(one).collect()
        }
        Edit::Punctuation => {
            let tied = |range: &Range<usize>| {
                let before = text[..range.start].chars().next_back();
                let after = text[range.end..].chars().next();
                before.is_some_and(char::is_alphanumeric)
                    && after.is_some_and(char::is_alphanumeric)
            };
            let one = |range: Range<usize>| Cut::words(&range, if tied(&range) { " " } else { "" });
            marks(text).into_iter().map(one).collect()
        }
        Edit::Case(_) | Edit::Prompt(_) | Edit::Free(_) => Vec::new(),
    }
}

/// Puts cuts in order.
fn check(text: &str, cuts: &mut [Cut]) -> Result<(), EditError> {
    if cuts.iter().any(|cut| text.get(cut.range.clone()).is_none()) {
        return Err(EditError::Outside);
    }
    cuts.sort_by_key(|cut| (cut.range.start, cut.range.end));
    let clash = cuts.windows(2).any(|pair| {
        let (a, b) = (&pair[0].range, &pair[1].range);
        b.start < a.end || a == b
    });
    match clash {
        true => Err(EditError::Clash),
        false => Ok(()),
    }
}

fn cut(text: &str, cuts: &[Cut], draft: &mut Draft) {
    let mut at = 0;
    for (i, cut) in cuts.iter().enumerate() {
        // The white space in front of it may be gone already.
        draft.push(text.get(at..cut.range.start).unwrap_or(""), Mark::Kept);
        let old = &text[cut.range.clone()];
        at = cut.range.end;
        match &cut.new {
            New::Hidden => draft.push(old, Mark::Hidden),
            New::Token(token) => {
                draft.push(old, Mark::Removed);
                draft.push(token, Mark::Token);
            }
            New::Words(words) => {
                draft.push(old, Mark::Removed);
                draft.push(words, Mark::Inserted);
            }
        }
        if matches!(&cut.new, New::Words(words) if words.is_empty()) {
            let next = cuts.get(i + 1).map_or(text.len(), |next| next.range.start);
            at = tidy(&text[..next], at, next == text.len(), draft);
        }
    }
    draft.push(&text[at..], Mark::Kept);
}

/// Takes the white space along that a word leaves behind; returns where the text goes on. `text` ends
/// where the next cut begins.
fn tidy(text: &str, at: usize, is_last: bool, draft: &mut Draft) -> usize {
    let rest = &text[at..];
    let next = rest.trim_start().chars().next();
    match next {
        None if is_last => {
            draft.trim_end();
            draft.push(rest, Mark::Removed);
            text.len()
        }
        // A mark stands close to the word before it.
        Some(mark) if closes(mark) && !rest.starts_with(char::is_whitespace) => {
            draft.trim_end();
            at
        }
        _ if draft.is_spaced() => {
            let space = rest.len() - rest.trim_start().len();
            draft.push(&rest[..space], Mark::Removed);
            at + space
        }
        _ => at,
    }
}

/// A mark that ends something rather than opening it.
fn closes(c: char) -> bool {
    is_punctuation(c)
        && !matches!(
            c,
            '(' | '[' | '{' | '"' | '\'' | '“' | '‘' | '«' | '¿' | '¡'
        )
}

fn recase(case: Case, draft: &mut Draft) {
    let pieces = std::mem::take(&mut draft.pieces);
    for piece in pieces {
        match piece.mark {
            Mark::Kept => recase_words(case, &piece.text, draft),
            Mark::Inserted | Mark::Hidden => {
                let mut out = Draft {
                    pieces: Vec::new(),
                    prompt: None,
                };
                recase_words(case, &piece.text, &mut out);
                draft.push(&out.text(), piece.mark);
            }
            Mark::Removed | Mark::Token => draft.push(&piece.text, piece.mark),
        }
    }
}

fn recase_words(case: Case, text: &str, draft: &mut Draft) {
    let mut at = 0;
    for unit in units(text) {
        draft.push(&text[at..unit.start], Mark::Kept);
        at = unit.end;
        let old = &text[unit];
        let new = cased(case, old);
        match new == old {
            true => draft.push(old, Mark::Kept),
            false => {
                draft.push(old, Mark::Removed);
                draft.push(&new, Mark::Inserted);
            }
        }
    }
    draft.push(&text[at..], Mark::Kept);
}

/// A word in other letters.
pub(super) fn cased(case: Case, word: &str) -> String {
    match case {
        Case::Lower => word.to_lowercase(),
        Case::Upper => word.to_uppercase(),
        Case::Title => capital(&word.to_lowercase()),
    }
}

/// From one text to another: what they share at both ends stays, in whole words.
fn difference(old: &str, new: &str, draft: &mut Draft) {
    let split = |text: &str| -> Vec<String> {
        let words = text.split_inclusive(char::is_whitespace);
        words.map(str::to_owned).collect()
    };
    let (a, b) = (split(old), split(new));
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a_rest, b_rest) = (&a[head..], &b[head..]);
    let ends = a_rest.iter().rev().zip(b_rest.iter().rev());
    let tail = ends.take_while(|(a, b)| a == b).count();
    let (a_end, b_end) = (a_rest.len() - tail, b_rest.len() - tail);
    draft.push(&a[..head].concat(), Mark::Kept);
    draft.push(&a_rest[..a_end].concat(), Mark::Removed);
    draft.push(&b_rest[..b_end].concat(), Mark::Inserted);
    draft.push(&a_rest[a_end..].concat(), Mark::Kept);
}
