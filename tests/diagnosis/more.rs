//! Twenty cases for each card and twenty against it: those written out in cases.rs and in
//! tests/fixtures/cards.tsv (card, + or -, two texts), and for what is mechanical made ones.

use embedscope::model::Prompt;
use embedscope::trace::PoolingMode;

use super::cases::{self, Cases, LONG};
use super::{Pair, pair};

const WRITTEN: &str = include_str!("../fixtures/cards.tsv");
/// Pairs of every kind, for cards on the recipe, which do not look at words.
const NEUTRAL: &str = include_str!("../../assets/faithfulness.tsv");

/// Cards that read a number off: they have no excuse.
pub const MECHANICAL: [&str; 9] = [
    "truncated",
    "pooling_mismatch",
    "not_normalized",
    "prompt_missing",
    "unknown_tokens",
    "pad_tokens",
    "equal_ids",
    "case_whitespace",
    "same_order",
];

/// In the order of the cards.
pub fn all() -> Vec<Cases> {
    let mut all = cases::all();
    for (id, positive, negative) in &mut all {
        for (sign, list) in [("+", &mut *positive), ("-", &mut *negative)] {
            list.extend(written(id, sign));
        }
        let (more, fewer) = made(id);
        positive.extend(more);
        negative.extend(fewer);
    }
    all
}

fn written(id: &str, sign: &str) -> Vec<Pair> {
    let rows = WRITTEN.lines().map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [card, sign, a, b] = columns[..] else {
            panic!("{line} has not four columns");
        };
        (card, sign, a, b)
    });
    let own = rows.filter(|(card, of, ..)| (*card, *of) == (id, sign));
    own.map(|(_, _, a, b)| pair(a, b)).collect()
}

fn neutral(count: usize) -> Vec<Pair> {
    let lines = NEUTRAL.lines().step_by(100 / count).take(count);
    lines
        .map(|line| {
            let (a, b) = line.split_once('\t').unwrap();
            pair(a, b)
        })
        .collect()
}

/// `count` words of the tiny models' vocabulary.
fn words(count: usize, from: usize) -> String {
    const WORDS: [&str; 7] = ["the", "cat", "dog", "sat", "on", "mat", "bit"];
    let all = (0..count).map(|i| WORDS[(from + i * (1 + from % 5)) % WORDS.len()]);
    all.collect::<Vec<_>>().join(" ")
}

/// `count` pairs of the tiny model `plain`.
fn tiny(count: usize, make: impl Fn(usize) -> (String, String)) -> Vec<Pair> {
    let one = |i| {
        let (a, b) = make(i);
        pair(&a, &b).of("plain")
    };
    (0..count).map(one).collect()
}

fn made(id: &str) -> (Vec<Pair>, Vec<Pair>) {
    match id {
        // The tiny model reads ten tokens of a text.
        "truncated" => (
            tiny(16, |i| (words(11 + i, i), words(i % 12, i + 3))),
            tiny(16, |i| (words(10 - i % 4, i), words(1 + i % 10, i + 3))),
        ),
        "unknown_tokens" => (
            tiny(16, |i| {
                let odd = ["🦄", "ж", "±", "猫"][i % 4];
                (format!("{} {odd}", words(1 + i % 8, i)), words(3, i))
            }),
            tiny(16, |i| match i % 2 {
                // One of ten is not more than a tenth.
                0 => (format!("{} ж", words(9, i)), words(4, i)),
                _ => (words(1 + i % 9, i), words(4, i)),
            }),
        ),
        "pad_tokens" => (
            tiny(20, |i| match i % 3 {
                0 => (format!("[PAD] {}", words(1 + i % 6, i)), words(3, i)),
                1 => (words(3, i), format!("{} [PAD][PAD]", words(1 + i % 6, i))),
                _ => (
                    format!("{} [PAD] cat", words(1 + i % 4, i)),
                    "[PAD]".to_owned(),
                ),
            }),
            tiny(20, |i| {
                let near = ["PAD", "[ PAD ]", "[pad]", "padding", "[MASK]"][i % 5];
                (format!("{near} {}", words(1 + i % 5, i)), words(3, i))
            }),
        ),
        "equal_ids" => (
            tiny(16, |i| {
                let text = words(2 + i % 6, i);
                let other = match i % 4 {
                    0 => text.to_uppercase(),
                    1 => text.replace(' ', "  \t "),
                    2 => format!(" {}", text.replacen('a', "á", 1)),
                    _ => format!("{text}\n"),
                };
                match other == text {
                    true => (format!("{text} "), text),
                    false => (text, other),
                }
            }),
            tiny(16, |i| {
                let text = words(2 + i % 6, i);
                match i % 3 {
                    0 => (text.clone(), text),
                    1 => (format!("{text}!"), text),
                    _ => (format!("{text} cat"), text),
                }
            }),
        ),
        "length_mismatch" => (
            LONG.iter()
                .flat_map(|(a, b)| [pair("boat", b), pair(a, "two hens"), pair("so it is", a)])
                .collect(),
            neutral(10),
        ),
        _ => of_recipe(id),
    }
}

