"""Mistakes that a reader of a checkpoint could make, as changes to a copy of the reference model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def activation(path_end: str, name: str) -> Callable:
    """Another activation function at every module attribute called `path_end`."""
    from transformers.activations import ACT2FN

    def change(model) -> None:
        found = [m for m in model.modules() if hasattr(m, path_end)]
        assert found, path_end
        for m in found:
            setattr(m, path_end, ACT2FN[name])

    return change


def eps(value: float) -> Callable:
    """Another eps in every norm."""

    def change(model) -> None:
        for m in model.modules():
            for attribute in ("eps", "variance_epsilon"):
                if "Norm" in type(m).__name__ and hasattr(m, attribute):
                    setattr(m, attribute, value)

    return change


def config(**changes) -> Callable:
    """Other values in the model's config, where forward reads them."""

    def change(model) -> None:
        for key, value in changes.items():
            setattr(model.config, key, value)

    return change


def attribute(name: str, value) -> Callable:
    """Another value of an attribute, in every module that has it."""

    def change(model) -> None:
        found = [m for m in model.modules() if name in vars(m)]
        assert found, name
        for m in found:
            setattr(m, name, value)

    return change


def no_module(name: str) -> Callable:
    """The identity in place of every module of that name."""

    def change(model) -> None:
        found = [m for m in model.modules() if isinstance(getattr(m, name, None), nn.Module)]
        assert found, name
        for m in found:
            setattr(m, name, nn.Identity())

    return change


def zero(part: str) -> Callable:
    """Every parameter whose name has `part` set to nought."""

    def change(model) -> None:
        found = [p for n, p in model.named_parameters() if part in n]
        assert found, part
        with torch.no_grad():
            for p in found:
                p.zero_()

    return change


def theta(ratio: float, part: str = "inv_freq") -> Callable:
    """Rotary frequencies of another base: theta times `ratio`."""

    def change(model) -> None:
        found = [(m, n) for m in model.modules() for n, _ in m.named_buffers(recurse=False)
                 if n.endswith("inv_freq") and "original" not in n and part in n]
        assert found
        for m, name in found:
            freq = getattr(m, name)
            power = torch.arange(len(freq), dtype=freq.dtype) / len(freq)
            setattr(m, name, nn.Buffer(freq * ratio**-power, persistent=False))

    return change


def position_offset(path: str, by: int) -> Callable:
    """The rows of a position table read `by` further down."""

    def change(model) -> None:
        table = model.get_submodule(path).weight
        with torch.no_grad():
            table.copy_(table.roll(-by, 0))

    return change
