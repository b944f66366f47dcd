//! Autograd against differences, and what it takes for a gradient to be there at all.

use candle_core::{Device, Module, Tensor, Var};
use candle_nn::LayerNorm;
use embedscope::analysis::similarity::gradients::gradients;
use embedscope::model::pass::Pass;
use embedscope::model::{HeadOptions, Model};
use embedscope::trace::hook::NoHook;
use embedscope::trace::{EmbedSite, PoolingMode, Site, Trace};

use crate::masks::{A, B};
use crate::{TINY, done, models, near, poolings, trace};

/// The cosine with a's `embed.out` at x, the other text as it is, by the plain path.
fn cos(model: &Model, a: &Trace, b: &Trace, x: &Tensor, options: HeadOptions) -> f64 {
    let vector = |trace: &Trace, x: &Tensor| {
        let (mut hook, tokens) = (NoHook, &*trace.tokens);
        let mut pass = Pass::new(&mut hook, [tokens.len()]);
        let out = model.encoder.layers_from(0, x.clone(), &mut pass).unwrap();
        let vector = model.head.sentence(tokens, 0, &out, options, &mut pass);
        let vector: Vec<f32> = vector.unwrap().to_vec1().unwrap();
        embedscope::analysis::vectors::to_f64(&vector)
    };
    let y = b.tensor(Site::Embed(EmbedSite::Out)).unwrap();
    embedscope::analysis::vectors::cosine(&vector(a, x), &vector(b, y))
}

#[test]
fn the_gradient_of_the_cosine_is_that_of_differences() {
    const STEP: f64 = 0.04;
    for name in TINY {
        let model = models::tiny(name);
        let (a, b) = (trace(&model, A), trace(&model, B));
        // Where there is a maximum or a ReLU, differences see its kinks.
        let kinks = ["concat", "relu_dense"].contains(&name);
        let smooth = |o: &HeadOptions| o.pooling != Some(PoolingMode::Max) && !kinks;
        for options in poolings(&model).into_iter().filter(smooth) {
            let found = gradients(&model, &a, &b, options).unwrap();
            near(found.cos, cos(&model, &a, &b, x(&a), options), 1e-5);
            let (count, size) = (found.a.len(), found.a[0].len());
            let along = |direction: &Tensor| {
                // Sixth order, so that a step can be long enough for f32.
                let at = |steps: f64| {
                    let moved = (x(&a) + (direction * (steps * STEP)).unwrap()).unwrap();
                    cos(&model, &a, &b, &moved, options)
                };
                let [one, two, three] = [1., 2., 3.].map(|steps| at(steps) - at(-steps));
                (45. * one - 9. * two + three) / (60. * STEP)
            };
            // Along the gradient itself, where the difference is largest, and token by token.
            let length = found.a.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
            let unit = |row: Option<usize>| {
                let values = found.a.iter().enumerate().flat_map(|(t, g)| {
                    let on = row.is_none_or(|row| row == t);
                    g.iter()
                        .map(move |g| if on { (g / length) as f32 } else { 0. })
                });
                Tensor::from_vec(values.collect::<Vec<_>>(), (count, size), &Device::Cpu).unwrap()
            };
            near(along(&unit(None)) / length, 1., 1e-3);
            for t in 0..count {
                let truth = found.a[t].iter().map(|g| g * g).sum::<f64>() / length;
                near(along(&unit(Some(t))) / length, truth / length, 1e-3);
            }
            let by_input = found.by_input_a.iter().sum::<f64>();
            let size = x(&a).sqr().unwrap().sum_all().unwrap();
            let size = f64::from(size.to_scalar::<f32>().unwrap()).sqrt();
            let along_x = along(&(x(&a) / size).unwrap());
            near(by_input / size / length, along_x / length, 1e-3);
        }
    }
}

fn x(trace: &Trace) -> &Tensor {
    trace.tensor(Site::Embed(EmbedSite::Out)).unwrap()
}

