# SPDX-License-Identifier: MIT
"""Makes the reference values of all losses with sample weights, label smoothing and both reductions.

Usage: python3 losses.py torch|keras

Writes losses_torch.json or losses_keras.json beside this file: the same inputs, the values and gradients of PyTorch (its
functions and autograd; run with 1.13) or of Keras (its losses, gradients by JAX; run with 3.15). In float64, but Keras takes
its means in float32, so its numbers hold to 1e-6 alone. A case that the framework has no loss for is made of its elementary
functions in PyTorch, and left out for Keras.

Nothing is drawn at random: tensors hold value(i, salt) rounded to three decimals. Stored are `name loss options x_shape x`,
`targets` (like x) or `labels`, `weights` where there are any, the objective `value` and its gradient `dx`. The objective is
sum_i weight_i L_i, divided by n unless options.reduction is "sum"; L_i is the mean over the elements of sample i, for
categorical cross-entropy the sum over the classes.
"""
import json
import math
import os
import pathlib
import sys

import numpy as np

CLIP = 1e-7


def decimals(shape, salt, factor=1.0, offset=0.0):
    i = np.arange(math.prod(shape), dtype=np.int64)
    return np.round(offset + factor * (((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0, 3).reshape(shape)


def case(name, loss, x, targets=None, labels=None, weights=None, **options):
    return {"name": name, "loss": loss, "options": options, "x": x, "targets": targets, "labels": labels, "weights": weights}


def cases():
    signs = lambda shape: np.where(decimals(shape, salt=5) < 0, -1.0, 1.0)
    bits = lambda shape: (signs(shape) + 1) / 2
    weights = lambda n: np.where(np.arange(n) % 5 == 3, 0.0, decimals((n,), salt=9, factor=0.75, offset=1.0))
    far = decimals((5, 4), salt=2, factor=1e4)
    far[0] = [1e4, -1e4, 1e4, -1e4]
    made = []
    for n in (1, 15, 16, 17, 33):
        x = decimals((n, 3), salt=1, factor=2.5)
        for loss in ("perceptron", "hinge", "squared_hinge"):
            made.append(case(f"{loss}, batch {n}", loss, x, signs((n, 3)), weights=weights(n) if n % 2 else None))
        t = decimals((n, 3), salt=3, factor=2.0)
        for loss in ("mean_squared_error", "mean_absolute_error", "huber"):
            made.append(case(f"{loss}, batch {n}", loss, x, t, weights=weights(n) if n % 2 else None))
        made.append(case(f"logits, yes or no, batch {n}", "binary_cross_entropy", x, bits((n, 3)), from_logits=True,
                         weights=weights(n) if n % 2 else None))
        made.append(case(f"probabilities, yes or no, batch {n}", "binary_cross_entropy",
                         decimals((n, 3), salt=4, factor=0.499, offset=0.5), bits((n, 3)), weights=weights(n) if n % 2 else None))
        made.append(case(f"logits, labels, batch {n}", "categorical_cross_entropy", decimals((n, 4), salt=1, factor=3.0),
                         labels=(7 * np.arange(n) + 1) % 4, weights=weights(n), from_logits=True))
    x, weight = decimals((6, 3), salt=6, factor=2.0), weights(6)
    shares = decimals((6, 3), salt=7, factor=0.5, offset=0.5)
    p = decimals((6, 3), salt=8, factor=0.49, offset=0.5)
    p[0] = [0.0, 1.0, 1e-9]
    rows = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    one_hot = np.eye(3)[[0, 2, 1, 1, 0, 2]]
    made += [
        case("hinge, labels 0 and 1", "hinge", x, bits((6, 3)), weights=weight),
        case("squared_hinge, labels 0 and 1", "squared_hinge", x, bits((6, 3))),
        case("hinge, sum", "hinge", x, signs((6, 3)), weights=weight, reduction="sum"),
        case("huber, delta 0.3", "huber", x, decimals((6, 3), salt=3), delta=0.3, weights=weight),
        case("huber, delta 2.5, sum", "huber", x, decimals((6, 3), salt=3), delta=2.5, reduction="sum"),
        case("mean_squared_error of images", "mean_squared_error", decimals((5, 2, 3, 2), salt=1), decimals((5, 2, 3, 2), salt=2)),
        case("logits, shares", "binary_cross_entropy", x, shares, from_logits=True, weights=weight),
        case("logits, smoothed", "binary_cross_entropy", x, bits((6, 3)), from_logits=True, label_smoothing=0.2, weights=weight),
        case("logits up to 1e4", "binary_cross_entropy", far, bits((5, 4)), from_logits=True),
        case("probabilities, shares, clipped", "binary_cross_entropy", p, shares, weights=weight),
        case("probabilities, smoothed, clipped, sum", "binary_cross_entropy", p, bits((6, 3)), label_smoothing=0.1, reduction="sum"),
        case("logits, classes, smoothed", "categorical_cross_entropy", x, one_hot, from_logits=True, label_smoothing=0.1,
             weights=weight),
        case("logits, labels, smoothed, sum", "categorical_cross_entropy", x, labels=np.array([0, 2, 1, 1, 0, 2]),
             from_logits=True, label_smoothing=0.3, reduction="sum"),
        case("logits of classes up to 1e4", "categorical_cross_entropy", far, labels=np.array([1, 0, 2, 3, 1]), from_logits=True,
             weights=weights(5)),
        case("probabilities, classes, smoothed", "categorical_cross_entropy", rows, one_hot, label_smoothing=0.1, weights=weight),
    ]
    return made


def in_torch(c):
    import torch
    import torch.nn.functional as F
    x = torch.tensor(c["x"], requires_grad=True)
    o, n = c["options"], len(c["x"])
    smoothing = o.get("label_smoothing", 0.0)
    t = torch.eye(x.shape[1], dtype=torch.float64)[torch.tensor(c["labels"])] if c["targets"] is None else torch.tensor(c["targets"])
    label = torch.where(t == 0, -torch.ones_like(t), t)
    clipped = x.clamp(CLIP, 1 - CLIP)
    if c["loss"] == "categorical_cross_entropy":
        if o.get("from_logits"):
            losses = F.cross_entropy(x, t, reduction="none", label_smoothing=smoothing)
        else:
            losses = -((t * (1 - smoothing) + smoothing / t.shape[1]) * clipped.log()).sum(1)
    else:
        soft = t * (1 - smoothing) + smoothing / 2
        elements = {
            "perceptron": lambda: (-x * label).clamp(min=0),
            "hinge": lambda: (1 - x * label).clamp(min=0),
            "squared_hinge": lambda: (1 - x * label).clamp(min=0) ** 2,
            "mean_squared_error": lambda: F.mse_loss(x, t, reduction="none"),
            "mean_absolute_error": lambda: F.l1_loss(x, t, reduction="none"),
            "huber": lambda: F.huber_loss(x, t, reduction="none", delta=o.get("delta", 1.0)),
            "binary_cross_entropy": lambda: F.binary_cross_entropy_with_logits(x, soft, reduction="none")
            if o.get("from_logits") else F.binary_cross_entropy(clipped, soft, reduction="none"),
        }[c["loss"]]()
        losses = elements.flatten(1).mean(1)
    if c["weights"] is not None:
        losses = losses * torch.tensor(c["weights"])
    value = losses.sum() / (1 if o.get("reduction") == "sum" else n)
    value.backward()
    return value.item(), x.grad.numpy(), {"torch": torch.__version__}


def in_keras(c):
    os.environ["KERAS_BACKEND"] = "jax"
    import jax
    jax.config.update("jax_enable_x64", True)
    import keras
    keras.config.set_floatx("float64")
    o = dict(c["options"])
    if c["loss"] == "perceptron" or (c["loss"] == "categorical_cross_entropy" and not o.get("from_logits")):
        return None                                     # there is none; Keras divides probabilities by their sum
    names = {"hinge": "Hinge", "squared_hinge": "SquaredHinge", "mean_squared_error": "MeanSquaredError",
             "mean_absolute_error": "MeanAbsoluteError", "huber": "Huber", "binary_cross_entropy": "BinaryCrossentropy",
             "categorical_cross_entropy": "CategoricalCrossentropy"}
    name, t = names[c["loss"]], c["targets"]
    if t is None and "label_smoothing" not in o:
        name, t = "SparseCategoricalCrossentropy", c["labels"]
    elif t is None:
        t = np.eye(c["x"].shape[1])[c["labels"]]
    loss = getattr(keras.losses, name)(**o, dtype="float64")
    value, dx = jax.value_and_grad(lambda x: loss(t, x, sample_weight=c["weights"]))(jax.numpy.asarray(c["x"]))
    return float(value), np.asarray(dx), {"keras": keras.__version__, "jax": jax.__version__}


def main():
    framework = sys.argv[1] if len(sys.argv) == 2 else ""
    if framework not in ("torch", "keras"):
        raise SystemExit(__doc__)
    lines, versions = [], {}
    for c in cases():
        made = in_torch(c) if framework == "torch" else in_keras(c)
        if made is None:
            continue
        value, dx, versions = made
        entry = {"name": c["name"], "loss": c["loss"], "options": c["options"], "x_shape": list(c["x"].shape)}
        for key in ("x", "targets", "labels", "weights"):
            if c[key] is not None:
                entry[key] = c[key].ravel().tolist()
        entry.update({"value": value, "dx": dx.ravel().tolist()})
        lines.append(json.dumps(entry, separators=(",", ":"), allow_nan=False))
    head = {"made_by": "losses.py", **versions, "numpy": np.__version__, "scalar": "float64"}
    path = pathlib.Path(__file__).resolve().parent / f"losses_{framework}.json"
    path.write_text(json.dumps(head, separators=(",", ":"))[:-1] + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{path.name}: {len(lines)} cases, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
