//! The whole window, driven through its accessibility tree and without a renderer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "support/window.rs"]
mod window_support;

use std::path::PathBuf;

use candle_core::Device;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, Side, ThemeChoice};
use embedscope::app::{App, WindowOptions};
use embedscope::engine::LoadState;
use embedscope::model::ModelRef;
use embedscope::views::PANELS;
use models::fixtures;
use window_support::{send, settle};

fn folder(name: &str) -> ModelRef {
    ModelRef::Folder(fixtures().join("tiny").join(name))
}

fn open(size: [f32; 2]) -> Harness<'static, App> {
    window_support::open(folder("plain"), size)
}

#[test]
fn it_opens_on_a_model_with_every_text_traced() {
    let harness = open([1280., 800.]);
    let app = harness.state();
    assert!(app.engine().model().is_some());
    assert_eq!(app.shown().len(), 5);
    assert!(
        app.shown()
            .iter()
            .all(|text| text.current && text.trace.is_some())
    );
    let full = app
        .shown()
        .iter()
        .filter(|t| t.trace.as_ref().unwrap().is_full())
        .count();
    assert_eq!(
        full, 2,
        "A and B have all their sites, the others an outline"
    );
    harness.get_by_label("Stage Tokens");
    harness.get_by_label("Stage Score");
}

#[test]
fn typing_into_a_text_changes_its_tokens() {
    let mut harness = open([1280., 800.]);
    let before = harness.state().shown()[0].trace.clone().unwrap();
    let field = harness.get_by_label("Text 1");
    field.focus();
    harness.step();
    harness.key_press(egui::Key::End);
    harness.step();
    for letter in [" ", "c", "a", "t"] {
        harness.get_by_label("Text 1").type_text(letter);
        harness.step();
    }
    settle(&mut harness);
    let app = harness.state();
    assert_eq!(app.state().texts[0].text, "The cat bit the dog cat");
    let after = app.shown()[0].trace.clone().unwrap();
    assert_eq!(&*after.tokens.text, "The cat bit the dog cat");
    assert_ne!(after.tokens.ids, before.tokens.ids);
}

#[test]
fn the_wheel_scrolls_a_long_text_only_while_it_is_typed_into() {
    let mut harness = open([1280., 800.]);
    let long = "the cat sat on the mat and ".repeat(60);
    send(&mut harness, Command::SetTexts(vec![long, "short".into()]));
    let scrolled = |harness: &mut Harness<'_, App>| {
        let top = harness.get_by_label("Text 1").rect().top();
        harness.hover_at(egui::pos2(200., 200.));
        harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0., -60.),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        });
        for _ in 0..30 {
            harness.step();
        }
        top - harness.get_by_label("Text 1").rect().top()
    };
    assert_eq!(scrolled(&mut harness), 0.);
    harness.get_by_label("Text 1").focus();
    settle(&mut harness);
    assert!(scrolled(&mut harness).abs() > 20.);
}

#[test]
fn every_panel_opens_in_light_and_dark_with_any_number_of_texts() {
    let mut harness = open([1280., 800.]);
    let long = "the cat sat on the mat and ".repeat(30);
    let lists: [&[&str]; 5] = [
        &[],
        &["one"],
        &["", "东京 is 😀 e\u{301} שלום"],
        &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"],
        &[&long, "short"],
    ];
    assert!(!PANELS.is_empty());
    for panel in PANELS {
        send(&mut harness, Command::ShowPanel(panel.id));
        for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
            send(&mut harness, Command::SetTheme(theme));
            for texts in lists {
                let texts = texts.iter().map(|t| (*t).to_owned()).collect();
                send(&mut harness, Command::SetTexts(texts));
                let name = format!("What am I looking at in {}?", panel.title);
                harness.get_by_label(&name);
            }
        }
    }
}

#[test]
fn a_text_can_be_added_made_a_and_removed() {
    let mut harness = open([1280., 800.]);
    harness.get_by_label("+ Add text").click();
    settle(&mut harness);
    assert_eq!(harness.state().state().texts.len(), 6);
    let last = harness.state().state().texts[5].id;
    send(
        &mut harness,
        Command::EditText(last, "a new one".to_owned()),
    );
    send(&mut harness, Command::Assign(Side::A, last));
    assert_eq!(harness.state().state().a, Some(last));
    assert!(harness.state().shown()[5].trace.as_ref().unwrap().is_full());
    send(&mut harness, Command::RemoveText(last));
    assert_eq!(harness.state().state().texts.len(), 5);
    assert_ne!(harness.state().state().a, Some(last));
}

