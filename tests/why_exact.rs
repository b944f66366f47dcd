//! The exact methods: what they spread over parts must add up to the cosine that the model computes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedscope::analysis::pooling::{misfit, score, sentence};
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::common::CommonShare;
use embedscope::analysis::similarity::components::{BIASES, components};
use embedscope::analysis::similarity::dims::Dims;
use embedscope::analysis::similarity::input::{InputPairs, input_pairs};
use embedscope::analysis::similarity::layers::{Layers, random_pair_means};
use embedscope::analysis::similarity::pairs::{BIAS, token_pairs};
use embedscope::analysis::similarity::shares::{PairClass, shares};
use embedscope::analysis::similarity::words::Words;
use embedscope::analysis::vectors::to_f64;
use embedscope::cancel::Cancel;
use embedscope::model::{Detail, HeadOptions, Model, ModelError, Prompt};
use embedscope::trace::{PoolingMode, Trace};
use proptest::prelude::*;

#[path = "support/models.rs"]
mod models;
#[path = "why_exact/planted.rs"]
mod planted;
#[path = "why_exact/sentences.rs"]
mod sentences;

const TINY: [&str; 7] = [
    "concat",
    "plain",
    "prefixed_gamma",
    "prompt_excluded",
    "relu_dense",
    "saved_v6",
    "vocab_only",
];

fn full(model: &Model, text: &str) -> Trace {
    model
        .trace(text, &Prompt::Own, Detail::Full, &Cancel::new())
        .unwrap()
}

fn under(model: &Model, pooling: Option<PoolingMode>) -> HeadOptions {
    HeadOptions {
        pooling,
        ..model.options()
    }
}

/// The model's own pooling and every single one that its head takes.
fn poolings(model: &Model) -> Vec<Option<PoolingMode>> {
    let all = std::iter::once(None).chain(PoolingMode::ALL.map(Some));
    all.filter(|&pooling| misfit(&model.head, model.spec().hidden, pooling).is_none())
        .collect()
}

fn input(model: &Model, a: &Trace, b: &Trace, options: HeadOptions) -> InputPairs {
    input_pairs(model, a, b, options, &Cancel::new()).unwrap()
}

fn writers(model: &Model, a: &Trace, b: &Trace, options: HeadOptions) -> PairMatrix {
    components(model, a, b, options, &Cancel::new()).unwrap()
}

fn check(matrix: &PairMatrix, what: &str) {
    let (sum, explains) = (matrix.sum(), matrix.explains);
    assert!(matrix.holds(), "{what}: Σ {sum} explains {explains}");
}

fn check_input(pairs: &InputPairs, what: &str) {
    check(&pairs.matrix, what);
    for drift in pairs.drift.iter().flatten() {
        assert!(*drift < 1e-4, "{what}: the parts drift by {drift}");
    }
}

/// Every exact method on one pair under every pooling.
fn check_all(model: &Model, a: &str, b: &str) {
    let (a, b) = (full(model, a), full(model, b));
    for pooling in poolings(model) {
        let options = under(model, pooling);
        let what = format!("{pooling:?} {:?} {:?}", a.tokens.text, b.tokens.text);
        let pairs = input(model, &a, &b, options);
        check_input(&pairs, &what);
        assert_eq!(pairs.matrix.rows.len(), a.tokens.len() + 1, "{what}");
        assert_eq!(pairs.matrix.columns.len(), b.tokens.len() + 1, "{what}");
        assert_eq!(pairs.matrix.rows.last().unwrap(), BIAS);
        let own = score(&model.head, &a, &b, options).unwrap();
        assert_eq!(pairs.matrix.explains, own, "{what}");

        let matrix = writers(model, &a, &b, options);
        check(&matrix, &what);
        let spec = model.spec();
        assert_eq!(matrix.rows.len(), 2 + spec.layers() * (spec.heads + 1));
        assert_eq!(matrix.rows.last().unwrap(), BIASES);
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "the",
        "cat",
        "dog",
        "bit",
        "unhappily",
        "mat",
        "1234",
        "Café",
        "東",
        "!",
        "?",
        "zz",
    ]);
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn exact_methods_sum_to_the_cosine_for_every_tiny_model_and_pooling(
        a in words(),
        b in words(),
    ) {
        for name in TINY {
            check_all(&models::tiny(name), &a, &b);
        }
    }
}

