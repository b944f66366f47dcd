//! A task's adapter, chosen in the menu of prompts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::time::{Duration, Instant};

use candle_core::Device;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use embedscope::app::{App, WindowOptions};
use embedscope::model::ModelRef;
use models::fixtures;

const PATIENCE: Duration = Duration::from_secs(20);

/// Steps until the window shows what the model with this title says.
fn settle(harness: &mut Harness<'_, App>, title: &str) {
    let end = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < 3 {
        assert!(Instant::now() < end, "{title} did not come");
        harness.step();
        let app = harness.state();
        let model = app.engine().model();
        let there = model.is_some_and(|model| model.source.title() == title);
        let shown = app.shown().iter().all(|text| text.current);
        match app.engine().busy() || !shown || !there {
            true => {
                quiet = 0;
                std::thread::sleep(Duration::from_millis(2));
            }
            false => quiet += 1,
        }
    }
}

/// What the last stage of the strip says.
fn score(harness: &Harness<'_, App>) -> String {
    let stage = harness.get_by_label("Stage Score");
    stage.accesskit_node().value().unwrap_or_default()
}

/// Opens the menu of prompts, which says `shown`, and chooses an entry of it.
fn choose(harness: &mut Harness<'_, App>, shown: &str, entry: &str) {
    let menu = format!("Prompt: {shown}");
    harness.get_by_label(&menu).click();
    harness.step();
    harness.step();
    harness.get_by_label(entry).click();
    harness.step();
}

#[test]
fn a_task_of_the_prompt_menu_changes_the_model_its_prompt_and_the_score() {
    let options = WindowOptions {
        model: Some(ModelRef::Folder(fixtures().join("families/jina_v3_query"))),
        device: Device::Cpu,
    };
    let mut harness = Harness::builder()
        .with_size([1400., 850.])
        .build_eframe(|cc| App::new(&cc.egui_ctx, None, options));
    settle(&mut harness, "jina_v3_query");
    harness.get_by_label("Model: jina_v3_query");
    let plain = score(&harness);
    let mut seen = vec![plain.clone()];
    let mut shown = "none";
    for task in ["retrieval.query", "separation"] {
        choose(&mut harness, shown, task);
        settle(&mut harness, &format!("jina_v3_query#{task}"));
        // The label says which task, and the prompt is the task's.
        harness.get_by_label(&format!("Model: jina_v3_query#{task}"));
        harness.get_by_label(&format!("Prompt: {task}"));
        let now = score(&harness);
        assert!(now.parse::<f64>().is_ok(), "{now}");
        assert!(!seen.contains(&now), "{task}: {seen:?} {now}");
        seen.push(now);
        shown = task;
    }
    choose(&mut harness, shown, "no task");
    settle(&mut harness, "jina_v3_query");
    assert_eq!(score(&harness), plain, "the weights as they were");
}
