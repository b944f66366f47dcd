//! What the order of the words does for a score: the model run again on the same words in other
//! orders.

use super::changed;
use crate::analysis::diagnosis::words::{Word, replaced, words};
use crate::analysis::job::Job;
use crate::analysis::pooling::{score, sentence};
use crate::analysis::vectors::{cosine, to_f64};
use crate::model::{HeadOptions, Model, ModelError, Prompt};
use crate::tokens::Tokens;
use crate::trace::Trace;
use crate::training::rng::Rng;

/// In which orders b's words were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reordered {
    /// Both texts have the same words: b's in the order in which a has them.
    AsA,
    /// So many random orders.
    Shuffled(usize),
}

/// What the order of b's words adds to the cosine.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub reordered: Reordered,
    /// cos(a, b)
    pub cos: f64,
    /// The cosine with b's words in each other order.
    pub others: Vec<f64>,
}

impl Order {
    /// cos(a, b) less the mean over the other orders: below 0 where the order costs similarity.
    pub fn contribution(&self) -> f64 {
        self.cos - self.others.iter().sum::<f64>() / self.others.len() as f64
    }

    /// The standard deviation over the other orders; 0 for one.
    pub fn deviation(&self) -> f64 {
        let count = self.others.len() as f64;
        let mean = self.others.iter().sum::<f64>() / count;
        let squares = self.others.iter().map(|cos| (cos - mean).powi(2));
        (squares.sum::<f64>() / (count - 1.).max(1.)).sqrt()
    }
}

/// Random orders that are tried.
const SHUFFLES: usize = 5;

/// Runs b again with its words in another order: where both texts have the same words (in whatever
/// case), in a's order; else in five random ones, the same for the same texts. Marks between words
/// stay where they are, and so does the prompt. Of a text that was cut only what the model read is
/// put into another order. None where there is nothing to reorder, as in a text of one word. One step
/// of `job` is one encoding.
///
/// # Errors
/// When the head does not take this pooling; [`ModelError::Stopped`] once the job's flag is up.
pub fn order(
    model: &Model,
    a: &Trace,
    b: &Trace,
    options: HeadOptions,
    job: &mut Job<'_>,
) -> Result<Option<Order>, ModelError> {
    changed::untouched("the order of the words", [a, b])?;
    let (text_a, text_b) = (read(&a.tokens), read(&b.tokens));
    let (words_a, words_b) = (words(text_a), words(text_b));
    let (reordered, orders) = match as_in(&words_a, &words_b) {
        Some(order) => (Reordered::AsA, vec![order]),
        None => {
            let orders = shuffles(&words_b);
            (Reordered::Shuffled(orders.len()), orders)
        }
    };
    if orders.is_empty() {
        return Ok(None);
    }
    job.expect(orders.len());
    let prompt = Prompt::Text(b.tokens.text[..b.tokens.prompt_bytes].to_owned());
    let texts = orders.iter().map(|order| {
        let text = replaced(text_b, &words_b, |i, _| {
            Some(words_b[order[i]].form.to_owned())
        });
        model.tokens(&text, &prompt)
    });
    let texts: Vec<Tokens> = texts.collect::<Result<_, _>>()?;
    job.check()?;
    let vectors = model.embed(&texts, options, SHUFFLES, job.cancel, &mut |_| ())?;
    job.did(orders.len());
    let e_a = to_f64(&sentence(&model.head, a, options)?);
    let others = vectors.iter().map(|vector| cosine(&e_a, &to_f64(vector)));
    Ok(Some(Order {
        reordered,
        cos: score(&model.head, a, b, options)?,
        others: others.collect(),
    }))
}

/// What the model read of the person's text.
fn read(tokens: &Tokens) -> &str {
    let end = tokens.cut().start;
    tokens.text.get(tokens.prompt_bytes..end).unwrap_or("")
}

