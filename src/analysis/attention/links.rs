//! The few weights of a pattern that are worth a line between two tokens.

/// One weight, from the token that reads to the one that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    pub query: usize,
    pub key: usize,
    pub weight: f32,
}

/// The weights of a pattern from a threshold on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    /// Weakest first, so that the strongest are painted last.
    pub shown: Vec<Link>,
    /// How many reach the threshold; more than `shown` where those are too many.
    pub above: usize,
}

impl Links {
    /// The `most` largest weights of a pattern `[T, T]` that are at least `threshold`.
    pub fn new(pattern: &[f32], tokens: usize, threshold: f32, most: usize) -> Self {
        let cells = pattern
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight >= threshold);
        let mut shown: Vec<Link> = cells
            .map(|(cell, &weight)| Link {
                query: cell / tokens,
                key: cell % tokens,
                weight,
            })
            .collect();
        let above = shown.len();
        if above > most {
            let start = above - most;
            shown.select_nth_unstable_by(start, |a, b| a.weight.total_cmp(&b.weight));
            shown.drain(..start);
        }
        shown.sort_by(|a, b| a.weight.total_cmp(&b.weight));
        Self { shown, above }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_links_are_kept_weakest_first() {
        let pattern = [0.1, 0.9, 0.0, 0.4, 0.35, 0.25, 0.5, 0.05, 0.45];
        let links = Links::new(&pattern, 3, 0.3, 3);
        let found: Vec<_> = links
            .shown
            .iter()
            .map(|l| (l.query, l.key, l.weight))
            .collect();
        assert_eq!(found, [(2, 2, 0.45), (2, 0, 0.5), (0, 1, 0.9)]);
        assert_eq!(links.above, 5);
        assert_eq!(Links::new(&pattern, 3, 0.95, 3), Links::default());
        assert_eq!(Links::new(&pattern, 3, 0.0, 100).shown.len(), 9);
    }
}
