//! A text's pass with its changes.

use std::sync::Arc;
use std::time::Instant;

use candle_core::Tensor;

use super::patch::Donors;
use super::{Applied, Changes, Intervening};
use crate::cancel::Cancel;
use crate::model::ops::Ops;
use crate::model::{Detail, HeadOptions, Model, ModelError, Prompt};
use crate::tokens::Tokens;
use crate::trace::hook::{Chain, HeadWatch, Hook, Recorder, StopWhen, Watching};
use crate::trace::{LayerSite, Site, Trace};

/// Bytes of one layer's maps up to which scores may be changed: the whole maps are made for that.
const MOST_MAPS: usize = 2 << 30;

/// What leaves some layers: the layer, and [T, D].
type States = Vec<(usize, Tensor)>;

impl Model {
    /// A text's tokens as its changes leave them, and those changes ready to run.
    ///
    /// # Errors
    /// [`ModelError::Input`] that names the change which this model or text cannot have, and why;
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn apply(
        &self,
        text: &str,
        prompt: &Prompt,
        changes: &Changes,
        cancel: &Cancel,
    ) -> Result<(Tokens, Applied), ModelError> {
        let mut tokens = self.tokens(text, prompt)?;
        if changes.is_empty() {
            return Ok((tokens, Applied::default()));
        }
        let mut applied = Applied::new(self.spec(), changes, &mut tokens)?;
        if applied.needs_maps() && self.map_bytes(tokens.len()) > MOST_MAPS {
            return Err(ModelError::Input {
                what: format!("the changes {}", changes.title()),
                problem: format!(
                    "need whole maps of attention, too large for a text of {} tokens; shorten it or remove them",
                    tokens.len()
                ),
            });
        }
        if let Some((other, states)) = self.others(&applied, prompt, changes, cancel)? {
            let texts = Donors::new(&tokens, &other, &changes.list, cancel)?;
            for (layer, states) in states {
                applied.give(layer, states, &texts)?;
            }
        }
        Ok((tokens, applied))
    }

    /// The other text's tokens, and what leaves each patched layer in its run, [T, D]; none where
    /// nothing is patched.
    fn others(
        &self,
        applied: &Applied,
        prompt: &Prompt,
        changes: &Changes,
        cancel: &Cancel,
    ) -> Result<Option<(Tokens, States)>, ModelError> {
        let layers = applied.patched();
        if layers.is_empty() {
            return Ok(None);
        }
        let Some(other) = &changes.other else {
            return Err(ModelError::Input {
                what: format!("the changes {}", changes.title()),
                problem: "take states from another text, and there is none; remove the patch"
                    .to_owned(),
            });
        };
        let of_other = Changes {
            list: other.list.clone(),
            other: None,
        };
        let (tokens, applied) = self.apply(&other.text, prompt, &of_other, cancel)?;
        let wanted = |site| match site {
            Site::Layer(l, LayerSite::ResidOut) => layers.contains(&l),
            _ => false,
        };
        let mut recorder = Recorder::new(wanted);
        let (mut stop, mut intervening) = (StopWhen(cancel), Intervening(vec![&applied]));
        let mut hook = Chain(vec![&mut stop, &mut intervening, &mut recorder]);
        self.encoder.forward(&[&tokens], &mut hook)?;
        let states = recorder.take(0).into_iter();
        let of_layer = |(site, states)| match site {
            Site::Layer(l, _) => Some((l, states)),
            _ => None,
        };
        Ok(Some((tokens, states.filter_map(of_layer).collect())))
    }

    /// Records one text with its changes, as [`Self::trace_watched`] does without any. What the trace
    /// lacks comes back by [`Self::recall`] with the same changes.
    ///
    /// # Errors
    /// As [`Self::apply`] and [`Self::trace`].
    pub fn trace_changed(
        &self,
        (text, prompt): (&str, &Prompt),
        changes: &Changes,
        most: usize,
        watch: &dyn Fn(&Tokens) -> Option<Arc<dyn HeadWatch>>,
        cancel: &Cancel,
    ) -> Result<Trace, ModelError> {
        let started = Instant::now();
        let (tokens, applied) = self.apply(text, prompt, changes, cancel)?;
        let tokens = Arc::new(tokens);
        let detail = match self.full_bytes(tokens.len()) <= most {
            true => Detail::Full,
            false => Detail::Outline,
        };
        // Only the tiles of the fused path show maps that are not kept.
        let mut layers = self.encoder.weights.layers.iter();
        let staged = applied.needs_maps() || layers.any(|layer| layer.relative.is_some());
        let tiled = detail == Detail::Outline && !staged && self.encoder.ops == Ops::Fused;
        let watch = if tiled { watch(&tokens) } else { None };
        let mut watching = watch.clone().map(Watching);
        let mut recorder = Recorder::new(|site| detail.keeps(site));
        let (mut stop, mut intervening) = (StopWhen(cancel), Intervening(vec![&applied]));
        let mut hooks: Vec<&mut dyn Hook> = vec![&mut stop, &mut intervening, &mut recorder];
        hooks.extend(watching.as_mut().map(|watching| watching as &mut dyn Hook));
        self.run(&[&tokens], self.options(), &mut Chain(hooks))?;
        let values = recorder.take(0);
        let trace = self.traced(tokens, started, values)?.with_watched(watch);
        Ok(trace.with_interventions(Arc::new(applied)))
    }

    /// The sentence vector [E] of one text with its changes.
    ///
    /// # Errors
    /// As [`Self::trace_changed`].
    pub fn embed_changed(
        &self,
        (text, prompt): (&str, &Prompt),
        changes: &Changes,
        options: HeadOptions,
        cancel: &Cancel,
    ) -> Result<Vec<f32>, ModelError> {
        let (tokens, applied) = self.apply(text, prompt, changes, cancel)?;
        let (mut stop, mut intervening) = (StopWhen(cancel), Intervening(vec![&applied]));
        let mut hook = Chain(vec![&mut stop, &mut intervening]);
        let vectors = self.run(&[&tokens], options, &mut hook)?;
        match vectors.first() {
            Some(vector) => Ok(vector.to_vec1()?),
            None => Err(ModelError::NoTokens),
        }
    }
}
