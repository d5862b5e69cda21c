#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the benchmark program and its peers in turns and prints a table in Markdown.

    python3 -m venv build/peers && build/peers/bin/pip install -r tests/benchmarks/peers/requirements.txt
    build/peers/bin/python tests/benchmarks/peers/compare.py W1 W8 --threads 2
    build/peers/bin/python tests/benchmarks/peers/compare.py model --input 784 --layers 'dense 512 relu; dense 10' --batch 64

Each round measures the program once, then every peer once; a figure is the median of the rounds, a ratio that of the ratios within the
rounds, so that a machine which is slower for a while is so for both."""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODES = {"torch": ["eager", "channels_last", "compile"], "keras": ["tensorflow", "tensorflow_jit", "jax"], "onnx": ["onnx"]}


def can(peer, task):
    """Whether a peer has this work."""
    if task["work"] in ("W4", "S"):
        return False
    if task["work"] == "W3":
        return peer == "torch"
    return peer != "onnx" or task["predict"]


class Peer:
    """A peer in one mode, in a process that waits for its turns."""

    def __init__(self, peer, mode, task):
        self.name = mode if peer == "onnx" else f"{peer} {mode}"
        environment = {**os.environ, "OMP_NUM_THREADS": str(task["threads"]), "MKL_NUM_THREADS": str(task["threads"])}
        self.process = subprocess.Popen([sys.executable, HERE / f"peer_{peer}.py", json.dumps({**task, "mode": mode})], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.results = []
        line = self.process.stdout.readline()
        self.versions = json.loads(line)["versions"] if line else self.fail()

    def turn(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else self.fail()

    def fail(self):
        raise SystemExit(f"{self.name} has ended:\n{self.process.stderr.read()[-2000:]}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ours(program, task):
    common = ["--threads", str(task["threads"]), "--repeat", "1", "--json", *(["--cpu-time"] if task["cpu_time"] else [])]
    if task["work"] in ("W1", "W2", "W3"):
        command = [program, task["work"], *common]
    else:
        command = [program, "model", *common, "--input", task["input"], "--layers", task["layers"], "--batch", str(task["batch"]),
                   "--optimizer", task["optimizer"], *(["--predict"] if task["predict"] else [])]
    line = json.loads(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout)
    line["seconds"] = line["seconds"] if "seconds" in line else line["ms"] / 1000
    return line


def compare(program, task, peers, rounds):
    rivals = [Peer(peer, mode, task) for peer, mode in peers if can(peer, task)]
    epochs = task["work"] in ("W1", "W2")
    first = {rival.name: rival.turn() for rival in rivals} if epochs else {}
    mine = []
    for _ in range(rounds):
        mine.append(ours(program, task))
        for rival in rivals:
            rival.results.append(rival.turn())
    for rival in rivals:
        rival.close()
    seconds = statistics.median(line["seconds"] for line in mine)
    result = {**task, "seconds": seconds, "peak_share": statistics.median(line["peak_share"] for line in mine), "peers": {}, "versions": {}}
    for rival in rivals:
        result["versions"].update(rival.versions)
        ratio = statistics.median(theirs["seconds"] / line["seconds"] for theirs, line in zip(rival.results, mine))
        result["peers"][rival.name] = {"seconds": statistics.median(r["seconds"] for r in rival.results), "ratio": ratio}
    if epochs:  # the training is the same: mean loss of the first epoch
        result["loss"] = mine[0]["loss_of_each"][0]
        for name, theirs in first.items():
            result["peers"][name]["loss"] = theirs["loss"]
            if abs(theirs["loss"] / result["loss"] - 1) > 0.01:
                print(f"{task['work']}: {name} trains to {theirs['loss']:.4f}, expected {result['loss']:.4f} within 1 %", file=sys.stderr)
    return result


def describe(task):
    if "layers" not in task:
        return task["title"]
    return f"{task['input']}: {task['layers']}; batch {task['batch']}, " + ("predict" if task["predict"] else task["optimizer"])


def table(results):
    names = list(dict.fromkeys(name for result in results for name in result["peers"]))
    lines = ["| work | Tarn, ms | share of peak | " + " | ".join(f"{name}, ms" for name in names) + " | best peer / Tarn |",
             "|---|" + "---|" * (len(names) + 3)]
    for result in results:
        peers = result["peers"]
        best = min(peers.values(), key=lambda peer: peer["seconds"])["ratio"] if peers else float("nan")
        cells = [f"{1000 * peers[name]['seconds']:.3g}" if name in peers else "" for name in names]
        lines.append(f"| {result['work']} {describe(result)} | {1000 * result['seconds']:.3g} | {100 * result['peak_share']:.0f} % | "
                     + " | ".join(cells) + f" | {best:.2f} |")
        if "loss" in result:
            lines.append("| loss of its first epoch | " + f"{result['loss']:.4f} | | "
                         + " | ".join(f"{peers[name]['loss']:.4f}" if name in peers else "" for name in names) + " | |")
    return "\n".join(lines)


def machine(threads):
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {threads} threads of {os.cpu_count()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="+", help="W1 to W3, W5 to W8, or model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5, help="rounds")
    parser.add_argument("--peers", default="torch,keras,onnx", help="of torch, keras, onnx, or one mode of them as in torch:eager, with commas between")
    parser.add_argument("--cpu-time", action="store_true", help="processor time instead of the clock's, on one thread")
    parser.add_argument("--benchmarks", default=ROOT / "build/release/tests/benchmarks/benchmarks", help="the program")
    parser.add_argument("--results", help="file for the results, a line of JSON each")
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
    results = []
    for task in tasks:
        task = {"predict": False, **task, "threads": arguments.threads, "cpu_time": arguments.cpu_time}
        if not any(can(peer, task) for peer, _ in peers):
            print(f"{task['work']}: no peer has it", file=sys.stderr)
            continue
        results.append(compare(arguments.benchmarks, task, peers, arguments.repeat))
        print(table(results[-1:]).splitlines()[2], file=sys.stderr, flush=True)
        if arguments.results:
            with open(arguments.results, "a") as file:
                file.write(json.dumps(results[-1]) + "\n")
    print(table(results))
    versions = {name: version for result in results for name, version in result["versions"].items()}
    print(f"\n{machine(arguments.threads)}; Python {platform.python_version()}, "
          + ", ".join(f"{name} {version}" for name, version in versions.items()))


main()
