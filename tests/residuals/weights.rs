//! An explanation is of the weights (Adebayo et al. 2018): with other weights it is another one. And
//! what is planted is found.

use embedscope::analysis::similarity::faithfulness::spearman;

use super::*;

/// The model with the cells of each matrix inside its layers in another order: weights of the same
/// sizes that have learned nothing.
fn shuffled(model: &Model) -> Model {
    let mut rng = Rng::new(5);
    let weights = model.encoder.weights.map(&mut |name, tensor| {
        if tensor.rank() != 2 || !name.starts_with("layer") {
            return Ok(tensor.clone());
        }
        let cells: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
        let order = rng.permutation(cells.len());
        let cells: Vec<f32> = order.into_iter().map(|i| cells[i]).collect();
        Ok(Tensor::from_vec(cells, tensor.dims(), &Device::Cpu)?)
    });
    model.with_weights(weights.unwrap(), model.head.clone(), "shuffled".into())
}

type Explain = fn(&Model, &Trace, &Trace) -> Vec<f64>;

/// Scores of a's tokens.
const METHODS: [(&str, Explain); 4] = [
    ("pairs", |model, a, b| {
        let found = token_pairs(&model.head, a, b, model.options());
        found.unwrap().row_sums()
    }),
    ("input", |model, a, b| {
        let found = input_pairs(model, a, b, model.options(), &Cancel::new());
        found.unwrap().matrix.row_sums()
    }),
    ("loo", |model, a, b| {
        done(|job| leave_one_out(model, a, b, model.options(), Removal::Mask, job)).a
    }),
    ("shapley", |model, a, b| {
        let sampling = Sampling {
            permutations: 8,
            seed: 3,
        };
        done(|job| shapley(model, a, b, model.options(), sampling, job))
            .matrix
            .row_sums()
    }),
];

#[test]
fn other_weights_give_another_explanation_by_every_method() {
    let model = bundled();
    let other = shuffled(&model);
    let pairs = [
        (
            "The dentist told him to floss every evening",
            "He was advised by his dentist to use floss",
        ),
        (
            "Snow closed the mountain pass for eleven days",
            "The pass was blocked by snow for a week",
        ),
    ];
    for (name, explain) in METHODS {
        let mut agreement = 0.;
        for (a, b) in pairs {
            let scores = |model: &Model| {
                let (a, b) = (full(model, a), full(model, b));
                let own = (0..a.tokens.len()).filter(|&t| !a.tokens.special[t]);
                let scores = explain(model, &a, &b);
                own.map(|t| scores[t]).collect::<Vec<f64>>()
            };
            let (before, after) = (scores(&model), scores(&other));
            assert_eq!(before.len(), after.len());
            agreement += spearman(&before, &after) / pairs.len() as f64;
        }
        println!("{name}: rank correlation with that of shuffled weights {agreement:.2}");
        assert!(agreement.abs() < 0.6, "{name}: {agreement}");
    }
}

#[test]
fn a_planted_rogue_dimension_carries_every_score() {
    const PLANTED: usize = 17;
    let model = bundled();
    let last = format!("layer.{}.ffn_norm.after.bias", model.spec().layers() - 1);
    let weights = model.encoder.weights.map(&mut |name, tensor| {
        if name != last {
            return Ok(tensor.clone());
        }
        let mut cells: Vec<f32> = tensor.to_vec1()?;
        cells[PLANTED] += 20.;
        Ok(Tensor::new(cells, &Device::Cpu)?)
    });
    let planted = model.with_weights(weights.unwrap(), model.head.clone(), "planted".into());
    for (a, b) in pairs(8, 2) {
        let rogue = |model: &Model| {
            let vector = |text: &str| {
                to_f64(&sentence(&model.head, &full(model, text), model.options()).unwrap())
            };
            let dims = Dims::new(&vector(&a), &vector(&b));
            (dims.rogue(), dims.cos, dims.without(&[PLANTED]))
        };
        let (found, cos, without) = rogue(&planted);
        assert_eq!(found, [PLANTED], "{a} | {b}");
        assert!(cos > 0.9, "every pair is similar: {cos}");
        let (_, own, _) = rogue(&model);
        assert!(
            (without - own).abs() < 0.15,
            "without it: {without}, at first {own}"
        );
    }
}

#[test]
fn a_duplicated_token_is_credited_twice_alike() {
    let model = models::tiny("plain");
    // A bag of embeddings without places: attention and feed-forwards write nothing.
    let weights = model.encoder.weights.map(&mut |name, tensor| {
        let silent = name == "position"
            || [
                ".output.weight",
                ".output.bias",
                ".down.weight",
                ".down.bias",
            ]
            .iter()
            .any(|end| name.ends_with(end));
        Ok(match silent {
            true => tensor.zeros_like()?,
            false => tensor.clone(),
        })
    });
    let model = model.with_weights(weights.unwrap(), model.head.clone(), "bag".into());
    let (a, b) = (full(&model, "the cat the dog"), full(&model, "the cat sat"));
    let doubled: Vec<usize> = (0..a.tokens.len())
        .filter(|&t| a.tokens.pieces[t] == "the")
        .collect();
    assert_eq!(doubled.len(), 2, "{:?}", a.tokens.pieces);
    for (name, explain) in METHODS {
        let scores = explain(&model, &a, &b);
        let (first, second) = (scores[doubled[0]], scores[doubled[1]]);
        // Eight permutations leave Shapley values uncertain by a little.
        let most = if name == "shapley" { 0.05 } else { 1e-5 };
        assert!(
            (first - second).abs() < most,
            "{name}: {first} and {second}"
        );
    }
}
