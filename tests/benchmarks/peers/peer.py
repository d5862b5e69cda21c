# SPDX-License-Identifier: MIT
"""What all peers share: networks in words, MNIST, and the turns in which compare.py has them measured."""
import gzip
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[3] / "examples" / "data" / "mnist"


def parse_input(text):
    return [int(extent) for extent in text.split("x")]


def parse_layers(text):
    """[["conv", "32", "3", "same", "relu"], ...]; the words were checked by the benchmark program."""
    return [layer.split() for layer in text.split(";")]


def mnist():
    """Training images [60000, 28, 28, 1] from 0 to 1 and labels."""
    def read(name, offset):
        return np.frombuffer(gzip.open(DATA / name).read(), np.uint8, offset=offset)
    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    return images.astype(np.float32) / 255, read("train-labels-idx1-ubyte.gz", 8).astype(np.int64)


def random_data(shape, samples, classes):
    random = np.random.default_rng(0)
    inputs = random.uniform(-1, 1, [samples, *shape]).astype(np.float32)
    return inputs, random.integers(0, classes, samples)


class Refused(Exception):
    """The peer cannot do this work; the text says why."""


class Weights:
    """Initial weights that the benchmark program wrote, layer by layer: `next("conv2d")` are those of the next convolution by name."""

    def __init__(self, path):
        data = Path(path).read_bytes()
        end = 8 + int.from_bytes(data[:8], "little")
        entries = json.loads(data[8:end])
        entries.pop("__metadata__", None)
        self.values = {name: np.frombuffer(data[end + e["data_offsets"][0]:end + e["data_offsets"][1]], np.float32).reshape(e["shape"])
                       for name, e in entries.items()}
        self.seen = {}

    def next(self, kind):
        number = self.seen.get(kind, 0)
        self.seen[kind] = number + 1
        layer = f"{kind}_{number}/" if number else f"{kind}/"
        return {name.removeprefix(layer): value for name, value in self.values.items() if name.startswith(layer)}


def seconds_of(call, cpu_time, enough=0.05):
    """Seconds of one call, or of the processor's work for it: of as many as take 50 ms."""
    now = time.process_time if cpu_time else time.perf_counter
    start = now()
    call()
    calls = max(1, int(enough / max(now() - start, 1e-7)) + 1)
    start = now()
    for _ in range(calls):
        call()
    return (now() - start) / calls


def take_turns(make):
    """`make(task)` gives what is measured once a turn: a function that returns (seconds, loss). The task is the first argument, in
    JSON: work, input, layers, batch, optimizer, predict, threads, cpu_time, weights, mode. A turn begins with a line on standard input."""
    try:
        measure, versions = make(json.loads(sys.argv[1]))
    except Refused as refused:
        print(json.dumps({"refused": str(refused)}), flush=True)
        return
    print(json.dumps({"versions": versions}), flush=True)
    for _ in sys.stdin:
        seconds, loss = measure()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "loss": loss, "peak_mib": peak}), flush=True)
