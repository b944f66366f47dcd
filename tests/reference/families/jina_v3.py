"""Jina v3: XLM-RoBERTa's tokenizer, RoPE, a plain feed-forward layer, and adapters (LoRA) for five tasks.

As transformers 5 writes it, without adapters; and as published, where config.json says xlm-roberta and every linear
layer and table has its adapters beside it: a linear W becomes W + (alpha/r) B·A, a table E becomes E + (alpha/r) A·B.
Without a task the adapters are idle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from families import pieces, traps
from families.common import TEXTS, Variant
from families.hooks import Layout
from families.jina_v2 import linear, norm
from families.numpy_ref import PostNorm
from families.rotary import ATTENTION, EMBED, XLMR, renamed

LAYOUT = Layout(embed=EMBED, up="mlp.fc1", down="mlp.fc2", **ATTENTION)

SAVED = {
    "architectures": ["JinaEmbeddingsV3Model"], "model_type": "jina_embeddings_v3", "hidden_size": 16,
    "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "max_position_embeddings": 8194, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    "rope_parameters": {"rope_theta": 20000.0, "rope_type": "default"},
}
TASKS = ["retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"]
INSTRUCTIONS = {task: "" for task in TASKS} | {"retrieval.query": "dogs: ", "retrieval.passage": "the mat: "}
TASK_TEXTS = [TEXTS[1], {"file": "passage", "text": "dogs on the mat", "prompt_name": "retrieval.passage"},
    {"file": "bare", "text": "dogs on the mat", "prompt": ""}, TEXTS[4]]
PUBLISHED = {
    "architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta",
    "auto_map": {"AutoConfig": "jinaai/xlm-roberta-flash-implementation--configuration_xlm_roberta.XLMRobertaFlashConfig",
                 "AutoModel": "jinaai/xlm-roberta-flash-implementation--modeling_lora.XLMRobertaLoRA"},
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "hidden_act": "gelu",
    "layer_norm_eps": 1e-5, "max_position_embeddings": 8194, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2, "position_embedding_type": "rotary", "rotary_emb_base": 20000.0, "lora_adaptations": TASKS,
    "lora_rank": 4, "lora_alpha": 1, "lora_dropout_p": 0.0, "lora_main_params_trainable": False,
    "load_trained_adapters": True,
    "use_flash_attn": True, "use_reg_tokens": False, "emb_pooler": None, "truncate_dim": None,
}
NAMES = {"emb_ln": "embeddings.LayerNorm", "encoder.layers": "layers", "mixer.out_proj": "self_attn.o_proj",
               "norm1": "post_attention_layernorm", "norm2": "post_mlp_layernorm"}


def plain_shapes(c: dict) -> dict:
    D, F = c["hidden_size"], c["intermediate_size"]
    out = {"embeddings.word_embeddings.weight": (c["vocab_size"], D),
           "embeddings.token_type_embeddings.weight": (c["type_vocab_size"], D)} | norm("emb_ln", D)
    for l in range(c["num_hidden_layers"]):
        at = f"encoder.layers.{l}."
        out |= linear(at + "mixer.Wqkv", D, 3 * D) | linear(at + "mixer.out_proj", D, D)
        out |= linear(at + "mlp.fc1", D, F) | linear(at + "mlp.fc2", F, D) | norm(at + "norm1", D) | norm(at + "norm2",
            D)
    return out


def adapted(name: str) -> bool:
    return name.endswith(".weight") and "norm" not in name and "emb_ln" not in name


def published_shapes(c: dict) -> dict:
    """Each weight under `parametrizations.weight.original`, and lora_A and lora_B for all tasks at once."""
    tasks, r, out = len(c["lora_adaptations"]), c["lora_rank"], {}
    for name, shape in plain_shapes(c).items():
        if not adapted(name):
            out[name] = shape
            continue
        at = name.removesuffix("weight") + "parametrizations.weight."
        rows, columns = shape
        out[at + "original"] = shape
        if "embeddings" in name:
            out |= {at + "0.lora_A": (tasks, rows, r), at + "0.lora_B": (tasks, r, columns)}
        else:
            out |= {at + "0.lora_A": (tasks, r, columns), at + "0.lora_B": (tasks, rows, r)}
    return out


@dataclass
class JinaV3(PostNorm):
    rope_base: float = 20000.0
    eps: float = 1e-5
    task: str | None = None

    def __post_init__(self):
        super().__post_init__()
        self.rope_dims = self.config["hidden_size"] // self.config["num_attention_heads"]
        for name in [n for n in self.tensors if n.endswith("weight.original")]:
            self.tensors[name.replace("parametrizations.weight.original", "weight")] = self.merged(name)

    def merged(self, name: str) -> np.ndarray:
        value = self.tensors[name]
        if self.task is None:
            return value
        index = self.config["lora_adaptations"].index(self.task)
        a, b = (self.tensors[name.replace("original", f"0.lora_{x}")][index] for x in "AB")
        return value + (a @ b if "embeddings" in name else b @ a) * self.config["lora_alpha"] / self.config["lora_rank"]

    def layers(self) -> int:
        return self.config["num_hidden_layers"]

    def start(self, ids: list[int]) -> np.ndarray:
        return self.embed(ids, "emb_ln")

    def norm_names(self, l: int) -> tuple[str, str]:
        return f"encoder.layers.{l}.norm1", f"encoder.layers.{l}.norm2"

    def attend(self, l: int, at: str, x: np.ndarray) -> np.ndarray:
        name, heads = f"encoder.layers.{l}.mixer.", self.config["num_attention_heads"]
        q, k, v = np.split(self.linear(x, name + "Wqkv"), 3, axis=-1)
        self.keep_projections(at, q, k, v, heads)
        return self.linear(self.attention(at, q, k, v, heads), name + "out_proj")

    def feed_forward(self, l: int, at: str, x: np.ndarray) -> np.ndarray:
        pre = self.linear(x, f"encoder.layers.{l}.mlp.fc1")
        self.keep_ffn(at, pre, self.act(pre))
        return self.linear(self.act(pre), f"encoder.layers.{l}.mlp.fc2")


def with_task(task: str | None):
    def change(ref: JinaV3) -> None:
        ref.task = task
        ref.__post_init__()

    return change


COMMON = dict(
    family="jina_v3", tokenizer=pieces.xlm_roberta, tokenizer_config=XLMR, modules=["Normalize"],
    sentence_bert={"max_seq_length": 13, "do_lower_case": False}, scale={"embeddings": 0.01},
)
ORACLE = "numpy, from the published description of the adapters; without them it agrees with transformers' jina_embeddings_v3"

VARIANTS = [
    Variant(
        name="jina_v3",
        why="as transformers 5 writes it: model_type jina_embeddings_v3, the published names, no adapters",
        config=dict(SAVED), layout=LAYOUT, shapes=plain_shapes, also=JinaV3,
        library_names=lambda t: renamed(t, NAMES, "mixer.Wqkv"),
        traps=[("theta 10000", traps.theta(0.5)), ("eps 1e-12", traps.eps(1e-12))], **COMMON,
    ),
    Variant(
        name="jina_v3_peft",
        why="as transformers 5 writes it, with two of peft's adapters in folders: `query` of every linear layer and the table "
        "of words, `passage` of some, scaled by alpha/√r; the projections' names are those that transformers runs with",
        config=dict(SAVED), layout=LAYOUT, shapes=plain_shapes, task="query", texts=[TEXTS[1], TEXTS[4]],
        library_names=lambda t: renamed(t, NAMES, "mixer.Wqkv"),
        adapters={"query": {"r": 2, "lora_alpha": 3, "target_modules":
                      ["q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2", "word_embeddings"]},
                  "passage": {"r": 3, "lora_alpha": 2, "use_rslora": True, "target_modules": ["q_proj", "fc2"]}},
        traps=[("no adapter", traps.zero("lora_")), ("no adapter of the table", traps.zero("lora_embedding_B"))], **COMMON,
    ),
    Variant(
        name="jina_v3_published",
        why="as published: model_type xlm-roberta, told by auto_map and position_embedding_type rotary; "
        "roberta. prefix; no task given, so the adapters are idle", config=dict(PUBLISHED), shapes=published_shapes,
        prefix="roberta.", reference=JinaV3, oracle=ORACLE, texts=[TEXTS[1], TEXTS[4]],
        traps=[("a task", with_task("text-matching"))], **COMMON,
    ),
    Variant(
        name="jina_v3_query",
        why="the adapter of retrieval.query and its instruction; modules.json begins with code of the model's own",
        config=PUBLISHED | {"lora_alpha": 3, "task_instructions": INSTRUCTIONS}, shapes=published_shapes,
        prefix="roberta.", reference=lambda c, t: JinaV3(c, t, task="retrieval.query"), task="retrieval.query",
        oracle=ORACLE, transformer="custom_st.Transformer", st_config={"prompts": INSTRUCTIONS}, texts=TASK_TEXTS,
        traps=[("no task", with_task(None)), ("the next task", with_task("retrieval.passage"))], **COMMON,
    ),
    Variant(
        name="jina_v3_matching", texts=[TEXTS[1], TEXTS[4]],
        why="the last adapter, whose instruction is empty", config=PUBLISHED | {"task_instructions": INSTRUCTIONS},
        shapes=published_shapes, prefix="roberta.", reference=lambda c, t: JinaV3(c, t, task="text-matching"),
        task="text-matching", oracle=ORACLE, st_config={"prompts": INSTRUCTIONS},
        traps=[("no task", with_task(None))], **COMMON,
    ),
]
