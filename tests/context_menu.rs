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
