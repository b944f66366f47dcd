"""DeBERTa v2 and v3: disentangled attention over relative positions, nothing added to the embeddings."""

from __future__ import annotations

import torch

from families import pieces, traps
from families.common import FEW, Variant
from families.hooks import Layout

EMBED = {"embed.token": ("out", "embeddings.word_embeddings")}


def disentangled(model, _ids, sites) -> dict:
    """The additive terms c2p + p2c of each layer, scaled, from the layer's own function. [H, T, T]"""
    rows, out = model.encoder.get_rel_embedding(), {}
    for l, layer in enumerate(model.encoder.layer):
        attention, x = layer.attention.self, sites[f"layer.{l}.resid_in"][None]
        heads = attention.num_attention_heads
        q = attention.transpose_for_scores(attention.query_proj(x), heads)
        k = attention.transpose_for_scores(attention.key_proj(x), heads)
        relative, terms = model.encoder.get_rel_pos(x), len(attention.pos_att_type)
        bias = attention.disentangled_attention_bias(q, k, relative, rows, 1 + terms)
        content = torch.bmm(q, k.transpose(-1, -2)) / (q.shape[-1] * (1 + terms)) ** 0.5
        gap = (torch.softmax(content + bias, dim=-1) - sites[f"layer.{l}.pattern"]).abs().max()
        assert gap < 1e-6, f"layer {l}: the terms do not give the pattern, by {gap:.1e}"
        out[f"layer.{l}.score_position"] = bias.view(heads, *bias.shape[-2:])
    return out


def layout(shared: bool) -> Layout:
    """With share_att_key the query and key projections are called twice in a layer: for the tokens, then for the rows."""
    return Layout(
        blocks=lambda m: m.encoder.layer, embed=EMBED, q="attention.self.query_proj", k="attention.self.key_proj",
        v="attention.self.value_proj", output="attention.output.dense", resid_mid=("out", "attention.output.LayerNorm"),
        up="intermediate.dense", down="output.dense", extras=disentangled, every=2 if shared else 1,
    )


def config(**more) -> dict:
    return {
        "architectures": ["DebertaV2Model"], "model_type": "deberta-v2", "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 24, "hidden_act": "gelu", "layer_norm_eps": 1e-7,
        "max_position_embeddings": 24, "relative_attention": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm",
        "share_att_key": True, "pos_att_type": "p2c|c2p", "position_biased_input": False, "max_relative_positions": -1,
        "type_vocab_size": 0, "pad_token_id": 0, "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1,
    } | more


def plain_scale(model) -> None:
    """The content term over √d, without the count of the terms."""
    for layer in model.encoder.layer:
        layer.attention.self.query_proj.weight.data *= 3**0.5
        layer.attention.self.query_proj.bias.data *= 3**0.5


def raw_rows(model) -> None:
    model.encoder.norm_rel_ebd = ["none"]


def other_maximum(model) -> None:
    """Buckets of a longest distance of 512, the usual one, in place of the config's."""
    model.encoder.max_relative_positions = 512
    for layer in model.encoder.layer:
        layer.attention.self.max_relative_positions = 512


def key_minus_query(model) -> None:
    right = model.encoder.get_rel_pos
    model.encoder.get_rel_pos = lambda *a, **k: -right(*a, **k)


TOKENIZER = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "unk_token": "[UNK]",
    "model_max_length": 512}
WINDOW = {"max_seq_length": 18, "do_lower_case": False}

# `disentangled` checks itself against the pattern, so the mistakes are tried without it.
VARIANTS = [
    Variant(
        name="deberta_v2", family="deberta_v2",
        why="as v3: c2p and p2c, 8 log buckets, normed rows, the content's projections for the "
        "rows too (share_att_key), deberta. prefix, no position rows, no types; eps 1e-7",
        config=config(), tokenizer=pieces.deberta, layout=layout(True), tokenizer_config=TOKENIZER,
        sentence_bert=WINDOW,
        prefix="deberta.", modules=["Normalize"],
        scale={"intermediate.dense.weight": 0.05, "rel_embeddings": 1.0}, mean={"intermediate.dense.bias": -2.2},
        traps=[("the scale without the count of terms", plain_scale), ("rows not normed", raw_rows),
               ("a longest distance of 512", other_maximum), ("distance of key minus query", key_minus_query),
               ("tanh gelu", traps.activation("intermediate_act_fn", "gelu_new"))],
    ),
    Variant(
        name="deberta_v2_own_keys", texts=FEW, family="deberta_v2",
        why="as v2: no buckets (distances clamped at max_relative_positions 6), projections "
        "of their own for the rows, c2p alone, rows not normed, embeddings of width 12 projected, two types, position rows added",
        config=config(position_buckets=-1, max_relative_positions=6, share_att_key=False, pos_att_type=["c2p"],
            norm_rel_ebd="none",
                      embedding_size=12, type_vocab_size=2, position_biased_input=True),
        tokenizer=pieces.deberta, tokenizer_config=TOKENIZER,
        sentence_bert={"max_seq_length": 14, "do_lower_case": False},
        layout=layout(False),
        traps=[("distance of key minus query", key_minus_query),
            ("no bias of the position key", traps.zero("pos_key_proj.bias"))],
    ),
]
VARIANTS[1].layout.embed = EMBED | {"embed.position": ("out", "embeddings.position_embeddings"),
                                    "embed.type": ("out", "embeddings.token_type_embeddings")}
