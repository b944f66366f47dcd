//! The tabs of the Score panel on a tiny model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use embedscope::analysis::job::Job;
use embedscope::analysis::similarity::PairMatrix;
use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::analysis::similarity::components::components;
use embedscope::analysis::similarity::input::input_pairs;
use embedscope::analysis::similarity::layers::Layers;
use embedscope::analysis::similarity::pairs::token_pairs;
use embedscope::app::command::Command;
use embedscope::app::state::{Focus, ScoreMethod};
use embedscope::cancel::Cancel;
use embedscope::trace::PoolingMode;
use embedscope::views;
use embedscope::widgets::number;

#[path = "support/panel.rs"]
mod panel_support;

use panel_support::{Bench, builder, fits, show, tiny, tiny_long};

const TEXTS: [&str; 2] = ["The cat sat unhappily", "The dog bit the cat"];

/// Each tab with its name and something that it shows.
const TABS: [(ScoreMethod, &str, &str); 9] = [
    (ScoreMethod::Pairs, "Token pairs", "Token pairs of A and B"),
    (
        ScoreMethod::Input,
        "Input tokens",
        "Input tokens of A and B",
    ),
    (
        ScoreMethod::LeaveOneOut,
        "Leave one out",
        "Leave one out of A and B",
    ),
    (ScoreMethod::Shapley, "Shapley", "Shapley of A and B"),
    (
        ScoreMethod::Integrated,
        "Integrated gradients",
        "Integrated gradients of A and B",
    ),
    (
        ScoreMethod::Components,
        "Components",
        "Components of A and B",
    ),
    (
        ScoreMethod::Dimensions,
        "Dimensions",
        "Dimensions by what they add",
    ),
    (ScoreMethod::Layers, "Layers", "Cosine after each layer"),
    (
        ScoreMethod::Ablation,
        "Ablation",
        "Ablation of heads and feed-forwards",
    ),
];

fn bench(method: ScoreMethod, texts: &[&str]) -> Bench {
    let mut bench = Bench::new(views::find("score").unwrap(), tiny(), texts);
    bench.state.score_method = method;
    bench
}

fn open(method: ScoreMethod, texts: &[&str]) -> Harness<'static, Bench> {
    show(builder(1000., 1600., true), bench(method, texts))
}

fn settle(harness: &mut Harness<'_, Bench>) {
    for _ in 0..3 {
        panel_support::settle(harness);
    }
}

/// The figures of the clipboard's table.
fn figures(harness: &Harness<'_, Bench>) -> Vec<f64> {
    let tsv = harness.state().tsv().expect("a table");
    let rows = tsv.lines().skip(1).map(|line| line.split('\t').skip(1));
    rows.flatten().map(|cell| cell.parse().unwrap()).collect()
}

/// Of the two traces.
fn with_traces<R>(
    bench: &Bench,
    of: impl FnOnce(&embedscope::trace::Trace, &embedscope::trace::Trace) -> R,
) -> R {
    let trace = |index: usize| bench.texts[index].trace.clone().unwrap();
    of(&trace(0), &trace(1))
}

#[test]
fn each_tab_shows_its_answer_at_any_width_and_fits() {
    for (method, _, wanted) in TABS {
        for (width, dark) in [(320., true), (520., false), (1000., true)] {
            let mut harness = show(builder(width, 1600., dark), bench(method, &TEXTS));
            settle(&mut harness);
            harness.get_by_label(wanted);
            fits(&harness, width, &format!("{method:?}"));
        }
    }
}

#[test]
fn a_click_on_a_tab_chooses_it_and_the_table_follows() {
    let mut harness = open(ScoreMethod::Pairs, &TEXTS);
    let mut seen = Vec::new();
    for (method, title, wanted) in TABS {
        harness.get_by_label(title).click();
        settle(&mut harness);
        assert_eq!(harness.state().state.score_method, method);
        if method != ScoreMethod::Pairs {
            assert!(
                harness
                    .state()
                    .commands
                    .contains(&Command::ScoreMethod(method))
            );
        }
        harness.get_by_label(wanted);
        let table = harness.state().tsv().unwrap();
        assert!(
            !seen.contains(&table),
            "{method:?} copies another tab's table"
        );
        seen.push(table);
    }
}

