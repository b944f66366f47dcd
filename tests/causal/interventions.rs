//! Ablation, patching, deletion curves and stopping.

use candle_core::Tensor;
use embedscope::analysis::job::Job;
use embedscope::analysis::pooling::score;
use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::analysis::similarity::faithfulness::{Ranking, Way, curve};
use embedscope::analysis::similarity::integrated::integrated;
use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use embedscope::analysis::similarity::patching::{patching, same_index};
use embedscope::analysis::similarity::shapley::{Sampling, shapley};
use embedscope::analysis::vectors::{cosine, to_f64};
use embedscope::cancel::Cancel;
use embedscope::model::{Model, ModelError};
use embedscope::trace::hook::{Act, Hook};
use embedscope::trace::{LayerSite, Site, Trace};

use crate::masks::{A, B};
use crate::{TINY, done, models, near, trace};

/// One head, or with `head == H` the feed-forward block, replaced in a whole run of its own.
struct Without {
    layer: usize,
    head: usize,
    heads: usize,
    fill: Fill,
}

impl Hook for Without {
    fn wants(&self, site: Site) -> bool {
        let at = match self.head == self.heads {
            true => LayerSite::FfnOut,
            false => LayerSite::HeadOut,
        };
        site == Site::Layer(self.layer, at)
    }

    fn visit(&mut self, _: Site, _: usize, value: &Tensor) -> candle_core::Result<Act> {
        let shape = value.dims().to_vec();
        let size = shape[shape.len() - 1];
        let tokens = shape[shape.len() - 2];
        let mut values: Vec<f32> = value.contiguous()?.flatten_all()?.to_vec1()?;
        let plane = if shape.len() == 3 { self.head } else { 0 };
        let start = plane * tokens * size;
        for k in 0..size {
            let at = |t: usize| start + t * size + k;
            let mean = (0..tokens).map(|t| values[at(t)]).sum::<f32>() / tokens as f32;
            let fill = if self.fill == Fill::Mean { mean } else { 0. };
            (0..tokens).for_each(|t| values[at(t)] = fill);
        }
        Ok(Act::Replace(Tensor::from_vec(
            values,
            shape,
            value.device(),
        )?))
    }
}

fn vector(model: &Model, trace: &Trace, hook: &mut dyn Hook) -> Vec<f64> {
    let vectors = model.run(&[&trace.tokens], model.options(), hook).unwrap();
    to_f64(&vectors[0].to_vec1::<f32>().unwrap())
}

#[test]
fn ablation_is_a_whole_run_without_the_part() {
    for name in ["plain", "relu_dense", "concat"] {
        let model = models::tiny(name);
        let (a, b) = (trace(&model, A), trace(&model, B));
        for fill in [Fill::Zero, Fill::Mean] {
            let found = done(|job| ablation(&model, &a, &b, model.options(), fill, job));
            let (heads, mut moved) = (model.spec().heads, 0.);
            assert_eq!(found.both.len(), model.spec().layers() * (heads + 1));
            assert_eq!(found.rows().len() * found.columns().len(), found.a.len());
            let none = &mut embedscope::trace::hook::NoHook;
            let (e_a, e_b) = (vector(&model, &a, none), vector(&model, &b, none));
            for layer in 0..model.spec().layers() {
                for head in 0..=heads {
                    let mut hook = Without {
                        layer,
                        head,
                        heads,
                        fill,
                    };
                    let (a, b) = (vector(&model, &a, &mut hook), vector(&model, &b, &mut hook));
                    let cell = layer * (heads + 1) + head;
                    near(found.a[cell], found.cos - cosine(&a, &e_b), 1e-5);
                    near(found.b[cell], found.cos - cosine(&e_a, &b), 1e-5);
                    near(found.both[cell], found.cos - cosine(&a, &b), 1e-5);
                    moved = f64::max(moved, found.both[cell].abs());
                }
            }
            assert!(moved > 1e-4, "{name}: something matters");
        }
    }
}

/// One row of one layer's output from elsewhere, in a whole run.
struct Swap {
    layer: usize,
    token: usize,
    row: Tensor,
}

impl Hook for Swap {
    fn wants(&self, site: Site) -> bool {
        site == Site::Layer(self.layer, LayerSite::ResidOut)
    }

    fn visit(&mut self, _: Site, _: usize, value: &Tensor) -> candle_core::Result<Act> {
        let row = self.token..self.token + 1;
        Ok(Act::Replace(
            value.slice_assign(&[row, 0..value.dim(1)?], &self.row)?,
        ))
    }
}

