//! A layer's inside that was not kept comes back as it was, in every family; and the engine keeps to
//! its budget of bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use embedscope::analysis::attention::{
    Atlas, Digest, HeadSummary, Map, Who, Window, seen, summaries,
};
use embedscope::cancel::Cancel;
use embedscope::engine::{Engine, TraceKey, Wanted};
use embedscope::model::source::SourceOptions;
use embedscope::model::{Detail, Model, ModelError, ModelRef, Prompt};
use embedscope::tokens::Tokens;
use embedscope::trace::hook::{Act, Chain, HeadWatch, Hook, NoHook, Recorder};
use embedscope::trace::{LayerSite, Site, SiteFilter, Trace};
use models::{fixtures, tiny};

const TEXT: &str = "The dog bit the cat; unhappily the cat bit the dog, 1234 times!";

/// One model of each family that can be run, by name.
fn families() -> Vec<(String, Model)> {
    let folders = std::fs::read_dir(fixtures().join("families")).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for folder in folders.filter(|folder| folder.join("expected").is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let model = models::load(&ModelRef::Folder(folder), &SourceOptions::from_env());
        found.push((name, model.unwrap()));
    }
    assert!(found.len() > 25, "the checkpoints of families are missing");
    found
}

fn trace(model: &Model, detail: Detail) -> Trace {
    let traced = model.trace(TEXT, &Prompt::None, detail, &Cancel::new());
    traced.unwrap()
}

/// Largest difference, equal infinities apart.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b).filter(|(a, b)| a != b);
    pairs.fold(0., |most, (a, b)| {
        let off = (a - b).abs();
        if off.is_nan() {
            f32::INFINITY
        } else {
            most.max(off)
        }
    })
}

#[test]
fn a_layer_that_runs_again_gives_what_was_recorded_in_every_family() {
    for (name, model) in families() {
        let (full, outline) = (trace(&model, Detail::Full), trace(&model, Detail::Outline));
        let sites: Vec<Site> = full.sites().collect();
        // Maps kept, and maps made row by row where they are read.
        for most in [usize::MAX, 0] {
            for layer in 0..full.layers {
                assert!(!outline.has_inside(layer));
                let again = model.recall_within(&outline, layer, most, &Cancel::new());
                let again = again.unwrap();
                assert!(again.has_inside(layer) && again.pass == outline.pass);
                let inside = |site: &&Site| matches!(site, Site::Layer(l, _) if *l == layer);
                for site in sites.iter().filter(inside) {
                    let recorded = full.values(*site).unwrap();
                    let found = again.values(*site);
                    let found = found.unwrap_or_else(|| panic!("{name}: {site} did not come back"));
                    assert_eq!(found.shape(), recorded.shape(), "{name}: {site}");
                    let scale = recorded
                        .flat()
                        .iter()
                        .filter(|x| x.is_finite())
                        .fold(1f32, |m, x| m.max(x.abs()));
                    let off = apart(&found.flat(), &recorded.flat()) / scale;
                    assert!(off < 2e-6, "{name}: {site} is off by {off:.1e}");
                }
            }
        }
    }
}

#[test]
fn maps_that_are_not_held_read_like_those_that_are() {
    let model = tiny("plain");
    let outline = trace(&model, Detail::Outline);
    let [held, made] = [usize::MAX, 0].map(|most| {
        model
            .recall_within(&outline, 1, most, &Cancel::new())
            .unwrap()
    });
    let of = |trace: &Trace| trace.layer(1, LayerSite::Pattern).unwrap().is_held();
    assert_eq!((of(&held), of(&made)), (true, false));
    assert!(made.bytes() < held.bytes());
    let tokens = held.tokens.len();
    let cancel = Cancel::new();
    for who in [Who::head(1, 0), Who::layer(1, model.spec().heads)] {
        let all = [&held, &made].map(|trace| seen(trace, &who, Map::Pattern, &cancel).unwrap());
        assert!(apart(&all[0], &all[1]) < 1e-6);
        let part = [2..7, 3..tokens];
        let windows = [&held, &made].map(|trace| {
            Window::new(trace, (&who, Map::Pattern), part.clone(), 4, &cancel).unwrap()
        });
        assert!(apart(&windows[0].values, &windows[1].values) < 1e-6);
        assert_eq!(windows[0].cells, [4, 4]);
        // A cell is the largest of what it says that it stands for.
        for (cell, value) in windows[0].values.iter().enumerate() {
            let (queries, keys) = (
                windows[0].tokens_of(0, cell / 4),
                windows[0].tokens_of(1, cell % 4),
            );
            let inside = queries.flat_map(|q| keys.clone().map(move |k| q * tokens + k));
            let most = inside.map(|at| all[0][at]).fold(0., f32::max);
            assert_eq!(*value, most);
        }
    }
    let values = made.layer(1, LayerSite::Scores).unwrap();
    assert_eq!(values.at(&[0, tokens, 0]), None, "no such query");
    assert_eq!(values.at(&[9, 0, 0]), None, "no such head");
}

