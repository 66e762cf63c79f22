"""The base class of layers: hyper-parameters, shapes, forward and backward pass.

A layer never holds arrays. Its parameters `p`, their gradients `g` and its state (such
as running averages) are views into flat vectors owned by the network. Its buffers live
in a workspace owned by the pass.

A pass is bound once for each batch size: `Layer.bind` allocates the output, and records
the operations that compute it. A layer can instead have the methods `forward` and
`backward`, which compute at once; they are then recorded as one operation each.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np

from .._arrays import batch_empty, rows_last
from .._kernels import Calls
from .._spec import Spec, overrides, spec
from .._typing import Array, DType, Matrix, Shape
from ..activations import ActivationFunction
from ..initializers import Initializer

T = TypeVar("T")

Params: TypeAlias = dict[str, Array]


class SparseRows:
    """The place of a CSR matrix, which is a new one in each batch.

    Attributes
    ----------
    rows : CSR matrix of shape (n, n_features)
    shape : (int, int)
    dtype : dtype
    """

    def __init__(self, shape: Shape, dtype: DType, rows: Any = None) -> None:
        self.shape, self.dtype, self.rows = shape, dtype, rows


class Workspace(SimpleNamespace):
    """The buffers of one layer for one batch size, as attributes.

    They are never shared between passes or threads, and never pickled.

    Attributes
    ----------
    spec : LayerSpec
    n : int
        Number of rows.
    dtype : dtype
    p, g : dict of ndarray
        Parameters and state, and gradients. `g` is set before the backward pass is
        bound; if it is false, the layer is frozen and only dx is needed.
    training : Training or None
        None in prediction.
    train : bool
        Whether this is a training pass of a layer that is not frozen.
    f : ActivationFunction or None
        The activation that the layer has to apply to its output (see
        `Layer.fuses_activation`).
    calls : Calls
        Where operations are recorded.
    """

    def do(self, f: Callable[..., None], *args: Any) -> None:
        """Record the operation ``f(*args)``."""
        self.calls.do(f, *args)

    def do_each(
        self, f: Callable[..., None], blocks: Iterable[tuple[Any, ...]]
    ) -> None:
        """Record ``f(*args)`` for each of `blocks`, which are independent."""
        self.calls.do_each(f, [*blocks])


@dataclass
class Training:
    """What the layers share during a training run, besides the network.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random numbers for masks. They are separate from those for initial weights and
        shuffling, so that switching dropout on does not change the latter.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows of the current batch; None gives every row weight 1.
    dropout_factor : float, default=1.0
        Factor of the rates of dropout and DropConnect in the current step.

    Examples
    --------
    Dropout sets half of the elements to 0, and with a factor of 0.5 a quarter of them:

    >>> import numpy as np
    >>> from sknn.layers import Dropout, Training
    >>> from sknn.network import Network
    >>> network = Network([Dropout(0.5)], in_shape=(10_000,), dtype=np.dtype(float))
    >>> for factor in (1.0, 0.5):
    ...     training = Training(np.random.default_rng(0), dropout_factor=factor)
    ...     batch = network.bind(np.ones((1, 10_000)), training)
    ...     batch.forward()
    ...     print(f"{(batch.z == 0).mean():.2f}")
    0.50
    0.25
    """

    rng: np.random.Generator
    sample_weight: Array | None = None
    dropout_factor: float = 1.0


@dataclass(frozen=True)
class ParamSpec:
    """Shape and initializer of a parameter array, and whether the penalty covers it.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    init : Initializer
        Draws the initial values.
    fan_in, fan_out : int
        Number of inputs and outputs of a unit, which set the scale of initial values.
    decay : bool
        Whether the penalty and weight decay apply.
    is_bias : bool, default=False
        Whether the array holds biases. Their initial values are those of the method
        `bias` of the initializer.
    members : {'independent', 'equal'}, default=None
        For an array whose first axis is that of the members of an ensemble: whether
        the initial values of each member are drawn independently, or are the same for
        all members. None means that the array has no such axis.

    Examples
    --------
    Initial values of an array with two members:

    >>> import numpy as np
    >>> from sknn.initializers import Normal
    >>> from sknn.layers import ParamSpec
    >>> for members in ("independent", "equal"):
    ...     spec = ParamSpec((2, 3), Normal(1.0), 3, 1, decay=True, members=members)
    ...     print(spec.draw(np.random.RandomState(0)).round(2))
    [[ 1.76  0.4   0.98]
     [ 2.24  1.87 -0.98]]
    [[1.76 0.4  0.98]
     [1.76 0.4  0.98]]
    """

    shape: Shape
    init: Initializer
    fan_in: int
    fan_out: int
    decay: bool
    is_bias: bool = False
    members: Literal["independent", "equal"] | None = None

    def draw(self, rng: np.random.RandomState) -> Array:
        """Draw initial values.

        Parameters
        ----------
        rng : numpy.random.RandomState
            Source of random numbers.

        Returns
        -------
        ndarray
            The initial values, float64, of the shape `shape`; possibly read-only.
        """
        if self.members is None:
            return self._draw(self.shape, rng)
        n_draws = self.shape[0] if self.members == "independent" else 1
        drawn = [self._draw(self.shape[1:], rng) for _ in range(n_draws)]
        return np.broadcast_to(np.stack(drawn), self.shape)

    def _draw(self, shape: Shape, rng: np.random.RandomState) -> Array:
        draw = self.init.bias if self.is_bias else self.init
        return draw(shape, self.fan_in, self.fan_out, rng)


@dataclass(frozen=True)
class StateSpec:
    """Shape and initial value of a state array, which training passes update.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    value : float
        Initial value of all elements.

    Examples
    --------
    The running averages of batch normalization:

    >>> from sknn.layers import BatchNorm
    >>> for name, state in BatchNorm().build(in_shape=(4,)).state.items():
    ...     print(name, state)
    mean StateSpec(shape=(4,), value=0.0)
    var StateSpec(shape=(4,), value=1.0)
    """

    shape: Shape
    value: float


@dataclass(frozen=True)
class LayerSpec:
    """The shapes and parameters of a layer, given the shape of its input.

    Parameters
    ----------
    in_shape, out_shape : tuple of int
        Shapes of the input and output of one row.
    params : mapping of str to ParamSpec, default={}
        The parameters, in the order in which their initial values are drawn.
    state : mapping of str to StateSpec, default={}
        The arrays that training passes update.
    parts : tuple of LayerSpec, default=()
        The specs of the inner layers, for a layer made of layers.

    Examples
    --------
    >>> from sknn.layers import Conv2D
    >>> spec = Conv2D(8, kernel_size=5, padding="valid").build(in_shape=(3, 32, 32))
    >>> spec.out_shape, spec.width
    ((8, 28, 28), 6272)
    >>> for name, param in spec.params.items():
    ...     print(name, param.shape, "fan_in", param.fan_in)
    W (8, 3, 5, 5) fan_in 75
    b (8,) fan_in 75
    """

    in_shape: Shape
    out_shape: Shape
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    state: Mapping[str, StateSpec] = field(default_factory=dict)
    parts: tuple[LayerSpec, ...] = ()

    @property
    def width(self) -> int:
        """Number of output elements per row, including those of the parts."""
        return math.prod(self.out_shape) + sum(part.width for part in self.parts)


@spec
class Layer(Spec, ABC):
    """One step of a network, ``y = f(x; p)``; immutable, holds only hyper-parameters.

    x is the input, p are the parameters, y is the output. The first axis of x and y is
    that of the rows of a batch. The backward pass gets dy, the derivative of the loss
    with respect to y. From it, a layer computes the gradients of its parameters, and
    dx, the derivative with respect to x; dx and dy have the shapes of x and y.

    Parameters
    ----------
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    Examples
    --------
    A layer of your own is a frozen dataclass with the methods `build`, `forward` and
    `backward`. This one adds a learned number to each element:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sknn import SequentialClassifier
    >>> from sknn.initializers import Zeros
    >>> from sknn.layers import Dense, Layer, LayerSpec, ParamSpec
    >>> @dataclass(frozen=True)
    ... class Shift(Layer):
    ...     def build(self, in_shape):
    ...         b = ParamSpec(in_shape, Zeros(), fan_in=1, fan_out=1, decay=False)
    ...         return LayerSpec(in_shape, in_shape, {"b": b})
    ...     def forward(self, p, x, ws, train):
    ...         return x + p["b"]
    ...     def backward(self, p, g, dy, ws, need_dx):
    ...         np.sum(dy, axis=0, out=g["b"])
    ...         return dy
    ...
    >>> clf = SequentialClassifier([Dense(8), Shift()])
    >>> clf.summary(n_features_in=4, n_outputs=3)
    layer   kind            output shape  parameters
    ------------------------------------------------
    dense1  Dense(units=8)  8             40
    shift1  Shift()         8             8
    output  Dense(units=3)  3             27
    75 parameters
    """

    name: str | None = field(default=None, kw_only=True)

    random: ClassVar[bool] = False
    """Whether a training pass draws random numbers."""

    mixes_rows: ClassVar[bool] = False
    """Whether, in a training pass, the output of a row depends on the other rows."""

    takes_sparse: ClassVar[bool] = False
    """Whether the input may be a CSR matrix; otherwise it is made dense first."""

    adapts: ClassVar[bool] = False
    """Whether initial parameters and state depend on the training rows (`adapt`)."""

    fuses_activation: ClassVar[bool] = False
    """Whether `bind` applies an activation function that follows, ``ws.f``."""

    @property
    def activation_to_fuse(self) -> ActivationFunction | None:
        """The function of an activation layer, which the layer before can apply."""
        return None

    @abstractmethod
    def build(self, in_shape: Shape) -> LayerSpec:
        """Return the shapes and parameters of the layer for a shape of its input.

        Parameters
        ----------
        in_shape : tuple of int
            Shape of the input, without the axis of the rows.

        Returns
        -------
        LayerSpec
            The shape of the output, and the parameters and state.

        Raises
        ------
        ValueError
            If the layer does not work on inputs of this shape.
        """

    def adapt(self, p: Params, x: Array, rng: np.random.RandomState) -> None:
        """Adapt the initial parameters and state in place to training rows.

        Called before training if the layer declares that it `adapts`.

        Parameters
        ----------
        p : dict of ndarray
            Parameters and state by name, to be changed in place.
        x : ndarray of shape ``(n, *in_shape)``
            The input of the layer for some of the training rows.
        rng : numpy.random.RandomState
            Source of random numbers.
        """

    def parts(self, spec: LayerSpec) -> list[tuple[Layer, LayerSpec]]:
        """Return the inner layers of a layer made of layers.

        Parameters
        ----------
        spec : LayerSpec
            What `build` has returned.

        Returns
        -------
        list of (Layer, LayerSpec)
            Each inner layer with its spec; empty for other layers.
        """
        return []

    def workspace(
        self, spec: LayerSpec, n: int, dtype: DType, training: Training | None
    ) -> Any:
        """Return the buffers for batches of `n` rows.

        A layer with the methods `forward` and `backward` gets them as `ws`, and may
        keep there what the backward pass needs.

        Parameters
        ----------
        spec : LayerSpec
            What `build` has returned.
        n : int
            Number of rows.
        dtype : dtype
            The dtype of the network: float32 or float64.
        training : Training or None
            Random numbers and weights of the rows in training; None in prediction,
            where no buffers of the backward pass are needed.

        Returns
        -------
        object
            The buffers, as attributes.
        """
        return Workspace(spec=spec, n=n, dtype=dtype, training=training, f=None, g={})

    def bind(self, ws: Workspace, x: Any) -> Any:
        """Record the operations of the forward pass.

        They run later, once for each batch. They may modify neither `x` nor the
        parameters, but in training they update the state.

        Parameters
        ----------
        ws : Workspace
            The buffers of the layer. ``ws.p`` holds parameters and state, and
            ``ws.do(f, *args)`` records the operation ``f(*args)``.
        x : ndarray of shape ``(n, *in_shape)`` or SparseRows
            Where each batch is written: SparseRows only for a sparse batch and a layer
            that `takes_sparse`.

        Returns
        -------
        ndarray of shape ``(n, *out_shape)``
            y, where the operations write the output.
        """
        raise NotImplementedError(self._no_passes())

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        """Record the operations of the backward pass.

        They run after those of the forward pass. They overwrite the arrays in ``ws.g``
        with the gradients of the parameters. If ``bool(ws.g)`` is False, the layer is
        frozen: its forward pass was that of prediction, and only dx is needed. They may
        overwrite `dy`, but neither the parameters nor the input.

        Parameters
        ----------
        ws : Workspace
            The buffers, as `bind` has left them.
        dy : ndarray of shape ``(n, *out_shape)``
            Where the derivative of the loss with respect to the output is written.
        need_dx : bool
            Whether dx is needed.

        Returns
        -------
        ndarray of shape ``(n, *in_shape)`` or None
            dx, where the operations write the derivative of the loss with respect to
            the input. If it is not needed, it may be None.
        """
        raise NotImplementedError(self._no_passes())

    def _no_passes(self) -> str:
        return (
            f"{type(self).__name__} must have the methods bind and bind_backward, or "
            "forward and backward."
        )

    def forward(self, p: Params, x: Matrix, ws: Any, train: bool) -> Any:
        """Compute the output of a batch.

        Parameters
        ----------
        p : dict of ndarray
            The parameters, which must not be modified, and the state, which a training
            pass updates in place.
        x : ndarray of shape ``(n, *in_shape)``, or a CSR matrix
            The input, which must not be modified. It is a CSR matrix only for a layer
            that `takes_sparse`.
        ws : object
            What `workspace` has returned.
        train : bool
            Whether this is a training pass of a layer that is not frozen.

        Returns
        -------
        ndarray of shape ``(n, *out_shape)``
            The output y; it may be a buffer in `ws`.
        """
        ws.p, ws.train, ws.calls = p, train, Calls()
        rows = x if isinstance(x, np.ndarray) else SparseRows(x.shape, x.dtype, x)
        y = self.bind(ws, rows)
        ws.calls()
        return y.rows if isinstance(y, SparseRows) else y

    def backward(
        self, p: Params, g: Params, dy: Array, ws: Any, need_dx: bool
    ) -> Array | None:
        """Compute the gradients of the batch of the last call of `forward`.

        Parameters
        ----------
        p : dict of ndarray
            Parameters and state, which must not be modified.
        g : dict of ndarray
            The gradients of the parameters by name, to be overwritten. If ``bool(g)``
            is False, the layer is frozen: its forward pass was that of prediction, and
            only dx is needed.
        dy : ndarray of shape ``(n, *out_shape)``
            Derivative of the loss with respect to the output; may be overwritten.
        ws : object
            What `workspace` has returned. The input that `forward` has kept there must
            not be modified.
        need_dx : bool
            Whether dx is needed.

        Returns
        -------
        ndarray of shape ``(n, *in_shape)`` or None
            dx, the derivative of the loss with respect to the input. If it is not
            needed, it may be None.
        """
        ws.g, ws.calls = g, Calls()
        dx = self.bind_backward(ws, dy, need_dx)
        ws.calls()
        return dx


RESERVED = ("conv", "output")
"""Names with a special meaning in `freeze`: all convolutions, and the last layer."""


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Return the name of each layer: its own, or its type and a number from 1."""
    given = [layer.name for layer in layers if layer.name is not None]
    for name in given:
        check_name(name, given)
    names, counts = [], Counter[str]()
    for layer in layers:
        kind = type(layer).__name__.lower().removesuffix("2d")
        while layer.name is None:
            counts[kind] += 1
            if f"{kind}{counts[kind]}" not in given:
                break
        names.append(layer.name or f"{kind}{counts[kind]}")
    return names


