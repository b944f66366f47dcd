"""Qwen3, Qwen2, Llama, Mistral as text encoders: pre-RMSNorm, RoPE, grouped heads, SwiGLU; causal, or not by a flag."""

from __future__ import annotations

import numpy as np

from families import pieces, traps
from families.common import FEW, TEXTS, Variant
from families.hooks import Layout

LAYOUT = Layout(
    blocks=lambda m: m.layers, embed={"embed.token": ("out", "embed_tokens")}, q="self_attn.q_proj",
    k="self_attn.k_proj",
    v="self_attn.v_proj", output="self_attn.o_proj", resid_mid=("in", "post_attention_layernorm"), up="mlp.up_proj",
    gate="mlp.gate_proj", down="mlp.down_proj", call={"use_cache": False},
)
SCALE = {"embed_tokens": 0.01, "norm.weight": 0.3}
LAST = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True,
        "include_prompt": True}
INSTRUCT = {"prompts": {"query": "Instruct: the cat\nQuery:", "document": ""}, "default_prompt_name": None}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 32768}

COMMON_TRAPS = [
    ("not causal", traps.config(is_causal=False)), ("theta 10000 for 1000000", traps.theta(1e-2)),
    ("eps 1e-12", traps.eps(1e-12)), ("no final norm", traps.no_module("norm")),
    ("gelu for silu", traps.activation("act_fn", "gelu")),
]


def config(model_type: str, architecture: str, **more) -> dict:
    return {
        "architectures": [architecture], "model_type": model_type, "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 20, "hidden_act": "silu",
        "rms_norm_eps": 1e-6, "max_position_embeddings": 64, "tie_word_embeddings": True, "attention_bias": False,
        "use_cache": True,
    } | more


def heads_tiled(model) -> None:
    """Query head h reads key head h mod K in place of h div (H/K): the key heads' rows change places with them."""
    c = model.config
    d = model.layers[0].self_attn.head_dim
    order = np.arange(c.num_attention_heads).reshape(c.num_key_value_heads, -1).T.reshape(-1)
    rows = (order[:, None] * d + np.arange(d)).reshape(-1)
    for layer in model.layers:
        q = layer.self_attn.q_proj
        q.weight.data = q.weight.data[rows]


def unscaled(model) -> None:
    """Plain RoPE of the same base."""
    rotary = model.rotary_emb
    rotary.inv_freq = rotary.compute_default_rope_parameters(model.config)[0].to(rotary.inv_freq.dtype)


def magnitude(factor: float):
    """Another factor on cosines and sines."""
    return lambda model: setattr(model.rotary_emb, "attention_scaling", factor)


def lm_head(config: dict) -> dict[str, np.ndarray]:
    return {"lm_head.weight": np.zeros((config["vocab_size"], config["hidden_size"]), np.float32)}


WINDOW = {"max_seq_length": 16, "do_lower_case": False}

