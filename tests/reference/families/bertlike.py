"""MPNet, DistilBERT, ELECTRA, ALBERT: BERT's block with something added, left out, projected or shared."""

from __future__ import annotations

import copy

import torch

from families import pieces, traps
from families.common import FEW, Variant
from families.hooks import Layout
from families.roberta import BERT_LAYOUT, EMBED, MEAN, SCALE

# --------------------------------------------------------------------------- MPNet


def bucket_bias(model, _ids, sites) -> dict:
    """The one relative bias that every layer adds. [H, T, T]"""
    bias = model.encoder.compute_position_bias(sites["embed.out"][None])[0]
    return {f"layer.{l}.score_position": bias for l in range(model.config.num_hidden_layers)}


MPNET = Layout(
    blocks=lambda m: m.encoder.layer, embed={n: w for n, w in EMBED.items() if n != "embed.type"},
    q="attention.attn.q", k="attention.attn.k", v="attention.attn.v", output="attention.attn.o",
    resid_mid=("out", "attention.LayerNorm"), up="intermediate.dense", down="output.dense", extras=bucket_bias,
)

MPNET_CONFIG = {
    "architectures": ["MPNetModel"], "model_type": "mpnet", "hidden_size": 16, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 24, "hidden_act": "gelu", "layer_norm_eps": 1e-5,
    "max_position_embeddings": 34, "relative_attention_num_buckets": 32, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2,
}

# Past distance 8 the buckets are logarithmic, past 15 the second step: needs a text of over 20 tokens.
LONG_WINDOW = {"max_seq_length": 22, "do_lower_case": False}


def bias_before_scale(model) -> None:
    """The bias divided by √d, as if it were added before the scaling."""
    with torch.no_grad():
        model.encoder.relative_attention_bias.weight /= (model.config.hidden_size / model.config.num_attention_heads) ** 0.5


