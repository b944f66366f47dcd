//! Every recorded number of every family is what its arithmetic says, and the lines add up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use embedscope::analysis::arithmetic::{
    Account, Line, Unexplained, account, cosine_account, sentence_account, writes,
};
use embedscope::analysis::pooling::misfit;
use embedscope::cancel::Cancel;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, HeadOptions, Model, ModelRef, Prompt};
use embedscope::trace::{LayerSite, PoolingMode, Site, Trace};
use models::{fixtures, tiny};

const TEXT: &str = "The dog bit the cat; unhappily the cat bit the dog, 1234 times!";

fn folders(of: &str) -> Vec<(String, Model)> {
    let folders = std::fs::read_dir(fixtures().join(of)).unwrap();
    let mut found = Vec::new();
    for folder in folders.map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected = of == "tiny" || folder.join("expected").is_dir();
        if expected {
            let model = models::load(&ModelRef::Folder(folder), &SourceOptions::from_env());
            if let Ok(model) = model {
                found.push((name, model));
            }
        }
    }
    found
}

fn full(model: &Model, text: &str) -> Trace {
    let traced = model.trace(text, &Prompt::Own, Detail::Full, &Cancel::new());
    traced.unwrap()
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % end
    }
}

/// The largest finite magnitude of a site.
fn largest(trace: &Trace, site: Site) -> f64 {
    let values = trace.values(site).unwrap();
    let all = values.flat();
    let finite = all.iter().filter(|x| x.is_finite());
    finite.fold(0., |most: f64, x| most.max(f64::from(x.abs())))
}

fn check(account: &Account, scale: f64, what: &str) {
    let off = account.residual().abs();
    assert!(
        off <= 1e-4 * scale,
        "{what}: {} is recorded as {}",
        account.result,
        account.recorded
    );
    assert!(!account.lines.is_empty(), "{what} says nothing");
    for sum in account.sums() {
        let apart = (sum.listed() - sum.total).abs();
        let size = sum
            .terms
            .iter()
            .fold(1., |most: f64, t| most.max(t.value.abs()));
        assert!(
            apart <= 1e-9 * size,
            "{what}: {} is off by {apart:e}",
            sum.name
        );
        for term in &sum.terms {
            if let Some([x, y]) = term.factors {
                assert_eq!(x * y, term.value, "{what}: {}", term.label);
            }
        }
    }
}

/// What a line refers to is what is recorded there.
fn check_links(trace: &Trace, account: &Account, what: &str) {
    let at = |site, index: &[usize]| trace.values(site).and_then(|v| v.at(index));
    for line in &account.lines {
        let asks = match line {
            Line::Sum(sum) => sum.terms.iter().filter_map(|t| t.ask.as_ref()).collect(),
            Line::Step(step) => {
                if let Some(ask) = &step.ask {
                    let there = at(ask.site, &ask.index).unwrap();
                    assert_eq!(step.value, f64::from(there), "{what}: {}", step.name);
                }
                vec![]
            }
            _ => vec![],
        };
        for ask in asks {
            let there = at(ask.site, &ask.index);
            assert!(there.is_some(), "{what} names {}{:?}", ask.site, ask.index);
        }
    }
}

fn check_model(name: &str, model: &Model, dice: &mut Dice) -> usize {
    let trace = full(model, TEXT);
    let mut count = 0;
    for site in trace.sites() {
        let shape = trace.values(site).unwrap().shape().to_vec();
        let scale = largest(&trace, site);
        for _ in 0..4 {
            let index: Vec<usize> = shape.iter().map(|&size| dice.below(size)).collect();
            let what = format!("{name}: {site}{index:?}");
            let found = account(model, &trace, site, &index);
            let found = found.unwrap_or_else(|why| panic!("{what}: {why}"));
            assert_eq!((found.site, &found.index), (site, &index));
            check(&found, scale, &what);
            assert!(
                found.holds(),
                "{what}: {} of {}",
                found.residual(),
                found.scale
            );
            check_links(&trace, &found, &what);
            count += 1;
        }
    }
    count
}

#[test]
fn every_number_of_every_family_is_what_its_arithmetic_says() {
    let mut dice = Dice(7);
    for of in ["families", "tiny"] {
        let models = folders(of);
        assert!(models.len() >= 7, "the checkpoints of {of} are missing");
        for (name, model) in models {
            let count = check_model(&name, &model, &mut dice);
            assert!(count > 20, "{name}: {count}");
        }
    }
}

#[test]
fn a_wrong_weight_is_noticed() {
    // Another model's arithmetic does not explain this one's numbers.
    let (model, other) = (tiny("plain"), tiny("relu_dense"));
    let trace = full(&model, TEXT);
    let site = Site::Layer(1, LayerSite::AttnOut);
    let right = account(&model, &trace, site, &[2, 3]).unwrap();
    let wrong = account(&other, &trace, site, &[2, 3]).unwrap();
    assert!(right.holds());
    assert!(!wrong.holds(), "{} of {}", wrong.residual(), wrong.scale);
}

