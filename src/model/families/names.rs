//! Where each tensor of a family lies.

/// `{l}` stands for the number of the block. A product or a norm is named without its `.weight` and
/// `.bias`. An empty name stands for nothing.
#[derive(Clone, Copy)]
pub struct Names {
    /// What may stand in front of every name, tried in this order.
    pub prefixes: &'static [&'static str],
    /// With `.weight`, unlike a product.
    pub token: &'static str,
    pub position: &'static str,
    pub types: &'static str,
    pub embed_norm: &'static str,
    /// From the tables' width to the encoder's.
    pub project: &'static str,
    pub qkv: QkvNames,
    pub q_norm: &'static str,
    pub k_norm: &'static str,
    pub output: &'static str,
    pub attn_norms: NormNames,
    pub ffn: FfnNames,
    pub experts: ExpertNames,
    pub ffn_norms: NormNames,
    pub convolution: ConvolutionNames,
    pub final_norm: &'static str,
    /// The table of [`super::super::spec::DistanceBias::Buckets`], with `.weight`.
    pub distance: &'static str,
    pub relative: RelativeNames,
    /// RMS weights count from 1.
    pub norms_from_one: bool,
    /// A layer [D, D] that transformers expects in a checkpoint and no sentence encoder uses.
    pub pooler: Option<&'static str>,
}

#[derive(Clone, Copy)]
pub enum QkvNames {
    Each {
        query: &'static str,
        key: &'static str,
        value: &'static str,
    },
    /// One product: queries, then keys, then values.
    One(&'static str),
}

/// See [`super::super::weights::Norms`].
#[derive(Clone, Copy)]
pub struct NormNames {
    pub before: &'static str,
    pub written: &'static str,
    pub joined: &'static str,
    pub after: &'static str,
}

impl NormNames {
    pub const NONE: Self = Self {
        before: "",
        written: "",
        joined: "",
        after: "",
    };

    pub const fn before(name: &'static str) -> Self {
        Self {
            before: name,
            ..Self::NONE
        }
    }

    pub const fn after(name: &'static str) -> Self {
        Self {
            after: name,
            ..Self::NONE
        }
    }
}

#[derive(Clone, Copy)]
pub enum FfnNames {
    Each {
        up: &'static str,
        /// Where the block is gated.
        gate: &'static str,
        down: &'static str,
    },
    /// Gate and up in one product; the half that the activation takes comes first or second.
    Halves {
        both: &'static str,
        gate_first: bool,
        down: &'static str,
    },
}

impl FfnNames {
    pub const fn plain(up: &'static str, down: &'static str) -> Self {
        Self::Each { up, gate: "", down }
    }

    pub const fn down(self) -> &'static str {
        match self {
            Self::Each { down, .. } | Self::Halves { down, .. } => down,
        }
    }
}

/// Experts: a product without a bias that chooses, all first products one below the other [E·F, D],
/// all second ones as they come, turned over [E·F, D], and one bias [D].
#[derive(Clone, Copy)]
pub struct ExpertNames {
    pub router: &'static str,
    pub up: &'static str,
    pub down: &'static str,
    pub bias: &'static str,
}

impl ExpertNames {
    pub const NONE: Self = Self {
        router: "",
        up: "",
        down: "",
        bias: "",
    };
}

/// A convolution beside a block.
#[derive(Clone, Copy)]
pub struct ConvolutionNames {
    pub weight: &'static str,
    pub norm: &'static str,
}

impl ConvolutionNames {
    pub const NONE: Self = Self {
        weight: "",
        norm: "",
    };
}

/// The relative rows of disentangled attention.
#[derive(Clone, Copy)]
pub struct RelativeNames {
    /// With `.weight`.
    pub table: &'static str,
    pub norm: &'static str,
    /// Products of their own, where they do not share those of content.
    pub key: &'static str,
    pub query: &'static str,
}

impl RelativeNames {
    pub const NONE: Self = Self {
        table: "",
        norm: "",
        key: "",
        query: "",
    };
}

/// BERT's, which many took over.
pub const BERT: Names = Names {
    prefixes: &[
        "",
        "bert.",
        "model.",
        "encoder.",
        "auto_model.",
        "0.auto_model.",
    ],
    token: "embeddings.word_embeddings.weight",
    position: "embeddings.position_embeddings.weight",
    types: "embeddings.token_type_embeddings.weight",
    embed_norm: "embeddings.LayerNorm",
    project: "",
    qkv: QkvNames::Each {
        query: "encoder.layer.{l}.attention.self.query",
        key: "encoder.layer.{l}.attention.self.key",
        value: "encoder.layer.{l}.attention.self.value",
    },
    q_norm: "",
    k_norm: "",
    output: "encoder.layer.{l}.attention.output.dense",
    attn_norms: NormNames::after("encoder.layer.{l}.attention.output.LayerNorm"),
    ffn: FfnNames::plain(
        "encoder.layer.{l}.intermediate.dense",
        "encoder.layer.{l}.output.dense",
    ),
    experts: ExpertNames::NONE,
    ffn_norms: NormNames::after("encoder.layer.{l}.output.LayerNorm"),
    convolution: ConvolutionNames::NONE,
    final_norm: "",
    distance: "",
    relative: RelativeNames::NONE,
    norms_from_one: false,
    pooler: Some("pooler.dense"),
};

/// What transformers calls the parts of the newer post-norm encoders while they run; it saves them under
/// their published names.
pub const RUNNING: Names = Names {
    position: "",
    qkv: LLAMA.qkv,
    output: LLAMA.output,
    attn_norms: NormNames::after("layers.{l}.post_attention_layernorm"),
    ffn: LLAMA.ffn,
    ffn_norms: NormNames::after("layers.{l}.post_mlp_layernorm"),
    pooler: None,
    ..BERT
};

/// LLaMA's, which every later decoder took over.
pub const LLAMA: Names = Names {
    prefixes: &[
        "model.",
        "",
        "0.auto_model.",
        "auto_model.",
        "language_model.model.",
    ],
    token: "embed_tokens.weight",
    position: "",
    types: "",
    embed_norm: "",
    qkv: QkvNames::Each {
        query: "layers.{l}.self_attn.q_proj",
        key: "layers.{l}.self_attn.k_proj",
        value: "layers.{l}.self_attn.v_proj",
    },
    output: "layers.{l}.self_attn.o_proj",
    attn_norms: NormNames::before("layers.{l}.input_layernorm"),
    ffn: FfnNames::Each {
        up: "layers.{l}.mlp.up_proj",
        gate: "layers.{l}.mlp.gate_proj",
        down: "layers.{l}.mlp.down_proj",
    },
    ffn_norms: NormNames::before("layers.{l}.post_attention_layernorm"),
    final_norm: "norm",
    pooler: None,
    ..BERT
};
