//! Every kind of tokenizer against Python's, on 1,000 odd strings each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::io::Read as _;
use std::path::Path;

use embedscope::analysis::similarity::words::Words;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Model, ModelRef};
use embedscope::tokens::{Prompted, Spelling, TextTokenizer, Tokens, Trail};
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
            assert_eq!(
                serde_json::json!(tokens.ids),
                case["ids"],
                "{kind}: {text:?}"
            );
            if serde_json::json!(tokens.offsets) != case["offsets"] {
                off.push(format!(
                    "{text:?}: {:?} {}",
                    tokens.offsets, case["offsets"]
                ));
            }
        }
        let first = off.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(off.is_empty(), "{kind}: {} offsets\n{first}", off.len());
    }
}

/// The tokenizers that are made of vocab.json and merges.txt. Their models read so many tokens at most.
const OF_FILES: [&str; 2] = ["byte_bpe_files", "byte_bpe_gpt2"];
const ROWS: usize = 128;

/// The model in a folder, reading as many tokens as it has positions.
fn unlimited(folder: &Path) -> Model {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let from = entry.unwrap().path();
        if from.is_file() {
            std::fs::copy(&from, to.path().join(from.file_name().unwrap())).unwrap();
        }
    }
    std::fs::remove_file(to.path().join("modules.json")).unwrap();
    std::fs::remove_file(to.path().join("sentence_bert_config.json")).unwrap();
    let reference = ModelRef::Folder(to.path().into());
    models::load(&reference, &SourceOptions::from_env()).unwrap()
}

#[test]
fn vocab_json_and_merges_txt_give_the_ids_and_offsets_that_python_gives() {
    for kind in OF_FILES {
        let expected = expected(kind);
        let folder = fixtures().join(expected["tokenizer"].as_str().unwrap());
        assert!(!folder.join("tokenizer.json").exists());
        let model = unlimited(&folder);
        assert_eq!(model.tokenizer.limit(), ROWS);
        let mut whole = 0;
        for (text, case) in cases(&expected) {
            let tokens = tokens(&model.tokenizer, text);
            check(&tokens);
            let theirs: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            let offsets: Vec<(usize, usize)> =
                serde_json::from_value(case["offsets"].clone()).unwrap();
            assert_eq!(
                tokens.len() + tokens.dropped,
                theirs.len(),
                "{kind}: {text:?}"
            );
            // What is cut stands before the closing token.
            let closing = usize::from(tokens.special.last() == Some(&true) && tokens.len() > 1);
            let kept = tokens.len() - closing;
            let end = theirs.len() - closing;
            let ids = [&theirs[..kept], &theirs[end..]].concat();
            assert_eq!(tokens.ids, ids, "{kind}: {text:?}");
            let offsets = [&offsets[..kept], &offsets[end..]].concat();
            assert_eq!(tokens.offsets, offsets, "{kind}: {text:?}");
            whole += usize::from(tokens.dropped == 0);
        }
        assert!(whole > 950, "{kind}: only {whole} strings are read whole");
    }
}

