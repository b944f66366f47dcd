//! What the panel shows: the part that vectors make, away from the window, and the part that
//! follows the temperature.

use std::sync::Arc;

use crate::analysis::contrastive::{Contrast, InfoNce};
use crate::analysis::geometry::PairSpace;
use crate::analysis::pooling;
use crate::analysis::vectors::to_f64;
use crate::app::pairs::Batch;
use crate::app::state::TextId;
use crate::model::Model;
use crate::trace::PoolingMode;
use crate::views::ViewContext;
use crate::views::compare::short_name;
use crate::views::recorded::key_of;
use crate::views::subject::{SameTrace, fresh_key};

/// Pairs beyond this are left out, so that everything follows the slider at once.
pub const MOST: usize = 64;

type Member = (TextId, SameTrace);

/// What a batch is of: the pairs whose traces are there.
#[derive(Clone, PartialEq)]
pub struct BatchKey {
    /// The model's hash.
    pub model: Arc<str>,
    pub pooling: Option<PoolingMode>,
    /// Dimensions that are kept, instead of as many as the model keeps.
    pub truncate: Option<usize>,
    pub pairs: Vec<(Member, Member)>,
}

impl BatchKey {
    pub fn new(cx: &ViewContext<'_>, batch: &Batch) -> Self {
        let member = |id| Some((id, SameTrace(cx.text(id)?.trace.clone()?)));
        let pairs = batch.pairs.iter().take(MOST);
        Self {
            model: cx.model.hash.clone(),
            pooling: cx.state.pooling,
            truncate: cx.state.truncate_dim,
            pairs: pairs
                .filter_map(|&(a, b)| Some((member(a)?, member(b)?)))
                .collect(),
        }
    }
}

/// A batch of n pairs.
pub struct Pairs {
    /// Anchors, then positives, [2n].
    pub texts: Vec<TextId>,
    /// How they lie; an error where the head does not take the chosen pooling.
    pub space: Result<PairSpace, Arc<str>>,
    pub key: u64,
}

impl Pairs {
    pub fn new(key: &BatchKey, model: &Model) -> Self {
        let options = model.options_with(key.pooling, key.truncate);
        let anchors = || key.pairs.iter().map(|(a, _)| a);
        let positives = || key.pairs.iter().map(|(_, b)| b);
        let vector = |(_, trace): &Member| {
            let vector = pooling::sentence(&model.head, &trace.0, options);
            vector.map(|vector| to_f64(&vector))
        };
        let space = || {
            let a: Vec<_> = anchors().map(vector).collect::<Result<_, _>>()?;
            let b: Vec<_> = positives().map(vector).collect::<Result<_, _>>()?;
            Ok(PairSpace::new(&a, &b))
        };
        let space = space().map_err(|error: crate::model::ModelError| error.to_string().into());
        Self {
            texts: anchors().chain(positives()).map(|(id, _)| *id).collect(),
            space,
            key: fresh_key(),
        }
    }

    /// n
    pub fn len(&self) -> usize {
        self.texts.len() / 2
    }

    pub fn anchors(&self) -> &[TextId] {
        &self.texts[..self.len()]
    }

    pub fn positives(&self) -> &[TextId] {
        &self.texts[self.len()..]
    }

    /// The row of an anchor, the column of a positive.
    pub fn place(&self, id: Option<TextId>) -> (Option<usize>, Option<usize>) {
        let at = |texts: &[TextId]| texts.iter().position(|&text| Some(text) == id);
        (at(self.anchors()), at(self.positives()))
    }

    /// A, B and numbers, [2n].
    pub fn names(&self, cx: &ViewContext<'_>) -> Vec<String> {
        let name = |&id: &TextId| {
            cx.text(id)
                .map_or_else(String::new, |text| short_name(cx, text))
        };
        self.texts.iter().map(name).collect()
    }

    /// True while no text of the batch waits for a newer trace.
    pub fn is_current(&self, cx: &ViewContext<'_>) -> bool {
        let current = |&id: &TextId| cx.text(id).is_some_and(|text| text.current);
        self.texts.iter().all(current)
    }
}

/// What a loss makes of a batch.
pub struct Seen {
    pub loss: InfoNce,
    pub contrast: Contrast,
    /// Where −∂loss/∂vector moves each point in the plane, [2n].
    pub pulls: Vec<[f64; 2]>,
    /// What the pulls are multiplied by, to be seen.
    pub factor: f64,
    pub key: u64,
}

impl Seen {
    pub fn new(space: &PairSpace, loss: InfoNce, key: u64) -> Self {
        let contrast = loss.of_cosines(space.cosines.clone(), space.pairs());
        let pulls = space.pulls(&contrast.gradient);
        Self {
            factor: factor(&space.plane.points, &pulls),
            key: key_of((key, loss.temperature.to_bits(), loss.symmetric)),
            loss,
            contrast,
            pulls,
        }
    }
}

/// One factor for all arrows: the longest takes a fifth of what the points span. 0 where nothing
/// pulls.
fn factor(points: &[[f64; 2]], pulls: &[[f64; 2]]) -> f64 {
    const LONGEST: f64 = 0.2;
    /// What rounding leaves of no pull at all.
    const NOTHING: f64 = 1e-12;
    let span = |axis: usize| {
        let along = points.iter().map(|point| point[axis]);
        along.clone().fold(f64::NEG_INFINITY, f64::max) - along.fold(f64::INFINITY, f64::min)
    };
    let lengths = pulls.iter().map(|pull| pull[0].hypot(pull[1]));
    let longest = lengths.fold(0., f64::max);
    if longest <= NOTHING || points.is_empty() {
        return 0.;
    }
    LONGEST * span(0).max(span(1)) / longest
}
