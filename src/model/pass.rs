//! One forward pass under way.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use super::ModelError;
use super::ops::Rows;
use super::rotary::{Rotary, Turns};
use crate::trace::hook::{Act, HeadWatch, Hook};
use crate::trace::site::Site;

/// The hook, and which rows belong to which text.
pub struct Pass<'a> {
    hook: &'a mut dyn Hook,
    rows: Rows,
    /// The turns of every row, for each rotary that a layer asked for.
    turns: Vec<(Rotary, Arc<Turns>)>,
}

impl<'a> Pass<'a> {
    /// Whole texts of these token counts, packed.
    pub fn new(hook: &'a mut dyn Hook, lengths: impl IntoIterator<Item = usize>) -> Self {
        Self::of_rows(hook, Rows::whole(lengths))
    }

    pub fn of_rows(hook: &'a mut dyn Hook, rows: Rows) -> Self {
        let turns = Vec::new();
        Self { hook, rows, turns }
    }

    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The row range of each text.
    pub fn texts(&self) -> Vec<Range<usize>> {
        self.rows.texts.clone()
    }

    /// The turns of all rows; made once.
    pub fn turns(&mut self, rotary: Rotary) -> Arc<Turns> {
        if let Some((_, turns)) = self.turns.iter().find(|(made, _)| *made == rotary) {
            return turns.clone();
        }
        let mut places = self.rows.places.clone();
        for (text, rows) in self.rows.texts.iter().enumerate() {
            if !self.hook.turns(text) {
                places[rows.clone()].fill(0);
            }
        }
        let turns = Arc::new(rotary.turns(&places));
        self.turns.push((rotary, turns.clone()));
        turns
    }

    /// Who looks at maps that are not kept.
    pub fn heads(&self) -> Option<&dyn HeadWatch> {
        self.hook.heads()
    }

    pub fn wants(&self, site: Site) -> bool {
        self.hook.wants(site)
    }

    /// Whether other tokens see this one where they do not see each other by attention.
    pub fn sees(&self, text: usize, token: usize) -> bool {
        self.hook.sees(text, token)
    }

    /// Shows one text's value and returns what the pass goes on with.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] when the hook says so; [`ModelError::Input`] when it replaces the
    /// value by one of another shape.
    pub fn visit(&mut self, site: Site, text: usize, value: Tensor) -> Result<Tensor, ModelError> {
        if !self.hook.wants(site) {
            return Ok(value);
        }
        match self.hook.visit(site, text, &value)? {
            Act::Keep => Ok(value),
            Act::Stop => Err(ModelError::Stopped),
            Act::Replace(new) if new.dims() == value.dims() => Ok(new),
            Act::Replace(new) => Err(ModelError::Input {
                what: format!("a hook's replacement of {site}"),
                problem: format!("has shape {:?} instead of {:?}", new.dims(), value.dims()),
            }),
        }
    }

    /// Shows heads of a packed value [ΣT, heads, d], each site's text by text as [heads, T, d].
    ///
    /// # Errors
    /// As [`Self::visit`].
    pub fn visit_heads(
        &mut self,
        sites: &[(Site, Range<usize>)],
        value: Tensor,
    ) -> Result<Tensor, ModelError> {
        if !sites.iter().any(|(site, _)| self.hook.wants(*site)) {
            return Ok(value);
        }
        let (mut changed, mut texts) = (false, Vec::with_capacity(self.rows.texts.len()));
        for (text, rows) in self.texts().into_iter().enumerate() {
            let here = value.narrow(0, rows.start, rows.len())?;
            let mut parts = Vec::with_capacity(sites.len() + 1);
            let mut end = 0;
            for (site, heads) in sites {
                let part = here.narrow(1, heads.start, heads.len())?.transpose(0, 1)?;
                let id = part.id();
                let left = self.visit(*site, text, part)?;
                changed |= left.id() != id;
                parts.push(left.transpose(0, 1)?);
                end = heads.end;
            }
            let rest = value.dim(1)? - end;
            if rest > 0 {
                parts.push(here.narrow(1, end, rest)?);
            }
            texts.push(parts);
        }
        // Nobody pays for a new packing where every value was left as it is.
        if !changed {
            return Ok(value);
        }
        let texts = texts.iter().map(|parts| Tensor::cat(parts, 1));
        Ok(Tensor::cat(&texts.collect::<Result<Vec<_>, _>>()?, 0)?)
    }

    /// Shows a packed value [ΣT, n] text by text.
    ///
    /// # Errors
    /// As [`Self::visit`].
    pub fn visit_rows(&mut self, site: Site, value: Tensor) -> Result<Tensor, ModelError> {
        if !self.hook.wants(site) {
            return Ok(value);
        }
        if self.rows.texts.len() == 1 {
            return self.visit(site, 0, value);
        }
        let mut changed = false;
        let mut parts = Vec::with_capacity(self.rows.texts.len());
        for (text, rows) in self.texts().into_iter().enumerate() {
            let part = value.narrow(0, rows.start, rows.len())?;
            let id = part.id();
            let left = self.visit(site, text, part)?;
            changed |= left.id() != id;
            parts.push(left);
        }
        match changed {
            true => Ok(Tensor::cat(&parts, 0)?),
            false => Ok(value),
        }
    }
}
