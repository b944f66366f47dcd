//! Random weights behind every kind of head.

use embedscope::analysis::similarity::integrated::{MOST, integrated};
use embedscope::model::Head;
use embedscope::model::head::{Dense, DenseActivation, Module, Residual};
use embedscope::model::weights::{Linear, Norm};

use super::*;

/// The tiny model with every weight drawn anew: norms around their own values, the rest around 0.
fn redrawn(model: &Model, rng: &mut Rng) -> Model {
    let draw = |name: &str, tensor: &Tensor, rng: &mut Rng| {
        let norm = name.contains("norm");
        let size = if norm { 0.3 } else { 0.4 };
        match norm && name.ends_with("weight") {
            true => Ok((random(tensor, size, rng) + 1.)?),
            false => Ok(random(tensor, size, rng)),
        }
    };
    let weights = model
        .encoder
        .weights
        .map(&mut |name, tensor| draw(name, tensor, rng));
    model.with_weights(weights.unwrap(), model.head.clone(), "redrawn".into())
}

fn tensor(shape: &[usize], rng: &mut Rng) -> Tensor {
    let zeros = Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    random(&zeros, 0.5, rng)
}

fn dense(input: usize, output: usize, activation: DenseActivation, rng: &mut Rng) -> Module {
    Module::Dense(Dense {
        linear: Linear::new(tensor(&[output, input], rng), tensor(&[output], rng)),
        activation,
        residual: Residual::None,
    })
}

/// What may follow a pool of this size.
fn ends(size: usize, rng: &mut Rng) -> Vec<(&'static str, Vec<Module>)> {
    use DenseActivation::{Gelu, Identity, Relu, Sigmoid, Tanh};
    let norm = Module::LayerNorm(Norm {
        kind: embedscope::model::spec::NormKind::Layer,
        weight: tensor(&[size], rng),
        bias: tensor(&[size], rng),
        eps: 1e-5,
    });
    vec![
        ("nothing", vec![]),
        ("normalize", vec![Module::Normalize]),
        ("dense", vec![dense(size, 24, Identity, rng)]),
        (
            "tanh dense, normalize",
            vec![dense(size, 24, Tanh, rng), Module::Normalize],
        ),
        (
            "layer norm, relu dense, gelu dense, normalize",
            vec![
                norm,
                dense(size, 40, Relu, rng),
                dense(40, 16, Gelu, rng),
                Module::Normalize,
            ],
        ),
        (
            "normalize, sigmoid dense",
            vec![Module::Normalize, dense(size, 20, Sigmoid, rng)],
        ),
    ]
}

#[test]
fn random_weights_under_every_pooling_and_behind_every_head() {
    let plain = models::tiny("plain");
    let mut pools: Vec<Vec<PoolingMode>> = PoolingMode::ALL.map(|mode| vec![mode]).to_vec();
    pools.push(vec![PoolingMode::Cls, PoolingMode::Mean, PoolingMode::Max]);
    pools.push(PoolingMode::ALL.to_vec());
    let texts = [
        "The cat sat unhappily!",
        "the dog bit the cat on the mat",
        "Café 東 zz",
    ];
    let mut worst = Worst::default();
    let mut rng = Rng::new(23);
    for (i, modes) in pools.into_iter().enumerate() {
        let size = modes.len() * plain.spec().hidden;
        for (j, (name, end)) in ends(size, &mut rng).into_iter().enumerate() {
            let mut modules = vec![Module::Pooling {
                modes: modes.clone(),
                include_prompt: true,
            }];
            modules.extend(end);
            let model = redrawn(&plain, &mut rng);
            let weights = model.encoder.weights.clone();
            let model = model.with_weights(weights, Head { modules }, "random".into());
            let [a, b] = [i + j, i + j + 1].map(|k| full(&model, texts[k % 3]));
            let options = model.options();
            let mut found = cheap(&model, &a, &b, options, None);
            found = found.join(dear(&model, &a, &b, options));
            found.note("shapley", by_shapley(&model, &a, &b, options));
            if modes.len() == 1 && j % 3 == 0 {
                let spread = done(|job| integrated(&model, &a, &b, options, job));
                match modes[0] == PoolingMode::Max && spread.steps == MOST {
                    // Each change of a winner is a kink, which the midpoint rule follows but so far:
                    // where its steps run out, it must say so itself.
                    true => assert_eq!(
                        spread.matrix.holds(),
                        spread.matrix.residual().abs() <= INTEGRATED
                    ),
                    false => found.note("ij", spread.matrix.residual()),
                }
            }
            let what = format!("{modes:?}, {name}");
            found.check(&what);
            worst = worst.join(found);
        }
    }
    worst.check("random weights");
}
