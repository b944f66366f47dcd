//! Which token of one text stands for which of another.

use super::Tokens;
use crate::cancel::Cancel;

/// Stretches of different tokens are taken for replaced ones up to this length: in longer ones the
/// same place means nothing any more.
const MOST_REPLACED: usize = 4;

/// The tokens of A with a partner in B, in the order of both texts. P pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    /// Index in A, index in B; both ascend. [P]
    pub pairs: Vec<[usize; 2]>,
    /// What stands for each pair: the piece, or `cat / dog` where it is another. [P]
    pub labels: Vec<String>,
    /// Pairs of the template's tokens. [P]
    pub special: Vec<bool>,
    /// How many tokens A and B have.
    pub tokens: [usize; 2],
}

impl Pairing {
    /// As many equal pieces in the same order as there can be; between them tokens that were replaced
    /// one for one. Where as many stand on both sides, and no more than a few, they are paired by
    /// their place; any other has no partner. Tokens of the template pair with each other alone. None
    /// once `cancel` is up.
    pub fn new(a: &Tokens, b: &Tokens, cancel: &Cancel) -> Option<Self> {
        let equal = |i: usize, j: usize| a.ids[i] == b.ids[j] && a.special[i] == b.special[j];
        let most = a.len().min(b.len());
        // What both begin and end with needs no search.
        let front = (0..most).take_while(|&i| equal(i, i)).count();
        let back = (0..most - front)
            .take_while(|&i| equal(a.len() - 1 - i, b.len() - 1 - i))
            .count();
        let (ends, starts) = ([a.len() - back, b.len() - back], [front; 2]);
        let mut matched: Vec<[usize; 2]> = (0..front).map(|i| [i, i]).collect();
        let middle = longest(starts, ends, equal, cancel)?;
        matched.extend(middle);
        matched.extend((0..back).map(|i| [ends[0] + i, ends[1] + i]));
        let pairs = filled(&matched, [a.len(), b.len()], |i, j| {
            !a.special[i] && !b.special[j]
        });
        let label = |&[i, j]: &[usize; 2]| match a.labels[i] == b.labels[j] {
            true => a.labels[i].clone(),
            false => format!("{} / {}", a.labels[i], b.labels[j]),
        };
        Some(Self {
            labels: pairs.iter().map(label).collect(),
            special: pairs.iter().map(|&[i, _]| a.special[i]).collect(),
            tokens: [a.len(), b.len()],
            pairs,
        })
    }

    /// P
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// True where nothing is left to compare: no pair, or the template's alone though there is more.
    pub fn is_empty(&self) -> bool {
        let template = self.special.iter().all(|&special| special);
        let more = self.tokens.iter().any(|&tokens| tokens > self.len());
        self.pairs.is_empty() || (template && more)
    }

    /// The pair of a token of A (side 0) or B (side 1).
    pub fn pair_of(&self, side: usize, token: usize) -> Option<usize> {
        self.pairs
            .binary_search_by_key(&token, |pair| pair[side])
            .ok()
    }
}

