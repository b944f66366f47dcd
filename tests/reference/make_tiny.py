"""Make tests/fixtures/tiny: random BERT checkpoints a few KB in size, with every site of a few texts.

Each folder is a traps collection: one way in which a real checkpoint differs from the
plain case. `assert_traps` proves that falling for one shows in some site.
"""

from __future__ import annotations

import shutil
import string
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, decoders

import fixture_io as fx
import sites

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "tiny"

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "the cat dog sat on mat bit query un ##ha ##pp ##ily ##ing".split()
# No 'z' and no digit 7, so that there are words made of nothing known.
LETTERS = [c for c in string.ascii_lowercase if c != "z"]
DIGITS = [c for c in string.digits if c != "7"]
PUNCTUATION = list(".,:;!?-'")


def vocabulary(cased: bool) -> list[str]:
    """At most 200 pieces; a cased one has a few capitals and an accent of its own."""
    extra = ["The", "Cat", "T", "C", "I", "\u00e9", "##\u00e9"] if cased else []
    pieces = SPECIALS + WORDS + extra + LETTERS + [f"##{c}" for c in LETTERS] + DIGITS + PUNCTUATION + ["\u6771"]
    assert len(pieces) == len(set(pieces)) <= 200
    return pieces


@dataclass
class Variant:
    """One checkpoint. `config` updates the BERT config, `files` are JSON files of the folder."""

    name: str
    why: str
    config: dict
    pooling: dict
    modules: list[str] = field(default_factory=list)  # after Transformer and Pooling
    module_style: str = "sentence_transformers.models.{kind}"
    dense: dict | None = None
    norm_dimension: int | None = None  # of a LayerNorm module
    sentence_bert: dict = field(default_factory=dict)
    st_config: dict | None = None
    tokenizer: dict = field(default_factory=dict)  # tokenizer_config.json
    tokenizer_json: bool = True
    cased: bool = False
    scale: dict[str, float] = field(default_factory=dict)  # std by a part of the tensor's name
    prefix: str = ""
    legacy_norms: bool = False
    shards: bool = False
    texts: list[dict] = field(default_factory=list)


LONG = "The dog bit the cat, the cat bit the dog; unhappily the mat sat on 1234 cats!"
PLAIN_TEXTS = [
    {"file": "empty", "text": ""},
    {"file": "short", "text": "The cat sat unhappily"},
    {"file": "mixed", "text": " Caf\u00e9\u6771zz 7! "},
    {"file": "long", "text": LONG},
]

