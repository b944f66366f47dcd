//! Ids, pieces and byte offsets against Python's tokenizers, on odd input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use embedscope::model::Prompt;
use models::{fixtures, minilm};
use serde_json::Value;

#[test]
fn odd_strings_become_the_tokens_that_python_makes() {
    let Some(model) = minilm() else { return };
    let path = fixtures().join("tokenizer/minilm.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["limit"], model.tokenizer.limit());
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 150);
    for case in cases {
        let text = match case["text"].as_str() {
            Some(text) => text.to_owned(),
            None => {
                let times = case["times"].as_u64().unwrap();
                case["repeat"].as_str().unwrap().repeat(times as usize)
            }
        };
        let tokens = model.tokens(&text, &Prompt::Own).unwrap();
        let start: String = text.chars().take(40).collect();
        assert_eq!(
            serde_json::json!(tokens.ids),
            case["ids"],
            "ids of {start:?}"
        );
        assert_eq!(
            serde_json::json!(tokens.pieces),
            case["pieces"],
            "pieces of {start:?}"
        );
        assert_eq!(
            serde_json::json!(tokens.offsets),
            case["offsets"],
            "offsets of {start:?}"
        );
        assert_eq!(
            serde_json::json!(tokens.special),
            case["special"],
            "special of {start:?}"
        );
        assert_eq!(
            serde_json::json!(tokens.words),
            case["words"],
            "words of {start:?}"
        );
        assert_eq!(tokens.dropped, case["dropped"], "dropped of {start:?}");
        for &(from, to) in &tokens.offsets {
            assert!(
                tokens.text.get(from..to).is_some(),
                "{from}..{to} cuts a character of {start:?}"
            );
        }
        assert!(
            tokens.text.get(tokens.cut()).is_some(),
            "the cut of {start:?} is no text"
        );
    }
}

#[test]
fn a_known_sentence_has_its_known_pieces() {
    let Some(model) = minilm() else { return };
    let tokens = model.tokens("The cat sat unhappily", &Prompt::Own).unwrap();
    assert_eq!(
        tokens.ids,
        [101, 1996, 4937, 2938, 4895, 3270, 9397, 6588, 102]
    );
    let pieces = [
        "[CLS]", "the", "cat", "sat", "un", "##ha", "##pp", "##ily", "[SEP]",
    ];
    assert_eq!(tokens.pieces, pieces);
    assert_eq!(
        &tokens.text[tokens.offsets[7].0..tokens.offsets[7].1],
        "ily"
    );
    assert_eq!(
        tokens.words,
        [
            None,
            Some(0),
            Some(1),
            Some(2),
            Some(3),
            Some(3),
            Some(3),
            Some(3),
            None
        ]
    );
}
