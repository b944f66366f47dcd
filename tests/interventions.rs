//! What a person changes inside the encoder does what it says, in every family, against independent
//! means.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/models.rs"]
#[allow(dead_code)]
mod models;

#[path = "support/changed.rs"]
#[allow(dead_code)]
mod changed;

use candle_core::Tensor;
use changed::*;
use embedscope::analysis::job::Job;
use embedscope::analysis::similarity::ablation::{Fill, ablation};
use embedscope::cancel::Cancel;
use embedscope::model::intervention::{Changes, Intervention};
use embedscope::model::spec::{BlockSpec, Mask};
use embedscope::model::{HeadOptions, Model, ModelError, Part, Prompt};
use embedscope::trace::hook::{Act, Hook, NoHook};
use embedscope::trace::{LayerSite, Site, SiteFilter, Trace};
use models::tiny;

#[test]
fn every_change_works_in_every_family_or_is_refused_by_name_and_comes_back_as_it_was() {
    let plain_changes = Changes::default();
    for (name, model) in families() {
        let plain = vector(&model, TEXT, &plain_changes);
        for changes in kinds(&model) {
            let what = format!("{name}: {}", changes.title());
            let whole = match traced(&model, TEXT, &changes, usize::MAX) {
                Ok(trace) => trace,
                Err(ModelError::Input { what: named, .. }) => {
                    assert_eq!(model.spec().layers(), 0, "{what} was refused: {named}");
                    assert!(named.starts_with("the change “"), "{named}");
                    continue;
                }
                Err(error) => panic!("{what}: {error}"),
            };
            assert_eq!(whole.interventions.changes.list, changes.list, "{what}");
            let off = apart(&sentence(&whole), &plain);
            // A bag of words has no order, and what a mask hides already can be hidden again.
            let blocks = &model.spec().blocks;
            let sees_all = blocks.iter().all(|block| block.mask == Mask::Full);
            let moves = match changes.list[..] {
                [Intervention::Shuffle { .. }] => model.spec().layers() > 0,
                [Intervention::NoToken { .. } | Intervention::Patch { .. }] => sees_all,
                _ => true,
            };
            assert!(!moves || off > 1e-6, "{what} changes nothing: {off:.1e}");
            let outline = traced(&model, TEXT, &changes, 0).unwrap();
            assert!(
                apart(&sentence(&outline), &sentence(&whole)) < 2e-5,
                "{what}"
            );
            comes_back(&model, &whole, &outline, &what);
        }
    }
}

/// What a trace does not hold is made again with the changes that it ran with.
fn comes_back(model: &Model, whole: &Trace, outline: &Trace, what: &str) {
    for most in [usize::MAX, 0] {
        for layer in 0..whole.layers {
            let again = model.recall_within(outline, layer, most, &Cancel::new());
            let again = again.unwrap();
            for site in whole.sites() {
                let Site::Layer(l, _) = site else { continue };
                if l != layer {
                    continue;
                }
                let recorded = whole.values(site).unwrap();
                let found = again.values(site);
                let found = found.unwrap_or_else(|| panic!("{what}: {site} did not come back"));
                assert_eq!(found.shape(), recorded.shape(), "{what}: {site}");
                let flat = recorded.flat();
                let finite = flat.iter().filter(|x| x.is_finite());
                let scale = finite.fold(1f32, |most, x| most.max(x.abs()));
                let off = apart(&found.flat(), &flat) / scale;
                assert!(off < 5e-6, "{what}: {site} is off by {off:.1e}");
            }
        }
    }
}

#[test]
fn a_head_that_is_off_is_the_head_that_ablation_takes_out() {
    let models = [Some(tiny("plain")), minilm()];
    for model in models.into_iter().flatten() {
        let none = Changes::default();
        let (a, b) = (full(&model, TEXT, &none), full(&model, OTHER, &none));
        let cancel = Cancel::new();
        let mut ignore = |_, _| {};
        let mut job = Job::new(&cancel, &mut ignore);
        let options = model.options();
        let found = ablation(&model, &a, &b, options, Fill::Zero, &mut job).unwrap();
        let last = model.spec().layers() - 1;
        for (layer, part) in [(0, 1), (last, 0), (last / 2, found.heads)] {
            let what = match part == found.heads {
                true => Intervention::NoFeedForward { layer },
                false => Intervention::NoHead { layer, head: part },
            };
            let changes = only(what);
            let off = [TEXT, OTHER].map(|text| vector(&model, text, &changes));
            let cell = layer * (found.heads + 1) + part;
            let ours = found.cos - cos(&off[0], &off[1]);
            assert!(
                (ours - found.both[cell]).abs() < 1e-6,
                "{ours} {}",
                found.both[cell]
            );
            let ours = found.cos - cos(&off[0], &sentence(&b));
            assert!((ours - found.a[cell]).abs() < 1e-6);
        }
    }
}

