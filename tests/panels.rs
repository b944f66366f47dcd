//! Every panel in every state, at every size: nothing is written over something else, and nothing is
//! cut off. What is painted is judged from its shapes, without a renderer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/lint.rs"]
mod lint;
#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;
#[path = "support/window.rs"]
mod window_support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::{Beside, Focus, ScoreMethod, ThemeChoice};
use embedscope::model::{ModelRef, Prompt};
use embedscope::trace::Site;
use embedscope::views::{PANELS, Panel};
use lint::{Fault, faults};
use window_support::{open_with, settle};

const PATIENCE: Duration = Duration::from_secs(120);

/// What there is to see.
const STATES: [&str; 6] = ["empty", "one", "two", "twelve", "long", "error"];

/// In points: the last two are what screens of 1920 × 1200 and of 1440 × 900 show at 200 %.
const SIZES: [[f32; 2]; 4] = [[1024., 700.], [1440., 900.], [960., 600.], [720., 450.]];
/// Below this width the list of texts is put away, as a person would.
const NARROW: f32 = 800.;

/// The real model with room for 512 tokens, where its files are.
fn long_model(folder: &Path) -> Option<ModelRef> {
    let model = models::minilm()?;
    let ModelRef::Folder(from) = &model.source else {
        let files = &model.weight_files;
        return copy_of(files[0].name().parent()?, folder);
    };
    copy_of(from, folder)
}

fn copy_of(from: &Path, folder: &Path) -> Option<ModelRef> {
    std::fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    for name in [
        "config.json",
        "modules.json",
        "tokenizer.json",
        "1_Pooling/config.json",
        "model.safetensors",
    ] {
        std::fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    let limit = r#"{"max_seq_length": 512, "do_lower_case": false}"#;
    std::fs::write(folder.join("sentence_bert_config.json"), limit).unwrap();
    Some(ModelRef::Folder(folder.to_owned()))
}

fn texts(state: &str) -> Vec<String> {
    let long = "the keeper of the house wrote every morning in a book of his own ";
    let list: Vec<String> = match state {
        "empty" => vec![],
        "one" => vec!["The cat bit the dog.".into()],
        "twelve" => (0..12)
            .map(|i| {
                format!(
                    "Sentence {i}: rivers, 东京 and e\u{301}migr\u{e9}s in {}",
                    1990 + i
                )
            })
            .collect(),
        "long" => vec![long.repeat(40), format!("again {}", long.repeat(40))],
        _ => vec!["The cat bit the dog.".into(), "The dog bit the cat.".into()],
    };
    list
}

fn is_title(text: &str) -> bool {
    PANELS.iter().any(|panel| panel.title == text)
}

fn open(model: ModelRef) -> Harness<'static, App> {
    open_with(Harness::builder().allow_missing_glyphs(), model)
}

/// Everything that is wrong with what one state looks like, in these panels and at every size.
fn look(harness: &mut Harness<'_, App>, state: &str, panels: &[&Panel]) -> Vec<String> {
    harness.state_mut().send(Command::SetTexts(texts(state)));
    if state == "error" {
        let missing = ModelRef::Folder(PathBuf::from("/no/such/model"));
        harness.state_mut().send(Command::OpenModel(missing));
    }
    settle(harness);
    let mut found = Vec::new();
    for size in SIZES {
        harness.set_size(size.into());
        let texts_fit = size[0] >= NARROW;
        harness.state_mut().send(Command::ShowTexts(texts_fit));
        for panel in panels {
            harness.state_mut().send(Command::ShowPanel(panel.id));
            for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
                harness.state_mut().send(Command::SetTheme(theme));
                settle(harness);
                let [width, height] = size;
                let place = format!("{} {state} {width}x{height} {theme:?}", panel.id);
                let mut more = faults(&harness.output().shapes, size);
                // Tabs that do not fit are scrolled to, and so is a long line in a field.
                let fields = texts(state);
                let scrolls = |text: &String| is_title(text) || fields.contains(text);
                // A table that is wider than its column is scrolled by itself.
                let beside = harness.state().state().beside.is_some();
                let table = |text: &String| {
                    beside && (text.starts_with("+ ") || text.starts_with("longer ones"))
                };
                // On a small screen the strip of stages is scrolled to its end, too.
                let stage = harness.query_by_label("Stage Score");
                let strip = stage
                    .map(|stage| stage.rect().y_range())
                    .filter(|_| !texts_fit);
                let scrolled = |at: &egui::Rect| strip.is_some_and(|y| y.contains(at.center().y));
                more.retain(
                    |fault| !matches!(fault, Fault::Cut(text, at) if scrolls(text) || table(text) || scrolled(at)),
                );
                found.extend(more.iter().map(|fault: &Fault| format!("{place}: {fault}")));
                let unnamed = harness.unnamed_widgets();
                found.extend(
                    unnamed
                        .iter()
                        .map(|widget| format!("{place}: no name: {widget}")),
                );
            }
        }
    }
    harness.state_mut().send(Command::DismissError);
    found
}

