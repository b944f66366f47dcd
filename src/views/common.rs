//! One colour range for both columns of A and B, so that colours say the same in either.

use std::any::type_name;
use std::hash::Hash;
use std::sync::Arc;

use egui::{Id, Ui};

use super::ViewContext;
use super::recorded::key_of;
use crate::app::state::{Beside, Side};
use crate::widgets::Scale;

/// What each column last said of one quantity: A, then B.
type Said<T> = [Option<T>; 2];

impl ViewContext<'_> {
    /// A scale that covers these values and those of the same quantity in the other column, where the
    /// columns are of two texts; otherwise `own`. `quantity` names what is coloured, in which panel and
    /// in which state of its controls. The other column's range is the one that it last had.
    pub(super) fn common_scale(&self, ui: &Ui, quantity: impl Hash, own: Scale) -> Scale {
        match own.min.is_finite() && own.max.is_finite() {
            true => {
                let other = self.others(ui, quantity, own);
                other.map_or(own, |other| own.union(other))
            }
            // Never equal to itself: the columns would not settle.
            false => own,
        }
    }

    /// The same for a list of reaches, one for each of so many maps: the larger of every two.
    pub(super) fn common_reaches(
        &self,
        ui: &Ui,
        quantity: impl Hash,
        own: &Arc<[f32]>,
    ) -> Arc<[f32]> {
        if !own.iter().all(|reach| reach.is_finite()) {
            return own.clone();
        }
        match self.others(ui, quantity, own.clone()) {
            Some(other) if other.len() == own.len() => {
                own.iter().zip(&*other).map(|(a, b)| a.max(*b)).collect()
            }
            _ => own.clone(),
        }
    }

    /// Tells the other column what this one has, and what that one had last.
    fn others<T>(&self, ui: &Ui, quantity: impl Hash, own: T) -> Option<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        if self.beside != Some(Beside::Texts) {
            return None;
        }
        let column = usize::from(self.side == Side::B);
        let id = Id::unique((type_name::<Said<T>>(), key_of(quantity)));
        let (other, changed) = ui.data_mut(|data| {
            let said = data.get_temp_mut_or_insert_with::<Said<T>>(id, || [None, None]);
            let changed = said[column].as_ref() != Some(&own);
            said[column] = Some(own);
            (said[1 - column].clone(), changed)
        });
        if changed {
            // The other column may have been painted already.
            ui.ctx().request_repaint();
        }
        other
    }
}