#[test]
fn a_temperature_of_one_changes_nothing_and_a_great_one_makes_every_row_flat() {
    for (name, model) in families() {
        let layers = model.spec().layers();
        if layers == 0 {
            continue;
        }
        let plain = full(&model, TEXT, &Changes::default());
        let same = full(&model, TEXT, &only(warm(None, 1.)));
        for site in plain.sites() {
            let (a, b) = (plain.values(site).unwrap(), same.values(site).unwrap());
            assert_eq!(a.flat(), b.flat(), "{name}: {site} with a temperature of 1");
        }
        let hot = full(&model, TEXT, &only(warm(Some(0), 1e6)));
        let pattern = hot.layer(0, LayerSite::Pattern).unwrap();
        let tokens = hot.tokens.len();
        for (at, &weight) in pattern.flat().iter().enumerate() {
            let (query, key) = (at / tokens % tokens, at % tokens);
            let mask = model.spec().blocks[0].mask;
            let seen = (0..tokens).filter(|&key| mask.allows(query, key)).count();
            let flat = if mask.allows(query, key) {
                1. / seen as f32
            } else {
                0.
            };
            assert!(
                (weight - flat).abs() < 1e-3,
                "{name}: {weight} instead of {flat}"
            );
        }
        if layers > 1 {
            let plain = plain.layer(1, LayerSite::Scores).unwrap();
            let (mut all, own) = (only(warm(None, 5.)), warm(Some(0), 2.));
            all.list.insert(0, own);
            let both = full(&model, TEXT, &all);
            let first = both.layer(0, LayerSite::Scores).unwrap();
            let alone = full(&model, TEXT, &only(warm(Some(0), 2.)));
            assert_eq!(
                first.flat(),
                alone.layer(0, LayerSite::Scores).unwrap().flat()
            );
            assert!(
                apart(
                    &both.layer(1, LayerSite::Scores).unwrap().flat(),
                    &plain.flat()
                ) > 1e-4
            );
        }
    }
}

#[test]
fn without_positions_an_encoder_that_sees_everything_cannot_tell_orders_apart() {
    let (one, two) = ("the cat bit the dog", "the dog bit the cat");
    let still = only(Intervention::NoPositions);
    let mut tried = 0;
    for (name, model) in families() {
        let spec = model.spec();
        let blind = |block: &BlockSpec| block.mask == Mask::Full && block.convolution.is_none();
        let blind = spec.blocks.iter().all(blind);
        let [a, b] = [one, two].map(|text| model.tokens(text, &Prompt::None).unwrap());
        let bag = |ids: &[u32]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids
        };
        if spec.layers() == 0 || bag(&a.ids) != bag(&b.ids) {
            continue;
        }
        let apart = |changes: &Changes| {
            // Mean pooling, which has no order of its own.
            let of = |text| {
                let trace = full(&model, text, changes);
                trace
                    .values(Site::Pooled(embedscope::trace::PoolingMode::Mean))
                    .unwrap()
                    .flat()
                    .into_owned()
            };
            apart(&of(one), &of(two))
        };
        let (with, without) = (apart(&Changes::default()), apart(&still));
        match blind {
            true => assert!(
                without < 1e-5 && with > without,
                "{name}: {with:.1e} {without:.1e}"
            ),
            false => assert!(without.is_finite(), "{name}"),
        }
        tried += usize::from(blind);
    }
    assert!(tried > 8, "only {tried} families");
    if let Some(model) = minilm() {
        let (one, two) = ("The cat bit the dog.", "The dog bit the cat.");
        let [a, b] = [one, two].map(|text| vector(&model, text, &still));
        assert!(apart(&a, &b) < 1e-5, "{:.1e}", apart(&a, &b));
        let [a, b] = [one, two].map(|text| vector(&model, text, &Changes::default()));
        assert!(apart(&a, &b) > 1e-3);
    }
}

