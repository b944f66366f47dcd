//! InfoNCE against PyTorch: cross-entropy and autograd in f64.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use embedscope::analysis::contrastive::{InfoNce, vector_gradients};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-10;

#[derive(Deserialize)]
struct Fixture {
    anchors: Vec<Vec<f64>>,
    positives: Vec<Vec<f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    temperature: f64,
    symmetric: bool,
    loss: f64,
    losses: Vec<f64>,
    by_anchors: Vec<Vec<f64>>,
    by_positives: Vec<Vec<f64>>,
}

fn near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= TOLERANCE, "{what}: {a} and not {b}");
    }
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/contrast.json");
    let fixture: Fixture = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(fixture.cases.len(), 4);
    for case in &fixture.cases {
        let loss = InfoNce {
            temperature: case.temperature,
            symmetric: case.symmetric,
        };
        let contrast = loss.contrast(&fixture.anchors, &fixture.positives);
        near(&[contrast.loss], &[case.loss], "loss");
        near(&contrast.losses, &case.losses, "losses");
        let (by_a, by_b) =
            vector_gradients(&contrast.gradient, &fixture.anchors, &fixture.positives);
        near(&by_a.concat(), &case.by_anchors.concat(), "anchors");
        near(&by_b.concat(), &case.by_positives.concat(), "positives");
    }
}