#[test]
fn sentences_under_every_pooling_and_cut_are_explained() {
    for name in ["plain", "concat", "relu_dense", "prompt_excluded"] {
        let model = tiny(name);
        let trace = full(&model, "The cat sat unhappily");
        for pooling in std::iter::once(None).chain(PoolingMode::ALL.map(Some)) {
            if misfit(&model.head, model.spec().hidden, pooling).is_some() {
                continue;
            }
            for (raw, truncate_dim) in [(false, None), (true, Some(5))] {
                let options = HeadOptions {
                    pooling,
                    raw,
                    truncate_dim,
                };
                let found = sentence_account(&model, &trace, options, &[4]).unwrap();
                check(&found, found.scale, &format!("{name} {options:?}"));
            }
        }
        let cut = HeadOptions {
            truncate_dim: Some(5),
            ..HeadOptions::default()
        };
        let beyond = sentence_account(&model, &trace, cut, &[5]);
        assert!(matches!(beyond, Err(Unexplained::Outside { .. })));
    }
}

#[test]
fn the_cosine_is_the_sum_of_its_dimensions() {
    let model = tiny("relu_dense");
    let (a, b) = (full(&model, "The cat sat"), full(&model, "dogs"));
    let found = cosine_account(&model, (&a, &b), model.options(), Some(3)).unwrap();
    assert!(found.residual().abs() < 1e-12);
    let Some(Line::Sum(sum)) = found.lines.last() else {
        panic!("no sum")
    };
    assert!((sum.listed() - found.recorded).abs() < 1e-9);
    let named = sum.terms.iter().filter(|term| term.label.contains("[3]"));
    assert_eq!(named.count(), 1, "the dimension in focus is listed once");
}

#[test]
fn what_a_neuron_writes_is_its_part_of_the_block() {
    let model = tiny("plain");
    let trace = full(&model, "The cat sat");
    let (l, t, d) = (1, 2, 5);
    let out = account(&model, &trace, Site::Layer(l, LayerSite::FfnOut), &[t, d]).unwrap();
    let term = &out.sums().next().unwrap().terms[0];
    let n = term.ask.as_ref().unwrap().index[1];
    let lines = writes(&model, &trace, (l, t, n), Some(d)).unwrap();
    let given = lines.iter().find_map(|line| match line {
        Line::Step(step) if step.name.starts_with("act × W") => Some(step.value),
        _ => None,
    });
    assert_eq!(given, Some(term.value));
}

#[test]
fn what_is_not_at_hand_says_so() {
    let model = tiny("plain");
    let trace = full(&model, "The cat sat");
    let pattern = Site::Layer(0, LayerSite::Pattern);
    let gone = account(&model, &trace.outline(), pattern, &[0, 0, 0]);
    assert_eq!(gone, Err(Unexplained::NotHeld(pattern)));
    let outside = account(&model, &trace, pattern, &[0, 0, 99]);
    assert!(matches!(outside, Err(Unexplained::Outside { .. })));
    let short = account(&model, &trace, pattern, &[0]);
    assert!(matches!(short, Err(Unexplained::Outside { .. })));
}

#[test]
fn the_strongest_tokens_of_a_neuron_are_found_among_many_texts() {
    use embedscope::analysis::job::Job;
    use embedscope::analysis::neurons::{Exciters, across_tokens};
    let model = tiny("plain");
    let words = ["cat", "dog", "mat", "bit", "unhappily", "1234"];
    // More than one batch, of different lengths.
    let texts: Vec<String> = (0..40)
        .map(|i| {
            (0..1 + i % 5)
                .map(|k| words[(i * 7 + k * k) % 6])
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let (cancel, mut last) = (Cancel::new(), (0, 0));
    let mut report = |done, all| last = (done, all);
    let mut job = Job::new(&cancel, &mut report);
    let found = Exciters::new(&model, &texts, 1, 3, &mut job).unwrap();
    assert_eq!(last, (40, 40));
    let traces: Vec<Trace> = texts.iter().map(|text| full(&model, text)).collect();
    for neuron in [0, 5, 31] {
        let all = traces
            .iter()
            .flat_map(|trace| across_tokens(trace, 1, neuron));
        let mut all: Vec<f32> = all.map(|firing| firing.act.abs()).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let found = found.of(neuron);
        assert_eq!(found.len(), 3);
        for (excited, expected) in found.iter().zip(&all) {
            assert!((excited.act.abs() - expected).abs() < 1e-5);
            let trace = &traces[excited.text];
            let own = trace
                .layer(1, LayerSite::FfnAct)
                .unwrap()
                .at(&[excited.token, neuron]);
            assert!((own.unwrap() - excited.act).abs() < 1e-5, "another place");
        }
    }
    cancel.cancel();
    let mut report = |_, _| {};
    let stopped = Exciters::new(&model, &texts, 1, 3, &mut Job::new(&cancel, &mut report));
    assert!(stopped.is_err());
}
