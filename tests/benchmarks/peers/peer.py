# SPDX-License-Identifier: MIT
"""What all peers share: networks in words, MNIST, and the turns in which compare.py has them measured."""
import gzip
import json
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
    JSON: work, input, layers, batch, optimizer, predict, threads, cpu_time, mode. A turn begins with a line on standard input."""
    measure, versions = make(json.loads(sys.argv[1]))
    print(json.dumps({"versions": versions}), flush=True)
    for _ in sys.stdin:
        seconds, loss = measure()
        print(json.dumps({"seconds": seconds, "loss": loss}), flush=True)
