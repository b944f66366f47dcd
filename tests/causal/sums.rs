//! What claims to add up to the cosine does.

use embedscope::analysis::job::Job;
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::integrated::{INTEGRATED, MOST, REFERENCE, integrated};
use embedscope::analysis::similarity::shapley::{EMPTY, Sampling, shapley};
use embedscope::cancel::Cancel;
use embedscope::trace::Trace;

use crate::masks::{A, B};
use crate::{TINY, done, models, poolings, trace};

fn holds(matrix: &PairMatrix, what: &str) {
    assert!(
        matrix.holds(),
        "{what}: Σ {} explains {}",
        matrix.sum(),
        matrix.explains
    );
    assert_eq!(
        matrix.values.len(),
        matrix.rows.len() * matrix.columns.len()
    );
}

#[test]
fn shapley_pairs_add_up_whatever_the_sample_for_every_tiny_model_and_pooling() {
    let texts = [A, "", "Café東zz 7!"];
    for name in TINY {
        let model = models::tiny(name);
        let [a, b, c] = texts.map(|text| trace(&model, text));
        for options in poolings(&model) {
            for permutations in [1, 8] {
                let sampling = Sampling {
                    permutations,
                    seed: 5,
                };
                let what = format!("{name} {options:?} {permutations}");
                for (a, b) in [(&a, &c), (&a, &b), (&b, &b)] {
                    let found = done(|job| shapley(&model, a, b, options, sampling, job));
                    holds(&found.matrix, &what);
                    assert_eq!(found.matrix.rows.len(), a.tokens.len() + 1, "{what}");
                    assert_eq!(found.matrix.rows.last().unwrap(), EMPTY);
                    let unknown = found.row_errors[..a.tokens.len()].iter();
                    let unknown = unknown.filter(|error| error.is_nan()).count();
                    let expected = if permutations == 1 { a.tokens.len() } else { 0 };
                    assert_eq!(unknown, expected, "{what}: one sample has no error");
                    for (t, &special) in a.tokens.special.iter().enumerate() {
                        let zero = found.matrix.row(t).iter().all(|&x| x == 0.);
                        assert!(zero || !special, "{what}: special tokens are always there");
                    }
                }
            }
        }
    }
}

#[test]
fn shapley_follows_its_seed_and_encodes_a_coalition_once() {
    let model = models::tiny("plain");
    let (a, b) = (trace(&model, A), trace(&model, B));
    let run = |a: &Trace, b: &Trace, permutations, seed| {
        let sampling = Sampling { permutations, seed };
        done(|job| shapley(&model, a, b, model.options(), sampling, job))
    };
    let first = run(&a, &b, 8, 1);
    assert_eq!(first.matrix.values, run(&a, &b, 8, 1).matrix.values);
    assert_ne!(first.matrix.values, run(&a, &b, 8, 2).matrix.values);
    // Three tokens have 8 coalitions, and 32 permutations pass them all.
    let short = trace(&model, "the cat sat");
    assert_eq!(run(&short, &short, 32, 1).encoded, 16);
    // All six orders are taken in whole pairs, so another seed differs by chance alone.
    let (x, y) = (run(&short, &b, 400, 1), run(&short, &b, 400, 2));
    for (i, (x_i, y_i)) in x
        .matrix
        .row_sums()
        .iter()
        .zip(y.matrix.row_sums())
        .enumerate()
    {
        let error = x.row_errors[i].hypot(y.row_errors[i]);
        assert!(
            (x_i - y_i).abs() <= 5. * error + 1e-9,
            "{x_i} {y_i} ± {error}"
        );
    }
}

#[test]
fn how_far_integrated_jacobians_are_is_known_once_the_steps_are() {
    let model = models::tiny(TINY[0]);
    let [a, b] = [A, B].map(|text| trace(&model, text));
    let (cancel, mut seen) = (Cancel::new(), Vec::new());
    let mut progress = |done, total| seen.push((done, total));
    let mut job = Job::new(&cancel, &mut progress);
    let found = integrated(&model, &a, &b, poolings(&model)[0], &mut job).unwrap();
    let last = seen.last().unwrap().1;
    let (found_out, _) = seen.iter().find(|(_, total)| *total == last).unwrap();
    // Both texts, with 8 steps, 16 and so on.
    assert!(*found_out <= 2 * (2 * found.steps - 8), "{seen:?}");
}

#[test]
fn integrated_jacobians_add_up_for_every_tiny_model_and_pooling() {
    let texts = [A, B, ""];
    for name in TINY {
        let model = models::tiny(name);
        let [a, b, empty] = texts.map(|text| trace(&model, text));
        for options in poolings(&model) {
            for (a, b) in [(&a, &b), (&b, &b), (&a, &empty)] {
                let found = done(|job| integrated(&model, a, b, options, job));
                let what = format!("{name} {options:?} {} steps", found.steps);
                holds(&found.matrix, &what);
                assert!(found.matrix.residual().abs() <= INTEGRATED && found.steps <= MOST);
                assert_eq!(found.matrix.columns.last().unwrap(), REFERENCE);
                for (t, &special) in a.tokens.special.iter().enumerate() {
                    let zero = found.matrix.row(t).iter().all(|&x| x == 0.);
                    assert!(
                        zero || !special,
                        "{what}: the reference has the same special tokens"
                    );
                }
            }
        }
    }
}
