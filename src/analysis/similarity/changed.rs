//! Which methods hold for a run that a person has changed, and what the others say.
//!
//! What reads the trace alone (pairs, dims, common, layers, leaving out of the pool) holds whatever was
//! changed. Ablation and patching go on from recorded states with the same changes. What puts the
//! trace together with the model's weights holds where the weights still do what they did. The rest
//! encodes texts anew and would explain the untouched model, so it refuses.

use super::Method;
use crate::model::ModelError;
use crate::model::intervention::Intervention;
use crate::trace::Trace;

/// The first change of either text that this method does not hold under.
pub fn hindrance(method: Method, traces: [&Trace; 2]) -> Option<&Intervention> {
    let mut all = traces
        .into_iter()
        .flat_map(|trace| &trace.interventions.changes.list);
    all.find(|what| !holds(method, what))
}

/// Whether a method explains a run with this change.
pub fn holds(method: Method, what: &Intervention) -> bool {
    use Intervention::{NoNeuron, NoPiece, NoPositions, NoToken, Shuffle, Temperature};
    let of_inputs = matches!(
        what,
        NoPositions | NoToken { .. } | NoPiece { .. } | Shuffle { .. } | Temperature { .. }
    );
    match method {
        Method::Pairs | Method::Dims | Method::Common | Method::Layers => true,
        Method::Ablation | Method::Patching => true,
        // Patterns, norms and what is pooled are read from the trace; what is switched off would be
        // added up again from its weights.
        Method::Input => of_inputs,
        // What a feed-forward block wrote is read as it was recorded.
        Method::Components => of_inputs || matches!(what, NoNeuron { .. }),
        Method::LeaveOneOut | Method::Shapley | Method::Integrated => false,
    }
}

/// # Errors
/// [`ModelError::Input`] that says which change stands in the way of this method.
pub fn check(method: Method, traces: [&Trace; 2]) -> Result<(), ModelError> {
    match hindrance(method, traces) {
        None => Ok(()),
        Some(what) => Err(ModelError::Input {
            what: format!("the method `{}`", method.name()),
            problem: format!("does not hold {}", under(what)),
        }),
    }
}

/// For analyses that encode texts anew.
///
/// # Errors
/// [`ModelError::Input`] where one of the runs was changed.
pub fn untouched(analysis: &str, traces: [&Trace; 2]) -> Result<(), ModelError> {
    let mut all = traces
        .into_iter()
        .flat_map(|trace| &trace.interventions.changes.list);
    match all.next() {
        None => Ok(()),
        Some(what) => Err(ModelError::Input {
            what: analysis.to_owned(),
            problem: format!(
                "runs the untouched model again and does not hold {}",
                under(what)
            ),
        }),
    }
}

fn under(what: &Intervention) -> String {
    format!(
        "under the change “{}”; switch it off to see what explains the model as it is",
        what.title()
    )
}
