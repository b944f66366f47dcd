"""The measuring half of scripts/bench-peers, which see: all contenders take turns, A B C A B C …, so
that a machine that drifts does so under all of them, and medians are printed with their ratios."""

import argparse
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import numpy as np
import onnxruntime
import sentence_transformers
import torch
import transformers

from bench_start import print_starts

ROOT = Path(__file__).resolve().parent.parent
MODEL = os.environ["EMBEDSCOPE_MINILM"]
CORES = len(os.sched_getaffinity(0))
LENGTHS = [8, 16, 32, 64, 128, 256, 512]
WORDS = "the keeper of the lighthouse wrote the temperature in his ledger every morning "
TITLES = {
    "kept": "ours, every site kept",
    "window": "ours, as the window records",
    "plain": "ours, plain",
    "stock": "candle BertModel",
    "torch": "PyTorch",
    "torch_all": "PyTorch, states and attentions",
    "ort": "ONNX Runtime",
}
# What each of ours is held against, and the most that the ratio may be.
BARS = [
    ("kept", "ort", lambda t: 1.0 if t >= 128 else 1.25),
    ("window", "ort", lambda _: 1.0),
    ("kept", "torch_all", lambda _: 0.7),
]


class Server:
    """Our process: one run for each line."""

    def __init__(self, path):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([path], stdin=pipe, stdout=pipe, text=True)

    def run(self, what, ids):
        print(what, *ids, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"error: the server stopped at `{what}` of {len(ids)} tokens")
        return int(answer) / 1e6

    def peak(self):
        """The most memory it ever held, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e3

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def export(model, folder):
    """The model as an optimised ONNX Runtime session."""

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids, mask, types):
            return self.model(ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    path = f"{folder}/model.onnx"
    ids = torch.ones((1, 8), dtype=torch.long)
    names = ["ids", "mask", "types"]
    torch.onnx.export(
        # The exporter leaves the model in the mode that this wrapper is in.
        Plain().eval(), (ids, ids, 0 * ids), path, input_names=names, output_names=["out"],
        dynamic_axes={name: {1: "tokens"} for name in [*names, "out"]}, opset_version=17, dynamo=False,
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = CORES
    # Its threads spin within a run, as they do by default, but not into the next contender's turn.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def contenders(server, folder):
    """Name -> a function from ids to milliseconds."""
    plain = transformers.AutoModel.from_pretrained(MODEL).eval()
    eager = transformers.AutoModel.from_pretrained(MODEL, attn_implementation="eager").eval()
    session = export(eager, folder)

    def torch_inputs(ids):
        ids = torch.tensor([ids])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": 0 * ids}

    def by_torch(model, **more):
        def run(ids):
            inputs = torch_inputs(ids)
            started = time.perf_counter_ns()
            with torch.inference_mode():
                out = model(**inputs, **more)
            del out
            return (time.perf_counter_ns() - started) / 1e6

        return run

    def feed(ids):
        ids = np.array([ids], dtype=np.int64)
        return {"ids": ids, "mask": np.ones_like(ids), "types": 0 * ids}

    def by_ort(ids):
        inputs = feed(ids)
        started = time.perf_counter_ns()
        session.run(None, inputs)
        return (time.perf_counter_ns() - started) / 1e6

    ids = ids_of(128)
    with torch.inference_mode():
        expected = eager(**torch_inputs(ids)).last_hidden_state.numpy()
    off = np.abs(session.run(None, feed(ids))[0] - expected).max()
    if off > 1e-4:
        raise SystemExit(f"error: the exported model differs from PyTorch by {off:.1e}")
    ours = {name: lambda ids, name=name: server.run(name, ids) for name in list(TITLES)[:4]}
    both = {"output_hidden_states": True, "output_attentions": True}
    return ours | {"torch": by_torch(plain), "torch_all": by_torch(eager, **both), "ort": by_ort}


def ids_of(count):
    """So many ids of real words."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
    ids = tokenizer(WORDS * 40, truncation=False, verbose=False)["input_ids"]
    return ids[: count - 1] + ids[-1:]


