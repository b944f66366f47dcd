//! The fewest edits that carry a score across a threshold.
//!
//! Every edit is tried by itself first. Only then are two at a time tried, and so on: the sets that
//! come closest are kept (a beam) and each is joined by every edit that goes with it. So one edit is
//! proven to be the fewest, and so are two where no single one sufficed; beyond that the beam may
//! miss a smaller set, as every greedy search may.

use std::collections::HashSet;

/// Where the score shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    Below(f64),
    Above(f64),
}

impl Goal {
    /// From a score to the other side of a threshold.
    pub fn across(score: f64, threshold: f64) -> Self {
        match threshold <= score {
            true => Self::Below(threshold),
            false => Self::Above(threshold),
        }
    }

    pub fn threshold(self) -> f64 {
        match self {
            Self::Below(x) | Self::Above(x) => x,
        }
    }

    /// How far a score is beyond the threshold; negative where it has not crossed.
    pub fn beyond(self, score: f64) -> f64 {
        match self {
            Self::Below(x) => x - score,
            Self::Above(x) => score - x,
        }
    }

    pub fn is_met(self, score: f64) -> bool {
        self.beyond(score) > 0.
    }
}

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Scores to ask for at most.
    pub runs: usize,
    /// Sets that are kept from one size to the next.
    pub beam: usize,
    /// Edits in a set at most.
    pub edits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            runs: 400,
            beam: 6,
            edits: 4,
        }
    }
}

/// A set of edits with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// Which edits, ascending.
    pub edits: Vec<usize>,
    pub score: f64,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The smallest set that crosses.
    pub found: Option<Tried>,
    /// The set that comes closest, or goes furthest beyond; none where nothing was tried.
    pub nearest: Option<Tried>,
    /// Scores that were asked for.
    pub runs: usize,
    /// True where every edit was tried by itself.
    pub singles: bool,
    /// True where the budget ended the search.
    pub spent: bool,
}

/// What a search asks about edits, by their numbers.
pub trait Edits {
    type Error;

    fn count(&self) -> usize;

    /// False where one gets in the other's way.
    fn go_together(&self, edits: &[usize]) -> bool;

    /// How large a change one edit is: of two sets that cross, the smaller one is told.
    fn size(&self, edit: usize) -> usize;

    /// The score after each set.
    ///
    /// # Errors
    /// When a set cannot be scored, or nobody waits any more.
    fn scores(&mut self, sets: &[Vec<usize>]) -> Result<Vec<f64>, Self::Error>;
}

/// Looks for the fewest edits that meet the goal.
///
/// # Errors
/// Those of [`Edits::scores`].
pub fn search<E: Edits>(edits: &mut E, goal: Goal, limits: Limits) -> Result<Outcome, E::Error> {
    let mut out = Outcome {
        found: None,
        nearest: None,
        runs: 0,
        singles: false,
        spent: false,
    };
    let singles = (0..edits.count()).map(|edit| vec![edit]).collect();
    let mut tried = attempt(edits, singles, goal, limits, &mut out)?;
    out.singles = tried.len() == edits.count();
    // The most promising first.
    let order: Vec<usize> = tried
        .iter()
        .filter_map(|t| t.edits.first().copied())
        .collect();
    for _ in 1..limits.edits {
        if out.found.is_some() || out.spent {
            break;
        }
        tried.truncate(limits.beam);
        let sets = extend(edits, &tried, &order);
        if sets.is_empty() {
            break;
        }
        tried = attempt(edits, sets, goal, limits, &mut out)?;
    }
    Ok(out)
}

/// Scores sets of one size, as many as the budget allows; the best first.
fn attempt<E: Edits>(
    edits: &mut E,
    mut sets: Vec<Vec<usize>>,
    goal: Goal,
    limits: Limits,
    out: &mut Outcome,
) -> Result<Vec<Tried>, E::Error> {
    let left = limits.runs.saturating_sub(out.runs);
    out.spent |= sets.len() > left;
    sets.truncate(left);
    out.runs += sets.len();
    let scores = edits.scores(&sets)?;
    let tried = sets.into_iter().zip(scores);
    // A set that cannot be scored is no candidate for anything.
    let mut tried: Vec<Tried> = tried
        .map(|(edits, score)| Tried { edits, score })
        .filter(|tried| tried.score.is_finite())
        .collect();
    tried.sort_by(|a, b| goal.beyond(b.score).total_cmp(&goal.beyond(a.score)));
    let best = tried.first();
    let closer = |a: &Tried, b: &Tried| goal.beyond(a.score) > goal.beyond(b.score);
    if let Some(best) = best
        && out
            .nearest
            .as_ref()
            .is_none_or(|nearest| closer(best, nearest))
    {
        out.nearest = Some(best.clone());
    }
    let size = |tried: &&Tried| tried.edits.iter().map(|&e| edits.size(e)).sum::<usize>();
    // The first of several of one size: the one that goes furthest.
    let crossing = tried.iter().filter(|tried| goal.is_met(tried.score));
    out.found = crossing.min_by_key(size).cloned();
    Ok(tried)
}

/// Every kept set with one more edit.
fn extend<E: Edits>(edits: &E, kept: &[Tried], order: &[usize]) -> Vec<Vec<usize>> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for set in kept {
        for &edit in order {
            if set.edits.contains(&edit) {
                continue;
            }
            let mut more = set.edits.clone();
            more.push(edit);
            more.sort_unstable();
            if seen.insert(more.clone()) && edits.go_together(&more) {
                out.push(more);
            }
        }
    }
    out
}
