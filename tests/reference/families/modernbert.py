"""ModernBERT: pre-norm without biases, RoPE with two bases, every third layer global, the others in a window."""

from __future__ import annotations

from families import pieces, traps
from families.common import FEW, Variant
from families.hooks import Layout

LAYOUT = Layout(
    blocks=lambda m: m.layers, embed={"embed.token": ("out", "embeddings.tok_embeddings")}, qkv="attn.Wqkv",
    output="attn.Wo", resid_mid=("in", "mlp_norm"), fused="mlp.Wi", gate_first=True, down="mlp.Wo",
)


def config(**more) -> dict:
    return {
        "architectures": ["ModernBertModel"], "model_type": "modernbert", "hidden_size": 16, "num_hidden_layers": 4,
        "num_attention_heads": 2, "intermediate_size": 12, "hidden_activation": "gelu", "norm_eps": 1e-5,
        "norm_bias": False, "attention_bias": False, "mlp_bias": False, "max_position_embeddings": 64,
        "local_attention": 8, "pad_token_id": 294, "bos_token_id": 292, "eos_token_id": 293, "cls_token_id": 292,
        "sep_token_id": 293,
    } | more


NEW_KEYS = {
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
    "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 160000.0},
                        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}},
}
OLD_KEYS = {"global_attn_every_n_layers": 3, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
            "position_embedding_type": "absolute", "layer_norm_eps": 1e-5}


def swap_thetas(model) -> None:
    rotary = model.rotary_emb
    full, local = rotary.full_attention_inv_freq.clone(), rotary.sliding_attention_inv_freq.clone()
    rotary.full_attention_inv_freq, rotary.sliding_attention_inv_freq = local, full


def every_second_global(model) -> None:
    for l, layer in enumerate(model.layers):
        layer.attention_type = "sliding_attention" if l % 2 else "full_attention"


def norm_in_layer_0(model) -> None:
    model.layers[0].attn_norm = model.layers[1].attn_norm


def gate_second(model) -> None:
    for layer in model.layers:
        wi = layer.mlp.Wi.weight
        wi.data = wi.data.roll(len(wi) // 2, 0)


SCALE = {"tok_embeddings": 0.02, "norm.weight": 0.3}
TRAPS = [
    ("no window", traps.config(local_attention=200)),
    ("a window of w - 2", lambda m: setattr(m.config, "local_attention", m.config.local_attention - 2)),
    ("a window of w to each side", lambda m: setattr(m.config, "local_attention", 2 * m.config.local_attention)),
    ("thetas swapped", swap_thetas),
    ("every second layer global", every_second_global), ("a norm before layer 0's attention", norm_in_layer_0),
    ("the second half activated", gate_second), ("no final norm", traps.no_module("final_norm")),
    ("eps 1e-12", traps.eps(1e-12)),
]
COMMON = dict(
    family="modernbert", tokenizer=pieces.modernbert, layout=LAYOUT, scale=SCALE, traps=TRAPS,
    tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8192, "pad_token": "[PAD]",
                      "model_input_names": ["input_ids", "attention_mask"]},
)

VARIANTS = [
    Variant(
        name="modernbert", why="layer_types and rope_parameters (the keys of transformers 5), no prefix, mean, bf16, "
        "a window that a text of 24 tokens passes", config=config(**NEW_KEYS), dtype="bf16", modules=["Normalize"],
        sentence_bert={"max_seq_length": 24, "do_lower_case": False}, **COMMON,
    ),
    Variant(
        name="modernbert_old", texts=FEW,
        why="global_attn_every_n_layers, global_rope_theta and local_rope_theta (as released), "
        "model. prefix, cls, tanh gelu",
        config=config(**OLD_KEYS | {"hidden_activation": "gelu_new", "local_attention": 4}), prefix="model.",
        sentence_bert={"max_seq_length": 16, "do_lower_case": False},
        pooling={"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, **COMMON,
    ),
]