fn none(mut found: Vec<String>) {
    found.dedup();
    let (count, told) = (found.len(), found.join("\n"));
    assert!(found.is_empty(), "{count} faults:\n{told}");
}

#[test]
fn no_panel_writes_over_itself_or_past_its_edge() {
    let folder = tempfile::tempdir().unwrap();
    let Some(model) = long_model(folder.path()) else {
        return;
    };
    let mut harness = open(model);
    let mut found = Vec::new();
    for state in STATES {
        found.extend(look(&mut harness, state, PANELS));
    }
    none(found);
}

#[test]
fn two_columns_write_over_nothing_and_past_no_edge() {
    let Some(model) = models::minilm() else {
        return;
    };
    let mut harness = open(model.source.clone());
    let second = models::fixtures().join("families/roberta");
    let second = Command::SetReference(Some(ModelRef::Folder(second)));
    harness.state_mut().send(second);
    let end = Instant::now() + PATIENCE;
    while harness.state().engine().reference().is_none() && Instant::now() < end {
        harness.step();
    }
    let panels: Vec<&Panel> = PANELS.iter().copied().filter(|p| p.one_text).collect();
    assert_eq!(panels.len(), 6);
    let mut found = Vec::new();
    for beside in [Beside::Texts, Beside::Models] {
        let columns = Command::ShowBeside(Some(beside));
        harness.state_mut().send(columns);
        for state in ["one", "two"] {
            let faults = look(&mut harness, state, &panels);
            let told = faults
                .into_iter()
                .map(|fault| format!("{beside:?} {fault}"));
            found.extend(told);
        }
    }
    none(found);
}

/// What of a frame could not be read for its colours.
fn faint(harness: &Harness<'_, App>, size: [f32; 2], place: &str) -> Vec<String> {
    let faults = faults(&harness.output().shapes, size).into_iter();
    let faint = faults.filter(|fault| matches!(fault, Fault::Faint(..)));
    faint.map(|fault| format!("{place}: {fault}")).collect()
}

#[test]
fn every_tab_of_the_score_can_be_read() {
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    harness.state_mut().send(Command::ShowTexts(false));
    harness.state_mut().send(Command::ShowPanel("score"));
    let mut found = Vec::new();
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        harness.state_mut().send(Command::SetTheme(theme));
        for method in [
            ScoreMethod::Pairs,
            ScoreMethod::Input,
            ScoreMethod::LeaveOneOut,
            ScoreMethod::Shapley,
            ScoreMethod::Integrated,
            ScoreMethod::Components,
            ScoreMethod::Dimensions,
            ScoreMethod::Layers,
            ScoreMethod::Ablation,
            ScoreMethod::Contrast,
        ] {
            harness.state_mut().send(Command::ScoreMethod(method));
            // Narrow, and as long as all of it is.
            for size in [[720., 2400.], [1440., 2400.]] {
                harness.set_size(size.into());
                settle(&mut harness);
                let place = format!("{method:?} {size:?} {theme:?}");
                found.extend(faint(&harness, size, &place));
            }
        }
    }
    none(found);
}

#[test]
fn the_weights_of_a_held_token_can_be_read() {
    let Some(model) = models::minilm() else {
        return;
    };
    let mut harness = open(model.source.clone());
    let size = [1440., 2400.];
    harness.set_size(size.into());
    let texts = texts("two");
    harness.state_mut().send(Command::SetTexts(texts));
    harness.state_mut().send(Command::ShowPanel("attention"));
    let text = harness.state().state().texts[0].id;
    let mut found = Vec::new();
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        harness.state_mut().send(Command::SetTheme(theme));
        for token in 0..8 {
            harness.state_mut().send(Command::SelectLayer(4));
            harness
                .state_mut()
                .send(Command::Lock(Focus::token(text, token)));
            settle(&mut harness);
            found.extend(faint(&harness, size, &format!("{token} {theme:?}")));
        }
    }
    none(found);
}

