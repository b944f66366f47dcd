//! The Residual stream panel on tiny models of every kind of block, against the sites themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/panel.rs"]
mod panel_support;

use std::sync::Arc;

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable, by};
use embedscope::app::command::Command;
use embedscope::app::state::Focus;
use embedscope::model::source::SourceOptions;
use embedscope::model::spec::Placement;
use embedscope::model::{Model, ModelRef};
use embedscope::trace::{EmbedSite, LayerSite, Site, Trace};
use embedscope::views::find;
use panel_support::{Bench, builder, fits, models, settle, show, tiny, tiny_long};

const CAT: &str = "The cat sat unhappily";
const DOG: &str = "The dog sat on the cat";

fn load(name: &str) -> Arc<Model> {
    let folder = models::fixtures().join("families").join(name);
    let model = models::load(&ModelRef::Folder(folder), &SourceOptions::from_env());
    Arc::new(model.unwrap_or_else(|e| panic!("{name}: {e}")))
}

fn bench(model: Arc<Model>) -> Bench {
    Bench::new(find("residual").unwrap(), model, &[CAT, DOG])
}

/// Clicks so far from the right edge of a picture, half way down.
fn click(harness: &mut Harness<'_, Bench>, name: &str, from_right: f32) {
    let image = harness.get_by_role_and_label(Role::Image, name);
    let pos = image.rect().right_center() - egui::vec2(from_right, 0.);
    harness.hover_at(pos);
    for pressed in [true, false] {
        harness.event(egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
        harness.step();
    }
    settle(harness);
}

fn row(trace: &Trace, site: Site, token: usize) -> Vec<f64> {
    let values = trace.values(site).unwrap();
    values.row(&[token]).iter().map(|&x| x.into()).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn cos(x: &[f64], y: &[f64]) -> f64 {
    let dot: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
    dot / (norm(x) * norm(y))
}

fn state(trace: &Trace, state: usize, token: usize) -> Vec<f64> {
    let site = match state {
        0 => Site::Embed(EmbedSite::Out),
        layer => Site::Layer(layer - 1, LayerSite::ResidOut),
    };
    row(trace, site, token)
}

/// What a block adds, against what it is added to; behind a norm of its own it is the step.
fn share(trace: &Trace, sites: [LayerSite; 3], (layer, token): (usize, usize), step: bool) -> f64 {
    let [from, wrote, to] = sites.map(|site| row(trace, Site::Layer(layer, site), token));
    let added = match step {
        true => to.iter().zip(&from).map(|(to, from)| to - from).collect(),
        false => wrote,
    };
    norm(&added) / norm(&from)
}

const ATTENTION: [LayerSite; 3] = [LayerSite::ResidIn, LayerSite::AttnOut, LayerSite::ResidMid];
const FEED_FORWARD: [LayerSite; 3] = [LayerSite::ResidMid, LayerSite::FfnOut, LayerSite::ResidOut];
const CONVOLUTION: [LayerSite; 3] = [LayerSite::ResidFfn, LayerSite::ConvOut, LayerSite::ResidOut];

/// The lines of the clipboard: token, state and its six figures, NaN where there is none.
fn lines(tsv: &str) -> Vec<(Option<usize>, usize, Vec<f64>)> {
    let line = |line: &str| {
        let parts: Vec<&str> = line.split('\t').collect();
        let state = parts[2].strip_prefix('L').map_or(0, |l| l.parse().unwrap());
        let figures = parts[3..].iter().map(|x| x.parse().unwrap_or(f64::NAN));
        (parts[0].parse().ok(), state, figures.collect())
    };
    tsv.lines().skip(1).map(line).collect()
}

fn figures(harness: &Harness<'_, Bench>) -> Vec<(Option<usize>, usize, Vec<f64>)> {
    lines(&harness.state().tsv().unwrap())
}

#[test]
fn figures_are_those_of_the_sites_in_every_kind_of_block() {
    let kinds = [
        ("roberta", Placement::Post),
        ("deberta_v2_conv", Placement::Post),
        ("llama", Placement::Pre),
        ("modernbert", Placement::Pre),
        ("t5", Placement::Pre),
        ("gemma3_text", Placement::Sandwich),
    ];
    for (name, placement) in kinds {
        let model = load(name);
        assert_eq!(model.spec().placement, placement, "{name}");
        let step = placement == Placement::Sandwich;
        let harness = show(builder(1000., 1000., true), bench(model.clone()));
        harness.get_by_label_contains(match placement {
            Placement::Post => "Post-norm: each block's sum is normed",
            Placement::Pre => "Pre-norm: each block reads a normed copy",
            Placement::Sandwich => "Sandwich norm, four norms a layer",
        });
        let trace = harness.state().texts[0].trace.clone().unwrap();
        let found = figures(&harness);
        assert_eq!(found.len(), (trace.tokens.len() + 1) * (trace.layers + 1));
        for (token, at, figures) in found {
            let Some(token) = token else { continue };
            let x = state(&trace, at, token);
            let last = state(&trace, trace.layers, token);
            let place = at.checked_sub(1).map(|layer| (layer, token));
            let has = |site| place.is_some_and(|(l, _)| trace.has(Site::Layer(l, site)));
            let part = |sites, step| place.map_or(f64::NAN, |p| share(&trace, sites, p, step));
            let wanted = [
                norm(&x),
                place.map_or(f64::NAN, |(l, t)| cos(&x, &state(&trace, l, t))),
                cos(&x, &last),
                part(ATTENTION, step),
                part(FEED_FORWARD, step),
                match has(LayerSite::ConvOut) {
                    true => part(CONVOLUTION, false),
                    false => f64::NAN,
                },
            ];
            for (figure, wanted) in figures.iter().zip(wanted) {
                let near = (figure - wanted).abs() <= 1e-9 * wanted.abs().max(1.);
                let none = figure.is_nan() && wanted.is_nan();
                assert!(near || none, "{name} {token} {at}: {figures:?}, {wanted}");
            }
        }
    }
}

#[test]
fn layers_without_their_inside_run_again_and_give_the_same_figures() {
    for name in ["roberta", "qwen3", "deberta_v2_conv", "jina_v2"] {
        let model = load(name);
        let full = show(builder(1000., 1000., true), bench(model.clone()));
        let mut outline = bench(model);
        for text in &mut outline.texts {
            text.trace = text.trace.as_ref().map(|trace| Arc::new(trace.outline()));
        }
        let outline = show(builder(1000., 1000., true), outline);
        let (full, outline) = (figures(&full), figures(&outline));
        assert_eq!(full.len(), outline.len());
        for (a, b) in full.iter().zip(&outline) {
            for (a, b) in a.2.iter().zip(&b.2) {
                let near = (a - b).abs() <= 1e-5 * a.abs().max(1.);
                assert!(near || a.is_nan() && b.is_nan(), "{name}: {a} and {b}");
            }
        }
    }
}

#[test]
fn a_click_holds_the_token_asks_for_the_site_and_chooses_the_layer() {
    // The middle one of three states, and a token half way down.
    const MIDDLE: f32 = 30.;
    let mut harness = show(builder(1000., 1000., true), bench(tiny()));
    harness.get_by_label_contains("The pooled text (mean)");
    let cosines = "cos of each state with each, mean over the 9 tokens";
    harness.get_by_role_and_label(Role::Image, cosines);
    let map = |name: &str| format!("{name}, tokens × states");
    click(&mut harness, &map("Length"), MIDDLE);
    let bench = harness.state();
    let (locked, trace) = (bench.state.locked, bench.texts[0].trace.clone().unwrap());
    let token = locked.token.unwrap();
    assert_eq!(locked.text, Some(bench.texts[0].id));
    assert_eq!(locked.site, Some(Site::Layer(0, LayerSite::ResidOut)));
    let x = state(&trace, 1, token);
    let largest = x.iter().fold(0_f64, |most, x| most.max(x.abs()));
    assert_eq!(x[locked.dimension.unwrap()].abs(), largest);
    let chosen = |c: &Command| matches!(c, Command::SelectLayer(0));
    assert!(bench.commands.iter().any(chosen));
    let title = format!("{} [{token}]", trace.tokens.labels[token]);
    harness.get_by_label(&title);
    let cosines = "cos of each state with each, of this token";
    harness.get_by_role_and_label(Role::Image, cosines);
    // The next state with the keyboard.
    harness.key_press(egui::Key::ArrowRight);
    settle(&mut harness);
    let state = &harness.state().state;
    assert_eq!((state.layer, state.locked.token), (1, Some(token)));
    // The same place asks for what attention wrote.
    harness.get_by_label("Attention adds").click();
    settle(&mut harness);
    click(&mut harness, &map("Attention adds"), MIDDLE);
    let site = harness.state().state.locked.site;
    assert_eq!(site, Some(Site::Layer(0, LayerSite::AttnOut)));
}

/// Everything that is written, or told to a screen reader.
fn written(harness: &Harness<'_, Bench>) -> Vec<String> {
    let all = harness.query_all(by().predicate(|_| true));
    let words = |node: egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        [node.label(), node.value()]
    };
    all.flat_map(words).flatten().collect()
}

#[test]
fn what_there_is_not_before_the_first_layer_is_a_dash_and_no_nan() {
    for difference in [false, true] {
        let mut bench = bench(load("deberta_v2_conv"));
        bench.state.difference = difference;
        let embed = Focus {
            site: Some(Site::Embed(EmbedSite::Out)),
            ..Focus::token(bench.texts[0].id, 1)
        };
        bench.state.locked = embed;
        let mut harness = show(builder(1000., 1000., true), bench);
        for (measure, why) in [
            ("cos to before", "there is no state before it"),
            ("Attention adds", "nothing is added before the first layer"),
            (
                "Feed-forward adds",
                "nothing is added before the first layer",
            ),
        ] {
            harness.get_by_label(measure).click();
            settle(&mut harness);
            let words = written(&harness);
            let told = format!("— ({why})");
            let cell = |text: &&String| text.ends_with(&told) && text.contains("embed [0]");
            assert!(words.iter().any(|text| cell(&text)), "{measure}: {words:?}");
            assert!(!words.iter().any(|text| text.contains("NaN")), "{words:?}");
        }
        if !difference {
            harness.get_by_label_contains("—: no such block, as before the first layer");
            // The first layer has a convolution, the second has none.
            let row = |state: &str| {
                let start = format!("state {state}, ");
                let rows = written(&harness).into_iter();
                let mut rows = rows.filter(|text| text.starts_with(&start));
                rows.next().unwrap().matches('—').count()
            };
            assert_eq!([row("embed"), row("L1"), row("L2")], [3, 0, 1]);
        }
    }
}

#[test]
fn a_less_b_is_over_the_partners() {
    let mut bench = bench(tiny());
    bench.state.difference = true;
    let mut harness = show(builder(1000., 1000., true), bench);
    harness.get_by_label("Length, A − B, pairs × states");
    harness.get_by_label("cos of partners, pairs × states");
    let tsv = harness.state().tsv().unwrap();
    let traces = [0, 1].map(|i: usize| harness.state().texts[i].trace.clone().unwrap());
    // [CLS] comes first in both.
    let first: Vec<f64> = tsv
        .lines()
        .nth(1)
        .unwrap()
        .split('\t')
        .skip(1)
        .map(|x| x.parse().unwrap())
        .collect();
    assert_eq!(first.len(), traces[0].layers + 1);
    for (at, less) in first.iter().enumerate() {
        let [a, b] = [0, 1].map(|i: usize| norm(&state(&traces[i], at, 0)));
        assert!((less - (a - b)).abs() < 1e-6, "{at}: {less}");
    }
    assert!(first[2].abs() > 1e-4, "the layers tell the texts apart");
    harness.get_by_label("Feed-forward adds").click();
    settle(&mut harness);
    harness.get_by_label("Feed-forward adds, A − B, pairs × states");
}

#[test]
fn what_there_is_to_say_without_a_stream_is_said() {
    let look = |bench| show(builder(320., 900., false), bench);
    look(bench(tiny()).untraced()).get_by_label_contains("Encoding the text");
    look(bench(tiny()).failed("no such token")).get_by_label_contains("no such token");
    for difference in [false, true] {
        let mut bench = bench(load("static"));
        bench.state.difference = difference;
        look(bench).get_by_label_contains("This model has no layers");
    }
    let stale = look(bench(tiny()).stale());
    stale.get_by_role_and_label(Role::Image, "Length, tokens × states");
}

#[test]
fn it_fits_at_every_width_and_length() {
    let long = "the cat bit the dog ".repeat(90);
    let model = tiny_long(512);
    for width in [320., 700., 1280.] {
        for text in ["", CAT, long.as_str()] {
            let bench = Bench::new(find("residual").unwrap(), model.clone(), &[text]);
            let harness = show(builder(width, 900., width < 500.), bench);
            let map = harness.get_by_role_and_label(Role::Image, "Length, tokens × states");
            assert!(map.rect().height() <= 440., "{width}: {}", map.rect());
            fits(&harness, width, "residual");
        }
    }
}
