//! Planted truth: a bag of embeddings, where no token knows of another.

use embedscope::analysis::similarity::integrated::integrated;
use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::analysis::similarity::shapley::{Sampling, shapley};
use embedscope::analysis::vectors::{dot, norm};
use embedscope::model::{HeadOptions, Model};
use embedscope::trace::{PoolingMode, Site, Trace};

use crate::masks::{A, B};
use crate::{done, models, near, trace};

/// Attention and feed-forward blocks write zeros: each token's vector is its own embedding through
/// the norms.
fn bag() -> Model {
    let model = models::tiny("plain");
    let silent = |name: &str| {
        [
            ".output.weight",
            ".output.bias",
            ".down.weight",
            ".down.bias",
        ]
        .iter()
        .any(|end| name.ends_with(end))
    };
    let weights = model.encoder.weights.map(&mut |name, tensor| {
        Ok(match silent(name) {
            true => tensor.zeros_like()?,
            false => tensor.clone(),
        })
    });
    model.with_weights(weights.unwrap(), model.head.clone(), "bag".into())
}

fn under(model: &Model, mode: PoolingMode) -> HeadOptions {
    HeadOptions {
        pooling: Some(mode),
        ..model.options()
    }
}

#[test]
fn in_a_bag_a_mask_is_no_more_than_a_place_out_of_the_pool() {
    let model = bag();
    let (a, b) = (trace(&model, A), trace(&model, B));
    for mode in PoolingMode::ALL {
        let options = under(&model, mode);
        let [pool, mask] = [Removal::Pool, Removal::Mask]
            .map(|removal| done(|job| leave_one_out(&model, &a, &b, options, removal, job)));
        for (x, y) in pool.interaction.iter().zip(&mask.interaction) {
            near(*x, *y, 1e-5);
        }
    }
}

/// Where one always-present token makes the pooled vector, nothing is shared out: f(∅) has it all,
/// and it is the one pair of the token-pair decomposition.
#[test]
fn in_a_bag_shapley_is_the_token_pairs_where_the_pool_takes_one_token() {
    let model = bag();
    let (a, b) = (trace(&model, A), trace(&model, B));
    for mode in [PoolingMode::Cls, PoolingMode::LastToken] {
        let options = under(&model, mode);
        let pairs = token_pairs(&model.head, &a, &b, options).unwrap();
        let found = done(|job| shapley(&model, &a, &b, options, Sampling::default(), job));
        let corner = found.matrix.values.last().unwrap();
        near(*corner, pairs.sum(), 1e-5);
        let rest = found.matrix.values.split_last().unwrap().1;
        assert!(rest.iter().all(|value| value.abs() < 1e-6), "{mode}");
    }
}

/// Mean pooling divides by the number of tokens that are there, so even in a bag its game is not
/// additive: v(S) = (s₀ + Σ_S x)/(n₀ + |S|), and a token both adds its vector and thins the others.
/// The numerator alone is additive, with φ_i = x_i, the token pairs' x_i/T but for a common factor.
/// With n content tokens, n₀ special ones with sum s₀, and k the number that came before:
/// φ_i = x_i·A − s₀·B − Σ_{j≠i} x_j·C/(n − 1), A = mean_k 1/(n₀ + k + 1),
/// B = mean_k 1/((n₀ + k)(n₀ + k + 1)), C = mean_k k/((n₀ + k)(n₀ + k + 1)).
/// Two tokens have two orders, and an antithetic pair takes both, so nothing is left to chance.
#[test]
fn in_a_bag_shapley_of_the_mean_is_its_closed_form() {
    let model = bag();
    let (a, b) = (trace(&model, "cat dog"), trace(&model, "the mat"));
    let options = under(&model, PoolingMode::Mean);
    let sampling = Sampling {
        permutations: 2,
        seed: 9,
    };
    let found = done(|job| shapley(&model, &a, &b, options, sampling, job));
    let (parts_a, full_a) = closed_form(&a);
    let (parts_b, full_b) = closed_form(&b);
    let lengths = norm(&full_a) * norm(&full_b);
    for (i, phi) in parts_a.iter().enumerate() {
        for (j, psi) in parts_b.iter().enumerate() {
            near(found.matrix.at(i, j), dot(phi, psi) / lengths, 1e-5);
        }
    }
}

/// φ of [CLS], two tokens, [SEP], then f(∅); and the full vector.
fn closed_form(trace: &Trace) -> (Vec<Vec<f64>>, Vec<f64>) {
    let rows: Vec<Vec<f32>> = trace.tensor(Site::FinalOut).unwrap().to_vec2().unwrap();
    assert_eq!(rows.len(), 4, "{:?}", trace.tokens.pieces);
    let at = |t: usize, k: usize| f64::from(rows[t][k]);
    let size = rows[0].len();
    // n = n₀ = 2 and k is 0 or 1.
    let (a, b, c) = (
        (1. / 3. + 1. / 4.) / 2.,
        (1. / 6. + 1. / 12.) / 2.,
        (1. / 12.) / 2.,
    );
    let phi = |i: usize, j: usize| {
        let one = |k| at(i, k) * a - (at(0, k) + at(3, k)) * b - at(j, k) * c;
        (0..size).map(one).collect::<Vec<f64>>()
    };
    let empty = (0..size).map(|k| (at(0, k) + at(3, k)) / 2.).collect();
    let full = (0..size).map(|k| (0..4).map(|t| at(t, k)).sum::<f64>() / 4.);
    let zero = vec![0.; size];
    (
        vec![zero.clone(), phi(1, 2), phi(2, 1), zero, empty],
        full.collect(),
    )
}

/// In a bag each token moves its own vector alone, so with mean pooling u_i is (x_i − r_i)/T exactly,
/// whatever the path.
#[test]
fn in_a_bag_integrated_jacobians_are_the_tokens_own_moves() {
    let model = bag();
    let (a, b) = (trace(&model, A), trace(&model, B));
    let options = under(&model, PoolingMode::Mean);
    let found = done(|job| integrated(&model, &a, &b, options, job));
    let parts = |trace: &Trace| {
        let blank = embedscope::analysis::similarity::integrated::reference(&model, &trace.tokens);
        let rows = |out: &candle_core::Tensor| out.to_vec2::<f32>().unwrap();
        let none = &mut embedscope::trace::hook::NoHook;
        let r = rows(&model.encoder.forward(&[&blank.unwrap()], none).unwrap());
        let x = rows(trace.tensor(Site::FinalOut).unwrap());
        let t = x.len() as f64;
        let own = |x: &Vec<f32>, r: &Vec<f32>| {
            let pairs = x.iter().zip(r);
            pairs
                .map(|(x, r)| f64::from(x - r) / t)
                .collect::<Vec<f64>>()
        };
        let mut parts: Vec<Vec<f64>> = x.iter().zip(&r).map(|(x, r)| own(x, r)).collect();
        let mean = |rows: &[Vec<f32>]| -> Vec<f64> {
            let sum = |k: usize| rows.iter().map(|row| f64::from(row[k])).sum::<f64>() / t;
            (0..rows[0].len()).map(sum).collect()
        };
        parts.push(mean(&r));
        (parts, mean(&x))
    };
    let ((u, e_a), (v, e_b)) = (parts(&a), parts(&b));
    let lengths = norm(&e_a) * norm(&e_b);
    for (i, u) in u.iter().enumerate() {
        for (j, v) in v.iter().enumerate() {
            // The norms between bend the path, which the midpoint rule follows but so far.
            near(found.matrix.at(i, j), dot(u, v) / lengths, 2e-3);
        }
    }
}
