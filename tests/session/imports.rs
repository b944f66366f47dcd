//! Texts that are pasted, and tables.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use embedscope::app::App;
use embedscope::app::command::Command;

use super::{drop_file, drop_files, hover, open, send, settle, texts};

fn paste(harness: &mut Harness<'_, App>, text: &str) {
    harness.event(egui::Event::Paste(text.to_owned()));
    settle(harness);
}

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).click();
    settle(harness);
}

#[test]
fn lines_pasted_into_the_window_are_asked_about() {
    let mut harness = open();
    let start = texts(&harness);
    paste(&mut harness, "one\r\n\r\n two \nthree\n");
    harness.get_by_label("Pasted 3 lines:");
    assert_eq!(texts(&harness), start, "nothing happens before the answer");
    assert!(harness.query_by_label("3 pairs").is_none());
    click(&mut harness, "3 texts");
    assert_eq!(texts(&harness)[start.len()..], ["one", "two", "three"]);
    assert!(harness.query_by_label("Pasted 3 lines:").is_none());
    send(&mut harness, Command::Undo);
    assert_eq!(texts(&harness), start, "one step");

    paste(&mut harness, "a\nb");
    click(&mut harness, "One text");
    assert_eq!(texts(&harness)[start.len()..], ["a b"]);
    paste(&mut harness, "c\nd");
    click(&mut harness, "Never mind");
    paste(&mut harness, "single");
    assert_eq!(texts(&harness)[start.len()..], ["a b", "single"]);
    paste(&mut harness, "x\ty\nz\tw\n");
    click(&mut harness, "2 pairs");
    assert_eq!(texts(&harness)[start.len() + 2..], ["x", "y", "z", "w"]);
    let pairs = &harness.state().state().pairs;
    let ids: Vec<_> = harness.state().state().texts.iter().map(|t| t.id).collect();
    assert!(pairs.contains(&(ids[start.len() + 2], ids[start.len() + 3])));
}

#[test]
fn lines_pasted_into_a_text_are_one_text_until_they_are_said_to_be_many() {
    let mut harness = open();
    let start = texts(&harness);
    harness.get_by_label("Text 2").focus();
    harness.step();
    harness.key_press(egui::Key::End);
    harness.step();
    paste(&mut harness, " and\nthe mat\nsat");
    let one = format!("{} and the mat sat", start[1]);
    assert_eq!(texts(&harness)[1], one);
    click(&mut harness, "3 texts");
    let now = texts(&harness);
    assert_eq!(now[..2], start[..2], "the text is what it was");
    assert_eq!(now[2..5], ["and", "the mat", "sat"]);
    assert_eq!(now[5..], start[2..]);
    send(&mut harness, Command::Undo);
    assert_eq!(texts(&harness)[1], one);
    // Typing on answers the question by itself.
    harness.get_by_label("Text 2").focus();
    harness.step();
    paste(&mut harness, "p\nq");
    harness.get_by_label("Pasted 2 lines:");
    harness.get_by_label("Text 2").type_text("!");
    settle(&mut harness);
    assert!(harness.query_by_label("Pasted 2 lines:").is_none());
}

#[test]
fn too_much_at_once_is_refused_with_what_to_do_instead() {
    let mut harness = open();
    let start = texts(&harness);
    paste(&mut harness, &"line\n".repeat(501));
    harness.get_by_label_contains("501 lines");
    assert_eq!(texts(&harness), start);
}

