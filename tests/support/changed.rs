//! What tests of changed runs share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedscope::analysis::vectors::cosine;
use embedscope::cancel::Cancel;
use embedscope::model::intervention::{Changes, Intervention, Other};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Model, ModelError, ModelRef, Prompt};
use embedscope::trace::{Site, Trace};

use crate::models::{self, fixtures};

pub const TEXT: &str = "The dog bit the cat; unhappily the cat bit the dog!";
pub const OTHER: &str = "The cat bit the dog; unhappily the dog bit the cat!";

/// One model of each family that can be run, by name.
pub fn families() -> Vec<(String, Model)> {
    let folders = std::fs::read_dir(fixtures().join("families")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for folder in folders.filter(|folder| folder.join("expected").is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let model = models::load(&ModelRef::Folder(folder), &SourceOptions::from_env());
        found.push((name, model.unwrap()));
    }
    assert!(found.len() > 25, "the checkpoints of families are missing");
    found
}

pub fn only(what: Intervention) -> Changes {
    Changes {
        list: vec![what],
        other: None,
    }
}

pub fn patched(layer: usize, token: Option<usize>, text: &str) -> Changes {
    Changes {
        list: vec![Intervention::Patch {
            layer,
            token,
            aligned: false,
        }],
        other: Some(Other {
            text: text.into(),
            list: Vec::new(),
        }),
    }
}

pub fn warm(layer: Option<usize>, degree: f64) -> Intervention {
    Intervention::Temperature {
        layer,
        hundredths: (degree * 100.) as u32,
    }
}

pub fn traced(
    model: &Model,
    text: &str,
    changes: &Changes,
    most: usize,
) -> Result<Trace, ModelError> {
    let cancel = Cancel::new();
    model.trace_changed((text, &Prompt::None), changes, most, &|_| None, &cancel)
}

pub fn full(model: &Model, text: &str, changes: &Changes) -> Trace {
    traced(model, text, changes, usize::MAX).unwrap()
}

pub fn sentence(trace: &Trace) -> Vec<f32> {
    trace.values(Site::Sentence).unwrap().flat().into_owned()
}

pub fn vector(model: &Model, text: &str, changes: &Changes) -> Vec<f32> {
    sentence(&full(model, text, changes))
}

pub fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b).filter(|(a, b)| a != b);
    pairs.fold(0., |most, (a, b)| match (a - b).abs() {
        off if off.is_nan() => f32::INFINITY,
        off => most.max(off),
    })
}

pub fn cos(a: &[f32], b: &[f32]) -> f64 {
    let wide = |v: &[f32]| v.iter().map(|&x| x.into()).collect::<Vec<f64>>();
    cosine(&wide(a), &wide(b))
}

/// One of each kind.
pub fn kinds(model: &Model) -> Vec<Changes> {
    let last = model.spec().layers().saturating_sub(1);
    let head = model.spec().heads - 1;
    let mut all: Vec<Changes> = [
        Intervention::NoPositions,
        Intervention::NoHead { layer: last, head },
        Intervention::NoAttention { layer: 0 },
        Intervention::NoFeedForward { layer: last },
        Intervention::NoNeuron {
            layer: 0,
            neuron: 1,
        },
        Intervention::NoToken { token: 2 },
        warm(None, 3.),
        Intervention::Shuffle { seed: 3 },
    ]
    .map(only)
    .to_vec();
    all.push(patched(0, Some(5), OTHER));
    let together = all.iter().flat_map(|changes| changes.list.clone());
    all.push(Changes {
        list: together.collect(),
        other: all[8].other.clone(),
    });
    all
}

/// all-MiniLM-L6-v2, where this machine has it.
pub fn minilm() -> Option<Model> {
    models::minilm()?;
    let folder = std::env::var_os("EMBEDSCOPE_MINILM")?;
    let model = models::load(&ModelRef::Folder(folder.into()), &SourceOptions::from_env());
    Some(model.unwrap())
}
