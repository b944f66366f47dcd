//! Planted truth: token vectors and heads whose answers are known.

use std::time::Duration;

use candle_core::{Device, Tensor};
use embedscope::analysis::similarity::pairs::{BIAS, token_pairs};
use embedscope::model::head::{Dense, DenseActivation, Module, Residual};
use embedscope::model::weights::{Linear, Norm};
use embedscope::model::{Head, HeadOptions};
use embedscope::tokens::Tokens;
use embedscope::trace::{PoolingMode, Site, Trace};

use crate::{check, near, poolings};

fn tokens(pieces: &[&str], special: &[bool]) -> Tokens {
    let count = pieces.len();
    Tokens {
        text: pieces.concat().into(),
        ids: (0..count as u32).collect(),
        type_ids: vec![0; count],
        pieces: pieces.iter().map(|p| (*p).to_owned()).collect(),
        offsets: vec![(0, 0); count],
        special: special.to_vec(),
        words: vec![None; count],
        unknown: vec![false; count],
        limit: count,
        ..Tokens::default()
    }
}

fn planted(rows: &[[f32; 3]]) -> Trace {
    let count = rows.len();
    let names: Vec<String> = (0..count).map(|t| t.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let out = Tensor::from_vec(rows.concat(), (count, 3), &Device::Cpu).unwrap();
    let pool = |mode| {
        let weights = embedscope::model::head::pool_weights(&vec![true; count], mode);
        let vector: Vec<f32> = (0..3)
            .map(|k| match &weights {
                Some(w) => rows.iter().zip(w).map(|(row, w)| row[k] * *w as f32).sum(),
                None => rows
                    .iter()
                    .map(|row| row[k])
                    .fold(f32::NEG_INFINITY, f32::max),
            })
            .collect();
        (
            Site::Pooled(mode),
            Tensor::new(vector, &Device::Cpu).unwrap(),
        )
    };
    let mut values: Vec<_> = PoolingMode::ALL.into_iter().map(pool).collect();
    values.push((Site::FinalOut, out));
    let tokens = tokens(&names, &vec![false; count]);
    Trace::new(tokens.into(), "planted".into(), 0, Duration::ZERO, values).unwrap()
}

#[test]
fn planted_tokens_give_the_pairs_that_arithmetic_gives() {
    // Means (1, 1, 0) and (2, 0, 0): the cosine is 2/(√2·2).
    let a = planted(&[[2., 0., 0.], [0., 2., 0.]]);
    let b = planted(&[[2., 0., 0.], [2., 3., 1.], [2., -3., -1.]]);
    let head = Head::mean();
    let mean = token_pairs(&head, &a, &b, HeadOptions::default()).unwrap();
    let lengths = 2_f64.sqrt() * 2. * 6.; // |e_a||e_b|·T_a·T_b
    near(mean.explains, 0.5_f64.sqrt());
    for (index, dot) in [4., 4., 4., 0., 6., -6.].into_iter().enumerate() {
        near(mean.values[index], dot / lengths);
    }
    near(mean.cancellation().unwrap(), 24. / 12.);
    assert_eq!(mean.top(2), [(1, 1), (1, 2)]);

    let with = |mode| HeadOptions {
        pooling: Some(mode),
        ..HeadOptions::default()
    };
    let cls = token_pairs(&head, &a, &b, with(PoolingMode::Cls)).unwrap();
    near(cls.at(0, 0), 1.);
    assert_eq!(cls.values[1..], [0.; 5]);
    let last = token_pairs(&head, &a, &b, with(PoolingMode::LastToken)).unwrap();
    near(last.at(1, 2), -3. / 14_f64.sqrt());
    assert_eq!(last.values[..5], [0.; 5]);
    // Weights 1/3, 2/3 and 1/6, 2/6, 3/6: e_a = (2, 4, 0)/3, e_b = (12, −3, −1)/6.
    let weighted = token_pairs(&head, &a, &b, with(PoolingMode::WeightedMean)).unwrap();
    near(weighted.explains, 12. / (20_f64.sqrt() * 154_f64.sqrt()));
    near(
        weighted.at(1, 1),
        2. / 3. * 2. / 6. * 6. / (20_f64.sqrt() / 3. * 154_f64.sqrt() / 6.),
    );
    // Max: (2, 2, 0) from tokens 0, 1, 0 and (2, 3, 1) from 0, 1, 1.
    let max = token_pairs(&head, &a, &b, with(PoolingMode::Max)).unwrap();
    let lengths = 8_f64.sqrt() * 14_f64.sqrt();
    near(max.at(0, 0), 4. / lengths);
    near(max.at(1, 1), 6. / lengths);
    near(max.sum(), 10. / lengths);
    assert_eq!((max.at(0, 1), max.at(1, 0)), (0., 0.));
}

fn matrix(rows: usize, columns: usize, values: Vec<f32>) -> Tensor {
    Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
}

fn vector(values: &[f32]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

#[test]
fn every_activation_residual_and_norm_after_the_pool_keeps_the_sum() {
    let a = planted(&[[2., 0.5, -1.], [0.3, 2., 1.], [-4., 0.1, 0.]]);
    let b = planted(&[[1., -0.5, -0.7], [2., 3., 1.]]);
    let weight: Vec<f32> = (0..12).map(|i| ((i * 7) % 5) as f32 * 0.4 - 0.8).collect();
    let square: Vec<f32> = weight[..9].to_vec();
    let normalise = Module::LayerNorm(Norm {
        kind: embedscope::model::spec::NormKind::Layer,
        weight: vector(&[0.5, -1., 2.]),
        bias: vector(&[0.1, 0.2, -0.3]),
        eps: 1e-5,
    });
    use DenseActivation::{Gelu, Identity, Relu, Sigmoid, Tanh};
    for activation in [Identity, Tanh, Relu, Gelu, Sigmoid] {
        for residual in [
            Residual::None,
            Residual::Input,
            Residual::Projected(matrix(3, 3, square.clone())),
        ] {
            let dense = Module::Dense(Dense {
                linear: Linear::new(matrix(3, 3, weight[3..].to_vec()), vector(&[0.3, -0.2, 0.])),
                activation,
                residual,
            });
            let pool = Module::Pooling {
                modes: vec![PoolingMode::Mean],
                include_prompt: true,
            };
            // Normalize in the middle makes the norm's eps matter.
            let modules = vec![
                pool,
                dense,
                Module::Normalize,
                normalise.clone(),
                Module::Normalize,
            ];
            let head = Head { modules };
            for pooling in poolings() {
                for truncate_dim in [None, Some(2)] {
                    let options = HeadOptions {
                        pooling,
                        truncate_dim,
                        raw: false,
                    };
                    let pairs = token_pairs(&head, &a, &b, options).unwrap();
                    check(&pairs, &format!("{activation:?} {pooling:?}"));
                    assert_eq!(pairs.rows, ["0", "1", "2", BIAS]);
                }
            }
        }
    }
}

#[test]
fn dimensions_that_are_nothing_before_an_activation_lose_nothing() {
    // The second output is 0 for every text: GELU's secant there is its slope, a half.
    let linear = Linear::new(
        matrix(2, 3, vec![1., 0., 0., 0., 0., 0.]),
        vector(&[0., 0.]),
    );
    let dense = Module::Dense(Dense {
        linear,
        activation: DenseActivation::Gelu,
        residual: Residual::None,
    });
    let mut head = Head::mean();
    head.modules.push(dense);
    let a = planted(&[[2., 1., 0.], [1., 1., 0.]]);
    let pairs = token_pairs(&head, &a, &a, HeadOptions::default()).unwrap();
    check(&pairs, "gelu at 0");
    assert_eq!(pairs.rows, ["0", "1"], "no bias, no row for it");
    near(pairs.at(0, 0), 4. / 9.);
}

#[test]
fn a_vector_of_zeros_is_similar_to_nothing() {
    let a = planted(&[[1., 1., 1.], [-1., -1., -1.]]);
    let b = planted(&[[1., 0., 0.]]);
    let pairs = token_pairs(&Head::mean(), &a, &b, HeadOptions::default()).unwrap();
    assert_eq!((pairs.explains, pairs.sum()), (0., 0.));
    assert!(pairs.holds());
}

#[test]
fn a_trace_without_token_vectors_says_so() {
    let tokens = tokens(&["x"], &[false]);
    let trace = Trace::new(tokens.into(), "m".into(), 0, Duration::ZERO, Vec::new()).unwrap();
    let failed = token_pairs(&Head::mean(), &trace, &trace, HeadOptions::default());
    let message = failed.unwrap_err().to_string();
    assert!(message.contains("pooled.mean"), "{message}");
}
