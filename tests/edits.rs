//! Edits of texts, and the search for the fewest, with no model at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;

use embedscope::analysis::edits::search::{Edits, Goal, Limits, search};
use embedscope::analysis::edits::{Edit, EditError, Kind, Mark, Offer, Splice, apply, propose};
use embedscope::model::Prompt;

fn offer() -> Offer {
    let named = |name: &str, words: &str| (name.to_owned(), words.to_owned());
    Offer {
        mask: Some("[MASK]".to_owned()),
        prompt: String::new(),
        prompts: vec![named("query", "query: "), named("passage", "passage: ")],
    }
}

/// What each edit of a kind makes of a text.
fn made(text: &str, kind: Kind) -> Vec<String> {
    let edits = propose(text, &offer(), &[kind]);
    let text = |edit| apply(text, &[edit]).unwrap().text();
    edits.iter().map(text).collect()
}

#[test]
fn each_kind_makes_the_texts_that_it_names() {
    let text = "Book a cheap, quiet hotel for 3 nights.";
    let wanted: [(Kind, &[&str]); 7] = [
        (
            Kind::Delete,
            &[
                "a cheap, quiet hotel for 3 nights.",
                "Book cheap, quiet hotel for 3 nights.",
                "Book a, quiet hotel for 3 nights.",
                "Book a cheap, hotel for 3 nights.",
                "Book a cheap, quiet for 3 nights.",
                "Book a cheap, quiet hotel 3 nights.",
                "Book a cheap, quiet hotel for nights.",
                "Book a cheap, quiet hotel for 3.",
            ],
        ),
        (Kind::Number, &["Book a cheap, quiet hotel for 4 nights."]),
        (
            Kind::Case,
            &[
                "book a cheap, quiet hotel for 3 nights.",
                "BOOK A CHEAP, QUIET HOTEL FOR 3 NIGHTS.",
                "Book A Cheap, Quiet Hotel For 3 Nights.",
            ],
        ),
        (
            Kind::Punctuation,
            &["Book a cheap quiet hotel for 3 nights"],
        ),
        (
            Kind::Negate,
            &["It is not true that Book a cheap, quiet hotel for 3 nights."],
        ),
        (
            Kind::Swap,
            &[
                "Nights a cheap, quiet hotel for 3 book.",
                "Cheap a book, quiet hotel for 3 nights.",
                "Book a quiet, cheap hotel for 3 nights.",
                "Book a cheap, hotel quiet for 3 nights.",
                "Book a cheap, quiet 3 for hotel nights.",
                "Book a cheap, quiet hotel for nights 3.",
            ],
        ),
        (Kind::Prompt, &[text, text]),
    ];
    for (kind, wanted) in wanted {
        assert_eq!(made(text, kind), wanted, "{kind:?}");
    }
    let masks = made(text, Kind::MaskToken);
    assert_eq!(masks[2], "Book a [MASK], quiet hotel for 3 nights.");
    assert_eq!(made("Who won in 2020? 10% did", Kind::Number).len(), 2);
    assert_eq!(made("10% off", Kind::Number), ["90% off"]);
}

#[test]
fn who_did_what_to_whom_is_swapped() {
    let swaps = made("The cat bit the dog", Kind::Swap);
    assert_eq!(swaps[0], "The dog bit the cat");
    assert!(made("Cats chase mice", Kind::Swap).contains(&"Mice chase cats".to_owned()));
    assert!(made("the cat and the cat", Kind::Swap).is_empty());
}

