# SPDX-License-Identifier: MIT
"""PyTorch. Modes: eager, channels_last, compile. Its best settings, as measured: as many threads as are compared, denormals flushed,
fused optimizers, gradients set to none, data in memory as one tensor; compile takes model and loss together, and frozen weights
for predictions."""
import itertools
import time

import torch
from torch import nn

import peer

ACTIVATIONS = {"relu": nn.ReLU, "leakyrelu": nn.LeakyReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def glorot(layer):
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def build(task):
    """The network of the words, for inputs [n, c, h, w] or [n, features]. Initial weights and the numbers in BatchNorm are Keras's."""
    shape = peer.parse_input(task["input"])
    shape = [shape[2], shape[0], shape[1]] if len(shape) == 3 else shape
    layers = []
    for word, *arguments in peer.parse_layers(task["layers"]):
        if word == "conv":
            filters, kernel = int(arguments[0]), int(arguments[1])
            layers.append(glorot(nn.Conv2d(shape[0], filters, kernel, padding=arguments[2])))
        elif word == "dense":
            layers.append(glorot(nn.Linear(shape[0], int(arguments[0]))))
        elif word == "batchnorm":
            norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            layers.append(norm(shape[0], eps=1e-3, momentum=0.01))
        elif word == "flatten":
            layers.append(nn.Flatten())
        elif word == "dropout":
            layers.append(nn.Dropout(float(arguments[0])))
        elif word in ("avgpool", "maxpool"):
            layers.append((nn.AvgPool2d if word == "avgpool" else nn.MaxPool2d)(int(arguments[0])))
        else:
            layers.append(activation(word))
        if word in ("conv", "dense") and arguments[-1] in [*ACTIVATIONS, "softmax"]:
            layers.append(activation(arguments[-1]))
        with torch.no_grad():
            shape = list(nn.Sequential(*layers).eval()(torch.zeros(1, *input_shape(task))).shape[1:])
    return nn.Sequential(*layers).train()


def activation(word):
    return nn.Softmax(dim=-1) if word == "softmax" else ACTIVATIONS[word]()


def input_shape(task):
    shape = peer.parse_input(task["input"])
    return [shape[2], shape[0], shape[1]] if len(shape) == 3 else shape


@torch.no_grad()
def load(model, path):
    """The benchmark program's initial weights: [kh, kw, in, out] and [in, out] there, out first here."""
    weights = peer.Weights(path)
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            values = weights.next("conv2d")
            layer.weight.copy_(torch.tensor(values["kernel"]).permute(3, 2, 0, 1))
        elif isinstance(layer, nn.Linear):
            layer.weight.copy_(torch.tensor(weights.next("dense")["kernel"]).T)


def make_optimizer(name, parameters):
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=0.01, fused=True)
    if name == "momentum":
        return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=0.001, alpha=0.9, eps=1e-7, foreach=True)
    return torch.optim.Adam(parameters, lr=0.001, eps=1e-7, fused=True)


def to_tensor(inputs, mode):
    """NHWC as the mode wants it."""
    inputs = torch.from_numpy(inputs)
    if inputs.dim() != 4:
        return inputs
    inputs = inputs.permute(0, 3, 1, 2)
    return inputs if mode == "channels_last" else inputs.contiguous()


