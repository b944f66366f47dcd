//! How one word came about: the trail of its vocabulary.

use std::sync::Arc;

use egui::Ui;

use crate::analysis::similarity::words::{surface, word_of};
use crate::engine::Derived;
use crate::tokens::{Kind, Match, Path, Spelling, Tokens, Trail, start_of};
use crate::views::ViewContext;
use crate::views::subject::{Subject, note_ui, section_ui};
use crate::widgets::{Cell, Column, Table, counted, number, piece_label};

/// Rows of a trail that are shown.
const MOST: usize = 60;

/// (model, part of the text).
type Key = (Arc<str>, Arc<str>);

#[derive(Default)]
pub struct Word {
    spelling: Derived<Key, Result<Spelling, String>>,
}

static MERGES: [Column; 3] = [
    Column::new("rank", 52.0, 0.0, true),
    Column::new("merged", 84.0, 0.5, false),
    Column::new("pieces after it", 120.0, 1.5, false),
];
static MATCHES: [Column; 2] = [
    Column::new("taken", 84.0, 0.4, false),
    Column::new("longer ones that the vocabulary lacks", 160.0, 1.5, false),
];
static PATHS: [Column; 3] = [
    Column::new("Σ log p", 64.0, 0.0, true),
    Column::new("", 44.0, 0.0, false),
    Column::new("pieces, each with log p", 150.0, 1.5, false),
];

impl Word {
    pub fn word_ui(&mut self, ui: &mut Ui, cx: &ViewContext<'_>, subject: &Subject) {
        let tokens = subject.trace.tokens.clone();
        section_ui(ui, "4 How a word came about", "");
        let Some(token) = chosen(&tokens, subject.locked(cx)) else {
            note_ui(
                ui,
                "There is no word. A click on one shows how the vocabulary spells it.",
            );
            return;
        };
        let Some(part) = tokens.parts[token].and_then(|p| tokens.pre_tokens.get(p as usize)) else {
            note_ui(
                ui,
                "The model's template added this token; no text became it.",
            );
            return;
        };
        let key: Key = (cx.model.hash.clone(), Arc::from(part.as_str()));
        let (model, text) = (cx.model.clone(), key.1.clone());
        let spelling = self.spelling.get(cx.engine, &key, move |_| {
            model.tokenizer.spelling(&text).map_err(|e| e.to_string())
        });
        match spelling.filter(|spelling| spelling.current) {
            None => {
                note_ui(ui, "…");
            }
            Some(shown) => match &*shown.value {
                Ok(spelling) => {
                    trail_ui(ui, &tokens, token, &of_word(&tokens, token, spelling));
                }
                Err(error) => {
                    note_ui(ui, error.clone());
                }
            },
        }
    }
}

/// The clicked token, else the first of a word in several pieces, else the first of any word.
fn chosen(tokens: &Tokens, locked: Option<usize>) -> Option<usize> {
    let words = || (0..tokens.len()).filter(|&t| tokens.words[t].is_some());
    let several = || words().find(|&t| word_of(tokens, t).len() > 1);
    locked.or_else(several).or_else(|| words().next())
}

/// The part's spelling, less what lies outside of the word. A text may be cut at the limit, or its
/// unknown tokens left out, and then only the whole part is sure to be right.
fn of_word(tokens: &Tokens, token: usize, spelling: &Spelling) -> Spelling {
    let word = word_of(tokens, token);
    let first = tokens.parts.iter().position(|p| *p == tokens.parts[token]);
    let first = first.unwrap_or(word.start);
    let inside = word.start - first..word.end - first;
    let ids = spelling.pieces.get(inside.clone());
    let same = ids.is_some_and(|ids| {
        ids.iter()
            .map(|s| s.id)
            .eq(tokens.ids[word].iter().copied())
    });
    match same {
        true => spelling.of_pieces(inside),
        false => spelling.clone(),
    }
}

/// Letters of a word that are shown.
const LETTERS: usize = 60;