#[test]
fn the_words_of_a_contrast_have_their_figures_in_sight_in_a_narrow_panel() {
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    let third = harness.state().state().texts[2].id;
    harness.state_mut().send(Command::ShowTexts(false));
    harness.state_mut().send(Command::ShowPanel("score"));
    harness
        .state_mut()
        .send(Command::ScoreMethod(ScoreMethod::Contrast));
    harness.state_mut().send(Command::Against(Some(third)));
    // Two panels side by side, each as narrow as one may be.
    let size = [720., 2400.];
    harness.set_size(size.into());
    settle(&mut harness);
    harness.get_by_label_contains("Words of A by what they add");
    let faults = faults(&harness.output().shapes, size).into_iter();
    let cut = faults.filter(|fault| matches!(fault, Fault::Cut(text, _) if text == "left out"));
    none(cut.map(|fault| fault.to_string()).collect());
}

#[test]
fn what_is_chosen_or_off_in_a_list_can_be_read() {
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    let size = [1024., 700.];
    harness.set_size(size.into());
    let mut found = Vec::new();
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        harness.state_mut().send(Command::SetTheme(theme));
        harness.state_mut().send(Command::ShowPalette);
        settle(&mut harness);
        found.extend(faint(&harness, size, &format!("palette {theme:?}")));
        harness.key_press(egui::Key::Escape);
        for menu in ["File", "Edit", "View"] {
            settle(&mut harness);
            harness.get_by_label(menu).click();
            settle(&mut harness);
            found.extend(faint(&harness, size, &format!("{menu} {theme:?}")));
            harness.key_press(egui::Key::Escape);
        }
        settle(&mut harness);
    }
    none(found);
}

#[test]
fn a_held_dimension_has_its_values_in_sight_under_every_pooling() {
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    let size = [1440., 1400.];
    harness.set_size(size.into());
    let text = harness.state().state().texts[0].id;
    let focus = Focus {
        dimension: Some(5),
        site: Some(Site::Sentence),
        ..Focus::text(text)
    };
    harness.state_mut().send(Command::Lock(focus));
    settle(&mut harness);
    let inspector = harness.get_by_label("Inspector").rect().left();
    let faults = faults(&harness.output().shapes, size).into_iter();
    let cut = faults.filter(|fault| matches!(fault, Fault::Cut(_, at) if at.left() >= inspector));
    none(cut.map(|fault| fault.to_string()).collect());
    harness.get_by_label_contains("under every pooling");
}

#[test]
fn a_narrow_window_writes_no_menu_over_another() {
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    let prompt = Prompt::Text("Represent this sentence for searching relevant passages: ".into());
    for prompt in [Prompt::Own, prompt] {
        harness.state_mut().send(Command::SetPrompt(prompt));
        for width in [640., 720., 800., 1024., 1440.] {
            harness.set_size([width, 450.].into());
            settle(&mut harness);
            let last = harness.get_by_label("Intervene").rect();
            let named = ["Model: ", "Pooling: ", "Prompt: "];
            let labels = named.map(|name| harness.query_all_by_label_contains(name));
            let inside = labels.into_iter().flatten().map(|label| label.rect());
            let menus: Vec<_> = inside.filter(|rect| rect.bottom() < 30.).collect();
            assert_eq!(menus.len(), 3, "at {width}");
            for menu in &menus {
                assert!(menu.left() >= last.right(), "{menu:?} at {width}");
                assert!(menu.right() <= width, "{menu:?} at {width}");
            }
            none(
                faults(&harness.output().shapes, [width, 30.])
                    .into_iter()
                    .filter(|fault| matches!(fault, Fault::Overlap(..)))
                    .map(|fault| format!("{fault} at {width}"))
                    .collect(),
            );
        }
    }
}

/// What is named so lies within the window; its rectangle.
fn place(harness: &Harness<'_, App>, label: &str) -> egui::Rect {
    let rect = harness.get_by_label(label).rect();
    let [width, height] = [720., 450.];
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
    assert!(window.contains_rect(rect), "{label} lies at {rect:?}");
    rect
}

