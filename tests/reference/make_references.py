# SPDX-License-Identifier: MIT
"""Makes the reference values that Tarn's tests compare with: layers, losses, and LeNet-5 over 12 steps.

Usage: python3 make_references.py [folder]

Writes layers.json, losses.json and lenet.json into the folder, by default this file's own. Needs torch
and numpy. Stored are torch's values in float64, with gradients from its autograd. Each of them is computed again by
the closed formulas in numpy below, and a file is written only if the two agree within the case's tolerance:
|a - b| <= tolerance * max(1, max |b|).

Nothing is drawn at random: tensors hold value(i, salt), an exact formula of the flat row-major index.
Conventions and the fields of each file: README.md.
"""
import json
import math
import pathlib
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F

TOLERANCE = 1e-12
EPSILON = 1e-3          # of batch norm, inside the root
MOMENTUM = 0.99         # of batch norm's moving statistics
CLIP = 1e-7             # probabilities are kept in [CLIP, 1 - CLIP] before the logarithm


# ---- values ----------------------------------------------------------------------------------------------------------

def value(i, salt):
    """A number in [-1, 1]: integers up to the one division, so any language repeats it to the bit."""
    return (((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0


def formula(shape, salt, factor=1.0, offset=0.0):
    return offset + factor * value(np.arange(math.prod(shape), dtype=np.int64), salt).reshape(shape)


def decimals(shape, salt, factor=1.0, offset=0.0):
    """The formula to three decimals, for inputs that are stored as literals: short, and exact when read back."""
    return np.round(formula(shape, salt, factor, offset), 3)


def differentiable(array):
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def listed(array):
    return np.asarray(array, dtype=np.float64).ravel().tolist()


def stored(array):
    return {"shape": list(array.shape), "values": listed(array)}


def require_agreement(name, ours, theirs, tolerance):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        raise SystemExit(f"{name}: shapes differ, torch {ours.shape}, numpy {theirs.shape}")
    error = np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max())
    if not error <= tolerance:
        raise SystemExit(f"{name}: torch and numpy differ by {error:.2e}, more than {tolerance:.0e}")


# ---- layers in torch: forward alone, autograd does the rest ----------------------------------------------------------

def torch_activation(name, z):
    return {"linear": lambda: z, "tanh": z.tanh, "softmax": lambda: z.softmax(-1)}[name]()


def torch_forward(layer, options, training, x, p):
    """Returns y and the moving statistics after the step ({} where the layer keeps none)."""
    if layer == "conv2d":
        z = F.conv2d(x.permute(0, 3, 1, 2), p["kernel"].permute(3, 2, 0, 1), p.get("bias"), padding=options["padding"])
        return torch_activation(options["activation"], z.permute(0, 2, 3, 1)), {}
    if layer == "dense":
        z = x @ p["kernel"]
        return torch_activation(options["activation"], z + p["bias"] if "bias" in p else z), {}
    if layer == "avg_pool2d":
        return F.avg_pool2d(x.permute(0, 3, 1, 2), options["pool_size"], options["strides"]).permute(0, 2, 3, 1), {}
    if layer == "batch_norm":
        mean, variance, moved = p["moving_mean"], p["moving_variance"], {}
        if training:
            axes = tuple(range(x.dim() - 1))
            mean, variance = x.mean(axes), x.var(axes, unbiased=False)
            moved = {"moving_mean": MOMENTUM * p["moving_mean"] + (1 - MOMENTUM) * mean.detach(),
                     "moving_variance": MOMENTUM * p["moving_variance"] + (1 - MOMENTUM) * variance.detach()}
        return (x - mean) / (variance + EPSILON).sqrt() * p["gamma"] + p["beta"], moved
    if layer == "flatten":
        return x.flatten(1), {}
    return torch_activation(layer, x), {}


# ---- layers in numpy: forward and backward by formula ----------------------------------------------------------------

def numpy_softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def numpy_activation(name, z):
    """Returns y and the map from dy to dz."""
    if name == "tanh":
        y = np.tanh(z)
        return y, lambda dy: dy * (1 - y * y)
    if name == "softmax":
        y = numpy_softmax(z)
        return y, lambda dy: y * (dy - (dy * y).sum(-1, keepdims=True))
    return z, lambda dy: dy


def numpy_conv2d(options, x, p):
    kernel, same = p["kernel"], options["padding"] == "same"
    kh, kw = kernel.shape[:2]
    top, left = ((kh - 1) // 2, (kw - 1) // 2) if same else (0, 0)
    bottom, right = (kh - 1 - top, kw - 1 - left) if same else (0, 0)
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    h, w = padded.shape[1] - kh + 1, padded.shape[2] - kw + 1
    windows = {(a, b): np.s_[:, a:a + h, b:b + w, :] for a in range(kh) for b in range(kw)}
    z = sum(padded[window] @ kernel[ab] for ab, window in windows.items())
    y, to_dz = numpy_activation(options["activation"], z + p["bias"] if "bias" in p else z)

    def backward(dy):
        dz, dkernel, dpadded = to_dz(dy), np.zeros_like(kernel), np.zeros_like(padded)
        for ab, window in windows.items():
            dkernel[ab] = np.tensordot(padded[window], dz, ((0, 1, 2), (0, 1, 2)))
            dpadded[window] += dz @ kernel[ab].T
        dx = dpadded[:, top:top + x.shape[1], left:left + x.shape[2], :]
        return dx, {"kernel": dkernel, "bias": dz.sum((0, 1, 2))}

    return y, backward, {}


def numpy_dense(options, x, p):
    z = x @ p["kernel"]
    y, to_dz = numpy_activation(options["activation"], z + p["bias"] if "bias" in p else z)

    def backward(dy):
        dz = to_dz(dy)
        return dz @ p["kernel"].T, {"kernel": x.T @ dz, "bias": dz.sum(0)}

    return y, backward, {}


def numpy_avg_pool2d(options, x):
    (ph, pw), (n, h, w, c) = options["pool_size"], x.shape
    oh, ow = h // ph, w // pw
    y = x[:, :oh * ph, :ow * pw].reshape(n, oh, ph, ow, pw, c).mean((2, 4))

    def backward(dy):
        dx = np.zeros_like(x)
        dx[:, :oh * ph, :ow * pw] = dy.repeat(ph, 1).repeat(pw, 2) / (ph * pw)
        return dx, {}

    return y, backward, {}


def numpy_batch_norm(training, x, p):
    axes = tuple(range(x.ndim - 1))
    mean, variance, moved = p["moving_mean"], p["moving_variance"], {}
    if training:
        mean, variance = x.mean(axes), ((x - x.mean(axes)) ** 2).mean(axes)
        moved = {"moving_mean": MOMENTUM * p["moving_mean"] + (1 - MOMENTUM) * mean,
                 "moving_variance": MOMENTUM * p["moving_variance"] + (1 - MOMENTUM) * variance}
    deviation = np.sqrt(variance + EPSILON)
    normalised = (x - mean) / deviation

    def backward(dy):
        dgamma, dbeta = (dy * normalised).sum(axes), dy.sum(axes)
        count = x.size // x.shape[-1]
        through_statistics = (dbeta + normalised * dgamma) / count if training else 0.0
        return p["gamma"] / deviation * (dy - through_statistics), {"gamma": dgamma, "beta": dbeta}

    return p["gamma"] * normalised + p["beta"], backward, moved


def numpy_forward(layer, options, training, x, p):
    """Returns y, backward and the moving statistics after the step; backward takes dy to (dx, gradients)."""
    if layer == "conv2d":
        return numpy_conv2d(options, x, p)
    if layer == "dense":
        return numpy_dense(options, x, p)
    if layer == "avg_pool2d":
        return numpy_avg_pool2d(options, x)
    if layer == "batch_norm":
        return numpy_batch_norm(training, x, p)
    if layer == "flatten":
        return x.reshape(len(x), -1), lambda dy: (dy.reshape(x.shape), {}), {}
    y, to_dz = numpy_activation(layer, x)
    return y, lambda dy: (to_dz(dy), {}), {}


# ---- layers.json -----------------------------------------------------------------------------------------------------

def layer_case(name, layer, options, x, parameters=None, training=True, tolerance=TOLERANCE):
    parameters = parameters or {}
    trainable = [key for key in parameters if not key.startswith("moving")]
    tx, tp = differentiable(x), {key: differentiable(array) for key, array in parameters.items()}
    ty, moved = torch_forward(layer, options, training, tx, tp)
    dy = decimals(tuple(ty.shape), salt=7)
    ty.backward(torch.tensor(dy))
    y, dx, gradients = ty.detach().numpy(), tx.grad.numpy(), {key: tp[key].grad.numpy() for key in trainable}
    moved = {key: array.detach().numpy() for key, array in moved.items()}

    y2, backward, moved2 = numpy_forward(layer, options, training, x, parameters)
    dx2, gradients2 = backward(dy)
    require_agreement(f"{name}: y", y, y2, tolerance)
    require_agreement(f"{name}: dx", dx, dx2, tolerance)
    for key in trainable:
        require_agreement(f"{name}: gradient of {key}", gradients[key], gradients2[key], tolerance)
    for key in moved:
        require_agreement(f"{name}: {key}", moved[key], moved2[key], tolerance)

    case = {"name": name, "layer": layer, "options": options, "training": training, "tolerance": tolerance,
            "x_shape": list(x.shape), "x": listed(x),
            "parameters": {key: stored(array) for key, array in parameters.items()},
            "y_shape": list(y.shape), "y": listed(y), "dy": listed(dy), "dx": listed(dx),
            "gradients": {key: stored(array) for key, array in gradients.items()}}
    case.update({f"{key}_after": listed(array) for key, array in moved.items()})
    return case


def conv2d_case(name, image, filters, kernel_size, padding, batch=2, activation="linear", use_bias=True):
    x = decimals((batch, *image), salt=1)
    parameters = {"kernel": decimals((*kernel_size, image[2], filters), salt=2, factor=0.5)}
    if use_bias:
        parameters["bias"] = decimals((filters,), salt=3, factor=0.2)
    options = {"filters": filters, "kernel_size": list(kernel_size), "padding": padding, "activation": activation,
               "use_bias": use_bias}
    return layer_case(f"conv2d {name}", "conv2d", options, x, parameters)


def dense_case(name, features, units, batch, activation="linear", use_bias=True):
    x = decimals((batch, features), salt=1)
    parameters = {"kernel": decimals((features, units), salt=2, factor=0.5)}
    if use_bias:
        parameters["bias"] = decimals((units,), salt=3, factor=0.2)
    options = {"units": units, "activation": activation, "use_bias": use_bias}
    return layer_case(f"dense {name}", "dense", options, x, parameters)


def avg_pool2d_case(name, image, window, batch=2):
    options = {"pool_size": list(window), "strides": list(window)}
    return layer_case(f"avg_pool2d {name}", "avg_pool2d", options, decimals((batch, *image), salt=1))


def batch_norm_case(name, x, training=True, tolerance=TOLERANCE):
    channels = (x.shape[-1],)
    parameters = {"gamma": decimals(channels, salt=2, factor=0.3, offset=1.0),
                  "beta": decimals(channels, salt=3, factor=0.2),
                  "moving_mean": decimals(channels, salt=4, factor=0.1),
                  "moving_variance": decimals(channels, salt=5, factor=0.5, offset=1.0)}
    options = {"momentum": MOMENTUM, "epsilon": EPSILON}
    return layer_case(f"batch_norm {name}", "batch_norm", options, x, parameters, training, tolerance)


def layers():
    constant_channel = decimals((4, 2, 3, 3), salt=1)
    constant_channel[..., 1] = 0.75
    far_from_zero = decimals((6, 3, 3, 2), salt=1, factor=0.05, offset=1e4)
    extremes = np.array([[1e3, -1e3, 20.0, -20.0, 0.0, 1e-8], [-1e-8, 1e-300, 0.5, -0.5, 3.0, -9.0]])
    far_logits = np.array([[1e4, 1e4 - 1, 0.0, -1e4], [-1e4, -1e4, -1e4, -1e4 + 2], [1e4, -1e4, -1e4, -1e4],
                           [0.0, 0.0, 0.0, 0.0], [0.5, -1e4, 0.25, 1.0]])
    return [
        conv2d_case("5x5 same", (7, 6, 1), 6, (5, 5), "same", batch=3),
        conv2d_case("5x5 valid", (6, 7, 3), 5, (5, 5), "valid", batch=5),
        conv2d_case("3x3 same, 17 filters", (4, 4, 2), 17, (3, 3), "same"),
        conv2d_case("1x1 valid", (3, 4, 5), 4, (1, 1), "valid"),
        conv2d_case("2x3 same", (5, 4, 2), 3, (2, 3), "same"),
        conv2d_case("2x3 valid", (5, 4, 2), 3, (2, 3), "valid"),
        conv2d_case("4x4 same", (5, 4, 2), 2, (4, 4), "same"),
        conv2d_case("5x5 same, image smaller than the kernel", (3, 2, 2), 3, (5, 5), "same"),
        conv2d_case("kernel as large as the image", (4, 3, 2), 3, (4, 3), "valid"),
        conv2d_case("3x3 same, 19 channels", (3, 3, 19), 4, (3, 3), "same"),
        conv2d_case("with tanh", (5, 5, 2), 3, (3, 3), "valid", activation="tanh"),
        conv2d_case("without bias", (4, 5, 2), 3, (3, 3), "same", use_bias=False),
        conv2d_case("batch 1", (3, 3, 2), 2, (2, 2), "valid", batch=1),
        conv2d_case("batch 17", (2, 3, 1), 2, (2, 2), "valid", batch=17),
        conv2d_case("batch 33", (2, 3, 1), 2, (2, 2), "valid", batch=33),
        dense_case("batch 1", 7, 5, 1),
        dense_case("batch 4", 7, 5, 4),
        dense_case("batch 17", 7, 5, 17),
        dense_case("batch 33", 7, 5, 33),
        dense_case("130 features", 130, 19, 2),
        dense_case("with tanh", 7, 5, 4, activation="tanh"),
        dense_case("with softmax", 7, 5, 4, activation="softmax"),
        dense_case("without bias", 7, 5, 4, use_bias=False),
        avg_pool2d_case("2x2", (4, 6, 3), (2, 2)),
        avg_pool2d_case("2x2, odd image", (5, 7, 2), (2, 2)),
        avg_pool2d_case("3x3, remainder dropped", (7, 6, 2), (3, 3)),
        avg_pool2d_case("2x3", (4, 6, 2), (2, 3)),
        avg_pool2d_case("batch 17", (2, 2, 1), (2, 2), batch=17),
        batch_norm_case("images, training", decimals((4, 3, 2, 3), salt=1)),
        batch_norm_case("images, inference", decimals((4, 3, 2, 3), salt=1), training=False),
        batch_norm_case("vectors, training", decimals((5, 6), salt=1, factor=2.0)),
        batch_norm_case("vectors, inference", decimals((5, 6), salt=1, factor=2.0), training=False),
        batch_norm_case("one image, training", decimals((1, 4, 3, 2), salt=1)),
        batch_norm_case("one vector, training", decimals((1, 5), salt=1)),
        batch_norm_case("batch 17, images, training", decimals((17, 2, 1, 3), salt=1)),
        batch_norm_case("batch 17, vectors, training", decimals((17, 4), salt=1)),
        batch_norm_case("constant channel, training", constant_channel),
        batch_norm_case("mean 1e4, spread 0.05, training", far_from_zero, tolerance=1e-9),
        layer_case("tanh images", "tanh", {}, decimals((2, 3, 2, 3), salt=1, factor=3.0)),
        layer_case("tanh extremes", "tanh", {}, extremes),
        layer_case("softmax vectors", "softmax", {}, decimals((5, 10), salt=1, factor=4.0)),
        layer_case("softmax images, over the channels", "softmax", {}, decimals((2, 2, 3, 4), salt=1, factor=2.0)),
        layer_case("softmax extremes", "softmax", {}, far_logits),
        layer_case("flatten", "flatten", {}, decimals((3, 2, 3, 4), salt=1)),
    ]


# ---- losses.json -----------------------------------------------------------------------------------------------------

def numpy_cross_entropy(x, t, from_logits):
    """Returns the mean over the batch of -sum t log p, and its gradient with respect to x."""
    n = len(x)
    if from_logits:
        shifted = x - x.max(-1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(-1, keepdims=True))
        return -(t * (shifted - log_sum)).sum() / n, (t.sum(-1, keepdims=True) * numpy_softmax(x) - t) / n
    p = np.clip(x, CLIP, 1 - CLIP)
    return -(t * np.log(p)).sum() / n, np.where(p == x, -t / p, 0.0) / n


def loss_case(name, x, labels=None, targets=None, from_logits=True):
    """labels: a class for each sample; targets: a distribution for each sample. One of the two."""
    t = targets if labels is None else np.eye(x.shape[1])[labels]
    tx, tt = differentiable(x), torch.tensor(t)
    log_p = tx.log_softmax(-1) if from_logits else tx.clamp(CLIP, 1 - CLIP).log()
    mean = -(tt * log_p).sum(-1).mean()
    mean.backward()
    loss, dx = mean.item(), tx.grad.numpy()
    loss2, dx2 = numpy_cross_entropy(x, t, from_logits)
    require_agreement(f"{name}: loss", loss, loss2, TOLERANCE)
    require_agreement(f"{name}: dx", dx, dx2, TOLERANCE)

    case = {"name": name, "from_logits": from_logits, "tolerance": TOLERANCE, "x_shape": list(x.shape), "x": listed(x)}
    case.update({"targets": listed(targets)} if labels is None else {"labels": [int(k) for k in labels]})
    top_two = np.sort(x, -1)[:, -2:]
    if not (top_two[:, 0] < top_two[:, 1]).all():
        raise SystemExit(f"{name}: two classes share the top, so the accuracy would depend on the order")
    accuracy = float((x.argmax(-1) == t.argmax(-1)).mean())
    return {**case, "loss": loss, "accuracy": accuracy, "dx": listed(dx)}


def classes(n):
    return (7 * np.arange(n) + 1) % 10


def soft_targets(n):
    """Rows of positive sixteenths that sum to exactly 1, largest at the sample's class: 7/16 there, 1/16 elsewhere."""
    t = np.full((n, 10), 1 / 16)
    t[np.arange(n), classes(n)] = 7 / 16
    return t


def losses():
    cases = []
    for n in (1, 5, 17, 33):
        logits = decimals((n, 10), salt=1, factor=3.0)
        cases.append(loss_case(f"logits, labels, batch {n}", logits, labels=classes(n)))
        if n in (5, 33):
            cases.append(loss_case(f"logits, soft targets, batch {n}", logits, targets=soft_targets(n)))
    logits = decimals((5, 10), salt=1, factor=3.0)
    extremes = decimals((5, 10), salt=2, factor=1e4)
    extremes[0] = -1e4
    extremes[0, 3] = 1e4                                              # certain and wrong: the label is 1
    extremes[1] = -1e4
    extremes[1, 8] = 1e4                                              # certain and right
    probabilities = numpy_softmax(decimals((17, 10), salt=1, factor=3.0))
    clipped = numpy_softmax(decimals((5, 10), salt=1, factor=3.0))
    clipped[0] = np.eye(10)[4]                                        # label 1 has p = 0: clipped, gradient 0
    clipped[1] = np.eye(10)[8]                                        # label 8 has p = 1: clipped, gradient 0
    clipped[2] = [1e-9 if k == 5 else (1 - 1e-9) / 9 for k in range(10)]
    clipped[3] = [1 - 1e-9 if k == 2 else 1e-9 / 9 for k in range(10)]
    clipped[4] = [1e-6 if k == 9 else (1 - 1e-6) / 9 for k in range(10)]      # small, yet inside: gradient -1e6 / n
    clipped[[2, 4], [0, 1]] += 1e-3                                   # one class at the top: the accuracy is definite
    cases += [
        loss_case("logits, one-hot targets", logits, targets=np.eye(10)[classes(5)]),
        loss_case("logits up to 1e4, labels", extremes, labels=classes(5)),
        loss_case("logits up to 1e4, soft targets", extremes, targets=soft_targets(5)),
        loss_case("probabilities, labels", probabilities, labels=classes(17), from_logits=False),
        loss_case("probabilities, soft targets", probabilities[:5], targets=soft_targets(5), from_logits=False),
        loss_case("probabilities, clipped, labels", clipped, labels=classes(5), from_logits=False),
        loss_case("probabilities, clipped, soft targets", clipped, targets=soft_targets(5), from_logits=False),
    ]
    return cases


# ---- lenet.json ------------------------------------------------------------------------------------------------------

BATCH, STEPS, PIXEL_SALT = 20, 12, 100


def sgd_step(w, v, g, rate, momentum):
    """Keras's form: v = momentum v - rate g; w += v. Returns the new w and v."""
    v = momentum * v - rate * g
    return w + v, v


def lenet(batch_norm):
    """LeNet-5 as a list of (layer, options)."""
    def conv(filters, padding):
        return "conv2d", {"filters": filters, "kernel_size": [5, 5], "padding": padding, "activation": "tanh",
                          "use_bias": True}

    def dense(units, activation):
        return "dense", {"units": units, "activation": activation, "use_bias": True}

    norm = [("batch_norm", {"momentum": MOMENTUM, "epsilon": EPSILON})] if batch_norm else []
    pool = ("avg_pool2d", {"pool_size": [2, 2], "strides": [2, 2]})
    return [*norm, conv(6, "same"), *norm, pool, conv(16, "valid"), *norm, pool, conv(120, "valid"), *norm,
            ("flatten", {}), dense(84, "tanh"), *norm, dense(10, "linear")]


def lenet_parameters(network):
    """Returns the arrays of each layer, and how each trainable one was made, in order of creation (its salt)."""
    parameters, made = [], []
    features, channels = 28 * 28, 1

    def add(key, shape, factor, offset=0.0):
        salt = len(made)
        parameters[-1][key] = formula(shape, salt, factor, offset)
        made.append({"layer": len(parameters) - 1, "key": key, "salt": salt, "factor": factor, "offset": offset})

    for layer, options in network:
        parameters.append({})
        if layer == "conv2d":
            area = math.prod(options["kernel_size"])
            shape = (*options["kernel_size"], channels, options["filters"])
            add("kernel", shape, math.sqrt(6.0 / (area * channels + area * options["filters"])))
            add("bias", (options["filters"],), 0.1)
            channels = features = options["filters"]          # the last convolution leaves one pixel
        elif layer == "dense":
            add("kernel", (features, options["units"]), math.sqrt(6.0 / (features + options["units"])))
            add("bias", (options["units"],), 0.1)
            channels = features = options["units"]
        elif layer == "batch_norm":
            add("gamma", (channels,), 0.1, offset=1.0)
            add("beta", (channels,), 0.1)
            parameters[-1].update(moving_mean=np.zeros(channels), moving_variance=np.ones(channels))
    return parameters, made


def lenet_batch(step):
    images = (formula((BATCH, 28, 28, 1), PIXEL_SALT + step) + 1) / 2
    return images, (7 * np.arange(BATCH) + 3 * step + 1) % 10


def train_in_torch(network, start, made, rate, momentum):
    """Returns losses, first gradients, parameters after training and logits of three images in inference mode."""
    parameters = [{key: torch.tensor(array) for key, array in layer.items()} for layer in start]
    trainable = [parameters[m["layer"]][m["key"]].requires_grad_() for m in made]
    optimizer = torch.optim.SGD(trainable, lr=rate, momentum=momentum)
    losses_seen, first_gradients = [], None

    def forward(images, training):
        x = torch.tensor(images)
        for (layer, options), p in zip(network, parameters):
            x, moved = torch_forward(layer, options, training, x, p)
            p.update(moved)
        return x

    for step in range(STEPS):
        images, labels = lenet_batch(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(images, training=True), torch.tensor(labels))
        loss.backward()
        losses_seen.append(loss.item())
        if step == 0:
            first_gradients = [p.grad.numpy().copy() for p in trainable]
        optimizer.step()
    logits = forward(lenet_batch(0)[0][:3], training=False).detach().numpy()
    return losses_seen, first_gradients, [{k: a.detach().numpy() for k, a in p.items()} for p in parameters], logits


def train_in_numpy(network, start, made, rate, momentum):
    """The same as train_in_torch by the formulas above."""
    parameters = [{key: array.copy() for key, array in layer.items()} for layer in start]
    velocities = [np.zeros_like(start[m["layer"]][m["key"]]) for m in made]
    losses_seen, first_gradients = [], None

    def forward(images, training):
        x, backwards = images, []
        for (layer, options), p in zip(network, parameters):
            x, backward, moved = numpy_forward(layer, options, training, x, p)
            p.update(moved)
            backwards.append(backward)
        return x, backwards

    for step in range(STEPS):
        images, labels = lenet_batch(step)
        logits, backwards = forward(images, training=True)
        loss, d = numpy_cross_entropy(logits, np.eye(10)[labels], from_logits=True)
        losses_seen.append(loss)
        gradients = [None] * len(network)
        for k in reversed(range(len(network))):
            d, gradients[k] = backwards[k](d)
        if step == 0:
            first_gradients = [gradients[m["layer"]][m["key"]] for m in made]
        for j, m in enumerate(made):
            k, key = m["layer"], m["key"]
            parameters[k][key], velocities[j] = sgd_step(parameters[k][key], velocities[j], gradients[k][key], rate,
                                                         momentum)
    logits, _ = forward(lenet_batch(0)[0][:3], training=False)
    return losses_seen, first_gradients, parameters, logits


def summary(array):
    flat = listed(array)
    return {"sum": math.fsum(flat), "sum_of_squares": math.fsum(a * a for a in flat), "first": flat[:5],
            "last": flat[-5:]}


def lenet_case(name, batch_norm, rate, momentum, tolerance=TOLERANCE):
    network = lenet(batch_norm)
    start, made = lenet_parameters(network)
    losses_seen, first, after, logits = train_in_torch(network, start, made, rate, momentum)
    losses_seen2, first2, after2, logits2 = train_in_numpy(network, start, made, rate, momentum)
    require_agreement(f"{name}: losses", losses_seen, losses_seen2, tolerance)
    require_agreement(f"{name}: logits", logits, logits2, tolerance)
    for m, gradient, gradient2 in zip(made, first, first2):
        require_agreement(f"{name}: first gradient, salt {m['salt']}", gradient, gradient2, tolerance)
    for k, p in enumerate(after):
        for key in p:
            require_agreement(f"{name}: layer {k}, {key}", p[key], after2[k][key], tolerance)

    return {"name": name,
            "layers": [{"layer": layer, "options": options} for layer, options in network],
            "optimizer": {"optimizer": "sgd", "learning_rate": rate, "momentum": momentum},
            "batch_size": BATCH, "steps": STEPS, "pixel_salt": PIXEL_SALT, "tolerance": tolerance,
            "losses": losses_seen,
            "parameters": [{**m, "shape": list(gradient.shape), "start": summary(start[m["layer"]][m["key"]]),
                            "first_gradient": summary(gradient), "after": summary(after[m["layer"]][m["key"]])}
                           for m, gradient in zip(made, first)],
            "moving": [{"layer": k, "mean": listed(p["moving_mean"]), "variance": listed(p["moving_variance"])}
                       for k, p in enumerate(after) if "moving_mean" in p],
            "logits_shape": list(logits.shape), "logits": listed(logits)}


def lenets():
    return [lenet_case("lenet_batch_norm", True, 0.01, 0.0),
            lenet_case("lenet_plain", False, 0.01, 0.9)]


# ---- writing ---------------------------------------------------------------------------------------------------------

CONVENTIONS = {
    "layers": "NHWC; kernels [kh,kw,in,out] and [in,out]; batch norm moves both its statistics as 0.99 moving + 0.01 "
              "batch, the variance biased (divided by n, as Keras's non-fused), epsilon inside the root",
    "losses": "loss = mean over the batch of -sum t log p; probabilities clipped to [1e-7, 1 - 1e-7], not normalised",
    "lenet": "parameter = offset + factor value(i, salt); pixel = (value(i, pixel_salt + step) + 1) / 2; label of "
             "sample s = (7 s + 3 step + 1) % 10; step = 0, 1, ...; moving statistics as in layers.json, from 0 and 1",
}


def write(path, cases):
    """One case a line; floats as repr, the shortest digits that give the same double back."""
    head = {"made_by": "make_references.py", "torch": torch.__version__, "numpy": np.__version__, "scalar": "float64",
            "conventions": CONVENTIONS[path.stem]}
    lines = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
    path.write_text(json.dumps(head, separators=(",", ":"))[:-1] + ',"cases":[\n' + lines + "\n]}\n")
    print(f"{path.name}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent
    warnings.filterwarnings("ignore", message="Using padding='same'")       # torch on the cost of even kernels
    torch.set_num_threads(1)                                                # one order of summation: same bits again
    for name, make in (("layers", layers), ("losses", losses), ("lenet", lenets)):
        write(folder / f"{name}.json", make())


if __name__ == "__main__":
    main()
