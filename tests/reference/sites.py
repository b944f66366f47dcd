"""Every site of one text through a BERT-family model, as PyTorch computes it.

The model runs once, eager and in f32; forward hooks keep the outputs of the real
modules. Only what no module returns (scores, per-head outputs, the poolings that
the folder does not use) is computed here, and each such thing is checked against
a neighbour that the model did return, so a wrong formula cannot make a fixture.

T tokens, D hidden, H heads, d head size, F feed-forward size, E sentence size.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

# A reference must never depend on what a hub serves today.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer

logging.getLogger("transformers").setLevel(logging.ERROR)

POOLINGS = ("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")

# The old booleans always concatenate in this order, whatever their order in the file.
OLD_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


# --------------------------------------------------------------------------- loading


@dataclass
class Reference:
    """A sentence-transformers folder, loaded once: the library's model and our own reading of its head."""

    folder: Path
    st: SentenceTransformer
    head: Head

    @property
    def bert(self):
        return self.st[0].auto_model

    @property
    def limit(self) -> int:
        return int(self.st.max_seq_length)

    def resolve_prompt(self, prompt: str | None = None, prompt_name: str | None = None) -> str | None:
        """The prompt that encode() would put in front: explicit, named, or the default one."""
        return self.st._resolve_prompt(prompt, prompt_name) or None

    def encode(self, texts: list[str], **prompt) -> np.ndarray:
        """SentenceTransformer.encode, one text at a time so that no padding takes part. [N, E]"""
        return self.st.encode(texts, batch_size=1, convert_to_numpy=True, show_progress_bar=False, **prompt)


def load(folder: str | Path) -> Reference:
    """Load a folder for reference use: CPU, eager attention, f32, eval.

    The dtype is given because transformers 5 otherwise takes the dtype of the file.
    """
    torch.set_num_threads(1)  # one order of summation: the same machine gives the same bits
    folder = Path(folder)
    kwargs = {"attn_implementation": "eager", "dtype": torch.float32}
    st = SentenceTransformer(str(folder), device="cpu", model_kwargs=kwargs, local_files_only=True)
    st.eval()
    return Reference(folder, st, Head.load(folder))


# --------------------------------------------------------------------------- the encoder


class Recorder:
    """Keeps module inputs and outputs of one forward pass by name. All are [1, T, ...]."""

    def __init__(self):
        self.seen: dict[str, torch.Tensor] = {}
        self.handles = []

    def output(self, name: str, module) -> None:
        def hook(_module, _args, out):
            self.seen[name] = (out[0] if isinstance(out, tuple) else out).detach()

        self.handles.append(module.register_forward_hook(hook))

    def input(self, name: str, module) -> None:
        def hook(_module, args, kwargs):
            self.seen[name] = (args[0] if args else kwargs["hidden_states"]).detach()

        self.handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def close(self) -> None:
        for handle in self.handles:
            handle.remove()


def hook_bert(bert) -> Recorder:
    """Hooks on every module of BERT whose output is a site (or checks one)."""
    r = Recorder()
    emb = bert.embeddings
    r.output("embed.token", emb.word_embeddings)
    r.output("embed.position", emb.position_embeddings)
    r.output("embed.type", emb.token_type_embeddings)
    r.output("embed.out", emb.LayerNorm)
    for l, layer in enumerate(bert.encoder.layer):
        at = f"layer.{l}."
        r.input(at + "resid_in", layer)
        r.output(at + "query", layer.attention.self.query)
        r.output(at + "key", layer.attention.self.key)
        r.output(at + "value", layer.attention.self.value)
        r.output(at + "context", layer.attention.self)
        r.output(at + "attn_out", layer.attention.output.dense)
        r.output(at + "resid_mid", layer.attention.output.LayerNorm)
        r.output(at + "ffn_pre", layer.intermediate.dense)
        r.output(at + "ffn_act", layer.intermediate)
        r.output(at + "ffn_out", layer.output.dense)
        r.output(at + "resid_out", layer.output.LayerNorm)
    return r


@torch.no_grad()
def encoder_sites(bert, ids: list[int]) -> dict[str, torch.Tensor]:
    """Sites from tokens.ids to final.out for one sequence of token ids (no padding)."""
    input_ids = torch.tensor([ids], dtype=torch.long)
    recorder = hook_bert(bert)
    try:
        out = bert(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            token_type_ids=torch.zeros_like(input_ids),
            output_attentions=True,
            output_hidden_states=True,
        )
    finally:
        recorder.close()
    seen = {name: value[0] for name, value in recorder.seen.items()}

    sites = {"tokens.ids": input_ids[0]}
    for name in ("embed.token", "embed.position", "embed.type", "embed.out"):
        sites[name] = seen[name]
    check_embeddings(bert, sites)
    for l, layer in enumerate(bert.encoder.layer):
        sites.update(layer_sites(layer, l, seen, out.attentions[l][0]))
        check("hidden_states", out.hidden_states[l][0], sites[f"layer.{l}.resid_in"])
    sites["final.out"] = out.last_hidden_state[0]
    check("final.out", sites[f"layer.{len(bert.encoder.layer) - 1}.resid_out"], sites["final.out"])
    return sites


