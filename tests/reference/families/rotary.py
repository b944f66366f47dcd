"""Post-norm encoders with RoPE and fused projections: nomic-bert and GTE ("new").

transformers has a class for each, and turns the published names of the tensors into its own; the published
config.json it does not read, so a stand-in config goes beside it. What it lacks (a rotary fraction, the mixture
of experts of nomic-embed v2) is in numpy, and that reference agrees with the class where both exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from families import pieces, traps
from families.common import FEW, TEXTS, Tensors, Variant
from families.hooks import Layout
from families.jina_v2 import linear, norm
from families.numpy_ref import PostNorm, gelu, silu

EMBED = {"embed.token": ("out", "embeddings.word_embeddings"),
    "embed.type": ("out", "embeddings.token_type_embeddings")}
ATTENTION = dict(blocks=lambda m: m.layers, q="self_attn.q_proj", k="self_attn.k_proj", v="self_attn.v_proj",
                 output="self_attn.o_proj", resid_mid=("out", "post_attention_layernorm"))
GATED = Layout(embed=EMBED, up="mlp.up_proj", gate="mlp.gate_proj", down="mlp.down_proj", **ATTENTION)
GATED_UNTYPED = Layout(embed={"embed.token": EMBED["embed.token"]}, up="mlp.up_proj", gate="mlp.gate_proj",
                       down="mlp.down_proj", **ATTENTION)


def flip_gate(model) -> None:
    """The two halves of the gated layer in each other's place."""
    for layer in model.layers:
        layer.mlp.gate_proj, layer.mlp.up_proj = layer.mlp.up_proj, layer.mlp.gate_proj


def renamed(tensors: Tensors, names: dict[str, str], fused: str, gated: str = "") -> Tensors:
    """The published names as those of the class; fused projections taken apart."""
    out = {}
    for name, value in tensors.items():
        for old, new in names.items():
            name = name.replace(old, new)
        if fused in name:
            for part, x in zip("qkv", np.split(value, 3)):
                out[name.replace(fused, f"self_attn.{part}_proj")] = x
        elif gated and gated in name:
            for part, x in zip(("up_proj", "gate_proj"), np.split(value, 2)):
                out[name.replace(gated, f"mlp.{part}")] = x
        else:
            out[name] = value
    return out


# --------------------------------------------------------------------------- nomic-bert

NOMIC = {
    "activation_function": "swiglu", "architectures": ["NomicBertModel"], "model_type": "nomic_bert", "causal": False,
    "auto_map": {"AutoConfig": "nomic-ai/nomic-bert-2048--configuration_hf_nomic_bert.NomicBertConfig",
                 "AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel"},
    "n_embd": 16, "n_layer": 2, "n_head": 2, "n_inner": 20, "n_positions": 8192, "layer_norm_epsilon": 1e-12,
    "max_trained_positions": 2048, "mlp_fc1_bias": False, "mlp_fc2_bias": False, "qkv_proj_bias": False,
    "pad_vocab_size_multiple": 64, "parallel_block": False, "prenorm": False, "rotary_emb_base": 1000,
    "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False, "rotary_emb_scale_base": None,
    "rotary_scaling_factor": None, "scale_attn_weights": True, "type_vocab_size": 2, "use_rms_norm": False,
    "resid_pdrop": 0.0, "attn_pdrop": 0.0, "embd_pdrop": 0.0,
}
NOMIC_HF = {
    "architectures": ["NomicBertModel"], "model_type": "nomic_bert", "hidden_size": 16, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 20, "hidden_act": "silu", "layer_norm_eps": 1e-12, "head_dim": 8,
    "max_position_embeddings": 2048, "type_vocab_size": 2, "pad_token_id": 0,
    "rope_parameters": {"rope_theta": 1000.0, "rope_type": "default"},
}
MOE = NOMIC | {
    "activation_function": "gelu", "n_layer": 4, "n_inner": 12, "layer_norm_epsilon": 1e-5, "mlp_fc1_bias": True,
    "mlp_fc2_bias": True,
    "qkv_proj_bias": True, "rotary_emb_base": 10000, "type_vocab_size": 1, "num_experts": 4, "moe_every_n_layers": 2,
    "moe_top_k": 2, "moe_normalize_expert_weights": False, "expert_choice_router": False, "num_shared_experts": 0,
    "ffn_div": 1, "max_trained_positions": 2048, "n_positions": 2048, "pad_token_id": 1,
}
NOMIC_NAMES = {"encoder.layers": "layers", "emb_ln": "embeddings.LayerNorm", "attn.out_proj": "self_attn.o_proj",
               "fc11": "up_proj", "fc12": "gate_proj", "fc2": "down_proj", "norm1": "post_attention_layernorm",
               "norm2": "post_mlp_layernorm"}


