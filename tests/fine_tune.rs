//! Fine-tuning in the window: a run on the bundled model, watched, used, taken back and saved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/window.rs"]
mod window_support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use embedscope::app::App;
use embedscope::app::command::{Command, LabCommand};
use embedscope::app::fine_tune::{FineTune, Rate};
use embedscope::app::samples::CONTRASTIVE_PAIRS;
use embedscope::engine::{LabRun, LabStage};
use embedscope::model::{Model, ModelRef};
use window_support::{send, settle};

const PATIENCE: Duration = Duration::from_secs(120);
/// The workspace that holds the panel.
const TRAIN: usize = 3;

fn open() -> Harness<'static, App> {
    let mut harness = window_support::open("bundled".parse().unwrap(), [1440., 900.]);
    let texts = CONTRASTIVE_PAIRS.texts.iter().map(|&text| text.to_owned());
    send(&mut harness, Command::SetTexts(texts.collect()));
    send(&mut harness, Command::ShowWorkspace(TRAIN));
    harness
}

fn click(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_label(label).click();
    settle(harness);
}

fn run(harness: &Harness<'_, App>) -> Arc<LabRun> {
    harness.state().engine().lab().expect("a run")
}

fn model(harness: &Harness<'_, App>) -> Arc<Model> {
    harness.state().engine().model().unwrap()
}

fn set(harness: &mut Harness<'_, App>, change: impl FnOnce(&mut FineTune)) {
    let mut settings = harness.state().state().fine_tune.clone();
    change(&mut settings);
    send(harness, Command::SetFineTune(settings));
}

/// The sentence vectors that the window shows.
fn shown(harness: &Harness<'_, App>) -> Vec<Vec<f32>> {
    let texts = harness.state().shown().iter();
    texts
        .map(|text| {
            let trace = text.trace.as_ref().unwrap();
            trace
                .values("sentence".parse().unwrap())
                .unwrap()
                .flat()
                .into_owned()
        })
        .collect()
}

#[test]
fn the_samples_loss_goes_down_its_pairs_come_together_and_all_of_it_can_be_taken_back() {
    let mut harness = open();
    let (loaded, before) = (model(&harness), shown(&harness));
    set(&mut harness, |settings| settings.rate = Rate::new(2e-4));
    click(&mut harness, "Start");
    let done = run(&harness);
    assert_eq!(done.stage, LabStage::Done);
    assert_eq!((done.reports.len(), done.checks.len()), (50, 51));
    assert_eq!((done.plan.learned.len(), done.plan.held_out.len()), (5, 1));
    let (first, last) = (&done.checks[0], &done.checks[50]);
    assert!(done.reports[49].loss < 0.5 * done.reports[0].loss);
    assert!(last.learned < 0.5 * first.learned);
    let mean = |cosines: &[f64]| cosines[..5].iter().sum::<f64>() / 5.;
    assert!(
        mean(&last.cosines) > mean(&first.cosines),
        "{first:?} {last:?}"
    );
    assert!(last.held_out.is_some());
    assert_eq!(
        model(&harness).hash,
        loaded.hash,
        "the loaded model stays in use"
    );
    assert_eq!(shown(&harness), before);
    harness.get_by_label_contains("Mean cosine: learned pairs");

    click(&mut harness, "Use the tuned weights");
    let tuned = shown(&harness);
    assert_ne!(tuned, before);
    // The panels show the weights that the run ended with.
    for (i, vector) in [0, 2, 4, 6, 8, 10].into_iter().zip(&last.vectors) {
        let off = tuned[i]
            .iter()
            .zip(vector)
            .map(|(a, b)| (f64::from(*a) - b).abs());
        assert!(off.fold(0., f64::max) < 1e-5);
    }
    click(&mut harness, "Use the original weights");
    assert_eq!(shown(&harness), before, "nothing of it is left");

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mine");
    send(&mut harness, Command::Lab(LabCommand::Save(folder.clone())));
    send(&mut harness, Command::OpenModel(ModelRef::Folder(folder)));
    for (a, b) in shown(&harness).iter().flatten().zip(tuned.iter().flatten()) {
        assert!(
            (a - b).abs() < 1e-6,
            "saved and opened again: {a} instead of {b}"
        );
    }
    // A folder that holds something is not overwritten.
    let taken = dir.path().to_owned();
    send(&mut harness, Command::Lab(LabCommand::Save(taken)));
    harness.get_by_label_contains("is not empty; name a new folder");
}

