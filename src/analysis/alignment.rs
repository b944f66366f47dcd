//! The tokens of one text under two tokenizers, side by side.

use std::ops::Range;

use crate::tokens::Tokens;

/// A stretch of the text at whose ends both tokenizers cut, and nowhere between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aligned {
    /// Bytes of the person's text, without the prompt.
    pub span: Range<usize>,
    /// Indices of the first tokenizer's tokens there.
    pub first: Vec<usize>,
    /// Of the second's.
    pub second: Vec<usize>,
}

/// The finest stretches on which both agree, in the order of the text. Tokens of the template and of a
/// prompt stand in none. Spaces that only one tokenizer counts to a token are passed over.
pub fn align(first: &Tokens, second: &Tokens) -> Vec<Aligned> {
    let (a, b) = (spans(first), spans(second));
    let (mut i, mut j) = (0, 0);
    let mut out: Vec<Aligned> = Vec::new();
    while i < a.len() || j < b.len() {
        // Whichever begins first opens the stretch; what overlaps its end joins it.
        let opens = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.1.start <= y.1.start,
            (one, _) => one.is_some(),
        };
        let mut group = Aligned {
            span: if opens { &a[i] } else { &b[j] }.1.clone(),
            first: Vec::new(),
            second: Vec::new(),
        };
        match opens {
            true => take(&a, &mut i, &mut group.span, &mut group.first),
            false => take(&b, &mut j, &mut group.span, &mut group.second),
        }
        loop {
            let end = group.span.end;
            if a.get(i).is_some_and(|(_, span)| span.start < end) {
                take(&a, &mut i, &mut group.span, &mut group.first);
            } else if b.get(j).is_some_and(|(_, span)| span.start < end) {
                take(&b, &mut j, &mut group.span, &mut group.second);
            } else {
                break;
            }
        }
        out.push(group);
    }
    out
}

/// The token of `to` that covers most of what `token` of `from` covers, both being cuts of one text;
/// of equals the first. None where none covers any of it: for a token of a template or a prompt, and
/// where the texts differ. Where both tokenizers cut alike, a token is its own counterpart.
pub fn counterpart(from: &Tokens, to: &Tokens, token: usize) -> Option<usize> {
    if token >= from.len() {
        return None;
    }
    let alike = from.pieces == to.pieces && from.offsets == to.offsets;
    if alike && from.text == to.text && from.special == to.special {
        return Some(token);
    }
    // A text that is just being edited may have reached one of the two only.
    if from.text.get(from.prompt_bytes..) != to.text.get(to.prompt_bytes..) {
        return None;
    }
    let (_, span) = spans(from).into_iter().find(|(t, _)| *t == token)?;
    let shared = |other: &Range<usize>| {
        let (start, end) = (other.start.max(span.start), other.end.min(span.end));
        end.saturating_sub(start)
    };
    let mut best = None;
    for (t, other) in spans(to) {
        let bytes = shared(&other);
        if bytes > best.map_or(0, |(_, most)| most) {
            best = Some((t, bytes));
        }
    }
    best.map(|(t, _)| t)
}

fn take(
    tokens: &[(usize, Range<usize>)],
    at: &mut usize,
    span: &mut Range<usize>,
    into: &mut Vec<usize>,
) {
    let (token, own) = &tokens[*at];
    span.start = span.start.min(own.start);
    span.end = span.end.max(own.end);
    into.push(*token);
    *at += 1;
}