fn trail_ui(ui: &mut Ui, tokens: &Tokens, token: usize, spelling: &Spelling) {
    let kind = tokens.kind;
    // What is no word at all may be as long as the text.
    let word = piece_label(surface(tokens, word_of(tokens, token)));
    let word = start_of(&word, LETTERS);
    match &spelling.trail {
        Trail::Added => {
            note_ui(
                ui,
                format!(
                    "“{word}” is a token of its own, found in the text before anything else is done."
                ),
            );
        }
        Trail::Whole => {
            note_ui(ui, format!("The vocabulary has “{word}” as it is."));
        }
        Trail::Merges { .. } => merges_ui(ui, kind, &word, spelling),
        Trail::Matches(matches) => matches_ui(ui, &word, matches),
        Trail::Paths(paths) => paths_ui(ui, kind, &word, paths),
    }
}

fn merges_ui(ui: &mut Ui, kind: Kind, word: &str, spelling: &Spelling) {
    let Trail::Merges { merges, .. } = &spelling.trail else {
        return;
    };
    note_ui(
        ui,
        format!(
            "“{word}”: the pair of neighbours that was learned first (the lowest rank) is merged, again and again, until no pair is left."
        ),
    );
    let states: Vec<String> = spelling
        .states()
        .iter()
        .take(MOST)
        .map(|state| join(kind, state.iter(), "·"))
        .collect();
    table_ui(ui, "Merges", &MERGES, states.len(), |row, column| {
        let merge = row.checked_sub(1).map(|at| &merges[at]);
        match (column, merge) {
            (0, None) => Cell::Quiet("start".to_owned()),
            (0, Some(merge)) => Cell::Figure(merge.rank.to_string()),
            (1, None) => Cell::Quiet(String::new()),
            (1, Some(merge)) => Cell::Text(join(kind, [&merge.left, &merge.right], " + ")),
            _ => Cell::Text(states[row].clone()),
        }
    });
    more_ui(ui, merges.len() + 1);
}

fn matches_ui(ui: &mut Ui, word: &str, matches: &[Match]) {
    let found = matches.iter().all(|m| m.found.is_some());
    note_ui(
        ui,
        match (matches, found) {
            ([], _) => format!("“{word}” is longer than a word may be, and so unknown."),
            (_, false) => {
                format!("“{word}”: at one place nothing fits, so the whole word is unknown.")
            }
            _ => format!(
                "“{word}”: from the left on, always the longest piece that the vocabulary has."
            ),
        },
    );
    table_ui(
        ui,
        "Matches",
        &MATCHES,
        matches.len().min(MOST),
        |row, column| match (column, &matches[row].found) {
            (0, Some(piece)) => Cell::Text(piece_label(piece)),
            (0, None) => Cell::Warning("nothing".to_owned()),
            _ if matches[row].tried.is_empty() => Cell::Quiet("none".to_owned()),
            _ => Cell::Quiet(matches[row].tried.join("  ")),
        },
    );
    more_ui(ui, matches.len());
}

fn paths_ui(ui: &mut Ui, kind: Kind, word: &str, paths: &[Path]) {
    note_ui(
        ui,
        format!(
            "“{word}”: of all ways to cut it the likeliest is taken, by the sum of its pieces' log-probabilities."
        ),
    );
    table_ui(ui, "Ways to cut", &PATHS, paths.len(), |row, column| {
        let path = &paths[row];
        match column {
            0 => Cell::Figure(number(path.sum)),
            1 if row == 0 => Cell::Text("taken".to_owned()),
            1 => Cell::Quiet(String::new()),
            _ => {
                let piece = |(piece, score): &(String, f64)| {
                    format!("{} {}", kind.readable(piece), number(*score))
                };
                let pieces: Vec<String> = path.pieces.iter().map(piece).collect();
                Cell::Text(pieces.join(" · "))
            }
        }
    });
}

fn join<'a>(kind: Kind, pieces: impl IntoIterator<Item = &'a String>, between: &str) -> String {
    let labels = pieces.into_iter().map(|piece| kind.readable(piece));
    labels.collect::<Vec<_>>().join(between)
}

fn table_ui(
    ui: &mut Ui,
    name: &str,
    columns: &[Column],
    rows: usize,
    cell: impl Fn(usize, usize) -> Cell,
) {
    let table = Table {
        name,
        columns,
        rows,
        focus: None,
        locked: None,
    };
    table.ui(ui, cell);
}

fn more_ui(ui: &mut Ui, rows: usize) {
    if rows > MOST {
        note_ui(ui, format!("and {} more", counted(rows - MOST, "step")));
    }
}