#[test]
fn patching_is_a_whole_run_with_the_other_texts_state() {
    for name in TINY {
        let model = models::tiny(name);
        let (a, b) = (trace(&model, A), trace(&model, "the dog bit"));
        let options = model.options();
        let aligned = same_index(&a, &b);
        let found = done(|job| patching(&model, &a, &b, options, &aligned, job));
        let own = score(&model.head, &a, &b, options).unwrap();
        let e_b = vector(&model, &b, &mut embedscope::trace::hook::NoHook);
        let count = a.tokens.len();
        assert!(count > b.tokens.len());
        for layer in 0..found.layers {
            let states = b.tensor(Site::Layer(layer, LayerSite::ResidOut)).unwrap();
            for (token, other) in aligned.iter().enumerate() {
                let change = found.change[layer * count + token];
                let Some(other) = *other else {
                    assert!(change.is_nan(), "{name}: nothing to put there");
                    continue;
                };
                let row = states.narrow(0, other, 1).unwrap().contiguous().unwrap();
                let mut hook = Swap { layer, token, row };
                let patched = vector(&model, &a, &mut hook);
                near(change, cosine(&patched, &e_b) - own, 1e-5);
            }
        }
        // A text's own states change nothing.
        let same = done(|job| patching(&model, &a, &a, options, &same_index(&a, &a), job));
        assert!(same.change.iter().all(|change| change.abs() < 1e-6));
    }
    let model = models::tiny("plain");
    let a = trace(&model, A);
    let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
    let mut job = Job::new(&cancel, &mut ignore);
    for wrong in [vec![], vec![Some(99); a.tokens.len()]] {
        assert!(patching(&model, &a, &a, model.options(), &wrong, &mut job).is_err());
    }
}

#[test]
fn a_deletion_curve_starts_at_nothing_and_ends_at_special_tokens_alone() {
    let model = models::tiny("plain");
    let (a, b) = (trace(&model, A), trace(&model, B));
    let options = model.options();
    let loo = done(|job| leave_one_out(&model, &a, &b, options, Removal::Mask, job));
    let by = |scores: &[f64], way| {
        let ranking = Ranking {
            scores,
            orders: 6,
            seed: 3,
        };
        done(|job| curve(&model, &a, &b, options, ranking, way, job))
    };
    let found = by(&loo.a, Way::Deletion);
    let content = a.tokens.special.iter().filter(|&&special| !special).count();
    assert_eq!(found.by_rank.len(), content + 1);
    assert_eq!((found.by_rank[0], found.random[0]), (0., 0.));
    near(found.by_rank[content], found.random[content], 1e-6);
    // The first step takes the token of the largest |Δ|, so its |Δcos| is that.
    let largest = (0..a.tokens.len()).filter(|&t| !a.tokens.special[t]);
    let largest = largest.map(|t| loo.a[t].abs()).fold(0., f64::max);
    near(found.by_rank[1], largest, 1e-6);
    let other = by(&vec![0.; a.tokens.len()], Way::Deletion);
    assert_eq!(found.random, other.random, "by seed");
    // The other way round it is the same journey: in at the start what was out at the end.
    let back = by(&loo.a, Way::Insertion);
    near(back.by_rank[0], found.by_rank[content], 1e-6);
    assert_eq!((back.by_rank[content], back.random[content]), (0., 0.));
    let wrong = Ranking {
        scores: &[],
        orders: 1,
        seed: 1,
    };
    let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
    let mut job = Job::new(&cancel, &mut ignore);
    assert!(curve(&model, &a, &b, options, wrong, Way::Deletion, &mut job).is_err());
}

#[test]
fn a_stop_is_heard_by_every_method() {
    let model = models::tiny("plain");
    let (a, b) = (trace(&model, A), trace(&model, B));
    let options = model.options();
    let stopped = |run: &dyn Fn(&mut Job<'_>) -> Option<ModelError>| {
        let cancel = Cancel::new();
        // Up as soon as the method says how much there is to do.
        let mut progress = |_, _| cancel.cancel();
        let error = run(&mut Job::new(&cancel, &mut progress));
        assert!(matches!(error, Some(ModelError::Stopped)), "{error:?}");
    };
    let scores = vec![0.; a.tokens.len()];
    let sampling = Sampling::default();
    for removal in [Removal::Mask, Removal::Delete] {
        stopped(&|job| leave_one_out(&model, &a, &b, options, removal, job).err());
    }
    stopped(&|job| shapley(&model, &a, &b, options, sampling, job).err());
    stopped(&|job| ablation(&model, &a, &b, options, Fill::Zero, job).err());
    stopped(&|job| patching(&model, &a, &b, options, &same_index(&a, &b), job).err());
    stopped(&|job| integrated(&model, &a, &b, options, job).err());
    let ranking = Ranking {
        scores: &scores,
        orders: 3,
        seed: 1,
    };
    stopped(&|job| curve(&model, &a, &b, options, ranking, Way::Deletion, job).err());
}
