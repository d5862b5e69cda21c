# SPDX-License-Identifier: MIT
"""Makes the files that Tarn's reader of NPY is tested with, by NumPy itself.

Usage: python3 npy_files.py [folder]

Writes npy/*.npy into the folder, by default this file's own. Needs numpy (1.24.2 made the present ones). With
--check FILE it loads a file that Tarn wrote instead, and prints its type, shape and values.
"""
import pathlib
import sys

import numpy as np


def main():
    if sys.argv[1:2] == ["--check"]:
        array = np.load(sys.argv[2])
        return print(array.dtype.str, array.shape, array.ravel()[:6].tolist())
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent) / "npy"
    folder.mkdir(parents=True, exist_ok=True)

    values = np.arange(6).reshape(2, 3) * 3 - 4
    for name in "|u1 <i4 <i8 <f4 <f8 >f4 <f2 <u2 |i1 <c8".split():
        np.save(folder / f"type_{name[1:]}{'_big' if name[0] == '>' else ''}.npy", (values % 251).astype(name))
    np.save(folder / "type_b1.npy", values % 2 == 0)
    np.save(folder / "fortran.npy", np.asfortranarray(values.astype("<f4")))
    np.save(folder / "scalar.npy", np.float64(0.25))
    np.save(folder / "vector.npy", np.array([0.5], dtype="<f4"))
    np.save(folder / "empty.npy", np.zeros((0, 4), dtype="<i4"))
    np.save(folder / "wide.npy", np.array([1, -2, 2**31], dtype="<i8"))
    np.save(folder / "record.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
    for version in (2, 3):
        with open(folder / f"version_{version}.npy", "wb") as file:
            np.lib.format.write_array(file, values.astype("<f4") / 2, version=(version, 0))


if __name__ == "__main__":
    main()
