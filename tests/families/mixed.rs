//! A WeightedLayerPooling: what starts again within the encoder agrees with whole runs, and a folder that
//! does not fit is refused or said to be left out.

use std::path::Path;

use candle_core::Tensor;
use embedscope::analysis::job::Job;
use embedscope::analysis::pooling::score;
use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::analysis::similarity::layers::Layers;
use embedscope::analysis::similarity::leave_one_out::{Removal, leave_one_out};
use embedscope::analysis::similarity::patching::{patching, same_index};
use embedscope::analysis::vectors::cosine;
use embedscope::cancel::Cancel;
use embedscope::model::pass::Pass;
use embedscope::model::source::{SourceOptions, resolve};
use embedscope::model::{Detail, Model, ModelRef, Prompt};
use embedscope::trace::hook::{Act, Hook, NoHook};
use embedscope::trace::{LayerSite, Site, Trace};
use embedscope::training::folder::{Precision, Template, write};
use embedscope::training::student::Student;
use serde_json::{Value, json};

use crate::models::{self, fixtures};

const NAMES: [&str; 2] = ["mixed", "mixed_pre"];
const A: &str = "The cat sat on the mat";
const B: &str = "dogs bit 12 cats, unhappily";

fn load(path: &Path) -> Result<Model, String> {
    models::load(&ModelRef::Folder(path.into()), &SourceOptions::from_env())
}

fn folder(name: &str) -> std::path::PathBuf {
    fixtures().join("families").join(name)
}

fn trace(model: &Model, text: &str) -> Trace {
    let traced = model.trace(text, &Prompt::Own, Detail::Full, &Cancel::new());
    traced.unwrap()
}

/// Puts what `new` makes of a value in its place.
struct Put<F>(Site, F);

impl<F: FnMut(&Tensor) -> candle_core::Result<Tensor>> Hook for Put<F> {
    fn wants(&self, site: Site) -> bool {
        site == self.0
    }

    fn visit(&mut self, _: Site, _: usize, value: &Tensor) -> candle_core::Result<Act> {
        Ok(Act::Replace((self.1)(value)?))
    }
}

fn vector(model: &Model, trace: &Trace, hook: &mut dyn Hook) -> Vec<f64> {
    let found = model.run(&[&*trace.tokens], model.options(), hook).unwrap();
    let values: Vec<f32> = found[0].to_vec1().unwrap();
    values.into_iter().map(f64::from).collect()
}

#[test]
fn what_starts_within_the_encoder_is_a_whole_run_with_the_change() {
    for name in NAMES {
        let model = load(&folder(name)).unwrap();
        let (a, b) = (trace(&model, A), trace(&model, B));
        let whole = [&a, &b].map(|text| vector(&model, text, &mut NoHook));
        let cos = cosine(&whole[0], &whole[1]);
        let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
        let mut job = Job::new(&cancel, &mut ignore);
        let found = ablation(&model, &a, &b, model.options(), Fill::Zero, &mut job).unwrap();
        let pairs = same_index(&a, &b);
        let patched = patching(&model, &a, &b, model.options(), &pairs, &mut job).unwrap();
        assert!((found.cos - cos).abs() < 1e-6, "{name}");
        let (heads, count) = (model.spec().heads, a.tokens.len());
        for l in 0..model.spec().layers() {
            let mut hook = Put(Site::Layer(l, LayerSite::FfnOut), Tensor::zeros_like);
            let without = cos - cosine(&vector(&model, &a, &mut hook), &whole[1]);
            let off = (found.a[l * (heads + 1) + heads] - without).abs();
            assert!(
                off < 1e-5,
                "{name}: ablation of layer {l} is off by {off:.1e}"
            );

            let (site, i) = (Site::Layer(l, LayerSite::ResidOut), 2);
            let other = b.tensor(site).unwrap().narrow(0, i, 1).unwrap();
            let put = |value: &Tensor| {
                let behind = value.narrow(0, i + 1, count - i - 1)?;
                Tensor::cat(&[&value.narrow(0, 0, i)?, &other, &behind], 0)
            };
            let change = cosine(&vector(&model, &a, &mut Put(site, put)), &whole[1]) - cos;
            let off = (patched.change[l * count + i] - change).abs();
            assert!(off < 1e-5, "{name}: patch of layer {l} is off by {off:.1e}");
            assert!(
                change.abs() > 1e-4,
                "{name}: the patch of layer {l} changes nothing"
            );
        }
    }
}

#[test]
fn layers_and_leaving_out_are_of_the_mixed_vectors() {
    for name in NAMES {
        let model = load(&folder(name)).unwrap();
        let (a, b) = (trace(&model, A), trace(&model, B));
        let options = model.options();
        let steps = Layers::new(&model.head, &a, &b, options).unwrap().steps();
        assert!(steps.holds(), "{name}: {}", steps.residual());
        let mixing = steps.values.last().unwrap().abs();
        assert!(mixing > 1e-4, "{name}: the mix is a step of its own");
        let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
        let mut job = Job::new(&cancel, &mut ignore);
        let found = leave_one_out(&model, &a, &b, options, Removal::Mask, &mut job).unwrap();
        let cos = score(&model.head, &a, &b, options).unwrap();
        assert!((found.cos - cos).abs() < 1e-6, "{name}");
    }
}

