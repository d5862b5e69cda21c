#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the benchmark program and its peers in turns and prints a table in Markdown.

    python3 -m venv build/peers && build/peers/bin/pip install -r tests/benchmarks/peers/requirements.txt
    build/peers/bin/python tests/benchmarks/peers/compare.py W1 W8 --threads 2
    build/peers/bin/python tests/benchmarks/peers/compare.py model --input 784 --layers 'dense 512 relu; dense 10' --batch 64

Each round measures the program once, then every peer once; a figure is the median of the rounds, a ratio that of the ratios within the
rounds, so that a machine which is slower for a while is so for both. Before and after each of these turns the machine's peak is measured,
and how long threads wait for each other's writes: where the peak is below 90 % of the best seen, other work had a part of the machine, where
the wait is above twice the best, the threads are far apart, and the turn is taken again, up to five times."""
import argparse
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODES = {"torch": ["eager", "channels_last", "compile"], "keras": ["tensorflow", "tensorflow_jit", "jax"], "onnx": ["onnx"]}


PEERS = {"torch": "PyTorch", "keras": "Keras", "onnx": "ONNX Runtime"}


def can(peer, mode, task):
    """Whether a peer has this work in this mode."""
    if task["work"] == "W4":
        return False
    if task["work"] == "W3":
        return peer == "torch"
    if task["work"] == "S":
        return (peer, mode) in (("torch", "eager"), ("keras", "tensorflow"))
    return peer != "onnx" or task["predict"]


class Stopped(Exception):
    """A peer gave no result; the text says why."""


class Peer:
    """A peer in one mode, in a process that waits for its turns. What it compiles, it compiles before the first one that counts."""

    def __init__(self, peer, mode, task, patience):
        self.peer, self.mode, self.patience, self.results = peer, mode, patience, []
        environment = {**os.environ, "OMP_NUM_THREADS": str(task["threads"]), "MKL_NUM_THREADS": str(task["threads"]),
                       "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}  # as the benchmark program has
        self.errors = tempfile.TemporaryFile("w+")
        start = time.perf_counter()
        self.process = subprocess.Popen([sys.executable, HERE / f"peer_{peer}.py", json.dumps({**task, "mode": mode})], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        first = self.read()
        self.start_seconds = time.perf_counter() - start
        if "refused" in first:
            raise Stopped(first["refused"])
        self.versions = first["versions"]

    def turn(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.read()

    def read(self):
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.close()
            raise Stopped(f"nothing within {self.patience} s")
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise Stopped("ended: " + (self.errors.read().strip().splitlines() or ["without a word"])[-1])
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()


def run(program, *arguments):
    return json.loads(subprocess.run([program, *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout)


def ours(program, task):
    common = ["--threads", str(task["threads"]), "--repeat", "1", "--json", *(["--cpu-time"] if task["cpu_time"] else [])]
    if task["work"] in ("W1", "W2", "W3", "S"):
        line = run(program, task["work"], *common)
    else:
        line = run(program, "model", *common, "--input", task["input"], "--layers", task["layers"], "--batch", str(task["batch"]),
                   "--optimizer", task["optimizer"], *(["--predict"] if task["predict"] else []))
    line["seconds"] = line["seconds"] if "seconds" in line else line["ms"] / 1000
    return line


class Machine:
    """The peak of so many threads and the wait between them, and how often those were not to be had."""

    def __init__(self, program, threads):
        self.program, self.threads, self.repeated = program, threads, 0
        self.best = self.peak = 0
        self.least = self.wait = float("inf")
        self.measure()

    def measure(self):
        line = run(self.program, "peak", "--threads", str(self.threads), "--json")
        self.peak, self.wait = line["peak_gflops"], line.get("handover_ns", 0)
        self.best, self.least = max(self.best, self.peak), min(self.least, self.wait)
        return self.as_it_can_be()

    def as_it_can_be(self):
        return self.peak >= 0.9 * self.best and self.wait <= 2 * self.least

    def steady(self, turn):
        """The result of a turn during which the machine was as fast as it can be, or else of the sixth."""
        for attempt in range(6):
            before = self.as_it_can_be() or self.measure()
            result = turn()
            if self.measure() and before:
                break
            self.repeated += attempt < 5
        return result


def start(peers, task, patience):
    """The peers that can do the work, and why the others cannot."""
    rivals, stopped = [], {}
    for peer, mode in peers:
        if not can(peer, mode, task):
            continue
        try:
            rivals.append(Peer(peer, mode, task, patience))
        except Stopped as why:
            stopped[f"{peer} {mode}"] = str(why)
    return rivals, stopped


def compare(program, task, peers, rounds, patience, host):
    """One work, on both sides in turns. Epochs: the first, with the same weights and order on both sides, must give the same loss."""
    epochs = task["work"] in ("W1", "W2")
    result = {**task, "peers": {}, "versions": {}}
    with tempfile.TemporaryDirectory() as folder:
        if epochs:
            task = {**task, "weights": f"{folder}/weights.safetensors"}
            result["loss"] = run(program, task["work"], "--threads", str(task["threads"]), "--repeat", "1", "--json", "--in-order",
                                 "--save-weights", task["weights"])["loss_of_each"][0]
        rivals, result["stopped"] = start(peers, task, patience)
        mine = []
        for round in range(-1 if epochs else 0, rounds):
            if round >= 0:
                mine.append(host.steady(lambda: ours(program, task)))
            for rival in list(rivals):
                try:
                    if task["work"] == "S":
                        rival.results.append({"seconds": rival.start_seconds})
                    elif round >= 0:
                        rival.results.append(host.steady(rival.turn))
                    else:
                        rival.first = rival.turn()
                except Stopped as why:
                    result["stopped"][f"{rival.peer} {rival.mode}"] = str(why)
                    rivals.remove(rival)
    for rival in rivals:
        rival.close()
    for key in ("seconds", "peak_share", "peak_mib"):
        values = [line[key] for line in mine if line.get(key) is not None]
        result[key] = statistics.median(values) if values else None
    result["program_mib"] = mine[0].get("program_mib")
    for rival in rivals:
        result["versions"].update(rival.versions)
        ratio = statistics.median(theirs["seconds"] / line["seconds"] for theirs, line in zip(rival.results, mine))
        figures = {"peer": rival.peer, "mode": rival.mode, "seconds": statistics.median(r["seconds"] for r in rival.results),
                   "ratio": ratio, "peak_mib": rival.results[-1].get("peak_mib")}
        if epochs:
            figures["loss"] = rival.first["loss"]
            if abs(figures["loss"] / result["loss"] - 1) > 0.01:
                print(f"{task['work']}: {rival.peer} {rival.mode} trains to {figures['loss']:.4f}, expected {result['loss']:.4f} "
                      "within 1 %", file=sys.stderr)
        result["peers"][f"{rival.peer} {rival.mode}"] = figures
    return result


def describe(task):
    if "layers" not in task or task["work"] in ("W1", "W2", "S"):
        return task["title"]
    return f"{task['input']}: {task['layers']}; batch {task['batch']}, " + ("predict" if task["predict"] else task["optimizer"])


def duration(seconds):
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1000 * seconds:.2g} ms"


def best(result, peer=None, key="seconds"):
    """The peer's fastest mode, or that of all peers."""
    figures = [f for f in result["peers"].values() if peer in (None, f["peer"])]
    return min(figures, key=lambda f: f[key]) if figures else None


