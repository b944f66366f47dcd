//! Reading recorded reference values: sampled ones (`traces.json`) and whole ones (`cases.json`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ParityError;
use super::read::{json, sha256, tensors};
use super::report::{Difference, worst};
use crate::model::{Model, Prompt};
use crate::trace::Site;

/// A folder of recorded values.
pub struct Fixture {
    dir: PathBuf,
    weights_sha256: Option<String>,
    texts: Vec<Entry>,
}

/// One text as its index file lists it.
#[derive(Deserialize)]
struct Entry {
    file: String,
    text: String,
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    prompt_name: Option<String>,
    dropped: usize,
    /// Facts about whole tensors, where the file holds samples.
    #[serde(default)]
    sites: BTreeMap<String, Facts>,
}

/// Statistics of a whole tensor, in f64.
#[derive(Clone, Deserialize)]
struct Facts {
    shape: Vec<usize>,
    max_abs: f64,
    sum: f64,
    sum_sq: f64,
    sampled: bool,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    weights_sha256: Option<String>,
    #[serde(alias = "traces")]
    cases: Vec<Entry>,
}

#[derive(Deserialize)]
struct EmbeddingIndex {
    dim: usize,
    texts: Vec<EmbeddingText>,
}

#[derive(Deserialize)]
struct EmbeddingText {
    text: String,
}

/// Many texts and the sentence vector of each, [E].
type Embeddings = (Vec<String>, Vec<Vec<f64>>);

/// One text and the reference's value at each site.
pub(super) struct Case {
    pub text: String,
    pub prompt: Prompt,
    pub dropped: usize,
    pub sites: BTreeMap<Site, Expected>,
}

/// The reference's value at one site: whole, or 1024 samples and facts about the whole.
pub(super) struct Expected {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    facts: Option<Facts>,
}

impl Fixture {
    /// Opens a folder that holds `traces.json` or `cases.json`, itself or in `expected`.
    pub fn open(dir: &Path) -> Result<Self, ParityError> {
        let Some(index) = index_of(dir) else {
            let problem = "holds no traces.json and no cases.json; see tests/reference/README.md";
            return Err(ParityError::fixture(dir, problem));
        };
        let read: Index = json(&index)?;
        Ok(Self {
            dir: index.parent().unwrap_or(dir).to_owned(),
            weights_sha256: read.weights_sha256,
            texts: read.cases,
        })
    }

    /// Whether `dir` looks like a fixture folder.
    pub fn is_at(dir: &Path) -> bool {
        index_of(dir).is_some()
    }

    /// # Errors
    /// When the values were recorded from other weights, or from a model of another size.
    pub fn made_for(&self, model: &Model) -> Result<(), ParityError> {
        let other = |why: String| ParityError::OtherModel {
            dir: self.dir.display().to_string(),
            why,
        };
        if let Some(wanted) = &self.weights_sha256 {
            let ours = sha256(&model.weight_files)?;
            if ours != *wanted {
                let (ours, wanted) = (&ours[..12], wanted.get(..12).unwrap_or(wanted));
                let why = format!("its weights have sha256 {wanted}…, this model's {ours}…");
                return Err(other(why));
            }
        }
        let Some(first) = self.cases().next().transpose()? else {
            return Ok(());
        };
        let hidden = model.spec().hidden;
        let theirs = first
            .sites
            .get(&Site::FinalOut)
            .and_then(|e| e.shape.last().copied());
        if theirs.is_some_and(|theirs| theirs != hidden) {
            let theirs = theirs.unwrap_or_default();
            return Err(other(format!(
                "its vectors have {theirs} dimensions, this model's {hidden}"
            )));
        }
        Ok(())
    }

