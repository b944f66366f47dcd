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
    /// Takes rows `[n, T]` of a pattern, from `first` on: its weights that are at least `threshold`. Of
    /// all that were taken the `most` largest stay.
    pub fn add(&mut self, first: usize, rows: &[f32], tokens: usize, threshold: f32, most: usize) {
        for (i, row) in rows.chunks_exact(tokens.max(1)).enumerate() {
            let cells = row.iter().enumerate().filter(|(_, w)| **w >= threshold);
            for (key, &weight) in cells {
                self.above += 1;
                self.shown.push(Link {
                    query: first + i,
                    key,
                    weight,
                });
            }
            // So that a threshold of 0 over a long text does not hold every cell.
            if self.shown.len() > 8 * most {
                self.keep(most);
            }
        }
        self.keep(most);
        self.shown.sort_by(|a, b| a.weight.total_cmp(&b.weight));
    }

    fn keep(&mut self, most: usize) {
        if self.shown.len() > most {
            let start = self.shown.len() - most;
            let order = |a: &Link, b: &Link| a.weight.total_cmp(&b.weight);
            self.shown.select_nth_unstable_by(start, order);
            self.shown.drain(..start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_links_are_kept_weakest_first() {
        let pattern = [0.1, 0.9, 0.0, 0.4, 0.35, 0.25, 0.5, 0.05, 0.45];
        let of = |threshold, most| {
            let mut links = Links::default();
            links.add(0, &pattern[..3], 3, threshold, most);
            links.add(1, &pattern[3..], 3, threshold, most);
            links
        };
        let links = of(0.3, 3);
        let found: Vec<_> = links
            .shown
            .iter()
            .map(|l| (l.query, l.key, l.weight))
            .collect();
        assert_eq!(found, [(2, 2, 0.45), (2, 0, 0.5), (0, 1, 0.9)]);
        assert_eq!(links.above, 5);
        assert_eq!(of(0.95, 3), Links::default());
        assert_eq!(of(0.0, 100).shown.len(), 9);
    }
}
