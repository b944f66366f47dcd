//! An encoder's architecture as data. A family fills this in; one encoder runs it.

use super::ModelError;
pub use super::activation::Activation;
pub use super::mask::Mask;
use super::rotary::Rotary;

/// What is added to a token's vector for its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// A learned row for each position; token t takes row `first + t`.
    Learned {
        rows: usize,
        first: usize,
        /// A padding token in the text itself takes row `first − 1`, and those behind it count on
        /// without it.
        padding: Option<u32>,
    },
    /// Nothing: places enter in attention, or not at all.
    None,
}

/// What attention adds to the scores for the distance between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistanceBias {
    /// A learned number for each head and bucket of distances, the same in every layer (Raffel et
    /// al. 2020). Half the buckets are for keys behind the query; of each half, half are single
    /// distances and the rest widen logarithmically up to `farthest`.
    Buckets { buckets: usize, farthest: usize },
    /// −slope·|i − j| with a slope for each head (Press et al. 2022).
    Alibi,
}

/// Distances between tokens as terms of the product of queries and keys (He et al. 2021): content
/// asks position (c2p), and position asks content (p2c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disentangled {
    /// Rows of the table for one direction; it has twice as many.
    pub buckets: usize,
    /// Distances are counted logarithmically from half of the buckets up to here; without, they are
    /// cut off at the end of the table.
    pub farthest: Option<usize>,
    pub content_to_position: bool,
    pub position_to_content: bool,
    /// The relative rows pass a layer norm first.
    pub normed: bool,
    /// The relative rows go through the queries' and keys' own products.
    pub shares_products: bool,
}

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// g ⊙ (x − mean x)/√(var x + ε) + b (Ba et al. 2016).
    Layer,
    /// g ⊙ x/√(mean x² + ε) (Zhang and Sennrich 2019).
    Rms,
}

/// Where the norms of a block stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// x ← norm(x + f(x)).
    Post,
    /// x ← x + f(norm(x)).
    Pre,
    /// x ← x + norm(f(norm(x))).
    Sandwich,
}

impl Placement {
    pub fn title(self) -> &'static str {
        match self {
            Self::Post => "post-norm",
            Self::Pre => "pre-norm",
            Self::Sandwich => "sandwich norm",
        }
    }
}

/// Whether queries and keys are normed before they meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkNorm {
    None,
    /// Each head's d dimensions by themselves.
    Head,
    /// All heads of a token together, H·d or K·d dimensions.
    Whole,
}

/// Feed-forward blocks side by side, of which each token takes some (Shazeer et al. 2017).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experts {
    pub count: usize,
    /// How many a token takes, weighted by its softmax over all of them.
    pub chosen: usize,
}

/// A convolution beside a block: what enters the block passes it and an activation, is added to what
/// leaves the block, and the sum is normed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Neighbouring tokens that each token reads, itself in their middle: an odd number.
    pub kernel: usize,
    /// So many equal parts of D that read only themselves.
    pub groups: usize,
    pub activation: Activation,
}

/// A product between the tables and layer 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Project {
    None,
    /// Behind the embedding norm.
    AfterNorm,
    /// In front of it, and without a bias.
    BeforeNorm,
}

/// What differs from block to block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockSpec {
    pub mask: Mask,
    /// How places turn queries and keys.
    pub rotary: Option<Rotary>,
    /// False where attention reads the residual stream as it is although the placement has a norm
    /// there.
    pub attn_norm: bool,
    /// Experts in place of the one feed-forward block; their neurons stand side by side, F of each.
    pub experts: Option<Experts>,
    pub convolution: Option<Convolution>,
}

impl BlockSpec {
    /// Full attention, no turning.
    pub const PLAIN: Self = Self {
        mask: Mask::Full,
        rotary: None,
        attn_norm: true,
        experts: None,
        convolution: None,
    };
}

/// Which products add a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Biases {
    pub qkv: bool,
    pub output: bool,
    /// The feed-forward block's, and its gate's.
    pub ffn: bool,
    /// The last product of the feed-forward block.
    pub down: bool,
    /// The norms.
    pub norm: bool,
}