#[test]
fn odd_texts_offer_what_can_be_applied_and_no_more() {
    let long: Vec<String> = (0..500).map(|i| format!("word{i}")).collect();
    let long = long.join(" ");
    let texts = [
        "",
        " ",
        "cat",
        "👍",
        "👩‍👧 ok 👍🏽!",
        "猫が好き。",
        "مرحبا، يا عالم",
        "שלום עולם!",
        "  two   spaces  ",
        "[MASK] [CLS]",
        "query: what is it",
        "e\u{301}te\u{301}",
        "İstanbul ß ﬁ",
        "…!?",
        "\u{301}",
        "a\tb\u{a0}c",
        &long,
    ];
    for text in texts {
        let edits = propose(text, &offer(), &Kind::PROPOSED);
        for edit in &edits {
            let draft = apply(text, &[edit]).unwrap_or_else(|e| panic!("{text:?} {edit:?}: {e}"));
            let of = |gone: Mark| -> String {
                let kept = draft.pieces.iter().filter(|piece| piece.mark != gone);
                kept.map(|piece| piece.text.as_str()).collect()
            };
            let new = draft.text();
            assert_eq!(of(Mark::Removed), new);
            let hidden = draft.hidden();
            assert!(hidden.iter().all(|range| new.get(range.clone()).is_some()));
            let changes = new != text || !hidden.is_empty() || draft.prompt.is_some();
            assert!(changes, "{edit:?} changes nothing of {text:?}");
            assert!(!edit.title(text).is_empty());
        }
        // Any two either work together or say that they do not.
        for pair in edits.windows(2).take(100) {
            let _ = apply(text, &[&pair[0], &pair[1]]);
        }
    }
    let count = |kind| propose(&long, &offer(), &[kind]).len();
    assert_eq!((count(Kind::Delete), count(Kind::Mask)), (500, 500));
    assert!(count(Kind::Swap) <= 500);
    let nothing = propose("", &Offer::default(), &Kind::PROPOSED);
    assert!(nothing.is_empty(), "{nothing:?}");
    assert_eq!(made("👍", Kind::Delete), [""]);
    assert_eq!(made("猫が好き。", Kind::Delete)[0], "が好き。");
    assert_eq!(
        made("  two   spaces  ", Kind::Delete),
        ["  spaces  ", "  two"]
    );
}

#[test]
fn a_prompt_is_offered_dropped_and_found_where_it_was_typed() {
    let named = |name: &str| Edit::Prompt(Prompt::Named(name.to_owned()));
    let plain = propose("what is it", &offer(), &[Kind::Prompt]);
    assert_eq!(plain, [named("query"), named("passage")]);
    let prompted = Offer {
        prompt: "query: ".to_owned(),
        ..offer()
    };
    let now = propose("what is it", &prompted, &[Kind::Prompt]);
    assert_eq!(now, [Edit::Prompt(Prompt::None), named("passage")]);
    let typed = propose("query: what", &offer(), &[Kind::Prompt]);
    assert_eq!(typed.last(), Some(&Edit::TypedPrompt(0..7)));
    assert_eq!(made("query: what", Kind::Prompt).last().unwrap(), "what");
}

#[test]
fn edits_work_together_unless_they_want_the_same_words() {
    let text = "The cheap hotel is here.";
    let delete = |range| Edit::Delete(range);
    let (cheap, hotel) = (delete(4..9), delete(10..15));
    let negate = &propose(text, &offer(), &[Kind::Negate])[0];
    let draft = apply(text, &[&cheap, &hotel, negate]).unwrap();
    assert_eq!(draft.text(), "The is not here.");
    // The order in which they are named does not matter.
    assert_eq!(apply(text, &[negate, &hotel, &cheap]).unwrap(), draft);
    assert_eq!(
        apply(text, &[&cheap, &Edit::Mask(4..9)]),
        Err(EditError::Clash)
    );
    let cases = propose(text, &offer(), &[Kind::Case]);
    assert_eq!(apply(text, &[&cases[0], &cases[1]]), Err(EditError::Clash));
    let token = Edit::MaskToken(Splice {
        range: 4..9,
        with: "[MASK]".to_owned(),
    });
    let draft = apply(text, &[&token, &cases[0], &Edit::Punctuation]).unwrap();
    assert_eq!(draft.text(), "the [MASK] hotel is here");
    let hidden = apply(text, &[&Edit::Mask(10..15), &cheap]).unwrap();
    assert_eq!(hidden.text(), "The hotel is here.");
    assert_eq!(hidden.hidden().first(), Some(&(4..9)));
    let last = apply("one two three", &[&delete(4..7), &delete(8..13)]).unwrap();
    assert_eq!(last.text(), "one");
    assert_eq!(apply("é", &[&delete(0..1)]), Err(EditError::Outside));
    assert_eq!(apply("a", &[&delete(0..9)]), Err(EditError::Outside));
    let free = Edit::Free("The dear hotel is here.".to_owned());
    let draft = apply(text, &[&free]).unwrap();
    let marks: Vec<(&str, Mark)> = draft.pieces.iter().map(|p| (&*p.text, p.mark)).collect();
    let wanted = [
        ("The ", Mark::Kept),
        ("cheap ", Mark::Removed),
        ("dear ", Mark::Inserted),
        ("hotel is here.", Mark::Kept),
    ];
    assert_eq!(marks, wanted);
    assert_eq!(apply(text, &[&free, &cheap]), Err(EditError::Clash));
}

