//! The dialog that opens a model by its name tells what that would bring.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::Device;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use embedscope::app::command::Command;
use embedscope::app::dialogs::{Dialogs, Purpose};
use embedscope::engine::Engine;
use embedscope::model::ModelRef;

use super::hub_server::HubServer;
use super::machine::{ID, Machine, closed_port, tiny};

struct Asked {
    dialogs: Dialogs,
    engine: Engine,
    decided: Option<Command>,
}

/// The dialog on a machine with this hub.
fn ask(machine: &Machine) -> Harness<'static, Asked> {
    let mut asked = Asked {
        dialogs: Dialogs::default(),
        engine: Engine::new(Device::Cpu, machine.options.clone(), Arc::new(|| {})),
        decided: None,
    };
    asked.dialogs.ask(Purpose::Model);
    let paint = |ui: &mut egui::Ui, asked: &mut Asked| {
        let decided = asked.dialogs.dialog_ui(ui.ctx(), &asked.engine);
        asked.decided = asked.decided.take().or(decided);
    };
    let mut harness = Harness::builder().build_ui_state(paint, asked);
    harness.step();
    harness
}

fn type_in(harness: &mut Harness<'_, Asked>, text: &str) {
    harness.get_by_label("Folder or hub id").type_text(text);
    harness.step();
}

/// Steps until there is something with these words.
fn wait_for(harness: &mut Harness<'_, Asked>, words: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    while harness.query_by_label_contains(words).is_none() {
        assert!(Instant::now() < end, "there is no {words}");
        harness.step();
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_name_is_asked_for_its_size_before_it_is_fetched() {
    let hub = HubServer::serving(tiny());
    let machine = Machine::new(&hub.url());
    let megabytes = machine.size(ID).unwrap() as f64 / 1e6;
    let mut harness = ask(&machine);
    type_in(&mut harness, ID);
    harness.get_by_label("Fetch and open");
    let told = format!("Fetch ({megabytes:.1} MB)");
    wait_for(&mut harness, &told);
    assert!(!machine.repo_folder().exists(), "nothing is fetched yet");
    harness.get_by_label(&told).click();
    harness.step();
    harness.step();
    let wanted: ModelRef = ID.parse().unwrap();
    assert_eq!(
        harness.state().decided,
        Some(Command::OpenModel(wanted)),
        "the name that was asked for"
    );

    machine.resolve(ID).unwrap();
    let mut harness = ask(&machine);
    type_in(&mut harness, ID);
    wait_for(&mut harness, "Fetch and open");
    let end = Instant::now() + Duration::from_secs(20);
    while harness.query_by_label("Open").is_none() {
        assert!(Instant::now() < end, "what is there is opened");
        harness.step();
    }
}

#[test]
fn a_folder_is_opened_and_a_hub_that_is_not_there_is_told() {
    let machine = Machine::new(&closed_port());
    let mut harness = ask(&machine);
    type_in(&mut harness, "/a/folder");
    harness.get_by_label("Open");
    let mut harness = ask(&machine);
    type_in(&mut harness, ID);
    wait_for(&mut harness, "Its size is not known: ");
    harness.get_by_label("Fetch and open");
}