def check_name(name: Any, all_names: Sequence[Any]) -> None:
    """Raise unless `name` is valid and no other layer has it."""
    if (
        not isinstance(name, str)
        or not name
        or name.isdigit()
        or "__" in name
        or name in RESERVED
    ):
        raise ValueError(
            "name of a layer must be a string other than 'conv' and 'output', must not "
            f"consist of digits only or contain '__', got {name!r}."
        )
    if all_names.count(name) > 1:
        raise ValueError(f"{all_names.count(name)} layers have the name {name!r}.")


class Discarded(dict[str, Array]):
    """The gradients of a frozen layer, which are never read. Its truth value is False.

    A layer that does not check for it can still write gradients into the arrays.
    """

    def __bool__(self) -> bool:
        return False


# -- binding passes through several layers --------------------------------------------

AT_ONCE = {"forward", "backward", "workspace"}
"""The methods of a layer that computes at once."""

PASSES = AT_ONCE | {"bind", "bind_backward"}
"""The methods that a subclass overrides to compute something else."""


def bind_all(
    layers: Sequence[Layer], workspaces: Sequence[Workspace], x: Any, calls: Calls
) -> Any:
    """Record the forward pass of rows `x` through the layers; return the output.

    Each workspace has ``p`` and ``train`` already.
    """
    skipped = False
    for i, (layer, ws) in enumerate(zip(layers, workspaces, strict=True)):
        ws.calls, ws.fused = calls, skipped
        if skipped:  # the layer before it has applied the activation
            skipped = False
            continue
        if isinstance(x, SparseRows) and not layer.takes_sparse:
            sparse, x = x, np.empty(x.shape, x.dtype)
            calls.do(densify, sparse, x)
        own = computes_at_once(layer)
        if i + 1 < len(layers) and declared(layer, "fuses_activation"):
            ws.f = declared(layers[i + 1], "activation_to_fuse")
            skipped = ws.f is not None
        x = _bind_at_once(layer, ws, x) if own else layer.bind(ws, x)
    return x


