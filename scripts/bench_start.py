"""How long the window takes to open: part of scripts/bench-peers, and alone
`python3 scripts/bench_start.py PROGRAM`. A display of its own, and settings of its own, so that each
start is a first one but for what the system has cached."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

# What the program logs, in this order, and the row's name.
MARKS = {
    "first frame painted": r"first frame painted \d+ ms after",
    "both texts traced": r"both texts traced in full \d+ ms after",
}
MOST_SECONDS = 60


def reason_not():
    """Why a start cannot be measured here, or None."""
    if not sys.platform.startswith("linux"):
        return f"it needs X11, and this is {sys.platform}"
    if not shutil.which("Xvfb"):
        return "there is no Xvfb: install it (Debian: apt-get install xvfb mesa-vulkan-drivers)"
    return None


def one_start(program, model, display, folder):
    """Mark -> milliseconds from the start of the process until the program logs it."""
    env = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
    env |= {"DISPLAY": f":{display}", "XDG_DATA_HOME": folder, "XDG_RUNTIME_DIR": folder,
            "WINIT_X11_SCALE_FACTOR": "1", "RUST_LOG": "embedscope=info"}  # fmt: skip
    started = time.perf_counter_ns()
    process = subprocess.Popen([program, "--model", model], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    guard = threading.Timer(MOST_SECONDS, process.kill)
    guard.start()
    found, said = {}, []
    for line in process.stderr:
        now = time.perf_counter_ns()
        said.append(line)
        for name, pattern in MARKS.items():
            if name not in found and re.search(pattern, line):
                found[name] = (now - started) / 1e6
        if list(MARKS)[-1] in found:
            break
    process.kill()
    process.wait()
    guard.cancel()
    if list(MARKS)[-1] not in found:
        raise SystemExit(f"error: {program} showed nothing in {MOST_SECONDS} s: {''.join(said).strip()}")
    return found


def starts(program, model, count):
    """Mark -> milliseconds of each start. One more goes before them, which fills the caches."""
    server = subprocess.Popen(["Xvfb", "-displayfd", "1", "-screen", "0", "1440x900x24"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    times = {name: [] for name in MARKS}
    try:
        display = server.stdout.readline().strip()
        if not display:
            raise SystemExit("error: Xvfb does not start")
        for turn in range(count + 1):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                found = one_start(program, model, display, folder)
            for name, value in found.items() if turn else ():
                times[name].append(value)
    finally:
        server.terminate()
        server.wait()
    return times


def print_starts(program, model, count):
    why = reason_not()
    if why:
        print(f"\nSKIPPED: the time from start to first frame was NOT measured: {why}")
        return
    print(f"\nfrom the start of the process, median of {count} starts under Xvfb, in milliseconds\n")
    print("| until | median | fastest | slowest |\n|---|---:|---:|---:|")
    for name, values in starts(program, model, count).items():
        if values:
            print(f"| {name} | {statistics.median(values):.0f} | {min(values):.0f} | {max(values):.0f} |")
        else:
            print(f"| {name} | this program does not log it | | |")


if __name__ == "__main__":
    print_starts(sys.argv[1], os.environ.get("EMBEDSCOPE_MINILM", "bundled"), 10)
