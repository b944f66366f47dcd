//! Why A is closer to B than to C, what word order does, and one pair taken apart: each figure held
//! against an independent computation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, OnceLock};

use embedscope::analysis::background;
use embedscope::analysis::job::Job;
use embedscope::analysis::pooling::{pooled, score, sentence};
use embedscope::analysis::residual::layer_cosines;
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::components::components;
use embedscope::analysis::similarity::contrast::{Contrast, without_each_of};
use embedscope::analysis::similarity::dims::Dims;
use embedscope::analysis::similarity::input::input_pairs;
use embedscope::analysis::similarity::layer_bands::Background;
use embedscope::analysis::similarity::leave_one_out::Removal;
use embedscope::analysis::similarity::one_pair::OnePair;
use embedscope::analysis::similarity::order::{Order, Reordered, order, same_tokens};
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::analysis::vectors::{cosine, norm, to_f64};
use embedscope::cancel::Cancel;
use embedscope::engine::{BandsKey, CalibrationStore, layer_bands};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelError, ModelRef, Prompt};
use embedscope::trace::{PoolingMode, Trace};
use embedscope::training::rng::Rng;

#[path = "support/models.rs"]
mod models;

fn bundled() -> Arc<Model> {
    static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
    let load = || Arc::new(models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap());
    MODEL.get_or_init(load).clone()
}

fn full(model: &Model, text: &str) -> Trace {
    model
        .trace(text, &Prompt::Own, Detail::Full, &Cancel::new())
        .unwrap()
}

/// The cosine as anybody would compute it: encode two texts, multiply.
fn cos(model: &Model, a: &str, b: &str) -> f64 {
    let tokens = [a, b].map(|text| model.tokens(text, &Prompt::Own).unwrap());
    let found = model.embed(&tokens, model.options(), 2, &Cancel::new(), &mut |_| ());
    let found = found.unwrap();
    cosine(&to_f64(&found[0]), &to_f64(&found[1]))
}

