//! Two columns in the panels of one text: A and B, or one text through two models.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::time::{Duration, Instant};

use candle_core::Device;
use egui::accesskit::Toggled;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use embedscope::analysis::alignment::counterpart;
use embedscope::app::command::Command;
use embedscope::app::state::{Beside, Focus, Side, State, TextId};
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;
use embedscope::trace::Trace;
use embedscope::views::PANELS;
use models::fixtures;

const TEXTS: &str = "Show A and B side by side";
const MODELS: &str = "Show two models side by side";
const CAT: &str = "the cat bit";
const DOG: &str = "the dog bit";
const PATIENCE: Duration = Duration::from_secs(60);

fn fixture(name: &str) -> ModelRef {
    ModelRef::Folder(fixtures().join(name))
}

/// A window that is high enough to show two long columns, on a WordPiece model.
fn open() -> Harness<'static, App> {
    let options = WindowOptions {
        model: Some(fixture("tiny/plain")),
        device: Device::Cpu,
    };
    let builder = Harness::builder()
        .with_size([2200., 2400.])
        .allow_missing_glyphs();
    let mut harness = builder.build_eframe(|cc| App::new(&cc.egui_ctx, None, options));
    rest(&mut harness);
    send(
        &mut harness,
        Command::SetTexts(vec![CAT.into(), DOG.into()]),
    );
    harness
}

/// The same, of another height.
fn open_high(height: f32) -> Harness<'static, App> {
    let mut harness = open();
    harness.set_size(egui::vec2(2200., height));
    rest(&mut harness);
    harness
}

/// The same with a second model that cuts otherwise: byte-level BPE.
fn open_two() -> Harness<'static, App> {
    let mut harness = open();
    let second = fixture("families/roberta");
    send(&mut harness, Command::SetReference(Some(second)));
    harness
}

