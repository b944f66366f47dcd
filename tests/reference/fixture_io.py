"""Writing fixtures: safetensors that do not change when nothing changed, samples, statistics, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

FULL_LIMIT = 1500  # tensors of at most this many elements are stored whole
SAMPLES = 1024
SCATTER = 2654435761  # 2^32 / golden ratio: high bits of i*SCATTER look random

SAMPLE_RULE = {
    "full_limit": FULL_LIMIT,
    "samples": SAMPLES,
    "rule": "u64, row-major: lo = i*numel/1024; hi = (i+1)*numel/1024; index(i) = lo + ((i*2654435761) >> 16) % (hi-lo), i in 0..1024",
}


def sample_indices(numel: int) -> np.ndarray:
    """1024 flat row-major indices, one in each of 1024 equal stretches of 0..numel.

    A plain i*numel/1024 would step by whole rows when numel is a multiple of 1024·D, and so
    see a single column; the scatter moves each sample within its stretch. Needs numel >= 1024.
    """
    i = np.arange(SAMPLES, dtype=np.int64)
    lo = i * numel // SAMPLES
    hi = (i + 1) * numel // SAMPLES
    return lo + ((i * SCATTER) >> 16) % (hi - lo)


def statistics(value: np.ndarray) -> dict:
    """Facts about a whole tensor, accumulated in f64."""
    x = value.astype(np.float64)
    return {
        "shape": list(value.shape),
        "max_abs": float(np.abs(x).max()),
        "sum": float(x.sum()),
        "sum_sq": float((x * x).sum()),
    }


def write_sites(path: Path, sites: dict[str, np.ndarray], sampled: bool) -> dict:
    """Write a trace's sites, whole or sampled; returns {site: statistics + "sampled"}."""
    stored, facts = {}, {}
    for name, value in sites.items():
        assert np.isfinite(value).all(), f"{name} is not finite"
        cut = sampled and value.size > FULL_LIMIT
        stored[name] = value.reshape(-1)[sample_indices(value.size)] if cut else value
        facts[name] = statistics(value) | {"sampled": cut}
    write_tensors(path, stored)
    return facts


def write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
    path.chmod(0o644)  # the library makes them private


def write_json(path: Path, value, indent: int | None = None) -> None:
    """ASCII only, so that no editor or checkout can change a combining mark or a control character."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=True) + "\n", encoding="ascii")


def write_json_lines(path: Path, head: dict, key: str, rows: list) -> None:
    """{**head, key: [...]}, one row on a line: readable in a diff without a line for every number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    top = "".join(f"{json.dumps(k)}: {json.dumps(v)},\n" for k, v in head.items())
    body = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    path.write_text(f"{{\n{top}{json.dumps(key)}: [\n{body}\n]\n}}\n", encoding="ascii")
