//! Differences, and the worst of them for each site.

use std::collections::BTreeMap;

use super::Text;
use crate::trace::Site;

/// The most that a site may differ, relative to its largest magnitude.
pub const SITE_TOLERANCE: f64 = 1e-4;
/// The most that any dimension of a sentence vector may differ.
pub const SENTENCE_DELTA: f64 = 1e-5;
/// The least cosine between our sentence vector and the reference's.
pub const SENTENCE_COSINE: f64 = 1. - 1e-6;

/// How far one value is from the reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// max |Δ|
    pub absolute: f64,
    /// max |Δ| / max |reference|
    pub relative: f64,
    pub cosine: Option<f64>,
}

impl Difference {
    pub(super) fn exact() -> Self {
        Self {
            absolute: 0.,
            relative: 0.,
            cosine: None,
        }
    }

    /// Both of one length.
    pub(super) fn of(ours: &[f64], theirs: &[f64]) -> Self {
        let largest = theirs.iter().fold(0., |most: f64, x| most.max(x.abs()));
        let delta = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
        Self::scaled(worst(delta), largest)
    }

    /// A difference where the reference's largest magnitude is known; one of nothing but zeros is
    /// compared as it is.
    pub(super) fn scaled(absolute: f64, largest: f64) -> Self {
        let scale = if largest > 0. { largest } else { 1. };
        Self {
            absolute,
            relative: absolute / scale,
            cosine: None,
        }
    }

    pub(super) fn with_cosine(self, ours: &[f64], theirs: &[f64]) -> Self {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let lengths = (dot(ours, ours) * dot(theirs, theirs)).sqrt();
        Self {
            cosine: Some(dot(ours, theirs) / lengths),
            ..self
        }
    }
}

/// The largest; NaN counts as infinitely far, where `f64::max` would skip it.
pub(super) fn worst(deltas: impl Iterator<Item = f64>) -> f64 {
    deltas.fold(0., |most: f64, delta| match delta.is_nan() {
        true => f64::INFINITY,
        false => most.max(delta),
    })
}

/// One site over all texts of a fixture.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteReport {
    /// The site's name; `sentence (in batches)` where many texts ran at once.
    pub site: String,
    /// How many texts were compared.
    pub texts: usize,
    /// max |Δ| / max |reference|, the worst over the texts.
    pub relative: f64,
    /// max |Δ|, the worst over the texts.
    pub absolute: f64,
    /// The text with the worst relative difference.
    pub text: Text,
    /// The lowest over the texts; of sentence vectors alone.
    pub cosine: Option<f64>,
    /// What is wrong apart from the values: a shape, an id, a missing site.
    pub problem: Option<String>,
}

impl SiteReport {
    /// True within the tolerances: [`SITE_TOLERANCE`], and for sentence vectors [`SENTENCE_DELTA`]
    /// and [`SENTENCE_COSINE`] as well.
    pub fn passes(&self) -> bool {
        let sentence = self
            .cosine
            .is_none_or(|cosine| cosine >= SENTENCE_COSINE && self.absolute <= SENTENCE_DELTA);
        self.problem.is_none() && self.relative <= SITE_TOLERANCE && sentence
    }
}

/// Where a row stands in the table; the batched sentence comes last.
type Place = (Site, bool);

/// Collects the worst of each site.
#[derive(Default)]
pub(super) struct Reports {
    rows: BTreeMap<Place, SiteReport>,
    text: Text,
}

impl Reports {
    /// The text that everything from here on is about.
    pub fn text(&mut self, text: &str) {
        self.text = text.into();
    }

    pub fn add(&mut self, site: Site, difference: Difference) {
        self.at((site, false), difference);
    }

    pub fn add_batched(&mut self, difference: Difference) {
        self.at((Site::Sentence, true), difference);
    }

    pub fn problem(&mut self, site: Site, problem: String) {
        let text = self.text.clone();
        let row = self.row((site, false));
        row.problem
            .get_or_insert_with(|| format!("{problem} (text `{text}`)"));
    }

    fn at(&mut self, place: Place, difference: Difference) {
        let text = self.text.clone();
        let row = self.row(place);
        if row.texts == 0 || difference.relative > row.relative {
            row.relative = difference.relative;
            row.text = text;
        }
        row.texts += 1;
        row.absolute = row.absolute.max(difference.absolute);
        if let Some(cosine) = difference.cosine {
            row.cosine = Some(lower(row.cosine, cosine));
        }
    }

    fn row(&mut self, place: Place) -> &mut SiteReport {
        let name = |(site, batched): Place| match batched {
            false => site.to_string(),
            true => format!("{site} (in batches)"),
        };
        self.rows.entry(place).or_insert_with(|| SiteReport {
            site: name(place),
            texts: 0,
            relative: 0.,
            absolute: 0.,
            text: Text::default(),
            cosine: None,
            problem: None,
        })
    }

    pub fn into_rows(self) -> Vec<SiteReport> {
        self.rows.into_values().collect()
    }
}

/// The lower of two cosines; NaN, which a vector of zeros gives, is the lowest.
fn lower(known: Option<f64>, cosine: f64) -> f64 {
    match known {
        _ if cosine.is_nan() => f64::NEG_INFINITY,
        Some(known) => known.min(cosine),
        None => cosine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_infinitely_far() {
        let difference = Difference::of(&[1., f64::NAN, 3.], &[1., 2., 3.]);
        assert_eq!(difference.absolute, f64::INFINITY);
        let difference = Difference::of(&[0., 0.], &[0., 0.]).with_cosine(&[0., 0.], &[0., 0.]);
        let mut reports = Reports::default();
        reports.add(Site::Sentence, difference);
        assert!(!reports.into_rows()[0].passes(), "zeros have no direction");
    }

    #[test]
    fn the_worst_text_is_the_one_that_is_named() {
        let mut reports = Reports::default();
        for (text, off) in [("good", 1e-7), ("bad", 3e-4), ("fair", 2e-5)] {
            reports.text(text);
            reports.add(Site::FinalOut, Difference::of(&[2. + off, 1.], &[2., 1.]));
        }
        let rows = reports.into_rows();
        assert_eq!((&*rows[0].text, rows[0].texts), ("bad", 3));
        assert!((rows[0].relative - 1.5e-4).abs() < 1e-9);
        assert!(!rows[0].passes());
    }
}
