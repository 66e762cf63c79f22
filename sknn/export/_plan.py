"""What a fitted estimator computes in prediction, whatever format it is written in.

A plan lists the layers as they act in prediction, what the raw scores mean, and what
the rows are. Everything that only acts in training is gone: dropout, augmentation,
mixup, the loss itself; dropout can be kept, for formats that can be trained. A
temperature of `calibrate` is part of the output layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from .._estimators.base import BaseNetworkEstimator
from .._estimators.tables import Table
from .._estimators.targets import ClassTargets, NumberTargets, ScaledTargets
from .._network_finder import best_of
from .._sklearn import BaseSearchCV
from .._typing import Array, DType, Shape
from ..exceptions import ExportError
from ..layers import (
    Activation,
    Dense,
    DropConnect,
    Dropout,
    Ensemble,
    Layer,
    LayerSpec,
    MemberDense,
    Residual,
)
from ..layers.base import Params, split
from ..losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    GaussianNLL,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Loss,
    Quantile,
)
from ..network import Network
from ..preprocessing import TableEncoder

T = TypeVar("T")

Link: TypeAlias = Literal[
    "identity", "exp", "quantile", "gaussian", "logistic", "softmax"
]
"""The function that makes predictions of raw scores."""

LINKS: dict[Any, Link] = {
    HalfSquaredError.link: "identity",
    AbsoluteError.link: "identity",
    Huber.link: "identity",
    HalfPoissonDeviance.link: "exp",
    Quantile.link: "quantile",
    GaussianNLL.link: "gaussian",
    BinaryCrossEntropy.link: "logistic",
    CategoricalCrossEntropy.link: "softmax",
}
"""The link of each loss, also of users' losses that inherit it."""


@dataclass(frozen=True, eq=False)
class Step:
    """A layer as it acts in prediction.

    Attributes
    ----------
    layer : Layer
        The hyper-parameters.
    in_shape, out_shape : tuple of int
        Shapes of the input and the output of one row.
    arrays : dict of ndarray
        Parameters and running averages by name. W of a dense layer is multiplied by
        the factor of the neural tangent parametrization already.
    branches : tuple of tuple of Step
        The inner layers of a layer made of layers: of `Residual`, those of F and those
        of the projection, which are none where it is the identity; of `Ensemble`, those
        of each member; of `DropConnect`, the dense layer.
    """

    layer: Layer
    in_shape: Shape
    out_shape: Shape
    arrays: Params
    branches: tuple[tuple[Step, ...], ...] = ()


@dataclass(frozen=True, eq=False)
class Head:
    """From the outputs of the last layer to predictions: what all heads have.

    Attributes
    ----------
    link : str
        The function of the raw scores, see `sknn.losses`: 'identity', 'exp', 'quantile'
        (sums of softplus, along the levels of a target), 'gaussian' (pairs of a mean
        and of softplus plus `min_std`), 'logistic' or 'softmax'.
    n_members : int
        The outputs (n, n_members * n_scores) are those of the members side by side.
        The prediction is the mean of the links of the members, except for the standard
        deviations of 'gaussian', which are those of the mixture.
    n_scores : int
        Number of raw scores of a member.
    """

    link: Link
    n_members: int
    n_scores: int


@dataclass(frozen=True, eq=False)
class ClassHead(Head):
    """The head of a classifier.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, in the order of probabilities.
    kind : {'one class', 'binary', 'multiclass', 'multilabel'}
        'binary' has one score and two probabilities, ``1 - p`` and p. The class is the
        second if the score is above 0; of several members, if p is above ½. Labels are
        1 under the same condition. 'multiclass' predicts the class of the largest score
        or, of several members, of the largest probability. With 'one class' the
        probability is always 1.
    """

    classes: Array
    kind: Literal["one class", "binary", "multiclass", "multilabel"]


