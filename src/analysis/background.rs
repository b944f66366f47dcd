//! The background set: texts that have nothing to do with each other, from which a model's scale of
//! cosines is measured. The program has one, and a person may give another.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};
use thiserror::Error;

const TEXTS: &str = include_str!("../../assets/background.txt");

/// A scale from fewer texts would say little.
pub const FEWEST: usize = 50;
/// Of more texts, so many are taken: the quantiles of their pairs do not move any more.
pub const MOST: usize = 2000;

/// Texts of a background, cheap to clone. Two with the same texts are equal, whatever their names.
#[derive(Clone, Debug)]
pub struct Background {
    /// What a person calls it; none for the program's own.
    name: Option<Arc<str>>,
    texts: Arc<[String]>,
    /// SHA-256 of the texts.
    digest: [u8; 32],
}

/// Why a file is no background.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {problem}")]
pub struct BackgroundError {
    pub file: String,
    pub problem: String,
}

impl Background {
    /// The program's own.
    pub fn own() -> Self {
        static OWN: OnceLock<Background> = OnceLock::new();
        let own = || Self::new(None, TEXTS.lines().map(str::to_owned).collect());
        OWN.get_or_init(own).clone()
    }

    fn new(name: Option<Arc<str>>, texts: Vec<String>) -> Self {
        let mut hasher = Sha256::new();
        for text in &texts {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
        Self {
            name,
            texts: texts.into(),
            digest: hasher.finalize().into(),
        }
    }

    /// One text a line; empty lines and those that were there before are passed over. Of more than
    /// [`MOST`] texts, so many at even distances.
    ///
    /// # Errors
    /// When it is no text (a NUL), or has fewer than [`FEWEST`] different lines.
    pub fn parse(name: &str, content: &str) -> Result<Self, BackgroundError> {
        let bad = |problem: String| BackgroundError {
            file: name.to_owned(),
            problem,
        };
        if content.contains('\0') {
            return Err(bad(
                "is no text; give a UTF-8 file with one text a line".to_owned()
            ));
        }
        let lines = content.trim_start_matches('\u{feff}').lines();
        let mut known = HashSet::new();
        let texts = lines.map(str::trim).filter(|line| !line.is_empty());
        let texts: Vec<&str> = texts.filter(|text| known.insert(*text)).collect();
        if texts.len() < FEWEST {
            return Err(bad(format!(
                "has {} different lines of text; a background needs {FEWEST} at least, one text a line",
                texts.len()
            )));
        }
        let kept = texts.len().min(MOST);
        let taken = (0..kept).map(|i| texts[i * texts.len() / kept].to_owned());
        Ok(Self::new(Some(name.into()), taken.collect()))
    }

    /// None for the program's own.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Tells one set of texts from another.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

impl PartialEq for Background {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Background {}

impl Hash for Background {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_many_all_different_and_of_many_lengths() {
        let own = Background::own();
        let all = own.texts();
        assert!(all.len() >= 1500, "{}", all.len());
        assert!(all.iter().all(|text| !text.trim().is_empty()));
        let folded: HashSet<String> = all.iter().map(|text| text.trim().to_lowercase()).collect();
        assert_eq!(folded.len(), all.len(), "some texts are there twice");
        let mut lengths: Vec<usize> = all
            .iter()
            .map(|text| text.split_whitespace().count())
            .collect();
        lengths.sort_unstable();
        let at = |share: f64| lengths[(share * (lengths.len() - 1) as f64) as usize];
        assert!(at(0.1) <= 6, "short ones: {}", at(0.1));
        assert!(at(0.98) >= 18, "long ones: {}", at(0.98));
    }

    #[test]
    fn a_persons_texts_are_taken_once_each_and_evenly_where_there_are_many() {
        let lines =
            |count: usize| -> String { (0..count).map(|i| format!("text {i}\n")).collect() };
        let few = Background::parse("few", &format!("{}\n\n{}", lines(60), lines(60))).unwrap();
        assert_eq!((few.texts().len(), few.name()), (60, Some("few")));
        let same = Background::parse("other", &lines(60).replace('\n', "\r\n")).unwrap();
        assert_eq!(few, same);
        let many = Background::parse("many", &lines(3 * MOST)).unwrap();
        assert_eq!(many.texts().len(), MOST);
        assert_eq!(many.texts()[MOST - 1], format!("text {}", 3 * (MOST - 1)));
        assert_ne!(few, many);
    }

    #[test]
    fn what_is_no_background_says_why() {
        let problem = |content: &str| Background::parse("f", content).unwrap_err().to_string();
        assert!(problem("").starts_with("f: has 0 different lines"));
        assert!(problem(&"same\n".repeat(80)).starts_with("f: has 1 different lines"));
        assert!(problem("a\0b").contains("is no text"));
    }
}
