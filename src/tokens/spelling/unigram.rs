//! Unigram: of all ways to cut a part into pieces the likeliest, by a sum of log-probabilities.

use std::ops::Range;

use tokenizers::Model as _;
use tokenizers::models::unigram::Unigram;

use super::{Path, Spelled, Spelling, Trail};

/// How many ways are kept.
const KEPT: usize = 6;
/// What an unknown character costs beyond the rarest piece, as in SentencePiece.
const UNKNOWN_PENALTY: f64 = 10.;

/// Log-probability of each piece, and how long pieces are.
#[derive(Default)]
pub struct Scores {
    by_id: Vec<f64>,
    /// In bytes.
    longest: usize,
}

impl Scores {
    pub fn of(model: &Unigram) -> Self {
        Self {
            by_id: model.iter().map(|(_, score)| *score).collect(),
            longest: model
                .iter()
                .map(|(piece, _)| piece.len())
                .max()
                .unwrap_or(0),
        }
    }
}

/// The end of one way through the first bytes of a part.
#[derive(Clone)]
struct Way {
    sum: f64,
    /// Where its last piece begins, and which of the ways to there it goes on with.
    from: (usize, usize),
    /// None for an unknown character.
    id: Option<u32>,
    score: f64,
}

pub fn spelling(model: &Unigram, scores: &Scores, part: &str) -> Option<Spelling> {
    let ways = ways(model, scores, part);
    let best = trace(&ways, part.len(), 0)?;
    let mut pieces = Vec::new();
    for (range, id) in fused(&best) {
        pieces.extend(tokens(model, part, range, id)?);
    }
    let paths = (0..ways[part.len()].len()).filter_map(|rank| {
        let steps = trace(&ways, part.len(), rank)?;
        let name = |step: &Step| (part[step.range.clone()].to_owned(), step.score);
        Some(Path {
            pieces: steps.iter().map(name).collect(),
            sum: ways[part.len()][rank].sum,
        })
    });
    Some(Spelling {
        text: part.to_owned(),
        pieces,
        trail: Trail::Paths(paths.collect()),
    })
}

/// The best few ways to each byte, best first. Of equals the one whose last piece is longest comes
/// first, which is the one that the tokenizer finds.
fn ways(model: &Unigram, scores: &Scores, part: &str) -> Vec<Vec<Way>> {
    let mut ways: Vec<Vec<Way>> = vec![Vec::new(); part.len() + 1];
    ways[0].push(Way {
        sum: 0.,
        from: (0, 0),
        id: None,
        score: 0.,
    });
    for (start, c) in part.char_indices() {
        // Everything that ends here began earlier, so it is complete.
        ways[start].sort_by(|a, b| b.sum.total_cmp(&a.sum));
        ways[start].truncate(KEPT);
        let here = ways[start].clone();
        let mut offer = |end: usize, id: Option<u32>, score: f64| {
            ways[end].extend(here.iter().enumerate().map(|(rank, way)| Way {
                sum: score + way.sum,
                from: (start, rank),
                id,
                score,
            }));
        };
        let mut single = false;
        for (at, c) in part[start..].char_indices() {
            let end = start + at + c.len_utf8();
            if end - start > scores.longest {
                break;
            }
            if let Some(id) = model.token_to_id(&part[start..end]) {
                single |= at == 0;
                let score = scores.by_id.get(id as usize).copied();
                offer(end, Some(id), score.unwrap_or(f64::NEG_INFINITY));
            }
        }
        if !single {
            offer(
                start + c.len_utf8(),
                None,
                model.min_score - UNKNOWN_PENALTY,
            );
        }
    }
    let last = &mut ways[part.len()];
    last.sort_by(|a, b| b.sum.total_cmp(&a.sum));
    last.truncate(KEPT);
    ways
}

/// One piece of a way.
struct Step {
    range: Range<usize>,
    id: Option<u32>,
    score: f64,
}

fn trace(ways: &[Vec<Way>], mut end: usize, mut rank: usize) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while end > 0 {
        let way = ways[end].get(rank)?;
        steps.push(Step {
            range: way.from.0..end,
            id: way.id,
            score: way.score,
        });
        (end, rank) = way.from;
    }
    steps.reverse();
    Some(steps)
}

/// Neighbouring unknown characters are one token.
fn fused(steps: &[Step]) -> Vec<(Range<usize>, Option<u32>)> {
    let mut out: Vec<(Range<usize>, Option<u32>)> = Vec::new();
    for step in steps {
        match out.last_mut() {
            Some((range, None)) if step.id.is_none() => range.end = step.range.end,
            _ => out.push((step.range.clone(), step.id)),
        }
    }
    out
}

/// A piece; what is unknown as its bytes where the vocabulary has those, else as the unknown token.
fn tokens(
    model: &Unigram,
    part: &str,
    range: Range<usize>,
    id: Option<u32>,
) -> Option<Vec<Spelled>> {
    let text = &part[range.clone()];
    if let Some(id) = id {
        let piece = text.to_owned();
        return Some(vec![Spelled { id, piece, range }]);
    }
    // The model knows its unknown token and its bytes, but tells them only by using them.
    let tokens = model.tokenize(text).ok()?;
    let spelled = tokens.into_iter().map(|token| Spelled {
        id: token.id,
        piece: token.value,
        range: range.clone(),
    });
    Some(spelled.collect())
}
