# SPDX-License-Identifier: MIT
"""Makes the files that Tarn's reader and writer of safetensors are tested with, by the Python package itself.

Usage: python3 safetensors_files.py [folder]

Writes safetensors/*.safetensors into the folder, by default this file's own. Needs safetensors, numpy and ml_dtypes
(0.8.0, 2.4.6 and 0.6.0 made the present ones; the same versions give the same bytes). With --check FILE it reads a file
that Tarn wrote instead, and prints its tensors and metadata.

Nothing is drawn at random: value(i, salt) as in make_references.py, integers as said in `integers`.
"""
import pathlib
import sys

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file


def value(i, salt):
    return (((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0


def formula(shape, salt, dtype):
    count = int(np.prod(shape))
    return value(np.arange(count, dtype=np.int64), salt).reshape(shape).astype(dtype)


def integers(count, dtype):
    """The smallest number of the type, the largest, and then 3 i."""
    info = np.iinfo(dtype)
    return np.array([info.min, info.max] + [3 * i for i in range(2, count)], dtype=dtype)


def check(path):
    with safe_open(path, framework="np") as file:
        print("metadata", file.metadata())
        for name in file.keys():
            tensor = file.get_tensor(name)
            print(name, tensor.dtype, tensor.shape, tensor.ravel()[:6].tolist())


def main():
    if sys.argv[1:2] == ["--check"]:
        return check(sys.argv[2])
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent) / "safetensors"
    folder.mkdir(parents=True, exist_ok=True)

    types = {name: getattr(np, name) for name in "uint8 int8 int16 uint16 int32 uint32 int64 uint64".split()}
    tensors = {f"integers/{name}": integers(5, dtype) for name, dtype in types.items()}
    tensors |= {
        "bool": np.array([[True, False, True]]),
        "float": formula((2, 3), 1, np.float32),
        "double": formula((3,), 2, np.float64),
        "scalar": np.array(0.25, dtype=np.float32),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "umlaut \u00e4\"\\\n": formula((1,), 3, np.float32),
    }
    save_file(tensors, folder / "types.safetensors", metadata={"made by": "safetensors"})

    save_file({"half": formula((2, 2, 2), 4, np.float16), "bfloat": formula((5,), 5, ml_dtypes.bfloat16),
               "half/ends": np.array([0.0, -0.0, 6e-8, 6.1e-5, 65504, np.inf, -np.inf, np.nan], dtype=np.float16),
               "bfloat/ends": np.array([-0.0, 1e-40, 3e38, np.inf, np.nan], dtype=ml_dtypes.bfloat16)},
              folder / "halves.safetensors")

    for name, dtype in {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64}.items():
        save_file({"dense/kernel": formula((3, 2), 6, dtype), "dense/bias": formula((2,), 7, dtype),
                   "batch_norm/gamma": formula((2,), 8, dtype), "batch_norm/beta": formula((2,), 9, dtype),
                   "batch_norm/moving_mean": formula((2,), 10, dtype),
                   "batch_norm/moving_variance": np.abs(formula((2,), 11, dtype))},
                  folder / f"weights_{name}.safetensors")


if __name__ == "__main__":
    main()