#[test]
fn a_part_is_set_to_zero_or_to_its_mean() {
    let mut harness = open(ScoreMethod::Ablation, &TEXTS);
    settle(&mut harness);
    for (fill, label) in [(Fill::Mean, "set to its mean"), (Fill::Zero, "set to zero")] {
        harness.get_by_label(label).click();
        settle(&mut harness);
        let shown = figures(&harness);
        let model = harness.state().model.clone();
        let (cancel, mut report) = (Cancel::new(), |_, _| ());
        let mut job = Job::new(&cancel, &mut report);
        let found = with_traces(harness.state(), |a, b| {
            ablation(&model, a, b, model.options(), fill, &mut job).unwrap()
        });
        assert_eq!(shown.len(), found.both.len());
        let off = shown.iter().zip(&found.both).map(|(x, y)| (x - y).abs());
        assert!(off.fold(0., f64::max) < 1e-9, "{fill:?}");
        assert!(found.both.iter().any(|change| change.abs() > 1e-4));
    }
}

#[test]
fn the_residual_is_what_the_analysis_says() {
    let bench = bench(ScoreMethod::Pairs, &TEXTS);
    let (model, cancel) = (bench.model.clone(), Cancel::new());
    let options = model.options();
    let matrices: Vec<(ScoreMethod, PairMatrix)> = with_traces(&bench, |a, b| {
        vec![
            (
                ScoreMethod::Pairs,
                token_pairs(&model.head, a, b, options).unwrap(),
            ),
            (
                ScoreMethod::Input,
                input_pairs(&model, a, b, options, &cancel).unwrap().matrix,
            ),
            (
                ScoreMethod::Components,
                components(&model, a, b, options, &cancel).unwrap(),
            ),
            (
                ScoreMethod::Layers,
                Layers::new(&model.head, a, b, options).unwrap().steps(),
            ),
        ]
    });
    for (method, matrix) in matrices {
        assert!(matrix.holds());
        let mut harness = open(method, &TEXTS);
        settle(&mut harness);
        let label = format!("residual{}", number(matrix.residual()));
        assert!(
            harness.query_by_label(&label).is_some(),
            "{method:?} does not say {label}"
        );
        if method != ScoreMethod::Layers {
            let sum: f64 = figures(&harness).iter().sum();
            assert!((sum - matrix.explains).abs() < 1e-5, "{method:?}: {sum}");
        }
    }
}

#[test]
fn words_keep_the_sum_of_every_method_over_tokens() {
    for (method, _, _) in &TABS[..5] {
        let mut harness = open(*method, &TEXTS);
        settle(&mut harness);
        let tokens = figures(&harness);
        harness.get_by_label("words").click();
        settle(&mut harness);
        let words = figures(&harness);
        assert!(words.len() < tokens.len(), "{method:?}");
        let (before, after): (f64, f64) = (tokens.iter().sum(), words.iter().sum());
        assert!(
            (before - after).abs() < 1e-9,
            "{method:?}: {before} {after}"
        );
    }
}

#[test]
fn an_old_answer_stays_until_the_new_one_is_there() {
    let mut harness = open(ScoreMethod::Input, &TEXTS);
    settle(&mut harness);
    assert!(harness.query_by_label_contains("Computing").is_none());
    let before = harness.state().tsv();
    let id = harness.state().state.texts[0].id;
    let bench = harness.state_mut();
    let edit = Command::EditText(id, "dogs".to_owned());
    embedscope::app::command::apply(&mut bench.state, edit);
    bench.trace();
    harness.step();
    harness.get_by_label_contains("Computing “Input tokens”");
    harness.get_by_label("Input tokens of A and B");
    let stale = harness.state().tsv();
    assert_eq!(stale, None, "in a file nothing is dimmed");
    settle(&mut harness);
    assert!(harness.query_by_label_contains("Computing").is_none());
    assert_ne!(harness.state().tsv(), before);
}

#[test]
fn what_takes_long_can_be_cancelled_and_begun_again() {
    // So long that it is surely under way when it is cancelled.
    let long = "the cat sat on a mat ".repeat(12);
    let panel = views::find("score").unwrap();
    let mut bench = Bench::new(panel, tiny_long(512), &[&long, "the dog"]);
    bench.state.score_method = ScoreMethod::Shapley;
    let mut harness = show(builder(1000., 1600., true), bench);
    settle(&mut harness);
    harness.get_by_label("Compute Shapley").click();
    harness.step();
    harness.step();
    harness.get_by_label("Cancel").click();
    harness.step();
    harness.step();
    assert!(harness.query_by_label_contains("Computing").is_none());
    harness.get_by_label("It was cancelled.");
    settle(&mut harness);
    assert!(harness.state().tsv().is_none(), "it came to no end");
    harness.get_by_label("Compute Shapley").click();
    settle(&mut harness);
    harness.get_by_label("Shapley of A and B");
    assert!(harness.state().tsv().is_some());
    assert!(harness.query_by_label("Compute Shapley").is_none());
    assert!(harness.query_by_label("Cancel").is_none());
}

