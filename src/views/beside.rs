//! One focus in two columns: where it lies in the text, or in the model, of the other one.

use std::sync::Arc;

use super::TextView;
use super::recorded::{key_of, trace_key};
use crate::analysis::alignment::counterpart;
use crate::analysis::difference::Pairing;
use crate::app::state::{Focus, TextId};
use crate::engine::{Derived, Engine};
use crate::model::Model;

/// The passes of two models over the same texts.
#[derive(Clone, Copy)]
pub(crate) struct Models<'a> {
    /// With the traces of both.
    pub texts: &'a [TextView],
    /// Whether a neuron's or a dimension's number names the same place in both.
    pub alike: bool,
}

/// Whether neurons and dimensions of two models can be told by the same numbers.
pub(crate) fn alike(first: &Model, second: &Model) -> bool {
    let sizes = |model: &Model| {
        let spec = model.spec();
        (spec.layers(), spec.heads, spec.hidden, spec.ffn)
    };
    sizes(first) == sizes(second)
}

impl Models<'_> {
    /// A focus of the window in places of the first model's passes, or of the second's where
    /// `reference`. Tokens are met by the characters that they cover; what has no counterpart is not
    /// pointed at.
    pub fn seen_by(self, focus: Focus, reference: bool) -> Focus {
        let own = Focus {
            reference: false,
            ..focus
        };
        if focus.reference == reference {
            return own;
        }
        let met = |token: Option<usize>| token.and_then(|t| self.met(focus.text?, t, reference));
        let numbers = |number: Option<usize>| number.filter(|_| self.alike);
        let across = focus.across;
        let seen = Focus {
            token: met(focus.token),
            other: met(focus.other),
            across: across.and_then(|(text, t)| Some((text, self.met(text, t, reference)?))),
            neuron: numbers(focus.neuron),
            dimension: numbers(focus.dimension),
            head_dimension: numbers(focus.head_dimension),
            ..own
        };
        if focus.token.is_some() && seen.token.is_none() {
            return focus.text.map_or_else(Focus::default, Focus::text);
        }
        let whole = seen.other.is_some() == own.other.is_some()
            && seen.neuron == own.neuron
            && seen.dimension == own.dimension
            && seen.head_dimension == own.head_dimension;
        Focus {
            // A number of which a place is missing is another number.
            site: own.site.filter(|_| whole),
            ..seen
        }
    }

    fn met(self, text: TextId, token: usize, reference: bool) -> Option<usize> {
        let text = self.texts.iter().find(|view| view.id == text)?;
        let (first, second) = (text.trace.as_ref()?, text.reference.as_ref()?);
        match reference {
            true => counterpart(&first.tokens, &second.tokens, token),
            false => counterpart(&second.tokens, &first.tokens, token),
        }
    }
}

/// Which tokens of two texts stand for each other.
#[derive(Default)]
pub(crate) struct TextPartners {
    pairing: Derived<u64, Option<Arc<Pairing>>>,
}

impl TextPartners {
    /// The pairs of these two texts; none until they are there.
    pub fn of(&mut self, engine: &Engine, sides: [&TextView; 2]) -> Option<Arc<Pairing>> {
        let [a, b] = sides;
        let (a, b) = (a.trace.as_ref()?, b.trace.as_ref()?);
        let key = key_of([trace_key(a), trace_key(b)]);
        let (a, b) = (a.tokens.clone(), b.tokens.clone());
        let make = move |cancel: &_| Pairing::new(&a, &b, cancel).map(Arc::new);
        let shown = self.pairing.get(engine, &key, make)?;
        // Pairs of earlier texts would name the wrong tokens.
        shown.current.then(|| (*shown.value).clone()).flatten()
    }
}

/// A focus on either text in places of one of them (column 0 is A's); one without a partner there
/// stays where it is.
pub(crate) fn across(
    focus: Focus,
    sides: [TextId; 2],
    column: usize,
    pairing: Option<&Pairing>,
) -> Focus {
    let (own, other) = (sides[column], sides[1 - column]);
    if focus.text != Some(other) || own == other {
        return focus;
    }
    // What already names a place here means that one.
    let named = focus.across.filter(|(text, _)| *text == own);
    let partner = |token: usize| {
        let pairing = pairing?;
        let pair = pairing.pair_of(1 - column, token)?;
        Some(pairing.pairs.get(pair)?[column])
    };
    let met = named.map(|(_, token)| token);
    let Some(token) = met.or_else(|| focus.token.and_then(partner)) else {
        return focus;
    };
    let second = focus.other.and_then(partner);
    Focus {
        token: Some(token),
        other: second,
        across: focus.token.map(|token| (other, token)),
        // A number of which a place is missing is another number.
        site: focus
            .site
            .filter(|_| second.is_some() == focus.other.is_some()),
        text: Some(own),
        ..focus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDES: [TextId; 2] = [TextId(1), TextId(2)];

    fn pairing() -> Pairing {
        Pairing {
            pairs: vec![[0, 0], [2, 1], [3, 4]],
            labels: vec![String::new(); 3],
            special: vec![false; 3],
            tokens: [4, 5],
        }
    }

    #[test]
    fn a_focus_goes_to_the_partners_in_the_other_text() {
        let pairing = pairing();
        let cell = Focus {
            other: Some(3),
            ..Focus::token(SIDES[0], 2)
        };
        let seen = across(cell, SIDES, 1, Some(&pairing));
        assert_eq!(
            (seen.text, seen.token, seen.other),
            (Some(SIDES[1]), Some(1), Some(4))
        );
        assert_eq!(across(cell, SIDES, 0, Some(&pairing)), cell, "its own");
        let back = across(Focus::token(SIDES[1], 4), SIDES, 0, Some(&pairing));
        assert_eq!((back.text, back.token), (Some(SIDES[0]), Some(3)));
    }

    #[test]
    fn what_has_no_partner_points_at_nothing_there() {
        let pairing = pairing();
        let alone = Focus {
            neuron: Some(7),
            ..Focus::token(SIDES[0], 1)
        };
        let seen = across(alone, SIDES, 1, Some(&pairing));
        assert_eq!(seen, alone, "it stays a place of A, with its neuron");
        assert_eq!(across(alone, SIDES, 1, None), alone, "not paired yet");
        let half = Focus {
            other: Some(1),
            ..Focus::token(SIDES[0], 2)
        };
        let seen = across(half, SIDES, 1, Some(&pairing));
        assert_eq!((seen.token, seen.other), (Some(1), None));
    }
}
