//! Why is A closer to B than to C? The difference of two cosines, spread over the parts of all three.

use std::time::Instant;

use super::PairMatrix;
use super::leave_one_out::{Removal, without_each};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError};
use crate::trace::Trace;

/// cos(a, b) − cos(a, c) over the parts of a, over those of b and over those of c, from two maps
/// over the same parts of a. Each of the three sums is exact where the maps are: Σ over a's parts is
/// the difference, and so is Σ over b's plus Σ over c's.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// What each part of a adds: above 0 where it speaks for b, below 0 for c.
    pub a: Side,
    /// What each part of b adds to the difference.
    pub b: Side,
    /// What each part of c adds: the negative of what it adds to cos(a, c).
    pub c: Side,
    /// What each part of a adds to cos(a, b).
    pub to_b: Vec<f64>,
    /// What each part of a adds to cos(a, c).
    pub to_c: Vec<f64>,
    /// cos(a, b) − cos(a, c), of the vectors that the model computes.
    pub explains: f64,
    /// How far the sums may be from it.
    pub tolerance: f64,
}

/// Parts of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub names: Vec<String>,
    /// One for each name.
    pub values: Vec<f64>,
}

impl Side {
    /// Σ of all parts.
    pub fn sum(&self) -> f64 {
        self.values.iter().sum()
    }

    /// The parts of the largest magnitude, largest first, of those that `taken` admits.
    pub fn top(&self, count: usize, taken: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.values.len()).filter(|&i| taken(i)).collect();
        let size = |i: usize| self.values[i].abs();
        order.sort_by(|&i, &j| size(j).total_cmp(&size(i)));
        order.truncate(count);
        order
    }
}

impl Contrast {
    /// From the maps of (a, b) and of (a, c) by one method; none where their rows are not the same
    /// parts of a.
    pub fn new(ab: &PairMatrix, ac: &PairMatrix) -> Option<Self> {
        if ab.rows != ac.rows {
            return None;
        }
        let (to_b, to_c) = (ab.row_sums(), ac.row_sums());
        let side = |names: &[String], values| Side {
            names: names.to_vec(),
            values,
        };
        Some(Self {
            a: side(&ab.rows, less(&to_b, &to_c)),
            b: side(&ab.columns, ab.column_sums()),
            c: side(
                &ac.columns,
                ac.column_sums().into_iter().map(|x| -x).collect(),
            ),
            to_b,
            to_c,
            explains: ab.explains - ac.explains,
            tolerance: ab.tolerance.max(ac.tolerance),
        })
    }

    /// From maps with one row and a column for each dimension: the dimensions are then the parts of
    /// a, and b and c have none of their own. None where the columns are not the same.
    pub fn of_columns(ab: &PairMatrix, ac: &PairMatrix) -> Option<Self> {
        if ab.columns != ac.columns {
            return None;
        }
        let turned = |matrix: &PairMatrix| PairMatrix {
            values: matrix.column_sums(),
            rows: matrix.columns.clone(),
            columns: vec!["cosine".to_owned()],
            ..*matrix
        };
        Self::new(&turned(ab), &turned(ac))
    }

    /// Σ over a's parts.
    pub fn sum(&self) -> f64 {
        self.a.sum()
    }

    /// The larger of what a's parts and what b's and c's leave unexplained: Σ − (cos(a,b) − cos(a,c)).
    pub fn residual(&self) -> f64 {
        let of_a = self.a.sum() - self.explains;
        let of_rest = self.b.sum() + self.c.sum() - self.explains;
        match of_a.abs() >= of_rest.abs() {
            true => of_a,
            false => of_rest,
        }
    }

    /// False where a sum misses the difference by more than the method may.
    pub fn holds(&self) -> bool {
        self.residual().abs() <= self.tolerance
    }
}

/// x − y, element by element.
fn less(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x - y).collect()
}

/// The difference of the sentence vectors' cosines without each token of the three texts.
#[derive(Clone, Debug, PartialEq)]
pub struct WithoutEach {
    /// cos(a, b) − cos(a, c)
    pub difference: f64,
    /// What the difference loses without each token of a, [T_a]: above 0 where the token speaks for b.
    /// NaN where it cannot be taken away like this.
    pub a: Vec<f64>,
    /// The same for the tokens of b, [T_b].
    pub b: Vec<f64>,
    /// The same for the tokens of c, [T_c].
    pub c: Vec<f64>,
    /// Wall time.
    pub seconds: f64,
}

