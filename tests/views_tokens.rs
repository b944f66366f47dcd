//! The Tokens, Embedding and Position panels on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/panel.rs"]
mod panel_support;

use std::sync::Arc;

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, Side};
use embedscope::model::{Model, Prompt};
use embedscope::views::{self, Panel};
use panel_support::{Bench, builder, settle, show, tiny, tiny_long};

const PANELS: [&str; 3] = ["tokens", "embedding", "position"];

fn panel(id: &str) -> &'static Panel {
    views::find(id).unwrap()
}

fn shown(id: &str, model: Arc<Model>, texts: &[&str]) -> Harness<'static, Bench> {
    show(
        builder(1000., 800., true),
        Bench::new(panel(id), model, texts),
    )
}

fn says(harness: &Harness<'_, Bench>, words: &str) -> bool {
    harness.query_all_by_label_contains(words).next().is_some()
}

/// What each panel cannot be without.
fn main_widget(id: &str) -> &'static str {
    match id {
        "tokens" => "Pieces of A",
        "embedding" => "sum, tokens × dimensions",
        _ => "Position table, learned",
    }
}

#[test]
fn unknown_words_of_any_length_end_before_the_panel_does() {
    let model = tiny_long(512);
    let long = ["z", "ж", "😀", "ש", "م", "q\u{301}", "Ⅷ"].map(|c| c.repeat(90));
    let text = format!("the {} cat", long.join(" "));
    for width in [320., 420., 700.] {
        let bench = Bench::new(panel("tokens"), model.clone(), &[&text, "the dog"]);
        let harness = show(builder(width, 900., true), bench);
        assert!(says(&harness, "[UNK] "));
        for node in harness.query_all_by_label_contains("[UNK] ") {
            let right = node.rect().right();
            assert!(right <= width - 8., "a piece at {width} ends at {right}");
        }
    }
}

#[test]
fn every_text_fits_every_width_in_both_looks() {
    let model = tiny_long(512);
    let long = "the cat sat on a mat. ".repeat(100);
    let texts = [
        "",
        "cat",
        &long,
        "東京 שלום عربى 😀 e\u{301} \u{200b}\t?",
        "unhappily ".trim(),
    ];
    for id in PANELS {
        for text in texts {
            for (width, dark) in [(320., true), (320., false), (1000., true), (1000., false)] {
                let bench = Bench::new(panel(id), model.clone(), &[text, "the dog"]);
                let harness = show(builder(width, 700., dark), bench);
                let rect = harness.get_by_label(main_widget(id)).rect();
                assert!(rect.width() > 20., "{id} {width}: {rect:?}");
                assert!(
                    rect.right() <= width,
                    "{id} of {text:.20} at {width}: {rect:?}"
                );
            }
        }
    }
}

#[test]
fn states_without_a_current_trace_say_so() {
    for id in PANELS {
        let new = || Bench::new(panel(id), tiny(), &["the cat", "the dog"]);
        let harness = show(builder(320., 500., true), new().untraced());
        assert!(says(&harness, "Encoding the text"), "{id}");
        let harness = show(builder(320., 500., true), new().failed("no such luck"));
        assert!(says(&harness, "could not be encoded: no such luck"), "{id}");
        let harness = show(builder(320., 500., false), new().stale());
        harness.get_by_label(main_widget(id));
    }
    let harness = show(
        builder(320., 500., true),
        Bench::new(panel("tokens"), tiny(), &["a"]).stale(),
    );
    assert!(says(&harness, "being updated"));
}

#[test]
fn rows_tell_ids_words_bytes_and_kinds() {
    let model = tiny();
    let harness = shown("tokens", model.clone(), &["The Unhappily z", "the cat"]);
    let tokens = model
        .tokens("The Unhappily z", &Default::default())
        .unwrap();
    let id = |piece: &str| tokens.ids[tokens.pieces.iter().position(|p| p == piece).unwrap()];
    harness.get_by_label(&format!(
        "# 1, piece the, id {}, word 0, bytes 0–3, text The",
        id("the")
    ));
    harness.get_by_label(&format!(
        "# 3, piece ##ha, id {}, word 1, bytes 6–8, text ha",
        id("##ha")
    ));
    let unknown = format!(
        "piece [UNK], id {}, word 2, bytes 14–15, text z, kind unknown",
        id("[UNK]")
    );
    assert!(says(&harness, &unknown));
    assert!(says(&harness, "piece [CLS], id 2, text none, kind special"));
    // In the strip an unknown token shows what it hides.
    harness.get_by_label("[UNK] z");
    assert!(says(&harness, "Changed: T → t   U → u"));
    assert!(
        says(&harness, "10 of 12 tokens")
            || says(&harness, &format!("{} of 12 tokens", tokens.len()))
    );
}