def make_step(task):
    """(model, step): step(x, y) makes one update and returns the loss."""
    model = build(task)
    if task.get("weights"):
        load(model, task["weights"])
    if task["mode"] == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(task["optimizer"], model.parameters())

    def loss_of(x, y):
        return nn.functional.cross_entropy(model(x), y)

    compiled = torch.compile(loss_of) if task["mode"] == "compile" else loss_of

    def step(x, y):
        loss = compiled(x, y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return model, step


def make_network(task):
    classes = build(task)(torch.zeros(2, *input_shape(task))).shape[1]
    inputs, labels = peer.random_data(peer.parse_input(task["input"]), task["batch"], classes)
    x, y = to_tensor(inputs, task["mode"]), torch.from_numpy(labels)
    model, step = make_step(task)
    if not task["predict"]:
        last = [None]

        def call():
            last[0] = step(x, y)

        loss = lambda: float(last[0])
    else:
        model.eval()
        if task["mode"] == "compile":
            import torch._inductor.config as config
            config.freezing = True
            model = torch.compile(model)

        def call():
            with torch.inference_mode():
                model(x)

        loss = lambda: None
    with torch.inference_mode() if task["predict"] else torch.enable_grad():
        for _ in range(5):
            try:
                call()
            except ValueError as error:  # its batch norm does not take one value a channel, as in LeNet-5 at batch 1
                raise peer.Refused(str(error)) from error
    return lambda: (peer.seconds_of(call, task["cpu_time"]), loss())


def make_epochs(task):
    """Each turn is an epoch of MNIST; the first, which compare.py does not count, compiles and takes the images in their order."""
    images, labels = peer.mnist()
    x = to_tensor(images, task["mode"])
    x = x.flatten(1) if task["work"] == "W2" else x
    y = torch.from_numpy(labels)
    task = {**task, "input": "784"} if task["work"] == "W2" else task
    task = {**task, "layers": task["layers"].replace("flatten; ", "", 1)} if task["work"] == "W2" else task
    _, step = make_step(task)
    epochs = itertools.count()

    def epoch():
        start = time.perf_counter()
        order = torch.randperm(len(x)) if next(epochs) else torch.arange(len(x))
        total = torch.zeros(())
        for first in range(0, len(x), task["batch"]):
            rows = order[first:first + task["batch"]]
            total += step(x[rows], y[rows]) * len(rows)
        return time.perf_counter() - start, float(total) / len(x)

    return epoch


def make_start(task):
    """S: up to the end of the first step; compare.py has the clock."""
    images, labels = peer.mnist()
    _, step = make_step(task)
    step(to_tensor(images[:task["batch"]], task["mode"]), torch.from_numpy(labels[:task["batch"]])).item()
    return lambda: (0, None)


def make_ensemble(task):
    """W3: all 1000 networks in one batched product a layer."""
    models, train, test, batch = 1000, 3000, 1000, 64
    widths = [1] + [2] * 10 + [1]

    def forward(weights, biases, x):
        for i, (weight, bias) in enumerate(zip(weights, biases)):
            x = torch.baddbmm(bias, x, weight)
            if i + 1 < len(weights):
                x = torch.relu(x)
        return x

    def loss_of(weights, biases, x, y):
        return ((forward(weights, biases, x) - y) ** 2).mean((1, 2)).sum()

    compiled = torch.compile(loss_of) if task["mode"] == "compile" else loss_of

    def whole():
        start = time.perf_counter()
        reach = 7 ** 0.5
        x = (torch.rand(models, train, 1) * 2 - 1) * reach
        y = x.abs()
        weights = [((torch.rand(models, a, b) * 2 - 1) * (6 / (a + b)) ** 0.5).requires_grad_() for a, b in zip(widths, widths[1:])]
        biases = [torch.zeros(models, 1, b, requires_grad=True) for b in widths[1:]]
        optimizer = torch.optim.Adam(weights + biases, lr=0.001, eps=1e-7, fused=True)
        total = 0
        for _ in range(2):
            total = torch.zeros(())
            order = torch.rand(models, train).argsort(1)[..., None]
            mixed_x, mixed_y = x.gather(1, order), y.gather(1, order)
            for first in range(0, train, batch):
                xs, ys = mixed_x[:, first:first + batch], mixed_y[:, first:first + batch]
                loss = compiled(weights, biases, xs, ys)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                total += loss.detach() * xs.shape[1]
        with torch.inference_mode():
            forward(weights, biases, (torch.rand(models, test, 1) * 2 - 1) * reach)
        return time.perf_counter() - start, float(total) / train / models

    whole()
    return whole


def make(task):
    torch.manual_seed(0)
    torch.set_num_threads(task["threads"])
    torch.set_flush_denormal(True)
    kind = {"W1": make_epochs, "W2": make_epochs, "W3": make_ensemble, "S": make_start}.get(task["work"], make_network)
    return kind(task), {"PyTorch": torch.__version__}


peer.take_turns(make)
