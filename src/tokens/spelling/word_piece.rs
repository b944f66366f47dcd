//! WordPiece: from the start on, always the longest piece that the vocabulary has.

use tokenizers::Model as _;
use tokenizers::models::wordpiece::WordPiece;

use super::{Match, Spelled, Spelling, Trail, whole};

pub fn spelling(model: &WordPiece, part: &str) -> Option<Spelling> {
    let unknown = |trail| {
        let id = model.token_to_id(&model.unk_token)?;
        Some(whole(part, id, model.unk_token.clone(), trail))
    };
    if part.chars().count() > model.max_input_chars_per_word {
        return unknown(Trail::Matches(Vec::new()));
    }
    let (mut pieces, mut matches) = (Vec::new(), Vec::new());
    let mut start = 0;
    while start < part.len() {
        let (tried, found) = longest(model, part, start);
        let piece = found.as_ref().map(|found| found.piece.clone());
        matches.push(Match {
            tried,
            found: piece,
        });
        let Some(found) = found else {
            return unknown(Trail::Matches(matches));
        };
        start = found.range.end;
        pieces.push(found);
    }
    Some(Spelling {
        text: part.to_owned(),
        pieces,
        trail: Trail::Matches(matches),
    })
}

/// The candidates that failed, longest first, and the one that did not.
fn longest(model: &WordPiece, part: &str, start: usize) -> (Vec<String>, Option<Spelled>) {
    let prefix = match start {
        0 => "",
        _ => &model.continuing_subword_prefix,
    };
    let rest = &part[start..];
    let mut tried = Vec::new();
    let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
    for end in ends.collect::<Vec<_>>().into_iter().rev() {
        let piece = format!("{prefix}{}", &rest[..end]);
        if let Some(id) = model.token_to_id(&piece) {
            let range = start..start + end;
            return (tried, Some(Spelled { id, piece, range }));
        }
        tried.push(piece);
    }
    (tried, None)
}