VARIANTS = [
    Variant(
        name="qwen3", family="qwen3",
        why="causal, 4 heads of size 8 (not hidden / heads) over 2 key heads, q/k norm, last token of an appended "
        "<|endoftext|>, an instruction as prompt, a tokenizer that pads on the left",
        config=config("qwen3", "Qwen3ForCausalLM", head_dim=8, intermediate_size=12, rope_theta=1000000,
                      rope_scaling=None, sliding_window=None, use_sliding_window=False, max_window_layers=2),
        tokenizer=pieces.qwen, layout=LAYOUT, scale=SCALE, pooling=LAST, modules=["Normalize"], st_config=INSTRUCT,
        tokenizer_config=FAST | {"padding_side": "left", "pad_token": "<|endoftext|>"},
        sentence_bert={"max_seq_length": 25, "do_lower_case": False},
        traps=[*COMMON_TRAPS, ("no q norm", traps.no_module("q_norm")), ("no k norm", traps.no_module("k_norm")),
               ("key heads tiled", heads_tiled)],
    ),
    Variant(
        name="qwen2", family="qwen2", why="q, k and v have biases, model. prefix with an lm_head to leave alone, f16, "
        "rope_parameters, causal, mean",
        config=config("qwen2", "Qwen2ForCausalLM", use_sliding_window=False, sliding_window=4, max_window_layers=0,
                      rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
        tokenizer=pieces.qwen, layout=LAYOUT, scale=SCALE, prefix="model.", extra=lm_head, dtype="f16",
        tokenizer_config=FAST | {"pad_token": "<|endoftext|>"}, sentence_bert=WINDOW,
        traps=[*COMMON_TRAPS, ("no bias of q", traps.zero("q_proj.bias")), ("no bias of v", traps.zero("v_proj.bias"))],
    ),
    Variant(
        name="qwen2_bidirectional", texts=FEW, family="qwen2",
        why="is_causal false (the key that gte-Qwen2 carries), as many key heads as heads, "
        "old rope_theta, last token",
        config=config("qwen2", "Qwen2ForCausalLM", is_causal=False, num_key_value_heads=4, rope_theta=1000000.0,
                      use_sliding_window=False, sliding_window=4096, max_window_layers=2),
        tokenizer=pieces.qwen, layout=LAYOUT, scale=SCALE, pooling=LAST, modules=["Normalize"], sentence_bert=WINDOW,
        tokenizer_config=FAST | {"pad_token": "<|endoftext|>"}, traps=[("causal", traps.config(is_causal=True))],
    ),
    Variant(
        name="qwen2_yarn", texts=FEW, family="qwen2",
        why="rope_scaling of type yarn with pairs kept, stretched and in between, and the factor on what is turned",
        config=config("qwen2", "Qwen2ForCausalLM", hidden_size=32, num_attention_heads=2, num_key_value_heads=1,
                      rope_theta=100.0, max_position_embeddings=160, use_sliding_window=False, max_window_layers=2,
                      rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 40,
                                    "beta_fast": 4.0}),
        tokenizer=pieces.qwen, layout=LAYOUT, scale=SCALE, pooling=LAST, modules=["Normalize"], sentence_bert=WINDOW,
        tokenizer_config=FAST | {"pad_token": "<|endoftext|>"},
        traps=[("no rope scaling", unscaled), ("no factor on what is turned", magnitude(1.0))],
    ),
    Variant(
        name="qwen3_yarn", texts=FEW[:1] + FEW[-1:], family="qwen3",
        why="yarn in rope_parameters: a ramp between parts of pairs, mscale and mscale_all_dim",
        config=config("qwen3", "Qwen3ForCausalLM", head_dim=16, num_attention_heads=2, num_key_value_heads=1,
                      max_position_embeddings=160, use_sliding_window=False, max_window_layers=2,
                      rope_parameters={"rope_type": "yarn", "rope_theta": 1000.0, "factor": 8.0, "truncate": False,
                                       "original_max_position_embeddings": 64, "beta_fast": 5.5, "beta_slow": 0.5,
                                       "mscale": 2.0, "mscale_all_dim": 0.5}),
        tokenizer=pieces.qwen, layout=LAYOUT, scale=SCALE, pooling=LAST, modules=["Normalize"], sentence_bert=WINDOW,
        tokenizer_config=FAST | {"pad_token": "<|endoftext|>"},
        traps=[("no rope scaling", unscaled), ("no factor on what is turned", magnitude(1.0))],
    ),
    Variant(
        name="llama", family="llama",
        why="rope_scaling of type llama3 with all three of its ranges at work, model. prefix, two "
        "shards, no closing special token, untied",
        config=config("llama", "LlamaForCausalLM", rope_theta=100.0, tie_word_embeddings=False, mlp_bias=False,
                      rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                    "high_freq_factor": 4.0, "original_max_position_embeddings": 40}),
        tokenizer=pieces.llama3, layout=LAYOUT, scale=SCALE, pooling=LAST, prefix="model.", extra=lm_head, shards=2,
        tokenizer_config=FAST | {"pad_token": "<|end_of_text|>"}, sentence_bert=WINDOW,
        traps=[("no rope scaling", unscaled), *COMMON_TRAPS[:1], *COMMON_TRAPS[2:]],
    ),
    Variant(
        name="llama_bidirectional", texts=FEW, family="llama",
        why="is_causal false in the config: every token sees all; no rope scaling, "
        "attention_bias and mlp_bias, mean",
        config=config("llama", "LlamaModel", is_causal=False, rope_theta=10000.0, attention_bias=True, mlp_bias=True),
        tokenizer=pieces.llama3, layout=LAYOUT, scale=SCALE, modules=["Normalize"],
        tokenizer_config=FAST | {"pad_token": "<|end_of_text|>"}, sentence_bert=WINDOW,
        traps=[("causal", traps.config(is_causal=True)), ("no bias of the output", traps.zero("o_proj.bias"))],
    ),
    Variant(
        name="llama_bidirec", family="llama",
        why="model_type llama_bidirec (nvidia's embedding models): llama that is never "
        "causal, with no flag that says so",
        config=config("llama_bidirec", "LlamaBidirectionalModel", rope_theta=10000.0, pooling="avg",
                      auto_map={"AutoModel": "llama_bidirectional_model.LlamaBidirectionalModel"}),
        stand_in=config("llama", "LlamaModel", rope_theta=10000.0, is_causal=False),
        tokenizer=pieces.llama3, layout=LAYOUT, scale=SCALE, modules=["Normalize"],
        tokenizer_config=FAST | {"pad_token": "<|end_of_text|>"}, sentence_bert=WINDOW,
        traps=[("causal", traps.config(is_causal=True))], texts=[TEXTS[1], TEXTS[3], TEXTS[4]],
    ),
    Variant(
        name="mistral", family="mistral",
        why="sliding_window 6 (oneself and five before), SentencePiece's BPE with byte fallback, "
        "<s> and </s>, last token, bf16",
        config=config("mistral", "MistralModel", sliding_window=6, head_dim=4, rope_theta=10000.0),
        tokenizer=pieces.mistral, layout=LAYOUT, scale=SCALE, pooling=LAST, modules=["Normalize"], dtype="bf16",
        tokenizer_config=FAST | {"pad_token": "</s>", "padding_side": "left"}, sentence_bert=WINDOW, st_config=INSTRUCT,
        traps=[("no window", traps.config(sliding_window=None)),
            ("a window one larger", traps.config(sliding_window=7)),
               *COMMON_TRAPS[2:]],
    ),
]