@dataclass(frozen=True, eq=False)
class NumberHead(Head):
    """The head of a regressor.

    After the link and the mean over members, predictions are limited to `low` and
    `high`, and then ``y * scale + center``, in float64; standard deviations are
    multiplied by `scale`.

    Attributes
    ----------
    n_levels : int
        Number of adjacent raw scores of a target: of quantiles, or 2 for 'gaussian'.
    min_std : float
        The smallest standard deviation of 'gaussian'.
    center, scale : ndarray of shape (n_targets,) or None
        The units of the targets; None if predictions are not scaled.
    low, high : ndarray of shape (n_targets,) or None
        The range of predictions before scaling; None if they are not limited.
    """

    n_levels: int
    min_std: float
    center: Array | None
    scale: Array | None
    low: Array | None
    high: Array | None


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a fitted estimator does in prediction.

    Attributes
    ----------
    dtype : dtype
        float32 or float64, in which the network computes.
    n_features : int
        Number of features that the estimator takes.
    feature_names : list of str or None
        Their names, if it was fitted on a data frame.
    image_shape : tuple of int or None
        Height, width and channels of images; rows have their pixels in this order.
    reads_bytes : bool
        Whether the rows are bytes (uint8), which the network gets as fractions of 255.
    encoder : TableEncoder or None
        Encodes the rows before the first layer.
    steps : tuple of Step
        The layers.
    head : ClassHead or NumberHead
        What becomes of the outputs of the last layer.
    """

    dtype: DType
    n_features: int
    feature_names: list[str] | None
    image_shape: tuple[int, int, int] | None
    reads_bytes: bool
    encoder: TableEncoder | None
    steps: tuple[Step, ...]
    head: ClassHead | NumberHead


def plan_of(estimator: Any, dtype: Any = None, *, keep_dropout: bool = False) -> Plan:
    """Return what a fitted estimator of sknn does in prediction.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor of sknn, or a search that has found one.
    dtype : {'float32', 'float64'} or dtype, default=None
        To compute in; by default that of the fitted network.
    keep_dropout : bool, default=False
        Whether to keep `Dropout` and `DropConnect`, which do nothing in prediction.

    Raises
    ------
    ExportError
        If it is no estimator of sknn, predicts with a method of the user's own, or its
        loss has a link of the user's own.
    """
    estimator = unwrapped(estimator)
    if not isinstance(estimator, BaseNetworkEstimator):
        raise ExportError(
            f"estimator must be an estimator of sknn, got {type(estimator).__name__}."
        )
    check_methods(estimator)
    check_is_fitted(estimator)
    network = estimator.network_.astype(checked_dtype(dtype, estimator.network_.dtype))
    input = estimator._input
    names = getattr(estimator, "feature_names_in_", None)
    return Plan(
        dtype=network.dtype,
        n_features=estimator.n_features_in_,
        feature_names=None if names is None else names.tolist(),
        image_shape=input.image_shape,
        reads_bytes=input.reads_bytes,
        encoder=input.encoder if isinstance(input, Table) else None,
        steps=steps_of(network.layers, network.specs, network.params, keep_dropout),
        head=head_of(estimator._targets, network),
    )


def unwrapped(estimator: Any) -> Any:
    """Return the best estimator of a search, or the estimator that is frozen."""
    while isinstance(estimator, (BaseSearchCV, FrozenEstimator)):
        is_frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if is_frozen else best_of(estimator)
    return estimator


def check_methods(estimator: Any) -> None:
    """Raise if a subclass of the user's own predicts in its own way."""
    for method in ("predict", "predict_proba", "decision_function"):
        for cls in type(estimator).__mro__:
            if method not in vars(cls):
                continue
            if not cls.__module__.startswith("sknn."):
                raise ExportError(
                    f"{cls.__name__} has a method {method} of its own, which cannot be "
                    "exported."
                )
            break


def checked_dtype(dtype: Any, default: DType) -> DType:
    """Return the dtype to compute in; raise if it is not float32 or float64."""
    if dtype is None:
        return default
    try:
        if np.dtype(dtype) in (np.float32, np.float64):
            return np.dtype(dtype)
    except TypeError:
        pass
    raise ValueError(f"dtype must be None, 'float32' or 'float64', got {dtype!r}.")