#[test]
fn long_texts_wait_for_a_person() {
    let long = "the cat sat on a mat ".repeat(8);
    let panel = views::find("score").unwrap();
    let mut bench = Bench::new(panel, tiny_long(512), &[&long, "the dog"]);
    bench.state.score_method = ScoreMethod::Shapley;
    let mut harness = show(builder(1000., 1600., true), bench);
    settle(&mut harness);
    assert!(harness.query_by_label("Shapley of A and B").is_none());
    assert!(harness.state().tsv().is_none());
    harness.get_by_label("Compute Shapley").click();
    settle(&mut harness);
    harness.get_by_label("Shapley of A and B");
    assert!(harness.query_by_label("Compute Shapley").is_none());
    // Over an old answer too the progress is where the button was, and not below the map.
    harness.state_mut().state.pooling = Some(PoolingMode::Max);
    settle(&mut harness);
    harness.get_by_label("Compute Shapley").click();
    harness.step();
    harness.step();
    let old = harness.get_by_label("Shapley of A and B").rect();
    let cancel = harness.get_by_label("Cancel");
    assert!(cancel.rect().bottom() < old.top());
    cancel.click();
}

#[test]
fn a_writer_that_is_clicked_is_chosen_everywhere() {
    let mut harness = open(ScoreMethod::Components, &TEXTS);
    settle(&mut harness);
    harness.get_by_label_contains("writer L2.H3,").click();
    settle(&mut harness);
    let state = &harness.state().state;
    assert_eq!((state.layer, state.head), (1, 2));
    harness.get_by_label_contains("writer L1.FFN,").click();
    settle(&mut harness);
    let state = &harness.state().state;
    assert_eq!((state.layer, state.head), (0, 2));
}

#[test]
fn the_verdict_says_what_carries_the_score_and_what_order_takes() {
    let harness = open(
        ScoreMethod::Pairs,
        &["The cat bit the dog", "The dog bit the cat"],
    );
    harness.get_by_label_contains("special tokens carry");
    harness.get_by_label_contains("same tokens in another order");
    let harness = open(ScoreMethod::Pairs, &TEXTS);
    // The model is not calibrated, so the sentence begins with them.
    let either = ["Carried by", "Spread over many pairs, most from"];
    assert!(
        either
            .iter()
            .any(|label| harness.query_by_label(label).is_some())
    );
    assert!(
        harness
            .query_by_label_contains("same tokens in another order")
            .is_none()
    );
}

#[test]
fn a_pair_of_the_verdict_is_pointed_at_everywhere() {
    let mut harness = open(ScoreMethod::Layers, &["The cat", "The cat"]);
    let ids = (harness.state().state.a, harness.state().state.b);
    harness.get_by_label("cat ↔ cat").click();
    settle(&mut harness);
    let focus = Focus {
        across: ids.1.map(|b| (b, 2)),
        ..Focus::token(ids.0.unwrap(), 2)
    };
    assert_eq!(harness.state().state.locked, focus);
}

#[test]
fn maps_of_tokens_are_held_against_leave_one_out() {
    for (method, _, _) in TABS {
        let mut harness = open(method, &TEXTS);
        settle(&mut harness);
        let said = harness.query_by_label_contains("Agreement with leave-one-out");
        let wanted = matches!(
            method,
            ScoreMethod::Pairs
                | ScoreMethod::Input
                | ScoreMethod::Shapley
                | ScoreMethod::Integrated
        );
        assert_eq!(said.is_some(), wanted, "{method:?}");
    }
}

#[test]
fn what_word_order_does_does_not_wait_for_a_method_that_takes_long() {
    let long = "the cat sat on a mat and bit the dog ".repeat(3);
    let mut harness = open(ScoreMethod::Integrated, &[&long, "the dog bit the cat"]);
    settle(&mut harness);
    let id = harness.state().state.texts[1].id;
    let bench = harness.state_mut();
    let edit = Command::EditText(id, "dogs".to_owned());
    embedscope::app::command::apply(&mut bench.state, edit);
    bench.trace();
    let told = |harness: &Harness<'_, Bench>, words: &str| {
        harness.query_by_label_contains(words).is_some()
    };
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        harness.step();
        if told(&harness, "B has no word order to change.") {
            break;
        }
        let old = told(&harness, "word order contributes");
        assert!(old, "it stays until the new one is there");
        assert!(std::time::Instant::now() < patience);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(told(&harness, "Computing “Integrated gradients”"));
}
