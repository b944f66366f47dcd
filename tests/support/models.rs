//! The models that tests run: tiny random ones from the fixtures, and the real one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use candle_core::Device;
use embedscope::cancel::Cancel;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Model, ModelRef};

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

pub fn load(reference: &ModelRef, options: &SourceOptions) -> Result<Model, String> {
    let files = resolve(reference, options, &|_| {}, &Cancel::new()).map_err(|e| e.to_string())?;
    Model::load(&files, &Device::Cpu).map_err(|e| e.to_string())
}

pub fn tiny(name: &str) -> Model {
    let folder = fixtures().join("tiny").join(name);
    load(&ModelRef::Folder(folder), &SourceOptions::from_env()).unwrap()
}

/// all-MiniLM-L6-v2 from the folder in EMBEDSCOPE_MINILM or from the hub's cache. Where it is
/// missing the test that asks fails if EMBEDSCOPE_REQUIRE_MODEL is set, as `scripts/test` does, and
/// otherwise says loudly that it checked nothing.
pub fn minilm() -> Option<Arc<Model>> {
    static MODEL: OnceLock<Option<Arc<Model>>> = OnceLock::new();
    MODEL.get_or_init(find_minilm).clone()
}

fn find_minilm() -> Option<Arc<Model>> {
    let reference = match std::env::var_os("EMBEDSCOPE_MINILM") {
        Some(folder) => ModelRef::Folder(folder.into()),
        None => ModelRef::minilm(),
    };
    let mut options = SourceOptions::from_env();
    options.offline = true;
    match load(&reference, &options) {
        Ok(model) => Some(Arc::new(model)),
        Err(error) if std::env::var_os("EMBEDSCOPE_REQUIRE_MODEL").is_none() => {
            eprintln!(
                "\n*** NOT TESTED: the real model is missing ({error}); run scripts/get-minilm\n"
            );
            None
        }
        Err(error) => panic!("the real model is missing ({error}); run scripts/get-minilm"),
    }
}
