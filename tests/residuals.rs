//! What claims to be exact is exact: on many real texts, on random weights, under every pooling and
//! behind every kind of head; and an explanation is of the weights, not of the texts alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use embedscope::analysis::background::Background;
use embedscope::analysis::job::Job;
use embedscope::analysis::pooling::{misfit, sentence};
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::common::CommonShare;
use embedscope::analysis::similarity::components::components;
use embedscope::analysis::similarity::dims::Dims;
use embedscope::analysis::similarity::input::input_pairs;
use embedscope::analysis::similarity::integrated::integrated;
use embedscope::analysis::similarity::layers::Layers;
use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::analysis::similarity::shapley::{Sampling, shapley};
use embedscope::analysis::vectors::{cosine, to_f64};
use embedscope::cancel::Cancel;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, HeadOptions, Model, ModelError, ModelRef, Prompt};
use embedscope::trace::{PoolingMode, Trace};
use embedscope::training::rng::Rng;
use rayon::prelude::*;

#[path = "residuals/heads.rs"]
mod heads;
#[path = "support/models.rs"]
mod models;
#[path = "residuals/weights.rs"]
mod weights;

/// How far an exact sum may be off, and an integrated one.
const EXACT: f64 = 1e-5;
const INTEGRATED: f64 = 1e-3;

fn bundled() -> Model {
    models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap()
}

fn full(model: &Model, text: &str) -> Trace {
    let cancel = Cancel::new();
    model
        .trace(text, &Prompt::Own, Detail::Full, &cancel)
        .unwrap()
}

