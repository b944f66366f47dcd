//! What a person switches off or changes inside the encoder, as data.
//!
//! Layers, heads, neurons and tokens count from 0 here. Positions, the order of the tokens and hidden
//! tokens are changes of what goes in; everything else is a [`crate::trace::hook::Hook`].

mod applied;
mod patch;
mod run;
mod spell;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use applied::{Applied, Intervening};
pub use spell::GRAMMAR;

/// One change of a forward pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Intervention {
    /// The model is told nothing of places: rows of a position table are zeros, rotary positions do
    /// not turn, and what distances add to scores (buckets, ALiBi, disentangled terms) is 0. A causal
    /// or windowed mask stays, and so does a convolution, so such a model may still tell orders apart.
    NoPositions,
    /// One head's columns in front of the output projection are zeros; the projection's bias stays.
    NoHead { layer: usize, head: usize },
    /// A layer's attention writes zeros, bias included, in front of the residual sum (and of a norm of
    /// what is written, where the model has one).
    NoAttention { layer: usize },
    /// The same of a layer's feed-forward block.
    NoFeedForward { layer: usize },
    /// One neuron is 0 at every token after the activation.
    NoNeuron { layer: usize, neuron: usize },
    /// One token by its place in the text as it was tokenized, before any shuffling: no other token
    /// sees it as a key or in a convolution, in any layer, and no pool takes it. It still sees the others and itself, and
    /// they keep their places.
    NoToken { token: usize },
    /// The same of every token that the vocabulary spells like this; a text without one is unchanged.
    NoPiece { piece: String },
    /// Attention scores, what positions add included, are divided by this many hundredths before the
    /// softmax: above 100 patterns get flatter, below sharper. Of one layer or of all; where both are
    /// there the layer's own holds.
    Temperature {
        layer: Option<usize>,
        hundredths: u32,
    },
    /// The text's own tokens in a random order, the same for the same seed and count. Special tokens
    /// and the prompt's stay where they are.
    Shuffle { seed: u64 },
    /// What leaves a layer is taken from the other text's run, A's from B and B's from A: of one token
    /// or of all tokens. Each takes that of its partner in the other text where `aligned`, and keeps
    /// its own where it has none; otherwise that of the same place, and all of them only where both
    /// texts have as many. The other run has its own changes, patches left out. Texts that are neither
    /// A nor B have no other text, and are not patched.
    Patch {
        layer: usize,
        token: Option<usize>,
        /// Older files know the same place alone.
        #[serde(default)]
        aligned: bool,
    },
}

impl Intervention {
    /// What leaves a layer from the partners in the other text: of one token, or of all.
    pub fn patch(layer: usize, token: Option<usize>) -> Self {
        Self::Patch {
            layer,
            token,
            aligned: true,
        }
    }

    /// For a person: `L3 · head 7 off`. Layers and heads count from 1, tokens and neurons from 0.
    pub fn title(&self) -> String {
        match self {
            Self::NoPositions => "positions off".to_owned(),
            Self::NoHead { layer, head } => format!("L{} · head {} off", layer + 1, head + 1),
            Self::NoAttention { layer } => format!("L{} · attention off", layer + 1),
            Self::NoFeedForward { layer } => format!("L{} · feed-forward off", layer + 1),
            Self::NoNeuron { layer, neuron } => format!("L{} · neuron {neuron} off", layer + 1),
            Self::NoToken { token } => format!("token {token} hidden"),
            Self::NoPiece { piece } => format!("“{piece}” hidden"),
            Self::Temperature { hundredths, .. } => {
                format!("{} {:.2}", self.name(), f64::from(*hundredths) / 100.)
            }
            Self::Shuffle { seed } => format!("tokens shuffled ({seed})"),
            Self::Patch {
                layer,
                token,
                aligned,
            } => {
                let what = token.map_or("states".to_owned(), |token| format!("token {token}"));
                let way = if *aligned { "paired" } else { "same place" };
                format!("L{} · {what} from the other text, {way}", layer + 1)
            }
        }
    }

    /// The title without a degree, where that stands beside it.
    pub fn name(&self) -> String {
        match self {
            Self::Temperature { layer: None, .. } => "temperature".to_owned(),
            Self::Temperature {
                layer: Some(layer), ..
            } => format!("L{} · temperature", layer + 1),
            _ => self.title(),
        }
    }

    /// What it is about: of two changes about the same thing in the same texts the later holds.
    fn same_thing(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Temperature { layer: a, .. }, Self::Temperature { layer: b, .. }) => a == b,
            (Self::Shuffle { .. }, Self::Shuffle { .. }) => true,
            (
                Self::Patch { layer, token, .. },
                Self::Patch {
                    layer: l, token: t, ..
                },
            ) => (layer, token) == (l, t),
            _ => self == other,
        }
    }

    /// The layer that it needs, if any.
    pub fn layer(&self) -> Option<usize> {
        match *self {
            Self::NoHead { layer, .. }
            | Self::NoAttention { layer }
            | Self::NoFeedForward { layer }
            | Self::NoNeuron { layer, .. }
            | Self::Patch { layer, .. } => Some(layer),
            Self::Temperature { layer, .. } => layer,
            _ => None,
        }
    }
}

/// In which texts a change holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    A,
    B,
    /// In every text of the list.
    #[default]
    All,
}

impl Scope {
    pub const ALL: [Self; 3] = [Self::All, Self::A, Self::B];

