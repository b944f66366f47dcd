//! An encoder's architecture as data. A family fills this in; one encoder runs it.

use super::ModelError;

/// The function between the two feed-forward products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x·Φ(x) with the exact error function.
    Gelu,
    /// The tanh approximation of GELU (`gelu_new`).
    GeluTanh,
    Relu,
    /// x·sigmoid(x), also called swish.
    Silu,
}

impl Activation {
    /// Reads the name that transformers gives it in config.json.
    pub fn from_config(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" | "gelu_accurate" => Self::GeluTanh,
            "relu" => Self::Relu,
            "silu" | "swish" => Self::Silu,
            _ => return None,
        })
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Gelu => "GELU",
            Self::GeluTanh => "GELU (tanh)",
            Self::Relu => "ReLU",
            Self::Silu => "SiLU",
        }
    }
}

/// Where positions enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// A learned row for each position, added to the token's; token t takes row `first + t`.
    Learned { rows: usize, first: usize },
}

/// Everything about the shape and the order of an encoder's computation, nothing about its values.
/// Blocks are post-norm: x ← norm(x + attention(x)); x ← norm(x + ffn(x)).
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderSpec {
    /// `model_type` of config.json.
    pub family: &'static str,
    /// V
    pub vocabulary: usize,
    /// D
    pub hidden: usize,
    /// L
    pub layers: usize,
    /// H
    pub heads: usize,
    /// F
    pub ffn: usize,
    /// Rows of the token-type table; 0 where there is none.
    pub types: usize,
    pub positions: Positions,
    pub activation: Activation,
    pub norm_eps: f64,
}

impl EncoderSpec {
    /// d, the size of one head.
    pub fn head_size(&self) -> usize {
        self.hidden / self.heads
    }

    /// The factor on q·k: 1/√d.
    pub fn scale(&self) -> f64 {
        1. / (self.head_size() as f64).sqrt()
    }

    /// The longest text that the positions allow.
    pub fn max_tokens(&self) -> usize {
        let Positions::Learned { rows, first } = self.positions;
        rows - first
    }

    /// Refuses sizes that no encoder can have.
    pub fn check(&self, file: &str) -> Result<(), ModelError> {
        let positive = [
            ("vocab_size", self.vocabulary),
            ("hidden_size", self.hidden),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.ffn),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, size)| *size == 0) {
            return Err(ModelError::config(file, field, "must be more than 0"));
        }
        let Positions::Learned { rows, first } = self.positions;
        if rows <= first {
            let problem = format!("is {rows}, which leaves no position for a token");
            return Err(ModelError::config(file, "max_position_embeddings", problem));
        }
        if !self.hidden.is_multiple_of(self.heads) {
            let problem = format!(
                "is {}, which does not divide hidden_size {}",
                self.heads, self.hidden
            );
            return Err(ModelError::config(file, "num_attention_heads", problem));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps >= 0.) {
            let problem = format!("is {}, but must be a small positive number", self.norm_eps);
            return Err(ModelError::config(file, "layer_norm_eps", problem));
        }
        Ok(())
    }
}
