"""The T5 encoder (bucket bias, no scaling, RMSNorm) and Gemma 3 as an encoder (four norms a layer, windows)."""

from __future__ import annotations

import torch

from families import pieces, traps
from families.common import FEW, IDENTITY, Variant, dense
from families.hooks import Layout

# --------------------------------------------------------------------------- T5

ATTENTION = dict(q="layer.0.SelfAttention.q", k="layer.0.SelfAttention.k", v="layer.0.SelfAttention.v",
                 output="layer.0.SelfAttention.o", position=("out1", "layer.0.SelfAttention"),
                 resid_mid=("in", "layer.1"), heads=lambda c: c.num_heads, kv_heads=lambda c: c.num_heads)
FFN = "layer.1.DenseReluDense."
EMBED = {"embed.token": ("out", "encoder.embed_tokens")}
T5 = Layout(blocks=lambda m: m.encoder.block, embed=EMBED, up=FFN + "wi", down=FFN + "wo", **ATTENTION)
T5_GATED = Layout(blocks=lambda m: m.encoder.block, embed=EMBED, up=FFN + "wi_1", gate=FFN + "wi_0", down=FFN + "wo",
                  **ATTENTION)


def t5(**more) -> dict:
    return {
        "architectures": ["T5EncoderModel"], "model_type": "t5", "d_model": 16, "d_kv": 6, "d_ff": 24, "num_layers": 2,
        "num_decoder_layers": 2, "num_heads": 3, "relative_attention_num_buckets": 32, "dropout_rate": 0.1,
        "layer_norm_epsilon": 1e-6, "feed_forward_proj": "relu", "is_encoder_decoder": True, "pad_token_id": 0,
        "eos_token_id": 1, "decoder_start_token_id": 0, "use_cache": True, "n_positions": 512,
    } | more


def scaled(model) -> None:
    """Scores divided by √d, as everywhere else."""
    for block in model.encoder.block:
        block.layer[0].SelfAttention.scaling = model.config.d_kv**-0.5


def own_bias(model) -> None:
    """The bias in layer 0 alone."""
    def forget(_module, _args, kwargs):
        kwargs["position_bias"] = torch.zeros_like(kwargs["position_bias"])
        return None, kwargs

    model.encoder.block[1].layer[0].SelfAttention.register_forward_pre_hook(
        lambda m, a, k: (a, forget(m, a, dict(k))[1]), with_kwargs=True)


