"""Jina v2: ALiBi without a position table, gated feed-forward layers. Two published layouts share model_type bert.

`jina-bert-implementation` (English): one norm inside `mlp`, the first half of gated_layers is activated.
`jina-bert-v2-qk-post-norm` (code, German, Spanish, Chinese): norms of the whole query and key before the heads
are split, the second half of up_gated_layer is activated, and after attention the residual is added and normed
twice: layer_norm_1(x + LayerNorm(x + attn_out)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from families import pieces
from families.common import FEW, Variant
from families.numpy_ref import PostNorm, alibi_slopes, gelu_tanh
from families.numpy_ref import relu as relu_of


def config(implementation: str, **more) -> dict:
    return {
        "architectures": ["JinaBertForMaskedLM"], "model_type": "bert",
        "auto_map": {"AutoConfig": f"jinaai/{implementation}--configuration_bert.JinaBertConfig",
                     "AutoModel": f"jinaai/{implementation}--modeling_bert.JinaBertModel"},
        "hidden_size": 18, "num_hidden_layers": 2, "num_attention_heads": 6, "intermediate_size": 14,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12, "max_position_embeddings": 8192, "model_max_length": 8192, "type_vocab_size": 2,
        "pad_token_id": 0, "position_embedding_type": "alibi", "feed_forward_type": "geglu", "emb_pooler": "mean",
        "attn_implementation": "torch", "attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.1,
    } | more


def linear(name: str, inputs: int, outputs: int) -> dict:
    return {name + ".weight": (outputs, inputs), name + ".bias": (outputs,)}


def norm(name: str, size: int) -> dict:
    return {name + ".weight": (size,), name + ".bias": (size,)}


def shapes(c: dict) -> dict:
    D, F, qk = c["hidden_size"], c["intermediate_size"], "qk-post-norm" in c["auto_map"]["AutoModel"]
    out = {"embeddings.word_embeddings.weight": (c["vocab_size"], D),
           "embeddings.token_type_embeddings.weight": (c["type_vocab_size"], D)} | norm("embeddings.LayerNorm", D)
    for l in range(c["num_hidden_layers"]):
        at = f"encoder.layer.{l}."
        for name in ("query", "key", "value"):
            out |= linear(f"{at}attention.self.{name}", D, D)
        out |= linear(at + "attention.output.dense", D, D) | norm(at + "attention.output.LayerNorm", D)
        if qk:
            out |= norm(at + "attention.self.layer_norm_q", D) | norm(at + "attention.self.layer_norm_k", D)
            out |= norm(at + "layer_norm_1", D) | norm(at + "layer_norm_2", D)
            out |= {at + "mlp.up_gated_layer.weight": (2 * F, D)} | linear(at + "mlp.down_layer", F, D)
        else:
            out |= norm(at + "mlp.layernorm", D)
            out |= {at + "mlp.gated_layers.weight": (2 * F, D)} | linear(at + "mlp.wo", F, D)
    return out


@dataclass
class JinaV2(PostNorm):
    alibi: bool = True
    apart: bool = False  # a mistake to try: each head of queries and keys is normed by itself

    @property
    def qk(self) -> bool:
        return "qk-post-norm" in self.config["auto_map"]["AutoModel"]

    def layers(self) -> int:
        return self.config["num_hidden_layers"]

    def start(self, ids: list[int]) -> np.ndarray:
        return self.embed(ids, "embeddings.LayerNorm")

    def norm_names(self, l: int) -> tuple[str, str]:
        at = f"encoder.layer.{l}."
        return (at + "layer_norm_1", at + "layer_norm_2") if self.qk else (
            at + "attention.output.LayerNorm", at + "mlp.layernorm")

    def attend(self, l: int, at: str, x: np.ndarray) -> np.ndarray:
        name, heads = f"encoder.layer.{l}.attention.", self.config["num_attention_heads"]
        q, k, v = (self.linear(x, f"{name}self.{part}") for part in ("query", "key", "value"))
        self.keep_projections(at, q, k, v, heads)
        if self.qk:
            q, k = self.normed(q, name + "self.layer_norm_q"), self.normed(k, name + "self.layer_norm_k")
        return self.linear(self.attention(at, q, k, v, heads), name + "output.dense")

    def normed(self, x: np.ndarray, name: str) -> np.ndarray:
        """Queries or keys, all heads of a token together: [T, D] to the same."""
        if not self.apart:
            return self.norm(x, name)
        by_head = x.reshape(len(x), self.config["num_attention_heads"], -1)
        mean, var = by_head.mean(axis=-1, keepdims=True), by_head.var(axis=-1, keepdims=True)
        x = ((by_head - mean) / np.sqrt(var + self.eps)).reshape(x.shape)
        return x * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def middle(self, l: int, x: np.ndarray, attended: np.ndarray) -> np.ndarray:
        if self.qk:
            attended = self.norm(x + attended, f"encoder.layer.{l}.attention.output.LayerNorm")
        return super().middle(l, x, attended)

    def feed_forward(self, l: int, at: str, x: np.ndarray) -> np.ndarray:
        name = f"encoder.layer.{l}.mlp."
        first, second = self.halves(self.linear(x, name + ("up_gated_layer" if self.qk else "gated_layers")))
        gate, up = (second, first) if self.qk else (first, second)
        act = self.act(gate) * up
        self.keep_ffn(at, up, act, gate)
        return self.linear(act, name + ("down_layer" if self.qk else "wo"))


def no_alibi(ref: JinaV2) -> None:
    ref.alibi = False


def flip(ref: JinaV2) -> None:
    ref.flip_halves = True


def tanh(ref: JinaV2) -> None:
    ref.act = gelu_tanh


def relu(ref: JinaV2) -> None:
    ref.act = relu_of


def heads_apart(ref: JinaV2) -> None:
    ref.apart = True


def not_normed(ref: JinaV2) -> None:
    ref.normed = lambda x, name: x


def normed_once(ref: JinaV2) -> None:
    ref.middle = lambda l, x, attended: PostNorm.middle(ref, l, x, attended)


TOKENIZER = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 8192}
ORACLE = "numpy, from the published description (ALiBi, geglu, post-norm); the order of the halves as in the published code"

assert alibi_slopes(6).tolist() == [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]

VARIANTS = [
    Variant(
        name="jina_v2", family="jina_v2",
        why="model_type bert, told by auto_map and position_embedding_type alibi; 6 heads, so that "
        "the slopes are not those of a power of two; the first half of gated_layers is activated; no position rows",
        config=config("jina-bert-implementation"), tokenizer=pieces.bert, tokenizer_config=TOKENIZER, shapes=shapes,
        reference=JinaV2, oracle=ORACLE, sentence_bert={"max_seq_length": 14, "do_lower_case": False}, trap_floor=1e-4,
        traps=[("no alibi", no_alibi), ("the second half activated", flip), ("tanh gelu", tanh), ("relu", relu)],
    ),
    Variant(
        name="jina_v2_qk", texts=FEW, family="jina_v2",
        why="jina-bert-v2-qk-post-norm: query and key normed over the whole width, the second half of "
        "up_gated_layer activated; prefix bert.", config=config("jina-bert-v2-qk-post-norm", num_attention_heads=4,
        hidden_size=16, layer_norm_eps=1e-5), tokenizer=pieces.bert, tokenizer_config=TOKENIZER, shapes=shapes,
        prefix="bert.",
        reference=lambda c, t: JinaV2(c, t, eps=1e-5), oracle=ORACLE,
        sentence_bert={"max_seq_length": 14, "do_lower_case": False},
        modules=["Normalize"], traps=[("no alibi", no_alibi), ("the first half activated", flip),
               ("one norm after attention", normed_once), ("each head normed by itself", heads_apart),
               ("queries and keys not normed", not_normed)],
    ),
]