/// Steps until everything is computed and stays so.
fn rest(harness: &mut Harness<'_, App>) {
    let end = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 4 {
        assert!(Instant::now() < end, "the window does not settle");
        harness.step();
        let app = harness.state();
        let second = app.engine().reference().is_some();
        let loads = app.state().reference.is_some() && !second;
        let there = |text: &embedscope::views::TextView| {
            text.current && (!second || text.reference_current)
        };
        let busy = loads || app.engine().busy() || !app.shown().iter().all(there);
        quiet = if busy { 0 } else { quiet + 1 };
        if busy {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn send(harness: &mut Harness<'_, App>, command: Command) {
    harness.state_mut().send(command);
    rest(harness);
}

fn pressed(harness: &Harness<'_, App>, label: &str) -> bool {
    let mut found = harness.get_all_by_label(label);
    found.any(|node| node.accesskit_node().toggled() == Some(Toggled::True))
}

/// Labels with these words in the panel, on the left (0) or on the right.
fn found(harness: &Harness<'_, App>, words: &str, column: usize) -> Vec<String> {
    let middle = middle(harness);
    let nodes = harness.query_all_by_label_contains(words);
    let here = nodes.filter(|node| usize::from(node.rect().center().x > middle) == column);
    here.filter_map(|node| {
        node.accesskit_node()
            .label()
            .or(node.accesskit_node().value())
    })
    .collect()
}

/// Between the two columns: in the middle of the panel, from its first switch to its last menu.
fn middle(harness: &Harness<'_, App>) -> f32 {
    let left = harness.get_all_by_label("Show text A").next().unwrap();
    let own = PANELS.iter().filter(|panel| panel.one_text);
    let menus = own.filter_map(|panel| {
        let name = format!("What am I looking at in {}?", panel.title);
        let menu = harness.query_by_label(&name);
        menu.map(|node| node.rect())
    });
    let right = menus.last().expect("a panel of one text is in front");
    (left.rect().left() + right.right()) / 2.
}

/// The traces of A by both models.
fn traces(harness: &Harness<'_, App>) -> (TextId, [std::sync::Arc<Trace>; 2]) {
    let text = &harness.state().shown()[0];
    let traces = [text.trace.clone(), text.reference.clone()];
    (text.id, traces.map(Option::unwrap))
}

/// `cat [2]`, as titles name a token.
fn named(trace: &Trace, token: usize) -> String {
    format!("{} [{token}]", trace.tokens.labels[token])
}

#[test]
fn every_panel_of_one_text_shows_each_text_in_its_own_column() {
    let mut harness = open();
    send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
    for panel in PANELS.iter().filter(|panel| panel.one_text) {
        send(&mut harness, Command::ShowPanel(panel.id));
        let heads = |words, column| !found(&harness, words, column).is_empty();
        assert!(heads(CAT, 0) && heads(DOG, 1), "{}", panel.id);
        assert!(!heads(DOG, 0) && !heads(CAT, 1), "{}: swapped", panel.id);
    }
    send(&mut harness, Command::ShowPanel("tokens"));
    let pieces = |column| {
        let all = found(&harness, "Pieces of", column);
        let strips = all.into_iter().filter(|label| label.starts_with("Pieces"));
        strips.collect::<Vec<_>>()
    };
    assert_eq!(
        (pieces(0), pieces(1)),
        (
            vec!["Pieces of A".to_owned()],
            vec!["Pieces of B".to_owned()]
        )
    );
    let rows = |words, column| found(&harness, words, column).len();
    assert!(rows("cat", 0) > rows("cat", 1) && rows("dog", 1) > rows("dog", 0));
}

/// Where the heads of the two columns of the panel in front are.
fn heads(harness: &Harness<'_, App>, title: &str, names: [&str; 2]) -> [egui::Rect; 2] {
    let switch = harness.get_all_by_label("Show text A").next().unwrap();
    let menu = format!("What am I looking at in {title}?");
    let menu = harness.get_by_label(&menu);
    let (left, right) = (switch.rect().left(), menu.rect().right());
    names.map(|name| {
        let nodes = harness.query_all_by_label(name).map(|node| node.rect());
        let mut here = nodes.filter(|rect| {
            rect.left() >= left - 1.
                && rect.right() <= right + 1.
                && rect.top() > switch.rect().top()
        });
        here.next()
            .unwrap_or_else(|| panic!("{title}: no column of {name}"))
    })
}

#[test]
fn columns_stand_side_by_side_wherever_there_is_room_for_two() {
    let mut harness = open_two();
    let modes = [
        (Beside::Texts, [CAT, DOG]),
        (Beside::Models, ["plain", "roberta"]),
    ];
    for size in [[1440., 900.], [1280., 800.], [1024., 700.]] {
        harness.set_size(size.into());
        for (beside, names) in modes {
            send(&mut harness, Command::ShowBeside(Some(beside)));
            for panel in PANELS.iter().filter(|panel| panel.one_text) {
                send(&mut harness, Command::ShowPanel(panel.id));
                let [first, second] = heads(&harness, panel.title, names);
                let of = format!("{} at {size:?}: {first} and {second}", panel.title);
                assert!((first.top() - second.top()).abs() < 1., "{of}");
                assert!(first.right() < second.left(), "{of}");
            }
        }
    }
    // Also where another panel was used last, which then stands alone.
    harness.set_size(egui::vec2(1200., 800.));
    send(&mut harness, Command::ShowPanel("attention"));
    send(&mut harness, Command::ShowPanel("score"));
    let shown = |panel: &str| {
        let about = format!("What am I looking at in {panel}?");
        harness.query_by_label(&about).is_some()
    };
    assert!(shown("Score") && !shown("Attention"));
    // Neither could be read there.
    harness.set_size(egui::vec2(560., 450.));
    let (beside, names) = modes[0];
    send(&mut harness, Command::ShowBeside(Some(beside)));
    send(&mut harness, Command::ShowPanel("position"));
    let [first, second] = heads(&harness, "Position", names);
    assert!(first.bottom() < second.top(), "{first} and {second}");
}

#[test]
fn each_column_of_tokens_has_the_pieces_of_its_own_text_alone() {
    let mut harness = open_two();
    send(&mut harness, Command::ShowPanel("tokens"));
    let strips = |harness: &Harness<'_, App>, column| {
        let mut all = found(harness, "Pieces of", column);
        all.retain(|label| label.starts_with("Pieces"));
        all
    };
    assert_eq!(strips(&harness, 0).len() + strips(&harness, 1).len(), 2);
    for (beside, side, shown) in [
        (Beside::Texts, Side::A, ["A", "B"]),
        (Beside::Models, Side::A, ["A", "A"]),
        (Beside::Models, Side::B, ["B", "B"]),
    ] {
        send(&mut harness, Command::View(side));
        send(&mut harness, Command::ShowBeside(Some(beside)));
        for column in [0, 1] {
            let name = format!("Pieces of {}", shown[column]);
            assert_eq!(strips(&harness, column), [name], "{beside:?}");
        }
    }
}

/// The colour scales of the panel in front, of the left column and of the right one.
fn scales(harness: &Harness<'_, App>, panel: &'static str) -> [Vec<String>; 2] {
    let both = [0, 1].map(|column| {
        let mut labels = found(harness, "Colour scale", column);
        // The Score panel stands to the right.
        labels.retain(|label| !label.contains("added by a"));
        labels
    });
    assert!(!both[0].is_empty(), "{panel} has no legend");
    both
}

const COLOURED: [&str; 4] = ["embedding", "position", "attention", "feed_forward"];

#[test]
fn both_texts_have_one_colour_range_and_each_model_its_own() {
    let mut harness = open_two();
    let texts = vec![CAT.into(), "dog the mat the dog bit".into()];
    send(&mut harness, Command::SetTexts(texts));
    let mut alone = Vec::new();
    for panel in COLOURED {
        send(&mut harness, Command::ShowPanel(panel));
        let of = [Side::A, Side::B].map(|side| {
            send(&mut harness, Command::View(side));
            let all = harness.query_all_by_label_contains("Colour scale");
            all.filter_map(|node| node.accesskit_node().label())
                .collect::<Vec<_>>()
        });
        if of[0] != of[1] {
            alone.push(panel);
        }
    }
    // The first positions are the same ones, and so are all of them.
    assert_eq!(alone, ["embedding", "attention", "feed_forward"]);
    for panel in COLOURED {
        send(&mut harness, Command::ShowPanel(panel));
        send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
        let [left, right] = scales(&harness, panel);
        assert_eq!(left, right, "{panel}: A and B do not compare");
        harness.get_by_label_contains("colours compare");
        if panel != "position" {
            send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
            let [left, right] = scales(&harness, panel);
            assert_ne!(left, right, "{panel}: two models have one scale");
            harness.get_by_label_contains("Each model has its own colour ranges");
        }
    }
    send(&mut harness, Command::ShowPanel("tokens"));
    let said = harness.query_by_label_contains("own colour ranges");
    assert!(said.is_none(), "tokens have no colours of amounts");
}

/// What covers both is as far as the one that reaches farther.
#[test]
fn the_common_range_is_that_of_the_text_that_reaches_farther() {
    let mut harness = open();
    let texts = vec![CAT.into(), "dog the mat the dog bit".into()];
    send(&mut harness, Command::SetTexts(texts));
    send(&mut harness, Command::ShowPanel("feed_forward"));
    let first = |harness: &Harness<'_, App>| -> (String, f64) {
        let label = found(harness, "Colour scale", 0).remove(0);
        let largest = label.rsplit(' ').next().unwrap().parse().unwrap();
        (label, largest)
    };
    let [a, b] = [Side::A, Side::B].map(|side| {
        send(&mut harness, Command::View(side));
        let all = harness.query_all_by_label_contains("Colour scale");
        let mut labels = all.filter_map(|node| node.accesskit_node().label());
        let label = labels.next().unwrap();
        label.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    });
    assert_ne!(a, b);
    send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
    assert_eq!(first(&harness).1, a.max(b));
    // It follows a text that changes.
    let second = harness.state().state().texts[1].id;
    send(&mut harness, Command::EditText(second, CAT.into()));
    assert_eq!(first(&harness).1, a, "both are the same text now");
}

#[test]
fn two_columns_of_rows_scroll_together() {
    let mut harness = open_high(700.);
    for panel in ["tokens", "feed_forward"] {
        send(&mut harness, Command::ShowPanel(panel));
        send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
        let middle = middle(&harness);
        let title = match panel {
            "tokens" => "Rows of the vocabulary",
            _ => "Neurons of ",
        };
        let tops = |harness: &Harness<'_, App>| {
            let nodes = harness.query_all_by_label_contains(title);
            let mut tops: Vec<_> = nodes.map(|node| node.rect().min).collect();
            tops.sort_by(|a, b| a.x.total_cmp(&b.x));
            assert_eq!(tops.len(), 2, "{tops:?}");
            [tops[0].y, tops[1].y]
        };
        let start = tops(&harness);
        for (x, by) in [
            (middle - 100., -60.),
            (middle + 100., -40.),
            (middle + 100., 70.),
        ] {
            let before = tops(&harness);
            harness.hover_at(egui::pos2(x, 400.));
            harness.event(egui::Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                delta: egui::vec2(0., by),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
                modifiers: egui::Modifiers::NONE,
            });
            for _ in 0..30 {
                harness.step();
            }
            let after = tops(&harness);
            let moved = [after[0] - before[0], after[1] - before[1]];
            assert!(moved[0] * by > 0., "{panel}: {moved:?} by {by}");
            assert!((moved[0] - moved[1]).abs() < 1., "{panel}: {moved:?}");
        }
        assert!(tops(&harness)[0] < start[0], "{panel} is scrolled");
        // One column by itself stays where it was, and so do both when they come back.
        send(&mut harness, Command::View(Side::A));
        send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
        let again = tops(&harness);
        assert!((again[0] - again[1] - start[0] + start[1]).abs() < 1.);
    }
}

