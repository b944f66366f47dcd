//! Methods held against each other by taking out words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedscope::analysis::job::Job;
use embedscope::analysis::similarity::leave_one_out::Removal;
use embedscope::analysis::similarity::ranking::{Areas, Extent, Ranker, compare, summaries};
use embedscope::analysis::vectors::cosine;
use embedscope::cancel::Cancel;
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelError, ModelRef, Prompt};
use embedscope::trace::Trace;

#[path = "support/models.rs"]
#[allow(dead_code, reason = "each test file uses its own part of this")]
mod models;

const PAIRS: &str = include_str!("../assets/faithfulness.tsv");

fn full(model: &Model, text: &str) -> Trace {
    let cancel = Cancel::new();
    model
        .trace(text, &Prompt::Own, Detail::Full, &cancel)
        .unwrap()
}

fn compared(model: &Model, a: &str, b: &str, rankers: &[Ranker], extent: Extent) -> Vec<Areas> {
    let (cancel, mut last) = (Cancel::new(), (0, 0));
    let mut progress = |done, all| last = (done, all);
    let mut job = Job::new(&cancel, &mut progress);
    let (a, b) = (full(model, a), full(model, b));
    let found = compare(model, (&a, &b), model.options(), rankers, extent, &mut job).unwrap();
    assert_eq!(last.0, last.1, "everything that was announced was done");
    found
}

fn of(areas: &[Areas], ranker: Ranker) -> Areas {
    *areas.iter().find(|areas| areas.ranker == ranker).unwrap()
}

#[test]
fn the_pairs_are_a_hundred_and_their_scores_are_spread() {
    let model = models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap();
    let lines: Vec<&str> = PAIRS.lines().collect();
    assert_eq!(lines.len(), 100);
    let vector = |text: &str| {
        let tokens = model.tokens(text, &Prompt::Own).unwrap();
        let cancel = Cancel::new();
        let found = model.embed(&[tokens], model.options(), 1, &cancel, &mut |_| ());
        found.unwrap()[0]
            .iter()
            .map(|&x| f64::from(x))
            .collect::<Vec<f64>>()
    };
    let mut cosines: Vec<f64> = lines
        .iter()
        .map(|line| {
            let (a, b) = line.split_once('\t').unwrap();
            cosine(&vector(a), &vector(b))
        })
        .collect();
    cosines.sort_by(f64::total_cmp);
    println!("{:.2} {:.2} {:.2}", cosines[10], cosines[50], cosines[90]);
    assert!(cosines[10] < 0.2 && cosines[90] > 0.7, "{cosines:?}");
}

#[test]
fn two_words_have_curves_that_can_be_worked_out() {
    let model = models::tiny("plain");
    for removal in [Removal::Mask, Removal::Delete] {
        let extent = Extent {
            removal,
            ..Extent::default()
        };
        let (a, b) = ("cat dog", "cat dog");
        let areas = compared(&model, a, b, &[Ranker::LeaveOneOut], extent);
        // With its two words a text loses one and then the other: 1, x, empty; it gains 0, y, 1, and
        // x and y are the two texts of one word.
        let score = |text: &str| {
            let vectors = [text, b].map(|text| {
                let trace = full(&model, text);
                let found =
                    embedscope::analysis::pooling::sentence(&model.head, &trace, model.options());
                found
                    .unwrap()
                    .iter()
                    .map(|&x| f64::from(x))
                    .collect::<Vec<f64>>()
            });
            cosine(&vectors[0], &vectors[1])
        };
        if removal == Removal::Delete {
            let (cat, dog, empty) = (score("cat "), score(" dog"), score(" "));
            let low = (1. + 2. * cat.min(dog) + empty) / 4.;
            let high = (empty + 2. * cat.max(dog) + 1.) / 4.;
            let found = areas[0];
            assert!((found.deletion - low).abs() < 1e-5, "{found:?} {low}");
            assert!((found.insertion - high).abs() < 1e-5, "{found:?} {high}");
        }
        assert!((areas[0].agreement - 1.).abs() < 1e-9);
        assert!(areas[0].deletion <= areas[0].insertion);
    }
}

#[test]
fn odd_texts_a_prompt_and_a_stop_do_no_harm() {
    for name in ["plain", "concat", "prompt_excluded", "saved_v6"] {
        let model = models::tiny(name);
        for (a, b) in [
            ("", ""),
            ("the", ""),
            ("unhappily Café東", "zz 7!"),
            ("a", "a a a"),
        ] {
            for removal in [Removal::Mask, Removal::Delete] {
                let extent = Extent {
                    removal,
                    ..Extent::default()
                };
                let found = compared(&model, a, b, &Ranker::ALL, extent);
                for areas in found {
                    let both = [areas.deletion, areas.insertion];
                    assert!(
                        both.iter().all(|x| x.is_finite()),
                        "{name} {a} {b} {areas:?}"
                    );
                }
            }
        }
    }
    let model = models::tiny("plain");
    let (a, b) = (full(&model, "the cat"), full(&model, "a dog"));
    let (cancel, mut ignore) = (Cancel::new(), |_, _| {});
    cancel.cancel();
    let mut job = Job::new(&cancel, &mut ignore);
    let (options, extent) = (model.options(), Extent::default());
    let stopped = compare(&model, (&a, &b), options, &Ranker::ALL, extent, &mut job);
    assert!(matches!(stopped, Err(ModelError::Stopped)));
}

/// A part of what `embedscope faithfulness` measures on all hundred pairs, and with a wide berth.
#[test]
fn exact_methods_find_the_words_that_matter_sooner_than_token_matching_and_chance() {
    let model = models::load(&ModelRef::default(), &SourceOptions::from_env()).unwrap();
    let rankers = [
        Ranker::Pairs,
        Ranker::Input,
        Ranker::LeaveOneOut,
        Ranker::Matching,
        Ranker::Random,
    ];
    let lines = PAIRS.lines().step_by(4);
    let areas = lines.map(|line| {
        let (a, b) = line.split_once('\t').unwrap();
        compared(&model, a, b, &rankers, Extent::default())
    });
    let areas: Vec<Vec<Areas>> = areas.collect();
    let found = summaries(&areas);
    for summary in &found[..2] {
        let (matching, random) = (
            summary.below_matching.unwrap(),
            summary.below_random.unwrap(),
        );
        println!("{:?}: {matching:?} {random:?}", summary.ranker);
        assert!(matching.mean > 2. * matching.error, "{summary:?}");
        assert!(random.mean > 2. * random.error, "{summary:?}");
    }
    for areas in &areas {
        assert_eq!(of(areas, Ranker::LeaveOneOut).agreement.round(), 1.);
    }
}
