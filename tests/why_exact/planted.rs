//! Planted truth: models whose explanation is known.

use candle_core::Tensor;
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::model::Model;

use crate::{check_input, full, input, models, poolings, under, writers};

/// The model with `f` applied to each of its encoder's tensors.
fn changed(model: &Model, f: impl Fn(&str, &Tensor) -> Option<Tensor>) -> Model {
    let weights = &model.encoder.weights;
    let map = |name: &str, tensor: &Tensor| Ok(f(name, tensor).unwrap_or_else(|| tensor.clone()));
    let weights = weights.map(&mut { map }).unwrap();
    model.with_weights(weights, model.head.clone(), "changed".into())
}

/// A bag of embeddings: attention and FFN write nothing, or their biases alone.
fn bag(model: &Model, biases: bool) -> Model {
    changed(model, |name, tensor| {
        let writes = name.ends_with("output.weight") || name.ends_with("down.weight");
        let silent = writes || (!biases && name.ends_with("bias"));
        silent.then(|| tensor.zeros_like().unwrap())
    })
}

#[test]
fn in_a_bag_of_embeddings_input_tokens_are_the_contextual_ones() {
    for name in ["plain", "concat", "prompt_excluded", "relu_dense"] {
        let model = bag(&models::tiny(name), false);
        let (a, b) = (
            full(&model, "The cat sat"),
            full(&model, "the dog, the cat"),
        );
        for pooling in poolings(&model) {
            let options = under(&model, pooling);
            let by_input = input(&model, &a, &b, options);
            check_input(&by_input, name);
            let by_pair = token_pairs(&model.head, &a, &b, options).unwrap();
            for row in 0..a.tokens.len() {
                for column in 0..b.tokens.len() {
                    let (x, y) = (by_input.matrix.at(row, column), by_pair.at(row, column));
                    assert!(
                        (x - y).abs() < 1e-6,
                        "{name} {pooling:?} {row} {column}: {x} {y}"
                    );
                }
            }
        }
        let direct = writers(&model, &a, &b, model.options());
        let others = direct.row_sums();
        let last = others.len() - 1;
        assert!(
            others[1..last].iter().all(|x| x.abs() < 1e-12),
            "{name}: only the embedding writes"
        );
    }
}

#[test]
fn in_a_bag_of_embeddings_with_biases_these_are_all_that_differs() {
    let model = bag(&models::tiny("plain"), true);
    let (a, b) = (
        full(&model, "The cat sat"),
        full(&model, "the dog, the cat"),
    );
    let matrix = input(&model, &a, &b, model.options()).matrix;
    let direct = writers(&model, &a, &b, model.options());
    let (rows, columns) = (matrix.rows.len() - 1, matrix.columns.len() - 1);
    let tokens: f64 = (0..rows).flat_map(|row| &matrix.row(row)[..columns]).sum();
    assert!(
        (tokens - direct.at(0, 0)).abs() < 1e-6,
        "embed × embed is all tokens' pairs"
    );
    let (x, y) = (direct.values.last().unwrap(), matrix.values.last().unwrap());
    assert!(
        (x - y).abs() < 1e-6 && x.abs() > 1e-3,
        "biases × biases: {x} {y}"
    );
}

#[test]
fn other_weights_give_another_explanation() {
    let model = models::tiny("plain");
    let shuffled = changed(&model, |name, tensor| {
        let inside = name.starts_with("layer") && name.ends_with("weight") && tensor.rank() == 2;
        inside.then(|| tensor.randn_like(0., 0.3).unwrap())
    });
    let texts = ["The cat sat unhappily", "the dog bit the cat"];
    let explain = |model: &Model| {
        let [a, b] = texts.map(|text| full(model, text));
        let pairs = input(model, &a, &b, model.options());
        check_input(&pairs, "weights");
        (
            pairs.matrix.values,
            writers(model, &a, &b, model.options()).values,
        )
    };
    let (before, after) = (explain(&model), explain(&shuffled));
    for (before, after) in [(before.0, after.0), (before.1, after.1)] {
        let largest = before.iter().fold(0_f64, |most, x| most.max(x.abs()));
        let moved = before
            .iter()
            .zip(&after)
            .map(|(x, y)| (x - y).abs())
            .fold(0., f64::max);
        assert!(moved > 0.1 * largest, "{moved} of {largest}");
    }
}