def lengths(sides, rounds):
    """Medians in milliseconds: length -> name -> median."""
    table = {}
    for count in LENGTHS:
        ids = ids_of(count)
        times = {name: [] for name in sides}
        for _ in range(max(5, int(rounds * min(1, 128 / count)))):
            for name, run in sides.items():
                run(ids)  # wakes the threads that slept through the others' turns
                times[name].append(run(ids))
        table[count] = {name: statistics.median(values) for name, values in times.items()}
    return table


def corpus(program, texts, rounds):
    """Texts per second of both, and the largest difference of their vectors."""
    model = sentence_transformers.SentenceTransformer(MODEL, device="cpu")
    rates = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        source, out = f"{folder}/texts.txt", f"{folder}/out.npy"
        Path(source).write_text("".join(text + "\n" for text in texts))
        command = [program, "embed", "--model", MODEL, "--input", source, "--out", out]
        for _ in range(rounds):
            done = subprocess.run(command, capture_output=True, text=True)
            said = re.search(r"texts in ([\d.]+) s", done.stderr)
            if done.returncode or not said:
                raise SystemExit(f"error: {' '.join(command)}: {done.stderr.strip()}")
            rates["ours"].append(len(texts) / float(said[1]))
            started = time.perf_counter()
            vectors = model.encode(texts, batch_size=32, show_progress_bar=False)
            rates["theirs"].append(len(texts) / (time.perf_counter() - started))
        off = np.abs(np.load(out) - vectors).max()
    return {name: statistics.median(values) for name, values in rates.items()}, off


def machine():
    cpu = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
            break
    flags = Path("/proc/cpuinfo").read_text()
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    versions = f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"
    versions += f", sentence-transformers {sentence_transformers.__version__}"
    return f"{cpu}, {CORES} cores, {wide}, {platform.system()} {platform.release()}; {versions}"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a measurement")
    parser.add_argument("--texts", type=Path, default=ROOT / "assets/background.txt", help="one a line")
    parser.add_argument("--part", choices=["lengths", "corpus", "start"], help="that alone")
    parser.add_argument("--server", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(CORES)
    rounds = 8 if args.quick else 40

    print(machine())
    if args.part in (None, "lengths"):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(args.server)
            print_lengths(lengths(contenders(server, folder), rounds))
            server.close()
        server = Server(args.server)
        server.run("kept", ids_of(512))
        print(f"\npeak memory of a process that keeps every site of 512 tokens: {server.peak():.0f} MB")
        server.close()
    if args.part in (None, "corpus"):
        texts = [line for line in args.texts.read_text().splitlines() if line.strip()]
        texts = texts[:500] if args.quick else texts
        rates, off = corpus(args.program, texts, 1 if args.quick else 3)
        print(f"\n{len(texts)} texts of {args.texts.name}: ours {rates['ours']:.0f} texts/s, "
              f"sentence-transformers {rates['theirs']:.0f}, "
              f"ratio {rates['ours'] / rates['theirs']:.2f} (bar 1.30), max |Δ| {off:.1e} (bar 1e-5)")  # fmt: skip
    if args.part in (None, "start"):
        print_starts(args.program, MODEL, 3 if args.quick else 10)


def print_lengths(table):
    print("\nmedians in milliseconds, all-MiniLM-L6-v2, one text\n")
    print("| tokens | " + " | ".join(TITLES.values()) + " |")
    print("|---:" * (1 + len(TITLES)) + "|")
    for count, row in table.items():
        print(f"| {count} | " + " | ".join(f"{row[name]:.2f}" for name in TITLES) + " |")
    print("\nratios, and the most each may be\n")
    print("| tokens | " + " | ".join(f"{TITLES[a]} ÷ {TITLES[b]}" for a, b, _ in BARS) + " |")
    print("|---:" * (1 + len(BARS)) + "|")
    for count, row in table.items():
        cells = []
        for ours, theirs, bar in BARS:
            ratio, most = row[ours] / row[theirs], bar(count)
            cells.append(f"{ratio:.2f} ({'≤' if ratio <= most else 'over'} {most})")
        print(f"| {count} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
