//! What the map shows of each state, and in which colours.

use serde::{Deserialize, Serialize};

use crate::analysis::range::reach;
use crate::analysis::residual::{States, Writes};
use crate::trace::{EmbedSite, LayerSite, Site};
use crate::widgets::Scale;

/// The share of the values that the colours of lengths tell apart.
const CLIP: f64 = 0.995;

/// What is told of a token's state; a way of looking, kept by egui and not by the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Measure {
    #[default]
    Length,
    /// cos with the state before.
    Before,
    /// cos with the last state.
    Last,
    Attention,
    FeedForward,
}

impl Measure {
    pub const ALL: [Self; 5] = [
        Self::Length,
        Self::Before,
        Self::Last,
        Self::Attention,
        Self::FeedForward,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Length => "Length",
            Self::Before => "cos to before",
            Self::Last => "cos to last",
            Self::Attention => "Attention adds",
            Self::FeedForward => "Feed-forward adds",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Self::Length => "|x|: the length of each token's state",
            Self::Before => "How much of its direction a state keeps of the one before: 1 is all",
            Self::Last => "How near a state's direction is to that after the last layer",
            Self::Attention => "The length of what attention adds, against that of resid_in",
            Self::FeedForward => {
                "The length of what the feed-forward block adds, against that of resid_mid"
            }
        }
    }

    /// What stands at the legend.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Length => "|x|",
            Self::Before => "cos(x, x of the layer before)",
            Self::Last => "cos(x, x of the last layer)",
            Self::Attention => "|added by attention| / |resid_in|",
            Self::FeedForward => "|added by feed-forward| / |resid_mid|",
        }
    }

    /// The name of its array.
    pub fn array(self) -> &'static str {
        match self {
            Self::Length => "residual.length",
            Self::Before => "residual.cos_before",
            Self::Last => "residual.cos_last",
            Self::Attention => "residual.attention_share",
            Self::FeedForward => "residual.feed_forward_share",
        }
    }

    /// Which of [`Writes`] it is; none where the states alone tell.
    pub fn part(self) -> Option<usize> {
        match self {
            Self::Attention => Some(0),
            Self::FeedForward => Some(1),
            _ => None,
        }
    }

    /// The site that a state's cell asks for.
    pub fn site(self, state: usize) -> Site {
        let inside = match self {
            Self::Attention => LayerSite::AttnOut,
            Self::FeedForward => LayerSite::FfnOut,
            _ => LayerSite::ResidOut,
        };
        match state.checked_sub(1) {
            Some(layer) => Site::Layer(layer, inside),
            None => Site::Embed(EmbedSite::Out),
        }
    }

    /// Of one row and one state; NaN where there is none, as before the first layer.
    pub fn at(self, states: &States, writes: Option<&Writes>, row: usize, state: usize) -> f64 {
        let of = |all: &[f64]| {
            let value = all.get(row * states.count + state);
            value.copied().unwrap_or(f64::NAN)
        };
        match self {
            Self::Length => of(&states.norms),
            Self::Before => of(&states.before),
            Self::Last => of(&states.last),
            Self::Attention | Self::FeedForward => {
                let share = || Some(writes?.share(self.part()?, row, state.checked_sub(1)?));
                share().unwrap_or(f64::NAN)
            }
        }
    }

    /// Of every token, [T, S].
    pub fn all(self, states: &States, writes: Option<&Writes>) -> Vec<f32> {
        let row = |t| (0..states.count).map(move |s| self.at(states, writes, t, s) as f32);
        (0..states.tokens).flat_map(row).collect()
    }

    /// Why a state has no such figure; `measured` tells whether what the layers add is known.
    pub fn absent(self, measured: bool) -> &'static str {
        match self {
            Self::Attention | Self::FeedForward if !measured => "not measured yet",
            Self::Attention | Self::FeedForward => "nothing is added before the first layer",
            _ => "there is no state before it",
        }
    }

    /// From 0, but for cosines, of which the differences lie near 1.
    pub fn scale(self, values: &[f32]) -> Scale {
        match self {
            Self::Before | Self::Last => cosines(values),
            _ => Scale::amount(reach(&finite(values), CLIP)),
        }
    }
}

/// From the smallest, rounded down to a tenth, to 1.
pub fn cosines(values: &[f32]) -> Scale {
    let least = finite(values).into_iter().fold(0.9_f32, f32::min);
    Scale::range((least * 10.).floor() / 10., 1.)
}

/// Signed, for differences.
pub fn signed(values: &[f32]) -> Scale {
    Scale::signed(reach(&finite(values), CLIP))
}

/// As a map shows them: what there is not is hidden, and no fault.
pub fn hiding(values: &[f32]) -> Vec<f32> {
    let shown = |&x: &f32| if x.is_nan() { f32::NEG_INFINITY } else { x };
    values.iter().map(shown).collect()
}

pub fn finite(values: &[f32]) -> Vec<f32> {
    values.iter().copied().filter(|x| x.is_finite()).collect()
}

/// `embed`, `L1`, …: [S].
pub fn names(count: usize) -> Vec<String> {
    let name = |state: usize| match state {
        0 => "embed".to_owned(),
        layer => format!("L{layer}"),
    };
    (0..count).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_cosines_end_at_1_and_reach_down_to_the_smallest() {
        let scale = cosines(&[f32::NAN, 0.99, 0.37]);
        assert!(
            (scale.min - 0.3).abs() < 1e-6 && scale.max == 1.,
            "{scale:?}"
        );
        assert!(cosines(&[-0.31]).min < -0.31);
        assert!(cosines(&[1.]).min < 1., "equal states have a scale too");
    }

    #[test]
    fn a_cell_asks_for_the_site_that_it_tells_of() {
        assert_eq!(Measure::Length.site(0).to_string(), "embed.out");
        assert_eq!(Measure::Last.site(2).to_string(), "layer.1.resid_out");
        assert_eq!(Measure::Attention.site(2).to_string(), "layer.1.attn_out");
    }
}