#[test]
fn a_model_that_fails_is_explained_and_the_good_one_stays() {
    let mut harness = open([1280., 800.]);
    let good = harness.state().engine().model().unwrap().hash.clone();
    let missing = ModelRef::Folder(PathBuf::from("/no/such/model"));
    send(&mut harness, Command::OpenModel(missing));
    harness.get_by_label_contains("/no/such/model cannot be used");
    harness.get_by_label_contains("stays in use");
    assert_eq!(harness.state().engine().model().unwrap().hash, good);
    harness.get_by_label("Dismiss").click();
    settle(&mut harness);
    assert!(harness.query_by_label_contains("cannot be used").is_none());
    assert_eq!(
        harness.state().state().model,
        folder("plain"),
        "the next start opens what works"
    );
}

#[test]
fn another_model_replaces_every_trace() {
    let mut harness = open([1280., 800.]);
    for name in [
        "relu_dense",
        "concat",
        "prompt_excluded",
        "vocab_only",
        "plain",
    ] {
        send(&mut harness, Command::OpenModel(folder(name)));
        let hash = harness.state().engine().model().unwrap().hash.clone();
        for text in harness.state().shown() {
            assert_eq!(text.trace.as_ref().unwrap().model, hash, "{name}");
        }
    }
}

#[test]
fn a_lock_stays_until_escape() {
    let mut harness = open([1280., 800.]);
    let text = harness.state().state().texts[0].id;
    send(&mut harness, Command::Lock(Focus::token(text, 1)));
    assert_eq!(harness.state().state().locked.token, Some(1));
    harness.get_by_label("Let go");
    harness.key_press(egui::Key::Escape);
    settle(&mut harness);
    assert!(harness.state().state().locked.is_empty());
}