/// Turns one site's value round, and sees to it that maps are made or not.
struct Flip(LayerSite, bool);

impl Hook for Flip {
    fn wants(&self, site: Site) -> bool {
        site == Site::Layer(1, self.0) || self.1 && site == Site::Layer(1, LayerSite::Pattern)
    }

    fn visit(&mut self, site: Site, _: usize, value: &Tensor) -> candle_core::Result<Act> {
        Ok(match site == Site::Layer(1, self.0) {
            true => Act::Replace(value.neg()?),
            false => Act::Keep,
        })
    }
}

#[test]
fn what_a_hook_puts_in_counts_with_and_without_maps() {
    for name in ["roberta", "modernbert", "qwen3", "mpnet", "jina_v2_qk"] {
        let folder = ModelRef::Folder(fixtures().join("families").join(name));
        let model = models::load(&folder, &SourceOptions::from_env()).unwrap();
        let texts = ["the cat sat", TEXT].map(|text| model.tokens(text, &Prompt::None).unwrap());
        let packed: Vec<_> = texts.iter().collect();
        let run = |hook: &mut dyn Hook| model.encoder.forward(&packed, hook).unwrap();
        let flat = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let plain = flat(run(&mut NoHook));
        let turned = model.spec().moves_heads(1);
        let mut sites = vec![LayerSite::Q, LayerSite::K, LayerSite::V, LayerSite::HeadOut];
        if turned {
            sites.extend([LayerSite::QRot, LayerSite::KRot]);
        }
        for site in sites {
            let [whole, staged] = [false, true].map(|maps| flat(run(&mut Flip(site, maps))));
            assert!(apart(&whole, &staged) < 1e-4, "{name}: {site:?}");
            assert!(
                apart(&whole, &plain) > 1e-3,
                "{name}: {site:?} changed nothing"
            );
            // Looking alone changes nothing.
            let mut look = Recorder::new(|s| s == Site::Layer(1, site));
            let looked = flat(run(&mut Chain(vec![&mut look])));
            assert_eq!(looked, plain);
        }
    }
}

#[test]
fn analyses_of_an_outline_give_what_they_give_of_a_full_trace() {
    use embedscope::analysis::similarity::components::components;
    use embedscope::analysis::similarity::input::input_pairs;
    let model = tiny("plain");
    let other = model.trace("the cat sat", &Prompt::None, Detail::Full, &Cancel::new());
    let other = other.unwrap();
    let run = |a: &Trace, b: &Trace| {
        let options = model.options();
        let writers = components(&model, a, b, options, &Cancel::new()).unwrap();
        let pairs = input_pairs(&model, a, b, options, &Cancel::new()).unwrap();
        [writers.sum(), pairs.matrix.sum()]
    };
    let kept = run(&trace(&model, Detail::Full), &other);
    let again = run(&trace(&model, Detail::Outline), &other.outline());
    for (kept, again) in kept.iter().zip(&again) {
        assert!((kept - again).abs() < 1e-6, "{kept} {again}");
    }
}

/// Every site of a file as its bytes.
fn read(path: &std::path::Path) -> std::collections::BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let all = file.tensors().into_iter();
    all.map(|(name, view)| (name, (view.shape().to_vec(), view.data().to_vec())))
        .collect()
}

#[test]
fn a_trace_that_cannot_be_written_names_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none/trace.safetensors");
    let (_, model) = families().into_iter().next().unwrap();
    let trace = trace(&model, Detail::Outline);
    let all = SiteFilter::all();
    let error = model.save_trace(&trace, &path, &all, &Cancel::new());
    let error = error.unwrap_err().to_string();
    let expected = format!(
        "{}: cannot be written: there is no such folder",
        path.display()
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn a_file_of_an_outline_holds_what_a_file_of_a_full_trace_holds_in_every_family() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, again] = ["whole", "again"].map(|name| folder.path().join(name));
    for (name, model) in families() {
        for (path, detail) in [(&whole, Detail::Full), (&again, Detail::Outline)] {
            let trace = trace(&model, detail);
            let all = SiteFilter::all();
            model
                .save_trace(&trace, path, &all, &Cancel::new())
                .unwrap();
        }
        let (whole, again) = (read(&whole), read(&again));
        assert!(whole.keys().eq(again.keys()), "{name}");
        let recorded = trace(&model, Detail::Full).sites().count();
        assert_eq!(
            whole.len(),
            recorded + 1,
            "{name}: every site, and tokens.ids"
        );
        for (site, (shape, bytes)) in &whole {
            let (other_shape, other) = &again[site];
            assert_eq!(shape, other_shape, "{name}: {site}");
            let floats = |bytes: &[u8]| -> Vec<f32> {
                let words = bytes.chunks_exact(4).map(|b| b.try_into().unwrap());
                words.map(f32::from_le_bytes).collect()
            };
            match site == "tokens.ids" {
                true => assert_eq!(bytes, other),
                false => {
                    let floats = [floats(bytes), floats(other)];
                    let scale = floats[0].iter().filter(|x| x.is_finite());
                    let scale = scale.fold(1f32, |most, x| most.max(x.abs()));
                    let off = apart(&floats[0], &floats[1]) / scale;
                    assert!(off < 2e-6, "{name}: {site} is off by {off:.1e}");
                }
            }
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "no partial file stays behind");
}