#[test]
fn a_head_without_normalize_and_a_cut_vector_are_explained_too() {
    for name in ["relu_dense", "plain", "concat"] {
        let model = models::tiny(name);
        let (a, b) = (full(&model, "The cat sat"), full(&model, "dogs"));
        let options = HeadOptions {
            raw: true,
            truncate_dim: Some(5),
            ..model.options()
        };
        check_input(&input(&model, &a, &b, options), name);
        check(&writers(&model, &a, &b, options), name);
    }
}

#[test]
fn a_cancelled_analysis_stops() {
    let model = models::tiny("plain");
    let a = full(&model, "The cat sat");
    let cancel = Cancel::new();
    cancel.cancel();
    for stopped in [
        input_pairs(&model, &a, &a, model.options(), &cancel).err(),
        components(&model, &a, &a, model.options(), &cancel).err(),
    ] {
        assert!(matches!(stopped, Some(ModelError::Stopped)));
    }
}

#[test]
fn the_real_model_under_twenty_pairs_and_every_pooling() {
    let Some(model) = models::minilm() else {
        return;
    };
    let mut worst = [0_f64; 3];
    for (i, (a, b)) in sentences::PAIRS.iter().enumerate() {
        let (a, b) = (full(&model, a), full(&model, b));
        // Every pooling on the first pairs, the model's own on all.
        for pooling in poolings(&model).into_iter().take(if i < 3 { 7 } else { 1 }) {
            let options = under(&model, pooling);
            let pairs = input(&model, &a, &b, options);
            check_input(&pairs, &format!("{pooling:?} {:?}", a.tokens.text));
            let matrix = writers(&model, &a, &b, options);
            check(&matrix, &format!("{pooling:?} {:?}", a.tokens.text));
            let drift = pairs.drift.iter().flatten().copied().fold(0., f64::max);
            let found = [pairs.matrix.residual(), matrix.residual(), drift];
            let both = worst.iter_mut().zip(found);
            both.for_each(|(worst, x)| *worst = worst.max(x.abs()));
        }
    }
    println!(
        "largest residuals: input {:.1e}, components {:.1e}; drift {:.1e}",
        worst[0], worst[1], worst[2]
    );
}

#[test]
fn the_swapped_roles_of_the_real_model() {
    let Some(model) = models::minilm() else {
        return;
    };
    let (a, b) = (
        full(&model, "The cat bit the dog"),
        full(&model, "The dog bit the cat"),
    );
    let input = input(&model, &a, &b, model.options()).matrix;
    let pairs = token_pairs(&model.head, &a, &b, model.options()).unwrap();
    for (name, matrix) in [
        ("pairs", &pairs),
        ("input", &input),
        ("components", &writers(&model, &a, &b, model.options())),
    ] {
        println!(
            "{name}: Σ {:.6} residual {:.1e} κ {:.2} in {:.3} s",
            matrix.sum(),
            matrix.residual(),
            matrix.cancellation().unwrap(),
            matrix.seconds
        );
        assert!((matrix.sum() - 0.9907).abs() < 1e-4, "{name}");
        assert!(matrix.residual().abs() <= 1e-5, "{name}");
    }
    for (row, name) in input.rows.iter().enumerate() {
        let cells: Vec<String> = input.row(row).iter().map(|x| format!("{x:8.4}")).collect();
        println!("{name:>8} {}", cells.join(""));
    }
}

