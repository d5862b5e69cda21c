# SPDX-License-Identifier: MIT
"""ONNX Runtime, predictions alone. Its best settings: all graph optimisations, as many threads as are compared, which spin."""
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import peer

ACTIVATIONS = {"relu": "Relu", "leakyrelu": "LeakyRelu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softmax": "Softmax"}


def build(task):
    """The network of the words as an ONNX graph on [n, c, h, w] or [n, features], with random weights."""
    random = np.random.default_rng(0)
    shape = peer.parse_input(task["input"])
    shape = [shape[2], shape[0], shape[1]] if len(shape) == 3 else shape
    inputs, nodes, weights, last = [task["batch"], *shape], [], [], "x"

    def weight(values):
        weights.append(numpy_helper.from_array(values.astype(np.float32), f"w{len(weights)}"))
        return weights[-1].name

    def add(operator, *more, **attributes):
        nonlocal last
        nodes.append(helper.make_node(operator, [last, *more], [f"y{len(nodes)}"], **attributes))
        last = nodes[-1].output[0]

    for word, *arguments in peer.parse_layers(task["layers"]):
        if word == "conv":
            filters, kernel, same = int(arguments[0]), int(arguments[1]), arguments[2] == "same"
            before, after = ((kernel - 1) // 2, kernel // 2) if same else (0, 0)
            scale = (1 / (shape[0] * kernel * kernel)) ** 0.5
            add("Conv", weight(random.normal(0, scale, [filters, shape[0], kernel, kernel])), weight(np.zeros(filters)),
                kernel_shape=[kernel, kernel], pads=[before, before, after, after])
            smaller = 0 if same else kernel - 1
            shape = [filters, shape[1] - smaller, shape[2] - smaller]
        elif word == "dense":
            units = int(arguments[0])
            add("Gemm", weight(random.normal(0, (1 / shape[0]) ** 0.5, [shape[0], units])), weight(np.zeros(units)))
            shape = [units]
        elif word == "batchnorm":
            add("BatchNormalization", *[weight(values(shape[0])) for values in (np.ones, np.zeros, np.zeros, np.ones)], epsilon=1e-3)
        elif word == "flatten":
            add("Flatten")
            shape = [int(np.prod(shape))]
        elif word in ("avgpool", "maxpool"):
            window = int(arguments[0])
            add("AveragePool" if word == "avgpool" else "MaxPool", kernel_shape=[window, window], strides=[window, window])
            shape = [shape[0], shape[1] // window, shape[2] // window]
        elif word in ACTIVATIONS:
            add(ACTIVATIONS[word])
        if word in ("conv", "dense") and arguments[-1] in ACTIVATIONS:
            add(ACTIVATIONS[arguments[-1]])
    graph = helper.make_graph(nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
                              [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), inputs


def make(task):
    model, shape = build(task)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = {"x": np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)}
    call = lambda: session.run(None, inputs)
    for _ in range(5):
        call()
    return (lambda: (peer.seconds_of(call, task["cpu_time"]), None)), {"ONNX Runtime": onnxruntime.__version__}


peer.take_turns(make)
