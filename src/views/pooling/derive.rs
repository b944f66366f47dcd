//! What the panel shows, computed away from the window.

use std::sync::Arc;

use crate::analysis::pooling::{self, Winners, misfit, title};
use crate::analysis::projection::{Projection, pca};
use crate::analysis::token_weights::{self, Idf, TokenWeights};
use crate::analysis::vectors::{cosines, to_f64};
use crate::app::state::TextId;
use crate::model::Model;
use crate::trace::{PoolingMode, Site, Trace};
use crate::views::ViewContext;
use crate::views::compare::short_name;
use crate::views::subject::{SameTrace, fresh_key};

/// What the columns are of: every text that has a trace.
#[derive(Clone, PartialEq)]
pub struct PoolingsKey {
    /// The model's hash.
    pub model: Arc<str>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    pub truncate: Option<usize>,
    pub texts: Vec<(TextId, SameTrace)>,
}

/// Every pooling of the same n texts.
pub struct Poolings {
    pub texts: Vec<TextId>,
    /// What the columns were made of; the list may hold newer ones.
    pub traces: Vec<Arc<Trace>>,
    pub cards: Vec<Card>,
    /// The largest of the cards'.
    pub largest_difference: f32,
}

/// One pooling of every text.
pub struct Card {
    /// One mode, or those that the model concatenates.
    pub modes: Vec<PoolingMode>,
    pub title: String,
    /// True where this is the model's own recipe.
    pub own: bool,
    /// Shown without being asked for.
    pub main: bool,
    /// What the pool gives for each text, [n] of [D].
    pub pooled: Vec<Vec<f32>>,
    /// [n, n]
    pub cosines: Vec<f32>,
    /// The cosines less those of the model's own recipe, [n, n].
    pub differences: Vec<f32>,
    /// The largest magnitude among them.
    pub largest_difference: f32,
    /// What the cosines and the plane are of, [n] of [E].
    pub vectors: Arc<Vec<Vec<f64>>>,
    pub projection: Projection,
    /// Said where the modules behind the pool do not take this vector: the cosines and the plane
    /// are then of the pooled vectors themselves.
    pub misfit: Option<String>,
    /// Under max alone: which token won each dimension, for each text.
    pub winners: Vec<Winners>,
    pub key: u64,
}

impl Poolings {
    pub fn new(key: &PoolingsKey, model: &Model) -> Self {
        let traces: Vec<&Trace> = key.texts.iter().map(|(_, trace)| &*trace.0).collect();
        let own = model.head.pooling();
        let several = (own.len() != 1).then_some(None);
        let modes = several.into_iter().chain(PoolingMode::ALL.map(Some));
        let cards = modes.filter_map(|mode| Card::new(model, &traces, (mode, key.truncate)));
        let mut cards: Vec<Card> = cards.collect();
        let own = cards.iter().find(|card| card.own);
        if let Some(own) = own.map(|card| card.cosines.clone()) {
            cards.iter_mut().for_each(|card| card.less(&own));
        }
        Self {
            texts: key.texts.iter().map(|(id, _)| *id).collect(),
            traces: key.texts.iter().map(|(_, trace)| trace.0.clone()).collect(),
            largest_difference: largest(cards.iter().map(|card| card.largest_difference)),
            cards,
        }
    }

    /// The card of the model's own recipe.
    pub fn own(&self) -> Option<&Card> {
        self.cards.iter().find(|card| card.own)
    }

    /// The place of a text among those that are shown.
    pub fn index(&self, id: TextId) -> Option<usize> {
        self.texts.iter().position(|&text| text == id)
    }

    /// A, B and numbers, in the order of the rows.
    pub fn names(&self, cx: &ViewContext<'_>) -> Vec<String> {
        let name = |&id: &TextId| {
            cx.text(id)
                .map_or_else(String::new, |text| short_name(cx, text))
        };
        self.texts.iter().map(name).collect()
    }
}

impl Card {
    /// What it pools; none where the model joins several poolings.
    pub fn site(&self) -> Option<Site> {
        match self.modes.as_slice() {
            [mode] => Some(Site::Pooled(*mode)),
            _ => None,
        }
    }

