//! The names of everything that a forward pass can be asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How token vectors become one vector. The order is the one in which sentence-transformers
/// concatenates several.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "snake_case")]
pub enum PoolingMode {
    /// The first token.
    Cls,
    /// The largest value of each dimension.
    Max,
    #[default]
    Mean,
    /// The sum over tokens, divided by √T.
    MeanSqrtLenTokens,
    /// Token i (from 1) weighs i.
    #[serde(rename = "weightedmean")]
    WeightedMean,
    /// The last token.
    #[serde(rename = "lasttoken")]
    LastToken,
}

impl PoolingMode {
    pub const ALL: [Self; 6] = [
        Self::Cls,
        Self::Max,
        Self::Mean,
        Self::MeanSqrtLenTokens,
        Self::WeightedMean,
        Self::LastToken,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::MeanSqrtLenTokens => "mean_sqrt_len_tokens",
            Self::WeightedMean => "weightedmean",
            Self::LastToken => "lasttoken",
        }
    }

    /// The name for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cls => "CLS",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::MeanSqrtLenTokens => "mean √len",
            Self::WeightedMean => "weighted mean",
            Self::LastToken => "last token",
        }
    }
}

impl fmt::Display for PoolingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PoolingMode {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let known = Self::ALL.into_iter().find(|mode| mode.name() == text);
        known.ok_or_else(|| SiteError::Pooling(text.to_owned()))
    }
}

/// What one axis of a site counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// T, tokens.
    Token,
    /// T, tokens that ask.
    Query,
    /// T, tokens that are asked.
    Key,
    /// H, attention heads.
    Head,
    /// K, key/value heads.
    KvHead,
    /// d, dimensions of one head.
    HeadDim,
    /// D, dimensions of the residual stream.
    Hidden,
    /// F, feed-forward neurons.
    Neuron,
    /// E, dimensions of the sentence vector.
    Sentence,
}

/// Sites in front of layer 0, each [T, D].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EmbedSite {
    Token,
    Position,
    Type,
    /// What enters layer 0, after the embedding norm.
    Out,
}

/// Sites inside one layer, in the order in which the forward pass reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerSite {
    /// [T, D]
    ResidIn,
    /// [H, T, d], before rotary positions.
    Q,
    /// [K, T, d]
    K,
    /// [K, T, d]
    V,
    /// [H, T, d], as it meets the keys: normed and turned, where the model does either.
    QRot,
    /// [K, T, d]
    KRot,
    /// [H, T, T], scaled q·k alone.
    ScoreContent,
    /// [H, T, T], what distances add: relative, ALiBi, disentangled.
    ScorePosition,
    /// [H, T, T], scaled, biased and masked; before softmax. −∞ where a query does not see a key.
    Scores,
    /// [H, T, T], each row sums to 1.
    Pattern,
    /// [H, T, d], pattern · v.
    HeadOut,
    /// [T, D], after the output projection, before the residual.
    AttnOut,
    /// [T, D], after the attention residual and its norm.
    ResidMid,
    /// [T, F], before the activation; in gated models the factor that no activation takes.
    FfnPre,
    /// [T, F], before the activation; only in gated models.
    FfnGate,
    /// [T, F], what the last product takes: activation(pre), or activation(gate) ⊙ pre.
    FfnAct,
    /// [T, D], before the residual.
    FfnOut,
    /// [T, D], after the feed-forward residual and its norm; only where a convolution is added to it.
    ResidFfn,
    /// [T, D], the convolution of what enters the layer, before the activation.
    ConvPre,
    /// [T, D], what the convolution adds: activation(conv_pre).
    ConvOut,
    /// [T, D]
    ResidOut,
}

impl LayerSite {
    pub const ALL: [Self; 21] = [
        Self::ResidIn,
        Self::Q,
        Self::K,
        Self::V,
        Self::QRot,
        Self::KRot,
        Self::ScoreContent,
        Self::ScorePosition,
        Self::Scores,
        Self::Pattern,
        Self::HeadOut,
        Self::AttnOut,
        Self::ResidMid,
        Self::FfnPre,
        Self::FfnGate,
        Self::FfnAct,
        Self::FfnOut,
        Self::ResidFfn,
        Self::ConvPre,
        Self::ConvOut,
        Self::ResidOut,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ResidIn => "resid_in",
            Self::Q => "q",
            Self::K => "k",
            Self::V => "v",
            Self::QRot => "q_rot",
            Self::KRot => "k_rot",
            Self::ScoreContent => "score_content",
            Self::ScorePosition => "score_position",
            Self::Scores => "scores",
            Self::Pattern => "pattern",
            Self::HeadOut => "head_out",
            Self::AttnOut => "attn_out",
            Self::ResidMid => "resid_mid",
            Self::FfnPre => "ffn_pre",
            Self::FfnGate => "ffn_gate",
            Self::FfnAct => "ffn_act",
            Self::FfnOut => "ffn_out",
            Self::ResidFfn => "resid_ffn",
            Self::ConvPre => "conv_pre",
            Self::ConvOut => "conv_out",
            Self::ResidOut => "resid_out",
        }
    }

    /// True for the states between layers, which every trace keeps; the rest is the layer's inside.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::ResidIn | Self::ResidOut)
    }

    /// True for what grows with the square of the text: [H, T, T].
    pub fn is_map(self) -> bool {
        matches!(
            self,
            Self::ScoreContent | Self::ScorePosition | Self::Scores | Self::Pattern
        )
    }
}

/// One named value of one forward pass of one text; no batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Site {
    /// [T], the only one that is not f32.
    TokenIds,
    Embed(EmbedSite),
    Layer(usize, LayerSite),
    /// [T, D], what is pooled: after the final norm where there is one, and after a mix of layers where
    /// the model has one.
    FinalOut,
    /// [D]
    Pooled(PoolingMode),
    /// [E], after every module that follows the encoder.
    Sentence,
}

