# SPDX-License-Identifier: MIT
"""Makes schedules.json, what the tests of tarn/schedulers compare with.

Usage: KERAS_BACKEND=jax python3 schedules.py [folder]    writes it
       python3 schedules.py --torch                       compares its cyclic rates with PyTorch's CyclicLR

9000 iterations of every schedule in float64: from Keras 3 where it has the schedule, else from the formula in numpy. Kept are
the values at SAMPLED and the sum of all. Keras computes its cosines with pi in float32: these are kept from the formulas in
numpy, and have to agree with Keras to 1e-7.
"""
import json
import math
import os
import pathlib
import sys

import numpy as np

STEPS = 9000
SAMPLED = (0, 1, 2, 499, 500, 501, 999, 1000, 1001, 1999, 2000, 2001, 2999, 3000, 3500, 4000, 4567, 6000, 7000, 8999)

KERAS = [
    ("ExponentialDecay", dict(initial_learning_rate=0.1, decay_steps=700, decay_rate=0.9)),
    ("ExponentialDecay", dict(initial_learning_rate=0.1, decay_steps=500, decay_rate=0.9, staircase=True)),
    ("InverseTimeDecay", dict(initial_learning_rate=0.1, decay_steps=700, decay_rate=0.5)),
    ("InverseTimeDecay", dict(initial_learning_rate=0.1, decay_steps=500, decay_rate=0.5, staircase=True)),
    ("PiecewiseConstantDecay", dict(boundaries=[500, 1000, 3000], values=[1.0, 0.5, 0.25, 0.125])),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=3000)),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=2001, end_learning_rate=0.01, power=2.5)),
    ("PolynomialDecay", dict(initial_learning_rate=0.1, decay_steps=1000, end_learning_rate=0.01, power=0.5, cycle=True)),
    ("CosineDecay", dict(initial_learning_rate=0.1, decay_steps=4000)),
    ("CosineDecay", dict(initial_learning_rate=0.1, decay_steps=4000, alpha=0.2)),
    ("CosineDecay", dict(initial_learning_rate=0.01, decay_steps=3000, alpha=0.1, warmup_target=0.1, warmup_steps=1000)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=700, t_mul=1.0, m_mul=0.8)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=700, t_mul=2.0, m_mul=0.8, alpha=0.1)),
    ("CosineDecayRestarts", dict(initial_learning_rate=0.1, first_decay_steps=701, t_mul=1.5)),
]
CYCLIC = [
    dict(base=0.001, max=0.006, step_size=2000, mode="triangular", gamma=1.0),
    dict(base=0.001, max=0.006, step_size=700, mode="triangular2", gamma=1.0),
    dict(base=0.001, max=0.006, step_size=700, mode="exp_range", gamma=0.9995),
    dict(base=0.1, max=1e-9, step_size=1000, mode="exp_range", gamma=0.99994),
]


def cyclic(base, max, step_size, mode, gamma):
    i = np.arange(STEPS, dtype=np.float64)
    cycle = np.floor(1 + i / (2 * step_size))
    x = np.abs(i / step_size - 2 * cycle + 1)
    scale = {"triangular": np.ones(STEPS), "triangular2": 1 / 2 ** (cycle - 1), "exp_range": gamma ** i}[mode]
    return base + (max - base) * np.maximum(0, 1 - x) * scale


def cosine(initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0):
    out, top = [], initial_learning_rate if warmup_target is None else warmup_target
    for i in range(STEPS):
        p = min(i - warmup_steps, decay_steps) / decay_steps
        rise = initial_learning_rate + (top - initial_learning_rate) * i / warmup_steps if i < warmup_steps else 0
        out.append(rise if i < warmup_steps else top * ((1 - alpha) * (1 + math.cos(math.pi * p)) / 2 + alpha))
    return out


def cosine_restarts(initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
    out, start, length, height = [], 0.0, float(first_decay_steps), 1.0
    for i in range(STEPS):
        while i >= start + length:
            start, length, height = start + length, length * t_mul, height * m_mul
        wave = height * (1 + math.cos(math.pi * (i - start) / length)) / 2
        out.append(initial_learning_rate * ((1 - alpha) * wave + alpha))
    return out


def step_decay(initial, factor, steps):
    return initial * factor ** (np.arange(STEPS) // steps).astype(np.float64)


def doubling(low, high):
    """The policy told step by step."""
    size, up, top, out = low, True, high, []
    for _ in range(STEPS):
        out.append(size)
        if up:
            if size * 2 < top:
                size *= 2
            else:
                size, up = top, False
        elif size // 2 > low:
            size //= 2
        else:
            size, up, top = low, True, top * 2 if top < 2 ** 40 else top
    return out


def case(kind, options, values):
    values = [float(v) for v in values]
    return {"schedule": kind, "options": options, "values": [values[i] for i in SAMPLED], "sum": math.fsum(values)}


def with_keras(folder):
    os.environ["JAX_ENABLE_X64"] = "1"
    import jax
    import keras
    keras.config.set_floatx("float64")
    steps = keras.ops.convert_to_tensor(np.arange(STEPS, dtype=np.int64))
    cases = []
    for kind, options in KERAS:
        schedule = getattr(keras.optimizers.schedules, kind)(**options)
        values = np.asarray(jax.vmap(schedule)(steps))
        if kind.startswith("Cosine"):
            exact = np.array({"CosineDecay": cosine, "CosineDecayRestarts": cosine_restarts}[kind](**options))
            if not np.max(np.abs(exact - values)) < 1e-7:
                sys.exit(f"{kind} {options}: differs by {np.max(np.abs(exact - values)):.3g} at {np.argmax(np.abs(exact - values))}")
            values = exact
        cases.append(case(kind, options, values))
    cases += [case("CyclicLR", options, cyclic(**options)) for options in CYCLIC]
    cases.append(case("StepDecay", dict(initial=0.1, factor=0.5, steps=1000), step_decay(0.1, 0.5, 1000)))
    for low, high in ((64, 512), (48, 100), (3, 1000)):
        sizes = doubling(low, high)
        cases.append({"schedule": "DoublingBatchSize", "options": dict(min=low, max=high), "first": sizes[:200],
                      "last": sizes[-20:]})
    head = {"made_by": "schedules.py", "keras": keras.__version__, "jax": jax.__version__, "scalar": "float64",
            "steps": STEPS, "sampled": SAMPLED}
    path = folder / "schedules.json"
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    path.write_text(json.dumps(head, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n")
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")


def with_torch():
    import torch
    for options in CYCLIC:
        base, top = options["base"], options["max"]
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
        schedule = torch.optim.lr_scheduler.CyclicLR(optimizer, base, top, options["step_size"], mode=options["mode"],
                                                     gamma=options["gamma"], cycle_momentum=False)
        rates = []
        for _ in range(STEPS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        difference = np.max(np.abs(np.array(rates) - cyclic(**options)))
        if not difference < 1e-12:
            sys.exit(f"CyclicLR {options}: differs by {difference:.3g}")
    print(f"CyclicLR: {len(CYCLIC)} cases agree")


if __name__ == "__main__":
    if sys.argv[1:] == ["--torch"]:
        with_torch()
    else:
        with_keras(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent)
