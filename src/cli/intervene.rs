//! `--intervene`.

use super::Failure;
use crate::cancel::Cancel;
use crate::model::intervention::{Changes, Intervention, Interventions, Place, Scope, Scoped};
use crate::model::{Model, Prompt};
use crate::tokens::Tokens;
use crate::trace::Trace;

/// What is switched off or changed inside the encoder.
#[derive(clap::Args, Debug, Default)]
pub struct InterveneArgs {
    /// Switch something inside the encoder off or change it, as in `no-head:3.7` or
    /// `temperature:all=2`; may be repeated [--help lists what there is]
    #[arg(long, value_name = "SPEC")]
    pub intervene: Vec<Scoped>,
}

impl InterveneArgs {
    pub fn is_empty(&self) -> bool {
        self.intervene.is_empty()
    }

    /// Every change.
    pub fn all(&self) -> Interventions {
        Interventions::of(&self.intervene)
    }

    /// What holds in one text by itself.
    ///
    /// # Errors
    /// Where a change needs a second text.
    pub fn alone(&self) -> Result<Changes, Failure> {
        let two = |one: &&Scoped| {
            one.scope != Scope::All || matches!(one.what, Intervention::Patch { .. })
        };
        if let Some(one) = self.intervene.iter().find(two) {
            return Err(Failure::Usage(format!(
                "--intervene {}: needs two texts, as `why` has",
                one.what
            )));
        }
        Ok(self.all().changes(Place::default(), None))
    }

    /// What holds in A or in B.
    pub fn of_side(&self, is_a: bool, other: &str) -> Changes {
        let (a, b) = (is_a, !is_a);
        self.all().changes(Place { a, b }, Some(&other.into()))
    }
}

/// One text's trace with its changes, whole where it takes at most so many bytes.
pub fn trace(
    model: &Model,
    text: (&str, &Prompt),
    changes: &Changes,
    most: usize,
) -> Result<Trace, Failure> {
    let watch = |_: &Tokens| None;
    Ok(model.trace_changed(text, changes, most, &watch, &Cancel::new())?)
}
