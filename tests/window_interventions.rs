//! The strip of changes in the window: chips, the score before and after, the menu, undo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/window.rs"]
mod window_support;

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::App;
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, Side};
use embedscope::model::intervention::{Intervention, Interventions, Scope};
use window_support::{open_tiny, send, settle};

fn click(harness: &mut Harness<'_, App>, label: &str) {
    // By the accessibility tree: what is scrolled out of sight has a place in it, too.
    harness.get_by_label(label).click_accesskit();
    harness.step();
    settle(harness);
}

fn set(what: Intervention, scope: Scope) -> Command {
    Command::SetInterventions(Interventions::default().with(what, scope))
}

/// The strip's line on the score.
fn line(harness: &Harness<'_, App>) -> String {
    let texts = harness.root().children_recursive();
    let mut texts = texts.filter_map(|node| node.accesskit_node().value());
    let line = texts.find(|text| text.contains(" → ") && text.contains("with "));
    line.unwrap()
}

#[test]
fn a_chip_is_put_aside_taken_up_removed_and_brought_back() {
    let mut harness = open_tiny();
    assert!(
        harness.query_by_label("Clear all").is_none(),
        "no strip without changes"
    );
    let before: Vec<u64> = harness
        .state()
        .shown()
        .iter()
        .map(|t| t.trace.as_ref().unwrap().pass)
        .collect();
    send(
        &mut harness,
        set(Intervention::NoHead { layer: 1, head: 2 }, Scope::A),
    );
    let trace =
        |harness: &Harness<'_, App>, i: usize| harness.state().shown()[i].trace.clone().unwrap();
    assert_eq!(trace(&harness, 0).interventions.changes.list.len(), 1);
    assert_eq!(trace(&harness, 1).pass, before[1], "B is as it was");
    assert!(
        line(&harness).ends_with("with 1 change"),
        "{}",
        line(&harness)
    );
    click(&mut harness, "L2 · head 3 off (A)");
    assert_eq!(harness.state().state().interventions.active(), 0);
    assert_eq!(trace(&harness, 0).pass, before[0], "its trace was kept");
    click(&mut harness, "L2 · head 3 off (A)");
    click(&mut harness, "Remove L2 · head 3 off (A)");
    assert!(harness.state().state().interventions.is_empty());
    assert_eq!(trace(&harness, 0).pass, before[0]);
    for steps in [1, 0, 1] {
        send(&mut harness, Command::Undo);
        assert_eq!(harness.state().state().interventions.active(), steps);
    }
    assert_eq!(trace(&harness, 0).interventions.changes.list.len(), 1);
}

#[test]
fn the_menu_changes_what_is_selected() {
    let mut harness = open_tiny();
    send(&mut harness, Command::SelectLayer(1));
    click(&mut harness, "Intervene");
    click(&mut harness, "Switch off L2 · attention");
    let all = &harness.state().state().interventions;
    assert_eq!(all.0[0].what, Intervention::NoAttention { layer: 1 });
    let a = harness.state().state().a.unwrap();
    send(&mut harness, Command::Lock(Focus::token(a, 2)));
    click(&mut harness, "Intervene");
    let label = harness.state().shown()[0]
        .trace
        .as_ref()
        .unwrap()
        .tokens
        .labels[2]
        .clone();
    click(&mut harness, &format!("Hide “{label}”"));
    let all = harness.state().state().interventions.clone();
    assert_eq!(
        (&all.0[1].what, all.0[1].scope),
        (&Intervention::NoToken { token: 2 }, Scope::A)
    );
    assert!(
        line(&harness).ends_with("with 2 changes"),
        "{}",
        line(&harness)
    );
    click(&mut harness, "Clear all");
    assert!(harness.state().state().interventions.is_empty());
    // Beside what they are about.
    send(&mut harness, Command::View(Side::A));
    for (panel, label) in [
        ("position", "Switch positions off"),
        ("attention", "Switch L2 · head 1 off"),
        ("tokens", &format!("Switch token 2 “{label}” off")),
    ] {
        send(&mut harness, Command::ShowPanel(panel));
        click(&mut harness, label);
        assert_eq!(harness.state().state().interventions.active(), 1, "{panel}");
        click(&mut harness, &label.replace(" off", " on again"));
        assert!(harness.state().state().interventions.is_empty(), "{panel}");
    }
}

#[test]
fn a_neuron_that_was_switched_off_stays_in_sight() {
    let mut harness = open_tiny();
    send(&mut harness, Command::ShowPanel("feed_forward"));
    let labels: Vec<String> = {
        let all = harness.root().children_recursive();
        all.filter_map(|node| node.accesskit_node().label())
            .collect()
    };
    let mut labels = labels.iter();
    let label = labels.find(|label| label.starts_with("Switch neuron"));
    let label = label.unwrap();
    // Nothing is locked, so it is the strongest of the text.
    click(&mut harness, label);
    click(&mut harness, &label.replace(" off", " on again"));
    assert!(harness.state().state().interventions.is_empty());
}

#[test]
fn a_change_that_cannot_be_says_why_and_can_be_removed() {
    let mut harness = open_tiny();
    send(
        &mut harness,
        set(Intervention::NoAttention { layer: 8 }, Scope::All),
    );
    let error = harness.state().shown()[0].error.clone().unwrap();
    assert!(error.contains("names layer 9"), "{error}");
    harness.get_by_label("cannot run with these changes");
    click(&mut harness, "Remove L9 · attention off (all texts)");
    assert!(harness.state().shown().iter().all(|text| text.current));
}

#[test]
fn dragging_a_temperature_is_one_step() {
    let mut harness = open_tiny();
    let warm = |hundredths| Intervention::Temperature {
        layer: None,
        hundredths,
    };
    send(&mut harness, set(warm(200), Scope::All));
    for hundredths in [210, 220, 400] {
        let all = Interventions::default().with(warm(hundredths), Scope::All);
        // One frame each: what comes after a pause is a step of its own.
        harness.state_mut().send(Command::DragInterventions(all));
        harness.step();
    }
    settle(&mut harness);
    send(&mut harness, Command::Undo);
    assert_eq!(harness.state().state().interventions.0[0].what, warm(200));
    send(&mut harness, Command::Undo);
    assert!(harness.state().state().interventions.is_empty());
}