/// What is summed up while maps pass by is what is found in maps that are kept.
#[test]
fn heads_that_were_watched_have_the_numbers_and_thumbnails_of_heads_that_were_kept() {
    // Whole, causal, windowed and biased maps.
    let words = "The dog bit the cat; unhappily the cat bit the dog! ".repeat(20);
    for name in ["modernbert", "qwen3", "mpnet", "jina_v2"] {
        let folder = ModelRef::Folder(fixtures().join("families").join(name));
        let mut model = models::load(&folder, &SourceOptions::from_env()).unwrap();
        model.hash = name.into();
        let (spec, cancel) = (model.spec(), Cancel::new());
        let watch = |tokens: &Tokens| -> Option<Arc<dyn HeadWatch>> {
            Some(Arc::new(Digest::new(tokens, spec.layers(), spec.heads)))
        };
        let of = |most| {
            model
                .trace_watched(&words, &Prompt::None, most, &watch, &cancel)
                .unwrap()
        };
        let (kept, watched) = (of(usize::MAX), of(0));
        assert!(kept.is_full() && kept.watched::<Digest>().is_none());
        assert!(!watched.is_full() && watched.watched::<Digest>().is_some());
        let both = [&kept, &watched].map(|t| summaries(&model, t, &cancel).unwrap());
        for (i, (kept, watched)) in both[0].iter().zip(&both[1]).enumerate() {
            let near = |a: f64, b: f64| (a - b).abs() < 1e-5;
            assert_eq!(
                (kept.kind, kept.masked),
                (watched.kind, watched.masked),
                "{name} {i}"
            );
            assert!(
                near(kept.entropy, watched.entropy),
                "{name} {i}: {kept:?} {watched:?}"
            );
            let shares = |s: &HeadSummary| {
                let s = &s.shares;
                [s.own, s.previous, s.next, s.opening, s.closing]
            };
            for (a, b) in shares(kept).iter().zip(shares(watched)) {
                assert!(
                    near(a.value, b.value) && near(a.uniform, b.uniform),
                    "{name} {i}"
                );
            }
            assert!(near(kept.deviation, watched.deviation));
            assert!(near(kept.largest.into(), watched.largest.into()));
            assert!(
                near(kept.largest_score.into(), watched.largest_score.into()),
                "{name} {i}"
            );
        }
        let atlas = [&kept, &watched].map(|trace| {
            let made = Atlas::new(&model, trace, Map::Pattern, 96, false, &cancel);
            made.unwrap().unwrap()
        });
        assert_eq!(atlas[0].side, atlas[1].side);
        assert!(apart(&atlas[0].values, &atlas[1].values) < 1e-6, "{name}");
    }
}

#[test]
fn a_trace_of_another_model_is_refused() {
    let (plain, other) = (tiny("plain"), tiny("relu_dense"));
    let outline = trace(&plain, Detail::Outline);
    let found = other.recall(&outline, 0, &Cancel::new());
    assert!(matches!(found, Err(ModelError::Input { .. })));
}

fn wait(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn the_engine_keeps_to_its_budget_and_brings_back_the_layer_that_is_looked_at() {
    let model = Arc::new(tiny("plain"));
    let engine = Engine::new(Device::Cpu, SourceOptions::from_env(), Arc::new(|| {}));
    engine.use_model(model.clone());
    let words = TEXT.repeat(3);
    let key = TraceKey {
        model: model.hash.clone(),
        text: words.as_str().into(),
        prompt: Prompt::Own,
        changes: Arc::default(),
        detail: Detail::Full,
    };
    let whole = model.trace(&words, &Prompt::Own, Detail::Full, &Cancel::new());
    let whole = whole.unwrap();
    let outline = whole.outline().bytes();
    let inside = whole.bytes() - outline;
    // Room for the outline and about one layer of two.
    let budget = outline + inside * 3 / 4;
    engine.set_budget(budget);
    let want = |layer| {
        engine.want(Wanted {
            traces: vec![key.clone()],
            insides: vec![(key.clone(), layer)],
        });
    };
    let has = |layer| {
        let trace = engine.trace(&key);
        trace.is_some_and(|trace| trace.unwrap().has_inside(layer))
    };
    for layer in [1, 0, 1, 0] {
        want(layer);
        wait("the inside", || has(layer));
        assert!(!has(1 - layer), "nobody looks at the other layer any more");
        assert!(engine.bytes() <= budget, "{} of {budget}", engine.bytes());
    }
    // With room enough both stay.
    engine.set_budget(8 * whole.bytes());
    want(1);
    wait("the other inside", || has(1));
    assert!(has(0));
}