fn job<R>(run: impl FnOnce(&mut Job<'_>) -> Result<R, ModelError>) -> R {
    let cancel = Cancel::new();
    run(&mut Job::new(&cancel, &mut |_, _| ())).unwrap()
}

fn near(value: f64, truth: f64, most: f64, what: &str) {
    assert!(
        (value - truth).abs() <= most,
        "{what}: {value} is not {truth}"
    );
}

/// Sentences that have nothing to do with each other, three by three.
fn triples(count: usize) -> Vec<[String; 3]> {
    let own = background::Background::own();
    let texts = own.texts();
    let mut rng = Rng::new(11);
    (0..count)
        .map(|_| [0; 3].map(|_| texts[rng.below(texts.len())].clone()))
        .collect()
}

fn vectors(model: &Model, a: &Trace, b: &Trace) -> PairMatrix {
    let vector = |trace| to_f64(&sentence(&model.head, trace, model.options()).unwrap());
    Dims::new(&vector(a), &vector(b)).matrix(0.)
}

/// By every method that adds up.
fn contrasts(model: &Model, [a, b, c]: [&Trace; 3]) -> Vec<(&'static str, Contrast)> {
    let (options, cancel) = (model.options(), Cancel::new());
    let pairs = |other| token_pairs(&model.head, a, other, options).unwrap();
    let input = |other| {
        input_pairs(model, a, other, options, &cancel)
            .unwrap()
            .matrix
    };
    let writers = |other| components(model, a, other, options, &cancel).unwrap();
    vec![
        ("pairs", Contrast::new(&pairs(b), &pairs(c)).unwrap()),
        ("input", Contrast::new(&input(b), &input(c)).unwrap()),
        (
            "components",
            Contrast::new(&writers(b), &writers(c)).unwrap(),
        ),
        (
            "dims",
            Contrast::of_columns(&vectors(model, a, b), &vectors(model, a, c)).unwrap(),
        ),
    ]
}

#[test]
fn every_method_adds_up_to_the_difference_and_turns_round_with_b_and_c() {
    let model = bundled();
    for texts in triples(12) {
        let texts = texts.each_ref().map(String::as_str);
        let [a, b, c] = texts.map(|text| full(&model, text));
        let difference = cos(&model, texts[0], texts[1]) - cos(&model, texts[0], texts[2]);
        let turned = contrasts(&model, [&a, &c, &b]);
        for ((name, found), (_, back)) in contrasts(&model, [&a, &b, &c]).iter().zip(&turned) {
            let what = format!("{name} of {texts:?}");
            near(found.sum(), difference, 1e-5, &what);
            assert!(found.holds() && found.residual().abs() <= 1e-5, "{what}");
            for (x, y) in found.a.values.iter().zip(&back.a.values) {
                near(*x, -y, 1e-12, &what);
            }
            if *name != "dims" {
                near(found.b.sum() + found.c.sum(), difference, 1e-5, &what);
            }
        }
    }
}

#[test]
fn a_word_speaks_for_the_text_that_its_vector_leans_to() {
    let model = bundled();
    let texts = [
        "How do I reset my password?",
        "I forgot my password",
        "The bread needs more salt",
    ];
    let [a, b, c] = texts.map(|text| full(&model, text));
    let found = &contrasts(&model, [&a, &b, &c])[0].1;
    assert!(found.explains > 0.1, "{}", found.explains);
    // Under mean pooling: x_t/T · (e_b/|e_b| − e_c/|e_c|)/|e_a|, of the pooled vectors.
    let pool = |trace| to_f64(&pooled(&model.head, trace, None).unwrap());
    let (e_a, e_b, e_c) = (pool(&a), pool(&b), pool(&c));
    let (length, tokens) = (norm(&e_a), a.tokens.len() as f64);
    let out = a.final_out().unwrap();
    for t in 0..a.tokens.len() {
        let mut sum = 0.;
        for (k, &x) in out.row(&[t]).iter().enumerate() {
            let lean = e_b[k] / norm(&e_b) - e_c[k] / norm(&e_c);
            sum += f64::from(x) / tokens * lean / length;
        }
        near(found.a.values[t], sum, 1e-6, &a.tokens.pieces[t]);
    }
    let word = a.tokens.pieces.iter().position(|piece| piece == "password");
    assert!(found.a.values[word.unwrap()] > 0., "password speaks for B");
}

#[test]
fn without_each_is_the_model_run_again() {
    let model = bundled();
    let texts = [
        "A red car stopped",
        "The red car was slow",
        "A blue boat sank",
    ];
    let [a, b, c] = texts.map(|text| full(&model, text));
    let found =
        job(|job| without_each_of(&model, [&a, &b, &c], model.options(), Removal::Delete, job));
    let difference = cos(&model, texts[0], texts[1]) - cos(&model, texts[0], texts[2]);
    near(found.difference, difference, 1e-6, "difference");
    let at =
        |trace: &Trace, piece: &str| trace.tokens.pieces.iter().position(|p| p == piece).unwrap();
    let again = |a: &str, b: &str, c: &str| difference - (cos(&model, a, b) - cos(&model, a, c));
    let red = again("A car stopped", texts[1], texts[2]);
    near(found.a[at(&a, "red")], red, 1e-5, "A without red");
    let red = again(texts[0], "The car was slow", texts[2]);
    near(found.b[at(&b, "red")], red, 1e-5, "B without red");
    let boat = again(texts[0], texts[1], "A blue sank");
    near(found.c[at(&c, "boat")], boat, 1e-5, "C without boat");
    assert!(
        found.a[0].is_nan(),
        "the template's tokens cannot be deleted"
    );
}

fn ordered(model: &Model, a: &str, b: &str) -> Option<Order> {
    let (a, b) = (full(model, a), full(model, b));
    job(|job| order(model, &a, &b, model.options(), job))
}

#[test]
fn order_is_what_other_orders_of_the_same_words_give() {
    let model = bundled();
    let (a, b) = ("The cat bit the dog", "The dog bit the cat");
    let found = ordered(&model, a, b).unwrap();
    assert_eq!(found.reordered, Reordered::AsA);
    near(found.contribution(), cos(&model, a, b) - 1., 1e-6, "order");

    let b = "Copper prices rose in early trading";
    let found = ordered(&model, a, b).unwrap();
    assert_eq!(found.reordered, Reordered::Shuffled(5));
    let words: Vec<&str> = b.split(' ').collect();
    let mut rng = Rng::new(words.len() as u64);
    let mut others = Vec::new();
    for _ in 0..5 {
        let text: Vec<&str> = rng.permutation(6).into_iter().map(|i| words[i]).collect();
        others.push(cos(&model, a, &text.join(" ")));
    }
    let mean = others.iter().sum::<f64>() / 5.;
    near(
        found.contribution(),
        cos(&model, a, b) - mean,
        1e-6,
        "order",
    );
    for (x, y) in found.others.iter().zip(&others) {
        near(*x, *y, 1e-6, "one order");
    }
    assert!(ordered(&model, a, "Yes").is_none(), "one word has no order");
    assert!(ordered(&model, "", "").is_none());
}

/// What the case of swapped roles is told by, computed by hand.
fn swapped_roles(model: &Model, wanted: f64) {
    let (a, b) = (
        full(model, "The cat bit the dog"),
        full(model, "The dog bit the cat"),
    );
    let found = same_tokens(&a, &b).unwrap();
    assert!(found.moved);
    assert_eq!(found.tokens, 5);
    let (out_a, out_b) = (a.final_out().unwrap(), b.final_out().unwrap());
    // [CLS] the cat bit the dog [SEP]: place 1 to 5 of A stand at these places of B.
    let places = [(1, 1), (2, 5), (3, 3), (4, 4), (5, 2)];
    let cosines = places.map(|(i, j)| {
        let (i, j) = (to_f64(&out_a.row(&[i])), to_f64(&out_b.row(&[j])));
        cosine(&i, &j)
    });
    let mean = cosines.iter().sum::<f64>() / 5.;
    near(found.mean, mean, 1e-12, "mean of the words' cosines");
    let lowest = cosines.iter().copied().fold(1., f64::min);
    near(found.lowest.0, lowest, 1e-12, "lowest of them");
    let cos = score(&model.head, &a, &b, model.options()).unwrap();
    near(cos, wanted, 5e-5, "the score");
    assert!(
        mean < cos - 0.001,
        "the mean brings them together: {mean} {cos}"
    );
    println!(
        "{}: words {mean:.4}, lowest {lowest:.4}, score {cos:.4}",
        model.id
    );
}

#[test]
fn swapped_roles_show_in_the_words_and_vanish_in_the_mean() {
    swapped_roles(&bundled(), 0.9985);
    if let Some(model) = models::minilm() {
        swapped_roles(&model, 0.9907);
    }
    let model = bundled();
    let (a, b) = (full(&model, "The cat"), full(&model, "The dog"));
    assert!(same_tokens(&a, &b).is_none());
    assert!(!same_tokens(&a, &a).unwrap().moved);
}

fn pair(model: &Model, a: &Trace, b: &Trace, cell: [std::ops::Range<usize>; 2]) -> OnePair {
    let [rows, columns] = cell;
    let cancel = Cancel::new();
    OnePair::new(model, (a, b), model.options(), &(rows, columns), &cancel).unwrap()
}

#[test]
fn one_pair_comes_apart_into_dimensions_and_writers() {
    let model = bundled();
    for texts in triples(4) {
        let texts = texts.each_ref().map(String::as_str);
        let (a, b) = (full(&model, texts[0]), full(&model, texts[1]));
        let pairs = token_pairs(&model.head, &a, &b, model.options()).unwrap();
        let (i, j) = (1, b.tokens.len() - 2);
        let found = pair(&model, &a, &b, [i..i + 1, j..j + 1]);
        near(found.value(), pairs.at(i, j), 1e-12, "the cell");
        assert!(found.dimensions.holds() && found.writers.holds());
        near(found.writers.sum(), pairs.at(i, j), 1e-5, "writers");
        let pool = |trace| to_f64(&pooled(&model.head, trace, None).unwrap());
        let lengths = norm(&pool(&a)) * norm(&pool(&b));
        let tokens = (a.tokens.len() * b.tokens.len()) as f64;
        let (x, y) = (a.final_out().unwrap(), b.final_out().unwrap());
        let (x, y) = (to_f64(&x.row(&[i])), to_f64(&y.row(&[j])));
        for (k, part) in found.dimensions.values.iter().enumerate() {
            near(*part, x[k] * y[k] / tokens / lengths, 1e-6, "dimension");
        }
        let last = found.layers.last().copied().unwrap();
        near(last, cosine(&x, &y), 1e-9, "the last layer");
        assert_eq!(found.layers.len(), 1 + model.spec().layers());

        let word = pair(&model, &a, &b, [i..i + 2, j..j + 1]);
        let both = pairs.at(i, j) + pairs.at(i + 1, j);
        near(word.value(), both, 1e-12, "two pieces");
        assert!(word.writers.holds() && word.dimensions.holds());
    }
}

#[test]
fn one_pair_adds_up_behind_every_head() {
    for name in [
        "plain",
        "concat",
        "relu_dense",
        "saved_v6",
        "prompt_excluded",
    ] {
        let model = models::tiny(name);
        let (a, b) = (full(&model, "the cat sat"), full(&model, "dogs bit a mat"));
        let pairs = token_pairs(&model.head, &a, &b, model.options()).unwrap();
        let found = pair(&model, &a, &b, [2..3, 1..3]);
        near(found.value(), pairs.at(2, 1) + pairs.at(2, 2), 1e-12, name);
        assert!(found.dimensions.holds(), "{name}");
        assert!(
            found.writers.holds(),
            "{name}: {}",
            found.writers.residual()
        );
    }
}

#[test]
fn bands_are_the_quantiles_of_unrelated_pairs() {
    let model = bundled();
    let (layers, hidden) = (model.spec().layers(), model.spec().hidden);
    let traces: Vec<Trace> = background::Background::own()
        .texts()
        .iter()
        .step_by(60)
        .map(|text| {
            let cancel = Cancel::new();
            let trace = model.trace(text, &Prompt::Own, Detail::Outline, &cancel);
            trace.unwrap()
        })
        .collect();
    let mut background = Background::new(&model.head, layers, hidden);
    traces.iter().for_each(|trace| background.add(trace));
    let found = background.bands().unwrap();
    assert_eq!(found.texts, traces.len());
    assert_eq!(found.pairs, traces.len() * (traces.len() - 1) / 2);
    assert!(found.is_whole(layers) && !found.is_whole(layers + 1));
    for mode in [PoolingMode::Mean, PoolingMode::Cls, PoolingMode::Max] {
        let bands = found.of(&[mode]).unwrap();
        let mut at: Vec<Vec<f64>> = vec![Vec::new(); layers + 1];
        for (i, a) in traces.iter().enumerate() {
            for b in &traces[i + 1..] {
                let taken = |trace: &Trace| vec![true; trace.tokens.len()];
                let cosines = layer_cosines((a, &taken(a)), (b, &taken(b)), mode);
                at.iter_mut()
                    .zip(cosines)
                    .for_each(|(all, cos)| all.push(cos));
            }
        }
        for (band, all) in bands.iter().zip(&mut at) {
            all.sort_by(f64::total_cmp);
            near(
                band.mean,
                all.iter().sum::<f64>() / all.len() as f64,
                1e-6,
                "mean",
            );
            // Many may be equal, as all [CLS] are at the embedding.
            let tail = all.len() as f64 * 0.05;
            for (edge, sign) in [(band.low, 1.), (band.high, -1.)] {
                let beyond = |slack: f64| {
                    let outside = |cos: &&f64| sign * (**cos - edge) < slack;
                    all.iter().filter(outside).count() as f64
                };
                assert!(beyond(-1e-6) <= tail + 1.5 && beyond(1e-6) >= tail - 1.5);
            }
        }
    }
    assert_eq!(
        found.of(&[PoolingMode::Mean]),
        found.of(&[PoolingMode::MeanSqrtLenTokens])
    );
}

#[test]
fn bands_are_measured_on_request_and_kept() {
    let model = Arc::new(models::tiny("plain"));
    let folder = tempfile::tempdir().unwrap();
    let store = CalibrationStore::new(Some(folder.path().to_owned()));
    let key = BandsKey::new(&model, &Prompt::Own).unwrap();
    let mut seen = Vec::new();
    let cancel = Cancel::new();
    let mut ask = |measure: bool| {
        let mut progress = |done, all| seen.push((done, all));
        layer_bands(&store, &model, &key, measure, &cancel, &mut progress).unwrap()
    };
    assert_eq!(ask(false), None);
    let made = ask(true).unwrap();
    assert_eq!(made.texts, background::Background::own().texts().len());
    assert_eq!(ask(false), Some(made));
    assert_eq!(seen.len(), background::Background::own().texts().len());
    let stopped = Cancel::new();
    stopped.cancel();
    let nowhere = CalibrationStore::default();
    let ended = layer_bands(&nowhere, &model, &key, true, &stopped, &mut |_, _| ());
    assert!(matches!(ended, Err(ModelError::Stopped)));
}
