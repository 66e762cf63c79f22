"""
What each compiled kernel brings
================================

Times the operations of a training step with their kernels and with their NumPy twins,
interleaved, in float32. Writes a table for the documentation:

    export OMP_NUM_THREADS=1
    python examples/benchmarks/bench_kernels.py docs/performance/intel/kernels.inc
"""

import sys
from statistics import median
from time import perf_counter

import numpy as np
from _timing import three_digits

from sknn import _kernels
from sknn._arrays import aligned_zeros, gather, matmul
from sknn.activations import ACTIVATIONS, activation_backward_bias, bias_activation
from sknn.augmentation import warp_images
from sknn.layers import Conv2D
from sknn.layers._masks import mask
from sknn.layers.batchnorm import batch_norm, batch_norm_backward
from sknn.layers.conv import (
    Windows,
    conv_forward,
    conv_input_gradient,
    conv_weight_gradient,
)
from sknn.layers.dense import csr_t_dot
from sknn.layers.flatten import to_images
from sknn.layers.layernorm import layer_norm, layer_norm_backward
from sknn.layers.pool import max_pool, max_pool_backward
from sknn.losses import CategoricalCrossEntropy, scaled_loss_gradient
from sknn.solvers.adam import adam
from sknn.solvers.sgd import sgd

ROUNDS, SECONDS = 9, 0.01
DTYPE = np.dtype(np.float32)
RNG = np.random.default_rng(0)


def draw(*shape):
    """Return an array of normal numbers."""
    array = aligned_zeros(shape, DTYPE)
    array[...] = RNG.normal(size=shape)
    return array


def operations():
    """Yield what an operation does, the twin and its arguments."""
    n, units = 200, 100
    z, b, a, db = draw(n, units), draw(units), draw(n, units), draw(units)
    for name in ("relu", "tanh", "gelu"):
        f = ACTIVATIONS[name]
        yield f"bias and {name}", bias_activation, (f, z, b, a)
        backward = (f, z, a, draw(n, units), db)
        yield (
            f"backward of {name}, gradient of bias",
            activation_backward_bias,
            backward,
        )
    y, one, value = RNG.integers(10, size=n), np.ones(1), np.zeros(1)
    loss = CategoricalCrossEntropy(), draw(n, 10), y, None, one, value
    yield "softmax, cross-entropy, gradient", scaled_loss_gradient, loss
    theta, grad, m = draw(2**16), draw(2**16), draw(2**16)
    c, sums = np.array([1e-6, 0, 1, 1, 1e-5, 0.9, 0.999, 1e-8]), np.zeros(2)
    yield "Adam with penalty", adam, (theta, grad, m, abs(draw(2**16)), 2**16, c, sums)
    c = np.array([1e-6, 0, 1, 1, 1e-5, 0.9, 1])
    yield "SGD with penalty, Nesterov", sgd, (theta, grad, m, 2**16, c, sums)
    yield (
        "gathering rows",
        gather,
        (draw(5000, 64), RNG.integers(5000, size=n), draw(n, 64)),
    )
    bytes_ = RNG.integers(256, size=(5000, 784)).astype(np.uint8)
    rows = RNG.integers(5000, size=64)
    yield "gathering rows of bytes", gather, (bytes_, rows, draw(64, 784))
    bits = RNG.integers(2**16, size=n * units).astype(np.uint16)
    limits = np.array([9999, 1.2], DTYPE)
    args = draw(n * units), bits, draw(n * units), limits
    yield "dropout, bits given", mask, args
    x, q, (g, s, v) = draw(units, n), abs(draw(n)) / n, draw(3, units)
    yield "batch norm", batch_norm, (x, q, g, b, s, v, draw(units, n), 1e-5)
    args = x, draw(units, n), q, g, s, abs(v), db, draw(units), draw(units, n), 1e-5
    yield "backward of batch norm", batch_norm_backward, args
    mean, inverse = draw(2, n)
    yield "layer norm", layer_norm, (x, g, b, mean, inverse, draw(units, n), 1e-5)
    args = x, draw(units, n), g, mean, inverse, draw(units, n)
    yield "backward of layer norm", layer_norm_backward, args
    yield "rows to images", to_images, (draw(64, 28, 28, 1), draw(1, 28, 28, 64))
    yield from of_images()
    indices = np.sort(RNG.integers(10_000, size=(n, 100)), axis=1).astype(np.int32)
    indptr = np.arange(0, n * 100 + 1, 100, dtype=np.int32)
    args = draw(n * 100), indices.ravel(), indptr, draw(n, 64), draw(10_000, 64)
    yield "gradient of sparse rows", csr_t_dot, args
    yield "matrix product, small", matmul, (draw(32, 20), draw(20, 100), draw(32, 100))


def of_images():
    """Yield the operations of a convolutional network."""
    for channels, layer, size in (
        (1, Conv2D(6, 5), 28),
        (6, Conv2D(16, 5, padding="valid"), 14),
        (32, Conv2D(64), 14),
    ):
        spec = layer.build((channels, size, size))
        windows = Windows(layer, spec, 64, DTYPE)
        x, W = draw(channels, size, size, 64), draw(*spec.params["W"].shape)
        out, b = spec.out_shape, draw(spec.out_shape[0])
        y, dx, k = draw(*out, 64), draw(*x.shape), layer.kernel_size
        name = f"convolution {channels} → {out[0]}, {k} × {k}"
        yield name, conv_forward, (windows, x, W, b, y)
        args = windows, x, y, draw(*W.shape), draw(*b.shape)
        yield f"{name}, gradient of weights", conv_weight_gradient, args
        yield f"{name}, gradient of input", conv_input_gradient, (windows, y, W, dx)
    x, y = draw(6, 28, 28, 64), draw(6, 14, 14, 64)
    yield "max pooling", max_pool, (x, y, 2, 2, 2, 2)
    args = x, y, draw(*y.shape), draw(*x.shape), 2, 2, 2, 2
    yield "backward of max pooling", max_pool_backward, args
    images, matrices = draw(64, 28, 28, 1), np.tile(np.eye(3), (64, 1, 1))
    matrices[:, 0, 1], matrices[:, 1, 0] = 0.1, -0.1
    yield "rotation of images", warp_images, (images, matrices, images.copy(), 0.0)


def seconds(call):
    """Return the seconds of a call, from as many as take `SECONDS`."""
    start, n = perf_counter(), 0
    while n == 0 or perf_counter() - start < SECONDS:
        call()
        n += 1
    return (perf_counter() - start) / n


def measure(twin, args):
    """Return the median times of the kernel and of its twin."""
    kernel = _kernels.Calls()
    kernel.do(twin, *args)
    with np.errstate(all="ignore"):
        rounds = [
            (seconds(kernel), seconds(lambda: twin(*args))) for _ in range(ROUNDS)
        ]
    return tuple(median(times) for times in zip(*rounds, strict=True))


def main():
    """Print the table, and write it to a file."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 52 16 16 16", ""]
    cells = ["Operation", "Kernel, µs", "NumPy, µs", "Times as fast"]
    lines.append("   * - " + "\n     - ".join(cells))
    for name, twin, args in operations():
        kernel, plain = measure(twin, args)
        cells = [
            name,
            three_digits(kernel * 1e6),
            three_digits(plain * 1e6),
            f"{plain / kernel:.1f}",
        ]
        print(f"{name:55} {cells[1]:>8} {cells[2]:>8} {cells[3]:>6}", flush=True)
        lines.append("   * - " + "\n     - ".join(cells))
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
