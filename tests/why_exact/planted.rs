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

/// Other numbers of the same shape, the same on every run.
fn scrambled(tensor: &Tensor) -> Tensor {
    let number = |i: usize| 0.5 * (1e4 * (i as f64 + 0.5).sin()).sin() as f32;
    let cells: Vec<f32> = (0..tensor.elem_count()).map(number).collect();
    Tensor::from_vec(cells, tensor.dims(), tensor.device()).unwrap()
}

#[test]
fn other_weights_give_another_explanation() {
    let model = models::tiny("plain");
    let other = changed(&model, |name, tensor| {
        let inside = name.starts_with("layer") && name.ends_with("weight") && tensor.rank() == 2;
        inside.then(|| scrambled(tensor))
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
    let (before, after) = (explain(&model), explain(&other));
    for (before, after) in [(before.0, after.0), (before.1, after.1)] {
        let size = |values: &[f64]| values.iter().map(|x| x.abs()).sum::<f64>();
        let moved: Vec<f64> = before.iter().zip(&after).map(|(x, y)| x - y).collect();
        let (moved, before) = (size(&moved), size(&before));
        assert!(moved > 0.2 * before, "{moved} of {before}");
    }
}

/// The tensor [n, m] with 0 in the cells (row, column) that `hit` picks.
fn silenced(tensor: &Tensor, hit: impl Fn(usize, usize) -> bool) -> Tensor {
    let (rows, columns) = tensor.dims2().unwrap();
    let mut cells: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
    for (i, cell) in cells.iter_mut().enumerate() {
        if hit(i / columns, i % columns) {
            *cell = 0.;
        }
    }
    Tensor::from_vec(cells, (rows, columns), tensor.device()).unwrap()
}

#[test]
fn a_token_that_says_nothing_contributes_nothing_however_attention_mixes() {
    let model = models::tiny("plain");
    let before = full(&model, "The cat sat");
    for token in 1..before.tokens.len() - 1 {
        // No embedding, no position, no type: the embedding norm leaves β alone of it.
        let id = before.tokens.ids[token] as usize;
        let first = model.first_position();
        let silent = changed(&model, |name, tensor| match name {
            "token" => Some(silenced(tensor, |row, _| row == id)),
            "position" => Some(silenced(tensor, |row, _| row == first + token)),
            "types" => Some(tensor.zeros_like().unwrap()),
            _ => None,
        });
        let (a, b) = (full(&silent, "The cat sat"), full(&silent, "dogs bit"));
        let pairs = input(&silent, &a, &b, silent.options());
        check_input(&pairs, "silent");
        for row in 0..a.tokens.len() {
            let largest = pairs
                .matrix
                .row(row)
                .iter()
                .fold(0_f64, |most, x| most.max(x.abs()));
            assert_eq!(
                largest < 1e-5,
                row == token,
                "{token}: row {row} has {largest}"
            );
        }
    }
}

#[test]
fn a_head_that_writes_nothing_has_no_part() {
    let model = models::tiny("plain");
    let (heads, size) = (model.spec().heads, model.spec().head_size);
    assert!(heads > 1);
    for layer in 0..model.spec().layers() {
        for head in 0..heads {
            let silent = changed(&model, |name, tensor| {
                let columns = head * size..(head + 1) * size;
                let own = name == format!("layer.{layer}.output.weight");
                own.then(|| silenced(tensor, |_, column| columns.contains(&column)))
            });
            let (a, b) = (full(&silent, "The cat sat"), full(&silent, "dogs bit"));
            let matrix = writers(&silent, &a, &b, silent.options());
            let own = format!("L{}.H{}", layer + 1, head + 1);
            for (row, name) in matrix
                .rows
                .iter()
                .enumerate()
                .filter(|(_, n)| n.contains(".H"))
            {
                let largest = matrix
                    .row(row)
                    .iter()
                    .fold(0_f64, |most, x| most.max(x.abs()));
                assert_eq!(largest < 1e-9, *name == own, "{own}: {name} has {largest}");
            }
        }
    }
}
