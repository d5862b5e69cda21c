# SPDX-License-Identifier: MIT
"""Makes the reference values of strided convolutions, pooling, activations, batch norm and blocks with Keras.

Usage: KERAS_BACKEND=jax python3 layers_keras.py

Writes layers_keras.json and blocks_keras.json beside this file: outputs of Keras's layers (run with 3.15 on JAX) in float64,
gradients by JAX, rounded to 12 digits. Keras decides where padding `same` goes when there is a stride.

Nothing is drawn at random: tensors are offset + factor value(i, salt), and so are not stored; where x takes few values, so that
a window holds equals, it is. Fields of a case: README.md.
"""
import json
import math
import os
import pathlib

os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
import jax
import keras
import numpy as np
from keras.src.backend.common import dtypes

keras.config.set_floatx("float64")
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"      # or Keras on JAX computes tanh and moving statistics in 32 bits
FACTORS = {"kernel": (2, 0.5, 0.0), "bias": (3, 0.2, 0.0), "gamma": (4, 0.3, 1.0), "beta": (5, 0.2, 0.0),
           "moving_mean": (6, 0.1, 0.0), "moving_variance": (8, 0.5, 1.0)}                   # salt, factor, offset


def formula(shape, salt, factor=1.0, offset=0.0):
    i = np.arange(math.prod(shape), dtype=np.int64)
    return (offset + factor * ((((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0)).reshape(shape)


def rounded(array):
    return [float(f"{v:.12g}") for v in np.asarray(array, dtype=np.float64).ravel()]


def activation(options):
    name = options.get("activation", "linear")
    if name == "leaky_relu":
        return lambda z: keras.activations.leaky_relu(z, negative_slope=options["negative_slope"])
    return name


def keras_layer(layer, o):
    """The Keras layer of a case."""
    if layer == "conv2d":
        return keras.layers.Conv2D(o["filters"], o["kernel_size"], strides=o["strides"], padding=o["padding"],
                                   activation=activation(o), use_bias=o["use_bias"])
    if layer == "dense":
        return keras.layers.Dense(o["units"], activation=activation(o), use_bias=o["use_bias"])
    if layer in ("avg_pool2d", "max_pool2d"):
        kind = keras.layers.AveragePooling2D if layer == "avg_pool2d" else keras.layers.MaxPooling2D
        return kind(o["pool_size"], strides=o["strides"], padding=o["padding"])
    if layer == "global_avg_pool2d":
        return keras.layers.GlobalAveragePooling2D()
    if layer == "global_max_pool2d":
        return keras.layers.GlobalMaxPooling2D()
    if layer == "batch_norm":
        return keras.layers.BatchNormalization(momentum=o["momentum"], epsilon=o["epsilon"])
    return keras.layers.Activation(activation({"activation": layer, **o}))


def short(path):
    """Keras's "sequential/a.b/gamma" is "a/b/gamma" here: it takes no slash in a name."""
    return "/".join(path.split("/")[-2:]).replace(".", "/")


def set_weights(model):
    """Gives each weight its formula; of several with the same name in a model, the n-th gets salt + 20 n."""
    used, made = {}, {}
    for variable in model.weights:
        kind = variable.path.split("/")[-1]
        salt, factor, offset = FACTORS[kind]
        salt += 20 * used.get(kind, 0)
        used[kind] = used.get(kind, 0) + 1
        variable.assign(formula(variable.shape, salt, factor, offset))
        made[short(variable.path)] = {"shape": list(variable.shape), "salt": salt, "factor": factor, "offset": offset}
    return made


def run(model, x, training):
    """y, dx, gradients and the states after, from dy = value(i, 7)."""
    trainable, state = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]
    y, back, after = jax.vjp(lambda p, x: model.stateless_call(p, state, x, training=training), trainable, jax.numpy.asarray(x),
                             has_aux=True)
    gradients, dx = back(jax.numpy.asarray(formula(y.shape, 7)))
    return (y, dx, {short(v.path): rounded(g) for v, g in zip(model.trainable_variables, gradients)},
            {short(v.path): rounded(s) for v, s in zip(model.non_trainable_variables, after) if "moving" in v.path}
            if training else {})


def entry_of(name, what, model, x, training, stored=False):
    """One case, as it stands in the file."""
    parameters = set_weights(model)
    y, dx, gradients, after = run(model, x, training)
    result = {"name": name, **what, "training": training, "x_shape": list(x.shape)}
    if stored:
        result["x"] = rounded(x)
    result.update({"parameters": parameters, "y_shape": list(y.shape), "y": rounded(y)})
    if training:                                                       # in inference Tarn forms no gradient
        result.update({"dx": rounded(dx), "gradients": gradients})
    if after:
        result["after"] = after
    return result


def case(layer, name, shape, training=True, levels=0, factor=1.0, **options):
    """`levels`: x is rounded to that many steps up and down from zero, so that values come more than once."""
    x = formula(shape, 1, factor)
    if levels:
        x = np.round(x * levels) / levels
    elif (x == 0).any() or (layer == "max_pool2d" and x.size > 2003):
        raise SystemExit(f"{name}: a value where the function has a kink")
    inner = keras_layer(layer, options)
    inner.name = layer
    model = keras.Sequential([keras.Input(shape[1:], dtype="float64"), inner])
    what = {"layer": layer, "options": options}
    if factor != 1.0:
        what["x_factor"] = factor
    return entry_of(f"{layer} {name}", what, model, x, training, stored=levels > 0)


def conv(name, shape, filters, kernel, strides, padding, activation="linear", use_bias=True, **more):
    return case("conv2d", f"{name}, {padding}", shape, filters=filters, kernel_size=list(kernel), strides=list(strides),
                padding=padding, activation=activation, use_bias=use_bias, **more)


def pool(layer, name, shape, window, strides, padding, **more):
    return case(layer, f"{name}, {padding}", shape, pool_size=list(window), strides=list(strides), padding=padding, **more)


def norm(name, shape, training=True, momentum=0.99, epsilon=1e-3):
    return case("batch_norm", name, shape, training, factor=2.0, momentum=momentum, epsilon=epsilon)


def layers():
    both = ("valid", "same")
    made = []
    for padding in both:
        made += [
            conv("3x3 stride 2", (3, 7, 6, 2), 3, (3, 3), (2, 2), padding),
            conv("3x2 stride 2x3", (2, 8, 7, 2), 3, (3, 2), (2, 3), padding),
            conv("2x4 stride 3x1", (2, 5, 6, 1), 4, (2, 4), (3, 1), padding),
            conv("5x5 stride 3", (2, 8, 9, 1), 2, (5, 5), (3, 3), padding),
            conv("1x1 stride 2", (3, 5, 4, 3), 2, (1, 1), (2, 2), padding),
            conv("3x3 stride 5, beyond the kernel", (3, 6, 7, 2), 2, (3, 3), (5, 4), padding),
            conv("stride beyond the image", (3, 4, 5, 2), 3, (2, 3), (9, 7), padding),
            conv("without bias, relu", (3, 5, 5, 2), 3, (3, 3), (2, 1), padding, "relu", use_bias=False),
            conv("batch 17", (17, 4, 3, 1), 2, (3, 2), (2, 2), padding),
            conv("batch 33, tanh", (33, 3, 2, 1), 2, (2, 2), (2, 1), padding, "tanh"),
        ]
    made += [
        conv("17 filters", (2, 4, 3, 6), 17, (3, 3), (2, 2), "same"),
        conv("8 rows", (2, 8, 5, 1), 2, (3, 3), (2, 2), "same"),
        conv("image smaller than the kernel", (3, 3, 2, 2), 3, (5, 5), (2, 2), "same"),
        conv("1x1 stride beyond the image", (2, 3, 2, 2), 2, (1, 1), (4, 4), "same"),
        conv("sigmoid", (3, 5, 4, 2), 3, (2, 2), (2, 2), "same", "sigmoid"),
        conv("leaky relu", (3, 5, 4, 2), 3, (2, 2), (2, 2), "same", "leaky_relu", negative_slope=0.2),
        conv("softmax", (3, 5, 4, 2), 3, (2, 2), (2, 2), "same", "softmax"),
    ]
    for layer in ("avg_pool2d", "max_pool2d"):
        for padding in both:
            made += [
                pool(layer, "3x3 stride 2", (3, 7, 6, 2), (3, 3), (2, 2), padding),
                pool(layer, "2x3 stride 1x2", (2, 4, 6, 1), (2, 3), (1, 2), padding),
                pool(layer, "2x1 stride 3x2, beyond the window", (2, 7, 5, 2), (2, 1), (3, 2), padding),
                pool(layer, "2x2 of an odd image, batch 17", (17, 3, 5, 1), (2, 2), (2, 2), padding),
            ]
        made.append(pool(layer, "window larger than the image", (2, 3, 2, 2), (5, 4), (2, 1), "same"))
        made.append(pool(layer, "equals", (2, 5, 6, 2), (3, 2), (1, 1), "same", levels=2))
        made.append(case("global_" + layer, "batch 5", (5, 3, 4, 3)))
    for name, options in (("sigmoid", {}), ("relu", {}), ("leaky_relu", {"negative_slope": 0.3}), ("softmax", {}), ("tanh", {})):
        made.append(case("dense", name, (5, 7), units=4, activation=name, use_bias=True, **options))
        made.append(case(name, "sequences", (3, 4, 3), factor=3.0, **options))
    made.append(case("dense", "without bias, relu, batch 17", (17, 3), units=2, activation="relu", use_bias=False))
    made += [
        norm("vectors", (5, 4)), norm("vectors, inference", (5, 4), training=False),
        norm("sequences", (4, 5, 3)), norm("sequences, inference", (4, 5, 3), training=False),
        norm("sequences, batch 17", (17, 3, 2), momentum=0.9, epsilon=0.01),
        norm("images", (3, 3, 2, 4), momentum=0.5, epsilon=1e-5),
        norm("images, inference", (3, 3, 2, 4), training=False, epsilon=1e-5),
    ]
    return made


# ---- blocks ----------------------------------------------------------------------------------------------------------

def block_case(name, shape, build, training=True, frozen=None):
    """`build(x)` connects layers, whose names are Tarn's with dots in place of slashes; `frozen` is one that is not trained."""
    x = keras.Input(shape[1:], dtype="float64")
    model = keras.Model(x, build(x))
    if frozen:
        model.get_layer(frozen.replace("/", ".")).trainable = False
    return entry_of(name, {"frozen": frozen} if frozen else {}, model, formula(shape, 1), training)


def blocks():
    L = keras.layers

    def conv(name, filters, kernel=3, strides=1, activation="linear"):
        return L.Conv2D(filters, kernel, strides=strides, padding="same", activation=activation, name=name)

    def residual_dense(x):
        inside = L.Dense(3, name="residual.dense_1")(L.Dense(4, activation="tanh", name="residual.dense")(x))
        return L.Dense(2, name="dense")(x + inside)

    def residual_images(x):
        z = L.Activation("relu")(L.BatchNormalization(name="residual.batch_norm")(conv("residual.conv2d", 3)(x)))
        return x + conv("residual.conv2d_1", 2)(z)

    def projection(x):
        return conv("sum.conv2d", 3, 1, 2)(x) + L.BatchNormalization(name="sum.block.batch_norm")(conv("sum.block.conv2d", 3, 3, 2)(x))

    def inception(x):
        pooled = L.MaxPooling2D(3, strides=1, padding="same")(x)
        branches = [x, conv("concatenate.conv2d", 2, 3, 1, "sigmoid")(x), conv("concatenate.block_1.conv2d", 1, 1)(pooled)]
        return L.GlobalAveragePooling2D()(L.Concatenate()(branches))

    def nested(x):
        inner = x + L.Dense(3, activation="sigmoid", name="residual.residual.dense")(x)
        return x + L.Concatenate()([L.Dense(2, name="residual.concatenate.dense")(inner),
                                    L.Dense(1, activation="tanh", name="residual.concatenate.dense_1")(inner)])

    return [block_case("residual, vectors", (5, 3), residual_dense),
            block_case("residual, images", (3, 4, 3, 2), residual_images),
            block_case("residual, images, inference", (3, 4, 3, 2), residual_images, training=False),
            block_case("residual, images, batch norm frozen", (3, 4, 3, 2), residual_images, frozen="residual/batch_norm"),
            block_case("sum with a projection", (3, 5, 4, 2), projection),
            block_case("concatenation", (17, 3, 4, 2), inception),
            block_case("nested", (5, 3), nested)]


def write(name, cases):
    head = {"made_by": "layers_keras.py", "keras": keras.__version__, "jax": jax.__version__, "numpy": np.__version__,
            "scalar": "float64"}
    path = pathlib.Path(__file__).resolve().parent / name
    lines = ",\n".join(json.dumps(entry, separators=(",", ":"), allow_nan=False) for entry in cases)
    path.write_text(json.dumps(head, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n")
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    write("layers_keras.json", layers())
    write("blocks_keras.json", blocks())