def cell(result, peer):
    figures = best(result, peer)
    if figures:
        return duration(figures["seconds"]) + (f" ({figures['mode']})" if peer != "onnx" else "")
    why = [reason for name, reason in result["stopped"].items() if name.startswith(peer)]
    return "cannot: " + why[0].replace("|", "/")[:90] if why else ""


def table(results):
    """A row a work, with each peer's fastest mode; the last column is the fastest of them by Tarn."""
    lines = ["| work | Tarn | share of peak | " + " | ".join(PEERS.values()) + " | best peer / Tarn |", "|---|" + "---|" * (len(PEERS) + 3)]
    for result in results:
        share = f"{100 * result['peak_share']:.0f} %" if result["peak_share"] else ""
        fastest = best(result)
        ratio = f"{fastest['ratio']:.2f}" if fastest else ""
        lines.append(f"| {result['work']} {describe(result)} | {duration(result['seconds'])} | {share} | "
                     + " | ".join(cell(result, peer) for peer in PEERS) + f" | {ratio} |")
        if "loss" in result:
            losses = [best(result, peer) for peer in PEERS]
            lines.append(f"| {result['work']}: loss of an epoch | {result['loss']:.4f} | | "
                         + " | ".join(f"{f['loss']:.4f}" if f else "" for f in losses) + " | |")
        if result["work"] == "W1":  # M
            memory = [best(result, peer, "peak_mib") for peer in PEERS]
            least = min((f["peak_mib"] for f in memory if f), default=None)
            lines.append(f"| M peak memory of W1 | {result['peak_mib']:.0f} MiB | | "
                         + " | ".join(f"{f['peak_mib']:.0f} MiB ({f['mode']})" if f else "" for f in memory)
                         + (f" | {least / result['peak_mib']:.1f} |" if least else " | |"))
        if result["work"] == "S":
            lines.append(f"| S: size of the program | {result['program_mib']:.2f} MiB | | " + " | ".join("" for _ in PEERS) + " | |")
    return "\n".join(lines)