    pub fn title(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::All => "all texts",
        }
    }
}

/// What a text is compared as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub a: bool,
    pub b: bool,
}

impl Place {
    fn is_in(self, scope: Scope) -> bool {
        match scope {
            Scope::A => self.a,
            Scope::B => self.b,
            Scope::All => true,
        }
    }

    /// Where the text that it is compared with stands.
    fn other(self) -> Option<Self> {
        let (a, b) = (self.b, self.a);
        (a != b).then_some(Self { a, b })
    }
}

/// A change with the texts that it holds in, and whether it does so now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scoped {
    pub what: Intervention,
    #[serde(default)]
    pub scope: Scope,
    /// False where a person has put it aside.
    #[serde(default = "yes")]
    pub on: bool,
}

fn yes() -> bool {
    true
}

/// Every change of a session, in the order in which a person made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Interventions(pub Vec<Scoped>);

impl Interventions {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many hold now.
    pub fn active(&self) -> usize {
        self.0.iter().filter(|one| one.on).count()
    }

    /// With one more; it takes the place of one about the same thing in the same texts.
    pub fn with(&self, what: Intervention, scope: Scope) -> Self {
        let mut all = self.clone();
        let same = |one: &&mut Scoped| one.scope == scope && one.what.same_thing(&what);
        let on = true;
        match all.0.iter_mut().find(same) {
            Some(one) => (one.what, one.on) = (what, on),
            None => all.0.push(Scoped { what, scope, on }),
        }
        all
    }

    /// Without the one at `index`.
    pub fn without(&self, index: usize) -> Self {
        let mut all = self.clone();
        if index < all.0.len() {
            all.0.remove(index);
        }
        all
    }

    /// With the one at `index` put aside, or taken up again.
    pub fn toggled(&self, index: usize) -> Self {
        let mut all = self.clone();
        if let Some(one) = all.0.get_mut(index) {
            one.on = !one.on;
        }
        all
    }

    /// The place of this very change, in whatever texts.
    pub fn find(&self, what: &Intervention) -> Option<usize> {
        self.0.iter().position(|one| one.what == *what)
    }

    /// What holds for a text that is compared as `place`; `other` is the text that it is compared with.
    pub fn changes(&self, place: Place, other: Option<&Arc<str>>) -> Changes {
        let at = |place: Place| {
            let held = self
                .0
                .iter()
                .filter(move |one| one.on && place.is_in(one.scope));
            held.map(|one| one.what.clone())
        };
        let other = other.zip(place.other()).map(|(text, place)| Other {
            text: text.clone(),
            list: at(place).filter(|what| !is_patch(what)).collect(),
        });
        let list = at(place).filter(|what| other.is_some() || !is_patch(what));
        let list: Vec<Intervention> = list.collect();
        // Without a patch the other text does not matter, and what is kept by text stays valid.
        let other = other.filter(|_| list.iter().any(is_patch));
        Changes { list, other }
    }
}

fn is_patch(what: &Intervention) -> bool {
    matches!(what, Intervention::Patch { .. })
}

/// What a person changes in the pass of one text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Changes {
    pub list: Vec<Intervention>,
    /// Where patches come from; only where there are some.
    pub other: Option<Other>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The titles, joined.
    pub fn title(&self) -> String {
        let titles: Vec<String> = self.list.iter().map(Intervention::title).collect();
        titles.join(", ")
    }
}

/// The text that patches come from, with the changes of its own run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Other {
    pub text: Arc<str>,
    pub list: Vec<Intervention>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_holds_where_it_is_said_to_and_the_later_one_wins() {
        let head = Intervention::NoHead { layer: 2, head: 6 };
        let warm = |hundredths| Intervention::Temperature {
            layer: None,
            hundredths,
        };
        let patch = Intervention::patch(0, None);
        let all = Interventions::default()
            .with(head.clone(), Scope::A)
            .with(warm(200), Scope::All)
            .with(patch.clone(), Scope::A)
            .with(warm(300), Scope::All);
        assert_eq!(all.0.len(), 3);
        let (a, b) = (Place { a: true, b: false }, Place { a: false, b: true });
        let other: Arc<str> = "b".into();
        let of_a = all.changes(a, Some(&other));
        assert_eq!(of_a.list, [head, warm(300), patch]);
        let donor = of_a.other.unwrap();
        assert_eq!((&*donor.text, &donor.list[..]), ("b", &[warm(300)][..]));
        let rest = Changes {
            list: vec![warm(300)],
            other: None,
        };
        assert_eq!(all.changes(b, Some(&other)), rest);
        assert_eq!(all.changes(Place::default(), None), rest);
        // A text held against itself has no other.
        assert_eq!(
            all.changes(Place { a: true, b: true }, Some(&other)).other,
            None
        );
        let same = |aligned| Intervention::Patch {
            layer: 0,
            token: None,
            aligned,
        };
        assert_eq!(
            all.with(same(false), Scope::A).0.len(),
            3,
            "the other way to take the same states takes its place"
        );
        let old = r#"{"Patch":{"layer":0,"token":null}}"#;
        let old: Intervention = serde_json::from_str(old).unwrap();
        assert_eq!(old, same(false), "an older file means the same place");
        assert_eq!(all.toggled(1).changes(b, None), Changes::default());
        assert_eq!((all.active(), all.toggled(1).active()), (3, 2));
        let file = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Interventions>(&file).unwrap(), all);
    }
}