def bind_backward_all(
    layers: Sequence[Layer],
    workspaces: Sequence[Workspace],
    dy: Array,
    first: int,
    need_dx: bool,
    calls: Calls,
) -> Array | None:
    """Record the backward pass to layer `first`, and through it if `need_dx`.

    Each workspace has ``g`` already.
    """
    d: Any = dy
    for i in range(len(layers) - 1, first - 1, -1):
        layer, ws = layers[i], workspaces[i]
        if ws.fused:
            continue
        ws.calls, needed = calls, need_dx or i > first
        bind = _bind_backward_at_once if computes_at_once(layer) else _bind_backward
        d = bind(layer, ws, d, needed)
    return d


def adapt_all(
    layers: Sequence[Layer],
    specs: Sequence[LayerSpec],
    params: Sequence[Params],
    x: Any,
    rng: np.random.RandomState,
) -> None:
    """Adapt layers to rows `x`, from the first to the last that needs it.

    Each gets what those before it, adapted already, make of the rows.
    """
    last = max((i for i, layer in enumerate(layers) if layer.adapts), default=-1)
    for i in range(last + 1):
        layer, p = layers[i], params[i]
        if not isinstance(x, np.ndarray) and not layer.takes_sparse:
            x = x.toarray()
        if layer.adapts:
            layer.adapt(p, x, rng)
        if i < last:
            ws = layer.workspace(specs[i], x.shape[0], x.dtype, None)
            x = layer.forward(p, x, ws, train=False)