#[test]
fn a_and_b_choose_which_text_two_models_show() {
    let mut harness = open_two();
    send(&mut harness, Command::ShowPanel("feed_forward"));
    send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
    assert!(pressed(&harness, "Show text A") && pressed(&harness, MODELS));
    let press = |harness: &mut Harness<'_, App>, label: &str| {
        harness.get_all_by_label(label).next().unwrap().click();
        rest(harness);
    };
    press(&mut harness, "Show text B");
    let state = harness.state().state();
    assert_eq!((state.beside, state.side), (Some(Beside::Models), Side::B));
    assert!(pressed(&harness, "Show text B") && !pressed(&harness, "Show text A"));
    for column in [0, 1] {
        let rows = |word: &str| found(&harness, &format!("{word} ["), column).len();
        assert!(rows("dog") > rows("cat"), "column {column} shows A");
    }
    press(&mut harness, "Show text A");
    assert_eq!(harness.state().state().beside, Some(Beside::Models));
    press(&mut harness, MODELS);
    let state = harness.state().state();
    assert_eq!((state.beside, state.side), (None, Side::A), "left again");
    for (leave, beside, difference) in [
        (
            Command::ShowBeside(Some(Beside::Texts)),
            Some(Beside::Texts),
            false,
        ),
        (Command::ShowDifference(true), None, true),
    ] {
        send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
        send(&mut harness, leave);
        let state = harness.state().state();
        assert_eq!((state.beside, state.difference), (beside, difference));
    }
    send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
    press(&mut harness, "Show text B");
    let state = harness.state().state();
    assert_eq!((state.beside, state.side), (None, Side::B), "A | B is left");
}

