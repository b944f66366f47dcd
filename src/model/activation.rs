//! The functions between products.

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
    Tanh,
}

impl Activation {
    /// Reads the name that transformers gives it in config.json.
    pub fn from_config(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" | "gelu_accurate" => Self::GeluTanh,
            "relu" => Self::Relu,
            "silu" | "swish" => Self::Silu,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Gelu => "GELU",
            Self::GeluTanh => "GELU (tanh)",
            Self::Relu => "ReLU",
            Self::Silu => "SiLU",
            Self::Tanh => "tanh",
        }
    }
}