#[test]
fn a_table_asks_for_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.csv");
    let table = "id,question,answer\n1,\"Who, then, is asleep?\",\"The cat\nsat\"\n2,What?,\"A \"\"mat\"\"\"\n";
    std::fs::write(&path, table).unwrap();
    let mut harness = open();
    let start = texts(&harness);
    drop_file(&mut harness, &path);
    harness.get_by_label("Texts from pairs.csv");
    harness.get_by_label("Separated by: commas");
    harness.get_by_label("Column of texts: 2 (question)");
    assert_eq!(texts(&harness), start);
    // Without its header there is one text more.
    click(&mut harness, "The first row names the columns");
    harness.get_by_label("Column of texts: 2");
    harness.get_by_label("Open 3 texts");
    click(&mut harness, "The first row names the columns");
    click(&mut harness, "Open 2 texts");
    assert_eq!(texts(&harness), ["Who, then, is asleep?", "What?"]);
    assert!(harness.query_by_label("Texts from pairs.csv").is_none());

    send(&mut harness, Command::OpenTextFile(path.clone()));
    click(&mut harness, "Paired with: nothing");
    click(&mut harness, "3 (answer)");
    click(&mut harness, "Open 2 pairs");
    assert_eq!(
        texts(&harness),
        ["Who, then, is asleep?", "The cat sat", "What?", "A \"mat\""]
    );
    let state = harness.state().state();
    let ids: Vec<_> = state.texts.iter().map(|t| t.id).collect();
    assert_eq!(state.pairs, [(ids[0], ids[1]), (ids[2], ids[3])]);
    assert_eq!((state.a, state.b), (Some(ids[0]), Some(ids[1])));
    send(&mut harness, Command::Undo);
    assert_eq!(texts(&harness), ["Who, then, is asleep?", "What?"]);

    std::fs::write(&path, "a,b\n\"never closed,c\n").unwrap();
    send(&mut harness, Command::OpenTextFile(path.clone()));
    // What cannot be cut is offered line by line, and says why.
    harness.get_by_label("Separated by: nothing: each line is one text");
    harness.get_by_label_contains("pairs.csv: line 2: a quote");
    click(&mut harness, "Separated by: nothing: each line is one text");
    click(&mut harness, "semicolons");
    harness.get_by_label("Separated by: nothing: each line is one text");
    harness.get_by_label_contains("pairs.csv: line 2: a quote");
    click(&mut harness, "Cancel");
    assert_eq!(texts(&harness), ["Who, then, is asleep?", "What?"]);

    // Rows of different lengths are a table all the same where the name says so.
    std::fs::write(&path, "id,text\n1,The cat\n2\n3,Dogs bark,x,y\n").unwrap();
    send(&mut harness, Command::OpenTextFile(path));
    harness.get_by_label("Separated by: commas");
    harness.get_by_label(
        "Not all rows are as long as the first: 1 has fewer cells, 1 has more cells.",
    );
    harness.get_by_label("Open 2 texts");
    click(&mut harness, "Cancel");
    assert_eq!(texts(&harness), ["Who, then, is asleep?", "What?"]);
}

#[test]
fn what_is_dragged_says_what_it_opens_as_and_lists_open_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (one, two) = (file("one.txt", b"a\nb\n"), file("two.txt", b"c\n"));
    let table = file("three.csv", b"x,y\n1,2\n");
    let latin = file("latin.txt", b"caf\xe9\n");
    let mut harness = open();
    let start = texts(&harness);
    hover(&mut harness, &[&one, &two]);
    harness.get_by_label("one.txt and 1 more");
    harness.get_by_label_contains("Opens the lines of 2 files");
    hover(&mut harness, &[]);
    assert!(harness.query_by_label("one.txt and 1 more").is_none());
    drop_files(&mut harness, &[&one, &two]);
    assert_eq!(texts(&harness), ["a", "b", "c"]);
    send(&mut harness, Command::Undo);
    assert_eq!(texts(&harness), start, "one step");
    // All or nothing.
    drop_files(&mut harness, &[&one, &latin]);
    harness.get_by_label_contains("latin.txt: line 1 is not UTF-8");
    hover(&mut harness, &[&one, &table]);
    harness.get_by_label_contains("three.csv: opens as a table");
    hover(&mut harness, &[]);
    drop_files(&mut harness, &[&one, &table]);
    harness.get_by_label_contains("three.csv: opens as a table");
    assert!(harness.query_by_label("Texts from three.csv").is_none());
    assert_eq!(texts(&harness), start);
    // A dialog that asks for a path takes it.
    send(&mut harness, Command::AskTextFile);
    drop_files(&mut harness, &[&two]);
    assert_eq!(texts(&harness), start);
    click(&mut harness, "Open");
    assert_eq!(texts(&harness), ["c"]);
}