def machine(threads):
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {threads} threads of {os.cpu_count()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="+", help="W1 (M with it) to W3, W5 to W8, S, or model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5, help="rounds")
    parser.add_argument("--peers", default="torch,keras,onnx", help="of torch, keras, onnx, or one mode of them as in torch:eager, with commas between")
    parser.add_argument("--cpu-time", action="store_true", help="processor time instead of the clock's, on one thread")
    parser.add_argument("--benchmarks", default=ROOT / "build/release/tests/benchmarks/benchmarks", help="the program")
    parser.add_argument("--patience", type=int, default=600, help="seconds that a peer may take to start and compile, or for a turn")
    parser.add_argument("--first", type=int, help="this many networks of each work alone")
    parser.add_argument("--out", default="peers", help="name of the files for the table, .md, and the results, .jsonl, a line each")
    parser.add_argument("--input")
    parser.add_argument("--layers")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--optimizer", default="sgd")
    parser.add_argument("--predict", action="store_true")
    arguments = parser.parse_args()
    if arguments.works == ["model"]:
        tasks = [{"work": "model", **{key: getattr(arguments, key) for key in ("input", "layers", "batch", "optimizer", "predict")}}]
    else:
        listed = subprocess.run([arguments.benchmarks, *arguments.works, "--list", "--json"], check=True, text=True, stdout=subprocess.PIPE)
        tasks = [json.loads(line) for line in listed.stdout.splitlines()]
    peers = []
    for name in arguments.peers.split(","):
        peer, _, mode = name.partition(":")
        peers += [(peer, only) for only in ([mode] if mode else MODES[peer])]
    lenet = run(arguments.benchmarks, "W1", "--list", "--json")
    host = Machine(arguments.benchmarks, arguments.threads)
    results, seen = [], {}
    open(f"{arguments.out}.jsonl", "w").close()
    for task in tasks:
        seen[task["work"]] = seen.get(task["work"], 0) + 1
        if arguments.first and seen[task["work"]] > arguments.first:
            continue
        task = {"predict": False, **(lenet if task["work"] == "S" else {}), **task, "threads": arguments.threads, "cpu_time": arguments.cpu_time}
        if not any(can(peer, mode, task) for peer, mode in peers):
            print(f"{task['work']}: no peer has it", file=sys.stderr)
            continue
        results.append(compare(arguments.benchmarks, task, peers, arguments.repeat, arguments.patience, host))
        print("\n".join(table(results[-1:]).splitlines()[2:]), file=sys.stderr, flush=True)
        with open(f"{arguments.out}.jsonl", "a") as file:
            file.write(json.dumps(results[-1]) + "\n")
    versions = {name: version for result in results for name, version in result["versions"].items()}
    text = (table(results) + f"\n\n{machine(arguments.threads)}; Python {platform.python_version()}, "
            + ", ".join(f"{name} {version}" for name, version in versions.items())
            + f"; peak {host.best:.0f} GFLOP/s, " + (f"{host.least:.0f} ns between threads, " if arguments.threads > 1 else "")
            + f"{host.repeated} turns taken again\n")
    Path(f"{arguments.out}.md").write_text(text)
    print(text, end="")


main()
