//! What is derived of one text's pass, away from the window.

use std::sync::Arc;

use crate::analysis::residual::{Pooled, States, Writes};
use crate::engine::Derived;
use crate::model::Model;
use crate::trace::{PoolingMode, Trace};
use crate::views::ViewContext;
use crate::views::subject::{SameTrace, fresh_key};

/// The states of one text, with the trace that they are of.
pub struct Found {
    pub trace: Arc<Trace>,
    pub pooled: Pooled,
    /// None where the trace lacks a layer's output.
    pub states: Option<States>,
    /// Changes with what is in it.
    pub key: u64,
}

/// What the layers of one text add, or why that is not known.
pub struct Wrote {
    pub writes: Result<Writes, String>,
    pub key: u64,
}

type Key = (SameTrace, Option<PoolingMode>);

/// Of the viewed text.
pub struct Both {
    pub found: Arc<Found>,
    /// None while the layers run again.
    pub wrote: Option<Arc<Wrote>>,
    /// False while a newer one is on its way.
    pub current: bool,
}

impl Both {
    pub fn writes(&self) -> Option<&Writes> {
        self.wrote.as_ref()?.writes.as_ref().ok()
    }
}

pub struct Stream {
    states: Derived<Key, Found>,
    writes: Derived<Key, Wrote>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            states: Derived::default(),
            // It may run every layer again.
            writes: Derived::slow(),
        }
    }
}

impl Stream {
    /// None until the first is there.
    pub fn of(&mut self, cx: &ViewContext<'_>, trace: &Arc<Trace>) -> Option<Both> {
        let pooling = cx.state.pooling;
        let key = (SameTrace(trace.clone()), pooling);
        let (model, of) = (cx.model.clone(), trace.clone());
        let make = move |cancel: &_| {
            let pooled = Pooled::new(&model.head, pooling, &of.tokens);
            Found {
                states: States::new(&of, &pooled, cancel),
                trace: of,
                pooled,
                key: fresh_key(),
            }
        };
        let shown = self.states.get(cx.engine, &key, make);
        let (model, of) = (cx.model.clone(), trace.clone());
        let make = move |cancel: &_| wrote(&model, &of, pooling, cancel);
        let wrote = self.writes.get(cx.engine, &key, make);
        let shown = shown?;
        // Those of another pass have other tokens.
        let wrote = wrote.filter(|wrote| wrote.current && shown.current);
        Some(Both {
            found: shown.value,
            wrote: wrote.map(|wrote| wrote.value),
            current: shown.current,
        })
    }
}

fn wrote(
    model: &Model,
    trace: &Trace,
    pooling: Option<PoolingMode>,
    cancel: &crate::cancel::Cancel,
) -> Wrote {
    let pooled = Pooled::new(&model.head, pooling, &trace.tokens);
    let writes = Writes::new(model, trace, &pooled, cancel);
    Wrote {
        writes: writes.map_err(|error| error.to_string()),
        key: fresh_key(),
    }
}