/// Takes away each token of a, b and c in turn and runs the model again: T_a + T_b + T_c encodings.
/// It adds up to nothing in particular. One step of `job` is one encoding.
///
/// # Errors
/// As [`super::leave_one_out::leave_one_out`].
pub fn without_each_of(
    model: &Model,
    [a, b, c]: [&Trace; 3],
    options: HeadOptions,
    removal: Removal,
    job: &mut Job<'_>,
) -> Result<WithoutEach, ModelError> {
    let started = Instant::now();
    job.expect(a.tokens.len() + b.tokens.len() + c.tokens.len());
    let vector = |trace| Ok::<_, ModelError>(to_f64(&sentence(&model.head, trace, options)?));
    let (e_a, e_b, e_c) = (vector(a)?, vector(b)?, vector(c)?);
    let difference = cosine(&e_a, &e_b) - cosine(&e_a, &e_c);
    let mut lost = |trace, f: &dyn Fn(&[f64]) -> f64| {
        let without = without_each(model, trace, options, removal, job)?;
        let one = |vector: Option<Vec<f64>>| vector.map_or(f64::NAN, |v| difference - f(&v));
        Ok::<_, ModelError>(without.into_iter().map(one).collect::<Vec<f64>>())
    };
    Ok(WithoutEach {
        difference,
        a: lost(a, &|a| cosine(a, &e_b) - cosine(a, &e_c))?,
        b: lost(b, &|b| cosine(&e_a, b) - cosine(&e_a, &e_c))?,
        c: lost(c, &|c| cosine(&e_a, &e_b) - cosine(&e_a, c))?,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// cos(a, b) and cos(a, c) after each layer, and what lies between them.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerContrast {
    /// `embed`, `L1`, …, and `score` last: [2 + L].
    pub names: Vec<String>,
    /// cos(a, b) there.
    pub ab: Vec<f64>,
    /// cos(a, c) there.
    pub ac: Vec<f64>,
}

impl LayerContrast {
    pub fn new(ab: &super::layers::Layers, ac: &super::layers::Layers) -> Self {
        let last = std::iter::once("score".to_owned());
        let with_score = |layers: &super::layers::Layers| {
            let after = layers.cosines.iter().copied();
            after.chain([layers.cos]).collect()
        };
        Self {
            names: ab.names.iter().cloned().chain(last).collect(),
            ab: with_score(ab),
            ac: with_score(ac),
        }
    }

    /// cos(a, b) − cos(a, c) at each place, [2 + L].
    pub fn difference(&self) -> Vec<f64> {
        less(&self.ab, &self.ac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::similarity::EXACT;

    fn matrix(values: &[f64], rows: &[&str], columns: &[&str]) -> PairMatrix {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        PairMatrix {
            values: values.to_vec(),
            rows: names(rows),
            columns: names(columns),
            explains: values.iter().sum(),
            tolerance: EXACT,
            seconds: 0.,
        }
    }

    #[test]
    fn a_part_that_only_b_answers_to_speaks_for_b() {
        let ab = matrix(&[0.5, 0.1, 0., 0.1], &["cat", "the"], &["cats", "the"]);
        let ac = matrix(&[0.1, 0.2], &["cat", "the"], &["dogs"]);
        let found = Contrast::new(&ab, &ac).unwrap();
        assert!(found.holds() && found.explains > 0.);
        assert!((found.a.values[0] - 0.5).abs() < 1e-15);
        assert!((found.a.values[1] + 0.1).abs() < 1e-15);
        assert!((found.b.values[0] - 0.5).abs() < 1e-15);
        assert!((found.c.values[0] + 0.3).abs() < 1e-15);
        assert_eq!(found.a.top(1, |_| true), [0]);
        assert_eq!(found.a.top(2, |i| i > 0), [1]);
        let turned = Contrast::new(&ac, &ab).unwrap();
        assert!((turned.explains + found.explains).abs() < 1e-15);
        assert!((turned.a.values[0] + found.a.values[0]).abs() < 1e-15);
    }

    #[test]
    fn what_the_maps_miss_is_the_residual_and_other_parts_are_refused() {
        let ab = matrix(&[0.5], &["cat"], &["cats"]);
        let mut ac = matrix(&[0.25], &["cat"], &["dogs"]);
        ac.explains = 0.3;
        let found = Contrast::new(&ab, &ac).unwrap();
        assert!((found.residual() - 0.05).abs() < 1e-12 && !found.holds());
        assert!(Contrast::new(&ab, &matrix(&[1.], &["dog"], &["dogs"])).is_none());
    }

    #[test]
    fn dimensions_are_told_apart_by_their_columns() {
        let ab = matrix(&[0.5, 0.2], &["cosine"], &["0", "1"]);
        let ac = matrix(&[0.1, 0.3], &["cosine"], &["0", "1"]);
        let found = Contrast::of_columns(&ab, &ac).unwrap();
        assert!(found.holds());
        assert_eq!(found.a.names, ["0", "1"]);
        assert!((found.a.values[0] - 0.4).abs() < 1e-15);
    }
}
