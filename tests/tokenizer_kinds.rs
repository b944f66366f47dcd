//! Every kind of tokenizer against Python's, on 1,000 odd strings each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::io::Read as _;

use embedscope::tokens::{Prompted, TextTokenizer, Tokens};
use models::fixtures;
use serde_json::Value;
use tokenizers::Tokenizer;

/// The kinds, each with the text that it splits into sub-words and how they join.
const KINDS: [&str; 11] = [
    "byte_bpe",
    "byte_bpe_digits",
    "byte_bpe_nfc",
    "byte_bpe_split",
    "byte_fallback",
    "byte_fallback_prefix",
    "unigram",
    "unigram_lower",
    "unigram_strip",
    "unigram_t5",
    "wordpiece",
];

const PLENTY: usize = 1 << 20;

fn expected(kind: &str) -> Value {
    let path = fixtures().join(format!("tokenizer/{kind}.json.gz"));
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

fn tokenizer(expected: &Value, limit: usize) -> TextTokenizer {
    let path = fixtures().join(expected["tokenizer"].as_str().unwrap());
    let inner = Tokenizer::from_file(&path).unwrap();
    TextTokenizer::new(inner, "tokenizer.json", limit, false, None).unwrap()
}

fn tokens(tokenizer: &TextTokenizer, text: &str) -> Tokens {
    let input = Prompted { prompt: "", text };
    tokenizer.tokens(input).unwrap()
}

/// The strings of one kind, with what Python makes of them.
fn cases(expected: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let cases = expected["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1000);
    cases.iter().map(|c| (c["text"].as_str().unwrap(), c))
}

/// What holds for every text.
fn check(tokens: &Tokens) {
    let text = &tokens.text;
    let mut start = 0;
    for t in 0..tokens.len() {
        let (from, to) = tokens.offsets[t];
        assert!(text.get(from..to).is_some(), "{from}..{to} of {text:?}");
        if tokens.special[t] {
            assert_eq!((from, to), (0, 0));
            assert_eq!(tokens.words[t], None);
        } else {
            assert!(from >= start, "{:?} of {text:?}", tokens.offsets);
            start = from;
            assert!(tokens.words[t].is_some());
        }
    }
    let words: Vec<u32> = tokens.words.iter().flatten().copied().collect();
    let next = |w: &[u32]| w[1] == w[0] || w[1] == w[0] + 1;
    assert!(words.windows(2).all(next), "{words:?} of {text:?}");
    assert!(text.get(tokens.cut()).is_some());
}

#[test]
fn every_kind_gives_the_ids_and_offsets_that_python_gives() {
    for kind in KINDS {
        let expected = expected(kind);
        let tokenizer = tokenizer(&expected, PLENTY);
        let mut off = Vec::new();
        for (text, case) in cases(&expected) {
            let tokens = tokens(&tokenizer, text);
            check(&tokens);
            assert_eq!(serde_json::json!(tokens.ids), case["ids"], "{kind}: {text:?}");
            if serde_json::json!(tokens.offsets) != case["offsets"] {
                off.push(format!("{text:?}: {:?} {}", tokens.offsets, case["offsets"]));
            }
        }
        let first = off.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(off.is_empty(), "{kind}: {} offsets\n{first}", off.len());
    }
}

#[test]
fn what_is_cut_is_the_end_of_the_text() {
    for kind in KINDS {
        let expected = expected(kind);
        let whole = tokenizer(&expected, PLENTY);
        let short = tokenizer(&expected, 6);
        for (text, _) in cases(&expected) {
            let (all, kept) = (tokens(&whole, text), tokens(&short, text));
            check(&kept);
            assert_eq!(kept.len() + kept.dropped, all.len(), "{kind}: {text:?}");
            let special = |t: &Tokens| t.special.iter().filter(|s| **s).count();
            assert_eq!(special(&kept), special(&all), "{kind}: {text:?}");
            let read = |t: &&(usize, usize)| t.1 > 0;
            let last = kept.offsets.iter().filter(read).map(|o| o.1).max();
            match kept.dropped {
                0 => assert!(kept.cut().is_empty()),
                _ => assert_eq!(kept.cut(), last.unwrap_or(0)..text.len()),
            }
        }
    }
}
