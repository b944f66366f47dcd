//! States that are taken from paired tokens of the other text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/changed.rs"]
#[allow(dead_code)]
mod changed;
#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use changed::{full, sentence, traced};
use embedscope::cancel::Cancel;
use embedscope::model::intervention::{Changes, Intervention, Other};
use embedscope::tokens::Pairing;
use embedscope::trace::{LayerSite, Trace};
use models::tiny;

fn paired(layer: usize, token: Option<usize>, other: &str) -> Changes {
    Changes {
        list: vec![Intervention::patch(layer, token)],
        other: Some(Other {
            text: other.into(),
            list: Vec::new(),
        }),
    }
}

fn row(trace: &Trace, t: usize) -> Vec<f32> {
    let states = trace.layer(0, LayerSite::ResidOut).unwrap();
    states.row(&[t]).to_vec()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0., f32::max)
}

#[test]
fn all_states_of_the_last_layer_under_an_identity_pairing_are_the_other_text() {
    let model = tiny("plain");
    let (a, b) = ("the cat bit the dog", "the dog bit the cat");
    let none = Changes::default();
    let (own, other) = (full(&model, a, &none), full(&model, b, &none));
    let pairs = Pairing::new(&own.tokens, &other.tokens, &Cancel::new()).unwrap();
    assert!(pairs.pairs.iter().all(|[i, j]| i == j) && pairs.len() == own.tokens.len());
    assert_ne!(sentence(&own), sentence(&other));
    let last = model.spec().layers() - 1;
    let patched = full(&model, a, &paired(last, None, b));
    assert_eq!(sentence(&patched), sentence(&other));
}

#[test]
fn texts_of_unequal_lengths_exchange_their_partners_and_keep_the_rest() {
    let model = tiny("plain");
    let (a, b) = ("the cat sat", "the big cat sat on the mat");
    let none = Changes::default();
    let (own, other) = (full(&model, a, &none), full(&model, b, &none));
    assert_ne!(own.tokens.len(), other.tokens.len());
    let pairs = Pairing::new(&own.tokens, &other.tokens, &Cancel::new()).unwrap();
    // Otherwise nothing would tell pairs from places.
    assert!(pairs.pairs.iter().any(|[i, j]| i != j), "{:?}", pairs.pairs);
    let patched = full(&model, a, &paired(0, None, b));
    for t in 0..own.tokens.len() {
        let truth = match pairs.pair_of(0, t) {
            Some(pair) => row(&other, pairs.pairs[pair][1]),
            None => row(&own, t),
        };
        assert!(apart(&truth, &row(&patched, t)) < 1e-5, "token {t}");
    }
    // One token alone, from a partner that stands elsewhere.
    let [t, from] = *pairs.pairs.iter().find(|[i, j]| i != j).unwrap();
    let one = full(&model, a, &paired(0, Some(t), b));
    assert!(apart(&row(&other, from), &row(&one, t)) < 1e-5);
    let back = Pairing::new(&other.tokens, &own.tokens, &Cancel::new()).unwrap();
    let alone = (0..other.tokens.len()).find(|&t| back.pair_of(0, t).is_none());
    let error = traced(&model, b, &paired(0, alone, a), 0).err().unwrap();
    assert!(
        error.to_string().contains("none in the other text"),
        "{error}"
    );
}
