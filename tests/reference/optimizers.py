# SPDX-License-Identifier: MIT
"""Makes optimizers.json, what the tests of tarn/optim compare with.

Usage: KERAS_BACKEND=jax python3 optimizers.py [folder]     writes it from Keras 3, in float64
       python3 optimizers.py --torch                        compares the formulas below with PyTorch

Every case is computed twice, by Keras and by the closed formulas in numpy below, and the file is written only if the two
agree. PyTorch's optimizers differ from Keras's in known ways (README.md); the second form undoes these differences.
At step s = 1, 2, ... the gradient is value(i, s) + 0.1 w and the rate is learning_rate / (1 + 0.1 (s - 1)).
"""
import json
import math
import os
import pathlib
import sys

import numpy as np

SIZE, STEPS, KEPT, TOLERANCE = 21, 25, (1, 2, 25), 1e-12

CASES = [
    ("SGD", dict(learning_rate=0.1)),
    ("SGD", dict(learning_rate=0.1, momentum=0.9)),
    ("SGD", dict(learning_rate=0.1, momentum=0.9, nesterov=True)),
    ("SGD", dict(learning_rate=0.1, nesterov=True)),
    ("SGD", dict(learning_rate=0.1, weight_decay=0.3)),
    ("SGD", dict(learning_rate=0.1, momentum=0.5, nesterov=True, weight_decay=0.3)),
    ("SGD", dict(learning_rate=0.1, clipvalue=0.4)),
    ("SGD", dict(learning_rate=0.1, global_clipnorm=1.5)),
    ("SGD", dict(learning_rate=0.1, momentum=0.9, global_clipnorm=2.6)),     # some gradients are shorter, some longer
    ("RMSprop", dict(learning_rate=0.01)),
    ("RMSprop", dict(learning_rate=0.01, rho=0.5, momentum=0.7)),
    ("RMSprop", dict(learning_rate=0.01, centered=True, epsilon=0.001)),
    ("RMSprop", dict(learning_rate=0.01, momentum=0.7, centered=True, weight_decay=0.2, clipvalue=0.4)),
    ("RMSprop", dict(learning_rate=0.01, global_clipnorm=1.5)),
    ("Adam", dict(learning_rate=0.01)),
    ("Adam", dict(learning_rate=0.01, beta_1=0.5, beta_2=0.8, epsilon=0.01)),
    ("Adam", dict(learning_rate=0.01, beta_2=0.8, amsgrad=True)),
    ("Adam", dict(learning_rate=0.01, weight_decay=0.2, clipvalue=0.4)),
    ("AdamW", dict(learning_rate=0.01)),
    ("AdamW", dict(learning_rate=0.01, beta_2=0.8, amsgrad=True, weight_decay=0.5, global_clipnorm=1.5)),
]


