"""What a fixture family is: a variant's description, its random tensors, and the folder they make.

A family's module lists `VARIANTS`. `make_families.py` writes each one's folder, loads it
with the reference, and stores what comes out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import fixture_io as fx
from families import peft_adapters
from families.hooks import Layout

Tensors = dict[str, np.ndarray]

LONG = "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats! Is a cat on the dog, or is the dog in a cat?"
ODD = " Caf\u00e9 \uff21\u6771 zz\u00ad7! e\u0301 \U0001f600"
TEXTS = [
    {"file": "empty", "text": ""},
    {"file": "short", "text": "The cat sat unhappily"},
    {"file": "odd", "text": ODD},
    {"file": "named", "text": "dogs on the mat", "prompt_name": "query"},
    {"file": "long", "text": LONG},  # the last one must not fit the window
]
FEW = [case for case in TEXTS if case["file"] != "odd"]  # for the second variant of a family

ST_CLASSIC = "sentence_transformers.models.{kind}"
ST_NEW = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "WeightedLayerPooling":
        "sentence_transformers.sentence_transformer.modules.weighted_layer_pooling.WeightedLayerPooling",
    "Dense": "sentence_transformers.base.modules.dense.Dense",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
}
IDENTITY = "torch.nn.modules.linear.Identity"


def dense(inputs: int, outputs: int, activation: str = IDENTITY) -> dict:
    """The config.json of a Dense module without bias."""
    return {"in_features": inputs, "out_features": outputs, "bias": False, "activation_function": activation}


@dataclass
class Variant:
    """One checkpoint folder. `config` is the whole config.json."""

    name: str
    family: str
    why: str
    config: dict
    tokenizer: Callable[[], object]  # builds a tokenizers.Tokenizer
    layout: Layout | None = None  # where the sites lie in the transformers model
    stand_in: dict | None = None  # a config.json that transformers knows, where it does not know `config`
    oracle: str = ""  # said in about.json where it is not the transformers class
    reference: Callable | None = None  # (config, tensors) -> an object with sites(ids), where no class exists
    also: Callable | None = None  # a numpy reference that must agree with the class
    task: str | None = None  # the adapter that is at work, noted in cases.json
    adapters: dict[str, dict] = field(default_factory=dict)  # peft's settings of each, see peft_adapters.py
    tokenizer_config: dict = field(default_factory=dict)
    tokenizer_files: dict[str, object] | None = None  # vocab.json and merges.txt for tokenizer.json, and these beside
    pooling: dict = field(default_factory=lambda: {"pooling_mode_mean_tokens": True})
    mix: tuple[int, list[float]] | None = None  # layer_start and layer_weights of a WeightedLayerPooling
    modules: list[str] = field(default_factory=list)  # after Transformer and Pooling
    dense: list[dict] = field(default_factory=list)  # one for each "Dense" of `modules`
    new_style: bool = False
    transformer: str | None = None  # the type of the first module, where it is code of the model's own
    sentence_bert: dict = field(default_factory=dict)
    st_config: dict = field(default_factory=lambda: {"prompts": {"query": "query: "}})
    limit: int | None = None  # set on the loaded reference, where the library's own limit is too large
    shapes: Callable[[dict], dict[str, tuple]] | None = None  # config -> names as stored; default: the class's own
    library_names: Callable[[Tensors],
        Tensors] = lambda tensors: tensors  # stored names -> the class's, where it renames
    keep: Callable[[str], bool] = lambda name: True  # which of the class's tensors are stored
    scale: dict[str, float] = field(default_factory=dict)  # std by a part of the tensor's name; the last match counts
    mean: dict[str, float] = field(default_factory=dict)
    norm_mean: float = 1.0
    prefix: str = ""
    extra: Callable[[dict], Tensors] | None = None  # baggage that is not the encoder's
    dtype: str = "f32"  # f32 | f16 | bf16
    shards: int = 1
    texts: list[dict] = field(default_factory=lambda: TEXTS)
    traps: list[tuple[str, Callable]] = field(default_factory=list)
    trap_floor: float = 1e-3


# --------------------------------------------------------------------------- tensors


def is_norm(name: str, shape: tuple) -> bool:
    return len(shape) == 1 and name.endswith("weight")


def draw_all(v: Variant, shapes: dict[str, tuple]) -> Tensors:
    """Random tensors in the order of `shapes`, from one seed per variant, as they will be read back (f32)."""
    rng = np.random.default_rng(list(v.name.encode()))
    return {name: stored_as(draw(v, rng, name, shape), v.dtype) for name, shape in shapes.items()}


def draw(v: Variant, rng, name: str, shape: tuple) -> np.ndarray:
    """Normal with std 0.3 around 0 (a norm's weight around `norm_mean`), unless the variant says otherwise."""
    std = ([s for part, s in v.scale.items() if part in name] or [0.3])[-1]
    mean = ([m for part, m in v.mean.items() if part in name] or [v.norm_mean if is_norm(name, shape) else 0.0])[-1]
    return (mean + std * rng.standard_normal(shape)).astype(np.float32)


DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def stored_as(value: np.ndarray, dtype: str) -> np.ndarray:
    """The f32 values that survive being stored as `dtype`."""
    return torch.from_numpy(value).to(DTYPES[dtype]).float().numpy()


def class_shapes(config: dict, keep: Callable[[str], bool]) -> dict[str, tuple]:
    """Names and shapes of the transformers class that the config names."""
    from transformers import AutoConfig, AutoModel

    kind = config["model_type"]
    rest = {k: x for k, x in config.items() if k not in ("model_type", "architectures")}
    built = AutoConfig.for_model(kind, **rest)
    if kind == "t5":
        from transformers import T5EncoderModel

        model = T5EncoderModel(built)
    else:
        model = AutoModel.from_config(built)
    return {n: tuple(x.shape) for n, x in model.state_dict().items() if keep(n)}


def tensors_of(v: Variant) -> Tensors:
    """The encoder's tensors under the names of the checkpoint, without prefix."""
    known = (v.stand_in or v.config) | {"vocab_size": v.config["vocab_size"]}
    shapes = v.shapes(v.config) if v.shapes else class_shapes(known, v.keep)
    return draw_all(v, shapes)


# --------------------------------------------------------------------------- the folder


def write_folder(v: Variant, folder: Path) -> Tensors:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = v.tokenizer()
    v.config.setdefault("vocab_size", tokenizer.get_vocab_size())
    fx.write_json(folder / "config.json", v.config, 1)
    fx.write_json(folder / "sentence_bert_config.json", v.sentence_bert, 1)
    fx.write_json(folder / "config_sentence_transformers.json", v.st_config, 1)
    fx.write_json(folder / "tokenizer_config.json", v.tokenizer_config, 1)
    if v.tokenizer_files is None:
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    else:
        write_byte_level(tokenizer, folder)
        for name, value in v.tokenizer_files.items():
            fx.write_json(folder / name, value, 1)
    write_modules(v, folder)
    tensors = tensors_of(v)
    stored = {v.prefix + name: value for name, value in tensors.items()}
    write_weights(folder, stored | (v.extra(v.config) if v.extra else {}), v.dtype, v.shards)
    write_about(v, folder)
    for i, (name, settings) in enumerate(v.adapters.items()):
        peft_adapters.save(folder, name, i, **settings)
    return tensors


def write_byte_level(tokenizer, folder: Path) -> None:
    """vocab.json and merges.txt, as GPT-2 and RoBERTa came with them."""
    model = json.loads(tokenizer.to_str())["model"]
    fx.write_json(folder / "vocab.json", model["vocab"])
    merges = [" ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")


def write_about(v: Variant, folder: Path) -> None:
    import transformers

    oracle = v.oracle or f"transformers {transformers.__version__} {(v.stand_in or v.config)['model_type']}, eager, f64"
    fx.write_json(folder / "about.json", {"family": v.family, "why": v.why, "oracle": oracle}, 1)


def width(config: dict) -> int:
    """The hidden size, as the families call it."""
    return next(config[k] for k in ("hidden_size", "d_model", "dim", "n_embd") if k in config)


def write_modules(v: Variant, folder: Path) -> None:
    rows, denses = [], iter(v.dense)
    mix = ["WeightedLayerPooling"] * (v.mix is not None)
    for i, kind in enumerate(["Transformer", *mix, "Pooling", *v.modules]):
        path = f"{i}_{kind}" if i else ""
        known = ST_NEW[kind] if v.new_style else ST_CLASSIC.format(kind=kind)
        rows.append({"idx": i, "name": str(i), "path": path, "type": v.transformer or known if i == 0 else known})
        if kind == "Pooling":
            known = "embedding_dimension" in v.pooling
            size = {} if known else {"word_embedding_dimension": width(v.config)}
            fx.write_json(folder / path / "config.json", size | v.pooling, 1)
        elif kind == "WeightedLayerPooling":
            start, weights = v.mix
            layers = start + len(weights) - 1
            # The older name of the first key in the older spelling of the folder.
            size = "embedding_dimension" if v.new_style else "word_embedding_dimension"
            fx.write_json(folder / path / "config.json",
                {size: width(v.config), "layer_start": start, "num_hidden_layers": layers}, 1)
            fx.write_tensors(folder / path / "model.safetensors", {"layer_weights": np.array(weights, np.float32)})
        elif kind == "Dense":
            config = next(denses)
            rng = np.random.default_rng(i)
            weight = (0.3 * rng.standard_normal((config["out_features"], config["in_features"]))).astype(np.float32)
            fx.write_json(folder / path / "config.json", config, 1)
            fx.write_tensors(folder / path / "model.safetensors", {"linear.weight": weight})
    fx.write_json(folder / "modules.json", rows, 1)


def write_weights(folder: Path, tensors: Tensors, dtype: str, shards: int) -> None:
    """model.safetensors, or shards with an index."""
    stored = {n: to_storage(x, dtype) for n, x in tensors.items()}
    if shards == 1:
        save(folder / "model.safetensors", stored)
        return
    names, where = list(stored), {}
    for i in range(shards):
        part = names[i * len(names) // shards : (i + 1) * len(names) // shards]
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        save(folder / file, {n: stored[n] for n in part})
        where |= dict.fromkeys(part, file)
    size = sum(x.numel() * x.element_size() for x in stored.values())
    fx.write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": where}, 1)


def to_storage(value: np.ndarray, dtype: str) -> torch.Tensor:
    x = torch.from_numpy(np.ascontiguousarray(value))
    return x.to(DTYPES[dtype]) if x.is_floating_point() else x


def save(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, str(path), metadata={"format": "pt"})
    path.chmod(0o644)


def read_config(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))
