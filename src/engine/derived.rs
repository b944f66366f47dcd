//! A value that a panel derives from traces, computed away from the window.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use super::Engine;
use crate::cancel::Cancel;

/// The latest value of something that follows a key. The old value stays on view until the new one
/// is ready; a key that changes again before that cancels what was under way.
pub struct Derived<K, V> {
    shown: Option<(K, Arc<V>)>,
    pending: Option<Pending<K, V>>,
    lane: Lane,
}

/// Which jobs a value waits for.
#[derive(Clone, Copy)]
enum Lane {
    Quick,
    Slow,
    Apart,
}

struct Pending<K, V> {
    key: K,
    receiver: Receiver<V>,
    cancel: Cancel,
}

/// What there is to see now.
pub struct Shown<V> {
    pub value: Arc<V>,
    /// False while the value belongs to an earlier key.
    pub current: bool,
}

impl<K, V> Default for Derived<K, V> {
    fn default() -> Self {
        Self {
            shown: None,
            pending: None,
            lane: Lane::Quick,
        }
    }
}

impl<K, V> Derived<K, V> {
    /// For what runs the model many times over: it is computed beside the quick ones, which would
    /// otherwise wait for it.
    pub fn slow() -> Self {
        Self {
            lane: Lane::Slow,
            ..Self::default()
        }
    }

    /// For what a person has started and does not wait for: no other job waits for it.
    pub fn apart() -> Self {
        Self {
            lane: Lane::Apart,
            ..Self::default()
        }
    }

    /// Gives up what is under way, as nobody looks any more.
    pub fn stop(&mut self) {
        if let Some(pending) = self.pending.take() {
            pending.cancel.cancel();
        }
    }
}

impl<K: Clone + PartialEq, V: Send + Sync + 'static> Derived<K, V> {
    /// The value of `key`, or the last one before it. `make` runs on the engine's thread, once per
    /// key; it may give up when its flag goes up, as its result is then no longer wanted.
    pub fn get(
        &mut self,
        engine: &Engine,
        key: &K,
        make: impl FnOnce(&Cancel) -> V + Send + 'static,
    ) -> Option<Shown<V>> {
        self.receive();
        let here = self.shown.as_ref().is_some_and(|(shown, _)| shown == key);
        let coming = self
            .pending
            .as_ref()
            .is_some_and(|pending| &pending.key == key);
        if here {
            if let Some(other) = self.pending.take() {
                other.cancel.cancel();
            }
        } else if !coming {
            self.start(engine, key.clone(), make);
        }
        let (shown, value) = self.shown.as_ref()?;
        Some(Shown {
            value: value.clone(),
            current: shown == key,
        })
    }

    /// What there is now, without starting anything. What is under way for another key is given up.
    pub fn peek(&mut self, key: &K) -> Option<Shown<V>> {
        self.receive();
        if self.pending.as_ref().is_some_and(|p| &p.key != key) {
            self.stop();
        }
        let (shown, value) = self.shown.as_ref()?;
        Some(Shown {
            value: value.clone(),
            current: shown == key,
        })
    }

    /// The last value, as one of an earlier key; what is under way goes on.
    pub fn last(&mut self) -> Option<Shown<V>> {
        self.receive();
        let (_, value) = self.shown.as_ref()?;
        Some(Shown {
            value: value.clone(),
            current: false,
        })
    }

    fn receive(&mut self) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        match pending.receiver.try_recv() {
            Ok(value) => self.shown = Some((pending.key, Arc::new(value))),
            Err(TryRecvError::Empty) => self.pending = Some(pending),
            // It panicked. Keeping the key as pending means not trying the same thing for ever.
            Err(TryRecvError::Disconnected) => self.pending = Some(pending),
        }
    }

    fn start(&mut self, engine: &Engine, key: K, make: impl FnOnce(&Cancel) -> V + Send + 'static) {
        if let Some(before) = &self.pending {
            before.cancel.cancel();
        }
        let (sender, receiver) = channel();
        let cancel = Cancel::new();
        self.pending = Some(Pending {
            key,
            receiver,
            cancel: cancel.clone(),
        });
        let job = move || {
            if !cancel.is_cancelled() {
                // Nobody listens any more when the panel has moved on.
                let _ = sender.send(make(&cancel));
            }
        };
        match self.lane {
            Lane::Quick => engine.spawn(job),
            Lane::Slow => engine.spawn_slow(job),
            Lane::Apart => engine.spawn_apart(job),
        }
    }
}