# -- layers made of layers ------------------------------------------------------------


class Composite(Layer):
    """A layer made of `layers`: what they declare, it declares."""

    layers: tuple[Layer, ...]

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether any inner layer draws random numbers."""
        return any(layer.random for layer in self.layers)

    @property
    def mixes_rows(self) -> bool:  # type: ignore[override]
        """Whether any inner layer mixes rows."""
        return any(layer.mixes_rows for layer in self.layers)

    @property
    def adapts(self) -> bool:  # type: ignore[override]
        """Whether any inner layer does."""
        return any(layer.adapts for layer in self.layers)


def join(parts: list[Mapping[str, T]]) -> dict[str, T]:
    """Join dicts into one with the number of the part in the keys, as in ``0.W``."""
    return {
        f"{i}.{name}": v for i, part in enumerate(parts) for name, v in part.items()
    }


def split(joined: dict[str, Any], n_parts: int) -> list[dict[str, Any]]:
    """Undo `join`; the parts of a `Discarded` dict are `Discarded` too."""
    parts: list[dict[str, Any]] = [type(joined)() for _ in range(n_parts)]
    for key, value in joined.items():
        i, _, name = key.partition(".")
        parts[int(i)][name] = value
    return parts


def densify(sparse: SparseRows, x: Array) -> None:
    """Write a CSR matrix into a dense array."""
    sparse.rows.toarray(out=x)


def bind_compact(x: Array, ws: Workspace) -> Array:
    """Return a batch in the layout of `batch_empty`, except that rows may have any.

    The members of a batch may be views of the same rows.

    If `x` has another layout, that it is copied is recorded: a view of a copy that is
    made now would not follow the batches.
    """
    if x.ndim < 3:
        return x
    if (x[:, 0] if x.ndim == 3 else rows_last(x)).flags.c_contiguous:
        return x
    copy = batch_empty(len(x), x.shape[1:], x.dtype)
    ws.do(np.copyto, copy, x)
    return copy


def computes_at_once(layer: Layer) -> bool:
    """Return whether the class of a layer has its own `forward` instead of `bind`."""
    return overrides(type(layer), AT_ONCE, {"bind"})


def declared(layer: Layer, name: str) -> Any:
    """Return what a class declares of its passes; None if a subclass has others."""
    for cls in type(layer).__mro__:
        if name in vars(cls):
            return getattr(layer, name)
        if vars(cls).keys() & PASSES:
            break
    return None


def _bind_at_once(layer: Layer, ws: Workspace, x: Any) -> Array:
    ws.own = layer.workspace(ws.spec, ws.n, ws.dtype, ws.training)
    ws.x, y = x, batch_empty(ws.n, ws.spec.out_shape, ws.dtype)
    ws.do(_forward, layer, ws, x, y)
    return y


def _forward(layer: Layer, ws: Workspace, x: Any, y: Array) -> None:
    rows = x.rows if isinstance(x, SparseRows) else x
    out = layer.forward(ws.p, rows, ws.own, ws.train)
    np.copyto(y, out if isinstance(out, np.ndarray) else out.toarray())


def _bind_backward(
    layer: Layer, ws: Workspace, dy: Array, need_dx: bool
) -> Array | None:
    return layer.bind_backward(ws, dy, need_dx)


def _bind_backward_at_once(
    layer: Layer, ws: Workspace, dy: Array, need_dx: bool
) -> Array | None:
    dx = np.empty_like(ws.x) if need_dx else None
    ws.do(_backward, layer, ws, dy, dx)
    return dx


def _backward(layer: Layer, ws: Workspace, dy: Array, dx: Array | None) -> None:
    out = layer.backward(ws.p, ws.g, dy, ws.own, dx is not None)
    if dx is not None:
        np.copyto(dx, out)  # type: ignore[arg-type]