#[test]
fn the_first_column_has_the_first_models_tokens_and_the_second_the_seconds() {
    let mut harness = open_two();
    send(&mut harness, Command::ShowPanel("feed_forward"));
    send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
    assert_eq!(found(&harness, "roberta", 1).len(), 1, "headed by its name");
    let (id, [first, second]) = traces(&harness);
    assert!(second.has_inside(0), "what is inside is asked for");
    assert_ne!(first.tokens.pieces, second.tokens.pieces);
    let strongest = |harness: &Harness<'_, App>| found(harness, "strongest here", 1).len();
    // Where nothing is pointed at, the panel shows what is strongest.
    let unpointed = strongest(&harness);
    let mut met = 0;
    for token in 0..first.tokens.len() {
        send(&mut harness, Command::Lock(Focus::token(id, token)));
        let title = |column| found(&harness, "Neurons of ", column);
        assert_eq!(title(0), [format!("Neurons of {}", named(&first, token))]);
        let there = counterpart(&first.tokens, &second.tokens, token);
        if let Some(there) = there {
            met += 1;
            assert_eq!(title(1), [format!("Neurons of {}", named(&second, there))]);
        }
        assert_eq!(strongest(&harness) == unpointed, there.is_none());
    }
    assert_eq!(met, first.tokens.len() - 2, "all but [CLS] and [SEP]");
}

