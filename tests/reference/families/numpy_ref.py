"""Reference encoders in numpy, f64, for families of which transformers has no class.

Written from the published descriptions: post-norm blocks with ALiBi (Press et al. 2021) or RoPE
(Su et al. 2021), gated feed-forward layers (Shazeer 2020), a top-k mixture of experts (nomic-embed v2).
What is common to them is here; the names of the tensors are in the family's module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch

Array = np.ndarray

_erf = np.vectorize(math.erf)


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def alibi_slopes(heads: int) -> Array:
    """2^(-8/n), its powers; for n that is no power of two, every second slope of the next one fills up."""
    def powers(n: int) -> list[float]:
        return [2 ** (-8 * (i + 1) / n) for i in range(n)]

    below = 2 ** math.floor(math.log2(heads))
    return np.array(powers(below) + powers(2 * below)[0::2][: heads - below])


def alibi(heads: int, tokens: int) -> Array:
    """The symmetric form for encoders: -slope·|i - j|. [H, T, T]"""
    i = np.arange(tokens)
    return -alibi_slopes(heads)[:, None, None] * np.abs(i[:, None] - i[None, :])


def rotate(x: Array, base: float, dims: int) -> Array:
    """RoPE on the first `dims` components of [H, T, d]; component i is paired with i + dims/2."""
    half = dims // 2
    angle = np.arange(x.shape[1])[:, None] * base ** (-2 * np.arange(half) / dims)
    cos, sin = np.cos(angle), np.sin(angle)
    a, b, rest = x[..., :half], x[..., half:dims], x[..., dims:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin, rest], axis=-1)


@dataclass
class PostNorm:
    """A post-norm encoder. A family's subclass names the tensors and computes q, k, v and the feed-forward layer."""

    config: dict
    tensors: dict[str, Array]
    alibi: bool = False
    rope_base: float = 0.0
    rope_dims: int = 0
    eps: float = 1e-12
    types: bool = True
    flip_halves: bool = False  # a mistake to try: the other half of a gated layer is activated
    act: object = gelu
    found: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self):
        self.tensors = {n: x.astype(np.float64) for n, x in self.tensors.items()}

    def norm(self, x: Array, name: str) -> Array:
        mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
        return (x - mean) / np.sqrt(var + self.eps) * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def linear(self, x: Array, name: str) -> Array:
        return x @ self.tensors[name + ".weight"].T + self.tensors.get(name + ".bias", 0.0)

    def halves(self, x: Array) -> tuple[Array, Array]:
        first, second = np.split(x, 2, axis=-1)
        return (second, first) if self.flip_halves else (first, second)

    def embed(self, ids: list[int], norm: str) -> Array:
        token = self.tensors["embeddings.word_embeddings.weight"][ids]
        kind = np.broadcast_to(self.tensors["embeddings.token_type_embeddings.weight"][0], token.shape)
        self.found |= {"embed.token": token, "embed.type": kind}
        return self.norm(token + kind if self.types else token, norm)

    def attention(self, at: str, q: Array, k: Array, v: Array, heads: int) -> Array:
        """[T, D] each -> pattern·v, [T, D]"""
        split = lambda x: x.reshape(len(x), heads, -1).transpose(1, 0, 2)
        q, k, v = split(q), split(k), split(v)
        if self.rope_base:
            q, k = (rotate(x, self.rope_base, self.rope_dims) for x in (q, k))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        if self.alibi:
            self.found[at + "score_position"] = alibi(heads, q.shape[1])
            scores = scores + self.found[at + "score_position"]
        pattern = softmax(scores)
        self.found[at + "pattern"] = pattern
        return (pattern @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)

    def keep_projections(self, at: str, q: Array, k: Array, v: Array, heads: int) -> None:
        split = lambda x: x.reshape(len(x), heads, -1).transpose(1, 0, 2)
        self.found |= {at + "q": split(q), at + "k": split(k), at + "v": split(v)}

    def keep_ffn(self, at: str, pre: Array, act: Array, gate: Array | None = None) -> None:
        self.found |= {at + "ffn_pre": pre, at + "ffn_act": act} | ({} if gate is None else {at + "ffn_gate": gate})

    def middle(self, l: int, x: Array, attended: Array) -> Array:
        """What the feed-forward layer reads."""
        return self.norm(x + attended, self.norm_names(l)[0])

    def sites(self, ids: list[int]) -> dict[str, torch.Tensor]:
        self.found = {}
        x = self.start(ids)
        self.found["embed.out"] = x
        for l in range(self.layers()):
            at = f"layer.{l}."
            attended = self.attend(l, at, x)
            mid = self.middle(l, x, attended)
            ffn = self.feed_forward(l, at, mid)
            out = self.norm(mid + ffn, self.norm_names(l)[1])
            self.found |= {at + "resid_in": x, at + "attn_out": attended, at + "resid_mid": mid, at + "ffn_out": ffn,
                           at + "resid_out": out}
            x = out
        self.found["final.out"] = x
        sites = {"tokens.ids": torch.tensor(ids, dtype=torch.long)}
        return sites | {n: torch.from_numpy(np.ascontiguousarray(v)) for n, v in self.found.items()}
