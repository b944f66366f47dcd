//! Which tokens make one word.

use super::piece::{Kind, SPACE_MARK, fallback_byte};

/// The word of each token, [T], numbered from 0: a word ends where the pre-tokenizer split (`splits`
/// numbers its parts), and at white space. Some vocabularies come without a pre-tokenizer, and then
/// only their space marks tell words apart.
pub(super) fn words(kind: Kind, pieces: &[&str], splits: &[Option<u32>]) -> Vec<Option<u32>> {
    let mut next = 0;
    let mut out: Vec<Option<u32>> = Vec::with_capacity(pieces.len());
    for (t, split) in splits.iter().enumerate() {
        out.push(split.map(|_| {
            let goes_on = t > 0 && splits[t - 1] == *split && joins(kind, pieces[t - 1], pieces[t]);
            next += u32::from(!goes_on);
            next - 1
        }));
    }
    out
}

/// Whether a piece goes on with the word of the one before, both from one part of the text.
fn joins(kind: Kind, before: &str, piece: &str) -> bool {
    match kind {
        Kind::Bpe | Kind::ByteFallback | Kind::Unigram => {
            let marked = piece.starts_with(SPACE_MARK);
            !marked && !is_break(before) && !is_break(piece)
        }
        // These split at white space before the vocabulary is asked.
        Kind::WordPiece | Kind::WordLevel | Kind::ByteLevel => true,
    }
}

/// A line end or a tab, which no space mark stands for.
fn is_break(piece: &str) -> bool {
    match fallback_byte(piece) {
        Some(byte) => byte.is_ascii_whitespace(),
        None => piece.chars().all(char::is_whitespace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: Kind, pieces: &[&str]) -> Vec<u32> {
        let splits = vec![Some(0); pieces.len()];
        words(kind, pieces, &splits).into_iter().flatten().collect()
    }

    #[test]
    fn without_a_pre_tokenizer_words_begin_at_space_marks() {
        let pieces = ["▁the", "▁un", "happ", "ily", "▁", "東", "<0x0A>", "do", "g"];
        assert_eq!(of(Kind::ByteFallback, &pieces), [0, 1, 1, 1, 2, 2, 3, 4, 4]);
        assert_eq!(
            of(Kind::Unigram, &["▁▁", "▁a", "\n", "\n", "b"]),
            [0, 1, 2, 3, 4]
        );
        assert_eq!(of(Kind::ByteLevel, &["Ġa", "b"]), [0, 0]);
    }

    #[test]
    fn splits_end_words_and_the_template_is_in_none() {
        let splits = [None, Some(0), Some(0), Some(1), Some(3), None];
        let found = words(
            Kind::WordPiece,
            &["[CLS]", "un", "##do", ".", "x", "[SEP]"],
            &splits,
        );
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(2), None]);
    }
}
