"""Make tests/fixtures/families: a tiny random checkpoint of every model family, with every site of a few texts.

    make_families.py              all of them
    make_families.py NAME...      these variants

Each folder is a sentence-transformers model; `about.json` says what it is for and what computed the
expected values. The reference runs in f64 where the model lets it, and f32 is stored.
"""

from __future__ import annotations

import copy
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers.utils import logging

import fixture_io as fx
import sites
from families import hooks
from families.common import Tensors, Variant, write_folder

logging.disable_progress_bar()
FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "families"
GROUPS = ["roberta", "bertlike", "mixed", "modernbert", "decoders", "t5_gemma", "jina_v2", "rotary", "jina_v3", "deberta",
    "static"]


def main() -> None:
    wanted = sys.argv[1:]
    for group in GROUPS:
        module = import_module(f"families.{group}")
        for v in getattr(module, "VARIANTS", []):
            if not wanted or v.name in wanted:
                make(v)
        for name, build in getattr(module, "OTHERS", {}).items():
            if not wanted or name in wanted:
                build(FIXTURES / name)


def make(v: Variant) -> None:
    folder = FIXTURES / v.name
    tensors = write_folder(v, folder)
    ref = load(v, folder)
    encoder = Encoder(v, ref, tensors)
    traces = write_expected(v, ref, encoder, folder)
    assert_tokenizer(v, folder, ref, traces)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    counts = [(len(t["tokens.ids"])) for t in traces]
    print(f"{v.name}: limit {ref.limit}, tokens {counts}, {size} bytes")
    assert_agrees(v, tensors, traces)
    assert_traps(v, encoder, traces)


def load(v: Variant, folder: Path):
    """The library's model, in f64, or what stands for it where there is none."""
    if v.reference:
        return Plain(folder, v.task)
    with tempfile.TemporaryDirectory() as other:
        ref = sites.load(stand_in(v, folder, Path(other)) if v.stand_in else folder)
    if v.limit:
        ref.st.max_seq_length = v.limit
    if v.adapters:
        ref.bert.load_adapter(str(folder / v.task))
    ref.st.double()
    return ref


def stand_in(v: Variant, folder: Path, other: Path) -> Path:
    """The folder again, under a config.json that transformers knows."""
    shutil.copytree(folder, other, dirs_exist_ok=True)
    fx.write_json(other / "config.json", v.stand_in | {"vocab_size": v.config["vocab_size"]})
    return other


class Encoder:
    """The reference from ids to final.out: a transformers model with hooks, or one in numpy."""

    def __init__(self, v: Variant, ref, tensors: Tensors):
        self.layout, self.mix = v.layout, v.mix
        if v.reference:
            self.model = v.reference(v.config, tensors)
            return
        self.model = ref.bert
        state = {n.replace(".base_layer", ""): x.numpy() for n, x in self.model.state_dict().items()}
        for name, value in v.library_names(tensors).items():
            assert np.array_equal(state[name].astype(np.float32), value), f"{name} was not loaded"

    def sites(self, ids: list[int]) -> dict[str, torch.Tensor]:
        if self.layout is None:
            return self.model.sites(ids)
        found = hooks.encoder_sites(self.model, self.layout, ids)
        return found | {"final.out": mixed(self.mix, found)} if self.mix else found

    def trapped(self, change, ids: list[int]) -> dict[str, torch.Tensor]:
        """The sites of a copy of the model on which `change` was at work."""
        kept, self.model = self.model, copy.deepcopy(self.model)
        try:
            change(self.model)
            return self.sites(ids)
        finally:
            self.model = kept


def mixed(mix: tuple[int, list[float]], found: dict[str, torch.Tensor]) -> torch.Tensor:
    """What WeightedLayerPooling makes of the layers' states: the input of each layer and the final output. The
    library's own encode() is held against the sentence that follows."""
    start, weights = mix
    layers = start + len(weights) - 1
    states = [found[f"layer.{l}.resid_in"] for l in range(layers)] + [found["final.out"]]
    weights = torch.tensor(weights, dtype=torch.float32).to(states[0].dtype)
    return sum(w * x for w, x in zip(weights, states[start:])) / weights.sum()


