#!/usr/bin/env python3
"""How well a small model's cosines follow its teacher's, on sentences that neither was trained on.

usage: bundled_agreement.py --model DIR --teacher DIR --texts FILE [--pairs N]

Takes the first texts of FILE (one a line). Half of the N pairs are random; the other half are near:
each text with one of its teacher's five nearest neighbours. Prints Spearman's rank correlation of the
two models' cosines over all pairs and over each half, and a few pairs whose scores are known to
surprise people. Needs sentence-transformers (see requirements.txt).
"""

import argparse
import pathlib

import numpy as np
from sentence_transformers import SentenceTransformer

SEED = 7
PROBES = [
    ("negation", "The film was good.", "The film was not good."),
    ("negation", "He can swim.", "He cannot swim."),
    ("roles", "The cat bit the dog", "The dog bit the cat"),
    ("roles", "The teacher praised the student.", "The student praised the teacher."),
    ("number", "Two people died in the fire.", "Twelve people died in the fire."),
    ("paraphrase", "The cat sat on the mat", "A feline rested on the rug"),
    ("paraphrase", "How do I reset my password?", "I forgot my login credentials."),
    ("unrelated", "The cat sat on the mat", "Python is a programming language"),
]


def ranks(values):
    """Places in order, from 0; equal values share the mean of theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends - 1) / 2)[group]


def spearman(a, b):
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--pairs", type=int, default=2000)
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    texts = args.texts.read_text(encoding="utf-8").splitlines()[: 2 * args.pairs]
    models = {name: SentenceTransformer(path, device="cpu") for name, path in
              [("student", args.model), ("teacher", args.teacher)]}
    vectors = {name: model.encode(texts, normalize_embeddings=True, batch_size=64)
               for name, model in models.items()}

    half = args.pairs // 2
    random = np.stack([rng.permutation(len(texts))[:half], rng.permutation(len(texts))[:half]], 1)
    anchors = rng.permutation(len(texts))[:half]
    cosines = vectors["teacher"][anchors] @ vectors["teacher"].T
    cosines[np.arange(half), anchors] = -2
    nearest = np.argsort(-cosines, axis=1)[:, :5]
    near = np.stack([anchors, nearest[np.arange(half), rng.integers(0, 5, half)]], 1)

    def cos(name, pairs):
        return (vectors[name][pairs[:, 0]] * vectors[name][pairs[:, 1]]).sum(1)

    for title, pairs in [("all", np.concatenate([random, near])), ("random", random), ("near", near)]:
        student, teacher = cos("student", pairs), cos("teacher", pairs)
        print(f"{title:>7}: {len(pairs)} pairs, Spearman {spearman(student, teacher):.4f}, "
              f"mean |difference| {np.abs(student - teacher).mean():.4f}, "
              f"mean cosine {student.mean():.3f} (teacher {teacher.mean():.3f})")
    for kind, a, b in PROBES:
        scores = []
        for name in ("student", "teacher"):
            u, v = models[name].encode([a, b], normalize_embeddings=True)
            scores.append(float(u @ v))
        print(f"{scores[0]:7.3f} (teacher {scores[1]:.3f})  {kind}: {a} | {b}")


if __name__ == "__main__":
    main()
