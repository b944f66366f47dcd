"""Static embeddings: a row for each token and their mean. As sentence-transformers stores them, and as model2vec does.

The two libraries differ: sentence-transformers keeps unknown tokens and has no limit; model2vec leaves the unknown
token out, and cuts the text at `max_length` times the median length of a piece (in characters) and then the tokens
at `max_length`. Neither adds special tokens.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

import fixture_io as fx
from families import pieces
from families.common import LONG, ST_CLASSIC, ST_NEW, save
from families.numpy_ref import Array
import sites

WIDTH = 16
TEXTS = [("empty", ""), ("unknown", "zz7"), ("short", "The cat sat unhappily"),
    ("odd", " Caf\u00e9 \uff21\u6771 zz\u00ad7! e\u0301"),
         ("long", LONG)]
STATIC = {"classic": ST_CLASSIC.format(kind="StaticEmbedding"),
          "new": "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"}


def rows(name: str, count: int) -> Array:
    rng = np.random.default_rng(list(name.encode()))
    return (0.3 + 0.5 * rng.standard_normal((count, WIDTH))).astype(np.float32)


def start(folder: Path, where: str, modules: list[dict] | None) -> tuple[Tokenizer, Path]:
    shutil.rmtree(folder, ignore_errors=True)
    inner = folder / where
    inner.mkdir(parents=True)
    tokenizer = pieces.bert()
    tokenizer.save(str(inner / "tokenizer.json"), pretty=False)
    if modules:
        fx.write_json(folder / "modules.json", [{"idx": i, "name": str(i)} | m for i, m in enumerate(modules)], 1)
    return tokenizer, inner


def write_expected(folder: Path, why: str, oracle: str, limit: int | None, prompts: dict, compute) -> None:
    """`compute(text)` -> (ids, the rows that are averaged [T, D], the sentence)"""
    cases = []
    for file, text, name in [(f, t, None) for f, t in TEXTS] + [("named", "dogs on the mat", "query")] * bool(prompts):
        prompt = prompts.get(name)
        ids, dropped, used, sentence = compute((prompt or "") + text)
        found = {"tokens.ids": np.array(ids, np.int64), "embed.token": used, "embed.out": used, "final.out": used,
                 "sentence": sentence}
        if len(ids):
            hidden = torch.from_numpy(used)
            found |= {f"pooled.{mode}": sites.pool(mode, hidden, 0).numpy() for mode in sites.POOLINGS}
        fx.write_tensors(folder / "expected" / f"{file}.safetensors", {
            n: x if n == "tokens.ids" else x.astype(np.float32) for n, x in found.items()})
        cases.append({"file": f"{file}.safetensors", "text": text, "prompt": None, "prompt_name": name,
            "resolved_prompt": prompt,
                      "excluded": 0, "tokens": len(ids), "dropped": dropped})
    fx.write_json_lines(folder / "expected" / "cases.json", {"why": why, "limit": limit}, "cases", cases)
    fx.write_json(folder / "about.json", {"family": "static", "why": why, "oracle": oracle}, 1)
    print(f"{folder.name}: tokens {[c['tokens'] for c in cases]}")


def by_sentence_transformers(folder: Path, tokenizer: Tokenizer, table: Array, why: str, prompts: dict) -> None:
    """Expected values from SentenceTransformer.encode; the mean of `table` must give them."""
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True).float()
    unit = len(model) > 1

    def compute(text: str):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        used = table[ids].astype(np.float64)
        mean = used.mean(axis=0) if ids else np.zeros(WIDTH)
        ours = mean / max(np.linalg.norm(mean), 1e-12) if unit else mean
        theirs = model.encode([text], convert_to_numpy=True, prompt="", show_progress_bar=False)[0]
        assert np.abs(ours - theirs).max() < 1e-6
        return ids, 0, used, theirs

    import sentence_transformers
    write_expected(folder, why, f"sentence-transformers {sentence_transformers.__version__} StaticEmbedding", None,
        prompts, compute)


def static(folder: Path) -> None:
    tokenizer, inner = start(folder, "0_StaticEmbedding", [{"path": "0_StaticEmbedding", "type": STATIC["new"]},
                                                          {"path": "1_Normalize", "type": ST_NEW["Normalize"]}])
    table = rows("static", tokenizer.get_vocab_size())
    save(inner / "model.safetensors", {"embedding.weight": torch.from_numpy(table)})
    prompts = {"query": "query: ", "document": ""}
    fx.write_json(folder / "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": None}, 1)
    by_sentence_transformers(folder, tokenizer, table,
        "embedding.weight in 0_StaticEmbedding, Normalize, prompts; no special tokens", prompts)


def static_root(folder: Path) -> None:
    tokenizer, inner = start(folder, "", [{"path": "", "type": STATIC["classic"]}])
    table = rows("static_root", tokenizer.get_vocab_size())
    half = torch.from_numpy(table).half()
    save(inner / "model.safetensors", {"embedding.weight": half})
    fx.write_json(folder / "config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": None}, 1)
    by_sentence_transformers(folder, tokenizer, half.float().numpy(),
        "embedding.weight in the folder itself, f16, no Normalize", {})


def model2vec_config(normalize: bool, **more) -> dict:
    return {"model_type": "model2vec", "architectures": ["StaticModel"], "tokenizer_name": "", "apply_pca": WIDTH,
            "sif_coefficient": 0.0001, "hidden_dim": WIDTH, "seq_length": 1000000, "normalize": normalize,
            "pooling": "mean"} | more


def model2vec(folder: Path) -> None:
    tokenizer, inner = start(folder, "", [{"path": ".", "type": STATIC["classic"]},
                                          {"path": "1_Normalize", "type": ST_CLASSIC.format(kind="Normalize")}])
    table = rows("model2vec", tokenizer.get_vocab_size())
    save(inner / "model.safetensors", {"embeddings": torch.from_numpy(table)})
    fx.write_json(folder / "config.json", model2vec_config(True), 1)
    by_sentence_transformers(folder, tokenizer, table,
        "embeddings as model2vec writes them, with its modules.json (path .): unknown "
                             "tokens are averaged too, as sentence-transformers does", {})


def model2vec_quantized(folder: Path) -> None:
    """Fewer rows than tokens: row mapping[t], times weights[t]."""
    tokenizer, inner = start(folder, "", [{"path": ".", "type": STATIC["classic"]}])
    count = tokenizer.get_vocab_size()
    rng = np.random.default_rng(7)
    table, weights = rows("model2vec_quantized", 20), (0.5 + rng.random(count)).astype(np.float32)
    mapping = rng.integers(0, 20, count).astype(np.int32)
    save(inner / "model.safetensors", {"embeddings": torch.from_numpy(table), "mapping": torch.from_numpy(mapping),
                                       "weights": torch.from_numpy(weights)})
    fx.write_json(folder / "config.json",
        model2vec_config(False, vocabulary_quantization=20, embedding_dtype="float32"), 1)
    folded = table[mapping] * weights[:, None]
    by_sentence_transformers(folder, tokenizer, folded, "a row mapping and a weight for each token, no Normalize", {})


def model2vec_bare(folder: Path) -> None:
    """No modules.json: model2vec's own reading, from config.json alone."""
    tokenizer, inner = start(folder, "", None)
    table, limit = rows("model2vec_bare", tokenizer.get_vocab_size()), 10
    save(inner / "model.safetensors", {"embeddings": torch.from_numpy(table)})
    fx.write_json(folder / "config.json", model2vec_config(True, max_length=limit), 1)
    vocabulary = tokenizer.get_vocab()
    median, unknown = int(np.median([len(p) for p in vocabulary])), vocabulary["[UNK]"]

    def compute(text: str):
        everything = tokenizer.encode(text, add_special_tokens=False).ids
        ids = tokenizer.encode(text[: limit * median], add_special_tokens=False).ids[:limit]
        ids = [i for i in ids if i != unknown]
        used = table[ids].astype(np.float64)
        mean = used.mean(axis=0) if ids else np.zeros(WIDTH)
        sentence = mean / (np.linalg.norm(mean) + 1e-32)
        compare_with_model2vec(folder, text, sentence)
        return ids, len([i for i in everything if i != unknown]) - len(ids), used, sentence

    write_expected(folder,
        "model2vec without modules.json: the unknown token is left out, normalize and max_length from config.json "
                   f"(at most {limit} tokens of the first {limit * median} characters)",
                   "numpy; model2vec 0.10.0 agrees", limit, {}, compute)


def compare_with_model2vec(folder: Path, text: str, sentence: Array) -> None:
    """Where that library is installed."""
    try:
        from model2vec import StaticModel
    except ImportError:
        return
    theirs = StaticModel.from_pretrained(str(folder)).encode([text])[0]
    assert np.abs(theirs - sentence).max() < 1e-6, text


OTHERS = {"static": static, "static_root": static_root, "model2vec": model2vec,
    "model2vec_quantized": model2vec_quantized,
          "model2vec_bare": model2vec_bare}