    /// The texts one by one, so that only one's values are in memory.
    pub(super) fn cases(&self) -> impl Iterator<Item = Result<Case, ParityError>> + '_ {
        self.texts.iter().map(|entry| self.case(entry))
    }

    fn case(&self, entry: &Entry) -> Result<Case, ParityError> {
        let path = self.dir.join(&entry.file);
        let mut sites = BTreeMap::new();
        for (name, shape, values) in tensors(&path)? {
            let site: Site = name.parse().map_err(|e| ParityError::fixture(&path, e))?;
            let facts = entry.sites.get(&name).cloned();
            let shape = facts.as_ref().map_or(shape, |facts| facts.shape.clone());
            let expected = Expected {
                shape,
                values,
                facts,
            };
            sites.insert(site, expected);
        }
        Ok(Case {
            text: entry.text.clone(),
            prompt: entry.prompt(),
            dropped: entry.dropped,
            sites,
        })
    }

    /// Texts with their sentence vectors alone; `None` where the folder has none.
    pub(super) fn embeddings(&self) -> Result<Option<Embeddings>, ParityError> {
        let index = self.dir.join("embeddings.json");
        if !index.is_file() {
            return Ok(None);
        }
        let EmbeddingIndex { dim, texts } = json(&index)?;
        let path = self.dir.join("embeddings.safetensors");
        let read = tensors(&path)?;
        let (_, shape, values) = read
            .into_iter()
            .find(|(name, ..)| name == "sentence")
            .ok_or_else(|| ParityError::fixture(&path, "has no tensor `sentence`"))?;
        if shape != [texts.len(), dim] || dim == 0 {
            let problem = format!("`sentence` has shape {shape:?}, but {} texts", texts.len());
            return Err(ParityError::fixture(&path, problem));
        }
        let rows = values.chunks(dim).map(<[f64]>::to_vec).collect();
        Ok(Some((texts.into_iter().map(|t| t.text).collect(), rows)))
    }
}

impl Entry {
    /// As `SentenceTransformer.encode` reads its two arguments.
    fn prompt(&self) -> Prompt {
        match (&self.prompt, &self.prompt_name) {
            (Some(text), _) if text.is_empty() => Prompt::None,
            (Some(text), _) => Prompt::Text(text.clone()),
            (None, Some(name)) => Prompt::Named(name.clone()),
            (None, None) => Prompt::Own,
        }
    }
}

impl Expected {
    /// How far our whole value is from this one, both flat and row-major. Where there are only
    /// samples, the largest of the differences at the samples, of the mean, of the root mean square
    /// and of the largest magnitude: none of these can exceed the true max |Δ|.
    pub fn difference(&self, ours: &[f64]) -> Difference {
        let Some(facts) = self.facts.as_ref().filter(|facts| facts.sampled) else {
            return Difference::of(ours, &self.values);
        };
        let count = ours.len() as f64;
        let sampled = (0..SAMPLES).map(|i| (ours[sample(i, ours.len())] - self.values[i]).abs());
        let sum: f64 = ours.iter().sum();
        let squares: f64 = ours.iter().map(|x| x * x).sum();
        let root = |squares: f64| (squares / count).sqrt();
        let whole = [
            (sum - facts.sum).abs() / count,
            (root(squares) - root(facts.sum_sq)).abs(),
            (worst(ours.iter().map(|x| x.abs())) - facts.max_abs).abs(),
        ];
        Difference::scaled(worst(sampled.chain(whole)), facts.max_abs)
    }
}

/// How many values of a large tensor are kept.
const SAMPLES: usize = 1024;

/// Where sample `i` of a tensor of `count` elements lies (tests/reference/fixture_io.py).
fn sample(i: usize, count: usize) -> usize {
    const SCATTER: u64 = 2_654_435_761; // 2³²/φ: its multiples' high bits look random
    let (i, count, samples) = (i as u64, count as u64, SAMPLES as u64);
    let (low, high) = (i * count / samples, (i + 1) * count / samples);
    (low + ((i * SCATTER) >> 16) % (high - low)) as usize
}

fn index_of(dir: &Path) -> Option<PathBuf> {
    let names = ["traces.json", "cases.json", "expected/cases.json"];
    let mut paths = names.iter().map(|name| dir.join(name));
    paths.find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_one_in_each_stretch_and_in_many_columns() {
        let (rows, columns) = (256, 384);
        let places: Vec<usize> = (0..SAMPLES).map(|i| sample(i, rows * columns)).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(places[SAMPLES - 1] < rows * columns);
        let mut seen: Vec<usize> = places.iter().map(|place| place % columns).collect();
        seen.sort_unstable();
        seen.dedup();
        assert!(
            seen.len() > columns / 2,
            "only {} columns are sampled",
            seen.len()
        );
    }

    #[test]
    fn a_fault_between_the_samples_still_shows() {
        let mut ours = vec![1f64; 4096];
        let sampled: Vec<usize> = (0..SAMPLES).map(|i| sample(i, ours.len())).collect();
        let expected = Expected {
            shape: vec![4096],
            values: vec![1.; SAMPLES],
            facts: Some(Facts {
                shape: vec![4096],
                max_abs: 1.,
                sum: 4096.,
                sum_sq: 4096.,
                sampled: true,
            }),
        };
        assert_eq!(expected.difference(&ours).relative, 0.);
        let unseen = (0..ours.len()).find(|i| !sampled.contains(i)).unwrap();
        ours[unseen] = -1.;
        assert!(expected.difference(&ours).relative > super::super::SITE_TOLERANCE);
    }
}
