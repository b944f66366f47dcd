//! Leave-one-out against masks inside attention and pools made by hand.

use candle_core::Tensor;
use embedscope::analysis::similarity::leave_one_out::{LeaveOneOut, Removal, leave_one_out};
use embedscope::analysis::vectors::cosine;
use embedscope::model::{Model, Part};
use embedscope::trace::hook::{Act, Hook, NoHook};
use embedscope::trace::{LayerSite, PoolingMode, Site, Trace};

use crate::{TINY, done, models, near, poolings, trace};

pub const A: &str = "The cat sat unhappily";
pub const B: &str = "the dog bit the cat";

/// Nobody attends to one token: its column of every layer's scores is −∞.
struct Unseen(usize);

impl Hook for Unseen {
    fn wants(&self, site: Site) -> bool {
        matches!(site, Site::Layer(_, LayerSite::Scores))
    }

    fn visit(&mut self, _: Site, _: usize, value: &Tensor) -> candle_core::Result<Act> {
        let (heads, queries, keys) = value.dims3()?;
        let mut scores: Vec<f32> = value.flatten_all()?.to_vec1()?;
        let hidden = scores.iter_mut().skip(self.0).step_by(keys);
        hidden.for_each(|score| *score = f32::NEG_INFINITY);
        let scores = Tensor::from_vec(scores, (heads, queries, keys), value.device())?;
        Ok(Act::Replace(scores))
    }
}

fn rows(tensor: &Tensor) -> Vec<Vec<f32>> {
    tensor.to_vec2().unwrap()
}

/// `final.out` with one token masked from attention, [T, D].
fn masked(model: &Model, trace: &Trace, token: usize) -> Vec<Vec<f32>> {
    let out = model.encoder.forward(&[&trace.tokens], &mut Unseen(token));
    rows(&out.unwrap())
}

#[test]
fn a_row_that_is_left_out_is_a_token_that_nobody_sees() {
    for name in TINY {
        let model = models::tiny(name);
        let a = trace(&model, A);
        let count = a.tokens.len();
        for left in 0..count {
            let kept: Vec<usize> = (0..count).filter(|&t| t != left).collect();
            let part = Part::of(&a.tokens, &kept).unwrap();
            // Beside another text, so that the rows of a pack are told apart.
            let parts = [Part::whole(&a.tokens), part];
            let out = model.encoder.forward_parts(&parts, &mut NoHook).unwrap();
            let ours = rows(&out.narrow(0, count, count - 1).unwrap());
            let truth = masked(&model, &a, left);
            for (ours, &token) in ours.iter().zip(&kept) {
                for (x, y) in ours.iter().zip(&truth[token]) {
                    assert!(
                        (x - y).abs() < 2e-5,
                        "{name} without {left}: {x} is not {y}"
                    );
                }
            }
        }
    }
}

/// The mean of the rows but one, in f64.
fn mean_but(rows: &[Vec<f32>], left: Option<usize>) -> Vec<f64> {
    let kept = || (0..rows.len()).filter(|&t| Some(t) != left);
    let count = kept().count() as f64;
    (0..rows[0].len())
        .map(|k| kept().map(|t| f64::from(rows[t][k])).sum::<f64>() / count)
        .collect()
}

#[test]
fn leave_one_out_is_what_masks_and_pools_by_hand_give() {
    let model = models::tiny("plain");
    let (a, b) = (trace(&model, A), trace(&model, B));
    let mean = embedscope::model::HeadOptions {
        pooling: Some(PoolingMode::Mean),
        ..model.options()
    };
    let out = |trace: &Trace| rows(trace.tensor(Site::FinalOut).unwrap());
    for removal in [Removal::Mask, Removal::Pool] {
        let found = done(|job| leave_one_out(&model, &a, &b, mean, removal, job));
        let without = |trace: &Trace, token: usize| match removal {
            Removal::Mask => mean_but(&masked(&model, trace, token), Some(token)),
            _ => mean_but(&out(trace), Some(token)),
        };
        let (e_a, e_b) = (mean_but(&out(&a), None), mean_but(&out(&b), None));
        let cos = cosine(&e_a, &e_b);
        near(found.cos, cos, 1e-6);
        let width = b.tokens.len();
        for i in 0..a.tokens.len() {
            let a_i = without(&a, i);
            near(found.a[i], cos - cosine(&a_i, &e_b), 1e-5);
            for j in 0..width {
                let b_j = without(&b, j);
                let alone = cosine(&a_i, &e_b) + cosine(&e_a, &b_j);
                let truth = cos - alone + cosine(&a_i, &b_j);
                near(found.interaction[i * width + j], truth, 2e-5);
            }
        }
    }
}

#[test]
fn deleting_a_token_is_the_text_without_its_bytes() {
    let model = models::tiny("plain");
    let (a, b) = (trace(&model, "The cat sat"), trace(&model, B));
    let options = model.options();
    let found = done(|job| leave_one_out(&model, &a, &b, options, Removal::Delete, job));
    assert_eq!(a.tokens.pieces.len(), 5, "one piece for each word");
    assert!(
        found.a[0].is_nan() && found.a[4].is_nan(),
        "[CLS] and [SEP] are no text"
    );
    for (token, text) in [(1, " cat sat"), (2, "The  sat"), (3, "The cat ")] {
        let cut = trace(&model, text);
        let score = embedscope::analysis::pooling::score(&model.head, &cut, &b, options).unwrap();
        near(found.a[token], found.cos - score, 1e-5);
    }
}

fn symmetric(found: &LeaveOneOut) {
    let width = found.b.len();
    for i in 0..width {
        for j in 0..width {
            let (there, back) = (
                found.interaction[i * width + j],
                found.interaction[j * width + i],
            );
            assert!(there.is_nan() == back.is_nan());
            assert!(
                there.is_nan() || (there - back).abs() < 1e-6,
                "{there} {back}"
            );
        }
    }
}

#[test]
fn a_text_against_itself_is_symmetric_and_sides_can_be_swapped() {
    for name in TINY {
        let model = models::tiny(name);
        let (a, b) = (trace(&model, A), trace(&model, B));
        for options in poolings(&model) {
            for removal in Removal::ALL {
                let run = |a: &Trace, b: &Trace| {
                    done(|job| leave_one_out(&model, a, b, options, removal, job))
                };
                let same = run(&a, &a);
                near(same.cos, 1., 1e-6);
                symmetric(&same);
                let (there, back) = (run(&a, &b), run(&b, &a));
                for (x, y) in there.a.iter().zip(&back.b) {
                    assert!((x - y).abs() < 1e-9 || (x.is_nan() && y.is_nan()), "{name}");
                }
            }
        }
    }
}