impl Site {
    /// What each axis counts, outermost first.
    pub fn axes(self) -> &'static [Axis] {
        use Axis::{Head, HeadDim, Hidden, Key, KvHead, Neuron, Query, Sentence, Token};
        match self {
            Self::TokenIds => &[Token],
            Self::Embed(_) | Self::FinalOut => &[Token, Hidden],
            Self::Pooled(_) => &[Hidden],
            Self::Sentence => &[Sentence],
            Self::Layer(_, site) => match site {
                LayerSite::Q | LayerSite::QRot | LayerSite::HeadOut => &[Head, Token, HeadDim],
                LayerSite::K | LayerSite::KRot | LayerSite::V => &[KvHead, Token, HeadDim],
                LayerSite::ScoreContent
                | LayerSite::ScorePosition
                | LayerSite::Scores
                | LayerSite::Pattern => &[Head, Query, Key],
                LayerSite::FfnPre | LayerSite::FfnGate | LayerSite::FfnAct => &[Token, Neuron],
                LayerSite::ResidIn
                | LayerSite::AttnOut
                | LayerSite::ResidMid
                | LayerSite::FfnOut
                | LayerSite::ResidFfn
                | LayerSite::ConvPre
                | LayerSite::ConvOut
                | LayerSite::ResidOut => &[Token, Hidden],
            },
        }
    }

    /// Every site that an encoder of so many layers can have, in the order of the forward pass.
    pub fn all(layers: usize) -> impl Iterator<Item = Self> {
        use EmbedSite::{Out, Position, Token, Type};
        let embed = [Token, Position, Type, Out].map(Self::Embed);
        let inside = (0..layers).flat_map(|l| LayerSite::ALL.map(|site| Self::Layer(l, site)));
        let pooled = PoolingMode::ALL.map(Self::Pooled);
        std::iter::once(Self::TokenIds)
            .chain(embed)
            .chain(inside)
            .chain([Self::FinalOut])
            .chain(pooled)
            .chain([Self::Sentence])
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenIds => f.write_str("tokens.ids"),
            Self::Embed(EmbedSite::Token) => f.write_str("embed.token"),
            Self::Embed(EmbedSite::Position) => f.write_str("embed.position"),
            Self::Embed(EmbedSite::Type) => f.write_str("embed.type"),
            Self::Embed(EmbedSite::Out) => f.write_str("embed.out"),
            Self::Layer(layer, site) => write!(f, "layer.{layer}.{}", site.name()),
            Self::FinalOut => f.write_str("final.out"),
            Self::Pooled(mode) => write!(f, "pooled.{mode}"),
            Self::Sentence => f.write_str("sentence"),
        }
    }
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum SiteError {
    #[error("`{0}` is not a site; see `embedscope trace --help` for their names")]
    Name(String),
    #[error(
        "`{0}` is not a pooling; known are cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken"
    )]
    Pooling(String),
}

impl FromStr for Site {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let unknown = || SiteError::Name(text.to_owned());
        match text.split_once('.') {
            Some(("layer", rest)) => {
                let (layer, name) = rest.split_once('.').ok_or_else(unknown)?;
                let layer = layer.parse().map_err(|_| unknown())?;
                let site = LayerSite::ALL.into_iter().find(|s| s.name() == name);
                Ok(Self::Layer(layer, site.ok_or_else(unknown)?))
            }
            Some(("pooled", mode)) => Ok(Self::Pooled(mode.parse()?)),
            _ => Self::all(0)
                .find(|site| site.to_string() == text)
                .ok_or_else(unknown),
        }
    }
}

impl Serialize for Site {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Site {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// Which sites are wanted, as patterns over their names: `*` stands for any run of characters.
#[derive(Clone, Debug, Default)]
pub struct SiteFilter(Vec<String>);

impl SiteFilter {
    /// Everything.
    pub fn all() -> Self {
        Self(vec!["*".to_owned()])
    }

    /// Patterns separated by commas, for example `layer.*.pattern,sentence`.
    pub fn parse(patterns: &str) -> Self {
        let parts = patterns.split(',').map(str::trim).filter(|p| !p.is_empty());
        Self(parts.map(str::to_owned).collect())
    }

    pub fn matches(&self, site: Site) -> bool {
        let name = site.to_string();
        self.0.iter().any(|pattern| glob(pattern, &name))
    }

    /// The first pattern that matches no site of such an encoder: a typing error.
    pub fn unused(&self, layers: usize) -> Option<&str> {
        let unused = self
            .0
            .iter()
            .find(|pattern| !Site::all(layers).any(|site| glob(pattern, &site.to_string())));
        unused.map(String::as_str)
    }
}

fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            let mut starts = (0..=rest.len()).filter(|&i| rest.is_char_boundary(i));
            starts.any(|i| glob(tail, &rest[i..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_as_its_site() {
        for site in Site::all(12) {
            assert_eq!(site.to_string().parse(), Ok(site));
        }
        assert!("layer.x.q".parse::<Site>().is_err());
        assert!("layer.1.nothing".parse::<Site>().is_err());
        assert!("pooled.median".parse::<Site>().is_err());
    }

    #[test]
    fn filters_match_by_glob() {
        let filter = SiteFilter::parse("layer.*.pattern, sentence");
        assert!(filter.matches(Site::Layer(11, LayerSite::Pattern)));
        assert!(!filter.matches(Site::Layer(11, LayerSite::Scores)));
        assert!(filter.matches(Site::Sentence));
        assert_eq!(
            SiteFilter::parse("layer.9.*").unused(6),
            Some("layer.9.*"),
            "a six-layer model has no layer 9"
        );
    }
}