#[test]
fn a_token_of_the_second_model_is_held_as_its_own_and_shown_as_the_firsts() {
    let mut harness = open_two();
    send(&mut harness, Command::ShowPanel("feed_forward"));
    send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
    let (id, [first, second]) = traces(&harness);
    for token in 0..second.tokens.len() {
        let focus = Focus {
            reference: true,
            ..Focus::token(id, token)
        };
        send(&mut harness, Command::Lock(focus));
        let title = |column| found(&harness, "Neurons of ", column);
        assert_eq!(title(1), [format!("Neurons of {}", named(&second, token))]);
        if let Some(there) = counterpart(&second.tokens, &first.tokens, token) {
            assert_eq!(title(0), [format!("Neurons of {}", named(&first, there))]);
        }
        harness.get_by_label("Through roberta, the second model");
        let piece = &second.tokens.labels[token];
        harness.get_by_label(&format!("Token {token}: {piece}"));
    }
    send(&mut harness, Command::SetReference(None));
    assert!(harness.state().state().locked.is_empty());
    assert!(found(&harness, "Neurons of ", 1).is_empty(), "one column");
}

#[test]
fn pointing_into_either_column_points_into_the_other() {
    let mut harness = open_two();
    send(&mut harness, Command::ShowPanel("feed_forward"));
    let (id, [first, second]) = traces(&harness);
    let (traces, other) = ([&*first, &*second], first.clone());
    for beside in [Beside::Models, Beside::Texts] {
        send(&mut harness, Command::ShowBeside(Some(beside)));
        for column in [0, 1] {
            let text = match beside {
                Beside::Texts => column + 1,
                Beside::Models => 1,
            };
            let middle = middle(&harness);
            let start = format!("text: token {text}: ");
            let rows = harness.query_all_by_label_contains(&start).filter(|node| {
                let right = node.rect().center().x > middle;
                usize::from(right) == column && node.accesskit_node().role() == egui::Role::Row
            });
            let row = |node: egui_kittest::Node<'_>| {
                (node.rect().center(), node.accesskit_node().label())
            };
            let rows: Vec<_> = rows.map(row).collect();
            assert!(!rows.is_empty(), "no row in column {column} of {beside:?}");
            for (at, label) in rows {
                // A row of another token of the same neuron stays where it is.
                harness.hover_at(at);
                harness.step();
                harness.step();
                let label = label.unwrap().replace(&start, "");
                let token = label.split("], ").next().unwrap().to_owned() + "]";
                let titles = [0, 1].map(|column| found(&harness, "Neurons of ", column));
                let told = |column: usize| titles[column][0].replace("Neurons of ", "");
                assert_eq!(told(column), token, "column {column} of {beside:?}");
                let at = token.rsplit(['[', ']']).nth(1).unwrap();
                let at: usize = at.parse().unwrap();
                let there = match beside {
                    // Both texts have as many words, in the same places.
                    Beside::Texts => Some((&*other, at)),
                    Beside::Models => {
                        let (from, to) = (traces[column], traces[1 - column]);
                        let there = counterpart(&from.tokens, &to.tokens, at);
                        there.map(|there| (to, there))
                    }
                };
                if let Some((trace, there)) = there {
                    let place = match beside {
                        Beside::Texts => format!("[{there}]"),
                        Beside::Models => named(trace, there),
                    };
                    assert!(told(1 - column).ends_with(&place), "{titles:?}");
                }
            }
            harness.hover_at(egui::pos2(2., 2.));
            rest(&mut harness);
        }
    }
    assert!(harness.state().state().index(id).is_some());
}

