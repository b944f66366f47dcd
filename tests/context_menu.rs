//! What a right click and the menu key offer, and what a tab says that cannot answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/window.rs"]
mod window_support;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::Side;
use embedscope::model::intervention::{Intervention, Interventions, Scope};
use embedscope::trace::{LayerSite, Site};
use window_support::{open_tiny, send, settle};

/// Chooses an entry of the open menu.
fn choose(harness: &mut Harness<'_, App>, entry: &str) {
    harness.get_by_label(entry).click();
    settle(harness);
}

#[test]
fn a_right_click_on_a_text_does_what_its_row_does() {
    let mut harness = open_tiny();
    let third = harness.state().state().texts[2].id;
    harness.get_by_label("Text 3").click_secondary();
    settle(&mut harness);
    choose(&mut harness, "Make it B");
    assert_eq!(harness.state().state().b, Some(third));
    assert!(harness.query_by_label("Make it B").is_none(), "it closes");

    harness.get_by_label("Text 3").click_secondary();
    settle(&mut harness);
    assert!(
        harness
            .get_by_label("Make it B")
            .accesskit_node()
            .is_disabled()
    );
    assert!(
        harness
            .get_by_label("Hold B against it")
            .accesskit_node()
            .is_disabled()
    );
    choose(&mut harness, "Duplicate");
    let texts = &harness.state().state().texts;
    assert_eq!((texts.len(), &texts[5].text), (6, &texts[2].text));

    harness.get_by_label("Text 5").click_secondary();
    settle(&mut harness);
    let gone = harness.state().state().texts[4].id;
    choose(&mut harness, "Remove");
    assert_eq!(harness.state().state().index(gone), None);
    // Escape closes it and changes nothing.
    harness.get_by_label("Text 4").click_secondary();
    settle(&mut harness);
    harness.get_by_label("Hold B against it");
    harness.key_press(Key::Escape);
    settle(&mut harness);
    assert!(harness.query_by_label("Hold B against it").is_none());
}

#[test]
fn the_menu_key_opens_it_on_the_row_that_has_the_keyboard() {
    let mut harness = open_tiny();
    harness.get_by_label("Make text 2 A").focus();
    settle(&mut harness);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    settle(&mut harness);
    assert!(
        harness
            .get_by_label("Make it A")
            .accesskit_node()
            .is_focused()
    );
    let second = harness.state().state().texts[1].id;
    harness.key_press(Key::Enter);
    settle(&mut harness);
    assert_eq!(harness.state().state().a, Some(second));
    let row = harness.get_by_label("Make text 2 A");
    assert!(
        row.accesskit_node().is_focused(),
        "the keyboard is back where it was"
    );
}

#[test]
fn a_right_click_on_a_token_locks_and_hides_it() {
    let mut harness = open_tiny();
    let a = harness.state().state().a.unwrap();
    let label = harness.state().shown()[0]
        .trace
        .as_ref()
        .unwrap()
        .tokens
        .labels[2]
        .clone();
    let token = harness.query_all_by_label(&label).next().unwrap();
    token.click_secondary();
    settle(&mut harness);
    choose(&mut harness, "Lock");
    let locked = harness.state().state().locked;
    assert_eq!(locked.token, Some(2));
    let side = match locked.text == Some(a) {
        true => Scope::A,
        false => Scope::B,
    };
    // On the keyboard: what is locked.
    let token = harness.query_all_by_label(&label).next().unwrap();
    token.click_secondary();
    settle(&mut harness);
    harness.get_by_label("Unlock");
    choose(&mut harness, &format!("Hide “{label}”"));
    let all = &harness.state().state().interventions;
    let hidden = Intervention::NoToken { token: 2 };
    assert_eq!(*all, Interventions::default().with(hidden, side));
    let token = harness.query_all_by_label(&label).next().unwrap();
    token.click_secondary();
    settle(&mut harness);
    choose(&mut harness, "Take back: token 2 hidden");
    assert!(harness.state().state().interventions.is_empty());
}

/// The middle of a picture.
fn middle_of(harness: &Harness<'_, App>, name: &str) -> egui::Pos2 {
    let start = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
        let label = node.label().unwrap_or_default();
        node.role() == egui::accesskit::Role::Image && label.starts_with(name)
    };
    let mut found = harness.query_all(egui_kittest::kittest::by().predicate(start));
    found.next().unwrap().rect().center()
}

/// Opens the menu on what is at this place.
fn right_click(harness: &mut Harness<'_, App>, pos: egui::Pos2) {
    harness.hover_at(pos);
    harness.step();
    harness.step();
    for pressed in [true, false] {
        harness.event(egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Secondary,
            pressed,
            modifiers: Modifiers::NONE,
        });
        harness.step();
    }
    settle(harness);
}

/// What an entry of the open menu puts on the clipboard.
fn copied(harness: &mut Harness<'_, App>, entry: &str) -> String {
    harness.get_by_label(entry).click();
    for _ in 0..4 {
        harness.step();
        let commands = &harness.output().platform_output.commands;
        let text = commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        if let Some(text) = text {
            return text;
        }
    }
    panic!("{entry} copies nothing");
}