/// The tokens of the person's text and their bytes in it, less the spaces at their ends.
fn spans(tokens: &Tokens) -> Vec<(usize, Range<usize>)> {
    let prompt = tokens.prompt_bytes;
    let of = |t: usize| {
        let (start, end) = tokens.offsets[t];
        let (start, end) = (start.max(prompt), end);
        if tokens.special[t] || start >= end {
            return None;
        }
        let piece = tokens.text.get(start..end)?;
        let trimmed = piece.trim();
        let lead = piece.len() - piece.trim_start().len();
        let start = start + lead - prompt;
        (!trimmed.is_empty()).then(|| (t, start..start + trimmed.len()))
    };
    (0..tokens.len()).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text cut at these bytes; the first and the last token are the template's.
    fn tokens(text: &str, cuts: &[Range<usize>], prompt: usize) -> Tokens {
        let count = cuts.len() + 2;
        let mut offsets = vec![(0, 0)];
        offsets.extend(cuts.iter().map(|cut| (cut.start, cut.end)));
        offsets.push((0, 0));
        let special = (0..count).map(|t| t == 0 || t + 1 == count).collect();
        Tokens {
            text: text.into(),
            prompt_bytes: prompt,
            prompt_tokens: 0,
            ids: vec![0; count],
            type_ids: vec![0; count],
            pieces: vec![String::new(); count],
            labels: vec![String::new(); count],
            parts: vec![None; count],
            kind: Default::default(),
            offsets,
            special,
            words: vec![None; count],
            unknown: vec![false; count],
            limit: 512,
            dropped: 0,
            normalized: text.to_owned(),
            pre_tokens: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn of(groups: &[Aligned]) -> Vec<(Range<usize>, Vec<usize>, Vec<usize>)> {
        let one = |g: &Aligned| (g.span.clone(), g.first.clone(), g.second.clone());
        groups.iter().map(one).collect()
    }

    #[test]
    fn stretches_end_where_both_cut() {
        // un|happily| cats against unhapp|ily|▁cats
        let text = "unhappily cats";
        let first = tokens(text, &[0..2, 2..9, 10..14], 0);
        let second = tokens(text, &[0..6, 6..9, 9..14], 0);
        let expected = [(0..9, vec![1, 2], vec![1, 2]), (10..14, vec![3], vec![3])];
        assert_eq!(of(&align(&first, &second)), expected);
    }

    #[test]
    fn a_token_is_met_by_the_one_that_covers_most_of_it_or_by_none() {
        let text = "unhappily cats";
        let first = tokens(text, &[0..2, 2..9, 10..14], 0);
        let second = tokens(text, &[0..6, 6..9, 9..14], 0);
        let met = |token| counterpart(&first, &second, token);
        // un lies in unhapp, and happily shares four letters with it and three with ily.
        assert_eq!((met(1), met(2), met(3)), (Some(1), Some(1), Some(3)));
        assert_eq!(
            (met(0), met(4), met(9)),
            (None, None, None),
            "the template's"
        );
        let back = |token| counterpart(&second, &first, token);
        assert_eq!((back(1), back(2), back(3)), (Some(2), Some(2), Some(3)));
        assert_eq!(counterpart(&first, &first, 0), Some(0), "cut alike");
        let prompted = tokens("query: unhappily cats", &[0..7, 7..16, 17..21], 7);
        assert_eq!(counterpart(&prompted, &first, 1), None, "the prompt's");
        assert_eq!(counterpart(&prompted, &first, 2), Some(2));
        assert_eq!(
            counterpart(&first, &tokens("other", &[0..2, 2..5], 0), 1),
            None
        );
    }

    #[test]
    fn prompts_are_passed_over_and_what_one_lacks_stands_alone() {
        let first = tokens("query: a b", &[0..5, 5..6, 7..8, 9..10], 7);
        let second = tokens("a b c", &[0..1, 4..5], 0);
        let expected = [
            (0..1, vec![3], vec![1]),
            (2..3, vec![4], vec![]),
            (4..5, vec![], vec![2]),
        ];
        assert_eq!(of(&align(&first, &second)), expected);
        assert!(align(&tokens("", &[], 0), &tokens("", &[], 0)).is_empty());
    }

    #[test]
    fn bytes_of_one_character_stay_together() {
        let text = "東a";
        let first = tokens(text, &[0..3, 0..3, 0..3, 3..4], 0);
        let second = tokens(text, &[0..3, 3..4], 0);
        let expected = [(0..3, vec![1, 2, 3], vec![1]), (3..4, vec![4], vec![2])];
        assert_eq!(of(&align(&first, &second)), expected);
    }
}
