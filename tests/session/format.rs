//! The file itself: what is written is what is read, and what is not right is refused.

use std::path::Path;

use embedscope::app::command::{Command, apply};
use embedscope::app::layout::{Layout, WORKSPACES};
use embedscope::app::session::{ENDING, Session, SessionError, is_session, named};
use embedscope::app::state::{Focus, ScoreMethod, Side, State, TextId, ThemeChoice};
use embedscope::model::{ModelRef, Prompt};
use embedscope::trace::PoolingMode;
use embedscope::views::PANELS;
use proptest::prelude::*;

/// What makes a command: its kind, two places in the list, and words.
type Seed = (usize, usize, usize, String);

/// A command on texts that are named by their place, or that are not there.
fn command(state: &State, (kind, i, j, words): &Seed) -> Command {
    let id = |place: usize| {
        let text = state.texts.get(place % (state.texts.len() + 1));
        text.map_or(TextId(777_777), |text| text.id)
    };
    let (i, j, a, b, words) = (*i, *j, id(*i), id(*j), words.clone());
    match kind {
        0 | 1 => Command::AddText(words),
        2 => Command::EditText(a, words),
        3 => Command::RemoveText(a),
        4 => Command::MoveText(a, j),
        5 => Command::SetTexts(vec![words; i % 4]),
        6 => Command::Assign([Side::A, Side::B][i % 2], b),
        7 => Command::SwapSides,
        8 => Command::Against(Some(a)),
        9 => Command::Pair(a, b),
        10 => Command::AddPairs(vec![(words, "b".to_owned())]),
        11 => Command::SetPooling([None, Some(PoolingMode::Max)][i % 2]),
        12 => Command::SetTruncateDim([None, Some(7)][i % 2]),
        13 => Command::SetPrompt(Prompt::Text(words)),
        14 => Command::SetPrompt(Prompt::Named(words)),
        15 => Command::SelectLayer(i),
        16 => Command::Lock(Focus {
            across: Some((b, j)),
            ..Focus::token(a, j)
        }),
        17 => Command::SetTheme(ThemeChoice::Dark),
        18 => Command::ScoreMethod(ScoreMethod::Shapley),
        19 => Command::SplitText(a, words, vec!["x".to_owned(), "y".to_owned()]),
        20 => Command::SetReference([None, Some(ModelRef::minilm())][i % 2].clone()),
        _ => Command::OpenModel("/a/folder".parse().unwrap()),
    }
}

fn layout(workspace: usize, shown: usize) -> Layout {
    let mut layout = match workspace % (WORKSPACES.len() + 1) {
        i if i < WORKSPACES.len() => Layout::workspace(i),
        _ => Layout::every_panel(),
    };
    layout.show(PANELS[shown % PANELS.len()].id);
    layout
}

fn session(state: State, layout: Layout) -> Session {
    Session {
        state,
        layout,
        model_hash: Some("abc".into()),
        reference_hash: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_work_comes_back_as_it_was_saved(
        commands in prop::collection::vec((0..22_usize, 0..9_usize, 0..9_usize, "\\PC{0,12}"), 0..40),
        workspace in 0..9_usize,
        shown in 0..99_usize,
    ) {
        let mut state = State::default();
        for seed in &commands {
            let command = command(&state, seed);
            apply(&mut state, command);
        }
        let saved = session(state.clone(), layout(workspace, shown));
        let text = saved.to_text().unwrap();
        let read = Session::from_text(&text, "x").unwrap();
        prop_assert_eq!(&read.state, &state.preferred_as(&State::default()));
        prop_assert!(read.layout.tree == saved.layout.tree);
        prop_assert_eq!(read.layout.workspace, saved.layout.workspace);
        prop_assert_eq!(read.model_hash.as_deref(), Some("abc"));
        prop_assert_eq!(read.to_text().unwrap(), text, "saved again it is the same file");
    }
}

fn sample() -> Session {
    let mut state = State::default();
    state.set_texts(["The cat", "das Mädchen 日本", "third \"quoted\""]);
    state.against = Some(state.texts[2].id);
    session(state, Layout::workspace(1))
}

fn refused(text: &str) -> String {
    match Session::from_text(text, "work.embedscope.json") {
        Ok(_) => panic!("opened: {text}"),
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("work.embedscope.json"), "{message}");
            assert!(!message.contains('\n'), "one line: {message}");
            message
        }
    }
}

