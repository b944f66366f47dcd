//! How the vocabulary spells one part of a text: the trail that ends in its tokens. For showing it;
//! tokenizing does not come by here, and tests hold both against each other.

mod bpe;
mod unigram;
mod word_piece;

use std::ops::Range;

use tokenizers::{Model as _, ModelWrapper};

use super::{TextTokenizer, TokenizeError};
pub(super) use bpe::Merges;
pub(super) use unigram::Scores;

/// A piece and the bytes of the part that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    pub id: u32,
    /// As the vocabulary spells it.
    pub piece: String,
    pub range: Range<usize>,
}

/// How one part of a text became pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct Spelling {
    /// The part, as the pre-tokenizer handed it over.
    pub text: String,
    /// The tokens that the tokenizer gives.
    pub pieces: Vec<Spelled>,
    pub trail: Trail,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Trail {
    /// An added token, found before anything else.
    Added,
    /// The vocabulary has the whole part, and looks no further.
    Whole,
    Merges {
        /// The single characters (or bytes) that it begins with.
        start: Vec<Spelled>,
        /// In the order in which they happen: always the one that was learned first.
        merges: Vec<Merge>,
    },
    /// The longest match from each place on.
    Matches(Vec<Match>),
    /// The likeliest ways to cut the part, the best first; the best is the one that is taken.
    Paths(Vec<Path>),
}

/// Two neighbours that became one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Its place in the list of merges: smaller was learned earlier and goes first.
    pub rank: u32,
    pub left: String,
    pub right: String,
    pub made: Spelled,
}

/// The search from one place on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Longer candidates that the vocabulary does not have, longest first.
    pub tried: Vec<String>,
    /// None where nothing fits: the whole part is then unknown.
    pub found: Option<String>,
}

/// One way to cut a part into pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Each piece with its log-probability.
    pub pieces: Vec<(String, f64)>,
    /// Their sum, in the order of the text.
    pub sum: f64,
}

impl TextTokenizer {
    /// How one of the pre-tokenizer's parts (`Tokens::pre_tokens`) is spelled.
    ///
    /// # Errors
    /// [`TokenizeError::Text`] when the vocabulary cannot spell it and has no unknown token.
    pub fn spelling(&self, part: &str) -> Result<Spelling, TokenizeError> {
        let added = self.inner.get_added_vocabulary().get_vocab();
        if let Some(&id) = added.get(part).or_else(|| added.get(part.trim())) {
            return Ok(whole(part, id, part.trim().to_owned(), Trail::Added));
        }
        let spelling = match self.inner.get_model() {
            ModelWrapper::BPE(model) => bpe::spelling(model, self.merges()?, part),
            ModelWrapper::WordPiece(model) => word_piece::spelling(model, part),
            ModelWrapper::Unigram(model) => unigram::spelling(model, self.scores(), part),
            ModelWrapper::WordLevel(model) => {
                let id = model.token_to_id(part);
                let id = id.or_else(|| model.token_to_id(&model.unk_token));
                id.map(|id| whole(part, id, part.to_owned(), Trail::Whole))
            }
        };
        spelling.ok_or_else(|| TokenizeError::Text(format!("no piece spells `{part}`")))
    }

    fn merges(&self) -> Result<&Merges, TokenizeError> {
        let merges = self.merges.get_or_init(|| match self.inner.get_model() {
            ModelWrapper::BPE(model) => Merges::of(model).map_err(|e| e.to_string()),
            _ => Ok(Merges::default()),
        });
        let problem = |e: &String| TokenizeError::Text(e.clone());
        merges.as_ref().map_err(problem)
    }

    fn scores(&self) -> &Scores {
        self.scores.get_or_init(|| match self.inner.get_model() {
            ModelWrapper::Unigram(model) => Scores::of(model),
            _ => Scores::default(),
        })
    }
}

fn whole(part: &str, id: u32, piece: String, trail: Trail) -> Spelling {
    let range = 0..part.len();
    Spelling {
        text: part.to_owned(),
        pieces: vec![Spelled { id, piece, range }],
        trail,
    }
}

impl Spelling {
    /// The trail of some of its pieces. Merges of others are left out; the other trails only make
    /// sense as a whole and stay.
    pub fn of_pieces(&self, which: Range<usize>) -> Self {
        let pieces = self.pieces.get(which).unwrap_or_default().to_vec();
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            return self.clone();
        };
        let bytes = first.range.start..last.range.end;
        let Trail::Merges { start, merges } = &self.trail else {
            return self.clone();
        };
        let inside = |s: &Spelled| s.range.start >= bytes.start && s.range.end <= bytes.end;
        Self {
            text: self.text.get(bytes.clone()).unwrap_or_default().to_owned(),
            trail: Trail::Merges {
                start: start.iter().filter(|s| inside(s)).cloned().collect(),
                merges: merges.iter().filter(|m| inside(&m.made)).cloned().collect(),
            },
            pieces,
        }
    }

    /// What there is after each merge, from the start on: [merges + 1] lists of pieces.
    pub fn states(&self) -> Vec<Vec<String>> {
        let Trail::Merges { start, merges } = &self.trail else {
            return Vec::new();
        };
        let mut now: Vec<(Range<usize>, &str)> = start
            .iter()
            .map(|s| (s.range.clone(), s.piece.as_str()))
            .collect();
        let names = |now: &[(Range<usize>, &str)]| now.iter().map(|n| n.1.to_owned()).collect();
        let mut states = vec![names(&now)];
        for merge in merges {
            let made = &merge.made.range;
            let at = now.partition_point(|(range, _)| range.start < made.start);
            let end = now.partition_point(|(range, _)| range.start < made.end);
            now.splice(at..end, [(made.clone(), merge.made.piece.as_str())]);
            states.push(names(&now));
        }
        states
    }
}
