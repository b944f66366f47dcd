//! Where each token's state comes from, where it is taken from the other text's run.

use candle_core::Tensor;

use super::Intervention;
use super::applied::refused;
use crate::cancel::Cancel;
use crate::model::ModelError;
use crate::tokens::{Pairing, Tokens};

/// What one layer takes from the other text.
#[derive(Clone, Default)]
pub(super) struct Patch {
    /// Each with the place of its token in this run, or none for all of them.
    pub wishes: Vec<(Intervention, Option<usize>)>,
    /// Which row of the other's states takes the place of each of this run's, [T].
    rows: Vec<Option<usize>>,
    /// The other text's `resid_out`, [T of the other, D].
    states: Option<Tensor>,
}

/// The tokens of this run and of the other, and which of them are partners.
pub(super) struct Donors<'a> {
    own: &'a Tokens,
    other: &'a Tokens,
    /// None where nobody asks for partners.
    pairing: Option<Pairing>,
}

impl<'a> Donors<'a> {
    /// # Errors
    /// [`ModelError::Stopped`] once `cancel` is up.
    pub fn new(
        own: &'a Tokens,
        other: &'a Tokens,
        wishes: &[Intervention],
        cancel: &Cancel,
    ) -> Result<Self, ModelError> {
        let aligned =
            |what: &Intervention| matches!(what, Intervention::Patch { aligned: true, .. });
        let pairing = match wishes.iter().any(aligned) {
            true => Some(Pairing::new(own, other, cancel).ok_or(ModelError::Stopped)?),
            false => None,
        };
        Ok(Self {
            own,
            other,
            pairing,
        })
    }

    /// The token of the other text that a patch takes in place of this one; None where it has none.
    fn of(&self, what: &Intervention, token: usize) -> Option<usize> {
        match (what, &self.pairing) {
            (Intervention::Patch { aligned: true, .. }, Some(pairing)) => {
                let pair = pairing.pair_of(0, token)?;
                Some(pairing.pairs.get(pair)?[1])
            }
            _ => (token < self.other.len()).then_some(token),
        }
    }

    /// What one patch takes, [T].
    fn rows(
        &self,
        what: &Intervention,
        token: Option<usize>,
    ) -> Result<Vec<Option<usize>>, ModelError> {
        let (own, others) = (self.own.len(), self.other.len());
        let aligned = matches!(what, Intervention::Patch { aligned: true, .. });
        if let Some(token) = token {
            let Some(from) = self.of(what, token) else {
                return Err(refused(
                    what,
                    match aligned {
                        true => format!(
                            "needs a partner of “{}”, which has none in the other text",
                            self.own.labels.get(token).map_or("?", String::as_str)
                        ),
                        false => {
                            format!(
                                "needs token {token} of the other text, which has only {others}"
                            )
                        }
                    },
                ));
            };
            let mut rows = vec![None; own];
            rows[token] = Some(from);
            return Ok(rows);
        }
        if !aligned && own != others {
            let problem = format!(
                "needs texts of as many tokens, and these have {own} and {others}; take paired tokens instead"
            );
            return Err(refused(what, problem));
        }
        let rows: Vec<Option<usize>> = (0..own).map(|t| self.of(what, t)).collect();
        match rows.iter().any(Option::is_some) {
            true => Ok(rows),
            false => {
                let problem = "needs tokens with a partner in the other text, and there are none";
                Err(refused(what, problem))
            }
        }
    }
}

impl Patch {
    pub fn is_ready(&self) -> bool {
        self.states.is_some()
    }

    /// Takes the other text's states.
    ///
    /// # Errors
    /// [`ModelError::Input`] where the texts do not fit together.
    pub fn give(&mut self, states: Tensor, texts: &Donors<'_>) -> Result<(), ModelError> {
        self.rows = vec![None; texts.own.len()];
        for (what, token) in &self.wishes {
            let taken = texts.rows(what, *token)?;
            for (row, from) in self.rows.iter_mut().zip(taken) {
                *row = from.or(*row);
            }
        }
        self.states = Some(states);
        Ok(())
    }

    /// The states of this run, [T, D], with those that are taken from the other.
    pub fn apply(&self, own: &Tensor) -> candle_core::Result<Tensor> {
        let Some(states) = &self.states else {
            return Ok(own.clone());
        };
        let states = states.to_device(own.device())?;
        let same = self.rows.iter().enumerate().all(|(t, row)| *row == Some(t));
        if same && states.dim(0)? == self.rows.len() {
            return Ok(states);
        }
        let rows = (0..own.dim(0)?).map(|t| match self.rows.get(t) {
            Some(Some(from)) => states.narrow(0, *from, 1),
            _ => own.narrow(0, t, 1),
        });
        Tensor::cat(&rows.collect::<candle_core::Result<Vec<_>>>()?, 0)
    }
}