def steps_of(
    layers: Sequence[Layer],
    specs: Sequence[LayerSpec],
    params: Sequence[Params],
    keep_dropout: bool = False,
) -> tuple[Step, ...]:
    """Return the layers that do something in prediction, and maybe dropout."""
    triples = zip(layers, specs, params, strict=True)
    return tuple(
        step_of(layer, spec, p, keep_dropout)
        for layer, spec, p in triples
        if not is_idle(layer) or (keep_dropout and type(layer) is Dropout)
    )


def is_idle(layer: Layer) -> bool:
    """Return whether a layer passes rows unchanged in prediction."""
    return type(layer) is Dropout or layer == Activation("identity")


def step_of(
    layer: Layer, spec: LayerSpec, p: Params, keep_dropout: bool = False
) -> Step:
    """Return a layer as it acts in prediction."""
    shapes = spec.in_shape, spec.out_shape
    if type(layer) is DropConnect:
        dense = step_of(layer.dense, spec, p)
        return Step(layer, *shapes, {}, ((dense,),)) if keep_dropout else dense
    if type(layer) in (Dense, MemberDense):
        assert isinstance(layer, Dense)
        alpha = layer._alpha(spec.in_shape[-1])
        return Step(layer, *shapes, {**p, "W": p["W"] * p["W"].dtype.type(alpha)})
    if type(layer) not in (Residual, Ensemble):
        return Step(layer, *shapes, dict(p))
    inner = layer.parts(spec)
    n = len(layer.layers)  # type: ignore[attr-defined]
    params = split(p, len(inner))
    n_branches = layer.n_members if isinstance(layer, Ensemble) else 2
    starts = [n * i for i in range(n_branches)]
    branches = []
    for start in starts:
        stop = start + n
        parts = inner[start:stop]
        branches.append(
            steps_of(
                [part for part, _ in parts],
                [part_spec for _, part_spec in parts],
                params[start:stop],
                keep_dropout,
            )
        )
    return Step(layer, *shapes, {}, tuple(branches))


def head_of(targets: Any, network: Network) -> ClassHead | NumberHead:
    """Return what becomes of the outputs of the last layer."""
    members = network.members
    common = (
        link_of(targets.loss),
        1 if members is None else members.n_members,
        network.n_scores,
    )
    if isinstance(targets, ClassTargets):
        return ClassHead(*common, targets.classes, kind_of(targets))
    assert isinstance(targets, NumberTargets)
    scaled = targets if isinstance(targets, ScaledTargets) else None
    clips = scaled is not None and scaled.clip
    return NumberHead(
        *common,
        n_levels=targets.loss.scores_per_output,
        min_std=float(getattr(targets.loss, "min_std", 0.0)),
        center=None if scaled is None else scaled.center,
        scale=None if scaled is None else scaled.scale,
        low=scaled.low if scaled is not None and clips else None,
        high=scaled.high if scaled is not None and clips else None,
    )


def kind_of(
    targets: ClassTargets,
) -> Literal["one class", "binary", "multiclass", "multilabel"]:
    """Return which probabilities a classifier predicts."""
    if targets.is_multilabel:
        return "multilabel"
    if targets.has_one_class:
        return "one class"
    return "multiclass" if targets.is_multiclass else "binary"


def link_of(loss: Loss) -> Link:
    """Return the name of the link of a loss; raise if it is the user's own."""
    link = LINKS.get(type(loss).link)
    if link is None:
        raise ExportError(
            f"The loss {loss!r} has a method link of its own, which cannot be "
            "exported. Losses that inherit link from a loss of sknn can."
        )
    return link


def entry(table: Mapping[type, T], part: Any, writer: str) -> T:
    """Return what writes a part, such as a layer; raise if nothing does.

    Parameters
    ----------
    table : mapping of type to T
        What writes the parts of each class.
    part : Layer or ActivationFunction
        The part.
    writer : str
        Name of the public function, for the message.
    """
    if type(part) in table:
        return table[type(part)]
    kind = "layer" if isinstance(part, Layer) else "activation"
    reason = (
        f"which {writer} does not support"
        if type(part).__module__.startswith("sknn.")
        else f"which is not from sknn, so that {writer} does not know what it computes"
    )
    raise ExportError(f"The network has the {kind} {part!r}, {reason}.")
