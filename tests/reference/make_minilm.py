"""Make tests/fixtures/minilm from a folder holding sentence-transformers/all-MiniLM-L6-v2."""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

import numpy as np
import torch

import fixture_io as fx
import sites
import texts

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "minilm"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def main() -> None:
    args = arguments()
    check_weights(args.model)
    ref = sites.load(args.model)
    assert ref.limit == 256
    make_traces(ref)
    make_embeddings(ref)
    make_pairs(ref)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("EMBEDSCOPE_MINILM")
    parser.add_argument("--model", type=Path, default=default, required=default is None, help="the model's folder")
    return parser.parse_args()


def check_weights(folder: Path) -> None:
    digest = hashlib.sha256((Path(folder) / "model.safetensors").read_bytes()).hexdigest()
    assert digest == WEIGHTS_SHA256, f"{folder}/model.safetensors is not the published file: {digest}"


def make_traces(ref: sites.Reference) -> None:
    """One sampled safetensors file per text, and traces.json with the facts about every site."""
    rows = []
    for name, text in texts.EIGHT:
        t = sites.trace(ref, text)
        facts = fx.write_sites(FIXTURES / f"{name}.safetensors", t.sites, sampled=True)
        rows.append({"file": f"{name}.safetensors", "text": text, "tokens": t.tokens, "dropped": t.dropped, "sites": facts})
        print(f"{name}: {t.tokens} tokens, {t.dropped} dropped, {len(facts)} sites, f32 noise {noise(ref, t):.1e}")
    assert rows[0]["tokens"] == 9 and rows[-1]["dropped"] > 0
    head = {"limit": ref.limit, "weights_sha256": WEIGHTS_SHA256, "sample": fx.SAMPLE_RULE}
    fx.write_json_lines(FIXTURES / "traces.json", head, "traces", rows)


@torch.no_grad()
def noise(ref: sites.Reference, t: sites.Trace) -> float:
    """The largest relative difference, over the sites, between this f32 pass and one in f64."""
    ref.bert.double()
    try:
        exact = sites.encoder_sites(ref.bert, t.sites["tokens.ids"].tolist())
    finally:
        ref.bert.float()
    return max(float(np.abs(t.sites[name] - x.numpy()).max() / x.abs().max()) for name, x in exact.items())


def make_embeddings(ref: sites.Reference) -> None:
    """Fifty sentence vectors straight from SentenceTransformer.encode. [50, 384]"""
    vectors = ref.encode(texts.FIFTY)
    tokens, dropped = [], []
    for text, vector in zip(texts.FIFTY, vectors):
        t = sites.trace(ref, text)
        assert np.abs(t.sites["sentence"] - vector).max() <= 1e-6
        tokens.append(t.tokens)
        dropped.append(t.dropped)
    assert sum(d > 0 for d in dropped) >= 5
    fx.write_tensors(FIXTURES / "embeddings.safetensors", {"sentence": vectors})
    rows = [{"text": text, "tokens": n, "dropped": d} for text, n, d in zip(texts.FIFTY, tokens, dropped)]
    fx.write_json_lines(FIXTURES / "embeddings.json", {"dim": vectors.shape[1]}, "texts", rows)


def make_pairs(ref: sites.Reference) -> None:
    """Cosines of three pairs under every pooling of the last layer, and under the model's own head."""
    rows = []
    for a, b, known in texts.PAIRS:
        ta, tb = sites.trace(ref, a), sites.trace(ref, b)
        poolings = {mode: cosine(ta.sites[f"pooled.{mode}"], tb.sites[f"pooled.{mode}"]) for mode in sites.POOLINGS}
        cos = cosine(ta.sites["sentence"], tb.sites["sentence"])
        assert round(cos, 4) == known and abs(cos - poolings["mean"]) < 1e-6
        rows.append({"a": a, "b": b, "cos": cos, "poolings": poolings})
        print(f"{cos:.4f}  {a} | {b}")
    fx.write_json(FIXTURES / "pairs.json", {"pairs": rows}, indent=1)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """In f64. [D], [D]"""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


if __name__ == "__main__":
    main()