def has_experts(c: dict, l: int) -> bool:
    every = c.get("moe_every_n_layers", 0)
    return every > 0 and l % every == 1


def nomic_shapes(c: dict) -> dict:
    D = c.get("n_embd") or c["hidden_size"]
    F = c.get("n_inner") or c["intermediate_size"]
    layers = c.get("n_layer") or c["num_hidden_layers"]
    shaped = linear if c.get("qkv_proj_bias") else lambda n, i, o: {n + ".weight": (o, i)}
    out = {"embeddings.word_embeddings.weight": (c["vocab_size"], D),
           "embeddings.token_type_embeddings.weight": (c["type_vocab_size"], D)} | norm("emb_ln", D)
    for l in range(layers):
        at = f"encoder.layers.{l}."
        out |= shaped(at + "attn.Wqkv", D, 3 * D) | shaped(at + "attn.out_proj", D, D)
        if has_experts(c, l):
            rows = c["num_experts"] * F
            out |= {at + "mlp.router.layer.weight": (c["num_experts"], D), at + "mlp.experts.mlp.w1": (rows, D),
                    at + "mlp.experts.mlp.w2": (rows, D), at + "mlp.experts.bias": (D,)}
        elif c.get("activation_function") == "gelu":
            out |= shaped(at + "mlp.fc1", D, F) | shaped(at + "mlp.fc2", F, D)
        else:
            for name, (i, o) in {"fc11": (D, F), "fc12": (D, F), "fc2": (F, D)}.items():
                out |= shaped(f"{at}mlp.{name}", i, o)
        out |= norm(at + "norm1", D) | norm(at + "norm2", D)
    return out