#[test]
fn a_tokenizer_of_files_that_do_not_fit_is_refused() {
    let from = fixtures().join("families/roberta_files");
    let with = |file: &str, text: &str| {
        let to = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(&from).unwrap() {
            let from = entry.unwrap().path();
            if from.is_file() && from.file_name().unwrap() != "modules.json" {
                std::fs::copy(&from, to.path().join(from.file_name().unwrap())).unwrap();
            }
        }
        std::fs::write(to.path().join(file), text).unwrap();
        let reference = ModelRef::Folder(to.path().into());
        models::load(&reference, &SourceOptions::from_env())
            .err()
            .unwrap()
    };
    let decoder = r#"{"added_tokens_decoder": {"7": {"content": "<mask>", "special": true}}}"#;
    let cases = [
        ("vocab.json", "[]", "vocab.json"),
        ("vocab.json", r#"{"a": "b"}"#, "`a`"),
        ("merges.txt", "a b\na b c\n", "line 2"),
        ("merges.txt", "q zzz\n", "merges.txt"),
        (
            "tokenizer_config.json",
            r#"{"tokenizer_class": "Qwen2Tokenizer"}"#,
            "Qwen2Tokenizer",
        ),
        ("tokenizer_config.json", decoder, "added_tokens_decoder"),
    ];
    for (file, text, said) in cases {
        let error = with(file, text);
        assert!(error.contains(said), "{file} {text}: {error}");
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

/// The derivation of every part of a text ends in the tokens that the tokenizer gives.
#[test]
fn how_a_word_came_about_ends_in_its_tokens() {
    for kind in KINDS {
        let expected = expected(kind);
        let tokenizer = tokenizer(&expected, PLENTY);
        let mut trails = 0;
        for (text, _) in cases(&expected) {
            let tokens = tokens(&tokenizer, text);
            let real = (0..tokens.len()).filter(|&t| !tokens.special[t]);
            let real: Vec<u32> = real.map(|t| tokens.ids[t]).collect();
            let mut found = Vec::new();
            for part in &tokens.pre_tokens {
                let spelling = tokenizer.spelling(part).unwrap();
                trails += usize::from(holds(&spelling));
                found.extend(spelling.pieces.iter().map(|s| s.id));
            }
            assert_eq!(found, real, "{kind}: {text:?} {:?}", tokens.pre_tokens);
        }
        assert!(trails > 900, "{kind}: {trails}");
    }
}

/// Whether a trail holds together; true where there is one.
fn holds(spelling: &Spelling) -> bool {
    let pieces = || spelling.pieces.iter().map(|s| s.piece.clone());
    match &spelling.trail {
        Trail::Added | Trail::Whole => return false,
        Trail::Merges { merges, start } => {
            let states = spelling.states();
            assert_eq!(states.len(), merges.len() + 1);
            assert_eq!(states[0].len(), start.len());
            assert!(pieces().eq(states.last().unwrap().iter().cloned()));
            for (merge, pair) in merges.iter().zip(states.windows(2)) {
                assert_eq!(pair[0].len(), pair[1].len() + 1);
                assert_eq!(merge.made.piece, format!("{}{}", merge.left, merge.right));
            }
            for k in 0..spelling.pieces.len() {
                let one = spelling.of_pieces(k..k + 1);
                let states = one.states();
                assert_eq!(states.last().unwrap(), &[spelling.pieces[k].piece.clone()]);
            }
        }
        Trail::Matches(matches) => {
            let found: Option<Vec<String>> = matches.iter().map(|m| m.found.clone()).collect();
            match found {
                Some(found) if !matches.is_empty() => assert!(pieces().eq(found)),
                _ => assert_eq!(spelling.pieces.len(), 1),
            }
        }
        Trail::Paths(paths) => {
            for path in paths {
                let sum = path.pieces.iter().fold(0., |sum, (_, score)| score + sum);
                assert_eq!(sum, path.sum);
                let whole: String = path
                    .pieces
                    .iter()
                    .map(|(piece, _)| piece.as_str())
                    .collect();
                assert_eq!(whole, spelling.text);
            }
            assert!(paths.windows(2).all(|two| two[0].sum >= two[1].sum));
            assert!(paths.windows(2).all(|two| two[0].pieces != two[1].pieces));
        }
    }
    true
}

#[test]
fn steps_one_by_one_end_where_all_of_them_end() {
    for kind in KINDS {
        let expected = expected(kind);
        let tokenizer = tokenizer(&expected, PLENTY);
        for (text, _) in cases(&expected) {
            let tokens = tokens(&tokenizer, text);
            let stages = tokenizer.stages(text).unwrap();
            let after = stages.normalizers.last().map_or(text, |step| &step.after);
            assert_eq!(after, tokens.normalized, "{kind}: {text:?}");
            if let Some(last) = stages.splits.last() {
                assert_eq!(last.parts, tokens.pre_tokens, "{kind}: {text:?}");
            }
            for step in stages.normalizers {
                assert!(!step.name.is_empty() && !step.does.is_empty());
                for change in step.changes {
                    assert_eq!(step.after[change.at], change.after);
                }
            }
        }
    }
}

#[test]
fn words_are_those_that_a_person_would_count() {
    for kind in KINDS {
        let expected = expected(kind);
        let tokenizer = tokenizer(&expected, PLENTY);
        let tokens = tokens(&tokenizer, "the cat sat unhappily");
        let words: Vec<String> = Words::new(&tokens).labels;
        let plain: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| ["the", "cat", "sat", "unhappily"].contains(word))
            .collect();
        assert_eq!(
            plain,
            ["the", "cat", "sat", "unhappily"],
            "{kind}: {words:?}"
        );
    }
}

#[test]
fn labels_can_be_read() {
    let label = |kind: &str, text: &str| {
        let tokens = tokens(&tokenizer(&expected(kind), PLENTY), text);
        let real = (0..tokens.len()).filter(|&t| !tokens.special[t]);
        real.map(|t| tokens.labels[t].clone()).collect::<String>()
    };
    for kind in KINDS {
        let label = label(kind, "the cat sat");
        let read = label.replace('␣', " ").replace("##", "");
        let read = read.trim();
        assert!(
            read == "the cat sat" || read == "thecatsat",
            "{kind}: {label}"
        );
    }
    assert_eq!(label("byte_bpe", "a 한"), "a␣⟨ED⟩⟨95⟩⟨9C⟩");
    assert_eq!(label("byte_fallback", "a 한"), "a␣⟨ED⟩⟨95⟩⟨9C⟩");
    assert_eq!(label("byte_bpe", "<mask>"), "<mask>");
}

/// Where the template only adds a closing token, nothing of the text is taken for it.
#[test]
fn a_prompt_is_counted_where_only_the_end_is_marked() {
    let expected = expected("byte_bpe_split");
    let tokenizer = tokenizer(&expected, PLENTY);
    let (prompt, text) = ("Instruct: find\nQuery:", "the cat");
    let tokens = tokenizer.tokens(Prompted { prompt, text }).unwrap();
    let alone = tokenizer
        .tokens(Prompted {
            prompt: "",
            text: prompt,
        })
        .unwrap();
    assert_eq!(tokens.prompt_tokens, alone.len() - 1);
    assert_eq!(
        tokens.ids[..tokens.prompt_tokens],
        alone.ids[..alone.len() - 1]
    );
    assert!(tokens.offsets[tokens.prompt_tokens - 1].1 <= tokens.prompt_bytes);
    assert!(tokens.offsets[tokens.prompt_tokens].0 >= tokens.prompt_bytes);
    assert!(tokens.special[tokens.len() - 1]);
}

#[test]
fn the_last_token_is_the_last_real_one() {
    use embedscope::cancel::Cancel;
    use embedscope::model::source::SourceOptions;
    use embedscope::model::{Detail, ModelRef, Prompt};
    use embedscope::trace::PoolingMode;
    use embedscope::trace::site::Site;

    let folder = fixtures().join("families/qwen3");
    let config = std::fs::read_to_string(folder.join("tokenizer_config.json")).unwrap();
    let model = models::load(&ModelRef::Folder(folder), &SourceOptions::from_env()).unwrap();
    for text in ["the cat sat", "the", ""] {
        let trace = model.trace(text, &Prompt::None, Detail::Outline, &Cancel::new());
        let trace = trace.unwrap();
        // Nothing is padded, so it does not matter on which side.
        assert!(
            !trace.tokens.ids[..trace.tokens.len() - 1].contains(trace.tokens.ids.last().unwrap())
        );
        let out = trace.final_out().unwrap();
        let size = out.size(1);
        let pooled = trace.values(Site::Pooled(PoolingMode::LastToken)).unwrap();
        assert_eq!(
            pooled.flat()[..],
            out.flat()[(trace.tokens.len() - 1) * size..]
        );
    }
    assert!(config.contains("padding_side"), "{config}");
}