/// Which word of b stands at each place once b's words are in a's order; none where the texts do not
/// have the same words, each as often.
fn as_in(a: &[Word<'_>], b: &[Word<'_>]) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = (0..b.len()).collect();
    let mut place = |word: &Word<'_>| {
        let found = left.iter().position(|&i| b[i].fold == word.fold)?;
        Some(left.remove(found))
    };
    let order: Vec<usize> = a.iter().map(&mut place).collect::<Option<_>>()?;
    (left.is_empty() && order.len() > 1).then_some(order)
}

/// Seeded random orders of the words that are not the order that they have.
fn shuffles(words: &[Word<'_>]) -> Vec<Vec<usize>> {
    let differs = |order: &Vec<usize>| {
        let mut places = order.iter().enumerate();
        places.any(|(place, &word)| words[place].fold != words[word].fold)
    };
    let mut rng = Rng::new(words.len() as u64);
    // Words that are all alike have no other order, however often it is tried.
    let tries = (0..20 * SHUFFLES).map(|_| rng.permutation(words.len()));
    tries.filter(differs).take(SHUFFLES).collect()
}

/// Two texts of the very same tokens, compared word by word before the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct SameTokens {
    /// Tokens that carry the comparison: all but those of the template.
    pub tokens: usize,
    /// The mean over them of the cosine of a's token vector with that of the same token in b.
    pub mean: f64,
    /// The lowest of these cosines, and its token in a.
    pub lowest: (f64, usize),
    /// False where the tokens stand in the same order.
    pub moved: bool,
}

/// None where the texts do not have the same token ids, each as often, or one has no vectors. Of a
/// token that comes more than once the first is compared with the first, and so on.
pub fn same_tokens(a: &Trace, b: &Trace) -> Option<SameTokens> {
    let own = |tokens: &Tokens| -> Vec<usize> {
        (0..tokens.len()).filter(|&t| !tokens.special[t]).collect()
    };
    let (of_a, mut left) = (own(&a.tokens), own(&b.tokens));
    let (out_a, out_b) = (a.final_out()?, b.final_out()?);
    let mut found: Vec<(f64, usize)> = Vec::with_capacity(of_a.len());
    for &i in &of_a {
        let same = |&j: &usize| b.tokens.ids[j] == a.tokens.ids[i];
        let j = left.remove(left.iter().position(same)?);
        let (x, y) = (to_f64(&out_a.row(&[i])), to_f64(&out_b.row(&[j])));
        found.push((cosine(&x, &y), i));
    }
    let lowest = found.iter().copied().min_by(|x, y| x.0.total_cmp(&y.0))?;
    Some(SameTokens {
        tokens: found.len(),
        mean: found.iter().map(|(cos, _)| cos).sum::<f64>() / found.len() as f64,
        lowest,
        moved: a.tokens.ids != b.tokens.ids,
    })
    .filter(|_| left.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_put_into_the_other_texts_order() {
        let (a, b) = (words("The cat bit the dog"), words("the dog bit the cat"));
        let order = as_in(&a, &b).unwrap();
        let text = replaced("the dog bit the cat", &b, |i, _| {
            Some(b[order[i]].form.to_owned())
        });
        assert_eq!(text, "the cat bit the dog");
        assert!(as_in(&a, &words("the dog bit a cat")).is_none());
        assert!(as_in(&a, &words("the dog bit the cat twice")).is_none());
    }

    #[test]
    fn shuffles_change_something_and_follow_from_the_text() {
        let some = words("copper prices rose in early trading");
        let orders = shuffles(&some);
        assert_eq!(orders.len(), SHUFFLES);
        assert_eq!(orders, shuffles(&some));
        assert!(orders.iter().all(|order| {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            sorted == (0..6).collect::<Vec<_>>() && *order != sorted
        }));
        assert!(shuffles(&words("no no no")).is_empty());
        assert!(shuffles(&words("")).is_empty());
    }
}
