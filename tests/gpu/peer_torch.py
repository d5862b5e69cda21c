# SPDX-License-Identifier: MIT
"""LeNet on MNIST-sized data with PyTorch on a GPU, as tests/gpu/card.cpp times it: eager, and the step as a CUDA graph. The data stay on
the device, losses are not read. `--cpu` runs the eager part on the processor, to try the script."""
import sys
import time

import torch
from torch import nn

BATCH, SAMPLES, EPOCHS = 128, 60000, 10


def lenet():
    def norm(channels, kind=nn.BatchNorm2d):
        return kind(channels, eps=1e-3, momentum=0.01)

    return nn.Sequential(
        norm(1), nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), norm(6), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), norm(16), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(), norm(120), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), norm(84, nn.BatchNorm1d), nn.Linear(84, 10))


def median_epoch(epoch, synchronize, epochs):
    seconds = []
    for _ in range(epochs + 1):  # the first is not counted
        synchronize()
        start = time.perf_counter()
        epoch()
        synchronize()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds[1:])[epochs // 2]


def report(name, seconds, samples):
    steps = -(-samples // BATCH)
    print(f"PyTorch {torch.__version__}, {name}: {1e6 * seconds / steps:.1f} us a step, {seconds:.4f} s an epoch of {samples} samples")


def main():
    on_cpu = "--cpu" in sys.argv
    if not on_cpu and not torch.cuda.is_available():
        sys.exit("PyTorch sees no GPU")
    device = torch.device("cpu" if on_cpu else "cuda")
    samples, epochs = (500, 1) if on_cpu else (SAMPLES, EPOCHS)
    synchronize = (lambda: None) if on_cpu else torch.cuda.synchronize
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    images = torch.randint(0, 256, (samples, 1, 28, 28), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (samples,), device=device)
    model, loss = lenet().to(device), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=not on_cpu)

    def step(x, t):
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), t).backward()
        optimizer.step()

    def eager():
        order = torch.randperm(samples, device=device)
        for first in range(0, samples, BATCH):
            rows = order[first:first + BATCH]
            step(images[rows].float() / 255, labels[rows])

    report("eager", median_epoch(eager, synchronize, epochs), samples)
    if on_cpu:
        return

    # A graph of each batch size: gathering, forward, backward and update.
    sizes = {BATCH, samples % BATCH or BATCH}
    rows = {size: torch.zeros(size, dtype=torch.int64, device=device) for size in sizes}
    graphs = {}
    side = torch.cuda.Stream()
    for size in sizes:
        def work(size=size):
            step(images[rows[size]].float() / 255, labels[rows[size]])

        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(side)
        graphs[size] = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graphs[size]):
            work()

    def captured():
        order = torch.randperm(samples, device=device)
        for first in range(0, samples, BATCH):
            part = order[first:first + BATCH]
            rows[len(part)].copy_(part)
            graphs[len(part)].replay()

    report("CUDA graphs", median_epoch(captured, synchronize, epochs), samples)


main()
