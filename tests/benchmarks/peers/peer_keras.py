# SPDX-License-Identifier: MIT
"""Keras. Modes: tensorflow, tensorflow_jit, jax (which always compiles). Its best settings: as many threads as are compared,
`train_on_batch` for single steps, `fit` on arrays in memory for epochs, XLA where the mode says so."""
import itertools
import json
import os
import sys
import time

TASK = json.loads(sys.argv[1])
THREADS = str(TASK["threads"])
os.environ.update(KERAS_BACKEND=TASK["mode"].split("_")[0], OMP_NUM_THREADS=THREADS, TF_CPP_MIN_LOG_LEVEL="3",
                  TF_NUM_INTRAOP_THREADS=THREADS, TF_NUM_INTEROP_THREADS="1", NPROC=THREADS, CUDA_VISIBLE_DEVICES="-1")

import keras  # noqa: E402
from keras import layers  # noqa: E402

import peer  # noqa: E402

ACTIVATIONS = {"relu": "relu", "leakyrelu": "leaky_relu", "tanh": "tanh", "sigmoid": "sigmoid", "softmax": "softmax"}
OPTIMIZERS = {"sgd": lambda: keras.optimizers.SGD(0.01), "momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
              "rmsprop": lambda: keras.optimizers.RMSprop(0.001), "adam": lambda: keras.optimizers.Adam(0.001)}


def build(task):
    model = keras.Sequential([layers.Input(peer.parse_input(task["input"]))])
    for word, *arguments in peer.parse_layers(task["layers"]):
        activation = ACTIVATIONS.get(arguments[-1]) if arguments else None
        if word == "conv":
            model.add(layers.Conv2D(int(arguments[0]), int(arguments[1]), padding=arguments[2], activation=activation))
        elif word == "dense":
            model.add(layers.Dense(int(arguments[0]), activation=activation))
        elif word == "batchnorm":
            model.add(layers.BatchNormalization())
        elif word == "flatten":
            model.add(layers.Flatten())
        elif word == "dropout":
            model.add(layers.Dropout(float(arguments[0])))
        elif word in ("avgpool", "maxpool"):
            model.add((layers.AveragePooling2D if word == "avgpool" else layers.MaxPooling2D)(int(arguments[0])))
        else:
            model.add(layers.Activation(ACTIVATIONS[word]))
    model.compile(OPTIMIZERS[task["optimizer"]](), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  jit_compile=task["mode"] != "tensorflow")
    return model


def load(model, path):
    """The benchmark program's initial weights, whose layouts are these."""
    weights = peer.Weights(path)
    kinds = {layers.Conv2D: "conv2d", layers.Dense: "dense"}
    for layer in model.layers:
        if type(layer) in kinds:
            values = weights.next(kinds[type(layer)])
            layer.set_weights([values["kernel"], values["bias"]])


def make_start(task, model):
    """S: up to the end of the first step; compare.py has the clock."""
    images, labels = peer.mnist()
    model.train_on_batch(images[:task["batch"]], labels[:task["batch"]])
    return lambda: (0, None)


def make_epochs(task, model):
    images, labels = peer.mnist()
    load(model, task["weights"])
    epochs = itertools.count()  # the first, which compare.py does not count, compiles and takes the images in their order

    def epoch():
        start = time.perf_counter()
        history = model.fit(images, labels, batch_size=task["batch"], epochs=1, verbose=0, shuffle=next(epochs) > 0)
        return time.perf_counter() - start, history.history["loss"][0]

    return epoch


def make_network(task, model):
    inputs, labels = peer.random_data(peer.parse_input(task["input"]), task["batch"], model.output_shape[-1])
    loss = [None]

    def step():
        loss[0] = float(model.train_on_batch(inputs, labels))

    call = (lambda: model.predict_on_batch(inputs)) if task["predict"] else step
    for _ in range(5):
        call()
    return lambda: (peer.seconds_of(call, task["cpu_time"]), loss[0])


def make(task):
    keras.utils.set_random_seed(0)
    kind = {"W1": make_epochs, "W2": make_epochs, "S": make_start}.get(task["work"], make_network)
    backend = __import__(keras.backend.backend())
    return kind(task, build(task)), {"Keras": keras.__version__, keras.backend.backend(): backend.__version__}


peer.take_turns(make)