def bias_transposed(model) -> None:
    """Query minus key in place of key minus query: the two halves of the table swapped."""
    table = model.encoder.relative_attention_bias.weight
    with torch.no_grad():
        table.copy_(table.roll(len(table) // 2, 0))


# --------------------------------------------------------------------------- DistilBERT

DISTILBERT = Layout(
    blocks=lambda m: m.transformer.layer,
    embed={"embed.token": ("out", "embeddings.word_embeddings"),
        "embed.position": ("out", "embeddings.position_embeddings")},
    q="attention.q_lin", k="attention.k_lin", v="attention.v_lin", output="attention.out_lin",
    resid_mid=("out", "sa_layer_norm"), up="ffn.lin1", down="ffn.lin2",
)

DISTILBERT_CONFIG = {
    "architectures": ["DistilBertModel"], "model_type": "distilbert", "dim": 16, "n_layers": 2, "n_heads": 4,
    "hidden_dim": 24, "activation": "gelu", "max_position_embeddings": 14, "sinusoidal_pos_embds": False,
    "tie_weights_": True, "pad_token_id": 0, "dropout": 0.1, "attention_dropout": 0.1, "initializer_range": 0.02,
}

# --------------------------------------------------------------------------- ELECTRA

ELECTRA = Layout(blocks=lambda m: m.encoder.layer, embed=EMBED, **BERT_LAYOUT)


def electra(embedding: int) -> dict:
    return {
        "architectures": ["ElectraModel"], "model_type": "electra", "embedding_size": embedding, "hidden_size": 16,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "hidden_act": "gelu",
        "layer_norm_eps": 1e-12, "max_position_embeddings": 40, "type_vocab_size": 2, "pad_token_id": 0,
        "position_embedding_type": "absolute", "summary_type": "first", "summary_use_proj": True,
    }


# --------------------------------------------------------------------------- ALBERT

ALBERT = Layout(
    blocks=lambda m: [layer for group in m.encoder.albert_layer_groups for layer in group.albert_layers], embed=EMBED,
    q="attention.query", k="attention.key", v="attention.value", output="attention.dense",
    resid_mid=("out", "attention.LayerNorm"), up="ffn", down="ffn_output",
)


def albert(**changes) -> dict:
    return {
        "architectures": ["AlbertModel"], "model_type": "albert", "embedding_size": 8, "hidden_size": 16,
        "num_hidden_layers": 3, "num_hidden_groups": 1, "inner_group_num": 1, "num_attention_heads": 2,
        "intermediate_size": 18, "hidden_act": "gelu_new", "layer_norm_eps": 1e-12, "max_position_embeddings": 13,
        "type_vocab_size": 2, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "classifier_dropout_prob": 0.1,
        "position_embedding_type": "absolute", "net_structure_type": 0, "down_scale_factor": 1, "gap_size": 0,
    } | changes


def groups_in_turn(model) -> None:
    """Layers given to the groups by turns, not in stretches."""
    groups = model.encoder.albert_layer_groups
    kept = list(groups)
    count = model.config.num_hidden_layers
    model.config.num_hidden_groups = count
    model.encoder.albert_layer_groups = torch.nn.ModuleList([copy.deepcopy(kept[l % len(kept)]) for l in range(count)])


VARIANTS = [
    Variant(
        name="mpnet", family="mpnet",
        why="mpnet. prefix, positions from 2, one relative bias table that every layer adds after the scaling, eps 1e-5, "
        "a text long enough for logarithmic buckets",
        config=MPNET_CONFIG, tokenizer=pieces.mpnet, layout=MPNET, sentence_bert=LONG_WINDOW,
        tokenizer_config={"tokenizer_class": "MPNetTokenizer", "do_lower_case": True, "model_max_length": 512},
        modules=["Normalize"], keep=lambda n: "pooler" not in n, prefix="mpnet.",
        scale=SCALE | {"relative_attention_bias": 1.0},
        mean=MEAN,
        traps=[("positions from 0", traps.position_offset("embeddings.position_embeddings", -2)),
               ("bias before the scaling", bias_before_scale), ("bias of query minus key", bias_transposed),
               ("no bias", traps.zero("relative_attention_bias")), ("eps 1e-12", traps.eps(1e-12)),
               ("tanh gelu", traps.activation("intermediate_act_fn", "gelu_new"))],
    ),
    Variant(
        name="distilbert", family="distilbert",
        why="distilbert. prefix, its own config keys, no type rows, cls pooling, the limit only from the position table",
        config=DISTILBERT_CONFIG, tokenizer=pieces.bert, layout=DISTILBERT,
        tokenizer_config={"tokenizer_class": "DistilBertTokenizer", "do_lower_case": True},
        pooling={"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, prefix="distilbert.",
        mean={"layer.0.ffn.lin1.bias": -2.2},
        scale={"embeddings.word": 0.01, "embeddings.position": 0.01, "layer.0.ffn.lin1.weight": 0.05}, traps=[
            ("tanh gelu", traps.activation("activation", "gelu_new")), ("eps 1e-5", traps.eps(1e-5)),
            ("positions from 2", traps.position_offset("embeddings.position_embeddings", 2))],
    ),
    Variant(
        name="electra", family="electra",
        why="embeddings of width 12 and embeddings_project to 16, electra. prefix, no norm after the projection",
        config=electra(12), tokenizer=pieces.bert, layout=ELECTRA, sentence_bert={"max_seq_length": 12},
        tokenizer_config={"tokenizer_class": "ElectraTokenizer", "do_lower_case": True, "model_max_length": 512},
        prefix="electra.", mean=MEAN, scale={"layer.0.intermediate.dense.weight": 0.05},
        traps=[("no bias of the projection", traps.zero("embeddings_project.bias")),
               ("tanh gelu", traps.activation("intermediate_act_fn", "gelu_new"))],
    ),
    Variant(
        name="electra_same", texts=FEW, family="electra",
        why="embedding_size equal to hidden_size: no projection; bf16, no prefix",
        config=electra(16), tokenizer=pieces.bert, layout=ELECTRA, sentence_bert={"max_seq_length": 12}, dtype="bf16",
        tokenizer_config={"tokenizer_class": "ElectraTokenizer", "do_lower_case": True, "model_max_length": 512},
        modules=["Normalize"], traps=[("positions from 2", traps.position_offset("embeddings.position_embeddings", 2))],
    ),
    Variant(
        name="albert", family="albert",
        why="one block for three layers, embeddings of width 8 projected to 16, gelu_new, albert. prefix, lower case and "
        "accents stripped by Unigram's normaliser",
        config=albert(), tokenizer=pieces.albert, layout=ALBERT, prefix="albert.",
        tokenizer_config={"tokenizer_class": "AlbertTokenizer", "do_lower_case": True, "model_max_length": 512},
        sentence_bert={"max_seq_length": 12, "do_lower_case": False},
        mean={"ffn.bias": -1.9}, scale={"ffn.weight": 0.1},
        traps=[("erf gelu", traps.activation("activation", "gelu")),
               ("no bias of the projection", traps.zero("embedding_hidden_mapping_in.bias"))],
    ),
    Variant(
        name="albert_groups", texts=FEW, family="albert",
        why="four layers in two groups: layers 0 and 1 use the first; gelu (erf)",
        config=albert(num_hidden_layers=4, num_hidden_groups=2, hidden_act="gelu"),
        tokenizer=pieces.albert, layout=ALBERT,
        tokenizer_config={"tokenizer_class": "AlbertTokenizer", "do_lower_case": True, "model_max_length": 512},
        sentence_bert={"max_seq_length": 12, "do_lower_case": False}, modules=["Normalize"],
        traps=[("groups in turn", groups_in_turn)],
    ),
]