fn of_recipe(id: &str) -> (Vec<Pair>, Vec<Pair>) {
    use PoolingMode::{Cls, LastToken, Max, Mean, MeanSqrtLenTokens, WeightedMean};
    let neutral = || neutral(20);
    let each = |change: &dyn Fn(usize, Pair) -> Pair| -> Vec<Pair> {
        let all = neutral().into_iter().enumerate();
        all.map(|(i, pair)| change(i, pair)).collect()
    };
    let same = |p: Pair| Pair {
        b: p.a.clone(),
        ..p
    };
    match id {
        "pooling_mismatch" => (
            each(&|i, p| p.pooling([Cls, Max, MeanSqrtLenTokens, WeightedMean, LastToken][i % 5])),
            each(&|i, p| if i % 2 == 0 { p.pooling(Mean) } else { p }),
        ),
        "not_normalized" => (
            each(&|i, p| if i % 2 == 0 { p.raw() } else { p.of("plain") }),
            each(&|_, p| p),
        ),
        "prompt_missing" => (
            each(&|i, p| match i % 2 {
                0 => p.of("prompt_excluded"),
                _ => p.of("relu_dense").prompt(Prompt::None),
            }),
            each(&|i, p| match i % 4 {
                0 => p
                    .of("prompt_excluded")
                    .prompt(Prompt::Named("query".into())),
                1 => p.of("relu_dense"),
                2 => p.of("plain"),
                _ => Pair {
                    a: format!("query: {}", p.a),
                    b: format!("query: {}", p.b),
                    ..p.of("prompt_excluded")
                },
            }),
        ),
        "case_whitespace" => {
            let cased = |i: usize| (words(2 + i % 7, i).replacen("cat", "Cat", 1), i);
            let text = |i: usize| match cased(i) {
                (text, i) if text == words(2 + i % 7, i) => format!("The {text}"),
                (text, _) => text,
            };
            let lower = |i: usize| text(i).to_lowercase();
            let of = |model: &'static str| {
                let all = (0..16).map(|i| pair(&text(i), &lower(i)).of(model));
                all.collect::<Vec<_>>()
            };
            let different = (0..8).map(|i| pair(&lower(i), &lower(i + 1)).of("vocab_only"));
            (
                of("vocab_only"),
                [of("plain"), different.collect()].concat(),
            )
        }
        "special_tokens" => (
            each(&|i, p| match i % 2 {
                0 => same(p).pooling(Cls),
                _ => same(p).pooling(LastToken),
            }),
            LONG.iter()
                .flat_map(|(a, b)| [pair(a, a), pair(b, b), pair(b, a)])
                .collect(),
        ),
        "high_floor" => (
            each(&|i, p| p.floor(0.35 + 0.03 * i as f64)),
            each(&|i, p| match i % 3 {
                0 => p.floor(0.2),
                1 => same(p).floor(0.25),
                _ => p,
            }),
        ),
        "rogue_dimension" => (
            each(&|i, p| same(p).truncate(1 + i % 4)),
            // Small cosines of many dimensions that cancel are the hard ones.
            each(&|_, p| p),
        ),
        _ => (Vec::new(), Vec::new()),
    }
}