def layer_sites(layer, l: int, seen: dict[str, torch.Tensor], attention: torch.Tensor) -> dict[str, torch.Tensor]:
    """One layer's sites. `attention` is the model's own pattern, [H, T, T]."""
    at = f"layer.{l}."
    heads = layer.attention.self.num_attention_heads
    q, k, v = (split_heads(seen[at + name], heads) for name in ("query", "key", "value"))
    content = torch.matmul(q, k.transpose(1, 2)) * q.shape[-1] ** -0.5
    scores = content  # no additive position bias in BERT, and nothing to mask in one unpadded text
    check(at + "pattern", torch.softmax(scores, dim=-1), attention, 1e-6, floor=1.0)
    head_out = torch.matmul(attention, v)

    sites = {at + "resid_in": seen[at + "resid_in"], at + "q": q, at + "k": k, at + "v": v}
    sites |= {at + "score_content": content, at + "scores": scores.clone()}
    sites |= {at + "pattern": attention, at + "head_out": head_out}
    for name in ("attn_out", "resid_mid", "ffn_pre", "ffn_act", "ffn_out", "resid_out"):
        sites[at + name] = seen[at + name]
    check_layer(layer, at, sites, seen[at + "context"])
    return sites


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[T, H·d] -> [H, T, d]"""
    return x.view(x.shape[0], heads, -1).transpose(0, 1).contiguous()


def join_heads(x: torch.Tensor) -> torch.Tensor:
    """[H, T, d] -> [T, H·d]"""
    return x.transpose(0, 1).reshape(x.shape[1], -1)


# --------------------------------------------------------------------------- consistency


def check(name: str, ours: torch.Tensor, theirs: torch.Tensor, tolerance: float = 5e-6, floor: float = 0.0) -> None:
    """Assert that max |Δ| is within `tolerance` of the site's magnitude, which counts as at least `floor`."""
    assert ours.shape == theirs.shape, f"{name}: {tuple(ours.shape)} against {tuple(theirs.shape)}"
    scale = max(floor, float(theirs.abs().max()))
    delta = float((ours - theirs).abs().max())
    assert delta <= tolerance * scale, f"{name}: differs by {delta:.3g} where the largest value is {scale:.3g}"


def check_embeddings(bert, sites: dict[str, torch.Tensor]) -> None:
    """The three summands, summed and normed, are what the model lets into layer 0."""
    emb = bert.embeddings
    T = sites["tokens.ids"].shape[0]
    check("embed.position", emb.position_embeddings.weight[:T], sites["embed.position"], 0.0)
    check("embed.type", emb.token_type_embeddings.weight[:1].expand(T, -1), sites["embed.type"], 0.0)
    total = sites["embed.token"] + sites["embed.type"] + sites["embed.position"]
    check("embed.out", emb.LayerNorm(total), sites["embed.out"])


def check_layer(layer, at: str, sites: dict[str, torch.Tensor], context: torch.Tensor) -> None:
    """Each stage follows from the ones before it."""
    s = {name.removeprefix(at): value for name, value in sites.items()}
    joined = join_heads(s["head_out"])
    check(at + "head_out", joined, context)
    check(at + "attn_out", layer.attention.output.dense(joined), s["attn_out"])
    check(at + "resid_mid", layer.attention.output.LayerNorm(s["attn_out"] + s["resid_in"]), s["resid_mid"])
    check(at + "ffn_act", layer.intermediate.intermediate_act_fn(s["ffn_pre"]), s["ffn_act"])
    check(at + "ffn_out", layer.output.dense(s["ffn_act"]), s["ffn_out"])
    check(at + "resid_out", layer.output.LayerNorm(s["ffn_out"] + s["resid_mid"]), s["resid_out"])


# --------------------------------------------------------------------------- the head


def pool(mode: str, hidden: torch.Tensor, first: int = 0) -> torch.Tensor:
    """Pool [T, D] -> [D] over the tokens from `first` on (tokens before it are an excluded prompt)."""
    kept = hidden[first:]
    if mode == "cls":
        return kept[0]
    if mode == "lasttoken":
        return kept[-1]
    if mode == "max":
        return kept.max(dim=0).values
    if mode == "mean":
        return kept.sum(dim=0) / kept.shape[0]
    if mode == "mean_sqrt_len_tokens":
        return kept.sum(dim=0) / kept.shape[0] ** 0.5
    if mode == "weightedmean":
        # Leaving the prompt out does not renumber the rest: weights stay those of the whole text.
        weights = torch.arange(1, hidden.shape[0] + 1, dtype=hidden.dtype)[first:, None]
        return (kept * weights).sum(dim=0) / weights.sum()
    raise ValueError(f"unknown pooling mode {mode!r}")