impl Biases {
    pub const ALL: Self = Self {
        qkv: true,
        output: true,
        ffn: true,
        down: true,
        norm: true,
    };
    pub const NONE: Self = Self {
        qkv: false,
        output: false,
        ffn: false,
        down: false,
        norm: false,
    };
}

/// Everything about the shape and the order of an encoder's computation, nothing about its values.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderSpec {
    /// `model_type` of config.json.
    pub family: &'static str,
    /// V
    pub vocabulary: usize,
    /// E, the width of the embedding tables.
    pub embedding: usize,
    pub project: Project,
    /// D
    pub hidden: usize,
    /// H
    pub heads: usize,
    /// K, heads of keys and values; a divisor of H.
    pub kv_heads: usize,
    /// d
    pub head_size: usize,
    /// F
    pub ffn: usize,
    /// True where activation(gate(x)) ⊙ up(x) stands between the feed-forward products.
    pub gated: bool,
    /// Rows of the token-type table; 0 where there is none.
    pub types: usize,
    pub positions: Positions,
    pub distance: Option<DistanceBias>,
    pub disentangled: Option<Disentangled>,
    /// The longest text where no table of positions says it.
    pub most_tokens: usize,
    /// The factor on q·k.
    pub scale: f64,
    /// The factor on `embed.token` before anything is added.
    pub embed_scale: f64,
    pub activation: Activation,
    pub norm: NormKind,
    pub norm_eps: f64,
    pub placement: Placement,
    /// A norm between the embeddings and layer 0.
    pub embed_norm: bool,
    /// A norm behind the last layer.
    pub final_norm: bool,
    pub qk_norm: QkNorm,
    pub biases: Biases,
    /// Blocks with weights of their own, each used several times in a row; none where all are.
    pub groups: Option<usize>,
    /// One for each layer: [L].
    pub blocks: Vec<BlockSpec>,
}

impl EncoderSpec {
    /// BERT's: post-norm blocks with biases, full attention, learned positions from 0, an embedding
    /// norm, GELU.
    pub fn bert(family: &'static str, sizes: Sizes) -> Self {
        let head_size = sizes.hidden / sizes.heads.max(1);
        Self {
            family,
            vocabulary: sizes.vocabulary,
            embedding: sizes.hidden,
            project: Project::None,
            hidden: sizes.hidden,
            heads: sizes.heads,
            kv_heads: sizes.heads,
            head_size,
            ffn: sizes.ffn,
            gated: false,
            types: 2,
            positions: Positions::Learned {
                rows: sizes.positions,
                first: 0,
                padding: None,
            },
            distance: None,
            disentangled: None,
            most_tokens: sizes.positions,
            scale: 1. / (head_size as f64).sqrt(),
            embed_scale: 1.,
            activation: Activation::Gelu,
            norm: NormKind::Layer,
            norm_eps: 1e-12,
            placement: Placement::Post,
            embed_norm: true,
            final_norm: false,
            qk_norm: QkNorm::None,
            biases: Biases::ALL,
            groups: None,
            blocks: vec![BlockSpec::PLAIN; sizes.layers],
        }
    }

    /// LLaMA's: pre-RMS-norm blocks without biases, gated SiLU, no table of positions, a final norm.
    pub fn llama(family: &'static str, sizes: Sizes) -> Self {
        Self {
            gated: true,
            types: 0,
            positions: Positions::None,
            activation: Activation::Silu,
            norm: NormKind::Rms,
            norm_eps: 1e-6,
            placement: Placement::Pre,
            embed_norm: false,
            final_norm: true,
            biases: Biases::NONE,
            ..Self::bert(family, sizes)
        }
    }

    /// L
    pub fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// Query heads that share one head of keys and values.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Heads of queries, keys and values side by side: H + 2·K.
    pub fn packed_heads(&self) -> usize {
        self.heads + 2 * self.kv_heads
    }

