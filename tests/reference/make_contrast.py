"""fixtures/contrast.json: InfoNCE with its gradients, and clipped AdamW steps, by PyTorch. Needs no model."""

import argparse
import json
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy, normalize

OUT = Path(__file__).resolve().parent.parent / "fixtures/contrast.json"
PAIRS, SIZE = 5, 8
TEMPERATURES = [0.05, 0.5]
STEPS = 3


def fixed(rows: int, columns: int, shift: float, dtype=torch.float64) -> torch.Tensor:
    """sin(0.7·k + shift) + 0.1·column at the flat index k: fixed, and no two entries alike."""
    k = torch.arange(rows * columns, dtype=torch.float64)
    values = torch.sin(0.7 * k + shift) + 0.1 * (k % columns)
    return values.reshape(rows, columns).to(dtype)


def info_nce(anchors, positives, temperature: float, symmetric: bool) -> dict:
    """Loss, per-row losses and gradients by both sides, in f64 by autograd."""
    a = anchors.clone().requires_grad_()
    b = positives.clone().requires_grad_()
    logits = normalize(a, dim=1) @ normalize(b, dim=1).T / temperature
    target = torch.arange(len(a))
    losses = cross_entropy(logits, target, reduction="none")
    if symmetric:
        losses = (losses + cross_entropy(logits.T, target, reduction="none")) / 2
    loss = losses.mean()
    loss.backward()
    return {
        "temperature": temperature,
        "symmetric": symmetric,
        "loss": loss.item(),
        "losses": losses.tolist(),
        "by_anchors": a.grad.tolist(),
        "by_positives": b.grad.tolist(),
    }


def adamw() -> dict:
    """Steps of torch.optim.AdamW in f32 after clipping both gradients' common norm; every step
    gets the same unclipped gradients."""
    params = [fixed(3, 4, 0.2, torch.float32), fixed(1, 5, 1.1, torch.float32)[0]]
    grads = [fixed(3, 4, 2.0, torch.float32), fixed(1, 5, 0.6, torch.float32)[0]]
    live = [torch.nn.Parameter(p.clone()) for p in params]
    decay = [0.01, 0.0]
    groups = [{"params": [p], "weight_decay": d} for p, d in zip(live, decay)]
    settings = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
    optimizer = torch.optim.AdamW(groups, **settings)
    steps = []
    for _ in range(STEPS):
        for p, g in zip(live, grads):
            p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_(live, 1.0)
        clipped = [p.grad.tolist() for p in live]
        optimizer.step()
        steps.append([p.detach().tolist() for p in live])
    return {
        **settings,
        "weight_decay": decay,
        "max_norm": 1.0,
        "norm": norm.item(),
        "params": [p.tolist() for p in params],
        "grads": [g.tolist() for g in grads],
        "clipped": clipped,
        "steps": steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    anchors, positives = fixed(PAIRS, SIZE, 0.0), fixed(PAIRS, SIZE, 1.3)
    cases = [info_nce(anchors, positives, t, s) for t in TEMPERATURES for s in (False, True)]
    document = {
        "torch": torch.__version__,
        "anchors": anchors.tolist(),
        "positives": positives.tolist(),
        "cases": cases,
        "adamw": adamw(),
    }
    args.out.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