#[test]
fn a_file_of_texts_opens_and_a_bad_one_is_reported() {
    let mut harness = open([1280., 800.]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.txt");
    std::fs::write(&path, "first\nsecond\n").unwrap();
    send(&mut harness, Command::OpenTextFile(path));
    settle(&mut harness);
    let texts: Vec<_> = harness
        .state()
        .state()
        .texts
        .iter()
        .map(|t| t.text.clone())
        .collect();
    assert_eq!(texts, ["first", "second"]);
    send(
        &mut harness,
        Command::OpenTextFile("/no/such/list.txt".into()),
    );
    settle(&mut harness);
    harness.get_by_label_contains("/no/such/list.txt");
    assert_eq!(
        harness.state().state().texts.len(),
        2,
        "the list stays as it was"
    );
}

#[test]
fn a_trace_is_saved_with_every_site_under_its_name() {
    let mut harness = open([1280., 800.]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.safetensors");
    send(&mut harness, Command::SaveTrace(path.clone()));
    settle(&mut harness);
    let saved = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    assert!(saved.contains_key("layer.1.pattern") && saved.contains_key("sentence"));
    assert_eq!(saved["tokens.ids"].dtype(), candle_core::DType::I64);
    harness.get_by_label_contains("Saved");
}

#[test]
fn a_small_window_still_paints_everything() {
    for size in [[800., 560.], [1920., 1080.]] {
        let harness = open(size);
        harness.get_by_label("+ Add text");
        assert!(matches!(
            harness.state().engine().load_state(),
            LoadState::Idle
        ));
    }
}

#[test]
fn the_list_of_texts_marks_pairs() {
    let mut harness = open([1280., 800.]);
    let ids: Vec<_> = harness.state().state().texts.iter().map(|t| t.id).collect();
    let menu = |harness: &mut Harness<'_, App>, entry: &str| {
        harness.get_by_label("More for text 1").click();
        settle(harness);
        harness.get_by_label_contains(entry).click();
        settle(harness);
    };
    menu(&mut harness, "Pair with");
    harness
        .get_by_label_contains("3  The dog was bitten")
        .click();
    settle(&mut harness);
    assert_eq!(harness.state().state().pairs, [(ids[0], ids[2])]);
    menu(&mut harness, "Unpair");
    assert!(harness.state().state().pairs.is_empty());
}

#[test]
fn with_nothing_chosen_it_opens_on_the_model_in_the_program() {
    let options = WindowOptions {
        model: None,
        device: Device::Cpu,
    };
    let mut harness = Harness::builder()
        .with_size([1280., 800.])
        .build_eframe(|cc| App::new(&cc.egui_ctx, None, options));
    settle(&mut harness);
    let model = harness.state().engine().model().unwrap();
    assert_eq!(model.source.to_string(), "bundled");
    assert!(
        harness
            .state()
            .shown()
            .iter()
            .all(|text| text.current && text.trace.is_some())
    );
}

#[test]
fn the_same_texts_are_seen_through_a_second_model_and_a_bad_one_leaves_the_last() {
    let mut harness = open([1280., 800.]);
    send(&mut harness, Command::ShowPanel("models"));
    harness.get_by_label_contains("Choose a second model");
    let start: ModelRef = "bundled@start".parse().unwrap();
    send(&mut harness, Command::SetReference(Some(start.clone())));
    let app = harness.state();
    let reference = app.engine().reference().unwrap();
    assert_eq!(reference.source, start);
    for text in app.shown() {
        let trace = text.reference.as_ref().unwrap();
        assert!(text.reference_current && trace.model == reference.hash);
        assert!(
            !trace.is_full(),
            "the second model's insides are not asked for"
        );
    }
    let main = app.engine().model().unwrap().source.clone();
    assert_eq!(main, folder("plain"), "the model in use stays");
    harness.get_by_label_contains("Cosines of all texts: Difference");

    send(&mut harness, Command::SetReference(Some(folder("nowhere"))));
    assert!(matches!(
        harness.state().engine().reference_state(),
        LoadState::Failed { .. }
    ));
    harness.get_by_label_contains("nowhere cannot be used");
    assert!(harness.state().engine().reference().is_some());

    send(&mut harness, Command::SetReference(None));
    assert!(harness.state().engine().reference().is_none());
    assert!(
        harness
            .state()
            .shown()
            .iter()
            .all(|t| t.reference.is_none())
    );
}

#[test]
fn texts_are_selected_in_their_list() {
    let mut harness = open([1280., 800.]);
    let ids: Vec<_> = harness.state().state().texts.iter().map(|t| t.id).collect();
    let sides = |harness: &Harness<'_, App>| {
        let state = harness.state().state();
        (state.a, state.b)
    };
    let before = sides(&harness);
    let click = |harness: &mut Harness<'_, App>, label: &str, modifiers| {
        harness.get_by_label(label).click_modifiers(modifiers);
        settle(harness);
    };
    let (plain, ctrl) = (egui::Modifiers::NONE, egui::Modifiers::COMMAND);
    click(&mut harness, "Select text 3", ctrl);
    click(&mut harness, "Make text 1 B", ctrl);
    let selected = |harness: &Harness<'_, App>| harness.state().state().selected.clone();
    assert_eq!(selected(&harness), [ids[0], ids[2]], "in the list's order");
    assert_eq!(sides(&harness), before, "nothing became A or B");
    let marked = |harness: &Harness<'_, App>, number: usize| {
        let label = format!("Select text {number}");
        let node = harness.get_by_label(&label);
        node.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True)
    };
    let marks: Vec<bool> = (1..=3).map(|number| marked(&harness, number)).collect();
    assert_eq!(marks, [true, false, true]);
    // By the keyboard too.
    harness.get_by_label("Select text 3").focus();
    harness.step();
    harness.key_press(egui::Key::Space);
    settle(&mut harness);
    assert_eq!(selected(&harness), [ids[0]]);
    // What was taken together elsewhere is marked here.
    send(&mut harness, Command::Select(vec![ids[1]]));
    assert!(marked(&harness, 2) && !marked(&harness, 1));
    click(&mut harness, "Make text 1 B", plain);
    assert_eq!(sides(&harness).1, Some(ids[0]));
    assert_eq!(selected(&harness), [ids[1]]);
}

#[test]
fn the_pooling_panel_bears_a_list_that_grows_and_shrinks() {
    let mut harness = open([1280., 800.]);
    send(&mut harness, Command::ShowPanel("pooling"));
    for round in 0..4 {
        // What is there of the list before stays until the new one is ready; a long one takes a while.
        let count = [1, 80][round % 2];
        let texts = (0..count).map(|i| format!("the cat sat on mat {i}"));
        send(&mut harness, Command::SetTexts(texts.collect()));
        assert_eq!(harness.state().shown().len(), count);
    }
    harness.get_by_label("What am I looking at in Pooling?");
}

