"""RoBERTa, XLM-RoBERTa, CamemBERT: BERT's block; positions count the tokens that are not padding, from pad_id + 1."""

from __future__ import annotations

import numpy as np

from families import pieces, traps
from families.common import TEXTS, Variant
from families.hooks import Layout

BERT_LAYOUT = dict(
    q="attention.self.query", k="attention.self.key", v="attention.self.value",
    output="attention.output.dense", resid_mid=("out", "attention.output.LayerNorm"),
    up="intermediate.dense", down="output.dense",
)
EMBED = {"embed.token": ("out", "embeddings.word_embeddings"),
    "embed.position": ("out", "embeddings.position_embeddings"),
         "embed.type": ("out", "embeddings.token_type_embeddings")}
LAYOUT = Layout(blocks=lambda m: m.encoder.layer, embed=EMBED, **BERT_LAYOUT)

# Small embeddings let eps show; one layer's pre-activations around -2.2 set the two GELUs apart.
SCALE = {"embeddings.word": 0.01, "embeddings.position": 0.01, "embeddings.token_type": 0.01,
    "layer.0.intermediate.dense.weight": 0.05}
MEAN = {"layer.0.intermediate.dense.bias": -2.2}

TRAPS = [
    ("positions from 0", traps.position_offset("embeddings.position_embeddings", -2)),
    ("tanh gelu", traps.activation("intermediate_act_fn", "gelu_new")),
    ("eps 1e-12", traps.eps(1e-12)),
    ("no type row", traps.zero("token_type_embeddings")),
]


def config(model_type: str, **changes) -> dict:
    name = {"roberta": "RobertaModel", "xlm-roberta": "XLMRobertaModel", "camembert": "CamembertModel"}[model_type]
    return {
        "architectures": [name], "model_type": model_type, "hidden_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 24, "hidden_act": "gelu", "layer_norm_eps": 1e-5,
        "max_position_embeddings": 16, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
        "position_embedding_type": "absolute", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    } | changes


def masked_lm_baggage(config: dict) -> dict[str, np.ndarray]:
    """What a masked-language-model checkpoint also holds."""
    return {"roberta.embeddings.position_ids": np.arange(config["max_position_embeddings"], dtype=np.int64)[None],
            "lm_head.bias": np.zeros(config["vocab_size"], np.float32)}


PAD_TYPED = {"file": "pad_typed", "text": "cat<pad> dog<mask> on"}

VARIANTS = [
    Variant(
        name="roberta", family="roberta",
        why="byte BPE, roberta. prefix, positions from pad_id + 1 (a typed <pad> takes row 1 and does not count), "
        "one type row, eps 1e-5; the only limit is the position table: rows - 2",
        config=config("roberta"), tokenizer=pieces.roberta, layout=LAYOUT, limit=14,
        tokenizer_config={"tokenizer_class": "RobertaTokenizer", "add_prefix_space": False, "trim_offsets": True},
        modules=["Normalize"], keep=lambda n: "pooler" not in n, prefix="roberta.", extra=masked_lm_baggage,
        scale=SCALE, mean=MEAN, traps=TRAPS, texts=[*TEXTS[:-1], PAD_TYPED, TEXTS[-1]],
    ),
    Variant(
        name="xlm_roberta", family="roberta",
        why="Unigram, two shards, no prefix, a pooler to leave alone, the limit from max_seq_length, e5's prompts",
        config=config("xlm-roberta", hidden_size=16, num_attention_heads=2, num_hidden_layers=3,
            max_position_embeddings=40),
        tokenizer=pieces.xlm_roberta, layout=LAYOUT,
        tokenizer_config={"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 512},
        sentence_bert={"max_seq_length": 13, "do_lower_case": False}, shards=2,
        st_config={"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": None},
        modules=["Normalize"], scale=SCALE, mean=MEAN, traps=TRAPS,
    ),
    Variant(
        name="roberta_files", family="roberta",
        why="vocab.json and merges.txt without tokenizer.json; the mask's rules from special_tokens_map.json",
        config=config("roberta", max_position_embeddings=130), tokenizer=pieces.roberta, layout=LAYOUT, limit=20,
        sentence_bert={"max_seq_length": 20, "do_lower_case": False},
        tokenizer_files={"special_tokens_map.json": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
            "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>",
            "mask_token": {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False,
                           "normalized": False}}},
        scale=SCALE, mean=MEAN, traps=TRAPS[2:3], texts=[PAD_TYPED, TEXTS[-1]],
    ),
    Variant(
        name="gpt2_files", family="roberta",
        why="the same with GPT-2's rules: nothing around a text, a space in front of it, a token that has no row in "
        "vocab.json", config=config("roberta", max_position_embeddings=130, vocab_size=299), tokenizer=pieces.roberta,
        layout=LAYOUT, limit=20, sentence_bert={"max_seq_length": 20, "do_lower_case": False},
        tokenizer_config={"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "pad_token": "<pad>"},
        tokenizer_files={"added_tokens.json": {"<|endoftext|>": 296, "<more>": 297}},
        scale=SCALE, mean=MEAN, traps=TRAPS[2:3], texts=[PAD_TYPED, TEXTS[1], TEXTS[-1]],
    ),
    Variant(
        name="camembert", family="roberta",
        why="Unigram with <s> at 5 and <pad> at 1, f16, cls pooling, the limit from model_max_length, hidden_act gelu_new",
        config=config("camembert", hidden_size=16, num_attention_heads=4, hidden_act="gelu_new", bos_token_id=5,
                      eos_token_id=6, max_position_embeddings=20),
        tokenizer=pieces.camembert, layout=LAYOUT, dtype="f16",
        tokenizer_config={"tokenizer_class": "CamembertTokenizer", "model_max_length": 12},
        pooling={"word_embedding_dimension": 16, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        scale=SCALE, mean=MEAN, traps=[TRAPS[0], ("erf gelu", traps.activation("intermediate_act_fn", "gelu")),
            *TRAPS[2:]],
    ),
]
