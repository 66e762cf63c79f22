"""Specs: nested parameters as in scikit-learn; ranges and their error messages."""

import math
import pickle
from dataclasses import dataclass
from inspect import isabstract, signature

import numpy as np
import pytest
from sklearn.base import clone

from sknn._member_loss import MeanOverMembers
from sknn._spec import Spec, check_range
from sknn.activations import ACTIVATIONS
from sknn.augmentation import AUGMENTATIONS, Mixup
from sknn.initializers import INITIALIZERS, FanInUniform, HeNormal, RandomSigns
from sknn.layers import (
    Activation,
    AvgPool2D,
    BatchEnsembleDense,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Ensemble,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    MaxPool2D,
    MemberDense,
    Pad,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    Residual,
    Scale,
    ToImages,
    ToMembers,
)
from sknn.losses import (
    REGRESSION_LOSSES,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
)
from sknn.schedules import SCHEDULES, Cosine
from sknn.solvers import SOLVERS, Adam

TABLES = [AUGMENTATIONS, INITIALIZERS, REGRESSION_LOSSES, SCHEDULES, SOLVERS]

CASES = [
    *ACTIVATIONS.values(),
    *(cls() for table in TABLES for cls in table.values()),
    BinaryCrossEntropy(0.1),
    CategoricalCrossEntropy(0.1),
    Activation(ACTIVATIONS["relu"]),
    BatchEnsembleDense(4),
    BatchNorm(),
    Dense(3, HeNormal()),
    DropConnect(Dense(3), 0.5),
    Dropout(0.5),
    LayerNorm(),
    CategoricalEmbedding((1, 3), (4, 2)),
    Pad((1, (0, 2))),
    PeriodicEmbedding(3),
    PiecewiseLinearEmbedding(),
    Scale(),
    AvgPool2D(),
    Conv2D(4, (3, 5)),
    Flatten(),
    GlobalAvgPool2D(),
    FanInUniform(),
    MaxPool2D(3, 2),
    MeanOverMembers(BinaryCrossEntropy(), 3),
    MemberDense(4),
    Mixup(),
    PReLU(),
    ParametricActivation("selu"),
    RandomSigns(),
    ToImages((4, 4, 1)),
    ToMembers(3),
    Ensemble((Dense(3), Activation("relu")), 2),
    Residual((Dense(3), Residual((Dense(3),)))),
]
"""A spec of every class."""

all_specs = pytest.mark.parametrize("spec", CASES, ids=repr)


def leaves(cls):
    """Concrete classes of sknn derived from `cls`."""
    for sub in cls.__subclasses__():
        if sub.__module__.startswith("sknn") and not isabstract(sub):
            yield sub
        yield from leaves(sub)


def test_every_spec_has_a_case():
    assert set(leaves(Spec)) == {type(spec) for spec in CASES}


@all_specs
def test_parameters_rebuild_the_spec(spec):
    params = spec.get_params()
    assert list(params) == list(signature(type(spec)).parameters)
    for same in (type(spec)(**params), spec.replace(), spec.replace(**params)):
        assert same == spec
        assert type(same) is type(spec)


@all_specs
def test_copies_are_equal(spec):
    for same in (clone(spec), pickle.loads(pickle.dumps(spec))):
        assert same == spec
        assert hash(same) == hash(spec)
        assert repr(same) == repr(spec)


@all_specs
def test_is_immutable(spec):
    for name in [*spec.get_params(), "other"]:
        with pytest.raises(AttributeError):
            setattr(spec, name, 0.5)


@all_specs
def test_an_unknown_name_is_an_error(spec):
    known = sorted(spec.get_params())
    with pytest.raises(ValueError, match="has no parameter 'learnig_rate'") as error:
        spec.replace(learnig_rate=1)
    assert str(error.value).startswith(type(spec).__name__)
    assert str(known) in str(error.value)


def test_replace_changes_the_named_parameters():
    assert Adam().replace(beta_1=0.5) == Adam(beta_1=0.5)
    schedule = Cosine(final=0.1)
    assert schedule.replace(warmup=2) == Cosine(final=0.1, warmup=2)
    assert schedule == Cosine(final=0.1)


def test_replace_checks_ranges():
    with pytest.raises(ValueError, match="beta_1 of Adam"):
        Adam().replace(beta_1=1.0)


# -- ranges ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Number(Spec):
    value: float


CLOSED = {
    "both": ("[0, 1]", True, True),
    "left": ("[0, 1)", True, False),
    "right": ("(0, 1]", False, True),
    "neither": ("(0, 1)", False, False),
}
"""Values of `closed`: the range as text, and whether each end belongs to it."""


@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize("value", [-1, -1e-9, 0, 0.5, 1, 1 + 1e-9, math.inf, math.nan])
@pytest.mark.parametrize("number", [float, np.float32, np.float64])
def test_range(closed, value, number):
    written, low_belongs, high_belongs = CLOSED[closed]
    spec = Number(number(value))
    inside = 0 < spec.value < 1
    inside = inside or (spec.value == 0 and low_belongs)
    inside = inside or (spec.value == 1 and high_belongs)
    if inside:
        check_range(spec, "value", 0, 1, closed)
        return
    with pytest.raises(ValueError, match="value of Number") as error:
        check_range(spec, "value", 0, 1, closed)
    expected = f"value of Number must be in {written}, got {spec.value!r}."
    assert str(error.value) == expected


def test_range_without_an_end():
    check_range(Number(1e300), "value", 0, math.inf, closed="left")
    with pytest.raises(ValueError, match=r"must be in \[0, inf\), got inf\."):
        check_range(Number(math.inf), "value", 0, math.inf, closed="left")