    /// True where something happens to the queries and keys of layer `l` between their products and
    /// their meeting: they are normed, or turned.
    pub fn moves_heads(&self, l: usize) -> bool {
        let turned = self
            .blocks
            .get(l)
            .is_some_and(|block| block.rotary.is_some());
        turned || self.qk_norm != QkNorm::None
    }

    /// The longest text that the positions allow.
    pub fn max_tokens(&self) -> usize {
        match self.positions {
            Positions::Learned { rows, first, .. } => rows - first,
            Positions::None => self.most_tokens,
        }
    }

    /// Which of the checkpoint's blocks layer `l` uses.
    pub fn block_of(&self, l: usize) -> usize {
        match self.groups {
            None => l,
            Some(groups) => l * groups / self.layers(),
        }
    }

    /// Refuses sizes that no encoder can have.
    pub fn check(&self, file: &str) -> Result<(), ModelError> {
        let bad = |field: &str, problem: String| Err(ModelError::config(file, field, problem));
        let positive = [
            ("vocab_size", self.vocabulary),
            ("hidden_size", self.hidden),
            ("embedding_size", self.embedding),
            ("num_attention_heads", self.heads),
            ("num_key_value_heads", self.kv_heads),
            ("head_dim", self.head_size),
            ("intermediate_size", self.ffn),
            ("max_position_embeddings", self.most_tokens),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, size)| *size == 0) {
            return bad(field, "must be more than 0".to_owned());
        }
        if let Positions::Learned { rows, first, .. } = self.positions
            && rows <= first
        {
            let problem = format!("is {rows}, which leaves no position for a token");
            return bad("max_position_embeddings", problem);
        }
        if self.embedding != self.hidden && self.project == Project::None {
            let (width, d) = (self.embedding, self.hidden);
            let problem = format!("is {width}, but hidden_size is {d} and nothing stands between");
            return bad("embedding_size", problem);
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let (heads, shared) = (self.heads, self.kv_heads);
            let problem = format!("is {shared}, which does not divide num_attention_heads {heads}");
            return bad("num_key_value_heads", problem);
        }
        if !(self.norm_eps.is_finite() && self.norm_eps >= 0.) {
            let problem = format!("is {}, but must be a small positive number", self.norm_eps);
            return bad("layer_norm_eps", problem);
        }
        if let Some(DistanceBias::Buckets { buckets, farthest }) = self.distance
            && (buckets < 4 || farthest <= buckets / 4)
        {
            let problem = format!("is {buckets}, which is no even division up to {farthest}");
            return bad("relative_attention_num_buckets", problem);
        }
        let experts = self.blocks.iter().filter_map(|block| block.experts);
        for Experts { count, chosen } in experts {
            if chosen == 0 || chosen > count {
                let problem = format!("is {chosen} of {count} experts");
                return bad("moe_top_k", problem);
            }
        }
        let convolutions = self.blocks.iter().filter_map(|block| block.convolution);
        for Convolution { kernel, groups, .. } in convolutions {
            if kernel % 2 == 0 {
                let problem = format!("is {kernel}, but tokens must stand in the middle of it");
                return bad("conv_kernel_size", problem);
            }
            if groups == 0 || !self.hidden.is_multiple_of(groups) {
                let problem = format!(
                    "is {groups}, which does not divide hidden_size {}",
                    self.hidden
                );
                return bad("conv_groups", problem);
            }
        }
        let rotary = self.blocks.iter().filter_map(|block| block.rotary);
        for rotary in rotary {
            rotary.check(self.head_size, file)?;
        }
        Ok(())
    }
}

/// The sizes that every family has.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub vocabulary: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub ffn: usize,
    /// Rows of positions, or the longest text.
    pub positions: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_their_ends_and_no_more() {
        let window = Mask::Window {
            before: 2,
            after: 1,
        };
        let seen: Vec<usize> = (0..10).filter(|&key| window.allows(5, key)).collect();
        assert_eq!(seen, [3, 4, 5, 6]);
        let seen: Vec<usize> = (0..10).filter(|&key| Mask::CAUSAL.allows(3, key)).collect();
        assert_eq!(seen, [0, 1, 2, 3]);
    }
}
