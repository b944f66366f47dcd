//! Changes as they are written on the command line.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Intervention, Interventions, Scope, Scoped};

/// What can be written, for `--help`.
pub const GRAMMAR: &str = "Changes inside the encoder (--intervene, which may be repeated):
  no-positions            the model is told nothing of places
  no-head:L.H             one attention head writes nothing
  no-attention:L          a layer's attention writes nothing
  no-ffn:L                a layer's feed-forward block writes nothing
  no-neuron:L.N           one neuron is 0 at every token
  no-token:I              no token sees token I, and no pool takes it
  no-piece:PIECE          the same of every token spelled so
  temperature:L=X         attention scores of a layer divided by X; `all` for every layer
  shuffle:SEED            the text's own tokens in a random order
  patch:L                 what leaves a layer taken from the other text (`why` alone)
  patch:L.I               the same of one token
  patch-paired:L, :L.I    the same from each token's partner in the other text
Layers and heads count from 1, tokens and neurons from 0, as the panels number them.
`a:` or `b:` in front holds a change to the first or the second text, as in a:no-head:3.7";

/// Why a change cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{spec}` is no change of the encoder: {problem}")]
pub struct SpellError {
    spec: String,
    problem: String,
}

impl FromStr for Scoped {
    type Err = SpellError;

    fn from_str(spec: &str) -> Result<Self, SpellError> {
        let scopes = [("a:", Scope::A), ("b:", Scope::B)];
        let stripped = scopes
            .iter()
            .find_map(|(prefix, scope)| Some((spec.strip_prefix(prefix)?, *scope)));
        let (rest, scope) = stripped.unwrap_or((spec, Scope::All));
        let read = read(rest).map_err(|problem| SpellError {
            spec: spec.to_owned(),
            problem,
        });
        Ok(Self {
            what: read?,
            scope,
            on: true,
        })
    }
}

impl Interventions {
    /// Those that were written one by one; the later of two about the same thing holds.
    pub fn of(all: &[Scoped]) -> Self {
        let add = |set: Self, one: &Scoped| set.with(one.what.clone(), one.scope);
        all.iter().fold(Self::default(), add)
    }
}

fn read(spec: &str) -> Result<Intervention, String> {
    let (name, rest) = spec.split_once(':').unwrap_or((spec, ""));
    Ok(match name {
        "no-positions" if rest.is_empty() => Intervention::NoPositions,
        "no-positions" => return Err("no-positions stands alone".to_owned()),
        "no-head" => {
            let (layer, head) = pair(name, rest)?;
            let head = from_one(head, "a head")?;
            Intervention::NoHead { layer, head }
        }
        "no-attention" => Intervention::NoAttention {
            layer: from_one(rest, "a layer")?,
        },
        "no-ffn" => Intervention::NoFeedForward {
            layer: from_one(rest, "a layer")?,
        },
        "no-neuron" => {
            let (layer, neuron) = pair(name, rest)?;
            let neuron = number(neuron, "a neuron")?;
            Intervention::NoNeuron { layer, neuron }
        }
        "no-token" => Intervention::NoToken {
            token: number(rest, "a token's place")?,
        },
        "no-piece" if rest.is_empty() => return Err("no-piece needs a piece".to_owned()),
        "no-piece" => Intervention::NoPiece {
            piece: rest.to_owned(),
        },
        "temperature" => temperature(rest)?,
        "shuffle" => Intervention::Shuffle {
            seed: number(rest, "a seed")?,
        },
        "patch" | "patch-paired" => {
            let (layer, token) = match rest.split_once('.') {
                Some((layer, token)) => (layer, Some(number(token, "a token's place")?)),
                None => (rest, None),
            };
            Intervention::Patch {
                layer: from_one(layer, "a layer")?,
                token,
                aligned: name == "patch-paired",
            }
        }
        _ => return Err("see --help for what there is".to_owned()),
    })
}

fn temperature(rest: &str) -> Result<Intervention, String> {
    let Some((layer, degree)) = rest.split_once('=') else {
        return Err("write temperature:all=2.0, or a layer's number in place of all".to_owned());
    };
    let layer = match layer {
        "all" => None,
        layer => Some(from_one(layer, "a layer")?),
    };
    let degree: f64 = degree
        .parse()
        .map_err(|_| format!("`{degree}` is no number"))?;
    if !(0.01..=1e6).contains(&degree) {
        return Err(format!(
            "a temperature of {degree} is not between 0.01 and 1000000"
        ));
    }
    Ok(Intervention::Temperature {
        layer,
        hundredths: (degree * 100.).round() as u32,
    })
}

fn pair<'a>(name: &str, rest: &'a str) -> Result<(usize, &'a str), String> {
    let both = rest.split_once('.');
    let (layer, part) = both.ok_or_else(|| format!("write {name}:LAYER.NUMBER"))?;
    Ok((from_one(layer, "a layer")?, part))
}

fn number<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not the number of {what}"))
}

/// A number that counts from 1, as one that counts from 0.
fn from_one(text: &str, what: &str) -> Result<usize, String> {
    match number::<usize>(text, what)? {
        0 => Err(format!("{what} counts from 1")),
        n => Ok(n - 1),
    }
}

impl fmt::Display for Intervention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPositions => f.write_str("no-positions"),
            Self::NoHead { layer, head } => write!(f, "no-head:{}.{}", layer + 1, head + 1),
            Self::NoAttention { layer } => write!(f, "no-attention:{}", layer + 1),
            Self::NoFeedForward { layer } => write!(f, "no-ffn:{}", layer + 1),
            Self::NoNeuron { layer, neuron } => write!(f, "no-neuron:{}.{neuron}", layer + 1),
            Self::NoToken { token } => write!(f, "no-token:{token}"),
            Self::NoPiece { piece } => write!(f, "no-piece:{piece}"),
            Self::Temperature { layer, hundredths } => {
                let degree = f64::from(*hundredths) / 100.;
                match layer {
                    Some(layer) => write!(f, "temperature:{}={degree}", layer + 1),
                    None => write!(f, "temperature:all={degree}"),
                }
            }
            Self::Shuffle { seed } => write!(f, "shuffle:{seed}"),
            Self::Patch {
                layer,
                token,
                aligned,
            } => {
                let name = if *aligned { "patch-paired" } else { "patch" };
                write!(f, "{name}:{}", layer + 1)?;
                match token {
                    Some(token) => write!(f, ".{token}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_reads_back_as_it_is_written() {
        let specs = [
            "no-positions",
            "no-head:3.7",
            "no-attention:1",
            "no-ffn:2",
            "no-neuron:2.0",
            "no-token:5",
            "no-piece:##ha",
            "temperature:all=2",
            "temperature:3=0.25",
            "shuffle:9",
            "patch:4",
            "patch:4.2",
            "patch-paired:4",
            "patch-paired:4.2",
        ];
        for spec in specs {
            let read: Scoped = spec.parse().unwrap();
            assert_eq!(
                (read.what.to_string().as_str(), read.scope),
                (spec, Scope::All)
            );
        }
        let scoped: Scoped = "b:no-head:3.7".parse().unwrap();
        let head = Intervention::NoHead { layer: 2, head: 6 };
        assert_eq!((scoped.what, scoped.scope), (head, Scope::B));
        for wrong in [
            "",
            "no-head:3",
            "no-head:0.1",
            "no-positions:1",
            "temperature:2",
            "temperature:all=0",
            "temperature:all=warm",
            "no-piece:",
            "patch:",
            "head:1.1",
        ] {
            assert!(wrong.parse::<Scoped>().is_err(), "{wrong}");
        }
    }
}
