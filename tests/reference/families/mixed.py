"""WeightedLayerPooling: token vectors mixed from the states of several layers, in front of the pool."""

from __future__ import annotations

from families import modernbert, pieces, roberta, traps
from families.common import FEW, Variant

VARIANTS = [
    Variant(
        name="mixed", family="roberta",
        why="WeightedLayerPooling from state 1 of 3 layers with weights of both signs, f32; Normalize",
        config=roberta.config("xlm-roberta", num_hidden_layers=3, max_position_embeddings=40,
            output_hidden_states=True),
        tokenizer=pieces.xlm_roberta, layout=roberta.LAYOUT, mix=(1, [0.5, -1.25, 2.0]),
        tokenizer_config={"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 512},
        sentence_bert={"max_seq_length": 13, "do_lower_case": False}, modules=["Normalize"],
        scale=roberta.SCALE, mean=roberta.MEAN, traps=[("eps 1e-12", traps.eps(1e-12))],
    ),
    Variant(
        name="mixed_pre", texts=FEW, new_style=True,
        why="WeightedLayerPooling of all states of a pre-norm model, of which the last alone is behind the final norm",
        config=modernbert.config(**modernbert.NEW_KEYS, output_hidden_states=True),
        mix=(0, [1.0, 0.25, 0.5, 0.75, 1.5]), modules=["Normalize"],
        sentence_bert={"max_seq_length": 16, "do_lower_case": False},
        **modernbert.COMMON | {"traps": [("no final norm", traps.no_module("final_norm"))]},
    ),
]