/// A longest run of equal tokens within `starts..ends`, [index in A, index in B].
fn longest(
    starts: [usize; 2],
    ends: [usize; 2],
    equal: impl Fn(usize, usize) -> bool,
    cancel: &Cancel,
) -> Option<Vec<[usize; 2]>> {
    // An equal pair counts for more than any number of replaced ones, which only break ties.
    const EQUAL: u64 = 1 << 32;
    let [rows, columns] = [0, 1].map(|side: usize| ends[side] - starts[side]);
    let mut steps = vec![Step::Down; rows * columns];
    // Scores from a row on and from the next, of the rest of both texts.
    let (mut below, mut here) = (vec![0; columns + 1], vec![0; columns + 1]);
    for i in (0..rows).rev() {
        if cancel.is_cancelled() {
            return None;
        }
        for j in (0..columns).rev() {
            let both = below[j + 1]
                + if equal(starts[0] + i, starts[1] + j) {
                    EQUAL
                } else {
                    1
                };
            let best = both.max(below[j]).max(here[j + 1]);
            steps[i * columns + j] = match best {
                best if best == both => Step::Both,
                best if best == below[j] => Step::Down,
                _ => Step::Right,
            };
            here[j] = best;
        }
        std::mem::swap(&mut below, &mut here);
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while i < rows && j < columns {
        let pair = [starts[0] + i, starts[1] + j];
        let step = steps[i * columns + j];
        if step == Step::Both && equal(pair[0], pair[1]) {
            out.push(pair);
        }
        i += usize::from(step != Step::Right);
        j += usize::from(step != Step::Down);
    }
    Some(out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Both,
    Down,
    Right,
}

/// The equal pairs with those between them that were replaced.
fn filled(
    matched: &[[usize; 2]],
    tokens: [usize; 2],
    may: impl Fn(usize, usize) -> bool,
) -> Vec<[usize; 2]> {
    let mut out = Vec::with_capacity(matched.len());
    let mut from = [0, 0];
    for &[i, j] in matched.iter().chain([&tokens]) {
        let gap = i - from[0];
        let between = (0..gap).map(|k| [from[0] + k, from[1] + k]);
        if gap == j - from[1] && gap <= MOST_REPLACED && between.clone().all(|[i, j]| may(i, j)) {
            out.extend(between);
        }
        if [i, j] != tokens {
            out.push([i, j]);
        }
        from = [i + 1, j + 1];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of these words between [CLS] and [SEP].
    fn tokens(text: &str) -> Tokens {
        let mut words: Vec<&str> = vec!["[CLS]"];
        words.extend(text.split_whitespace());
        words.push("[SEP]");
        let id = |word: &&str| {
            word.bytes()
                .fold(7, |id: u32, b| id.wrapping_mul(31) + u32::from(b))
        };
        let count = words.len();
        Tokens {
            ids: words.iter().map(id).collect(),
            labels: words.iter().map(|&word| word.to_owned()).collect(),
            special: (0..count).map(|t| t == 0 || t + 1 == count).collect(),
            ..Tokens::default()
        }
    }

    fn of(a: &str, b: &str) -> Pairing {
        Pairing::new(&tokens(a), &tokens(b), &Cancel::new()).unwrap()
    }

    #[test]
    fn swapped_words_pair_by_place_and_are_named_both() {
        let found = of("the cat bit the dog", "the dog bit the cat");
        assert_eq!(found.pairs, (0..7).map(|i| [i, i]).collect::<Vec<_>>());
        assert_eq!(found.labels[2], "cat / dog");
        assert_eq!(found.labels[3], "bit");
        assert!(found.special[0] && found.special[6] && !found.special[1]);
        assert_eq!((found.pair_of(1, 4), found.pair_of(0, 9)), (Some(4), None));
    }

    #[test]
    fn what_only_one_text_has_stands_alone() {
        let found = of("the cat sat", "the big old dog sat down");
        assert_eq!(found.pairs, [[0, 0], [1, 1], [3, 5], [4, 7]]);
        assert_eq!(found.tokens, [5, 8]);
        // A shift does not pair different pieces by their places.
        let shifted = of("not a b c", "a b c");
        assert_eq!(shifted.pairs, [[0, 0], [2, 1], [3, 2], [4, 3], [5, 4]]);
        assert_eq!(shifted.labels[1], "a");
    }

    #[test]
    fn other_sentences_have_no_partners() {
        let found = of("a b c d e", "v w x y z");
        assert_eq!(found.pairs, [[0, 0], [6, 6]], "the template alone");
        assert!(found.is_empty());
        assert!(of("", "a").is_empty() && !of("", "").is_empty());
        assert!(!of("a", "b").is_empty(), "one word for another");
        let none = Pairing::new(&Tokens::default(), &tokens("a"), &Cancel::new()).unwrap();
        assert!(none.pairs.is_empty() && none.is_empty());
    }
}
