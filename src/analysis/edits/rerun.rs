//! Edited texts through the model: real runs, many at once.

use std::collections::HashMap;

use super::search::{Edits, Goal, Limits, Outcome, search};
use super::{Draft, Edit, Offer, apply};
use crate::analysis::job::Job;
use crate::analysis::pooling::sentence;
use crate::analysis::similarity::changed;
use crate::analysis::similarity::reruns::encode;
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Part, Prompt};
use crate::tokens::Tokens;
use crate::trace::Trace;

/// Texts that are tokenized and held at one time.
const CHUNK: usize = 64;

/// A text to be edited, beside the one that it is compared with.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub model: &'a Model,
    /// The text that is edited.
    pub text: &'a Trace,
    pub other: &'a Trace,
    pub options: HeadOptions,
}

/// One edited text after its run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rerun {
    pub cos: f64,
    /// True where the model saw the very tokens that it saw before, of both texts.
    pub same: bool,
}

/// The prompt of a text and the text behind it.
pub fn parts(tokens: &Tokens) -> (&str, &str) {
    let split = tokens.text.split_at_checked(tokens.prompt_bytes);
    split.unwrap_or(("", &tokens.text))
}

/// What this model offers to the edits of a text.
pub fn offer(model: &Model, tokens: &Tokens) -> Offer {
    let prompts = model.prompts.named.iter();
    Offer {
        mask: model.tokenizer.mask(),
        prompt: parts(tokens).0.to_owned(),
        prompts: prompts.map(|(n, w)| (n.clone(), w.clone())).collect(),
    }
}

impl Subject<'_> {
    /// The cosine before any edit.
    ///
    /// # Errors
    /// When the head does not take this pooling.
    pub fn score(&self) -> Result<f64, ModelError> {
        let head = &self.model.head;
        let text = to_f64(&sentence(head, self.text, self.options)?);
        Ok(cosine(&text, &self.other()?))
    }

    fn other(&self) -> Result<Vec<f64>, ModelError> {
        Ok(to_f64(&sentence(
            &self.model.head,
            self.other,
            self.options,
        )?))
    }
}

/// Runs each draft, packed in batches: within 1e-5 of encoding it alone. A draft with another prompt
/// has it in front of both texts. One step of `job` is one draft.
///
/// # Errors
/// [`ModelError::Stopped`] within a batch once the job's flag is up; when the head does not take this
/// pooling; when a text cannot be tokenized.
pub fn rerun(
    subject: Subject<'_>,
    drafts: &[Draft],
    job: &mut Job<'_>,
) -> Result<Vec<Rerun>, ModelError> {
    changed::untouched("an edited text", [subject.text, subject.other])?;
    job.expect(drafts.len());
    let mut others = Others::new(subject)?;
    let mut out = Vec::with_capacity(drafts.len());
    for drafts in drafts.chunks(CHUNK) {
        job.check()?;
        let texts = drafts.iter().map(|draft| Edited::new(subject, draft));
        let texts: Vec<Edited> = texts.collect::<Result<_, _>>()?;
        let parts: Vec<Part<'_>> = texts.iter().map(Edited::part).collect::<Result<_, _>>()?;
        let (model, options) = (subject.model, subject.options);
        let vectors = encode(model, &model.head, &parts, options, job)?;
        for ((draft, text), vector) in drafts.iter().zip(&texts).zip(&vectors) {
            let (other, same) = others.get(draft.prompt.as_ref(), job)?;
            out.push(Rerun {
                cos: cosine(vector, other),
                same: same && text.kept.is_none() && text.tokens.ids == subject.text.tokens.ids,
            });
        }
    }
    Ok(out)
}

/// A draft as the model sees it.
struct Edited {
    tokens: Tokens,
    /// All tokens but the hidden ones, where some are.
    kept: Option<Vec<usize>>,
}

impl Edited {
    fn new(subject: Subject<'_>, draft: &Draft) -> Result<Self, ModelError> {
        let own = Prompt::Text(parts(&subject.text.tokens).0.to_owned());
        let prompt = draft.prompt.as_ref().unwrap_or(&own);
        let tokens = subject.model.tokens(&draft.text(), prompt)?;
        let hidden = draft.hidden();
        if hidden.is_empty() {
            return Ok(Self { tokens, kept: None });
        }
        let is_hidden = |t: usize| {
            let (start, end) = tokens.offsets[t];
            let within = |range: &std::ops::Range<usize>| {
                let from = range.start + tokens.prompt_bytes;
                start < range.end + tokens.prompt_bytes && from < end
            };
            !tokens.special[t] && start < end && hidden.iter().any(within)
        };
        let kept: Vec<usize> = (0..tokens.len()).filter(|&t| !is_hidden(t)).collect();
        // What was cut off anyway hides nothing.
        let kept = (kept.len() < tokens.len()).then_some(kept);
        Ok(Self { tokens, kept })
    }

