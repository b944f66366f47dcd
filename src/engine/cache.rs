//! Traces by what they are of, within a byte budget; the least recently used goes first.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Detail, Prompt};
use crate::trace::Trace;

/// What a trace is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceKey {
    /// The model's hash.
    pub model: Arc<str>,
    pub text: Arc<str>,
    pub prompt: Prompt,
    pub detail: Detail,
}

#[derive(Default)]
pub struct Cache {
    entries: HashMap<TraceKey, Entry>,
    clock: u64,
}

struct Entry {
    value: Result<Arc<Trace>, Arc<str>>,
    bytes: usize,
    used: u64,
}

impl Cache {
    /// The trace of this key, or a full one where an outline is asked for.
    pub fn get(&mut self, key: &TraceKey) -> Option<Result<Arc<Trace>, Arc<str>>> {
        self.clock += 1;
        let clock = self.clock;
        let full = TraceKey {
            detail: Detail::Full,
            ..key.clone()
        };
        for key in [&full, key] {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.used = clock;
                return Some(entry.value.clone());
            }
        }
        None
    }

    pub fn has(&self, key: &TraceKey) -> bool {
        let full = TraceKey {
            detail: Detail::Full,
            ..key.clone()
        };
        self.entries.contains_key(&full) || self.entries.contains_key(key)
    }

    /// Keeps a result. What is not in `wanted` gives way, oldest first, until the budget holds.
    pub fn put(
        &mut self,
        key: TraceKey,
        value: Result<Arc<Trace>, Arc<str>>,
        budget: usize,
        wanted: &[TraceKey],
    ) {
        self.clock += 1;
        let bytes = value.as_ref().map_or(0, |trace| trace.bytes());
        let used = self.clock;
        self.entries.insert(key, Entry { value, bytes, used });
        while self.bytes() > budget {
            let spare = self.entries.iter().filter(|(key, _)| !wanted.contains(key));
            let Some(oldest) = spare
                .min_by_key(|(_, e)| e.used)
                .map(|(key, _)| key.clone())
            else {
                break;
            };
            self.entries.remove(&oldest);
        }
    }

    pub fn bytes(&self) -> usize {
        self.entries.values().map(|entry| entry.bytes).sum()
    }
}