/// Runs an analysis that nobody stops.
fn done<R>(run: impl FnOnce(&mut Job<'_>) -> Result<R, ModelError>) -> R {
    let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
    run(&mut Job::new(&cancel, &mut ignore)).unwrap()
}

/// The model's own pooling and every single one that its head takes.
fn poolings(model: &Model) -> Vec<HeadOptions> {
    let all = std::iter::once(None).chain(PoolingMode::ALL.map(Some));
    let hidden = model.spec().hidden;
    let fits = |pooling: &Option<PoolingMode>| misfit(&model.head, hidden, *pooling).is_none();
    let options = |pooling| HeadOptions {
        pooling,
        ..model.options()
    };
    all.filter(fits).map(options).collect()
}

/// The largest residual of each method so far.
#[derive(Default)]
struct Worst(BTreeMap<&'static str, f64>);

impl Worst {
    fn note(&mut self, name: &'static str, residual: f64) {
        // What is no number is worse than any.
        let size = if residual.is_nan() {
            f64::INFINITY
        } else {
            residual.abs()
        };
        let worst = self.0.entry(name).or_default();
        *worst = worst.max(size);
    }

    fn join(mut self, other: Self) -> Self {
        for (name, residual) in other.0 {
            self.note(name, residual);
        }
        self
    }

    fn check(&self, what: &str) {
        let sizes = self
            .0
            .iter()
            .map(|(name, residual)| format!("{name} {residual:.1e}"));
        println!("{what}: {}", sizes.collect::<Vec<_>>().join(", "));
        for (name, residual) in &self.0 {
            let most = if *name == "ij" { INTEGRATED } else { EXACT };
            assert!(*residual <= most, "{what}: {name} is off by {residual:e}");
        }
    }
}

/// Every exact method that needs no more than the recorded vectors, on one pair under one recipe.
/// `mean` is that of unrelated vectors, where they are of this recipe.
fn cheap(model: &Model, a: &Trace, b: &Trace, options: HeadOptions, mean: Option<&[f64]>) -> Worst {
    let mut worst = Worst::default();
    let mut sum = |name, matrix: &PairMatrix| worst.note(name, matrix.residual());
    sum("pairs", &token_pairs(&model.head, a, b, options).unwrap());
    let layers = Layers::new(&model.head, a, b, options).unwrap();
    sum("layers", &layers.steps());
    let vector = |trace| to_f64(&sentence(&model.head, trace, options).unwrap());
    let (e_a, e_b) = (vector(a), vector(b));
    sum("dims", &Dims::new(&e_a, &e_b).matrix(0.));
    let both = e_a.iter().zip(&e_b);
    let own: Vec<f64> = both.map(|(x, y)| 0.4 * x + 0.1 * y).collect();
    let share = CommonShare::new(&e_a, &e_b, mean.unwrap_or(&own));
    sum("common", &share.matrix());
    worst
}

/// Every exact method that goes through the network once more.
fn dear(model: &Model, a: &Trace, b: &Trace, options: HeadOptions) -> Worst {
    let mut worst = Worst::default();
    let mut sum = |name, matrix: &PairMatrix| worst.note(name, matrix.residual());
    let cancel = Cancel::new();
    let by_input = input_pairs(model, a, b, options, &cancel).unwrap();
    sum("input", &by_input.matrix);
    let writers = components(model, a, b, options, &cancel).unwrap();
    sum("components", &writers);
    worst
}

fn by_shapley(model: &Model, a: &Trace, b: &Trace, options: HeadOptions) -> f64 {
    // The sum does not depend on how many permutations there are.
    let sampling = Sampling {
        permutations: 2,
        seed: 3,
    };
    let found = done(|job| shapley(model, a, b, options, sampling, job));
    found.matrix.residual()
}

/// Leave-one-out of the pool alone under mean pooling, against its closed form in f64:
/// e∖i = (T·e − x_i)/(T − 1) before whatever follows the pool.
fn closed_form(model: &Model, a: &Trace, b: &Trace) -> f64 {
    let options = HeadOptions {
        pooling: Some(PoolingMode::Mean),
        raw: true,
        ..model.options()
    };
    let found = done(|job| leave_one_out(model, a, b, options, Removal::Pool, job));
    let rows = |trace: &Trace| -> Vec<Vec<f64>> {
        let out = trace.final_out().unwrap();
        (0..out.size(0)).map(|t| to_f64(&out.row(&[t]))).collect()
    };
    let total = |rows: &[Vec<f64>], left: Option<usize>| -> Vec<f64> {
        let kept = rows.iter().enumerate().filter(|(t, _)| Some(*t) != left);
        kept.fold(vec![0.; rows[0].len()], |mut sum, (_, row)| {
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            sum
        })
    };
    let (x, y) = (rows(a), rows(b));
    let (whole_a, whole_b) = (total(&x, None), total(&y, None));
    let cos = cosine(&whole_a, &whole_b);
    let of_a = (0..x.len()).map(|i| cos - cosine(&total(&x, Some(i)), &whole_b) - found.a[i]);
    let of_b = (0..y.len()).map(|j| cos - cosine(&whole_a, &total(&y, Some(j))) - found.b[j]);
    of_a.chain(of_b)
        .fold(0., |most, off| f64::max(most, off.abs()))
}

/// Real texts in pairs of chance.
fn pairs(count: usize, seed: u64) -> Vec<(String, String)> {
    let background = Background::own();
    let texts = background.texts();
    let mut rng = Rng::new(seed);
    let mut draw = || texts[rng.below(texts.len())].clone();
    (0..count).map(|_| (draw(), draw())).collect()
}

/// 200 pairs under the model's own pooling and another one in turn. What goes through the network once
/// more is looked at on each `every`th pair.
fn many(model: &Model, every: usize, what: &str) {
    let (pairs, poolings) = (pairs(200, 11), poolings(model));
    assert_eq!(poolings.len(), 7, "mean, cls, max, … and the model's own");
    let traces: Vec<(Trace, Trace)> = pairs
        .par_iter()
        .map(|(a, b)| (full(model, a), full(model, b)))
        .collect();
    let vector = |trace| to_f64(&sentence(&model.head, trace, model.options()).unwrap());
    let vectors: Vec<Vec<f64>> = traces.iter().map(|(a, _)| vector(a)).collect();
    let mean: Vec<f64> = (0..vectors[0].len())
        .map(|k| vectors.iter().map(|v| v[k]).sum::<f64>() / vectors.len() as f64)
        .collect();
    let one = |(i, (a, b)): (usize, &(Trace, Trace))| {
        let (own, other) = (poolings[0], poolings[1 + i % 6]);
        let mut worst = cheap(model, a, b, own, Some(&mean));
        worst = worst.join(cheap(model, a, b, other, None));
        worst.note("loo closed form", closed_form(model, a, b));
        if i % every == 0 {
            worst = worst.join(dear(model, a, b, own));
        }
        if i % (5 * every) == 0 {
            worst = worst.join(dear(model, a, b, other));
            worst.note("shapley", by_shapley(model, a, b, own));
        }
        worst
    };
    let worst = traces.par_iter().enumerate().map(one);
    worst.reduce(Worst::default, Worst::join).check(what);
}

#[test]
fn two_hundred_real_pairs_of_the_bundled_model() {
    let model = bundled();
    many(&model, 1, "embedscope-mini");
    let mut worst = Worst::default();
    for (a, b) in pairs(3, 7) {
        let (a, b) = (full(&model, &a), full(&model, &b));
        let found = done(|job| integrated(&model, &a, &b, model.options(), job));
        worst.note("ij", found.matrix.residual());
    }
    worst.check("integrated");
}

/// Integrated Jacobians of this model are in tests/causal.
#[test]
fn two_hundred_real_pairs_of_the_real_model() {
    let Some(model) = models::minilm() else {
        return;
    };
    many(&model, 20, "all-MiniLM-L6-v2");
}

/// The tensor with normal numbers of this size in its place.
fn random(tensor: &Tensor, size: f64, rng: &mut Rng) -> Tensor {
    let cells = (0..tensor.elem_count()).map(|_| (size * rng.normal()) as f32);
    let cells: Vec<f32> = cells.collect();
    Tensor::from_vec(cells, tensor.dims(), &Device::Cpu).unwrap()
}