@dataclass
class Head:
    """What follows the encoder, read from the folder without the library's help."""

    modes: list[str]
    include_prompt: bool
    steps: list  # functions [E] -> [E']
    truncate_dim: int | None

    @staticmethod
    def load(folder: Path) -> Head:
        modules = read_json(folder / "modules.json", [{"type": "Pooling", "path": "absent"}])
        head = Head(["mean"], True, [], read_json(folder / "config_sentence_transformers.json", {}).get("truncate_dim"))
        for module in modules:
            # Three spellings of the import path exist; the class name is what they share.
            kind, where = module["type"].rsplit(".", 1)[-1], folder / module.get("path", "")
            config = read_json(where / "config.json", {})
            if kind == "Pooling":
                head.modes = pooling_modes(config)
                head.include_prompt = config.get("include_prompt", True)
            elif kind == "Dense":
                head.steps.append(dense(config, load_file(where / "model.safetensors")))
            elif kind == "LayerNorm":
                head.steps.append(layer_norm(load_file(where / "model.safetensors")))
            elif kind == "Normalize":
                head.steps.append(lambda x: x / x.norm().clamp_min(1e-12))
            elif kind not in ("Transformer", "Dropout", "WeightedLayerPooling"):
                raise ValueError(f"unsupported module {module['type']}")
        return head

    def sentence(self, hidden: torch.Tensor, first: int) -> torch.Tensor:
        """[T, D] -> [E]"""
        x = torch.cat([pool(mode, hidden, first) for mode in self.modes])
        for step in self.steps:
            x = step(x)
        return x[: self.truncate_dim]


def read_json(path: Path, default):
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def pooling_modes(config: dict) -> list[str]:
    """New key `pooling_mode` (a string or a list, own order) or the old booleans (fixed order)."""
    if "pooling_mode" in config:
        mode = config["pooling_mode"]
        return [mode] if isinstance(mode, str) else list(mode)
    return [mode for key, mode in OLD_POOLING_KEYS.items() if config.get(key)] or ["mean"]


def dense(config: dict, weights: dict[str, torch.Tensor]):
    """act(W x + b), plus the residual if there is one. [in] -> [out]"""
    module, name = config.get("activation_function", "torch.nn.modules.activation.Tanh").rsplit(".", 1)
    activation = getattr(import_module(module), name)()

    def step(x):
        y = torch.nn.functional.linear(x, weights["linear.weight"], weights.get("linear.bias"))
        y = activation(y)
        if config.get("use_residual"):
            w = weights.get("residual.weight")
            y = y + (x if w is None else torch.nn.functional.linear(x, w))
        return y

    return step


def layer_norm(weights: dict[str, torch.Tensor]):
    """The module sentence_transformers calls LayerNorm: torch's, with its default eps 1e-5. [E] -> [E]"""
    w, b = weights["norm.weight"], weights["norm.bias"]
    return lambda x: torch.nn.functional.layer_norm(x, w.shape, w, b)


# --------------------------------------------------------------------------- one text


@dataclass
class Trace:
    sites: dict[str, np.ndarray]
    prompt: str | None  # what was put in front of the text
    excluded: int  # leading tokens left out of the pool (0 unless include_prompt is false)
    dropped: int  # tokens cut by the length limit

    @property
    def tokens(self) -> int:
        return len(self.sites["tokens.ids"])


def trace(ref: Reference, text: str, prompt: str | None = None, prompt_name: str | None = None) -> Trace:
    """All sites of one text, in the order of the forward pass, f32 (tokens.ids i64).

    `sentence` is ours, and asserted equal to SentenceTransformer.encode within 1e-6
    (relative where a vector that is not normalised has larger numbers).
    """
    resolved = ref.resolve_prompt(prompt, prompt_name)
    ids = token_ids(ref, text, resolved)
    sites = encoder_sites(ref.bert, ids)
    excluded = 0 if ref.head.include_prompt else prompt_tokens(ref, resolved)
    with torch.no_grad():
        for mode in POOLINGS:
            sites[f"pooled.{mode}"] = pool(mode, sites["final.out"], excluded)
        sites["sentence"] = ref.head.sentence(sites["final.out"], excluded)
    encoded = ref.encode([text], prompt=prompt, prompt_name=prompt_name)[0]
    check("sentence", sites["sentence"], torch.from_numpy(encoded), 1e-6, floor=1.0)

    whole = ref.st.tokenizer((resolved or "") + text, truncation=False, verbose=False)["input_ids"]
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in sites.items()}
    return Trace(arrays, resolved, excluded, len(whole) - len(ids))


def token_ids(ref: Reference, text: str, prompt: str | None) -> list[int]:
    """Ids as SentenceTransformer makes them: the prompt glued in front, special tokens, the length limit."""
    return ref.st.preprocess([text], prompt=prompt)["input_ids"][0].tolist()


def prompt_tokens(ref: Reference, prompt: str | None) -> int:
    """Tokens the prompt takes: those of the prompt alone with [CLS], less the closing [SEP]."""
    if not prompt:
        return 0
    ids = token_ids(ref, prompt, None)
    closing = ids[-1] in ref.st.tokenizer.all_special_ids
    return len(ids) - int(closing)