#[test]
fn a_start_without_the_earlier_states_is_an_error_that_names_the_module() {
    let model = load(&folder("mixed")).unwrap();
    let a = trace(&model, A);
    let onwards = |l: usize| {
        let x = a.tensor(Site::Layer(l, LayerSite::ResidIn)).unwrap();
        let mut hook = NoHook;
        let mut pass = Pass::new(&mut hook, [a.tokens.len()]);
        model.encoder.layers_from(l, x.clone(), &mut pass)
    };
    // The mix begins with state 1.
    assert!(onwards(0).is_ok() && onwards(1).is_ok());
    let error = onwards(2).unwrap_err().to_string();
    assert!(error.contains("WeightedLayerPooling"), "{error}");
}

/// A copy of the folder with one field of one file changed.
fn changed(file: &str, change: impl Fn(&mut Value)) -> tempfile::TempDir {
    let (from, to) = (folder("mixed"), tempfile::tempdir().unwrap());
    for name in [
        "config.json",
        "modules.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "sentence_bert_config.json",
        "1_WeightedLayerPooling/config.json",
        "1_WeightedLayerPooling/model.safetensors",
        "2_Pooling/config.json",
    ] {
        let (source, target) = (from.join(name), to.path().join(name));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(source, &target).unwrap();
        if name == file {
            let mut value = crate::json(&target);
            change(&mut value);
            std::fs::write(target, value.to_string()).unwrap();
        }
    }
    to
}

#[test]
fn a_mix_that_nobody_asks_for_is_left_out_and_one_that_does_not_fit_is_refused() {
    let silent = changed("config.json", |config| {
        config["output_hidden_states"] = false.into()
    });
    let model = load(silent.path()).unwrap();
    assert!(
        model
            .warnings
            .iter()
            .any(|w| w.contains("WeightedLayerPooling is left out"))
    );
    let (plain, last) = (trace(&model, A), Site::Layer(2, LayerSite::ResidOut));
    let rows = |site| plain.values(site).unwrap().flat().into_owned();
    assert_eq!(rows(Site::FinalOut), rows(last));

    let asked = changed("sentence_bert_config.json", |config| {
        config["config_kwargs"] = json!({"output_hidden_states": true})
    });
    assert!(load(asked.path()).unwrap().warnings.is_empty());

    const CONFIG: &str = "1_WeightedLayerPooling/config.json";
    let cases = [
        (CONFIG, "layer_start", json!(5), "layer_start"),
        (CONFIG, "layer_start", json!(2), "layer_weights"),
        (CONFIG, "num_hidden_layers", json!(4), "layer_weights"),
        (
            "config.json",
            "num_hidden_layers",
            json!(2),
            "num_hidden_layers",
        ),
    ];
    for (file, field, value, said) in cases {
        let broken = changed(file, |config| config[field] = value.clone());
        let error = load(broken.path()).err().unwrap();
        assert!(error.contains(said), "{file} {field}: {error}");
    }
    let late = changed("modules.json", |modules| {
        modules.as_array_mut().unwrap().swap(1, 2)
    });
    let error = load(late.path()).err().unwrap();
    assert!(
        error.contains("WeightedLayerPooling only between"),
        "{error}"
    );
}

#[test]
fn a_trained_mix_is_written_and_read_again() {
    let (options, cancel) = (SourceOptions::from_env(), Cancel::new());
    let reference = ModelRef::Folder(folder("mixed"));
    let files = resolve(&reference, &options, &|_| {}, &cancel).unwrap();
    let model = load(&folder("mixed")).unwrap();
    let mut moved = |name: &str, tensor: &Tensor| {
        let step = if name == "layer_weights" { 0.5 } else { 0. };
        Ok((tensor + step)?)
    };
    let weights = model.encoder.weights.map(&mut moved).unwrap();
    let to = tempfile::tempdir().unwrap();
    let template = Template::of(&files).unwrap();
    let trained = (&weights, &model.head);
    write(to.path(), &template, trained, Precision::Single).unwrap();
    let again = load(to.path()).unwrap();
    let changed = model.with_weights(weights.clone(), model.head.clone(), "changed".into());
    let sentence = |model: &Model| vector(model, &trace(model, A), &mut NoHook);
    assert_eq!(sentence(&again), sentence(&changed));
    assert_ne!(sentence(&again), sentence(&model));
    // Every weight of the mix has a gradient: it moves in training.
    let student = Student::new(&model).unwrap();
    let tokens = model.tokens(A, &Prompt::Own).unwrap();
    let forward = student.forward(&[&tokens]).unwrap();
    let one = vec![vec![1.; model.sentence_size()]];
    let gradients = student.backward(forward, &one).unwrap();
    let mut named = student.parameters.iter().zip(gradients);
    let (_, gradient) = named.find(|(p, _)| p.name == "layer_weights").unwrap();
    let gradient: Vec<f32> = gradient.unwrap().to_vec1().unwrap();
    assert!(
        gradient.len() == 3 && gradient.iter().all(|g| g.abs() > 1e-6),
        "{gradient:?}"
    );
}