def bias_turned(model) -> None:
    table = model.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight
    with torch.no_grad():
        table.copy_(table.roll(len(table) // 2, 0))


T5_SCALE = {"shared": 0.01, "norm.weight": 0.3, "relative_attention_bias": 1.0}
T5_TRAPS = [
    ("scores scaled", scaled), ("a bias in layer 0 alone", own_bias), ("bias of query minus key", bias_turned),
    ("eps 1e-12", traps.eps(1e-12)), ("no final norm", traps.no_module("final_layer_norm")),
]
T5_COMMON = dict(
    family="t5", tokenizer=pieces.t5, scale=T5_SCALE, sentence_bert={"max_seq_length": 20, "do_lower_case": False},
    tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "</s>",
                      "unk_token": "<unk>", "model_max_length": 512},
    keep=lambda n: n != "encoder.embed_tokens.weight",
)

# --------------------------------------------------------------------------- Gemma 3

GEMMA = Layout(
    blocks=lambda m: m.layers, embed={"embed.token": ("out", "embed_tokens")}, q="self_attn.q_proj",
    k="self_attn.k_proj",
    v="self_attn.v_proj", output="self_attn.o_proj", resid_mid=("in", "pre_feedforward_layernorm"), up="mlp.up_proj",
    gate="mlp.gate_proj", down="mlp.down_proj", token_scale=lambda c: c.hidden_size**0.5, call={"use_cache": False},
)


def gemma(**more) -> dict:
    """The window reaches 4 to each side. 20 is not the head size."""
    return {
        "architectures": ["Gemma3TextModel"], "model_type": "gemma3_text", "hidden_size": 16, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 6, "intermediate_size": 20,
        "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6, "max_position_embeddings": 64,
        "query_pre_attn_scalar": 20, "sliding_window": 8, "use_bidirectional_attention": True,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"], "attention_bias": False,
        "attn_logit_softcapping": None, "final_logit_softcapping": None, "pad_token_id": 0, "eos_token_id": 1,
        "bos_token_id": 2, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "rope_scaling": None,
    } | more


def swap_thetas(model) -> None:
    rotary = model.rotary_emb
    full, local = rotary.full_attention_inv_freq.clone(), rotary.sliding_attention_inv_freq.clone()
    rotary.full_attention_inv_freq, rotary.sliding_attention_inv_freq = local, full


def weight_as_it_is(model) -> None:
    """Norms that multiply by w, not by 1 + w."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "norm" in name:
                p -= 1.0


def embeddings_unscaled(model) -> None:
    model.embed_tokens.embed_scale.fill_(1.0)


def unscaled(model) -> None:
    """Global frequencies without the division by the factor of rope_type linear."""
    model.rotary_emb.full_attention_inv_freq *= model.config.rope_parameters["full_attention"]["factor"]


GEMMA_TRAPS = [
    ("causal", traps.config(use_bidirectional_attention=False)),
    ("a window one larger", traps.config(sliding_window=6)),
    ("a window one smaller", traps.config(sliding_window=4)),
    ("a window of w to each side", traps.config(sliding_window=9)),
    ("thetas swapped", swap_thetas), ("w for 1 + w", weight_as_it_is), ("embeddings not scaled", embeddings_unscaled),
    ("scaled by the head size", traps.attribute("scaling", 6**-0.5)), ("no q norm", traps.no_module("q_norm")),
    ("no norm after attention", traps.no_module("post_attention_layernorm")),
    ("erf gelu", traps.activation("act_fn", "gelu")), ("eps 1e-12", traps.eps(1e-12)),
]

VARIANTS = [
    Variant(
        name="t5",
        why="relu, d_kv not d_model / heads, shared.weight, the head of gtr: mean, Dense without bias or activation, "
        "Normalize", config=t5(), layout=T5, modules=["Dense", "Normalize"], dense=[dense(16, 12)], traps=T5_TRAPS,
        **T5_COMMON,
    ),
    Variant(
        name="t5_gated", texts=FEW,
        why="version 1.1: gated-gelu is gelu_new; relative_attention_max_distance 20 so that the last bucket is "
        "reached; f16, untied",
        config=t5(feed_forward_proj="gated-gelu", relative_attention_max_distance=20, relative_attention_num_buckets=16,
                  tie_word_embeddings=False, num_heads=2), layout=T5_GATED, dtype="f16", trap_floor=1e-4,
        traps=[*T5_TRAPS, ("erf gelu", traps.activation("act", "gelu"))], **T5_COMMON,
    ),
    Variant(
        name="gemma3_text",
        why="bidirectional, a window in two layers of three, one key head, two Dense modules, prompts, bf16, the "
        "old keys rope_theta and rope_local_base_freq", config=gemma(), tokenizer=pieces.gemma, layout=GEMMA,
        dtype="bf16",
        family="gemma3_text", norm_mean=0.0, scale={"embed_tokens": 0.002, "norm.weight": 0.3},
        modules=["Dense", "Dense", "Normalize"],
        dense=[dense(16, 24, IDENTITY), dense(24, 12, IDENTITY)], new_style=True, sentence_bert={"max_seq_length": 14},
        tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "model_max_length": 2048},
        st_config={"prompts": {"query": "query: ", "document": "passage: ", "": ""}, "default_prompt_name": None,
                   "similarity_fn_name": "cosine"},
        traps=GEMMA_TRAPS,
    ),
    Variant(
        name="gemma3_text_new", texts=FEW,
        why="rope_parameters for each layer type, sliding_window_pattern in place of layer_types, causal (no "
        "use_bidirectional_attention), its window oneself and seven before; model. prefix; last token",
        family="gemma3_text",
        config={k: x for k, x in gemma(
            use_bidirectional_attention=False, sliding_window_pattern=3, num_key_value_heads=2, rope_parameters={
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}).items()
            if k not in ("rope_theta", "rope_local_base_freq", "rope_scaling", "layer_types")},
        tokenizer=pieces.gemma, layout=GEMMA, norm_mean=0.0, scale={"embed_tokens": 0.002, "norm.weight": 0.3},
        prefix="model.",
        sentence_bert={"max_seq_length": 14}, modules=["Normalize"],
        pooling={"pooling_mode": "lasttoken", "embedding_dimension": 16},
        tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "model_max_length": 2048},
        traps=[("not causal", traps.config(use_bidirectional_attention=True)),
            ("a window one larger", traps.config(sliding_window=9)),
               ("linear scaling left out", unscaled), ("thetas swapped", swap_thetas)],
    ),
]