#[test]
fn a_right_click_on_a_head_selects_it_and_switches_it_off_and_on() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowPanel("attention"));
    send(&mut harness, Command::SelectLayer(0));
    send(&mut harness, Command::SelectHead(0));
    // Off the lines between the thumbnails; what a change adds above moves them.
    let place = |harness: &Harness<'_, App>| middle_of(harness, "Every head") + egui::vec2(7., 15.);
    let at = place(&harness);
    right_click(&mut harness, at);
    let named = |layer: usize, head: usize| format!("L{} · head {}", layer + 1, head + 1);
    let spec = harness.state().engine().model().unwrap();
    let (layers, heads) = (spec.spec().layers(), spec.spec().heads);
    let all = (0..layers).flat_map(|layer| (0..heads).map(move |head| (layer, head)));
    let told = |&(layer, head): &(usize, usize)| {
        let title = named(layer, head);
        let mut all = harness.query_all_by_label(&title);
        all.any(|node| node.rect().left() > at.x - 8.)
    };
    harness.get_by_label("Show its attention");
    let (layer, head) = all.filter(told).last().unwrap();
    assert_ne!((layer, head), (0, 0), "not the head that was selected");
    choose(&mut harness, "Select it");
    let state = harness.state().state();
    assert_eq!((state.layer, state.head), (layer, head));
    let at = place(&harness);
    right_click(&mut harness, at);
    assert!(harness.query_by_label("Select it").is_none(), "it is");
    choose(&mut harness, "Switch it off");
    let off = Interventions::default().with(Intervention::NoHead { layer, head }, Scope::All);
    assert_eq!(harness.state().state().interventions, off);
    let at = place(&harness);
    right_click(&mut harness, at);
    choose(
        &mut harness,
        &format!("Take back: {} off", named(layer, head)),
    );
    assert!(harness.state().state().interventions.is_empty());
    send(&mut harness, Command::SelectHead(0));
    let at = place(&harness);
    right_click(&mut harness, at);
    choose(&mut harness, "Show its attention");
    assert_eq!(harness.state().state().head, head);
}

#[test]
fn a_right_click_on_a_cell_copies_its_number_and_its_row() {
    let mut harness = open_tiny();
    // High enough for every map.
    harness.set_size(egui::vec2(1400., 2200.));
    send(&mut harness, Command::SelectLayer(1));
    for (panel, picture, site) in [
        ("feed_forward", "layer.1.ffn_act", LayerSite::FfnAct),
        ("attention", "L2 · head ", LayerSite::Pattern),
    ] {
        send(&mut harness, Command::ShowPanel(panel));
        let at = middle_of(&harness, picture) + egui::vec2(3., 3.);
        right_click(&mut harness, at);
        choose(&mut harness, "Lock");
        let locked = harness.state().state().locked;
        let trace = harness.state().shown()[0].trace.clone().unwrap();
        let token = locked.token.unwrap();
        let index = match site {
            LayerSite::FfnAct => vec![token, locked.neuron.unwrap()],
            _ => vec![harness.state().state().head, token, locked.other.unwrap()],
        };
        let values = trace.values(Site::Layer(1, site)).unwrap();
        let (wanted, outer) = (values.at(&index).unwrap(), &index[..index.len() - 1]);
        right_click(&mut harness, at);
        harness.get_by_label(&format!("{}{index:?}", Site::Layer(1, site)));
        let value: f32 = copied(&mut harness, "Copy value").parse().unwrap();
        assert_eq!(value.to_bits(), wanted.to_bits(), "every digit");
        right_click(&mut harness, at);
        let tsv = copied(&mut harness, "Copy row as TSV");
        let lines: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
        let [names, numbers] = &lines[..] else {
            panic!("two lines: {tsv}");
        };
        let row = values.row(outer);
        assert_eq!((names.len(), numbers.len()), (row.len() + 1, row.len() + 1));
        assert_eq!(names[0], Site::Layer(1, site).to_string());
        for (text, value) in numbers[1..].iter().zip(row.iter()) {
            assert_eq!(text.parse::<f32>().unwrap().to_bits(), value.to_bits());
        }
        let last = index[outer.len()];
        let name = match site {
            LayerSite::FfnAct => last.to_string(),
            _ => format!("{} [{last}]", trace.tokens.labels[last]),
        };
        assert_eq!(names[last + 1], name);
        send(&mut harness, Command::Release);
    }
}

#[test]
fn patches_say_which_way_they_pair_and_can_be_switched() {
    let mut harness = open_tiny();
    let patch = Intervention::patch(0, None);
    let all = Interventions::default().with(patch, Scope::A);
    send(&mut harness, Command::SetInterventions(all));
    harness.get_by_label("L1 · states from the other text, paired (A)");
    harness
        .get_by_label("Take states from the same place")
        .click();
    settle(&mut harness);
    harness.get_by_label("L1 · states from the other text, same place (A)");
    harness.get_by_label("Take states from paired tokens");
    send(&mut harness, Command::Undo);
    harness.get_by_label("L1 · states from the other text, paired (A)");
}

#[test]
fn a_tab_that_cannot_answer_says_why_and_still_opens() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowPanel("score"));
    let refused = "Shapley, not available: ";
    assert!(harness.query_by_label_contains(refused).is_none());
    harness.get_by_label("Shapley");
    let off = Intervention::NoHead { layer: 0, head: 1 };
    let all = Interventions::default().with(off, Scope::All);
    send(&mut harness, Command::SetInterventions(all));
    let tab = harness.get_by_label_contains(refused);
    let name = tab.accesskit_node().label().unwrap();
    assert!(name.contains("L1 · head 2 off"), "{name}");
    tab.click();
    settle(&mut harness);
    let said = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
        let label = node.label().or_else(|| node.value()).unwrap_or_default();
        label.starts_with("the method `shapley`: does not hold")
    };
    assert!(
        harness
            .query_all(egui_kittest::kittest::by().predicate(said))
            .next()
            .is_some()
    );
    assert_eq!(harness.state().state().side, Side::A);
    // What reads the trace alone stays.
    harness.get_by_label("Token pairs");
    harness.get_by_label("Ablation");
}
