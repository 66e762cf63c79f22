"""The network: a list of layers over one flat parameter vector.

Arrays live in three places. ``theta`` holds all parameters: first those that the
penalty covers, last those of frozen layers. A solver's step and the penalty are thus
each one operation on one vector. ``state`` holds what training passes update, such as
running averages. Layers see both through views. A `BoundPass` holds the buffers of one
batch size and the operations on them. Views are dropped on pickling and created again
on loading, so the pickle of a network holds its weights only once.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ._arrays import aligned_empty, aligned_zeros, as_floats
from ._kernels import Calls
from ._member_loss import MeanOverMembers
from ._threads import ONE_THREAD_UP_TO, call_with_blas_threads, side_by_side
from ._typing import Array, DType, Matrix, Shape
from .layers import Layer, LayerSpec, ParamSpec, Training
from .layers.base import (
    Discarded,
    Params,
    SparseRows,
    Workspace,
    adapt_all,
    bind_all,
    bind_backward_all,
    densify,
    layer_names,
)

ROWS_BUFFER = 2**20
"""Maximum number of elements, of features and activations, that a pass over many rows
holds at a time: up to 8 MB, and with gradients and casts less than 50 MB."""

CACHED = 2**17
"""Number of elements that stay in the cache during a pass: up to 1 MB."""

ROWS_OF_PRODUCTS = 512
"""Number of rows above which matrix products are hardly faster per row."""

ROWS_PER_THREAD = 2048
"""Number of rows for which a thread of its own pays: a millisecond or more."""

ROWS_TO_ADAPT = 10_000
"""Number of rows that determine data-driven initial parameters: enough for their
means, standard deviations and quantiles."""

GROUPS = ("decay", "other", "frozen")
"""The parts of theta, in order."""


class Network:
    """Layers, their shapes, and their parameters.

    Parameters
    ----------
    layers : sequence of Layer
        The layers, from the input to the raw scores.
    in_shape : tuple of int
        Shape of one input row.
    dtype : dtype
        The dtype of the parameters and of all buffers: float32 or float64.
    rates : sequence of float, default=None
        Factor of the learning rate for each layer, 1 by default. A layer with factor 0
        is frozen: in training it behaves as in prediction, and it does not change.
    array_rates : sequence of dict, default=None
        Further factors for each layer, by the names of its parameter arrays.

    Attributes
    ----------
    specs : list of LayerSpec
        The shapes and parameters of each layer.
    theta : ndarray of shape (n_parameters,)
        All parameters: first those that the penalty covers, last the frozen ones.
    n_decay : int
        Number of parameters that the penalty covers: ``theta[:n_decay]``.
    n_trained : int
        Number of parameters that are not frozen: ``theta[:n_trained]``.
    state : ndarray of shape (n_state,)
        What training passes update, such as running averages.
    params : list of dict of ndarray
        Views into theta and state by name, one dict per layer.
    members : MeanOverMembers or None
        For an ensemble of networks that are trained together: averages what the
        members predict. None for a single network.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.layers import Activation, Dense
    >>> from sknn.network import Network
    >>> layers = [Dense(8), Activation("relu"), Dense(3)]
    >>> network = Network(layers, in_shape=(4,), dtype=np.dtype("float32"))
    >>> network
    Network(4 -> 8 -> 3, 67 parameters, float32)
    >>> network.shapes
    [(0, 'W', (4, 8)), (0, 'b', (8,)), (2, 'W', (8, 3)), (2, 'b', (3,))]
    >>> network.initialize(np.random.RandomState(0))
    >>> network.scores(np.ones((5, 4))).shape
    (5, 3)

    An estimator has its network in ``network_``.
    """

    theta: Array
    state: Array
    params: list[Params]
    members: MeanOverMembers | None = None

    def __init__(
        self,
        layers: Sequence[Layer],
        in_shape: Shape,
        dtype: DType,
        rates: Sequence[float] | None = None,
        array_rates: Sequence[Mapping[str, float]] | None = None,
    ) -> None:
        self.layers = tuple(layers)
        self.rates = (1.0,) * len(self.layers) if rates is None else tuple(rates)
        self.array_rates = tuple(array_rates or ({} for _ in self.layers))
        self.names = [*layer_names(self.layers[:-1]), "output"][: len(self.layers)]
        self.specs: list[LayerSpec] = []
        shape = in_shape
        for layer, name in zip(self.layers, self.names, strict=True):
            try:
                self.specs.append(layer.build(shape))
            except ValueError as error:
                raise ValueError(f"Layer {name} does not fit: {error}") from None
            shape = self.specs[-1].out_shape
        self.in_shape, self.out_shape = in_shape, shape
        sizes = dict.fromkeys(GROUPS, 0)
        for i, _, spec in self._param_specs():
            sizes[self._group(i, spec)] += math.prod(spec.shape)
        self.n_decay = sizes["decay"]
        self.n_trained = sizes["decay"] + sizes["other"]
        # No layer before the first trained one needs a gradient.
        trained = (
            i
            for i, (spec, rate) in enumerate(zip(self.specs, self.rates, strict=True))
            if spec.params and rate
        )
        self._first_trained = next(trained, len(self.layers))
        state = [
            np.full(math.prod(part.shape), part.value, dtype)
            for spec in self.specs
            for part in spec.state.values()
        ]
        theta = aligned_zeros((sum(sizes.values()),), dtype)
        self._bind(theta, np.concatenate([np.empty(0, dtype), *state]))

    def _param_specs(self) -> Iterator[tuple[int, str, ParamSpec]]:
        """Yield layer index, name and ParamSpec of each parameter, in drawing order."""
        for i, layer_spec in enumerate(self.specs):
            for name, spec in layer_spec.params.items():
                yield i, name, spec

    def _group(self, i: int, spec: ParamSpec) -> str:
        """Return the group of theta that a parameter of layer `i` belongs to."""
        if self.rates[i] == 0:
            return "frozen"
        return "decay" if spec.decay else "other"

    def _layout(self) -> Iterator[tuple[int, str, ParamSpec, slice]]:
        """Yield layer index, name, ParamSpec and place in theta of each parameter."""
        ends = {"decay": 0, "other": self.n_decay, "frozen": self.n_trained}
        for i, name, spec in self._param_specs():
            group = self._group(i, spec)
            start = ends[group]
            ends[group] += math.prod(spec.shape)
            yield i, name, spec, slice(start, ends[group])

    def _bind(self, theta: Array, state: Array) -> None:
        self.theta, self.state = theta, state
        self.params = self.views(theta)
        start = 0
        for views, layer_spec in zip(self.params, self.specs, strict=True):
            for name, spec in layer_spec.state.items():
                stop = start + math.prod(spec.shape)
                views[name] = state[start:stop].reshape(spec.shape)
                start = stop

    def views(self, flat: Array) -> list[Params]:
        """Return views into a vector like theta, one for each parameter array.

        Parameters
        ----------
        flat : ndarray of shape (n_parameters,) or (n_trained,)
            A vector in the order of theta, with or without the frozen parameters.

        Returns
        -------
        list of dict of ndarray
            The views by name, one dict per layer. Without the frozen parameters, the
            dicts of frozen layers are empty.
        """
        views: list[Params] = [{} for _ in self.layers]
        for i, name, spec, at in self._layout():
            if at.stop <= flat.size:
                views[i][name] = flat[at].reshape(spec.shape)
        return views

    def gradients(self, grad: Array) -> list[Params]:
        """Return views into a gradient, one for each parameter array.

        Parameters
        ----------
        grad : ndarray of shape (n_trained,)
            Gradient with respect to the parameters that are not frozen.

        Returns
        -------
        list of dict of ndarray
            The views by name, one dict per layer. Frozen layers after the first trained
            layer have arrays of their own, which are never read; those before it have
            none.
        """
        views = self.views(grad)
        for i in range(self._first_trained, len(views)):
            if self.rates[i] == 0:
                views[i] = self._discarded(i)
        return views

    def _discarded(self, i: int) -> Discarded:
        """Return arrays for the gradients of layer `i`, which are never read."""
        shapes = {name: spec.shape for name, spec in self.specs[i].params.items()}
        return Discarded({n: np.empty(s, self.dtype) for n, s in shapes.items()})

    @property
    def segments(self) -> list[tuple[slice, float]]:
        """Slices of trained parameters, each with its factor of the learning rate."""
        places = (
            (at, self.rates[i] * self.array_rates[i].get(name, 1.0))
            for i, name, _, at in self._layout()
        )
        runs: list[tuple[slice, float]] = []
        for at, rate in sorted(places, key=lambda place: place[0].start):
            if runs and runs[-1][1] == rate:
                runs[-1] = slice(runs[-1][0].start, at.stop), rate
            elif rate:
                runs.append((at, rate))
        return runs

    def initialize(self, rng: np.random.RandomState, X: Matrix | None = None) -> None:
        """Draw all parameters layer by layer, in float64, and cast them.

        Layers whose initial parameters depend on the training rows are then adapted to
        them.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of random numbers.
        X : ndarray or CSR matrix of shape ``(n, *in_shape)``, default=None
            The training rows. Of more than 10,000, this number is drawn at random. With
            None, no layer is adapted.
        """
        for i, name, spec in self._param_specs():
            self.params[i][name][...] = spec.draw(rng)
        if X is not None and any(layer.adapts for layer in self.layers):
            self._adapt(X, rng)

    def _adapt(self, X: Matrix, rng: np.random.RandomState) -> None:
        """Adapt the layers to rows."""
        if X.shape[0] > ROWS_TO_ADAPT:
            X = X[np.sort(rng.choice(X.shape[0], ROWS_TO_ADAPT, replace=False))]
        place = rows_like(X, self.dtype)
        write_rows(X, place)
        x: Any = place.rows if isinstance(place, SparseRows) else place
        adapt_all(self.layers, self.specs, self.params, x, rng)

    def __repr__(self) -> str:
        weighted = (s for s in self.specs if any(p.decay for p in s.params.values()))
        shapes = [self.in_shape, *(spec.out_shape for spec in weighted)]
        widths = " -> ".join("×".join(map(str, shape)) for shape in shapes)
        return f"Network({widths}, {self.theta.size} parameters, {self.dtype})"

    @property
    def shapes(self) -> list[tuple[int, str, Shape]]:
        """Layer index, name and shape of each parameter."""
        return [(i, name, spec.shape) for i, name, spec in self._param_specs()]

    @property
    def arrays(self) -> list[tuple[str, Shape]]:
        """Name and shape of each parameter and state array, layer by layer.

        Networks in which these are equal can use each other's weights; layers without
        arrays, such as dropout, may differ.
        """
        found: list[tuple[str, Shape]] = []
        for spec in self.specs:
            found += [(name, param.shape) for name, param in spec.params.items()]
            found += [(name, state.shape) for name, state in spec.state.items()]
        return found

    @property
    def weights(self) -> list[Array]:
        """Views of the arrays that `arrays` lists, in the same order."""
        return [
            p[name]
            for p, spec in zip(self.params, self.specs, strict=True)
            for name in (*spec.params, *spec.state)
        ]

    @weights.setter
    def weights(self, arrays: Sequence[Array]) -> None:
        for view, new in zip(self.weights, arrays, strict=True):
            np.copyto(view, new)

    def body(self) -> Network:
        """Return the network without its last layer, with a copy of the parameters."""
        return self.split(len(self.layers) - 1)[0]

    def split(self, at: int) -> tuple[Network, Network]:
        """Return the first `at` layers and the others, with copies of the parameters.

        Parameters
        ----------
        at : int
            Number of layers of the first network.

        Returns
        -------
        head : Network
            The first `at` layers.
        tail : Network
            The other layers: ``tail.scores(head.scores(X))`` is ``network.scores(X)``.

        Examples
        --------
        >>> import numpy as np
        >>> from sknn.layers import Activation, Dense
        >>> from sknn.network import Network
        >>> layers = [Dense(8), Activation("relu"), Dense(3)]
        >>> network = Network(layers, in_shape=(4,), dtype=np.dtype(float))
        >>> for part in network.split(2):
        ...     print(part)
        Network(4 -> 8, 40 parameters, float64)
        Network(8 -> 3, 27 parameters, float64)
        """
        shape = self.specs[at].in_shape
        head = Network(self.layers[:at], self.in_shape, self.dtype)
        tail = Network(self.layers[at:], shape, self.dtype)
        n = len(head.weights)
        head.weights, tail.weights = self.weights[:n], self.weights[n:]
        return head, tail

    @property
    def n_layers(self) -> int:
        """Number of weight matrices plus one: scikit-learn counts the input too."""
        return 1 + sum(spec.decay for _, _, spec in self._param_specs())

    @property
    def largest_product(self) -> int:
        """Multiply-adds per row in the largest matrix product."""
        sizes = [
            math.prod(param.shape) * math.prod(spec.out_shape[-2:])  # once per pixel
            if len(spec.out_shape) == 3
            else math.prod(param.shape)
            for spec in self.specs
            for param in spec.params.values()
        ]
        return max(sizes, default=0)

    @property
    def dtype(self) -> DType:
        """The dtype of the parameters and buffers."""
        return self.theta.dtype

    def astype(self, dtype: DType) -> Network:
        """Return the network in another dtype; itself if it has this dtype already."""
        if dtype == self.dtype:
            return self
        other = copy.copy(self)
        other._bind(self.theta.astype(dtype), self.state.astype(dtype))
        return other

    def snapshot(self) -> tuple[Array, Array]:
        """Return copies of parameters and state, for `restore`."""
        return self.theta.copy(), self.state.copy()

    def restore(self, snapshot: tuple[Array, Array]) -> None:
        """Restore parameters and state in place."""
        np.copyto(self.theta, snapshot[0])
        np.copyto(self.state, snapshot[1])

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "params"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind(self.theta, self.state)

    def bind(
        self, x: Array | SparseRows, training: Training | None = None
    ) -> BoundPass:
        """Prepare passes of batches of one size: allocate memory, record operations.

        Parameters
        ----------
        x : ndarray of shape ``(n, *in_shape)`` or SparseRows
            Where each batch is to be written before ``forward()`` is called.
        training : Training, default=None
            What the layers share in training. Frozen layers behave as in prediction
            nevertheless. With None, all layers behave as in prediction.

        Returns
        -------
        BoundPass
            Its method ``forward()`` computes the raw scores `z`.
        """
        return BoundPass(self, x, training)

    def rows_per_pass(self, n: int) -> int:
        """Return how many of `n` rows to pass at a time.

        Few enough for the cache, but enough for fast products; memory is bounded.
        """
        width = sum(spec.width for spec in self.specs) + math.prod(self.in_shape)
        rows = max(CACHED // width, min(ROWS_OF_PRODUCTS, ROWS_BUFFER // width))
        return max(1, min(n, rows))

    def passes(
        self, X: Matrix, rows: Array | None = None
    ) -> Iterator[tuple[slice, Array]]:
        """Yield the raw scores of all rows of `X`, or of the given ones, in slices.

        The scores are in a buffer that the next slice overwrites. Rows are cast to the
        dtype of the network slice by slice, so `X` is never copied as a whole.
        """
        n = X.shape[0] if rows is None else len(rows)
        step = self.rows_per_pass(n) if n else 1
        bound: BoundPass | None = None
        for start in range(0, n, step):
            part = slice(start, min(start + step, n))
            x = X[part] if rows is None else X[rows[part]]
            if bound is None or part.stop - start < step:
                bound = None  # frees its buffers first
                bound = self.bind(rows_like(x, self.dtype))
            write_rows(x, bound.x)
            bound.forward()
            yield part, bound.z

    @property
    def n_scores(self) -> int:
        """Number of raw scores per row."""
        return self.out_shape[0] // (self.members.n_members if self.members else 1)

    def scores(self, X: Matrix, rows: Array | None = None) -> Array:
        """Return the raw scores of all rows of `X`, or of the given ones."""
        z = self.last_outputs(X, rows)
        return z if self.members is None else self.members.joint_scores(z)

    def last_outputs(self, X: Matrix, rows: Array | None = None) -> Array:
        """Return the outputs of the last layer, which may be the scores of members.

        Many rows are divided among threads, each of which computes the outputs of its
        rows through all layers. This takes less time than dividing each matrix product,
        after which the threads would have to wait for each other.
        """
        n = X.shape[0] if rows is None else len(rows)
        z = np.empty((n, *self.out_shape), self.dtype)

        def fill(start: int, stop: int) -> None:
            X_part = X[start:stop] if rows is None else X
            rows_part = None if rows is None else rows[start:stop]
            for part, z_part in self.passes(X_part, rows_part):
                z[start:stop][part] = z_part

        work = n * self.largest_product
        if work <= ONE_THREAD_UP_TO:
            fill(0, n)
        else:
            call_with_blas_threads(work, side_by_side, fill, n, ROWS_PER_THREAD)
        return z

    def input_gradients(
        self, X: Array, derivative: Callable[[Array, slice, Array], None]
    ) -> Array:
        """Return the gradient of a function of the raw scores with respect to the rows.

        All layers behave as in prediction, also those with random masks or batch
        statistics.

        Parameters
        ----------
        X : ndarray of shape ``(n, *in_shape)``
            Dense rows.
        derivative : callable
            ``derivative(z, rows, dz)`` writes into `dz` the derivative of the function
            with respect to the raw scores `z`, which are those of the slice `rows`.

        Returns
        -------
        dx : ndarray of shape ``(n, *in_shape)``
            For each row, the gradient of the function of its raw scores with respect to
            the elements of the row, in the dtype of the network.

        Examples
        --------
        The gradient of the first of two raw scores:

        >>> import numpy as np
        >>> from sknn.layers import Dense
        >>> from sknn.network import Network
        >>> network = Network([Dense(2)], in_shape=(3,), dtype=np.dtype(float))
        >>> network.params[0]["W"][:] = [[1, 4], [2, 5], [3, 6]]
        >>> def first_score(z, rows, dz):
        ...     dz[:] = [1, 0]
        ...
        >>> network.input_gradients(np.zeros((1, 3)), first_score)
        array([[1., 2., 3.]])
        """
        n, dx = len(X), np.empty(X.shape, self.dtype)
        step = self.rows_per_pass(n) if n else 1
        frozen = copy.copy(self)
        frozen.rates = (0.0,) * len(self.layers)
        bound: BoundPass | None = None
        for start in range(0, n, step):
            part = slice(start, min(start + step, n))
            if bound is None or part.stop - start < step:
                bound = None  # frees its buffers first
                x = rows_like(X[part], self.dtype)
                # Buffers of a training pass, which the backward pass needs.
                bound = frozen.bind(x, Training(np.random.default_rng(0)))
                dz = np.empty_like(bound.z)
                dx_part = bound.bind_input_gradient(dz)
            write_rows(X[part], bound.x)
            bound.forward()
            derivative(bound.z, part, dz)
            bound.backward()
            dx[part] = dx_part
        return dx


class BoundPass:
    """The passes of one batch through a network, bound to their buffers.

    Attributes
    ----------
    x : ndarray or SparseRows
        Where each batch is written.
    z : ndarray of shape ``(n, *out_shape)``
        The raw scores that `forward` computes.
    forward, backward : Calls
        The operations of the passes.
    """

    def __init__(
        self, network: Network, x: Array | SparseRows, training: Training | None
    ) -> None:
        self.network, self.x = network, x
        self.forward, self.backward = Calls(), Calls()
        self._workspaces = [
            Workspace(
                spec=spec,
                n=x.shape[0],
                dtype=network.dtype,
                training=training,
                p=p,
                train=training is not None and rate != 0,
                f=None,
                g={},
            )
            for spec, p, rate in zip(
                network.specs, network.params, network.rates, strict=True
            )
        ]
        z = bind_all(network.layers, self._workspaces, x, self.forward)
        if isinstance(z, SparseRows):
            sparse, z = z, np.empty(z.shape, z.dtype)
            self.forward.do(densify, sparse, z)
        self.z: Array = z

    def bind_backward(self, dz: Array, g: list[Params]) -> None:
        """Bind the backward pass from the gradient `dz` of the raw scores to `g`.

        `dz` is overwritten.
        """
        network = self.network
        for ws, layer_g in zip(self._workspaces, g, strict=True):
            ws.g = layer_g
        first = network._first_trained
        bind_backward_all(
            network.layers, self._workspaces, dz, first, False, self.backward
        )

    def bind_input_gradient(self, dz: Array) -> Array:
        """Bind the backward pass from `dz` to the gradient of the input, returned.

        The network must be frozen: no layer computes the gradients of its parameters.
        `dz` is overwritten.
        """
        network = self.network
        for i, ws in enumerate(self._workspaces):
            ws.g = network._discarded(i)
        dx = bind_backward_all(
            network.layers, self._workspaces, dz, 0, True, self.backward
        )
        assert dx is not None
        return dx


def rows_like(x: Matrix, dtype: DType) -> Array | SparseRows:
    """Return a place for batches like `x`, in floats of `dtype`."""
    if isinstance(x, np.ndarray):
        return aligned_empty(x.shape, dtype)
    return SparseRows(x.shape, dtype)


def write_rows(x: Matrix, place: Array | SparseRows) -> None:
    """Write the rows of a batch to their place, as floats."""
    if isinstance(place, SparseRows):
        place.rows = as_floats(x, place.dtype)
    else:
        as_floats(x, place.dtype, out=place)