#[test]
fn a_device_that_is_not_there_is_told_and_stays_until_it_is_dismissed() {
    let mut harness = open([1280., 800.]);
    let problem = "device `cuda`: cannot be used (no driver); going on with cpu";
    harness.state_mut().warn(problem.to_owned());
    settle(&mut harness);
    assert!(
        harness
            .query_by_label_contains("going on with cpu")
            .is_some()
    );
    harness.get_by_label("Messages (1)");
    harness.get_by_label("Dismiss message 1").click();
    settle(&mut harness);
    assert!(
        harness
            .query_by_label_contains("going on with cpu")
            .is_none()
    );
}

#[test]
fn what_is_typed_before_escape_in_one_slow_frame_is_not_lost() {
    let mut harness = open([1280., 800.]);
    harness.get_by_label("Text 1").focus();
    settle(&mut harness);
    let before = harness.state().state().texts[0].text.clone();
    let key = |pressed| egui::Event::Key {
        key: egui::Key::Escape,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: egui::Modifiers::NONE,
    };
    let events = [egui::Event::Text("!".to_owned()), key(true), key(false)];
    harness.input_mut().events.extend(events);
    settle(&mut harness);
    let after = &harness.state().state().texts[0].text;
    assert_eq!(*after, format!("{before}!"));
    let focused = harness.ctx.memory(egui::Memory::focused);
    assert!(focused.is_none(), "Escape leaves the field");
}

#[test]
fn a_tab_is_in_front_in_the_frame_after_its_click() {
    let mut harness = open([1440., 900.]);
    for animations in [true, false] {
        harness.state_mut().send(Command::SetAnimations(animations));
        settle(&mut harness);
        for tab in ["Position", "Diagnosis", "Pooling", "Tokens", "Score"] {
            let all = harness.get_all_by_label(tab);
            // The stages of the spine are called "Stage …", a panel's own title is in its menu.
            let pos = all.last().unwrap().rect().center();
            for pressed in [true, false] {
                harness.event(egui::Event::PointerButton {
                    pos,
                    button: egui::PointerButton::Primary,
                    pressed,
                    modifiers: egui::Modifiers::NONE,
                });
            }
            // The frame that hears of the click has laid its tabs out already.
            harness.step();
            harness.step();
            harness.get_by_label(&format!("What am I looking at in {tab}?"));
            settle(&mut harness);
        }
    }
}

/// Whoever adds a text types it next: the letters go into it, and none of them is a shortcut.
#[test]
fn a_text_that_was_added_takes_what_is_typed() {
    let mut harness = open([1280., 800.]);
    let words = |harness: &mut Harness<'_, App>, field: &str, words: &str| {
        assert!(harness.get_by_label(field).is_focused(), "{field}");
        harness.event(egui::Event::Text(words.to_owned()));
        settle(harness);
    };
    harness.get_by_label("+ Add text").click();
    settle(&mut harness);
    words(&mut harness, "Text 6", "two words");
    harness.key_press(egui::Key::Enter);
    settle(&mut harness);
    words(&mut harness, "Text 7", "three more words");
    let texts = &harness.state().state().texts;
    assert_eq!(texts[5].text, "two words");
    assert_eq!(texts[6].text, "three more words");
    // It is in sight, though the list is longer than the window is high.
    for count in 8..20 {
        harness.key_press(egui::Key::Enter);
        settle(&mut harness);
        let field = format!("Text {count}");
        let end = harness.get_by_label(&field).rect().bottom();
        assert!(
            end <= harness.get_by_label("+ Add text").rect().top(),
            "{field} ends at {end}"
        );
    }
    // A text that came from elsewhere takes nothing away from what is typed into.
    send(&mut harness, Command::AddText("from a sample".to_owned()));
    assert!(harness.get_by_label("Text 19").is_focused());
}

#[test]
fn leaving_is_the_last_thing_in_the_file_menu() {
    let mut harness = open([1280., 800.]);
    harness.get_by_label("File").click();
    settle(&mut harness);
    let top = |label: &str| harness.get_by_label_contains(label).rect().top();
    assert!(top("Recent sessions") < top("Save session as"));
    assert!(top("Save picture") < top("Quit"));
}

#[test]
fn many_texts_say_how_many_of_them_are_done() {
    let mut harness = open([1280., 800.]);
    let texts = (0..300).map(|n| format!("the cat sat {n} times"));
    let command = Command::AddTexts(texts.collect());
    harness.state_mut().send(command);
    harness.step();
    harness.step();
    harness.get_by_label_contains("of 305 texts");
    settle(&mut harness);
    harness.get_by_label("ready");
}