#[test]
fn a_second_run_goes_on_from_the_tuned_weights_and_still_leads_back_to_the_first() {
    let mut harness = open();
    set(&mut harness, |settings| settings.steps = 3);
    let loaded = model(&harness);
    click(&mut harness, "Start");
    click(&mut harness, "Use the tuned weights");
    click(&mut harness, "Start");
    let second = run(&harness);
    assert_eq!(second.original.hash, loaded.hash);
    assert_ne!(second.tuned.as_ref().unwrap().hash, loaded.hash);
    click(&mut harness, "Use the original weights");
    assert_eq!(model(&harness).hash, loaded.hash);
}

#[test]
fn a_run_can_be_stopped_and_what_it_learned_until_then_is_there() {
    let mut harness = open();
    set(&mut harness, |settings| settings.steps = 2000);
    harness.get_by_label("Start").click();
    let end = Instant::now() + PATIENCE;
    while harness
        .state()
        .engine()
        .lab()
        .is_none_or(|run| run.reports.len() < 3)
    {
        assert!(Instant::now() < end, "no step was taken");
        harness.step();
    }
    harness.get_by_label_contains("step ");
    click(&mut harness, "Stop");
    let stopped = run(&harness);
    assert_eq!(stopped.stage, LabStage::Stopped);
    assert!(stopped.reports.len() < 2000);
    assert!(stopped.tuned.is_some());
    assert_eq!(stopped.checks.last().unwrap().step, stopped.reports.len());
    harness.get_by_label_contains("Stopped after");
}

fn with_file(contents: &str, check: impl FnOnce(&mut Harness<'_, App>, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("more.tsv");
    std::fs::write(&path, contents).unwrap();
    let mut harness = open();
    set(&mut harness, |settings| settings.steps = 2);
    send(&mut harness, Command::SetPairsFile(Some(path.clone())));
    harness.get_by_label("and the pairs of more.tsv");
    click(&mut harness, "Start");
    check(&mut harness, &path);
}

#[test]
fn pairs_of_a_file_are_learned_too_and_its_last_ones_are_held_out() {
    with_file("red\tcrimson\nhot\twarm\nbig\tlarge\n", |harness, _| {
        let run = run(harness);
        assert_eq!(run.stage, LabStage::Done);
        assert_eq!(run.plan.learned.len(), 6 + 2);
        assert_eq!(run.plan.held_out[0].a, "big");
    });
}

#[test]
fn a_broken_file_names_its_line_and_nothing_is_lost() {
    with_file("red\tcrimson\nhot warm\n", |harness, path| {
        let LabStage::Failed(error) = run(harness).stage.clone() else {
            panic!("the run went on");
        };
        assert_eq!(
            &*error,
            format!(
                "{}: line 2 has no tab; a pair is two texts with a tab between them",
                path.display()
            )
        );
        harness.get_by_label_contains("line 2 has no tab");
        click(harness, "Without the file");
        click(harness, "Start");
        assert_eq!(run(harness).stage, LabStage::Done);
    });
}

#[test]
fn pasted_pairs_become_marked_pairs_of_the_list() {
    let mut harness = open();
    click(&mut harness, "Add pairs as text");
    let field = "One pair a line, with a tab between the two texts";
    harness.get_by_label(field).focus();
    harness.step();
    harness.get_by_label(field).type_text("one\ttwo\nbroken");
    settle(&mut harness);
    click(&mut harness, "Add these pairs");
    harness.get_by_label_contains("the pasted text: line 2 has no tab");
    assert_eq!(harness.state().state().texts.len(), 12);
    harness.get_by_label(field).focus();
    harness.step();
    harness.get_by_label(field).type_text("\tmended");
    settle(&mut harness);
    click(&mut harness, "Add these pairs");
    let state = harness.state().state();
    assert_eq!((state.texts.len(), state.pairs.len()), (16, 8));
}
