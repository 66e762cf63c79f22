"""Random arguments for each function that has a kernel."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from sknn import augmentation, losses
from sknn._arrays import add_bias, batch_empty, column_sums, gather, matmul
from sknn.activations import (
    ACTIVATIONS,
    ELU,
    LeakyReLU,
    activation_backward,
    activation_backward_bias,
    activation_forward,
    bias_activation,
)
from sknn.augmentation import warp_images
from sknn.layers import Conv2D
from sknn.layers._masks import mask
from sknn.layers.batch_ensemble_dense import scale_backward
from sknn.layers.batchnorm import batch_norm, batch_norm_backward, scale_shift
from sknn.layers.conv import (
    Windows,
    conv_forward,
    conv_input_gradient,
    conv_weight_gradient,
)
from sknn.layers.dense import csr_dot, csr_t_dot
from sknn.layers.embedding import embedding, embedding_backward
from sknn.layers.flatten import to_images
from sknn.layers.layernorm import layer_norm, layer_norm_backward, layer_norm_gradients
from sknn.layers.parametric_activation import (
    parametric_activation,
    parametric_activation_backward,
)
from sknn.layers.periodic_embedding import (
    periodic_embedding,
    periodic_embedding_backward,
)
from sknn.layers.piecewise_linear_embedding import (
    piecewise_linear,
    piecewise_linear_backward,
)
from sknn.layers.pool import (
    avg_pool,
    avg_pool_backward,
    global_avg_pool,
    global_avg_pool_backward,
    max_pool,
    max_pool_backward,
)
from sknn.layers.prelu import prelu, prelu_backward
from sknn.layers.scale import scale_gradient
from sknn.losses import scaled_loss_gradient
from sknn.solvers.adadelta import adadelta
from sknn.solvers.adagrad import adagrad
from sknn.solvers.adam import adam
from sknn.solvers.nadam import nadam
from sknn.solvers.rmsprop import rmsprop
from sknn.solvers.sgd import sgd


class Draw:
    """Draws arrays of one dtype."""

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        self.rng = np.random.default_rng(0)

    def __call__(self, *shape):
        return self.rng.standard_normal(shape).astype(self.dtype)

    def positive(self, *shape):
        return self.rng.uniform(0.5, 1.5, shape).astype(self.dtype)

    def rows_innermost(self, n, *shape):
        """Images (n, C, H, W) in the memory layout of a batch, or rows."""
        x = batch_empty(n, shape, self.dtype)
        x[...] = self(n, *shape)
        return x


@dataclass(frozen=True)
class Recipe:
    """How to draw the arguments of a function that has a kernel.

    Attributes
    ----------
    f : callable
        The NumPy twin.
    roles : str
        A letter for each argument: "r" is an array that is read, "w" one that is
        written, perhaps after it was read, "s" one whose values afterwards mean
        nothing, and "-" a constant, or an array that is not changed by the test of
        values that are not finite or zero.
    draw : callable
        Returns the arguments for a `Draw` and the elements of a size.
    sizes : list
        The first one is typical, and serves in tests that need only one.
    large : tuple or None
        A size that is cut into eight blocks, if the operation can be cut.
    name : str
        What distinguishes several recipes of a function.
    tolerance : float
        Largest difference from the twin, in roundings of the largest element.
    prepare : callable or None
        Called with the arguments before they are used, to make them fit together.
    dtypes : tuple of str
        For which there is a kernel.
    """

    f: Callable[..., None]
    roles: str
    draw: Callable[..., tuple[Any, ...]]
    sizes: list[tuple[Any, ...]]
    large: tuple[Any, ...] | None = None
    name: str = ""
    tolerance: float = 100
    prepare: Callable[..., None] | None = None
    dtypes: tuple[str, ...] = ("float32", "float64")

    def __str__(self):
        return "-".join(filter(None, [self.f.__name__, self.name]))

    def arguments(self, dtype, size):
        args = self.draw(Draw(dtype), *size)
        assert len(args) == len(self.roles)
        return args


# -- dense layers ---------------------------------------------------------------------

PRODUCTS = [(31, 33, 7), (1, 1, 1), (0, 3, 4), (3, 0, 4), (3, 4, 0), (67, 5, 1)]
ROWS = [(31, 33), (0, 7), (1, 1), (2, 100), (7, 0), (300, 5), (17, 257)]
LARGE_ROWS = (1021, 131)
SPARSE = [(31, 50, 33), (0, 3, 4), (1, 1, 1), (7, 50, 0), (64, 20, 100)]

RECIPES = [
    Recipe(
        matmul,
        "rrw",
        lambda draw, m, k, n: (draw(m, k), draw(k, n), draw(m, n)),
        PRODUCTS,
        large=(257, 256, 131),
    ),
    Recipe(
        matmul,
        "rrw",
        lambda draw, m, k, n: (draw(k, m).T, draw(n, k).T, draw(n, m).T),
        PRODUCTS,
        large=(131, 256, 257),
        name="transposed",
    ),
    Recipe(
        matmul,
        "rrw-",
        lambda draw, m, k, n: (draw(m, k), draw(k, n), draw(m, n), 0.3),
        PRODUCTS,
        large=(257, 256, 131),
        name="scaled",
    ),
    Recipe(add_bias, "wr", lambda draw, *s: (draw(*s), draw(s[1])), ROWS, LARGE_ROWS),
    Recipe(
        column_sums, "rw", lambda draw, *s: (draw(*s), draw(s[1])), ROWS, LARGE_ROWS
    ),
]


def draw_csr(draw, n, width, units):
    x = sparse.random(n, width, 0.2, "csr", draw.dtype, random_state=0)
    return x.data, x.indices.astype(np.int32), x.indptr.astype(np.int32)


RECIPES += [
    Recipe(
        csr_dot,
        "r--rw",
        lambda draw, n, width, units: (
            *draw_csr(draw, n, width, units),
            draw(width, units),
            draw(n, units),
        ),
        SPARSE,
    ),
    Recipe(
        csr_t_dot,
        "r--rw",
        lambda draw, n, width, units: (
            *draw_csr(draw, n, width, units),
            draw(n, units),
            draw(width, units),
        ),
        SPARSE,
    ),
]


def draw_gather(X, draw, n, *shape):
    """Rows of data `X`, which are bytes, integers, or floats of one or other dtype."""
    x = draw(50, *shape)
    if X == "bytes":
        x = draw.rng.integers(0, 256, x.shape).astype(np.uint8)
    elif X == "other":
        x = x.astype(np.float32)
    elif X == "int64":
        x = draw.rng.integers(-(2**62), 2**62, x.shape)
    dtype = np.int64 if X == "int64" else draw.dtype
    return x, draw.rng.integers(0, 50, n), np.empty((n, *shape), dtype)


RECIPES += [
    Recipe(
        gather,
        "r-w",
        partial(draw_gather, X),
        [(31, 17), (0, 3), (1, 1), (2, 0), (33,), (7, 5, 4, 3)],
        name=X,
        tolerance=1,
        dtypes=dtypes,
    )
    for X, dtypes in {
        "real": ("float32", "float64"),
        "bytes": ("float32", "float64"),
        "other": ("float64",),  # numbers beyond float32 are an error
        "int64": ("float64",),
    }.items()
]

# -- activation functions -------------------------------------------------------------

BATCHES = [*ROWS, (31, 3, 5, 2), (1, 1, 1, 1), (0, 2, 3, 3)]
FUNCTIONS = [*ACTIVATIONS.values(), LeakyReLU(0.25), ELU(0.5)]


def draw_backward(f, draw, *shape):
    z, a, dy = (draw.rows_innermost(*shape) for _ in range(3))
    z *= 3
    return f, z, a, dy


def draw_forward(f, draw, *shape):
    z, a = (draw.rows_innermost(*shape) for _ in range(2))
    z *= 3
    return f, z, a


def compute_activation(f, z, a, *others):
    f.forward(z, a)


for f in FUNCTIONS:
    RECIPES += [
        Recipe(
            activation_forward,
            "-rw",
            partial(draw_forward, f),
            BATCHES,
            LARGE_ROWS,
            name=str(f),
            tolerance=20,
        ),
        Recipe(
            activation_backward,
            "-r-w",
            partial(draw_backward, f),
            BATCHES,
            LARGE_ROWS,
            name=str(f),
            tolerance=20,
            prepare=compute_activation,
        ),
        Recipe(
            bias_activation,
            "-wrw",
            lambda draw, *s, f=f: (f, 3 * draw(*s), draw(s[1]), draw(*s)),
            ROWS,
            LARGE_ROWS,
            name=str(f),
            tolerance=20,
        ),
        Recipe(
            activation_backward_bias,
            "-r-ww",
            lambda draw, *s, f=f: (*draw_backward(f, draw, *s), draw(s[1])),
            ROWS,
            LARGE_ROWS,
            name=str(f),
            prepare=compute_activation,
        ),
    ]

for f in FUNCTIONS:
    RECIPES += [
        Recipe(
            parametric_activation,
            "-rrww",
            lambda draw, n, units, f=f: (
                *(f, 3 * draw(n, units).T, draw(units)),
                *(draw(n, units).T, draw(n, units).T),
            ),
            ROWS,
            LARGE_ROWS,
            name=str(f),
            tolerance=20,
        ),
        Recipe(
            parametric_activation_backward,
            "-rr-ww",
            lambda draw, n, units, f=f: (
                *(f, 3 * draw(n, units).T, draw(units)),
                *(draw(n, units).T, draw(n, units).T, draw(units)),
            ),
            ROWS,
            LARGE_ROWS,
            name=str(f),
            prepare=lambda f, x, alpha, a, *others: f.forward(x, a),
        ),
    ]

UNITS = [(31, 33), (1, 1), (1, 300), (257, 2), (3, 0), (128, 17), (7, 1000)]


def draw_units(images, draw, units, m):
    """Draw (units, m), where m is contiguous for images, units are for rows."""
    return draw(units, m) if images else draw(m, units).T


for images in False, True:
    layout = "images" if images else "rows"
    by_unit = partial(draw_units, images)
    RECIPES += [
        Recipe(
            prelu,
            "rrw",
            lambda draw, *s, x=by_unit: (x(draw, *s), draw(s[0]), x(draw, *s)),
            [*UNITS, (0, 3)],
            name=layout,
        ),
        Recipe(
            prelu_backward,
            "rrww",
            lambda draw, *s, x=by_unit: (
                *(x(draw, *s), draw(s[0])),
                *(x(draw, *s), draw(s[0])),
            ),
            [*UNITS, (0, 3)],
            name=layout,
        ),
    ]

# -- losses ---------------------------------------------------------------------------

SCORES = [(20, 10), (1, 1), (0, 3), (33, 2), (16, 3), (5, 257), (70, 100), (7, 101)]
LOSSES = [
    losses.HalfSquaredError(),
    losses.AbsoluteError(),
    losses.Huber(0.7),
    losses.HalfPoissonDeviance(),
    losses.Quantile(0.3),
    losses.Quantile((0.1, 0.5, 0.9)),
    losses.Quantile(tuple(np.linspace(0.01, 0.99, 70))),
    losses.BinaryCrossEntropy(),
    losses.BinaryCrossEntropy(0.1),
    losses.CategoricalCrossEntropy(),
    losses.CategoricalCrossEntropy(0.1),
]


def draw_loss(loss, weighted, draw, n, k):
    z = 3 * draw(n, k * loss.scores_per_output)
    y = draw.rng.poisson(1, (n, k)).astype(draw.dtype)
    if isinstance(loss, losses.BinaryCrossEntropy):
        y = np.minimum(y, 1)
    elif isinstance(loss, losses.CategoricalCrossEntropy):
        y = draw.rng.integers(0, k, n)
    w = draw.positive(n) if weighted else None
    return loss, z, y, w, np.array([0.37]), np.zeros(1)


RECIPES += [
    Recipe(
        scaled_loss_gradient,
        "-w---w",
        partial(draw_loss, loss, weighted),
        SCORES,
        name=f"{type(loss).__name__}{i}" + "-weighted" * weighted,
    )
    for (i, loss), weighted in product(enumerate(LOSSES), (False, True))
]

# -- solvers --------------------------------------------------------------------------

STEPS = [(257, 100), (0, 0), (1, 0), (1, 1), (31, 31), (33, 0), (1500, 1200)]


def draw_step(n_states, constants, draw, size, n_decay):
    states = [draw.positive(size) for _ in range(n_states)] or [None]
    theta = draw(size)
    theta[: n_decay // 3] = 0  # where the L1 norm has no slope
    c = np.array([0.1, 0.02, 0.9, 0.5, *constants])
    return theta, draw(size), *states, n_decay, c, np.zeros(2)


RECIPES += [
    Recipe(
        solver,
        "ws" + "w" * max(n_states, 1) + "--w",
        partial(draw_step, n_states, constants),
        STEPS,
        name=name,
    )
    for solver, name, n_states, constants in [
        (sgd, "plain", 0, [0.1, 0.0, 0.0]),
        (sgd, "momentum", 1, [0.1, 0.9, 0.0]),
        (sgd, "nesterov", 1, [0.1, 0.9, 1.0]),
        (adam, "", 2, [0.1, 0.9, 0.99, 1e-6]),
        (nadam, "", 2, [0.1, 0.2, 0.9, 0.99, 1e-6]),
        (rmsprop, "", 1, [0.1, 0.9, 1e-6]),
        (adagrad, "", 1, [0.1, 1e-6]),
        (adadelta, "", 2, [0.1, 0.9, 1e-6]),
    ]
]

# -- normalization and masks ----------------------------------------------------------

LARGE_UNITS = (131, 1021)
EPSILON = 1e-3


RECIPES += [
    Recipe(
        scale_backward,
        "rrww",
        lambda draw, n, units: (
            *(draw(n, units).T, draw(units)),
            *(draw(n, units).T, draw(units)),
        ),
        ROWS,
        LARGE_ROWS,
    )
]


def draw_batch_norm(x, in_place, draw, units, m):
    vectors = [draw.positive(units) for _ in range(4)]
    q, X = draw.positive(m), x(draw, units, m)
    return X, q / q.sum(), *vectors, X if in_place else x(draw, units, m), EPSILON


def draw_batch_norm_backward(x, dx, draw, units, m):
    vectors = [draw.positive(units) for _ in range(5)]
    q, X, dy = draw.positive(m), x(draw, units, m), x(draw, units, m)
    dx = {"none": None, "in place": dy, "new": x(draw, units, m)}[dx]
    return X, dy, q / q.sum(), *vectors, dx, EPSILON


def draw_layer_norm(x, in_place, draw, units, m):
    gamma, beta = draw.positive(units), draw(units)
    X = x(draw, units, m)
    y = X if in_place else x(draw, units, m)
    return X, gamma, beta, draw(m), draw(m), y, EPSILON


def draw_layer_norm_backward(x, in_place, draw, units, m):
    X, dy = x(draw, units, m), x(draw, units, m)
    dx = dy if in_place else x(draw, units, m)
    return X, dy, draw.positive(units), draw(m), draw.positive(m), dx


for images in False, True:
    layout = "images" if images else "rows"
    by_unit = partial(draw_units, images)
    RECIPES += [
        Recipe(
            scale_shift,
            "rrrw",
            lambda draw, *s, x=by_unit: (
                *(x(draw, *s), draw(s[0])),
                *(draw(s[0]), x(draw, *s)),
            ),
            UNITS,
            LARGE_UNITS,
            name=layout,
        ),
        Recipe(
            scale_shift,
            "rr-w",
            lambda draw, *s, x=by_unit: (x(draw, *s), draw(s[0]), None, x(draw, *s)),
            UNITS,
            LARGE_UNITS,
            name=f"{layout}-no shift",
        ),
        Recipe(
            scale_gradient,
            "rrw",
            lambda draw, *s, x=by_unit: (x(draw, *s), x(draw, *s), draw(s[0])),
            UNITS,
            LARGE_UNITS,
            name=layout,
        ),
        Recipe(
            layer_norm_gradients,
            "rr--ww",
            lambda draw, *s, x=by_unit: (
                *(x(draw, *s), x(draw, *s), draw(s[1]), draw.positive(s[1])),
                *(draw(s[0]), draw(s[0])),
            ),
            UNITS,
            LARGE_UNITS,
            name=layout,
        ),
    ]
    for in_place in False, True:
        name = f"{layout}-in place" if in_place else layout
        x = "w" if in_place else "r"
        RECIPES += [
            Recipe(
                batch_norm,
                f"{x}-rrwww-",
                partial(draw_batch_norm, by_unit, in_place),
                UNITS,
                LARGE_UNITS,
                name=name,
                tolerance=1000,  # divided by a small standard deviation
            ),
            Recipe(
                layer_norm,
                f"{x}rrwww-",
                partial(draw_layer_norm, by_unit, in_place),
                UNITS,
                LARGE_UNITS,
                name=name,
                tolerance=1000,
            ),
            Recipe(
                layer_norm_backward,
                f"r{x}r--w",
                partial(draw_layer_norm_backward, by_unit, in_place),
                UNITS,
                LARGE_UNITS,
                name=name,
            ),
        ]
    RECIPES += [
        Recipe(
            batch_norm_backward,
            "r" + ("w" if dx == "in place" else "r") + "-r--www-",
            partial(draw_batch_norm_backward, by_unit, dx),
            UNITS,
            LARGE_UNITS,
            name=f"{layout}-dx {dx}",
        )
        for dx in ("none", "in place", "new")
    ]


def draw_mask(in_place, draw, n, threshold):
    x, bits = draw(n), draw.rng.integers(0, 2**16, n).astype(np.uint16)
    bits[: n // 4] = threshold
    limits = np.array([threshold, 65536 / (65536 - threshold)], x.dtype)
    return x, bits, x if in_place else draw(n), limits


RECIPES += [
    Recipe(
        mask,
        "w-w-" if in_place else "r-w-",
        partial(draw_mask, in_place),
        [(257, 32768), (0, 1), (1, 0), (31, 65535), (33, 1)],
        (131_101, 32768),
        name="in place" if in_place else "",
        tolerance=1,
    )
    for in_place in (False, True)
]

# -- embeddings -----------------------------------------------------------------------


def draw_codes(draw, n, d, n_categories):
    """Rows of which every second number is a code, some of them unknown."""
    columns = np.arange(d)[::-2]
    x = np.round(draw(n, d) * max(n_categories, default=1))
    x[::5, columns] += 0.75
    x.flat[::7] = np.nan
    return x, np.arange(d)[d % 2 :: 2], columns, np.cumsum([0, *n_categories])


def draw_embedding(draw, n, d, n_categories, size):
    x, others, columns, starts = draw_codes(draw, n, d, n_categories)
    width = len(others) + len(columns) * size
    E = draw(sum(n_categories), size)
    return x, others, columns, starts, E, draw(n, width)


def draw_embedding_backward(draw, n, d, n_categories, size):
    x, _, columns, starts = draw_codes(draw, n, d, n_categories)
    width = len(columns) * size
    return x, columns, starts, draw(n, width), draw(sum(n_categories), size)


CODES = [
    (31, 6, (4, 1, 9), 8),
    (0, 2, (3,), 2),
    (1, 1, (1,), 1),
    (7, 5, (2, 3, 4), 3),
    (3, 0, (), 8),
]

RECIPES += [
    Recipe(embedding, "r---rw", draw_embedding, CODES, (300, 40, (5,) * 20, 40)),
    Recipe(embedding_backward, "r--rw", draw_embedding_backward, CODES),
]


def draw_periodic(draw, n, m, k, size):
    x, e = draw(n, m + 2)[:, :m], draw(n, m * size + 1)[:, 1:].reshape(n, m, size)
    return 10 * x, draw(m, k), 3 * draw(m, k), draw(m, k, size), draw(m, size), e


def draw_periodic_backward(with_dx, draw, n, m, k, size):
    x, w, b, W, c, de = draw_periodic(draw, n, m, k, size)
    gradients = (np.empty_like(array) for array in (w, b, W, c))
    return x, w, b, W, de, *gradients, draw(n, m) if with_dx else None


WAVES = [(31, 4, 16, 3), (1, 1, 1, 1), (0, 3, 2, 2), (130, 2, 37, 4), (5, 0, 3, 2)]
LARGE_WAVES = (600, 40, 5, 3)

RECIPES += [
    Recipe(
        periodic_embedding,
        "rrrrrw",
        draw_periodic,
        WAVES,
        LARGE_WAVES,
        tolerance=1000,  # the rounding of an angle of up to 2π 100
    ),
    *(
        Recipe(
            periodic_embedding_backward,
            "rrrrrwwwww",
            partial(draw_periodic_backward, with_dx),
            WAVES,
            LARGE_WAVES,
            name="dx" if with_dx else "no dx",
            tolerance=1000,
        )
        for with_dx in (False, True)
    ),
]


def draw_pieces(draw, n, m, bins, size):
    """Arguments with up to `bins` bins in a column; some x are at their edges."""
    left = np.sort(draw(m, bins), axis=1)
    scale = draw.positive(m, bins)
    for j in range(m):
        left[j, max(bins - j, 1) :], scale[j, max(bins - j, 0) :] = np.inf, 0
    x, e = 2 * draw(n, m + 2)[:, :m], draw(n, m * size + 1)[:, 1:].reshape(n, m, size)
    x[: min(n, bins)] = np.where(np.isfinite(left), left, 7).T[:n]
    arrays = draw(m, size), draw(m, size), draw(m, bins, size)
    return x, left, scale, *arrays, draw(m, bins, size), e


def draw_pieces_backward(with_dx, draw, n, m, bins, size):
    x, left, scale, w, b, V, sums, de = draw_pieces(draw, n, m, bins, size)
    gradients = (np.empty_like(array) for array in (w, b, V))
    dx = draw(n, m) if with_dx else None
    return x, left, scale, w, V, de, sums, *gradients, dx


PIECES = [(31, 4, 9, 3), (1, 1, 1, 1), (0, 3, 2, 2), (130, 2, 48, 16), (5, 0, 3, 2)]
LARGE_PIECES = (600, 40, 5, 3)

RECIPES += [
    Recipe(piecewise_linear, "r--rrrsw", draw_pieces, PIECES, LARGE_PIECES),
    *(
        Recipe(
            piecewise_linear_backward,
            "r--rrrswwww",
            partial(draw_pieces_backward, with_dx),
            PIECES,
            LARGE_PIECES,
            name="dx" if with_dx else "no dx",
        )
        for with_dx in (False, True)
    ),
]

# -- images ---------------------------------------------------------------------------

# C, H, W, n, and of a window kh, kw, sh, sw
POOLS = [
    (2, 6, 6, 31, 2, 2, 2, 2),
    (3, 7, 9, 5, 2, 2, 2, 2),
    (1, 2, 2, 1, 2, 2, 2, 2),
    (2, 4, 4, 0, 2, 2, 2, 2),
    (2, 9, 8, 67, 3, 2, 2, 3),
    (2, 5, 5, 7, 3, 3, 1, 1),
    (1, 5, 5, 7, 1, 1, 2, 2),
]
LARGE_POOL = (9, 24, 24, 31, 2, 2, 2, 2)


def draw_pool(draw, C, H, W, n, kh, kw, sh, sw):
    """Images with ties, and arrays of the shape of pooled images."""
    x = np.round(draw(C, H, W, n))
    shape = C, (H - kh) // sh + 1, (W - kw) // sw + 1, n
    return x, draw(*shape), draw(*shape), draw(C, H, W, n), (kh, kw, sh, sw)


def draw_pooled(places, draw, *size):
    *arrays, window = draw_pool(draw, *size)
    return *(arrays[i] for i in places), *window


def compute_max_pool(x, y, dy, dx, *window):
    max_pool(x, y, *window)


RECIPES += [
    Recipe(f, roles, partial(draw_pooled, places), POOLS, LARGE_POOL, prepare=prepare)
    for f, roles, places, prepare in [
        (max_pool, "rw----", (0, 1), None),
        (max_pool_backward, "r-rw----", (0, 1, 2, 3), compute_max_pool),
        (avg_pool, "rw----", (0, 1), None),
        (avg_pool_backward, "rw----", (2, 3), None),
    ]
]

IMAGES = [(31, 5, 3, 2), (1, 1, 1, 1), (0, 2, 3, 3), (67, 4, 4, 1), (16, 1, 7, 5)]
LARGE_IMAGES = (67, 17, 15, 9)  # n, H, W, C

RECIPES += [
    Recipe(
        global_avg_pool,
        "rw",
        lambda draw, n, H, W, C: (draw(C, H, W, n), draw(n, C)),
        IMAGES,
        LARGE_IMAGES,
    ),
    Recipe(
        global_avg_pool_backward,
        "rw",
        lambda draw, n, H, W, C: (draw(n, C), draw(C, H, W, n)),
        IMAGES,
        LARGE_IMAGES,
    ),
    Recipe(
        to_images,
        "rw",
        lambda draw, n, H, W, C: (draw(n, H, W, C), draw(C, H, W, n)),
        IMAGES,
        LARGE_IMAGES,
        tolerance=0,
    ),
]

# C, H, W, n, channels, kh, kw, sh, sw, padding. The typical one has no padding: there,
# the twin multiplies zeros by weights and derivatives that may be infinite.
CONVOLUTIONS = [
    (3, 6, 7, 17, 5, 3, 2, 1, 1, "valid"),
    (1, 1, 1, 1, 1, 1, 1, 1, 1, "valid"),
    (2, 5, 4, 0, 3, 3, 3, 1, 1, "same"),
    (3, 9, 8, 7, 17, 3, 3, 1, 1, "same"),
    (1, 8, 8, 33, 8, 5, 5, 1, 1, "same"),
    (2, 11, 5, 5, 9, 3, 2, 2, 3, "same"),
    (7, 2, 3, 16, 3, 5, 7, 1, 1, "same"),
    (2, 4, 3, 3, 4, 2, 1, 3, 2, (2, 1)),
    (2, 3, 4, 65, 11, 7, 6, 1, 2, 3),
]


def draw_convolution(draw, C, H, W, n, channels, kh, kw, sh, sw, padding):
    layer = Conv2D(channels, (kh, kw), stride=(sh, sw), padding=padding)
    spec = layer.build((C, H, W))
    windows = Windows(layer, spec, n, draw.dtype)
    return (
        windows,
        *(draw(C, H, W, n), draw(channels, C, kh, kw), draw(channels)),
        draw(channels, *spec.out_shape[1:], n),
    )


def draw_weight_gradient(draw, *size):
    windows, x, W, b, y = draw_convolution(draw, *size)
    return windows, x, y, W, b


def draw_input_gradient(draw, *size):
    windows, x, W, _, y = draw_convolution(draw, *size)
    return windows, y, W, x


def compute_windows(windows, x, *others):
    """Fill the matrix of windows, which the twin keeps from the forward pass."""
    W, b = np.zeros((1, len(x), *windows.k), x.dtype), np.zeros(1, x.dtype)
    conv_forward(windows, x, W, b, np.empty((1, *windows.shape[3:]), x.dtype))


RECIPES += [
    Recipe(
        f,
        roles,
        draw,
        CONVOLUTIONS,
        (17, 16, 16, 16, 17, 3, 3, 1, 1, "same"),
        prepare=prepare,
    )
    for f, roles, draw, prepare in [
        (conv_forward, "-rrrw", draw_convolution, None),
        (conv_weight_gradient, "-rrww", draw_weight_gradient, compute_windows),
        (conv_input_gradient, "-rrw", draw_input_gradient, None),
    ]
]

MAPS = {
    "rotation": [augmentation.RandomRotation(180), augmentation.RandomScale(2)],
    "shift": [augmentation.RandomShift(1)],
    "crop": [augmentation.RandomCrop(5), augmentation.RandomFlip(vertical=True)],
}


def draw_warp(maps, fill, draw, n, height, width, channels):
    matrices = np.tile(np.eye(3), (n, 1, 1))
    for geometric in MAPS[maps]:
        matrices = matrices @ geometric.draw(n, (height, width), draw.rng)
    images = draw(n, height, width, channels)
    return images, matrices, draw(*images.shape), fill


RECIPES += [
    Recipe(
        warp_images,
        # Where pixels are copied, their neighbors have no influence.
        "r-w-" if maps == "crop" else "--w-",
        partial(draw_warp, maps, fill),
        [(7, 28, 28, 1), (1, 1, 1, 1), (5, 1, 7, 2), (3, 33, 1, 3), (3, 5, 67, 3)],
        (35, 64, 64, 1),
        name=f"{maps}-{fill}",
        # The rounding of a place in the image, times the slope between its neighbors
        tolerance=0 if maps == "crop" else 200,
    )
    for maps, fill in product(MAPS, (-0.5, "nearest"))
]