def value(i, salt):
    """A number in [-1, 1]: integers up to the one division, so any language repeats it to the bit."""
    return (((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0


def formula(salt):
    return value(np.arange(SIZE, dtype=np.int64), salt)


def rate_of(options, step):
    return options["learning_rate"] / (1 + 0.1 * (step - 1))


def gradient_of(w, step):
    return formula(step) + 0.1 * w


class Formulas:
    """The definitions, one method an optimizer."""

    def __init__(self, kind, options):
        self.kind, self.options = kind, options
        self.m, self.v, self.u, self.largest = (np.zeros(SIZE) for _ in range(4))

    def update(self, w, g, step):
        o, rate = self.options, rate_of(self.options, step)
        if "clipvalue" in o:
            g = np.minimum(np.maximum(g, -o["clipvalue"]), o["clipvalue"])
        if "global_clipnorm" in o:
            g = g * min(1, o["global_clipnorm"] / math.sqrt(math.fsum(g * g)))
        w = w - o.get("weight_decay", 0.004 if self.kind == "AdamW" else 0) * rate * w
        return getattr(self, self.kind.lower())(w, g, rate, step)

    def sgd(self, w, g, rate, step):
        momentum = self.options.get("momentum", 0)
        self.v = momentum * self.v - rate * g
        return w + (momentum * self.v - rate * g if self.options.get("nesterov") else self.v)

    def rmsprop(self, w, g, rate, step):
        rho = self.options.get("rho", 0.9)
        self.v = rho * self.v + (1 - rho) * g * g
        if self.options.get("centered"):
            self.m = rho * self.m + (1 - rho) * g
        self.u = (self.options.get("momentum", 0) * self.u
                  + rate * g / np.sqrt(self.v - self.m ** 2 + self.options.get("epsilon", 1e-7)))
        return w - self.u

    def adam(self, w, g, rate, step):
        b1, b2 = self.options.get("beta_1", 0.9), self.options.get("beta_2", 0.999)
        self.m = b1 * self.m + (1 - b1) * g
        self.v = b2 * self.v + (1 - b2) * g * g
        self.largest = np.maximum(self.largest, self.v)
        v = self.largest if self.options.get("amsgrad") else self.v
        return w - rate * self.m / (1 - b1 ** step) * math.sqrt(1 - b2 ** step) / (np.sqrt(v) + self.options.get("epsilon", 1e-7))

    adamw = adam


def require_agreement(name, ours, theirs, tolerance=TOLERANCE):
    difference = np.max(np.abs(np.asarray(ours) - np.asarray(theirs)))
    if not difference <= tolerance:
        sys.exit(f"{name}: the two differ by {difference:.3g}")


def with_keras(folder):
    os.environ["JAX_ENABLE_X64"] = "1"
    import keras
    import jax
    keras.config.set_floatx("float64")
    lines = []
    for kind, options in CASES:
        rate = keras.optimizers.schedules.InverseTimeDecay(options["learning_rate"], 1, 0.1)
        optimizer = getattr(keras.optimizers, kind)(**{**options, "learning_rate": rate})
        weights, formulas, w, kept = keras.Variable(formula(0), dtype="float64"), Formulas(kind, options), formula(0), []
        for step in range(1, STEPS + 1):
            w = formulas.update(w, gradient_of(w, step), step)
            optimizer.apply([keras.ops.convert_to_tensor(gradient_of(np.asarray(weights), step))], [weights])
            require_agreement(f"{kind} {options}, step {step}", np.asarray(weights), w)
            if step in KEPT:
                kept.append({"step": step, "values": np.asarray(weights).tolist()})
        lines.append(json.dumps({"optimizer": kind, "options": options, "weights": kept}, separators=(",", ":")))
    head = {"made_by": "optimizers.py", "keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__,
            "scalar": "float64", "size": SIZE,
            "conventions": "w starts as value(i, 0); at step s g = value(i, s) + 0.1 w, rate = learning_rate / (1 + 0.1 (s - 1))"}
    path = folder / "optimizers.json"
    path.write_text(json.dumps(head, separators=(",", ":"))[:-1] + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n")
    print(f"{path.name}: {len(lines)} cases, {path.stat().st_size / 1000:.0f} kB")


def with_torch():
    """The formulas against PyTorch, in what the two libraries share."""
    import torch

    def compare(name, kind, options, make, before_step=lambda group, step: None):
        formulas, w = Formulas(kind, options), formula(0)
        weights = torch.tensor(formula(0), requires_grad=True)
        optimizer = make([weights])
        for step in range(1, STEPS + 1):
            w = formulas.update(w, gradient_of(w, step), step)
            group = optimizer.param_groups[0]
            group["lr"] = rate_of(options, step)
            before_step(group, step)
            weights.grad = torch.tensor(formula(step)) + 0.1 * weights.detach()
            if "clipvalue" in options:
                torch.nn.utils.clip_grad_value_([weights], options["clipvalue"])
            if "global_clipnorm" in options:                                 # which adds 1e-6 to the norm
                torch.nn.utils.clip_grad_norm_([weights], options["global_clipnorm"])
            optimizer.step()
            require_agreement(f"{name}, step {step}", weights.detach().numpy(), w,
                              1e-5 if "global_clipnorm" in options else TOLERANCE)
        print(f"{name}: agrees")

    def keep_velocity(rate_over):
        """PyTorch's velocity has no rate in it: rescaled, so that rate times it is Keras's."""
        def before(group, step):
            for state in rate_over["optimizer"].state.values():
                if state.get("momentum_buffer") is not None:
                    state["momentum_buffer"] *= rate_of({"learning_rate": 1}, step - 1) / rate_of({"learning_rate": 1}, step)
        return before

    def torch_epsilon(beta_2, epsilon):
        return lambda group, step: group.update(eps=epsilon / math.sqrt(1 - beta_2 ** step))

    compare("SGD", "SGD", dict(learning_rate=0.1), lambda p: torch.optim.SGD(p, lr=1))
    compare("SGD, weight decay", "SGD", dict(learning_rate=0.1, weight_decay=0.3),
            lambda p: torch.optim.SGD(p, lr=1, weight_decay=0.3))
    compare("SGD, clip by value", "SGD", dict(learning_rate=0.1, clipvalue=0.4), lambda p: torch.optim.SGD(p, lr=1))
    compare("SGD, clip by norm", "SGD", dict(learning_rate=0.1, global_clipnorm=2.6), lambda p: torch.optim.SGD(p, lr=1))
    for nesterov in (False, True):
        holder = {}

        def made(p):
            holder["optimizer"] = torch.optim.SGD(p, lr=1, momentum=0.9, nesterov=nesterov)
            return holder["optimizer"]
        compare(f"SGD, momentum, nesterov {nesterov}", "SGD", dict(learning_rate=0.1, momentum=0.9, nesterov=nesterov), made,
                keep_velocity(holder))
    for centered in (False, True):
        compare(f"RMSprop, vanishing epsilon, centered {centered}", "RMSprop",
                dict(learning_rate=0.01, rho=0.9, epsilon=1e-30, centered=centered),
                lambda p: torch.optim.RMSprop(p, lr=1, alpha=0.9, eps=1e-30, centered=centered))
    for amsgrad in (False, True):
        compare(f"Adam, amsgrad {amsgrad}", "Adam", dict(learning_rate=0.01, amsgrad=amsgrad),
                lambda p: torch.optim.Adam(p, lr=1, amsgrad=amsgrad), torch_epsilon(0.999, 1e-7))
    compare("AdamW", "AdamW", dict(learning_rate=0.01), lambda p: torch.optim.AdamW(p, lr=1, weight_decay=0.004),
            torch_epsilon(0.999, 1e-7))


if __name__ == "__main__":
    if sys.argv[1:] == ["--torch"]:
        with_torch()
    else:
        with_keras(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent)