class Plain:
    """What sites.Reference is, for a folder that the library cannot load: tokenizer.json and our reading of the head."""

    def __init__(self, folder: Path, task: str | None = None):
        self.task = task
        self.head = sites.Head.load(folder)
        self.limit = sites.read_json(folder / "sentence_bert_config.json", {})["max_seq_length"]
        self.prompts = sites.read_json(folder / "config_sentence_transformers.json", {})["prompts"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()

    def resolve_prompt(self, prompt: str | None, prompt_name: str | None) -> str | None:
        """A task puts its instruction in front where nothing else is asked for."""
        return prompt if prompt is not None else self.prompts.get(prompt_name or self.task)

    def ids(self, text: str, limit: int | None) -> list[int]:
        self.tokenizer.enable_truncation(limit) if limit else self.tokenizer.no_truncation()
        return self.tokenizer.encode(text).ids


def token_ids(ref, text: str, prompt: str | None) -> tuple[list[int], int]:
    """(ids within the limit, how many were cut)"""
    if isinstance(ref, Plain):
        ids = ref.ids((prompt or "") + text, ref.limit)
        return ids, len(ref.ids((prompt or "") + text, None)) - len(ids)
    ids = sites.token_ids(ref, text, prompt)
    return ids, len(ref.st.tokenizer((prompt or "") + text, truncation=False, verbose=False)["input_ids"]) - len(ids)


def sentence(ref, case: dict, final: torch.Tensor, excluded: int) -> torch.Tensor:
    """SentenceTransformer.encode's own vector, which ours must equal; ours where there is no such model."""
    if isinstance(ref, Plain):
        return ref.head.sentence(final, excluded)
    prompt, prompt_name = case.get("prompt"), case.get("prompt_name")
    encoded = torch.from_numpy(ref.encode([case["text"]], prompt=prompt, prompt_name=prompt_name)[0]).double()
    ours = ref.head.sentence(final.float(), excluded)
    sites.check("sentence", ours.double(), encoded, 1e-6, floor=1.0)
    return encoded


def trace(v: Variant, ref, encoder: Encoder, case: dict) -> tuple[dict, dict]:
    """(sites, row of cases.json) of one text."""
    prompt, prompt_name = case.get("prompt"), case.get("prompt_name")
    resolved = ref.resolve_prompt(prompt, prompt_name)
    ids, dropped = token_ids(ref, case["text"], resolved)
    found = encoder.sites(ids)
    excluded = 0 if ref.head.include_prompt else sites.prompt_tokens(ref, resolved)
    for mode in sites.POOLINGS:
        found[f"pooled.{mode}"] = sites.pool(mode, found["final.out"], excluded)
    found["sentence"] = sentence(ref, case, found["final.out"], excluded)
    row = {"file": f"{case['file']}.safetensors", "text": case["text"], "prompt": prompt, "prompt_name": prompt_name,
           "resolved_prompt": resolved, "excluded": excluded, "tokens": len(ids), "dropped": dropped}
    row |= {"task": v.task} if v.task else {}
    return hooks.to_numpy(found), row


def write_expected(v: Variant, ref, encoder: Encoder, folder: Path) -> list[dict]:
    rows, traces = [], []
    for case in v.texts:
        found, row = trace(v, ref, encoder, case)
        fx.write_sites(folder / "expected" / row["file"], found, sampled=False)
        rows.append(row)
        traces.append(found)
    assert rows[-1]["dropped"] > 0 and rows[-1]["tokens"] == ref.limit, "the last text must be too long"
    fx.write_json_lines(folder / "expected" / "cases.json", {"why": v.why, "limit": int(ref.limit)}, "cases", rows)
    return traces


def assert_tokenizer(v: Variant, folder: Path, ref, traces: list[dict]) -> None:
    """tokenizer.json alone gives the same ids: what the library builds anew from a class name must not differ."""
    if v.tokenizer_files is not None:
        return
    t = Tokenizer.from_file(str(folder / "tokenizer.json"))
    t.no_padding()
    t.enable_truncation(ref.limit)
    for case, found in zip(v.texts, traces):
        prompt = ref.resolve_prompt(case.get("prompt"), case.get("prompt_name")) or ""
        ids = t.encode(prompt + case["text"]).ids
        assert ids == found["tokens.ids"].tolist(), (case, t.encode(prompt + case["text"]).tokens, found["tokens.ids"])


def assert_agrees(v: Variant, tensors: Tensors, traces: list[dict]) -> None:
    """The numpy reference, where there is one beside the class, gives the same sites."""
    for right in traces if v.also else []:
        for name, value in hooks.to_numpy(v.also(v.config, tensors).sites(right["tokens.ids"].tolist())).items():
            gap = float(np.abs(right[name] - value).max() / max(np.abs(right[name]).max(), 1e-6))
            assert gap < 1e-5, f"{v.name}: {name} differs by {gap:.1e} from the numpy reference"


def assert_traps(v: Variant, encoder: Encoder, traces: list[dict]) -> None:
    """Every mistake shows in some site of some text, by more than the variant's floor."""
    for what, change in v.traps:
        worst, where = 0.0, ""
        for right in traces:
            wrong = hooks.to_numpy(encoder.trapped(change, right["tokens.ids"].tolist()))
            for name, value in wrong.items():
                scale = np.abs(right[name]).max() or 1.0
                delta = float(np.abs(right[name] - value).max() / scale)
                worst, where = max((worst, where), (delta, name))
        print(f"  {what} shows as {worst:.1e} in {where}")
        assert worst > v.trap_floor, f"{v.name}: {what} does not show"


if __name__ == "__main__":
    main()
