//! What the similarity debugger promises, held by every family: sums that hold, gradients that are
//! there, re-runs that agree with the forward pass.

use candle_core::{Device, Tensor};
use embedscope::analysis::job::Job;
use embedscope::analysis::pooling::{misfit, score};
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::components::components;
use embedscope::analysis::similarity::gradients::gradients;
use embedscope::analysis::similarity::input::input_pairs;
use embedscope::analysis::similarity::integrated::integrated;
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::analysis::vectors::cosine;
use embedscope::cancel::Cancel;
use embedscope::model::pass::Pass;
use embedscope::model::spec::Activation;
use embedscope::model::{Detail, HeadOptions, Model, Prompt};
use embedscope::tokens::Tokens;
use embedscope::trace::hook::NoHook;
use embedscope::trace::{EmbedSite, LayerSite, PoolingMode, Site, Trace};

use crate::{difference, loaded};

const A: &str = "The cat sat on the mat";
const B: &str = "dogs bit 12 cats, unhappily";

fn trace(model: &Model, text: &str) -> Trace {
    let traced = model.trace(text, &Prompt::Own, Detail::Full, &Cancel::new());
    traced.unwrap()
}

fn poolings(model: &Model) -> Vec<HeadOptions> {
    let all = std::iter::once(None).chain(PoolingMode::ALL.map(Some));
    let fits = |pooling: &Option<PoolingMode>| {
        misfit(&model.head, model.spec().hidden, *pooling).is_none()
    };
    let options = |pooling| HeadOptions {
        pooling,
        ..model.options()
    };
    all.filter(fits).map(options).collect()
}

fn has_experts(model: &Model) -> bool {
    let mut blocks = model.spec().blocks.iter();
    blocks.any(|block| block.experts.is_some())
}

fn holds(matrix: &PairMatrix, what: &str) {
    let (sum, explains) = (matrix.sum(), matrix.explains);
    assert!(matrix.holds(), "{what}: Σ {sum} explains {explains}");
}

#[test]
fn exact_methods_sum_to_the_cosine_in_every_family() {
    for (name, model) in loaded() {
        let (a, b) = (trace(&model, A), trace(&model, B));
        for options in poolings(&model) {
            let what = format!("{name} {:?}", options.pooling);
            let cos = score(&model.head, &a, &b, options).unwrap();
            let pairs = token_pairs(&model.head, &a, &b, options).unwrap();
            holds(&pairs, &format!("{what} pairs"));
            let input = input_pairs(&model, &a, &b, options, &Cancel::new()).unwrap();
            holds(&input.matrix, &format!("{what} input"));
            assert_eq!(input.matrix.explains, cos, "{what}");
            for drift in input.drift.iter().flatten() {
                assert!(*drift < 1e-4, "{what}: the parts drift by {drift}");
            }
            let writers = components(&model, &a, &b, options, &Cancel::new()).unwrap();
            holds(&writers, &format!("{what} components"));
        }
    }
}

#[test]
fn the_integrated_jacobian_sums_to_the_cosine_in_every_family() {
    for (name, model) in loaded() {
        let (a, b) = (trace(&model, A), trace(&model, B));
        let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
        let mut job = Job::new(&cancel, &mut ignore);
        let found = integrated(&model, &a, &b, model.options(), &mut job);
        match found {
            // Where a choice of experts jumps on the way, no integral of slopes sums up; the matrix
            // then says so itself, and is drawn grey.
            Ok(_) if has_experts(&model) => {}
            // A ReLU's kinks on the way may take more steps than there are; the matrix then says that
            // it does not hold, and must not be far off either.
            Ok(found) if !found.matrix.holds() => {
                let off = (found.matrix.sum() - found.matrix.explains).abs();
                assert_eq!(
                    model.spec().activation,
                    Activation::Relu,
                    "{name} is off by {off}"
                );
                assert!(off < 5e-3, "{name} is off by {off}");
            }
            Ok(_) => {}
            Err(e) => panic!("{name}: {e}"),
        }
    }
}