VARIANTS = [
    Variant(
        name="plain",
        why="gelu (erf), mean pooling without Normalize, a tokenizer.json that pads and truncates wrongly",
        config={},
        pooling={"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True},
        sentence_bert={"max_seq_length": 12, "do_lower_case": False},
        texts=PLAIN_TEXTS,
    ),
    Variant(
        name="prefixed_gamma",
        why="bert. prefix, gamma/beta, tensors to ignore, tanh gelu, eps 1e-5 that shows, one type row, "
        "a limit that only max_position_embeddings gives",
        config={"hidden_size": 24, "intermediate_size": 48, "hidden_act": "gelu_new", "layer_norm_eps": 1e-5,
                "type_vocab_size": 1, "max_position_embeddings": 12},
        pooling={"word_embedding_dimension": 24, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
        modules=["Normalize"],
        sentence_bert={"do_lower_case": False},
        tokenizer={"model_max_length": 512},
        prefix="bert.",
        legacy_norms=True,
        # Small activations let eps show; the feed-forward layer is wide so that both GELUs are apart.
        scale={"embeddings": 0.01, "LayerNorm.weight": 0.03, "LayerNorm.bias": 0.03, "query": 1.5, "key": 1.5,
               "attention.output": 0.05, "intermediate": 2.5, "output.dense": 0.01},
        texts=PLAIN_TEXTS,
    ),
    Variant(
        name="relu_dense",
        why="relu, Dense 24 to 16 with Tanh, Normalize; a default prompt that counts in the pool",
        config={"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 48,
                "hidden_act": "relu"},
        pooling={"word_embedding_dimension": 24, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
                 "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False},
        modules=["Dense", "Normalize"],
        dense={"in_features": 24, "out_features": 16, "bias": True,
               "activation_function": "torch.nn.modules.activation.Tanh"},
        sentence_bert={"max_seq_length": 12, "do_lower_case": False},
        st_config={"prompts": {"query": "query: "}, "default_prompt_name": "query"},
        texts=[
            {"file": "empty", "text": ""},  # the default prompt alone
            {"file": "short", "text": "The cat sat"},
            {"file": "no_prompt", "text": "The cat sat", "prompt": ""},
            {"file": "named", "text": "dogs", "prompt_name": "query"},
            {"file": "long", "text": LONG},
        ],
    ),
    Variant(
        name="prompt_excluded",
        why="include_prompt false with weightedmean (weights keep their places), silu, the module names of release 6",
        config={"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 48, "hidden_act": "silu"},
        pooling={"embedding_dimension": 24, "pooling_mode": "weightedmean", "include_prompt": False},
        module_style="sentence_transformers.sentence_transformer.modules.{kind}",
        sentence_bert={"max_seq_length": 12, "do_lower_case": False},
        st_config={"prompts": {"query": "query: ", "document": ""}, "default_prompt_name": None},
        texts=[
            {"file": "empty", "text": ""},
            {"file": "short", "text": "The cat sat"},  # no prompt: nothing is excluded
            {"file": "named", "text": "The cat sat", "prompt_name": "query"},
            {"file": "spelled", "text": "dogs", "prompt": "On the mat, "},
            {"file": "empty_named", "text": "", "prompt_name": "query"},  # only [SEP] is left to pool
            {"file": "long", "text": LONG, "prompt_name": "query"},
        ],
    ),
    Variant(
        name="concat",
        why="three poolings by the old booleans (always cls, max, mean), two shards, the second in f16",
        config={"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 48},
        pooling={"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True,
                 "pooling_mode_max_tokens": True},
        sentence_bert={"max_seq_length": 12, "do_lower_case": False},
        shards=True,
        texts=PLAIN_TEXTS,
    ),
    Variant(
        name="vocab_only",
        why="vocab.txt and tokenizer_config.json alone, cased; the limit is the tokenizer's model_max_length",
        config={"hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 32},
        pooling={"word_embedding_dimension": 16, "pooling_mode_mean_sqrt_len_tokens": True},
        modules=["Normalize"],
        tokenizer={"do_lower_case": False, "model_max_length": 11},
        tokenizer_json=False,
        cased=True,
        texts=PLAIN_TEXTS,
    ),
    Variant(
        name="saved_v6",
        why="as release 6 writes it: new keys and names, poolings in the list's own order, a Dense with a residual, "
        "LayerNorm, truncate_dim after Normalize, lower case asked of a cased tokenizer",
        config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
        pooling={"embedding_dimension": 16, "pooling_mode": ["lasttoken", "mean"], "include_prompt": True},
        modules=["Dense", "LayerNorm", "Normalize"],
        module_style="{new}",
        dense={"in_features": 32, "out_features": 12, "bias": False, "use_residual": True,
               "activation_function": "torch.nn.modules.linear.Identity",
               "module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"},
        norm_dimension=12,
        sentence_bert={"do_lower_case": True, "transformer_task": "feature-extraction",
                       "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
                       "module_output_name": "token_embeddings"},
        st_config={"model_type": "SentenceTransformer", "prompts": {"query": "", "document": ""},
                   "default_prompt_name": None, "similarity_fn_name": "cosine", "truncate_dim": 8},
        tokenizer={"do_lower_case": False, "model_max_length": 12},
        cased=True,
        texts=PLAIN_TEXTS,
    ),
]

NEW_MODULES = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "Dense": "sentence_transformers.base.modules.dense.Dense",
    "LayerNorm": "sentence_transformers.sentence_transformer.modules.layer_norm.LayerNorm",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
}


# --------------------------------------------------------------------------- the folder


def bert_config(v: Variant) -> dict:
    base = {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": len(vocabulary(v.cased)),
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
        "hidden_act": "gelu", "layer_norm_eps": 1e-12, "max_position_embeddings": 16, "type_vocab_size": 2,
        "pad_token_id": 0, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
    }
    return base | v.config


def weights(v: Variant) -> dict[str, np.ndarray]:
    """Random tensors under BERT's own names, f32. Drawn in order from one seed per variant."""
    c = bert_config(v)
    D, F = c["hidden_size"], c["intermediate_size"]
    rng = np.random.default_rng(list(v.name.encode()))
    shapes = {
        "embeddings.word_embeddings.weight": (c["vocab_size"], D),
        "embeddings.position_embeddings.weight": (c["max_position_embeddings"], D),
        "embeddings.token_type_embeddings.weight": (c["type_vocab_size"], D),
    } | norm_shapes("embeddings.LayerNorm", D)
    for l in range(c["num_hidden_layers"]):
        at = f"encoder.layer.{l}."
        for name in ("query", "key", "value"):
            shapes |= linear_shapes(f"{at}attention.self.{name}", D, D)
        shapes |= linear_shapes(at + "attention.output.dense", D, D) | norm_shapes(at + "attention.output.LayerNorm", D)
        shapes |= linear_shapes(at + "intermediate.dense", D, F) | linear_shapes(at + "output.dense", F, D)
        shapes |= norm_shapes(at + "output.LayerNorm", D)
    return {name: draw(rng, name, shape, v.scale) for name, shape in shapes.items()}


def linear_shapes(name: str, inputs: int, outputs: int) -> dict:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm_shapes(name: str, size: int) -> dict:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def draw(rng, name: str, shape: tuple, scale: dict[str, float]) -> np.ndarray:
    """Normal with std 0.3, unless `scale` names a part of `name` (the last match counts).

    A norm's weight is around 1, or around four times its own std where that is less.
    """
    std = ([s for part, s in scale.items() if part in name] or [0.3])[-1]
    if "LayerNorm" in name:
        std = scale.get("LayerNorm." + name.rsplit(".", 1)[1], 0.3)
    mean = min(1.0, 4 * std) if name.endswith("LayerNorm.weight") else 0.0
    return (mean + std * rng.standard_normal(shape)).astype(np.float32)


def checkpoint_names(v: Variant, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The names (and the baggage) under which the variant stores its tensors."""
    out = {}
    for name, value in tensors.items():
        if v.legacy_norms:
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        out[v.prefix + name] = value
    if v.prefix:
        # What an old masked-language-model checkpoint also holds; none of it is the encoder's.
        rows = bert_config(v)["max_position_embeddings"]
        out[v.prefix + "embeddings.position_ids"] = np.arange(rows, dtype=np.int64)[None]
        out["cls.predictions.bias"] = np.zeros(bert_config(v)["vocab_size"], np.float32)
    return out


def write_weights(v: Variant, folder: Path) -> dict[str, np.ndarray]:
    """model.safetensors, or two shards with an index. Returns the values that a reader ends up with."""
    tensors = weights(v)
    if not v.shards:
        fx.write_tensors(folder / "model.safetensors", checkpoint_names(v, tensors))
        return tensors
    names = list(tensors)
    half = next(i for i, n in enumerate(names) if n.startswith("encoder.layer.1."))
    parts = [
        {n: tensors[n] for n in names[:half]},
        {n: tensors[n].astype(np.float16) for n in names[half:]},
    ]
    where = {}
    for i, part in enumerate(parts, 1):
        file = f"model-{i:05}-of-00002.safetensors"
        fx.write_tensors(folder / file, part)
        where |= dict.fromkeys(part, file)
    size = sum(x.nbytes for part in parts for x in part.values())
    fx.write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": size}, "weight_map": where}, 1)
    return {n: x.astype(np.float32) for part in parts for n, x in part.items()}


def write_tokenizer(v: Variant, folder: Path) -> None:
    pieces = vocabulary(v.cased)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    config = {"do_lower_case": not v.cased, "model_max_length": 512, "tokenizer_class": "BertTokenizer"} | v.tokenizer
    fx.write_json(folder / "tokenizer_config.json", config, 1)
    if not v.tokenizer_json:
        return
    t = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=not v.cased)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.add_special_tokens(SPECIALS)
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    if v.name == "plain":
        # As the real all-MiniLM-L6-v2: settings that are not the model's, and that a reader must clear.
        t.enable_padding(length=9)
        t.enable_truncation(7)
    t.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").unlink()


def write_modules(v: Variant, folder: Path) -> None:
    """modules.json and a folder for each module that has files."""
    rows = []
    for i, kind in enumerate(["Transformer", "Pooling", *v.modules]):
        path = f"{i}_{kind}" if i else ""
        style = NEW_MODULES[kind] if v.module_style == "{new}" else v.module_style.format(kind=kind)
        rows.append({"idx": i, "name": str(i), "path": path, "type": style})
        if kind == "Pooling":
            fx.write_json(folder / path / "config.json", v.pooling, 1)
        elif kind == "Dense":
            fx.write_json(folder / path / "config.json", v.dense, 1)
            fx.write_tensors(folder / path / "model.safetensors", dense_weights(v.dense))
        elif kind == "LayerNorm":
            fx.write_json(folder / path / "config.json", {"dimension": v.norm_dimension}, 1)
            fx.write_tensors(folder / path / "model.safetensors", norm_weights(v.norm_dimension))
    fx.write_json(folder / "modules.json", rows, 1)


def dense_weights(config: dict) -> dict[str, np.ndarray]:
    rng, shape = np.random.default_rng(5), (config["out_features"], config["in_features"])
    out = {"linear.weight": draw(rng, "", shape, {})}
    if config["bias"]:
        out["linear.bias"] = draw(rng, "", shape[:1], {})
    if config.get("use_residual"):
        out["residual.weight"] = draw(rng, "", shape, {})
    return out


def norm_weights(size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    return {f"norm.{part}": draw(rng, f"LayerNorm.{part}", (size,), {}) for part in ("weight", "bias")}


def write_folder(v: Variant, folder: Path) -> dict[str, np.ndarray]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fx.write_json(folder / "config.json", bert_config(v), 1)
    fx.write_json(folder / "sentence_bert_config.json", v.sentence_bert, 1)
    if v.st_config is not None:
        fx.write_json(folder / "config_sentence_transformers.json", v.st_config, 1)
    write_tokenizer(v, folder)
    write_modules(v, folder)
    return write_weights(v, folder)


# --------------------------------------------------------------------------- what comes out


def write_expected(v: Variant, ref: sites.Reference, folder: Path) -> list[sites.Trace]:
    """expected/NAME.safetensors with every site in full, and expected/cases.json."""
    rows, traces = [], []
    for case in v.texts:
        prompt, prompt_name = case.get("prompt"), case.get("prompt_name")
        t = sites.trace(ref, case["text"], prompt, prompt_name)
        fx.write_sites(folder / "expected" / f"{case['file']}.safetensors", t.sites, sampled=False)
        rows.append({
            "file": f"{case['file']}.safetensors", "text": case["text"], "prompt": prompt, "prompt_name": prompt_name,
            "resolved_prompt": t.prompt, "excluded": t.excluded, "tokens": t.tokens, "dropped": t.dropped,
        })
        traces.append(t)
    assert traces[-1].dropped > 0 and traces[-1].tokens == ref.limit, "the last text must be too long"
    fx.write_json_lines(folder / "expected" / "cases.json", {"why": v.why, "limit": ref.limit}, "cases", rows)
    return traces


def assert_loaded(ref: sites.Reference, wanted: dict[str, np.ndarray]) -> None:
    """transformers fills what it does not find with random numbers: make sure it found everything."""
    state = ref.bert.state_dict()
    for name, value in wanted.items():
        assert np.array_equal(state[name].numpy(), value), f"{name} was not loaded"


TRAPS = {
    "gelu": ("gelu_new", "relu"), "gelu_new": ("gelu", "relu"), "relu": ("gelu", "silu"), "silu": ("gelu", "relu"),
}


def assert_traps(v: Variant, ref: sites.Reference, t: sites.Trace) -> None:
    """A wrong activation, a wrong eps or no type row changes some site by over 1e-4 of its magnitude."""
    from transformers.activations import ACT2FN

    config = bert_config(v)
    for name in TRAPS[config["hidden_act"]]:
        right = [layer.intermediate.intermediate_act_fn for layer in ref.bert.encoder.layer]
        for layer in ref.bert.encoder.layer:
            layer.intermediate.intermediate_act_fn = ACT2FN[name]
        report(v, f"{name} for {config['hidden_act']}", ref, t)
        for layer, act in zip(ref.bert.encoder.layer, right):
            layer.intermediate.intermediate_act_fn = act
    if config["layer_norm_eps"] > 1e-6:
        norms = [m for m in ref.bert.modules() if isinstance(m, torch.nn.LayerNorm)]
        for norm in norms:
            norm.eps = 1e-12
        report(v, "eps 1e-12", ref, t)
        # Inside a layer alone, where large activations would hide it.
        norms[0].eps = config["layer_norm_eps"]
        report(v, "eps 1e-12 inside", ref, t)
        for norm in norms:
            norm.eps = config["layer_norm_eps"]
    row = ref.bert.embeddings.token_type_embeddings.weight
    kept = row.detach().clone()
    with torch.no_grad():
        row.zero_()
        report(v, "no type row", ref, t)
        row.copy_(kept)


def assert_tokenizer(v: Variant, folder: Path, traces: list[sites.Trace]) -> None:
    """The tokenizers library alone, with the file's own padding and truncation cleared, makes the same ids.

    transformers 5 builds a BertTokenizer anew from vocabulary and tokenizer_config.json and does not look at the
    normalizer in tokenizer.json, so a folder where the two disagree would be no fixture.
    """
    if not v.tokenizer_json:
        return
    t = Tokenizer.from_file(str(folder / "tokenizer.json"))
    t.no_padding()
    t.enable_truncation(sites.load(folder).limit)
    if v.sentence_bert.get("do_lower_case"):
        t.normalizer = normalizers.Sequence([normalizers.Lowercase(), t.normalizer])
    for case, trace in zip(v.texts, traces):
        encoding = t.encode((trace.prompt or "") + case["text"])
        assert encoding.ids == trace.sites["tokens.ids"].tolist()


def report(v: Variant, what: str, ref: sites.Reference, t: sites.Trace) -> None:
    wrong = sites.encoder_sites(ref.bert, t.sites["tokens.ids"].tolist())
    delta, where = max((relative(t.sites[n], x.numpy()), n) for n, x in wrong.items())
    print(f"  {v.name}: {what} shows as {delta:.1e} in {where}")
    assert delta > 1e-4


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(a).max())


@torch.no_grad()
def noise(ref: sites.Reference, t: sites.Trace) -> float:
    """Largest relative difference between the f32 pass and one in f64, over the sites."""
    ref.bert.double()
    exact = sites.encoder_sites(ref.bert, t.sites["tokens.ids"].tolist())
    ref.bert.float()
    return max(relative(t.sites[n], x.numpy()) for n, x in exact.items())


def main() -> None:
    for v in VARIANTS:
        folder = FIXTURES / v.name
        wanted = write_folder(v, folder)
        ref = sites.load(folder)
        assert_loaded(ref, wanted)
        traces = write_expected(v, ref, folder)
        counts = [(t.tokens, t.dropped, t.excluded) for t in traces]
        print(f"{v.name}: limit {ref.limit}, (tokens, dropped, excluded) {counts}, f32 noise {noise(ref, traces[-1]):.1e}")
        assert_tokenizer(v, folder, traces)
        assert_traps(v, ref, traces[-1])


if __name__ == "__main__":
    main()