@dataclass
class Nomic(PostNorm):
    """nomic-bert from its published config. Experts: softmax over all, the top k kept as they are (they do not sum
    to 1), each expert gelu(x·w1ᵀ)·w2 with w2 not transposed, one bias for the sum."""

    renormalise: bool = False

    def __post_init__(self):
        super().__post_init__()
        c = self.config
        self.rope_base = float(c["rotary_emb_base"])
        self.rope_dims = int(c["n_embd"] // c["n_head"] * c["rotary_emb_fraction"])
        self.eps = c["layer_norm_epsilon"]
        self.act = silu if c["activation_function"] == "swiglu" else gelu

    def layers(self) -> int:
        return self.config["n_layer"]

    def start(self, ids: list[int]) -> np.ndarray:
        return self.embed(ids, "emb_ln")

    def norm_names(self, l: int) -> tuple[str, str]:
        return f"encoder.layers.{l}.norm1", f"encoder.layers.{l}.norm2"

    def attend(self, l: int, at: str, x: np.ndarray) -> np.ndarray:
        name, heads = f"encoder.layers.{l}.attn.", self.config["n_head"]
        q, k, v = np.split(self.linear(x, name + "Wqkv"), 3, axis=-1)
        self.keep_projections(at, q, k, v, heads)
        return self.linear(self.attention(at, q, k, v, heads), name + "out_proj")

    def feed_forward(self, l: int, at: str, x: np.ndarray) -> np.ndarray:
        name = f"encoder.layers.{l}.mlp."
        if has_experts(self.config, l):
            return self.experts(name, x)
        if self.config["activation_function"] == "gelu":
            pre = self.linear(x, name + "fc1")
            self.keep_ffn(at, pre, self.act(pre))
            return self.linear(self.act(pre), name + "fc2")
        up, gate = self.linear(x, name + "fc11"), self.linear(x, name + "fc12")
        self.keep_ffn(at, up, up * self.act(gate), gate)
        return self.linear(up * self.act(gate), name + "fc2")

    def experts(self, name: str, x: np.ndarray) -> np.ndarray:
        logits = self.linear(x, name + "router.layer")
        share = np.exp(logits - logits.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        shape = (self.config["num_experts"], -1, x.shape[-1])
        w1, w2 = (self.tensors[f"{name}experts.mlp.{w}"].reshape(shape) for w in ("w1", "w2"))
        out = np.zeros_like(x)
        for t, row in enumerate(share):
            best = np.argsort(-row, kind="stable")[: self.config["moe_top_k"]]
            total = row[best].sum() if self.renormalise else 1.0
            for e in best:
                out[t] += row[e] / total * (self.act(x[t] @ w1[e].T) @ w2[e])
        return out + self.tensors[name + "experts.bias"]


def renormalise(ref: Nomic) -> None:
    ref.renormalise = True


def top_one(ref: Nomic) -> None:
    ref.config = ref.config | {"moe_top_k": 1}


def transpose_w2(ref: Nomic) -> None:
    count, D = ref.config["num_experts"], ref.config["n_embd"]
    for name, x in ref.tensors.items():
        if name.endswith("w2"):
            ref.tensors[name] = x.reshape(count, D, -1).transpose(0, 2, 1).reshape(-1, D)


def rotate_all(ref: Nomic) -> None:
    ref.rope_dims = ref.config["n_embd"] // ref.config["n_head"]


def rotate_as_if_whole(ref: Nomic) -> None:
    ref.rope_base **= ref.config["rotary_emb_fraction"]


BERT = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 8192}
SHORT = {"max_seq_length": 14, "do_lower_case": False}
SEARCH = {"prompts": {"query": "query: ", "document": "passage: "}}
NOMIC_COMMON = dict(
    tokenizer=pieces.bert, tokenizer_config=BERT, sentence_bert=SHORT, family="nomic_bert", shapes=nomic_shapes,
    st_config=SEARCH,
)
NOMIC_TRAPS = [("base 10000", traps.theta(10.0)), ("fc11 activated", flip_gate)]

# --------------------------------------------------------------------------- GTE ("new")

NEW = {
    "architectures": ["NewModel"], "model_type": "new",
    "auto_map": {"AutoConfig": "Alibaba-NLP/new-impl--configuration.NewConfig",
                 "AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"},
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 20, "hidden_act": "gelu",
    "layer_norm_eps": 1e-12, "layer_norm_type": "layer_norm", "max_position_embeddings": 8192, "pack_qkv": True,
    "pad_token_id": 1, "position_embedding_type": "rope", "rope_theta": 20000,
    "rope_scaling": {"factor": 8.0, "type": "ntk"},
    "type_vocab_size": 1, "logn_attention_scale": False, "logn_attention_clip1": False, "unpad_inputs": False,
    "use_memory_efficient_attention": False, "attention_probs_dropout_prob": 0.0, "hidden_dropout_prob": 0.1,
}
NEW_NAMES = {"encoder.layer.": "layers.", "attention.o_proj": "self_attn.o_proj", "attn_ln": "post_attention_layernorm",
             "mlp_ln": "post_mlp_layernorm"}


def new_shapes(c: dict) -> dict:
    D, F = c["hidden_size"], c["intermediate_size"]
    out = {"embeddings.word_embeddings.weight": (c["vocab_size"], D)} | norm("embeddings.LayerNorm", D)
    if c["type_vocab_size"]:
        out["embeddings.token_type_embeddings.weight"] = (c["type_vocab_size"], D)
    for l in range(c["num_hidden_layers"]):
        at = f"encoder.layer.{l}."
        out |= linear(at + "attention.qkv_proj", D, 3 * D) | linear(at + "attention.o_proj", D, D)
        out |= {at + "mlp.up_gate_proj.weight": (2 * F, D)} | linear(at + "mlp.down_proj", F, D)
        out |= norm(at + "attn_ln", D) | norm(at + "mlp_ln", D)
    return out


def ntk(theta: float, factor: float, head: int) -> dict:
    """Fixed NTK scaling (theta times s, frequencies divided by s^(2/d)) as rope_type linear spells it."""
    return {"rope_type": "linear", "factor": factor ** (2 / head), "rope_theta": theta * factor}


def gte(rope: dict, types: int) -> dict:
    kept = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
        "layer_norm_eps",
            "max_position_embeddings", "pad_token_id")
    return {k: NEW[k] for k in kept} | {"architectures": ["GteModel"], "model_type": "gte", "rope_parameters": rope,
                                        "type_vocab_size": types}


def ntk_undivided(model) -> None:
    """theta times s alone."""
    model.rotary_emb.inv_freq *= model.config.rope_parameters["factor"]


XLMR = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 8192}
CLS = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
NEW_ORACLE = "transformers 5.23.0 gte, eager, f64; the ntk scaling (theta·s, frequencies / s^(2/d)) given to it as rope_type linear"

