//! The trainer against finite differences and PyTorch, and what a run leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::path::Path;

use candle_core::Tensor;
use embedscope::analysis::vectors::cosine;
use embedscope::cancel::Cancel;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Model, ModelRef};
use embedscope::training::folder::{self, Precision, Template};
use embedscope::training::student::Student;
use embedscope::training::trainer::tokenize;
use embedscope::training::{Decay, Material, OptimizerSettings, Pair, Settings, Targets, Trainer};
use models::{fixtures, load, minilm, tiny};

const MODELS: [&str; 15] = [
    "tiny/plain",
    "tiny/prefixed_gamma",
    "tiny/relu_dense",
    "tiny/prompt_excluded",
    "tiny/concat",
    "tiny/vocab_only",
    "tiny/saved_v6",
    "families/albert",
    "families/albert_groups",
    "families/deberta_v2",
    "families/deberta_v2_conv",
    "families/deberta_v2_own_keys",
    "families/jina_v2_qk",
    "families/nomic_bert",
    "families/nomic_moe",
];

fn model(name: &str) -> Model {
    load(&folder(name), &SourceOptions::from_env()).unwrap()
}

fn folder(name: &str) -> ModelRef {
    ModelRef::Folder(fixtures().join(name))
}

const PAIRS: [(&str, &str); 4] = [
    ("the cat sat on the mat", "a dog is here"),
    ("one two three", "the mat"),
    ("hello world", "sat on it"),
    ("what is this", "the dog sat"),
];

fn material() -> Material {
    let pair = |(a, b): (&str, &str)| Pair {
        a: a.to_owned(),
        b: b.to_owned(),
    };
    Material {
        pairs: PAIRS.map(pair).to_vec(),
        ..Material::default()
    }
}