#[test]
fn gradients_reach_both_texts_under_every_pooling() {
    for name in TINY {
        let model = models::tiny(name);
        let (a, b) = (trace(&model, A), trace(&model, B));
        for options in poolings(&model) {
            let there = gradients(&model, &a, &b, options).unwrap();
            let back = gradients(&model, &b, &a, options).unwrap();
            for (rows, others) in [(&there.a, &back.b), (&there.b, &back.a)] {
                assert!(rows.iter().flatten().any(|&g| g.abs() > 1e-6), "{name}");
                for (x, y) in rows.iter().flatten().zip(others.iter().flatten()) {
                    near(*x, *y, 1e-5);
                }
            }
        }
    }
    // The same text twice is at the cosine's maximum.
    let model = models::tiny("plain");
    let a = trace(&model, A);
    let flat = gradients(&model, &a, &a, model.options()).unwrap();
    assert!(flat.a.iter().flatten().all(|g| g.abs() < 1e-4));
}

#[test]
fn the_stock_layer_norm_drops_the_gradient_without_a_word() {
    let var = Var::from_tensor(&Tensor::randn(0f32, 1., (3, 8), &Device::Cpu).unwrap()).unwrap();
    let (weight, bias) = (
        Tensor::ones(8, candle_core::DType::F32, &Device::Cpu).unwrap(),
        Tensor::zeros(8, candle_core::DType::F32, &Device::Cpu).unwrap(),
    );
    let stock = LayerNorm::new(weight.clone(), bias.clone(), 1e-12);
    let loss = |y: Tensor| {
        (y.sqr().unwrap() * 0.5)
            .unwrap()
            .get(0)
            .unwrap()
            .sum_all()
            .unwrap()
    };
    let ramp = Tensor::arange(0f32, 24., &Device::Cpu).unwrap();
    let ramp = ramp.reshape((3, 8)).unwrap();
    let dropped = loss((stock.forward(var.as_tensor()).unwrap() + &ramp).unwrap()).backward();
    assert!(
        dropped.map_or(true, |store| store.get(var.as_tensor()).is_none()),
        "the fused operation has a backward pass now; it may be used"
    );
    let slow = candle_nn::ops::layer_norm_slow(var.as_tensor(), &weight, &bias, 1e-12).unwrap();
    let kept = loss((slow + &ramp).unwrap()).backward().unwrap();
    assert!(kept.get(var.as_tensor()).is_some());
    // And ours keeps it: `gradients` refuses to answer where it does not arrive.
    let model = models::tiny("plain");
    let (a, b) = (trace(&model, A), trace(&model, B));
    done(|_| gradients(&model, &a, &b, model.options()));
}

/// Forward and backward mode are two ways to the same number: w·(J·d) = (Jᵀ·w)·d.
#[test]
fn tangents_of_the_encoder_are_those_of_autograd() {
    for name in TINY {
        let model = models::tiny(name);
        let a = trace(&model, A);
        let (count, size) = x(&a).dims2().unwrap();
        let wave = |step: f32| {
            let ramp = Tensor::arange(1f32, (count * size + 1) as f32, &Device::Cpu).unwrap();
            let wave = (ramp * f64::from(step)).unwrap().sin().unwrap();
            wave.reshape((count, size)).unwrap()
        };
        let directions = [wave(0.7), wave(1.3)];
        let var = Var::from_tensor(x(&a)).unwrap();
        let run = |encoder: &embedscope::model::Encoder, x: Tensor| {
            let mut hook = NoHook;
            let texts = x.dim(0).unwrap() / count;
            let mut pass = Pass::new(&mut hook, vec![count; texts]);
            encoder.layers_from(0, x, &mut pass).unwrap()
        };
        let sum = |x: &Tensor, y: &Tensor| {
            let sum = (x * y).unwrap().sum_all().unwrap();
            f64::from(sum.to_scalar::<f32>().unwrap())
        };
        let w = wave(2.1);
        let out = run(&model.encoder.differentiable(), var.as_tensor().clone());
        let store = (out * &w).unwrap().sum_all().unwrap().backward().unwrap();
        let gradient = store.get(var.as_tensor()).unwrap();
        let [d, e] = &directions;
        let packed = Tensor::cat(&[x(&a), d, e], 0).unwrap();
        let out = run(&model.encoder.tangents(count).unwrap(), packed);
        for (i, direction) in directions.iter().enumerate() {
            let along = sum(&out.narrow(0, (i + 1) * count, count).unwrap(), &w);
            let truth = sum(gradient, direction);
            let scale = gradient.sqr().unwrap().sum_all().unwrap();
            let scale = f64::from(scale.to_scalar::<f32>().unwrap()).sqrt();
            assert!(
                truth.abs() > 1e-3 * scale,
                "{name}: a direction that says something"
            );
            near(along / truth, 1., 1e-3);
        }
    }
}