/// `final.out` from `embed.out`, by the given encoder.
fn onwards(encoder: &embedscope::model::Encoder, tokens: &Tokens, x: &Tensor) -> Tensor {
    let mut hook = NoHook;
    let mut pass = Pass::new(&mut hook, [tokens.len()]);
    encoder.layers_from(0, x.clone(), &mut pass).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_fast_and_the_differentiable_path_agree_and_so_do_recorded_and_plain_runs() {
    for (name, model) in loaded() {
        let trace = trace(&model, A);
        let x = trace.tensor(Site::Embed(EmbedSite::Out)).unwrap();
        let recorded = flat(trace.tensor(Site::FinalOut).unwrap());
        let plain = flat(&onwards(&model.encoder, &trace.tokens, x));
        let off = difference(&plain, &recorded);
        assert!(
            off < 1e-5,
            "{name}: a run without a hook is off by {off:.1e}"
        );
        let slow = flat(&onwards(&model.encoder.differentiable(), &trace.tokens, x));
        let off = difference(&slow, &recorded);
        assert!(
            off < 1e-5,
            "{name}: the differentiable path is off by {off:.1e}"
        );
    }
}

#[test]
fn the_gradient_of_the_cosine_is_that_of_differences_in_every_family() {
    for (name, model) in loaded() {
        // A choice of experts jumps, so that differences see more than a slope.
        if model
            .spec()
            .blocks
            .iter()
            .any(|block| block.experts.is_some())
        {
            continue;
        }
        let (a, b) = (trace(&model, A), trace(&model, B));
        let options = model.options();
        let found = gradients(&model, &a, &b, options).unwrap();
        let x = a.tensor(Site::Embed(EmbedSite::Out)).unwrap();
        let length = found.a.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        assert!(length > 1e-6, "{name}: the gradient was dropped on the way");
        let unit = found.a.iter().flatten().map(|g| (g / length) as f32);
        let unit = Tensor::from_vec(unit.collect::<Vec<_>>(), x.dims(), &Device::Cpu).unwrap();
        let size = f64::from(flat(x).iter().fold(0f32, |m, x| m.max(x.abs())));
        let e_b = sentence(
            &model,
            &b.tokens,
            b.tensor(Site::FinalOut).unwrap(),
            options,
        );
        let at = |step: f64| {
            let moved = (x + (&unit * (step * size)).unwrap()).unwrap();
            let out = onwards(&model.encoder, &a.tokens, &moved);
            cosine(&sentence(&model, &a.tokens, &out, options), &e_b)
        };
        // Sixth order, at steps from where rounding counts to where curvature does; the one that
        // agrees best with the next is taken, without a look at autograd.
        let slope = |step: f64| {
            let [one, two, three] = [1., 2., 3.].map(|n| at(n * step) - at(-n * step));
            (45. * one - 9. * two + three) / (60. * step * size)
        };
        let slopes = [0.002, 0.004, 0.008, 0.016, 0.032, 0.064].map(slope);
        let best = slopes.windows(2).min_by(|x, y| {
            let apart = |pair: &[f64]| (pair[0] - pair[1]).abs();
            apart(x).total_cmp(&apart(y))
        });
        let slope = best.unwrap()[1];
        let off = (slope / length - 1.).abs();
        assert!(
            off < 2e-3,
            "{name}: {slope} by differences, {length} by autograd ({slopes:?})"
        );
    }
}

fn sentence(model: &Model, tokens: &Tokens, out: &Tensor, options: HeadOptions) -> Vec<f64> {
    let mut hook = NoHook;
    let mut pass = Pass::new(&mut hook, [tokens.len()]);
    let vector = model.head.sentence(tokens, 0, out, options, &mut pass);
    flat(&vector.unwrap()).into_iter().map(f64::from).collect()
}

#[test]
fn texts_packed_together_are_the_texts_alone_in_every_family() {
    for (name, model) in loaded() {
        let texts = [A, B, "cat"].map(|text| model.tokens(text, &Prompt::Own).unwrap());
        let embed = |batch: usize| {
            let (options, cancel) = (model.options(), Cancel::new());
            model
                .embed(&texts, options, batch, &cancel, &mut |_| {})
                .unwrap()
        };
        for (alone, together) in embed(1).iter().zip(embed(3)) {
            let off = difference(alone, &together);
            assert!(off < 1e-5, "{name}: in a batch it is off by {off:.1e}");
        }
    }
}

#[test]
fn the_stages_of_attention_follow_from_each_other_in_every_family() {
    for (name, model) in loaded() {
        let (trace, spec) = (trace(&model, A), model.spec());
        for l in 0..spec.layers() {
            let at = |site| trace.layer(l, site);
            let (pattern, scores) = (at(LayerSite::Pattern), at(LayerSite::Scores));
            let (pattern, scores) = (pattern.unwrap(), scores.unwrap());
            let content = at(LayerSite::ScoreContent).unwrap();
            let position = at(LayerSite::ScorePosition);
            let tokens = trace.tokens.len();
            for h in 0..spec.heads {
                for i in 0..tokens {
                    let row = pattern.row(&[h, i]);
                    let sum: f32 = row.iter().sum();
                    assert!((sum - 1.).abs() < 1e-5, "{name}: a row sums to {sum}");
                    for j in 0..tokens {
                        let seen = spec.blocks[l].mask.allows(i, j);
                        let (score, cell) = (scores.row(&[h, i])[j], [h, i]);
                        assert_eq!(seen, score.is_finite(), "{name} layer {l} {cell:?} {j}");
                        assert_eq!(seen, row[j] > 0., "{name} layer {l} {cell:?} {j}");
                        let added = position.as_ref().map_or(0., |p| p.row(&cell)[j]);
                        let whole = content.row(&cell)[j] + added;
                        let off = (whole - score).abs();
                        assert!(!seen || off < 1e-4 * (1. + score.abs()), "{name}: {off}");
                    }
                }
            }
        }
    }
}
