//! A sum with its largest terms apart.

use crate::trace::Site;

/// Terms that are listed one by one; the others are added up.
pub const LISTED: usize = 6;

/// A recorded number that can be asked for in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub site: Site,
    pub index: Vec<usize>,
}

impl Ask {
    pub fn new(site: Site, index: &[usize]) -> Self {
        Self {
            site,
            index: index.to_vec(),
        }
    }
}

/// One term of a sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub label: String,
    /// What it is the product of, where it is one of two numbers.
    pub factors: Option<[f64; 2]>,
    pub value: f64,
    /// The recorded number behind it.
    pub ask: Option<Ask>,
}

impl Term {
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        Self {
            label: label.into(),
            factors: None,
            value,
            ask: None,
        }
    }

    pub fn product(label: impl Into<String>, x: f64, y: f64) -> Self {
        Self {
            factors: Some([x, y]),
            ..Self::new(label, x * y)
        }
    }

    pub fn asking(self, site: Site, index: &[usize]) -> Self {
        Self {
            ask: Some(Ask::new(site, index)),
            ..self
        }
    }
}

/// The terms that are not listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rest {
    pub count: usize,
    pub value: f64,
}

/// Σ of all terms: those that are listed, and the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// What it comes to, as a formula.
    pub name: String,
    pub terms: Vec<Term>,
    pub rest: Option<Rest>,
    /// Added up in the order of the terms, whichever are listed.
    pub total: f64,
}

impl Sum {
    /// Every term listed.
    pub fn whole(name: impl Into<String>, terms: Vec<Term>) -> Self {
        Self {
            name: name.into(),
            total: terms.iter().map(|term| term.value).sum(),
            terms,
            rest: None,
        }
    }

    /// The `most` terms of largest magnitude, largest first, and the rest.
    pub fn largest(
        name: impl Into<String>,
        values: &[f64],
        most: usize,
        term: impl Fn(usize) -> Term,
    ) -> Self {
        Self::largest_and(name, values, most, None, term)
    }

    /// [`Self::largest`] with the term at `also` as well, whatever its size.
    pub fn largest_and(
        name: impl Into<String>,
        values: &[f64],
        most: usize,
        also: Option<usize>,
        term: impl Fn(usize) -> Term,
    ) -> Self {
        let also = also.filter(|&i| i < values.len());
        let mut order: Vec<usize> = (0..values.len()).filter(|&i| Some(i) != also).collect();
        let falling = |i: &usize, j: &usize| {
            let sizes = values[*j].abs().total_cmp(&values[*i].abs());
            sizes.then(i.cmp(j))
        };
        if most > 0 && order.len() > most {
            order.select_nth_unstable_by(most - 1, falling);
        }
        let most = most.min(order.len());
        let (listed, others) = order.split_at(most);
        let mut listed: Vec<usize> = listed.iter().copied().chain(also).collect();
        listed.sort_unstable_by(falling);
        let rest = Rest {
            count: others.len(),
            value: others.iter().map(|&i| values[i]).sum(),
        };
        Self {
            name: name.into(),
            terms: listed.into_iter().map(term).collect(),
            rest: (rest.count > 0).then_some(rest),
            total: values.iter().sum(),
        }
    }

    /// The same sum with one more term, which is always listed.
    pub fn with(mut self, term: Term) -> Self {
        self.total += term.value;
        self.terms.push(term);
        self
    }

    /// What the lines on screen add up to.
    pub fn listed(&self) -> f64 {
        let terms: f64 = self.terms.iter().map(|term| term.value).sum();
        terms + self.rest.map_or(0., |rest| rest.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_terms_are_listed_and_nothing_is_lost() {
        let values = [0.5, -3., 0.25, 2., -0.125];
        let term = |i: usize| Term::new(i.to_string(), values[i]);
        let sum = Sum::largest("x", &values, 2, term).with(Term::new("bias", 10.));
        let labels: Vec<&str> = sum.terms.iter().map(|term| &*term.label).collect();
        assert_eq!(labels, ["1", "3", "bias"]);
        let rest = sum.rest.unwrap();
        assert_eq!((rest.count, rest.value), (3, 0.625));
        assert_eq!((sum.total, sum.listed()), (9.625, 9.625));
        assert_eq!(Sum::largest("x", &values, 9, term).rest, None);
        assert_eq!(Sum::largest("x", &values, 0, term).terms, []);
        assert_eq!(Sum::largest("x", &[], 3, term).total, 0.);
        let also = Sum::largest_and("x", &values, 1, Some(4), term);
        assert_eq!((also.terms[1].value, also.listed()), (-0.125, also.total));
        let also = Sum::largest_and("x", &values, 2, Some(1), term);
        let listed: Vec<f64> = also.terms.iter().map(|term| term.value).collect();
        assert_eq!(listed, [-3., 2., 0.5], "it stands where its size puts it");
        assert_eq!(
            Sum::largest_and("x", &values, 9, Some(0), term).terms.len(),
            5
        );
    }
}
