//! Traces by what they are of, within a byte budget. What was used least recently goes first: the
//! insides of layers, which can be made again, and then whole traces.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::intervention::Changes;
use crate::model::{Detail, Prompt};
use crate::trace::Trace;

/// What a trace is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceKey {
    /// The model's hash.
    pub model: Arc<str>,
    pub text: Arc<str>,
    pub prompt: Prompt,
    /// What a person changes in this text's pass.
    pub changes: Arc<Changes>,
    pub detail: Detail,
}

/// One layer's inside of a trace.
pub type InsideKey = (TraceKey, usize);

/// What the window looks at, and so stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Most urgent first.
    pub traces: Vec<TraceKey>,
    pub insides: Vec<InsideKey>,
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
    /// When each inside was last wanted or made.
    insides: BTreeMap<usize, u64>,
}

impl Entry {
    fn set(&mut self, trace: Arc<Trace>, clock: u64) {
        self.bytes = trace.bytes();
        let insides = trace.insides();
        let before = std::mem::take(&mut self.insides);
        let used = |layer| (layer, before.get(&layer).copied().unwrap_or(clock));
        self.insides = insides.map(used).collect();
        self.value = Ok(trace);
    }
}

impl Cache {
    /// The trace of this key, or a full one where an outline is asked for.
    pub fn get(&mut self, key: &TraceKey) -> Option<Result<Arc<Trace>, Arc<str>>> {
        self.clock += 1;
        let clock = self.clock;
        let key = self.key_of(key)?;
        let entry = self.entries.get_mut(&key)?;
        entry.used = clock;
        Some(entry.value.clone())
    }

    /// The key under which a trace of at least this detail lies.
    fn key_of(&self, key: &TraceKey) -> Option<TraceKey> {
        let full = TraceKey {
            detail: Detail::Full,
            ..key.clone()
        };
        [&full, key]
            .into_iter()
            .find(|key| self.entries.contains_key(key))
            .cloned()
    }

    pub fn has(&self, key: &TraceKey) -> bool {
        self.key_of(key).is_some()
    }

    /// The trace of which this inside is missing.
    pub fn lacks(&self, (key, layer): &InsideKey) -> Option<Arc<Trace>> {
        let entry = self.entries.get(&self.key_of(key)?)?;
        let trace = entry.value.as_ref().ok()?;
        (*layer < trace.layers && !trace.has_inside(*layer)).then(|| trace.clone())
    }

    /// Marks what is looked at as just used.
    pub fn touch(&mut self, wanted: &Wanted) {
        self.clock += 1;
        for (key, layer) in &wanted.insides {
            let key = self.key_of(key);
            let entry = key.and_then(|key| self.entries.get_mut(&key));
            if let Some(used) = entry.and_then(|entry| entry.insides.get_mut(layer)) {
                *used = self.clock;
            }
        }
    }

    /// Keeps a result; then what is not `wanted` gives way until the budget holds.
    pub fn put(
        &mut self,
        key: TraceKey,
        value: Result<Arc<Trace>, Arc<str>>,
        budget: usize,
        wanted: &Wanted,
    ) {
        self.clock += 1;
        let mut entry = Entry {
            bytes: 0,
            used: self.clock,
            insides: BTreeMap::new(),
            value: value.clone(),
        };
        if let Ok(trace) = value {
            entry.set(trace, self.clock);
        }
        self.entries.insert(key, entry);
        self.shrink(budget, wanted);
    }

    /// Puts a trace that holds one more inside in the place of the same pass without it.
    pub fn add_inside(
        &mut self,
        key: &TraceKey,
        trace: Arc<Trace>,
        budget: usize,
        wanted: &Wanted,
    ) {
        self.clock += 1;
        let clock = self.clock;
        if let Some(entry) = self.key_of(key).and_then(|key| self.entries.get_mut(&key)) {
            entry.set(trace, clock);
        }
        self.shrink(budget, wanted);
    }

    fn shrink(&mut self, budget: usize, wanted: &Wanted) {
        while self.bytes() > budget {
            if !self.drop_inside(wanted) && !self.drop_trace(wanted) {
                return;
            }
        }
    }

    /// Lets go of the inside that was used least recently; false where all are looked at.
    fn drop_inside(&mut self, wanted: &Wanted) -> bool {
        let kept: Vec<InsideKey> = wanted
            .insides
            .iter()
            .filter_map(|(key, layer)| Some((self.key_of(key)?, *layer)))
            .collect();
        let all = self.entries.iter().flat_map(|(key, entry)| {
            let insides = entry.insides.iter();
            insides.map(move |(layer, used)| (*used, key, *layer))
        });
        let spare =
            all.filter(|(_, key, layer)| !kept.iter().any(|(k, l)| k == *key && l == layer));
        // Among equals the last layer, so that a walk from the first finds most of them.
        let Some((_, key, layer)) =
            spare.min_by_key(|(used, _, layer)| (*used, std::cmp::Reverse(*layer)))
        else {
            return false;
        };
        let key = key.clone();
        let clock = self.clock;
        if let Some(entry) = self.entries.get_mut(&key)
            && let Ok(trace) = &entry.value
        {
            let less = Arc::new(trace.without(layer));
            entry.set(less, clock);
        }
        true
    }

    /// Lets go of the trace that was used least recently; false where all are looked at.
    fn drop_trace(&mut self, wanted: &Wanted) -> bool {
        let spare = self
            .entries
            .iter()
            .filter(|(key, _)| !wanted.traces.contains(key));
        let oldest = spare
            .min_by_key(|(_, entry)| entry.used)
            .map(|(key, _)| key.clone());
        match oldest {
            Some(key) => self.entries.remove(&key).is_some(),
            None => false,
        }
    }

    pub fn bytes(&self) -> usize {
        self.entries.values().map(|entry| entry.bytes).sum()
    }
}
