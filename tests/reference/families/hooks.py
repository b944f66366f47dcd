"""Sites of one forward pass of a transformers model, read by hooks on its own modules.

A `Layout` says where each site lies in the module tree. Paths below `block` are relative
to the block of a layer. A block that several layers share is hooked once; the order of the
calls is then the order of the layers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

Hook = tuple[str, str]  # ("in" | "out" | "out1", path): a module's first input, its output, or its second output


@dataclass
class Layout:
    blocks: Callable  # model -> the modules of the layers, a shared one once
    embed: dict[str, Hook]  # embed.token, embed.position, embed.type
    q: str = ""
    k: str = ""
    v: str = ""
    qkv: str = ""  # one projection instead of three, rows q, k, v
    output: str = ""  # the attention's output projection
    resid_mid: Hook = ("out", "")
    up: str = ""  # plain: the first projection; gated: the half that is not activated
    gate: str = ""
    fused: str = ""  # one projection for both halves
    gate_first: bool = True  # order of the halves in `fused`
    down: str = ""
    position: Hook | None = None  # score_position, [1, H, T, T]
    heads: Callable = lambda c: c.num_attention_heads
    kv_heads: Callable = lambda c: getattr(c, "num_key_value_heads", None) or c.num_attention_heads
    every: int = 1  # a projection is called this many times in a layer; only the first is the site
    extras: Callable | None = None  # (model, ids, sites) -> more sites
    token_scale: Callable = lambda c: 1.0  # embed.token is divided by this: the raw row
    call: dict = field(default_factory=dict)  # more arguments of forward


class Calls:
    """Keeps what each hook saw, call after call."""

    def __init__(self):
        self.seen: dict[str, list[torch.Tensor]] = defaultdict(list)
        self.handles = []

    def hook(self, name: str, where: Hook, root) -> None:
        kind, path = where
        module = root.get_submodule(path)
        if kind == "in":
            def before(_module, args, kwargs):
                self.seen[name].append((args[0] if args else kwargs["hidden_states"]).detach())

            self.handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        else:
            def after(_module, _args, out):
                value = out[int(kind == "out1")] if isinstance(out, tuple) else out
                self.seen[name].append(value.detach())

            self.handles.append(module.register_forward_hook(after))

    def close(self) -> None:
        for handle in self.handles:
            handle.remove()


def layer_hooks(x: Layout) -> dict[str, Hook]:
    hooks = {"resid_in": ("in", ""), "resid_out": ("out", ""), "resid_mid": x.resid_mid,
             "attn_out": ("out", x.output), "context": ("in", x.output)}
    hooks |= {"qkv": ("out", x.qkv)} if x.qkv else {n: ("out", p) for n, p in zip("qkv", (x.q, x.k, x.v))}
    hooks |= {"ffn_act": ("in", x.down), "ffn_out": ("out", x.down)}
    if x.fused:
        hooks["fused"] = ("out", x.fused)
    else:
        hooks["ffn_pre"] = ("out", x.up)
        if x.gate:
            hooks["ffn_gate"] = ("out", x.gate)
    if x.position:
        hooks["score_position"] = x.position
    return hooks


@torch.no_grad()
def encoder_sites(model, layout: Layout, ids: list[int]) -> dict[str, torch.Tensor]:
    """Sites from tokens.ids to final.out of one sequence of ids without padding, in the model's own precision."""
    calls = Calls()
    for name, where in layout.embed.items():
        calls.hook(name, where, model)
    hooks = layer_hooks(layout)
    for block in layout.blocks(model):
        for name, where in hooks.items():
            calls.hook(name, where, block)
    input_ids = torch.tensor([ids], dtype=torch.long)
    try:
        out = model(input_ids=input_ids, attention_mask=torch.ones_like(input_ids), output_attentions=True,
                    **layout.call)
    finally:
        calls.close()
    sites = {"tokens.ids": input_ids[0]}
    for name in layout.embed:
        value = calls.seen[name][0][0]
        sites[name] = value.expand(len(ids), -1) / (layout.token_scale(model.config) if name == "embed.token" else 1.0)
    layers = len(out.attentions)
    sites["embed.out"] = calls.seen["resid_in"][0][0]
    for l in range(layers):
        seen = {n: layer_call(calls.seen[n], l, layers, layout.every)[0] for n in hooks}
        named = layer_sites(model.config, layout, seen, out.attentions[l][0])
        sites |= {f"layer.{l}.{n}": x for n, x in named.items()}
    if layout.extras:
        sites |= layout.extras(model, ids, sites)
    sites["final.out"] = out.last_hidden_state[0]
    check_flow(model, layout, sites, layers)
    return sites


def layer_call(calls: list[torch.Tensor], l: int, layers: int, every: int) -> torch.Tensor:
    """The call of layer `l`: all hooks are called once a layer, but for those that a layer calls `every` times."""
    assert len(calls) in (layers, layers * every), f"{len(calls)} calls in {layers} layers"
    return calls[l * (len(calls) // layers)]


def split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[T, H·d] -> [H, T, d]"""
    return x.view(x.shape[0], heads, -1).transpose(0, 1)


def layer_sites(config, x: Layout, seen: dict[str, torch.Tensor], pattern: torch.Tensor) -> dict[str, torch.Tensor]:
    if x.qkv:
        seen |= dict(zip("qkv", seen["qkv"].chunk(3, dim=-1)))
    if x.fused:
        first, second = seen["fused"].chunk(2, dim=-1)
        seen["ffn_gate"], seen["ffn_pre"] = (first, second) if x.gate_first else (second, first)
    heads, kv = x.heads(config), x.kv_heads(config)
    s = {"resid_in": seen["resid_in"]}
    s |= {"q": split_heads(seen["q"], heads), "k": split_heads(seen["k"], kv), "v": split_heads(seen["v"], kv)}
    if x.position:
        s["score_position"] = seen["score_position"]
    s["pattern"] = pattern
    v = s["v"].repeat_interleave(heads // kv, dim=0)
    context = torch.matmul(pattern, v).transpose(0, 1).reshape(pattern.shape[1], -1)
    check("context", seen["context"], context)
    s |= {n: seen[n] for n in ("attn_out", "resid_mid", "ffn_pre")}
    if "ffn_gate" in seen:
        s["ffn_gate"] = seen["ffn_gate"]
    return s | {n: seen[n] for n in ("ffn_act", "ffn_out", "resid_out")}


def check_flow(model, layout: Layout, sites: dict, layers: int) -> None:
    """What leaves a layer enters the next, and patterns sum to 1."""
    for l in range(layers):
        rows = sites[f"layer.{l}.pattern"].sum(dim=-1)
        check(f"layer.{l}.pattern", torch.ones_like(rows), rows)
        if l + 1 < layers:
            check(f"layer.{l}.resid_out", sites[f"layer.{l}.resid_out"], sites[f"layer.{l + 1}.resid_in"], 0.0)


def check(name: str, a: torch.Tensor, b: torch.Tensor, tolerance: float = 2e-6) -> None:
    assert a.shape == b.shape, f"{name}: {tuple(a.shape)} and {tuple(b.shape)}"
    worst = float((a - b).abs().max()) if a.numel() else 0.0
    assert worst <= tolerance * max(1e-3, float(a.abs().max())), f"{name} differs by {worst:.1e}"


def to_numpy(sites: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """As stored: f32, ids i64."""
    return {n: np.ascontiguousarray((x if n == "tokens.ids" else x.float()).numpy()) for n, x in sites.items()}
