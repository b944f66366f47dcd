//! What the tab shows, computed away from the window.

use std::sync::Arc;

use crate::analysis::job::Job;
use crate::analysis::pooling::score;
use crate::analysis::similarity::PairMatrix;
use crate::analysis::similarity::components::{Writer, components};
use crate::analysis::similarity::contrast::{
    Contrast, LayerContrast, WithoutEach, without_each_of,
};
use crate::analysis::similarity::dims::Dims;
use crate::analysis::similarity::input::input_pairs;
use crate::analysis::similarity::layers::Layers;
use crate::analysis::similarity::leave_one_out::Removal;
use crate::analysis::similarity::pairs::token_pairs;
use crate::analysis::similarity::words::Words;
use crate::analysis::vectors::to_f64;
use crate::app::state::TextId;
use crate::cancel::Cancel;
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::Trace;
use crate::views::score::derive::ScoreKey;
use crate::views::subject::SameTrace;

/// A and B, and the text that B is held against.
#[derive(Clone, PartialEq)]
pub struct Key {
    pub score: ScoreKey,
    pub c: SameTrace,
    pub third: TextId,
}

impl Key {
    fn traces(&self) -> [&Trace; 3] {
        [&self.score.a.0, &self.score.b.0, &self.c.0]
    }

    /// The most tokens of a text.
    pub fn longest(&self) -> usize {
        self.traces()
            .map(|trace| trace.tokens.len())
            .into_iter()
            .fold(0, usize::max)
    }

    fn options(&self, model: &Model) -> HeadOptions {
        model.options_with(self.score.pooling, self.score.truncate)
    }
}

/// A result, or why there is none.
pub type Found<T> = Result<T, Arc<str>>;

/// A map's difference by tokens and by words.
pub struct Both {
    pub tokens: Contrast,
    pub words: Contrast,
}

/// What needs no more than the outlines.
pub struct Outline {
    pub key: Key,
    pub ab: f64,
    pub ac: f64,
    pub pairs: Both,
    /// Of A, B, C.
    pub words: [Words; 3],
    /// By dimension of the sentence vector.
    pub dimensions: Contrast,
    pub layers: LayerContrast,
}

/// What reads the layers' insides.
pub struct Inside {
    pub components: Contrast,
    pub writers: Vec<Writer>,
}

fn said(error: ModelError) -> Arc<str> {
    error.to_string().into()
}

/// Maps over the same text's parts have the same rows, so this does not happen.
fn unlike() -> Arc<str> {
    "the maps of A·B and A·C have different parts of A; please report this".into()
}

impl Outline {
    pub fn new(key: Key, model: &Model) -> Found<Self> {
        let options = key.options(model);
        let [a, b, c] = key.traces();
        let head = &model.head;
        let words = [a, b, c].map(|trace| Words::new(&trace.tokens));
        let pairs = |other| token_pairs(head, a, other, options).map_err(said);
        let dims = |other: &Trace| {
            let vector = |trace| {
                crate::analysis::pooling::sentence(head, trace, options)
                    .map(|vector| to_f64(&vector))
                    .map_err(said)
            };
            Ok::<_, Arc<str>>(Dims::new(&vector(a)?, &vector(other)?).matrix(0.))
        };
        let layers = |other| Layers::new(head, a, other, options).map_err(said);
        Ok(Self {
            ab: score(head, a, b, options).map_err(said)?,
            ac: score(head, a, c, options).map_err(said)?,
            pairs: Both::new(&pairs(b)?, &pairs(c)?, &words)?,
            dimensions: Contrast::of_columns(&dims(b)?, &dims(c)?).ok_or_else(unlike)?,
            layers: LayerContrast::new(&layers(b)?, &layers(c)?),
            words,
            key,
        })
    }
}

impl Both {
    fn new(ab: &PairMatrix, ac: &PairMatrix, [a, b, c]: &[Words; 3]) -> Found<Self> {
        let words = Contrast::new(&ab.by_words(a, b), &ac.by_words(a, c));
        Ok(Self {
            tokens: Contrast::new(ab, ac).ok_or_else(unlike)?,
            words: words.ok_or_else(unlike)?,
        })
    }
}

/// By heads and feed-forwards.
pub fn inside(key: &Key, model: &Model, cancel: &Cancel) -> Found<Inside> {
    let options = key.options(model);
    let [a, b, c] = key.traces();
    let of = |other| components(model, a, other, options, cancel).map_err(said);
    Ok(Inside {
        components: Contrast::new(&of(b)?, &of(c)?).ok_or_else(unlike)?,
        writers: Writer::all(model.spec()),
    })
}

/// By input tokens.
pub fn input(key: &Key, model: &Model, cancel: &Cancel) -> Found<Both> {
    let options = key.options(model);
    let [a, b, c] = key.traces();
    let of = |other| {
        let found = input_pairs(model, a, other, options, cancel);
        found.map(|found| found.matrix).map_err(said)
    };
    let words = [a, b, c].map(|trace| Words::new(&trace.tokens));
    Both::new(&of(b)?, &of(c)?, &words)
}

/// Without each token, masked.
pub fn removals(
    key: &Key,
    model: &Model,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Found<WithoutEach> {
    let mut job = Job::new(cancel, progress);
    without_each_of(
        model,
        key.traces(),
        key.options(model),
        Removal::Mask,
        &mut job,
    )
    .map_err(said)
}
