# SPDX-License-Identifier: MIT
"""Checks what the tests of tarn/init compare with, without Tarn: the definitions against Keras 3, and keras_seeded.json.

Usage: KERAS_BACKEND=jax python3 initializers.py

keras_seeded.json holds activations of an untrained network: MNIST's test image 0, pixels / 255, through Dense(100) without
activation and five of Dense(100) with one, all kernels drawn with seed 10, biases zero; units 0, 20, 40, 60, 80 of each of
the five; and the first eight draws of the two streams. The first five numbers (normal 0.05, tanh) were published with TensorFlow 2.3; all are recomputed here from the
definition of TensorFlow's stateless random normal and truncated normal, in numpy's float32.
"""
import gzip
import json
import math
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = HERE.parent.parent / "examples/data/mnist/t10k-images-idx3-ubyte.gz"
TRUNCATED = 0.87962566103423978


def philox(counter, key):
    """Philox 4x32-10 on columns: counter [4, n], key (2)."""
    c = [np.asarray(x, dtype=np.uint64) for x in counter]
    k0, k1 = int(key[0]), int(key[1])
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & low, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def blocks(seed, numbers):
    """The four normal deviates of each of these blocks, [n, 4]."""
    m = [int(x[0]) for x in philox([[seed & 0xFFFFFFFF], [seed >> 32], [0], [0]], (0x3EC8F720, 0x02461E29))]
    numbers = np.asarray(numbers, dtype=np.uint64)
    words = philox([numbers & np.uint64(0xFFFFFFFF), numbers >> np.uint64(32), np.full_like(numbers, m[2]),
                    np.full_like(numbers, m[3])], m[:2])
    fraction = [(w & np.uint64(0x7FFFFF)).astype(np.float32) * np.float32(2.0 ** -23) for w in words]
    out = np.empty((len(numbers), 4), dtype=np.float32)
    for i in (0, 2):
        radius = np.sqrt(np.float32(-2) * np.log(np.maximum(fraction[i], np.float32(1e-7))))
        angle = np.float32(2 * math.pi) * fraction[i + 1]
        out[:, i], out[:, i + 1] = radius * np.sin(angle), radius * np.cos(angle)
    return out


def normal(seed, count):
    return blocks(seed, np.arange((count + 3) // 4)).ravel()[:count]


def truncated_normal(seed, count):
    out = np.empty(count, dtype=np.float32)
    for group in range((count + 3) // 4):
        drawn = blocks(seed, np.arange(8) + 256 * group).ravel()
        kept = drawn[np.abs(drawn) < 2][:4]
        end = min(4 * group + 4, count)
        out[4 * group:end] = kept[:end - 4 * group]
    return out


def kernel(name, shape, seed=10):
    count = math.prod(shape)
    if name.startswith("normal"):
        return (normal(seed, count) * np.float32(name.split("_")[1])).reshape(shape)
    fan = (shape[0] + shape[1]) / 2 if name == "glorot_normal" else shape[0]
    scale = {"glorot_normal": 1, "he_normal": 2}[name]
    return (truncated_normal(seed, count) * np.float32(math.sqrt(scale / fan) / TRUNCATED)).reshape(shape)


ACTIVATIONS = {"tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: np.maximum(z, 0)}
SETTINGS = ([(f"normal_{s}", a) for s in ("0.05", "0.10", "0.20") for a in ACTIVATIONS]
            + [("glorot_normal", a) for a in ACTIVATIONS] + [("he_normal", "relu")])


def seeded():
    with gzip.open(IMAGES) as file:
        image = np.frombuffer(file.read()[16:16 + 784], dtype=np.uint8) / 255
    stored = json.loads((HERE / "keras_seeded.json").read_text())
    if [(c["initializer"], c["activation"]) for c in stored["cases"]] != SETTINGS:
        sys.exit("keras_seeded.json has other cases")
    for name, draw in (("normal", normal), ("truncated_normal", truncated_normal)):
        if not np.allclose(draw(10, 8), stored[name], rtol=0, atol=1e-6):
            sys.exit(f"{name}: the stream begins with {draw(10, 8)}")
    for case in stored["cases"]:
        x = image @ kernel(case["initializer"], (784, 100)).astype(np.float64)
        hidden = kernel(case["initializer"], (100, 100)).astype(np.float64)
        for layer in case["layers"]:
            x = ACTIVATIONS[case["activation"]](x @ hidden)
            difference = np.max(np.abs(x[::20] - layer))
            tolerance = 1e-6 if case["initializer"] == "normal_0.05" else 1e-5    # float32 and large kernels: coarser
            if not difference <= tolerance * max(1, np.max(np.abs(layer))):
                sys.exit(f"{case['initializer']} {case['activation']}: differs by {difference:.3g}")
    print(f"keras_seeded.json: {len(stored['cases'])} cases hold")


def definitions():
    """Limits and standard deviations that Keras's own initializers show, against the closed forms that Tarn documents."""
    import keras
    shape, inward, outward = (5, 5, 20, 30), 500, 750
    limits = {"GlorotUniform": math.sqrt(6 / (inward + outward)), "HeUniform": math.sqrt(6 / inward),
              "LecunUniform": math.sqrt(3 / inward), "RandomUniform": 0.05}
    for name, limit in limits.items():
        drawn = np.asarray(getattr(keras.initializers, name)(seed=1)(shape))
        if not limit * (1 - 20 / drawn.size) < np.max(np.abs(drawn)) <= limit * (1 + 1e-6):
            sys.exit(f"{name}: largest {np.max(np.abs(drawn))}, limit {limit}")
    spreads = {"GlorotNormal": math.sqrt(2 / (inward + outward)), "HeNormal": math.sqrt(2 / inward),
               "LecunNormal": math.sqrt(1 / inward), "RandomNormal": 0.05, "TruncatedNormal": 0.05 * TRUNCATED}
    for name, spread in spreads.items():
        drawn = np.asarray(getattr(keras.initializers, name)(seed=1)(shape))
        if not abs(np.std(drawn) / spread - 1) < 5 / math.sqrt(2 * drawn.size):
            sys.exit(f"{name}: spreads by {np.std(drawn)}, expected {spread}")
        bound = 2 * spread / TRUNCATED
        if name != "RandomNormal" and not bound * 0.98 < np.max(np.abs(drawn)) <= bound * (1 + 1e-6):
            sys.exit(f"{name}: largest {np.max(np.abs(drawn))}, bound {bound}")
    print(f"Keras {keras.__version__}: {len(limits) + len(spreads)} definitions hold")


if __name__ == "__main__":
    seeded()
    definitions()