/// Edits that each move a score of 1 by so much; neighbours get in each other's way.
struct Planted {
    moves: Vec<f64>,
    asked: Vec<Vec<usize>>,
}

impl Edits for Planted {
    type Error = Infallible;

    fn count(&self) -> usize {
        self.moves.len()
    }

    fn go_together(&self, edits: &[usize]) -> bool {
        edits.windows(2).all(|pair| pair[1] > pair[0] + 1)
    }

    fn size(&self, edit: usize) -> usize {
        edit
    }

    fn scores(&mut self, sets: &[Vec<usize>]) -> Result<Vec<f64>, Infallible> {
        self.asked.extend_from_slice(sets);
        let score = |set: &Vec<usize>| 1. + set.iter().map(|&e| self.moves[e]).sum::<f64>();
        Ok(sets.iter().map(score).collect())
    }
}

fn planted(moves: &[f64]) -> Planted {
    Planted {
        moves: moves.to_vec(),
        asked: Vec::new(),
    }
}

#[test]
fn the_search_finds_the_fewest_and_the_smallest() {
    let moves = [0., -0.2, -0.3, -0.1, -0.25, 0.1];
    let limits = Limits::default();
    let found = |goal, limits| {
        let mut edits = planted(&moves);
        let out = search(&mut edits, goal, limits).unwrap();
        assert_eq!(out.runs, edits.asked.len());
        assert!(out.runs <= limits.runs);
        out
    };
    // One is enough; of two that cross the smaller is told.
    let one = found(Goal::Below(0.78), limits);
    assert_eq!(one.found.unwrap().edits, [2]);
    assert!(one.singles && one.runs == 6 && !one.spent);
    let two = found(Goal::Below(0.5), limits);
    assert_eq!(two.found.unwrap().edits, [2, 4]);
    // 1 with 4 reaches 0.55 as well.
    assert_eq!(
        found(Goal::Below(0.56), limits).found.unwrap().edits,
        [1, 4]
    );
    let above = found(Goal::across(1., 1.05), limits);
    assert_eq!(above.found.unwrap().edits, [5]);
    let none = found(Goal::Below(0.), limits);
    assert_eq!((none.found, none.spent), (None, false));
    assert_eq!(none.nearest.unwrap().edits, [2, 4], "0 adds nothing");
    let few = found(Goal::Below(0.), Limits { runs: 3, ..limits });
    assert!(few.spent && !few.singles && few.found.is_none());
    assert_eq!(few.runs, 3);
    let empty = search(&mut planted(&[]), Goal::Above(1.), limits).unwrap();
    assert_eq!((empty.found, empty.nearest, empty.runs), (None, None, 0));
    // Beyond the budget nothing is asked, not even of a thousand edits.
    let mut many = planted(&vec![-0.001; 1000]);
    let out = search(&mut many, Goal::Below(0.), limits).unwrap();
    assert_eq!((out.runs, out.singles), (400, false));
}

#[test]
fn the_threshold_itself_is_not_across() {
    assert!(!Goal::Below(0.5).is_met(0.5) && Goal::Below(0.5).is_met(0.49));
    assert!(!Goal::Above(0.5).is_met(f64::NAN));
    assert_eq!(Goal::across(0.7, 0.6), Goal::Below(0.6));
    assert_eq!(Goal::across(0.5, 0.6), Goal::Above(0.6));
}
