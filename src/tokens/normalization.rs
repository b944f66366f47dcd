//! Where the normaliser changed a text. For showing it; tokenizing does not come by here.

use std::ops::Range;

use tokenizers::tokenizer::NormalizedString;
use tokenizers::tokenizer::normalizer::Range as Side;

/// A stretch of text and what the normaliser made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub before: String,
    /// Empty where it was removed.
    pub after: String,
    /// Bytes of the normalised text that `after` is; empty where it was removed.
    pub at: Range<usize>,
}

/// What a normaliser changed, in the order of the text, by its own alignment.
pub(super) fn changes_of(normalized: &NormalizedString) -> Vec<Change> {
    let (text, after) = (normalized.get_original(), normalized.get());
    let mut changes = Vec::new();
    let mut read = 0;
    let mut put = |before: Range<usize>, at: Range<usize>| {
        let (before, after) = (&text[before], &after[at.clone()]);
        if before != after {
            changes.push(Change {
                before: before.to_owned(),
                after: after.to_owned(),
                at,
            });
        }
    };
    for (before, at) in stretches(normalized) {
        if before.start > read {
            put(read..before.start, at.start..at.start);
        }
        read = read.max(before.end);
        put(before, at);
    }
    if read < text.len() {
        put(read..text.len(), after.len()..after.len());
    }
    changes
}

/// Bytes of the text and of the normalised text that belong together. Neighbouring characters
/// made from the same bytes are one stretch: `ﬁ` to `fi`, `東` to ` 東 `.
fn stretches(normalized: &NormalizedString) -> Vec<(Range<usize>, Range<usize>)> {
    let mut out: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (start, c) in normalized.get().char_indices() {
        let at = start..start + c.len_utf8();
        let whole = |r: &Range<usize>| normalized.get_original().get(r.clone()).is_some();
        let before = normalized.convert_offsets(Side::Normalized(at.clone()));
        let before = before.filter(whole).unwrap_or(0..0);
        match out.last_mut() {
            Some(last) if last.0 == before => last.1.end = at.end,
            _ => out.push((before, at)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokenizers::Normalizer as _;
    use tokenizers::normalizers::bert::BertNormalizer;

    fn changes(text: &str) -> Vec<(String, String)> {
        let mut normalized = NormalizedString::from(text);
        let bert = BertNormalizer::new(true, true, None, true);
        bert.normalize(&mut normalized).unwrap();
        let changes = changes_of(&normalized);
        for change in &changes {
            assert_eq!(normalized.get()[change.at.clone()], change.after);
        }
        changes.into_iter().map(|c| (c.before, c.after)).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        owned.collect()
    }

    #[test]
    fn changes_are_found_where_they_are() {
        assert_eq!(changes("plain text"), []);
        assert_eq!(changes("Ab É."), pairs(&[("A", "a"), ("É", "e")]));
        assert_eq!(changes("x東y"), pairs(&[("東", " 東 ")]));
        assert_eq!(
            changes("e\u{301}"),
            pairs(&[("\u{301}", "")]),
            "a loose accent"
        );
        assert_eq!(
            changes("\u{200b}a\u{7}b\u{7}"),
            pairs(&[("\u{200b}", ""), ("\u{7}", ""), ("\u{7}", "")]),
            "removed in front, inside and behind"
        );
        assert_eq!(changes("\u{7}"), pairs(&[("\u{7}", "")]), "nothing is left");
        assert_eq!(changes(""), []);
    }
}