#[test]
fn a_small_screen_puts_the_inspector_away_and_both_sides_come_back() {
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    harness.set_size([1440., 900.].into());
    settle(&mut harness);
    let width = harness.get_by_label("Text 1").rect().width();
    harness.set_size([720., 450.].into());
    settle(&mut harness);
    assert!(harness.get_by_label("Text 1").rect().width() < width);
    assert!(harness.query_by_label("Inspector").is_none());
    place(&harness, "Show the inspector");
    // One column of panels, not two that are squeezed.
    let shown = |harness: &Harness<'_, App>, panel: &str| {
        let about = format!("What am I looking at in {panel}?");
        harness.query_by_label(&about).is_some()
    };
    assert!(shown(&harness, "Tokens") && !shown(&harness, "Score"));
    harness.state_mut().send(Command::ShowPanel("score"));
    settle(&mut harness);
    assert!(shown(&harness, "Score") && !shown(&harness, "Tokens"));
    harness.state_mut().send(Command::ShowTexts(false));
    settle(&mut harness);
    assert!(harness.query_by_label("Text 1").is_none());
    assert!(shown(&harness, "Score") && shown(&harness, "Tokens"));
    place(&harness, "Show the texts");
    harness.get_by_label("Show the texts").click();
    settle(&mut harness);
    harness.get_by_label("Text 1");
    harness.get_by_label("Show the inspector").click();
    settle(&mut harness);
    // There is room for one of them, and that is what was asked for last.
    harness.get_by_label("Inspector");
    assert!(harness.query_by_label("Text 1").is_none());
    place(&harness, "Show the texts");
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::B);
    settle(&mut harness);
    harness.get_by_label("Text 1");
    assert!(harness.query_by_label("Inspector").is_none());
    // A wide window has one unless a person does not want it.
    harness.set_size([1440., 900.].into());
    settle(&mut harness);
    harness.get_by_label("Inspector");
    assert_eq!(harness.get_by_label("Text 1").rect().width(), width);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::I);
    settle(&mut harness);
    assert!(harness.query_by_label("Inspector").is_none());
    // Neither is a change of the work.
    harness.state_mut().send(Command::Undo);
    settle(&mut harness);
    assert!(harness.query_by_label("Inspector").is_none());
}

/// The label of what has the keyboard.
fn focused(harness: &Harness<'_, App>) -> Option<String> {
    let nodes = harness.root().children_recursive();
    let mut nodes = nodes.map(|node| node.accesskit_node());
    nodes.find(|node| node.is_focused())?.label()
}

#[test]
fn the_keyboard_reaches_every_panel() {
    /// More than a window has to offer.
    const STEPS: usize = 400;
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    harness.set_size([1440., 900.].into());
    for panel in PANELS {
        harness.state_mut().send(Command::ShowPanel(panel.id));
        settle(&mut harness);
        let wanted = format!("What am I looking at in {}?", panel.title);
        let mut reached = false;
        for _ in 0..STEPS {
            harness.key_press(egui::Key::Tab);
            harness.step();
            if focused(&harness).as_deref() == Some(&wanted) {
                reached = true;
                break;
            }
        }
        assert!(reached, "Tab does not come to {}", panel.title);
        harness.key_press(egui::Key::Enter);
        harness.step();
        harness.step();
        let about: String = panel.about.chars().take(40).collect();
        harness.get_by_label_contains(&about);
        harness.key_press(egui::Key::Escape);
        harness.step();
    }
}

#[test]
fn the_keyboard_reaches_texts_that_are_out_of_sight() {
    /// What of a text takes the keyboard: its number, A, B, the text, and its menu.
    const OF_A_TEXT: usize = 5;
    const FAR: usize = 40;
    let plain = models::fixtures().join("tiny/plain");
    let mut harness = open(ModelRef::Folder(plain));
    harness.set_size([1440., 900.].into());
    let texts = (0..60).map(|index| format!("the cat {index}")).collect();
    harness.state_mut().send(Command::SetTexts(texts));
    settle(&mut harness);
    assert!(
        harness.query_by_label(&format!("Text {FAR}")).is_none(),
        "out of sight it is not there"
    );
    harness.get_by_label("Text 1").focus();
    harness.step();
    for _ in 0..OF_A_TEXT * (FAR - 1) {
        harness.key_press(egui::Key::Tab);
        harness.step();
    }
    harness.step();
    let label = format!("Text {FAR}");
    let far = harness.get_by_label(&label);
    assert!(far.is_focused());
    let rect = far.rect();
    assert!(rect.top() > 60. && rect.bottom() < 860., "{rect:?}");
}