#[test]
fn a_shuffle_is_a_permutation_of_the_texts_own_tokens() {
    for model in [Some(tiny("plain")), minilm()].into_iter().flatten() {
        let plain = full(&model, TEXT, &Changes::default());
        let mixed = full(&model, TEXT, &only(Intervention::Shuffle { seed: 7 }));
        let (a, b) = (&plain.tokens, &mixed.tokens);
        assert_ne!(a.ids, b.ids);
        for t in 0..b.len() {
            let from = mixed.interventions.origin(t);
            assert_eq!((b.ids[t], &b.pieces[t]), (a.ids[from], &a.pieces[from]));
            assert_eq!(b.offsets[t], a.offsets[from]);
            assert!(!a.special[t] || from == t, "special tokens stay");
        }
        let mut from: Vec<usize> = (0..b.len())
            .map(|t| mixed.interventions.origin(t))
            .collect();
        from.sort_unstable();
        assert!(from.into_iter().eq(0..b.len()));
        // The model really read that order.
        let vectors = model.run(&[b], model.options(), &mut NoHook).unwrap();
        let read: Vec<f32> = vectors[0].to_vec1().unwrap();
        assert!(apart(&read, &sentence(&mixed)) < 1e-6);
        let again = full(&model, TEXT, &only(Intervention::Shuffle { seed: 7 }));
        assert_eq!(again.tokens.ids, b.ids);
        // A hidden token is hidden wherever the shuffle puts it.
        let token = (0..b.len())
            .find(|&t| mixed.interventions.origin(t) != t)
            .unwrap();
        let both = Changes {
            list: vec![
                Intervention::NoToken { token },
                Intervention::Shuffle { seed: 7 },
            ],
            other: None,
        };
        let hidden = full(&model, TEXT, &both);
        let [at] = hidden.tokens.left_out[..] else {
            panic!()
        };
        assert_eq!(hidden.interventions.origin(at), token);
    }
}

#[test]
fn states_from_the_other_text_give_the_other_texts_vector() {
    let mut models = families();
    models.retain(|(_, model)| model.spec().layers() > 0);
    models.extend(minilm().map(|model| ("minilm".to_owned(), model)));
    for (name, model) in models {
        let [a, b] = [TEXT, OTHER].map(|text| full(&model, text, &Changes::default()));
        if a.tokens.len() != b.tokens.len() {
            continue;
        }
        // A mix of layers keeps states from before the patch.
        if a.mixes_layers {
            continue;
        }
        for layer in [0, model.spec().layers() - 1] {
            let patched = vector(&model, TEXT, &patched(layer, None, OTHER));
            assert!(
                apart(&patched, &sentence(&b)) < 1e-5,
                "{name}: layer {layer}"
            );
        }
        let one = full(&model, TEXT, &patched(0, Some(1), OTHER));
        let row = |trace: &Trace, t| {
            trace
                .layer(0, LayerSite::ResidOut)
                .unwrap()
                .row(&[t])
                .to_vec()
        };
        // With maps kept and without, sums are taken in another order.
        assert!(apart(&row(&one, 1), &row(&b, 1)) < 1e-5, "{name}");
        assert!(apart(&row(&one, 2), &row(&a, 2)) < 1e-5, "{name}");
    }
    let model = tiny("plain");
    let short = traced(&model, TEXT, &patched(0, None, "the cat"), 0);
    let error = short.err().unwrap().to_string();
    assert!(error.contains("as many tokens"), "{error}");
    let none = traced(&model, TEXT, &only(Intervention::patch(0, None)), 0);
    assert!(none.err().unwrap().to_string().contains("there is none"));
}

#[test]
fn a_hidden_token_is_one_whose_row_is_left_out() {
    for (name, model) in families()
        .into_iter()
        .chain(minilm().map(|m| ("minilm".to_owned(), m)))
    {
        let plain = model.tokens(TEXT, &Prompt::None).unwrap();
        for token in [0, 2] {
            let hidden = full(&model, TEXT, &only(Intervention::NoToken { token }));
            assert_eq!(hidden.tokens.left_out, [token], "{name}");
            let kept: Vec<usize> = (0..plain.len()).filter(|&t| t != token).collect();
            let part = Part::of(&plain, &kept).unwrap();
            let out = model.encoder.forward_parts(&[part], &mut NoHook).unwrap();
            let truth = model.head.sentence_of(part, &out, model.options()).unwrap();
            let truth: Vec<f32> = truth.to_vec1().unwrap();
            let off = apart(&truth, &sentence(&hidden));
            assert!(off < 2e-5, "{name}: token {token} is off by {off:.1e}");
        }
    }
    let model = tiny("plain");
    let piece = Intervention::NoPiece {
        piece: "the".to_owned(),
    };
    let trace = full(&model, "the cat bit the dog", &only(piece));
    let the: Vec<usize> = (0..trace.tokens.len())
        .filter(|&t| trace.tokens.pieces[t] == "the")
        .collect();
    assert_eq!((trace.tokens.left_out.clone(), the.len()), (the, 2));
}