#[test]
fn the_prompt_is_told_apart() {
    let mut bench = Bench::new(panel("tokens"), tiny(), &["the cat", "dog"]);
    bench.state.prompt = Prompt::Text("query: ".to_owned());
    bench.trace();
    let harness = show(builder(1000., 800., true), bench);
    assert!(says(&harness, "blue: the prompt"));
    // [CLS], `query` and `:`.
    assert!(says(&harness, "3 in the prompt"));
    let tsv = harness.state().tsv().unwrap();
    let kinds: Vec<&str> = tsv
        .lines()
        .skip(1)
        .filter_map(|row| row.split('\t').nth(7))
        .collect();
    assert_eq!(kinds, ["special", "prompt", "prompt", "", "", "special"]);
}

#[test]
fn what_was_cut_is_shown_and_counted() {
    let text = "the cat sat on the mat the dog bit the cat on the mat";
    let tokens = tiny().tokens(text, &Default::default()).unwrap();
    assert!(tokens.dropped > 0);
    let harness = shown("tokens", tiny(), &[text, "the"]);
    assert!(says(&harness, &format!("{} tokens", tokens.dropped)));
    harness.get_by_label(&text[tokens.cut()]);
    let harness = shown("tokens", tiny(), &["the cat", "the"]);
    assert!(!says(&harness, "beyond the limit"));
}

#[test]
fn texts_that_differ_say_where() {
    let harness = shown("tokens", tiny(), &["the cat sat", "the dog sat on"]);
    harness.get_by_label("Pieces of B");
    assert!(says(&harness, "(1 in A, 2 in B)"));
    let harness = shown("tokens", tiny(), &["The cat", "the cat"]);
    assert!(says(&harness, "both read the same"));
}

#[test]
fn the_other_side_can_be_viewed() {
    let mut bench = Bench::new(panel("tokens"), tiny(), &["the cat", "dog"]);
    bench.state.side = Side::B;
    let harness = show(builder(1000., 800., true), bench);
    assert!(says(&harness, "3 of 12 tokens"));
    let tsv = harness.state().tsv().unwrap();
    assert_eq!(tsv.lines().count(), 1 + 3);
    assert!(tsv.contains("\tdog\t"));
}

#[test]
fn pieces_hover_lock_and_let_go() {
    let mut harness = shown("tokens", tiny(), &["the cat sat", "a mat"]);
    let id = harness.state().state.a.unwrap();
    // The words of step 2 come first, then the piece.
    let cat = |harness: &Harness<'_, Bench>| {
        let all: Vec<_> = harness.query_all_by_label("cat").collect();
        all.last().unwrap().rect().center()
    };
    let at = cat(&harness);
    harness.hover_at(at);
    harness.step();
    harness.step();
    assert_eq!(harness.state().hovered, Focus::token(id, 2));
    let row = |harness: &Harness<'_, Bench>| {
        harness
            .query_all_by_label_contains("piece cat")
            .next()
            .unwrap()
            .click();
    };
    row(&harness);
    harness.run_steps(3);
    assert_eq!(harness.state().state.locked, Focus::token(id, 2));
    row(&harness);
    harness.run_steps(3);
    assert_eq!(harness.state().state.locked, Focus::default());
    assert!(harness.state().commands.contains(&Command::Release));
}

#[test]
fn the_table_can_be_walked_with_the_keyboard() {
    let mut harness = shown("tokens", tiny(), &["the cat sat", "a mat"]);
    harness.get_by_label("Tokens").focus();
    harness.run_steps(2);
    for (key, token) in [
        (Key::ArrowDown, 0),
        (Key::ArrowDown, 1),
        (Key::End, 4),
        (Key::ArrowUp, 3),
        (Key::PageUp, 0),
    ] {
        harness.key_press(key);
        harness.run_steps(3);
        assert_eq!(harness.state().state.locked.token, Some(token), "{key:?}");
    }
}

#[test]
fn a_long_table_costs_only_what_is_in_sight() {
    let long = "the cat sat on a mat. ".repeat(100);
    let harness = shown("embedding", tiny_long(512), &[&long, "the"]);
    let rows = harness.query_all_by_label_contains("piece ").count();
    assert!((1..80).contains(&rows), "{rows} rows of 512 are laid out");
    assert_eq!(harness.state().tsv().unwrap().lines().count(), 1 + 512);
}

#[test]
fn embeddings_account_for_themselves_and_find_their_own_row() {
    let harness = shown("embedding", tiny(), &["the cat", "a mat"]);
    assert!(says(&harness, "residual max"));
    assert!(!says(&harness, "do not explain"));
    // Nothing is focused, so the first token of the text itself is looked into.
    assert!(says(&harness, "Token 1: the"));
    assert!(says(&harness, "piece the (itself), id 5, cosine 1.000"));
    for stage in ["token", "position", "type", "sum", "embed.out"] {
        harness.get_by_label(&format!("{stage}, tokens × dimensions"));
        harness.get_by_label(&format!("{stage} of token 1"));
    }
}

