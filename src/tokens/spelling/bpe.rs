//! Byte-pair encoding: neighbours become one, the earliest learned pair first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use tokenizers::Model as _;
use tokenizers::models::bpe::BPE;

use super::{Merge, Spelled, Spelling, Trail, whole};

/// (left, right) to (rank, what they become).
#[derive(Default)]
pub struct Merges(HashMap<(u32, u32), (u32, u32)>);

impl Merges {
    /// The model keeps its merges to itself, but not in the file's form.
    pub fn of(model: &BPE) -> Result<Self, serde_json::Error> {
        #[derive(serde::Deserialize)]
        struct File {
            merges: Vec<(String, String)>,
        }
        let file: File = serde_json::from_slice(&serde_json::to_vec(model)?)?;
        let vocabulary = model.get_vocab();
        let prefix = model.continuing_subword_prefix.as_deref().unwrap_or("");
        let merges = file.merges.iter().zip(0..).filter_map(|(pair, rank)| {
            let (left, right) = pair;
            let made = format!("{left}{}", right.strip_prefix(prefix).unwrap_or(right));
            let id = |piece: &str| vocabulary.get(piece).copied();
            Some(((id(left)?, id(right)?), (rank, id(&made)?)))
        });
        Ok(Self(merges.collect()))
    }
}

/// A character that has no piece where there is no unknown token is left out.
pub fn spelling(model: &BPE, merges: &Merges, part: &str) -> Option<Spelling> {
    if model.ignore_merges
        && let Some(id) = model.token_to_id(part)
    {
        return Some(whole(part, id, part.to_owned(), Trail::Whole));
    }
    let start = start(model, part);
    let mut chain = Chain::new(&start);
    let merged = chain.merge_all(merges, &start);
    let spell = |id: u32, range: Range<usize>| Spelled {
        piece: model.id_to_token(id).unwrap_or_default(),
        id,
        range,
    };
    let pieces = chain.left(&start).map(|(id, range)| spell(id, range));
    let merge = |m: &Merged| Merge {
        rank: m.rank,
        left: model.id_to_token(m.pair.0).unwrap_or_default(),
        right: model.id_to_token(m.pair.1).unwrap_or_default(),
        made: spell(m.made, m.range.clone()),
    };
    Some(Spelling {
        text: part.to_owned(),
        pieces: pieces.collect(),
        trail: Trail::Merges {
            merges: merged.iter().map(merge).collect(),
            start,
        },
    })
}

/// The characters that it begins with, each as a piece, as bytes, or as the unknown token.
fn start(model: &BPE, part: &str) -> Vec<Spelled> {
    let mut out: Vec<Spelled> = Vec::new();
    let mut unknown: Option<Range<usize>> = None;
    let end = part.len();
    for (at, c) in part.char_indices() {
        let range = at..at + c.len_utf8();
        let name = affixed(model, c, at == 0, range.end == end);
        if let Some(id) = model.token_to_id(&name) {
            out.extend(unknown.take().and_then(|range| unknown_at(model, range)));
            out.push(Spelled {
                id,
                piece: name,
                range,
            });
            continue;
        }
        if let Some(bytes) = bytes_of(model, &name, at) {
            out.extend(bytes);
            continue;
        }
        unknown = match unknown.take() {
            Some(before) if model.fuse_unk => Some(before.start..range.end),
            before => {
                out.extend(before.and_then(|range| unknown_at(model, range)));
                Some(range)
            }
        };
    }
    out.extend(unknown.and_then(|range| unknown_at(model, range)));
    out
}

/// A character with the marks that some vocabularies put before a continuation and behind an end.
fn affixed(model: &BPE, c: char, first: bool, last: bool) -> String {
    let prefix = model.continuing_subword_prefix.as_deref();
    let suffix = model.end_of_word_suffix.as_deref();
    let prefix = prefix.filter(|_| !first).unwrap_or("");
    format!("{prefix}{c}{}", suffix.filter(|_| last).unwrap_or(""))
}

fn bytes_of(model: &BPE, name: &str, at: usize) -> Option<Vec<Spelled>> {
    if !model.byte_fallback {
        return None;
    }
    let one = |(k, byte): (usize, u8)| {
        let piece = format!("<0x{byte:02X}>");
        let id = model.token_to_id(&piece)?;
        let range = at + k..at + k + 1;
        Some(Spelled { id, piece, range })
    };
    name.bytes().enumerate().map(one).collect()
}

fn unknown_at(model: &BPE, range: Range<usize>) -> Option<Spelled> {
    let piece = model.unk_token.clone()?;
    let id = model.token_to_id(&piece)?;
    Some(Spelled { id, piece, range })
}

/// One merge by numbers.
struct Merged {
    rank: u32,
    pair: (u32, u32),
    made: u32,
    range: Range<usize>,
}

/// Symbols that know their neighbours; a symbol that was taken in has no id.
struct Chain {
    ids: Vec<Option<u32>>,
    /// The symbol behind each, or their number.
    next: Vec<usize>,
    before: Vec<Option<usize>>,
}

impl Chain {
    fn new(start: &[Spelled]) -> Self {
        Self {
            ids: start.iter().map(|s| Some(s.id)).collect(),
            next: (1..=start.len()).collect(),
            before: (0..start.len()).map(|i| i.checked_sub(1)).collect(),
        }
    }

    fn pair(&self, at: usize) -> Option<(u32, u32)> {
        let right = self.ids.get(self.next[at]).copied().flatten()?;
        Some((self.ids[at]?, right))
    }

    /// Always the pair of the lowest rank, and of those the first.
    fn merge_all(&mut self, merges: &Merges, start: &[Spelled]) -> Vec<Merged> {
        let mut queue = BinaryHeap::new();
        let mut done = Vec::new();
        (0..self.ids.len()).for_each(|at| self.offer(merges, at, &mut queue));
        while let Some(Reverse((rank, at))) = queue.pop() {
            let Some(pair) = self.pair(at) else { continue };
            // Its neighbours may have changed since it was put down.
            let Some(&(now, made)) = merges.0.get(&pair).filter(|m| m.0 == rank) else {
                continue;
            };
            let taken = self.next[at];
            (self.ids[at], self.ids[taken]) = (Some(made), None);
            self.next[at] = self.next[taken];
            if let Some(before) = self.before.get_mut(self.next[at]) {
                *before = Some(at);
            }
            let end = start[self.next[at] - 1].range.end;
            done.push(Merged {
                rank: now,
                pair,
                made,
                range: start[at].range.start..end,
            });
            if let Some(before) = self.before[at] {
                self.offer(merges, before, &mut queue);
            }
            self.offer(merges, at, &mut queue);
        }
        done
    }

    fn offer(&self, merges: &Merges, at: usize, queue: &mut BinaryHeap<Reverse<(u32, usize)>>) {
        let known = self.pair(at).and_then(|pair| merges.0.get(&pair));
        queue.extend(known.map(|&(rank, _)| Reverse((rank, at))));
    }

    /// The symbols that are left, with the bytes that they stand for.
    fn left<'a>(&'a self, start: &'a [Spelled]) -> impl Iterator<Item = (u32, Range<usize>)> + 'a {
        let place = |(at, id): (usize, &Option<u32>)| {
            let range = start[at].range.start..start[self.next[at] - 1].range.end;
            id.map(|id| (id, range))
        };
        self.ids.iter().enumerate().filter_map(place)
    }
}
