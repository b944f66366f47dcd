//! What methods did over many pairs of texts.

use super::{Areas, Ranker};

/// A mean over pairs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Mean {
    pub mean: f64,
    /// Its standard error, sd/√n; NaN for fewer than two pairs.
    pub error: f64,
}

impl Mean {
    /// Over the values that are numbers; NaN where there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Self {
            mean,
            error: (squares / (count - 1.) / count).sqrt(),
        }
    }
}

/// What one method did.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub ranker: Ranker,
    pub deletion: Mean,
    pub insertion: Mean,
    pub agreement: Mean,
    /// How much lower its deletion area is than that of token matching, pair by pair; none where
    /// matching did not take part.
    pub below_matching: Option<Mean>,
    /// The same against random orders.
    pub below_random: Option<Mean>,
    /// Pairs on which its deletion area is lower than that of token matching, equal ones as half.
    pub won: Option<f64>,
    /// The same against random orders.
    pub won_random: Option<f64>,
    /// All pairs' scores together.
    pub seconds: f64,
}

/// One for each ranker, in the order of the first pair; every pair has the same ones.
pub fn summaries(pairs: &[Vec<Areas>]) -> Vec<Summary> {
    let rankers = pairs.first().map_or(0, Vec::len);
    let column = |k: usize| -> Vec<Areas> {
        let cells = pairs.iter().filter_map(|areas| areas.get(k));
        cells.copied().collect()
    };
    let columns: Vec<Vec<Areas>> = (0..rankers).map(column).collect();
    let of = |ranker: Ranker| columns.iter().find(|own| own[0].ranker == ranker);
    let (matching, random) = (of(Ranker::Matching), of(Ranker::Random));
    columns
        .iter()
        .map(|own| summary(own, matching, random))
        .collect()
}

fn summary(own: &[Areas], matching: Option<&Vec<Areas>>, random: Option<&Vec<Areas>>) -> Summary {
    let over = |f: fn(&Areas) -> f64| Mean::of(own.iter().map(f));
    let gains = |other: &Vec<Areas>| -> Vec<f64> {
        let pairs = own.iter().zip(other);
        pairs.map(|(own, o)| o.deletion - own.deletion).collect()
    };
    let won = |gain: &f64| match gain {
        gain if gain.abs() < 1e-9 => 0.5,
        gain => f64::from(u8::from(*gain > 0.)),
    };
    let against = |other: Option<&Vec<Areas>>| {
        let gains = other.map(gains);
        let won = gains.as_ref().map(|gains| gains.iter().map(won).sum());
        (gains.map(Mean::of), won)
    };
    let ((below_matching, won), (below_random, won_random)) = (against(matching), against(random));
    Summary {
        ranker: own[0].ranker,
        deletion: over(|areas| areas.deletion),
        insertion: over(|areas| areas.insertion),
        agreement: over(|areas| areas.agreement),
        below_matching,
        below_random,
        won,
        won_random,
        seconds: own.iter().map(|areas| areas.seconds).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_taken_pair_by_pair() {
        let areas = |ranker, deletion| Areas {
            ranker,
            deletion,
            insertion: 1. - deletion,
            agreement: f64::NAN,
            seconds: 0.5,
        };
        let pair =
            |own, matching| vec![areas(Ranker::Pairs, own), areas(Ranker::Matching, matching)];
        // Heights differ far more between pairs than methods do.
        let found = summaries(&[pair(0.1, 0.2), pair(0.8, 0.9), pair(0.5, 0.5)]);
        let [own, matching] = &found[..] else {
            panic!("two methods");
        };
        let below = own.below_matching.unwrap();
        assert!((below.mean - 0.2 / 3.).abs() < 1e-12 && below.error < 0.04);
        assert!((own.deletion.error - 0.2028).abs() < 1e-3);
        assert_eq!((own.won, matching.won), (Some(2.5), Some(1.5)));
        assert_eq!((own.below_random, own.seconds), (None, 1.5));
        assert!(own.agreement.mean.is_nan());
        assert!(summaries(&[]).is_empty());
    }
}
