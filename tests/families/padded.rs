//! Many texts at once as on a GPU: in candle's own operations, each padded to the longest beside it.

use candle_core::Tensor;
use embedscope::model::pass::Pass;
use embedscope::model::{Model, Part};
use embedscope::tokens::Tokens;
use embedscope::trace::hook::{NoHook, Recorder};
use embedscope::trace::site::{LayerSite, Site};

use super::{Prompt, loaded};

const TEXTS: [&str; 4] = [
    "a",
    "the cat sat on the mat and the dog did not",
    "hello world",
    "one two three four five six seven eight nine ten eleven twelve",
];

fn tokens(model: &Model) -> Vec<Tokens> {
    let texts = TEXTS
        .iter()
        .map(|text| model.tokens(text, &Prompt::Own).unwrap());
    texts.filter(|tokens| !tokens.is_empty()).collect()
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

/// Within 1e-5 of the largest magnitude, and of 1.
fn close(name: &str, ours: &Tensor, apart: &Tensor) {
    assert_eq!(ours.dims(), apart.dims(), "{name}");
    let off = largest(&(ours - apart).unwrap());
    assert!(off <= 1e-5 * largest(apart).max(1.), "{name}: {off}");
}

#[test]
fn texts_side_by_side_are_what_each_is_alone_in_every_family() {
    for (name, model) in loaded() {
        let (encoder, tokens) = (model.encoder.in_candle(), tokens(&model));
        let alone = tokens
            .iter()
            .map(|text| model.encoder.forward(&[text], &mut NoHook).unwrap());
        let alone = Tensor::cat(&alone.collect::<Vec<_>>(), 0).unwrap();
        let all: Vec<&Tokens> = tokens.iter().collect();
        let together = encoder.forward(&all, &mut NoHook).unwrap();
        close(&name, &together, &alone);
    }
}

#[test]
fn parts_of_texts_keep_their_places_side_by_side() {
    for (name, model) in loaded() {
        let (encoder, tokens) = (model.encoder.in_candle(), tokens(&model));
        let kept = |text: &Tokens, left: usize| -> Vec<usize> {
            (0..text.len()).filter(|&i| i % 5 != left).collect()
        };
        let kept: Vec<(&Tokens, Vec<usize>)> = tokens
            .iter()
            .flat_map(|text| (0..3).map(move |left| (text, kept(text, left))))
            .filter(|(_, kept)| !kept.is_empty())
            .collect();
        let parts: Vec<Part<'_>> = kept
            .iter()
            .map(|(text, kept)| Part::of(text, kept).unwrap())
            .collect();
        let alone = parts
            .iter()
            .map(|part| model.encoder.forward_parts(&[*part], &mut NoHook).unwrap());
        let alone = Tensor::cat(&alone.collect::<Vec<_>>(), 0).unwrap();
        let together = encoder.forward_parts(&parts, &mut NoHook).unwrap();
        close(&name, &together, &alone);
    }
}

#[test]
fn what_a_hook_sees_side_by_side_is_what_it_sees_of_one() {
    let seen = |site: Site| {
        let wanted = |site| matches!(site, LayerSite::HeadOut | LayerSite::ResidOut);
        matches!(site, Site::Layer(_, site) if wanted(site))
    };
    for (name, model) in loaded() {
        let tokens = tokens(&model);
        let all: Vec<&Tokens> = tokens.iter().collect();
        let mut together = Recorder::new(seen);
        let encoder = model.encoder.in_candle();
        encoder.forward(&all, &mut together).unwrap();
        for (i, text) in all.iter().enumerate() {
            let mut alone = Recorder::new(seen);
            model.encoder.forward(&[text], &mut alone).unwrap();
            let (together, alone) = (together.take(i), alone.take(0));
            assert_eq!(together.len(), alone.len(), "{name}");
            for ((site, ours), (of, apart)) in together.iter().zip(&alone) {
                assert_eq!(site, of, "{name}");
                close(&format!("{name} {site}"), ours, apart);
            }
        }
    }
}

#[test]
fn layers_from_the_middle_run_side_by_side() {
    for (name, model) in loaded() {
        let tokens = tokens(&model);
        let all: Vec<&Tokens> = tokens.iter().collect();
        // Where layers are mixed, the states before the first take part.
        if model.encoder.weights.mix.is_some() || model.spec().layers() == 0 {
            continue;
        }
        let first = model.spec().layers() - 1;
        let wanted = Site::Layer(first, LayerSite::ResidIn);
        let mut states = Recorder::new(|site| site == wanted);
        let out = model.encoder.forward(&all, &mut states).unwrap();
        let states = (0..all.len()).map(|text| states.take(text).remove(0).1);
        let states = Tensor::cat(&states.collect::<Vec<_>>(), 0).unwrap();
        let mut hook = NoHook;
        let mut pass = Pass::new(&mut hook, all.iter().map(|text| text.len()));
        let encoder = model.encoder.in_candle();
        let again = encoder.layers_from(first, states, &mut pass).unwrap();
        close(&name, &again, &out);
    }
}
