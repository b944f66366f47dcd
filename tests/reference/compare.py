"""Compare `embedscope trace` with PyTorch, site by site.

    compare.py --model FOLDER --text "The cat sat" out.safetensors     one trace that was already written
    compare.py --model FOLDER --binary target/release/embedscope       runs the program itself on a list of texts

Exit 1 if a site differs by more than 1e-4 of its largest magnitude, is missing or unexpected or has another
shape or type, if the token ids differ, or if the sentence is off (cosine < 1 - 1e-6, or max |delta| > 1e-5).
Like SentenceTransformer.encode, both sides put the folder's default prompt (if it has one) in front;
--prompt says which one the trace was made with instead ("" for none).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import sites
import texts

SITE_TOLERANCE = 1e-4
SENTENCE_DELTA = 1e-5
SENTENCE_COSINE = 1 - 1e-6

BUILT_IN = [text for _, text in texts.EIGHT] + [
    " ",
    "a",
    "[MASK] typed literally [SEP]",
    "x" * 150,
    "line one\nline two\t\u3000end",
    texts.PYTHON_CODE,
]


def compare(wanted: dict[str, np.ndarray], got: dict[str, np.ndarray], verbose: bool = True) -> list[str]:
    """Print a line per site and return what is wrong, as sentences."""
    wrong = [f"{name} is missing" for name in wanted if name not in got]
    wrong += [f"{name} is unexpected" for name in got if name not in wanted]
    for name, reference in wanted.items():
        if name not in got:
            continue
        ours = got[name]
        if ours.shape != reference.shape:
            wrong.append(f"{name} has shape {list(ours.shape)}, the reference {list(reference.shape)}")
            continue
        if ours.dtype != reference.dtype:
            wrong.append(f"{name} is {ours.dtype}, not {reference.dtype}")
        if name == "tokens.ids":
            if not np.array_equal(ours, reference):
                wrong.append(f"tokens.ids differ: {ours.tolist()} against {reference.tolist()}")
            continue
        delta, scale = difference(ours, reference)
        bad = delta > SITE_TOLERANCE * scale
        if verbose:
            print(f"  {name:24} {str(list(reference.shape)):16} {delta / scale:9.2e}{'  <--' if bad else ''}")
        if bad:
            wrong.append(f"{name} differs by {delta:.3g} where the largest magnitude is {scale:.3g}")
    if "sentence" in got and got["sentence"].shape == wanted["sentence"].shape:
        wrong += compare_sentence(wanted["sentence"], got["sentence"])
    return wrong


def difference(ours: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """max |delta| (infinite if there is a NaN) and the reference's largest magnitude (1 if it is all zeros)."""
    a, b = ours.astype(np.float64), reference.astype(np.float64)
    delta = np.abs(a - b).max()
    return float("inf") if np.isnan(delta) else float(delta), float(np.abs(b).max()) or 1.0


def compare_sentence(reference: np.ndarray, ours: np.ndarray) -> list[str]:
    a, b = ours.astype(np.float64), reference.astype(np.float64)
    cos, delta = float(a @ b / np.sqrt((a @ a) * (b @ b))), float(np.abs(a - b).max())
    if cos >= SENTENCE_COSINE and delta <= SENTENCE_DELTA:
        return []
    return [f"sentence: cosine 1 - {1 - cos:.2e}, max |delta| {delta:.2e}"]


def run_binary(binary: Path, model: Path, text: str) -> dict[str, np.ndarray] | str:
    """The program's own trace of one text, or what it said when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "trace.safetensors"
        command = [str(binary), "trace", "--model", str(model), "--text", text, "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return f"exit {done.returncode}: {done.stderr.strip()}"
        return load_file(out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the model's folder")
    parser.add_argument("--text", help="the text that was traced")
    parser.add_argument("--prompt", help="the prompt that was put in front (default: the folder's default prompt)")
    parser.add_argument("--binary", type=Path, help="run this program on built-in texts instead (or on --text)")
    parser.add_argument("trace", type=Path, nargs="?", help="the safetensors file that `trace` wrote")
    args = parser.parse_args()
    if (args.binary is None) == (args.trace is None) or (args.trace is not None and args.text is None):
        parser.error("give either --text and a trace file, or --binary")
    if args.binary is not None and args.prompt is not None:
        parser.error("`trace` takes no prompt, so --prompt goes with a trace file only")
    return args


def main() -> int:
    args = arguments()
    ref = sites.load(args.model)
    jobs = [args.text] if args.text is not None else BUILT_IN
    failures = 0
    for text in jobs:
        got = load_file(args.trace) if args.trace else run_binary(args.binary, args.model, text)
        if isinstance(got, str):
            wrong, worst = [got], ""
        else:
            wanted = sites.trace(ref, text, prompt=args.prompt).sites
            wrong = compare(wanted, got, verbose=len(jobs) == 1)
            worst = worst_site(wanted, got)
        failures += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok'}  {text[:50]!r}  {worst}")
        for line in wrong:
            print(f"    {line}")
    return 1 if failures else 0


def worst_site(wanted: dict[str, np.ndarray], got: dict[str, np.ndarray]) -> str:
    """The site that differs most, for the summary line."""
    shared = [n for n in wanted if n in got and n != "tokens.ids" and got[n].shape == wanted[n].shape]
    if not shared:
        return ""
    relative = {n: np.divide(*difference(got[n], wanted[n])) for n in shared}
    name = max(relative, key=relative.get)
    return f"worst {relative[name]:.1e} in {name}"


if __name__ == "__main__":
    sys.exit(main())