#[test]
fn the_file_is_readable_and_holds_no_preferences() {
    let text = sample().to_text().unwrap();
    assert!(text.starts_with("{\n  \"format\": \"embedscope session\",\n  \"version\": 1,"));
    for part in [
        "\"das Mädchen 日本\"",
        "\"model_hash\": \"abc\"",
        "\"layout\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for part in ["preferences", "theme", "budget", "recent"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let text = sample().to_text().unwrap();
    let whole = text.trim_end().len();
    for end in (0..whole).filter(|&end| text.is_char_boundary(end)) {
        let message = refused(&text[..end]);
        let line = text[..end].lines().count();
        let says = message.contains("ends in the middle") || message.contains("is empty");
        assert!(says, "after {end} bytes, line {line}: {message}");
    }
    // In the middle of a letter, and from the disk.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.embedscope.json");
    let inside = text.find('ä').unwrap() + 1;
    std::fs::write(&path, &text.as_bytes()[..inside]).unwrap();
    let message = Session::read(&path).err().unwrap().to_string();
    let line = text[..inside - 1].lines().count();
    assert!(
        message.contains(&format!("line {line} is not UTF-8")),
        "{message}"
    );
}

#[test]
fn other_versions_and_other_files_are_told_apart() {
    let text = sample().to_text().unwrap();
    let version =
        |to: &str| refused(&text.replace("\"version\": 1", &format!("\"version\": {to}")));
    assert!(version("2").contains("newer embedscope"));
    assert!(version("99999999999").contains("version 99999999999"));
    assert!(version("0").contains("does not read"));
    assert!(version("-1").contains("`version`"));
    assert!(version("\"1\"").contains("`version`"));
    // A newer file is not taken apart: what it holds may be anything.
    assert!(refused(r#"{"format": "embedscope session", "version": 7}"#).contains("version 7"));
    for foreign in [
        "[]",
        "7",
        "\"embedscope session\"",
        r#"{"model_type": "bert"}"#,
        r#"{"format": "something else", "version": 1}"#,
    ] {
        assert!(
            refused(foreign).contains("is not a session of embedscope"),
            "{foreign}"
        );
    }
    assert!(refused(" \n").contains("is empty"));
    assert!(refused("The cat sat.\n").contains("line 1 is damaged"));
    refused(&"[".repeat(100_000));
}

#[test]
fn damage_is_named_by_line_or_by_field() {
    let text = sample().to_text().unwrap();
    let line = |part: &str| text[..text.find(part).unwrap()].lines().count();
    let third = line("\"third");
    let message = refused(&text.replace("\"third \\\"quoted\\\"\"", "12"));
    assert!(
        message.contains(&format!("line {third} is damaged")),
        "{message}"
    );
    assert!(
        message.contains("\"text\": 12"),
        "the line itself: {message}"
    );
    let message = refused(&text.replace("\"symmetric\": false", "\"symmetric\": fals"));
    assert!(
        message.contains(&format!("line {}", line("\"symmetric\""))),
        "{message}"
    );

    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        change(&mut value);
        refused(&serde_json::to_string_pretty(&value).unwrap())
    };
    for field in ["texts", "a", "model", "prompt"] {
        let message = with(&|v| {
            v["state"].as_object_mut().unwrap().remove(field);
        });
        assert!(
            message.contains(&format!("`state.{field}` is missing")),
            "{message}"
        );
    }
    let message = with(&|v| {
        v.as_object_mut().unwrap().remove("layout");
    });
    assert!(message.contains("`layout` is missing"), "{message}");
    for (field, wrong) in [
        ("b", serde_json::json!(4711)),
        ("against", serde_json::json!(4711)),
        ("pairs", serde_json::json!([[0, 4711]])),
        ("temperature", serde_json::json!(4_000_000_000_u32)),
        ("truncate_dim", serde_json::json!(0)),
    ] {
        let message = with(&|v| v["state"][field] = wrong.clone());
        assert!(message.contains(&format!("`state.{field}`")), "{message}");
    }
    let message = with(&|v| v["state"]["texts"][1]["id"] = v["state"]["texts"][0]["id"].clone());
    assert!(message.contains("is named twice"), "{message}");

    let tree =
        |change: &dyn Fn(&mut serde_json::Value)| with(&|v| change(&mut v["layout"]["tree"]));
    assert!(tree(&|tree| tree["root"] = 999.into()).contains("names tile 999"));
    let looped = tree(&|tree| {
        let root = tree["root"].to_string();
        for tile in tree["tiles"]["tiles"].as_object_mut().unwrap().values_mut() {
            if let Some(children) = tile.pointer_mut("/Container/Tabs/children") {
                children[0] = root.parse::<u64>().unwrap().into();
            }
        }
    });
    assert!(looped.contains("in two places"), "{looped}");
    let sizes = tree(&|tree| {
        for tile in tree["tiles"]["tiles"].as_object_mut().unwrap().values_mut() {
            if let Some(shares) = tile.pointer_mut("/Container/Linear/shares/shares") {
                let shares = shares.as_object_mut().unwrap();
                *shares.values_mut().next().unwrap() = (-1.0).into();
            }
        }
    });
    assert!(sizes.contains("sizes that are none"), "{sizes}");
}

#[test]
fn a_state_from_before_there_were_sessions_opens() {
    let mut state = sample().state;
    state.pair(state.texts[0].id, state.texts[1].id);
    let mut old = serde_json::to_value(&state).unwrap();
    let fields = old.as_object_mut().unwrap();
    fields.remove("preferences");
    // As it was then, and with a text that has been removed since.
    fields.insert("theme".to_owned(), "Dark".into());
    fields.insert("b".to_owned(), 4711.into());
    let read = Session::from_text(&old.to_string(), "old.json").unwrap();
    assert_eq!(read.state.texts, state.texts);
    assert_eq!(
        (read.state.against, &read.state.pairs),
        (state.against, &state.pairs)
    );
    assert_eq!(read.state.b, Some(state.texts[1].id), "mended");
    assert_eq!(read.model_hash, None);
}

#[test]
fn a_file_is_written_whole_or_not_at_all_and_no_other_file_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.embedscope.json");
    sample().write(&path).unwrap();
    let mut changed = sample();
    changed.state.set_texts(["other"]);
    changed.write(&path).unwrap();
    assert_eq!(Session::read(&path).unwrap().state.texts.len(), 1);
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names(), 1, "nothing is left beside it");

    let other = folder.path().join("config.json");
    std::fs::write(&other, "{}").unwrap();
    let error = sample().write(&other).unwrap_err();
    assert!(matches!(error, SessionError::NotOurs { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "{}");
    let error = sample().write(folder.path()).unwrap_err();
    assert!(matches!(error, SessionError::NotAFile { .. }), "{error}");
    let error = sample()
        .write(&folder.path().join("no/such/x.json"))
        .unwrap_err();
    assert!(
        error.to_string().contains("there is no such folder"),
        "{error}"
    );
    #[cfg(unix)]
    {
        let link = folder.path().join("link.embedscope.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        sample().write(&link).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(Session::read(&path).unwrap().state.texts.len(), 3);
    }
}

#[test]
fn files_that_cannot_be_sessions_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &Path| Session::read(path).err().unwrap().to_string();
    assert!(error(folder.path()).contains("is not a file"));
    assert!(error(&folder.path().join("gone.json")).contains("there is no such file"));
    let big = folder.path().join("big.embedscope.json");
    // Sparse: it takes no room.
    std::fs::File::create(&big)
        .unwrap()
        .set_len(101_000_000)
        .unwrap();
    let message = error(&big);
    assert!(
        message.contains("101 MB") && message.contains("100 MB at most"),
        "{message}"
    );
    #[cfg(unix)]
    assert!(error(Path::new("/dev/zero")).contains("is not a file"));
}

#[test]
fn sessions_are_known_by_name_or_by_how_they_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("renamed.json");
    sample().write(&path).unwrap();
    assert!(is_session(&path));
    std::fs::write(&path, "{\"model_type\": \"bert\"}").unwrap();
    assert!(!is_session(&path));
    assert!(is_session(Path::new("/x/Work.Embedscope.JSON")));
    assert_eq!(
        named(Path::new("/x/work")),
        Path::new(&format!("/x/work{ENDING}"))
    );
    assert_eq!(named(Path::new("/x/work.json")), Path::new("/x/work.json"));
}