#[test]
fn layers_end_at_the_score_and_random_pairs_are_what_to_compare_with() {
    for name in TINY {
        let model = models::tiny(name);
        let texts = ["The cat sat", "the dog bit the cat", "unhappily"];
        let traces = texts.map(|text| full(&model, text));
        let [a, b, c] = &traces;
        for pooling in poolings(&model) {
            let options = under(&model, pooling);
            let layers = Layers::new(&model.head, a, b, options).unwrap();
            check(&layers.steps(), name);
            assert_eq!(layers.cosines.len(), 1 + model.spec().layers());
            if let Some(mode) = pooling {
                let (_, own) = layers.poolings.iter().find(|(m, _)| *m == mode).unwrap();
                assert_eq!(own, &layers.cosines, "{name} {mode}");
            }
            let means = random_pair_means(&model.head, &[a, b, c], pooling).unwrap();
            let others = [(a, c), (b, c)]
                .map(|(a, b)| Layers::new(&model.head, a, b, options).unwrap().cosines);
            for (l, above) in layers.above(&means).into_iter().enumerate() {
                let mean = (layers.cosines[l] + others[0][l] + others[1][l]) / 3.;
                assert!((above - (layers.cosines[l] - mean)).abs() < 1e-12, "{name}");
            }
            let alone = random_pair_means(&model.head, &[a], pooling);
            assert_eq!(alone, Some(Vec::new()));
        }
    }
}

#[test]
fn dimensions_and_the_common_share_of_real_vectors_sum_to_the_score() {
    for name in TINY {
        let model = models::tiny(name);
        let (a, b) = (full(&model, "The cat sat"), full(&model, "dogs"));
        for pooling in poolings(&model) {
            let options = under(&model, pooling);
            let vector = |trace| to_f64(&sentence(&model.head, trace, options).unwrap());
            let (e_a, e_b) = (vector(&a), vector(&b));
            let dims = Dims::new(&e_a, &e_b);
            check(&dims.matrix(0.), name);
            assert_eq!(dims.cos, score(&model.head, &a, &b, options).unwrap());
            let mean: Vec<f64> = e_a.iter().map(|x| 0.3 * x + 0.01).collect();
            check(&CommonShare::new(&e_a, &e_b, &mean).matrix(), name);
        }
    }
}

#[test]
fn shares_and_words_take_every_matrix() {
    let model = models::tiny("relu_dense");
    let (a, b) = (
        full(&model, "The cat sat unhappily"),
        full(&model, "the dog, unhappily"),
    );
    let by_input = input(&model, &a, &b, model.options()).matrix;
    let parts = shares(&by_input, &a.tokens, &b.tokens);
    let total: f64 = parts.iter().map(|share| share.sum).sum();
    assert!((total - by_input.sum()).abs() < 1e-12);
    let extra = by_input.rows.len() + by_input.columns.len() - 1;
    assert_eq!(parts[PairClass::Bias as usize].pairs, extra);

    let (words_a, words_b) = (Words::new(&a.tokens), Words::new(&b.tokens));
    let grouped = by_input.by_words(&words_a, &words_b);
    assert_eq!(grouped.rows.len(), words_a.labels.len() + 1);
    assert_eq!(grouped.rows.last().unwrap(), BIAS);
    assert!((grouped.sum() - by_input.sum()).abs() < 1e-12);

    // Extra columns in any number; an axis that is not over tokens stays.
    let width = by_input.columns.len();
    let one_row = PairMatrix {
        values: vec![1.; width + 1],
        rows: vec!["cosine".to_owned()],
        columns: [by_input.columns.as_slice(), &["more".to_owned()]].concat(),
        ..by_input.clone()
    };
    let grouped = one_row.by_words(&words_a, &words_b);
    assert_eq!(grouped.rows, ["cosine"]);
    assert_eq!(grouped.columns.len(), words_b.labels.len() + 2);
    assert_eq!(grouped.sum(), one_row.sum());
    assert!(shares(&one_row, &a.tokens, &b.tokens).is_empty());
    let direct = writers(&model, &a, &b, model.options());
    assert_eq!(direct.by_words(&words_a, &words_b), direct);
    assert!(shares(&direct, &a.tokens, &b.tokens).is_empty());
}