/// Writes zeros over one neuron by itself.
struct Silence(usize, usize);

impl Hook for Silence {
    fn wants(&self, site: Site) -> bool {
        site == Site::Layer(self.0, LayerSite::FfnAct)
    }

    fn visit(&mut self, _: Site, _: usize, value: &Tensor) -> candle_core::Result<Act> {
        let mut rows: Vec<Vec<f32>> = value.to_vec2()?;
        rows.iter_mut().for_each(|row| row[self.1] = 0.);
        Ok(Act::Replace(Tensor::new(rows, value.device())?))
    }
}

#[test]
fn a_neuron_that_is_off_is_zero_and_attention_that_is_off_writes_nothing() {
    let model = tiny("plain");
    let off = full(
        &model,
        TEXT,
        &only(Intervention::NoNeuron {
            layer: 1,
            neuron: 3,
        }),
    );
    let tokens = model.tokens(TEXT, &Prompt::None).unwrap();
    let truth = model
        .run(&[&tokens], HeadOptions::default(), &mut Silence(1, 3))
        .unwrap();
    let truth: Vec<f32> = truth[0].to_vec1().unwrap();
    assert!(apart(&truth, &sentence(&off)) < 1e-6);
    let deaf = full(&model, TEXT, &only(Intervention::NoAttention { layer: 0 }));
    let written = deaf.layer(0, LayerSite::AttnOut).unwrap();
    assert!(written.flat().iter().all(|&x| x == 0.));
    // A post-norm block then norms its own input.
    assert!(
        deaf.layer(0, LayerSite::ResidMid)
            .unwrap()
            .flat()
            .iter()
            .any(|&x| x != 0.)
    );
}

#[test]
fn what_a_model_cannot_do_is_refused_by_name() {
    let model = tiny("plain");
    let spec = model.spec();
    for (what, says) in [
        (
            Intervention::NoHead {
                layer: spec.layers(),
                head: 0,
            },
            "names layer 3",
        ),
        (
            Intervention::NoHead {
                layer: 0,
                head: spec.heads,
            },
            "names head 5",
        ),
        (
            Intervention::NoNeuron {
                layer: 0,
                neuron: spec.ffn,
            },
            "names neuron",
        ),
        (Intervention::NoToken { token: 99 }, "names a token"),
        (
            Intervention::Temperature {
                layer: None,
                hundredths: 0,
            },
            "divide by zero",
        ),
    ] {
        let error = traced(&model, TEXT, &only(what.clone()), 0)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(&what.title()) && error.contains(says),
            "{error}"
        );
        assert!(error.ends_with("remove the change"), "{error}");
    }
    let bag = families()
        .into_iter()
        .find(|(name, _)| name == "static")
        .unwrap()
        .1;
    for what in [
        Intervention::NoPositions,
        warm(None, 2.),
        Intervention::NoFeedForward { layer: 0 },
    ] {
        assert!(traced(&bag, TEXT, &only(what), 0).is_err());
    }
    let everything = Intervention::NoPiece {
        piece: "the".to_owned(),
    };
    let error = traced(&bag, "the", &only(everything), 0);
    if let Err(error) = error {
        assert!(
            error.to_string().contains("no token is left to pool"),
            "{error}"
        );
    }
}

#[test]
fn a_file_of_a_changed_run_holds_what_was_changed() {
    let model = tiny("plain");
    let changes = Changes {
        list: vec![
            Intervention::NoHead { layer: 1, head: 2 },
            warm(Some(1), 4.),
        ],
        other: None,
    };
    let whole = full(&model, TEXT, &changes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.safetensors");
    let outline = traced(&model, TEXT, &changes, 0).unwrap();
    model
        .save_trace(&outline, &path, &SiteFilter::all(), &Cancel::new())
        .unwrap();
    let file = candle_core::safetensors::load(&path, &candle_core::Device::Cpu).unwrap();
    for site in [LayerSite::HeadOut, LayerSite::Pattern, LayerSite::Scores] {
        let site = Site::Layer(1, site);
        let saved: Vec<f32> = file[&site.to_string()]
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        assert!(
            apart(&saved, &whole.values(site).unwrap().flat()) < 1e-5,
            "{site}"
        );
    }
    let heads = &file["layer.1.head_out"];
    let silent = heads.get(2).unwrap().abs().unwrap().max_all().unwrap();
    assert_eq!(silent.to_scalar::<f32>().unwrap(), 0.);
}