    fn part(&self) -> Result<Part<'_>, ModelError> {
        match &self.kept {
            Some(kept) => Part::of(&self.tokens, kept),
            None => Ok(Part::whole(&self.tokens)),
        }
    }
}

/// The text that is not edited, under each prompt.
struct Others<'a> {
    subject: Subject<'a>,
    own: Vec<f64>,
    prompted: HashMap<Prompt, (Vec<f64>, bool)>,
}

impl<'a> Others<'a> {
    fn new(subject: Subject<'a>) -> Result<Self, ModelError> {
        Ok(Self {
            own: subject.other()?,
            subject,
            prompted: HashMap::new(),
        })
    }

    /// Its vector [E], and whether its tokens are what they were.
    fn get(
        &mut self,
        prompt: Option<&Prompt>,
        job: &Job<'_>,
    ) -> Result<(&[f64], bool), ModelError> {
        let Some(prompt) = prompt else {
            return Ok((&self.own, true));
        };
        if !self.prompted.contains_key(prompt) {
            let (model, other) = (self.subject.model, &self.subject.other.tokens);
            let tokens = model.tokens(parts(other).1, prompt)?;
            // No step of its own: it belongs to the draft that asks for it.
            let mut quiet = |_, _| {};
            let mut job = Job::new(job.cancel, &mut quiet);
            let part = Part::whole(&tokens);
            let options = self.subject.options;
            let mut found = encode(model, &model.head, &[part], options, &mut job)?;
            let vector = found.pop().unwrap_or_default();
            let same = tokens.ids == other.ids;
            self.prompted.insert(prompt.clone(), (vector, same));
        }
        let found = self.prompted.get(prompt);
        Ok(found.map_or((&self.own, true), |(vector, same)| (vector, *same)))
    }
}

/// Looks for the fewest of these edits that carry the cosine across the threshold, by real runs.
///
/// # Errors
/// As [`rerun`].
pub fn search_edits(
    subject: Subject<'_>,
    edits: &[Edit],
    goal: Goal,
    limits: Limits,
    job: &mut Job<'_>,
) -> Result<Outcome, ModelError> {
    let mut runs = Runs {
        subject,
        edits,
        job,
    };
    search(&mut runs, goal, limits)
}

struct Runs<'a, 'j, 'p> {
    subject: Subject<'a>,
    edits: &'a [Edit],
    job: &'j mut Job<'p>,
}

impl Runs<'_, '_, '_> {
    fn draft(&self, set: &[usize]) -> Option<Draft> {
        let edits: Vec<&Edit> = set.iter().map(|&edit| &self.edits[edit]).collect();
        apply(parts(&self.subject.text.tokens).1, &edits).ok()
    }
}

impl Edits for Runs<'_, '_, '_> {
    type Error = ModelError;

    fn count(&self) -> usize {
        self.edits.len()
    }

    fn go_together(&self, edits: &[usize]) -> bool {
        self.draft(edits).is_some()
    }

    /// Bytes that are put in, taken out or hidden.
    fn size(&self, edit: usize) -> usize {
        use super::Mark::Kept;
        let draft = self.draft(&[edit]);
        let pieces = draft.iter().flat_map(|draft| &draft.pieces);
        let changed = pieces.filter(|piece| piece.mark != Kept);
        changed.map(|piece| piece.text.len()).sum()
    }

    fn scores(&mut self, sets: &[Vec<usize>]) -> Result<Vec<f64>, ModelError> {
        let drafts: Vec<Option<Draft>> = sets.iter().map(|set| self.draft(set)).collect();
        let whole: Vec<Draft> = drafts.iter().flatten().cloned().collect();
        let mut scores = rerun(self.subject, &whole, self.job)?.into_iter();
        let place = |draft: &Option<Draft>| {
            let score = draft.as_ref().and_then(|_| scores.next());
            score.map_or(f64::NAN, |score| score.cos)
        };
        Ok(drafts.iter().map(place).collect())
    }
}
