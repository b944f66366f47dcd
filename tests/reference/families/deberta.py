"""DeBERTa v2 and v3: disentangled attention over relative positions, nothing added to the embeddings; in the larger
models of v2 a convolution of the embeddings is added to what leaves the first layer."""

from __future__ import annotations

import torch

from transformers.activations import ACT2FN

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


@torch.no_grad()
def convolved(model, ids, sites) -> dict:
    """`disentangled`, and the sites of the convolution, from the model's own modules: what a block's hook calls
    resid_out is then resid_ffn. `hooks.check_flow` holds the new resid_out against what enters layer 1."""
    conv, at = model.encoder.conv, "layer.0."
    mask = torch.ones(1, len(ids), dtype=torch.long)
    x, y = sites[at + "resid_in"][None], sites[at + "resid_out"][None]
    pre = conv.conv(x.permute(0, 2, 1).contiguous()).permute(0, 2, 1)
    out = ACT2FN[conv.conv_act](pre)
    whole = conv(x, y, mask)
    gap = (conv.LayerNorm(y + out) - whole).abs().max()
    assert gap < 1e-9 or "forward" in vars(conv), f"the parts do not give the convolution, by {gap:.1e}"
    found = {"resid_ffn": y, "conv_pre": pre, "conv_out": out, "resid_out": whole}
    return disentangled(model, ids, sites) | {at + name: value[0] for name, value in found.items()}


def layout(shared: bool, extras=disentangled) -> Layout:
    """With share_att_key the query and key projections are called twice in a layer: for the tokens, then for the rows."""
    return Layout(
        blocks=lambda m: m.encoder.layer, embed=EMBED, q="attention.self.query_proj", k="attention.self.key_proj",
        v="attention.self.value_proj", output="attention.output.dense", resid_mid=("out", "attention.output.LayerNorm"),
        up="intermediate.dense", down="output.dense", extras=extras, every=2 if shared else 1,
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


def no_convolution(model) -> None:
    with torch.no_grad():
        model.encoder.conv.conv.weight.zero_()


def taps_turned(model) -> None:
    """The neighbours in the other order."""
    with torch.no_grad():
        model.encoder.conv.conv.weight.copy_(model.encoder.conv.conv.weight.flip(-1))


def of_the_block(model) -> None:
    """A convolution of what leaves the first layer, in place of what enters it."""
    conv = model.encoder.conv
    right = conv.forward
    conv.forward = lambda x, y, mask: right(y, y, mask)


def conv_act(name: str):
    def change(model) -> None:
        model.encoder.conv.conv_act = name

    return change


TOKENIZER = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "unk_token": "[UNK]",
    "model_max_length": 512}
WINDOW = {"max_seq_length": 18, "do_lower_case": False}

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
    Variant(
        name="deberta_v2_conv", texts=FEW, family="deberta_v2",
        why="as v2-xlarge: a convolution over 3 tokens of the embeddings beside the first layer, GELU (erf), its own norm; "
        "8 log buckets, normed rows, share_att_key",
        config=config(conv_kernel_size=3, conv_act="gelu"), tokenizer=pieces.deberta, layout=layout(True, convolved),
        tokenizer_config=TOKENIZER, sentence_bert=WINDOW, prefix="deberta.", modules=["Normalize"],
        traps=[("no convolution", no_convolution), ("taps in the other order", taps_turned),
               ("of what leaves the layer", of_the_block), ("tanh", conv_act("tanh")), ("relu", conv_act("relu"))],
    ),
    Variant(
        name="deberta_v2_conv_groups", texts=FEW, family="deberta_v2",
        why="5 tokens in 4 groups, tanh where the config names no activation, no disentangled terms but those of the config: "
        "c2p alone, projections of their own",
        config=config(conv_kernel_size=5, conv_groups=4, position_buckets=-1, max_relative_positions=6,
            share_att_key=False, pos_att_type=["c2p"], norm_rel_ebd="none"),
        tokenizer=pieces.deberta, tokenizer_config=TOKENIZER, layout=layout(False, convolved),
        sentence_bert={"max_seq_length": 14, "do_lower_case": False},
        traps=[("no convolution", no_convolution), ("taps in the other order", taps_turned),
               ("of what leaves the layer", of_the_block), ("gelu", conv_act("gelu"))],
    ),
]
VARIANTS[1].layout.embed = EMBED | {"embed.position": ("out", "embeddings.position_embeddings"),
                                    "embed.type": ("out", "embeddings.token_type_embeddings")}