fn settings(steps: usize) -> Settings {
    Settings {
        steps,
        batch: 3,
        optimizer: OptimizerSettings {
            learning_rate: 1e-3,
            warmup: 2,
            decay: Decay::Cosine,
            ..OptimizerSettings::default()
        },
        ..Settings::default()
    }
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Sentence vectors of the model's own recipe.
fn vectors(model: &Model, texts: &[&str]) -> Vec<Vec<f32>> {
    let tokens = tokenize(model, texts).unwrap();
    model
        .embed(&tokens, model.options(), 8, &Cancel::new(), &mut |_| {})
        .unwrap()
}

#[test]
fn every_parameter_has_the_gradient_of_finite_differences() {
    for variant in MODELS {
        let model = model(variant);
        let student = Student::new(&model).unwrap();
        let texts: Vec<&str> = PAIRS.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let tokens = tokenize(&model, &texts).unwrap();
        let tokens: Vec<_> = tokens.iter().collect();
        // A fixed direction for each sentence vector: their dot products add up to one number.
        let along = |n: usize| -> Vec<f64> { (0..n).map(|k| (k as f64 * 1.7).sin()).collect() };
        let loss = || -> f64 {
            let forward = student.forward(&tokens).unwrap().vectors().unwrap();
            let dot = |v: &Vec<f64>| {
                v.iter()
                    .zip(along(v.len()))
                    .map(|(x, g)| x * g)
                    .sum::<f64>()
            };
            forward.iter().map(dot).sum()
        };
        let forward = student.forward(&tokens).unwrap();
        let sizes: Vec<usize> = forward.vectors().unwrap().iter().map(Vec::len).collect();
        let directions: Vec<Vec<f64>> = sizes.into_iter().map(along).collect();
        let gradients = student.backward(forward, &directions).unwrap();
        for (parameter, gradient) in student.parameters.iter().zip(&gradients) {
            let gradient = gradient.as_ref();
            let gradient = values(
                gradient
                    .unwrap_or_else(|| panic!("{variant}: {} lost its gradient", parameter.name)),
            );
            let start = values(parameter.var.as_tensor());
            // Along the gradient itself the slope is the gradient's length.
            let length = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            let at = |step: f32| {
                let moved = start
                    .iter()
                    .zip(&gradient)
                    .map(|(x, g)| x + step * g / length);
                let moved = Tensor::from_vec(
                    moved.collect::<Vec<_>>(),
                    parameter.var.shape(),
                    parameter.var.device(),
                );
                parameter.var.set(&moved.unwrap()).unwrap();
                loss()
            };
            const STEP: f32 = 2e-3;
            if length < 1e-4 {
                // Such as a key's bias, which adds the same to a whole row of scores.
                continue;
            }
            let slope = (at(STEP) - at(-STEP)) / f64::from(2. * STEP);
            at(0.);
            let off = (slope / f64::from(length) - 1.).abs();
            assert!(
                off < 2e-2,
                "{variant}: {}: {slope} for {length}",
                parameter.name
            );
        }
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_weights() {
    let model = tiny("relu_dense");
    let material = material();
    let run = |trainer: &mut Trainer, steps: usize| {
        while trainer.step_number() < steps {
            trainer.step(&model, &material).unwrap();
        }
    };
    let mut whole = Trainer::new(&model, settings(9)).unwrap();
    run(&mut whole, 9);

    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state.safetensors");
    let mut first = Trainer::new(&model, settings(9)).unwrap();
    run(&mut first, 4);
    first.save(&state).unwrap();
    let mut second = Trainer::resume(&model, settings(9), &state).unwrap();
    assert_eq!(second.step_number(), 4);
    run(&mut second, 9);
    let parameters = whole.student().parameters.iter();
    for (a, b) in parameters.zip(&second.student().parameters) {
        assert_eq!(
            values(a.var.as_tensor()),
            values(b.var.as_tensor()),
            "{}",
            a.name
        );
    }

    let error = |settings, model: &Model| {
        Trainer::resume(model, settings, &state)
            .err()
            .unwrap()
            .to_string()
    };
    let other = Settings {
        seed: 2,
        ..settings(9)
    };
    assert!(error(other, &model).contains("made with another `seed`"));
    let error = error(settings(9), &tiny("concat"));
    assert!(error.contains("the state of another model"), "{error}");
    std::fs::write(&state, b"nonsense").unwrap();
    let error = Trainer::resume(&model, settings(9), &state).err().unwrap();
    assert!(error.to_string().contains("no whole training state"));
}

#[test]
fn a_trained_folder_opened_again_gives_the_students_vectors() {
    for variant in MODELS {
        let reference = folder(variant);
        let options = SourceOptions::from_env();
        let files = resolve(&reference, &options, &|_| {}, &Cancel::new()).unwrap();
        let template = Template::of(&files).unwrap();
        let model = model(variant);
        let mut trainer = Trainer::new(&model, settings(3)).unwrap();
        while !trainer.is_done() {
            trainer.step(&model, &material()).unwrap();
        }
        let texts = PAIRS.map(|(a, _)| a);
        let tokens = tokenize(&model, &texts).unwrap();
        let forward = trainer
            .student()
            .forward(&tokens.iter().collect::<Vec<_>>());
        let expected = forward.unwrap().vectors().unwrap();
        let (weights, head) = trainer.student().snapshot().unwrap();
        let before = vectors(&model, &texts);
        for (precision, allowed) in [(Precision::Single, 1e-5), (Precision::Half, 1e-2)] {
            let dir = tempfile::tempdir().unwrap();
            folder::write(dir.path(), &template, (&weights, &head), precision).unwrap();
            let again = load(&ModelRef::Folder(dir.path().to_owned()), &options).unwrap();
            for ((saved, expected), before) in
                vectors(&again, &texts).iter().zip(&expected).zip(&before)
            {
                let largest = expected.iter().fold(0f64, |m, x| m.max(x.abs()));
                let pairs = saved.iter().zip(expected);
                let off = pairs
                    .map(|(a, b)| (f64::from(*a) - b).abs())
                    .fold(0., f64::max);
                assert!(off <= allowed * largest, "{variant} {precision:?}: {off}");
                assert_ne!(saved, before, "{variant}: training moved the vectors");
            }
            let left = std::fs::read_dir(dir.path())
                .unwrap()
                .map(|e| e.unwrap().file_name());
            let partial = left.filter(|name| name.to_string_lossy().ends_with(".partial"));
            assert_eq!(partial.count(), 0);
        }
    }
}

#[test]
fn one_clipped_adamw_step_is_pytorchs() {
    use embedscope::training::optimizer::{AdamW, Parameter, clip};

    let path = fixtures().join("contrast.json");
    let fixture: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let fixture = &fixture["adamw"];
    let tensors = |value: &serde_json::Value| -> Vec<Tensor> {
        value.as_array().unwrap().iter().map(tensor_of).collect()
    };
    let parameters: Vec<Parameter> = tensors(&fixture["params"])
        .iter()
        .zip([true, false])
        .map(|(tensor, decays)| Parameter {
            name: "p".to_owned(),
            var: candle_core::Var::from_tensor(tensor).unwrap(),
            decays,
        })
        .collect();
    let mut optimizer = AdamW::new(&parameters);
    let settings = OptimizerSettings {
        weight_decay: 0.01,
        clip: 1.,
        ..OptimizerSettings::default()
    };
    let gradients: Vec<_> = tensors(&fixture["grads"]).into_iter().map(Some).collect();
    for expected in fixture["steps"].as_array().unwrap() {
        let (length, scale) = clip(&gradients, settings.clip).unwrap();
        assert!(length > 1., "the fixture is clipped");
        optimizer
            .step(&parameters, &gradients, &settings, 1e-3, scale)
            .unwrap();
        for (parameter, expected) in parameters.iter().zip(tensors(expected)) {
            let ours = values(parameter.var.as_tensor());
            for (a, b) in ours.iter().zip(values(&expected)) {
                assert!((a - b).abs() <= 1e-6 * (1. + b.abs()), "{a} instead of {b}");
            }
        }
    }
}

/// A tensor written as nested lists.
fn tensor_of(value: &serde_json::Value) -> Tensor {
    fn flatten(
        value: &serde_json::Value,
        shape: &mut Vec<usize>,
        depth: usize,
        out: &mut Vec<f32>,
    ) {
        match value.as_array() {
            None => out.push(value.as_f64().unwrap() as f32),
            Some(items) => {
                if shape.len() == depth {
                    shape.push(items.len());
                }
                items
                    .iter()
                    .for_each(|item| flatten(item, shape, depth + 1, out));
            }
        }
    }
    let (mut shape, mut out) = (Vec::new(), Vec::new());
    flatten(value, &mut shape, 0, &mut out);
    Tensor::from_vec(out, shape, &candle_core::Device::Cpu).unwrap()
}

/// Mean cosine of the pairs.
fn agreement(model: &Model, pairs: &[(&str, &str)]) -> f64 {
    let of = |texts: Vec<&str>| vectors(model, &texts);
    let a = of(pairs.iter().map(|p| p.0).collect());
    let b = of(pairs.iter().map(|p| p.1).collect());
    let wide = |v: &Vec<f32>| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let cosines = a.iter().zip(&b).map(|(a, b)| cosine(&wide(a), &wide(b)));
    cosines.sum::<f64>() / pairs.len() as f64
}

/// Fifty steps bring the pairs together, and the student's weights alone say so.
fn pairs_come_together(model: &Model) {
    let settings = Settings {
        steps: 12,
        batch: 4,
        optimizer: OptimizerSettings {
            learning_rate: 2e-4,
            decay: Decay::Constant,
            ..OptimizerSettings::default()
        },
        ..Settings::default()
    };
    let mut trainer = Trainer::new(model, settings).unwrap();
    let mut losses = Vec::new();
    while !trainer.is_done() {
        losses.push(trainer.step(model, &material()).unwrap().loss);
    }
    let last = losses[losses.len() - 1];
    assert!(last < 0.7 * losses[0], "{losses:?}");
    let trained = trainer.model(model).unwrap();
    let (before, after) = (agreement(model, &PAIRS), agreement(&trained, &PAIRS));
    assert!(after > before + 0.02, "{before} to {after}");
    assert_ne!(trained.hash, model.hash, "other weights, other traces");
}

#[test]
fn pairs_come_together_in_the_real_model() {
    if let Some(model) = minilm() {
        pairs_come_together(&model);
    }
}

#[test]
fn a_teachers_vectors_are_learned() {
    let model = tiny("plain");
    let texts: Vec<String> = PAIRS.iter().map(|(a, _)| (*a).to_owned()).collect();
    let size = model.sentence_size();
    let target = |i: usize| (0..size).map(move |k| ((i * size + k) as f32 * 0.9).sin());
    let material = Material {
        targets: Some(Targets::new((0..texts.len()).flat_map(target).collect(), size).unwrap()),
        texts,
        ..Material::default()
    };
    let mut settings = settings(60);
    settings.contrast = 0.5;
    settings.optimizer.learning_rate = 1e-2;
    let mut trainer = Trainer::new(&model, settings).unwrap();
    let first = trainer.step(&model, &material).unwrap();
    let mut last = first;
    while !trainer.is_done() {
        last = trainer.step(&model, &material).unwrap();
    }
    assert!(first.pairs.is_none());
    let (first, last) = (first.distance.unwrap(), last.distance.unwrap());
    assert!(last < 0.5 * first, "{first} to {last}");
}

#[test]
fn a_learning_rate_that_tears_the_model_apart_is_an_error_and_not_a_number() {
    let model = tiny("plain");
    let mut settings = settings(30);
    settings.optimizer.learning_rate = 1e38;
    settings.optimizer.warmup = 0;
    let mut trainer = Trainer::new(&model, settings).unwrap();
    let error = (0..30).find_map(|_| trainer.step(&model, &material()).err());
    let error = error.expect("no step failed").to_string();
    assert!(error.contains("smaller learning rate"), "{error}");
}

#[test]
fn a_checkpoint_in_small_numbers_is_near_the_weights() {
    let model = tiny("plain");
    let (weights, _) = Student::new(&model).unwrap().snapshot().unwrap();
    let tensors = vec![("token".to_owned(), weights.token.clone())];
    let bytes = folder::rows_of_i8(tensors).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let (whole, scales) = (
        file.tensor("token").unwrap(),
        file.tensor("token.scale").unwrap(),
    );
    let columns = whole.shape()[1];
    let scale = |row: usize| {
        let at = scales.data()[4 * row..4 * row + 4].try_into().unwrap();
        f32::from_le_bytes(at)
    };
    for (i, expected) in values(&weights.token).into_iter().enumerate() {
        let scale = scale(i / columns);
        let value = f32::from(whole.data()[i] as i8) * scale;
        assert!(
            (value - expected).abs() <= 0.501 * scale,
            "{value} {expected}"
        );
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let model = tiny("plain");
    let (weights, head) = Student::new(&model).unwrap().snapshot().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let template = Template(
        [(
            "config.json".to_owned(),
            model.config.to_string().into_bytes(),
        )]
        .into(),
    );
    let error = folder::write(&file, &template, (&weights, &head), Precision::Single);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(&*Path::new(&file).display().to_string()),
        "{error}"
    );
}
