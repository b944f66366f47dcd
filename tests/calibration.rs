//! The calibration of a model in the background: made once, kept on disk, given up on request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use candle_core::Device;
use embedscope::cancel::Cancel;
use embedscope::engine::{CalibrationKey, CalibrationState, CalibrationStore, Engine, calibrate};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Model, ModelError, Prompt};
use embedscope::trace::PoolingMode;

#[path = "support/models.rs"]
#[allow(dead_code, reason = "each test file uses its own part of this")]
mod models;

fn store(folder: &Path) -> CalibrationStore {
    CalibrationStore::new(Some(folder.to_owned()))
}

fn engine(folder: &Path) -> Engine {
    let mut engine = Engine::new(Device::Cpu, SourceOptions::from_env(), Arc::new(|| {}));
    engine.keep_calibrations_in(store(folder));
    engine
}

fn key(model: &Model, pooling: Option<PoolingMode>) -> CalibrationKey {
    CalibrationKey::new(model, pooling, &Prompt::Own).unwrap()
}

fn settled(engine: &Engine, key: &CalibrationKey) -> CalibrationState {
    engine.calibration_state(key);
    assert!(engine.settle(Duration::from_secs(120)));
    engine.calibration_state(key)
}

#[test]
fn it_is_made_on_request_kept_on_disk_and_made_again_where_the_file_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("not/there/yet");
    let model = Arc::new(models::tiny("plain"));
    let key = key(&model, None);
    let first = engine(&cache);
    assert!(matches!(settled(&first, &key), CalibrationState::Missing));
    first.calibrate(model.clone(), key.clone());
    assert!(first.calibrating().is_some() && first.busy());
    let CalibrationState::Ready(made) = settled(&first, &key) else {
        panic!("it was not made");
    };
    assert!(made.pairs() > 10_000 && made.is_whole());
    assert_eq!(made.mean.len(), model.sentence_size());

    let second = engine(&cache);
    settled(&second, &key);
    assert_eq!(*second.calibration(&key).unwrap(), *made);

    let file = store(&cache).path(&key).unwrap();
    for damage in [
        "",
        "{",
        "[1]",
        "{\"cosines\":[],\"mean\":[],\"axes\":[],\"shares\":[],\"dimensions\":[]}",
    ] {
        std::fs::write(&file, damage).unwrap();
        let third = engine(&cache);
        assert!(matches!(settled(&third, &key), CalibrationState::Missing));
    }
    let fourth = engine(&cache);
    fourth.calibrate(model.clone(), key.clone());
    settled(&fourth, &key);
    assert_eq!(store(&cache).load(&key).unwrap(), *made);
}

#[test]
fn a_folder_that_cannot_be_written_costs_nothing_but_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "not a folder").unwrap();
    let model = Arc::new(models::tiny("plain"));
    let key = key(&model, None);
    let engine = engine(&blocked);
    engine.calibrate(model, key.clone());
    settled(&engine, &key);
    assert!(engine.calibration(&key).is_some());
}

#[test]
fn models_poolings_and_prompts_have_files_of_their_own() {
    let model = models::tiny("plain");
    let store = store(Path::new("somewhere"));
    let own = key(&model, None);
    assert_eq!(own, key(&model, Some(PoolingMode::Mean)), "mean is its own");
    let prompted = CalibrationKey::new(&model, None, &Prompt::Text("query: ".into())).unwrap();
    let keys = [
        own.clone(),
        key(&model, Some(PoolingMode::Max)),
        prompted,
        key(&models::tiny("vocab_only"), None),
    ];
    let paths: std::collections::HashSet<_> = keys.iter().map(|key| store.path(key)).collect();
    assert_eq!(paths.len(), keys.len());
    assert_eq!(CalibrationStore::default().path(&own), None);
}

#[test]
fn it_stops_between_batches() {
    let model = models::tiny("plain");
    let (key, cancel) = (key(&model, None), Cancel::new());
    let mut heard = Vec::new();
    let stopped = calibrate(&model, &key, &cancel, &mut |done, all| {
        heard.push((done, all));
        if heard.len() == 3 {
            cancel.cancel();
        }
    });
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert_eq!(heard.len(), 3);

    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    engine.calibrate(Arc::new(model), key.clone());
    engine.stop_calibrating();
    assert!(matches!(settled(&engine, &key), CalibrationState::Missing));
}