#[test]
fn the_choice_is_a_way_of_looking_that_undo_leaves_alone() {
    const EDITED: &str = "the cat";
    let mut harness = open();
    send(&mut harness, Command::ShowPanel("attention"));
    let first = harness.state().state().texts[0].id;
    send(&mut harness, Command::EditText(first, EDITED.into()));
    harness.get_all_by_label(TEXTS).next().unwrap().click();
    rest(&mut harness);
    assert!(pressed(&harness, TEXTS) && !pressed(&harness, "Show text A"));
    send(&mut harness, Command::Undo);
    let state = harness.state().state();
    assert_ne!(state.texts[0].text, EDITED, "undo took the edit back");
    assert_eq!(state.beside, Some(Beside::Texts), "and not the look");
    send(&mut harness, Command::ShowDifference(true));
    let state = harness.state().state();
    assert_eq!((state.beside, state.difference), (None, true));
    send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
    assert!(!harness.state().state().difference);
    send(&mut harness, Command::View(Side::B));
    let state = harness.state().state();
    assert_eq!((state.beside, state.side), (None, Side::B));
}

#[test]
fn the_choice_survives_a_session_file_and_older_files_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("columns.json");
    let mut harness = open();
    send(&mut harness, Command::ShowBeside(Some(Beside::Texts)));
    send(&mut harness, Command::SaveSessionAs(path.clone()));
    send(&mut harness, Command::ShowBeside(None));
    let end = Instant::now() + PATIENCE;
    while !path.exists() && Instant::now() < end {
        harness.step();
    }
    rest(&mut harness);
    send(&mut harness, Command::OpenSession(path));
    let end = Instant::now() + PATIENCE;
    while harness.state().state().beside.is_none() && Instant::now() < end {
        harness.step();
    }
    assert_eq!(harness.state().state().beside, Some(Beside::Texts));

    let text = serde_json::to_string(harness.state().state()).unwrap();
    let read = |text: &str| serde_json::from_str::<State>(text).unwrap();
    assert_eq!(read(&text).beside, Some(Beside::Texts));
    let older = text.replace("\"beside\":\"Texts\",", "");
    assert_ne!(older, text);
    assert_eq!(
        read(&older.replace(",\"reference\":false", "")).beside,
        None
    );
}

#[test]
fn two_models_are_offered_only_where_a_second_one_is_chosen() {
    let mut harness = open();
    send(&mut harness, Command::ShowPanel("position"));
    let off = |harness: &Harness<'_, App>| {
        let mut nodes = harness.get_all_by_label(MODELS);
        nodes.all(|node| node.accesskit_node().is_disabled())
    };
    assert!(off(&harness));
    // A choice that is left over from a session with two models shows one.
    send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
    assert!(!pressed(&harness, MODELS) && pressed(&harness, "Show text A"));
    let second = fixture("families/roberta");
    send(&mut harness, Command::SetReference(Some(second)));
    assert!(!off(&harness) && pressed(&harness, MODELS));
}

#[test]
fn changes_inside_the_encoder_are_said_to_be_the_first_models() {
    use embedscope::model::intervention::{Intervention, Interventions, Scope};
    let mut harness = open_two();
    send(&mut harness, Command::ShowPanel("position"));
    send(&mut harness, Command::ShowBeside(Some(Beside::Models)));
    let note = "The changes inside the encoder are made in plain alone.";
    assert!(found(&harness, note, 1).is_empty());
    let none = Interventions::default();
    let change = none.with(Intervention::NoPositions, Scope::All);
    send(&mut harness, Command::SetInterventions(change));
    assert_eq!(found(&harness, note, 1).len(), 1);
    assert!(found(&harness, note, 0).is_empty());
    let middle = middle(&harness);
    let disabled = |label, right: bool| {
        let nodes = harness.get_all_by_label(label);
        let mut here = nodes.filter(|node| (node.rect().center().x > middle) == right);
        here.next().unwrap().accesskit_node().is_disabled()
    };
    assert!(!disabled("Switch positions on again", false));
    assert!(
        disabled("Switch positions off", true),
        "there it is not off"
    );
}