    /// None where a trace does not hold what is needed, which no recording leaves out.
    fn new(
        model: &Model,
        traces: &[&Trace],
        (pooling, truncate): (Option<PoolingMode>, Option<usize>),
    ) -> Option<Self> {
        let head = &model.head;
        let modes = pooling::modes(head, pooling);
        let own = modes == head.pooling();
        let options = model.options_with(pooling, truncate);
        let pooled: Vec<Vec<f32>> = traces
            .iter()
            .map(|trace| pooling::pooled(head, trace, pooling).ok())
            .collect::<Option<_>>()?;
        let misfit = misfit(head, model.spec().hidden, pooling);
        let vectors: Vec<Vec<f64>> = match misfit {
            Some(_) => pooled.iter().map(|vector| to_f64(vector)).collect(),
            None => traces
                .iter()
                .map(|trace| Some(to_f64(&pooling::sentence(head, trace, options).ok()?)))
                .collect::<Option<_>>()?,
        };
        let max = pooling == Some(PoolingMode::Max);
        let winners = traces.iter().filter(|_| max);
        let winners = winners.filter_map(|trace| pooling::winners(head, trace));
        Some(Self {
            main: own || is_main(pooling),
            own,
            winners: winners.collect(),
            misfit: misfit.map(said),
            ..Self::of(title(&modes), modes, pooled, vectors)
        })
    }

    /// A card of vectors that are there already.
    fn of(
        title: String,
        modes: Vec<PoolingMode>,
        pooled: Vec<Vec<f32>>,
        vectors: Vec<Vec<f64>>,
    ) -> Self {
        let cosines = cosines(&vectors).into_iter().map(|cos| cos as f32);
        Self {
            title,
            modes,
            own: false,
            main: true,
            cosines: cosines.collect(),
            differences: Vec::new(),
            largest_difference: 0.,
            projection: pca(&vectors),
            vectors: Arc::new(vectors),
            misfit: None,
            winners: Vec::new(),
            pooled,
            key: fresh_key(),
        }
    }

    /// The card of a person's own weights; its modes are none.
    ///
    /// None where a trace does not hold the final token vectors.
    pub fn weighted(
        model: &Model,
        traces: &[Arc<Trace>],
        (weights, idf): (&TokenWeights, Option<&Idf>),
        truncate: Option<usize>,
        own: Option<&[f32]>,
    ) -> Option<Self> {
        let head = &model.head;
        let one = |trace: &Arc<Trace>| {
            let shares = token_weights::shares(head, &trace.tokens, weights, idf);
            token_weights::pooled(trace, &shares).ok()
        };
        let pooled: Vec<Vec<f32>> = traces.iter().map(one).collect::<Option<_>>()?;
        // One vector of D, as any single mode gives.
        let misfit = misfit(head, model.spec().hidden, Some(PoolingMode::Mean));
        let options = model.options_with(Some(PoolingMode::Mean), truncate);
        let vector = |pooled: &Vec<f32>| match misfit {
            Some(_) => Some(to_f64(pooled)),
            None => Some(to_f64(
                &token_weights::sentence(head, pooled, options).ok()?,
            )),
        };
        let vectors: Vec<Vec<f64>> = pooled.iter().map(vector).collect::<Option<_>>()?;
        let mut card = Self::of("your weights".to_owned(), Vec::new(), pooled, vectors);
        card.misfit = misfit.map(said);
        if let Some(own) = own {
            card.less(own);
        }
        Some(card)
    }

    fn less(&mut self, own: &[f32]) {
        let pairs = self.cosines.iter().zip(own);
        self.differences = pairs.map(|(mine, own)| mine - own).collect();
        self.largest_difference = largest(self.differences.iter().copied());
    }
}

fn largest(values: impl Iterator<Item = f32>) -> f32 {
    values.fold(0., |most, x| most.max(x.abs()))
}

fn said(misfit: pooling::Misfit) -> String {
    format!(
        "Before the model's Dense module, which takes {} dimensions, not {}",
        misfit.takes, misfit.gives
    )
}

fn is_main(pooling: Option<PoolingMode>) -> bool {
    use PoolingMode::{Cls, Max, Mean, WeightedMean};
    matches!(pooling, Some(Cls | Max | Mean | WeightedMean))
}