#[test]
fn a_cell_of_a_map_is_a_token_and_a_dimension() {
    let mut harness = shown("embedding", tiny(), &["the cat", "a mat"]);
    let id = harness.state().state.a.unwrap();
    let map = harness.get_by_label("position, tokens × dimensions").rect();
    // No labels on this map: 4 rows of tokens, 32 columns of dimensions.
    let at = map.min + map.size() * egui::vec2(10.5 / 32., 2.5 / 4.);
    harness.hover_at(at);
    harness.run_steps(2);
    let focus = harness.state().hovered;
    assert_eq!((focus.text, focus.token), (Some(id), Some(2)));
    assert!(
        focus.dimension.is_some_and(|k| k.abs_diff(10) <= 1),
        "{focus:?}"
    );
    settle(&mut harness);
    assert!(says(&harness, "Token 2: cat"), "the token below follows");
}

#[test]
fn one_scale_can_be_given_up() {
    let mut harness = shown("embedding", tiny(), &["the cat", "a mat"]);
    assert!(says(&harness, "Colour scale summands, sum"));
    harness.get_by_label("a scale each").click();
    harness.run_steps(3);
    assert!(!says(&harness, "Colour scale summands, sum"));
    assert!(says(&harness, "Colour scale position"));
}

#[test]
fn the_whole_table_of_positions_can_be_seen() {
    let mut harness = shown("position", tiny(), &["the cat", "a mat"]);
    assert!(says(
        &harness,
        "uses positions 0–3 of 0–15 · residual max |table − embed.position| = 0"
    ));
    assert_eq!(harness.state().tsv().unwrap().lines().count(), 1 + 4);
    harness.get_by_label("whole table").click();
    harness.run_steps(2);
    settle(&mut harness);
    assert!(says(&harness, "0–3 of 0–15, marked by a bar"));
    let tsv = harness.state().tsv().unwrap();
    assert_eq!(tsv.lines().count(), 1 + 16);
    let cell = |row: usize, column: usize| -> f64 {
        tsv.lines()
            .nth(row + 1)
            .unwrap()
            .split('\t')
            .nth(column + 1)
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!((cell(7, 7) - 1.).abs() < 1e-6 && cell(7, 8) < 0.999);
    assert_eq!(cell(3, 12), cell(12, 3));

    // A position that the text does not reach is no token.
    let map = harness.get_by_label("Cosines of positions, learned").rect();
    harness.hover_at(map.right_bottom() - egui::vec2(4., 4.));
    harness.run_steps(2);
    assert_eq!(harness.state().hovered.token, None);
}

fn family(name: &str) -> Arc<Model> {
    let folder = panel_support::models::fixtures()
        .join("families")
        .join(name);
    let reference = embedscope::model::ModelRef::Folder(folder);
    let options = embedscope::model::source::SourceOptions::from_env();
    Arc::new(panel_support::models::load(&reference, &options).unwrap())
}

#[test]
fn every_kind_of_vocabulary_says_what_it_is_and_fits() {
    let texts = ["The cat sat unhappily: 東京 2024", "the dog"];
    for (name, kind, steps) in [
        ("qwen3", "byte-level BPE", ["NFC", "Split"]),
        ("roberta", "byte-level BPE", ["no normaliser", "ByteLevel"]),
        (
            "gemma3_text",
            "BPE with byte fallback",
            ["Replace", "Split"],
        ),
        (
            "mistral",
            "BPE with byte fallback",
            ["Prepend", "does not split"],
        ),
        ("xlm_roberta", "Unigram", ["Precompiled", "Metaspace"]),
        ("t5", "Unigram", ["Precompiled", "WhitespaceSplit"]),
        ("mpnet", "WordPiece", ["BertNormalizer", "BertPreTokenizer"]),
    ] {
        let model = family(name);
        for (width, dark) in [(320., true), (1000., false)] {
            let bench = Bench::new(panel("tokens"), model.clone(), &texts);
            let harness = show(builder(width, 1400., dark), bench);
            assert!(says(&harness, kind), "{name}");
            for step in steps {
                assert!(says(&harness, step), "{name}: {step}");
            }
            assert!(says(&harness, "4 How a word came about"), "{name}");
            let rect = harness.get_by_label("Pieces of A").rect();
            assert!(rect.right() <= width, "{name} at {width}: {rect:?}");
        }
    }
}

#[test]
fn a_word_shows_how_it_came_about() {
    let harness = shown("tokens", tiny(), &["the unhappily", "the"]);
    // Without a click, the first word of several pieces.
    assert!(says(&harness, "taken un, longer ones"));
    assert!(says(&harness, "“unhappily”: from the left on"));

    let mut harness = shown("tokens", family("qwen3"), &["the cats", "the"]);
    assert!(says(&harness, "rank start"));
    let words: Vec<_> = harness.query_all_by_label("␣cats").collect();
    assert_eq!(words.len(), 2, "after each of the two steps");
    words[1].click();
    harness.run_steps(3);
    settle(&mut harness);
    assert!(says(&harness, "“␣cats”: the pair"), "a click chooses it");

    let harness = shown("tokens", family("xlm_roberta"), &["the cats", "the"]);
    assert!(says(&harness, "Σ log p"));
    assert!(says(&harness, "taken"));
}