VARIANTS = [
    Variant(
        name="nomic_bert",
        why="as published: n_embd and the like, fused Wqkv, fc11 times silu of fc12, rotary_emb_base 1000",
        config=dict(NOMIC), stand_in=NOMIC_HF, layout=GATED, modules=["Normalize"], traps=NOMIC_TRAPS,
        also=Nomic, **NOMIC_COMMON,
        library_names=lambda t: renamed(t, NOMIC_NAMES, "attn.Wqkv"),
    ),
    Variant(
        name="nomic_bert_hf", texts=FEW,
        why="as transformers 5 writes it: hidden_size and the like, rope_parameters, and yet the published "
        "names of the tensors; f16", config=dict(NOMIC_HF), layout=GATED, dtype="f16", traps=NOMIC_TRAPS,
        **NOMIC_COMMON,
        library_names=lambda t: renamed(t, NOMIC_NAMES, "attn.Wqkv"),
    ),
    Variant(
        name="nomic_partial", why="rotary_emb_fraction 0.5: only the first half of each head turns; eps 1e-5",
        config=NOMIC | {"rotary_emb_fraction": 0.5, "layer_norm_epsilon": 1e-5}, reference=Nomic,
        texts=[TEXTS[1], TEXTS[4]],
        oracle="numpy, from the published description; at fraction 1 it agrees with transformers' nomic_bert",
        traps=[("all of a head turned", rotate_all), ("frequencies of the whole head", rotate_as_if_whole)],
        **NOMIC_COMMON,
    ),
    Variant(
        name="nomic_moe",
        why="nomic-embed v2: layers 1 and 3 are a mixture of 4 experts, 2 of them taken and not renormalised; biases, "
        "a plain gelu in the other layers", config=dict(MOE), tokenizer=pieces.xlm_roberta, tokenizer_config=XLMR,
        sentence_bert=SHORT, family="nomic_bert", shapes=nomic_shapes, st_config=SEARCH, reference=Nomic,
        modules=["Normalize"],
        oracle="numpy, from the published description of the mixture; its attention is the one that agrees with transformers' nomic_bert",
        traps=[("the two renormalised", renormalise), ("one expert taken", top_one), ("w2 transposed", transpose_w2)],
    ),
    Variant(
        name="new", family="new",
        why="GTE as published: new. prefix, fused qkv with bias, up first and then the gate, ntk scaling; cls",
        config=dict(NEW), stand_in=gte(ntk(20000, 8.0, 8), 1), layout=GATED, tokenizer=pieces.xlm_roberta,
        tokenizer_config=XLMR,
        sentence_bert={"max_seq_length": 13, "do_lower_case": False}, shapes=new_shapes, prefix="new.", pooling=CLS,
        modules=["Normalize"], oracle=NEW_ORACLE,
        library_names=lambda t: renamed(t, NEW_NAMES, "attention.qkv_proj", "mlp.up_gate_proj"),
        traps=[("theta times s alone", ntk_undivided), ("up activated", flip_gate),
            ("theta 20000", traps.theta(1 / 8))],
    ),
    Variant(
        name="new_en", family="new",
        why="GTE v1.5 in English: no type rows, no prefix, WordPiece, another theta and factor",
        config=NEW | {"type_vocab_size": 0, "rope_theta": 500000, "rope_scaling": {"factor": 2.0, "type": "ntk"},
            "pad_token_id": 0},
        stand_in=gte(ntk(500000, 2.0, 8), 0) | {"pad_token_id": 0}, layout=GATED_UNTYPED, tokenizer=pieces.bert,
        tokenizer_config=BERT, sentence_bert=SHORT, shapes=new_shapes, pooling=CLS, oracle=NEW_ORACLE,
        texts=[TEXTS[1], TEXTS[4]],
        library_names=lambda t: renamed(t, NEW_NAMES, "attention.qkv_proj", "mlp.up_gate_proj"),
        traps=[("up activated", flip_gate)],
    ),
    Variant(
        name="gte", family="new",
        why="as transformers 5 writes it: model_type gte, rope_parameters without scaling, the published names; bf16",
        config=gte({"rope_type": "default", "rope_theta": 160000.0}, 1), layout=GATED, tokenizer=pieces.xlm_roberta,
        tokenizer_config=XLMR, sentence_bert={"max_seq_length": 13, "do_lower_case": False}, shapes=new_shapes,
        pooling=CLS,
        dtype="bf16", texts=[TEXTS[1], TEXTS[4]], traps=[("up activated", flip_gate)],
        library_names=lambda t: renamed(t, NEW_NAMES, "attention.qkv_proj", "mlp.up_gate_proj"),
    ),
]
